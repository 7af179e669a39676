package pctest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/payouts"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// origin is a fake on one port, and clients that reach it.
type origin struct {
	*pctest.Server
	t      testing.TB
	url    string
	direct *http.Client // to the port, by its address
	named  *http.Client // any name leads to the port
}

func serveOrigin(t testing.TB, srv *pctest.Server, access pctest.AdminAccess) *origin {
	t.Helper()
	cert, err := srv.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewUnstartedServer(srv.Handler(access))
	ts.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	ts.StartTLS()
	ca, err := srv.AuthorityPEM()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatalf("this is no certificate: %s", ca)
	}
	transport := func(dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
		return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DialContext: dial}
	}
	direct := transport(nil)
	named := transport(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, ts.Listener.Addr().String())
	})
	t.Cleanup(func() { direct.CloseIdleConnections(); named.CloseIdleConnections(); ts.Close() })
	return &origin{srv, t, ts.URL, &http.Client{Transport: direct}, &http.Client{Transport: named}}
}

// send sends a request and returns the status and the body.
func (o *origin) send(c *http.Client, method, url, body string, header ...string) (int, string) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// everyService uses each service once, with clients of this module that sign in.
func everyService(t *testing.T, o *origin, login string, c *http.Client, endpoint string) {
	t.Helper()
	ctx := t.Context()
	app := auth.App{TenantID: o.TenantID(), ClientID: o.ClientID(), Credential: auth.ClientSecret(o.ClientSecret())}
	source, err := auth.NewClientCredentials(app, &auth.Options{Authority: login, Transport: c.Transport})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	opts := func() *partnercenter.Options {
		return &partnercenter.Options{Endpoint: endpoint, Transport: c.Transport}
	}

	exports, err := payouts.New(o.TokenSource(), opts())
	if err != nil {
		t.Fatal(err)
	}
	poller, err := exports.StartExport(ctx, payouts.ExportRequest{Kind: payouts.Payments})
	if err != nil {
		t.Fatalf("payouts: %v", err)
	}
	export, err := poller.Wait(ctx, quickly)
	if err != nil {
		t.Fatalf("payouts: %v", err)
	}
	content, err := exports.Open(ctx, export, nil)
	if err != nil {
		t.Fatalf("payouts: %v", err)
	}
	for _, err := range payouts.PaymentRows(content, nil) {
		if err != nil {
			t.Fatalf("payouts: %v", err)
		}
	}
	if err := content.Close(); err != nil {
		t.Error(err)
	}

	reports, err := analytics.New(source, analytics.Marketplace, opts())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range reports.Datasets(ctx) {
		if err != nil {
			t.Errorf("analytics: %v", err)
		}
	}

	offers, err := ingestion.New(source, opts())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range offers.Products().All(ctx, ingestion.Filter{}) {
		if err != nil {
			t.Errorf("ingestion: %v", err)
		}
	}
}

func TestHandlerRoutesByHostName(t *testing.T) {
	t.Parallel()
	o := serveOrigin(t, pctest.NewServer(t), pctest.AdminOff)
	everyService(t, o, "", o.named, "")
}

func TestHandlerRoutesByPathOnOneOrigin(t *testing.T) {
	t.Parallel()
	o := serveOrigin(t, pctest.NewServer(t), pctest.AdminOff)
	everyService(t, o, o.url, o.direct, o.url)
}

