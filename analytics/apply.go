package analytics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// Action is what [Client.Apply] has done.
type Action string

// The actions.
const (
	// Unchanged: the report was as it should be. No request has changed anything.
	Unchanged Action = "unchanged"
	// Created: there was no report of that name.
	Created Action = "created"
	// Updated: the report differed, see [Applied.Changes].
	Updated Action = "updated"
	// Renewed: few runs were left, or none, and more have been ordered.
	Renewed Action = "renewed"
	// Replaced: a new report does what the old one could not be changed to do. The
	// old one is paused and keeps its files; see [Applied.Superseded].
	Replaced Action = "replaced"
	// Resumed: the report was paused, and should not be.
	Resumed Action = "resumed"
	// Stopped: the report was running, and should be paused.
	Stopped Action = "stopped"
)

// Applied is what [Client.Apply] has found and done.
type Applied struct {
	// Report is the report that carries out the schedule now.
	Report Report
	// Action is what has been done.
	Action Action
	// Changes names the fields that differed, as the service calls them.
	Changes []string
	// Skipped are runs that do not take place because a change takes effect four
	// hours from now at the earliest.
	Skipped []time.Time
	// Superseded are other scheduled reports of the same name: earlier forms of
	// the schedule, or duplicates made by two processes at once. They are paused,
	// keep their files, and wait for [Client.DeleteOrphans].
	Superseded []Report
	// Remaining is the number of runs left, as far as known; -1 for a schedule
	// without end.
	Remaining int
	// Next is when there may be something to do again at the latest: apply the
	// schedule until then, or as often as you like. Zero for one without end.
	Next time.Time
}

// Apply creates, changes, renews, pauses or resumes whatever is needed for the
// schedule to be carried out, and nothing else: applying it twice changes nothing
// the second time. It is meant to be called at the start of a program and once a
// day or so.
//
// The query of a report cannot be changed, nor can its callback be taken away; in
// these cases there is a new report and the old one is paused. Reports of the same
// name that do not belong to the schedule's current form are paused too and never
// deleted, since their files go with them.
//
// A change to a report moves its next run four hours away or more. A renewal waits
// for a time when no run is due within four hours, as long as it can: see
// [Applied.Next] and [Applied.Skipped].
//
//pc:operation GET /ScheduledReport
//pc:operation POST /ScheduledReport
//pc:operation PUT /ScheduledReport/{reportId}
func (c *Client) Apply(ctx context.Context, s Schedule, opts ...partnercenter.CallOption) (Applied, error) {
	now := time.Now()
	if !s.Start.IsZero() {
		s.Start = s.Start.UTC().Truncate(time.Second) // as it is sent
	}
	if err := c.judge(ctx, "apply schedule", s.check(c.program, now)); err != nil {
		return Applied{}, err
	}
	a := &applying{client: c, schedule: s, now: now, opts: opts}
	current, others, err := a.find(ctx)
	if err != nil {
		return Applied{}, fmt.Errorf("analytics: schedule %s: %w", s.Name, err)
	}
	if err := a.decide(ctx, current, others); err != nil {
		return a.result, fmt.Errorf("analytics: schedule %s: %w", s.Name, err)
	}
	if a.result.Action == Replaced && current != nil {
		others = append(others, *current)
	}
	if err := a.retire(ctx, others); err != nil {
		return a.result, fmt.Errorf("analytics: schedule %s: %w", s.Name, err)
	}
	return a.result, nil
}

// applying is one call of [Client.Apply].
type applying struct {
	client   *Client
	schedule Schedule
	now      time.Time
	opts     []partnercenter.CallOption
	grid     time.Time // of the report that is replaced; zero for none
	result   Applied
}

// find returns the report that carries out the schedule, nil if there is none, and
// the others of its name.
func (a *applying) find(ctx context.Context) (current *Report, others []Report, err error) {
	list, err := collect(a.client.Reports(ctx, ReportsRequest{Name: a.schedule.Name}, a.opts...))
	if err != nil {
		return nil, nil, err
	}
	list = slices.DeleteFunc(list, func(r Report) bool { return !a.schedule.owns(r) })
	slices.SortStableFunc(list, preferred)
	// One that is listed twice, as when pages shift, is no duplicate of itself.
	list = slices.CompactFunc(list, func(a, b Report) bool { return strings.EqualFold(a.ID, b.ID) })
	for _, r := range list {
		if current == nil {
			text, err := "", error(nil)
			if a.schedule.QueryID == "" {
				text, err = a.client.queryText(ctx, r, a.opts)
			}
			if err != nil && !errors.Is(err, partnercenter.ErrNotFound) {
				return nil, nil, err
			}
			if a.schedule.runs(r, text) {
				current = new(r)
				continue
			}
		}
		others = append(others, r)
	}
	return current, others, nil
}

