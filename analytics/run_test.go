package analytics_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

const usageQuery = "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH"

// usage is a row type of a user's own.
type usage struct {
	OfferName string  `csv:"OfferName"`
	RawUsage  float64 `csv:"RawUsage"`
}

var usageRows = []usage{{"Contoso Backup", 12.5}, {"Contoso Scan", 0.16667}}

// left lists what is stored at the service.
func (s *service) left() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queries {
		out = append(out, "query "+q.name)
	}
	for _, r := range s.reports {
		out = append(out, "report "+r.name)
	}
	return out
}

func TestRunFromQueryToRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.file = gzipped(t, string(s.file))
		c := s.client(t, analytics.Marketplace)
		begin := time.Now()
		run, err := c.Run(t.Context(), analytics.RunRequest{Query: usageQuery, Name: "usage", Format: analytics.CSV})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.left(); len(got) != 2 || !strings.HasPrefix(got[0], "query usage-") || got[0][6:] != got[1][7:] {
			t.Errorf("stored: %q, want a query and a report of the same unique name", got)
		}
		s.log()
		x, err := run.Wait(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		polls := len(s.log())
		content, err := run.Open(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := collect(analytics.Rows[usage](content, nil))
		if err != nil {
			t.Fatal(err)
		}
		late := time.Since(begin) - s.generation
		t.Logf("ready after %v, first row %v later, %d status requests", s.generation, late.Round(time.Second), polls)
		if late > 66*time.Second || polls > 40 {
			t.Errorf("first row %v after the report was ready, with %d status requests", late, polls)
		}
		if err := content.Close(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(usageRows, rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if run.ReportID() != x.ReportID || run.QueryID() == "" {
			t.Errorf("ids %q and %q", run.ReportID(), run.QueryID())
		}
		for range 2 { // the second time nothing is left to do
			if err := run.CleanUp(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if got := s.left(); len(got) != 0 {
			t.Errorf("left behind: %q", got)
		}
	})
}

func TestRunOfAStoredQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		q, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "mine", Text: usageQuery})
		if err != nil {
			t.Fatal(err)
		}
		from := time.Now().Add(-time.Hour)
		run, err := c.Run(t.Context(), analytics.RunRequest{QueryID: q.ID, QueryStart: from, QueryEnd: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := c.Report(t.Context(), run.ReportID()); err != nil || !r.ExecuteNow || !r.QueryStart.Equal(from) || !strings.HasPrefix(r.Name, "run-") || run.QueryID() != "" {
			t.Errorf("report %+v, %v", r, err)
		}
		if err := run.CleanUp(t.Context()); err != nil {
			t.Error(err)
		}
		if got := s.left(); len(got) != 1 || got[0] != "query mine" {
			t.Errorf("left: %q, want the user's query", got)
		}
	})
}

func TestRunIsResumedElsewhere(t *testing.T) {
	for name, keep := range map[string]bool{"and cleaned up": false, "and kept": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				run, err := s.client(t, analytics.Marketplace).Run(t.Context(), analytics.RunRequest{Query: usageQuery, Keep: keep})
				if err != nil {
					t.Fatal(err)
				}
				token := run.ResumeToken()
				if strings.Contains(token, "sig") || strings.Contains(token, "http") {
					t.Errorf("the token holds more than it should: %s", token)
				}
				again, err := s.client(t, analytics.Marketplace).ResumeRun(token)
				if err != nil {
					t.Fatal(err)
				}
				result, err := again.DownloadFile(t.Context(), filepath.Join(t.TempDir(), "x.csv"), nil)
				if err != nil || result.Bytes != int64(len(s.file)) {
					t.Fatalf("%+v, %v", result, err)
				}
				if err := again.CleanUp(t.Context()); err != nil {
					t.Error(err)
				}
				if got := s.left(); (len(got) == 2) != keep || (len(got) == 0) == keep {
					t.Errorf("left: %q", got)
				}
			})
		})
	}
}

