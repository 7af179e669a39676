package analytics_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

// recorder answers every request with the same envelope.
type recorder struct {
	answer   string
	requests []request
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	got := request{method: req.Method, path: req.URL.EscapedPath(), query: req.URL.RawQuery, header: req.Header.Clone()}
	if req.Body != nil {
		b := new(strings.Builder)
		if _, err := copyAll(b, req); err != nil {
			return nil, err
		}
		got.body = b.String()
	}
	r.requests = append(r.requests, got)
	return answer(http.StatusOK, r.answer), nil
}

// Every operation, as it goes over the wire.
func TestRequestsHaveTheDocumentedForm(t *testing.T) {
	start := time.Date(2026, 2, 4, 7, 0, 0, 0, time.FixedZone("", 3600)) // 06:00 UTC
	type calls = func(context.Context, *analytics.Client) error
	for _, tc := range []struct {
		name    string
		program analytics.Program
		call    calls
		want    string
	}{
		{"datasets", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			return drain(c.Datasets(ctx))
		}, "GET /insights/v1.1/cmp/ScheduledDataset"},
		{"one dataset", analytics.Partner, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.Dataset(ctx, " OfficeUsage ")
			return err
		}, "GET /insights/v1/mpn/ScheduledDataset?datasetName=OfficeUsage"},

		{"create query", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.CreateQuery(ctx, analytics.QueryRequest{
				Name: "PaidUsage", Description: "Paid plans", Text: "SELECT RawUsage FROM ISVUsage WHERE RawUsage > 1 AND OfferName LIKE 'A&B%'",
			})
			return err
		}, `POST /insights/v1.1/cmp/ScheduledQueries {"Name":"PaidUsage","Description":"Paid plans","Query":"SELECT RawUsage FROM ISVUsage WHERE RawUsage > 1 AND OfferName LIKE 'A&B%'"}`},
		{"create query without description", analytics.Partner, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.CreateQuery(ctx, analytics.QueryRequest{Name: "p", Text: "SELECT MPNId FROM Profile"})
			return err
		}, `POST /insights/v1/mpn/ScheduledQueries {"Name":"p","Query":"SELECT MPNId FROM Profile"}`},
		{"queries", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			return drain(c.Queries(ctx, analytics.QueriesRequest{}))
		}, "GET /insights/v1.1/cmp/ScheduledQueries"},
		{"queries by id and name", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			return drain(c.Queries(ctx, analytics.QueriesRequest{ID: " q-1 ", Name: "Paid & more", Scope: analytics.OwnQueries}))
		}, "GET /insights/v1.1/cmp/ScheduledQueries?queryId=q-1&queryName=Paid%20%26%20more&includeSystemQueries=false"},
		{"system queries", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			return drain(c.Queries(ctx, analytics.QueriesRequest{Scope: analytics.SystemQueries}))
		}, "GET /insights/v1.1/cmp/ScheduledQueries?includeOnlySystemQueries=true"},
		{"one query", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.Query(ctx, "id-1")
			return err
		}, "GET /insights/v1.1/cmp/ScheduledQueries?queryId=id-1"},
		{"delete query", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.DeleteQuery(ctx, "id-1 ")
			return err
		}, "DELETE /insights/v1.1/cmp/ScheduledQueries/id-1"},
		{"test query text", analytics.Partner, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.TestQuery(ctx, analytics.PreviewRequest{Query: "SELECT MPNId FROM Profile WHERE Country='A+B'", Start: start, End: start.Add(time.Hour)})
			return err
		}, "GET /insights/v1/mpn/ScheduledQueries/testQueryResult?exportQuery=SELECT%20MPNId%20FROM%20Profile%20WHERE%20Country%3D%27A%2BB%27&startTime=2026-02-04T06%3A00%3A00Z&endTime=2026-02-04T07%3A00%3A00Z"},
		{"test query by id", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.TestQuery(ctx, analytics.PreviewRequest{QueryID: "id-1"})
			return err
		}, "GET /insights/v1.1/cmp/ScheduledQueries/testQueryResult?queryId=id-1"},

		{"create scheduled report", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.CreateReport(ctx, analytics.ReportRequest{
				Name: "PaidUsageDaily", Description: "Paid usage", QueryID: "id-1 ", Start: start, End: start.Add(1000 * time.Hour),
				Interval: 24 * time.Hour, Count: 30, Format: analytics.TSV,
				CallbackURL: partnercenter.NewSecret("https://hooks.example.com/pc?a=1&b=2"), CallbackMethod: analytics.CallbackGET,
			})
			return err
		}, `POST /insights/v1.1/cmp/ScheduledReport {"ReportName":"PaidUsageDaily","Description":"Paid usage","QueryId":"id-1","StartTime":"2026-02-04T06:00:00Z","EndTime":"2026-03-17T22:00:00Z","RecurrenceInterval":24,"RecurrenceCount":30,"Format":"tsv","CallbackUrl":"https://hooks.example.com/pc?a=1&b=2","CallbackMethod":"GET"}`},
		{"create scheduled report, least", analytics.Partner, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.CreateReport(ctx, analytics.ReportRequest{Name: "p", QueryID: "id-1", Start: start, Interval: 48 * time.Hour})
			return err
		}, `POST /insights/v1/mpn/ScheduledReport {"ReportName":"p","QueryId":"id-1","StartTime":"2026-02-04T06:00:00Z","RecurrenceInterval":48,"Format":"csv"}`},
		{"execute now", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.CreateReport(ctx, analytics.ReportRequest{Name: "p", QueryID: "id-1", ExecuteNow: true, QueryStart: start, QueryEnd: start.Add(time.Hour)})
			return err
		}, `POST /insights/v1.1/cmp/ScheduledReport {"ReportName":"p","QueryId":"id-1","Format":"csv","ExecuteNow":true,"QueryStartTime":"2026-02-04T06:00:00Z","QueryEndTime":"2026-02-04T07:00:00Z"}`},
		{"execute now leaves the schedule out", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.CreateReport(ctx, analytics.ReportRequest{Name: "p", QueryID: "id-1", ExecuteNow: true, Start: start, Interval: 24 * time.Hour, Count: 3})
			return err
		}, `POST /insights/v1.1/cmp/ScheduledReport {"ReportName":"p","QueryId":"id-1","Format":"csv","ExecuteNow":true}`},
		{"reports", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			return drain(c.Reports(ctx, analytics.ReportsRequest{}))
		}, "GET /insights/v1.1/cmp/ScheduledReport"},
		{"reports with all filters", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			return drain(c.Reports(ctx, analytics.ReportsRequest{IDs: []string{"id-1", " id-2 "}, Name: "p", QueryID: "q"}))
		}, "GET /insights/v1.1/cmp/ScheduledReport?reportId=id-1%3Bid-2&reportName=p&queryId=q"},
		{"one report", analytics.Partner, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.Report(ctx, "id-1")
			return err
		}, "GET /insights/v1/mpn/ScheduledReport?reportId=id-1"},
		{"update report", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.UpdateReport(ctx, "id-1", analytics.UpdateRequest{
				Name: "p", Description: "d", Start: start, End: start.Add(240 * time.Hour), Interval: 12 * time.Hour, Count: 7,
				CallbackURL: partnercenter.NewSecret("https://hooks.example.com/pc"), CallbackMethod: analytics.CallbackPOST,
			})
			return err
		}, `PUT /insights/v1.1/cmp/ScheduledReport/id-1 {"ReportName":"p","Description":"d","StartTime":"2026-02-04T06:00:00Z","RecurrenceInterval":12,"RecurrenceCount":7,"Format":"csv","CallbackUrl":"https://hooks.example.com/pc","CallbackMethod":"POST","endTime":"2026-02-14T06:00:00Z"}`},
		{"update report, least", analytics.Partner, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.UpdateReport(ctx, "id-1", analytics.UpdateRequest{Name: "p", Start: start})
			return err
		}, `PUT /insights/v1/mpn/ScheduledReport/id-1 {"ReportName":"p","Description":"","StartTime":"2026-02-04T06:00:00Z"}`},
		{"pause", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.PauseReport(ctx, "id-1")
			return err
		}, "PUT /insights/v1.1/cmp/ScheduledReport/pause/id-1"},
		{"resume", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.ResumeReport(ctx, "id-1")
			return err
		}, "PUT /insights/v1.1/cmp/ScheduledReport/resume/id-1"},
		{"delete report", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.DeleteReport(ctx, "id-1")
			return err
		}, "DELETE /insights/v1.1/cmp/ScheduledReport/id-1"},

		{"latest execution", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			return drain(c.Executions(ctx, analytics.ExecutionsRequest{ReportIDs: []string{"id-1"}}))
		}, "GET /insights/v1.1/cmp/ScheduledReport/execution/id-1"},
		{"executions with all filters", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			return drain(c.Executions(ctx, analytics.ExecutionsRequest{
				ReportIDs: []string{"id-1", "id-2"}, ExecutionIDs: []string{"e-1", "e-2"},
				Statuses: []analytics.ExecutionStatus{analytics.ExecutionPending, analytics.ExecutionRunning}, All: true,
			}))
		}, "GET /insights/v1.1/cmp/ScheduledReport/execution/id-1%3Bid-2?executionId=e-1%3Be-2&executionStatus=Pending%3BRunning&getLatestExecution=false"},
		{"one execution", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.Execution(ctx, "id-1", "id-1")
			return err
		}, "GET /insights/v1.1/cmp/ScheduledReport/execution/id-1?executionId=id-1&getLatestExecution=false"},
		{"ids are escaped", analytics.Marketplace, func(ctx context.Context, c *analytics.Client) error {
			_, err := c.DeleteReport(ctx, "a/../b?c")
			return err
		}, "DELETE /insights/v1.1/cmp/ScheduledReport/a%2F..%2Fb%3Fc"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // in the year 2000, so that the start is far away
				rec := &recorder{answer: `{"value":[{"datasetName":"OfficeUsage","queryId":"id-1","reportId":"id-1","executionId":"id-1","name":"n","reportName":"n"}],"totalCount":1,"statusCode":200}`}
				c, err := analytics.New(source(), tc.program, &partnercenter.Options{Transport: rec})
				if err != nil {
					t.Fatal(err)
				}
				if err := tc.call(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, r := range rec.requests {
					got = append(got, r.String())
				}
				if diff := cmp.Diff([]string{tc.want}, got); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				h := rec.requests[0].header
				for name, want := range map[string]string{
					"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept": "application/json", "X-AadUserTicket": "",
				} {
					if got := h.Get(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
			})
		})
	}
}

