package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

func TestZeroOptionsMeanTheDefaults(t *testing.T) {
	for name, opts := range map[string]*partnercenter.Options{"nil": nil, "zero": {}} {
		c, err := New(static("t"), opts, testDefaults)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.base.String() != testEndpoint || c.prefix != "/v1.0" || c.resource != testResource || c.tenant != "" ||
			c.policy != newPolicy(partnercenter.RetryOptions{}) || c.log == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestClientsShareTheirTransports(t *testing.T) {
	for i, shared := range []func() *http.Transport{sharedTransport, sharedBlobTransport} {
		wire := shared()
		if wire != shared() || wire == http.DefaultTransport {
			t.Fatalf("transport %d is not one of our own", i)
		}
		if wire.TLSHandshakeTimeout == 0 || wire.IdleConnTimeout == 0 || wire.MaxIdleConnsPerHost < 2 {
			t.Errorf("transport %d has careless settings: %+v", i, wire)
		}
	}
	c, err := New(static("t"), nil, testDefaults)
	if err != nil {
		t.Fatal(err)
	}
	if c.Blob().wire != http.RoundTripper(sharedBlobTransport()) {
		t.Error("blobs come over the connections of the API")
	}
	wire := script(respond(200, ""))
	if c := newClient(t, wire, partnercenter.Options{}, static("t")); c.Blob().wire != http.RoundTripper(wire) {
		t.Error("blobs do not come over the caller's transport")
	}
}

// Where the other side offers it, API calls share a connection by HTTP/2, and
// parts of a file do not.
func TestPartsOfFilesDoNotShareOneConnection(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Spoken", r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	for want, shared := range map[string]*http.Transport{"HTTP/2.0": sharedTransport(), "HTTP/1.1": sharedBlobTransport()} {
		wire := shared.Clone()
		wire.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		defer wire.CloseIdleConnections()
		c := newClient(t, wire, partnercenter.Options{}, static("t"))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Blob().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Spoken"); got != want {
			t.Errorf("%s is spoken, want %s", got, want)
		}
	}
}

func TestNewDoesNoIO(t *testing.T) {
	wire := script(respond(200, ""))
	asked := 0
	src := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		asked++
		return partnercenter.Token{}, nil
	})
	newClient(t, wire, partnercenter.Options{}, src).Blob()
	if wire.calls() != 0 || asked != 0 {
		t.Errorf("New sent %d requests and asked for %d tokens", wire.calls(), asked)
	}
}

func TestOptionsAreCopied(t *testing.T) {
	wire := script(respond(503, ""))
	other := script(respond(200, ""))
	opts := &partnercenter.Options{
		Endpoint: testEndpoint + "/one", APIVersion: "v1", Resource: "https://one.example.test", TenantID: "one",
		Transport: wire, Retry: noRetry, UserAgent: "one",
	}
	src := &issuer{}
	c, err := New(src, opts, testDefaults)
	if err != nil {
		t.Fatal(err)
	}
	*opts = partnercenter.Options{
		Endpoint: "https://two.example.test", APIVersion: "v2", Resource: "https://two.example.test", TenantID: "two",
		Transport: other, Retry: quick, UserAgent: "two", Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	_, err = c.Do(t.Context(), get("/x"))
	wantStatus(t, err, 503)
	if wire.calls() != 1 || other.calls() != 0 {
		t.Fatalf("%d and %d requests", wire.calls(), other.calls())
	}
	r := wire.requests()[0]
	if r.URL.String() != testEndpoint+"/one/v1/x" || !strings.HasPrefix(r.UserAgent(), "one ") {
		t.Errorf("sent to %s as %s", r.URL, r.UserAgent())
	}
	if diff := cmp.Diff([]partnercenter.TokenRequest{{Resource: "https://one.example.test", TenantID: "one", Host: "api.example.test"}}, src.asked); diff != "" {
		t.Error(diff)
	}
}

func TestBadOptionsAreRefusedWithAdvice(t *testing.T) {
	for name, tc := range map[string]struct {
		opts partnercenter.Options
		text string
	}{
		"no host":          {partnercenter.Options{Endpoint: "api.partner.microsoft.com"}, "write it like https://"},
		"port only":        {partnercenter.Options{Endpoint: "https://:443"}, "no host"},
		"plain http":       {partnercenter.Options{Endpoint: "http://api.example.test"}, "use https"},
		"other scheme":     {partnercenter.Options{Endpoint: "ftp://api.example.test"}, "use https"},
		"user":             {partnercenter.Options{Endpoint: "https://hush@api.example.test"}, "without user"},
		"query":            {partnercenter.Options{Endpoint: "https://api.example.test?hush=1"}, "without user, query"},
		"query, no host":   {partnercenter.Options{Endpoint: "api.example.test?hush=1"}, "without user, query"},
		"fragment":         {partnercenter.Options{Endpoint: "https://api.example.test#x"}, "fragment"},
		"not a URL":        {partnercenter.Options{Endpoint: "https://api.example.test/%zz"}, "not a URL"},
		"version":          {partnercenter.Options{APIVersion: ".."}, "APIVersion"},
		"resource blank":   {partnercenter.Options{Resource: " https://api.example.test"}, "not an audience"},
		"resource a scope": {partnercenter.Options{Resource: "https://api.example.test/.default"}, "leave out /.default"},
		"user agent":       {partnercenter.Options{UserAgent: "a\r\nX-Evil: 1"}, "UserAgent"},
	} {
		_, err := New(static("t"), &tc.opts, testDefaults)
		wantText(t, err, tc.text, "options:")
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error shows what may be secret: %v", name, err)
		}
	}
	_, err := New(nil, nil, testDefaults)
	wantText(t, err, "token source is nil", "package auth")
	_, err = New(static("t"), nil, Defaults{Endpoint: testEndpoint, Resource: testResource})
	wantText(t, err, "APIVersion")
	_, err = New(static("t"), nil, Defaults{Endpoint: testEndpoint, APIVersion: "v1"})
	wantText(t, err, "Resource")
}

