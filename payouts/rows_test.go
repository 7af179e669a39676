package payouts

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
)

const (
	earningsHeader = "earningId,participantId,programName,transactionCurrency,earningRate,earningType,earningAmount,earningAmountUSD," +
		"earningDate,calculationDate,paymentId,paymentStatus,isPrivateOffer,Program Code,Maturity month\n"
	paymentsHeader = "participantID,participantName,programName,earned,totalPayment,currencyCode,paymentMethod,paymentID,paymentStatus,paymentDate\n"
)

// content opens a text as if it had been downloaded.
func content(t testing.TB, text string) *partnercenter.Content {
	t.Helper()
	c, err := OpenReaderAt("export.csv", strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func amount(s string) decimal.NullDecimal {
	return decimal.NewNullDecimal(decimal.RequireFromString(s))
}

func day(month time.Month, day int) time.Time {
	return time.Date(2024, month, day, 0, 0, 0, 0, time.UTC)
}

func TestEarningRowsAreTyped(t *testing.T) {
	const file = earningsHeader +
		"E-1,1000001,Example Program,EUR,5%,Rebate,-10.05,,2024-01-31T00:00:00.000Z,2024-02-10T01:02:03.004Z,000011112222,Sent,True,EX-1,March 2024\n"
	var got []EarningRow
	for row, err := range EarningRows(content(t, file), nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row)
	}
	want := []EarningRow{{
		RowMeta:   partnercenter.RowMeta{File: "export.csv", Line: 2},
		EarningID: "E-1", ParticipantID: "1000001", ProgramName: "Example Program", TransactionCurrency: "EUR",
		EarningRate: "5%", EarningType: "Rebate", EarningAmount: amount("-10.05"), EarningDate: day(1, 31),
		CalculationDate: time.Date(2024, 2, 10, 1, 2, 3, 4e6, time.UTC), PaymentID: "000011112222", PaymentStatus: "Sent",
		IsPrivateOffer: new(true), ProgramCode: "EX-1", MaturityMonth: "March 2024",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestPaymentRowsAreTyped(t *testing.T) {
	const older = paymentsHeader + "1000001,\"Example, Ltd.\",Example Program,10.00,11.90,EUR,Electronic bank transfer,000011112222,Sent,2024-03-15\n"
	const newer = "CIReferenceNumber\tearnedCurrencyCode\tpaymentCurrencyCode\ttotalPayment\n" + "CI-7\tUSD\tJPY\t1200\n"
	for _, c := range []struct {
		name, file string
		want       PaymentRow
		currency   string
	}{
		{"older columns", older, PaymentRow{
			RowMeta:       partnercenter.RowMeta{File: "export.csv", Line: 2},
			ParticipantID: "1000001", ParticipantName: "Example, Ltd.", ProgramName: "Example Program", Earned: amount("10"), TotalPayment: amount("11.90"),
			CurrencyCode: "EUR", PaymentMethod: "Electronic bank transfer", PaymentID: "000011112222", PaymentStatus: "Sent", PaymentDate: day(3, 15),
		}, "EUR"},
		{"newer columns", newer, PaymentRow{
			RowMeta:           partnercenter.RowMeta{File: "export.csv", Line: 2},
			CIReferenceNumber: "CI-7", EarnedCurrencyCode: "USD", PaymentCurrencyCode: "JPY", TotalPayment: amount("1200"),
		}, "JPY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			for row, err := range PaymentRows(content(t, c.file), nil) {
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, row); diff != "" {
					t.Errorf("row (-want +got):\n%s", diff)
				}
				if row.Currency() != c.currency {
					t.Errorf("currency %q, want %q", row.Currency(), c.currency)
				}
				n++
			}
			if n != 1 {
				t.Errorf("%d rows", n)
			}
		})
	}
}

// Every column gets a value of its own, and every field must come out with it: two
// fields that share a column, or one without, would show.
func TestEveryFieldHasItsColumn(t *testing.T) {
	check := func(t *testing.T, typ reflect.Type, row func(header, cells string) reflect.Value) {
		t.Helper()
		var columns, cells []string
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Anonymous {
				continue
			}
			column := f.Tag.Get("csv")
			if column == "" || strings.Contains(column, ",") {
				t.Errorf("%s has the tag %q", f.Name, column)
			}
			columns = append(columns, column)
			switch f.Type {
			case reflect.TypeFor[decimal.NullDecimal]():
				cells = append(cells, fmt.Sprintf("%d.25", i))
			case reflect.TypeFor[time.Time]():
				cells = append(cells, day(1, i).Format(time.DateOnly))
			case reflect.TypeFor[*bool]():
				cells = append(cells, "True")
			case reflect.TypeFor[string]():
				cells = append(cells, "text of "+column)
			default:
				t.Fatalf("%s has the type %v", f.Name, f.Type)
			}
		}
		v := row(strings.Join(columns, ","), strings.Join(cells, ","))
		n := 0
		for i := range typ.NumField() {
			if typ.Field(i).Anonymous {
				continue
			}
			var got string
			switch x := v.Field(i).Interface().(type) {
			case decimal.NullDecimal:
				got = x.Decimal.String()
			case time.Time:
				got = x.Format(time.DateOnly)
			case *bool:
				got = map[bool]string{true: "True"}[x != nil && *x]
			case string:
				got = x
			}
			if got != cells[n] {
				t.Errorf("%s is %q, want %q", typ.Field(i).Name, got, cells[n])
			}
			n++
		}
	}
	t.Run("EarningRow", func(t *testing.T) {
		check(t, reflect.TypeFor[EarningRow](), func(header, cells string) reflect.Value {
			for row, err := range EarningRows(content(t, header+"\n"+cells+"\n"), &partnercenter.RowOptions{Strict: true}) {
				if err != nil {
					t.Fatal(err)
				}
				return reflect.ValueOf(row)
			}
			t.Fatal("no row")
			return reflect.Value{}
		})
	})
	t.Run("PaymentRow", func(t *testing.T) {
		check(t, reflect.TypeFor[PaymentRow](), func(header, cells string) reflect.Value {
			for row, err := range PaymentRows(content(t, header+"\n"+cells+"\n"), &partnercenter.RowOptions{Strict: true}) {
				if err != nil {
					t.Fatal(err)
				}
				return reflect.ValueOf(row)
			}
			t.Fatal("no row")
			return reflect.Value{}
		})
	})
}

