package analytics

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// holds tests a cell. A value outside the column's domain is no error: it equals
// nothing.
func (t test) holds(cell string) bool {
	switch t.op {
	case "IN", "NOT IN":
		found := false
		for _, v := range t.values {
			n, ok := t.order(cell, v)
			found = found || ok && n == 0
		}
		return found == (t.op == "IN")
	case "LIKE", "NOT LIKE":
		return like(strings.ToLower(t.values[0]), strings.ToLower(cell)) == (t.op == "LIKE")
	}
	n, ok := t.order(cell, t.values[0])
	switch t.op {
	case "=":
		return ok && n == 0
	case "!=":
		return !ok || n != 0
	case ">":
		return ok && n > 0
	case "<":
		return ok && n < 0
	case ">=":
		return ok && n >= 0
	default: // "<="
		return ok && n <= 0
	}
}

// order compares a cell with a value as the column's kind has it; ok is false when
// one of them is none of that kind.
func (t test) order(cell, value string) (n int, ok bool) {
	switch {
	case t.field.kind.number() || t.field.kind == kindFlag01:
		x, errX := decimal.NewFromString(cell)
		y, errY := decimal.NewFromString(value)
		if errX != nil || errY != nil {
			return 0, false
		}
		return x.Cmp(y), true
	case t.field.kind.date():
		x, okX := parseMoment(cell)
		y, okY := parseMoment(value)
		return x.Compare(y), okX && okY
	default:
		return strings.Compare(strings.ToLower(cell), strings.ToLower(value)), true
	}
}

func parseMoment(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, wireTime, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// like matches a pattern in which a percent sign stands for any text and an
// underscore for one character.
func like(pattern, text string) bool {
	p, s := []rune(pattern), []rune(text)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '%':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '_' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '%' {
		i++
	}
	return i == len(p)
}
