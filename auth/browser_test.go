package auth_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

// page is what a browser gets.
type page struct {
	status int
	text   string
	header http.Header
}

// open fetches a page as a browser does, without following redirects. The host replaces
// that of the URL in the Host header, if it is not empty.
func open(t testing.TB, method, target, host string, form url.Values) page {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Host = host
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Errorf("%s %s: %v", method, target, err)
		return page{}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return page{resp.StatusCode, string(b), resp.Header}
}

// user agents: what OpenURL does in tests. The result of the page goes to the channel.
func visitor(t testing.TB, srv *entra.Server, d entra.Decision, pages chan<- page) func(context.Context, string) error {
	t.Helper()
	return func(_ context.Context, u string) error {
		back, err := srv.Visit(u, d)
		if err != nil {
			return err
		}
		go func() { pages <- open(t, http.MethodGet, back, "", nil) }() //nolint:contextcheck // the page is read to its end also when the sign-in is over
		return nil
	}
}

func TestBrowserSignIn(t *testing.T) {
	for _, c := range []struct{ name, redirect, want string }{
		{"any port of localhost", "", "http://localhost:"},
		{"a path", "http://localhost/", "http://localhost:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := listen(t, directory(), nil)
			s := signIn(publicApp())
			pages := make(chan page, 1)
			opened := ""
			visit := visitor(t, srv.Server, entra.Decision{UPN: mfaUPN}, pages)
			got, err := auth.SignInWithBrowser(t.Context(), s, &auth.BrowserOptions{
				RedirectURI: c.redirect,
				OpenURL:     func(ctx context.Context, u string) error { opened = u; return visit(ctx, u) },
			}, srv.opts)
			if err != nil {
				t.Fatal(err)
			}
			if got.Username != mfaUPN || stored(t, s).SignedInAt.IsZero() {
				t.Errorf("signed in %+v, stored %v", got, stored(t, s))
			}
			u, err := url.Parse(opened)
			if err != nil {
				t.Fatal(err)
			}
			if r := u.Query().Get("redirect_uri"); !strings.HasPrefix(r, c.want) {
				t.Errorf("redirect URI %q", r)
			}
			p := <-pages
			if p.status != http.StatusOK || !strings.Contains(p.text, "Signed in") || !strings.Contains(p.text, mfaUPN) {
				t.Errorf("the user sees %d: %s", p.status, p.text)
			}
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			} {
				if p.header.Get(name) != want {
					t.Errorf("%s: %q", name, p.header.Get(name))
				}
			}
			if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
				t.Errorf("Content-Security-Policy: %q", csp)
			}
			// The port is free again.
			if _, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", mustHost(t, u.Query().Get("redirect_uri"))); err == nil {
				t.Error("the listener is still open")
			}
		})
	}
}

func mustHost(t testing.TB, uri string) string {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// Success is shown only when it is true: the refresh token is in the store by then.
func TestBrowserSeesTheTruth(t *testing.T) {
	cfg := directory()
	for _, c := range []struct {
		name   string
		d      entra.Decision
		fault  *entra.Fault
		save   error
		want   error
		status int
		text   string
	}{
		{"denied", entra.Decision{Deny: true}, nil, nil, auth.ErrDenied, 400, "Sign-in failed"},
		{"refused", entra.Decision{UPN: upn}, &entra.Fault{Endpoint: entra.Token, Error: &entra.OAuthError{Code: "invalid_grant", STS: 54005, Text: "Used <b>before</b>."}}, nil, auth.ErrCodeReplayed, 400, "Used &lt;b&gt;before"},
		{"not saved", entra.Decision{UPN: upn}, nil, auth.ErrTooLarge, auth.ErrNotSaved, 400, "could not be saved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := listen(t, cfg, nil)
			if c.fault != nil {
				srv.Inject(*c.fault)
			}
			s := signIn(publicApp())
			if c.save != nil {
				s.Store = &moody{TokenStore: s.Store, save: func(int, func() (auth.Version, error)) (auth.Version, error) { return "", c.save }}
			}
			pages := make(chan page, 1)
			_, err := auth.SignInWithBrowser(t.Context(), s, &auth.BrowserOptions{OpenURL: visitor(t, srv.Server, c.d, pages)}, srv.opts)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if p := <-pages; p.status != c.status || !strings.Contains(p.text, c.text) {
				t.Errorf("the user sees %d: %s", p.status, p.text)
			}
			nothingStored(t, s)
		})
	}
}

