package analytics_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

// started is a report that runs at once, on a service with the given oddity.
func started(t *testing.T, change func(*service)) (*service, *analytics.Client, analytics.Report) {
	t.Helper()
	s := newService()
	change(s)
	c := s.client(t, analytics.Marketplace)
	q, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "n", Text: "SELECT OfferName, RawUsage FROM ISVUsage"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.CreateReport(t.Context(), analytics.ReportRequest{Name: "n", QueryID: q.ID, ExecuteNow: true})
	if err != nil {
		t.Fatal(err)
	}
	s.log()
	return s, c, r
}

// Whatever the service does to its callers, a finished run is found, soon after it
// has finished and without many questions.
func TestAwaitFindsTheFile(t *testing.T) {
	for name, change := range map[string]func(*service){
		"as documented":                        func(*service) {},
		"plain question also sees the queue":   func(s *service) { s.plainQueue = true },
		"status filter finds nothing":          func(s *service) { s.filterFails = true },
		"lists are refused":                    func(s *service) { s.listsFail = true },
		"unknown status is pending":            func(s *service) { s.strange, s.plainQueue = "Failed", true },
		"404 without a text":                   func(s *service) { s.textless = true },
		"unknown status and the filter broken": func(s *service) { s.strange, s.filterFails = "Retrying", true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c, r := started(t, change)
				p, err := c.AwaitExecution(r.ID, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				x, err := p.Wait(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if x.ReportID != r.ID || x.Location.IsZero() || !x.Status.Is(analytics.ExecutionCompleted) {
					t.Errorf("run %+v", x)
				}
				late := time.Since(begin) - s.generation
				requests := len(s.log())
				if late > 330*time.Second { // one interval, and a tenth for the spread
					t.Errorf("found %v after it was ready", late)
				}
				limit := 40
				if s.textless {
					limit = 60 // the report itself is looked at every time
				}
				if requests > limit {
					t.Errorf("%d requests", requests)
				}
				t.Logf("ready after %v: found %v later with %d requests", s.generation, late.Round(time.Second), requests)
			})
		})
	}
}

func TestAwaitShowsTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, r := started(t, func(*service) {})
		p, err := c.AwaitExecution(r.ID, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		for x, err := range p.Watch(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			if x.ReportID != r.ID {
				t.Errorf("a snapshot without its report: %+v", x)
			}
			seen = append(seen, string(x.Status))
		}
		if seen = slices.Compact(seen); !slices.Equal(seen, []string{"Running", "Completed"}) {
			t.Errorf("statuses %q", seen)
		}
	})
}

func TestAwaitLogsAnUnknownStatusOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, r := started(t, func(s *service) { s.strange, s.plainQueue = "Failed", true })
		var log bytes.Buffer
		c, err := analytics.New(source(), analytics.Marketplace, &partnercenter.Options{Transport: s, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.AwaitExecution(r.ID, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Wait(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), "status=Failed"); n != 1 {
			t.Errorf("%d records:\n%s", n, log.String())
		}
	})
}

