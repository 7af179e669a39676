package analytics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/partnercenter-go/partnercenter"
)

// runKind names the operation of [Client.Run] in resume tokens.
const runKind = "analytics.run"

// RunRequest is a query that is to run once, now.
type RunRequest struct {
	// Query is the text of the query. It is stored for the time of the run, since
	// the service runs stored queries only. Either Query or QueryID is required.
	Query string
	// QueryID is the id of a stored query, own or system, which stays.
	QueryID string
	// Name begins the name of the report (and of the query), to which a unique
	// part is added. Without blanks and semicolons, at most 200 characters.
	// Default "run".
	Name string
	// QueryStart and QueryEnd replace the time span of the query.
	QueryStart, QueryEnd time.Time
	// Format of the file. Default [CSV].
	Format Format
	// CallbackURL is called when the file is ready. Whether the service does so
	// for reports that run at once is not known. Default: none.
	CallbackURL partnercenter.Secret
	// CallbackMethod is how it is called. Default: the service's, POST.
	CallbackMethod CallbackMethod
	// Keep leaves the report, its file and the stored query at the service; they
	// are no [Orphans] either. Default: [Run.CleanUp] deletes them.
	Keep bool
}

// Run is a report that runs once. It is a [partnercenter.Poller] that also knows
// what to do with the result and what to delete in the end:
//
//	run, err := client.Run(ctx, analytics.RunRequest{Query: "SELECT OfferName, RawUsage FROM ISVUsage"})
//	defer run.CleanUp(ctx)
//	content, err := run.Open(ctx, nil)
//	for row, err := range analytics.Rows[Usage](content, nil) { ... }
//
// Its resume token, see [Client.ResumeRun], also holds what is needed to clean up.
// It is not safe for concurrent use.
type Run struct {
	*partnercenter.Poller[Execution]

	client   *Client
	reportID string
	queryID  string // only if this run has stored it
	keep     bool
}

// Run stores the query, if it is given as text, and asks the service to run it at
// once. Both are undone as far as they have come when something fails.
//
// Five such runs are allowed within 60 minutes ([ErrExecuteNowQuota]) and 100
// stored queries ([ErrQueryQuota]). Nothing is created twice when an answer is
// lost: what was made is then looked up under its unique name.
//
// The wait asks every 15 seconds at first and every minute later, and ends after 24
// hours, unless [partnercenter.WaitOptions] say otherwise; see
// [Client.AwaitExecution] for its other rules.
//
//pc:operation POST /ScheduledQueries
//pc:operation POST /ScheduledReport
func (c *Client) Run(ctx context.Context, req RunRequest, opts ...partnercenter.CallOption) (*Run, error) {
	name, err := c.checkRun(ctx, req)
	if err != nil {
		return nil, err
	}
	run := &Run{client: c, keep: req.Keep}
	queryID := strings.TrimSpace(req.QueryID)
	if queryID == "" {
		q, err := c.storeQuery(ctx, QueryRequest{Name: name, Description: run.mark(), Text: req.Query},
			func(Query) bool { return true }, opts) // the name is unique
		if err != nil {
			return nil, err
		}
		run.queryID, queryID = q.ID, q.ID
	}
	report, err := c.storeReport(ctx, ReportRequest{
		Name: name, Description: run.mark(), QueryID: queryID, ExecuteNow: true, QueryStart: req.QueryStart, QueryEnd: req.QueryEnd,
		Format: req.Format, CallbackURL: req.CallbackURL, CallbackMethod: req.CallbackMethod,
	}, func(Report) bool { return true }, opts) // the name is unique
	if err != nil {
		run.keep = false // nobody will come back for a query without a report
		if left := run.CleanUp(ctx); left != nil {
			err = errors.Join(err, left)
		}
		return nil, err
	}
	run.watch(report.ID)
	return run, nil
}

// ResumeRun goes on with a run with the text that its ResumeToken has returned,
// here or in another process. It sends no request.
func (c *Client) ResumeRun(token string) (*Run, error) {
	op, err := c.parseToken(runKind, token)
	if err != nil {
		return nil, err
	}
	run := &Run{client: c, queryID: op.Params["query"], keep: op.Params["keep"] != ""}
	run.watch(op.ID)
	return run, nil
}

