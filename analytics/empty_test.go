package analytics_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

func TestWhyEmpty(t *testing.T) {
	row := []map[string]any{{"OfferName": "x", "RawUsage": 1}}
	always := func(string) []map[string]any { return row }
	never := func(string) []map[string]any { return nil }
	const filtered = "select OfferName, RawUsage from ISVUsage where OfferName = 'nobody' and RawUsage > 7 order by RawUsage limit 5 timespan LAST_3_MONTHS"
	for _, tc := range []struct {
		name     string
		text     string
		preview  func(string) []map[string]any
		redacted bool
		window   bool
		program  analytics.Program
		want     analytics.EmptyReason
		asked    string
	}{
		{"conditions match nothing", filtered, always, false, false, analytics.Marketplace, analytics.EmptyFilter,
			"SELECT OfferName, RawUsage FROM ISVUsage LIMIT 1 TIMESPAN LAST_3_MONTHS"},
		{"no data", filtered, never, false, false, analytics.Marketplace, analytics.EmptyWindow,
			"SELECT OfferName, RawUsage FROM ISVUsage LIMIT 1 TIMESPAN LAST_3_MONTHS"},
		{"no conditions", "SELECT OfferName FROM ISVUsage", always, false, false, analytics.Marketplace, analytics.EmptyWindow,
			"SELECT OfferName FROM ISVUsage LIMIT 1"},
		{"redacted", filtered, always, true, false, analytics.Marketplace, analytics.EmptyRedacted, ""},
		{"a query that is not understood", "SELECT something new", always, false, false, analytics.Marketplace, analytics.EmptyUnknown, ""},
		{"a window of its own", filtered, always, false, true, analytics.Marketplace, analytics.EmptyUnknown, ""},
		{"a window of its own, partner", filtered, never, false, true, analytics.Partner, analytics.EmptyWindow,
			"SELECT OfferName, RawUsage FROM ISVUsage LIMIT 1 TIMESPAN LAST_3_MONTHS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.file, s.redacted = []byte("OfferName,RawUsage\n"), tc.redacted
				asked := ""
				s.preview = func(text string) []map[string]any { asked = text; return tc.preview(text) }
				c := s.client(t, tc.program, analytics.WithChecks(analytics.CheckNone))
				q, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "n", Text: tc.text})
				if err != nil {
					t.Fatal(err)
				}
				req := analytics.RunRequest{QueryID: q.ID}
				if tc.window {
					req.QueryStart, req.QueryEnd = time.Now().Add(-time.Hour), time.Now()
				}
				run, err := c.Run(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				x, err := run.Wait(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				got, err := c.WhyEmpty(t.Context(), x)
				if err != nil || got != tc.want || asked != tc.asked {
					t.Errorf("%q, %v, want %q; asked %q, want %q", got, err, tc.want, asked, tc.asked)
				}
			})
		})
	}
}

func TestWhyEmptyErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, x := finished(t, func(s *service) { s.file = nil })
		s.fail = func(req *http.Request) *http.Response {
			if strings.HasSuffix(req.URL.Path, "testQueryResult") {
				return refuse(http.StatusBadRequest, "too slow")
			}
			return nil
		}
		if got, err := c.WhyEmpty(t.Context(), x); got != analytics.EmptyUnknown || err == nil || !strings.Contains(err.Error(), "without its conditions") {
			t.Errorf("%v, %v", got, err)
		}
		// Older answers do not hold the query's text; then it is looked up.
		s.fail = func(req *http.Request) *http.Response {
			if strings.HasSuffix(req.URL.Path, "ScheduledReport") {
				return s.ok("", map[string]any{"reportId": x.ReportID, "queryId": "gone"})
			}
			return nil
		}
		if _, err := c.WhyEmpty(t.Context(), x); !errors.Is(err, partnercenter.ErrNotFound) {
			t.Errorf("no query: %v", err)
		}
		s.fail = nil
		if _, err := c.DeleteReport(t.Context(), x.ReportID); err != nil {
			t.Fatal(err)
		}
		if _, err := c.WhyEmpty(t.Context(), x); !errors.Is(err, partnercenter.ErrNotFound) {
			t.Errorf("no report: %v", err)
		}
	})
}