func TestRequestTarget(t *testing.T) {
	for _, tc := range []struct{ endpoint, version, path, query, want string }{
		{testEndpoint, "", "/payouts", "", "/v1.0/payouts"},
		{testEndpoint + "/", "v2", "/a", "x=1", "/v2/a?x=1"},
		{testEndpoint + "/api/", "/v2/", "/a", "", "/api/v2/a"},
		{testEndpoint + "/a%2Fb", "", "/c%2Fd", "", "/a%2Fb/v1.0/c%2Fd"},
		{testEndpoint, "", "/with blank?and#more", "", "/v1.0/with%20blank%3Fand%23more"},
	} {
		wire := script(respond(200, ""))
		c := newClient(t, wire, partnercenter.Options{Endpoint: tc.endpoint, APIVersion: tc.version})
		if _, err := c.Do(t.Context(), Request{Method: http.MethodGet, Path: tc.path, Query: tc.query}); err != nil {
			t.Fatal(err)
		}
		if got := wire.requests()[0].URL.RequestURI(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
	_, err := newClient(t, script(respond(200, "")), partnercenter.Options{}).Do(t.Context(), get("/%zz"))
	wantText(t, err, "request path")
	_, err = newClient(t, script(respond(200, "")), partnercenter.Options{}).Do(t.Context(), Request{Method: "bad method"})
	wantText(t, err, "building the request")
}

func TestPath(t *testing.T) {
	got, err := Path("payouts", "a/b c", "é?#%", "v1.0", "x:y@z")
	if want := "/payouts/a%2Fb%20c/%C3%A9%3F%23%25/v1.0/x:y@z"; err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
	for _, bad := range []string{"", ".", ".."} {
		if _, err := Path("a", bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestQuery(t *testing.T) {
	got := Query("$filter", "a eq 'b+c' & d", "fileformat", "csv")
	if want := "$filter=a%20eq%20%27b%2Bc%27%20%26%20d&fileformat=csv"; got != want {
		t.Errorf("got %s", got)
	}
	if Query() != "" {
		t.Error("something of nothing")
	}
}

func TestUserAgentNamesTheCallerFirst(t *testing.T) {
	wire := script(respond(200, ""))
	c := newClient(t, wire, partnercenter.Options{UserAgent: "ledger/2.1"})
	if _, err := c.Do(t.Context(), get("/x")); err != nil {
		t.Fatal(err)
	}
	got := wire.requests()[0].UserAgent()
	if !strings.HasPrefix(got, "ledger/2.1 partnercenter-go/") || !strings.Contains(got, runtime.Version()) {
		t.Errorf("got %q", got)
	}
}
