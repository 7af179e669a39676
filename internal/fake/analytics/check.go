package analytics

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// The published texts about names in queries.
var (
	errTable  = errors.New("Invalid table name")    //nolint:staticcheck // the service's words
	errColumn = errors.New("Incorrect column name") //nolint:staticcheck // likewise
)

// plan is a query that can be executed: its names are those of a dataset.
type plan struct {
	set      *dataset
	distinct bool
	columns  []field
	where    []test
	order    []key
	limit    int
	span     string // in upper case
}

// test is one condition.
type test struct {
	field  field
	op     string
	values []string
}

// key is what rows are ordered by.
type key struct {
	field field
	asc   bool
}

// compile parses a query and looks its names up among the datasets of a program.
func (s *Settings) compile(all []*dataset, program, text string) (*plan, error) {
	st, err := parse(text)
	if err != nil {
		return nil, err
	}
	p := &plan{set: find(all, program, st.dataset.text), distinct: st.distinct, limit: st.limit, span: defaultSpan}
	if p.set == nil {
		return nil, errTable
	}
	look := func(t token) (f field) {
		f, ok := p.set.index[strings.ToLower(t.text)]
		if !ok || f.disputed && s.StrictNames {
			err = errColumn
		}
		return f
	}
	for _, c := range st.columns {
		p.columns = append(p.columns, look(c))
	}
	for _, c := range st.where {
		t := test{field: look(c.column), op: c.op}
		for _, v := range c.values {
			t.values = append(t.values, v.text)
		}
		p.where = append(p.where, t)
	}
	for _, o := range st.order {
		p.order = append(p.order, key{look(o.column), o.asc})
	}
	if err != nil {
		return nil, err
	}
	if st.span.text != "" {
		p.span = strings.ToUpper(st.span.text)
		if _, known := spanWindow(p.span, time.Time{}); !known || !slices.Contains(s.dateRanges(p.set), p.span) {
			return nil, wrongAt(st.span.at, "the time span %s is none of those of %s", st.span, p.set.name)
		}
	}
	return p, nil
}

// dateRanges are the words that a dataset publishes.
func (s *Settings) dateRanges(d *dataset) []string {
	if len(s.DateRanges) > 0 {
		return s.DateRanges
	}
	return d.ranges
}