// While the right callback is being redeemed, and before it arrives, others are turned away.
func TestForeignAndRepeatedCallbacksAreTurnedAway(t *testing.T) {
	var redeeming func()
	srv := listen(t, directory(), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				redeeming()
			}
			next.ServeHTTP(w, r)
		})
	})
	s := signIn(publicApp())
	done := make(chan struct{})
	pages := make(chan page, 1)
	_, err := auth.SignInWithBrowser(t.Context(), s, &auth.BrowserOptions{OpenURL: func(_ context.Context, u string) error {
		back, err := srv.Visit(u, entra.Decision{UPN: upn})
		if err != nil {
			return err
		}
		b, err := url.Parse(back)
		if err != nil {
			return err
		}
		base := "http://" + b.Host
		redeeming = func() { //nolint:contextcheck // the page is read to its end also when the sign-in is over
			if p := open(t, http.MethodGet, back, "", nil); p.status != http.StatusConflict || !strings.Contains(p.text, "over") {
				t.Errorf("repeated: %d %s", p.status, p.text)
			}
		}
		go func() { //nolint:contextcheck // the page is read to its end also when the sign-in is over
			defer close(done)
			wrong := b.Query()
			wrong.Set("state", "x")
			for _, c := range []struct {
				name, method, target, host string
				form                       url.Values
				status                     int
			}{
				{"wrong state", "GET", base + "/?" + wrong.Encode(), "", nil, 400},
				{"wrong state, posted", "POST", base + "/", "", wrong, 400},
				{"no state", "GET", base + "/?code=x", "", nil, 400},
				{"broken form", "POST", base + "/", "", url.Values{"a": {strings.Repeat("x", 70<<10)}}, 400},
				{"bare", "GET", base + "/", "", nil, 404},
				{"icon", "GET", base + "/favicon.ico", "", nil, 404},
				{"another path", "GET", base + "/other?" + b.RawQuery, "", nil, 404},
				{"another name", "GET", back, "evil.example:80", nil, 421},
				{"another name without port", "GET", back, "localhost", nil, 421},
				{"another method", "PUT", back, "", nil, 405},
			} {
				if p := open(t, c.method, c.target, c.host, c.form); p.status != c.status || strings.Contains(p.text, "Signed in") {
					t.Errorf("%s: %d, want %d", c.name, p.status, c.status)
				}
			}
			// As response_mode=form_post would send it.
			pages <- open(t, http.MethodPost, base+"/", "", b.Query())
		}()
		return nil
	}}, srv.opts)
	if err != nil {
		t.Fatal(err)
	}
	<-done
	if p := <-pages; p.status != http.StatusOK {
		t.Errorf("the right callback: %d %s", p.status, p.text)
	}
	if n := srv.Count(entra.Token); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
}