// watch makes the poller.
func (r *Run) watch(reportID string) {
	r.reportID = reportID
	op := partnercenter.Operation{Kind: runKind, ID: reportID, Params: map[string]string{"program": string(r.client.program)}}
	if r.queryID != "" {
		op.Params["query"] = r.queryID
	}
	if r.keep {
		op.Params["keep"] = "true"
	}
	r.Poller = r.client.poller(op, time.Time{}, runMaxInterval)
}

// Descriptions of the queries and reports that were made for one run. By the first
// one [Client.Orphans] knows what has not been cleaned up.
const (
	runMark  = "Made for one run"
	keepMark = "Made for one run, to be kept"
)

func (r *Run) mark() string {
	if r.keep {
		return keepMark
	}
	return runMark
}

// maxRunName leaves room for the unique part.
const maxRunName = 200

// checkRun looks at what is only known for runs and returns the unique name.
func (c *Client) checkRun(ctx context.Context, req RunRequest) (name string, err error) {
	var found problems
	text, id := strings.TrimSpace(req.Query) != "", strings.TrimSpace(req.QueryID) != ""
	if text == id {
		found.must("Query", "or QueryID is required, and only one of them")
	}
	if len([]rune(req.Name)) > maxRunName {
		found.must("Name", "has more than %d characters; the unique part that is added needs room", maxRunName)
	}
	name = req.Name
	if name == "" {
		name = "run"
	}
	name += "-" + uuid.NewString()
	// The report is checked before the query is stored.
	report := ReportRequest{
		Name: name, QueryID: "-", ExecuteNow: true, QueryStart: req.QueryStart, QueryEnd: req.QueryEnd,
		Format: req.Format, CallbackURL: req.CallbackURL, CallbackMethod: req.CallbackMethod,
	}
	for _, p := range report.check(c.program, time.Now()) {
		if p.must || !p.Disputed || c.set.checks == CheckStrict { // the warnings come with the report itself
			found = append(found, p)
		}
	}
	return name, c.judge(ctx, "run", found)
}

// ReportID returns the id of the report behind the run.
func (r *Run) ReportID() string { return r.reportID }

// QueryID returns the id of the query that was stored for the run; empty for a
// query that was there before.
func (r *Run) QueryID() string { return r.queryID }

// Open waits for the run to complete, if it has not, and opens its file; see
// [Client.Open]. The wait is that of Wait without options: bound it with the
// context, or call Wait first.
func (r *Run) Open(ctx context.Context, opts *partnercenter.DownloadOptions) (*partnercenter.Content, error) {
	x, err := r.done(ctx)
	if err != nil {
		return nil, err
	}
	return r.client.Open(ctx, x, opts)
}

// DownloadFile waits for the run to complete, if it has not, and fetches its file;
// see [Client.DownloadFile].
func (r *Run) DownloadFile(ctx context.Context, path string, opts *partnercenter.DownloadOptions) (partnercenter.DownloadResult, error) {
	x, err := r.done(ctx)
	if err != nil {
		return partnercenter.DownloadResult{}, err
	}
	return r.client.DownloadFile(ctx, x, path, opts)
}

// done returns the completed run.
func (r *Run) done(ctx context.Context) (Execution, error) {
	if obs, ok := r.Last(); ok && obs.State == partnercenter.Succeeded {
		return obs.Value, nil
	}
	return r.Wait(ctx, nil)
}

// cleanUpTime bounds a clean-up, which goes on when its context has ended: it is
// mostly called because that happened.
const cleanUpTime = time.Minute

// CleanUp deletes the report, with it its file, and the query that was stored for
// the run. It does nothing for a run with [RunRequest.Keep]. What does not exist
// any more is no error, and calling it again does nothing; so it can be deferred
// as soon as there is a run, and called again after a failure.
//
// It works even if ctx has ended, for at most a minute.
func (r *Run) CleanUp(ctx context.Context, opts ...partnercenter.CallOption) error {
	if r.keep {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	var failed error
	if r.reportID != "" {
		if _, err := r.client.DeleteReport(ctx, r.reportID, opts...); err != nil && !isAbsent(err) {
			failed = fmt.Errorf("cleaning up report %s: %w", r.reportID, err)
		} else {
			r.reportID = ""
		}
	}
	if r.queryID != "" {
		if _, err := r.client.DeleteQuery(ctx, r.queryID, opts...); err != nil && !isAbsent(err) {
			failed = errors.Join(failed, fmt.Errorf("cleaning up query %s: %w", r.queryID, err))
		} else {
			r.queryID = ""
		}
	}
	return failed
}
