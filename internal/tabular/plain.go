package tabular

import "time"

// Nearly all numbers and times in files are written in one plain form. It is read
// here, quickly; everything else, and everything that is wrong, is left to
// parseAnyDecimal and parseAnyTime.

// number is digits times ten to the power of exponent.
type number struct {
	digits   int64
	exponent int32
}

// plainNumber reads digits with an optional minus sign and an optional decimal
// point, as long as they surely fit.
func plainNumber(cell string) (n number, ok bool) {
	const most = 18 // digits; an int64 has room for any
	text, negative := cell, false
	if len(text) > 0 && text[0] == '-' {
		text, negative = text[1:], true
	}
	if len(text) > most+1 {
		return number{}, false
	}
	point := -1
	for i := range len(text) {
		c := text[i] - '0'
		switch {
		case c <= 9:
			n.digits = n.digits*10 + int64(c)
		case text[i] == '.' && point < 0:
			point = i
		default:
			return number{}, false
		}
	}
	digits := len(text)
	if point >= 0 {
		digits--
		n.exponent = -int32(len(text) - 1 - point) //nolint:gosec // at most 18
	}
	if negative {
		n.digits = -n.digits
	}
	return n, digits > 0 && digits <= most
}

// plainTime reads "2024-01-31", "2024-01-31T13:05:00" and the latter with a fraction
// and a Z.
func plainTime(cell string) (t time.Time, ok bool) {
	const date, clock = len("2024-01-31"), len("2024-01-31T13:05:00")
	if len(cell) < date || cell[4] != '-' || cell[7] != '-' {
		return t, false
	}
	century, year := twoDigits(cell, 0), twoDigits(cell, 2)
	month, day := twoDigits(cell, 5), twoDigits(cell, 8)
	if century|year|month|day < 0 || month == 0 || month > 12 || day == 0 || day > 31 {
		return t, false
	}
	year += century * 100
	if day > 28 && day > time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		return t, false
	}
	midnight := days(year, month, day) * (24 * 60 * 60)
	if len(cell) == date {
		return time.Unix(midnight, 0).UTC(), true
	}
	if len(cell) < clock || cell[date] != 'T' || cell[13] != ':' || cell[16] != ':' {
		return t, false
	}
	hour, minute, second := twoDigits(cell, 11), twoDigits(cell, 14), twoDigits(cell, 17)
	if hour|minute|second < 0 || hour > 23 || minute > 59 || second > 59 {
		return t, false
	}
	nanos, ok := fraction(cell[clock:])
	if !ok {
		return t, false
	}
	return time.Unix(midnight+int64(hour*3600+minute*60+second), int64(nanos)).UTC(), true
}

// days counts the days from 1970 to a date of the Gregorian calendar. Years begin
// in March for it, so that the leap day is their last.
func days(year, month, day int) int64 {
	const perYear, per400, toEpoch = 365, 400*365 + 97, 719468
	if month < 3 {
		year--
		month += 12
	}
	year += 400 // of which the days are taken off again; the year 0 stays positive
	sinceMarch := (153*(month-3) + 2) / 5
	return int64(year*perYear+year/4-year/100+year/400+sinceMarch+day-1) - per400 - toEpoch
}

// fraction reads what follows the seconds: nothing, "Z" or ".123Z".
func fraction(rest string) (nanos int, ok bool) {
	const most = 9 // digits
	if rest == "" || rest == "Z" {
		return 0, true
	}
	if len(rest) < len(".0Z") || len(rest) > most+2 || rest[0] != '.' || rest[len(rest)-1] != 'Z' {
		return 0, false
	}
	digits := rest[1 : len(rest)-1]
	for i := range most {
		nanos *= 10
		if i < len(digits) {
			c := digits[i] - '0'
			if c > 9 {
				return 0, false
			}
			nanos += int(c)
		}
	}
	return nanos, true
}

// twoDigits returns a negative number when they are none.
func twoDigits(s string, i int) int {
	tens, ones := s[i]-'0', s[i+1]-'0'
	if tens > 9 || ones > 9 {
		return -1
	}
	return int(tens)*10 + int(ones)
}