// preferred orders reports of one schedule: running ones first, then the latest.
// Of two made within one second all processes must choose the same, or each would
// pause the other's; the order of a listing is not documented.
func preferred(a, b Report) int {
	rank := func(r Report) int {
		switch {
		case r.Status.Is(ReportActive):
			return 0
		case r.Status.Is(ReportInactive):
			return 2
		}
		return 1
	}
	if n := rank(a) - rank(b); n != 0 {
		return n
	}
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(a.ID, b.ID))
}

// decide does what the report needs.
func (a *applying) decide(ctx context.Context, current *Report, others []Report) error {
	if current == nil {
		a.result.Action = Created
		if len(others) > 0 {
			a.result.Action, a.result.Changes = Replaced, []string{"QueryId"}
			if others[0].Interval == a.schedule.Interval {
				a.grid = others[0].Start
			}
		}
		return a.create(ctx)
	}
	s, r := a.schedule, *current
	a.result.Report, a.result.Action = r, Unchanged
	changes := s.differences(r, a.now)
	a.result.Changes = changes
	if slices.Contains(changes, "CallbackUrl") && s.CallbackURL.IsZero() {
		a.result.Action = Replaced
		return a.create(ctx)
	}
	left := -1
	if s.Count > 0 {
		left = s.remaining(r, a.now)
	}
	a.plan(left)
	renew := s.Count > 0 && left <= s.renewBelow() && !s.Paused && !a.canWait(r, left)
	ended := r.Status.Is(ReportInactive) && !s.Paused
	switch {
	case len(changes) > 0:
		return a.update(ctx, Updated, r)
	case renew, ended:
		return a.update(ctx, Renewed, r)
	}
	return a.setPaused(ctx, r)
}

// plan says when there is something to do again.
func (a *applying) plan(left int) {
	a.result.Remaining, a.result.Next = left, time.Time{}
	if left < 0 {
		return
	}
	s := a.schedule
	spare := max(left-s.renewBelow(), 0)
	next := slotFrom(a.anchor(), s.Interval, a.now)
	// Behind the last run that may be missing, when the one after it is far away.
	a.result.Next = next.Add(time.Duration(max(spare-1, 0)) * s.Interval).Add(time.Minute)
}

// anchor is a time of the grid.
func (a *applying) anchor() time.Time {
	if !a.schedule.Start.IsZero() {
		return a.schedule.Start
	}
	if !a.result.Report.Start.IsZero() {
		return a.result.Report.Start
	}
	if !a.grid.IsZero() {
		return a.grid
	}
	return slotFrom(a.now.UTC().Truncate(time.Hour), time.Hour, earliestStart(a.now))
}

// canWait reports whether a renewal can wait for a time when it skips no run: the
// next run is too near to be kept, it is not the last one, and after it there will
// be such a time.
func (a *applying) canWait(r Report, left int) bool {
	next := slotFrom(r.Start, r.Interval, a.now.Add(1))
	return left > 1 && r.Interval > MinStartLead+startMargin && next.Before(earliestStart(a.now))
}

// create makes the report.
func (a *applying) create(ctx context.Context) error {
	s := a.schedule
	queryID := strings.TrimSpace(s.QueryID)
	if queryID == "" {
		q, err := a.query(ctx)
		if err != nil {
			return err
		}
		queryID = q.ID
	}
	start := slotFrom(a.anchor(), s.Interval, earliestStart(a.now))
	r, err := a.client.storeReport(ctx, s.request(queryID, start), func(r Report) bool {
		return s.owns(r) && strings.EqualFold(r.QueryID, queryID) && r.Start.Equal(start)
	}, a.opts)
	if err != nil {
		return err
	}
	a.skip(start)
	a.result.Report = r
	a.settle()
	if s.Paused {
		return a.pause(ctx, r)
	}
	return nil
}

// scheduleMark begins the description of queries that schedules have stored, by
// which [Client.Orphans] knows them.
const scheduleMark = "Made for schedule "

