package analytics_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

var dailyStart = time.Date(2000, 1, 1, 6, 0, 0, 0, time.UTC) // six hours into the bubble

func daily(change func(*analytics.Schedule)) analytics.Schedule {
	s := analytics.Schedule{
		Name: "Daily", Description: "Usage of the day", Query: usageQuery, Start: dailyStart, Interval: 24 * time.Hour, Count: 30,
		CallbackURL: partnercenter.NewSecret("https://hooks.example.com/secret-part"),
	}
	if change != nil {
		change(&s)
	}
	return s
}

// apply applies a schedule, and once more, which must change nothing.
func apply(t *testing.T, s *service, c *analytics.Client, want analytics.Schedule) analytics.Applied {
	t.Helper()
	got, err := c.Apply(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	s.log()
	again, err := c.Apply(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.log() {
		if !strings.HasPrefix(r, "GET ") {
			t.Errorf("applying it again sends %s", r)
		}
	}
	if again.Action != analytics.Unchanged || again.Report.ID != got.Report.ID {
		t.Errorf("applying it again: %s, changes %v, report %s, was %s", again.Action, again.Changes, again.Report.ID, got.Report.ID)
	}
	return got
}

func TestApplyCreates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		got := apply(t, s, c, daily(nil))
		if got.Action != analytics.Created || !got.Report.Start.Equal(dailyStart) || got.Remaining != 30 || len(got.Skipped)+len(got.Superseded)+len(got.Changes) != 0 {
			t.Errorf("applied %+v", got)
		}
		q, err := c.Query(t.Context(), got.Report.QueryID)
		if err != nil || q.Text != usageQuery || q.Name != "Daily" {
			t.Errorf("query %+v, %v", q, err)
		}
		// Seven runs may be left: it is due behind the 23rd.
		if want := dailyStart.Add(22*24*time.Hour + time.Minute); !got.Next.Equal(want) {
			t.Errorf("next %v, want %v", got.Next, want)
		}
	})
}

func TestApplyBeginsOnTheGrid(t *testing.T) {
	for name, tc := range map[string]struct{ start, want time.Time }{
		"long ago":          {dailyStart.AddDate(-3, 0, 0), dailyStart},
		"in three hours":    {dailyStart.Add(-3 * time.Hour), dailyStart.Add(21 * time.Hour)},
		"in a week":         {dailyStart.AddDate(0, 0, 7), dailyStart.AddDate(0, 0, 7)},
		"with a fraction":   {dailyStart.Add(time.Second / 2), dailyStart},
		"nothing is chosen": {time.Time{}, time.Date(2000, 1, 1, 5, 0, 0, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				got := apply(t, s, s.client(t, analytics.Marketplace), daily(func(x *analytics.Schedule) { x.Start = tc.start }))
				if !got.Report.Start.Equal(tc.want) {
					t.Errorf("start %v, want %v", got.Report.Start, tc.want)
				}
			})
		})
	}
}

// A new form of a schedule without a start keeps the times of the old one.
func TestApplyReplacesOnTheGrid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		old := apply(t, s, c, daily(func(x *analytics.Schedule) { x.Start = time.Time{} }))
		time.Sleep(50*time.Hour + time.Minute)
		got := apply(t, s, c, daily(func(x *analytics.Schedule) { x.Start, x.Query = time.Time{}, "SELECT OfferName FROM ISVUsage" }))
		if want := old.Report.Start.Add(72 * time.Hour); got.Action != analytics.Replaced || !got.Report.Start.Equal(want) {
			t.Errorf("%s, start %v, want %v", got.Action, got.Report.Start, want)
		}
		got = apply(t, s, c, daily(func(x *analytics.Schedule) {
			x.Start, x.Query, x.Interval = time.Time{}, "SELECT RawUsage FROM ISVUsage", 24*90*time.Hour
		}))
		if want := time.Now().Add(6 * time.Hour); got.Action != analytics.Replaced || got.Report.Start.After(want) {
			t.Errorf("another interval: %s, start %v, want one before %v", got.Action, got.Report.Start, want)
		}
	})
}

