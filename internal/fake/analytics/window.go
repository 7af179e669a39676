package analytics

import (
	"strconv"
	"strings"
	"time"
)

// defaultSpan is what a query without TIMESPAN covers.
const defaultSpan = "LAST_6_MONTHS"

// window is a period of time, both ends included; a zero end is open.
type window struct{ from, to time.Time }

func (w window) holds(t time.Time) bool {
	return !t.Before(w.from) && (w.to.IsZero() || !t.After(w.to))
}

// spanWindow returns the period of a word behind TIMESPAN as seen at now. A month
// is one that trails from today, as the page on data frequency lets one conclude;
// where it would begin on a day that its month does not have, it begins on the
// month's last: the fake's choice.
func spanWindow(word string, now time.Time) (window, bool) {
	today := day(now)
	back := func(months int) window {
		first := time.Date(today.Year(), today.Month()-time.Month(months), 1, 0, 0, 0, 0, time.UTC)
		last := first.AddDate(0, 1, -1).Day()
		return window{from: first.AddDate(0, 0, min(today.Day(), last)-1)}
	}
	switch word {
	case "TODAY":
		return window{from: today}, true
	case "YESTERDAY":
		return window{from: today.AddDate(0, 0, -1), to: today.Add(-1)}, true
	case "LAST_MONTH":
		return back(1), true
	case "LAST_3_MONTHS":
		return back(3), true
	case "LAST_6_MONTHS":
		return back(6), true
	case "LAST_1_YEAR":
		return back(12), true
	case "LIFETIME":
		return window{}, true
	}
	if n, ok := strings.CutPrefix(word, "LAST_"); ok {
		if n, ok = strings.CutSuffix(n, "_DAYS"); ok {
			if days, err := strconv.Atoi(n); err == nil && (days == 7 || days == 14 || days == 30 || days == 90 || days == 180 || days == 365) {
				return window{from: today.AddDate(0, 0, -days)}, true
			}
		}
	}
	return window{}, false
}

// asked returns the period that a report or a trial names itself in place of the
// query's. A day counts whole when its midnight is the end: the fake's choice.
func asked(from, to time.Time) window {
	if !from.IsZero() {
		from = day(from)
	}
	return window{from: from, to: to}
}
