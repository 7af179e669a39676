package query

import "slices"

// Query is a well-formed query. It comes from [Parse], [Check] or [Builder.Build]
// and does not change, so goroutines may share it. A nil *Query, or a zero one, is
// no query: its text is empty.
type Query struct {
	// text is what the offsets in the other fields refer to.
	text     string
	distinct bool
	columns  []name
	dataset  name
	where    []Condition
	order    []Order
	limit    int64 // 0: none
	limitAt  span
	timespan name // its text is empty when there is none
}

// span is a part of a text.
type span struct{ pos, end int }

// name is a name as the text spells it.
type name struct {
	text string
	at   span
}

// Distinct reports whether the query says DISTINCT.
func (q *Query) Distinct() bool { return q != nil && q.distinct }

// Columns returns the selected columns and metrics, in the order and spelling of
// the text. The report has them in this order.
func (q *Query) Columns() []string {
	if q == nil {
		return nil
	}
	out := make([]string, len(q.columns))
	for i, c := range q.columns {
		out[i] = c.text
	}
	return out
}

// Dataset returns the dataset's name as the text spells it.
func (q *Query) Dataset() string {
	if q == nil {
		return ""
	}
	return q.dataset.text
}

// Conditions returns the conditions of WHERE, all of which a row has to meet.
func (q *Query) Conditions() []Condition {
	if q == nil {
		return nil
	}
	return slices.Clone(q.where)
}

// Orders returns the keys of ORDER BY, the most important first.
func (q *Query) Orders() []Order {
	if q == nil {
		return nil
	}
	return slices.Clone(q.order)
}

// Limit returns the highest number of rows, 0 when the query names none. A number
// that has no room in an int64 is the highest of these.
func (q *Query) Limit() int64 {
	if q == nil {
		return 0
	}
	return q.limit
}

// Timespan returns the word after TIMESPAN as the text spells it, empty when there
// is none. The service then reads [Last6Months].
func (q *Query) Timespan() Timespan {
	if q == nil {
		return ""
	}
	return Timespan(q.timespan.text)
}

// Op is the operator of a [Condition].
type Op string

// The operators of the language.
const (
	// OpEq is equal.
	OpEq Op = "="
	// OpNe is not equal.
	OpNe Op = "!="
	// OpGt is greater than.
	OpGt Op = ">"
	// OpGe is greater than or equal.
	OpGe Op = ">="
	// OpLt is less than.
	OpLt Op = "<"
	// OpLe is less than or equal.
	OpLe Op = "<="
	// OpLike is a match with a pattern in which % stands for any text.
	OpLike Op = "LIKE"
	// OpNotLike is the contrary of OpLike.
	OpNotLike Op = "NOT LIKE"
	// OpIn is equal to one of a list.
	OpIn Op = "IN"
	// OpNotIn is equal to none of a list.
	OpNotIn Op = "NOT IN"
)

// list reports the operators that take a list.
func (o Op) list() bool { return o == OpIn || o == OpNotIn }

// Condition is one condition of WHERE. Make one with [Eq] and the other functions
// that are named after the operators; the zero value is none.
type Condition struct {
	column name
	op     Op
	values []Literal
	at     span  // of the operator
	err    error // of the function that made it
}

// Column returns the name on the left side.
func (c Condition) Column() string { return c.column.text }

// Op returns the operator.
func (c Condition) Op() Op { return c.op }

// Values returns the right side: one value, or any number of them for [OpIn] and
// [OpNotIn].
func (c Condition) Values() []Literal { return slices.Clone(c.values) }

// Literal is a value on the right side of a [Condition]. The service converts
// quoted values to the type of the column, so '100' and 100 mean the same.
type Literal struct {
	// Text is the value without quotes.
	Text string
	// Quoted tells text from numbers.
	Quoted bool

	at span
}

// Order is a key of ORDER BY.
type Order struct {
	column    name
	direction Direction
	at        span // of the direction
}

// Column returns the name.
func (o Order) Column() string { return o.column.text }

// Direction returns the direction as far as the text says it.
func (o Order) Direction() Direction { return o.direction }

// Descending reports the direction that counts: without a word for it the order is
// descending, unlike in SQL.
func (o Order) Descending() bool { return o.direction != Ascending }

// Direction is the word behind a key of ORDER BY.
type Direction string

const (
	// Ascending is ASC.
	Ascending Direction = "ASC"
	// Descending is DESC.
	Descending Direction = "DESC"
	// Unspecified is no word at all, which the service reads as DESC.
	Unspecified Direction = ""
)
