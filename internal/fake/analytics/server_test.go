package analytics

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const audience = "https://api.partnercenter.microsoft.com"

// fixture is a server of these tests. The token "app" is an application's, "user"
// a user's, "graph" one for another audience.
type fixture struct {
	*Server
	t     *testing.T
	clock *kit.Clock
	blobs *blob.Server
}

func newFixture(t *testing.T, change func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: new(kit.Clock)}
	ids := kit.NewIDs(1)
	f.blobs = blob.New(blob.Config{Clock: f.clock, IDs: ids, Recorder: new(kit.Recorder)})
	cfg := Config{
		Clock: f.clock, IDs: ids, Seed: 1, Blobs: f.blobs, BlobBase: func(*http.Request) string { return "https://acct.blob.core.windows.net" },
		User: "ada@contoso.example", Settings: DefaultSettings(),
		Check: func(token string) (kit.Claims, bool) {
			switch token {
			case "app":
				return kit.Claims{Audience: audience}, true
			case "user":
				return kit.Claims{Audience: audience + "/", UserID: "u"}, true
			case "graph":
				return kit.Claims{Audience: "https://graph.microsoft.com"}, true
			}
			return kit.Claims{}, false
		},
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Server = s
	t.Cleanup(s.Close)
	return f
}

// result is an answer of the service.
type result struct {
	status int
	header http.Header
	body   string
	env    struct {
		Value      []map[string]any `json:"value"`
		TotalCount int              `json:"totalCount"`
		Message    *string          `json:"message"`
		StatusCode int              `json:"statusCode"`
		NextLink   *string          `json:"nextLink"`
	}
}

func (r result) message() string {
	if r.env.Message == nil {
		return ""
	}
	return *r.env.Message
}

// first is a member of the first item.
func (r result) first(name string) any {
	if len(r.env.Value) == 0 {
		return "no item"
	}
	return r.env.Value[0][name]
}

const cmpBase, mpnBase = "/insights/v1.1/cmp/", "/insights/v1/mpn/"

func (f *fixture) do(method, path, body string, header ...string) result {
	f.t.Helper()
	r := httptest.NewRequestWithContext(f.t.Context(), method, "https://api.partnercenter.microsoft.com"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer app")
	if strings.Contains(strings.ToLower(path), "/mpn/") {
		r.Header.Set("Authorization", "Bearer user")
	}
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	out := result{status: w.Code, header: w.Header(), body: w.Body.String()}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(w.Body.Bytes(), &out.env); err != nil && w.Code < 300 {
			f.t.Fatalf("%v in %s", err, w.Body)
		}
	}
	return out
}

// query stores one and returns its id.
func (f *fixture) query(base, text string) string {
	f.t.Helper()
	body, err := json.Marshal(map[string]string{"name": "n", "QUERY": text})
	if err != nil {
		f.t.Fatal(err)
	}
	r := f.do(http.MethodPost, base+"ScheduledQueries", string(body))
	id, ok := r.first("queryId").(string)
	if r.status != http.StatusOK || !ok {
		f.t.Fatalf("%d %s", r.status, r.body)
	}
	return id
}

const usage = "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH"

// plan is the body of a scheduled report.
func (f *fixture) plan(queryID string, change map[string]any) string {
	f.t.Helper()
	body := map[string]any{
		"ReportName": "Daily", "QueryId": queryID, "StartTime": f.clock.Now().Add(5 * time.Hour).Format(wireTime),
		"RecurrenceInterval": 24, "RecurrenceCount": 3,
	}
	for k, v := range change {
		if body[k] = v; v == nil {
			delete(body, k)
		}
	}
	out, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(out)
}

func (f *fixture) report(body string) string {
	f.t.Helper()
	r := f.do(http.MethodPost, cmpBase+"ScheduledReport", body)
	id, ok := r.first("reportId").(string)
	if r.status != http.StatusOK || !ok {
		f.t.Fatalf("%d %s", r.status, r.body)
	}
	return id
}

func TestReportsAreCheckedInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		q := f.query(cmpBase, usage)
		long := strings.Repeat("ä", 257)
		soon := f.clock.Now().Add(4*time.Hour - time.Second).Format(wireTime)
		for _, tt := range []struct {
			change map[string]any
			status int
			want   string
		}{
			{map[string]any{"ReportName": nil}, 400, "Null or missing value: ReportName"},
			{map[string]any{"QueryId": ""}, 400, "Null or missing value: QueryId"},
			{map[string]any{"StartTime": nil}, 400, "Null or missing value: StartTime"},
			{map[string]any{"RecurrenceInterval": nil}, 400, "Null or missing value: RecurrenceInterval"},
			{map[string]any{"RecurrenceCount": nil}, 400, "Null or missing value: RecurrenceCount"},
			{map[string]any{"ReportName": "a;b", "StartTime": "x"}, 400, textPrefix + "Invalid character (;) in ReportName"},
			{map[string]any{"ReportName": long}, 400, textPrefix + "Limit ReportName and Description length to 256 characters or less"},
			{map[string]any{"Description": long}, 400, textPrefix + "Limit ReportName and Description length to 256 characters or less"},
			{map[string]any{"StartTime": "2030-01-01 00:00:00Z"}, 400, textPrefix + "StartTime should follow format: yyyy-MM-ddTHH:mm:ssZ"},
			{map[string]any{"EndTime": "soon"}, 400, textPrefix + "EndTime should follow format: yyyy-MM-ddTHH:mm:ssZ"},
			{map[string]any{"endTime": soon}, 400, textPrefix + "EndTime should be greater than StartTime"},
			{map[string]any{"StartTime": soon, "RecurrenceInterval": 1}, 400, textPrefix + "Start time of report should at least be 4 hours from current UTC time"},
			{map[string]any{"RecurrenceInterval": 3, "RecurrenceCount": 0}, 400, "Recurrence Interval must be between 4 and 2160"},
			{map[string]any{"RecurrenceInterval": 2161}, 400, "Recurrence Interval must be between 4 and 2160"},
			{map[string]any{"RecurrenceCount": 0, "Format": "x"}, 400, textPrefix + "Recurrence count has to be a positive integer value"},
			{map[string]any{"Format": "xlsx", "CallbackMethod": "PUT"}, 400, textPrefix + "Report format should be csv/tsv"},
			{map[string]any{"Format": "string"}, 400, "Requested value 'string' was not found."},
			{map[string]any{"CallbackMethod": "string"}, 400, "Requested value 'string' was not found."},
			{map[string]any{"CallbackMethod": "PUT", "QueryId": "x"}, 400, textPrefix + "CallbackMethod can only be GET or POST"},
			{map[string]any{"CallbackUrl": "/pc"}, 400, textPrefix + "CallbackUrl should be an absolute URL"},
			{map[string]any{"QueryId": "x"}, 400, "Invalid QueryID"},
			{map[string]any{"ExecuteNow": true, "QueryStartTime": "yesterday"}, 500, "Internal error encountered while creating report. Correlation ID "},
		} {
			r := f.do(http.MethodPost, cmpBase+"ScheduledReport", f.plan(q, tt.change))
			if r.status != tt.status || !strings.HasPrefix(r.message(), tt.want) || r.env.StatusCode != tt.status || r.env.Value == nil || len(r.env.Value) != 0 {
				t.Errorf("%v: %d %s", tt.change, r.status, r.body)
			}
		}
		if n := len(f.Reports()); n != 0 {
			t.Errorf("%d reports were made", n)
		}
		for _, body := range []string{"", "[]", "{", "null"} {
			for _, path := range []string{"ScheduledReport", "ScheduledQueries"} {
				if r := f.do(http.MethodPost, cmpBase+path, body); r.status != 400 {
					t.Errorf("%s: %q: %d", path, body, r.status)
				}
			}
		}
	})
}

func TestAReportsLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		id := f.report(f.plan(f.query(cmpBase, usage), map[string]any{"CALLBACKURL": "https://hooks.example/x"}))
		get := func() result {
			return f.do(http.MethodGet, cmpBase+"scheduledreport?REPORTID="+strings.ToUpper(id), "")
		}
		executions := func(query string) result {
			return f.do(http.MethodGet, cmpBase+"ScheduledReport/execution/"+id+query, "")
		}
		check := func(status string, left float64, completed int) {
			t.Helper()
			if r := get(); r.first("reportStatus") != status || r.first("recurrenceCount") != left {
				t.Errorf("after %v: %s", time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), r.body)
			}
			r := executions("?getLatestExecution=false")
			if completed == 0 && (r.status != 404 || r.message() != textNoRuns) || completed > 0 && len(r.env.Value) != completed {
				t.Errorf("executions %s", r.body)
			}
		}
		check("Active", 3, 0)
		pending := executions("?executionStatus=pending")
		if pending.first("executionStatus") != "Pending" || pending.first("reportAccessSecureLink") != nil || pending.first("reportGeneratedTime") != nil {
			t.Errorf("queue %s", pending.body)
		}
		time.Sleep(5 * time.Hour)
		check("Active", 2, 0)
		running := executions("?executionStatus=Running")
		if running.first("executionId") != pending.first("executionId") {
			t.Errorf("running %s, but announced was %s", running.body, pending.body)
		}
		time.Sleep(7*time.Minute - time.Second)
		check("Active", 2, 0)
		time.Sleep(time.Second)
		check("Active", 2, 1)
		if r := executions(""); r.first("reportExpiryTime") != nil || r.first("reportGeneratedTime") != "2000-01-01T05:07:00Z" || r.env.Message != nil ||
			r.first("nextExecutionStartTime") != "2000-01-02T05:00:00Z" || r.first("callbackUrl") != nil {
			t.Errorf("completed %s", r.body)
		}
		if r := f.do(http.MethodPut, cmpBase+"ScheduledReport/pause/"+id, ""); r.first("reportStatus") != "Paused" || r.message() != "Report paused successfully" {
			t.Errorf("paused %s", r.body)
		}
		if r := executions("?executionStatus=Paused"); len(r.env.Value) != 1 {
			t.Errorf("paused slot: %s", r.body)
		}
		time.Sleep(24 * time.Hour)
		check("Paused", 1, 1)
		if r := f.do(http.MethodPut, cmpBase+"ScheduledReport/resume/"+id, ""); r.first("reportStatus") != "Active" {
			t.Errorf("resumed %s", r.body)
		}
		time.Sleep(24 * time.Hour)
		check("Inactive", 0, 2) // the last one's seven minutes have passed as well
		if r := executions(""); len(r.env.Value) != 1 || r.first("reportGeneratedTime") != "2000-01-03T05:07:00Z" {
			t.Errorf("the latest one only: %s", r.body)
		}
		if r := executions("?getLatestExecution=false&executionStatus=Completed;Running"); len(r.env.Value) != 2 {
			t.Errorf("a list of statuses: %s", r.body)
		}
		for _, verb := range []string{"pause", "resume"} {
			if r := f.do(http.MethodPut, cmpBase+"ScheduledReport/"+verb+"/"+id, ""); r.status != 400 {
				t.Errorf("%s: %d", verb, r.status)
			}
		}
		update := f.plan("", map[string]any{"ReportName": "Other", "RecurrenceCount": 5, "StartTime": f.clock.Now().Add(5 * time.Hour).Format(wireTime)})
		if r := f.do(http.MethodPut, cmpBase+"ScheduledReport/"+id, update); r.first("reportStatus") != "Active" || r.first("recurrenceCount") != 5.0 ||
			r.first("reportName") != "Other" || r.first("modifiedTime") == nil || r.first("callbackUrl") != "https://hooks.example/x" {
			t.Errorf("updated %s", r.body)
		}
		for name, wrong := range map[string]map[string]any{"name": {"ReportName": nil}, "start": {"StartTime": "x"}, "format": {"Format": "x"}, "count": {"RecurrenceCount": -1}} {
			if r := f.do(http.MethodPut, cmpBase+"ScheduledReport/"+id, f.plan("", wrong)); r.status != 400 {
				t.Errorf("update with wrong %s: %s", name, r.body)
			}
		}
		time.Sleep(91 * 24 * time.Hour)
		f.do(http.MethodPut, cmpBase+"ScheduledReport/"+id, "{}")
		if runs := f.Reports()[0].Runs; len(runs) != 4 { // the oldest of the five was generated 90 days and more ago
			t.Errorf("%d runs are kept: %v", len(runs), runs)
		}
		if r := f.do(http.MethodDelete, cmpBase+"ScheduledReport/"+id, ""); r.first("reportId") != id {
			t.Errorf("deleted %s", r.body)
		}
		for _, r := range []result{get(), executions(""), f.do(http.MethodDelete, cmpBase+"ScheduledReport/"+id, "")} {
			if r.status != 404 || r.message() != textNoItem {
				t.Errorf("after deletion: %s", r.body)
			}
		}
	})
}

func TestExecuteNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		q := f.query(cmpBase, usage)
		body := f.plan(q, map[string]any{"ExecuteNow": true, "StartTime": "nonsense", "QueryStartTime": "1999-12-01T00:00:00Z", "QueryEndTime": "1999-12-03T00:00:00Z", "Format": "TSV"})
		r := f.do(http.MethodPost, cmpBase+"ScheduledReport", body)
		if r.first("reportStatus") != "Inactive" || r.first("recurrenceInterval") != -1.0 || r.first("recurrenceCount") != 1.0 || r.first("startTime") != r.first("createdTime") ||
			r.first("format") != "tsv" {
			t.Errorf("created %s", r.body)
		}
		id, _ := r.first("reportId").(string)
		status := func() string {
			for _, s := range []string{"Pending", "Running", "Completed"} {
				if r := f.do(http.MethodGet, cmpBase+"ScheduledReport/execution/"+id+"?executionStatus="+s, ""); r.status == 200 {
					return s
				}
			}
			return ""
		}
		var seen []string
		for _, d := range []time.Duration{0, 89 * time.Second, time.Second, 419 * time.Second, time.Second} {
			time.Sleep(d)
			seen = append(seen, status())
		}
		if diff := cmp.Diff([]string{"Pending", "Pending", "Running", "Running", "Completed"}, seen); diff != "" {
			t.Error(diff)
		}
		x := f.do(http.MethodGet, cmpBase+"ScheduledReport/execution/"+id, "")
		link, _ := x.first("reportAccessSecureLink").(string)
		u, err := url.Parse(link)
		if err != nil || u.Query().Get("se") != f.clock.Now().Add(7*24*time.Hour).Format(wireTime) || u.Query().Get("sp") != "r" ||
			strings.Split(link, "?")[0] != x.first("reportLocation") {
			t.Errorf("link %s, %v", link, err)
		}
		get := func(link string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			f.blobs.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody))
			return w
		}
		if w := get(link); w.Code != 200 || w.Header().Get("Content-Encoding") != "gzip" || w.Body.Bytes()[0] != 0x1f {
			t.Errorf("file: %d %v", w.Code, w.Header())
		}
		if w := get(strings.Replace(link, "sig=", "sig=x", 1)); w.Code != 403 || !strings.Contains(w.Body.String(), "<Error>") {
			t.Errorf("wrong signature: %d", w.Code)
		}
		again := f.do(http.MethodGet, cmpBase+"ScheduledReport/execution/"+id, "").first("reportAccessSecureLink")
		if again == link {
			t.Error("the link is not fresh")
		}
		id2, _ := x.first("executionId").(string)
		table, err := f.ExpectedRun(id2)
		days := f.day("UsageDate, OfferName, RawUsage", "WHERE UsageDate >= '1999-12-01' AND UsageDate <= '1999-12-03'")
		if err != nil || len(table.Rows) == 0 || len(days) == 0 || sum(table.Rows, 1) != sum(days, 2) {
			t.Errorf("%v for the window of its own, %v by condition; %v", table.Rows, days, err)
		}
		if r := f.do(http.MethodPut, cmpBase+"ScheduledReport/"+id, f.plan(q, nil)); r.status != 400 {
			t.Errorf("updated: %d", r.status)
		}
		f.clock.Advance(7 * 24 * time.Hour)
		if w := get(link); w.Code != 403 {
			t.Errorf("a week later: %d", w.Code)
		}
		if err := f.ReplaceFile(id2, []byte("x"), blob.Properties{}); err != nil || f.ExpireLinks(id2) != nil || f.ExpireLinks("") != nil {
			t.Error(err)
		}
		if f.ReplaceFile("x", nil, blob.Properties{}) == nil || f.ExpireLinks("x") == nil || f.CallAgain("x") == nil || f.CallAgain(id) == nil {
			t.Error("an unknown run, or nobody to call, is no error")
		}
	})
}

// day runs a query over all time.
func (f *fixture) day(columns, rest string) [][]string {
	f.t.Helper()
	t, err := f.Expected(Marketplace, "SELECT "+columns+" FROM ISVUsage "+rest+" TIMESPAN LIFETIME")
	if err != nil {
		f.t.Fatal(err)
	}
	return t.Rows
}

func sum(rows [][]string, column int) string {
	total := number0
	for _, r := range rows {
		total = total.Add(mustDecimal(r[column]))
	}
	return total.String()
}

