package pctest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/pctest"
)

const marketplace = "/insights/v1.1/cmp/"

// reader is a plain HTTP client of the analytics API.
type reader struct {
	t     *testing.T
	http  *http.Client
	base  string
	token string
}

func newReader(t *testing.T, srv *pctest.Server) *reader {
	t.Helper()
	tok, err := srv.AppOnlyTokenSource().Token(t.Context(), partnercenter.TokenRequest{Resource: "https://api.partnercenter.microsoft.com"})
	if err != nil {
		t.Fatal(err)
	}
	return &reader{t: t, http: &http.Client{Transport: srv.Transport()}, base: "https://api.partnercenter.microsoft.com", token: tok.Value.Reveal()}
}

// do sends a request and returns the first item of the answer.
func (r *reader) do(method, path, body string) (int, map[string]any) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+marketplace+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var env struct {
		Value []map[string]any `json:"value"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&env); err != nil {
		r.t.Fatal(err)
	}
	if len(env.Value) == 0 {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, env.Value[0]
}

// runNow runs a query and returns the ids of report and query.
func (r *reader) runNow(more string) (reportID, queryID string) {
	r.t.Helper()
	_, q := r.do(http.MethodPost, "ScheduledQueries", `{"Name": "n", "Query": "SELECT OfferName, RawUsage FROM ISVUsage"}`)
	queryID, _ = q["queryId"].(string)
	status, rep := r.do(http.MethodPost, "ScheduledReport", `{"ReportName": "R", "ExecuteNow": true, "QueryId": "`+queryID+`"`+more+`}`)
	reportID, ok := rep["reportId"].(string)
	if !ok {
		r.t.Fatalf("%d %v", status, rep)
	}
	return reportID, queryID
}

// link is that of the report's file.
func (r *reader) link(reportID string) string {
	r.t.Helper()
	_, x := r.do(http.MethodGet, "ScheduledReport/execution/"+reportID, "")
	link, _ := x["reportAccessSecureLink"].(string)
	return link
}

func (r *reader) file(link string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, link, http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestAnalyticsUnderControl(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		called := 0
		hook := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			called++
			w.WriteHeader(http.StatusAccepted)
		})
		srv := pctest.NewServer(t, pctest.WithCallbacks(pctest.ToHandler(hook)), pctest.WithReportData(pctest.ReportData{RowsPerDay: 2}))
		a, r := srv.Analytics(), newReader(t, srv)
		if a.Data().RowsPerDay != 2 {
			t.Errorf("data %+v", a.Data())
		}
		var zip bytes.Buffer
		w := gzip.NewWriter(&zip)
		_, _ = io.WriteString(w, "OfferName\nof a file\n")
		_ = w.Close()
		for _, s := range []pctest.RunScript{
			{QueueTime: new(time.Minute), RunTime: new(time.Minute), File: zip.Bytes(), Serving: &pctest.FileBehavior{Gzip: true}},
			{Layout: &pctest.ReportLayout{Plain: true, BOM: true, CRLF: true}},
		} {
			if err := a.NextRun(s); err != nil {
				t.Fatal(err)
			}
		}
		first, query := r.runNow(`, "CallbackUrl": "https://hooks.example"`)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if status, text := r.file(r.link(first)); status != 200 || text != "OfferName\nof a file\n" || called != 1 {
			t.Errorf("%d %q, %d calls", status, text, called)
		}
		if err := a.CallAgain(first); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c := a.Callbacks(); len(c) != 2 || c[0].Status != http.StatusAccepted || c[0].ReportID != first || c[1].Method != "POST" || called != 2 {
			t.Errorf("calls %+v", c)
		}
		second, _ := r.runNow("")
		srv.Advance(10 * time.Minute)
		link := r.link(second)
		expected, err := a.Expected(pctest.MarketplaceReports, "SELECT OfferName, RawUsage FROM ISVUsage")
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		text.WriteString("\ufeffOfferName,RawUsage\r\n")
		for _, row := range expected.Rows {
			if name := row[0]; strings.ContainsAny(name, `,"`) {
				row[0] = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
			}
			text.WriteString(strings.Join(row, ",") + "\r\n")
		}
		if status, got := r.file(link); status != 200 || got != text.String() {
			t.Errorf("%d (-want +got):\n%s", status, cmp.Diff(text.String(), got))
		}
		reports := a.Reports()
		if len(reports) != 2 || reports[0].ID != first || reports[0].QueryID != query || !reports[0].ExecuteNow || reports[1].Runs[0].Status != "Completed" || len(a.Queries()) != 2 {
			t.Errorf("reports %+v", reports)
		}
		run := reports[1].Runs[0].ID
		if table, err := a.ExpectedRun(run); err != nil || len(table.Rows) != len(expected.Rows) {
			t.Errorf("%v, %v", table, err)
		}
		if err := a.ExpireLinks(run); err != nil {
			t.Fatal(err)
		}
		if status, _ := r.file(link); status != http.StatusForbidden {
			t.Errorf("expired link: %d", status)
		}
		if err := a.ReplaceFile(run, []byte("new"), pctest.FileBehavior{}); err != nil {
			t.Fatal(err)
		}
		if _, got := r.file(r.link(second)); got != "new" {
			t.Errorf("replaced: %q", got)
		}
		if err := a.SetData(pctest.ReportData{RowsPerDay: -1}); err != nil {
			t.Fatal(err)
		}
		if table, err := a.Expected(pctest.MarketplaceReports, "SELECT OfferName FROM ISVUsage"); err != nil || len(table.Rows) != 0 {
			t.Errorf("%v, %v", table, err)
		}
		if n := len(srv.Requests().To(pctest.Insights).On("POST", "/insights/v1.1/cmp/*")); n != 4 {
			t.Errorf("%d requests were recorded", n)
		}
	})
}

