package analytics_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

// scheduled is a request without any problem, at the time of a synctest bubble.
func scheduled(change func(*analytics.ReportRequest)) analytics.ReportRequest {
	r := analytics.ReportRequest{
		Name: "Daily", QueryID: "q-1", Start: time.Now().Add(5 * time.Hour), Interval: 24 * time.Hour, Count: 30,
		CallbackURL: partnercenter.NewSecret("https://hooks.example.com/secret-part"),
	}
	change(&r)
	return r
}

// Every rule, with the field it is about and what becomes of it: "refused" because
// a published rule is broken, "warned" because the documentation disagrees with
// itself, "must" because it cannot be sent at all.
var reportRules = []struct {
	name, field, text, want string
	change                  func(*analytics.ReportRequest)
}{
	{"no name", "ReportName", "is required", "refused", func(r *analytics.ReportRequest) { r.Name = " " }},
	{"semicolon", "ReportName", "semicolon", "refused", func(r *analytics.ReportRequest) { r.Name = "a;b" }},
	{"blanks", "ReportName", "blanks", "warned", func(r *analytics.ReportRequest) { r.Name = "a b" }},
	{"long name", "ReportName", "257 characters", "refused", func(r *analytics.ReportRequest) { r.Name = strings.Repeat("ä", 257) }},
	{"name of 256 characters", "", "", "", func(r *analytics.ReportRequest) { r.Name = strings.Repeat("ä", 256) }},
	{"long description", "Description", "257 characters", "refused", func(r *analytics.ReportRequest) { r.Description = strings.Repeat("x", 257) }},
	{"no query", "QueryId", "is required", "refused", func(r *analytics.ReportRequest) { r.QueryID = "" }},
	{"no start", "StartTime", "is required", "refused", func(r *analytics.ReportRequest) { r.Start = time.Time{} }},
	{"early start", "StartTime", "4 hours", "refused", func(r *analytics.ReportRequest) { r.Start = time.Now().Add(4*time.Hour - time.Second) }},
	{"start in four hours", "", "", "", func(r *analytics.ReportRequest) { r.Start = time.Now().Add(4 * time.Hour) }},
	{"start in the year 12000", "StartTime", "year 12000", "must", func(r *analytics.ReportRequest) { r.Start = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC) }},
	{"end before start", "EndTime", "must be after", "refused", func(r *analytics.ReportRequest) { r.End = r.Start }},
	{"no interval", "RecurrenceInterval", "is required", "refused", func(r *analytics.ReportRequest) { r.Interval = 0 }},
	{"interval of half an hour", "RecurrenceInterval", "whole hours", "must", func(r *analytics.ReportRequest) { r.Interval = 30 * time.Minute }},
	{"negative interval", "RecurrenceInterval", "whole hours", "must", func(r *analytics.ReportRequest) { r.Interval = -time.Hour }},
	{"interval of three hours", "RecurrenceInterval", "4 to 2160", "warned", func(r *analytics.ReportRequest) { r.Interval = 3 * time.Hour }},
	{"interval of four hours", "", "", "", func(r *analytics.ReportRequest) { r.Interval = 4 * time.Hour }},
	{"interval of 2161 hours", "RecurrenceInterval", "4 to 2160", "warned", func(r *analytics.ReportRequest) { r.Interval = 2161 * time.Hour }},
	{"no count", "RecurrenceCount", "v1.1 requires it", "warned", func(r *analytics.ReportRequest) { r.Count = 0 }},
	{"negative count", "RecurrenceCount", "positive", "refused", func(r *analytics.ReportRequest) { r.Count = -1 }},
	{"format", "Format", "csv or tsv", "refused", func(r *analytics.ReportRequest) { r.Format = "string" }},
	{"format in capitals", "", "", "", func(r *analytics.ReportRequest) { r.Format = "TSV" }},
	{"callback method", "CallbackMethod", "GET or POST", "refused", func(r *analytics.ReportRequest) { r.CallbackMethod = "string" }},
	{"callback method in small letters", "", "", "", func(r *analytics.ReportRequest) { r.CallbackMethod = "get" }},
	{"callback method alone", "CallbackMethod", "no effect", "warned", func(r *analytics.ReportRequest) { r.CallbackURL, r.CallbackMethod = partnercenter.Secret{}, "GET" }},
	{"callback over http", "CallbackUrl", "plain http", "warned", func(r *analytics.ReportRequest) {
		r.CallbackURL = partnercenter.NewSecret("http://x.example/secret-part")
	}},
	{"callback over ftp", "CallbackUrl", "scheme", "refused", func(r *analytics.ReportRequest) {
		r.CallbackURL = partnercenter.NewSecret("ftp://x.example/secret-part")
	}},
	{"callback without host", "CallbackUrl", "absolute URL", "refused", func(r *analytics.ReportRequest) { r.CallbackURL = partnercenter.NewSecret("/secret-part") }},
	{"callback that is no URL", "CallbackUrl", "absolute URL", "refused", func(r *analytics.ReportRequest) { r.CallbackURL = partnercenter.NewSecret("https://x\x00/secret-part") }},
	{"window without ExecuteNow", "QueryStartTime", "ExecuteNow only", "refused", func(r *analytics.ReportRequest) { r.QueryStart = time.Now() }},
	{"schedule with ExecuteNow", "ExecuteNow", "ignore", "warned", func(r *analytics.ReportRequest) { r.ExecuteNow = true }},
	{"backward window", "QueryEndTime", "must be after", "refused", func(r *analytics.ReportRequest) {
		*r = analytics.ReportRequest{Name: "n", QueryID: "q", ExecuteNow: true, QueryStart: time.Now(), QueryEnd: time.Now().Add(-time.Hour)}
	}},
}

