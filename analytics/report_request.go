package analytics

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/partnercenter-go/partnercenter"
)

// Published limits of a report.
const (
	// MaxNameLength is the number of characters of a report's name, and of its
	// description.
	MaxNameLength = 256
	// MinStartLead is how far in the future a schedule must begin.
	MinStartLead = 4 * time.Hour
	// MinInterval is the shortest interval by the reference; datasets publish
	// shorter ones ([Dataset.MinimumInterval]).
	MinInterval = 4 * time.Hour
	// MaxInterval is the longest interval, 90 days.
	MaxInterval = 2160 * time.Hour
)

// ReportRequest is a report to be made: one that runs at once, or one that runs on
// a schedule.
type ReportRequest struct {
	// Name begins the names of the report's files. Required, at most 256
	// characters, without semicolon. Blanks make awkward file names.
	Name string
	// Description is free text of at most 256 characters.
	Description string
	// QueryID is the id of a stored query, own or system. Required.
	QueryID string

	// ExecuteNow runs the report once, at once. The schedule's fields must be
	// empty then.
	ExecuteNow bool
	// QueryStart and QueryEnd replace the time span of the query. Only with
	// ExecuteNow.
	QueryStart, QueryEnd time.Time

	// Start is when a scheduled report runs first, to the second. It must be at
	// least four hours away.
	Start time.Time
	// End is the time after which no run starts. [Marketplace] only. Default:
	// none.
	End time.Time
	// Interval is the time between two runs, whole hours. The reference says 4 h
	// to 90 days; datasets name shorter minimums.
	Interval time.Duration
	// Count is the number of runs. [Marketplace] requires it; its upper limit
	// depends on the interval and is not published.
	Count int

	// Format of the files. Default [CSV].
	Format Format
	// CallbackURL is called when a file is ready; see [Receiver]. Default: none.
	CallbackURL partnercenter.Secret
	// CallbackMethod is how it is called. Default: the service's, POST.
	CallbackMethod CallbackMethod
}

func (r ReportRequest) check(program Program, now time.Time) problems {
	var p problems
	p.checkName(r.Name, r.Description)
	if strings.TrimSpace(r.QueryID) == "" {
		p.published("QueryId", "is required: store the query with CreateQuery, or list the system's with Queries")
	}
	if r.ExecuteNow {
		p.checkNoSchedule(r)
		p.checkWindow("QueryStartTime", "QueryEndTime", r.QueryStart, r.QueryEnd)
	} else {
		p.checkSchedule(program, now, r.Start, r.End, r.Interval, r.Count)
		if !r.QueryStart.IsZero() || !r.QueryEnd.IsZero() {
			p.published("QueryStartTime", "is for reports with ExecuteNow only; a scheduled report covers the query's TIMESPAN")
		}
	}
	p.checkFormat(r.Format)
	p.checkCallback(r.CallbackURL, r.CallbackMethod)
	return p
}

// checkNoSchedule finds fields that the service would silently ignore.
func (p *problems) checkNoSchedule(r ReportRequest) {
	if !r.Start.IsZero() || !r.End.IsZero() || r.Interval != 0 || r.Count != 0 {
		p.disputed("ExecuteNow", "makes the service ignore StartTime, EndTime, RecurrenceInterval and RecurrenceCount; they are not sent")
	}
}

func (p *problems) checkName(name, description string) {
	switch {
	case strings.TrimSpace(name) == "":
		p.published("ReportName", "is required")
	case strings.Contains(name, ";"):
		p.published("ReportName", "must not contain a semicolon")
	case strings.ContainsAny(name, " \t\r\n"):
		p.disputed("ReportName", "contains blanks, which end up in the names of the files; use - or _")
	}
	if n := utf8.RuneCountInString(name); n > MaxNameLength {
		p.published("ReportName", "has %d characters; 256 are allowed", n)
	}
	if n := utf8.RuneCountInString(description); n > MaxNameLength {
		p.published("Description", "has %d characters; 256 are allowed", n)
	}
}

