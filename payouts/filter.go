package payouts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Filter narrows an export. Build one from the fields of this package,
//
//	payouts.And(
//		payouts.EarningForDate.Month(2024, time.January),
//		payouts.PayableSubType.In("REBATE", "FEE"),
//	)
//
// or pass the service's own syntax with [RawFilter]. The zero value filters
// nothing. Mistakes made while building are reported by [Filter.Err] and by
// [Client.StartExport], before any request. A Filter is immutable and safe for
// concurrent use.
//
// https://learn.microsoft.com/partner-center/developer/create-earnings-export-request
type Filter struct {
	text   string
	join   string   // the operator at the top: "", "and", "or", or "raw"
	fields []string // the fields named, as far as known
	err    error
}

// String returns the text that is sent as $filter, unescaped.
func (f Filter) String() string { return f.text }

// Err returns the first mistake made while building the filter.
func (f Filter) Err() error { return f.err }

// IsZero reports whether the filter filters nothing.
func (f Filter) IsZero() bool { return f.text == "" && f.err == nil }

// RawFilter takes a filter in the service's own syntax and sends it exactly as it
// is. Only what cannot be a filter at all is refused: a leading "$filter=", quotes
// or parentheses without their counterpart, and typographic quotes in place of
// plain ones.
func RawFilter(text string) Filter {
	return Filter{text: text, join: "raw", err: checkRaw(text)}
}

// And matches what all filters match. Zero filters are left out.
func And(filters ...Filter) Filter { return combine("and", filters) }

// Or matches what any of the filters matches. Zero filters are left out.
func Or(filters ...Filter) Filter { return combine("or", filters) }

func combine(op string, filters []Filter) Filter {
	filters = slices.DeleteFunc(slices.Clone(filters), Filter.IsZero)
	if len(filters) == 1 {
		return filters[0]
	}
	out := Filter{join: op}
	var parts []string
	for _, f := range filters {
		if out.err == nil {
			out.err = f.err
		}
		out.fields = append(out.fields, f.fields...)
		if f.join == "" || f.join == op {
			parts = append(parts, f.text)
		} else {
			parts = append(parts, "("+f.text+")")
		}
	}
	out.text = strings.Join(parts, " "+op+" ")
	return out
}

// check returns the filter's own error, or one for a field that belongs to the
// other kind of export.
func (f Filter) check(kind Kind) error {
	if f.err != nil {
		return f.err
	}
	for _, name := range f.fields {
		owner, counterpart := fieldOwner(name)
		if owner != "" && owner != kind {
			return fmt.Errorf("payouts: filter field %s is for %s, not for %s; use %s", name, owner, kind, counterpart)
		}
	}
	return nil
}

// TextField is a filter field that is compared with quoted text. Fields that this
// package does not list can be made by conversion: TextField("newField").
type TextField string

// TimeField is a filter field that is compared with dates.
type TimeField string

// AmountField is a filter field that is compared with decimal numbers.
type AmountField string

// Fields of both kinds of export.
const (
	// EnrollmentParticipantID is the partner id (MPN id) or seller id.
	EnrollmentParticipantID TextField = "enrollmentParticipantId"
	// ProgramName is the incentive or store program, for example
	// "Azure Marketplace" or "CSP Direct Bill Partner".
	ProgramName TextField = "programName"
	// PaymentID is the id of a payment. Give a wide date range with it: payments
	// outside the range are not found.
	PaymentID TextField = "paymentId"
)

// Fields of earnings exports.
const (
	// EarningForDate is the date of the earning period.
	EarningForDate TimeField = "earningForDate"
	// PayableSubType is the type of earning: REBATE, COOP, FEE, SELL and others.
	PayableSubType TextField = "payableSubType"
	// LeverCode is the business rule of the earning, for example
	// "Azure Market Place: Core Standard".
	LeverCode TextField = "leverCode"
	// PayoutStatus is SENT, UPCOMING, IN PROGRESS or another status.
	PayoutStatus TextField = "payoutStatus"
	// TransactionAmount is the amount of the transaction in its currency.
	TransactionAmount AmountField = "transactionAmount"
	// EarningAmount is the amount earned, in the currency of the transaction.
	EarningAmount AmountField = "earningAmount"
	// EngagementName is the engagement, for Microsoft Commerce Incentives.
	EngagementName TextField = "engagementName"
)

// Fields of payments exports.
const (
	// PayoutStatusUpdateTS is when the status of the payment last changed.
	PayoutStatusUpdateTS TimeField = "payoutStatusUpdateTS"
	// PayoutOrderType is the type of payment: REBATE, COOP, FEE, SELL and others.
	PayoutOrderType TextField = "payoutOrderType"
	// PaymentAmount is the amount of the payment.
	PaymentAmount AmountField = "paymentAmount"
	// PaymentDate is the date of the payment. It stands in one sample of the
	// documentation only.
	PaymentDate TimeField = "paymentDate"
)