// The same query in other words is no change; every other field is one.
func TestApplyUpdatesWhatDiffers(t *testing.T) {
	for _, tc := range []struct {
		name, field string
		change      func(*analytics.Schedule)
	}{
		{"query in other words", "", func(s *analytics.Schedule) { s.Query = "select offername,rawusage\nfrom isvusage timespan last_month" }},
		{"name in other case", "", func(s *analytics.Schedule) { s.Name = "daily" }},
		{"format spelled out", "", func(s *analytics.Schedule) { s.Format = "CSV" }},
		{"method spelled out", "", func(s *analytics.Schedule) { s.CallbackMethod = "post" }},
		{"start moved along the grid", "", func(s *analytics.Schedule) { s.Start = s.Start.AddDate(-1, 0, 0) }},
		{"count", "", func(s *analytics.Schedule) { s.Count = 31 }},
		{"description", "Description", func(s *analytics.Schedule) { s.Description = "" }},
		{"format", "Format", func(s *analytics.Schedule) { s.Format = analytics.TSV }},
		{"method", "CallbackMethod", func(s *analytics.Schedule) { s.CallbackMethod = analytics.CallbackGET }},
		{"callback", "CallbackUrl", func(s *analytics.Schedule) { s.CallbackURL = partnercenter.NewSecret("https://other.example/x") }},
		{"interval", "RecurrenceInterval", func(s *analytics.Schedule) { s.Interval = 12 * time.Hour }},
		{"start off the grid", "StartTime", func(s *analytics.Schedule) { s.Start = s.Start.Add(time.Hour) }},
		{"start put off", "StartTime", func(s *analytics.Schedule) { s.Start = s.Start.AddDate(0, 0, 2) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				c := s.client(t, analytics.Marketplace)
				first := apply(t, s, c, daily(nil))
				want := daily(tc.change)
				got := apply(t, s, c, want)
				if tc.field == "" {
					if got.Action != analytics.Unchanged {
						t.Errorf("%s, changes %v", got.Action, got.Changes)
					}
					return
				}
				if diff := cmp.Diff([]string{tc.field}, got.Changes); diff != "" || got.Action != analytics.Updated || got.Report.ID != first.Report.ID {
					t.Errorf("%s of report %s, changes (-want +got):\n%s", got.Action, got.Report.ID, diff)
				}
				r, err := c.Report(t.Context(), first.Report.ID)
				if err != nil || r.Description != want.Description || r.Interval != want.Interval || !r.CallbackURL.Equal(want.CallbackURL) {
					t.Errorf("report %+v, %v", r, err)
				}
				if len(s.left()) != 2 {
					t.Errorf("stored: %q", s.left())
				}
				// And back again, where defaults have to be spelled out.
				if back := apply(t, s, c, daily(nil)); back.Report.ID != first.Report.ID {
					t.Errorf("%s of report %s on the way back", back.Action, back.Report.ID)
				}
			})
		})
	}
}

// A field that the service does not return is no difference.
func TestApplyWithOlderAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.oldReports = true
		c := s.client(t, analytics.Marketplace)
		want := daily(func(x *analytics.Schedule) { x.CallbackMethod = analytics.CallbackGET })
		first := apply(t, s, c, want)
		for range 2 {
			if got := apply(t, s, c, want); got.Action != analytics.Unchanged || got.Report.ID != first.Report.ID {
				t.Errorf("%s, changes %v", got.Action, got.Changes)
			}
		}
		want.Description = "other words"
		apply(t, s, c, want)
		if method := s.reports[0].method; method != "GET" {
			t.Errorf("the method is %q after another change", method)
		}
	})
}

// What a report cannot be changed into becomes a new one; the old one stops and
// keeps its files.
func TestApplyReplaces(t *testing.T) {
	for name, change := range map[string]func(*analytics.Schedule){
		"another query":   func(s *analytics.Schedule) { s.Query = "SELECT OfferName FROM ISVUsage" },
		"no callback now": func(s *analytics.Schedule) { s.CallbackURL = partnercenter.Secret{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				c := s.client(t, analytics.Marketplace)
				first := apply(t, s, c, daily(nil))
				time.Sleep(10 * 24 * time.Hour)
				got := apply(t, s, c, daily(change))
				if got.Action != analytics.Replaced || got.Report.ID == first.Report.ID || len(got.Superseded) != 1 ||
					got.Superseded[0].ID != first.Report.ID || !got.Superseded[0].Status.Is(analytics.ReportPaused) {
					t.Errorf("applied %+v", got)
				}
				// And back again: the first report is taken up where it was.
				back := apply(t, s, c, daily(nil))
				if back.Report.ID != first.Report.ID || back.Action != analytics.Resumed || len(back.Superseded) != 1 || !back.Superseded[0].Status.Is(analytics.ReportPaused) {
					if name == "another query" {
						t.Errorf("back again: %+v", back)
					}
				}
			})
		})
	}
}

func TestApplyPausesAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		paused := daily(func(s *analytics.Schedule) { s.Paused = true })
		if got := apply(t, s, c, paused); got.Action != analytics.Created || !got.Report.Status.Is(analytics.ReportPaused) {
			t.Errorf("created: %+v", got)
		}
		if got := apply(t, s, c, daily(nil)); got.Action != analytics.Resumed || !got.Report.Status.Is(analytics.ReportActive) {
			t.Errorf("resumed: %+v", got)
		}
		if got := apply(t, s, c, paused); got.Action != analytics.Stopped || !got.Report.Status.Is(analytics.ReportPaused) {
			t.Errorf("paused: %+v", got)
		}
		time.Sleep(100 * 24 * time.Hour) // its runs are over, and nobody wants any
		if got := apply(t, s, c, paused); got.Action != analytics.Unchanged {
			t.Errorf("paused for long: %+v", got)
		}
		if got := apply(t, s, c, daily(nil)); got.Action != analytics.Renewed || !got.Report.Status.Is(analytics.ReportActive) {
			t.Errorf("resumed after long: %+v", got)
		}
	})
}

// Ten weeks with a call every few hours: no run is skipped, whatever the interval and
// whichever way the service counts.
func TestApplyRenewsInTime(t *testing.T) {
	for _, tc := range []struct {
		interval, every, offset time.Duration
		count                   int
		total                   bool
		missing                 int // at most
	}{
		{24 * time.Hour, 24 * time.Hour, 0, 30, false, 0},
		{24 * time.Hour, 24 * time.Hour, 0, 30, true, 0},
		{24 * time.Hour, time.Hour, 0, 5, false, 0},
		{7 * 24 * time.Hour, 24 * time.Hour, 0, 4, false, 0},
		{6 * time.Hour, time.Hour, 0, 20, false, 0},
		{6 * time.Hour, 5 * time.Hour, 0, 20, false, 0},
		{6 * time.Hour, 6 * time.Hour, 0, 20, true, 0},
		{6 * time.Hour, 6 * time.Hour, 2 * time.Hour, 20, true, 13},  // always within four hours: every renewal costs one
		{6 * time.Hour, 24 * time.Hour, 2 * time.Hour, 20, true, 13}, // the same, and seldom
		{4 * time.Hour, time.Hour, 0, 100, false, 5},                 // there is always a run within four hours
	} {
		t.Run(fmt.Sprintf("every %v, %d, looked at every %v from %v on, total %v", tc.interval, tc.count, tc.every, tc.offset, tc.total), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.totalCount = tc.total
				c := s.client(t, analytics.Marketplace)
				schedule := daily(func(s *analytics.Schedule) { s.Interval, s.Count = tc.interval, tc.count })
				ran, skipped, renewed := map[time.Time]bool{}, 0, 0
				note := func() {
					s.mu.Lock()
					defer s.mu.Unlock()
					for _, r := range s.reports {
						for _, slot := range s.slots(r) {
							ran[slot] = true
						}
					}
				}
				time.Sleep(tc.offset)
				for begin := time.Now(); time.Since(begin) < 70*24*time.Hour; time.Sleep(tc.every) {
					note()
					got, err := c.Apply(t.Context(), schedule)
					if err != nil {
						t.Fatal(err)
					}
					skipped += len(got.Skipped)
					switch got.Action {
					case analytics.Renewed:
						renewed++
					case analytics.Created, analytics.Unchanged:
					default:
						t.Fatalf("%s after %v", got.Action, time.Since(begin))
					}
					if got.Action != analytics.Unchanged && got.Next.Before(time.Now()) {
						t.Errorf("next %v is past", got.Next)
					}
				}
				note()
				first := dailyStart
				if tc.offset > 0 {
					first = first.Add(tc.interval) // the very first is too near
				}
				missing := 0
				for at := first; at.Before(time.Now().Add(-tc.every)); at = at.Add(tc.interval) {
					if !ran[at] {
						missing++
					}
				}
				if renewed == 0 || len(s.left()) != 2 {
					t.Errorf("renewed %d times, stored %q", renewed, s.left())
				}
				if skipped != missing {
					t.Errorf("%d runs were reported as skipped, %d are missing", skipped, missing)
				}
				if missing > tc.missing {
					t.Errorf("%d runs are missing", missing)
				}
				t.Logf("%d runs, %d missing, renewed %d times", len(ran), missing, renewed)
			})
		})
	}
}

