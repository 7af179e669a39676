package payouts

import (
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// earning is one synthetic earning. Most cells are computed from it when they
// are written.
type earning struct {
	set         *dataset
	index       int
	hash        uint64
	month       int       // index
	first       time.Time // of the month
	program     int
	participant int
	currency    int
	day         int // of the transaction, from 0
	days        int // in the month
	amount      micro
	bps         int64 // earning rate in ten-thousandths
	earned      micro // in transaction currency
	earnedUSD   micro
	earnedPay   micro // in pay-to currency
	kind        string
	status      string
	description string
	refund      bool
	repeated    bool
}

func (e *earning) prog() *program     { return &e.set.programs[e.program] }
func (e *earning) part() *participant { return &e.set.participants[e.participant] }
func (e *earning) paid() bool         { return e.status == "Sent" }

// date is the earning's date: of the transaction, or the end of its month. It has
// no time of day, so that date filters have one meaning only.
func (e *earning) date() time.Time {
	if e.prog().daily {
		return e.first.AddDate(0, 0, e.day)
	}
	return e.first.AddDate(0, 0, e.days-1)
}

func (s *dataset) fill(e *earning, index, month int, first time.Time) {
	h := kit.Mix(s.Seed ^ kit.Mix(uint64(index))) //nolint:gosec // an index is not negative
	draw := func(n int) int {
		h = kit.Mix(h)
		return int(h % uint64(n)) //nolint:gosec // n is positive and small
	}
	*e = earning{
		set: s, index: index, hash: h, month: month, first: first,
		program:     draw(len(s.programs)),
		participant: draw(len(s.participants)),
		currency:    draw(len(s.currencies)),
	}
	e.days = first.AddDate(0, 1, -1).Day()
	e.day = draw(e.days)
	e.amount = micro(100+draw(500_000)+draw(20)/19*draw(9_000_000)) * 1e4 // some are large
	e.bps = []int64{100, 250, 333, 500, 750, 1000, 1525}[draw(7)]
	e.refund = draw(100) < s.RefundPercent
	if e.refund {
		e.amount = -e.amount
	}
	e.repeated = draw(100) < s.RepeatPercent

	e.earned = mulDiv(e.amount, e.bps, 10000, 1)
	from, to := s.currencies[e.currency], s.payTo[e.participant]
	e.earnedUSD = mulDiv(e.earned, from.rate, 10000, 1)
	e.earnedPay = mulDiv(e.earned, from.rate, to.rate, 1e4) // in cents
	if from.code == to.code {
		e.earnedPay = mulDiv(e.earned, 1, 1, 1e4)
	}

	e.kind = e.prog().kind
	fate := draw(100)
	switch {
	case e.prog().coop && fate < 15:
		e.kind, e.status, e.description = "Co-op", "Upcoming", "Co-op earnings are claimed, not paid out"
	case s.paymentDate(month).After(s.asOf()):
		e.status, e.description = "Unprocessed", "Earning is eligible for payment"
		if fate > 60 {
			e.status, e.description = "Upcoming", "Payment is scheduled"
		}
	case fate >= 96:
		e.status, e.description = "Rejected", "Earning was rejected during review"
	default:
		e.status, e.description = "Sent", "Payment has been sent to your bank"
	}
}

// chance draws from the row's hash for one purpose.
func (e *earning) chance(purpose uint64, n int) int {
	return int(kit.Mix(e.hash^purpose*0x9e3779b97f4a7c15) % uint64(n)) //nolint:gosec // n is positive and small
}

// paymentID returns the payment's number, with the leading zeros that make it a
// text; empty for earnings that are not paid.
func (e *earning) paymentID(b []byte) []byte {
	if !e.paid() {
		return b
	}
	return e.set.paymentID(b, e.month, e.program, e.participant)
}

// paymentID numbers the payment of a month, a program and a participant: twelve
// digits that are different for each.
func (s *dataset) paymentID(b []byte, month, program, participant int) []byte {
	m := int64(s.FirstMonth.Year()-1970)*12 + int64(s.FirstMonth.Month()) + int64(month)
	return appendInt(b, (m*100+int64(program))*100+int64(participant), 12)
}

// earningSchema holds the documented filter fields of earnings.
func earningSchema() schema[earning] {
	return schema[earning]{
		"earningfordate":          {when: (*earning).date},
		"enrollmentparticipantid": {text: func(e *earning) string { return e.part().id }},
		"programname":             {text: func(e *earning) string { return e.prog().name }},
		"payablesubtype":          {text: func(e *earning) string { return subType(e.kind) }},
		"paymentid":               {text: func(e *earning) string { return string(e.paymentID(nil)) }},
		"levercode":               {text: func(e *earning) string { return e.prog().lever }},
		"payoutstatus":            {text: func(e *earning) string { return e.status }},
		"transactionamount":       {amount: func(e *earning) micro { return e.amount }},
		"earningamount":           {amount: func(e *earning) micro { return e.earned }},
		"engagementname":          {text: func(e *earning) string { return e.prog().engagement }},
	}
}

// subType is the filter's word for an earning type.
func subType(kind string) string {
	switch kind {
	case "Co-op":
		return "COOP"
	case "Sell":
		return "SELL"
	case "Fee":
		return "FEE"
	default:
		return "REBATE"
	}
}
