package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

const signInKey = "contoso"

// signIn is a sign-in through an application of the directory into a fresh store.
func signIn(app auth.App) auth.SignIn {
	return auth.SignIn{App: app, Store: auth.NewMemoryStore(), Key: signInKey, Resource: resource}
}

func newConsent(t testing.TB, s auth.SignIn, opts *auth.Options) *auth.Consent {
	t.Helper()
	redirect := callbackURI
	if s.App.Credential == nil {
		redirect = "http://localhost:8400"
	}
	c, err := auth.NewConsent(s, redirect, opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func begin(t testing.TB, c *auth.Consent) *auth.Attempt {
	t.Helper()
	a, err := c.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// visit goes through the sign-in pages and returns what arrives at the redirect URI.
func visit(t testing.TB, srv *entra.Server, a *auth.Attempt, d entra.Decision) url.Values {
	t.Helper()
	back, err := srv.Visit(a.URL(), d)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// stored is what the store holds after a sign-in.
func stored(t testing.TB, s auth.SignIn) auth.Record {
	t.Helper()
	r, _, err := s.Store.Load(t.Context(), s.Key)
	if err != nil {
		t.Fatalf("the store: %v", err)
	}
	return r
}

func nothingStored(t testing.TB, s auth.SignIn) {
	t.Helper()
	if _, _, err := s.Store.Load(t.Context(), s.Key); !errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("the store holds something: %v", err)
	}
}

func TestConsentURLHasAllThatMSALLeavesOut(t *testing.T) {
	srv := listen(t, directory(), nil)
	s := signIn(confidentialApp())
	s.LoginHint, s.Prompt, s.Claims = upn, auth.PromptSelectAccount, `{"access_token":{"acrs":{"essential":true}}}`
	c := newConsent(t, s, srv.opts)
	seen := map[string]bool{}
	for range 3 {
		a := begin(t, c)
		u, err := url.Parse(a.URL())
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		for _, name := range []string{"state", "code_challenge"} {
			if v := q.Get(name); len(v) < 26 || seen[v] {
				t.Errorf("%s is %q, want a new long one each time", name, v)
			}
			seen[q.Get(name)] = true
		}
		if len(q.Get("code_challenge")) != 43 || q.Get("state") != a.State() {
			t.Errorf("challenge %q, state %q", q.Get("code_challenge"), q.Get("state"))
		}
		q.Del("state")
		q.Del("code_challenge")
		want := url.Values{
			"client_id": {clientID}, "redirect_uri": {callbackURI}, "response_type": {"code"}, "response_mode": {"query"},
			"scope": {resource + "/.default openid offline_access profile"}, "code_challenge_method": {"S256"},
			"login_hint": {upn}, "prompt": {"select_account"}, "claims": {s.Claims},
		}
		if diff := cmp.Diff(want, q); diff != "" {
			t.Errorf("parameters (-want +got):\n%s", diff)
		}
		if got := u.Scheme + "://" + u.Host + u.Path; got != srv.url+"/"+tenantID+"/oauth2/v2.0/authorize" {
			t.Errorf("page %q", got)
		}
	}
	// Nothing that is not asked for.
	bare, err := url.Parse(begin(t, newConsent(t, signIn(confidentialApp()), srv.opts)).URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"login_hint", "prompt", "claims"} {
		if bare.Query().Has(name) {
			t.Errorf("%s is sent although nobody asked for it", name)
		}
	}
}

func TestConsentSavesTheRefreshTokenAndProvesItself(t *testing.T) {
	p := testPKI()
	cfg := directory()
	cfg.Apps[0].Certificates = append(cfg.Apps[0].Certificates, p.cert)
	cfg.Apps[0].Federated = federated().Apps[0].Federated
	for name, c := range map[string]struct {
		app  auth.App
		want string // the form, in part
	}{
		"secret":      {confidentialApp(), "  client_secret=" + secret + "\n"},
		"certificate": {withCredential(auth.ClientCertificate(certificate(t), nil)), "  client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer\n"},
		"assertion": {withCredential(auth.WorkloadIdentityFile(file(t, "token", []byte(federatedToken(t, cluster, workload, exchange, p.otherKey))))),
			"  client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer\n"},
		"public": {publicApp(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var tap wiretap
			srv := listen(t, cfg, tap.wrap)
			s := signIn(c.app)
			helper := newConsent(t, s, srv.opts)
			a := begin(t, helper)
			callback := visit(t, srv.Server, a, entra.Decision{UPN: mfaUPN})
			// A callback that arrives at another process.
			moved, err := helper.Resume(a.Save())
			if err != nil {
				t.Fatal(err)
			}
			before := time.Now()
			got, err := helper.Redeem(t.Context(), moved, callback)
			if err != nil {
				t.Fatal(err)
			}
			if got.TenantID != tenantID || got.Username != mfaUPN || got.UserID == "" || !slices.Contains(got.AMR, "mfa") || got.Version == "" {
				t.Errorf("signed in: %+v", got)
			}
			if claims, ok := srv.Check(got.Token.Value.Reveal()); !ok || claims.UPN != mfaUPN || claims.Audience != resource {
				t.Errorf("claims %+v, valid %t", claims, ok)
			}
			r := stored(t, s)
			if r.ClientID != c.app.ClientID || r.TenantID != tenantID || r.AuthorityHost != srv.host ||
				r.ObtainedAt.Before(before) || r.SignedInAt.Before(before) || !r.LastUsedAt.IsZero() {
				t.Errorf("saved %v", r)
			}
			form := tap.text[len(tap.text)-1]
			if !strings.Contains(form, c.want) || !strings.Contains(form, "  grant_type=authorization_code\n") ||
				!strings.Contains(form, "  scope="+resource+"/.default openid offline_access profile\n") || len(field(t, form, "code_verifier")) < 43 {
				t.Errorf("sent %s", form)
			}
			// What was saved works.
			if name == "secret" || name == "public" {
				src, err := auth.NewRefreshToken(c.app, s.Store, s.Key, srv.opts)
				if err != nil {
					t.Fatal(err)
				}
				if claims, ok := srv.Check(get(t, closing(t, src), auth.TokenRequest{}).Value.Reveal()); !ok || claims.UPN != mfaUPN {
					t.Errorf("claims %+v, valid %t", claims, ok)
				}
			}
		})
	}
}

func TestSignInWithoutASecondFactorIsNoted(t *testing.T) {
	srv := entra.New(directory())
	s := signIn(confidentialApp())
	c := newConsent(t, s, local(srv))
	a := begin(t, c)
	got, err := c.Redeem(t.Context(), a, visit(t, srv, a, entra.Decision{UPN: mfaUPN, WithoutMFA: true}))
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(got.AMR, "mfa") || !stored(t, s).SignedInAt.IsZero() {
		t.Errorf("amr %v, signed in at %v", got.AMR, stored(t, s).SignedInAt)
	}
}

func TestCallbacksThatMustNotBeRedeemed(t *testing.T) {
	srv := entra.New(directory())
	s := signIn(confidentialApp())
	c := newConsent(t, s, local(srv))
	a, other := begin(t, c), begin(t, c)
	right := visit(t, srv, a, entra.Decision{UPN: upn})
	with := func(change func(url.Values)) url.Values {
		v := url.Values{}
		for k, vs := range right {
			v[k] = slices.Clone(vs)
		}
		change(v)
		return v
	}
	for _, x := range []struct {
		name     string
		callback url.Values
		want     error
	}{
		{"nothing", nil, auth.ErrStateMismatch},
		{"no state", with(func(v url.Values) { v.Del("state") }), auth.ErrStateMismatch},
		{"empty state", with(func(v url.Values) { v.Set("state", "") }), auth.ErrStateMismatch},
		{"wrong state", with(func(v url.Values) { v.Set("state", "x") }), auth.ErrStateMismatch},
		{"another attempt's", visit(t, srv, other, entra.Decision{UPN: upn}), auth.ErrStateMismatch},
		{"two states", with(func(v url.Values) { v.Add("state", "x") }), auth.ErrStateMismatch},
		{"two codes", with(func(v url.Values) { v.Add("code", "x") }), auth.ErrStateMismatch},
		{"foreign refusal", url.Values{"error": {"access_denied"}, "state": {"x"}}, auth.ErrStateMismatch},
		{"no code", with(func(v url.Values) { v.Del("code") }), auth.ErrBadAnswer},
	} {
		_, err := c.Redeem(t.Context(), a, x.callback)
		e, ok := errors.AsType[*auth.Error](err)
		if !ok || !errors.Is(err, x.want) || e.Advice == "" {
			t.Errorf("%s: got %v, want %v", x.name, err, x.want)
		}
		if err != nil && strings.Contains(err.Error(), a.State()) {
			t.Errorf("%s: the error shows the state", x.name)
		}
	}
	if n := srv.Count(entra.Token); n != 0 {
		t.Errorf("%d token requests were sent", n)
	}
	nothingStored(t, s)
	// None of that has spoilt the attempt.
	if _, err := c.Redeem(t.Context(), a, right); err != nil {
		t.Error(err)
	}
}

func TestDenialIsTyped(t *testing.T) {
	srv := entra.New(directory())
	s := signIn(confidentialApp())
	c := newConsent(t, s, local(srv))
	a := begin(t, c)
	_, err := c.Redeem(t.Context(), a, visit(t, srv, a, entra.Decision{Deny: true}))
	e, ok := errors.AsType[*auth.Error](err)
	if !ok || !errors.Is(err, auth.ErrDenied) || !e.HasSTSCode(65004) || e.Code != "access_denied" || e.SubCode != "cancel" ||
		e.ClientID != clientID || !strings.Contains(e.Advice, "consent") || strings.Contains(e.Description, "Trace ID") {
		t.Errorf("got %v", err)
	}
	for code, want := range map[string]error{
		"consent_required": auth.ErrInteractionRequired, "interaction_required": auth.ErrInteractionRequired,
		"server_error": auth.ErrTransient, "temporarily_unavailable": auth.ErrTransient, "invalid_resource": auth.ErrBadConfiguration,
	} {
		if _, err := c.Redeem(t.Context(), a, url.Values{"error": {code}, "state": {a.State()}}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", code, err, want)
		}
	}
	nothingStored(t, s)
}

func TestCodesWorkOnce(t *testing.T) {
	srv := entra.New(directory())
	s := signIn(confidentialApp())
	c := newConsent(t, s, local(srv))
	a := begin(t, c)
	callback := visit(t, srv, a, entra.Decision{UPN: upn})
	copied, err := c.Resume(a.Save())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Redeem(t.Context(), a, callback); err != nil {
		t.Fatal(err)
	}
	first := stored(t, s)
	// Here, the attempt knows; elsewhere, Entra ID does.
	_, err = c.Redeem(t.Context(), a, callback)
	if n := srv.Count(entra.Token); !errors.Is(err, auth.ErrCodeReplayed) || n != 1 {
		t.Errorf("again: %v, %d token requests", err, n)
	}
	_, err = c.Redeem(t.Context(), copied, callback)
	if e, ok := errors.AsType[*auth.Error](err); !ok || !errors.Is(err, auth.ErrCodeReplayed) || !e.HasSTSCode(54005) {
		t.Errorf("from a copy: %v", err)
	}
	if !stored(t, s).RefreshToken.Equal(first.RefreshToken) {
		t.Error("the saved token has changed")
	}
}

func TestConcurrentCallbacksRedeemOnce(t *testing.T) {
	srv := entra.New(directory())
	s := signIn(confidentialApp())
	c := newConsent(t, s, local(srv))
	a := begin(t, c)
	callback := visit(t, srv, a, entra.Decision{UPN: upn})
	errs := make(chan error)
	for range 16 {
		go func() { _, err := c.Redeem(t.Context(), a, callback); errs <- err }()
	}
	won := 0
	for range 16 {
		if err := <-errs; err == nil {
			won++
		} else if !errors.Is(err, auth.ErrCodeReplayed) {
			t.Error(err)
		}
	}
	if n := srv.Count(entra.Token); won != 1 || n != 1 {
		t.Errorf("%d won with %d token requests, want 1 and 1", won, n)
	}
}

func TestCodesOfOthersAndOldCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := entra.New(directory())
		c := newConsent(t, signIn(confidentialApp()), local(srv))
		a, b := begin(t, c), begin(t, c)
		// A code that was injected into this session: the proof key is another.
		injected := visit(t, srv, b, entra.Decision{UPN: upn})
		injected.Set("state", a.State())
		_, err := c.Redeem(t.Context(), a, injected)
		if e, ok := errors.AsType[*auth.Error](err); !ok || !errors.Is(err, auth.ErrSignInExpired) || !e.HasSTSCode(501481) || !strings.Contains(e.Advice, "Attempt") {
			t.Errorf("injected code: %v", err)
		}
		slow := begin(t, c)
		callback := visit(t, srv, slow, entra.Decision{UPN: upn})
		time.Sleep(11 * time.Minute)
		_, err = c.Redeem(t.Context(), slow, callback)
		if e, ok := errors.AsType[*auth.Error](err); !ok || !errors.Is(err, auth.ErrSignInExpired) || !e.HasSTSCode(70008) {
			t.Errorf("old code: %v", err)
		}
		slow = begin(t, c)
		time.Sleep(time.Until(slow.ExpiresOn()))
		n := srv.Count(entra.Token)
		if _, err = c.Redeem(t.Context(), slow, visit(t, srv, slow, entra.Decision{UPN: upn})); !errors.Is(err, auth.ErrSignInExpired) || srv.Count(entra.Token) != n {
			t.Errorf("old attempt: %v", err)
		}
	})
}

