package ingestion

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// condition reports whether an object passes a filter.
type condition func(object) bool

var errFilter = errors.New("Invalid filter clause") //nolint:staticcheck // it becomes the answer's message

// parseFilter reads the part of OData's filters that the service knows:
// comparisons for equality, any over a list, and, and parentheses. Names are matched
// without regard to case. An empty filter lets everything through.
func parseFilter(text string) (condition, error) {
	if text == "" {
		return func(object) bool { return true }, nil
	}
	p := &filterParser{rest: text}
	c, err := p.conjunction("", 0)
	if err != nil {
		return nil, err
	}
	if p.skip(); p.rest != "" {
		return nil, fmt.Errorf("%w at %q", errFilter, p.rest)
	}
	return c, nil
}

type filterParser struct{ rest string }

func (p *filterParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t") }

// take removes a token from the front, if it is there. Words must end there.
func (p *filterParser) take(want string) bool {
	p.skip()
	if len(p.rest) < len(want) || !strings.EqualFold(p.rest[:len(want)], want) {
		return false
	}
	if isWord(want[0]) && len(p.rest) > len(want) && isWord(p.rest[len(want)]) {
		return false
	}
	p.rest = p.rest[len(want):]
	return true
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *filterParser) word() string {
	p.skip()
	n := 0
	for n < len(p.rest) && isWord(p.rest[n]) {
		n++
	}
	w := p.rest[:n]
	p.rest = p.rest[n:]
	return w
}

func (p *filterParser) literal() (string, bool) {
	if !p.take("'") {
		return "", false
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(p.rest, "'")
		if !ok {
			return "", false
		}
		b.WriteString(before)
		if p.rest = after; !strings.HasPrefix(after, "'") {
			return b.String(), true
		}
		b.WriteByte('\'')
		p.rest = after[1:]
	}
}

// conjunction reads terms joined by and. Inside any, names begin with the variable.
func (p *filterParser) conjunction(variable string, depth int) (condition, error) {
	if depth > maxDepth {
		return nil, errFilter
	}
	first, err := p.term(variable, depth)
	if err != nil {
		return nil, err
	}
	all := []condition{first}
	for p.take("and") {
		next, err := p.term(variable, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, next)
	}
	return func(o object) bool {
		for _, c := range all {
			if !c(o) {
				return false
			}
		}
		return true
	}, nil
}

func (p *filterParser) term(variable string, depth int) (condition, error) {
	if p.take("(") {
		c, err := p.conjunction(variable, depth+1)
		if err == nil && !p.take(")") {
			err = fmt.Errorf("%w: a parenthesis is not closed", errFilter)
		}
		return c, err
	}
	name := p.word()
	if variable != "" {
		if !strings.EqualFold(name, variable) || !p.take("/") {
			return nil, fmt.Errorf("%w: %q is not the variable", errFilter, name)
		}
		name = p.word()
	}
	if name == "" {
		return nil, fmt.Errorf("%w at %q", errFilter, p.rest)
	}
	if variable == "" && p.take("/") {
		return p.any(name, depth)
	}
	if !p.take("eq") {
		return nil, fmt.Errorf("%w: only eq is supported", errFilter)
	}
	value, ok := p.literal()
	if !ok {
		return nil, fmt.Errorf("%w: a value in quotes is missing", errFilter)
	}
	return func(o object) bool { return same(name, o.text(name), value) }, nil
}

func (p *filterParser) any(list string, depth int) (condition, error) {
	if !p.take("any") || !p.take("(") {
		return nil, fmt.Errorf("%w: any is missing", errFilter)
	}
	variable := p.word()
	if variable == "" || !p.take(":") {
		return nil, fmt.Errorf("%w: any needs a variable", errFilter)
	}
	c, err := p.conjunction(variable, depth+1)
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, fmt.Errorf("%w: a parenthesis is not closed", errFilter)
	}
	return func(o object) bool {
		var items []object
		if json.Unmarshal(o.get(list), &items) != nil {
			return false
		}
		return slices.ContainsFunc(items, c)
	}, nil
}

// same compares values: those of enumerations, which the service accepts in any
// spelling, without regard to case.
func same(name, a, b string) bool {
	if strings.EqualFold(name, "value") {
		return a == b
	}
	return strings.EqualFold(a, b)
}
