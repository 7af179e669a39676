package payouts

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
)

const (
	guidA = "7f6c0f3e-0b1a-4c55-8d6e-aa0102030405"
	guidB = "7f6c0f3e-0b1a-4c55-8d6e-aa0102030406"
)

func earned(id, program, date, currency, amountText, usd string) EarningRow {
	row := EarningRow{EarningID: id, ProgramName: program, TransactionCurrency: currency}
	if date != "" {
		var err error
		if row.EarningDate, err = time.Parse(time.DateOnly, date); err != nil {
			panic(err)
		}
	}
	if amountText != "" {
		row.EarningAmount = amount(amountText)
	}
	if usd != "" {
		row.EarningAmountUSD = amount(usd)
	}
	return row
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func add(t *testing.T, sums *Totals, rows ...EarningRow) {
	t.Helper()
	for _, row := range rows {
		if err := sums.Add(row); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTotalsCountEachEarningOnce(t *testing.T) {
	var sums Totals
	add(t, &sums,
		earned(guidA, "P", "2024-01-31", "EUR", "10.10", "11"),
		earned(strings.ToUpper(guidA), " P ", "2024-01-05", "EUR ", "10.1", "11.00"), // the same
		earned(guidB, "P", "2024-01-01", "EUR", "0.20", "0.22"),
		earned("free text", "P", "2024-02-01", "EUR", "-5", "-5.5"),
		earned("free text", "P", "2024-02-01", "EUR", "-5", "-5.5"), // the same
		earned("Free text", "P", "2024-02-01", "EUR", "1", "1.1"),
		earned("u", "P", "2024-01-31", "USD", "3", ""),
		earned("q", "Q", "2024-01-31", "EUR", "", "7"),
		earned("r", "Q", "", "EUR", "4", "4"),
	)
	want := []Total{
		{Program: "P", Month: "2024-01", Currency: "EUR", Amount: dec("10.30"), AmountUSD: dec("11.22"), Earnings: 2, Repeats: 1},
		{Program: "P", Month: "2024-01", Currency: "USD", Amount: dec("3"), Earnings: 1, WithoutAmountUSD: 1},
		{Program: "P", Month: "2024-02", Currency: "EUR", Amount: dec("-4"), AmountUSD: dec("-4.4"), Earnings: 2, Repeats: 1},
		{Program: "Q", Month: "", Currency: "EUR", Amount: dec("4"), AmountUSD: dec("4"), Earnings: 1},
		{Program: "Q", Month: "2024-01", Currency: "EUR", AmountUSD: dec("7"), Earnings: 1, WithoutAmount: 1},
	}
	if diff := cmp.Diff(want, sums.All()); diff != "" {
		t.Errorf("All (-want +got):\n%s", diff)
	}
	wantGrand := []Total{
		{Currency: "EUR", Amount: dec("10.3"), AmountUSD: dec("17.82"), Earnings: 6, Repeats: 2, WithoutAmount: 1},
		{Currency: "USD", Amount: dec("3"), Earnings: 1, WithoutAmountUSD: 1},
	}
	if diff := cmp.Diff(wantGrand, sums.Grand()); diff != "" {
		t.Errorf("Grand (-want +got):\n%s", diff)
	}
}

func TestTotalsOfNothing(t *testing.T) {
	var sums Totals
	var payments PaymentTotals
	if len(sums.All())+len(sums.Grand())+len(payments.All())+len(payments.Payments()) != 0 {
		t.Error("there are totals")
	}
	if m := MatchPayments(nil, nil); len(m) != 0 {
		t.Errorf("there are matches: %v", m)
	}
}

func TestRowsWithoutIDCountEach(t *testing.T) {
	var sums Totals
	row := earned(" ", "P", "2024-01-31", "EUR", "1", "1")
	add(t, &sums, row, row, row)
	want := []Total{{Program: "P", Month: "2024-01", Currency: "EUR", Amount: dec("3"), AmountUSD: dec("3"), Earnings: 3, WithoutID: 3}}
	if diff := cmp.Diff(want, sums.All()); diff != "" {
		t.Errorf("All (-want +got):\n%s", diff)
	}
}

// The month is that in UTC, whatever zone the time is in.
func TestTheMonthIsUTC(t *testing.T) {
	row := earned("x", "P", "", "EUR", "1", "1")
	row.EarningDate = day(1, 31).Add(23 * time.Hour).In(time.FixedZone("", 5*3600))
	var sums Totals
	add(t, &sums, row)
	if month := sums.All()[0].Month; month != "2024-01" {
		t.Errorf("month %s", month)
	}
}

func TestContradictionsAreReportedAndNotCounted(t *testing.T) {
	first := earned(guidA, "P", "2024-01-31", "EUR", "10.00", "11")
	first.RowMeta = partnercenter.RowMeta{File: "a.csv", Line: 7}
	for name, change := range map[string]func(*EarningRow){
		"amount":                func(r *EarningRow) { r.EarningAmount = amount("10.01") },
		"amount in USD":         func(r *EarningRow) { r.EarningAmountUSD = amount("12") },
		"no amount":             func(r *EarningRow) { r.EarningAmount = decimal.NullDecimal{} },
		"currency":              func(r *EarningRow) { r.TransactionCurrency = "USD" },
		"program":               func(r *EarningRow) { r.ProgramName = "Q" },
		"month":                 func(r *EarningRow) { r.EarningDate = day(2, 1) },
		"amount of many digits": func(r *EarningRow) { r.EarningAmount = amount("10.0000000000000000000000000001") },
	} {
		t.Run(name, func(t *testing.T) {
			var sums Totals
			add(t, &sums, first)
			before := sums.All()
			other := first
			other.RowMeta = partnercenter.RowMeta{File: "b.csv", Line: 99}
			change(&other)
			err := sums.Add(other)
			e, ok := errors.AsType[*EarningConflictError](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			want := EarningConflictError{
				EarningID: guidA,
				First:     EarningValue{"a.csv", 7, "P", "2024-01", "EUR", amount("10"), amount("11")},
				Other: EarningValue{
					"b.csv", 99, other.ProgramName, monthText(monthOf(other.EarningDate)), other.TransactionCurrency,
					other.EarningAmount, other.EarningAmountUSD,
				},
			}
			if diff := cmp.Diff(want, *e); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, sums.All()); diff != "" {
				t.Errorf("the sums have changed (-before +after):\n%s", diff)
			}
			add(t, &sums, first)
			if got := sums.All()[0]; got.Earnings != 1 || got.Repeats != 1 {
				t.Errorf("after going on: %+v", got)
			}
		})
	}
}

func TestTheTextOfAContradiction(t *testing.T) {
	var sums Totals
	add(t, &sums, earned("E-1", "P", "2024-01-31", "EUR", "10.00", "11"))
	other := earned("E-1", "P", "2024-01-31", "EUR", "", "11")
	other.File, other.Line = "b.csv", 3
	got := fmt.Sprint(sums.Add(other))
	want := `earning E-1 is not the same on two rows: a row says 10 in "EUR", 11 in USD, for "P" in "2024-01"; ` +
		`b.csv:3 says no amount in "EUR", 11 in USD, for "P" in "2024-01"`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Amounts that do not fit the compact form must be kept elsewhere, not cut.
func TestUnusualAmountsAreExact(t *testing.T) {
	for _, text := range []string{"123456789012345678901234567890.5", "-0.0000000000000000000000000001", "1e-200", "1e99", "999999999999999999", "9999999999999999999", "-99999999999999999999", "-999999999999999999e-128"} {
		row := earned("x", "P", "2024-01-31", "EUR", text, "1")
		var sums Totals
		add(t, &sums, row, row)
		if got := sums.All()[0]; !got.Amount.Equal(dec(text)) || got.Earnings != 1 || got.Repeats != 1 {
			t.Errorf("%s: %+v", text, got)
		}
		row.EarningAmount = decimal.NewNullDecimal(dec(text).Add(dec("1e-210")))
		if err := sums.Add(row); err == nil {
			t.Errorf("%s: a tiny difference was not noticed", text)
		}
		row.EarningAmount, row.PaymentID = amount(text), "1"
		add(t, &sums, row) // takes it out of one sum and puts it into another
		if got := sums.All()[0]; !got.Amount.Equal(dec(text)) || got.Earnings != 1 {
			t.Errorf("%s with a payment: %+v", text, got)
		}
	}
}

// Whatever the order and however often rows repeat, the sums are those of the
// distinct rows.
func TestTotalsDoNotDependOnTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
	var distinct, rows []EarningRow
	for i := range 500 {
		row := earned(fmt.Sprintf("E-%d", i), fmt.Sprintf("P%d", i%3), fmt.Sprintf("2024-%02d-15", i%12+1), []string{"EUR", "JPY"}[i%2],
			decimal.New(r.Int64N(2e9)-1e9, -r.Int32N(6)).String(), "1")
		distinct = append(distinct, row)
		for range 1 + r.IntN(3) {
			rows = append(rows, row)
		}
	}
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	var want, got Totals
	add(t, &want, distinct...)
	add(t, &got, rows...)
	if diff := cmp.Diff(want.All(), got.All(), cmpopts.IgnoreFields(Total{}, "Repeats")); diff != "" {
		t.Errorf("All (-distinct +shuffled):\n%s", diff)
	}
	plain := map[string]decimal.Decimal{}
	repeats := 0
	for _, row := range distinct {
		plain[row.TransactionCurrency] = plain[row.TransactionCurrency].Add(row.EarningAmount.Decimal)
	}
	for _, total := range got.Grand() {
		if !total.Amount.Equal(plain[total.Currency]) {
			t.Errorf("%s: %s, want %s", total.Currency, total.Amount, plain[total.Currency])
		}
		repeats += total.Repeats
	}
	if repeats != len(rows)-len(distinct) {
		t.Errorf("%d repeats, want %d", repeats, len(rows)-len(distinct))
	}
}

func TestTotalsKeepLittlePerEarning(t *testing.T) {
	const n = 100_000
	var before, after runtime.MemStats
	var sums Totals
	row := earned("", "P", "2024-01-31", "EUR", "10.25", "11")
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range n {
		row.EarningID = fmt.Sprintf("7f6c0f3e-0b1a-4c55-8d6e-%012x", i)
		row.File = "export.csv"
		row.Line = i
		add(t, &sums, row)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	perEarning := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n //nolint:gosec // far below the limit
	t.Logf("%d bytes per earning", perEarning)
	if perEarning > 150 {
		t.Errorf("%d bytes per earning", perEarning)
	}
	if got := sums.All()[0].Earnings; got != n {
		t.Errorf("%d earnings", got)
	}
}

func paid(id, program, currency, status, total, date string) PaymentRow {
	row := PaymentRow{PaymentID: id, ProgramName: program, CurrencyCode: currency, PaymentStatus: status}
	if total != "" {
		row.TotalPayment = amount(total)
	}
	if date != "" {
		var err error
		if row.PaymentDate, err = time.Parse(time.DateOnly, date); err != nil {
			panic(err)
		}
	}
	return row
}

func TestPaymentTotals(t *testing.T) {
	var sums PaymentTotals
	for _, row := range []PaymentRow{
		paid("1", "P", "EUR", "Sent", "10.5", "2024-03-15"),
		paid("1", "P", "EUR", "Sent", "1", "2024-03-14"),
		paid("1", "Q", "EUR", "Sent", "2", ""),
		paid("2", "P", "EUR", "Sent", "", ""),
		paid("3", "P", "EUR", "Reversed", "4", ""),
		paid("", "P", "EUR", "Sent", "100", ""),
		paid("4", "P", "USD", "Sent", "8", ""),
	} {
		sums.Add(row)
	}
	want := []PaymentTotal{
		{Program: "P", Currency: "EUR", Status: "Reversed", Amount: dec("4"), Payments: 1, Rows: 1},
		{Program: "P", Currency: "EUR", Status: "Sent", Amount: dec("111.5"), Payments: 2, Rows: 4, WithoutID: 1, WithoutAmount: 1},
		{Program: "P", Currency: "USD", Status: "Sent", Amount: dec("8"), Payments: 1, Rows: 1},
		{Program: "Q", Currency: "EUR", Status: "Sent", Amount: dec("2"), Payments: 1, Rows: 1},
	}
	if diff := cmp.Diff(want, sums.All()); diff != "" {
		t.Errorf("All (-want +got):\n%s", diff)
	}
	wantPayments := []Payment{
		{Program: "P", Currency: "EUR", Status: "Sent", Amount: dec("100"), Rows: 1},
		{ID: "1", Program: "P", Currency: "EUR", Status: "Sent", Date: day(3, 15), Amount: dec("11.5"), Rows: 2},
		{ID: "1", Program: "Q", Currency: "EUR", Status: "Sent", Amount: dec("2"), Rows: 1},
		{ID: "2", Program: "P", Currency: "EUR", Status: "Sent", Rows: 1, WithoutAmount: 1},
		{ID: "3", Program: "P", Currency: "EUR", Status: "Reversed", Amount: dec("4"), Rows: 1},
		{ID: "4", Program: "P", Currency: "USD", Status: "Sent", Amount: dec("8"), Rows: 1},
	}
	if diff := cmp.Diff(wantPayments, sums.Payments()); diff != "" {
		t.Errorf("Payments (-want +got):\n%s", diff)
	}
}

func TestMatchPayments(t *testing.T) {
	in := func(id string, row EarningRow) EarningRow {
		row.PaymentID = id
		return row
	}
	a := earned("a", "P", "2024-01-31", "EUR", "10", "11")
	b := earned("b", "P", "2024-02-28", "EUR", "20", "22")
	var earnings Totals
	add(t, &earnings,
		a, a, b, in("1", a), in("1", b), // not paid in the first export, paid in the second
		a, // an older row again changes nothing
		in("1", earned("c", "Q", "2024-01-31", "USD", "5", "5")),    // another program and currency
		in("9", earned("d", "P", "2024-01-31", "EUR", "1.25", "1")), // the payment is not there
		earned("e", "P", "2024-01-31", "EUR", "3", "3"),             // not paid
		in("1", earned("f", "P", "2024-01-31", "EUR", "7", "7")),
		in("2", earned("f", "P", "2024-01-31", "EUR", "7", "7")), // paid again under another id
	)
	var payments PaymentTotals
	payments.Add(paid("1", "P", "EUR", "Sent", "35", "2024-03-15"))
	payments.Add(paid("2", "P", "EUR", "Sent", "7", ""))
	payments.Add(paid("7", "P", "EUR", "Sent", "8", ""))
	payments.Add(paid("", "P", "EUR", "Upcoming", "9", ""))
	got := MatchPayments(&earnings, &payments)
	want := []PaymentMatch{
		{
			PaymentID: "1",
			Payments:  []Payment{{ID: "1", Program: "P", Currency: "EUR", Status: "Sent", Date: day(3, 15), Amount: dec("35"), Rows: 1}},
			Earnings: []Total{
				{Currency: "EUR", Amount: dec("30"), AmountUSD: dec("33"), Earnings: 2, Repeats: 3},
				{Currency: "USD", Amount: dec("5"), AmountUSD: dec("5"), Earnings: 1},
			},
		},
		{
			PaymentID: "2",
			Payments:  []Payment{{ID: "2", Program: "P", Currency: "EUR", Status: "Sent", Amount: dec("7"), Rows: 1}},
			Earnings:  []Total{{Currency: "EUR", Amount: dec("7"), AmountUSD: dec("7"), Earnings: 1, Repeats: 1}},
		},
		{PaymentID: "7", Payments: []Payment{{ID: "7", Program: "P", Currency: "EUR", Status: "Sent", Amount: dec("8"), Rows: 1}}},
		{PaymentID: "9", Earnings: []Total{{Currency: "EUR", Amount: dec("1.25"), AmountUSD: dec("1"), Earnings: 1}}},
		{
			Payments: []Payment{{Program: "P", Currency: "EUR", Status: "Upcoming", Amount: dec("9"), Rows: 1}},
			Earnings: []Total{{Currency: "EUR", Amount: dec("3"), AmountUSD: dec("3"), Earnings: 1}},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Total{}, "Repeats")); diff != "" {
		t.Errorf("matches (-want +got):\n%s", diff)
	}
	// Going over to a payment must leave the other sums as they were.
	wantAll := []Total{
		{Program: "P", Month: "2024-01", Currency: "EUR", Amount: dec("21.25"), AmountUSD: dec("22"), Earnings: 4, Repeats: 4},
		{Program: "P", Month: "2024-02", Currency: "EUR", Amount: dec("20"), AmountUSD: dec("22"), Earnings: 1, Repeats: 1},
		{Program: "Q", Month: "2024-01", Currency: "USD", Amount: dec("5"), AmountUSD: dec("5"), Earnings: 1},
	}
	if diff := cmp.Diff(wantAll, earnings.All()); diff != "" {
		t.Errorf("All (-want +got):\n%s", diff)
	}
}

func TestMatchPaymentsForgetsWhereEarningsWereBefore(t *testing.T) {
	row := earned("a", "P", "2024-01-31", "EUR", "10", "11")
	var earnings Totals
	add(t, &earnings, row, row)
	row.PaymentID = "1"
	add(t, &earnings, row)
	want := []PaymentMatch{{PaymentID: "1", Earnings: []Total{{Currency: "EUR", Amount: dec("10"), AmountUSD: dec("11"), Earnings: 1, Repeats: 1}}}}
	if diff := cmp.Diff(want, MatchPayments(&earnings, nil)); diff != "" {
		t.Errorf("matches (-want +got):\n%s", diff)
	}
	add(t, &earnings, row) // once more, where it is by now
	want[0].Earnings[0].Repeats = 2
	if diff := cmp.Diff(want, MatchPayments(&earnings, nil)); diff != "" {
		t.Errorf("matches after another repetition (-want +got):\n%s", diff)
	}
	if all := earnings.All(); len(all) != 1 || !all[0].Amount.Equal(dec("10")) || all[0].Earnings != 1 {
		t.Errorf("the sums are %+v", all)
	}
}