// A code works once: whatever happened to a request that was sent, it is not sent again.
func TestCodesAreNotSentTwice(t *testing.T) {
	for name, f := range map[string]entra.Fault{
		"lost before":  {Drop: true},
		"lost after":   {DropAfter: true},
		"cut":          {CutBody: 20},
		"throttled":    {Status: 429, RetryAfter: "1"},
		"unavailable":  {Status: 503, RetryAfter: "1"},
		"broken":       {Status: 500},
		"bad gateway":  {Status: 502},
		"request late": {Status: 408},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := entra.New(directory())
				s := signIn(confidentialApp())
				c := newConsent(t, s, local(srv))
				a := begin(t, c)
				callback := visit(t, srv, a, entra.Decision{UPN: upn})
				f.Endpoint, f.Times = entra.Token, 1
				srv.Inject(f)
				_, err := c.Redeem(t.Context(), a, callback)
				if n := srv.Count(entra.Token); !errors.Is(err, auth.ErrTransient) || n != 1 {
					t.Errorf("%v after %d requests, want a transient error after 1", err, n)
				}
				nothingStored(t, s)
				// Another call is the caller's decision.
				_, err = c.Redeem(t.Context(), a, callback)
				if acted := f.DropAfter || f.CutBody > 0; acted != errors.Is(err, auth.ErrCodeReplayed) || !acted && err != nil {
					t.Errorf("the second call: %v", err)
				}
			})
		})
	}
}

func TestCodesAreSentAgainWhenTheDialFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := entra.New(directory())
		opts := local(srv)
		inner, failures := opts.Transport, 0
		opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && failures < 2 {
				failures++
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
			}
			return inner.RoundTrip(r)
		})
		c := newConsent(t, signIn(confidentialApp()), opts)
		a := begin(t, c)
		if _, err := c.Redeem(t.Context(), a, visit(t, srv, a, entra.Decision{UPN: upn})); err != nil || failures != 2 {
			t.Errorf("%v after %d failures", err, failures)
		}
	})
}

func TestBrowserThatGoesAwayDoesNotCostTheSignIn(t *testing.T) {
	srv := entra.New(directory())
	s := signIn(confidentialApp())
	ctx, cancel := context.WithCancel(t.Context())
	opts := local(srv)
	inner := opts.Transport
	opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			cancel()
		}
		return inner.RoundTrip(r)
	})
	c := newConsent(t, s, opts)
	a := begin(t, c)
	if _, err := c.Redeem(ctx, a, visit(t, srv, a, entra.Decision{UPN: upn})); err != nil {
		t.Error(err)
	}
	stored(t, s)
	// One that has gone before has nothing to lose.
	b := begin(t, c)
	n := srv.Count(entra.Token)
	if _, err := c.Redeem(ctx, b, visit(t, srv, b, entra.Decision{UPN: upn})); !errors.Is(err, context.Canceled) || srv.Count(entra.Token) != n {
		t.Errorf("got %v", err)
	}
}

