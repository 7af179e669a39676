package payouts

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// PaymentTotals adds up payments exactly, by program, currency and status, and
// remembers each for [MatchPayments]. Unlike earnings payments do not repeat:
// every row counts, and rows with the same paymentID are parts of one payment.
//
// The status is part of it because a payment that has failed or was reversed has
// its row too. The zero value is ready for use. A PaymentTotals is not safe for
// concurrent use.
//
// See https://learn.microsoft.com/en-us/partner-center/earnings-payments.
type PaymentTotals struct {
	payments map[paymentGroup]*Payment
}

// Payment is a payment, or that part of it that one program, currency and status
// have in it.
type Payment struct {
	// ID is the paymentID; empty for rows that have none.
	ID string
	// Program is the programName.
	Program string
	// Currency is that of Amount; see [PaymentRow.Currency].
	Currency string
	// Status is the paymentStatus.
	Status string
	// Date is the latest paymentDate; zero if there is none.
	Date time.Time
	// Amount is the sum of totalPayment.
	Amount decimal.Decimal
	// Rows is the number of rows.
	Rows int
	// WithoutAmount is how many of the Rows have no totalPayment.
	WithoutAmount int
}

// PaymentTotal is a sum of payments.
type PaymentTotal struct {
	// Program is the programName.
	Program string
	// Currency is that of Amount; see [PaymentRow.Currency].
	Currency string
	// Status is the paymentStatus.
	Status string
	// Amount is the sum of totalPayment.
	Amount decimal.Decimal
	// Payments is the number of distinct paymentIDs.
	Payments int
	// Rows is the number of rows.
	Rows int
	// WithoutID is how many of the Rows have no paymentID.
	WithoutID int
	// WithoutAmount is how many of the Rows have no totalPayment.
	WithoutAmount int
}

type paymentGroup struct{ id, program, currency, status string }

// Add counts a payment.
func (t *PaymentTotals) Add(row PaymentRow) {
	g := paymentGroup{
		strings.TrimSpace(row.PaymentID), strings.TrimSpace(row.ProgramName),
		strings.TrimSpace(row.Currency()), strings.TrimSpace(row.PaymentStatus),
	}
	p := t.payments[g]
	if p == nil {
		// What is kept is copied: the strings of a row share the row's memory.
		g = paymentGroup{strings.Clone(g.id), strings.Clone(g.program), strings.Clone(g.currency), strings.Clone(g.status)}
		p = &Payment{ID: g.id, Program: g.program, Currency: g.currency, Status: g.status}
		if t.payments == nil {
			t.payments = map[paymentGroup]*Payment{}
		}
		t.payments[g] = p
	}
	p.Rows++
	if row.TotalPayment.Valid {
		p.Amount = p.Amount.Add(row.TotalPayment.Decimal)
	} else {
		p.WithoutAmount++
	}
	if row.PaymentDate.After(p.Date) {
		p.Date = row.PaymentDate.UTC()
	}
}

// All returns the sums by program, currency and status, sorted in that order.
func (t *PaymentTotals) All() []PaymentTotal {
	sums := map[paymentGroup]PaymentTotal{}
	for g, p := range t.payments {
		g.id = ""
		s := sums[g]
		s.Program, s.Currency, s.Status = p.Program, p.Currency, p.Status
		s.Amount = s.Amount.Add(p.Amount)
		s.Rows += p.Rows
		s.WithoutAmount += p.WithoutAmount
		if p.ID == "" {
			s.WithoutID += p.Rows
		} else {
			s.Payments++
		}
		sums[g] = s
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b PaymentTotal) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Status, b.Status))
	})
}

// Payments returns the payments, sorted by id, program, currency and status.
func (t *PaymentTotals) Payments() []Payment {
	list := make([]Payment, 0, len(t.payments))
	for _, p := range t.payments {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b Payment) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Program, b.Program),
			cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Status, b.Status))
	})
	return list
}

// PaymentMatch is a payment and the earnings that it pays.
type PaymentMatch struct {
	// PaymentID is what both have in common; empty for earnings that are not
	// paid yet, and for payments without id.
	PaymentID string
	// Payments are the payment's parts. It is empty when the payments export
	// does not have the payment, for example because of its period.
	Payments []Payment
	// Earnings are the sums of the payment's earnings by currency; Program and
	// Month are empty. It is empty when no earning names the payment.
	Earnings []Total
}

// MatchPayments puts payments and the earnings that name them side by side, sorted
// by id with those without id last. Nothing is left out: what is on one side only
// is in the result too. The amounts of both sides need not agree, as payments are
// in another currency and include taxes.
//
// How the exports belong together is described at
// https://learn.microsoft.com/en-us/partner-center/reconciliation-faq.
func MatchPayments(earnings *Totals, payments *PaymentTotals) []PaymentMatch {
	matches := map[string]*PaymentMatch{}
	match := func(id string) *PaymentMatch {
		m := matches[id]
		if m == nil {
			m = &PaymentMatch{PaymentID: id}
			matches[id] = m
		}
		return m
	}
	if payments != nil {
		for _, p := range payments.Payments() {
			m := match(p.ID)
			m.Payments = append(m.Payments, p)
		}
	}
	if earnings != nil {
		for id, totals := range earnings.byPayment() {
			match(id).Earnings = totals
		}
	}
	ids := slices.SortedFunc(maps.Keys(matches), func(a, b string) int {
		if (a == "") != (b == "") {
			return -cmp.Compare(a, b)
		}
		return cmp.Compare(a, b)
	})
	list := make([]PaymentMatch, len(ids))
	for i, id := range ids {
		list[i] = *matches[id]
	}
	return list
}

// byPayment returns the sums by currency of each payment.
func (t *Totals) byPayment() map[string][]Total {
	groups := map[string]*Totals{}
	for _, g := range t.groups {
		if g.Earnings == 0 {
			continue // all of its earnings have gone over to a later payment
		}
		if groups[g.payment] == nil {
			groups[g.payment] = &Totals{}
		}
		groups[g.payment].groups = append(groups[g.payment].groups, g)
	}
	sums := make(map[string][]Total, len(groups))
	for id, t := range groups {
		sums[id] = t.Grand()
	}
	return sums
}
