package analytics_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

func TestOrphans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		ctx := t.Context()

		// What stays: a schedule that is kept, a user's own query and report.
		keep := daily(nil)
		apply(t, s, c, keep)
		mine, err := c.CreateQuery(ctx, analytics.QueryRequest{Name: "mine", Text: usageQuery})
		if err != nil {
			t.Fatal(err)
		}
		own, err := c.CreateReport(ctx, analytics.ReportRequest{Name: "own", QueryID: mine.ID, Start: dailyStart, Interval: 24 * time.Hour, Count: 3})
		if err != nil {
			t.Fatal(err)
		}
		byID := analytics.Schedule{Name: "ByID", QueryID: mine.ID, Interval: 24 * time.Hour, Count: 30}
		apply(t, s, c, byID)

		// What has been given up: a schedule, an earlier form of the one that is
		// kept, a query whose report was never made, a run without clean-up.
		apply(t, s, c, daily(func(s *analytics.Schedule) { s.Name = "Old" }))
		apply(t, s, c, daily(func(s *analytics.Schedule) { s.Query = "SELECT OfferName FROM ISVUsage" }))
		apply(t, s, c, keep)
		s.fail = func(req *http.Request) *http.Response {
			if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "ScheduledReport") {
				return refuse(http.StatusBadRequest, "no")
			}
			return nil
		}
		if _, err := c.Apply(ctx, daily(func(s *analytics.Schedule) { s.Name = "Never" })); err == nil {
			t.Fatal("no error")
		}
		s.fail = nil
		run, err := c.Run(ctx, analytics.RunRequest{Query: usageQuery, Name: "run"})
		if err != nil {
			t.Fatal(err)
		}
		names := func(o analytics.Orphans) (out []string) {
			for _, r := range o.Reports {
				out = append(out, "report "+r.Name)
			}
			for _, q := range o.Queries {
				out = append(out, "query "+q.Name)
			}
			return out
		}

		got, err := c.Orphans(ctx, []analytics.Schedule{keep, byID})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"report Old", "report Daily", "query Old", "query Daily", "query Never"}
		if diff := cmp.Diff(want, names(got)); diff != "" {
			t.Errorf("orphans (-want +got):\n%s", diff)
		}
		// The query of a schedule that is wanted, and whose report was never made, is
		// what applying it again takes.
		never := daily(func(s *analytics.Schedule) { s.Name = "Never" })
		if wanted, err := c.Orphans(ctx, []analytics.Schedule{keep, byID, never}); err != nil || strings.Contains(strings.Join(names(wanted), ", "), "Never") {
			t.Errorf("with a schedule without report: %v, %v", names(wanted), err)
		}
		if len(got.Reports) == 2 && !got.Reports[1].Status.Is(analytics.ReportPaused) {
			t.Errorf("the earlier form is not the orphan: %+v", got.Reports[1])
		}
		if err := c.DeleteOrphans(ctx, got); err != nil {
			t.Fatal(err)
		}
		if again, err := c.Orphans(ctx, []analytics.Schedule{keep, byID}); err != nil || len(names(again)) != 0 {
			t.Errorf("after deleting: %v, %v", names(again), err)
		}
		if err := c.DeleteOrphans(ctx, got); err != nil {
			t.Errorf("deleting again: %v", err)
		}
		apply(t, s, c, keep)
		if _, err := c.Report(ctx, own.ID); err != nil {
			t.Errorf("the user's own report: %v", err)
		}

		// A day later nobody waits for the run any more.
		time.Sleep(25 * time.Hour)
		got, err = c.Orphans(ctx, []analytics.Schedule{keep, byID})
		if err != nil || len(got.Reports) != 1 || got.Reports[0].ID != run.ReportID() || len(got.Queries) != 1 || got.Queries[0].ID != run.QueryID() {
			t.Errorf("a day later: %v, %v", names(got), err)
		}
		// Nothing is kept: what was made for a schedule is recognised.
		got, err = c.Orphans(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(names(got), ", "); strings.Contains(text, "mine") || strings.Contains(text, "own") || strings.Contains(text, "ByID") || !strings.Contains(text, "report Daily") {
			t.Errorf("nothing kept: %s", text)
		}
	})
}