// The columns that the specification lists must all have a field.
func TestEveryDocumentedColumnHasAField(t *testing.T) {
	dir := os.Getenv("PARTNERCENTER_SPEC")
	if dir == "" {
		t.Skip("set PARTNERCENTER_SPEC to the folder of the specification to compare the columns with it")
	}
	b, err := os.ReadFile(filepath.Join(dir, "payouts.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(b), "### 7.4 ")
	earnings, payments, ok2 := strings.Cut(text, "### 7.5 ")
	payments, _, ok3 := strings.Cut(payments, "### 7.6 ")
	if !ok || !ok2 || !ok3 {
		t.Fatal("the specification has other sections than it had")
	}
	name := `[A-Za-z]+`
	listOf := regexp.MustCompile(`(?:` + name + `,\s*){5,}` + name)
	rows := regexp.MustCompile(`(?m)^\| ([A-Za-z, ]+) \| (?:string|decimal|timestamp|date|bool|integer)`)
	collect := func(text string) []string {
		var names []string
		for _, m := range rows.FindAllStringSubmatch(text, -1) {
			names = append(names, regexp.MustCompile(`, *`).Split(m[1], -1)...)
		}
		for _, m := range listOf.FindAllString(text, -1) {
			names = append(names, regexp.MustCompile(`,\s*`).Split(m, -1)...)
		}
		return names
	}
	earningNames := append(collect(earnings), "revenueClassification", "categoryId")
	if len(earningNames) < 150 {
		t.Fatalf("only %d names of earnings columns were found", len(earningNames))
	}
	paymentNames := append(collect(payments), "CIReferenceNumber", "earnedCurrencyCode", "paymentCurrencyCode")
	if len(paymentNames) < 19 {
		t.Fatalf("only %d names of payments columns were found", len(paymentNames))
	}
	var report partnercenter.ColumnReport
	opts := &partnercenter.RowOptions{OnColumns: func(r partnercenter.ColumnReport) { report = r }}
	for _, err := range EarningRows(content(t, strings.Join(earningNames, ",")+"\n"), opts) {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string(nil), report.Unknown); diff != "" {
		t.Errorf("earnings columns without field:\n%s", diff)
	}
	if diff := cmp.Diff([]string(nil), report.Missing); diff != "" {
		t.Errorf("fields without documented earnings column:\n%s", diff)
	}
	for _, err := range PaymentRows(content(t, strings.Join(paymentNames, ",")+"\n"), opts) {
		t.Fatal(err)
	}
	if report.Unknown != nil || report.Missing != nil {
		t.Errorf("payments: without field %v, without column %v", report.Unknown, report.Missing)
	}
}

func TestBadEarningCellsNameTheirPlace(t *testing.T) {
	file := strings.ReplaceAll(earningsHeader+"E-1,,,,,,\"1,000.00\",x,01/02/2024,,,,maybe,,\n", "\n", "\r\n")
	for row, err := range EarningRows(content(t, file), nil) {
		e, ok := errors.AsType[*partnercenter.RowError](err)
		if !ok {
			t.Fatalf("error %v", err)
		}
		var columns []string
		for _, c := range e.Cells {
			columns = append(columns, c.Column)
		}
		if diff := cmp.Diff([]string{"earningAmount", "earningAmountUSD", "earningDate", "isPrivateOffer"}, columns); diff != "" {
			t.Errorf("bad cells (-want +got):\n%s", diff)
		}
		if row.EarningID != "E-1" {
			t.Errorf("earning %q beside the error", row.EarningID)
		}
		if want := `export.csv:2: column earningAmount: "1,000.00": has a comma`; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %q, want it to begin with %q", err, want)
		}
	}
}

func TestRate(t *testing.T) {
	for text, want := range map[string]string{"5%": "0.05", "\t2.5 %": "0.025", "0": "0", "0.00": "0", "-3%": "-0.03", "100%": "1"} {
		row := EarningRow{EarningRate: text}
		if got, err := row.Rate(); err != nil || !got.Equal(decimal.RequireFromString(want)) {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
	for text, says := range map[string]string{
		"0.05": "whether it is a fraction or a percentage", "5": "whether it is", "": "is empty", "%": "is empty", "five %": "is not a number",
	} {
		row := EarningRow{EarningRate: text}
		if got, err := row.Rate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, error %v, want one that says %q", text, got, err, says)
		}
	}
}

func TestOpenFileReadsWhatWasDownloaded(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"2024-01_1", "2024-02_2"} {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, earningsHeader+"E-"+name+strings.Repeat(",", 14)+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "misleading.txt")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for row, err := range EarningRows(c, nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row.File+" "+row.EarningID)
	}
	if diff := cmp.Diff([]string{"2024-01_1 E-2024-01_1", "2024-02_2 E-2024-02_2"}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenFileClosesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	if err := os.WriteFile(path, []byte("earningId\nE-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range c.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Name != "x.csv" {
			t.Errorf("the entry's name is %q", e.Name)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(e); !errors.Is(err, os.ErrClosed) {
			t.Errorf("reading goes on after Close: %v", err)
		}
	}
}

func TestOpenFileSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenFile(filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := OpenFile(dir); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("folder: %v", err)
	}
	cut := filepath.Join(dir, "cut.zip")
	if err := os.WriteFile(cut, []byte("PK\x03\x04 and no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(cut); err == nil || !strings.Contains(err.Error(), "cut.zip: damaged or cut zip archive") {
		t.Errorf("cut archive: %v", err)
	}
}
