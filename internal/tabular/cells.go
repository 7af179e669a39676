package tabular

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jszwec/csvutil"
	"github.com/shopspring/decimal"
)

// Unmarshalers returns the cell decoders that rows are read with:
//
//   - [decimal.Decimal]: exact; an empty cell does not fit.
//   - [decimal.NullDecimal]: the same, and an empty cell is not valid.
//   - [time.Time]: see [ParseTime]; an empty cell is the zero time.
//   - bool: true and false in any case, and what [strconv.ParseBool] takes.
//
// Spaces around the text do not matter. On failure the field is left alone.
func Unmarshalers() *csvutil.Unmarshalers {
	return csvutil.NewUnmarshalers(
		csvutil.UnmarshalFunc(func(cell []byte, d *decimal.Decimal) error {
			return store(d, string(cell), ParseDecimal)
		}),
		csvutil.UnmarshalFunc(func(cell []byte, d *decimal.NullDecimal) error {
			return store(d, string(cell), parseNullDecimal)
		}),
		csvutil.UnmarshalFunc(func(cell []byte, t *time.Time) error {
			return store(t, string(cell), ParseTime)
		}),
		csvutil.UnmarshalFunc(func(cell []byte, b *bool) error {
			return store(b, string(cell), ParseBool)
		}),
	)
}

// store puts what parse makes of the cell into field, which it leaves alone when
// the cell does not fit.
func store[T any](field *T, cell string, parse parser[T]) error {
	v, err := parse(cell)
	if err == nil {
		*field = v
	}
	return err
}

// Limits of the numbers that are read. Money needs a fraction of them, and a
// number such as 1e999999999 would keep the first addition busy for hours.
const (
	maxDigits   = 100
	maxExponent = 100
)

var (
	errEmptyNumber = errors.New("is empty; expected a number")
	errNumber      = errors.New("is not a number: expected digits with an optional sign, decimal point and exponent")
	errComma       = errors.New("has a comma: whether it groups digits or begins the fraction cannot be told, " +
		"so write numbers with a decimal point and without grouping")
	errNumberSize = fmt.Errorf("is out of range: at most %d digits and a decimal exponent from -%d to %d", maxDigits, maxExponent, maxExponent)
)

// ParseDecimal reads a number as it stands, for example "-1234.50", "+.5" or
// "1.5E-7". It does not guess: grouped digits, currency signs, percent signs and
// bracketed negatives are errors.
func ParseDecimal(cell string) (decimal.Decimal, error) {
	if n, ok := plainNumber(cell); ok {
		return decimal.New(n.digits, n.exponent), nil
	}
	return parseAnyDecimal(cell)
}

// parseAnyDecimal is [ParseDecimal] for numbers in any form.
func parseAnyDecimal(cell string) (decimal.Decimal, error) {
	cell = strings.TrimSpace(cell)
	if len(cell) == 0 {
		return decimal.Decimal{}, errEmptyNumber
	}
	i, negative := 0, false
	if cell[0] == '-' || cell[0] == '+' {
		i, negative = 1, cell[0] == '-'
	}
	var (
		small  int64 // the digits, while they surely fit
		digits int
		point  = -1 // digits before the decimal point
		first  = i
	)
mantissa:
	for ; i < len(cell); i++ {
		switch c := cell[i]; {
		case '0' <= c && c <= '9':
			if digits++; digits <= 18 {
				small = small*10 + int64(c-'0')
			}
		case c == '.' && point < 0:
			point = digits
		case c == 'e' || c == 'E':
			break mantissa
		case c == ',':
			return decimal.Decimal{}, errComma
		default:
			return decimal.Decimal{}, errNumber
		}
	}
	if digits == 0 {
		return decimal.Decimal{}, errNumber
	}
	last, exponent := i, 0
	if i < len(cell) {
		var err error
		if exponent, err = strconv.Atoi(cell[i+1:]); errors.Is(err, strconv.ErrRange) {
			return decimal.Decimal{}, errNumberSize
		} else if err != nil {
			return decimal.Decimal{}, errNumber
		}
	}
	if digits > maxDigits || exponent < -maxExponent || exponent > maxExponent {
		return decimal.Decimal{}, errNumberSize
	}
	if point >= 0 {
		exponent -= digits - point
	}
	if digits <= 18 {
		if negative {
			small = -small
		}
		return decimal.New(small, int32(exponent)), nil //nolint:gosec // within ±200, see above
	}
	d, err := decimal.NewFromString(strings.Clone(cell[first:last])) // its errors must not make every cell escape
	if err != nil {
		return decimal.Decimal{}, errNumber
	}
	if point >= 0 {
		exponent += digits - point // NewFromString has counted the fraction itself
	}
	if negative {
		d = d.Neg()
	}
	return d.Shift(int32(exponent)), nil //nolint:gosec // within ±100, see above
}

