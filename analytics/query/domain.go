package query

import (
	"strings"
	"time"
)

// domain warns of values that the column cannot have. The service takes them
// without complaint and finds no rows.
func (c *checker) domain(cond Condition, typ ColumnType) {
	if cond.op == OpLike || cond.op == OpNotLike {
		return
	}
	for _, v := range cond.values {
		if c.faulty(v.at) {
			continue
		}
		wrong, instead := outside(v, typ)
		if wrong == "" {
			continue
		}
		c.warn(v.at, CodeDomain, "%s %s", cond.column.text, wrong)
		if instead == "" {
			continue
		}
		if v.Quoted || !isNumber(instead) {
			instead = quote(instead)
		}
		c.suggest(instead)
	}
}

// faulty reports values that the parser has found a problem with.
func (c *checker) faulty(at span) bool {
	for _, p := range c.problems[:c.written] {
		if p.Offset <= at.pos && at.pos < p.End && p.Severity == Error {
			return true
		}
	}
	return false
}

// outside says why a column of the type has no such value, and what to write.
func outside(v Literal, typ ColumnType) (wrong, instead string) {
	switch typ {
	case TypeFlag:
		return oneOf(v.Text, "is 1 or 0", "1", "0")
	case TypeYesNo:
		return oneOf(v.Text, "is 'Yes' or 'No'", "Yes", "No")
	case TypeBoolean:
		return oneOf(v.Text, "is 'True' or 'False'", "True", "False")
	case TypeInteger, TypeDecimal:
		if !isNumber(strings.TrimSpace(v.Text)) {
			return "is a number", ""
		}
	case TypeDate, TypeDateTime:
		return outsideDates(v)
	default: // text, and types that are not known, have any value
	}
	return "", ""
}

// oneOf compares a value with both values of a column that says yes or no, and
// translates those of other columns.
func oneOf(text, wrong, yes, no string) (string, string) {
	switch strings.ToLower(text) {
	case strings.ToLower(yes), strings.ToLower(no):
		return "", ""
	case "1", "yes", "true", "y", "t":
		return wrong, yes
	case "0", "no", "false", "n", "f":
		return wrong, no
	}
	return wrong, ""
}

func isNumber(s string) bool {
	digits, points := strings.TrimPrefix(s, "-"), 0
	for i := range len(digits) {
		if digits[i] == '.' {
			points++
		} else if !isDigit(digits[i]) {
			return false
		}
	}
	return digits != "" && points <= 1 && digits[0] != '.' && digits[len(digits)-1] != '.'
}

func outsideDates(v Literal) (wrong, instead string) {
	const message = "is a date, written '2006-01-02'"
	if !v.Quoted {
		if len(v.Text) == 8 {
			if t, err := time.Parse("20060102", v.Text); err == nil {
				return message, t.Format(time.DateOnly)
			}
		}
		return message, ""
	}
	head := v.Text
	if len(head) > len(time.DateOnly) {
		head = head[:len(time.DateOnly)]
	}
	if _, err := time.Parse(time.DateOnly, head); err == nil && clock(v.Text[len(head):]) {
		return "", ""
	}
	for _, layout := range []string{"2006/01/02", "20060102", "2006-1-2", "2006/1/2"} {
		if t, err := time.Parse(layout, v.Text); err == nil {
			return message, t.Format(time.DateOnly)
		}
	}
	return message, ""
}

// clock reports whether s, what follows a date, is nothing or begins like a time
// of day.
func clock(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != 'T' && s[0] != 't' && s[0] != ' ' || len(s) < 6 {
		return false
	}
	_, err := time.Parse("15:04", s[1:6])
	return err == nil
}

// pattern warns of LIKE with something that may not be the pattern it seems to be.
func (c *checker) pattern(cond Condition) {
	if cond.op != OpLike && cond.op != OpNotLike {
		return
	}
	for _, v := range cond.values {
		switch {
		case c.faulty(v.at):
		case !v.Quoted:
			c.warn(v.at, CodePattern, "%s compares text", cond.op)
			c.suggest(quote(v.Text))
		case strings.Contains(v.Text, "_"):
			c.warn(v.at, CodePattern, "the documentation does not say whether _ in a pattern stands for itself or, as elsewhere, for any character")
		case !strings.Contains(v.Text, "%"):
			c.warn(v.at, CodePattern, "without %% %s finds the whole text only, as %s does", cond.op, plainOp(cond.op))
		}
	}
}

// plainOp is the operator that compares whole texts.
func plainOp(op Op) Op {
	if op == OpNotLike {
		return OpNe
	}
	return OpEq
}