// A run of a stored query leaves a report without a query by which to know it, and
// what was to be kept is nobody's to delete.
func TestOrphanedRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		mine, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "mine", Text: usageQuery})
		if err != nil {
			t.Fatal(err)
		}
		lost, err := c.Run(t.Context(), analytics.RunRequest{QueryID: mine.ID})
		if err != nil {
			t.Fatal(err)
		}
		for _, req := range []analytics.RunRequest{{Query: usageQuery, Keep: true}, {QueryID: mine.ID, Keep: true}} {
			if _, err := c.Run(t.Context(), req); err != nil {
				t.Fatal(err)
			}
		}
		got, err := c.Orphans(t.Context(), nil)
		if err != nil || len(got.Reports)+len(got.Queries) != 0 {
			t.Errorf("while somebody may be waiting: %+v, %v", got, err)
		}
		time.Sleep(25 * time.Hour)
		got, err = c.Orphans(t.Context(), nil)
		if err != nil || len(got.Queries) != 0 || len(got.Reports) != 1 || got.Reports[0].ID != lost.ReportID() {
			t.Errorf("a day later: %+v, %v", got, err)
		}
	})
}

// The query that a schedule has stored may be run, or scheduled, by others as well:
// what they made has a claim of its own.
func TestOrphansOnTheQueryOfASchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		keep := daily(nil)
		applied := apply(t, s, c, keep)
		old := apply(t, s, c, daily(func(s *analytics.Schedule) { s.Name = "Old" }))
		theirs := map[string]bool{}
		for _, queryID := range []string{applied.Report.QueryID, old.Report.QueryID} {
			for _, k := range []bool{false, true} {
				run, err := c.Run(t.Context(), analytics.RunRequest{QueryID: queryID, Keep: k, QueryStart: dailyStart.AddDate(0, -2, 0), QueryEnd: dailyStart})
				if err != nil {
					t.Fatal(err)
				}
				theirs[run.ReportID()] = k
			}
			own, err := c.CreateReport(t.Context(), analytics.ReportRequest{Name: "Own", QueryID: queryID, Start: dailyStart, Interval: 24 * time.Hour, Count: 90})
			if err != nil {
				t.Fatal(err)
			}
			theirs[own.ID] = true
		}
		// The same with the query of a run.
		time.Sleep(time.Hour) // five runs an hour
		run, err := c.Run(t.Context(), analytics.RunRequest{Query: usageQuery})
		if err != nil {
			t.Fatal(err)
		}
		theirs[run.ReportID()] = false
		again, err := c.Run(t.Context(), analytics.RunRequest{QueryID: run.QueryID(), Keep: true})
		if err != nil {
			t.Fatal(err)
		}
		theirs[again.ReportID()] = true
		for day := range 2 {
			for _, kept := range [][]analytics.Schedule{{keep}, nil} {
				got, err := c.Orphans(t.Context(), kept)
				if err != nil {
					t.Fatal(err)
				}
				found := map[string]bool{}
				for _, r := range got.Reports {
					found[r.ID] = true
				}
				if !found[old.Report.ID] || found[applied.Report.ID] != (kept == nil) {
					t.Errorf("day %d: orphans %v, of the schedules want %s and %s only if nothing is kept", day, found, old.Report.ID, applied.Report.ID)
				}
				for id, stays := range theirs {
					if found[id] != (!stays && day > 0) {
						t.Errorf("day %d: report %s is an orphan: %t", day, id, found[id])
					}
				}
				if len(got.Queries) != 0 {
					t.Errorf("day %d: queries of others' reports: %+v", day, got.Queries)
				}
			}
			time.Sleep(25 * time.Hour)
		}
	})
}

func TestOrphanErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		if got, err := c.Orphans(t.Context(), nil); err != nil || len(got.Reports)+len(got.Queries) != 0 {
			t.Errorf("an empty account: %v, %v", got, err)
		}
		for _, end := range []string{"ScheduledQueries", "ScheduledReport"} {
			s.fail = func(req *http.Request) *http.Response {
				if strings.HasSuffix(req.URL.Path, end) {
					return answer(http.StatusForbidden, "")
				}
				return nil
			}
			if _, err := c.Orphans(t.Context(), nil); !errors.Is(err, partnercenter.ErrForbidden) {
				t.Errorf("%s: %v", end, err)
			}
		}
		s.fail = func(*http.Request) *http.Response { return answer(http.StatusForbidden, "") }
		err := c.DeleteOrphans(t.Context(), analytics.Orphans{Reports: []analytics.Report{{ID: "r-1"}}, Queries: []analytics.Query{{ID: "q-1"}}})
		if !errors.Is(err, partnercenter.ErrForbidden) || !strings.Contains(err.Error(), "r-1") || !strings.Contains(err.Error(), "q-1") {
			t.Errorf("error %v", err)
		}
	})
}
