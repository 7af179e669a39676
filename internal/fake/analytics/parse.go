package analytics

import (
	"math"
	"strconv"
	"strings"
)

// statement is a query as it is written, before its names are looked up.
type statement struct {
	distinct bool
	columns  []token
	dataset  token
	where    []condition
	order    []order
	limit    int // 0: none
	span     token
}

type condition struct {
	column token
	op     string // in upper case; "NOT IN" and "NOT LIKE" are one
	values []token
}

type order struct {
	column token
	asc    bool // the default is descending
}

// parser reads the grammar of the page on custom queries, from left to right, and
// stops at the first mistake.
type parser struct {
	tokens []token
	at     int
}

func parse(text string) (*statement, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	s := &statement{}
	for _, clause := range []func(*statement) error{p.selected, p.from, p.conditions, p.ordering, p.limit, p.timespan} {
		if err := clause(s); err != nil {
			return nil, err
		}
	}
	if t := p.peek(); t.kind != tokEnd {
		return nil, wrongAt(t.at, "unexpected %s", t)
	}
	return s, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokEnd {
		p.at++
	}
	return t
}

// accept takes a keyword or sign if it is the next.
func (p *parser) accept(word string) bool {
	if !p.peek().is(word) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(word string) error {
	if t := p.peek(); !p.accept(word) {
		return wrongAt(t.at, "%s expected instead of %s", word, t)
	}
	return nil
}

// name takes the name of a column or dataset; no clause's first word is one.
func (p *parser) name(what string) (token, error) {
	t := p.next()
	if t.kind != tokWord || reserved(t.text) {
		return t, wrongAt(t.at, "the name of a %s expected instead of %s", what, t)
	}
	return t, nil
}

func reserved(word string) bool {
	switch strings.ToUpper(word) {
	case "SELECT", "DISTINCT", "FROM", "WHERE", "AND", "ORDER", "BY", "LIMIT", "TIMESPAN", "NOT", "IN", "LIKE":
		return true
	}
	return false
}

func (p *parser) selected(s *statement) error {
	if err := p.expect("SELECT"); err != nil {
		return err
	}
	s.distinct = p.accept("DISTINCT")
	for {
		c, err := p.name("column")
		if err != nil {
			return err
		}
		s.columns = append(s.columns, c)
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) from(s *statement) (err error) {
	if err = p.expect("FROM"); err == nil {
		s.dataset, err = p.name("dataset")
	}
	return err
}

func (p *parser) conditions(s *statement) error {
	if !p.accept("WHERE") {
		return nil
	}
	for {
		c, err := p.condition()
		if err != nil {
			return err
		}
		s.where = append(s.where, c)
		if !p.accept("AND") {
			return nil
		}
	}
}

func (p *parser) condition() (c condition, err error) {
	if c.column, err = p.name("column"); err != nil {
		return c, err
	}
	op := p.next()
	c.op = strings.ToUpper(op.text)
	if op.is("NOT") {
		op = p.next()
		c.op = "NOT " + strings.ToUpper(op.text)
	}
	if op.kind == tokText { // an operator in quotes is a text
		return c, wrongAt(op.at, "an operator expected instead of %s", op)
	}
	switch c.op {
	case "=", ">", "<", ">=", "<=", "!=", "LIKE", "NOT LIKE":
		v, err := p.value()
		c.values = []token{v}
		return c, err
	case "IN", "NOT IN":
		c.values, err = p.list()
		return c, err
	}
	return c, wrongAt(op.at, "an operator expected instead of %s", op)
}

func (p *parser) value() (token, error) {
	t := p.next()
	if t.kind != tokNumber && t.kind != tokText {
		return t, wrongAt(t.at, "a number or a quoted text expected instead of %s", t)
	}
	return t, nil
}

func (p *parser) list() (values []token, err error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		if len(values) > 0 && v.kind != values[0].kind {
			return nil, wrongAt(v.at, "a list holds either numbers or texts, but %s follows %s", v, values[0])
		}
		values = append(values, v)
		if !p.accept(",") {
			return values, p.expect(")")
		}
	}
}

func (p *parser) ordering(s *statement) error {
	if !p.accept("ORDER") {
		return nil
	}
	if err := p.expect("BY"); err != nil {
		return err
	}
	for {
		c, err := p.name("column")
		if err != nil {
			return err
		}
		o := order{column: c}
		if o.asc = p.accept("ASC"); !o.asc {
			p.accept("DESC")
		}
		s.order = append(s.order, o)
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) limit(s *statement) error {
	if !p.accept("LIMIT") {
		return nil
	}
	t := p.next()
	n, err := strconv.Atoi(t.text)
	switch {
	case t.kind == tokNumber && err != nil && strings.Trim(t.text, "0123456789") == "":
		n = math.MaxInt // more than there are rows
	case t.kind != tokNumber, err != nil, n < 1:
		return wrongAt(t.at, "LIMIT needs a positive whole number instead of %s", t)
	}
	s.limit = n
	return nil
}

func (p *parser) timespan(s *statement) error {
	if !p.accept("TIMESPAN") {
		return nil
	}
	t := p.next()
	if t.kind != tokWord {
		return wrongAt(t.at, "a time span such as LAST_MONTH expected instead of %s", t)
	}
	s.span = t
	return nil
}
