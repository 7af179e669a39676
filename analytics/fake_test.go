package analytics_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/analytics/query"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// The fake of package pctest has been written from the documentation alone, and
// shares no code with this client: what works here works for two readings of it.

// onFake makes a client of a program that talks to a fake.
func onFake(t *testing.T, program analytics.Program, opts ...pctest.Option) (*pctest.Server, *analytics.Client) {
	t.Helper()
	srv := pctest.NewServer(t, opts...)
	tokens := srv.TokenSource()
	if program == analytics.Marketplace {
		tokens = srv.AppOnlyTokenSource()
	}
	c, err := analytics.New(tokens, program, srv.Options())
	if err != nil {
		t.Fatal(err)
	}
	return srv, c
}

const usageByOffer = "SELECT OfferName, NormalizedUsage FROM ISVUsage WHERE OfferName LIKE '%o%' ORDER BY NormalizedUsage LIMIT 3 TIMESPAN LAST_3_MONTHS"

func behave(f func(*pctest.AnalyticsBehavior)) pctest.Option { return pctest.WithAnalyticsBehavior(f) }

// table reads a file as text.
func table(t *testing.T, content *partnercenter.Content) pctest.ReportTable {
	t.Helper()
	var out pctest.ReportTable
	opts := &partnercenter.RowOptions{OnColumns: func(r partnercenter.ColumnReport) { out.Columns = r.Columns }}
	out.Rows = [][]string{}
	for rec, err := range analytics.Records(content, query.Dataset{}, opts) {
		if err != nil {
			t.Fatal(err)
		}
		var row []string
		for _, name := range out.Columns {
			cell, _ := rec.Text(name)
			row = append(row, cell)
		}
		out.Rows = append(out.Rows, row)
	}
	if err := content.Close(); err != nil {
		t.Error(err)
	}
	return out
}