func TestUserTicketReplacesTheBearer(t *testing.T) {
	rec := &recorder{answer: `{"value":[]}`}
	c, err := analytics.New(source(), analytics.Partner, &partnercenter.Options{Transport: rec}, analytics.WithUserTicket())
	if err != nil {
		t.Fatal(err)
	}
	if err := drain(c.Datasets(t.Context())); err != nil {
		t.Fatal(err)
	}
	h := rec.requests[0].header
	if got := h.Get("X-AadUserTicket"); got != token {
		t.Errorf("X-AadUserTicket is %q", got)
	}
	if _, there := h["Authorization"]; there {
		t.Error("Authorization is sent as well")
	}
}

func TestNewChecksItsArguments(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func() (*analytics.Client, error)
		want string
	}{
		{"program", func() (*analytics.Client, error) { return analytics.New(source(), "xyz", nil) }, "unknown program"},
		{"source", func() (*analytics.Client, error) { return analytics.New(nil, analytics.Partner, nil) }, "token source is nil"},
		{"option", func() (*analytics.Client, error) { return analytics.New(source(), analytics.Partner, nil, nil) }, "Option is nil"},
		{"plain http", func() (*analytics.Client, error) {
			return analytics.New(source(), analytics.Partner, &partnercenter.Options{Endpoint: "http://example.com"})
		}, "plain http"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := tc.make(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one about %q", err, tc.want)
			}
		})
	}
	if c, err := analytics.New(source(), analytics.Partner, nil); err != nil || c.Program() != analytics.Partner {
		t.Errorf("New without options: %v, %v", c, err)
	}
}

