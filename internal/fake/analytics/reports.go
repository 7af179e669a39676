package analytics

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

func (s *Server) getReports(x *exchange) {
	ids, ok := x.several(x.query("reportId"))
	if !ok || x.program == Partner && len(ids) > 1 {
		x.refuse(http.StatusBadRequest, "Invalid reportId")
		return
	}
	name, queryID := x.query("reportName"), strings.TrimSpace(x.query("queryId"))
	items := []item{}
	s.mu.Lock()
	for _, r := range s.reports {
		if r.Program != x.program || len(ids) > 0 && !contains(ids, r.ID) || name != "" && !strings.EqualFold(r.Name, name) ||
			queryID != "" && !strings.EqualFold(r.QueryID, queryID) {
			continue
		}
		s.advance(r, x.now)
		items = append(items, r.item(x, s.user(x.program)))
	}
	s.mu.Unlock()
	if len(items) == 0 {
		x.refuse(http.StatusNotFound, textNoItem)
		return
	}
	x.list(items, "Reports fetched successfully")
}

func contains(list []string, id string) bool {
	return slices.ContainsFunc(list, func(o string) bool { return strings.EqualFold(o, id) })
}

// refusal is what the checks of a report find.
type refusal struct {
	status  int
	message string
}

func bad(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func (s *Server) postReport(x *exchange) {
	b, err := readBody(x.r.Body)
	if err != nil {
		x.refuse(http.StatusBadRequest, err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, no := s.newReport(x, b)
	if no != nil {
		x.refuse(no.status, no.message)
		return
	}
	r.ID = kit.GUID(s.cfg.Seed, "report", s.counters.Reports)
	s.counters.Reports++
	s.reports = append(s.reports, r)
	if r.ExecuteNow {
		s.addRun(r, r.Created, r.Created.Add(x.settings.QueueTime))
	}
	s.arm()
	x.answer([]item{r.item(x, s.user(x.program))}, "Report created successfully")
}

// newReport checks a request in the order that the published errors suggest:
// required fields, names, forms of times, lead, interval, count, format, callback,
// query, quotas. The lock is held.
func (s *Server) newReport(x *exchange, b body) (*report, *refusal) {
	now := x.now.Truncate(time.Second)
	r := &report{Program: x.program, Created: now, ExecuteNow: b.flag("ExecuteNow"), QueryID: strings.TrimSpace(b.text("QueryId"))}
	required := []string{"ReportName", "QueryId"}
	if !r.ExecuteNow {
		required = append(required, "StartTime", "RecurrenceInterval")
		if x.remaining() {
			required = append(required, "RecurrenceCount")
		}
	}
	for _, name := range required {
		if !b.has(name) || b.text(name) == "" && !strings.HasPrefix(name, "Recurrence") {
			return nil, bad("%s", missing(name))
		}
	}
	q := s.queryByID(x.program, r.QueryID)
	var no *refusal
	if r.ExecuteNow {
		no = r.takeWindow(s, b)
		r.Start = now
	} else {
		no = r.takePlan(x, b, s.shortest(x, q))
	}
	for _, check := range []func() *refusal{
		func() *refusal { return r.takeNames(b) },
		func() *refusal { return no },
		func() *refusal { return r.takeDelivery(b) },
		func() *refusal {
			if q == nil {
				return bad(textNoQuery)
			}
			r.Text = q.Text
			return s.checkQuotas(x, r)
		},
	} {
		if no := check(); no != nil {
			return nil, no
		}
	}
	return r, nil
}

func (r *report) takeNames(b body) *refusal {
	r.Name, r.Description = b.text("ReportName"), b.text("Description")
	switch {
	case strings.Contains(r.Name, ";"):
		return bad(textPrefix + "Invalid character (;) in ReportName")
	case utf8.RuneCountInString(r.Name) > 256, utf8.RuneCountInString(r.Description) > 256:
		return bad(textPrefix + "Limit ReportName and Description length to 256 characters or less")
	}
	return nil
}

// takeWindow reads the times that replace the query's time span. Badly formed ones
// are known to end in an internal error.
func (r *report) takeWindow(s *Server, b body) *refusal {
	for name, at := range map[string]*time.Time{"QueryStartTime": &r.From, "QueryEndTime": &r.To} {
		if !b.has(name) {
			continue
		}
		t, ok := b.moment(name)
		if !ok {
			return &refusal{http.StatusInternalServerError, "Internal error encountered while creating report. Correlation ID " + s.cfg.IDs.Next()}
		}
		*at = t
	}
	return nil
}

// takePlan reads the schedule. Fields that are missing keep what they are.
func (r *report) takePlan(x *exchange, b body, shortest int) *refusal {
	t, ok := b.moment("StartTime")
	if !ok {
		return bad(textPrefix + "StartTime should follow format: yyyy-MM-ddTHH:mm:ssZ")
	}
	r.Start, r.Used = t, 0
	if b.has("EndTime") {
		if r.End, ok = b.moment("EndTime"); !ok {
			return bad(textPrefix + "EndTime should follow format: yyyy-MM-ddTHH:mm:ssZ")
		}
	}
	if !r.End.IsZero() && !r.End.After(r.Start) {
		return bad(textPrefix + "EndTime should be greater than StartTime")
	}
	if r.Start.Before(x.now.Add(x.settings.MinLead)) {
		return bad(textPrefix + "Start time of report should at least be 4 hours from current UTC time")
	}
	if b.has("RecurrenceInterval") {
		r.Interval, ok = b.number("RecurrenceInterval")
		if !ok || r.Interval < shortest || r.Interval > x.settings.MaxInterval {
			return bad("Recurrence Interval must be between %d and %d", shortest, x.settings.MaxInterval)
		}
	}
	if b.has("RecurrenceCount") {
		if r.Count, ok = b.number("RecurrenceCount"); !ok || r.Count < 1 {
			return bad(textPrefix + "Recurrence count has to be a positive integer value")
		}
	}
	return nil
}

// takeDelivery reads how files are written and announced.
func (r *report) takeDelivery(b body) *refusal {
	if r.Format == "" {
		r.Format = "csv"
	}
	if f := strings.ToLower(b.text("Format")); f != "" {
		switch f {
		case "csv", "tsv":
			r.Format = f
		case "string": // left over from an interactive page
			return bad("Requested value '%s' was not found.", b.text("Format"))
		default:
			return bad(textPrefix + "Report format should be csv/tsv")
		}
	}
	if v := b.text("CallbackUrl"); v != "" {
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return bad(textPrefix + "CallbackUrl should be an absolute URL")
		}
		r.Callback = v
	}
	switch m := strings.ToUpper(b.text("CallbackMethod")); m {
	case "":
	case "GET", "POST":
		r.Method = m
	case "STRING":
		return bad("Requested value '%s' was not found.", b.text("CallbackMethod"))
	default:
		return bad(textPrefix + "CallbackMethod can only be GET or POST")
	}
	if r.Callback != "" && r.Method == "" {
		r.Method = "POST"
	}
	return nil
}

// shortest is the least interval that a report may have.
func (s *Server) shortest(x *exchange, q *query) int {
	if x.settings.MinInterval > 0 || q == nil {
		return x.settings.MinInterval
	}
	p, err := allSpans().compile(s.datasets, x.program, q.Text)
	if err != nil {
		return 1
	}
	return p.set.interval
}

// checkQuotas counts the user's reports. The lock is held.
func (s *Server) checkQuotas(x *exchange, r *report) *refusal {
	active, recent := 0, 0
	for _, o := range s.reports {
		if o.Program != x.program {
			continue
		}
		s.advance(o, x.now)
		if o.status(x.now) == "Active" {
			active++
		}
	}
	for _, at := range s.immediate[x.program] {
		if x.now.Sub(at) < time.Hour {
			recent++
		}
	}
	switch {
	case r.ExecuteNow && recent >= x.settings.MaxExecuteNow:
		return bad("User has exceeded its ExecuteNow report creation quota of %d reports/60 mins", x.settings.MaxExecuteNow)
	case !r.ExecuteNow && active >= x.settings.MaxActiveReports:
		return bad("User has exceeded its report creation quota of %d active reports", x.settings.MaxActiveReports)
	}
	if r.ExecuteNow {
		// Deleting a report does not give its place back: the fake's choice.
		s.immediate[x.program] = append(s.immediate[x.program], x.now)
	}
	return nil
}

func (s *Server) putReport(x *exchange) {
	b, err := readBody(x.r.Body)
	if err != nil {
		x.refuse(http.StatusBadRequest, err.Error())
		return
	}
	s.change(x, "Report updated successfully", func(r *report) *refusal {
		switch {
		case r.ExecuteNow:
			return bad("Reports with ExecuteNow cannot be updated")
		case x.settings.ClosedWhenEnded && r.status(x.now) == "Inactive":
			return bad("The report is inactive")
		}
		for _, name := range []string{"ReportName", "StartTime"} {
			if b.text(name) == "" {
				return bad("%s", missing(name))
			}
		}
		next := *r
		if !b.has("Description") {
			b["description"] = []byte(quote(r.Description))
		}
		no := next.takePlan(x, b, s.shortest(x, s.queryByID(r.Program, r.QueryID)))
		for _, no := range []*refusal{next.takeNames(b), no, next.takeDelivery(b)} {
			if no != nil {
				return no
			}
		}
		next.Modified = x.now.Truncate(time.Second)
		*r = next
		return nil
	})
}

func (s *Server) pauseReport(x *exchange)  { s.setPaused(x, true, "Report paused successfully") }
func (s *Server) resumeReport(x *exchange) { s.setPaused(x, false, "Report resumed successfully") }

// setPaused does nothing to a report that is so already, and refuses one that has
// ended: the fake's choice.
func (s *Server) setPaused(x *exchange, paused bool, message string) {
	s.change(x, message, func(r *report) *refusal {
		if r.status(x.now) == "Inactive" {
			return bad("The report is inactive")
		}
		r.Paused = paused
		return nil
	})
}

// change applies something to the report of a request and answers with it.
func (s *Server) change(x *exchange, message string, apply func(*report) *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reportByID(x.program, x.id)
	if r == nil {
		x.refuse(http.StatusNotFound, textNoItem)
		return
	}
	s.advance(r, x.now)
	if no := apply(r); no != nil {
		x.refuse(no.status, no.message)
		return
	}
	s.arm()
	x.answer([]item{r.item(x, s.user(x.program))}, message)
}

// deleteReport removes a report, its executions and their files.
func (s *Server) deleteReport(x *exchange) {
	s.change(x, "Report deleted successfully", func(r *report) *refusal {
		for _, n := range r.Runs {
			s.dropFile(n)
		}
		s.reports = slices.DeleteFunc(s.reports, func(o *report) bool { return o == r })
		return nil
	})
}
