package browsertest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

const (
	tenantID  = "aaaaaaaa-1111-4222-8333-444444444444"
	desktopID = "bbbbbbbb-1111-4222-8333-444444444444"
	webID     = "cccccccc-1111-4222-8333-444444444444"
	resource  = "https://api.partner.microsoft.com"
	user      = "reports@contoso.example"
	admin     = "admin@contoso.example" // has a second factor
	password  = "canary Pass&word=1%"
	secret    = "canary-Secret"
)

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a text
	}
	return string(b)
}

// authority starts a fake Entra ID.
func authority(t *testing.T) (*entra.Server, *auth.Options) {
	t.Helper()
	srv := entra.New(entra.Config{
		Tenants: []entra.Tenant{{ID: tenantID}},
		Apps:    []entra.App{{ClientID: desktopID, PublicClient: true, RedirectURIs: []string{"http://localhost"}}},
		Users: []entra.User{
			{UPN: user, TenantID: tenantID, Password: pc.NewSecret(password)},
			{UPN: admin, TenantID: tenantID, Password: pc.NewSecret(password), RequireMFA: true, MFACode: "246810"},
		},
		Resources: []entra.Resource{{Audience: resource}},
	})
	transport, at := serve(t, srv)
	return srv, &auth.Options{Authority: at, Transport: transport}
}

// serve starts a server with TLS that ends with the test.
func serve(t *testing.T, h http.Handler) (http.RoundTripper, string) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(discard{}, "", 0)
	srv.StartTLS()
	t.Cleanup(func() { srv.Client().CloseIdleConnections(); srv.CloseClientConnections(); srv.Close() })
	return srv.Client().Transport, srv.URL
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func desktop() auth.SignIn {
	return auth.SignIn{
		App:   auth.App{TenantID: tenantID, ClientID: desktopID},
		Store: auth.NewMemoryStore(), Key: tenantID, Resource: resource,
	}
}

// outcome is what a sign-in has returned.
type outcome struct {
	signedIn auth.SignedIn
	err      error
}

// start signs in while the test drives the browser; it returns the address of the sign-in
// page, and the channel of the outcome.
func start(t *testing.T, s auth.SignIn, opts *auth.Options) (string, <-chan outcome) {
	t.Helper()
	opened, done := make(chan string, 1), make(chan outcome, 1)
	go func() {
		got, err := auth.SignInWithBrowser(t.Context(), s, &auth.BrowserOptions{
			Timeout: patience, OpenURL: func(_ context.Context, u string) error { opened <- u; return nil },
		}, opts)
		done <- outcome{got, err}
	}()
	select {
	case u := <-opened:
		return u, done
	case o := <-done:
		t.Fatalf("the sign-in ended before it began: %v", o.err)
	}
	return "", nil
}

// text reads what the page says to the user.
func text(into *string) chromedp.Action { return chromedp.Text("body", into) }

func stored(t *testing.T, s auth.SignIn) (auth.Record, bool) {
	t.Helper()
	r, _, err := s.Store.Load(t.Context(), s.Key)
	if err != nil && !errors.Is(err, auth.ErrNoRecord) {
		t.Fatal(err)
	}
	return r, err == nil
}