// moody is a store that fails as it is told.
type moody struct {
	auth.TokenStore
	mu    sync.Mutex
	load  func(n int) error
	save  func(n int, save func() (auth.Version, error)) (auth.Version, error)
	loads int
	saves int
}

func (m *moody) Load(ctx context.Context, key string) (auth.Record, auth.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loads++
	if m.load != nil {
		if err := m.load(m.loads); err != nil {
			return auth.Record{}, "", err
		}
	}
	return m.TokenStore.Load(ctx, key)
}

func (m *moody) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saves++
	save := func() (auth.Version, error) { return m.TokenStore.Save(ctx, key, r, expect) }
	if m.save != nil {
		return m.save(m.saves, save)
	}
	return save()
}

func TestStoreTroubleDuringASignIn(t *testing.T) {
	down := errors.New("store is down")
	for name, c := range map[string]struct {
		save  func(n int, save func() (auth.Version, error)) (auth.Version, error)
		saves int
	}{
		"fails twice": {func(n int, save func() (auth.Version, error)) (auth.Version, error) {
			if n <= 2 {
				return "", down
			}
			return save()
		}, 3},
		"saves and says that it failed": {func(_ int, save func() (auth.Version, error)) (auth.Version, error) {
			_, err := save()
			return "", errors.Join(err, down)
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := entra.New(directory())
				s := signIn(confidentialApp())
				store := &moody{TokenStore: s.Store, save: c.save}
				s.Store = store
				h := newConsent(t, s, local(srv))
				a := begin(t, h)
				got, err := h.Redeem(t.Context(), a, visit(t, srv, a, entra.Decision{UPN: upn}))
				if err != nil || store.saves != c.saves || got.Version == "" {
					t.Errorf("%v after %d saves, version %q", err, store.saves, got.Version)
				}
				stored(t, s)
			})
		})
	}
}

