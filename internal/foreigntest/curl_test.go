package foreigntest

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// curl runs curl the way that documentation does: with the public addresses, which lead to
// the emulator.
type curl struct {
	*emulator
	resolve []string
	token   string
}

func newCurl(t *testing.T, e *emulator) *curl {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		without(t, "this test runs curl: install it (Debian: apt-get install curl)")
	}
	return &curl{emulator: e, resolve: []string{"--connect-to", "::" + e.Address}}
}

// run calls an address and returns the status, the header and the body.
func (c *curl) run(args ...string) (status int, header string, body []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	dir := c.t.TempDir()
	out, head := filepath.Join(dir, "body"), filepath.Join(dir, "header")
	all := append([]string{"-sS", "--cacert", c.CAFile, "-o", out, "-D", head, "-w", "%{http_code}", "--globoff"}, c.resolve...)
	if c.token != "" {
		all = append(all, "-H", "Authorization: Bearer "+c.token)
	}
	cmd := exec.CommandContext(ctx, "curl", append(all, args...)...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	code, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("curl %s: %v: %s", strings.Join(args, " "), err, &problems)
	}
	status, err = strconv.Atoi(string(code))
	if err != nil {
		c.t.Fatal(err)
	}
	h, err := os.ReadFile(head)
	if err != nil {
		c.t.Fatal(err)
	}
	if body, err = os.ReadFile(out); err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	return status, string(h), body
}

// want calls an address and expects a status.
func (c *curl) want(status int, args ...string) []byte {
	c.t.Helper()
	got, _, body := c.run(args...)
	if got != status {
		c.t.Fatalf("curl %s: %d, want %d: %.500s", strings.Join(args, " "), got, status, body)
	}
	return body
}

// json decodes the answer.
func (c *curl) json(status int, into any, args ...string) {
	c.t.Helper()
	body := c.want(status, args...)
	if err := json.Unmarshal(body, into); err != nil {
		c.t.Fatalf("curl %s: %v in %.500s", strings.Join(args, " "), err, body)
	}
}

// send sends an object of JSON.
func (c *curl) send(status int, into any, method, url, body string, more ...string) {
	c.t.Helper()
	args := append([]string{"-X", method, "-H", "Content-Type: application/json", "--data-binary", body}, more...)
	c.json(status, into, append(args, url)...)
}

// signIn asks the token endpoint; version is "" or "v2.0/".
func (c *curl) signIn(version string, fields ...string) {
	c.t.Helper()
	c.token = ""
	args := []string{"https://login.microsoftonline.com/" + c.TenantDomain + "/oauth2/" + version + "token"}
	for _, f := range append(fields, "client_id="+c.Clients[0].ClientID, "client_secret="+c.Clients[0].ClientSecret) {
		args = append(args, "--data-urlencode", f)
	}
	var answer struct {
		Type        string `json:"token_type"`
		AccessToken string `json:"access_token"`
	}
	c.json(200, &answer, args...)
	if answer.Type != "Bearer" || answer.AccessToken == "" {
		c.t.Fatalf("no token: %+v", answer)
	}
	c.token = answer.AccessToken
}

// advance moves the emulator's clock, in place of waiting.
func (c *curl) advance(by string) {
	c.t.Helper()
	c.want(200, "-X", "POST", "--data", `{"advance": "`+by+`"}`, c.Admin+"clock")
}

// download gets a link, as everybody who has it can: without a token.
func (c *curl) download(link string, more ...string) (int, string, []byte) {
	c.t.Helper()
	bare := &curl{emulator: c.emulator, resolve: c.resolve}
	return bare.run(append(more, link)...)
}

type exportList struct {
	Value []struct {
		ID     string `json:"requestId"`
		Status string `json:"status"`
		Link   string `json:"blobLocation"`
	} `json:"value"`
}

