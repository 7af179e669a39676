package auth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

func TestClientCredentialsTokenIsWhatWasAskedFor(t *testing.T) {
	srv := listen(t, directory(), nil)
	s := clientCredentials(t, confidentialApp(), srv.opts)
	for _, c := range []struct {
		req    auth.TokenRequest
		tenant string
	}{
		{auth.TokenRequest{Resource: resource}, tenantID},
		{auth.TokenRequest{Resource: "https://graph.microsoft.com"}, tenantID},
		{auth.TokenRequest{Resource: resource, TenantID: otherTenant}, otherTenant},
		{auth.TokenRequest{Resource: resource, TenantID: domain}, tenantID},
	} {
		tok := get(t, s, c.req)
		claims, ok := srv.Check(tok.Value.Reveal())
		if !ok || claims.Audience != c.req.Resource || claims.TenantID != c.tenant || claims.AppID != clientID || claims.UserID != "" {
			t.Errorf("%+v: claims %+v, valid: %t", c.req, claims, ok)
		}
		if d := time.Until(tok.ExpiresOn) - 3599*time.Second; d.Abs() > 5*time.Second {
			t.Errorf("expires on %v, want in 3599s", tok.ExpiresOn)
		}
	}
}

func TestNamingTheOwnTenantMakesNoDifference(t *testing.T) {
	srv := listen(t, directory(), nil)
	s := clientCredentials(t, confidentialApp(), srv.opts)
	first := get(t, s, auth.TokenRequest{})
	if again := get(t, s, auth.TokenRequest{TenantID: tenantID}); !again.Value.Equal(first.Value) || srv.Count(entra.Token) != 1 {
		t.Errorf("%d token requests for the same token, want 1", srv.Count(entra.Token))
	}
}

func TestThousandColdCallersOverTheNetworkAreOneTokenRequest(t *testing.T) {
	srv := listen(t, directory(), nil)
	srv.Inject(entra.Fault{Endpoint: entra.Token, Delay: 50 * time.Millisecond})
	s := clientCredentials(t, confidentialApp(), srv.opts)
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			if _, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, m := srv.Count(entra.Token), srv.Count(entra.OIDC); n != 1 || m != 1 {
		t.Errorf("%d token requests and %d OpenID documents, want one of each", n, m)
	}
}

func TestOneCallersCancellationDoesNotFailTheOthers(t *testing.T) {
	// MSAL alone would: endpoint discovery runs on the first caller's context.
	srv := listen(t, directory(), nil)
	arrived := make(chan struct{})
	release := make(chan struct{})
	opts := *srv.opts
	inner := opts.Transport
	opts.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
		if strings.HasSuffix(req.URL.Path, "openid-configuration") {
			close(arrived)
			<-release
		}
		return inner.RoundTrip(req)
	})
	s := clientCredentials(t, confidentialApp(), &opts)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := s.Token(ctx, auth.TokenRequest{Resource: resource})
		first <- err
	}()
	<-arrived
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller who left got %v", err)
	}
	close(release)
	for range 20 {
		get(t, s, auth.TokenRequest{})
	}
	if n := srv.Count(entra.Token); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
}

func TestRotatedSecretNeedsNoRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := entra.New(directory())
		current, calls := secret, 0
		app := confidentialApp()
		app.Credential = auth.ClientSecretFunc(func(context.Context) (pc.Secret, error) {
			calls++
			return pc.NewSecret(current), nil
		})
		s := clientCredentials(t, app, local(srv))
		first := get(t, s, auth.TokenRequest{})

		// The registration gets a new secret, and the old one ends.
		srv.SetApp(entra.App{ClientID: clientID, Secrets: []entra.AppSecret{
			{Value: pc.NewSecret(secret), ExpiresOn: time.Now().Add(time.Minute)}, {Value: pc.NewSecret("second")},
		}})
		time.Sleep(2 * time.Hour)
		e := refused(t, s, auth.TokenRequest{})
		if !errors.Is(e, auth.ErrBadClientCredential) || !e.HasSTSCode(7000222) || !strings.Contains(e.Error(), "expired") {
			t.Errorf("with the expired secret: %v", e)
		}
		current = "second"
		if get(t, s, auth.TokenRequest{}).Value.Equal(first.Value) {
			t.Error("no new token")
		}
		if calls != 3 {
			t.Errorf("the function was called %d times, want once per token request", calls)
		}
	})
}