// fieldOwner tells to which kind a field belongs alone, and what the other kind
// offers in its place. Fields of both kinds, and unknown ones, have no owner.
func fieldOwner(name string) (owner Kind, counterpart string) {
	switch name {
	case string(EarningForDate):
		return Earnings, string(PayoutStatusUpdateTS)
	case string(PayableSubType):
		return Earnings, string(PayoutOrderType)
	case string(TransactionAmount), string(EarningAmount):
		return Earnings, string(PaymentAmount)
	case string(LeverCode), string(PayoutStatus), string(EngagementName):
		return Earnings, "another field"
	case string(PayoutStatusUpdateTS), string(PaymentDate):
		return Payments, string(EarningForDate)
	case string(PayoutOrderType):
		return Payments, string(PayableSubType)
	case string(PaymentAmount):
		return Payments, string(EarningAmount)
	}
	return "", ""
}

// Eq matches rows whose field is value.
func (f TextField) Eq(value string) Filter {
	var err error
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		err = fmt.Errorf("payouts: filter field %s: the value %q holds a control character", string(f), value)
	}
	return comparison(string(f), "eq", "'"+strings.ReplaceAll(value, "'", "''")+"'", err)
}

// In matches rows whose field is one of the values. No values are a mistake.
func (f TextField) In(values ...string) Filter {
	if len(values) == 0 {
		return Filter{err: fmt.Errorf("payouts: filter field %s: In needs at least one value", string(f))}
	}
	alternatives := make([]Filter, len(values))
	for i, v := range values {
		alternatives[i] = f.Eq(v)
	}
	return Or(alternatives...)
}

// Day is midnight UTC of a calendar day, which is how filters write a date.
func Day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Eq matches rows whose field is t.
func (f TimeField) Eq(t time.Time) Filter { return f.compare("eq", t) }

// Ge matches rows whose field is t or later.
func (f TimeField) Ge(t time.Time) Filter { return f.compare("ge", t) }

// Le matches rows whose field is t or earlier.
func (f TimeField) Le(t time.Time) Filter { return f.compare("le", t) }

// Lt matches rows whose field is earlier than t.
func (f TimeField) Lt(t time.Time) Filter { return f.compare("lt", t) }

// Between matches rows whose field lies between two times, both included. A day is
// its midnight, so that of the last day nothing else is matched.
func (f TimeField) Between(from, to time.Time) Filter {
	out := And(f.Ge(from), f.Le(to))
	if out.err == nil && to.Before(from) {
		out.err = fmt.Errorf("payouts: filter field %s: the range ends (%s) before it begins (%s)", string(f), literal(to), literal(from))
	}
	return out
}

// Month matches rows whose field lies in a calendar month, UTC: from its first day
// to before the first of the next one. The documentation's examples end with the
// last day, "le 2024-01-31", which leaves out what has a time on that day. Months
// beyond the year are those of its neighbours: with now.Month()-1 it is the month
// before, also in January.
func (f TimeField) Month(year int, month time.Month) Filter {
	return And(f.Ge(Day(year, month, 1)), f.Lt(Day(year, month+1, 1)))
}

func (f TimeField) compare(op string, t time.Time) Filter {
	var err error
	if t.IsZero() || t.UTC().Year() > 9999 || t.UTC().Year() < 1 {
		err = fmt.Errorf("payouts: filter field %s: %v is not a usable time", string(f), t)
	}
	return comparison(string(f), op, literal(t), err)
}

// literal writes midnight UTC as a date and every other time with milliseconds.
func literal(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02T15:04:05.999Z")
}

// Eq matches rows whose field is the amount.
func (f AmountField) Eq(amount decimal.Decimal) Filter { return f.compare("eq", amount) }

// Ge matches rows whose field is the amount or more.
func (f AmountField) Ge(amount decimal.Decimal) Filter { return f.compare("ge", amount) }

// Le matches rows whose field is the amount or less.
func (f AmountField) Le(amount decimal.Decimal) Filter { return f.compare("le", amount) }

func (f AmountField) compare(op string, amount decimal.Decimal) Filter {
	const reach = 400 // digits before or after the point; far beyond any money
	if e := amount.Exponent(); e > reach || e < -reach {
		return Filter{err: fmt.Errorf("payouts: filter field %s: the amount's exponent %d is out of range", string(f), e)}
	}
	return comparison(string(f), op, amount.String(), nil)
}

func comparison(field, op, value string, err error) Filter {
	if err == nil && !isFieldName(field) {
		err = fmt.Errorf("payouts: %q is not a filter field: letters, digits and _ only", field)
	}
	return Filter{text: field + " " + op + " " + value, fields: []string{field}, err: err}
}

func isFieldName(s string) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_':
		case i > 0 && r >= '0' && r <= '9':
		default:
			return false
		}
	}
	return s != ""
}

func checkRaw(text string) error {
	if strings.Contains(strings.ToLower(text[:min(len(text), 12)]), "$filter=") {
		return errors.New("payouts: a filter is given without the leading $filter=")
	}
	depth, quoted := 0, false
	for _, r := range text {
		switch {
		case r == '\'':
			quoted = !quoted // a doubled quote closes and opens again
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			if depth--; depth < 0 {
				return errors.New("payouts: the filter has a ) without its (")
			}
		case strings.ContainsRune("‘’“”´`", r):
			return fmt.Errorf("payouts: the filter holds the quote %q; the service wants plain ones: '", r)
		}
	}
	switch {
	case quoted:
		return errors.New("payouts: the filter has a ' without its counterpart; double the ones inside text: ''")
	case depth > 0:
		return errors.New("payouts: the filter has a ( without its )")
	}
	return nil
}
