package query

import (
	"errors"
	"fmt"
	"slices"
)

// Builder puts a query together. Its methods return a new builder and leave the
// old one as it was, so a common beginning may be used several times, also by
// several goroutines. Begin with [Select].
type Builder struct {
	q           Query
	datasets    int
	limits      bool
	timespanSet bool
}

// Select begins a query for columns and metrics, which the report has in this
// order. A metric is aggregated over every combination of the columns.
func Select(columns ...string) Builder { return Builder{}.Select(columns...) }

// Select adds columns and metrics.
func (b Builder) Select(columns ...string) Builder {
	b.q.columns = slices.Clip(b.q.columns)
	for _, c := range columns {
		b.q.columns = append(b.q.columns, name{text: c})
	}
	return b
}

// Distinct asks for every row once.
func (b Builder) Distinct() Builder {
	b.q.distinct = true
	return b
}

// From names the dataset.
func (b Builder) From(dataset string) Builder {
	b.q.dataset = name{text: dataset}
	b.datasets++
	return b
}

// Where adds conditions, all of which a row has to meet.
func (b Builder) Where(conditions ...Condition) Builder {
	b.q.where = append(slices.Clip(b.q.where), conditions...)
	return b
}

// OrderBy adds keys to sort by, the most important first.
func (b Builder) OrderBy(keys ...Order) Builder {
	b.q.order = append(slices.Clip(b.q.order), keys...)
	return b
}

// Limit sets the highest number of rows, from 1 on.
func (b Builder) Limit(rows int64) Builder {
	b.q.limit, b.limits = rows, true
	return b
}

// Timespan sets the window of data that is read. Without it the service reads
// [Last6Months].
func (b Builder) Timespan(t Timespan) Builder {
	b.q.timespan, b.timespanSet = name{text: string(t)}, true
	return b
}

// Build returns the query, or all mistakes that a text would not allow. Whether the
// names exist is for [Query.Check] to say.
func (b Builder) Build() (*Query, error) {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("query: "+format, args...))
	}
	if len(b.q.columns) == 0 {
		fail("no columns: name at least one column or metric in Select")
	}
	for i, c := range b.q.columns {
		if !isName(c.text) {
			fail("column %d: %w", i+1, badName(c.text))
		}
	}
	switch {
	case b.datasets != 1:
		fail("%d datasets: call From once", b.datasets)
	case !isName(b.q.dataset.text):
		fail("dataset: %w", badName(b.q.dataset.text))
	}
	for i, c := range b.q.where {
		if err := c.check(); err != nil {
			fail("condition %d: %w", i+1, err)
		}
	}
	for i, o := range b.q.order {
		if !isName(o.column.text) {
			fail("ORDER BY key %d: %w", i+1, badName(o.column.text))
		}
	}
	if b.limits && b.q.limit < 1 {
		fail("limit %d: it has to be 1 or more", b.q.limit)
	}
	if b.timespanSet && !Timespan(b.q.timespan.text).Known() {
		fail("timespan %q is none of %v", shorten(b.q.timespan.text, 40), Timespans())
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	// Reading it back gives every part its place, and is the proof.
	return Parse(b.q.String())
}

func badName(s string) error {
	switch {
	case s == "":
		return errors.New("the name is empty")
	case keywordOf(s) != noKeyword:
		return fmt.Errorf("%q is a keyword of the language and no name", s)
	}
	return fmt.Errorf("%q is no name: names have ASCII letters, digits and underscores and do not begin with a digit", shorten(s, 40))
}
