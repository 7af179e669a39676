package analytics

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Table is the result of a query: cells as files have them.
type Table struct {
	// Columns are the selected names in the dataset's spelling.
	Columns []string
	// Rows are the cells, a row as long as Columns.
	Rows [][]string
}

// record is a row on its way through a query: the cells of the fields that the
// query mentions. Metrics are numbers until the end.
type record struct {
	cells []string
	sums  []decimal.Decimal
}

// execute runs a query on the rows that have arrived by now.
//
// A query that mentions a metric anywhere is aggregated over the distinct
// combinations of the plain columns that it selects; conditions on metrics apply
// to the sums. That other plain columns in ORDER BY then count with the group's
// first row is the fake's choice.
func (p *plan) execute(d Data, now time.Time, w window, redact bool) Table {
	fields, at := p.mentioned()
	grouped := slices.ContainsFunc(fields, func(f field) bool { return f.metric })
	before, after := p.split()
	var records []*record
	groups := make(map[string]*record)
	d.each(p.set, w.from, now, func(r *row) bool {
		if !w.holds(r.when()) {
			return true
		}
		rec := read(r, fields, redact)
		if !rec.passes(before, at) {
			return true
		}
		if !grouped {
			records = append(records, rec)
			return true
		}
		id := rec.identity(p.columns, at)
		if g := groups[id]; g != nil {
			g.add(rec)
			return true
		}
		groups[id] = rec
		records = append(records, rec)
		return true
	})
	for _, rec := range records {
		rec.close(fields)
	}
	records = slices.DeleteFunc(records, func(r *record) bool { return !r.passes(after, at) })
	slices.SortStableFunc(records, func(a, b *record) int { return p.compare(a, b, at) })
	return p.table(records, at)
}

// mentioned lists the fields that the query needs, and where each is in a record.
func (p *plan) mentioned() (fields []field, at map[int]int) {
	at = make(map[int]int)
	take := func(f field) {
		if _, known := at[f.at]; !known {
			at[f.at] = len(fields)
			fields = append(fields, f)
		}
	}
	for _, f := range p.columns {
		take(f)
	}
	for _, t := range p.where {
		take(t.field)
	}
	for _, k := range p.order {
		take(k.field)
	}
	return fields, at
}

// split tells conditions on rows from those on sums.
func (p *plan) split() (before, after []test) {
	for _, t := range p.where {
		if t.field.metric {
			after = append(after, t)
		} else {
			before = append(before, t)
		}
	}
	return before, after
}

func read(r *row, fields []field, redact bool) *record {
	rec := &record{cells: make([]string, len(fields)), sums: make([]decimal.Decimal, len(fields))}
	for i, f := range fields {
		switch {
		case redact && withheld(f):
		case f.metric:
			rec.sums[i] = r.number(f)
		default:
			rec.cells[i] = r.cell(f)
		}
	}
	return rec
}

// withheld reports what viewers without the executive's role do not get: amounts
// and personal columns.
func withheld(f field) bool { return f.kind == kindDecimal || personal(strings.ToLower(f.name)) }

// identity is what makes two rows one group: the selected plain columns.
func (r *record) identity(columns []field, at map[int]int) string {
	var b strings.Builder
	for _, f := range columns {
		if !f.metric {
			b.WriteString(r.cells[at[f.at]])
			b.WriteByte(0)
		}
	}
	return b.String()
}

func (r *record) add(other *record) {
	for i := range r.sums {
		r.sums[i] = r.sums[i].Add(other.sums[i])
	}
}

// close writes the sums into their cells.
func (r *record) close(fields []field) {
	for i, f := range fields {
		if f.metric {
			r.cells[i] = r.sums[i].String()
		}
	}
}

func (r *record) passes(tests []test, at map[int]int) bool {
	for _, t := range tests {
		if !t.holds(r.cells[at[t.field.at]]) {
			return false
		}
	}
	return true
}

func (p *plan) compare(a, b *record, at map[int]int) int {
	for _, k := range p.order {
		i := at[k.field.at]
		if n := compareCells(k.field.kind, a.cells[i], b.cells[i]); n != 0 {
			if k.asc {
				return n
			}
			return -n
		}
	}
	return 0
}

// compareCells orders numbers by value and everything else by its text without
// regard to case; empty cells come first.
func compareCells(k kind, a, b string) int {
	if k.number() || k == kindFlag01 {
		x, errX := decimal.NewFromString(a)
		y, errY := decimal.NewFromString(b)
		if errX == nil && errY == nil {
			return x.Cmp(y)
		}
	}
	return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
}

// table picks the selected cells, drops repetitions if asked to, and cuts.
func (p *plan) table(records []*record, at map[int]int) Table {
	t := Table{Columns: make([]string, len(p.columns)), Rows: [][]string{}}
	for i, f := range p.columns {
		t.Columns[i] = f.name
	}
	seen := make(map[string]bool)
	for _, r := range records {
		if p.limit > 0 && len(t.Rows) >= p.limit {
			break
		}
		cells := make([]string, len(p.columns))
		for i, f := range p.columns {
			cells[i] = r.cells[at[f.at]]
		}
		if p.distinct {
			id := strings.Join(cells, "\x00")
			if seen[id] {
				continue
			}
			seen[id] = true
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
