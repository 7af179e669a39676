package query

import (
	"strconv"
	"strings"
)

// String returns the query on one line, with keywords in capitals and everything
// else as it was written. The text is well formed: [Parse] returns the same query
// for it.
func (q *Query) String() string {
	if q == nil || q.dataset.text == "" {
		return ""
	}
	b := make([]byte, 0, len(q.text)+32)
	b = append(b, "SELECT "...)
	if q.distinct {
		b = append(b, "DISTINCT "...)
	}
	for i, c := range q.columns {
		b = append(separate(b, i, ", "), c.text...)
	}
	b = append(append(b, " FROM "...), q.dataset.text...)
	for i, c := range q.where {
		if i == 0 {
			b = append(b, " WHERE "...)
		}
		b = c.append(separate(b, i, " AND "))
	}
	for i, o := range q.order {
		if i == 0 {
			b = append(b, " ORDER BY "...)
		}
		b = o.append(separate(b, i, ", "))
	}
	if q.limit > 0 {
		b = strconv.AppendInt(append(b, " LIMIT "...), q.limit, 10)
	}
	if q.timespan.text != "" {
		b = append(append(b, " TIMESPAN "...), q.timespan.text...)
	}
	return string(b)
}

// separate appends the separator, but not before the first of a list.
func separate(b []byte, i int, separator string) []byte {
	if i == 0 {
		return b
	}
	return append(b, separator...)
}

// String returns the condition as it stands in a query.
func (c Condition) String() string { return string(c.append(nil)) }

func (c Condition) append(b []byte) []byte {
	b = append(append(b, c.column.text...), ' ')
	b = append(append(b, c.op...), ' ')
	if !c.op.list() {
		for _, v := range c.values {
			b = v.append(b)
		}
		return b
	}
	return appendList(b, c.values)
}

func appendList(b []byte, values []Literal) []byte {
	b = append(b, '(')
	for i, v := range values {
		b = v.append(separate(b, i, ", "))
	}
	return append(b, ')')
}

// String returns the value as it stands in a query, in quotes where it has them.
func (l Literal) String() string { return string(l.append(nil)) }

func (l Literal) append(b []byte) []byte {
	if !l.Quoted {
		return append(b, l.Text...)
	}
	return append(append(append(b, '\''), escape(l.Text)...), '\'')
}

// String returns the key as it stands in a query.
func (o Order) String() string { return string(o.append(nil)) }

func (o Order) append(b []byte) []byte {
	b = append(b, o.column.text...)
	if o.direction != Unspecified {
		b = append(append(b, ' '), o.direction...)
	}
	return b
}

// quote returns s as a string of the language. The documentation has no notation
// for a quote inside of text; doubling it is that of its relatives.
func quote(s string) string { return "'" + escape(s) + "'" }

func escape(s string) string { return strings.ReplaceAll(s, "'", "''") }
