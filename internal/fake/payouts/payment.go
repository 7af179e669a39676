package payouts

import "time"

// payment is one synthetic payment: the sum of the earnings that carry its
// number.
type payment struct {
	set         *dataset
	id          string
	month       int // of the earnings
	program     int
	participant int
	date        time.Time
	earnings    int
	earned      micro // in pay-to currency
	earnedUSD   micro
	withheld    micro
	salesTax    micro
	serviceFee  micro
}

func (p *payment) prog() *program     { return &p.set.programs[p.program] }
func (p *payment) part() *participant { return &p.set.participants[p.participant] }

// total is what was transferred: without withheld tax and fees, with sales tax.
func (p *payment) total() micro { return p.earned - p.withheld + p.salesTax - p.serviceFee }

// allPayments adds up the earnings. The first call goes through all rows.
func (s *dataset) allPayments() []payment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.payments != nil {
		return s.payments
	}
	perMonth := len(s.programs) * len(s.participants)
	groups := make([]payment, s.Months*perMonth)
	s.each(func(e *earning) bool {
		if e.paid() {
			g := &groups[e.month*perMonth+e.program*len(s.participants)+e.participant]
			g.earnings++
			g.earned += e.earnedPay
			g.earnedUSD += e.earnedUSD
		}
		return true
	})
	s.payments = make([]payment, 0, len(groups))
	for i := range groups {
		g := &groups[i]
		if g.earnings == 0 {
			continue
		}
		g.set, g.month = s, i/perMonth
		g.program, g.participant = i%perMonth/len(s.participants), i%len(s.participants)
		g.id = string(s.paymentID(nil, g.month, g.program, g.participant))
		g.date = s.paymentDate(g.month)
		const cent = micro(1e4)
		switch {
		case g.prog().kind == "Sell":
			g.serviceFee = mulDiv(g.earned, 1, 100, cent)
		case g.part().payTo == "EUR":
			g.salesTax = mulDiv(g.earned, 19, 100, cent)
		default:
			g.withheld = mulDiv(g.earned, 5, 100, cent)
		}
		s.payments = append(s.payments, *g)
	}
	return s.payments
}

// paymentSchema holds the documented filter fields of payments. That
// paymentAmount is the total, and payoutStatusUpdateTS the payment date, is the
// fake's choice.
func paymentSchema() schema[payment] {
	return schema[payment]{
		"payoutstatusupdatets":    {when: func(p *payment) time.Time { return p.date }},
		"paymentdate":             {when: func(p *payment) time.Time { return p.date }},
		"enrollmentparticipantid": {text: func(p *payment) string { return p.part().id }},
		"programname":             {text: func(p *payment) string { return p.prog().name }},
		"payoutordertype":         {text: func(p *payment) string { return subType(p.prog().kind) }},
		"paymentid":               {text: func(p *payment) string { return p.id }},
		"paymentamount":           {amount: (*payment).total},
	}
}