// What has been made is undone when the next step fails.
func TestRunThatCannotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		for range 5 {
			if _, err := c.Run(t.Context(), analytics.RunRequest{Query: usageQuery}); err != nil {
				t.Fatal(err)
			}
		}
		before := len(s.left())
		_, err := c.Run(t.Context(), analytics.RunRequest{Query: usageQuery})
		if !errors.Is(err, analytics.ErrExecuteNowQuota) {
			t.Errorf("the sixth run in an hour: %v", err)
		}
		if got := len(s.left()); got != before {
			t.Errorf("%d things are stored, %d before", got, before)
		}

		// The clean-up fails too: the error says what is left.
		s.fail = func(req *http.Request) *http.Response {
			if req.Method == http.MethodDelete {
				return refuse(http.StatusForbidden, "no")
			}
			return nil
		}
		_, err = c.Run(t.Context(), analytics.RunRequest{Query: usageQuery})
		if !errors.Is(err, analytics.ErrExecuteNowQuota) || !errors.Is(err, partnercenter.ErrForbidden) || !strings.Contains(err.Error(), "cleaning up query query-") {
			t.Errorf("error %v", err)
		}
	})
}

// Both POSTs reach the service and their answers are lost.
func TestRunFindsWhatItHasMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.forget = map[string]int{"POST /insights/v1.1/cmp/ScheduledQueries": 1, "POST /insights/v1.1/cmp/ScheduledReport": 1}
		c := s.client(t, analytics.Marketplace)
		run, err := c.Run(t.Context(), analytics.RunRequest{Query: usageQuery})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.left(); len(got) != 2 {
			t.Errorf("stored: %q, want one query and one report", got)
		}
		posts := 0
		for _, r := range s.log() {
			if strings.HasPrefix(r, "POST") {
				posts++
			}
		}
		if posts != 2 {
			t.Errorf("%d POSTs", posts)
		}
		if _, err := run.Wait(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if err := run.CleanUp(t.Context()); err != nil || len(s.left()) != 0 {
			t.Errorf("clean-up: %v, left %q", err, s.left())
		}

		// It has been made, and the answer says that it failed.
		s.filter = func(req *http.Request, resp *http.Response) *http.Response {
			if req.Method == http.MethodPost {
				return answer(http.StatusInternalServerError, "")
			}
			return resp
		}
		if run, err = c.Run(t.Context(), analytics.RunRequest{Query: usageQuery}); err != nil || len(s.left()) != 2 {
			t.Fatalf("error %v, stored: %q", err, s.left())
		}
		s.filter = nil
		if err := run.CleanUp(t.Context()); err != nil {
			t.Error(err)
		}

		// Nothing has been made, and nothing is found.
		s.fail = func(req *http.Request) *http.Response {
			if req.Method == http.MethodPost {
				return answer(http.StatusInternalServerError, "")
			}
			return nil
		}
		if _, err := c.Run(t.Context(), analytics.RunRequest{Query: usageQuery}); !errors.Is(err, partnercenter.ErrServer) {
			t.Errorf("error %v", err)
		}
		s.fail = func(*http.Request) *http.Response { return answer(http.StatusInternalServerError, "") }
		if _, err := c.Run(t.Context(), analytics.RunRequest{Query: usageQuery}); !errors.Is(err, partnercenter.ErrServer) {
			t.Errorf("error %v", err)
		}
	})
}

// The context ends while the report is being made: it is found all the same, so
// that it can be cleaned up.
func TestRunInterruptedAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		ctx, cancel := context.WithCancel(t.Context())
		s.forget = map[string]int{"POST /insights/v1.1/cmp/ScheduledReport": 1}
		s.fail = func(req *http.Request) *http.Response {
			if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/ScheduledReport") {
				cancel()
			}
			return nil
		}
		run, err := c.Run(ctx, analytics.RunRequest{Query: usageQuery})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Open(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("wait: %v", err)
		}
		if err := run.CleanUp(ctx); err != nil || len(s.left()) != 0 {
			t.Errorf("clean-up: %v, left %q", err, s.left())
		}
	})
}

