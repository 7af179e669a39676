package analytics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// ReportStatus is the service's word for where a report stands. Other values than
// the constants may appear.
type ReportStatus string

// The documented statuses.
const (
	// ReportActive: the schedule is running.
	ReportActive ReportStatus = "Active"
	// ReportPaused: the schedule is stopped until it is resumed.
	ReportPaused ReportStatus = "Paused"
	// ReportInactive: no further runs are planned. A report that was executed at
	// once is inactive from the beginning, while its file is still being written.
	ReportInactive ReportStatus = "Inactive"
)

// Is compares two statuses without regard to case.
func (s ReportStatus) Is(other ReportStatus) bool { return strings.EqualFold(string(s), string(other)) }

// Report is a query that runs once or on a schedule.
type Report struct {
	// ID is the service's id of the report.
	ID string
	// Name is its name, which also begins the names of its files.
	Name string
	// Description is whatever its author has written.
	Description string
	// QueryID is the id of the stored query.
	QueryID string
	// Query is the text of the query; empty if the service did not say.
	Query string
	// User is the author: a number for an application, a user principal name.
	User string
	// Status is where the report stands.
	Status ReportStatus
	// CreatedAt is when it was made, in UTC.
	CreatedAt time.Time
	// ModifiedAt is when it was changed, in UTC; zero if it never was.
	ModifiedAt time.Time
	// ExecuteNow is set for a report that ran once, at once.
	ExecuteNow bool
	// QueryStart and QueryEnd replace the query's own time span; zero if they do
	// not.
	QueryStart, QueryEnd time.Time
	// Start is the time of the first run, in UTC.
	Start time.Time
	// End is the time after which no run starts, in UTC; zero if there is none.
	End time.Time
	// NextRun is when the next run starts, in UTC; zero if the service did not say.
	NextRun time.Time
	// Interval is the time between two runs; zero for a report that runs once.
	Interval time.Duration
	// Count is the number of runs: for [Marketplace] those that remain, for
	// [Partner] those that were asked for.
	Count int
	// TotalCount is the number of runs that were asked for; zero if the service
	// did not say.
	TotalCount int
	// Format is that of the files.
	Format Format
	// CallbackURL is what the service calls when a file is ready; empty if
	// nothing. It holds the receiver's secret, so it does not print.
	CallbackURL partnercenter.Secret
	// CallbackMethod is how it is called; empty if the service did not say.
	CallbackMethod CallbackMethod
	// Extra holds the members that this SDK does not know; nil if there are none.
	Extra map[string]json.RawMessage
}

func decodeReport(_ envelope, o object) Report {
	return Report{
		ID:             o.id("reportid"),
		Name:           o.id("reportname", "name"),
		Description:    o.text("description"),
		QueryID:        o.id("queryid"),
		Query:          o.text("query"),
		User:           o.id("user"),
		Status:         ReportStatus(o.id("reportstatus", "status")),
		CreatedAt:      o.instant("createdtime"),
		ModifiedAt:     o.instant("modifiedtime"),
		ExecuteNow:     o.flag("executenow"),
		QueryStart:     o.instant("querystarttime"),
		QueryEnd:       o.instant("queryendtime"),
		Start:          o.instant("starttime"),
		End:            o.instant("endtime"),
		NextRun:        o.instant("nextexecutionstarttime"),
		Interval:       o.hours("recurrenceinterval"),
		Count:          o.number("recurrencecount"),
		TotalCount:     o.number("totalrecurrencecount"),
		Format:         Format(o.id("format")),
		CallbackURL:    partnercenter.NewSecret(o.id("callbackurl")),
		CallbackMethod: CallbackMethod(o.id("callbackmethod")),
		Extra:          o.rest(),
	}
}

// once reports whether the report runs one time only, at once. Older answers do
// not have the flag.
func (r Report) once() bool { return r.ExecuteNow || r.Interval <= 0 }

// CreateReport runs a query once, at once, or plans its runs. The request is not
// repeated when its answer is lost, because that might make two reports and eats
// quota; [Client.Reports] tells what has happened.
//
// Fifty reports may be active ([ErrReportQuota]) and five may be executed at once
// within 60 minutes ([ErrExecuteNowQuota]).
//
// https://learn.microsoft.com/partner-center/insights/analytics-programmatic-access
//
//pc:operation POST /ScheduledReport
func (c *Client) CreateReport(ctx context.Context, req ReportRequest, opts ...partnercenter.CallOption) (Report, error) {
	if err := c.judge(ctx, "create report", req.check(c.program, time.Now())); err != nil {
		return Report{}, err
	}
	e, err := c.send(ctx, call{
		method: http.MethodPost, path: []string{resourceReports}, body: req.wire(),
		secrets: []partnercenter.Secret{req.CallbackURL},
	}, opts...)
	if err != nil {
		return Report{}, err
	}
	r, err := one(e, func(o object) Report { return decodeReport(e, o) })
	if err == nil && r.ID == "" {
		err = errors.New("the answer names no id")
	}
	if err != nil {
		return r, &transport.AnswerError{Err: fmt.Errorf("analytics: the report was accepted, but %w; look for it with Reports", err)}
	}
	return r, nil
}

// ReportsRequest narrows a listing of reports. The zero value lists all.
type ReportsRequest struct {
	// IDs selects reports by id. Several are joined by semicolons, which only
	// [Marketplace] documents and which the service has been reported to refuse.
	IDs []string
	// Name selects reports by name. How the service compares names is not
	// documented.
	Name string
	// QueryID selects the reports of one query.
	QueryID string
}

