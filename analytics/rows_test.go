package analytics_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

func inline(t *testing.T, text string) *partnercenter.Content {
	t.Helper()
	c, err := analytics.OpenReaderAt("inline.csv", strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

type typed struct {
	partnercenter.RowMeta
	Customer string              `csv:"Customer"`
	Amount   decimal.NullDecimal `csv:"Amount"`
	Day      time.Time           `csv:"Day"`
	Active   bool                `csv:"Active"`
}

// What is masked is missing and no error; what is wrong stays one, and says so
// without the masked cells.
func TestMaskedCells(t *testing.T) {
	const text = "Customer,Amount,Day,Active\n" +
		"************,************,************,************\n" +
		"x,much,***,true\n" +
		"y,3,2026-01-02,true\n" +
		"short,***\n"
	var rows []typed
	var errs []error
	for row, err := range analytics.Rows[typed](inline(t, text), &partnercenter.RowOptions{Tolerant: true}) {
		rows, errs = append(rows, row), append(errs, err)
	}
	if len(rows) != 4 {
		t.Fatalf("rows %+v, %v", rows, errs)
	}
	if r := rows[0]; errs[0] != nil || r.Customer != "************" || r.Amount.Valid || !r.Day.IsZero() || r.Active || r.Line != 2 {
		t.Errorf("masked: %+v, %v", r, errs[0])
	}
	e, ok := errors.AsType[*partnercenter.RowError](errs[1])
	if !ok || len(e.Cells) != 1 || e.Cells[0].Column != "Amount" || !rows[1].Active {
		t.Errorf("masked and wrong: %+v, %v", rows[1], errs[1])
	}
	if errs[2] != nil || rows[2].Amount.Decimal.String() != "3" {
		t.Errorf("fine: %+v, %v", rows[2], errs[2])
	}
	if e, ok := errors.AsType[*partnercenter.RowError](errs[3]); !ok || len(e.Cells) != 2 || !strings.Contains(e.Cells[1].Error(), "2 cells") {
		t.Errorf("short: %+v, %v", rows[3], errs[3])
	}

	// By default the first error that stays is the end.
	got, err := collect(analytics.Rows[typed](inline(t, text), nil))
	if len(got) != 1 || err == nil {
		t.Errorf("%d rows, %v", len(got), err)
	}

	var report partnercenter.ColumnReport
	if err := drain(analytics.Rows[typed](inline(t, "Customer,New\nx,y\n"), &partnercenter.RowOptions{
		OnColumns: func(r partnercenter.ColumnReport) { report = r },
	})); err != nil || len(report.Missing) != 3 || len(report.Unknown) != 1 {
		t.Errorf("report %+v, %v", report, err)
	}
	err = drain(analytics.Rows[typed](inline(t, "Customer,New\nx,y\n"), &partnercenter.RowOptions{Strict: true}))
	if _, ok := errors.AsType[*partnercenter.ColumnError](err); !ok {
		t.Errorf("strict: %v", err)
	}
	for _, cell := range []string{"************", " *** ", "***"} {
		if !analytics.Masked(cell) {
			t.Errorf("%q is not masked", cell)
		}
	}
	for _, cell := range []string{"**", "", "   ", "a***", "*** ***"} {
		if analytics.Masked(cell) {
			t.Errorf("%q is masked", cell)
		}
	}
}

// dataset has a column of every type.
var dataset = query.Dataset{
	Name: "Example",
	Columns: []query.Column{
		{Name: "OfferName", Type: query.TypeString},
		{Name: "UsageDate", Type: query.TypeDate},
		{Name: "LastModified", Type: query.TypeDateTime},
		{Name: "IsPrivate", Type: query.TypeFlag},
		{Name: "IsTrial", Type: query.TypeBoolean},
		{Name: "IsNew", Type: query.TypeYesNo},
		{Name: "Quantity", Type: query.TypeInteger},
		{Name: "Untyped"},
	},
	Metrics: []query.Column{{Name: "RawUsage", Type: query.TypeDecimal}},
}

func TestRecordsHaveTheTypesOfTheDataset(t *testing.T) {
	const text = "offername,UsageDate,LastModified,IsPrivate,IsTrial,IsNew,Quantity,Untyped,RawUsage,Extra\n" +
		"Contoso,2026-01-14,2026-01-14T05:06:07Z,1,False,Yes,3,7,12345678901234567.10,x\n" +
		"************,,,0,True,no,************,,0.1,\n"
	rows, err := collect(analytics.Records(inline(t, text), dataset, nil))
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	type cell struct {
		Name  string
		Value any
	}
	var got [][]cell
	for _, r := range rows {
		var cells []cell
		for name, v := range r.All() {
			cells = append(cells, cell{name, v})
		}
		got = append(got, cells)
	}
	day := time.Date(2026, 1, 14, 0, 0, 0, 0, time.UTC)
	want := [][]cell{
		{
			{"offername", "Contoso"}, {"UsageDate", day}, {"LastModified", day.Add(5*time.Hour + 6*time.Minute + 7*time.Second)},
			{"IsPrivate", true}, {"IsTrial", false}, {"IsNew", true}, {"Quantity", int64(3)}, {"Untyped", "7"},
			{"RawUsage", decimal.RequireFromString("12345678901234567.10")}, {"Extra", "x"},
		},
		{
			{"offername", nil}, {"UsageDate", nil}, {"LastModified", nil}, {"IsPrivate", false}, {"IsTrial", true}, {"IsNew", false},
			{"Quantity", nil}, {"Untyped", nil}, {"RawUsage", decimal.RequireFromString("0.1")}, {"Extra", nil},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b decimal.Decimal) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	r := rows[0]
	if v := r.Value("OFFER NAME"); v != "Contoso" {
		t.Errorf("Value is %v", v)
	}
	if text, ok := rows[1].Text("OfferName"); !ok || text != "************" {
		t.Errorf("Text is %q", text)
	}
	if _, ok := r.Text("Nope"); ok || r.Value("Nope") != nil {
		t.Error("a column that is not there has a cell")
	}
	if r.Len() != 10 || len(r.Columns()) != 10 || r.Columns()[0] != "offername" || r.File != "inline.csv" || r.Line != 2 || r.Misfits() != nil {
		t.Errorf("row %+v", r)
	}
	var none analytics.Record
	if _, ok := none.Text("x"); ok || none.Len() != 0 || none.Columns() != nil {
		t.Error("the zero record is not empty")
	}
	for range r.All() {
		break
	}
}

// Types are a guess as far as the service is concerned: a wrong one loses nothing.
func TestCellsThatDoNotFitAreText(t *testing.T) {
	rows, err := collect(analytics.Records(inline(t, "Quantity,RawUsage,UsageDate,IsTrial\n1.5,many,01/02/2026,maybe\n"), dataset, nil))
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	for name, want := range map[string]string{"Quantity": "1.5", "RawUsage": "many", "UsageDate": "01/02/2026", "IsTrial": "maybe"} {
		if got := rows[0].Value(name); got != want {
			t.Errorf("%s is %v", name, got)
		}
	}
	misfits := rows[0].Misfits()
	if len(misfits) != 4 || misfits[0].Column != "Quantity" || misfits[0].Line != 2 || misfits[0].File != "inline.csv" || misfits[0].Err == nil {
		t.Errorf("misfits %v", misfits)
	}
}

func TestRecordOptions(t *testing.T) {
	const odd = "OfferName,,OfferName,\nx,1,y,2\nlong,1,2,3,4\nz,3,w,4\n"
	rows, err := collect(analytics.Records(inline(t, odd), query.Dataset{}, nil))
	if len(rows) != 1 || err == nil {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if got := []any{rows[0].At(0), rows[0].At(1), rows[0].At(2), rows[0].At(3)}; !cmp.Equal(got, []any{"x", "1", "y", "2"}) {
		t.Errorf("cells of columns with one name: %v", got)
	}
	var good, bad int
	for r, err := range analytics.Records(inline(t, odd), query.Dataset{}, &partnercenter.RowOptions{Tolerant: true}) {
		if err != nil {
			bad++
			if e, ok := errors.AsType[*partnercenter.RowError](err); !ok || len(e.Record) != 5 || r.At(0) != "long" {
				t.Errorf("%+v, %v", r, err)
			}
			continue
		}
		good++
	}
	if good != 2 || bad != 1 {
		t.Errorf("%d good rows, %d bad", good, bad)
	}

	var report partnercenter.ColumnReport
	opts := &partnercenter.RowOptions{Strict: true, OnColumns: func(r partnercenter.ColumnReport) { report = r }}
	for name, text := range map[string]string{"with rows": "OfferName,New\nx,y\n", "header only": "OfferName,New\n"} {
		rows, err := collect(analytics.Records(inline(t, text), dataset, opts))
		if _, ok := errors.AsType[*partnercenter.ColumnError](err); !ok || len(rows) != 0 || !cmp.Equal(report.Unknown, []string{"New"}) || len(report.Missing) != 0 {
			t.Errorf("%s: %v, %v, report %+v", name, rows, err, report)
		}
	}
	if rows, err := collect(analytics.Records(inline(t, "OfferName,RawUsage\n"), dataset, opts)); err != nil || len(rows) != 0 {
		t.Errorf("header only: %v, %v", rows, err)
	}
	if rows, err := collect(analytics.Records(inline(t, ""), dataset, nil)); err != nil || len(rows) != 0 {
		t.Errorf("no bytes: %v, %v", rows, err)
	}
	if err := drain(analytics.Records(nil, dataset, nil)); err == nil {
		t.Error("no content is no error")
	}
	for _, err := range analytics.Records(inline(t, "a\n1\n2\n"), dataset, nil) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if rows, err := collect(analytics.Records(inline(t, "a\n\"x\n"), dataset, nil)); err == nil {
		t.Errorf("a missing quote: %v", rows)
	}
}

// A report is the caller's, who may for example sort it to compare it.
func TestColumnReportsOfRecordsCanBeChanged(t *testing.T) {
	rows, err := collect(analytics.Records(inline(t, "UsageDate,OfferName\nd,x\n"), query.Dataset{}, &partnercenter.RowOptions{
		OnColumns: func(r partnercenter.ColumnReport) { slices.Sort(r.Columns) },
	}))
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	for name, v := range rows[0].All() {
		if v != rows[0].Value(name) {
			t.Errorf("%s is %v and %v", name, v, rows[0].Value(name))
		}
	}
}

// The generated row types read what the service writes.
func TestGeneratedRows(t *testing.T) {
	rows, err := collect(analytics.Rows[analytics.ISVUsageRow](inline(t, "OfferName,UsageDate,RawUsage,New\n\"Contoso Backup, Pro\",2026-01-14,12.5,n\n************,,************,\n"), nil))
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	if r := rows[0]; r.OfferName != "Contoso Backup, Pro" || !r.UsageDate.Equal(time.Date(2026, 1, 14, 0, 0, 0, 0, time.UTC)) || r.RawUsage.Decimal.String() != "12.5" || r.Extra["New"] != "n" {
		t.Errorf("row %+v", r)
	}
	if r := rows[1]; r.RawUsage.Valid {
		t.Errorf("masked: %+v", r)
	}
}
