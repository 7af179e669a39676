package analytics_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

const (
	token    = "test-token-value-0123456789"
	blobHost = "acct.blob.core.windows.net"
	wireTime = "2006-01-02T15:04:05Z"

	textNotFound = "No item found with given filters"
	textNoRuns   = "There are no executions that have occurred for the given filter conditions. Please recheck the reportId or " +
		"executionId and retry the API after the report's scheduled execution time"
)

// service is a small Partner Center: stored queries, reports, their runs, and the
// blob store with the files. Its switches are the oddities that have been seen.
type service struct {
	mu       sync.Mutex
	n        int
	queries  []*storedQuery
	reports  []*report
	datasets []map[string]any
	requests []request
	expired  map[string]bool // signatures

	generation  time.Duration // from a run's slot to its file
	file        []byte        // of every run
	preview     func(query string) []map[string]any
	redacted    bool
	listsFail   bool           // semicolons are refused
	filterFails bool           // the status filter finds nothing
	plainQueue  bool           // the plain question also finds unfinished runs
	strange     string         // the status of runs that are not completed
	noLink      bool           // completed runs have no link
	textless    bool           // 404 answers have a body of the gateway
	totalCount  bool           // the count is the one asked for, not the remaining
	oldReports  bool           // without the fields that older examples lack
	deadEnds    bool           // ended schedules cannot be taken up again
	forget      map[string]int // methods and paths whose answer is lost so many times
	fail        func(*http.Request) *http.Response
	filter      func(*http.Request, *http.Response) *http.Response
}

type storedQuery struct {
	id, name, description, text, kind string
	created                           time.Time
}

type report struct {
	id, name, description, queryID, text, status, format, callback, method string
	created, modified, start, end, from, to                                time.Time
	now                                                                    bool
	interval, count                                                        int
	paused                                                                 []span
}

type span struct{ from, to time.Time }

type request struct {
	method, path, query string
	header              http.Header
	body                string
}

func (r request) String() string {
	s := r.method + " " + r.path
	if r.query != "" {
		s += "?" + r.query
	}
	if r.body != "" {
		s += " " + r.body
	}
	return s
}

func newService() *service {
	return &service{generation: 510 * time.Second, file: []byte("OfferName,RawUsage\nContoso Backup,12.5\nContoso Scan,0.16667\n")}
}

func source() partnercenter.TokenSource {
	return partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{Value: partnercenter.NewSecret(token), ExpiresOn: time.Now().Add(time.Hour)}, nil
	})
}

func (s *service) client(tb testing.TB, program analytics.Program, more ...analytics.Option) *analytics.Client {
	tb.Helper()
	c, err := analytics.New(source(), program, &partnercenter.Options{Transport: s}, more...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// log returns the requests so far, without those to the blob store, and forgets
// them.
func (s *service) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.requests {
		if !strings.HasPrefix(r.path, "/programmatic-export/") {
			out = append(out, r.String())
		}
	}
	s.requests = nil
	return out
}

func (s *service) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request{req.Method, req.URL.Path, req.URL.RawQuery, req.Header.Clone(), string(body)})
	if s.fail != nil {
		if resp := s.fail(req); resp != nil {
			return resp, nil
		}
	}
	if req.URL.Host == blobHost {
		return s.blob(req), nil
	}
	if req.Header.Get("Authorization") != "Bearer "+token {
		return answer(http.StatusUnauthorized, `{"code":"900420","message":"The audience of the token is invalid"}`), nil
	}
	resp := s.api(req, body)
	if key := req.Method + " " + req.URL.Path; s.forget[key] > 0 {
		s.forget[key]--
		return nil, errors.New("connection reset")
	}
	if s.filter != nil {
		resp = s.filter(req, resp)
	}
	return resp, nil
}

