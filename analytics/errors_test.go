package analytics_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

func errorsIs(err, target error) bool { return errors.Is(err, target) }

// failing answers every request in the same way.
func failing(t *testing.T, status int, body string) (*service, *analytics.Client) {
	t.Helper()
	s := newService()
	s.fail = func(*http.Request) *http.Response { return answer(status, body) }
	return s, s.client(t, analytics.Marketplace)
}

func TestRefusalsHaveKinds(t *testing.T) {
	kinds := []error{
		analytics.ErrQuota, analytics.ErrReportQuota, analytics.ErrExecuteNowQuota, analytics.ErrQueryQuota,
		analytics.ErrUnknownQuery, analytics.ErrUnknownDataset, analytics.ErrUnknownColumn,
	}
	for _, tc := range []struct {
		text   string
		want   []error
		advice string
	}{
		{"User has exceeded its report creation quota of 50 active reports", []error{analytics.ErrQuota, analytics.ErrReportQuota}, "Delete or pause"},
		{"User has exceeded its ExecuteNow report creation quota of 5 reports/60 mins", []error{analytics.ErrQuota, analytics.ErrExecuteNowQuota}, "an hour old"},
		{"Number of queries exceeded. Delete few queries before creating new queries", []error{analytics.ErrQuota, analytics.ErrQueryQuota}, "Delete queries"},
		{"Invalid QueryID", []error{analytics.ErrUnknownQuery}, "Client.Queries"},
		{"Invalid QueryId", []error{analytics.ErrUnknownQuery}, "Client.Queries"},
		{"Invalid table name", []error{analytics.ErrUnknownDataset}, "Client.Datasets"},
		{"Incorrect column name", []error{analytics.ErrUnknownColumn}, "Client.Dataset"},
		{"Invalid report parameters for creation - Start time of report should at least be 4 hours from current UTC time", nil, "later start"},
		{"Requested value 'string' was not found.", nil, "documented values"},
		{"Internal error encountered while creating report. Correlation ID 1", nil, "unexpected form"},
		{"Something else", nil, ""},
	} {
		t.Run(tc.text, func(t *testing.T) {
			_, c := failing(t, http.StatusBadRequest, `{"value":[],"totalCount":0,"message":"`+tc.text+`","statusCode":400}`)
			_, err := c.CreateReport(t.Context(), analytics.ReportRequest{Name: "n", QueryID: "q", ExecuteNow: true})
			e, ok := errors.AsType[*partnercenter.Error](err)
			if !ok || e.StatusCode != http.StatusBadRequest || e.Message != tc.text || e.RequestID != "req-1" {
				t.Fatalf("error %#v is not the service's", err)
			}
			for _, kind := range kinds {
				want := slices.Contains(tc.want, kind)
				if errors.Is(err, kind) != want {
					t.Errorf("errors.Is(%v) = %v", kind, !want)
				}
			}
			if !strings.Contains(e.Advice, tc.advice) || tc.advice == "" && e.Advice != "" {
				t.Errorf("advice %q, want one about %q", e.Advice, tc.advice)
			}
			if !strings.Contains(err.Error(), tc.text) || !strings.Contains(err.Error(), e.Advice) {
				t.Errorf("text %q", err.Error())
			}
		})
	}
}

func TestGatewayErrorsSurvive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := failing(t, http.StatusBadGateway, "<html><head><title>502 Bad Gateway</title></head></html>")
		_, err := collect(c.Reports(t.Context(), analytics.ReportsRequest{}))
		e, ok := errors.AsType[*partnercenter.Error](err)
		if !ok || e.Attempts != 4 || !errors.Is(err, partnercenter.ErrServer) || e.Message != "502 Bad Gateway" {
			t.Errorf("error %v", err)
		}
	})
}

// An empty listing is answered with 404. A 404 for a wrong address must not look
// like one.
func TestOnlyTheServicesOwn404IsAnEmptyListing(t *testing.T) {
	for name, tc := range map[string]struct {
		body  string
		empty bool
	}{
		"nothing found":  {`{"value":[],"totalCount":0,"message":"No item found with given filters","statusCode":404}`, true},
		"no runs":        {`{"value":[],"totalCount":0,"message":"` + textNoRuns + `","statusCode":404}`, true},
		"another text":   {`{"Value":[],"TotalCount":0,"Message":"Nichts gefunden","StatusCode":404}`, true},
		"text only":      {`{"message":"No item found with given filters"}`, true},
		"of the gateway": {`{"statusCode":404,"message":"Resource not found"}`, false},
		"HTML":           {`<html><title>Not found</title></html>`, false},
		"no body":        {``, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := failing(t, http.StatusNotFound, tc.body)
			got, err := collect(c.Queries(t.Context(), analytics.QueriesRequest{Name: "x"}))
			if len(got) != 0 || (err == nil) != tc.empty {
				t.Errorf("%v, %v; empty listing: %v", got, err, tc.empty)
			}
			if err != nil && !errors.Is(err, partnercenter.ErrNotFound) {
				t.Errorf("error %v is no ErrNotFound", err)
			}
			if _, err := c.Query(t.Context(), "x"); !errors.Is(err, partnercenter.ErrNotFound) {
				t.Errorf("one query: %v, want ErrNotFound", err)
			}
			if _, err := c.Report(t.Context(), "x"); !errors.Is(err, partnercenter.ErrNotFound) {
				t.Errorf("one report: %v, want ErrNotFound", err)
			}
			if _, err := c.Dataset(t.Context(), "x"); !errors.Is(err, partnercenter.ErrNotFound) {
				t.Errorf("one dataset: %v, want ErrNotFound", err)
			}
			if _, err := c.Execution(t.Context(), "r", "x"); !errors.Is(err, partnercenter.ErrNotFound) {
				t.Errorf("one run: %v, want ErrNotFound", err)
			}
		})
	}
}

// A POST that may have been carried out is not sent again: it would eat quota.
func TestPostIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []int{500, 502, 503, 504} {
			s, c := failing(t, status, "")
			if _, err := c.CreateReport(t.Context(), analytics.ReportRequest{Name: "n", QueryID: "q", ExecuteNow: true}); err == nil {
				t.Fatal("no error")
			}
			if _, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "n", Text: "SELECT a FROM b"}); err == nil {
				t.Fatal("no error")
			}
			if got := len(s.log()); got != 2 {
				t.Errorf("%d: %d requests for two calls", status, got)
			}
		}
	})
}

// A deletion that is repeated because its answer was lost finds nothing the second
// time, and has succeeded.
func TestRepeatedDeletionSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		q, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "n", Text: "SELECT a FROM b"})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.CreateReport(t.Context(), analytics.ReportRequest{Name: "n", QueryID: q.ID, ExecuteNow: true})
		if err != nil {
			t.Fatal(err)
		}
		s.forget = map[string]int{
			"DELETE /insights/v1.1/cmp/ScheduledReport/" + r.ID:  1,
			"DELETE /insights/v1.1/cmp/ScheduledQueries/" + q.ID: 1,
		}
		if got, err := c.DeleteReport(t.Context(), r.ID); err != nil || got.ID != r.ID {
			t.Errorf("report: %+v, %v", got, err)
		}
		if got, err := c.DeleteQuery(t.Context(), q.ID); err != nil || got.ID != q.ID {
			t.Errorf("query: %+v, %v", got, err)
		}
		if _, err := c.DeleteReport(t.Context(), r.ID); !errors.Is(err, partnercenter.ErrNotFound) {
			t.Errorf("deleting what does not exist: %v, want ErrNotFound", err)
		}
	})
}