func TestHandlerRoutesByHostNameInThePath(t *testing.T) {
	t.Parallel()
	o := serveOrigin(t, pctest.NewServer(t), pctest.AdminOff)
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {o.ClientID()}, "client_secret": {o.ClientSecret().Reveal()},
		"resource": {"https://api.partner.microsoft.com"},
	}
	status, body := o.send(o.direct, "POST", o.url+"/login.microsoftonline.com/contoso.example/oauth2/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &token); err != nil || status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	bearer := []string{"Authorization", "Bearer " + token.Access}
	api := o.url + "/api.partner.microsoft.com/v1.0/payouts/payments"
	status, body = o.send(o.direct, "POST", api, "", bearer...)
	if status != 202 {
		t.Fatalf("%d %s", status, body)
	}
	id := decode(t, []byte(body)).RequestID
	var link string
	for link == "" {
		status, body = o.send(o.direct, "GET", api+"/"+id, "", bearer...)
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		if e := decode(t, []byte(body)); e.BlobLocation != nil {
			link = *e.BlobLocation
		}
	}
	if !strings.HasPrefix(link, o.url+"/pctestexports.blob.core.windows.net/exports/") {
		t.Errorf("the link does not lead back: %s", link)
	}
	if status, body := o.send(o.direct, "GET", link, ""); status != 200 || !strings.HasPrefix(body, "PK") {
		t.Errorf("%d %.20q", status, body)
	}
	if got := o.Requests().To(pctest.Blob).On("GET", "/exports/*"); len(got) != 1 {
		t.Errorf("the download is recorded as %v", o.Requests())
	}
	for _, path := range []string{"/", "/contoso.example/nothing", "/example.com/v1.0/payouts/payments", "/_pctest", "/_pctestx/"} {
		if status, _ := o.send(o.direct, "GET", o.url+path, ""); status != 404 && !strings.HasPrefix(path, "/_pctest") || strings.HasPrefix(path, "/_pctest/") && status != 403 {
			t.Errorf("%s answers %d", path, status)
		}
	}
}

func TestLinksKeepThePortOfTheirClient(t *testing.T) {
	t.Parallel()
	o := serveOrigin(t, pctest.NewServer(t, pctest.WithBehavior(func(b *pctest.Behavior) { b.Steps = []pctest.Step{pctest.Completed()} })), pctest.AdminOff)
	c := newCaller(t, o.Server)
	c.http, c.base = o.named, "https://api.partner.microsoft.com:8443"
	link := c.link(pctest.Payments, c.start(pctest.Payments, ""))
	if !strings.HasPrefix(link, "https://pctestexports.blob.core.windows.net:8443/") {
		t.Errorf("the link is %s", link)
	}
	if resp, _ := c.download(link); resp.StatusCode != 200 {
		t.Errorf("the download answers %s", resp.Status)
	}
}

func TestAdminIsForWhomAccessAllows(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	for _, tt := range []struct {
		access pctest.AdminAccess
		remote string
		host   string
		want   int
	}{
		{pctest.AdminOff, "127.0.0.1:1", "127.0.0.1:8443", 403},
		{pctest.AdminLoopback, "127.0.0.1:1", "127.0.0.1:8443", 200},
		{pctest.AdminLoopback, "[::1]:1", "localhost:8443", 200},
		{pctest.AdminLoopback, "127.0.0.1:1", "api.partner.microsoft.com", 200},
		{pctest.AdminLoopback, "192.0.2.1:1", "127.0.0.1:8443", 403},
		{pctest.AdminLoopback, "127.0.0.1:1", "evil.example", 403}, // a name that DNS has led here
		{pctest.AdminLoopback, "nonsense", "127.0.0.1:8443", 403},
		{pctest.AdminAnywhere, "192.0.2.1:1", "emulator.example", 200},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "https://x/_pctest/state", nil)
		r.RemoteAddr, r.Host = tt.remote, tt.host
		w := httptest.NewRecorder()
		srv.Handler(tt.access).ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%+v: %d", tt, w.Code)
		}
	}
}

// consoleState is what a test looks at in the state.
type consoleState struct {
	Now     time.Time `json:"now"`
	Exports []struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	} `json:"exports"`
	Reports []struct {
		Executions []struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		} `json:"executions"`
	} `json:"reports"`
	Products []struct {
		OfferID     string `json:"offerId"`
		Submissions []struct {
			ID       string `json:"id"`
			State    string `json:"state"`
			Substate string `json:"substate"`
		} `json:"submissions"`
	} `json:"products"`
	Faults []struct {
		ID    int             `json:"id"`
		Fault json.RawMessage `json:"fault"`
	} `json:"faults"`
	Violations []string `json:"violations"`
	Requests   int      `json:"requests"`
}

func (o *origin) state() consoleState {
	o.t.Helper()
	status, body := o.send(o.direct, "GET", o.url+"/_pctest/state", "")
	var out consoleState
	if err := json.Unmarshal([]byte(body), &out); err != nil || status != 200 {
		o.t.Fatalf("%d %s", status, body)
	}
	return out
}