func TestFakeEveryOperation(t *testing.T) {
	t.Parallel()
	for _, program := range []analytics.Program{analytics.Marketplace, analytics.Partner} {
		t.Run(string(program), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv, c := onFake(t, program)
				ctx := t.Context()
				text, datasets := usageByOffer, 9
				if program == analytics.Partner {
					text, datasets = "SELECT CustomerName, TotalMonthlyActiveUsers FROM OfficeUsage TIMESPAN LAST_6_MONTHS", 22
				}
				list, err := collect(c.Datasets(ctx))
				if err != nil || len(list) != datasets {
					t.Fatalf("%d datasets, %v", len(list), err)
				}
				if d, err := c.Dataset(ctx, strings.ToUpper(list[0].Name)); err != nil || d.Name != list[0].Name || len(d.DateRanges) == 0 {
					t.Errorf("dataset %+v, %v", d, err)
				}
				if _, found, err := c.CheckQuery(ctx, text); err != nil || found.Err() != nil {
					t.Errorf("the check: %v, %v", found, err)
				}
				q, err := c.CreateQuery(ctx, analytics.QueryRequest{Name: "usage", Description: "d", Text: text})
				if err != nil || q.Text != text || !q.Type.Is(analytics.UserDefined) || q.CreatedAt.IsZero() {
					t.Fatalf("query %+v, %v", q, err)
				}
				for scope, want := range map[analytics.QueryScope]func(n int) bool{
					analytics.OwnQueries: func(n int) bool { return n == 1 }, analytics.SystemQueries: func(n int) bool { return n > 4 },
					analytics.AnyQueries: func(n int) bool { return n > 5 },
				} {
					if list, err := collect(c.Queries(ctx, analytics.QueriesRequest{Scope: scope})); err != nil || !want(len(list)) {
						t.Errorf("scope %d: %d queries, %v", scope, len(list), err)
					}
				}
				if got, err := c.Query(ctx, " "+q.ID+" "); err != nil || !cmp.Equal(got, q) {
					t.Errorf("query %s", cmp.Diff(q, got))
				}
				p, err := c.TestQuery(ctx, analytics.PreviewRequest{QueryID: q.ID})
				expected, expectErr := srv.Analytics().Expected(pctest.ReportProgram(program), text)
				if err != nil || expectErr != nil || !slices.Equal(p.Columns, expected.Columns) || len(p.Rows) != min(100, len(expected.Rows)) {
					t.Errorf("preview %+v, %v, %v", p, err, expectErr)
				}
				r, err := c.CreateReport(ctx, analytics.ReportRequest{
					Name: "Daily", QueryID: q.ID, Start: time.Now().Add(5 * time.Hour), Interval: 24 * time.Hour, Count: 3, Format: analytics.TSV,
				})
				if err != nil || !r.Status.Is(analytics.ReportActive) || r.Query != text || r.Interval != 24*time.Hour || r.Count != 3 {
					t.Fatalf("report %+v, %v", r, err)
				}
				for name, req := range map[string]analytics.ReportsRequest{
					"all": {}, "by id": {IDs: []string{r.ID}}, "by name": {Name: "daily"}, "by query": {QueryID: q.ID},
				} {
					if list, err := collect(c.Reports(ctx, req)); err != nil || len(list) != 1 || list[0].ID != r.ID {
						t.Errorf("%s: %v, %v", name, list, err)
					}
				}
				if r, err = c.PauseReport(ctx, r.ID); err != nil || !r.Status.Is(analytics.ReportPaused) {
					t.Errorf("paused: %s, %v", r.Status, err)
				}
				if r, err = c.ResumeReport(ctx, r.ID); err != nil || !r.Status.Is(analytics.ReportActive) {
					t.Errorf("resumed: %s, %v", r.Status, err)
				}
				u := r.Update()
				u.Name = "Renamed"
				if r, err = c.UpdateReport(ctx, r.ID, u); err != nil || r.Name != "Renamed" || r.ModifiedAt.IsZero() || !r.Format.Is(analytics.TSV) {
					t.Errorf("updated: %+v, %v", r, err)
				}
				queue, err := collect(c.Executions(ctx, analytics.ExecutionsRequest{ReportIDs: []string{r.ID}, Statuses: []analytics.ExecutionStatus{analytics.ExecutionPending}}))
				if err != nil || len(queue) != 1 || !queue[0].Location.IsZero() {
					t.Errorf("queue %+v, %v", queue, err)
				}
				time.Sleep(48 * time.Hour) // two runs
				runs, err := collect(c.Executions(ctx, analytics.ExecutionsRequest{ReportIDs: []string{r.ID}, All: true}))
				if err != nil || len(runs) != 2 || runs[0].Format != analytics.TSV || time.Until(runs[0].ExpiresAt) != 7*24*time.Hour {
					t.Fatalf("runs %+v, %v", runs, err)
				}
				latest, err := collect(c.Executions(ctx, analytics.ExecutionsRequest{ReportIDs: []string{r.ID}}))
				if err != nil || len(latest) != 1 || latest[0].GeneratedAt.Before(runs[0].GeneratedAt) || latest[0].GeneratedAt.Before(runs[1].GeneratedAt) {
					t.Errorf("latest %+v, %v", latest, err)
				}
				want, err := srv.Analytics().ExpectedRun(runs[1].ID)
				if err != nil {
					t.Fatal(err)
				}
				content, err := c.Open(ctx, runs[1], nil)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, table(t, content)); diff != "" || len(want.Rows) == 0 {
					t.Errorf("file (-want +got):\n%s", diff)
				}
				if _, err := c.DeleteReport(ctx, r.ID); err != nil {
					t.Error(err)
				}
				if _, err := c.Report(ctx, r.ID); !errors.Is(err, partnercenter.ErrNotFound) {
					t.Errorf("after deletion: %v", err)
				}
				if _, err := c.DeleteQuery(ctx, q.ID); err != nil || len(srv.Analytics().Queries()) != 0 {
					t.Error(err)
				}
			})
		})
	}
}