// The walk through of https://learn.microsoft.com/partner-center/developer/get-started-with-the-earnings-apis
// and its neighbours: a refresh token, an export, polls, the file, the end.
func TestCurlExportsEarningsAndPayments(t *testing.T) {
	t.Parallel()
	c := newCurl(t, startEmulator(t, "-export-time", "30m"))
	for kind, filter := range map[string]string{
		"transactionhistory": "earningAmount gt 0 and programName eq 'Azure Marketplace'",
		"payments":           "paymentAmount gt 1",
	} {
		c.signIn("v2.0/", "grant_type=refresh_token", "refresh_token="+c.RefreshToken, "scope=https://api.partner.microsoft.com/.default")
		base := "https://api.partner.microsoft.com/v1.0/payouts/" + kind
		var made, seen exportList
		// -G moves the fields into the query, as documentation writes it.
		c.json(202, &made, "-X", "POST", "-H", "Content-Length: 0", "-G", "--data-urlencode", "$filter="+filter, "--data-urlencode", "fileFormat=csv", base)
		if len(made.Value) != 1 || made.Value[0].Status != "Queued" || made.Value[0].Link != "" {
			t.Fatalf("%s: %+v", kind, made)
		}
		address := base + "/" + made.Value[0].ID
		c.advance("5m")
		if c.json(200, &seen, address); seen.Value[0].Status != "Processing" {
			t.Errorf("%s: %+v", kind, seen)
		}
		c.want(400, "-X", "DELETE", address)
		c.advance("25m")
		if c.json(200, &seen, address); seen.Value[0].Status != "Completed" {
			t.Fatalf("%s: %+v", kind, seen)
		}
		status, header, file := c.download(seen.Value[0].Link)
		if status != 200 || !bytes.HasPrefix(file, []byte("PK")) || !strings.Contains(strings.ToLower(header), "content-md5:") {
			t.Errorf("%s: the file is answered with %d %s%.20q", kind, status, header, file)
		}
		if status, _, part := c.download(seen.Value[0].Link, "-r", "0-99"); status != 206 || !bytes.Equal(part, file[:100]) {
			t.Errorf("%s: a part is answered with %d and %d bytes", kind, status, len(part))
		}
		c.want(200, "-X", "DELETE", address)
		c.want(404, address)
	}
	if s := c.look(c); len(s.Exports) != 2 || !s.Exports[0].Deleted || !s.Exports[1].Deleted {
		t.Errorf("%+v", s)
	}
}

type reportEnvelope struct {
	Value []struct {
		QueryID     string `json:"queryId"`
		ReportID    string `json:"reportId"`
		Status      string `json:"reportStatus"`
		ExecutionID string `json:"executionId"`
		Execution   string `json:"executionStatus"`
		Link        string `json:"reportAccessSecureLink"`
	} `json:"value"`
	Total   int    `json:"totalCount"`
	Message string `json:"message"`
}

// The walk through of
// https://learn.microsoft.com/partner-center/insights/analytics-make-your-first-api-call,
// and every other operation.
func TestCurlRunsMarketplaceReports(t *testing.T) {
	t.Parallel()
	c := newCurl(t, startEmulator(t))
	c.signIn("", "grant_type=client_credentials", "resource=https://api.partnercenter.microsoft.com")
	const base = "https://api.partnercenter.microsoft.com/insights/v1.1/cmp/"
	var e reportEnvelope
	if c.json(200, &e, base+"ScheduledDataset"); e.Total == 0 {
		t.Error("there are no datasets")
	}
	const query = "SELECT UsageDate, NormalizedUsage, OfferName FROM ISVUsage TIMESPAN LAST_MONTH"
	c.send(200, &e, "POST", base+"ScheduledQueries", `{"Name": "Usage", "Description": "last month", "Query": "`+query+`"}`)
	queryID := e.Value[0].QueryID
	var preview struct {
		Value []map[string]any `json:"value"`
	}
	c.json(200, &preview, "-G", "--data-urlencode", "exportQuery="+query, base+"ScheduledQueries/testQueryResult")
	if len(preview.Value) == 0 || preview.Value[0]["OfferName"] == nil {
		t.Errorf("the query finds %v", preview.Value)
	}
	if c.json(200, &e, base+"ScheduledQueries?includeOnlySystemQueries=true"); e.Total == 0 {
		t.Error("there are no system queries")
	}

	c.send(200, &e, "POST", base+"ScheduledReport", `{"ReportName": "UsageNow", "QueryId": "`+queryID+`", "ExecuteNow": true, "Format": "csv"}`)
	now := e.Value[0].ReportID
	c.want(404, base+"ScheduledReport/execution/"+now)
	if c.json(200, &e, base+"ScheduledReport/execution/"+now+"?executionStatus=Pending"); e.Value[0].Execution != "Pending" {
		t.Errorf("%+v", e)
	}
	c.advance("10m")
	c.json(200, &e, base+"ScheduledReport/execution/"+now+"?executionStatus=Completed&getLatestExecution=true")
	status, header, file := c.download(e.Value[0].Link, "--compressed")
	first, _, _ := strings.Cut(string(file), "\n")
	if status != 200 || strings.TrimSpace(first) != "UsageDate,NormalizedUsage,OfferName" || !strings.Contains(strings.ToLower(header), "content-encoding: gzip") {
		t.Errorf("the file is answered with %d %s%s", status, header, first)
	}
	if lines := bytes.Count(file, []byte("\n")); lines <= len(preview.Value) {
		t.Errorf("the file has %d lines, and the query found %d rows", lines, len(preview.Value))
	}

	// A schedule, and all that can be done with it. Times to come are the server's.
	_, header, _ = c.run(base + "ScheduledDataset")
	date := regexp.MustCompile(`(?i)\ndate: (.*)\r`).FindStringSubmatch(header)
	if date == nil {
		t.Fatalf("no date in %s", header)
	}
	start := strings.TrimSpace(string(mustOutput(t, "date", "-u", "-d", date[1]+" + 5 hours", "+%Y-%m-%dT%H:%M:%SZ")))
	c.send(200, &e, "POST", base+"ScheduledReport",
		`{"ReportName": "Usage", "QueryId": "`+queryID+`", "StartTime": "`+start+`", "RecurrenceInterval": 24, "RecurrenceCount": 3, "Format": "tsv", "CallbackUrl": "https://127.0.0.1:9/hook"}`)
	report := base + "ScheduledReport/" + e.Value[0].ReportID
	if e.Value[0].Status != "Active" {
		t.Errorf("%+v", e)
	}
	for _, step := range []struct{ verb, want string }{{"pause", "Paused"}, {"resume", "Active"}} {
		c.json(200, &e, "-X", "PUT", "-H", "Content-Length: 0", base+"ScheduledReport/"+step.verb+"/"+e.Value[0].ReportID)
		if e.Value[0].Status != step.want {
			t.Errorf("%s: %+v", step.verb, e)
		}
	}
	c.send(200, &e, "PUT", report, `{"ReportName": "Renamed", "StartTime": "`+start+`", "RecurrenceInterval": 24, "RecurrenceCount": 2}`)
	if c.json(200, &e, base+"ScheduledReport?reportName=Renamed"); e.Total != 1 {
		t.Errorf("%+v", e)
	}
	c.json(200, &e, "-X", "DELETE", report)
	c.json(200, &e, "-X", "DELETE", base+"ScheduledQueries/"+queryID)
	c.look(c)
}

