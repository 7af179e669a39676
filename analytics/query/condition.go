package query

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// Value is what conditions compare with. There is no bool, because datasets write
// yes and no in three ways: Eq("IsActive", 1), Eq("IsTrial", "True") and
// Eq("IsNewCustomer", "Yes") are right, and [Check] tells which. Dates are strings:
// use [Day] and [Instant].
type Value interface {
	~string | ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 |
		~float32 | ~float64 | decimal.Decimal
}

// Day returns the day of t, in UTC, the way that date columns are compared with.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Instant returns t in UTC, to the second, the way that columns with a time of day
// are compared with.
func Instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Eq is the condition that a column equals a value.
func Eq[V Value](column string, value V) Condition { return newCondition(column, OpEq, value) }

// Ne is the condition that a column differs from a value.
func Ne[V Value](column string, value V) Condition { return newCondition(column, OpNe, value) }

// Gt is the condition that a column is greater than a value.
func Gt[V Value](column string, value V) Condition { return newCondition(column, OpGt, value) }

// Ge is the condition that a column is greater than or equal to a value.
func Ge[V Value](column string, value V) Condition { return newCondition(column, OpGe, value) }

// Lt is the condition that a column is less than a value.
func Lt[V Value](column string, value V) Condition { return newCondition(column, OpLt, value) }

// Le is the condition that a column is less than or equal to a value.
func Le[V Value](column string, value V) Condition { return newCondition(column, OpLe, value) }

// In is the condition that a column equals one of the values.
func In[V Value](column string, values ...V) Condition {
	return newCondition(column, OpIn, values...)
}

// NotIn is the condition that a column equals none of the values.
func NotIn[V Value](column string, values ...V) Condition {
	return newCondition(column, OpNotIn, values...)
}

// Like is the condition that a column matches a pattern, in which % stands for any
// text. There is no way to look for the character % itself.
func Like(column, pattern string) Condition { return newCondition(column, OpLike, pattern) }

// NotLike is the condition that a column does not match a pattern.
func NotLike(column, pattern string) Condition { return newCondition(column, OpNotLike, pattern) }

func newCondition[V Value](column string, op Op, values ...V) Condition {
	c := Condition{column: name{text: column}, op: op}
	if len(values) == 0 {
		c.err = errors.New("the list is empty: give at least one value")
	}
	for _, v := range values {
		l, err := newLiteral(v)
		if err != nil && c.err == nil {
			c.err = err
		}
		c.values = append(c.values, l)
	}
	return c
}

// newLiteral writes a value in the language, which has no exponents.
func newLiteral(value any) (Literal, error) {
	if d, ok := value.(decimal.Decimal); ok {
		if e := d.Exponent(); e > maxExponent || e < -maxExponent {
			return Literal{}, fmt.Errorf("a number with the decimal exponent %d is too long to write", e)
		}
		return Literal{Text: d.String()}, nil
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return Literal{}, fmt.Errorf("the text %q is not UTF-8", shorten(v.String(), 40))
		}
		return Literal{Text: v.String(), Quoted: true}, nil
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return Literal{}, fmt.Errorf("%v is no number", f)
		}
		return Literal{Text: strings.TrimPrefix(strconv.FormatFloat(v.Float(), 'f', -1, v.Type().Bits()), "+")}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Literal{Text: strconv.FormatInt(v.Int(), 10)}, nil
	default: // the constraint allows nothing but unsigned numbers besides
		return Literal{Text: strconv.FormatUint(v.Uint(), 10)}, nil
	}
}

// maxExponent keeps numbers to a length that a text can hold.
const maxExponent = 1000

// check says what is wrong with a condition.
func (c Condition) check() error {
	switch {
	case c.op == "":
		return errors.New("it is empty: make it with Eq or one of the other functions")
	case !isName(c.column.text):
		return badName(c.column.text)
	case c.err != nil:
		return fmt.Errorf("%s: %w", c.column.text, c.err)
	}
	return nil
}

// Asc is a key of ORDER BY, smallest first.
func Asc(column string) Order { return Order{column: name{text: column}, direction: Ascending} }

// Desc is a key of ORDER BY, greatest first.
func Desc(column string) Order { return Order{column: name{text: column}, direction: Descending} }