// TestFakeRunReadsWhatIsExpected runs queries end to end under every oddity that
// does not change the outcome.
func TestFakeRunReadsWhatIsExpected(t *testing.T) {
	t.Parallel()
	oddities := map[string]func(*pctest.AnalyticsBehavior){
		"none":                func(*pctest.AnalyticsBehavior) {},
		"PascalCase":          func(b *pctest.AnalyticsBehavior) { b.PascalCase = true },
		"stray blanks":        func(b *pctest.AnalyticsBehavior) { b.PascalCase, b.PaddedKeys = true, true },
		"no Z":                func(b *pctest.AnalyticsBehavior) { b.LocalQueryTime = true },
		"more fields":         func(b *pctest.AnalyticsBehavior) { b.ExtraFields, b.FullEnvelope = true, true },
		"lists refused":       func(b *pctest.AnalyticsBehavior) { b.RefuseLists = true },
		"status filter":       func(b *pctest.AnalyticsBehavior) { b.BrokenStatusFilter = true },
		"plain finds queue":   func(b *pctest.AnalyticsBehavior) { b.PlainFindsQueue = true },
		"both of these":       func(b *pctest.AnalyticsBehavior) { b.PlainFindsQueue, b.BrokenStatusFilter = true, true },
		"pages of one":        func(b *pctest.AnalyticsBehavior) { b.PageSize = 1 },
		"used queries stay":   func(b *pctest.AnalyticsBehavior) { b.KeepUsedQueries = true },
		"no text in reports":  func(b *pctest.AnalyticsBehavior) { b.OmitText = true },
		"BOM and CRLF":        func(b *pctest.AnalyticsBehavior) { b.Layout.BOM, b.Layout.CRLF = true, true },
		"not compressed":      func(b *pctest.AnalyticsBehavior) { b.Layout.Plain = true },
		"ranges are ignored":  func(b *pctest.AnalyticsBehavior) { b.Serving.IgnoreRange = true },
		"neither tag nor sum": func(b *pctest.AnalyticsBehavior) { b.Serving.NoETag, b.Serving.NoMD5 = true, true },
	}
	for name, change := range oddities {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv, c := onFake(t, analytics.Marketplace, behave(change))
				for _, format := range []analytics.Format{analytics.CSV, analytics.TSV} {
					run, err := c.Run(t.Context(), analytics.RunRequest{Query: usageByOffer, Format: format})
					if err != nil {
						t.Fatal(err)
					}
					start := time.Now()
					x, err := run.Wait(t.Context(), nil)
					if err != nil {
						t.Fatal(err)
					}
					if waited := time.Since(start); waited < 510*time.Second || waited > 571*time.Second {
						t.Errorf("the report takes 8.5 minutes, the wait took %v", waited)
					}
					want, err := srv.Analytics().ExpectedRun(x.ID)
					if err != nil {
						t.Fatal(err)
					}
					content, err := run.Open(t.Context(), nil)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want, table(t, content)); diff != "" || len(want.Rows) != 3 {
						t.Errorf("%s (-want +got):\n%s", format, diff)
					}
					if err := run.CleanUp(t.Context()); err != nil {
						t.Error(err)
					}
				}
				if q, r := srv.Analytics().Queries(), srv.Analytics().Reports(); len(q)+len(r) != 0 {
					t.Errorf("left behind: %v, %v", q, r)
				}
			})
		})
	}
}

// TestFakeRunThroughFaults meets what gateways and networks do on the way.
func TestFakeRunThroughFaults(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]pctest.Fault{
		"HTML 502":                {pctest.Answer(502).Shaped(pctest.ShapeHTML, "", "").On("GET", "/insights/*").Times(2)},
		"throttled":               {pctest.Answer(429).RetryAfter(40*time.Second).On("GET", "*/execution/*").Times(3)},
		"connections lost":        {pctest.Reset().On("GET", "*/execution/*").Times(2)},
		"query's answer lost":     {pctest.LoseAnswer().On("POST", "*/ScheduledQueries")},
		"report's answer lost":    {pctest.LoseAnswer().On("POST", "*/ScheduledReport")},
		"not processed":           {pctest.Refuse().On("POST", "*/ScheduledReport")},
		"deletion's answer lost":  {pctest.LoseAnswer().On("DELETE", "*")},
		"link expired":            {pctest.ExpiredLink()},
		"download breaks off":     {pctest.CutAfter(40).At(pctest.Blob)},
		"token expired meanwhile": {pctest.Answer(401).On("GET", "*/execution/*")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv, c := onFake(t, analytics.Marketplace)
				var injected []*pctest.Injected
				for _, f := range faults {
					injected = append(injected, srv.Inject(f))
				}
				type row struct {
					Offer string `csv:"OfferName"`
					Usage string `csv:"NormalizedUsage"`
				}
				rows, err := collect(analytics.RunRows[row](t.Context(), c, analytics.RunRequest{Query: usageByOffer}, nil))
				if err != nil || len(rows) != 3 || rows[0].Usage == "" {
					t.Fatalf("%v, %v", rows, err)
				}
				for _, i := range injected {
					if i.Hits() == 0 {
						t.Error("the fault has not happened")
					}
				}
				if q, r := srv.Analytics().Queries(), srv.Analytics().Reports(); len(q)+len(r) != 0 {
					t.Errorf("left behind: %v, %v", q, r)
				}
			})
		})
	}
}