// With after, files that were there before do not count.
func TestAwaitTheNextFileOfASchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := scheduledReport(t, 4)
		time.Sleep(time.Until(r.Start.Add(25 * time.Hour))) // two files
		p, err := c.AwaitExecution(r.ID, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if p, err = c.ResumeAwait(p.ResumeToken()); err != nil { // the time survives
			t.Fatal(err)
		}
		x, err := p.Wait(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := r.Start.Add(48*time.Hour + s.generation); !x.GeneratedAt.Equal(want) {
			t.Errorf("file of %v, want %v", x.GeneratedAt, want)
		}
		if p, err = c.AwaitExecution(r.ID, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if y, err := p.Wait(t.Context(), nil); err != nil || y.ID != x.ID {
			t.Errorf("without a time: run %s, %v; want %s", y.ID, err, x.ID)
		}

		// The last file is the fourth; after it none will come.
		time.Sleep(24 * time.Hour)
		if p, err = c.AwaitExecution(r.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, err = p.Wait(t.Context(), nil)
		if !errors.Is(err, analytics.ErrScheduleEnded) || time.Since(begin) > 10*time.Minute {
			t.Errorf("after %v: %v, want ErrScheduleEnded", time.Since(begin), err)
		}
	})
}

func TestAwaitEndsWhenTheReportIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, r := started(t, func(s *service) { s.generation = 100 * time.Hour })
		p, err := c.AwaitExecution(r.ID, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		polls := 0
		for _, e := range p.Watch(t.Context(), nil) {
			if err = e; polls == 3 {
				if _, err := c.DeleteReport(t.Context(), r.ID); err != nil {
					t.Fatal(err)
				}
			}
			polls++
		}
		x, ok := errors.AsType[*analytics.ExecutionError](err)
		if !ok || !errors.Is(err, analytics.ErrReportGone) || !errors.Is(err, partnercenter.ErrNotFound) || x.Execution.ReportID != r.ID {
			t.Errorf("error %v, want ErrReportGone", err)
		}
		if polls > 12 {
			t.Errorf("noticed after %d polls", polls)
		}
	})
}

// A look that fails to find the report once is not enough: it may be new.
func TestAwaitDoesNotGiveUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := started(t, func(*service) {})
		hidden := 1
		s.fail = func(req *http.Request) *http.Response {
			if strings.HasSuffix(req.URL.Path, "/ScheduledReport") && hidden > 0 {
				hidden--
				return refuse(http.StatusNotFound, textNotFound)
			}
			if strings.Contains(req.URL.Path, "/execution/") && time.Since(r.CreatedAt) < 5*time.Minute {
				return refuse(http.StatusNotFound, textNotFound)
			}
			return nil
		}
		p, err := c.AwaitExecution(r.ID, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Wait(t.Context(), nil); err != nil || hidden != 0 {
			t.Errorf("error %v; the report was looked at: %v", err, hidden == 0)
		}
	})
}

func TestAwaitEnds(t *testing.T) {
	forever := func(s *service) { s.generation = 1000 * time.Hour }
	for _, tc := range []struct {
		name   string
		change func(*service)
		opts   *partnercenter.WaitOptions
		ctx    func(context.Context) (context.Context, context.CancelFunc)
		want   error
		after  time.Duration
	}{
		{"by itself after a day", forever, nil, nil, context.DeadlineExceeded, 24 * time.Hour},
		{"at the caller's limit", forever, &partnercenter.WaitOptions{Timeout: time.Hour}, nil, context.DeadlineExceeded, time.Hour},
		{"with the context", forever, nil, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, 90*time.Second, errors.New("enough"))
		}, nil, 90 * time.Second},
		{"paused for ever", func(s *service) { forever(s); s.strange = "Paused" }, nil, nil, context.DeadlineExceeded, 24 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c, r := started(t, tc.change)
				p, err := c.AwaitExecution(r.ID, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				ctx := t.Context()
				if tc.ctx != nil {
					var cancel context.CancelFunc
					ctx, cancel = tc.ctx(ctx)
					defer cancel()
				}
				begin := time.Now()
				_, err = p.Wait(ctx, tc.opts)
				if _, ok := errors.AsType[*partnercenter.WaitError](err); !ok || tc.want != nil && !errors.Is(err, tc.want) || time.Since(begin) != tc.after {
					t.Errorf("after %v: %v", time.Since(begin), err)
				}
			})
		})
	}
}

func TestCompletedWithoutALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := started(t, func(s *service) { s.noLink = true })
		p, err := c.AwaitExecution(r.ID, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Wait(t.Context(), nil)
		if _, ok := errors.AsType[*partnercenter.OperationError](err); !ok || !strings.Contains(err.Error(), "offers no file") {
			t.Errorf("error %v", err)
		}

		// A link that comes a little later is waited for.
		time.AfterFunc(30*time.Second, func() { s.mu.Lock(); s.noLink = false; s.mu.Unlock() })
		if p, err = c.AwaitExecution(r.ID, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if x, err := p.Wait(t.Context(), nil); err != nil || x.Location.IsZero() {
			t.Errorf("run %+v, %v", x, err)
		}
	})
}

func TestAwaitEndsWithErrorsThatStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []int{http.StatusForbidden, http.StatusBadRequest} {
			s, c, r := started(t, func(*service) {})
			s.fail = func(*http.Request) *http.Response { return answer(status, "") }
			p, err := c.AwaitExecution(r.ID, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Wait(t.Context(), nil)
			if e, ok := errors.AsType[*partnercenter.Error](err); !ok || e.StatusCode != status || len(s.log()) != 1 {
				t.Errorf("%d: %v", status, err)
			}
		}
		// A wrong address: the report cannot be looked at either.
		s, c, r := started(t, func(*service) {})
		s.fail = func(*http.Request) *http.Response {
			return answer(http.StatusNotFound, `{"statusCode":404,"message":"Resource not found"}`)
		}
		p, err := c.AwaitExecution(r.ID, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = p.Wait(t.Context(), nil); !errors.Is(err, partnercenter.ErrNotFound) || errors.Is(err, analytics.ErrReportGone) {
			t.Errorf("wrong address: %v", err)
		}
		// A server error in between passes.
		s, c, r = started(t, func(*service) {})
		failures := 0
		s.fail = func(*http.Request) *http.Response {
			if failures++; failures < 30 {
				return answer(http.StatusServiceUnavailable, "")
			}
			return nil
		}
		if p, err = c.AwaitExecution(r.ID, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err = p.Wait(t.Context(), nil); err != nil {
			t.Errorf("after %d server errors: %v", failures, err)
		}
	})
}

func TestResumeTokensAreChecked(t *testing.T) {
	cmp, mpn := newService().client(t, analytics.Marketplace), newService().client(t, analytics.Partner)
	p, err := cmp.AwaitExecution("r-1", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	token := p.ResumeToken()
	if again, err := cmp.ResumeAwait(token); err != nil || again.ResumeToken() != token {
		t.Errorf("resumed: %v", err)
	}
	for name, call := range map[string]func() error{
		"other program": func() error { _, err := mpn.ResumeAwait(token); return err },
		"other kind":    func() error { _, err := cmp.ResumeRun(token); return err },
		"garbage":       func() error { _, err := cmp.ResumeAwait("x"); return err },
		"bad time": func() error {
			_, err := cmp.ResumeAwait(strings.Replace(token, "2026-01-02", "yesterday", 1))
			return err
		},
	} {
		if err := call(); err == nil || !strings.HasPrefix(err.Error(), "analytics: resume token: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The order of several runs is not documented, and lists may hold those of other
// reports.
func TestAwaitTakesTheLatestFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s, c, r := started(t, func(*service) {})
		other := completedRun(begin, 9)
		other["reportId"] = "another"
		bare := completedRun(begin, 8)
		bare["reportAccessSecureLink"] = nil
		lists := [][]map[string]any{
			{completedRun(begin, 1), completedRun(begin, 7), completedRun(begin, 3), bare, other},
			{bare, other, completedRun(begin, 7), completedRun(begin, 3)},
			{completedRun(begin, 7), {"executionId": "late", "executionStatus": "Running"}},
			{{"executionId": "late", "executionStatus": "Pending"}, completedRun(begin, 7)},
		}
		for i, list := range lists {
			s.fail = func(*http.Request) *http.Response { return s.ok("", list...) }
			p, err := c.AwaitExecution(r.ID, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if x, err := p.Wait(t.Context(), nil); err != nil || x.ID != "run-7" || x.ReportID != r.ID {
				t.Errorf("list %d: run %q of report %q, %v", i, x.ID, x.ReportID, err)
			}
			p, err = c.AwaitExecution(r.ID, begin.Add(7*time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			if x, state, err := p.Poll(t.Context()); err != nil || state != partnercenter.Pending || x.ID == "run-7" {
				t.Errorf("list %d, later ones only: run %q, %v, %v", i, x.ID, state, err)
			}
		}
	})
}
