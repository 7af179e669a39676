package payouts

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// property is a field that rows of type T can be filtered by; exactly one of its
// functions is set.
type property[T any] struct {
	text   func(*T) string
	when   func(*T) time.Time
	amount func(*T) micro
}

// schema lists the properties by lower-case name. Names are compared without
// regard to case, because the documentation itself spells one of them in two
// ways.
type schema[T any] map[string]property[T]

// compile makes a function of a filter. A comparison that does not fit its
// field's type is an error; an unknown field is one unless ignored.
func compile[T any](e *Expr, s schema[T], ignoreUnknown bool) (func(*T) bool, error) {
	if e.Op == "and" || e.Op == "or" {
		args := make([]func(*T) bool, len(e.Args))
		for i, a := range e.Args {
			var err error
			if args[i], err = compile(a, s, ignoreUnknown); err != nil {
				return nil, err
			}
		}
		all := e.Op == "and"
		return func(row *T) bool {
			for _, f := range args {
				if f(row) != all {
					return !all
				}
			}
			return all
		}, nil
	}
	p, known := s[strings.ToLower(e.Field)]
	switch {
	case !known && ignoreUnknown:
		return func(*T) bool { return true }, nil
	case !known:
		return nil, fmt.Errorf("filter: there is no field %s", e.Field)
	case p.when != nil:
		return compileTime(e, p.when)
	case p.amount != nil:
		return compileAmount(e, p.amount)
	default:
		return compileText(e, p.text)
	}
}

func compileTime[T any](e *Expr, get func(*T) time.Time) (func(*T) bool, error) {
	if e.Value.Kind != Date && e.Value.Kind != DateTime {
		return nil, fmt.Errorf("filter: %s is compared with a date or UTC time, unquoted, not with %q", e.Field, e.Value.Text)
	}
	holds, want := ordering(e.Op), e.Value.Time
	return func(row *T) bool { return holds(get(row).Compare(want)) }, nil
}

func compileAmount[T any](e *Expr, get func(*T) micro) (func(*T) bool, error) {
	if e.Value.Kind != Number {
		return nil, fmt.Errorf("filter: %s is compared with a number, unquoted, not with %q", e.Field, e.Value.Text)
	}
	holds, want := ordering(e.Op), e.Value.Number
	return func(row *T) bool { return holds(get(row).Decimal().Cmp(want)) }, nil
}

// compileText compares without regard to case (the documented values are upper
// case where files show mixed case) and reads an unquoted number as an
// identifier, whose leading zeros then do not count. Both are the fake's choice.
func compileText[T any](e *Expr, get func(*T) string) (func(*T) bool, error) {
	want := e.Value.Text
	var same func(string) bool
	switch {
	case e.Op != "eq" && e.Op != "ne":
		return nil, fmt.Errorf("filter: %s is text and cannot be compared with %s", e.Field, e.Op)
	case e.Value.Kind == Text:
		same = func(s string) bool { return strings.EqualFold(s, want) }
	case e.Value.Kind == Number && strings.Trim(want, "0123456789") == "":
		want = strings.TrimLeft(want, "0")
		same = func(s string) bool { return s != "" && strings.TrimLeft(s, "0") == want }
	default:
		return nil, fmt.Errorf("filter: %s is compared with a quoted text, not with %s", e.Field, want)
	}
	equal := e.Op == "eq"
	return func(row *T) bool { return same(get(row)) == equal }, nil
}

func ordering(op string) func(int) bool {
	switch op {
	case "eq":
		return func(c int) bool { return c == 0 }
	case "ne":
		return func(c int) bool { return c != 0 }
	case "ge":
		return func(c int) bool { return c >= 0 }
	case "gt":
		return func(c int) bool { return c > 0 }
	case "le":
		return func(c int) bool { return c <= 0 }
	default:
		return func(c int) bool { return c < 0 }
	}
}

// micro is an amount in millionths. Amounts of the synthetic data have at most
// six decimal places by construction, so nothing is lost.
type micro int64

// Decimal returns the amount.
func (m micro) Decimal() decimal.Decimal { return decimal.New(int64(m), -6) }

// append writes the amount with two to six decimal places.
func (m micro) append(b []byte) []byte {
	if m < 0 {
		b = append(b, '-')
		m = -m
	}
	whole, fraction := int64(m)/1e6, int64(m)%1e6
	b = appendInt(b, whole, 1)
	b = append(b, '.')
	digits := 6
	for digits > 2 && fraction%10 == 0 {
		fraction /= 10
		digits--
	}
	return appendInt(b, fraction, digits)
}

// appendInt writes n >= 0 with at least width digits.
func appendInt(b []byte, n int64, width int) []byte {
	var buf [20]byte
	i := len(buf)
	for n > 0 || width > 0 {
		i--
		buf[i] = byte('0' + n%10)
		n /= 10
		width--
	}
	return append(b, buf[i:]...)
}

// sum adds amounts without limit: what does not fit an int64 moves on into a
// decimal.
type sum struct {
	high decimal.Decimal
	low  micro
}

func (s *sum) add(m micro) {
	if s.low += m; s.low > 1<<60 || s.low < -1<<60 {
		s.high = s.high.Add(s.low.Decimal())
		s.low = 0
	}
}

// Decimal returns the sum.
func (s *sum) Decimal() decimal.Decimal { return s.high.Add(s.low.Decimal()) }

// mulDiv returns m*n/d rounded half away from zero to a multiple of unit. The
// data's amounts stay below 1e11 and its rates below 1e5, so int64 is enough.
func mulDiv(m micro, n, d int64, unit micro) micro {
	p, q := int64(m)*n, d*int64(unit)
	half := q / 2
	if p < 0 {
		half = -half
	}
	return micro((p+half)/q) * unit
}