func TestRunRequestsAreChecked(t *testing.T) {
	s := newService()
	c := s.client(t, analytics.Marketplace)
	for name, tc := range map[string]struct {
		req  analytics.RunRequest
		want string
	}{
		"neither":    {analytics.RunRequest{}, "only one of them"},
		"both":       {analytics.RunRequest{Query: usageQuery, QueryID: "q"}, "only one of them"},
		"long name":  {analytics.RunRequest{Query: usageQuery, Name: strings.Repeat("x", 201)}, "200 characters"},
		"semicolon":  {analytics.RunRequest{Query: usageQuery, Name: "a;b"}, "semicolon"},
		"format":     {analytics.RunRequest{Query: usageQuery, Format: "xml"}, "csv or tsv"},
		"window":     {analytics.RunRequest{Query: usageQuery, QueryStart: time.Now(), QueryEnd: time.Now().Add(-1e10)}, "QueryEndTime"},
		"query text": {analytics.RunRequest{Query: "SELECT"}, "Query: query:1:"},
	} {
		if _, err := c.Run(t.Context(), tc.req); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one about %q", name, err, tc.want)
		}
	}
	if got := s.log(); len(got) != 0 {
		t.Errorf("requests were sent: %q", got)
	}
}

func TestCleanUpGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		run, err := c.Run(t.Context(), analytics.RunRequest{Query: usageQuery})
		if err != nil {
			t.Fatal(err)
		}
		// Somebody else has deleted the report, and the service refuses the query.
		if _, err := c.DeleteReport(t.Context(), run.ReportID()); err != nil {
			t.Fatal(err)
		}
		refusing := true
		s.fail = func(req *http.Request) *http.Response {
			if refusing && strings.Contains(req.URL.Path, "ScheduledQueries") {
				return refuse(http.StatusBadRequest, "in use")
			}
			return nil
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := run.CleanUp(ended); err == nil || !strings.Contains(err.Error(), "cleaning up query") || strings.Contains(err.Error(), "report") {
			t.Errorf("error %v", err)
		}
		refusing = false
		if err := run.CleanUp(ended); err != nil || len(s.left()) != 0 {
			t.Errorf("second time: %v, left %q", err, s.left())
		}
	})
}

func TestRunFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		path := filepath.Join(t.TempDir(), "usage.csv")
		var seen []analytics.ExecutionStatus
		var token string
		result, err := c.RunFile(t.Context(), analytics.RunRequest{Query: usageQuery}, path, &analytics.RunOptions{
			Watch: func(x analytics.Execution) { seen = append(seen, x.Status) }, OnStart: func(s string) { token = s },
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readFile(path); err != nil || string(got) != string(s.file) || result.Bytes != int64(len(got)) {
			t.Errorf("file %q, %+v, %v", got, result, err)
		}
		if len(seen) < 2 || token == "" || len(s.left()) != 0 {
			t.Errorf("seen %v, token %q, left %q", seen, token, s.left())
		}
		if _, err := c.RunFile(t.Context(), analytics.RunRequest{}, path, nil); err == nil {
			t.Error("a run of nothing is no error")
		}
	})
}

// The clean-up takes place whatever the outcome was; unless somebody has the token
// and only the wait was cut short.
func TestRunFileCleansUpAfterFailures(t *testing.T) {
	limit := &partnercenter.WaitOptions{Timeout: time.Minute}
	for _, tc := range []struct {
		name   string
		change func(*service)
		opts   analytics.RunOptions
		path   string
		left   int
	}{
		{"the wait ends", func(*service) {}, analytics.RunOptions{Wait: limit}, "x.csv", 0},
		{"the wait ends, and somebody has the token", func(*service) {}, analytics.RunOptions{Wait: limit, OnStart: func(string) {}}, "x.csv", 2},
		{"the run fails, and somebody has the token", func(s *service) { s.noLink = true }, analytics.RunOptions{OnStart: func(string) {}}, "x.csv", 0},
		{"the file cannot be written", func(*service) {}, analytics.RunOptions{OnStart: func(string) {}}, "no/such/folder/x.csv", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				tc.change(s)
				_, err := s.client(t, analytics.Marketplace).RunFile(t.Context(), analytics.RunRequest{Query: usageQuery}, filepath.Join(t.TempDir(), tc.path), &tc.opts)
				if got := s.left(); err == nil || len(got) != tc.left {
					t.Errorf("error %v, left %q, want %d", err, got, tc.left)
				}
			})
		})
	}
}

