package payouts

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// EarningTotal is the sum of the earnings of one program, month and currency.
type EarningTotal struct {
	Program   string
	Month     string // YYYY-MM
	Currency  string // of the transactions
	Amount    decimal.Decimal
	AmountUSD decimal.Decimal
	Earnings  int
}

// EarningTotals are the exact sums that a filter's earnings must give.
type EarningTotals struct {
	Groups   []EarningTotal // by program, month and currency
	Earnings int            // distinct
	Rows     int            // with those that are repeated
}

// PaymentTotal is one payment.
type PaymentTotal struct {
	ID        string
	Program   string
	Month     string // of its earnings
	Currency  string // pay-to
	Earned    decimal.Decimal
	EarnedUSD decimal.Decimal
	Total     decimal.Decimal
	Earnings  int
	Date      time.Time
}

// ExpectedEarnings executes a filter on the current data; empty means none.
func (s *Server) ExpectedEarnings(filter string) (EarningTotals, error) {
	e, err := s.trial(Earnings, filter)
	if err != nil {
		return EarningTotals{}, err
	}
	type group struct {
		program, currency int
		month             time.Time
	}
	type sums struct {
		amount, usd sum
		n           int
	}
	var out EarningTotals
	groups := make(map[group]*sums)
	e.set.each(func(row *earning) bool {
		if !e.earnings(row) {
			return true
		}
		out.Earnings++
		out.Rows++
		if row.repeated {
			out.Rows++
		}
		g := group{row.program, row.currency, row.first}
		t := groups[g]
		if t == nil {
			t = &sums{}
			groups[g] = t
		}
		t.amount.add(row.earned)
		t.usd.add(row.earnedUSD)
		t.n++
		return true
	})
	for g, t := range groups {
		out.Groups = append(out.Groups, EarningTotal{
			Program: e.set.programs[g.program].name, Month: g.month.Format("2006-01"), Currency: e.set.currencies[g.currency].code,
			Amount: t.amount.Decimal(), AmountUSD: t.usd.Decimal(), Earnings: t.n,
		})
	}
	slices.SortFunc(out.Groups, func(a, b EarningTotal) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Currency, b.Currency))
	})
	return out, nil
}

// ExpectedPayments executes a filter on the payments of the current data, in the
// order of the file.
func (s *Server) ExpectedPayments(filter string) ([]PaymentTotal, error) {
	e, err := s.trial(Payments, filter)
	if err != nil {
		return nil, err
	}
	var out []PaymentTotal
	err = e.set.eachPayment(e.payments, func(p *payment) error {
		out = append(out, PaymentTotal{
			ID: p.id, Program: p.prog().name, Month: e.set.FirstMonth.AddDate(0, p.month, 0).Format("2006-01"),
			Currency: p.part().payTo, Earned: p.earned.Decimal(), EarnedUSD: p.earnedUSD.Decimal(), Total: p.total().Decimal(),
			Earnings: p.earnings, Date: p.date,
		})
		return nil
	})
	return out, err
}

// trial is an export that nobody started.
func (s *Server) trial(kind Kind, filter string) (*export, error) {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	e := &export{Kind: kind, Filter: filter, Requested: now, IgnoreUnk: s.settings.IgnoreUnknownFields, set: s.set}
	s.mu.Unlock()
	return e, e.compile()
}