// Nobody has applied the schedule for too long.
func TestApplyAfterTheEnd(t *testing.T) {
	for name, dead := range map[string]bool{"taken up again": false, "replaced": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.deadEnds = dead
				c := s.client(t, analytics.Marketplace)
				first := apply(t, s, c, daily(nil))
				time.Sleep(50 * 24 * time.Hour)
				got := apply(t, s, c, daily(nil))
				want := analytics.Renewed
				if dead {
					want = analytics.Replaced
				}
				if got.Action != want || (got.Report.ID == first.Report.ID) == dead || !got.Report.Status.Is(analytics.ReportActive) || len(got.Superseded) != 0 && !dead {
					t.Errorf("applied %+v", got)
				}
				if dead && (len(got.Superseded) != 1 || !got.Superseded[0].Status.Is(analytics.ReportInactive)) {
					t.Errorf("superseded %+v", got.Superseded)
				}
			})
		})
	}
}

func TestApplyWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Partner)
		schedule := analytics.Schedule{Name: "Profile", Query: "SELECT MPNId FROM Profile", Interval: 48 * time.Hour}
		got := apply(t, s, c, schedule)
		if got.Action != analytics.Created || got.Remaining != -1 || !got.Next.IsZero() {
			t.Errorf("applied %+v", got)
		}
		time.Sleep(300 * 24 * time.Hour)
		if got := apply(t, s, c, schedule); got.Action != analytics.Unchanged {
			t.Errorf("applied %+v", got)
		}
	})
}

func TestApplyAStoredQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		q, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "mine", Text: usageQuery})
		if err != nil {
			t.Fatal(err)
		}
		schedule := daily(func(s *analytics.Schedule) { s.Query, s.QueryID = "", q.ID })
		if got := apply(t, s, c, schedule); got.Action != analytics.Created || got.Report.QueryID != q.ID || len(s.left()) != 2 {
			t.Errorf("applied %+v", got)
		}
	})
}

// Reports made within the same second are not told apart by their age. In which
// order they are listed must not matter, or two processes would each pause the
// report of the other.
func TestApplyStopsTheSameDuplicateInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept []string
		for _, reversed := range []bool{false, true} {
			s := newService()
			c := s.client(t, analytics.Marketplace)
			first := apply(t, s, c, daily(nil))
			if _, err := c.CreateReport(t.Context(), analytics.ReportRequest{
				Name: "Daily", QueryID: first.Report.QueryID, Start: first.Report.Start, Interval: 24 * time.Hour, Count: 30,
				Description: "Usage of the day", CallbackURL: partnercenter.NewSecret("https://hooks.example.com/secret-part"),
			}); err != nil {
				t.Fatal(err)
			}
			if reversed {
				slices.Reverse(s.reports)
			}
			orphans, err := c.Orphans(t.Context(), []analytics.Schedule{daily(nil)})
			if err != nil || len(orphans.Reports) != 1 {
				t.Fatalf("orphans %+v, %v", orphans, err)
			}
			got, err := c.Apply(t.Context(), daily(nil))
			if err != nil || len(got.Superseded) != 1 || got.Superseded[0].ID != orphans.Reports[0].ID {
				t.Fatalf("applied %+v, %v; orphans %+v", got, err, orphans)
			}
			kept = append(kept, got.Report.ID)
		}
		if kept[0] != kept[1] {
			t.Errorf("of the same two reports one process keeps %s and another %s", kept[0], kept[1])
		}
	})
}

// A listing whose pages shift has a report twice, which must not be paused for that.
func TestApplyOfAReportThatIsListedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		first := apply(t, s, c, daily(nil))
		s.filter = func(req *http.Request, resp *http.Response) *http.Response {
			if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/ScheduledReport") {
				item := s.reportJSON(s.reports[0])
				return s.ok("", item, item)
			}
			return resp
		}
		got, err := c.Apply(t.Context(), daily(nil))
		if err != nil || got.Action != analytics.Unchanged || got.Report.ID != first.Report.ID || len(got.Superseded) != 0 || s.reports[0].status != "Active" {
			t.Errorf("applied %+v, %v", got, err)
		}
	})
}

