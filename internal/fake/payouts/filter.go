package payouts

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Limits that keep hostile filters cheap; the fake's choice.
const (
	maxFilterLength = 16 << 10
	maxFilterDepth  = 64
)

// LiteralKind is the type of a literal.
type LiteralKind int

// The kinds of literals.
const (
	// Text is a quoted string.
	Text LiteralKind = iota
	// Date is YYYY-MM-DD.
	Date
	// DateTime is YYYY-MM-DDThh:mm:ss[.fff]Z.
	DateTime
	// Number is an unquoted decimal.
	Number
)

// Literal is the right side of a comparison.
type Literal struct {
	Kind LiteralKind
	// Text is the literal as written, for Text without quotes.
	Text string
	// Time is the instant of a Date (midnight UTC) or DateTime.
	Time time.Time
	// Number is the value of a Number.
	Number decimal.Decimal
}

// Expr is a parsed filter: either a comparison, when Op is neither "and" nor
// "or", or a combination of Args.
type Expr struct {
	// Op is "and", "or", or the operator of a comparison: eq, ne, ge, gt, le, lt.
	Op string
	// Args are the operands of "and" and "or", two or more.
	Args []*Expr
	// Field is the left side of a comparison as written.
	Field string
	// Value is its right side.
	Value Literal
}