func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)),
		Header:        http.Header{"Content-Type": {"application/json"}, "Request-Id": {"req-1"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
}

func (s *service) ok(message string, items ...map[string]any) *http.Response {
	if items == nil {
		items = []map[string]any{}
	}
	b, err := json.Marshal(map[string]any{
		"value": items, "nextLink": nil, "totalCount": len(items), "message": message, "statusCode": 200, "dataRedacted": s.redacted,
	})
	if err != nil {
		panic(err)
	}
	return answer(http.StatusOK, string(b))
}

func refuse(status int, message string) *http.Response {
	return answer(status, fmt.Sprintf(`{"value":[],"totalCount":0,"message":%q,"statusCode":%d}`, message, status))
}

func (s *service) missing(message string) *http.Response {
	if s.textless {
		return answer(http.StatusNotFound, "")
	}
	return refuse(http.StatusNotFound, message)
}

func (s *service) id(kind string) string {
	s.n++
	return fmt.Sprintf("%s-%d", kind, s.n)
}

func (s *service) api(req *http.Request, body []byte) *http.Response {
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/") // insights, version, program, resource, ...
	if len(parts) < 4 || parts[0] != "insights" {
		return answer(http.StatusNotFound, `{"statusCode":404,"message":"Resource not found"}`)
	}
	q := req.URL.Query()
	var in map[string]any
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			return refuse(http.StatusBadRequest, "Null or missing value")
		}
	}
	rest := parts[4:]
	switch key := req.Method + " " + parts[3]; {
	case key == "GET ScheduledDataset":
		return s.ok("Dataset fetched successfully", s.datasets...)
	case key == "POST ScheduledQueries":
		return s.createQuery(in)
	case key == "GET ScheduledQueries" && len(rest) == 1:
		var rows []map[string]any
		if s.preview != nil {
			rows = s.preview(q.Get("exportQuery"))
		}
		return s.ok("", rows...)
	case key == "GET ScheduledQueries":
		return s.listQueries(q)
	case key == "DELETE ScheduledQueries":
		i := slices.IndexFunc(s.queries, func(x *storedQuery) bool { return x.id == rest[0] })
		if i < 0 {
			return s.missing(textNotFound)
		}
		x := s.queries[i]
		s.queries = slices.Delete(s.queries, i, i+1)
		return s.ok("Query deleted successfully", x.json())
	case key == "POST ScheduledReport":
		return s.createReport(in)
	case key == "GET ScheduledReport" && len(rest) == 2:
		return s.executions(rest[1], q)
	case key == "GET ScheduledReport":
		return s.listReports(q)
	case key == "PUT ScheduledReport" && len(rest) == 2:
		return s.pause(rest[1], rest[0] == "pause")
	case key == "PUT ScheduledReport":
		return s.updateReport(rest[0], in)
	case key == "DELETE ScheduledReport":
		i := slices.IndexFunc(s.reports, func(x *report) bool { return x.id == rest[0] })
		if i < 0 {
			return s.missing(textNotFound)
		}
		x := s.reports[i]
		s.reports = slices.Delete(s.reports, i, i+1)
		return s.ok("Report deleted successfully", s.reportJSON(x))
	}
	return answer(http.StatusNotFound, `{"statusCode":404,"message":"Resource not found"}`)
}

func str(in map[string]any, name string) string {
	v, _ := in[name].(string)
	return v
}

func num(in map[string]any, name string) int {
	v, _ := in[name].(float64)
	return int(v)
}

func at(in map[string]any, name string) time.Time {
	t, err := time.Parse(wireTime, str(in, name))
	if err != nil {
		return time.Time{}
	}
	return t
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(wireTime)
}

func (x *storedQuery) json() map[string]any {
	return map[string]any{
		"queryId": x.id, "name": x.name, "description": x.description, "query": x.text, "type": x.kind, "user": "142300001",
		"createdTime": x.created.UTC().Format("2006-01-02T15:04:05"), "modifiedTime": nil,
	}
}

