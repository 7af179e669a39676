package auth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
	"github.com/partnercenter-go/partnercenter/internal/memnet"
)

func TestTransientFailuresAreRepeated(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault entra.Fault
	}{
		{"503 twice", entra.Fault{Endpoint: entra.Token, Times: 2, Status: 503}},
		{"429 with Retry-After", entra.Fault{Endpoint: entra.Token, Status: 429, RetryAfter: "7"}},
		{"500", entra.Fault{Endpoint: entra.Token, Status: 500, Body: "<html>"}},
		{"502", entra.Fault{Endpoint: entra.OIDC, Status: 502}},
		{"504 of the realm", entra.Fault{Endpoint: entra.UserRealm, Status: 504}},
		{"408", entra.Fault{Endpoint: entra.Token, Status: 408}},
		{"temporarily unavailable", entra.Fault{Endpoint: entra.Token, Error: &entra.OAuthError{Code: "temporarily_unavailable", STS: 90033, Status: 503}}},
		{"connection cut before anything was done", entra.Fault{Endpoint: entra.Token, Drop: true}},
		{"connection cut after the token was issued", entra.Fault{Endpoint: entra.Token, DropAfter: true}},
		{"slow attempt", entra.Fault{Endpoint: entra.Token, Delay: 11 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := entra.New(directory())
				srv.Inject(c.fault)
				s := usernamePassword(t, confidentialApp(), user(), local(srv))
				start := time.Now()
				get(t, s, auth.TokenRequest{})
				if took := time.Since(start); c.fault.RetryAfter != "" && took != 7*time.Second {
					t.Errorf("took %v, want the 7s of Retry-After", took)
				} else if took > 15*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestCutAnswerIsRepeated(t *testing.T) {
	// Only a real connection can lose the second half of a body.
	srv := listen(t, directory(), nil)
	srv.Inject(entra.Fault{Endpoint: entra.Token, CutBody: 20})
	s := clientCredentials(t, confidentialApp(), srv.opts)
	get(t, s, auth.TokenRequest{})
	if n := srv.Count(entra.Token); n != 2 {
		t.Errorf("%d token requests, want 2", n)
	}
}

func TestPersistentFailures(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    entra.Fault
		retries  int
		attempts int
		took     time.Duration // upper bound
		status   int
		after    time.Duration
	}{
		{name: "503", fault: entra.Fault{Status: 503}, attempts: 3, took: 2 * time.Second, status: 503},
		{name: "503, own number of retries", fault: entra.Fault{Status: 503}, retries: 1, attempts: 2, took: time.Second, status: 503},
		{name: "503, no retries", fault: entra.Fault{Status: 503}, retries: -1, attempts: 1, status: 503},
		{name: "Retry-After that does not fit", fault: entra.Fault{Status: 429, RetryAfter: "120"}, attempts: 1, status: 429, after: 2 * time.Minute},
		{name: "Retry-After next year", fault: entra.Fault{Status: 503, RetryAfter: "Sat, 01 Jan 2101 00:00:00 GMT"}, attempts: 1, status: 503, after: -1},
		{name: "absurd Retry-After", fault: entra.Fault{Status: 503, RetryAfter: "99999999999999"}, attempts: 1, status: 503, after: -1},
		{name: "unreadable Retry-After", fault: entra.Fault{Status: 503, RetryAfter: "soon"}, attempts: 3, took: 2 * time.Second, status: 503},
		{name: "negative Retry-After", fault: entra.Fault{Status: 503, RetryAfter: "-5"}, attempts: 3, took: 2 * time.Second, status: 503},
		{name: "no connection", fault: entra.Fault{Drop: true}, attempts: 3, took: 2 * time.Second},
		{name: "no answer", fault: entra.Fault{Delay: time.Hour}, attempts: 3, took: 25 * time.Second},
		{name: "400 is final", fault: entra.Fault{Status: 400, Body: `{"error":"invalid_request"}`}, attempts: 1, status: 400},
		{name: "501 is final", fault: entra.Fault{Status: 501}, attempts: 1, status: 501},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := entra.New(directory())
				c.fault.Endpoint, c.fault.Times = entra.Token, -1
				srv.Inject(c.fault)
				opts := local(srv)
				opts.MaxRetries = c.retries
				s := clientCredentials(t, confidentialApp(), opts)
				start := time.Now()
				e := refused(t, s, auth.TokenRequest{})
				if took := time.Since(start); took > c.took {
					t.Errorf("took %v, want at most %v", took, c.took)
				}
				if n := srv.Count(entra.Token); n != c.attempts {
					t.Errorf("%d attempts, want %d", n, c.attempts)
				}
				if wantTemporary := c.status != 400; e.Temporary() != wantTemporary || e.Status != c.status {
					t.Errorf("got %v (status %d, temporary %t)", e, e.Status, e.Temporary())
				}
				if c.after < 0 && e.RetryAfter < 24*time.Hour || c.after >= 0 && e.RetryAfter != c.after {
					t.Errorf("RetryAfter is %v, want %v", e.RetryAfter, c.after)
				}
				srv.ClearFaults()
				get(t, s, auth.TokenRequest{})
			})
		})
	}
}