func TestEndpointAndVersionCanBeChanged(t *testing.T) {
	for _, endpoint := range []string{"https://example.com/proxy", "https://example.com/proxy/insights", "https://example.com/proxy/insights/"} {
		rec := &recorder{answer: `{"value":[]}`}
		c, err := analytics.New(source(), analytics.Partner, &partnercenter.Options{Transport: rec, Endpoint: endpoint, APIVersion: "v2"})
		if err != nil {
			t.Fatal(err)
		}
		if err := drain(c.Datasets(t.Context())); err != nil {
			t.Fatal(err)
		}
		if got, want := rec.requests[0].path, "/proxy/insights/v2/mpn/ScheduledDataset"; got != want {
			t.Errorf("%s: path %s, want %s", endpoint, got, want)
		}
	}
}

func TestNothingIsSentWithoutAnID(t *testing.T) {
	rec := &recorder{}
	c, err := analytics.New(source(), analytics.Marketplace, &partnercenter.Options{Transport: rec})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Dataset":      func() error { _, err := c.Dataset(ctx, " "); return err },
		"Query":        func() error { _, err := c.Query(ctx, ""); return err },
		"DeleteQuery":  func() error { _, err := c.DeleteQuery(ctx, " "); return err },
		"Report":       func() error { _, err := c.Report(ctx, ""); return err },
		"PauseReport":  func() error { _, err := c.PauseReport(ctx, ""); return err },
		"ResumeReport": func() error { _, err := c.ResumeReport(ctx, ""); return err },
		"DeleteReport": func() error { _, err := c.DeleteReport(ctx, " "); return err },
		"UpdateReport": func() error {
			_, err := c.UpdateReport(ctx, " ", analytics.UpdateRequest{Name: "p", Start: time.Now().Add(9 * time.Hour), CallbackURL: partnercenter.NewSecret("https://h.example")})
			return err
		},
		"Reports":         func() error { return drain(c.Reports(ctx, analytics.ReportsRequest{IDs: []string{"a", ""}})) },
		"Executions":      func() error { return drain(c.Executions(ctx, analytics.ExecutionsRequest{})) },
		"Executions list": func() error { return drain(c.Executions(ctx, analytics.ExecutionsRequest{ReportIDs: []string{" "}})) },
		"Executions ids": func() error {
			return drain(c.Executions(ctx, analytics.ExecutionsRequest{ReportIDs: []string{"a"}, ExecutionIDs: []string{""}}))
		},
		"Execution": func() error { _, err := c.Execution(ctx, "a", ""); return err },
		"Await":     func() error { _, err := c.AwaitExecution(" ", time.Time{}); return err },
		"Open":      func() error { _, err := c.Open(ctx, analytics.Execution{ID: "x"}, nil); return err },
		"DownloadFile": func() error {
			_, err := c.DownloadFile(ctx, analytics.Execution{ReportID: "x"}, "nowhere", nil)
			return err
		},
		"dot":   func() error { _, err := c.DeleteReport(ctx, ".."); return err },
		"scope": func() error { return drain(c.Queries(ctx, analytics.QueriesRequest{Scope: 9})) },
		"no status": func() error {
			return drain(c.Executions(ctx, analytics.ExecutionsRequest{ReportIDs: []string{"a"}, Statuses: []analytics.ExecutionStatus{""}}))
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "analytics: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if n := len(rec.requests); n != 0 {
		t.Errorf("%d requests were sent: %v", n, rec.requests)
	}
}