func TestConsentInTheBrowser(t *testing.T) {
	tab := newTab(t)
	srv, opts := authority(t)
	s := desktop()
	s.LoginHint = user
	page, done := start(t, s, opts)
	var hint, problem, asked, final, where string
	run(t, tab,
		chromedp.Navigate(page), sees("Sign in"), chromedp.Value("#username", &hint),
		fill("password", "wrong"), chromedp.Click("#next"), chromedp.Text("#problem", &problem),
		fill("username", user), fill("password", password), press("next", "Permissions requested"), text(&asked),
	)
	if _, early := stored(t, s); early {
		t.Error("something was saved before the user consented")
	}
	run(t, tab, press("next", "Signed in"), text(&final), chromedp.Location(&where))
	o := <-done
	if o.err != nil {
		t.Fatal(o.err)
	}
	if hint != user || !strings.Contains(problem, "wrong") || !strings.Contains(asked, desktopID) || !strings.Contains(asked, resource) {
		t.Errorf("the pages: hint %q, problem %q, asked %q", hint, problem, asked)
	}
	if !strings.Contains(final, user) || !strings.HasPrefix(where, "http://localhost:") {
		t.Errorf("the end: %q at %.40s", final, where)
	}
	r, saved := stored(t, s)
	if !saved || r.TenantID != tenantID || o.signedIn.Username != user || slices.Contains(o.signedIn.AMR, "mfa") {
		t.Errorf("signed in %+v, saved %v", o.signedIn, r)
	}
	// What was saved works without the browser.
	src, err := auth.NewRefreshToken(s.App, s.Store, s.Key, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	tok, err := src.Token(t.Context(), pc.TokenRequest{Resource: resource})
	if err != nil {
		t.Fatal(err)
	}
	if claims, ok := srv.Check(tok.Value.Reveal()); !ok || claims.UPN != user {
		t.Errorf("claims %+v, valid %t", claims, ok)
	}
}

func TestDenialInTheBrowser(t *testing.T) {
	for _, c := range []struct {
		name string
		to   chromedp.Action
	}{
		{"before signing in", chromedp.Tasks{}},
		{"when asked for consent", chromedp.Tasks{fill("username", user), fill("password", password), press("next", "Permissions requested")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := newTab(t)
			srv, opts := authority(t)
			s := desktop()
			page, done := start(t, s, opts)
			var final string
			run(t, tab, chromedp.Navigate(page), sees("Sign in"), c.to, press("cancel", "Sign-in failed"), text(&final))
			o := <-done
			if !errors.Is(o.err, auth.ErrDenied) {
				t.Errorf("got %v, want ErrDenied", o.err)
			}
			if !strings.Contains(final, "declined") || strings.Contains(final, "Signed in") {
				t.Errorf("the user sees %q", final)
			}
			if _, saved := stored(t, s); saved || srv.Count(entra.Token) != 0 {
				t.Error("something was redeemed or saved")
			}
		})
	}
}

func TestSecondFactorInTheBrowser(t *testing.T) {
	tab := newTab(t)
	_, opts := authority(t)
	s := desktop()
	page, done := start(t, s, opts)
	var problem string
	run(t, tab,
		chromedp.Navigate(page), sees("Sign in"), fill("username", admin), fill("password", password), press("next", "Enter code"),
		fill("code", "000000"), chromedp.Click("#next"), chromedp.Text("#problem", &problem),
		fill("code", "246810"), press("next", "Permissions requested"), press("next", "Signed in"),
	)
	o := <-done
	if o.err != nil {
		t.Fatal(o.err)
	}
	r, _ := stored(t, s)
	if !strings.Contains(problem, "wrong") || !slices.Contains(o.signedIn.AMR, "mfa") || r.SignedInAt.IsZero() {
		t.Errorf("problem %q, signed in with %v, at %v", problem, o.signedIn.AMR, r.SignedInAt)
	}
}

// A page that sends the browser back with a state of its own neither signs in nor ends the
// sign-in, and when that is over, nobody listens any more.
func TestWrongStateInTheBrowser(t *testing.T) {
	tab := newTab(t)
	srv, opts := authority(t)
	s := desktop()
	page, done := start(t, s, opts)
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	// Somebody else's code, at the right address.
	stolen, err := srv.Visit(strings.Replace(page, "state="+u.Query().Get("state"), "state="+rand.Text(), 1), entra.Decision{UPN: admin})
	if err != nil {
		t.Fatal(err)
	}
	_, attacker := serve(t, http.RedirectHandler(stolen, http.StatusFound))
	var refused string
	run(t, tab, chromedp.Navigate(attacker), sees("Sign-in refused"), text(&refused))
	if _, saved := stored(t, s); saved || srv.Count(entra.Token) != 0 || !strings.Contains(refused, "does not belong") {
		t.Errorf("the user sees %q", refused)
	}
	run(t, tab,
		chromedp.Navigate(page), sees("Sign in"), fill("username", user), fill("password", password),
		press("next", "Permissions requested"), press("next", "Signed in"),
	)
	if o := <-done; o.err != nil || o.signedIn.Username != user {
		t.Errorf("signed in %+v, %v", o.signedIn, o.err)
	}
	if err := chromedp.Run(tab, chromedp.Navigate(stolen)); err == nil || !strings.Contains(err.Error(), "ERR_CONNECTION_REFUSED") {
		t.Errorf("after the sign-in the browser gets %v", err)
	}
}

// A web application: the attempt is in the session, the callback arrives over https.
func TestConsentOfAWebApplication(t *testing.T) {
	tab := newTab(t)
	srv, opts := authority(t)
	var (
		mu       sync.Mutex
		consent  *auth.Consent
		sessions = map[string]pc.Secret{}
		result   outcome
	)
	mux := http.NewServeMux()
	mux.HandleFunc("/signin", func(w http.ResponseWriter, r *http.Request) {
		a, err := consent.Begin(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		id := rand.Text()
		mu.Lock()
		sessions[id] = a.Save()
		mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: "session", Value: id, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(w, r, a.URL(), http.StatusFound)
	})
	mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var o outcome
		if c, err := r.Cookie("session"); err != nil {
			o.err = err
		} else if a, err := consent.Resume(sessions[c.Value]); err != nil {
			o.err = err
		} else {
			o.signedIn, o.err = consent.Redeem(r.Context(), a, r.URL.Query())
		}
		result = o
		title := "Welcome"
		if o.err != nil {
			title = "Failed"
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<h1 id="title">` + title + `</h1>`))
	})
	_, at := serve(t, mux)
	srv.SetApp(entra.App{ClientID: webID, Secrets: []entra.AppSecret{{Value: pc.NewSecret(secret)}}, RedirectURIs: []string{at + "/callback"}})
	s := desktop()
	s.App = auth.App{TenantID: tenantID, ClientID: webID, Credential: auth.ClientSecret(pc.NewSecret(secret))}
	var err error
	if consent, err = auth.NewConsent(s, at+"/callback", opts); err != nil {
		t.Fatal(err)
	}
	run(t, tab,
		chromedp.Navigate(at+"/signin"), sees("Sign in"), fill("username", admin), fill("password", password), press("next", "Enter code"),
		fill("code", "246810"), press("next", "Permissions requested"), press("next", "Welcome"),
	)
	mu.Lock()
	defer mu.Unlock()
	if r, saved := stored(t, s); result.err != nil || result.signedIn.Username != admin || !saved || r.ClientID != webID {
		t.Errorf("signed in %+v, %v; saved %v", result.signedIn, result.err, r)
	}
}