func TestQueriesLists(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Settings.MaxQueries = 1; c.Settings.LocalQueryTime = true })
	id := f.query(cmpBase, usage)
	for _, tt := range []struct {
		query string
		want  func(n int) bool
	}{
		{"", func(n int) bool { return n > 2 }}, {"?includeSystemQueries=false", func(n int) bool { return n == 1 }},
		{"?IncludeSystemQueries=False", func(n int) bool { return n == 1 }}, {"?includeOnlySystemQueries=true", func(n int) bool { return n > 1 }},
		{"?queryId=" + id, func(n int) bool { return n == 1 }}, {"?queryName=N", func(n int) bool { return n == 1 }}, {"?queryName=none", func(n int) bool { return n == 0 }},
	} {
		r := f.do(http.MethodGet, cmpBase+"ScheduledQueries"+tt.query, "")
		if !tt.want(len(r.env.Value)) || (len(r.env.Value) == 0) != (r.status == 404 && r.message() == textNoItem) || r.env.TotalCount != len(r.env.Value) {
			t.Errorf("%s: %d, %s", tt.query, r.status, r.message())
		}
	}
	own := f.do(http.MethodGet, cmpBase+"ScheduledQueries?queryId="+id, "")
	if created, _ := own.first("createdTime").(string); own.first("query") != usage || strings.HasSuffix(created, "Z") || own.first("type") != "userDefined" {
		t.Errorf("own %s", own.body)
	}
	if r := f.do(http.MethodPost, cmpBase+"ScheduledQueries", `{"Name":"x","Query":"`+usage+`"}`); r.message() != "Number of queries exceeded. Delete few queries before creating new queries" {
		t.Errorf("quota: %s", r.body)
	}
	for body, want := range map[string]string{
		`{"Query":"x"}`: "Null or missing value: Name", `{"Name":"x"}`: "Null or missing value: Query", `{"Name":"x","Query":"SELECT a FROM b"}`: "Invalid table name",
		`{"Name":"x","Query":"SELECT a FROM ISVOrder"}`: "Incorrect column name", `{"Name":"x","Query":"SELECT"}`: "Invalid query: ",
	} {
		if r := f.do(http.MethodPost, cmpBase+"ScheduledQueries", body); r.status != 400 || !strings.HasPrefix(r.message(), want) {
			t.Errorf("%s: %s", body, r.body)
		}
	}
	system := f.do(http.MethodGet, cmpBase+"ScheduledQueries?includeOnlySystemQueries=true", "").first("queryId")
	for path, status := range map[string]int{fmt.Sprint(system): 400, "none": 404, id: 200, id + "%20": 404} {
		if path == id+"%20" {
			continue
		}
		if r := f.do(http.MethodDelete, cmpBase+"ScheduledQueries/"+path, ""); r.status != status {
			t.Errorf("deleting %s: %s", path, r.body)
		}
	}
}

