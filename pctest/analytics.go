package pctest

import (
	"net/http"
	"net/url"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/analytics"
	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// ReportProgram is a catalogue of analytics reports, spelt as in the API's paths.
type ReportProgram string

// The programs.
const (
	// MarketplaceReports are those of the commercial marketplace, below
	// /insights/v1.1/cmp. They want the token of an application:
	// [Server.AppOnlyTokenSource].
	MarketplaceReports ReportProgram = analytics.Marketplace
	// PartnerReports are those of the partner program, below /insights/v1/mpn.
	// They want a token that stands for a user: [Server.TokenSource].
	PartnerReports ReportProgram = analytics.Partner
)

// Analytics controls the datasets, queries and reports of a [Server]. It is safe
// for concurrent use.
//
// What the service does is described from
// https://learn.microsoft.com/partner-center/insights/analytics-get-started on.
type Analytics struct {
	s       *analytics.Server
	changed func() // notes that the state has changed
}

// Analytics returns the control of the analytics service.
func (s *Server) Analytics() *Analytics { return &Analytics{s.analytics, s.changed} }

// ReportData describes the synthetic rows of all datasets. Every dataset gets the
// same number of rows for each day, so that there are more to come as the clock
// moves on. Numbers are exact, names repeat, texts hold commas, quotes and letters
// beyond ASCII; one customer's cells are masked and another's blank.
type ReportData struct {
	// Seed varies the data.
	Seed uint64
	// RowsPerDay is the number of rows of each dataset and day. Default 4,
	// negative: none.
	RowsPerDay int
	// FirstDay is the first day that has rows. Default: 18 months before the
	// server was made.
	FirstDay time.Time
	// Latency is how long after the end of a day its rows arrive. Default: none.
	Latency time.Duration
}

// WithReportData describes the rows that analytics queries run on.
func WithReportData(d ReportData) Option {
	return optionFunc(func(c *config) { c.reportData = d })
}

// WithAnalyticsBehavior changes how the analytics service behaves; change is given
// the defaults.
func WithAnalyticsBehavior(change func(*AnalyticsBehavior)) Option {
	return optionFunc(func(c *config) {
		if change != nil {
			change(&c.analytics)
		}
	})
}

// WithCallbacks has the callback URLs of reports called when a file is ready,
// through the given transport: [ToHandler] for a receiver in the same process, or
// an [http.Transport] for one on the network. Default: nobody is called.
//
// Calls are made on time, by package time and so on virtual time under
// testing/synctest, and from goroutines that end with the server.
func WithCallbacks(transport http.RoundTripper) Option {
	return optionFunc(func(c *config) { c.callbacks = transport })
}

// ToHandler returns a transport that leads every request, whatever its host, to a
// handler in the same process, without a network.
func ToHandler(h http.Handler) http.RoundTripper {
	return &kit.Transport{
		Route: func(*url.URL, http.Header) (http.Handler, error) { return h, nil },
		Now:   time.Now,
	}
}

// Configure changes how the service behaves from now on; change is given what
// holds now. What has begun is not changed. An error leaves everything as it was.
func (a *Analytics) Configure(change func(*AnalyticsBehavior)) error {
	return a.s.Configure(func(s *analytics.Settings) {
		b := analyticsBehaviorOf(*s)
		if change != nil {
			change(&b)
		}
		*s = b.settings()
	})
}

// SetData replaces the data for runs that begin from now on.
func (a *Analytics) SetData(d ReportData) error { return a.s.SetData(analytics.Data(d)) }

// Data returns the description of the data, its defaults filled in.
func (a *Analytics) Data() ReportData { return ReportData(a.s.Data()) }

// NextRun writes the story of the next run of a report. Called several times, it
// writes those of the runs after it.
func (a *Analytics) NextRun(script RunScript) error { return a.s.Next(script.internal()) }

// RunScript is the story of one run of a report. The zero value changes nothing.
type RunScript struct {
	// ReportName restricts the script to reports of that name. Default: any.
	ReportName string
	// QueueTime is how long a report that executes now waits, RunTime how long
	// any run takes. Nil: [AnalyticsBehavior].
	QueueTime, RunTime *time.Duration
	// Status is shown in the end in place of Completed; there is no file then.
	Status string
	// NoLink shows Completed without a link.
	NoLink bool
	// File is the file as it is stored. Default: the result of the query.
	File []byte
	// Layout and Serving replace those of [AnalyticsBehavior].
	Layout  *ReportLayout
	Serving *FileBehavior
}

func (s RunScript) internal() analytics.Script {
	out := analytics.Script{
		ReportName: s.ReportName, QueueTime: s.QueueTime, RunTime: s.RunTime, Status: s.Status, NoLink: s.NoLink, File: s.File,
	}
	if s.Layout != nil {
		out.Layout = new(analytics.Layout(*s.Layout))
	}
	if s.Serving != nil {
		out.Blob = new(blob.Properties(*s.Serving))
	}
	return out
}

// StoredQuery is a query that a client has stored.
type StoredQuery struct {
	// Program is the catalogue that it belongs to.
	Program ReportProgram
	// ID, Name, Description and Text are as the API shows them.
	ID, Name, Description, Text string
	// CreatedAt is when it was stored.
	CreatedAt time.Time
}

// Queries lists the queries that clients have stored and not deleted.
func (a *Analytics) Queries() []StoredQuery {
	list := a.s.Queries()
	out := make([]StoredQuery, len(list))
	for i, q := range list {
		out[i] = StoredQuery{ReportProgram(q.Program), q.ID, q.Name, q.Description, q.Text, q.Created}
	}
	return out
}

// StoredReport is a report that a client has made.
type StoredReport struct {
	// Program is the catalogue that it belongs to.
	Program ReportProgram
	// ID, Name, QueryID and Query are as the API shows them.
	ID, Name, QueryID, Query string
	// Status is Active, Paused or Inactive, now.
	Status string
	// Format is csv or tsv.
	Format string
	// ExecuteNow tells a report that runs once, at once.
	ExecuteNow bool
	// CreatedAt is when it was made, Start when it was to run first.
	CreatedAt, Start time.Time
	// Interval is the time between runs.
	Interval time.Duration
	// Count is the number of runs ordered, 0 for no end; Remaining of these are
	// left.
	Count, Remaining int
	// Runs are those whose time has come, the oldest first.
	Runs []ReportRun
}

// ReportRun is one run of a report.
type ReportRun struct {
	// ID is the execution's.
	ID string
	// Status is where it stands now.
	Status string
	// Start is when it begins to be generated, Generated when that was done; zero
	// before.
	Start, Generated time.Time
}

// Reports lists the reports that clients have made and not deleted.
func (a *Analytics) Reports() []StoredReport {
	list := a.s.Reports()
	out := make([]StoredReport, len(list))
	for i, r := range list {
		out[i] = StoredReport{
			Program: ReportProgram(r.Program), ID: r.ID, Name: r.Name, QueryID: r.QueryID, Query: r.Text, Status: r.Status, Format: r.Format,
			ExecuteNow: r.ExecuteNow, CreatedAt: r.Created, Start: r.Start, Interval: r.Interval, Count: r.Count, Remaining: r.Remaining,
		}
		for _, n := range r.Runs {
			out[i].Runs = append(out[i].Runs, ReportRun(n))
		}
	}
	return out
}

// ReportTable is the result of a query, as text.
type ReportTable struct {
	// Columns are the selected names as the dataset spells them.
	Columns []string
	// Rows are the cells, each row as long as Columns.
	Rows [][]string
}

// Expected executes a query on the current data, as of now: the rows that a run
// that begins now finds. It fails as the service would refuse the query.
func (a *Analytics) Expected(program ReportProgram, query string) (ReportTable, error) {
	t, err := a.s.Expected(string(program), query)
	return ReportTable(t), err
}

// ExpectedRun returns the rows that the file of a run holds.
func (a *Analytics) ExpectedRun(id string) (ReportTable, error) {
	t, err := a.s.ExpectedRun(id)
	return ReportTable(t), err
}

// ExpireLinks makes the links to a run's file worthless that were given out so far;
// an empty id means those of all runs. The next look at the run gives a new one.
func (a *Analytics) ExpireLinks(id string) error {
	defer a.changed()
	return a.s.ExpireLinks(id)
}

// ReplaceFile changes the file of a run, also while it is being downloaded, and how
// it is served. Its ETag changes with it; links stay good.
func (a *Analytics) ReplaceFile(id string, file []byte, serving FileBehavior) error {
	defer a.changed()
	return a.s.ReplaceFile(id, file, blob.Properties(serving))
}

// Callback is a call that was made to the callback URL of a report. The URL is not
// kept, since it holds the receiver's secret.
type Callback struct {
	// ReportID is the report that has a new file.
	ReportID string
	// ExecutionID is the run that has made it, which the receiver is not told.
	ExecutionID string
	// Method is GET or POST.
	Method string
	// Time is when the call was made.
	Time time.Time
	// Status is that of the answer, 0 without one.
	Status int
	// Err is why there was none.
	Err error
}

// Callbacks lists the calls that have ended, in that order.
func (a *Analytics) Callbacks() []Callback {
	list := a.s.Calls()
	out := make([]Callback, len(list))
	for i, c := range list {
		out[i] = Callback(c)
	}
	return out
}

// CallAgain calls the callback URL of a report once more: a duplicate, or a call
// without anything new.
func (a *Analytics) CallAgain(reportID string) error { return a.s.CallAgain(reportID) }