func (s *service) createQuery(in map[string]any) *http.Response {
	if len(s.queries) >= 100 {
		return refuse(http.StatusBadRequest, "Number of queries exceeded. Delete few queries before creating new queries")
	}
	x := &storedQuery{s.id("query"), str(in, "Name"), str(in, "Description"), str(in, "Query"), "userDefined", time.Now()}
	s.queries = append(s.queries, x)
	return s.ok("Query created successfully", x.json())
}

func (s *service) listQueries(q url.Values) *http.Response {
	var out []map[string]any
	for _, x := range s.queries {
		if id := q.Get("queryId"); id != "" && id != x.id {
			continue
		}
		if name := q.Get("queryName"); name != "" && !strings.EqualFold(name, x.name) {
			continue
		}
		if q.Get("includeSystemQueries") == "false" && x.kind == "system" {
			continue
		}
		if q.Get("includeOnlySystemQueries") == "true" && x.kind != "system" {
			continue
		}
		out = append(out, x.json())
	}
	if len(out) == 0 {
		return s.missing(textNotFound)
	}
	return s.ok("", out...)
}

func (s *service) createReport(in map[string]any) *http.Response {
	i := slices.IndexFunc(s.queries, func(x *storedQuery) bool { return x.id == str(in, "QueryId") })
	if i < 0 {
		return refuse(http.StatusBadRequest, "Invalid QueryID")
	}
	x := &report{
		id: s.id("report"), name: str(in, "ReportName"), description: str(in, "Description"), queryID: s.queries[i].id, text: s.queries[i].text,
		status: "Active", format: str(in, "Format"), callback: str(in, "CallbackUrl"), method: str(in, "CallbackMethod"),
		created: time.Now(), start: at(in, "StartTime"), end: at(in, "EndTime"), from: at(in, "QueryStartTime"), to: at(in, "QueryEndTime"),
		interval: num(in, "RecurrenceInterval"), count: num(in, "RecurrenceCount"),
	}
	if now, _ := in["ExecuteNow"].(bool); now {
		recent := 0
		for _, r := range s.reports {
			if r.now && time.Since(r.created) < time.Hour {
				recent++
			}
		}
		if recent >= 5 {
			return refuse(http.StatusBadRequest, "User has exceeded its ExecuteNow report creation quota of 5 reports/60 mins")
		}
		x.now, x.status, x.start, x.interval, x.count = true, "Inactive", x.created, -1, 1
	} else if x.start.Before(time.Now().Add(4 * time.Hour)) {
		return refuse(http.StatusBadRequest, "Invalid report parameters for creation - Start time of report should at least be 4 hours from current UTC time")
	}
	s.reports = append(s.reports, x)
	return s.ok("Report created successfully", s.reportJSON(x))
}

// slots lists the times until now at which the report has run or is running.
func (s *service) slots(x *report) []time.Time {
	if x.now {
		return []time.Time{x.start}
	}
	var out []time.Time
	for i := 0; x.count == 0 || i < x.count; i++ {
		t := x.start.Add(time.Duration(i*x.interval) * time.Hour)
		if t.After(time.Now()) || !x.end.IsZero() && t.After(x.end) {
			break
		}
		if !slices.ContainsFunc(x.paused, func(p span) bool { return !t.Before(p.from) && (p.to.IsZero() || t.Before(p.to)) }) {
			out = append(out, t)
		}
	}
	return out
}