// steer calls the admin API.
func (o *origin) steer(method, path, body string, want int) string {
	o.t.Helper()
	status, answer := o.send(o.direct, method, o.url+"/_pctest/"+path, body)
	if status != want {
		o.t.Errorf("%s %s %s answers %d %s, want %d", method, path, body, status, answer, want)
	}
	return answer
}

func TestAdminSteersExports(t *testing.T) {
	t.Parallel()
	o := serveOrigin(t, pctest.NewServer(t, pctest.WithBehavior(func(b *pctest.Behavior) {
		b.Steps = []pctest.Step{pctest.ProcessingFor(24 * time.Hour), pctest.Completed()}
	})), pctest.AdminLoopback)
	c := newCaller(t, o.Server)
	ids := []string{c.start(pctest.Earnings, ""), c.start(pctest.Earnings, ""), c.start(pctest.Payments, "")}
	if got := o.state(); len(got.Exports) != 3 || got.Exports[0].ID != ids[0] || got.Exports[0].Status != "Processing" || got.Requests != 3 {
		t.Fatalf("%+v", got)
	}
	o.steer("POST", "exports/"+ids[0]+"/finish", `{"status": "Completed"}`, 200)
	o.steer("POST", "exports/"+ids[1]+"/finish", `{"status": "Failed"}`, 200)
	for i, want := range []string{"Completed", "Failed"} {
		if got := c.get(pctest.Earnings, ids[i]).Status; got != want {
			t.Errorf("export %d is %s, want %s", i, got, want)
		}
	}
	link := c.link(pctest.Earnings, ids[0])
	o.steer("POST", "exports/"+ids[0]+"/expire-links", "", 200)
	if resp, _ := c.download(link); resp.StatusCode != 403 {
		t.Errorf("an expired link answers %s", resp.Status)
	}
	before := o.state().Now
	o.steer("POST", "clock", `{"advance": "24h"}`, 200)
	if d := o.state().Now.Sub(before); d < 24*time.Hour {
		t.Errorf("the clock is %v further", d)
	}
	// The token has expired with it.
	fresh := newCaller(t, o.Server)
	if got := fresh.get(pctest.Payments, ids[2]).Status; got != "Completed" {
		t.Errorf("after a day the export is %s", got)
	}

	o.steer("POST", "reset", "", 200)
	if got := o.state(); len(got.Exports) != 0 {
		t.Errorf("after the reset: %+v", got)
	}
	if next := fresh.start(pctest.Earnings, ""); next == ids[0] || next == ids[1] || next == ids[2] {
		t.Error("an id is used again")
	}

	for path, want := range map[string]int{"exports/nothing/finish": 404, "exports/nothing/expire-links": 404, "exports": 404, "nothing": 404} {
		o.steer("POST", path, "", want)
	}
	for _, body := range []string{`{"advance": "soon"}`, `{"advance": "-1h"}`, `{"advance": "9999999h"}`, `{}`, `{"ahead": "1h"}`, `x`} {
		o.steer("POST", "clock", body, 400)
	}
	o.steer("POST", "exports/x/finish", `{"status": ""}`, 400)
}

func TestAdminSteersReportsAndSubmissions(t *testing.T) {
	t.Parallel()
	o := serveOrigin(t, pctest.NewServer(t), pctest.AdminLoopback)
	reports, err := analytics.New(o.AppOnlyTokenSource(), analytics.Marketplace, o.Options())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := reports.CreateReport(t.Context(), analytics.ReportRequest{Name: "now", QueryID: systemQuery(t, reports), ExecuteNow: true}); err != nil {
			t.Fatal(err)
		}
	}
	list := o.state().Reports
	if len(list) != 2 || len(list[0].Executions) != 1 || list[0].Executions[0].Status != "Pending" {
		t.Fatalf("%+v", list)
	}
	o.steer("POST", "executions/"+list[0].Executions[0].ID+"/finish", "", 200)
	o.steer("POST", "executions/"+list[1].Executions[0].ID+"/finish", `{"status": "Failed"}`, 200)
	o.steer("POST", "executions/"+list[0].Executions[0].ID+"/expire-links", "", 200)
	o.steer("POST", "executions/nothing/finish", "", 404)
	for i, want := range []string{"Completed", "Failed"} {
		if got := o.Analytics().Reports()[i].Runs[0].Status; got != want {
			t.Errorf("run %d is %s, want %s", i, got, want)
		}
	}

	ids := startSubmissions(t, o.Server, 2)
	o.steer("POST", "submissions/"+ids[0]+"/finish", "", 200)
	o.steer("POST", "submissions/"+ids[1]+"/finish", `{"status": "Failed"}`, 200)
	o.steer("POST", "submissions/"+ids[1]+"/finish", `{"status": "Lost"}`, 400)
	o.steer("POST", "submissions/nothing/finish", "", 404)
	products := o.state().Products
	for i, want := range []string{"ReadyToPublish", "Failed"} {
		if got := products[i].Submissions[0]; got.Substate != want || got.ID != ids[i] {
			t.Errorf("submission %d is %+v, want %s", i, got, want)
		}
	}
}

