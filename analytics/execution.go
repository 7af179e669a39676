package analytics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// ExecutionStatus is the service's word for where one run of a report stands.
// Other values than the constants may appear and count as unfinished; compare with
// [ExecutionStatus.Is]. A status for runs that failed is not documented.
type ExecutionStatus string

// The documented statuses.
const (
	// ExecutionPending: planned or queued. The next run of an active schedule is
	// pending before its time has come.
	ExecutionPending ExecutionStatus = "Pending"
	// ExecutionRunning: the file is being written.
	ExecutionRunning ExecutionStatus = "Running"
	// ExecutionPaused: the report is paused.
	ExecutionPaused ExecutionStatus = "Paused"
	// ExecutionCompleted: the file is there.
	ExecutionCompleted ExecutionStatus = "Completed"
)

// Is compares two statuses without regard to case.
func (s ExecutionStatus) Is(other ExecutionStatus) bool {
	return strings.EqualFold(string(s), string(other))
}

// Execution is one run of a report.
type Execution struct {
	// ID is the service's id of the run.
	ID string
	// ReportID is the id of the report.
	ReportID string
	// Status is where the run stands.
	Status ExecutionStatus
	// GeneratedAt is when the file was written, in UTC; zero before.
	GeneratedAt time.Time
	// Location is the pre-signed link to the file, empty until there is one.
	// Whoever holds it can read the file until it expires, so it does not print.
	Location partnercenter.Secret
	// ExpiresAt is when the link stops working, in UTC: what the service says or,
	// as it usually says nothing, what is written in the link; zero if unknown.
	ExpiresAt time.Time
	// Blob is the address of the file without signature; empty if the service did
	// not say.
	Blob string
	// Format is that of the file.
	Format Format
	// Interval is the time between two runs; zero for a report that runs once.
	Interval time.Duration
	// Count is the number of runs: for [Marketplace] those that remain.
	Count int
	// End is when the schedule ends, in UTC; zero if the service did not say.
	End time.Time
	// NextRun is when the next run starts, in UTC; zero if the service did not say.
	NextRun time.Time
	// CallbackURL is what the service calls when a file is ready; usually empty
	// here even if the report has one.
	CallbackURL partnercenter.Secret
	// CallbackMethod is how it is called.
	CallbackMethod CallbackMethod
	// Redacted is set when the service says that it withholds data because the
	// caller lacks a role.
	Redacted bool
	// Extra holds the members that this SDK does not know; nil if there are none.
	Extra map[string]json.RawMessage
}

func decodeExecution(e envelope, o object) Execution {
	x := Execution{
		ID:             o.id("executionid"),
		ReportID:       o.id("reportid"),
		Status:         ExecutionStatus(o.id("executionstatus", "status")),
		GeneratedAt:    o.instant("reportgeneratedtime"),
		Location:       partnercenter.NewSecret(o.id("reportaccesssecurelink")),
		ExpiresAt:      o.instant("reportexpirytime"),
		Format:         Format(o.id("format")),
		Interval:       o.hours("recurrenceinterval"),
		Count:          o.number("recurrencecount"),
		End:            o.instant("endtime"),
		NextRun:        o.instant("nextexecutionstarttime"),
		CallbackURL:    partnercenter.NewSecret(o.id("callbackurl")),
		CallbackMethod: CallbackMethod(o.id("callbackmethod")),
		Redacted:       e.redacted,
	}
	// Documented as unsigned; whatever follows a question mark is dropped.
	x.Blob, _, _ = strings.Cut(o.id("reportlocation"), "?")
	if x.ExpiresAt.IsZero() {
		x.ExpiresAt = linkExpiry(x.Location)
	}
	x.Extra = o.rest()
	return x
}