func (p *problems) checkSchedule(program Program, now, start, end time.Time, interval time.Duration, count int) {
	p.checkStart(now, start)
	if !end.IsZero() && program != Marketplace {
		p.disputed("EndTime", "is documented for the commercial marketplace only")
	}
	p.checkWindow("StartTime", "EndTime", start, end)
	if interval == 0 {
		p.published("RecurrenceInterval", "is required unless the report executes now")
	} else {
		p.checkInterval(interval)
	}
	switch {
	case count < 0:
		p.published("RecurrenceCount", "is %d, but must be positive", count)
	case count == 0 && program == Marketplace:
		p.disputed("RecurrenceCount", "is missing; version v1.1 requires it for every scheduled report")
	}
}

func (p *problems) checkStart(now, start time.Time) {
	switch {
	case start.IsZero():
		p.published("StartTime", "is required unless the report executes now")
	case start.Truncate(time.Second).Before(now.Add(MinStartLead)): // sent without fraction
		p.published("StartTime", "is %s, but must be at least 4 hours from now, %s or later", wire(start), wire(now.Add(MinStartLead)))
	}
}

// checkInterval looks at an interval that is given.
func (p *problems) checkInterval(interval time.Duration) {
	switch {
	case interval <= 0 || interval%time.Hour != 0:
		p.must("RecurrenceInterval", "is %v, but must be a positive number of whole hours", interval)
	case interval < MinInterval || interval > MaxInterval:
		p.disputed("RecurrenceInterval", "is %d hours; the reference allows 4 to 2160, though datasets name other minimums",
			int(interval/time.Hour))
	}
}

func (p *problems) checkCallback(secret partnercenter.Secret, method CallbackMethod) {
	if method != "" && !method.Is(CallbackPOST) && !method.Is(CallbackGET) {
		p.published("CallbackMethod", "is %q, but can only be GET or POST", string(method))
	}
	if secret.IsZero() {
		if method != "" {
			p.disputed("CallbackMethod", "has no effect without a callback URL")
		}
		return
	}
	u, err := url.Parse(secret.Reveal()) // the parser's message would quote it
	switch {
	case err != nil || u.Host == "":
		p.published("CallbackUrl", "is not an absolute URL")
	case u.Scheme == "http":
		p.disputed("CallbackUrl", "uses plain http, so that its secret travels in clear text; the documentation has both http and https")
	case u.Scheme != "https":
		p.published("CallbackUrl", "has the scheme %q; use https", u.Scheme)
	}
}

// reportBody is the body of a create request.
type reportBody struct {
	ReportName         string         `json:"ReportName"`
	Description        string         `json:"Description,omitzero"`
	QueryID            string         `json:"QueryId"`
	StartTime          string         `json:"StartTime,omitzero"`
	EndTime            string         `json:"EndTime,omitzero"`
	RecurrenceInterval int            `json:"RecurrenceInterval,omitzero"`
	RecurrenceCount    int            `json:"RecurrenceCount,omitzero"`
	Format             Format         `json:"Format"`
	CallbackURL        string         `json:"CallbackUrl,omitzero"`
	CallbackMethod     CallbackMethod `json:"CallbackMethod,omitzero"`
	ExecuteNow         bool           `json:"ExecuteNow,omitzero"`
	QueryStartTime     string         `json:"QueryStartTime,omitzero"`
	QueryEndTime       string         `json:"QueryEndTime,omitzero"`
}

func (r ReportRequest) wire() reportBody {
	b := reportBody{
		ReportName:     r.Name,
		Description:    r.Description,
		QueryID:        strings.TrimSpace(r.QueryID),
		Format:         r.Format.wire(),
		CallbackURL:    r.CallbackURL.Reveal(),
		CallbackMethod: r.CallbackMethod,
		ExecuteNow:     r.ExecuteNow,
		QueryStartTime: wire(r.QueryStart),
		QueryEndTime:   wire(r.QueryEnd),
	}
	if !r.ExecuteNow {
		b.StartTime, b.EndTime = wire(r.Start), wire(r.End)
		b.RecurrenceInterval, b.RecurrenceCount = int(r.Interval/time.Hour), r.Count
	}
	return b
}

// wire fills in the default.
func (f Format) wire() Format {
	if f == "" {
		return CSV
	}
	return f
}