func TestRetryAfterAsADateIsMeasuredByTheServersClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := entra.New(directory())
		date := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC) // far from the local clock
		srv.Inject(entra.Fault{Endpoint: entra.Token, Status: 503, RetryAfter: date.Add(5 * time.Second).Format(http.TimeFormat)})
		opts := local(srv)
		inner := opts.Transport
		opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := inner.RoundTrip(r)
			if err == nil {
				resp.Header.Set("Date", date.Format(http.TimeFormat))
			}
			return resp, err
		})
		s := clientCredentials(t, confidentialApp(), opts)
		start := time.Now()
		get(t, s, auth.TokenRequest{})
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("waited %v, want 5s", d)
		}
	})
}

func TestEveryStageReportsItsFailure(t *testing.T) {
	for _, stage := range []entra.Endpoint{entra.OIDC, entra.UserRealm, entra.Token} {
		t.Run(string(stage), func(t *testing.T) {
			srv := listen(t, directory(), nil)
			srv.Inject(entra.Fault{Endpoint: stage, Times: -1, Error: &entra.OAuthError{Code: "invalid_request", STS: 90014, Text: "stage " + string(stage)}})
			s := usernamePassword(t, publicApp(), user(), srv.opts)
			e := refused(t, s, auth.TokenRequest{})
			if e.Code != "invalid_request" || e.Description != "stage "+string(stage) || e.CorrelationID == "" || e.TraceID == "" {
				t.Errorf("got %+v", e)
			}
			if e.TenantID != tenantID || e.ClientID != publicID || e.Resource != resource {
				t.Errorf("the error does not say which token was asked for: %v", e)
			}
		})
	}
	t.Run("instance discovery", func(t *testing.T) {
		// MSAL can do without it, and so can we.
		srv := entra.New(directory())
		srv.Inject(entra.Fault{Endpoint: entra.Instance, Times: -1, Status: 400, Body: `{"error":"invalid_instance"}`})
		s := clientCredentials(t, confidentialApp(), local(srv))
		get(t, s, auth.TokenRequest{})
	})
}

func TestConnectionsAreReusedOverFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &tlsServer{Server: entra.New(directory())}
		web := httptest.NewUnstartedServer(srv.Server)
		wire := memnet.Replace(web)
		tr := srv.start(t, web)
		tr.DialContext = wire.Dial
		opts := *srv.opts
		opts.MaxRetries = -1
		s := clientCredentials(t, confidentialApp(), &opts)
		for range 20 {
			srv.Inject(entra.Fault{Endpoint: entra.Token, Status: 503, Body: strings.Repeat("x", 10_000)})
			_ = refused(t, s, auth.TokenRequest{})
			tok := get(t, s, auth.TokenRequest{})
			get(t, s, auth.TokenRequest{Rejected: tok.Value})
			srv.Inject(entra.Fault{Endpoint: entra.Token, Error: &entra.OAuthError{Code: "invalid_client", STS: 7000215}})
			_ = refused(t, s, auth.TokenRequest{Rejected: get(t, s, auth.TokenRequest{}).Value})
		}
		if n := wire.Dialed(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}

func TestCredentialsAreSentToTheAuthorityOnly(t *testing.T) {
	var seen []string
	thief := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path)
	}))
	defer thief.Close()
	for name, fault := range map[string]entra.Fault{
		"token endpoint on another host":   {Endpoint: entra.OIDC, Times: -1, Set: map[string]any{"token_endpoint": thief.URL + "/steal"}},
		"token endpoint over plain http":   {Endpoint: entra.OIDC, Times: -1, Set: map[string]any{"token_endpoint": "http://" + strings.TrimPrefix(thief.URL, "https://") + "/steal"}},
		"redirect of the token request":    {Endpoint: entra.Token, Times: -1, Status: http.StatusTemporaryRedirect},
		"redirect of the discovery":        {Endpoint: entra.OIDC, Times: -1, Status: http.StatusFound},
		"unreadable token endpoint":        {Endpoint: entra.OIDC, Times: -1, Set: map[string]any{"token_endpoint": "https://%zz/"}}, //nolint:gosec // a URL that cannot be parsed
		"issuer of another authority":      {Endpoint: entra.OIDC, Times: -1, Set: map[string]any{"issuer": thief.URL + "/x"}},
		"discovery without token endpoint": {Endpoint: entra.OIDC, Times: -1, Omit: []string{"token_endpoint"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := listen(t, directory(), func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", thief.URL+"/steal")
					h.ServeHTTP(w, r)
				})
			})
			srv.Inject(fault)
			seen = nil
			for _, s := range []*auth.Source{
				clientCredentials(t, confidentialApp(), srv.opts),
				usernamePassword(t, confidentialApp(), user(), srv.opts),
			} {
				e := refused(t, s, auth.TokenRequest{})
				if !errors.Is(e, auth.ErrBadAnswer) || e.Advice == "" {
					t.Errorf("got %v", e)
				}
			}
			if len(seen) != 0 {
				t.Errorf("the other host was asked for %q", seen)
			}
		})
	}
}