// String writes the filter in the eq form with the fewest parentheses.
func (e *Expr) String() string {
	switch e.Op {
	case "and", "or":
		parts := make([]string, len(e.Args))
		for i, a := range e.Args {
			parts[i] = a.String()
			if a.Op == "or" && e.Op == "and" || a.Op == e.Op {
				parts[i] = "(" + parts[i] + ")"
			}
		}
		return strings.Join(parts, " "+e.Op+" ")
	}
	v := e.Value.Text
	if e.Value.Kind == Text {
		v = "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	return e.Field + " " + e.Op + " " + v
}

// fields calls f with the field of every comparison.
func (e *Expr) fields(f func(string)) {
	for _, a := range e.Args {
		a.fields(f)
	}
	if len(e.Args) == 0 {
		f(e.Field)
	}
}

// ParseFilter reads a $filter. Operators are lower case; "and" binds tighter than
// "or", as in OData. Both forms of equality are read: "field eq 'x'" and
// "field='x'". An embedded quote is doubled.
func ParseFilter(s string) (*Expr, error) {
	if len(s) > maxFilterLength {
		return nil, fmt.Errorf("the filter is longer than %d bytes", maxFilterLength)
	}
	p := &filterParser{in: s}
	e, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos < len(p.in) {
		return nil, p.errorf("'and', 'or' or the end")
	}
	return e, nil
}

type filterParser struct {
	in  string
	pos int
}

func (p *filterParser) errorf(want string) error {
	rest := p.in[p.pos:]
	if rest == "" {
		return fmt.Errorf("filter: %s expected at the end", want)
	}
	if len(rest) > 20 {
		rest = strings.ToValidUTF8(rest[:20], "") + "..."
	}
	return fmt.Errorf("filter: %s expected at position %d, found %q", want, p.pos+1, rest)
}

func (p *filterParser) space() bool {
	start := p.pos
	for p.pos < len(p.in) && p.in[p.pos] == ' ' {
		p.pos++
	}
	return p.pos > start
}

// word returns the letters, digits and underscores at the position, and consumes
// them if take agrees.
func (p *filterParser) word(take func(string) bool) (string, bool) {
	end := p.pos
	for end < len(p.in) && isWord(p.in[end]) {
		end++
	}
	w := p.in[p.pos:end]
	if w == "" || !take(w) {
		return w, false
	}
	p.pos = end
	return w, true
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

func (p *filterParser) or(depth int) (*Expr, error) {
	return p.list("or", func() (*Expr, error) {
		return p.list("and", func() (*Expr, error) { return p.term(depth) })
	})
}

func (p *filterParser) list(op string, operand func() (*Expr, error)) (*Expr, error) {
	first, err := operand()
	if err != nil {
		return nil, err
	}
	args := []*Expr{first}
	for {
		mark := p.pos
		// A closing parenthesis or quote may touch the operator; text may not.
		p.space()
		if _, ok := p.word(func(w string) bool { return w == op }); !ok {
			p.pos = mark
			break
		}
		next, err := operand()
		if err != nil {
			return nil, err
		}
		args = append(args, next)
	}
	if len(args) == 1 {
		return first, nil
	}
	return &Expr{Op: op, Args: args}, nil
}

func (p *filterParser) term(depth int) (*Expr, error) {
	p.space()
	if p.pos < len(p.in) && p.in[p.pos] == '(' {
		if depth >= maxFilterDepth {
			return nil, fmt.Errorf("filter: more than %d nested parentheses", maxFilterDepth)
		}
		p.pos++
		e, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		p.space()
		if p.pos >= len(p.in) || p.in[p.pos] != ')' {
			return nil, p.errorf("')'")
		}
		p.pos++
		return e, nil
	}
	return p.comparison()
}

func (p *filterParser) comparison() (*Expr, error) {
	field, ok := p.word(func(w string) bool { return w[0] > '9' })
	if !ok {
		return nil, p.errorf("a field name")
	}
	e := &Expr{Field: field}
	spaced := p.space()
	if p.pos < len(p.in) && p.in[p.pos] == '=' {
		p.pos++
		e.Op = "eq"
	} else {
		op, ok := p.word(func(w string) bool {
			switch w {
			case "eq", "ne", "ge", "gt", "le", "lt":
				return spaced
			}
			return false
		})
		if !ok {
			return nil, p.errorf("an operator (eq, ne, ge, gt, le, lt or =)")
		}
		if e.Op = op; !p.space() {
			return nil, p.errorf("a space after the operator")
		}
	}
	p.space()
	var err error
	e.Value, err = p.literal()
	return e, err
}

func (p *filterParser) literal() (Literal, error) {
	if p.pos < len(p.in) && p.in[p.pos] == '\'' {
		return p.quoted()
	}
	end := p.pos
	for end < len(p.in) && p.in[end] != ' ' && p.in[end] != ')' && p.in[end] != '(' && p.in[end] != '\'' {
		end++
	}
	text := p.in[p.pos:end]
	lit := Literal{Text: text}
	switch {
	case text == "":
		return Literal{}, p.errorf("a value")
	case isNumber(text):
		n, err := decimal.NewFromString(text)
		if err != nil {
			return Literal{}, p.errorf("a number")
		}
		lit.Kind, lit.Number = Number, n
	case len(text) == len(time.DateOnly):
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return Literal{}, p.errorf("a date")
		}
		lit.Kind, lit.Time = Date, t
	default:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || !strings.HasSuffix(text, "Z") {
			return Literal{}, p.errorf("a quoted text, a date, a UTC time or a number")
		}
		lit.Kind, lit.Time = DateTime, t
	}
	p.pos = end
	return lit, nil
}

func (p *filterParser) quoted() (Literal, error) {
	var b strings.Builder
	i := p.pos + 1
	for {
		n := strings.IndexByte(p.in[i:], '\'')
		if n < 0 {
			return Literal{}, fmt.Errorf("filter: the quote at position %d is not closed", p.pos+1)
		}
		b.WriteString(p.in[i : i+n])
		i += n + 1
		if i < len(p.in) && p.in[i] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		break
	}
	p.pos = i
	return Literal{Kind: Text, Text: b.String()}, nil
}

// isNumber accepts digits with an optional sign and fraction, no exponent.
func isNumber(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	whole, fraction, dot := strings.Cut(s, ".")
	return whole != "" && len(s) <= 40 && strings.Trim(whole, "0123456789") == "" &&
		(!dot || fraction != "" && strings.Trim(fraction, "0123456789") == "")
}
