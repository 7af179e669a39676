package query

import (
	"slices"
	"strings"
)

// Equal reports whether two texts are the same query, as far as the documentation
// of the language lets one know: white space, case, the order of conditions and of
// the values in a list do not matter, and what the service assumes by default may
// be spelled out. It errs on the side of "different". Texts that are no queries are
// equal when they are identical.
func Equal(a, b string) bool {
	if strings.TrimSpace(a) == strings.TrimSpace(b) {
		return true
	}
	x, err := Parse(a)
	if err != nil {
		return false
	}
	y, err := Parse(b)
	return err == nil && x.Equal(y)
}

// Equal reports whether both are the same query, in the sense of the function
// [Equal]. Two nil queries are.
func (q *Query) Equal(other *Query) bool {
	if q == nil || other == nil {
		return q == other
	}
	return q.Normal() == other.Normal()
}

// Normal returns the text that all equal queries have in common: names and values
// in lower case, numbers as text, conditions and lists sorted and without
// repetitions, directions and the default TIMESPAN spelled out. It is for
// comparing and for keys of a cache. Send [Query.String] instead, which keeps the
// spelling that the header of the report may repeat.
func (q *Query) Normal() string {
	if q == nil || q.dataset.text == "" {
		return ""
	}
	n := &Query{distinct: q.distinct, dataset: normalName(q.dataset), limit: q.limit}
	for _, c := range q.columns {
		n.columns = append(n.columns, normalName(c))
	}
	n.where = normalConditions(q.where)
	n.order = normalOrder(q.order)
	n.timespan.text = strings.ToUpper(q.timespan.text)
	if n.timespan.text == "" {
		n.timespan.text = string(Last6Months)
	}
	return n.String()
}

func normalName(n name) name { return name{text: fold(n.text)} }

// normalConditions sorts what AND joins.
func normalConditions(where []Condition) []Condition {
	type keyed struct {
		key string
		c   Condition
	}
	all := make([]keyed, len(where))
	for i, c := range where {
		c = c.normal()
		all[i] = keyed{c.String(), c}
	}
	slices.SortFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	var out []Condition
	for i, k := range all {
		if i == 0 || k.key != all[i-1].key {
			out = append(out, k.c)
		}
	}
	return out
}

func (c Condition) normal() Condition {
	n := Condition{column: normalName(c.column), op: c.op}
	for _, v := range c.values {
		// The service converts text to the type of the column, so 100 is '100'.
		// Numbers are not rewritten: in a column of text 1.50 may not be 1.5.
		n.values = append(n.values, Literal{Text: fold(v.Text), Quoted: true})
	}
	if !c.op.list() {
		return n
	}
	slices.SortFunc(n.values, func(a, b Literal) int { return strings.Compare(a.Text, b.Text) })
	n.values = slices.CompactFunc(n.values, func(a, b Literal) bool { return a.Text == b.Text })
	if len(n.values) == 1 {
		n.op = OpEq
		if c.op == OpNotIn {
			n.op = OpNe
		}
	}
	return n
}

// normalOrder drops keys that stand behind themselves, and spells out directions.
func normalOrder(order []Order) []Order {
	var out []Order
	seen := map[string]bool{}
	for _, o := range order {
		n := Order{column: normalName(o.column), direction: Descending}
		if !o.Descending() {
			n.direction = Ascending
		}
		if !seen[n.column.text] {
			seen[n.column.text] = true
			out = append(out, n)
		}
	}
	return out
}