// systemQuery returns the id of a query that the service brings along.
func systemQuery(t *testing.T, c *analytics.Client) string {
	t.Helper()
	for q, err := range c.Queries(t.Context(), analytics.QueriesRequest{}) {
		if err != nil {
			t.Fatal(err)
		}
		return q.ID
	}
	t.Fatal("there is no query")
	return ""
}

// startSubmissions starts a submission of each of some offers.
func startSubmissions(t *testing.T, srv *pctest.Server, n int) []string {
	t.Helper()
	client := newPublisher(t, srv)
	ids := make([]string, n)
	for i := range ids {
		product, err := srv.Ingestion().AddProduct(pctest.Product{Type: "AzureApplication", OfferID: "offer-" + strconv.Itoa(i)})
		if err != nil {
			t.Fatal(err)
		}
		p := client.Product(product.ID)
		made, err := p.Submissions().Create(t.Context(), request(t, p, ingestion.ModuleListing, ingestion.ModuleResellerConfiguration))
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = made.ID
	}
	return ids
}

func TestAdminInjectsFaults(t *testing.T) {
	t.Parallel()
	o := serveOrigin(t, pctest.NewServer(t), pctest.AdminLoopback)
	c := newCaller(t, o.Server)
	c.http, c.base = o.direct, o.url
	o.steer("POST", "faults", `[{"status": 503, "times": 2}, {"status": 429, "path": "/none"}]`, 200)
	for _, want := range []int{503, 503, 404} {
		if resp, _ := c.do(t.Context(), "GET", "/v1.0/payouts/payments/x"); resp.StatusCode != want {
			t.Errorf("the answer is %s, want %d", resp.Status, want)
		}
	}
	left := o.state().Faults
	if len(left) != 1 || !bytes.Contains(left[0].Fault, []byte("429")) {
		t.Fatalf("%+v is left", left)
	}
	o.steer("DELETE", "faults/99", "", 404)
	o.steer("DELETE", "faults/x", "", 404)
	o.steer("DELETE", "faults/2", "", 200)
	o.steer("POST", "faults", `{"status": 500}`, 200)
	o.steer("DELETE", "faults", "", 200)
	if got := o.steer("GET", "faults", "", 200); strings.TrimSpace(got) != "[]" {
		t.Errorf("left are %s", got)
	}
	if got := o.steer("POST", "faults", `[{"status": 500}, {"stauts": 500}]`, 400); !strings.Contains(got, "fault 2") {
		t.Errorf("the mistake is told as %s", got)
	}
	if got := o.steer("GET", "faults", "", 200); strings.TrimSpace(got) != "[]" {
		t.Errorf("half a list was taken: %s", got)
	}
}

