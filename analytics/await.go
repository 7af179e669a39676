package analytics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// awaitKind names the operation of [Client.AwaitExecution] in resume tokens.
const awaitKind = "analytics.execution"

// How a wait asks. A report has been seen to take eight and a half minutes, and
// the service publishes no limit, neither for the time nor for the number of
// requests.
const (
	awaitMinInterval = 15 * time.Second
	awaitMaxInterval = 5 * time.Minute
	runMaxInterval   = time.Minute // somebody is waiting for this one
	awaitTimeout     = 24 * time.Hour

	// A completed run without a link is looked at again so often and so fast.
	emptyLinkPolls = 6
	emptyLinkDelay = 10 * time.Second

	// Every so many polls that find nothing, the report itself is looked at; when
	// it is gone (or its schedule has ended) as often in a row, the wait fails.
	reportLookEvery = 4
	reportGoneAfter = 2
)

// Reasons why a wait ends without a file, for [errors.Is].
var (
	// ErrReportGone: the report has been deleted, and its runs and files with it.
	// It matches [partnercenter.ErrNotFound].
	ErrReportGone = fmt.Errorf("the report does not exist any more: %w", partnercenter.ErrNotFound)
	// ErrScheduleEnded: the report's last run is done, and no other will follow.
	ErrScheduleEnded = errors.New("the report's schedule has ended")
)

// ExecutionError is a run that will never deliver a file. Pollers return it inside
// a [partnercenter.OperationError].
type ExecutionError struct {
	// Execution is the run as it was last seen; it has no ID if none was.
	Execution Execution
	// Reason says what is wrong.
	Reason error
}

// Error returns one line.
func (e *ExecutionError) Error() string { return e.Reason.Error() }

// Unwrap returns the reason, for example [ErrReportGone].
func (e *ExecutionError) Unwrap() error { return e.Reason }

// AwaitExecution returns a poller that waits for the next file of a report: the
// latest run that has completed after the given time, or at all if that is zero.
// It sends no request.
//
// Until a run has completed the service answers 404, which counts as "not yet" as
// long as the report exists. A run that fails is not reported by the service at
// all, so that every wait has a limit: 24 hours, unless
// [partnercenter.WaitOptions] say otherwise. It asks every 15 seconds at first and
// every five minutes later. A wait ends early with an
// [ExecutionError] when the report is deleted ([ErrReportGone]) or its schedule has
// ended ([ErrScheduleEnded]).
//
//pc:operation GET /ScheduledReport/execution/{reportId}
func (c *Client) AwaitExecution(reportID string, after time.Time) (*partnercenter.Poller[Execution], error) {
	reportID = strings.TrimSpace(reportID)
	if reportID == "" {
		return nil, errNoReportID
	}
	op := partnercenter.Operation{Kind: awaitKind, ID: reportID, Params: map[string]string{"program": string(c.program)}}
	if !after.IsZero() {
		op.Params["after"] = after.UTC().Format(time.RFC3339Nano)
	}
	return c.poller(op, after, awaitMaxInterval), nil
}

// ResumeAwait goes on waiting for a file with the text that
// [partnercenter.Poller.ResumeToken] has returned, here or in another process. It
// sends no request.
func (c *Client) ResumeAwait(token string) (*partnercenter.Poller[Execution], error) {
	op, err := c.parseToken(awaitKind, token)
	if err != nil {
		return nil, err
	}
	var after time.Time
	if text := op.Params["after"]; text != "" {
		if after, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return nil, errors.New("analytics: resume token: its time cannot be read; pass what Poller.ResumeToken returned, unchanged")
		}
	}
	return c.poller(op, after, awaitMaxInterval), nil
}

// parseToken reads a resume token and refuses one of the other program.
func (c *Client) parseToken(kind, token string) (partnercenter.Operation, error) {
	op, err := partnercenter.ParseResumeToken(kind, token)
	if err != nil {
		return op, fmt.Errorf("analytics: %w", err)
	}
	if p := op.Params["program"]; p != string(c.program) {
		return op, fmt.Errorf("analytics: resume token: it belongs to the program %q, this client is for %q", p, string(c.program))
	}
	return op, nil
}

func (c *Client) poller(op partnercenter.Operation, after time.Time, longest time.Duration) *partnercenter.Poller[Execution] {
	a := &await{client: c, reportID: op.ID, after: after}
	return partnercenter.NewPoller(op, a.look, partnercenter.WaitOptions{
		MinInterval: awaitMinInterval, MaxInterval: longest, Timeout: awaitTimeout,
	})
}

// await is one wait for a file of a report.
type await struct {
	client   *Client
	reportID string
	after    time.Time

	polls      int // that found nothing finished
	emptyLinks int
	missing    int             // looks in a row that found the report gone or ended
	unsure     bool            // a 404 did not come from the service itself
	queue      ExecutionStatus // where the run was seen last
	strange    string          // the unknown status that has been logged
}

// The statuses under which an unfinished run may be found, in turn. The completed
// ones are among them for the case that the plain question misses them.
var queueStatuses = []ExecutionStatus{ExecutionRunning, ExecutionPending, ExecutionCompleted, ExecutionPaused}