func (s *service) reportJSON(x *report) map[string]any {
	status, count := x.status, x.count
	if !x.now && x.count > 0 {
		done := 0
		for i := range x.count {
			if !x.start.Add(time.Duration(i*x.interval) * time.Hour).After(time.Now()) {
				done++
			}
		}
		if !s.totalCount {
			count -= done
		}
		if done == x.count && status == "Active" {
			status = "Inactive"
		}
	}
	out := map[string]any{
		"reportId": x.id, "reportName": x.name, "description": x.description, "queryId": x.queryID, "query": x.text, "user": "142300001",
		"createdTime": stamp(x.created), "modifiedTime": stamp(x.modified), "executeNow": x.now,
		"queryStartTime": stamp(x.from), "queryEndTime": stamp(x.to), "startTime": stamp(x.start), "endTime": stamp(x.end),
		"reportStatus": status, "recurrenceInterval": x.interval, "recurrenceCount": count,
		"callbackUrl": nil, "callbackMethod": nil, "format": x.format,
	}
	if x.callback != "" {
		out["callbackUrl"], out["callbackMethod"] = x.callback, "POST"
		if x.method != "" {
			out["callbackMethod"] = x.method
		}
	}
	if s.oldReports {
		for _, name := range []string{"executeNow", "queryStartTime", "queryEndTime", "callbackMethod"} {
			delete(out, name)
		}
	}
	return out
}

func (s *service) listReports(q url.Values) *http.Response {
	if s.listsFail && strings.Contains(q.Get("reportId"), ";") {
		return refuse(http.StatusBadRequest, "Bad Request")
	}
	var out []map[string]any
	for _, x := range s.reports {
		if id := q.Get("reportId"); id != "" && !slices.Contains(strings.Split(id, ";"), x.id) {
			continue
		}
		if name := q.Get("reportName"); name != "" && !strings.HasPrefix(strings.ToLower(x.name), strings.ToLower(name)) {
			continue // prefixes match too, as one client assumes
		}
		if id := q.Get("queryId"); id != "" && id != x.queryID {
			continue
		}
		out = append(out, s.reportJSON(x))
	}
	if len(out) == 0 {
		return s.missing(textNotFound)
	}
	return s.ok("", out...)
}

func (s *service) find(id string) *report {
	if i := slices.IndexFunc(s.reports, func(x *report) bool { return x.id == id }); i >= 0 {
		return s.reports[i]
	}
	return nil
}

func (s *service) updateReport(id string, in map[string]any) *http.Response {
	x := s.find(id)
	if x == nil {
		return s.missing(textNotFound)
	}
	if x.now || s.deadEnds && s.reportJSON(x)["reportStatus"] == "Inactive" {
		return refuse(http.StatusBadRequest, "The report cannot be updated")
	}
	start := at(in, "StartTime")
	if start.Before(time.Now().Add(4 * time.Hour)) {
		return refuse(http.StatusBadRequest, "Start time of report should at least be 4 hours from current UTC time")
	}
	x.name, x.start, x.modified = str(in, "ReportName"), start, time.Now()
	if v, ok := in["Description"].(string); ok {
		x.description = v
	}
	if v := num(in, "RecurrenceInterval"); v != 0 {
		x.interval = v
	}
	if v := num(in, "RecurrenceCount"); v != 0 {
		x.count = v
	}
	if v := str(in, "Format"); v != "" {
		x.format = v
	}
	if v := str(in, "CallbackUrl"); v != "" {
		x.callback = v
	}
	if v := str(in, "CallbackMethod"); v != "" {
		x.method = v
	}
	return s.ok("Report updated successfully", s.reportJSON(x))
}

func (s *service) pause(id string, pause bool) *http.Response {
	x := s.find(id)
	switch {
	case x == nil:
		return s.missing(textNotFound)
	case pause:
		x.status, x.paused = "Paused", append(x.paused, span{from: time.Now()})
		return s.ok("Report paused successfully", s.reportJSON(x))
	}
	x.status = "Active"
	if n := len(x.paused); n > 0 {
		x.paused[n-1].to = time.Now()
	}
	return s.ok("Report resumed successfully", s.reportJSON(x))
}

