package pctest

import "time"

// Data describes the synthetic earnings of a partner, and with them the payments.
// The same description always gives the same rows. The zero value is a good
// start.
type Data struct {
	// Seed varies the data.
	Seed uint64
	// Rows is the number of distinct earnings. Default 1000, negative: none.
	Rows int
	// FirstMonth is the month of the first earnings; its day does not count.
	// Default: such that the last month is the one before the server was made.
	// The service leaves out earnings older than three years unless the filter
	// names a date, and so does the fake.
	FirstMonth time.Time
	// Months is the number of months over which the earnings are spread, at
	// most 120. Default 6. Those of the last month are not paid yet.
	Months int
	// Programs are the incentive programs. Default: Microsoft Commerce
	// Incentives, Azure Marketplace and two of CSP.
	Programs []string
	// Currencies are the transactions' currencies. Default: EUR, USD, GBP, JPY.
	// Exchange rates are invented and do not change.
	Currencies []string
	// RefundPercent is the share of earnings that are refunds, with negative
	// amounts. Default 4, negative: none.
	RefundPercent int
	// RepeatPercent is the share of earnings that stand on a second row, as
	// Growth reports have them. Default: none.
	RepeatPercent int
	// BlankPercent is the share of rows whose customer is blank. Default 8,
	// negative: none.
	BlankPercent int
	// EarningColumns are the columns of earnings files, in order and spelling;
	// names are recognized without regard to case, spaces and underscores.
	// Default: all documented ones.
	EarningColumns []string
	// PaymentColumns are likewise those of payments files. Default: the set
	// documented until 2023; CIReferenceNumber, earnedCurrencyCode and
	// paymentCurrencyCode are those that came later.
	PaymentColumns []string
}
