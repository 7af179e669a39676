package payouts

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Data describes the synthetic earnings of a partner. The same description always
// gives the same rows, and payments that agree with them. All of it is invented.
type Data struct {
	// Seed varies the data.
	Seed uint64 `json:"seed"`
	// Rows is the number of distinct earnings. 0 means 1000, negative none.
	Rows int `json:"rows"`
	// FirstMonth is the month of the first earnings; its day does not count.
	// Zero means that the last month is the one before the server was made.
	FirstMonth time.Time `json:"firstMonth"`
	// Months is the number of months over which the earnings are spread, at
	// most 120. 0 means 6.
	Months int `json:"months"`
	// Programs are the incentive programs. Empty means four of the documented
	// ones.
	Programs []string `json:"programs"`
	// Currencies are the transactions' currencies. Empty means EUR, USD, GBP
	// and JPY.
	Currencies []string `json:"currencies"`
	// RefundPercent is the share of earnings that are refunds, with negative
	// amounts. 0 means 4, negative none.
	RefundPercent int `json:"refundPercent"`
	// RepeatPercent is the share of earnings that stand on a second row, as
	// Growth reports have them. 0 means none.
	RepeatPercent int `json:"repeatPercent"`
	// BlankPercent is the share of customer fields that are blank. 0 means 8,
	// negative none.
	BlankPercent int `json:"blankPercent"`
	// EarningColumns and PaymentColumns are the columns of the files, in
	// order and spelling. Names are matched without regard to case, spaces and
	// underscores. Empty means all documented columns of earnings, and the
	// older documented set of payments.
	EarningColumns []string `json:"earningColumns"`
	PaymentColumns []string `json:"paymentColumns"`
}

// normalize fills in the defaults and checks the rest.
func (d Data) normalize(now time.Time) (Data, error) {
	def := func(v *int, n int) {
		if *v == 0 {
			*v = n
		}
		*v = max(*v, 0)
	}
	def(&d.Rows, 1000)
	def(&d.RefundPercent, 4)
	def(&d.BlankPercent, 8)
	d.RepeatPercent = max(d.RepeatPercent, 0)
	if d.Months == 0 {
		d.Months = 6
	}
	if d.Months < 1 || d.Months > 120 {
		return d, fmt.Errorf("data: Months is %d; use 1 to 120", d.Months)
	}
	for _, p := range []struct {
		name  string
		value int
	}{{"RefundPercent", d.RefundPercent}, {"RepeatPercent", d.RepeatPercent}, {"BlankPercent", d.BlankPercent}} {
		if p.value > 100 {
			return d, fmt.Errorf("data: %s is %d; a share cannot be more than 100", p.name, p.value)
		}
	}
	if d.FirstMonth.IsZero() {
		d.FirstMonth = monthStart(now).AddDate(0, -d.Months, 0)
	}
	d.FirstMonth = monthStart(d.FirstMonth)
	if y := d.FirstMonth.Year(); y < 1971 || y > 2500 {
		return d, fmt.Errorf("data: FirstMonth is in the year %d; use 1971 to 2500", y)
	}
	if len(d.Programs) == 0 {
		d.Programs = []string{"Microsoft Commerce Incentives", "Azure Marketplace", "CSP Direct Bill Partner", "CSP Indirect Provider"}
	}
	if len(d.Currencies) == 0 {
		d.Currencies = []string{"EUR", "USD", "GBP", "JPY"}
	}
	if err := distinct("Programs", d.Programs); err != nil {
		return d, err
	}
	if err := distinct("Currencies", d.Currencies); err != nil {
		return d, err
	}
	for _, c := range d.Currencies {
		if len(c) != 3 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return d, fmt.Errorf("data: %q is not a currency code", c)
		}
	}
	d.Programs, d.Currencies = slices.Clone(d.Programs), slices.Clone(d.Currencies)
	d.EarningColumns, d.PaymentColumns = slices.Clone(d.EarningColumns), slices.Clone(d.PaymentColumns)
	return d, nil
}

func distinct(what string, list []string) error {
	if len(list) > 100 {
		return fmt.Errorf("data: %d %s; use at most 100", len(list), what)
	}
	seen := make(map[string]bool, len(list))
	for _, v := range list {
		if strings.TrimSpace(v) == "" || seen[v] {
			return fmt.Errorf("data: %s has an empty or repeated entry %q", what, v)
		}
		seen[v] = true
	}
	return nil
}