func TestStoreThatStaysDownKeepsTheTokenForAnotherCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := entra.New(directory())
		s := signIn(confidentialApp())
		up := false
		store := &moody{TokenStore: s.Store, save: func(_ int, save func() (auth.Version, error)) (auth.Version, error) {
			if !up {
				return "", errors.New("store is down")
			}
			return save()
		}}
		s.Store = store
		c := newConsent(t, s, local(srv))
		a := begin(t, c)
		callback := visit(t, srv, a, entra.Decision{UPN: upn})
		start := time.Now()
		_, err := c.Redeem(t.Context(), a, callback)
		if !errors.Is(err, auth.ErrNotSaved) || !strings.Contains(err.Error(), "store is down") {
			t.Fatalf("got %v, want ErrNotSaved", err)
		}
		if took := time.Since(start); took < 20*time.Second || took > 30*time.Second {
			t.Errorf("gave up after %v, want about 25 s", took)
		}
		up = true
		if _, err := c.Redeem(t.Context(), a, callback); err != nil {
			t.Fatal(err)
		}
		stored(t, s)
		if n := srv.Count(entra.Token); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

func TestStoreThatWouldNotTakeTheTokenIsNoticedFirst(t *testing.T) {
	for name, err := range map[string]error{"down": errors.New("store is down"), "newer": auth.ErrNewerSchema, "insecure": auth.ErrInsecureStore} {
		srv := entra.New(directory())
		s := signIn(confidentialApp())
		s.Store = &moody{TokenStore: s.Store, load: func(int) error { return err }}
		if _, got := newConsent(t, s, local(srv)).Begin(t.Context()); !errors.Is(got, err) {
			t.Errorf("%s: got %v", name, got)
		}
		if n := len(srv.Requests()); n != 0 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

func TestNewSignInReplacesWhatIsStored(t *testing.T) {
	record := auth.Record{
		RefreshToken: pc.NewSecret("old"), ClientID: clientID, TenantID: tenantID, AuthorityHost: "login.microsoftonline.com",
		ObtainedAt: time.Now().Add(-time.Hour), LastUsedAt: time.Now(), Extra: map[string]json.RawMessage{"note": json.RawMessage(`"kept"`)},
	}
	for _, c := range []struct {
		name   string
		change func(*auth.Record, *auth.SignIn)
		want   string // in the error; empty for success
	}{
		{"the same application", func(*auth.Record, *auth.SignIn) {}, ""},
		{"a domain for the tenant", func(r *auth.Record, _ *auth.SignIn) { r.TenantID = domain }, ""},
		{"another application's", func(r *auth.Record, _ *auth.SignIn) { r.ClientID = publicID }, "application " + publicID},
		{"another tenant's", func(r *auth.Record, _ *auth.SignIn) { r.TenantID = otherTenant }, "tenant " + otherTenant},
		{"another tenant's, seen late", func(r *auth.Record, s *auth.SignIn) { r.TenantID = otherTenant; s.App.TenantID = "organizations" }, "belongs to another"},
		{"permitted", func(r *auth.Record, s *auth.SignIn) {
			r.TenantID, r.ClientID, s.Replace = otherTenant, publicID, true
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := entra.New(directory())
			s, r := signIn(confidentialApp()), record
			c.change(&r, &s)
			if _, err := s.Store.Save(t.Context(), s.Key, r, ""); err != nil {
				t.Fatal(err)
			}
			h := newConsent(t, s, local(srv))
			a, err := h.Begin(t.Context())
			if err == nil {
				_, err = h.Redeem(t.Context(), a, visit(t, srv, a, entra.Decision{UPN: upn}))
			}
			now := stored(t, s)
			if c.want == "" {
				if err != nil || now.RefreshToken.Equal(r.RefreshToken) || now.TenantID != tenantID || now.ClientID != clientID ||
					string(now.Extra["note"]) != `"kept"` || !now.LastUsedAt.IsZero() {
					t.Errorf("%v; stored %v with %v", err, now, now.Extra)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "Replace") || !now.RefreshToken.Equal(r.RefreshToken) {
				t.Errorf("got %v, want %q and the old record", err, c.want)
			}
		})
	}
}

func TestRotationThatComesBetweenDoesNotBeatTheSignIn(t *testing.T) {
	srv := entra.New(directory())
	s := signIn(confidentialApp())
	inner := s.Store
	old := auth.Record{RefreshToken: pc.NewSecret("old"), ClientID: clientID, TenantID: tenantID}
	if _, err := inner.Save(t.Context(), s.Key, old, ""); err != nil {
		t.Fatal(err)
	}
	s.Store = &moody{TokenStore: inner, save: func(n int, save func() (auth.Version, error)) (auth.Version, error) {
		if n == 1 { // another process saves a rotated token just before
			r, v, err := inner.Load(t.Context(), signInKey)
			if err != nil {
				return "", err
			}
			r.RefreshToken = pc.NewSecret("rotated")
			if _, err := inner.Save(t.Context(), signInKey, r, v); err != nil {
				return "", err
			}
		}
		return save()
	}}
	c := newConsent(t, s, local(srv))
	a := begin(t, c)
	if _, err := c.Redeem(t.Context(), a, visit(t, srv, a, entra.Decision{UPN: upn})); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, s).RefreshToken.Reveal(); got == "old" || got == "rotated" {
		t.Errorf("the store holds the %s token", got)
	}
}

func TestAnswerWithoutARefreshToken(t *testing.T) {
	srv := entra.New(directory())
	srv.Inject(entra.Fault{Endpoint: entra.Token, Omit: []string{"refresh_token"}})
	s := signIn(confidentialApp())
	c := newConsent(t, s, local(srv))
	a := begin(t, c)
	_, err := c.Redeem(t.Context(), a, visit(t, srv, a, entra.Decision{UPN: upn}))
	if !errors.Is(err, auth.ErrBadConfiguration) || !strings.Contains(err.Error(), "offline_access") {
		t.Errorf("got %v", err)
	}
	nothingStored(t, s)
}

// Opaque access tokens, and answers without an ID token, still make a sign-in.
func TestAnswerThatSaysLittle(t *testing.T) {
	for name, f := range map[string]entra.Fault{
		"opaque token":    {Set: map[string]any{"access_token": "opaque"}},
		"nearly a JWT":    {Set: map[string]any{"access_token": "a.!.c"}},
		"JWT of no claim": {Set: map[string]any{"access_token": "a.W10.c"}},
		"no ID token":     {Omit: []string{"id_token", "client_info"}},
	} {
		srv := entra.New(directory())
		f.Endpoint = entra.Token
		srv.Inject(f)
		s := signIn(confidentialApp())
		c := newConsent(t, s, local(srv))
		a := begin(t, c)
		got, err := c.Redeem(t.Context(), a, visit(t, srv, a, entra.Decision{UPN: mfaUPN}))
		if err != nil || got.TenantID != tenantID || (len(got.AMR) == 0) != (name != "no ID token") || (got.Username == "") != (name == "no ID token") {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
		if r := stored(t, s); r.TenantID != tenantID || r.RefreshToken.IsZero() {
			t.Errorf("%s: stored %v", name, r)
		}
	}
}

func TestSignInsThatCannotWork(t *testing.T) {
	good := func() auth.SignIn { return signIn(confidentialApp()) }
	for _, c := range []struct {
		name     string
		change   func(*auth.SignIn)
		redirect string
		want     string
	}{
		{"no tenant", func(s *auth.SignIn) { s.App.TenantID = "" }, callbackURI, "App.TenantID"},
		{"expired credential", func(s *auth.SignIn) { s.App.Credential = auth.ClientSecret(pc.Secret{}) }, callbackURI, "secret is empty"},
		{"no store", func(s *auth.SignIn) { s.Store = nil }, callbackURI, "SignIn.Store"},
		{"no key", func(s *auth.SignIn) { s.Key = "" }, callbackURI, "key"},
		{"no resource", func(s *auth.SignIn) { s.Resource = "" }, callbackURI, "Resource"},
		{"claims", func(s *auth.SignIn) { s.Claims = "x" }, callbackURI, "Claims"},
		{"hint", func(s *auth.SignIn) { s.LoginHint = "x\ny" }, callbackURI, "one line"},
		{"no redirect", nil, "", "has no valid host"},
		{"plain http", nil, "http://app.contoso.example/", "does not use https"},
		{"fragment", nil, "https://app.contoso.example/#x", "fragment"},
		{"user name", nil, "https://canary:canary@app.contoso.example/", "valid host"},
		{"no URL", nil, "https://app contoso/", "not a URL"},
		{"own scheme", nil, "myapp://callback", "does not use https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good()
			if c.change != nil {
				c.change(&s)
			}
			_, err := auth.NewConsent(s, c.redirect, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := auth.NewConsent(good(), callbackURI, &auth.Options{Authority: "x"}); err == nil {
		t.Error("a bad authority was accepted")
	}
	for _, uri := range []string{"http://localhost:1", "http://127.0.0.1/x", "http://[::1]:8080/"} {
		if _, err := auth.NewConsent(good(), uri, nil); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestAttemptsBelongToTheirConsent(t *testing.T) {
	srv := entra.New(directory())
	c, other := newConsent(t, signIn(confidentialApp()), local(srv)), newConsent(t, signIn(publicApp()), local(srv))
	a := begin(t, c)
	if _, err := other.Redeem(t.Context(), a, visit(t, srv, a, entra.Decision{UPN: upn})); err == nil || !strings.Contains(err.Error(), "another application") {
		t.Errorf("got %v", err)
	}
	if _, err := other.Resume(a.Save()); err == nil {
		t.Error("resumed by another Consent")
	}
	for _, s := range []string{"", "x", "{}", `{"schema":2,"state":"a","verifier":"b"}`} {
		if _, err := c.Resume(pc.NewSecret(s)); err == nil {
			t.Errorf("resumed %q", s)
		}
	}
	for _, a := range []*auth.Attempt{nil, {}} {
		if _, err := c.Redeem(t.Context(), a, nil); err == nil {
			t.Error("redeemed without an attempt")
		}
	}
}

func TestSignInPageOfAnotherHostIsNotOpened(t *testing.T) {
	srv := entra.New(directory())
	srv.Inject(entra.Fault{Endpoint: entra.OIDC, Times: -1, Set: map[string]any{"authorization_endpoint": "https://evil.example/authorize"}})
	for _, app := range []auth.App{confidentialApp(), publicApp()} {
		if _, err := newConsent(t, signIn(app), local(srv)).Begin(t.Context()); !errors.Is(err, auth.ErrBadAnswer) || !strings.Contains(err.Error(), "evil.example") {
			t.Errorf("got %v", err)
		}
	}
	srv = entra.New(directory())
	srv.Inject(entra.Fault{Endpoint: entra.OIDC, Times: -1, Status: 404})
	for _, app := range []auth.App{confidentialApp(), publicApp()} {
		if _, err := newConsent(t, signIn(app), local(srv)).Begin(t.Context()); !errors.Is(err, auth.ErrBadConfiguration) {
			t.Errorf("got %v", err)
		}
	}
}

func TestSignInsPrintNoSecret(t *testing.T) {
	var l leaks
	srv := entra.New(directory())
	s := signIn(confidentialApp())
	c := newConsent(t, s, local(srv))
	a := begin(t, c)
	callback := visit(t, srv, a, entra.Decision{UPN: upn})
	l.plant(secret, callback.Get("code"), a.State())
	saved := a.Save().Reveal()
	if !strings.Contains(saved, `"verifier":"`) {
		t.Fatalf("saved as %q", saved)
	}
	_, rest, _ := strings.Cut(saved, `"verifier":"`)
	l.plant(rest[:52])
	srv.Inject(entra.Fault{Endpoint: entra.Token, Error: &entra.OAuthError{Code: "invalid_grant", STS: 70000, Text: "Code " + callback.Get("code") + " and verifier " + rest[:52] + "."}})
	_, err := c.Redeem(t.Context(), a, callback)
	_, denied := c.Redeem(t.Context(), a, url.Values{"state": {a.State()}, "error": {"x" + a.State()}, "error_description": {a.State()}})
	b := begin(t, c)
	got, ok := c.Redeem(t.Context(), b, visit(t, srv, b, entra.Decision{UPN: upn}))
	if err == nil || denied == nil || ok != nil {
		t.Fatal(err, denied, ok)
	}
	l.plant(got.Token.Value.Reveal(), stored(t, s).RefreshToken.Reveal())
	for _, v := range []any{err, denied, a, got, s, a.Save(), fmt.Errorf("%w", err)} {
		for how, text := range printings(t, v) {
			l.check(t, fmt.Sprintf("%T as %s", v, how), text)
		}
	}
}