func TestReportRules(t *testing.T) {
	for _, tc := range reportRules {
		for _, level := range []analytics.Checks{analytics.CheckPublished, analytics.CheckStrict, analytics.CheckNone} {
			t.Run(tc.name+[]string{"", ", strict", ", unchecked"}[level], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var warned []analytics.Problem
					rec := &recorder{answer: `{"value":[{"reportId":"r-1"}]}`}
					c, err := analytics.New(source(), analytics.Marketplace, &partnercenter.Options{Transport: rec}, analytics.WithChecks(level),
						analytics.WithWarnings(func(operation string, p analytics.Problem) {
							if operation != "create report" {
								t.Errorf("operation %q", operation)
							}
							warned = append(warned, p)
						}))
					if err != nil {
						t.Fatal(err)
					}
					_, err = c.CreateReport(t.Context(), scheduled(tc.change))
					refused := tc.want == "must" || tc.want == "refused" && level != analytics.CheckNone || tc.want == "warned" && level == analytics.CheckStrict
					if (err != nil) != refused || (len(rec.requests) == 0) != refused {
						t.Fatalf("error %v after %d requests; to be refused: %v", err, len(rec.requests), refused)
					}
					problems := warned
					if refused {
						e, ok := errors.AsType[*analytics.RequestError](err)
						if !ok || !strings.HasPrefix(err.Error(), "analytics: create report: "+tc.field+": ") {
							t.Fatalf("error %v", err)
						}
						problems = e.Problems
						if strings.Contains(err.Error(), "secret-part") {
							t.Errorf("the error holds the callback's secret: %v", err)
						}
					} else if want := tc.want == "warned" && level == analytics.CheckPublished; (len(warned) == 1) != want {
						t.Fatalf("warnings %v, want one: %v", warned, want)
					}
					for _, p := range problems {
						if p.Field != tc.field || !strings.Contains(p.Message, tc.text) || p.Disputed != (tc.want == "warned") {
							t.Errorf("problem %+v, want one of %s about %q", p, tc.field, tc.text)
						}
					}
				})
			})
		}
	}
}

func TestRulesOfTheOtherProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var warned []string
		rec := &recorder{answer: `{"value":[{"reportId":"r-1"}]}`}
		c, err := analytics.New(source(), analytics.Partner, &partnercenter.Options{Transport: rec}, analytics.WithWarnings(func(_ string, p analytics.Problem) {
			warned = append(warned, p.Field)
		}))
		if err != nil {
			t.Fatal(err)
		}
		// No count is fine here, and an end is not documented.
		if _, err := c.CreateReport(t.Context(), scheduled(func(r *analytics.ReportRequest) { r.Count, r.End = 0, r.Start.Add(time.Hour) })); err != nil {
			t.Fatal(err)
		}
		if _, err := c.UpdateReport(t.Context(), "r-1", analytics.UpdateRequest{
			Name: "n", Start: time.Now().Add(5 * time.Hour), End: time.Now().Add(7 * time.Hour), Interval: time.Hour,
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"EndTime", "EndTime", "RecurrenceInterval"}, warned); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	})
}