// linkExpiry reads the end of a pre-signed link from the link itself.
func linkExpiry(link partnercenter.Secret) time.Time {
	u, err := url.Parse(link.Reveal())
	if err != nil {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, u.Query().Get("se")); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// ready reports whether the file can be fetched.
func (x Execution) ready() bool { return x.Status.Is(ExecutionCompleted) && !x.Location.IsZero() }

// ExecutionsRequest selects runs of a report.
//
// The service's defaults are narrow: the latest run only, and only if it is
// completed. To look at the queue ask for [ExecutionPending].
type ExecutionsRequest struct {
	// ReportIDs are the reports. Required. Several are joined by semicolons,
	// which is documented and has been reported to be refused.
	ReportIDs []string
	// ExecutionIDs selects runs by id; several as above.
	ExecutionIDs []string
	// Statuses selects runs by status; several as above. The filter has been
	// reported to miss runs. Default: the service's, [ExecutionCompleted].
	Statuses []ExecutionStatus
	// All lists the runs of the last 90 days. Default: the latest one only.
	All bool
}

func (r ExecutionsRequest) call() (call, error) {
	if len(r.ReportIDs) == 0 {
		return call{}, errNoReportID
	}
	reports, err := joined("report", r.ReportIDs)
	if err != nil {
		return call{}, err
	}
	executions, err := joined("run", r.ExecutionIDs)
	if err != nil {
		return call{}, err
	}
	var statuses []string
	for _, s := range r.Statuses {
		if s == "" || strings.Contains(string(s), ";") {
			return call{}, errors.New("analytics: an execution status is empty or contains a semicolon")
		}
		statuses = append(statuses, string(s))
	}
	k := call{path: []string{resourceReports, "execution", reports}}
	for _, p := range [][2]string{{"executionId", executions}, {"executionStatus", strings.Join(statuses, ";")}} {
		if p[1] != "" {
			k.query = append(k.query, p[0], p[1])
		}
	}
	if r.All {
		k.query = append(k.query, "getLatestExecution", "false")
	}
	return k, nil
}

// Executions lists runs of a report, in no particular order. It yields nothing
// when there is none (the service answers 404 then), also before the first run of
// a new report is done; see [Client.AwaitExecution] for waiting.
//
// https://learn.microsoft.com/partner-center/insights/analytics-programmatic-access
//
//pc:operation GET /ScheduledReport/execution/{reportId}
func (c *Client) Executions(ctx context.Context, req ExecutionsRequest, opts ...partnercenter.CallOption) iter.Seq2[Execution, error] {
	return all(func(next string) (partnercenter.Page[Execution], error) {
		return c.ExecutionsPage(ctx, req, next, opts...)
	})
}

// ExecutionsPage is one page of [Client.Executions]: the first one for an empty
// next.
func (c *Client) ExecutionsPage(ctx context.Context, req ExecutionsRequest, next string, opts ...partnercenter.CallOption) (partnercenter.Page[Execution], error) {
	r, err := req.call()
	if err != nil {
		return partnercenter.Page[Execution]{}, err
	}
	p, err := page(ctx, c, r, next, decodeExecution, opts)
	for i := range p.Items {
		if x := &p.Items[i]; x.ReportID == "" && len(req.ReportIDs) == 1 {
			x.ReportID = strings.TrimSpace(req.ReportIDs[0])
		}
	}
	return p, err
}

// Execution looks at one completed run, with a fresh link. It returns
// [partnercenter.ErrNotFound] when the report has no such run that is completed.
//
// Since the service's filters have been reported to miss runs, the report's whole
// list is searched when asking for the run by its id finds nothing.
func (c *Client) Execution(ctx context.Context, reportID, id string, opts ...partnercenter.CallOption) (Execution, error) {
	if id = strings.TrimSpace(id); id == "" {
		return Execution{}, errors.New("analytics: the run's id is empty")
	}
	for _, req := range []ExecutionsRequest{
		{ReportIDs: []string{reportID}, ExecutionIDs: []string{id}, All: true},
		{ReportIDs: []string{reportID}, All: true},
	} {
		for x, err := range c.Executions(ctx, req, opts...) {
			if err != nil {
				return Execution{}, err
			}
			if strings.EqualFold(x.ID, id) {
				return x, nil
			}
		}
	}
	return Execution{}, notFound("run", id)
}

// completed lists the completed runs of a report within the last 90 days, the
// oldest first.
func (c *Client) completed(ctx context.Context, reportID string, opts ...partnercenter.CallOption) ([]Execution, error) {
	list, err := collect(c.Executions(ctx, ExecutionsRequest{ReportIDs: []string{reportID}, All: true}, opts...))
	if err != nil {
		return nil, fmt.Errorf("listing the runs of report %s: %w", reportID, err)
	}
	list = slices.DeleteFunc(list, func(x Execution) bool { return !x.ready() || !x.of(reportID) })
	slices.SortFunc(list, byGeneration)
	return slices.CompactFunc(list, func(a, b Execution) bool { return a.ID != "" && strings.EqualFold(a.ID, b.ID) }), nil
}

// of reports whether the run belongs to the report.
func (x Execution) of(reportID string) bool {
	return strings.EqualFold(x.ReportID, strings.TrimSpace(reportID))
}

// byGeneration orders runs by the time of their file, and runs without one last:
// they are newer than any that has.
func byGeneration(a, b Execution) int {
	switch az, bz := a.GeneratedAt.IsZero(), b.GeneratedAt.IsZero(); {
	case az && !bz:
		return 1
	case bz && !az:
		return -1
	}
	if n := a.GeneratedAt.Compare(b.GeneratedAt); n != 0 {
		return n
	}
	return strings.Compare(a.ID, b.ID)
}