// executions answers for one report. Runs are Running from their slot until their
// file is written; the next slot of an active schedule is Pending.
func (s *service) executions(id string, q url.Values) *http.Response {
	if s.listsFail && strings.Contains(id+q.Get("executionStatus")+q.Get("executionId"), ";") {
		return refuse(http.StatusBadRequest, "Bad Request")
	}
	x := s.find(id)
	if x == nil {
		return s.missing(textNotFound)
	}
	status := q.Get("executionStatus")
	if s.filterFails && status != "" {
		return s.missing(textNoRuns)
	}
	all := q.Get("getLatestExecution") == "false"
	plain := status == ""
	if plain {
		status = "Completed"
	}
	var out []map[string]any
	for i, slot := range slices.Backward(s.slots(x)) {
		if time.Since(slot) > 90*24*time.Hour {
			continue
		}
		execution := s.executionJSON(x, i, slot)
		if want := q.Get("executionId"); want != "" && want != execution["executionId"] {
			continue
		}
		if execution["executionStatus"] != status && (!plain || !s.plainQueue) {
			continue
		}
		out = append(out, execution)
		if !all {
			break
		}
	}
	if len(out) == 0 {
		return s.missing(textNoRuns)
	}
	return s.ok("", out...)
}

func (s *service) executionJSON(x *report, i int, slot time.Time) map[string]any {
	out := map[string]any{
		"executionId": fmt.Sprintf("%s-run-%d", x.id, i), "reportId": x.id, "recurrenceInterval": x.interval, "recurrenceCount": x.count,
		"callbackUrl": nil, "callbackMethod": nil, "format": x.format, "executionStatus": "Running", "reportLocation": nil,
		"reportAccessSecureLink": nil, "reportExpiryTime": nil, "reportGeneratedTime": nil,
	}
	if s.strange != "" {
		out["executionStatus"] = s.strange
	}
	done := slot.Add(s.generation)
	if done.After(time.Now()) {
		return out
	}
	out["executionStatus"], out["reportGeneratedTime"] = "Completed", stamp(done)
	path := "https://" + blobHost + "/programmatic-export/" + url.PathEscape(x.name) + "_" + x.id + ".csv"
	out["reportLocation"] = path
	if !s.noLink {
		s.n++
		out["reportAccessSecureLink"] = fmt.Sprintf("%s?sv=2018-03-28&sr=b&sig=sig%dSECRET&se=%s&sp=r", path, s.n,
			url.QueryEscape(time.Now().Add(7*24*time.Hour).UTC().Format(wireTime)))
	}
	return out
}

func (s *service) blob(req *http.Request) *http.Response {
	if req.Header.Get("Authorization") != "" || req.Header.Get("X-AadUserTicket") != "" {
		panic("a token was sent to the blob store")
	}
	q := req.URL.Query()
	until, err := time.Parse(wireTime, q.Get("se"))
	if err != nil || !until.After(time.Now()) || s.expired[q.Get("sig")] {
		resp := answer(http.StatusForbidden, `<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.</Message></Error>`)
		resp.Header.Set("Content-Type", "application/xml")
		return resp
	}
	data, status, header := s.file, http.StatusOK, http.Header{"Etag": {`"0x1"`}, "Content-Type": {"text/csv"}}
	if bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		header.Set("Content-Encoding", "gzip")
	}
	var first, last int
	if n, _ := fmt.Sscanf(req.Header.Get("Range"), "bytes=%d-%d", &first, &last); n > 0 {
		if n == 1 || last >= len(data) {
			last = len(data) - 1
		}
		if first > last { // an empty blob has no range
			resp := answer(http.StatusRequestedRangeNotSatisfiable, `<?xml version="1.0"?><Error><Code>InvalidRange</Code></Error>`)
			resp.Header.Set("Content-Range", fmt.Sprintf("bytes */%d", len(data)))
			return resp
		}
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(data)))
		status, data = http.StatusPartialContent, data[first:last+1]
	}
	resp := answer(status, "")
	resp.Header, resp.ContentLength, resp.Body = header, int64(len(data)), io.NopCloser(bytes.NewReader(data))
	return resp
}

func gzipped(tb testing.TB, text string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}