func TestUpdateRules(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*analytics.UpdateRequest)
		field  string
	}{
		"no name":  {func(u *analytics.UpdateRequest) { u.Name = "" }, "ReportName"},
		"no start": {func(u *analytics.UpdateRequest) { u.Start = time.Time{} }, "StartTime"},
		"early":    {func(u *analytics.UpdateRequest) { u.Start = time.Now() }, "StartTime"},
		"interval": {func(u *analytics.UpdateRequest) { u.Interval = time.Minute }, "RecurrenceInterval"},
		"count":    {func(u *analytics.UpdateRequest) { u.Count = -1 }, "RecurrenceCount"},
		"format":   {func(u *analytics.UpdateRequest) { u.Format = "xml" }, "Format"},
		"callback": {func(u *analytics.UpdateRequest) { u.CallbackURL = partnercenter.NewSecret("x") }, "CallbackUrl"},
		"end":      {func(u *analytics.UpdateRequest) { u.End = u.Start.Add(-time.Hour) }, "EndTime"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				u := analytics.UpdateRequest{Name: "n", Start: time.Now().Add(5 * time.Hour)}
				tc.change(&u)
				_, err := s.client(t, analytics.Marketplace).UpdateReport(t.Context(), "r-1", u)
				e, ok := errors.AsType[*analytics.RequestError](err)
				if !ok || len(e.Problems) != 1 || e.Problems[0].Field != tc.field || len(s.log()) != 0 {
					t.Errorf("error %v, want one about %s and no request", err, tc.field)
				}
			})
		})
	}
}

func TestQueryRules(t *testing.T) {
	s := newService()
	c := s.client(t, analytics.Marketplace)
	for _, tc := range []struct{ name, text, want string }{
		{"", "SELECT a FROM b", "Name: is required"},
		{"n", " ", "Query: is required"},
		{"n", "SELECT * FROM ISVUsage", "Query: query:1:8"},
		{"n", "SELECT a FROM b WHERE c = ‘x’", "Query: query:1:"},
	} {
		_, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: tc.name, Text: tc.text})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q, %q: error %v, want one with %q", tc.name, tc.text, err, tc.want)
		}
	}
	for _, req := range []analytics.PreviewRequest{{}, {Query: "SELECT a FROM b", QueryID: "q"}, {Query: "SELECT a"}} {
		if _, err := c.TestQuery(t.Context(), req); err == nil {
			t.Errorf("%+v: no error", req)
		}
	}
	if got := s.log(); len(got) != 0 {
		t.Errorf("requests were sent: %v", got)
	}
	if _, err := s.client(t, analytics.Marketplace, analytics.WithChecks(analytics.CheckNone)).CreateQuery(t.Context(), analytics.QueryRequest{Name: "n", Text: "SELECT * FROM b"}); err != nil {
		t.Errorf("unchecked: %v", err)
	}
}

func TestWarningsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c, err := analytics.New(source(), analytics.Marketplace, &partnercenter.Options{
			Transport: &recorder{answer: `{"value":[{"reportId":"r-1"}]}`}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateReport(t.Context(), scheduled(func(r *analytics.ReportRequest) { r.Name = "a b" })); err != nil {
			t.Fatal(err)
		}
		if got := log.String(); !strings.Contains(got, `level=WARN msg="analytics: create report" field=ReportName problem="contains blanks`) {
			t.Errorf("log: %s", got)
		}
	})
}

// What Update returns must be accepted as it is.
func TestReportUpdateStartsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for _, start := range []time.Time{now.Add(-100*time.Hour - time.Minute), now.Add(-24 * time.Hour), now, now.Add(3 * time.Hour), now.Add(50 * time.Hour)} {
			r := analytics.Report{ID: "r", Name: "n", Start: start, Interval: 6 * time.Hour, Count: 3, Status: analytics.ReportActive, Format: "csv"}
			u := r.Update()
			if off := u.Start.Sub(start) % r.Interval; off != 0 || u.Start.Before(now.Add(analytics.MinStartLead)) || u.Start.After(now.Add(analytics.MinStartLead+7*time.Hour)) && u.Start != start {
				t.Errorf("start %v becomes %v, %v off the grid", start, u.Start, off)
			}
			_ = analytics.Report{Start: start, Interval: time.Nanosecond}.Update() // nonsense, and no panic
			if u.Name != r.Name || u.Count != r.Count || u.Interval != r.Interval || u.Format != r.Format {
				t.Errorf("update %+v differs from the report", u)
			}
		}
	})
}
