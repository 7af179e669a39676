package tabular

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
)

// sale is a row type with one field of every kind.
type sale struct {
	partnercenter.RowMeta

	ID     string              `csv:"saleId"`
	Amount decimal.NullDecimal `csv:"amount"`
	Rate   decimal.Decimal     `csv:"rate,omitempty"`
	Day    time.Time           `csv:"sale day"`
	Open   *bool               `csv:"is_open"`
	Count  int                 `csv:"count,omitempty"`
	Share  float64             `csv:",omitempty"`
}

func num(s string) decimal.NullDecimal {
	return decimal.NewNullDecimal(decimal.RequireFromString(s))
}

func at(line int) partnercenter.RowMeta {
	return partnercenter.RowMeta{File: "export", Line: line}
}

const saleHeader = "saleId,amount,rate,sale day,is_open,count,Share\n"

func TestRowsAreTyped(t *testing.T) {
	got, err := collect[sale](text(t, saleHeader+
		"a,10.00,0.05,2024-01-31T00:00:00.000Z,True,3,0.5\n"+
		"\"b, \"\"quoted\"\"\nand long\",-1e3,,,,,\n"+
		"c,,,2024-01-31,FALSE,,\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2024, 1, 31, 0, 0, 0, 0, time.UTC)
	want := []sale{
		{RowMeta: at(2), ID: "a", Amount: num("10.00"), Rate: decimal.RequireFromString("0.05"), Day: day, Open: new(true), Count: 3, Share: 0.5},
		{RowMeta: at(3), ID: "b, \"quoted\"\nand long", Amount: num("-1000")},
		{RowMeta: at(5), ID: "c", Day: day, Open: new(false)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// pair is a row type without anything special.
type pair struct {
	A string `csv:"colA"`
	B string `csv:"colB"`
}

func TestFilesMayBeWrittenInManyWays(t *testing.T) {
	want := []pair{{"1", "x, y"}, {"2", ""}}
	for name, file := range map[string]string{
		"plain":                      "colA,colB\n1,\"x, y\"\n2,\n",
		"no line end at the end":     "colA,colB\n1,\"x, y\"\n2,",
		"CRLF":                       "colA,colB\r\n1,\"x, y\"\r\n2,\r\n",
		"mark":                       utf8Mark + "colA,colB\n1,\"x, y\"\n2,\n",
		"mark and quotes":            utf8Mark + "\"colA\",\"colB\"\n\"1\",\"x, y\"\n\"2\",\"\"\n",
		"another case":               "COLA,colb\n1,\"x, y\"\n2,\n",
		"blanks and underscores":     "Col A,COL_B \n1,\"x, y\"\n2,\n",
		"another order":              "colB,colA\n\"x, y\",1\n,2\n",
		"blank lines":                "\n\r\ncolA,colB\n\n1,\"x, y\"\n\n\n2,\n\n\n",
		"tabs":                       "colA\tcolB\n1\tx, y\n2\t\n",
		"tabs and CRLF":              "colA\tcolB\r\n1\tx, y\r\n\r\n2\t",
		"tabs and quotes":            "\"colA\"\t\"colB\"\n\"1\"\t\"x, y\"\n\"2\"\t\"\"\n",
		"tabs behind a long comment": "made, by, some, tool, with, commas\ncolA\tcolB\n1\tx, y\n2\t\n",
		"lines before the header":    "Report\nmade on,2024-01-01\n\ncolA,colB\n1,\"x, y\"\n2,\n",
		"a hint for a spreadsheet":   "sep=,\ncolA,colB\n1,\"x, y\"\n2,\n",
		"a quote before the header":  "The \"report\nof today\ncolA,colB\n1,\"x, y\"\n2,\n",
		"header again":               "colA,colB\n1,\"x, y\"\ncolA,colB\ncolA,colB\n2,\n",
		"more columns":               "zero,colA,one,colB,\n0,1,1,\"x, y\",\n0,2,1,,\n",
		"column twice":               "colA,cola,colB\n1,9,\"x, y\"\n2,9,\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := collect[pair](text(t, file), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryFileHasItsOwnHeader(t *testing.T) {
	data := zipped(t,
		"2022-03_24", "saleId,amount\na,1\n",
		"2022-03_25", "saleId,amount\n",
		"2022-03_26", "",
		"2022-04_27", "x\n\namount\tsaleId\tnew\n2\tb\tn\n")
	var reports []partnercenter.ColumnReport
	got, err := collect[sale](open(t, data), &partnercenter.RowOptions{OnColumns: func(r partnercenter.ColumnReport) {
		reports = append(reports, r)
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []sale{
		{RowMeta: partnercenter.RowMeta{File: "2022-03_24", Line: 2}, ID: "a", Amount: num("1")},
		{RowMeta: partnercenter.RowMeta{File: "2022-04_27", Line: 4, Extra: map[string]string{"new": "n"}}, ID: "b", Amount: num("2")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	rest := []string{"rate", "sale day", "is_open", "count", "Share"}
	all := append([]string{"saleId", "amount"}, rest...)
	wantReports := []partnercenter.ColumnReport{
		{File: "2022-03_24", Columns: []string{"saleId", "amount"}, Missing: rest},
		{File: "2022-03_25", Columns: []string{"saleId", "amount"}, Missing: rest},
		{File: "2022-03_26", Missing: all},
		{File: "2022-04_27", Columns: []string{"amount", "saleId", "new"}, Missing: rest, Unknown: []string{"new"}, SkippedLines: 2},
	}
	if diff := cmp.Diff(wantReports, reports); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

// Files that have been appended to each other may each begin with a byte order mark.
func TestRepeatedHeadersAreSkipped(t *testing.T) {
	const once = "colA,colB\n1,2\n"
	for _, again := range []string{once, utf8Mark + once} {
		got, err := collect[pair](text(t, utf8Mark+once+again), nil)
		if diff := cmp.Diff([]pair{{"1", "2"}, {"1", "2"}}, got); err != nil || diff != "" {
			t.Errorf("%q: rows (-want +got):\n%s%v", again, diff, err)
		}
	}
}

// A report is the caller's, who may for example sort it to compare it.
func TestColumnReportsCanBeChanged(t *testing.T) {
	got, err := collect[pair](text(t, "colB,colA\n2,1\ncolB,colA\n4,3\n"), &partnercenter.RowOptions{
		OnColumns: func(r partnercenter.ColumnReport) { slices.Sort(r.Columns) },
	})
	if diff := cmp.Diff([]pair{{"1", "2"}, {"3", "4"}}, got); err != nil || diff != "" {
		t.Errorf("rows (-want +got):\n%s%v", diff, err)
	}
}

func TestUnknownColumnsAreKept(t *testing.T) {
	type row struct {
		partnercenter.RowMeta

		A string `csv:"a"`
	}
	var report partnercenter.ColumnReport
	got, err := collect[row](text(t, "x,a,x,A,,x,,#5\n1,2,3,4,5,6,7,8\n"),
		&partnercenter.RowOptions{OnColumns: func(r partnercenter.ColumnReport) { report = r }})
	if err != nil {
		t.Fatal(err)
	}
	extra := map[string]string{"x": "1", "x#2": "3", "A": "4", "#5": "5", "x#3": "6", "#7": "7", "#5#2": "8"}
	if diff := cmp.Diff([]row{{partnercenter.RowMeta{File: "export", Line: 2, Extra: extra}, "2"}}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	want := partnercenter.ColumnReport{
		File: "export", Columns: []string{"x", "a", "x", "A", "", "x", "", "#5"},
		Unknown: []string{"x", "", "", "#5"}, Repeated: []string{"x", "A", "x"},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestStrictInsistsOnTheColumns(t *testing.T) {
	for _, c := range []struct{ name, file, says string }{
		{"missing", "colA\n1\n", "missing colB"},
		{"unknown", "colA,colB,new\n1,2,3\n", "unknown new"},
		{"repeated", "colA,colB,colA\n1,2,3\n", "repeated colA"},
		{"none", "", "missing colA, colB"},
		{"others", "x,y\n1,2\n", "missing colA, colB; unknown x, y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			reported := 0
			rows, err := collect[pair](text(t, c.file), &partnercenter.RowOptions{
				Strict: true, OnColumns: func(partnercenter.ColumnReport) { reported++ },
			})
			e, ok := errors.AsType[*partnercenter.ColumnError](err)
			if !ok || !strings.Contains(err.Error(), c.says) || len(rows) != 0 || reported != 1 {
				t.Fatalf("%d rows, %d reports, error %v", len(rows), reported, err)
			}
			if e.Report.File != "export" {
				t.Errorf("report of %q", e.Report.File)
			}
		})
	}
	rows, err := collect[pair](text(t, "col b,COLA\n1,2\n"), &partnercenter.RowOptions{Strict: true})
	if diff := cmp.Diff([]pair{{"2", "1"}}, rows); err != nil || diff != "" {
		t.Errorf("error %v, rows (-want +got):\n%s", err, diff)
	}
}

const badSales = saleHeader + // line 1
	"a,1,,,,,\n" + // line 2
	"\"b\nb\",\"x\ny\",0.1,1/2/2024,True,4,\n" + // lines 3 to 5
	"c,3,,2024-01-31,maybe,many,0.5\n" + // line 6
	"d,4,,,,,\n"

func TestABadCellEndsTheReading(t *testing.T) {
	var got []sale
	var last error
	for row, err := range Rows[sale](text(t, badSales), nil) {
		if last != nil {
			t.Fatal("more is yielded after the error")
		}
		got, last = append(got, row), err
	}
	if diff := cmp.Diff([]string{"a", "b\nb"}, []string{got[0].ID, got[1].ID}); diff != "" || len(got) != 2 {
		t.Errorf("%d rows, ids (-want +got):\n%s", len(got), diff)
	}
	e, ok := errors.AsType[*partnercenter.RowError](last)
	if !ok {
		t.Fatalf("error %v, want a *RowError", last)
	}
	want := &partnercenter.RowError{
		File: "export", Line: 3,
		Cells: []partnercenter.CellError{
			{File: "export", Line: 4, Column: "amount", Text: "x\ny", Err: errNumber},
			{File: "export", Line: 5, Column: "sale day", Text: "1/2/2024", Err: errSlashes},
		},
		Record: map[string]string{"saleId": "b\nb", "amount": "x\ny", "rate": "0.1", "sale day": "1/2/2024", "is_open": "True", "count": "4", "Share": ""},
	}
	if diff := cmp.Diff(want, e, cmp.Comparer(func(a, b error) bool { return a.Error() == b.Error() })); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	cell, ok := errors.AsType[*partnercenter.CellError](last)
	if !ok || cell.Column != "amount" {
		t.Errorf("cell %+v in %v", cell, last)
	}
	if want := `export:4: column amount: "x\ny": is not a number`; !strings.HasPrefix(last.Error(), want) {
		t.Errorf("error text %q, want it to begin with %q", last, want)
	}
}

func TestTolerantReadingGoesOnAndKeepsTheOtherCells(t *testing.T) {
	type result struct {
		Row sale
		Bad map[string]string
	}
	var got []result
	for row, err := range Rows[sale](text(t, badSales), &partnercenter.RowOptions{Tolerant: true}) {
		r := result{Row: row}
		if err != nil {
			e, ok := errors.AsType[*partnercenter.RowError](err)
			if !ok {
				t.Fatal(err)
			}
			r.Bad = map[string]string{}
			for _, c := range e.Cells {
				r.Bad[c.Column] = c.Text
			}
		}
		got = append(got, r)
	}
	want := []result{
		{Row: sale{RowMeta: at(2), ID: "a", Amount: num("1")}},
		{
			Row: sale{RowMeta: at(3), ID: "b\nb", Rate: decimal.RequireFromString("0.1"), Open: new(true), Count: 4},
			Bad: map[string]string{"amount": "x\ny", "sale day": "1/2/2024"},
		},
		{
			Row: sale{RowMeta: at(6), ID: "c", Amount: num("3"), Day: time.Date(2024, 1, 31, 0, 0, 0, 0, time.UTC), Share: 0.5},
			Bad: map[string]string{"is_open": "maybe", "count": "many"},
		},
		{Row: sale{RowMeta: at(7), ID: "d", Amount: num("4")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestRowsOfAnotherLengthAreBadRows(t *testing.T) {
	type row struct {
		partnercenter.RowMeta

		A string          `csv:"a"`
		B decimal.Decimal `csv:"b"`
		C string          `csv:"c"`
	}
	const file = "a,b,c,d\n" + "1,2\n" + "1,2,3,4,5,6\n" + "1\n" + "x,y\n" + "1,2,3,4\n"
	type result struct {
		A, B, C string
		Cells   []string
		Record  map[string]string
	}
	for name, file := range map[string]string{"commas": file, "tabs": strings.ReplaceAll(file, ",", "\t")} {
		t.Run(name, func(t *testing.T) {
			var got []result
			for row, err := range Rows[row](text(t, file), &partnercenter.RowOptions{Tolerant: true}) {
				r := result{A: row.A, B: row.B.String(), C: row.C}
				if e, ok := errors.AsType[*partnercenter.RowError](err); ok {
					for _, c := range e.Cells {
						r.Cells = append(r.Cells, fmt.Sprintf("%d %s=%q: %v", c.Line, c.Column, c.Text, c.Err))
					}
					r.Record = e.Record
				} else if err != nil {
					t.Fatal(err)
				}
				got = append(got, r)
			}
			want := []result{
				{"1", "2", "", []string{`2 c="": the row has 2 cells, the header has 4`}, map[string]string{"a": "1", "b": "2"}},
				{
					"1", "2", "3", []string{`3 #5="5": the row has 6 cells, the header has 4`, `3 #6="6": has no column in the header`},
					map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "#5": "5", "#6": "6"},
				},
				{"1", "0", "", []string{`4 b="": the row has 1 cells, the header has 4`}, map[string]string{"a": "1"}},
				{
					"x", "0", "", []string{`5 b="y": ` + errNumber.Error(), `5 c="": the row has 2 cells, the header has 4`},
					map[string]string{"a": "x", "b": "y"},
				},
				{"1", "2", "3", nil, nil},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if rows, err := collect[pair](text(t, "colA,colB\n1,2\n3\n4,5\n"), nil); err == nil || len(rows) != 1 {
				t.Errorf("by default: %d rows, error %v", len(rows), err)
			}
		})
	}
}

// half sets itself and fails.
type half struct{ s string }

func (h *half) UnmarshalText(b []byte) error {
	h.s = string(b)
	if h.s == "bad" {
		return errors.New("half done")
	}
	return nil
}

type small uint8

func TestFieldsOfBadCellsAreZeroWhateverTheirType(t *testing.T) {
	type inner struct {
		X int8 `csv:"x"`
	}
	type row struct {
		inner

		P *int    `csv:"p"`
		H half    `csv:"h"`
		G *half   `csv:"g"`
		S small   `csv:"s"`
		F float32 `csv:"f"`
		I any     `csv:"i"`
		B []byte  `csv:"b"`
		T string  `csv:"t"`
	}
	const header = "x,p,h,g,s,f,i,b,t\n"
	ignore := cmp.AllowUnexported(row{}, inner{}, half{})
	var got []row
	var says []string
	for row, err := range Rows[row](text(t, header+"300,q,bad,bad,-1,z,7,%,ok\n1,2,ok,ok,3,4,7,aGk=,ok\n"), &partnercenter.RowOptions{Tolerant: true}) {
		got = append(got, row)
		if e, ok := errors.AsType[*partnercenter.RowError](err); ok {
			for _, c := range e.Cells {
				says = append(says, c.Column+": "+c.Err.Error())
			}
		}
	}
	want := []row{
		{I: "7", T: "ok"},
		{inner: inner{1}, P: new(2), H: half{"ok"}, G: &half{"ok"}, S: 3, F: 4, I: "7", B: []byte("hi"), T: "ok"},
	}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	wantSays := []string{
		"x: does not fit Go's int8", "p: does not fit Go's int", "h: half done", "g: half done",
		"s: does not fit Go's tabular.small", "f: does not fit Go's float32", "b: illegal base64 data at input byte 0",
	}
	if diff := cmp.Diff(wantSays, says); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestRowsCanBePointers(t *testing.T) {
	var got []*sale
	for row, err := range Rows[*sale](text(t, "saleId,amount\na,1\nb,x\nc,3\n"), &partnercenter.RowOptions{Tolerant: true}) {
		if (err != nil) != (row.ID == "b") {
			t.Errorf("row %s: error %v", row.ID, err)
		}
		got = append(got, row)
	}
	want := []*sale{{RowMeta: at(2), ID: "a", Amount: num("1")}, {RowMeta: at(3), ID: "b"}, {RowMeta: at(4), ID: "c", Amount: num("3")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for row, err := range Rows[*struct {
		N int `csv:"n"`
	}](text(t, "n\nx\n"), nil) {
		if row == nil || err == nil {
			t.Errorf("row %v, error %v: want a row without anything, and an error", row, err)
		}
	}
}

func TestRowMetaMayBeEmbeddedDeeper(t *testing.T) {
	type Base struct {
		Note string `csv:"note"`
		partnercenter.RowMeta
	}
	type row struct {
		Base

		A string `csv:"a"`
	}
	got, err := collect[row](text(t, "a,b\n1,2\n"), nil)
	if err != nil || len(got) != 1 || got[0].Line != 2 || got[0].Extra["b"] != "2" {
		t.Errorf("rows %+v, error %v", got, err)
	}
}

// In a file with one column the name of the column may well be a value.
func TestAValueMayBeTheNameOfItsColumn(t *testing.T) {
	got, err := collect[struct {
		Kind string `csv:"kind"`
	}](text(t, "kind\nkind\nother\n"), nil)
	if err != nil || len(got) != 2 {
		t.Errorf("rows %v, error %v, want both", got, err)
	}
}

// A type without columns of its own gets everything in Extra.
func TestRowsWithoutFields(t *testing.T) {
	type row struct{ partnercenter.RowMeta }
	got, err := collect[row](text(t, "\na,b\n1,2\n"), nil)
	want := []row{{partnercenter.RowMeta{File: "export", Line: 3, Extra: map[string]string{"a": "1", "b": "2"}}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, rows (-want +got):\n%s", err, diff)
	}
}

func TestRowTypesThatCannotBeRead(t *testing.T) {
	check := func(name string, err error, says string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want one that says %q", name, err, says)
		}
	}
	_, err := collect[string](text(t, "a\n1\n"), nil)
	check("string", err, "use a struct")
	_, err = collect[[]pair](text(t, "a\n1\n"), nil)
	check("slice", err, "use a struct")
	_, err = collect[**pair](text(t, "a\n1\n"), nil)
	check("pointer to pointer", err, "use a struct")
	_, err = collect[struct {
		C chan int `csv:"c"`
	}](text(t, "c\n1\n"), nil)
	check("channel", err, "export: csvutil: unsupported type: chan int")
	_, err = collect[pair](nil, nil)
	check("nil content", err, "nil")
}

func TestFilesThatAreNoTables(t *testing.T) {
	for _, c := range []struct {
		name, file, says string
		cause            error
	}{
		{"no known column", "x,y\n1,2\n", "export: no header found: none of the first 20 lines names a column of the row type (colA, colB ...)", nil},
		{"error document", "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error>\n<Code>AuthenticationFailed</Code></Error>", "export: no header found", nil},
		{"header too late", strings.Repeat("x\n", 20) + "colA,colB\n1,2\n", "export: no header found", nil},
		{"UTF-16 without mark", "c\x00o\x00l\x00A\x00\n\x00", "export: the header holds NUL bytes", nil},
		{"carriage returns only", "colA,colB\r1,2\r3,4\r", "export: the header holds carriage returns", nil},
		{"bare quote", "colA,colB\n1,2\n3,a\"b\n4,5\n", "export:3: bare \" in non-quoted-field (at byte 4)", csv.ErrBareQuote},
		{"bare quote behind lines", "x\n\ncolA,colB\n1,2\n3,a\"b\n", "export:5: bare", csv.ErrBareQuote},
		{"text behind a quote", "colA,colB\n1,\"a\"b\n", "export:2: extraneous", csv.ErrQuote},
		{"quote in a later line", "colA,colB\n1,\"a\nb\"c\n", "(noticed at byte 2 of line 3)", csv.ErrQuote},
		{"missing quote", "colA,colB\n1,2\n3,\"4\n5,6\n7,8\n", "export:3: extraneous or missing", csv.ErrQuote},
		{"missing quote, tabs", "colA\tcolB\n1\t2\n3\t4\t\"5\n6\t7\n", "export:3: extraneous or missing", csv.ErrQuote},
		{"missing quote in the header", "\"colA,colB\n1,2\n", "export: no header found", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := collect[pair](text(t, c.file), &partnercenter.RowOptions{Tolerant: true})
			if err == nil || !strings.Contains(err.Error(), c.says) || c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("%d rows, error %v, want one that says %q", len(rows), err, c.says)
			}
			if _, ok := errors.AsType[*partnercenter.RowError](err); ok {
				t.Error("the error looks as if reading could go on")
			}
		})
	}
}

func TestRowsThatAreTooLong(t *testing.T) {
	long := strings.Repeat("y", 200)
	for _, comma := range []string{",", "\t"} {
		file := strings.ReplaceAll("colA,colB\n1,2\n", ",", comma)
		for _, c := range []struct {
			name, file string
			line       int
		}{
			{"one line", file + "3" + comma + long + "\n", 3},
			{"over lines", file + "3" + comma + "\"" + strings.Repeat("yyyyyyyyy\n", 20) + "\"\n", 3},
			{"header", "colA" + comma + "colB" + comma + long + "\n1" + comma + "2" + comma + "3\n", 1},
		} {
			t.Run(fmt.Sprintf("%q, %s", comma, c.name), func(t *testing.T) {
				_, err := collect[pair](text(t, c.file), &partnercenter.RowOptions{MaxRowBytes: 200})
				says := []string{fmt.Sprintf("export:%d: ", c.line), "longer than 200 bytes"}
				for _, s := range says {
					if err == nil || !strings.Contains(err.Error(), s) {
						t.Errorf("error %v, want one that says %q", err, s)
					}
				}
				for _, limit := range []int{0, 1000, -1} {
					if _, err := collect[pair](text(t, c.file), &partnercenter.RowOptions{MaxRowBytes: limit, Tolerant: true}); err != nil {
						t.Errorf("limit %d: %v", limit, err)
					}
				}
			})
		}
		t.Run(fmt.Sprintf("%q, exactly", comma), func(t *testing.T) {
			row := "3" + comma + long + "\n"
			for _, c := range []struct {
				limit int
				fits  bool
			}{{len(row), true}, {len(row) - 1, false}} {
				_, err := collect[pair](text(t, file+row), &partnercenter.RowOptions{MaxRowBytes: c.limit})
				if (err == nil) != c.fits {
					t.Errorf("limit %d: error %v", c.limit, err)
				}
			}
		})
	}
}

// endless is an unclosed quote that never ends.
type endless struct {
	head  io.Reader
	given int64
}

func (e *endless) Read(p []byte) (int, error) {
	n, err := e.head.Read(p)
	if err == io.EOF {
		for n = range p {
			p[n] = 'x'
		}
		n, err = len(p), nil
	}
	e.given += int64(n)
	return n, err
}

func TestADamagedQuoteDoesNotFillTheMemory(t *testing.T) {
	for _, file := range []string{"colA,colB\n1,2\n3,\"", "colA\tcolB\n1\t2\n3\t4\t\"", "colA\tcolB\n"} {
		e := &endless{head: strings.NewReader(file)}
		c, err := OpenStream("export", e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := collect[pair](c, nil); err == nil || !strings.Contains(err.Error(), "the row is longer than 1048576 bytes") {
			t.Errorf("%q: error %v", file, err)
		}
		if limit := int64(4 << 20); e.given > limit {
			t.Errorf("%q: %d bytes were read, want at most %d", file, e.given, limit)
		}
	}
}

func TestReadErrorsNameTheFile(t *testing.T) {
	broken := errors.New("broken line")
	for _, size := range []int{3, 100, 40_000} {
		for _, comma := range []string{",", "\t"} {
			for _, tail := range []string{"3", "3,4", "3,\"4", "3,4\"", "3,\"4\n5", "3,\"4\n5,6\n"} {
				file := strings.ReplaceAll("colA,colB\n"+strings.Repeat("1,2\n", size)+tail, ",", comma)
				c, err := OpenStream("export", io.MultiReader(strings.NewReader(file), iotest.ErrReader(broken)))
				if err != nil {
					t.Fatal(err)
				}
				rows, err := collect[pair](c, nil)
				if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "export: ") {
					t.Errorf("%d rows, then %q: error %v", size, tail, err)
				}
				if len(rows) > size {
					t.Errorf("%d rows and %q: %d were read", size, tail, len(rows))
				}
			}
		}
	}
}

func TestAWrongChecksumIsNoticedAtTheEnd(t *testing.T) {
	data := gzipped(t, "", "colA,colB\n"+strings.Repeat("1,2\n", 100_000))
	data[len(data)-5] ^= 0xff
	rows, err := collect[pair](open(t, data), nil)
	if err == nil || len(rows) == 0 {
		t.Errorf("%d rows, error %v", len(rows), err)
	}
}

func TestLoopsMayEndAnyTime(t *testing.T) {
	data := zipped(t, "a", "colA,colB\n1,2\n3,4\n", "b", "colA,colB\n5,6\n")
	c := open(t, data)
	for _, err := range Rows[pair](c, nil) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	n := 0
	for _, err := range Rows[pair](c, nil) {
		n++
		if !errors.Is(err, errRead) {
			t.Errorf("second time: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d items the second time", n)
	}
	func() {
		defer func() {
			if r := recover(); r != "mine" {
				t.Errorf("recovered %v", r)
			}
		}()
		for _, err := range Rows[pair](open(t, data), nil) {
			if err != nil {
				t.Error(err)
			}
			panic("mine")
		}
	}()
	func() {
		defer func() {
			if r := recover(); r != "mine" {
				t.Errorf("recovered %v", r)
			}
		}()
		for row, err := range Rows[pair](open(t, data), &partnercenter.RowOptions{OnColumns: func(partnercenter.ColumnReport) { panic("mine") }}) {
			t.Errorf("before the report: %v, %v", row, err)
		}
	}()
}

func TestAnEntryErrorEndsTheRows(t *testing.T) {
	rows, err := collect[pair](open(t, zipped(t, "a", "colA,colB\n1,2\n", "b", "\xff\xfea\x00")), &partnercenter.RowOptions{Tolerant: true})
	if len(rows) != 1 || err == nil || !strings.Contains(err.Error(), "entry b: is UTF-16") {
		t.Errorf("%d rows, error %v", len(rows), err)
	}
}

// The strings of a row must not change when the next one is read.
func TestRowsCanBeKept(t *testing.T) {
	for _, comma := range []string{",", "\t"} {
		var file bytes.Buffer
		file.WriteString("colA" + comma + "colB\n")
		for i := range 10_000 {
			fmt.Fprintf(&file, "%d%s\"b \"\"%d\"\"\"\n", i, comma, i)
		}
		rows, err := collect[pair](open(t, file.Bytes()), nil)
		if err != nil || len(rows) != 10_000 {
			t.Fatalf("%d rows, error %v", len(rows), err)
		}
		for i, row := range rows {
			if want := (pair{fmt.Sprint(i), fmt.Sprintf("b \"%d\"", i)}); row != want {
				t.Fatalf("row %d is %v, want %v", i, row, want)
			}
		}
	}
}

func TestDefaultsOfOptions(t *testing.T) {
	o := rowOptions(nil)
	if o.MaxRowBytes != 1<<20 || o.Strict || o.Tolerant {
		t.Errorf("options %+v", o)
	}
	c := text(t, "a\n")
	s := resolve(nil)
	s.limits = func() partnercenter.ContentLimits { return c.Limits }
	m, ok := (&meter{settings: s}).measure(nil).(*metered)
	if !ok || m.ratio != 200 || m.bytes != 256<<30 || s.free != 64<<20 {
		t.Errorf("limits %+v, free %d", m, s.free)
	}
}