func TestSecretFunctionFails(t *testing.T) {
	sealed := errors.New("vault is sealed; tried canary-Secret")
	for _, c := range []struct {
		name    string
		provide auth.SecretFunc
		want    string
	}{
		{"error", func(context.Context) (pc.Secret, error) { return pc.NewSecret("canary-Secret"), sealed }, "vault is sealed"},
		{"empty", func(context.Context) (pc.Secret, error) { return pc.Secret{}, nil }, "client secret is empty"},
		{"line break", func(context.Context) (pc.Secret, error) { return pc.NewSecret("x\n"), nil }, "white space"},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := entra.New(directory())
			app := confidentialApp()
			app.Credential = auth.ClientSecretFunc(c.provide)
			s := clientCredentials(t, app, local(srv))
			_, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %q and no secret", err, c.want)
			}
			if c.name == "error" && !errors.Is(err, sealed) {
				t.Error("the function's error cannot be recognised")
			}
			if n := len(srv.Requests()); n != 0 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

func TestWholeLifeOfATokenThroughMSAL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := directory()
		cfg.RefreshIn = 20 * time.Minute
		srv := entra.New(cfg)
		s := clientCredentials(t, confidentialApp(), local(srv))
		start := time.Now()
		tok := get(t, s, auth.TokenRequest{})
		if !near(tok.ExpiresOn, start.Add(3599*time.Second)) || !near(tok.RefreshOn, start.Add(20*time.Minute)) {
			t.Fatalf("expires %v, refresh %v", tok.ExpiresOn.Sub(start), tok.RefreshOn.Sub(start))
		}
		time.Sleep(20*time.Minute - time.Second)
		get(t, s, auth.TokenRequest{})
		synctest.Wait()
		if n := srv.Count(entra.Token); n != 1 {
			t.Fatalf("%d token requests before refresh_in, want 1", n)
		}
		time.Sleep(2 * time.Second)
		get(t, s, auth.TokenRequest{})
		synctest.Wait()
		if n := srv.Count(entra.Token); n != 2 {
			t.Fatalf("%d token requests after refresh_in, want 2", n)
		}
		if next := get(t, s, auth.TokenRequest{}); next.Value.Equal(tok.Value) {
			t.Error("the renewed token is not used")
		}
	})
}

func TestShortLivedTokensAreStillKept(t *testing.T) {
	// MSAL keeps no token that lives for 300 s or less and would ask each time.
	for _, seconds := range []int{60, 299, 300, 302} {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(directory())
			srv.Inject(entra.Fault{Endpoint: entra.Token, Times: -1, Set: map[string]any{"expires_in": seconds}})
			s := clientCredentials(t, confidentialApp(), local(srv))
			for range 10 {
				get(t, s, auth.TokenRequest{})
			}
			if n := srv.Count(entra.Token); n != 1 {
				t.Errorf("expires_in %d: %d requests for 10 calls, want 1", seconds, n)
			}
			life := time.Duration(seconds) * time.Second
			time.Sleep(life - life/5 - time.Millisecond)
			get(t, s, auth.TokenRequest{})
			synctest.Wait()
			if n := srv.Count(entra.Token); n != 2 {
				t.Errorf("expires_in %d: %d requests shortly before the margin, want the renewal", seconds, n)
			}
		})
	}
}

func TestAnswerWithoutALifetime(t *testing.T) {
	srv := listen(t, directory(), nil)
	srv.Inject(entra.Fault{Endpoint: entra.Token, Omit: []string{"expires_in", "ext_expires_in"}})
	s := clientCredentials(t, confidentialApp(), srv.opts)
	e := refused(t, s, auth.TokenRequest{})
	if !errors.Is(e, auth.ErrBadAnswer) || strings.Contains(e.Error(), "eyJ") {
		t.Errorf("got %v, want a bad answer without the token in it", e)
	}
	get(t, s, auth.TokenRequest{}) // the failure is not kept
}

func TestLifetimesAsTexts(t *testing.T) {
	srv := listen(t, directory(), nil)
	srv.Inject(entra.Fault{Endpoint: entra.Token, Set: map[string]any{"expires_in": "1800", "refresh_in": "900"}})
	s := clientCredentials(t, confidentialApp(), srv.opts)
	tok := get(t, s, auth.TokenRequest{})
	if d := time.Until(tok.ExpiresOn); d > 1800*time.Second || d < 1790*time.Second {
		t.Errorf("expires in %v, want 1800s", d)
	}
	if d := time.Until(tok.RefreshOn); d > 900*time.Second || d < 890*time.Second {
		t.Errorf("refresh in %v, want 900s", d)
	}
}

func TestRefusalsOfTheDirectory(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*auth.App)
		req    auth.TokenRequest
		code   int
		kind   error
	}{
		{name: "wrong secret", change: func(a *auth.App) { a.Credential = auth.ClientSecret(pc.NewSecret("wrong")) }, code: 7000215, kind: auth.ErrBadClientCredential},
		{name: "unknown application", change: func(a *auth.App) { a.ClientID = "eeeeeeee-1111-4222-8333-444444444444" }, code: 700016, kind: auth.ErrBadConfiguration},
		{name: "unknown tenant", change: func(a *auth.App) { a.TenantID = "nowhere.example" }, code: 90002, kind: auth.ErrBadConfiguration},
		{name: "unknown tenant of one request", req: auth.TokenRequest{TenantID: "nowhere.example"}, code: 90002, kind: auth.ErrBadConfiguration},
		{name: "unknown resource", req: auth.TokenRequest{Resource: "https://unknown.example"}, code: 500011, kind: auth.ErrBadConfiguration},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := listen(t, directory(), nil)
			app := confidentialApp()
			if c.change != nil {
				c.change(&app)
			}
			s := clientCredentials(t, app, srv.opts)
			e := refused(t, s, c.req)
			if !errors.Is(e, c.kind) || !e.HasSTSCode(c.code) || e.Temporary() {
				t.Errorf("got %v", e)
			}
			wantTenant := app.TenantID
			if c.req.TenantID != "" {
				wantTenant = c.req.TenantID
			}
			if e.TenantID != wantTenant || e.ClientID != app.ClientID {
				t.Errorf("the error is about tenant %q and application %q", e.TenantID, e.ClientID)
			}
			for _, r := range srv.Requests() {
				if id := r.Header.Get("client-request-id"); id != e.CorrelationID {
					t.Errorf("the request has the correlation id %q, the error %q", id, e.CorrelationID)
				}
			}
		})
	}
}