// TestEveryAnalyticsBehaviorArrives changes every field, and finds it changed.
func TestEveryAnalyticsBehaviorArrives(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	var want pctest.AnalyticsBehavior
	fill(reflect.ValueOf(&want).Elem())
	want.MaxInterval = want.MinInterval + 1
	set := func(b *pctest.AnalyticsBehavior) { *b = want }
	for name, s := range map[string]*pctest.Server{"configured": srv, "made so": pctest.NewServer(t, pctest.WithAnalyticsBehavior(set), pctest.WithAnalyticsBehavior(nil))} {
		if err := s.Analytics().Configure(set); err != nil && name == "configured" {
			t.Fatal(err)
		}
		if err := s.Analytics().Configure(func(b *pctest.AnalyticsBehavior) {
			if diff := cmp.Diff(want, *b); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}); err != nil {
			t.Error(err)
		}
	}
	if err := srv.Analytics().Configure(func(b *pctest.AnalyticsBehavior) { b.TestRows = -1 }); err == nil {
		t.Error("nonsense was taken")
	}
	if err := srv.Analytics().Configure(nil); err != nil {
		t.Error(err)
	}
}

// fill gives every field a value of its own that is not its zero.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int, reflect.Int64:
			f.SetInt(int64(100 + i))
		case reflect.String:
			f.SetString("text")
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"a", "b"}))
		case reflect.Struct:
			fill(f)
		default:
			panic(f.Kind())
		}
	}
}

func TestAnalyticsSurvivesInASnapshot(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	id, _ := newReader(t, srv).runNow("")
	snapshot, err := srv.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again := pctest.NewServer(t, pctest.WithSnapshot(snapshot))
	again.Advance(time.Hour)
	if status, text := newReader(t, again).file(newReader(t, again).link(id)); status != 200 || !strings.HasPrefix(text, "OfferName,RawUsage\n") {
		t.Errorf("%d %q", status, text)
	}
	// As written by a version without analytics.
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(snapshot, &parts); err != nil {
		t.Fatal(err)
	}
	delete(parts, "analytics")
	old, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := pctest.New(pctest.WithSnapshot(old)); err != nil {
		t.Error(err)
	} else if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := pctest.New(pctest.WithSnapshot(bytes.Replace(snapshot, []byte(`"pctestAnalytics":1`), []byte(`"pctestAnalytics":9`), 1))); err == nil {
		t.Error("a snapshot of another version was taken")
	}
	for _, o := range []pctest.Option{
		pctest.WithReportData(pctest.ReportData{Latency: -1}), pctest.WithAnalyticsBehavior(func(b *pctest.AnalyticsBehavior) { b.TestRows = 0 }),
	} {
		if _, err := pctest.New(o); err == nil {
			t.Error("nonsense was taken")
		}
	}
}

func TestAnalyticsOnTheAPIsPort(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	loop, err := srv.Listen()
	if err != nil {
		t.Fatal(err)
	}
	r := newReader(t, srv)
	r.http, r.base = loop.Client(), loop.APIURL
	id, _ := r.runNow("")
	srv.Advance(10 * time.Minute)
	link := r.link(id)
	if status, text := r.file(link); status != 200 || !strings.HasPrefix(link, loop.BlobURL) || !strings.HasPrefix(text, "OfferName") {
		t.Errorf("%d %q from %s", status, text, strings.Split(link, "?")[0])
	}
}