// A program that is stopped in the middle of the download goes on there when it
// starts again.
func TestRunFileInterruptedWhileDownloading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		path := filepath.Join(t.TempDir(), "usage.csv")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var token string
		_, err := c.RunFile(ctx, analytics.RunRequest{Query: usageQuery}, path, &analytics.RunOptions{
			OnStart:  func(s string) { token = s },
			Download: &partnercenter.DownloadOptions{Progress: func(int64, int64) { cancel() }},
		})
		if !errors.Is(err, context.Canceled) || len(s.left()) != 2 {
			t.Fatalf("error %v, left %q", err, s.left())
		}
		run, err := c.ResumeRun(token)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.DownloadFile(t.Context(), path, nil); err != nil {
			t.Error(err)
		}
		if err := run.CleanUp(t.Context()); err != nil || len(s.left()) != 0 {
			t.Errorf("error %v, left %q", err, s.left())
		}
	})
}

func TestRunRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		rows, err := collect(analytics.RunRows[usage](t.Context(), c, analytics.RunRequest{Query: usageQuery}, nil))
		if diff := cmp.Diff(usageRows, rows); diff != "" || err != nil {
			t.Errorf("error %v, rows (-want +got):\n%s", err, diff)
		}
		for row, err := range analytics.RunRows[usage](t.Context(), c, analytics.RunRequest{Query: usageQuery}, nil) {
			if err != nil || row != usageRows[0] {
				t.Errorf("%+v, %v", row, err)
			}
			break
		}
		func() {
			defer func() { _ = recover() }()
			for row, err := range analytics.RunRows[usage](t.Context(), c, analytics.RunRequest{Query: usageQuery}, nil) {
				panic(fmt.Sprint(row, err))
			}
		}()
		if got := s.left(); len(got) != 0 {
			t.Errorf("left behind: %q", got)
		}

		// A bad row is the last thing, also if the clean-up fails.
		s.file = []byte("OfferName,RawUsage\nx,many\ny,1\n")
		s.fail = func(req *http.Request) *http.Response {
			if req.Method == http.MethodDelete {
				return refuse(http.StatusForbidden, "no")
			}
			return nil
		}
		var errs []error
		for _, err := range analytics.RunRows[usage](t.Context(), c, analytics.RunRequest{Query: usageQuery}, nil) {
			errs = append(errs, err)
		}
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), "many") {
			t.Errorf("errors %v", errs)
		}
		// A failed clean-up alone is an error of the sequence.
		s.file = []byte("OfferName,RawUsage\nx,1\n")
		errs = nil
		for _, err := range analytics.RunRows[usage](t.Context(), c, analytics.RunRequest{Query: usageQuery}, nil) {
			errs = append(errs, err)
		}
		if len(errs) != 2 || errs[0] != nil || !errors.Is(errs[1], partnercenter.ErrForbidden) {
			t.Errorf("errors %v", errs)
		}
	})
}

// A loop that is left early takes no more errors; the log does.
func TestRunRowsLogsWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newService()
		s.fail = func(req *http.Request) *http.Response {
			if req.Method == http.MethodDelete {
				return refuse(http.StatusBadRequest, "in use")
			}
			return nil
		}
		c, err := analytics.New(source(), analytics.Marketplace, &partnercenter.Options{Transport: s, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		type row struct {
			Offer string `csv:"OfferName"`
		}
		for _, err := range analytics.RunRows[row](t.Context(), c, analytics.RunRequest{Query: usageQuery}, nil) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if n := strings.Count(log.String(), "has not been cleaned up"); n != 1 {
			t.Errorf("%d records:\n%s", n, &log)
		}
	})
}
