package query

import "slices"

// Timespan is the word after TIMESPAN: the window of data that a query reads,
// counted back from now. The language knows thirteen words; every dataset allows
// some of them ([Dataset.DateRanges]).
type Timespan string

// The words that the documentation lists.
const (
	// Today is the current day.
	Today Timespan = "TODAY"
	// Yesterday is the day before.
	Yesterday Timespan = "YESTERDAY"
	// Last7Days are the last 7 days.
	Last7Days Timespan = "LAST_7_DAYS"
	// Last14Days are the last 14 days.
	Last14Days Timespan = "LAST_14_DAYS"
	// Last30Days are the last 30 days.
	Last30Days Timespan = "LAST_30_DAYS"
	// Last90Days are the last 90 days.
	Last90Days Timespan = "LAST_90_DAYS"
	// Last180Days are the last 180 days.
	Last180Days Timespan = "LAST_180_DAYS"
	// Last365Days are the last 365 days.
	Last365Days Timespan = "LAST_365_DAYS"
	// LastMonth is the last month.
	LastMonth Timespan = "LAST_MONTH"
	// Last3Months are the last three months.
	Last3Months Timespan = "LAST_3_MONTHS"
	// Last6Months are the last six months, which is also what a query without
	// TIMESPAN reads.
	Last6Months Timespan = "LAST_6_MONTHS"
	// Last1Year is the last year.
	Last1Year Timespan = "LAST_1_YEAR"
	// Lifetime is all there is.
	Lifetime Timespan = "LIFETIME"
)

// Timespans returns the words that the documentation lists, shortest window first.
func Timespans() []Timespan {
	return []Timespan{
		Today, Yesterday, Last7Days, Last14Days, Last30Days, Last90Days, Last180Days, Last365Days,
		LastMonth, Last3Months, Last6Months, Last1Year, Lifetime,
	}
}

// Known reports whether the documentation lists the word. Case does not matter.
func (t Timespan) Known() bool {
	return slices.ContainsFunc(Timespans(), func(known Timespan) bool { return sameFold(string(t), string(known)) })
}