func mustOutput(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Without a way to change what names lead to, a client takes the port: --resolve needs it
// in the address, and links must keep it.
func TestCurlResolvesNamesToAnotherPort(t *testing.T) {
	t.Parallel()
	c := newCurl(t, startEmulator(t))
	port := c.port()
	c.resolve = []string{"--resolve", "*:" + port + ":127.0.0.1"}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	c.json(200, &token, "--data-urlencode", "grant_type=refresh_token", "--data-urlencode", "refresh_token="+c.RefreshToken,
		"--data-urlencode", "client_id="+c.Clients[0].ClientID, "--data-urlencode", "client_secret="+c.Clients[0].ClientSecret,
		"--data-urlencode", "resource=https://api.partner.microsoft.com", "https://login.microsoftonline.com:"+port+"/"+c.TenantID+"/oauth2/token")
	c.token = token.AccessToken
	base := "https://api.partner.microsoft.com:" + port + "/v1.0/payouts/payments"
	var e exportList
	c.json(202, &e, "-X", "POST", "-H", "Content-Length: 0", base)
	address := base + "/" + e.Value[0].ID
	for e.Value[0].Link == "" {
		c.json(200, &e, address)
	}
	if status, _, file := c.download(e.Value[0].Link); status != 200 || !bytes.HasPrefix(file, []byte("PK")) {
		t.Errorf("%d %.20q", status, file)
	}
}

// What goes wrong is answered as users have reported it.
func TestCurlMeetsRefusals(t *testing.T) {
	t.Parallel()
	c := newCurl(t, startEmulator(t, "-mfa"))
	const payments = "https://api.partner.microsoft.com/v1.0/payouts/payments/00000000-0000-4000-8000-000000000000"
	c.want(401, payments)

	c.signIn("", "grant_type=client_credentials", "resource=https://graph.microsoft.com")
	if body := c.want(401, payments); !bytes.Contains(body, []byte(`"message":"Unauthorized: Invalid Authorization header, incorrect audience"`)) {
		t.Errorf("a foreign audience: %s", body)
	}
	if body := c.want(401, "https://api.partnercenter.microsoft.com/insights/v1.1/cmp/ScheduledDataset"); !bytes.Contains(body, []byte("900420")) {
		t.Errorf("a foreign audience: %s", body)
	}

	// The password grant has no second factor.
	c.signIn("", "grant_type=password", "username="+c.Users[0].Username, "password="+c.Users[0].Password, "resource=https://api.partner.microsoft.com")
	status, header, body := c.run("-H", "ValidateMfa: true", payments)
	if status != 401 || !bytes.Contains(body, []byte("900421")) || !strings.Contains(strings.ToLower(header), "ismfacompliant: false") {
		t.Errorf("without a second factor: %d %s%s", status, header, body)
	}
	c.signIn("", "grant_type=refresh_token", "refresh_token="+c.RefreshToken, "resource=https://api.partner.microsoft.com")
	status, header, _ = c.run("-H", "ValidateMfa: true", payments)
	if status != 404 || !strings.Contains(strings.ToLower(header), "ismfacompliant: true") {
		t.Errorf("with a second factor: %d %s", status, header)
	}
	bare := &curl{emulator: c.emulator, resolve: c.resolve}
	if body := bare.want(400, "-d", "grant_type=password", "-d", "client_id="+c.Clients[0].ClientID, "--data-urlencode", "username="+c.Users[1].Username,
		"--data-urlencode", "password="+c.Users[1].Password, "-d", "resource=https://api.partner.microsoft.com",
		"https://login.microsoftonline.com/organizations/oauth2/token"); !bytes.Contains(body, []byte("AADSTS50076")) {
		t.Errorf("an account with a second factor: %s", body)
	}
	c.look(bare)
}
