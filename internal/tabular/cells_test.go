package tabular

import (
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

func TestParseDecimal(t *testing.T) {
	for _, c := range []struct {
		cell, want string // "" = error
		err        error
	}{
		{"0", "0", nil},
		{"-0.00", "0", nil},
		{"10.00", "10", nil},
		{"+10", "10", nil},
		{"-1234.5678", "-1234.5678", nil},
		{".5", "0.5", nil},
		{"5.", "5", nil},
		{"-.5e1", "-5", nil},
		{"1E-7", "0.0000001", nil},
		{"1.5e+3", "1500", nil},
		{" \t12.5\u00a0", "12.5", nil},
		{"999999999999999999", "999999999999999999", nil},
		{"-9999999999999999999", "-9999999999999999999", nil},
		{"0.1234567890123456789012345678901234567890", "0.1234567890123456789012345678901234567890", nil},
		{"-12345678901234567890.5E-3", "-12345678901234567.8905", nil},
		{"12345678901234567890E2", "1234567890123456789000", nil},
		{"1e100", "1" + strings.Repeat("0", 100), nil},
		{strings.Repeat("9", 100), strings.Repeat("9", 100), nil},
		{"", "", errEmptyNumber},
		{"  ", "", errEmptyNumber},
		{"1e101", "", errNumberSize},
		{"1e-101", "", errNumberSize},
		{"1e999999999", "", errNumberSize},
		{"1e-99999999999999999999", "", errNumberSize},
		{strings.Repeat("9", 101), "", errNumberSize},
		{"1,234.50", "", errComma},
		{"10,5", "", errComma},
		{"$10", "", errNumber},
		{"10 EUR", "", errNumber},
		{"1 000", "", errNumber},
		{"5%", "", errNumber},
		{"(10)", "", errNumber},
		{"10-", "", errNumber},
		{"--1", "", errNumber},
		{"+", "", errNumber},
		{".", "", errNumber},
		{"e5", "", errNumber},
		{"1e", "", errNumber},
		{"1e5.5", "", errNumber},
		{"1.2.3", "", errNumber},
		{"0x10", "", errNumber},
		{"1_000", "", errNumber},
		{"NaN", "", errNumber},
		{"Infinity", "", errNumber},
		{"\u22125", "", errNumber},
		{"\u0665", "", errNumber},
	} {
		t.Run(c.cell, func(t *testing.T) {
			d, err := ParseDecimal(c.cell)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if c.err == nil && d.String() != decimal.RequireFromString(c.want).String() {
				t.Errorf("%s, want %s", d, c.want)
			}
		})
	}
}

// What "10.00" says beyond its value, the number of places, is kept.
func TestParseDecimalKeepsThePlaces(t *testing.T) {
	d, err := ParseDecimal("10.00")
	if err != nil || d.Exponent() != -2 {
		t.Errorf("exponent %d, error %v", d.Exponent(), err)
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"10.00", "-1e-5", ".5", "+1234567890123456789012.5e3", "1e999999999", "1,5", " 7 "} {
		f.Add(s)
	}
	number := regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDecimal(s)
		trimmed := string(regexp.MustCompile(`^[\s\p{Z}\x{85}]+|[\s\p{Z}\x{85}]+$`).ReplaceAllString(s, ""))
		if err != nil {
			if number.MatchString(trimmed) && !errors.Is(err, errNumberSize) {
				t.Errorf("%q is a number, but: %v", s, err)
			}
			return
		}
		if !number.MatchString(strings.TrimSpace(s)) {
			t.Fatalf("%q is no number, but was read as %s", s, d)
		}
		want, ok := new(big.Rat).SetString(strings.TrimSpace(s))
		if !ok || d.Rat().Cmp(want) != 0 {
			t.Errorf("%q was read as %s", s, d)
		}
	})
}