// TestFakeNeverDone holds the waits to their ends.
func TestFakeNeverDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, c := onFake(t, analytics.Marketplace, behave(func(b *pctest.AnalyticsBehavior) { b.FinishedStatus, b.PlainFindsQueue = "Failed", true }))
		run, err := c.Run(t.Context(), analytics.RunRequest{Query: usageByOffer})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		x, err := run.Wait(t.Context(), &partnercenter.WaitOptions{Timeout: 2 * time.Hour})
		if _, ok := errors.AsType[*partnercenter.WaitError](err); !ok || time.Since(start) != 2*time.Hour || x.Status != "Failed" {
			t.Errorf("%s after %v: %v", x.Status, time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := run.Wait(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("deadline: %v", err)
		}
		if err := run.CleanUp(t.Context()); err != nil || len(srv.Analytics().Reports()) != 0 {
			t.Error(err)
		}
		if _, err := run.Wait(t.Context(), nil); !errors.Is(err, analytics.ErrReportGone) {
			t.Errorf("deleted: %v", err)
		}
	})
}

func TestFakeQuotasAreKinds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := onFake(t, analytics.Marketplace, behave(func(b *pctest.AnalyticsBehavior) { b.MaxQueries, b.MaxActiveReports = 2, 1 }))
		ctx := t.Context()
		q, err := c.CreateQuery(ctx, analytics.QueryRequest{Name: "a", Text: usageByOffer})
		if err != nil {
			t.Fatal(err)
		}
		for range analytics.MaxExecuteNow {
			if _, err := c.CreateReport(ctx, analytics.ReportRequest{Name: "now", QueryID: q.ID, ExecuteNow: true}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.CreateReport(ctx, analytics.ReportRequest{Name: "now", QueryID: q.ID, ExecuteNow: true}); !errors.Is(err, analytics.ErrExecuteNowQuota) {
			t.Errorf("sixth: %v", err)
		}
		time.Sleep(time.Hour)
		if _, err := c.CreateReport(ctx, analytics.ReportRequest{Name: "now", QueryID: q.ID, ExecuteNow: true}); err != nil {
			t.Errorf("an hour later: %v", err)
		}
		plan := analytics.ReportRequest{Name: "plan", QueryID: q.ID, Start: time.Now().Add(5 * time.Hour), Interval: 24 * time.Hour, Count: 2}
		if _, err := c.CreateReport(ctx, plan); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateReport(ctx, plan); !errors.Is(err, analytics.ErrReportQuota) {
			t.Errorf("second active: %v", err)
		}
		if _, err := c.CreateQuery(ctx, analytics.QueryRequest{Name: "b", Text: usageByOffer}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateQuery(ctx, analytics.QueryRequest{Name: "c", Text: usageByOffer}); !errors.Is(err, analytics.ErrQueryQuota) {
			t.Errorf("third query: %v", err)
		}
		if _, err := c.CreateReport(ctx, analytics.ReportRequest{Name: "x", QueryID: "nonsense", ExecuteNow: true}); !errors.Is(err, analytics.ErrUnknownQuery) {
			t.Errorf("unknown query: %v", err)
		}
		for text, want := range map[string]error{"SELECT a FROM Nowhere": analytics.ErrUnknownDataset, "SELECT Nothing FROM ISVOrder": analytics.ErrUnknownColumn} {
			if _, err := c.TestQuery(ctx, analytics.PreviewRequest{Query: text}); !errors.Is(err, want) {
				t.Errorf("%s: %v", text, err)
			}
		}
	})
}