// query finds the query that the schedule has stored before, or stores it.
func (a *applying) query(ctx context.Context) (Query, error) {
	s := a.schedule
	mine := func(q Query) bool {
		return strings.HasPrefix(q.Description, scheduleMark) && query.Equal(q.Text, s.Query)
	}
	for q, err := range a.client.Queries(ctx, QueriesRequest{Name: s.Name, Scope: OwnQueries}, a.opts...) {
		if err != nil {
			return Query{}, err
		}
		if strings.EqualFold(q.Name, s.Name) && q.ID != "" && mine(q) {
			return q, nil
		}
	}
	return a.client.storeQuery(ctx, QueryRequest{Name: s.Name, Description: scheduleMark + s.Name, Text: s.Query}, mine, a.opts)
}

// update changes or renews the report, or replaces one that has ended for good:
// whether a schedule that has ended can be taken up again is not documented.
func (a *applying) update(ctx context.Context, action Action, r Report) error {
	a.result.Action = action
	start := slotFrom(a.anchor(), a.schedule.Interval, earliestStart(a.now))
	changed, err := a.client.UpdateReport(ctx, r.ID, a.schedule.update(start), a.opts...)
	if err == nil && changed.Name == "" { // the answer had no report in it
		changed, err = a.client.Report(ctx, r.ID, a.opts...)
	}
	ended := r.Status.Is(ReportInactive)
	if ended && (refused(err) || err == nil && changed.Status.Is(ReportInactive)) {
		a.result.Action = Replaced
		return a.create(ctx)
	}
	if err != nil {
		return err
	}
	a.skip(start)
	a.result.Report = changed
	a.settle()
	return a.setPausedAfter(ctx, changed)
}

// refused reports whether the service has judged a request and found it wrong.
func refused(err error) bool {
	e, ok := errors.AsType[*partnercenter.Error](err)
	return ok && (e.StatusCode == http.StatusBadRequest || e.Is(partnercenter.ErrNotFound) || e.Is(partnercenter.ErrConflict))
}

// settle counts the runs of a schedule that has just been ordered.
func (a *applying) settle() {
	left := -1
	if a.schedule.Count > 0 {
		left = a.schedule.Count
	}
	a.plan(left)
}

// skip notes the runs between now and the new start. One that is due this very
// moment has begun.
func (a *applying) skip(start time.Time) {
	old := a.result.Report
	if old.ID == "" || old.Interval <= 0 || !old.Status.Is(ReportActive) {
		return
	}
	for t := slotFrom(old.Start, old.Interval, a.now.Add(1)); t.Before(start); t = t.Add(old.Interval) {
		a.result.Skipped = append(a.result.Skipped, t)
	}
}

// setPaused pauses or resumes a report that is otherwise as it should be.
func (a *applying) setPaused(ctx context.Context, r Report) error {
	switch {
	case a.schedule.Paused && r.Status.Is(ReportActive):
		a.result.Action = Stopped
		return a.pause(ctx, r)
	case !a.schedule.Paused && r.Status.Is(ReportPaused):
		a.result.Action = Resumed
		return a.resume(ctx, r)
	}
	return nil
}

// setPausedAfter does so behind a change, which keeps its name.
func (a *applying) setPausedAfter(ctx context.Context, r Report) error {
	action := a.result.Action
	err := a.setPaused(ctx, r)
	a.result.Action = action
	return err
}

func (a *applying) pause(ctx context.Context, r Report) error {
	changed, err := a.client.PauseReport(ctx, r.ID, a.opts...)
	return a.note(changed, ReportPaused, err)
}

func (a *applying) resume(ctx context.Context, r Report) error {
	changed, err := a.client.ResumeReport(ctx, r.ID, a.opts...)
	return a.note(changed, ReportActive, err)
}

func (a *applying) note(changed Report, status ReportStatus, err error) error {
	if err != nil {
		return err
	}
	if changed.Name == "" { // the answer had no report in it
		changed = a.result.Report
		changed.Status = status
	}
	a.result.Report = changed
	return nil
}

// retire pauses the other reports of the name.
func (a *applying) retire(ctx context.Context, others []Report) error {
	for _, r := range others {
		if r.Status.Is(ReportActive) {
			paused, err := a.client.PauseReport(ctx, r.ID, a.opts...)
			if err != nil && !isAbsent(err) {
				return fmt.Errorf("pausing report %s, which is superseded: %w", r.ID, err)
			}
			if paused.Name != "" {
				r = paused
			} else {
				r.Status = ReportPaused
			}
		}
		a.result.Superseded = append(a.result.Superseded, r)
	}
	return nil
}
