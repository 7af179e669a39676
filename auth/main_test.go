package auth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The directory that the tests live in.
const (
	tenantID    = "aaaaaaaa-1111-4222-8333-444444444444"
	otherTenant = "bbbbbbbb-1111-4222-8333-444444444444"
	domain      = "contoso.example"
	clientID    = "cccccccc-1111-4222-8333-444444444444"
	publicID    = "dddddddd-1111-4222-8333-444444444444"
	resource    = "https://api.partner.microsoft.com"
	secret      = "canary-Secret~1+/=&%"
	upn         = "reports+q1@contoso.example"
	passphrase  = "canary Pass&word=1%"
	callbackURI = "https://app.contoso.example/callback?from=entra"
	mfaUPN      = "admin@contoso.example"
)

// directory is the configuration of the fake Entra ID.
func directory() entra.Config {
	return entra.Config{
		Tenants: []entra.Tenant{{ID: tenantID, Domains: []string{domain}}, {ID: otherTenant}},
		Apps: []entra.App{
			{ClientID: clientID, Secrets: []entra.AppSecret{{Value: pc.NewSecret(secret)}}, Roles: []string{"Reports.Read"}, RedirectURIs: []string{callbackURI}},
			{ClientID: publicID, PublicClient: true, RedirectURIs: []string{"http://localhost", "http://127.0.0.1/back"}},
		},
		Users: []entra.User{
			{UPN: upn, TenantID: tenantID, Password: pc.NewSecret(passphrase)},
			{UPN: mfaUPN, TenantID: tenantID, Password: pc.NewSecret(passphrase), RequireMFA: true},
		},
		Resources: []entra.Resource{
			{Audience: resource},
			{Audience: "https://graph.microsoft.com"},
			{Audience: "https://trailing.example/"},
		},
	}
}

// confidentialApp and publicApp are the registrations of the directory.
func confidentialApp() auth.App {
	return auth.App{TenantID: tenantID, ClientID: clientID, Credential: auth.ClientSecret(pc.NewSecret(secret))}
}

func publicApp() auth.App { return auth.App{TenantID: tenantID, ClientID: publicID} }

func user() auth.UserPassword {
	return auth.UserPassword{Username: upn, Password: pc.NewSecret(passphrase)}
}

// tlsServer is a fake Entra ID behind a real TLS listener on loopback.
type tlsServer struct {
	*entra.Server
	url  string
	host string
	opts *auth.Options
}

// listen starts a server; it ends with the test. The handler may wrap the fake.
func listen(t testing.TB, cfg entra.Config, wrap func(http.Handler) http.Handler) *tlsServer {
	t.Helper()
	s := &tlsServer{Server: entra.New(cfg)}
	var h http.Handler = s.Server
	if wrap != nil {
		h = wrap(h)
	}
	s.start(t, httptest.NewUnstartedServer(h))
	return s
}

// start lets a server begin to serve, until the test ends.
func (s *tlsServer) start(t testing.TB, srv *httptest.Server) *http.Transport {
	t.Helper()
	srv.Config.ErrorLog = discardLog()
	srv.StartTLS()
	tr, ok := srv.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatal("the test server's client has another transport")
	}
	t.Cleanup(func() { tr.CloseIdleConnections(); srv.Close() })
	s.url, s.host = srv.URL, strings.TrimPrefix(srv.URL, "https://")
	s.opts = &auth.Options{Authority: srv.URL, Transport: tr}
	return tr
}

// inProcess carries requests to a handler without network and without goroutines, so that
// time can be a test's own.
type inProcess struct {
	handler http.Handler
	// each is called with every request before it is answered; an error replaces
	// the answer.
	each func(*http.Request) error
}

func (p inProcess) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	if p.each != nil {
		if err := p.each(req); err != nil {
			return nil, err
		}
	}
	if req.Body == nil {
		req.Body = http.NoBody
	}
	defer func() { _ = req.Body.Close() }()
	in := req.Clone(req.Context())
	in.Host, in.TLS, in.RequestURI = req.URL.Host, &tls.ConnectionState{}, req.URL.String()
	rec := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // a panic value, not a wrapped error
				panic(p)
			}
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	p.handler.ServeHTTP(rec, in)
	if err := context.Cause(req.Context()); err != nil {
		return nil, err
	}
	return rec.Result(), nil
}

// local returns options for a fake in the same process, under the default authority.
func local(s *entra.Server) *auth.Options {
	return &auth.Options{Transport: inProcess{handler: s}}
}

func closing(t testing.TB, s *auth.Source) *auth.Source {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func clientCredentials(t testing.TB, app auth.App, opts *auth.Options) *auth.Source {
	t.Helper()
	s, err := auth.NewClientCredentials(app, opts)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, s)
}

func usernamePassword(t testing.TB, app auth.App, u auth.UserPassword, opts *auth.Options) *auth.Source {
	t.Helper()
	s, err := auth.NewUsernamePassword(app, u, opts)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, s)
}

// get asks for a token of the resource and fails the test when there is none.
func get(t testing.TB, s auth.TokenSource, req auth.TokenRequest) auth.Token {
	t.Helper()
	if req.Resource == "" {
		req.Resource = resource
	}
	tok, err := s.Token(t.Context(), req)
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	return tok
}

// refused asks for a token and returns the error, which must be an *auth.Error.
func refused(t testing.TB, s auth.TokenSource, req auth.TokenRequest) *auth.Error {
	t.Helper()
	if req.Resource == "" {
		req.Resource = resource
	}
	_, err := s.Token(t.Context(), req)
	if err == nil {
		t.Fatal("Token succeeded, want an error")
	}
	e, ok := errors.AsType[*auth.Error](err)
	if !ok {
		t.Fatalf("error is %T (%v), want *auth.Error", err, err)
	}
	return e
}

// near reports whether two times are the same but for the second that tokens are rounded to.
func near(a, b time.Time) bool { return a.Sub(b).Abs() <= time.Second }
