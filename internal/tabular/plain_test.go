package tabular

import (
	"fmt"
	"testing"
	"time"
)

// Every month of the calendar that can be written, and days that are in none.
func TestPlainDaysAreThoseOfTheCalendar(t *testing.T) {
	for first := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC); first.Year() < 10_000; first = first.AddDate(0, 1, 0) {
		last := first.AddDate(0, 1, -1)
		for _, day := range []time.Time{first, last} {
			if got, ok := plainTime(day.Format(time.DateOnly)); !ok || got != day {
				t.Fatalf("%v was read as %v, %v", day, got, ok)
			}
		}
		if cell := fmt.Sprintf("%s-%02d", first.Format("2006-01"), last.Day()+1); last.Day() < 31 {
			if got, ok := plainTime(cell); ok {
				t.Fatalf("%s was read as %v", cell, got)
			}
		}
	}
	for _, cell := range []string{"2023-02-29", "1900-02-29", "2024-02-30", "2024-04-31", "2024-00-01", "2024-13-01", "2024-01-00", "2024-01-32"} {
		if got, ok := plainTime(cell); ok {
			t.Errorf("%s was read as %v", cell, got)
		}
	}
}

// The quick ways and the thorough ones read the same, bit by bit.
func FuzzPlainForms(f *testing.F) {
	for _, s := range []string{
		"2024-01-31", "2024-01-31T13:05:09", "2024-01-31T13:05:09Z", "2024-02-29T23:59:59.123456789Z", "0000-02-29T00:00:00.0Z",
		"2024-01-31T13:05:09.5", "2024-01-31T24:00:00Z", "2024-01-31T13:60:00Z", "2024-1-31", "2024-01-31T13:05:09.Z", "2024-01-31T13:05:09.12345678901Z",
		"0", "-0", "-0.00", "12.50", "-1234567.89", "999999999999999999", "-.5", "5.", ".", "-", "1.2.3", "9999999999999999999", "0.000000000000000001", "00012",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := plainTime(s); ok {
			want, err := parseAnyTime(s)
			if err != nil || got != want {
				t.Errorf("%q: %#v, want %#v, %v", s, got, want, err)
			}
		}
		n, ok := plainNumber(s)
		if !ok {
			return
		}
		want, err := parseAnyDecimal(s)
		if err != nil || n.exponent != want.Exponent() || !want.Coefficient().IsInt64() || n.digits != want.Coefficient().Int64() {
			t.Errorf("%q: %+v, want %s with exponent %d, %v", s, n, want, want.Exponent(), err)
		}
	})
}

// What is plain must not silently become what is not: the benchmarks rest on it.
func TestPlainFormsAreReadQuickly(t *testing.T) {
	for _, s := range []string{"0", "12.50", "-1234567.89"} {
		if _, ok := plainNumber(s); !ok {
			t.Errorf("%q is not read as a plain number", s)
		}
	}
	for _, s := range []string{"2024-01-31", "2024-01-31T13:05:09Z", "2024-01-31T00:00:00.000Z", "2024-01-31T13:05:09.1234567Z"} {
		if _, ok := plainTime(s); !ok {
			t.Errorf("%q is not read as a plain time", s)
		}
	}
}