// TestFakeScheduleForMonths applies a schedule every day for months and fetches its
// files now and then: none is missing, none there twice, and nothing piles up.
func TestFakeScheduleForMonths(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		t.Run(map[bool]string{false: "ended schedules go on", true: "ended schedules are closed"}[strict], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				srv, c := onFake(t, analytics.Marketplace, pctest.WithReportData(pctest.ReportData{RowsPerDay: 1}),
					behave(func(b *pctest.AnalyticsBehavior) { b.ClosedWhenEnded = strict }))
				s := analytics.Schedule{Name: "Usage", Query: "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH", Interval: 24 * time.Hour, Count: 10}
				actions := map[analytics.Action]int{}
				files := map[string]bool{}
				var skipped int
				report := ""
				for range 120 {
					a, err := c.Apply(t.Context(), s)
					if err != nil {
						t.Fatal(err)
					}
					again, err := c.Apply(t.Context(), s)
					if err != nil || again.Action != analytics.Unchanged {
						t.Fatalf("applied twice: %s, %v", again.Action, err)
					}
					actions[a.Action]++
					skipped += len(a.Skipped)
					if report != "" && a.Report.ID != report {
						t.Fatalf("there is another report: %s", a.Action)
					}
					report = a.Report.ID
					time.Sleep(24 * time.Hour)
					if time.Now().Day() != 1 {
						continue
					}
					for f, err := range c.Fetch(t.Context(), report, dir, nil) {
						if err != nil {
							t.Fatal(err)
						}
						if f.New == files[f.Path] {
							t.Errorf("%s is new: %v", f.Path, f.New)
						}
						files[f.Path] = true
					}
				}
				if actions[analytics.Created] != 1 || actions[analytics.Renewed] < 10 || len(actions) != 3 || skipped != 0 {
					t.Errorf("actions %v, %d slots skipped", actions, skipped)
				}
				if len(files) < 85 || len(files) > 120 {
					t.Errorf("%d files", len(files))
				}
				if q, r := srv.Analytics().Queries(), srv.Analytics().Reports(); len(q) != 1 || len(r) != 1 {
					t.Errorf("there are %d queries and %d reports", len(q), len(r))
				}
				entries, err := os.ReadDir(dir)
				if err != nil || len(entries) != len(files) {
					t.Errorf("%d files in the folder, %v", len(entries), err)
				}
			})
		})
	}
}

func TestFakeMissedSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := onFake(t, analytics.Marketplace)
		a, err := c.Apply(t.Context(), analytics.Schedule{Name: "U", Query: usageByOffer, Start: time.Now().Add(6 * time.Hour), Interval: 24 * time.Hour, Count: 30})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * time.Hour) // two runs
		if _, err := c.PauseReport(t.Context(), a.Report.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(48 * time.Hour)
		if _, err := c.ResumeReport(t.Context(), a.Report.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		list, err := c.Slots(t.Context(), a.Report.ID)
		var states []analytics.SlotState
		for _, s := range list {
			states = append(states, s.State)
		}
		want := []analytics.SlotState{analytics.SlotReady, analytics.SlotReady, analytics.SlotMissed, analytics.SlotMissed, analytics.SlotReady}
		if diff := cmp.Diff(want, states); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

// TestFakeCallsTheReceiver has the service call the receiver, in both ways and in
// the sloppy ones.
func TestFakeCallsTheReceiver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method analytics.CallbackMethod
		suffix string
		twice  bool
	}{
		"POST": {analytics.CallbackPOST, "", false}, "GET": {analytics.CallbackGET, "", false}, "twice": {analytics.CallbackPOST, "", true},
		"slash": {analytics.CallbackPOST, "/", false}, "question mark": {analytics.CallbackPOST, "?", false}, "GET and slash": {analytics.CallbackGET, "/", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mux := http.NewServeMux()
				srv, c := onFake(t, analytics.Marketplace, pctest.WithCallbacks(pctest.ToHandler(mux)),
					behave(func(b *pctest.AnalyticsBehavior) { b.CallbackTwice = tt.twice }))
				delivered := make(chan analytics.Execution, 10)
				recv, err := analytics.NewReceiver(c, analytics.ToChannel(delivered), &analytics.ReceiverOptions{PollInterval: -1})
				if err != nil {
					t.Fatal(err)
				}
				mux.Handle("/pc/", recv)
				u, err := recv.URL("https://hooks.example.com/pc")
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- recv.Run(ctx) }()
				q, err := c.CreateQuery(ctx, analytics.QueryRequest{Name: "q", Text: usageByOffer})
				if err != nil {
					t.Fatal(err)
				}
				r, err := c.CreateReport(ctx, analytics.ReportRequest{
					Name: "R", QueryID: q.ID, Start: time.Now().Add(5 * time.Hour), Interval: 6 * time.Hour, Count: 2,
					CallbackURL: partnercenter.NewSecret(u.Reveal() + tt.suffix), CallbackMethod: tt.method,
				})
				if err != nil {
					t.Fatal(err)
				}
				started := time.Now()
				for i, after := range []time.Duration{5*time.Hour + 7*time.Minute, 11*time.Hour + 7*time.Minute} {
					x := <-delivered
					if got := time.Since(started); got != after || x.ReportID != r.ID || x.Location.IsZero() {
						t.Errorf("delivery %d after %v: %+v", i, got, x)
					}
				}
				time.Sleep(24 * time.Hour)
				calls, want := srv.Analytics().Callbacks(), 2
				if tt.twice {
					want = 4
				}
				if len(calls) != want || len(delivered) != 0 {
					t.Errorf("%d calls, %d further deliveries", len(calls), len(delivered))
				}
				for _, call := range calls {
					if call.Status != http.StatusOK || call.Method != string(tt.method) || call.ReportID != r.ID {
						t.Errorf("call %+v", call)
					}
				}
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestFakeFiles downloads to disk, across a link that has expired and a file that
// has changed.
func TestFakeFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "usage.csv")
	synctest.Test(t, func(t *testing.T) {
		srv, c := onFake(t, analytics.Marketplace)
		run, err := c.Run(t.Context(), analytics.RunRequest{Query: "SELECT * FROM ISVUsage", Keep: true})
		if err == nil {
			t.Fatalf("a star was accepted: %v", run)
		}
		run, err = c.Run(t.Context(), analytics.RunRequest{Query: "SELECT CustomerCompanyName, OfferName, UsageDate, RawUsage FROM ISVUsage", Keep: true})
		if err != nil {
			t.Fatal(err)
		}
		x, err := run.Wait(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(8 * 24 * time.Hour) // the link has expired by itself
		if _, err := c.DownloadFile(t.Context(), x, path, nil); err != nil {
			t.Fatal(err)
		}
		content, err := analytics.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := srv.Analytics().ExpectedRun(x.ID)
		if err != nil {
			t.Fatal(err)
		}
		got := table(t, content)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("file (-want +got):\n%s", diff)
		}
		masked := slices.ContainsFunc(got.Rows, func(r []string) bool { return analytics.Masked(r[0]) })
		if len(got.Rows) < 100 || !masked {
			t.Errorf("%d rows, masked %v", len(got.Rows), masked)
		}
		time.Sleep(85 * 24 * time.Hour)
		if _, err := c.DownloadFile(t.Context(), x, path+"2", nil); !errors.Is(err, partnercenter.ErrNotFound) {
			t.Errorf("after 93 days: %v", err)
		}
	})
}

