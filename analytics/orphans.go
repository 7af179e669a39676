package analytics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// Orphans are reports and queries that this SDK has made and nobody needs any more.
type Orphans struct {
	// Reports are earlier forms of schedules, schedules that have been given up,
	// and runs that were never cleaned up.
	Reports []Report
	// Queries are the queries that were stored for them, and those whose report
	// was never made or is gone.
	Queries []Query
}

// Orphans lists what earlier calls have left behind: reports of the schedules in
// keep that are superseded, reports of schedules that are not in keep, runs that
// have not been cleaned up within a day, and the queries that were stored for any
// of these.
//
// A schedule that is not in keep is known by the query that was stored for it and
// has its name; the reports of one that was given a QueryID are not found, nor those
// that others have made of such a query. Two programs that share an account must
// pass the schedules of both.
//
//pc:operation GET /ScheduledReport
//pc:operation GET /ScheduledQueries
func (c *Client) Orphans(ctx context.Context, keep []Schedule, opts ...partnercenter.CallOption) (Orphans, error) {
	queries, err := collect(c.Queries(ctx, QueriesRequest{Scope: OwnQueries}, opts...))
	if err != nil {
		return Orphans{}, err
	}
	reports, err := collect(c.Reports(ctx, ReportsRequest{}, opts...))
	if err != nil {
		return Orphans{}, err
	}
	owners := make(map[string]Query) // stored by this SDK, by id
	for _, q := range queries {
		if ours(q) {
			owners[strings.ToLower(q.ID)] = q
		}
	}
	needed := current(keep, reports, queries)
	var out Orphans
	inUse := map[string]bool{} // queries of reports that stay
	for _, r := range reports {
		id := strings.ToLower(r.QueryID)
		q, ofOurs := owners[id]
		switch {
		case needed[r.ID]:
		case ofOurs && madeFor(q, r), r.Description == runMark && abandoned(r.CreatedAt),
			slices.ContainsFunc(keep, func(s Schedule) bool { return s.owns(r) }):
			out.Reports = append(out.Reports, r)
			continue
		}
		inUse[id] = true
	}
	for _, q := range queries {
		if id := strings.ToLower(q.ID); ours(q) && !inUse[id] && (!leftover(q) || abandoned(q.CreatedAt)) && !wanted(q, keep) {
			out.Queries = append(out.Queries, q)
		}
	}
	return out, nil
}

// ours reports whether a query was stored for a schedule or a run.
func ours(q Query) bool { return strings.HasPrefix(q.Description, scheduleMark) || leftover(q) }

// madeFor reports whether a query was stored for a report that is not needed any
// more, and not for another one that uses it as well: both have the same name.
func madeFor(q Query, r Report) bool {
	if !strings.EqualFold(q.Name, r.Name) {
		return false
	}
	if leftover(q) {
		return abandoned(q.CreatedAt)
	}
	return !r.once()
}

// leftover reports whether a query was stored for one run.
func leftover(q Query) bool { return q.Description == runMark }

// abandoned reports whether a run of that time is so old that nobody waits for it.
func abandoned(created time.Time) bool {
	return !created.IsZero() && time.Since(created) > awaitTimeout
}

// wanted reports whether a schedule would use the query if it were applied now.
func wanted(q Query, keep []Schedule) bool {
	return slices.ContainsFunc(keep, func(s Schedule) bool {
		return strings.EqualFold(q.Name, s.Name) && s.QueryID == "" && s.runs(Report{}, q.Text)
	})
}

// current finds the reports that carry out the schedules, by their ids.
func current(keep []Schedule, reports []Report, queries []Query) map[string]bool {
	out := map[string]bool{}
	for _, s := range keep {
		own := slices.Clone(reports)
		own = slices.DeleteFunc(own, func(r Report) bool { return !s.owns(r) })
		slices.SortStableFunc(own, preferred)
		for _, r := range own {
			text := r.Query
			if i := slices.IndexFunc(queries, func(q Query) bool { return strings.EqualFold(q.ID, r.QueryID) }); text == "" && i >= 0 {
				text = queries[i].Text
			}
			if s.runs(r, text) {
				out[r.ID] = true
				break
			}
		}
	}
	return out
}

// DeleteOrphans deletes reports, with them their files, and queries. It goes on
// after failures and returns all of them; what is gone already is none.
//
//pc:operation DELETE /ScheduledReport/{reportId}
//pc:operation DELETE /ScheduledQueries/{queryId}
func (c *Client) DeleteOrphans(ctx context.Context, o Orphans, opts ...partnercenter.CallOption) error {
	var failed []error
	for _, r := range o.Reports {
		if _, err := c.DeleteReport(ctx, r.ID, opts...); err != nil && !isAbsent(err) {
			failed = append(failed, fmt.Errorf("deleting report %s: %w", r.ID, err))
		}
	}
	for _, q := range o.Queries {
		if _, err := c.DeleteQuery(ctx, q.ID, opts...); err != nil && !isAbsent(err) {
			failed = append(failed, fmt.Errorf("deleting query %s: %w", q.ID, err))
		}
	}
	return errors.Join(failed...)
}
