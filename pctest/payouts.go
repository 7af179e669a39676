package pctest

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/payouts"
)

// ExportKind is a family of exports, spelt as in the API's paths.
type ExportKind string

// The kinds of exports.
const (
	// Earnings are exports of /payouts/transactionhistory.
	Earnings ExportKind = "transactionhistory"
	// Payments are exports of /payouts/payments.
	Payments ExportKind = "payments"
)

// Payouts controls the earnings and payments exports of a [Server]. It is safe for
// concurrent use.
type Payouts struct {
	s       *payouts.Server
	changed func() // notes that the state has changed
}

// Payouts returns the control of the exports.
func (s *Server) Payouts() *Payouts { return &Payouts{s.payouts, s.changed} }

// Export describes an export that a client has started.
type Export struct {
	// ID is the export's id.
	ID string
	// Kind is the family it belongs to.
	Kind ExportKind
	// Filter is the $filter as it was sent, empty if there was none.
	Filter string
	// Format is "csv" or "tsv".
	Format string
	// Status is where it stands now.
	Status string
	// RequestedAt is the time of the POST.
	RequestedAt time.Time
	// RequestID is the ms-requestid of the POST.
	RequestID string
	// Polls counts the GETs that it has been seen by.
	Polls int
	// Deleted tells whether a client has deleted it.
	Deleted bool
}

// Exports lists the exports in the order they were started, deleted ones too. The server
// remembers the last 50,000 or somewhat fewer, and 10,000 deleted ones.
func (p *Payouts) Exports() []Export {
	infos := p.s.Exports()
	out := make([]Export, len(infos))
	for i, e := range infos {
		out[i] = Export{e.ID, ExportKind(e.Kind), e.Filter, e.Format, e.Status, e.Requested, e.RequestID, e.Polls, e.Deleted}
	}
	return out
}

// NextExport writes the story of the next export, of the script's kind, that a
// client starts. Called several times, it writes those of the exports after it.
func (p *Payouts) NextExport(script Script) {
	// Steps cannot be wrong: their functions see to that.
	_ = p.s.Next(script.internal())
}

// Finish ends an export: from now on, GET reports the step.
func (p *Payouts) Finish(id string, step Step) error {
	defer p.changed()
	return p.s.Finish(id, step.s)
}

// ReplaceFile changes the file of an export, also while it is being downloaded.
// Its ETag changes with it; links stay good.
func (p *Payouts) ReplaceFile(id string, file []byte) error {
	defer p.changed()
	return p.s.ReplaceFile(id, file)
}

// ExpireLinks makes the links to an export's file worthless that were given out so
// far; an empty id means those of all exports. The next GET of the export gives a
// new one.
func (p *Payouts) ExpireLinks(id string) error {
	defer p.changed()
	return p.s.ExpireLinks(id)
}

// ServeFile changes how the file of an export is served from now on.
func (p *Payouts) ServeFile(id string, change func(*FileBehavior)) error {
	defer p.changed()
	return p.s.ConfigureBlob(id, func(b *blob.Properties) {
		f := FileBehavior(*b)
		if change != nil {
			change(&f)
		}
		*b = blob.Properties(f)
	})
}

// SetData replaces the data for exports started from now on.
func (p *Payouts) SetData(d Data) error { return p.s.SetData(payouts.Data(d)) }

// Data returns the description of the data, its defaults filled in.
func (p *Payouts) Data() Data { return Data(p.s.Data()) }

// Configure changes how the service behaves from now on; change is given what
// holds now. Exports that were started before keep their steps and their layout.
func (p *Payouts) Configure(change func(*Behavior)) {
	_ = p.s.Configure(func(s *payouts.Settings) { // steps cannot be wrong
		b := behaviorOf(*s)
		if change != nil {
			change(&b)
		}
		*s = b.settings()
	})
}

// EarningTotal is the sum of the earnings of one program, month and currency.
type EarningTotal struct {
	// Program is the program's name.
	Program string
	// Month is that of the earnings' date, YYYY-MM.
	Month string
	// Currency is that of the transactions, in which Amount is.
	Currency string
	// Amount and AmountUSD are the exact sums.
	Amount, AmountUSD decimal.Decimal
	// Earnings counts the distinct earnings.
	Earnings int
}

// EarningTotals are the sums that a correct reader must find.
type EarningTotals struct {
	// Groups are sorted by program, month and currency.
	Groups []EarningTotal
	// Earnings counts the distinct earnings.
	Earnings int
	// Rows counts the rows, repeated earnings twice.
	Rows int
}

// ExpectedEarnings executes a $filter on the current data and adds up the distinct
// earnings that it selects. An empty filter means none: three years, as the
// service does.
func (p *Payouts) ExpectedEarnings(filter string) (EarningTotals, error) {
	t, err := p.s.ExpectedEarnings(filter)
	if err != nil {
		return EarningTotals{}, err
	}
	out := EarningTotals{Earnings: t.Earnings, Rows: t.Rows, Groups: make([]EarningTotal, len(t.Groups))}
	for i, g := range t.Groups {
		out.Groups[i] = EarningTotal(g)
	}
	return out, nil
}

// Payment is a payment of the synthetic data.
type Payment struct {
	// ID is the payment's number, with its leading zeros.
	ID string
	// Program is the program's name.
	Program string
	// Month is that of the earnings, YYYY-MM.
	Month string
	// Currency is the pay-to currency.
	Currency string
	// Earned is the sum of the earnings with this number, in pay-to currency.
	Earned decimal.Decimal
	// EarnedUSD is the same in US dollars.
	EarnedUSD decimal.Decimal
	// Total is what was transferred, after taxes and fees.
	Total decimal.Decimal
	// Earnings counts the earnings with this number.
	Earnings int
	// Date is when it was sent.
	Date time.Time
}

// ExpectedPayments executes a $filter on the payments of the current data and
// returns those that it selects, in the order of the file.
func (p *Payouts) ExpectedPayments(filter string) ([]Payment, error) {
	list, err := p.s.ExpectedPayments(filter)
	if err != nil {
		return nil, err
	}
	out := make([]Payment, len(list))
	for i, v := range list {
		out[i] = Payment(v)
	}
	return out, nil
}