// Two processes have applied the schedule at the same time.
func TestApplyStopsDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		first := apply(t, s, c, daily(nil))
		time.Sleep(time.Second)
		dup, err := c.CreateReport(t.Context(), analytics.ReportRequest{
			Name: "Daily", QueryID: first.Report.QueryID, Start: first.Report.Start, Interval: 24 * time.Hour, Count: 30,
			Description: "Usage of the day", CallbackURL: partnercenter.NewSecret("https://hooks.example.com/secret-part"),
		})
		if err != nil {
			t.Fatal(err)
		}
		other, err := c.CreateReport(t.Context(), analytics.ReportRequest{Name: "DailyOther", QueryID: first.Report.QueryID, Start: dailyStart, Interval: 24 * time.Hour, Count: 3})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Apply(t.Context(), daily(nil))
		if err != nil || got.Report.ID != dup.ID || got.Action != analytics.Unchanged || len(got.Superseded) != 1 || got.Superseded[0].ID != first.Report.ID {
			t.Errorf("applied %+v, %v", got, err)
		}
		if r, err := c.Report(t.Context(), first.Report.ID); err != nil || !r.Status.Is(analytics.ReportPaused) {
			t.Errorf("the older duplicate: %+v, %v", r, err)
		}
		if r, err := c.Report(t.Context(), other.ID); err != nil || !r.Status.Is(analytics.ReportActive) {
			t.Errorf("a report whose name begins alike: %+v, %v", r, err)
		}
		apply(t, s, c, daily(nil))
	})
}

// Answers are lost on the way: nothing is made twice.
func TestApplyFindsWhatItHasMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.forget = map[string]int{"POST /insights/v1.1/cmp/ScheduledQueries": 1, "POST /insights/v1.1/cmp/ScheduledReport": 1}
		c := s.client(t, analytics.Marketplace)
		if got := apply(t, s, c, daily(nil)); got.Action != analytics.Created || len(s.left()) != 2 {
			t.Errorf("applied %+v, stored %q", got, s.left())
		}
		// The report could not be made after the query: the query is used later.
		s = newService()
		c = s.client(t, analytics.Marketplace)
		s.fail = func(req *http.Request) *http.Response {
			if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "ScheduledReport") {
				return refuse(http.StatusBadRequest, "User has exceeded its report creation quota of 50 active reports")
			}
			return nil
		}
		if _, err := c.Apply(t.Context(), daily(nil)); !errors.Is(err, analytics.ErrReportQuota) || !strings.Contains(err.Error(), "schedule Daily") {
			t.Errorf("error %v", err)
		}
		s.fail = nil
		if apply(t, s, c, daily(nil)); len(s.left()) != 2 {
			t.Errorf("stored %q", s.left())
		}
	})
}

func TestApplyReportsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			refuse string // method, and the end of the path
			change func(*analytics.Schedule)
		}{
			"list":   {"GET ScheduledReport", nil},
			"update": {"PUT report-2", func(s *analytics.Schedule) { s.Format = analytics.TSV }},
			"query":  {"GET ScheduledQueries", func(s *analytics.Schedule) { s.Query = "SELECT OfferName FROM ISVUsage" }},
			"pause":  {"PUT report-2", func(s *analytics.Schedule) { s.Paused = true }},
			"retire": {"PUT pause/report-2", func(s *analytics.Schedule) { s.Query = "SELECT OfferName FROM ISVUsage" }},
		} {
			s := newService()
			c := s.client(t, analytics.Marketplace)
			apply(t, s, c, daily(nil))
			s.fail = func(req *http.Request) *http.Response {
				if method, end, _ := strings.Cut(tc.refuse, " "); req.Method == method && strings.HasSuffix(req.URL.Path, end) {
					return answer(http.StatusForbidden, "")
				}
				return nil
			}
			if _, err := c.Apply(t.Context(), daily(tc.change)); !errors.Is(err, partnercenter.ErrForbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestScheduleRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		for name, tc := range map[string]struct {
			change func(*analytics.Schedule)
			want   string
		}{
			"name":          {func(s *analytics.Schedule) { s.Name = "a;b" }, "ReportName: must not"},
			"no query":      {func(s *analytics.Schedule) { s.Query = "" }, "only one of them"},
			"two queries":   {func(s *analytics.Schedule) { s.QueryID = "q" }, "only one of them"},
			"query text":    {func(s *analytics.Schedule) { s.Query = "SELECT * FROM ISVUsage" }, "Query: query:1:"},
			"no interval":   {func(s *analytics.Schedule) { s.Interval = 0 }, "RecurrenceInterval: is required"},
			"interval":      {func(s *analytics.Schedule) { s.Interval = time.Minute }, "whole hours"},
			"count":         {func(s *analytics.Schedule) { s.Count = -1 }, "RecurrenceCount"},
			"renewal":       {func(s *analytics.Schedule) { s.RenewBelow = 30 }, "RenewBelow"},
			"format":        {func(s *analytics.Schedule) { s.Format = "x" }, "csv or tsv"},
			"callback":      {func(s *analytics.Schedule) { s.CallbackURL = partnercenter.NewSecret("x") }, "CallbackUrl"},
			"distant start": {func(s *analytics.Schedule) { s.Start = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC) }, "year 12000"},
		} {
			_, err := c.Apply(t.Context(), daily(tc.change))
			if _, ok := errors.AsType[*analytics.RequestError](err); !ok || !strings.Contains(err.Error(), tc.want) || strings.Count(err.Error(), ";") > 0 {
				t.Errorf("%s: error %v, want one about %q", name, err, tc.want)
			}
		}
		if got := s.log(); len(got) != 0 {
			t.Errorf("requests were sent: %q", got)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Apply(ended, daily(nil)); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

// The service may answer a change without the report.
func TestApplyWithTersestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		first := apply(t, s, c, daily(nil))
		dup, err := c.CreateReport(t.Context(), analytics.ReportRequest{Name: "Daily", QueryID: "query-1", Start: dailyStart, Interval: 24 * time.Hour, Count: 30})
		if err != nil {
			t.Fatal(err)
		}
		terse := func(req *http.Request, resp *http.Response) *http.Response {
			if req.Method == http.MethodPut && resp.StatusCode == http.StatusOK {
				return answer(http.StatusOK, `{"value":[],"totalCount":0,"message":"done","statusCode":200}`)
			}
			return resp
		}
		s.filter = terse
		got, err := c.Apply(t.Context(), daily(func(s *analytics.Schedule) { s.Format, s.Paused = analytics.TSV, true }))
		if err != nil || got.Action != analytics.Updated || got.Report.ID != first.Report.ID || !got.Report.Format.Is(analytics.TSV) || !got.Report.Status.Is(analytics.ReportPaused) {
			t.Errorf("applied %+v, %v", got, err)
		}
		if len(got.Superseded) != 1 || got.Superseded[0].ID != dup.ID || !got.Superseded[0].Status.Is(analytics.ReportPaused) {
			t.Errorf("superseded %+v", got.Superseded)
		}
		got, err = c.Apply(t.Context(), daily(func(s *analytics.Schedule) { s.Format = analytics.TSV }))
		if err != nil || got.Action != analytics.Resumed || !got.Report.Status.Is(analytics.ReportActive) || got.Report.Name != "Daily" {
			t.Errorf("applied %+v, %v", got, err)
		}
	})
}

func TestRenewBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		schedule := daily(func(s *analytics.Schedule) { s.RenewBelow = 20 })
		apply(t, s, c, schedule)
		time.Sleep(9 * 24 * time.Hour) // nine runs
		if got := apply(t, s, c, schedule); got.Action != analytics.Unchanged || got.Remaining != 21 {
			t.Errorf("with 21 runs left: %+v", got)
		}
		time.Sleep(24 * time.Hour)
		if got := apply(t, s, c, schedule); got.Action != analytics.Renewed || got.Remaining != 30 || !got.Report.Start.Equal(dailyStart.Add(10*24*time.Hour)) {
			t.Errorf("with 20 runs left: %+v", got)
		}
		s.reports[0].count = 19 // somebody has changed it in the portal
		if got := apply(t, s, c, schedule); got.Action != analytics.Renewed || got.Report.Count != 30 {
			t.Errorf("with 19 runs left: %+v", got)
		}
	})
}

// A query of the user's own is not taken over, since Orphans would delete it one
// day.
func TestApplyLeavesTheUsersQueriesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		mine, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "Daily", Text: usageQuery})
		if err != nil {
			t.Fatal(err)
		}
		if got := apply(t, s, c, daily(nil)); got.Report.QueryID == mine.ID {
			t.Errorf("applied %+v", got)
		}
	})
}

// With a run every four hours there is always one that is too near; waiting for a
// better time would only be dangerous.
func TestShortIntervalsAreRenewedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		schedule := daily(func(s *analytics.Schedule) { s.Interval, s.Count = 4*time.Hour, 100 })
		apply(t, s, c, schedule)
		time.Sleep(time.Until(dailyStart.Add(75 * 4 * time.Hour)))
		if got := apply(t, s, c, schedule); got.Action != analytics.Renewed || len(got.Skipped) != 1 {
			t.Errorf("applied %+v", got)
		}
	})
}