func TestTrials(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	try := func(query string) result {
		return f.do(http.MethodGet, mpnBase+"ScheduledQueries/testQueryResult?"+query, "")
	}
	text := url.QueryEscape("SELECT Month, CustomerName, TotalMonthlyActiveUsers FROM OfficeUsage TIMESPAN LIFETIME")
	r := try("exportQuery=" + text)
	if r.status != 200 || len(r.env.Value) != 100 || r.env.Message != nil || !strings.Contains(r.body, `{"Month":`) {
		t.Errorf("%d rows, %d %s", len(r.env.Value), r.status, r.message())
	}
	if _, ok := r.first("TotalMonthlyActiveUsers").(string); !ok {
		t.Errorf("numbers are text by default: %v", r.env.Value[0])
	}
	id := f.query(mpnBase, "SELECT MPNId FROM Profile")
	if r := try("queryid=" + id); r.status != 200 {
		t.Errorf("by id: %s", r.body)
	}
	for query, want := range map[string]string{
		"": "Either", "exportQuery=" + text + "&queryId=" + id: "Either", "queryId=x": textNoQuery, "exportQuery=x": "Invalid query", "exportQuery=" + text + "&startTime=2024": "startTime should",
	} {
		if r := try(query); r.status != 400 || !strings.HasPrefix(r.message(), want) {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	now := f.clock.Now()
	if r := try("exportQuery=" + text + "&startTime=" + now.Format(wireTime)); r.status != 200 || len(r.env.Value) != 0 {
		t.Errorf("a window to come: %s", r.body)
	}
	if err := f.Configure(func(s *Settings) { s.TestRows, s.TypedPreview = 10, true }); err != nil {
		t.Fatal(err)
	}
	r = try("exportQuery=" + text)
	if _, ok := r.first("TotalMonthlyActiveUsers").(float64); !ok || len(r.env.Value) != 10 {
		t.Errorf("typed: %d rows, %v", len(r.env.Value), r.env.Value)
	}
}

func TestTokensAndRoutes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, tt := range []struct {
		path   string
		header []string
		status int
		want   string
	}{
		{cmpBase, []string{"Authorization", ""}, 404, ""},
		{cmpBase + "ScheduledDataset", []string{"Authorization", ""}, 401, ""},
		{cmpBase + "ScheduledDataset", []string{"Authorization", "Bearer x"}, 401, "Unauthorized"},
		{cmpBase + "ScheduledDataset", []string{"Authorization", "Bearer graph"}, 401, `"900420"`},
		{cmpBase + "ScheduledDataset", []string{"Authorization", "Bearer user"}, 403, "application"},
		{mpnBase + "ScheduledDataset", []string{"Authorization", "Bearer app"}, 403, "user"},
		{mpnBase + "ScheduledDataset", []string{"Authorization", "", "X-AadUserTicket", "user"}, 200, ""},
		{"/Insights/V1/MPN/scheduleddataset/", nil, 200, ""},
		{"/insights/v1/cmp/ScheduledDataset", nil, 404, ""},
		{"/insights/v1.1/mpn/ScheduledDataset", nil, 404, ""},
		{"/other/v1/mpn/ScheduledDataset", nil, 404, ""},
		{cmpBase + "ScheduledDataset/x/y", nil, 404, ""},
		{cmpBase + "Nothing", nil, 404, ""},
		{cmpBase + "ScheduledReport/x", nil, 405, ""},
		{cmpBase + "ScheduledReport/pause/%20", nil, 404, ""},
		{cmpBase + "ScheduledDataset?DATASETNAME=isvorder", nil, 200, "Dataset fetched successfully"},
		{cmpBase + "ScheduledDataset?datasetName=x", nil, 404, textNoItem},
		{cmpBase + "ScheduledReport/execution/x", nil, 404, textNoItem},
	} {
		if r := f.do(http.MethodGet, tt.path, "", tt.header...); r.status != tt.status || !strings.Contains(r.body, tt.want) {
			t.Errorf("%s: %d %s", tt.path, r.status, r.body)
		}
	}
	if r := f.do(http.MethodGet, cmpBase+"ScheduledReport/x", ""); r.header.Get("Allow") != "PUT, DELETE" {
		t.Errorf("Allow: %s", r.header.Get("Allow"))
	}
	if err := f.Configure(func(s *Settings) { s.OldVersion, s.AnyToken = true, true }); err != nil {
		t.Fatal(err)
	}
	if r := f.do(http.MethodGet, "/insights/v1/cmp/ScheduledDataset", "", "Authorization", "Bearer user"); r.status != 200 || r.first("minimumRecurrenceInterval") != nil {
		t.Errorf("v1: %d %v", r.status, r.env.Value)
	}
	if n := len(Operations()); n != 12 || !slices.Contains(Operations(), "GET /ScheduledReport/execution/{reportId}") {
		t.Errorf("operations %v", Operations())
	}
}

func TestOddities(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	a, b := f.report(f.plan(f.query(cmpBase, usage), nil)), f.report(f.plan(f.query(cmpBase, usage), map[string]any{"Format": "csv"}))
	lists := cmpBase + "ScheduledReport?reportId=" + a + ";" + b
	if r := f.do(http.MethodGet, lists, ""); len(r.env.Value) != 2 || strings.Contains(r.body, "nextLink") {
		t.Errorf("both: %s", r.body)
	}
	for name, tt := range map[string]struct {
		change func(*Settings)
		path   string
		want   func(result) bool
	}{
		"lists":      {func(s *Settings) { s.RefuseLists = true }, lists, func(r result) bool { return r.status == 400 }},
		"executions": {func(s *Settings) { s.RefuseLists = true }, cmpBase + "ScheduledReport/execution/" + a + ";" + b, func(r result) bool { return r.status == 400 }},
		"filter": {func(s *Settings) { s.BrokenStatusFilter = true }, cmpBase + "ScheduledReport/execution/" + a + "?executionStatus=Pending",
			func(r result) bool { return r.status == 404 && r.message() == textNoRuns }},
		"plain": {func(s *Settings) { s.PlainFindsQueue = true }, cmpBase + "ScheduledReport/execution/" + a,
			func(r result) bool { return r.first("executionStatus") == "Pending" }},
		"keys": {func(s *Settings) { s.PascalCase, s.PaddedKeys = true, true }, lists, func(r result) bool {
			return strings.Contains(r.body, `"ReportName ":`) && strings.Contains(r.body, `"TotalCount ":`) && !strings.Contains(r.body, `"reportName"`)
		}},
		"fields":   {func(s *Settings) { s.ExtraFields = true }, lists, func(r result) bool { return r.first("isPublicInOrg") == false }},
		"envelope": {func(s *Settings) { s.FullEnvelope = true }, lists, func(r result) bool { return strings.Contains(r.body, `"nextLink":null`) }},
		"pages": {func(s *Settings) { s.PageSize = 1 }, lists, func(r result) bool {
			if len(r.env.Value) != 1 || r.env.NextLink == nil {
				return false
			}
			u, err := url.Parse(*r.env.NextLink)
			if err != nil {
				return false
			}
			next := f.do(http.MethodGet, u.RequestURI(), "")
			return len(next.env.Value) == 1 && next.first("reportId") == b && next.env.NextLink == nil
		}},
		"text":    {func(s *Settings) { s.OmitText = true }, lists, func(r result) bool { return r.first("query") == nil && r.status == 200 }},
		"queries": {func(s *Settings) { s.KeepUsedQueries = true }, "DELETE", func(r result) bool { return r.status == 400 }},
		"ranges": {func(s *Settings) { s.DateRanges = []string{"TODAY"} }, cmpBase + "ScheduledDataset",
			func(r result) bool { return fmt.Sprint(r.first("availableDateRanges")) == "[TODAY]" }},
	} {
		if err := f.Configure(func(s *Settings) { *s = DefaultSettings(); tt.change(s) }); err != nil {
			t.Fatal(err)
		}
		var r result
		if tt.path == "DELETE" {
			r = f.do(http.MethodDelete, cmpBase+"ScheduledQueries/"+f.Reports()[0].QueryID, "")
		} else {
			r = f.do(http.MethodGet, tt.path, "")
		}
		if !tt.want(r) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	for _, wrong := range []func(*Settings){
		func(s *Settings) { s.RunTime = -1 }, func(s *Settings) { s.LinkLifetime = 0 }, func(s *Settings) { s.TestRows = 0 }, func(s *Settings) { s.PageSize = -1 },
	} {
		if err := f.Configure(wrong); err == nil {
			t.Error("nonsense was taken")
		}
	}
}

func TestTheDatasetsOwnMinimumCanCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Settings.MinInterval = 0 })
	f.report(f.plan(f.query(cmpBase, "SELECT AssetId FROM ISVOrder"), map[string]any{"RecurrenceInterval": 1}))
	body := f.plan(f.query(mpnBase, "SELECT MPNId FROM Profile"), map[string]any{"RecurrenceInterval": 23, "RecurrenceCount": nil})
	if r := f.do(http.MethodPost, mpnBase+"ScheduledReport", body); r.status != 400 || r.message() != "Recurrence Interval must be between 24 and 2160" {
		t.Errorf("%s", r.body)
	}
	body = f.plan(f.Queries()[1].ID, map[string]any{"RecurrenceCount": nil})
	if r := f.do(http.MethodPost, mpnBase+"ScheduledReport", body); r.status != 200 || r.first("user") != "ada@contoso.example" || !strings.Contains(r.body, `"dataRedacted":false`) {
		t.Errorf("without a count: %s", r.body)
	}
}

func TestScriptsAndCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		status := http.StatusOK
		f := newFixture(t, func(c *Config) {
			c.Callbacks = roundTrip(func(r *http.Request) (*http.Response, error) {
				asked = append(asked, r.Method+" "+r.URL.String())
				if status == 0 {
					return nil, errors.New("nobody there")
				}
				return &http.Response{StatusCode: status, Body: http.NoBody}, nil
			})
		})
		q := f.query(cmpBase, usage)
		now := func(change map[string]any) string {
			body := map[string]any{"ExecuteNow": true, "CallbackUrl": "https://h.example/a?b=c"}
			maps.Copy(body, change)
			return f.report(f.plan(q, body))
		}
		if err := f.Next(Script{ReportName: "other"}); err != nil {
			t.Fatal(err)
		}
		if err := f.Next(Script{
			ReportName: "daily", QueueTime: new(time.Duration(0)), RunTime: new(time.Minute), File: []byte("as it is"),
			Layout: &Layout{Plain: true}, Blob: &blob.Properties{NoMD5: true},
		}); err != nil {
			t.Fatal(err)
		}
		if err := f.Next(Script{RunTime: new(time.Duration(-1))}); err == nil {
			t.Error("a negative time was taken")
		}
		a := now(map[string]any{"CallbackMethod": "get"})
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{"GET https://h.example/a?b=c?reportId=" + a}, asked); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if r := f.do(http.MethodGet, cmpBase+"ScheduledReport/execution/"+a, ""); r.first("executionStatus") != "Completed" {
			t.Errorf("the script's time: %s", r.body)
		}
		for _, s := range []Script{{Status: "Failed"}, {NoLink: true}} {
			if err := f.Next(s); err != nil {
				t.Fatal(err)
			}
		}
		failed, noLink := now(map[string]any{"ReportName": "x"}), now(map[string]any{"ReportName": "x"})
		status = 0
		f.clock.Advance(9 * time.Minute)
		f.Moved()
		synctest.Wait()
		if len(asked) != 2 || asked[1] != "POST https://h.example/a?b=c/"+noLink {
			t.Errorf("calls %v", asked)
		}
		if r := f.do(http.MethodGet, cmpBase+"ScheduledReport/execution/"+failed+"?executionStatus=Failed", ""); r.first("reportAccessSecureLink") != nil || r.status != 200 {
			t.Errorf("failed: %s", r.body)
		}
		if r := f.do(http.MethodGet, cmpBase+"ScheduledReport/execution/"+noLink, ""); r.first("reportAccessSecureLink") != nil || r.status != 200 {
			t.Errorf("no link: %s", r.body)
		}
		if err := f.CallAgain(a); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		calls := f.Calls()
		if len(calls) != 3 || calls[0].Status != 200 || calls[1].Err == nil || calls[2].ReportID != a || calls[2].ExecutionID != calls[0].ExecutionID {
			t.Errorf("calls %+v", calls)
		}
		if err := f.Configure(func(s *Settings) { s.NoCallbackExecuteNow = true }); err != nil {
			t.Fatal(err)
		}
		now(nil)
		time.Sleep(time.Hour)
		if len(f.Calls()) != 3 {
			t.Error("a report with ExecuteNow was called for")
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSnapshots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		id := f.report(f.plan(f.query(cmpBase, usage), map[string]any{"CallbackUrl": "https://h.example/secret"}))
		time.Sleep(30 * time.Hour)
		run := f.Reports()[0].Runs[0].ID
		want, err := f.ExpectedRun(run)
		if err != nil {
			t.Fatal(err)
		}
		snap, err := f.Snapshot(false)
		if err != nil || strings.Contains(string(snap), "secret") {
			t.Fatalf("%v, %s", err, snap)
		}
		g := newFixture(t, nil)
		if err := g.Restore(snap); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f.Reports(), g.Reports()); diff != "" || g.Reports()[0].ID != id || len(g.Queries()) != 1 {
			t.Errorf("reports (-before +after):\n%s", diff)
		}
		got, err := g.ExpectedRun(run)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v, rows (-before +after):\n%s", err, diff)
		}
		for name, bad := range map[string]string{
			"twice": string(snap), "no JSON": "{", "another version": `{"pctestAnalytics": 2}`, "a null": `{"pctestAnalytics": 1, "reports": [null]}`,
			"a query that is none": strings.Replace(string(snap), "SELECT", "SELEKT", 1),
		} {
			if err := g.Restore([]byte(bad)); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if _, err := New(Config{Clock: f.clock, Data: Data{Latency: -1}, Settings: DefaultSettings()}); err == nil {
			t.Error("nonsense data was taken")
		}
		if _, err := New(Config{Clock: f.clock}); err == nil {
			t.Error("settings of zero were taken")
		}
	})
}

func TestTheListOfQueries(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("PARTNERCENTER_SPEC")
	if dir == "" {
		t.Skip("PARTNERCENTER_SPEC names no folder with the wire specification")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "analytics-queries.txt"))
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, nil)
	valid, found, empty := true, 0, 0
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
		if text == "" || strings.Contains(reason, "accept or reject is unknown") {
			continue
		}
		program := Partner
		if strings.Contains(strings.ToLower(text), "isv") {
			program = Marketplace
		}
		table, err := f.Expected(program, text)
		if (err == nil) != valid {
			t.Errorf("%s\nvalid %v: %v", text, valid, err)
		}
		if err != nil {
			for _, published := range []string{"Incorrect column name", "Invalid table name"} {
				if strings.HasPrefix(reason, published) && err.Error() != published {
					t.Errorf("%s: %v", text, err)
				}
			}
		}
		switch {
		case !valid:
		case len(table.Rows) == 0:
			empty++
		default:
			found++
		}
	}
	if empty > found { // a list that is about nothing says little
		t.Errorf("%d of the valid queries find nothing, %d something", empty, found)
	}
}