func TestUserWhoDoesNotComeBack(t *testing.T) {
	srv := listen(t, directory(), nil)
	s := signIn(publicApp())
	start := time.Now()
	_, err := auth.SignInWithBrowser(t.Context(), s, &auth.BrowserOptions{
		Timeout: 50 * time.Millisecond, OpenURL: func(context.Context, string) error { return nil },
	}, srv.opts)
	if !errors.Is(err, auth.ErrSignInExpired) || errors.Is(err, auth.ErrStateMismatch) || time.Since(start) < 50*time.Millisecond {
		t.Errorf("got %v", err)
	}
	// One that was misled is told apart. The callback arrives while the browser is being
	// opened, so it counts however long that takes.
	_, err = auth.SignInWithBrowser(t.Context(), s, &auth.BrowserOptions{
		Timeout: 50 * time.Millisecond, OpenURL: func(_ context.Context, u string) error {
			back, err := srv.Visit(u, entra.Decision{UPN: upn})
			open(t, http.MethodGet, strings.Replace(back, "state=", "state=x", 1), "", nil) //nolint:contextcheck // the page is read to its end also when the sign-in is over
			return err
		},
	}, srv.opts)
	if !errors.Is(err, auth.ErrSignInExpired) || !errors.Is(err, auth.ErrStateMismatch) || !strings.Contains(err.Error(), "1 callbacks did not belong") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the user pressed Ctrl-C")
	_, err = auth.SignInWithBrowser(ctx, s, &auth.BrowserOptions{OpenURL: func(context.Context, string) error { cancel(gone); return nil }}, srv.opts)
	if !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	nothingStored(t, s)
}

// Some commands that open a browser wait for it and then report its exit status. A sign-in
// that has come back by then counts, and what is under way is waited for.
func TestBrowserThatComplainsAfterTheSignIn(t *testing.T) {
	srv := listen(t, directory(), nil)
	s := signIn(publicApp())
	got, err := auth.SignInWithBrowser(t.Context(), s, &auth.BrowserOptions{OpenURL: func(_ context.Context, u string) error {
		back, err := srv.Visit(u, entra.Decision{UPN: mfaUPN})
		if err != nil {
			return err
		}
		if p := open(t, http.MethodGet, back, "", nil); p.status != http.StatusOK { //nolint:contextcheck // the page is read to its end also when the sign-in is over
			t.Errorf("the page is %d %s", p.status, p.text)
		}
		return errors.New("exit status 1")
	}}, srv.opts)
	if err != nil || got.Username != mfaUPN {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestBrowserSignInsThatCannotWork(t *testing.T) {
	srv := listen(t, directory(), nil)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	broken := errors.New("no display")
	nobody := func(context.Context, string) error { return broken }
	for _, c := range []struct {
		name string
		app  auth.App
		b    auth.BrowserOptions
		opts *auth.Options
		want string
	}{
		{"https", publicApp(), auth.BrowserOptions{RedirectURI: "https://localhost/"}, nil, "not http on loopback"},
		{"not loopback", publicApp(), auth.BrowserOptions{RedirectURI: "http://app.contoso.example/"}, nil, "loopback"},
		{"query", publicApp(), auth.BrowserOptions{RedirectURI: "http://localhost/?a=b"}, nil, "has a query"},
		{"no URL", publicApp(), auth.BrowserOptions{RedirectURI: "http://local host/"}, nil, "not a URL"},
		{"negative timeout", publicApp(), auth.BrowserOptions{Timeout: -1}, nil, "Timeout"},
		{"long timeout", publicApp(), auth.BrowserOptions{Timeout: time.Hour}, nil, "Timeout"},
		{"no application", auth.App{}, auth.BrowserOptions{}, nil, "App.TenantID"},
		{"port in use", publicApp(), auth.BrowserOptions{RedirectURI: "http://" + taken.Addr().String()}, nil, "listening"},
		{"no browser", publicApp(), auth.BrowserOptions{OpenURL: nobody}, srv.opts, "SignInWithDeviceCode"},
		{"unknown tenant", auth.App{TenantID: "nowhere.example", ClientID: publicID}, auth.BrowserOptions{OpenURL: nobody}, srv.opts, "no such tenant"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := auth.SignInWithBrowser(t.Context(), signIn(c.app), &c.b, c.opts)
			if err == nil || !strings.Contains(err.Error(), c.want) || (c.name == "no browser") != errors.Is(err, broken) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