// look asks once: for the latest run, and if that is not it, for others.
//
// The plain question comes first because its answer is documented in two ways,
// both of which serve: the latest completed run, and the latest run at all. The
// question for the queue is one request for one status, since lists of statuses
// have been reported to be refused; it changes with every poll until it has found
// something.
func (a *await) look(ctx context.Context) (partnercenter.Observation[Execution], error) {
	obs, found, err := a.ask(ctx, ExecutionsRequest{})
	if err != nil || found && (obs.State != partnercenter.Pending || obs.Value.Status.Is(ExecutionCompleted)) {
		return obs, err
	}
	if found {
		return a.behind(ctx, obs)
	}
	status := a.queue
	if status == "" || status.Is(ExecutionCompleted) {
		status = queueStatuses[a.polls%len(queueStatuses)]
	}
	queued, found, err := a.ask(ctx, ExecutionsRequest{Statuses: []ExecutionStatus{status}})
	switch {
	case err != nil && ctx.Err() != nil:
		return obs, err
	case err != nil:
		// A refused filter says nothing about the run.
	case found:
		obs = queued
	default:
		a.queue = ""
	}
	a.polls++
	if !found && (a.unsure || a.missing > 0 || a.polls%reportLookEvery == 0) {
		a.unsure = false
		reason, err := a.lost(ctx)
		if err != nil {
			return obs, err
		}
		if reason != nil {
			if a.missing++; a.missing >= reportGoneAfter {
				obs.State, obs.Status = partnercenter.Failed, "gone"
				obs.Err = &ExecutionError{Execution: obs.Value, Reason: reason}
			}
			return obs, nil
		}
	}
	a.missing = 0
	return obs, nil
}

// behind looks for a completed run behind an unfinished one. Where the plain
// question finds the latest run at all, that of a schedule is always the slot to
// come. Since the filter has been reported to miss runs, the whole list is asked
// for in turn with it.
func (a *await) behind(ctx context.Context, latest partnercenter.Observation[Execution]) (partnercenter.Observation[Execution], error) {
	req := ExecutionsRequest{Statuses: []ExecutionStatus{ExecutionCompleted}}
	if a.polls%2 == 1 {
		req = ExecutionsRequest{All: true}
	}
	a.polls++
	a.missing = 0
	obs, found, err := a.ask(ctx, req)
	switch {
	case err != nil && ctx.Err() != nil:
		return latest, err
	case err == nil && found && obs.Value.Status.Is(ExecutionCompleted):
		return obs, nil
	}
	return latest, nil // a refused filter says nothing about the run
}

// ask looks for runs of the report. It reports false when there is none that
// matters.
func (a *await) ask(ctx context.Context, req ExecutionsRequest) (obs partnercenter.Observation[Execution], found bool, err error) {
	req.ReportIDs = []string{a.reportID}
	latest := Execution{ReportID: a.reportID}
	for x, err := range a.client.Executions(ctx, req) {
		if errors.Is(err, partnercenter.ErrNotFound) {
			a.unsure = true // of a form that is not the service's; the report itself will tell
			break
		}
		if err != nil {
			return obs, false, err
		}
		if !x.of(a.reportID) || x.Status.Is(ExecutionCompleted) && !a.isNew(x) {
			continue
		}
		if !found || a.better(x, latest) {
			latest, found = x, true
		}
	}
	obs = partnercenter.Observation[Execution]{Value: latest, Status: string(latest.Status)}
	if !found {
		return obs, false, nil
	}
	a.queue = latest.Status
	switch {
	case latest.ready():
		obs.State = partnercenter.Succeeded
	case latest.Status.Is(ExecutionCompleted):
		if a.emptyLinks++; a.emptyLinks > emptyLinkPolls {
			obs.State = partnercenter.Failed
			obs.Err = &ExecutionError{Execution: latest, Reason: errors.New("the service calls the run completed but offers no file")}
		} else {
			obs.RetryAfter = emptyLinkDelay
		}
	default:
		a.note(ctx, latest.Status)
	}
	return obs, true, nil
}

// isNew reports whether a completed run is one that is waited for.
func (a *await) isNew(x Execution) bool {
	return a.after.IsZero() || x.GeneratedAt.After(a.after)
}

// better prefers a run with a file to one without, and the later file.
func (a *await) better(x, than Execution) bool {
	if x.ready() != than.ready() {
		return x.ready()
	}
	return byGeneration(than, x) < 0
}

// note logs a status that the documentation does not know, once.
func (a *await) note(ctx context.Context, s ExecutionStatus) {
	if s.Is(ExecutionPending) || s.Is(ExecutionRunning) || s.Is(ExecutionPaused) || strings.EqualFold(string(s), a.strange) {
		return
	}
	a.strange = string(s)
	a.client.log.LogAttrs(ctx, slog.LevelWarn, "analytics: a run has a status that is not documented; it counts as unfinished",
		slog.String("report", a.reportID), slog.String("status", string(s)))
}

// lost looks at the report itself and says why no run can come any more; nil as
// long as one can.
func (a *await) lost(ctx context.Context) (reason, err error) {
	r, err := a.client.Report(ctx, a.reportID)
	switch {
	case err == nil && r.Status.Is(ReportInactive) && !r.once():
		return ErrScheduleEnded, nil
	case err == nil:
		return nil, nil
	case isAbsent(err):
		return ErrReportGone, nil
	}
	return nil, err
}

// isAbsent tells a thing that the service does not have from a refusal by its
// gateway.
func isAbsent(err error) bool {
	if _, ok := errors.AsType[*partnercenter.Error](err); ok {
		return nothingFound(err)
	}
	return errors.Is(err, partnercenter.ErrNotFound)
}