func TestParseTime(t *testing.T) {
	day := time.Date(2024, 1, 31, 0, 0, 0, 0, time.UTC)
	clock := day.Add(13*time.Hour + 5*time.Minute)
	for _, c := range []struct {
		cell string
		want time.Time
		err  error
	}{
		{"", time.Time{}, nil},
		{"  ", time.Time{}, nil},
		{"0001-01-01T00:00:00", time.Time{}, nil},
		{"2024-01-31", day, nil},
		{" 2024-01-31 ", day, nil},
		{"2024-01-31T13:05:00Z", clock, nil},
		{"2024-01-31T13:05:00.000Z", clock, nil},
		{"2024-01-31T13:05:00.1234567Z", clock.Add(123456700), nil},
		{"2024-01-31T13:05:00", clock, nil},
		{"2024-01-31T13:05:00.5", clock.Add(time.Second / 2), nil},
		{"2024-01-31T15:05:00+02:00", clock, nil},
		{"2024-01-31T03:05:00.25-10:00", clock.Add(time.Second / 4), nil},
		{"2024-01-31 13:05:00", clock, nil},
		{"2024-01-31 13:05:00.25", clock.Add(time.Second / 4), nil},
		{"2024-01-31 13:05:00Z", clock, nil},
		{"2024-01-31 15:05:00+02:00", clock, nil},
		{"2024-01-31T13:05", clock, nil},
		{"2024-01-31 13:05", clock, nil},
		{"2024-01-31T13:05Z", clock, nil},
		{"2024-01-31 15:05+02:00", clock, nil},
		{"2024-02-29", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), nil},
		{"2023-02-29", time.Time{}, errTime},
		{"2024-13-01", time.Time{}, errTime},
		{"2024-01-31T24:00:00Z", time.Time{}, errTime},
		{"2024-01-31T13:05:60Z", time.Time{}, errTime},
		{"2024-01-31T", time.Time{}, errTime},
		{"2024-01-31x13:05:00", time.Time{}, errTime},
		{"2024-01-31 13:05:00 PM", time.Time{}, errTime},
		{"2024-01", time.Time{}, errTime},
		{"20240131", time.Time{}, errTime},
		{"31.01.2024", time.Time{}, errTime},
		{"45322", time.Time{}, errTime},
		{"January 2024", time.Time{}, errTime},
		{"1/2/2024", time.Time{}, errSlashes},
		{"01/31/2024 1:05:00 PM", time.Time{}, errSlashes},
		{strings.Repeat("2024-01-31", 10), time.Time{}, errTime},
	} {
		t.Run(c.cell, func(t *testing.T) {
			got, err := ParseTime(c.cell)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if !got.Equal(c.want) || got.Location() != time.UTC {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2024-01-31", "2024-01-31T13:05:00.5+02:00", "2024-01-31 13:05", "1/2/2024", "", "9999-12-31T23:59:59-12:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s)
		if err != nil {
			if !got.IsZero() {
				t.Errorf("%q: error %v beside %v", s, err, got)
			}
			return
		}
		if got.Location() != time.UTC {
			t.Errorf("%q: not UTC", s)
		}
		if got.Year() < 0 || got.Year() > 9999 {
			return // an offset has moved the time out of what can be written
		}
		again, err := ParseTime(got.Format(time.RFC3339Nano))
		if err != nil || !again.Equal(got) {
			t.Errorf("%q: %v, written and read again: %v, %v", s, got, again, err)
		}
	})
}

func TestParseBool(t *testing.T) {
	for cell, want := range map[string]bool{"True": true, "FALSE": false, "tRuE": true, "\tfalse\u00a0": false, "1": true, "0": false} {
		if got, err := ParseBool(cell); err != nil || got != want {
			t.Errorf("%q: %v, %v", cell, got, err)
		}
	}
	for _, cell := range []string{"", "yes", "truee", "2"} {
		if _, err := ParseBool(cell); !errors.Is(err, errBool) {
			t.Errorf("%q: error %v", cell, err)
		}
	}
}
