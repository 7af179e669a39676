package payouts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	fake "github.com/partnercenter-go/partnercenter/internal/fake/payouts"
	"github.com/partnercenter-go/partnercenter/payouts"
)

// tree is what a filter means: an operator over trees, or a comparison.
type tree struct {
	Op    string
	Args  []tree
	Field string
	Value string
}

// recipe turns arbitrary bytes into filters, together with what they mean.
type recipe struct{ bytes []byte }

func (r *recipe) next() int {
	if len(r.bytes) == 0 {
		return 0
	}
	b := r.bytes[0]
	r.bytes = r.bytes[1:]
	return int(b)
}

func (r *recipe) text() string {
	n := min(r.next()%24, len(r.bytes))
	s := string(r.bytes[:n])
	r.bytes = r.bytes[n:]
	return s
}

func (r *recipe) build(depth int) (payouts.Filter, tree) {
	kind := r.next() % 5
	if depth == 0 {
		kind %= 3
	}
	leaf := func(f payouts.Filter, op, field, value string) (payouts.Filter, tree) {
		return f, tree{Op: op, Field: field, Value: value}
	}
	switch kind {
	case 0:
		s := r.text()
		return leaf(payouts.ProgramName.Eq(s), "eq", "programName", s)
	case 1:
		at := payouts.Day(2000+r.next()%50, time.Month(r.next()%12+1), r.next()%28+1).Add(time.Duration(r.next()) * 3333 * time.Millisecond)
		value := strings.TrimSuffix(at.Format("2006-01-02T15:04:05.999Z"), "T00:00:00Z")
		return leaf(payouts.EarningForDate.Le(at), "le", "earningForDate", value)
	case 2:
		d := decimal.New(int64(r.next()-128)*257, int32(r.next()%40-20))
		return leaf(payouts.EarningAmount.Ge(d), "ge", "earningAmount", d.String())
	}
	op, join := "and", payouts.And
	if kind == 4 {
		op, join = "or", payouts.Or
	}
	filters, t := []payouts.Filter{{}}, tree{Op: op}
	for range r.next()%3 + 1 {
		f, arg := r.build(depth - 1)
		filters = append(filters, f)
		if arg.Op == op { // the same operator nested says the same without
			t.Args = append(t.Args, arg.Args...)
		} else {
			t.Args = append(t.Args, arg)
		}
	}
	if len(t.Args) == 1 {
		t = t.Args[0]
	}
	return join(filters...), t
}

func meaning(e *fake.Expr) tree {
	if e.Op != "and" && e.Op != "or" {
		return tree{Op: e.Op, Field: e.Field, Value: e.Value.Text}
	}
	t := tree{Op: e.Op}
	for _, a := range e.Args {
		t.Args = append(t.Args, meaning(a))
	}
	return t
}

// Whatever is built, a parser of the documented grammar, written without a look at
// the builder, reads it back as what was meant.
func FuzzFilter(f *testing.F) {
	f.Add([]byte("\x00\x05O'Nei"))
	f.Add([]byte("\x03\x02\x00\x03a b\x04\x02\x02\x10\x05\x01\x30\x05\x06\x07\x00\x01'"))
	f.Add([]byte("\x04\x01\x03\x01\x00\x02'' \x02\xff\x22\x01\x01\x02\x03\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		built, want := (&recipe{b}).build(4)
		if built.Err() != nil {
			return // a control character in the text
		}
		parsed, err := fake.ParseFilter(built.String())
		if err != nil {
			t.Fatalf("%s: %v", built, err)
		}
		if diff := cmp.Diff(want, meaning(parsed)); diff != "" {
			t.Errorf("%s (-meant +read):\n%s", built, diff)
		}
		if err := payouts.RawFilter(built.String()).Err(); err != nil {
			t.Errorf("the check of raw filters refuses what was built: %v", err)
		}
	})
}