func TestAliasesOfThePublicCloudAreTheAuthorityToo(t *testing.T) {
	srv := entra.New(directory())
	srv.Inject(entra.Fault{Endpoint: entra.OIDC, Set: map[string]any{"token_endpoint": "https://login.windows.net/" + tenantID + "/oauth2/v2.0/token"}})
	s := clientCredentials(t, confidentialApp(), local(srv))
	get(t, s, auth.TokenRequest{})
	reqs := srv.Requests()
	if last := reqs[len(reqs)-1]; last.Host != "login.windows.net" {
		t.Errorf("the token request went to %q", last.Host)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	srv := listen(t, directory(), nil)
	for name, opts := range map[string]auth.Options{
		"unknown authority": {Authority: srv.url, Transport: &http.Transport{}},
		"other host name":   {Authority: "https://localhost" + srv.url[strings.LastIndexByte(srv.url, ':'):], Transport: srv.opts.Transport},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			inner := opts.Transport
			opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				attempts++
				return inner.RoundTrip(r)
			})
			s := clientCredentials(t, confidentialApp(), &opts)
			e := refused(t, s, auth.TokenRequest{})
			if e.Temporary() || !strings.Contains(e.Error(), "certificate") {
				t.Errorf("got %v, want a lasting error about the certificate", e)
			}
			if attempts != 1 {
				t.Errorf("%d attempts, but no repetition makes a certificate trusted", attempts)
			}
		})
	}
	if n := len(srv.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestNoConnection(t *testing.T) {
	refusing := roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, &netError{r.URL.Host}
	})
	s := clientCredentials(t, confidentialApp(), &auth.Options{Transport: refusing, MaxRetries: -1})
	e := refused(t, s, auth.TokenRequest{})
	if !errors.Is(e, auth.ErrTransient) || !errors.Is(e, syscall.ECONNREFUSED) || e.Status != 0 || e.CorrelationID == "" {
		t.Errorf("got %+v, want a transient error that wraps the cause", e)
	}
	if ne, ok := errors.AsType[*netError](e); !ok || ne.host != "login.microsoftonline.com" {
		t.Errorf("the cause cannot be had: %v, %t", ne, ok)
	}
}

func TestErrorsDoNotNameTheUser(t *testing.T) {
	// Home realm discovery has the user's name in its URL, and net/http quotes URLs.
	srv := listen(t, directory(), nil)
	srv.Inject(entra.Fault{Endpoint: entra.UserRealm, Times: -1, Drop: true})
	opts := *srv.opts
	opts.MaxRetries = -1
	e := refused(t, usernamePassword(t, publicApp(), user(), &opts), auth.TokenRequest{})
	if strings.Contains(e.Error(), "reports") || !strings.Contains(e.Error(), srv.host) {
		t.Errorf("got %v, want the host and not the user", e)
	}
}

// netError is an error as net gives it, of a type of our own.
type netError struct{ host string }

func (e *netError) Error() string { return "dial tcp " + e.host + ": connection refused" }
func (e *netError) Unwrap() error { return syscall.ECONNREFUSED }

// What net/http repairs or reports in the answers of careless transports must not end the
// program.
func TestCarelessTransport(t *testing.T) {
	for name, c := range map[string]struct {
		resp *http.Response
		want string
	}{
		"no answer and no error": {nil, "neither an answer nor an error"},
		"no body":                {&http.Response{StatusCode: http.StatusNotFound}, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := &auth.Options{MaxRetries: -1, Transport: roundTripper(func(*http.Request) (*http.Response, error) { return c.resp, nil })}
			if e := refused(t, clientCredentials(t, confidentialApp(), opts), auth.TokenRequest{}); !strings.Contains(e.Error(), c.want) {
				t.Errorf("got %v", e)
			}
		})
	}
}

func TestAnswerThatIsTooLong(t *testing.T) {
	srv := listen(t, directory(), func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 300 {
				if _, err := io.WriteString(w, strings.Repeat("x", 8<<10)); err != nil {
					return
				}
			}
		})
	})
	s := clientCredentials(t, confidentialApp(), srv.opts)
	e := refused(t, s, auth.TokenRequest{})
	if !errors.Is(e, auth.ErrBadAnswer) || !strings.Contains(e.Error(), "longer than") {
		t.Errorf("got %v", e)
	}
}

func TestDefaultTransportIsUsed(t *testing.T) {
	// Nothing listens on port 1 of loopback; what matters is that the default
	// transport has been asked, and says so.
	s := clientCredentials(t, confidentialApp(), &auth.Options{Authority: "https://127.0.0.1:1", MaxRetries: -1})
	e := refused(t, s, auth.TokenRequest{})
	if !errors.Is(e, auth.ErrTransient) || !strings.Contains(e.Error(), "127.0.0.1:1") {
		t.Errorf("got %v", e)
	}
}