func TestFakeEmptyResults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		query    string
		data     pctest.ReportData
		behavior func(*pctest.AnalyticsBehavior)
		want     analytics.EmptyReason
	}{
		"filter": {"SELECT OfferName, RawUsage FROM ISVUsage WHERE IsPrivateOffer = 'Yes'", pctest.ReportData{}, nil, analytics.EmptyFilter},
		"window": {"SELECT OfferName, RawUsage FROM ISVUsage WHERE OfferName LIKE '%' TIMESPAN LAST_MONTH", pctest.ReportData{Latency: 60 * 24 * time.Hour}, nil, analytics.EmptyWindow},
		"role":   {"SELECT OfferName, RawUsage FROM ISVUsage WHERE RawUsage > 1", pctest.ReportData{}, func(b *pctest.AnalyticsBehavior) { b.Redacted = true }, analytics.EmptyRedacted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, c := onFake(t, analytics.Marketplace, pctest.WithReportData(tt.data), behave(tt.behavior))
				run, err := c.Run(t.Context(), analytics.RunRequest{Query: tt.query})
				if err != nil {
					t.Fatal(err)
				}
				content, err := run.Open(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := table(t, content); len(got.Rows) != 0 || len(got.Columns) != 2 {
					t.Errorf("the file holds %v", got)
				}
				x, err := run.Wait(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if why, err := c.WhyEmpty(t.Context(), x); err != nil || why != tt.want {
					t.Errorf("%q, %v", why, err)
				}
			})
		})
	}
}