func monthStart(t time.Time) time.Time {
	y, m, _ := t.UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
}

// participant is an enrolled partner.
type participant struct {
	id, name, country, payTo string
}

// program is an incentive or store program.
type program struct {
	name, code, lever, engagement, workload, kind string
	coop                                          bool // part of it is co-op, never paid
	daily                                         bool // earned on the day of the transaction, else at the end of the month
}

// currency has a rate in USD, in ten-thousandths.
type currency struct {
	code string
	rate int64
}

// dataset makes the rows of a Data. It is safe for concurrent use.
type dataset struct {
	Data
	programs     []program
	participants []participant
	currencies   []currency
	payTo        []currency // by participant
	earningCols  []column[earning]
	paymentCols  []column[payment]

	mu       sync.Mutex
	payments []payment // made on first use
}

func newDataset(d Data, now time.Time) (*dataset, error) {
	d, err := d.normalize(now)
	if err != nil {
		return nil, err
	}
	s := &dataset{Data: d}
	s.participants = []participant{
		{"1234567", "Contoso, Ltd.", "US", "USD"},
		{"7654321", `Fabrikam "Nordic" AB`, "SE", "EUR"},
	}
	for _, p := range s.participants {
		s.payTo = append(s.payTo, currency{p.payTo, rate(p.payTo)})
	}
	for _, c := range d.Currencies {
		s.currencies = append(s.currencies, currency{c, rate(c)})
	}
	for _, name := range d.Programs {
		s.programs = append(s.programs, describeProgram(name))
	}
	if s.earningCols, err = pick("EarningColumns", d.EarningColumns, earningColumns()); err != nil {
		return nil, err
	}
	if s.paymentCols, err = pick("PaymentColumns", d.PaymentColumns, paymentColumns()); err != nil {
		return nil, err
	}
	if len(d.PaymentColumns) == 0 {
		s.paymentCols = s.paymentCols[:olderPaymentColumns]
	}
	return s, nil
}

func describeProgram(name string) program {
	switch {
	case name == "Microsoft Commerce Incentives":
		return program{name: name, code: "MCI", lever: "Azure CSP motion: Core", kind: "Rebate", coop: true, workload: "Azure",
			engagement: "Azure CSP motion incentives - Indirect Provider"}
	case name == "Azure Marketplace":
		return program{name: name, code: "AMP", lever: "Azure Market Place: Core Standard", kind: "Sell", daily: true, workload: "Marketplace"}
	case strings.HasPrefix(name, "CSP "):
		return program{name: name, code: "CSP", lever: name + ": Core", kind: "Rebate", workload: "Modern Work"}
	default:
		return program{name: name, code: "GEN", lever: name + ": Core", kind: "Fee", workload: "General"}
	}
}

// rate returns an invented exchange rate in USD, in ten-thousandths.
func rate(code string) int64 {
	switch code {
	case "USD":
		return 10000
	case "EUR":
		return 10900
	case "GBP":
		return 12700
	case "JPY":
		return 67
	default:
		h := uint64(0)
		for i := range len(code) {
			h = kit.Mix(h ^ uint64(code[i]))
		}
		return 5000 + int64(h%10000)
	}
}

// rowsBefore returns how many earnings lie before the n-th month.
func (s *dataset) rowsBefore(n int) int { return int(int64(s.Rows) * int64(n) / int64(s.Months)) }

// each calls f with every earning, in the order of months, until f returns false.
// The row is reused.
func (s *dataset) each(f func(*earning) bool) {
	var e earning
	for m := range s.Months {
		month := s.FirstMonth.AddDate(0, m, 0)
		for i := s.rowsBefore(m); i < s.rowsBefore(m+1); i++ {
			s.fill(&e, i, m, month)
			if !f(&e) {
				return
			}
		}
	}
}

// asOf is the day that the payments have got to: the 20th of the month after the
// last one.
func (s *dataset) asOf() time.Time { return s.FirstMonth.AddDate(0, s.Months, 19) }

// paymentDate is when the earnings of the n-th month are paid: on the 15th of the
// month after the next.
func (s *dataset) paymentDate(n int) time.Time { return s.FirstMonth.AddDate(0, n+2, 14) }
