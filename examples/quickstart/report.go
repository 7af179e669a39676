package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/payouts"
)

// report adds up what the files hold.
type report struct {
	earnings payouts.Totals
	payments payouts.PaymentTotals
	kinds    []payouts.Kind
	rows     int
}

// read reads a downloaded export.
func (r *report) read(kind payouts.Kind, path string) error {
	content, err := payouts.OpenFile(path)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }() // it has been read to its end by then
	r.kinds = append(r.kinds, kind)
	if kind == payouts.Payments {
		for row, err := range payouts.PaymentRows(content, nil) {
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			r.payments.Add(row)
			r.rows++
		}
		return nil
	}
	for row, err := range payouts.EarningRows(content, &partnercenter.RowOptions{}) {
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := r.earnings.Add(row); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		r.rows++
	}
	return nil
}

func (r *report) print(w io.Writer) {
	if slices.Contains(r.kinds, payouts.Earnings) {
		r.printEarnings(w)
	}
	if slices.Contains(r.kinds, payouts.Payments) {
		r.printPayments(w)
	}
	if len(r.kinds) > 1 {
		r.printMatches(w)
	}
}

func (r *report) printEarnings(w io.Writer) {
	totals, grand := r.earnings.All(), r.earnings.Grand()
	most := decimal.Zero
	amounts, dollars := make([]decimal.Decimal, 0, len(totals)), make([]decimal.Decimal, 0, len(totals))
	for _, t := range slices.Concat(totals, grand) {
		amounts, dollars = append(amounts, t.Amount), append(dollars, t.AmountUSD)
	}
	for _, t := range totals {
		most = decimal.Max(most, t.AmountUSD.Abs())
	}
	amount, usd := aligned(amounts), aligned(dollars)

	fmt.Fprintln(w, "\nEarnings, each counted once")
	table := newTable(w)
	fmt.Fprintln(table, "PROGRAM\tMONTH\t\tAMOUNT\tIN USD\tEARNINGS\t")
	program := ""
	for _, t := range totals {
		name := t.Program
		if name == program {
			name = ""
		}
		program = t.Program
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%8d\t%s\n", name, t.Month, t.Currency, amount(t.Amount), usd(t.AmountUSD), t.Earnings, meter(t.AmountUSD, most))
	}
	for _, t := range grand {
		fmt.Fprintf(table, "TOTAL\t\t%s\t%s\t%s\t%8d\t\n", t.Currency, amount(t.Amount), usd(t.AmountUSD), t.Earnings)
	}
	flush(table)
}

func (r *report) printPayments(w io.Writer) {
	totals := r.payments.All()
	amounts := make([]decimal.Decimal, len(totals))
	for i, t := range totals {
		amounts[i] = t.Amount
	}
	amount := aligned(amounts)

	fmt.Fprintln(w, "\nPayments")
	table := newTable(w)
	fmt.Fprintln(table, "PROGRAM\tSTATUS\t\tPAID\tPAYMENTS")
	for _, t := range totals {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%8d\n", t.Program, t.Status, t.Currency, amount(t.Amount), t.Payments)
	}
	flush(table)
}

// aligned returns a function that writes the amounts of a column exactly, with as
// many decimals as the longest of them and the points one below the other.
func aligned(column []decimal.Decimal) func(decimal.Decimal) string {
	var places int32
	for _, d := range column {
		places = max(places, -d.Exponent())
	}
	width := 0
	for _, d := range column {
		width = max(width, len(d.StringFixed(places)))
	}
	return func(d decimal.Decimal) string { return fmt.Sprintf("%*s", width, d.StringFixed(places)) }
}

// printMatches shows which payment paid which earnings.
func (r *report) printMatches(w io.Writer) {
	fmt.Fprintln(w, "\nWhich payment paid what")
	table := newTable(w)
	fmt.Fprintln(table, "PAYMENT\tDATE\tPROGRAM\tPAID\tFOR EARNINGS OF")
	for _, m := range payouts.MatchPayments(&r.earnings, &r.payments) {
		id, date, program, paid := m.PaymentID, "", "", "not in the payments export"
		if id == "" {
			id, paid = "(none)", "not paid yet"
		}
		if len(m.Payments) > 0 {
			var parts []string
			for _, p := range m.Payments {
				parts = append(parts, p.Amount.String()+" "+p.Currency)
				program = p.Program
				if !p.Date.IsZero() {
					date = p.Date.Format("2006-01-02")
				}
			}
			paid = strings.Join(parts, ", ")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", id, date, program, paid, earned(m.Earnings))
	}
	flush(table)
}

func earned(totals []payouts.Total) string {
	if len(totals) == 0 {
		return "another period"
	}
	parts := make([]string, len(totals))
	for i, t := range totals {
		parts[i] = t.Amount.String() + " " + t.Currency
	}
	return strings.Join(parts, ", ")
}

// meter draws an amount in proportion to the largest one, half a cell exact.
func meter(amount, most decimal.Decimal) string {
	if most.IsZero() {
		return ""
	}
	const cells = 16
	halves := amount.Abs().Mul(decimal.NewFromInt(2 * cells)).Div(most).Round(0).IntPart()
	bar := strings.Repeat("█", int(halves/2)) + strings.Repeat("▌", int(halves%2))
	if amount.IsNegative() {
		bar = "-" + bar
	}
	return bar
}

func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 8, 2, ' ', 0) }

func flush(t *tabwriter.Writer) { _ = t.Flush() }