func TestFakeTokens(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	for name, tt := range map[string]struct {
		source  partnercenter.TokenSource
		program analytics.Program
		more    []analytics.Option
		want    error
	}{
		"an application for the marketplace":     {srv.AppOnlyTokenSource(), analytics.Marketplace, nil, nil},
		"a user for the partner program":         {srv.TokenSource(), analytics.Partner, nil, nil},
		"in the other header":                    {srv.TokenSource(), analytics.Partner, []analytics.Option{analytics.WithUserTicket()}, nil},
		"a user for the marketplace":             {srv.TokenSource(), analytics.Marketplace, nil, partnercenter.ErrForbidden},
		"an application for the partner program": {srv.AppOnlyTokenSource(), analytics.Partner, nil, partnercenter.ErrForbidden},
		"nonsense":                               {source(), analytics.Marketplace, nil, partnercenter.ErrUnauthorized},
		"for another service": {partnercenter.TokenSourceFunc(func(ctx context.Context, req partnercenter.TokenRequest) (partnercenter.Token, error) {
			req.Resource = "https://graph.microsoft.com"
			return srv.AppOnlyTokenSource().Token(ctx, req)
		}), analytics.Marketplace, nil, partnercenter.ErrUnauthorized},
	} {
		c, err := analytics.New(tt.source, tt.program, srv.Options(), tt.more...)
		if err != nil {
			t.Fatal(err)
		}
		if err := drain(c.Datasets(t.Context())); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFakeDatasetsAreTheDocumentedOnes compares what the fake serves with what
// package query has, which come from the same list on different ways.
func TestFakeDatasetsAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	got := map[string][2]int{}
	for _, program := range []analytics.Program{analytics.Marketplace, analytics.Partner} {
		_, c := onFake(t, program)
		for d, err := range c.Datasets(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got[d.Name] = [2]int{len(d.Columns), len(d.Metrics)}
		}
	}
	want := map[string][2]int{}
	for _, d := range query.AllDocumented() {
		want[d.Name] = [2]int{len(d.Columns), len(d.Metrics)}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(slices.Collect(maps.Keys(got))) != 31 {
		t.Errorf("columns and metrics (-documented +fake):\n%s", diff)
	}
}

// TestFakeFileOfOneColumn reads back rows that are nothing but an empty cell.
func TestFakeFileOfOneColumn(t *testing.T) {
	t.Parallel()
	for _, layout := range []pctest.ReportLayout{{}, {CRLF: true, Plain: true}} {
		synctest.Test(t, func(t *testing.T) {
			srv, c := onFake(t, analytics.Marketplace, behave(func(b *pctest.AnalyticsBehavior) { b.Layout = layout }))
			const text = "SELECT DISTINCT ReferralDomain FROM ISVMarketplaceInsights ORDER BY ReferralDomain ASC"
			want, err := srv.Analytics().Expected(pctest.MarketplaceReports, text)
			if err != nil || len(want.Rows) != 3 || want.Rows[0][0] != "" {
				t.Fatalf("the fake has no empty cell: %v, %v", want, err)
			}
			run, err := c.Run(t.Context(), analytics.RunRequest{Query: text})
			if err != nil {
				t.Fatal(err)
			}
			content, err := run.Open(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, table(t, content)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestFakeAgreesAboutQueries has every query of the lists judged by both.
func TestFakeAgreesAboutQueries(t *testing.T) {
	t.Parallel()
	files := []string{filepath.Join("query", "testdata", "queries.txt")}
	if dir := os.Getenv("PARTNERCENTER_SPEC"); dir != "" {
		files = append(files, filepath.Join(dir, "analytics-queries.txt"))
	}
	for _, name := range files {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) { fakeAgrees(t, name) })
	}
}

func fakeAgrees(t *testing.T, name string) {
	t.Helper()
	raw, err := readFile(name)
	if err != nil {
		t.Fatal(err)
	}
	clients := map[analytics.Program]*analytics.Client{}
	for _, program := range []analytics.Program{analytics.Marketplace, analytics.Partner} {
		_, clients[program] = onFake(t, program)
	}
	valid, counts := true, map[bool]int{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "---") {
			valid = !strings.Contains(line, "invalid")
			continue
		}
		text, reason := line, ""
		if i := strings.LastIndex(line, " # "); i >= 0 && !valid { // the text may have one in a value
			text, reason = line[:i], line[i+3:]
		}
		if text == "" || text[0] == '#' || strings.Contains(reason, "accept or reject is unknown") {
			continue
		}
		program := analytics.Partner
		if strings.Contains(strings.ToLower(text), "isv") {
			program = analytics.Marketplace
		}
		// What the client refuses is asked of the service all the same.
		unchecked := clients[program]
		_, found, err := unchecked.CheckQuery(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		lenient := fakeOpinion(t, program, text)
		if (found.Err() == nil) != valid || lenient != valid {
			t.Errorf("%s\nvalid %v, by the client %v, by the fake %v", text, valid, found.Err() == nil, lenient)
		}
		counts[valid]++
	}
	if counts[true] < 25 || counts[false] < 30 {
		t.Errorf("judged %v", counts)
	}
}

// TestFakeAgreesAboutMistakes takes a valid query of every construct apart and has
// every text with one piece removed, replaced or added judged by both.
func TestFakeAgreesAboutMistakes(t *testing.T) {
	t.Parallel()
	whole := strings.Fields("SELECT DISTINCT OfferName , RawUsage FROM ISVUsage WHERE SKU LIKE 'a%' AND RawUsage NOT IN ( 1 , -2.5 ) AND OfferName != 'x'" +
		" ORDER BY OfferName ASC , UsageDate LIMIT 5 TIMESPAN LAST_MONTH")
	pieces := append(strings.Fields("* ; : . .. + - -- /* ' \" ` [ ] { } ( ) () , = == <> >= => < ! | || OR IS NULL AS TOP ALL GROUP 0 -0 007 1. .5 +5 1e5 0x1 1_000 2024-01-01"+
		" 99999999999999999999 '' 'x' 'it''s' '=' 'IN' 'LIKE' '%_' '2024-01-01' \"x\" ‘x’ x’ é _x x9 isvusage ISVOrder.SKU SUM(SKU) NoSuchColumn"+
		" last_6_months TODAY LAST_2_MONTHS 'LAST_MONTH' \ufeff"), append(whole, "\x00", "\n", "\u00a0", "\u00a0\u200b")...)
	srv, c := onFake(t, analytics.Marketplace)
	if err := srv.Analytics().SetData(pctest.ReportData{RowsPerDay: -1}); err != nil {
		t.Fatal(err)
	}
	catalog, err := c.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	judged := map[bool]int{}
	judge := func(parts ...[]string) {
		text := strings.Join(slices.Concat(parts...), " ")
		_, found := query.Check(text, catalog)
		_, err := srv.Analytics().Expected(pctest.MarketplaceReports, text)
		if (found.Err() == nil) != (err == nil) {
			t.Errorf("%q\nby the client: %v\nby the fake:   %v", text, found.Err(), err)
		}
		judged[err == nil]++
	}
	judge(whole)
	for i := range whole {
		judge(whole[:i], whole[i+1:])
		for _, piece := range pieces {
			judge(whole[:i], []string{piece}, whole[i+1:])
			judge(whole[:i], []string{piece}, whole[i:])
		}
	}
	for _, piece := range pieces {
		judge(whole, []string{piece})
	}
	if judged[true] < 100 || judged[false] < 3000 {
		t.Errorf("judged %v", judged)
	}
}

// fakeOpinion asks the fake about a query without any check of the client's.
func fakeOpinion(t *testing.T, program analytics.Program, text string) bool {
	t.Helper()
	srv := pctest.NewServer(t)
	_, err := srv.Analytics().Expected(pctest.ReportProgram(program), text)
	return err == nil
}

// TestFakeAwaitBehindTheNextSlot waits for files of a schedule where the plain
// question finds the latest execution of any status, which is always the slot to
// come, as the walkthrough of the documentation shows it.
func TestFakeAwaitBehindTheNextSlot(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]bool{"": false, "and the status filter finds nothing": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, c := onFake(t, analytics.Marketplace, behave(func(b *pctest.AnalyticsBehavior) {
					b.PlainFindsQueue, b.BrokenStatusFilter = true, broken
				}))
				a, err := c.Apply(t.Context(), analytics.Schedule{Name: "U", Query: usageByOffer, Start: time.Now().Add(6 * time.Hour), Interval: 24 * time.Hour, Count: 30})
				if err != nil {
					t.Fatal(err)
				}
				due := a.Report.Start
				var after time.Time
				for range 3 {
					p, err := c.AwaitExecution(a.Report.ID, after)
					if err != nil {
						t.Fatal(err)
					}
					x, err := p.Wait(t.Context(), &partnercenter.WaitOptions{Timeout: 48 * time.Hour})
					if err != nil || x.GeneratedAt.Before(due) || time.Since(x.GeneratedAt) > 12*time.Minute {
						t.Fatalf("the file of %v, of %v, at %v: %v", due, x.GeneratedAt, time.Now().UTC(), err)
					}
					after, due = x.GeneratedAt, due.Add(24*time.Hour)
				}
			})
		})
	}
}
