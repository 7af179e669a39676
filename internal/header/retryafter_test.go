package header

import (
	"math"
	"net/http"
	"testing"
	"time"
)

func TestRetryAfterReadsSecondsAndDates(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, value, date string
		want              time.Duration
		named             bool
	}{
		{name: "missing"},
		{name: "seconds", value: "57", want: 57 * time.Second, named: true},
		{name: "zero means at once", value: "0", named: true},
		{name: "blanks around", value: " 5 ", want: 5 * time.Second, named: true},
		{name: "negative", value: "-1"},
		{name: "fraction", value: "1.5"},
		{name: "garbage", value: "soon"},
		{name: "more seconds than a duration holds", value: "9223372037", want: math.MaxInt64, named: true},
		{name: "more digits than an integer holds", value: "99999999999999999999", want: math.MaxInt64, named: true},
		{name: "fewer digits than an integer holds", value: "-99999999999999999999"},
		{name: "date", value: "Sun, 01 Mar 2026 12:00:30 GMT", want: 30 * time.Second, named: true},
		{name: "date in the old format", value: "Sunday, 01-Mar-26 12:00:30 GMT", want: 30 * time.Second, named: true},
		{name: "date in the past", value: "Sun, 01 Mar 2026 11:00:00 GMT", named: true},
		{name: "far date", value: "Fri, 01 Jan 9999 00:00:00 GMT", want: math.MaxInt64, named: true},
		{name: "the server's clock is the measure", value: "Sun, 01 Mar 2026 15:00:10 GMT", date: "Sun, 01 Mar 2026 15:00:00 GMT", want: 10 * time.Second, named: true},
		{name: "an unreadable Date header is no measure", value: "Sun, 01 Mar 2026 12:00:10 GMT", date: "today", want: 10 * time.Second, named: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := http.Header{}
			if tc.value != "" {
				h.Set("Retry-After", tc.value)
			}
			if tc.date != "" {
				h.Set("Date", tc.date)
			}
			got, named := RetryAfter(h, now)
			if got != tc.want || named != tc.named {
				t.Errorf("got %v %v, want %v %v", got, named, tc.want, tc.named)
			}
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"", "0", "5", "-3", "1e3", "Sun, 01 Mar 2026 12:00:30 GMT", "99999999999999999999", "+7"} {
		f.Add(v, "Sun, 01 Mar 2026 12:00:00 GMT")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		h := http.Header{"Retry-After": {value}, "Date": {date}}
		got, named := RetryAfter(h, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
		if got < 0 {
			t.Errorf("%q: negative delay %v", value, got)
		}
		if !named && got != 0 {
			t.Errorf("%q: a delay %v that nobody named", value, got)
		}
	})
}