func TestAdminShowsRequestsWithoutSecrets(t *testing.T) {
	t.Parallel()
	o := serveOrigin(t, pctest.NewServer(t), pctest.AdminLoopback)
	c := newCaller(t, o.Server)
	link := c.link(pctest.Earnings, c.start(pctest.Earnings, "?$filter=earningAmount%20gt%200"))
	c.download(link)
	_, signature, _ := strings.Cut(link, "sig=")
	signature, _, _ = strings.Cut(signature, "&")
	if signature == "" {
		t.Fatalf("the link %s is not signed", link)
	}
	all := o.steer("GET", "requests", "", 200) + o.steer("GET", "state", "", 200)
	for name, secret := range map[string]string{"token": c.token.Reveal(), "signature": signature, "secret": o.ClientSecret().Reveal()} {
		if strings.Contains(all, secret) {
			t.Errorf("the %s is shown", name)
		}
	}
	var list []struct {
		Number      int    `json:"number"`
		Path        string `json:"path"`
		Status      int    `json:"status"`
		Fingerprint string `json:"fingerprint"`
	}
	if err := json.Unmarshal([]byte(o.steer("GET", "requests?after=1&limit=2", "", 200)), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[1].Number != o.state().Requests || list[1].Status != 200 || !strings.HasPrefix(list[1].Path, "/exports/") {
		t.Errorf("%+v", list)
	}
	o.steer("GET", "requests?after=x", "", 400)
	o.steer("GET", "requests?limit=-1", "", 400)

	// The token can be revoked by what is shown of it.
	o.steer("POST", "tokens/revoke", `{"fingerprint": "`+list[0].Fingerprint+`"}`, 200)
	if resp, _ := c.do(t.Context(), "GET", "/v1.0/payouts/payments/x"); resp.StatusCode != 401 {
		t.Errorf("a revoked token is answered with %s", resp.Status)
	}
	other := newCaller(t, o.Server)
	o.steer("POST", "tokens/revoke", `{"token": "`+other.token.Reveal()+`"}`, 200)
	if resp, _ := other.do(t.Context(), "GET", "/v1.0/payouts/payments/x"); resp.StatusCode != 401 {
		t.Errorf("a revoked token is answered with %s", resp.Status)
	}
	o.steer("POST", "tokens/revoke", `{"user": "`+o.Username()+`"}`, 200)
	o.steer("POST", "tokens/revoke", `{"token": "x"}`, 404)
	o.steer("POST", "tokens/revoke", `{"fingerprint": "x"}`, 404)
	o.steer("POST", "tokens/revoke", `{}`, 400)
	o.steer("POST", "tokens/revoke", `{"user": "a", "token": "b"}`, 400)

	o.steer("DELETE", "requests", "", 200)
	if got := o.steer("GET", "requests", "", 200); strings.TrimSpace(got) != "[]" {
		t.Errorf("left are %s", got)
	}
}

func TestAdminServesItsPage(t *testing.T) {
	t.Parallel()
	o := serveOrigin(t, pctest.NewServer(t), pctest.AdminLoopback)
	for path, want := range map[string]string{"": "text/html", "/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.url+"/_pctest"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := o.direct.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), want) || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%q: %s %v", path, resp.Status, resp.Header)
		}
	}
	// What a browser says about a page of another site.
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		if status, _ := o.send(o.direct, "POST", o.url+"/_pctest/reset", "", header, value); status != 403 {
			t.Errorf("%s: %s: %d", header, value, status)
		}
	}
}

// A device code is approved by the admin API: there is no page to enter it at.
func TestAdminApprovesDevices(t *testing.T) {
	t.Parallel()
	o := serveOrigin(t, pctest.NewServer(t), pctest.AdminLoopback)
	at := o.url + "/contoso.example/oauth2/v2.0/"
	form := func(pairs ...string) string {
		v := url.Values{"client_id": {o.ClientID()}}
		for i := 0; i+1 < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v.Encode()
	}
	post := func(path, body string) (int, map[string]any) {
		status, answer := o.send(o.direct, "POST", at+path, body, "Content-Type", "application/x-www-form-urlencoded")
		out := make(map[string]any)
		if err := json.Unmarshal([]byte(answer), &out); err != nil {
			t.Fatalf("%v in %s", err, answer)
		}
		return status, out
	}
	_, device := post("devicecode", form("scope", "https://api.partner.microsoft.com/.default offline_access"))
	code, _ := device["device_code"].(string)
	shown, _ := device["user_code"].(string)
	o.steer("POST", "devices/nothing/approve", `{"user": "`+o.Username()+`"}`, 404)
	o.steer("POST", "devices/"+shown+"/approve", `{"user": "nobody"}`, 404)
	o.steer("POST", "devices/"+shown+"/approve", `{"user": "`+o.Username()+`"}`, 200)
	status, token := post("token", form("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", code, "scope", "https://api.partner.microsoft.com/.default offline_access"))
	if status != 200 || token["access_token"] == nil || token["refresh_token"] == nil {
		t.Errorf("%d %v", status, token)
	}
}