// parseNullDecimal is [ParseDecimal] for cells that may be empty.
func parseNullDecimal(cell string) (decimal.NullDecimal, error) { return nullable(ParseDecimal(cell)) }

// nullable makes an empty cell one without value.
func nullable(d decimal.Decimal, err error) (decimal.NullDecimal, error) {
	if err == errEmptyNumber { //nolint:errorlint // ParseDecimal returns it as it is
		return decimal.NullDecimal{}, nil
	}
	return decimal.NullDecimal{Decimal: d, Valid: err == nil}, err
}

var (
	errTime    = errors.New("is not a time: expected for example 2024-01-31 or 2024-01-31T13:05:00Z")
	errSlashes = errors.New("is a date whose day and month cannot be told apart: expected year-month-day, for example 2024-01-31")
)

// ParseTime reads a date or a time in the forms of ISO 8601 that put the year
// first: "2024-01-31", "2024-01-31T13:05:00.123Z", with an offset in place of Z,
// with a blank in place of T, and without seconds. A time without offset is UTC.
// The result is UTC; an empty cell is the zero time.
func ParseTime(cell string) (time.Time, error) {
	if t, ok := plainTime(cell); ok {
		return t, nil
	}
	return parseAnyTime(cell)
}

// parseAnyTime is [ParseTime] for all forms.
func parseAnyTime(cell string) (time.Time, error) {
	cell = strings.TrimSpace(cell)
	if cell == "" {
		return time.Time{}, nil
	}
	if strings.ContainsRune(cell, '/') {
		return time.Time{}, errSlashes
	}
	if len(cell) < len(time.DateOnly) || len(cell) > 64 {
		return time.Time{}, errTime
	}
	layout := time.DateOnly
	if clock := cell[len(time.DateOnly):]; clock != "" {
		seconds := len(clock) > 6 && clock[6] == ':' // behind "T15:04"
		offset := clock[len(clock)-1] == 'Z' || strings.ContainsAny(clock, "+-")
		layout = clockLayout(clock[0], seconds, offset)
	}
	t, err := time.Parse(layout, cell)
	if err != nil {
		return time.Time{}, errTime
	}
	return t.UTC(), nil
}

// clockLayout names the layout of a date with a time of day, or an empty one. Parse
// itself accepts a fraction after the seconds.
func clockLayout(separator byte, seconds, offset bool) string {
	switch {
	case separator == 'T' && seconds && offset:
		return time.RFC3339
	case separator == 'T' && seconds:
		return "2006-01-02T15:04:05"
	case separator == 'T' && offset:
		return "2006-01-02T15:04Z07:00"
	case separator == 'T':
		return "2006-01-02T15:04"
	case separator == ' ' && seconds && offset:
		return "2006-01-02 15:04:05Z07:00"
	case separator == ' ' && seconds:
		return time.DateTime
	case separator == ' ' && offset:
		return "2006-01-02 15:04Z07:00"
	case separator == ' ':
		return "2006-01-02 15:04"
	}
	return ""
}

var errBool = errors.New("is neither true nor false")

// ParseBool reads "true" and "false" in any case, and what [strconv.ParseBool]
// takes.
func ParseBool(cell string) (bool, error) {
	switch cell { // as files write it
	case "True", "true":
		return true, nil
	case "False", "false":
		return false, nil
	}
	cell = strings.TrimSpace(cell)
	switch {
	case strings.EqualFold(cell, "true"):
		return true, nil
	case strings.EqualFold(cell, "false"):
		return false, nil
	}
	b, err := strconv.ParseBool(cell)
	if err != nil {
		return false, errBool
	}
	return b, nil
}