func (r ReportsRequest) call() (call, error) {
	k := call{path: []string{resourceReports}}
	ids, err := joined("report", r.IDs)
	if err != nil {
		return call{}, err
	}
	for _, p := range [][2]string{{"reportId", ids}, {"reportName", r.Name}, {"queryId", strings.TrimSpace(r.QueryID)}} {
		if p[1] != "" {
			k.query = append(k.query, p[0], p[1])
		}
	}
	return k, nil
}

// joined writes a list of ids the way the service wants it.
func joined(kind string, ids []string) (string, error) {
	trimmed := make([]string, len(ids))
	for i, id := range ids {
		if trimmed[i] = strings.TrimSpace(id); trimmed[i] == "" {
			return "", fmt.Errorf("analytics: a %s's id is empty", kind)
		}
	}
	return strings.Join(trimmed, ";"), nil
}

// Reports lists reports. A filter that matches nothing yields nothing: the 404
// with which the service answers it is not an error here.
//
// https://learn.microsoft.com/partner-center/insights/analytics-api-get-report
//
//pc:operation GET /ScheduledReport
func (c *Client) Reports(ctx context.Context, req ReportsRequest, opts ...partnercenter.CallOption) iter.Seq2[Report, error] {
	return all(func(next string) (partnercenter.Page[Report], error) { return c.ReportsPage(ctx, req, next, opts...) })
}

// ReportsPage is one page of [Client.Reports]: the first one for an empty next.
func (c *Client) ReportsPage(ctx context.Context, req ReportsRequest, next string, opts ...partnercenter.CallOption) (partnercenter.Page[Report], error) {
	r, err := req.call()
	if err != nil {
		return partnercenter.Page[Report]{}, err
	}
	return page(ctx, c, r, next, decodeReport, opts)
}

// Report looks at one report. It returns [partnercenter.ErrNotFound] when there is
// none of that id.
//
//pc:operation GET /ScheduledReport
func (c *Client) Report(ctx context.Context, id string, opts ...partnercenter.CallOption) (Report, error) {
	if id = strings.TrimSpace(id); id == "" {
		return Report{}, errNoReportID
	}
	for r, err := range c.Reports(ctx, ReportsRequest{IDs: []string{id}}, opts...) {
		if err != nil || strings.EqualFold(r.ID, id) {
			return r, err
		}
	}
	return Report{}, notFound("report", id)
}

var errNoReportID = errors.New("analytics: the report's id is empty")

// UpdateReport changes a scheduled report and returns what it is now. Reports that
// were executed at once cannot be changed, and the query of no report can.
//
// Whether the service keeps what a request leaves out is not documented: set all
// fields that are to stay.
//
// https://learn.microsoft.com/partner-center/insights/analytics-api-update-report
//
//pc:operation PUT /ScheduledReport/{reportId}
func (c *Client) UpdateReport(ctx context.Context, id string, req UpdateRequest, opts ...partnercenter.CallOption) (Report, error) {
	if err := c.judge(ctx, "update report", req.check(c.program, time.Now())); err != nil {
		return Report{}, err
	}
	return c.changeReport(ctx, id, call{
		method: http.MethodPut, path: []string{resourceReports, strings.TrimSpace(id)}, body: req.wire(c.program),
		secrets: []partnercenter.Secret{req.CallbackURL},
	}, opts)
}

// PauseReport stops the runs of a scheduled report until it is resumed.
//
// https://learn.microsoft.com/partner-center/insights/analytics-api-pause-report-executions
//
//pc:operation PUT /ScheduledReport/pause/{reportId}
func (c *Client) PauseReport(ctx context.Context, id string, opts ...partnercenter.CallOption) (Report, error) {
	return c.changeReport(ctx, id, call{method: http.MethodPut, path: []string{resourceReports, "pause", strings.TrimSpace(id)}}, opts)
}

// ResumeReport lets a paused report run again.
//
// https://learn.microsoft.com/partner-center/insights/analytics-api-resume-report-executions
//
//pc:operation PUT /ScheduledReport/resume/{reportId}
func (c *Client) ResumeReport(ctx context.Context, id string, opts ...partnercenter.CallOption) (Report, error) {
	return c.changeReport(ctx, id, call{method: http.MethodPut, path: []string{resourceReports, "resume", strings.TrimSpace(id)}}, opts)
}

// DeleteReport deletes a report together with its executions and their files, and
// returns what it was.
//
// https://learn.microsoft.com/partner-center/insights/analytics-api-delete-report
//
//pc:operation DELETE /ScheduledReport/{reportId}
func (c *Client) DeleteReport(ctx context.Context, id string, opts ...partnercenter.CallOption) (Report, error) {
	r, err := c.changeReport(ctx, id, call{method: http.MethodDelete, path: []string{resourceReports, strings.TrimSpace(id)}}, opts)
	if transport.DeletedEarlier(err) {
		return Report{ID: strings.TrimSpace(id)}, nil
	}
	return r, err
}

// changeReport sends a request about one report and returns the report that the
// service answers with.
func (c *Client) changeReport(ctx context.Context, id string, k call, opts []partnercenter.CallOption) (Report, error) {
	if id = strings.TrimSpace(id); id == "" {
		return Report{}, errNoReportID
	}
	e, err := c.send(ctx, k, opts...)
	if err != nil {
		return Report{}, err
	}
	r, err := one(e, func(o object) Report { return decodeReport(e, o) })
	if err != nil || r.ID == "" {
		r.ID = id // done, and the answer's body is a courtesy
	}
	return r, nil
}
