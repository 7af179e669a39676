package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
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

// The key under which the tests keep their refresh token.
const tokenKey = "contoso"

// hooked is a store whose operations a test can replace.
type hooked struct {
	auth.TokenStore
	load func(next auth.TokenStore, ctx context.Context, key string) (auth.Record, auth.Version, error)
	save func(next auth.TokenStore, ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error)
	lock func(next auth.TokenStore, ctx context.Context, key string) (auth.Lease, error)

	mu sync.Mutex // guards the functions
}

func (h *hooked) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *hooked) Load(ctx context.Context, key string) (auth.Record, auth.Version, error) {
	h.mu.Lock()
	load := h.load
	h.mu.Unlock()
	if load != nil {
		return load(h.TokenStore, ctx, key)
	}
	return h.TokenStore.Load(ctx, key)
}

func (h *hooked) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	h.mu.Lock()
	save := h.save
	h.mu.Unlock()
	if save != nil {
		return save(h.TokenStore, ctx, key, r, expect)
	}
	return h.TokenStore.Save(ctx, key, r, expect)
}

func (h *hooked) Lock(ctx context.Context, key string) (auth.Lease, error) {
	h.mu.Lock()
	lock := h.lock
	h.mu.Unlock()
	if lock != nil {
		return lock(h.TokenStore, ctx, key)
	}
	return auth.LockKey(ctx, h.TokenStore, key)
}

func (h *hooked) Keys(ctx context.Context) iter.Seq2[string, error] {
	return auth.Keys(ctx, h.TokenStore)
}

// lockless is a store that can only compare and set.
type lockless struct{ auth.TokenStore }

// strict and lenient are the directory with either kind of refresh tokens.
func strict() entra.Config {
	cfg := directory()
	cfg.Rotation = entra.Strict
	return cfg
}

func lenient() entra.Config { return directory() }

// plantToken lets the user sign in and saves the refresh token, in place of one that is there.
func plantToken(t testing.TB, srv *entra.Server, store auth.TokenStore, app auth.App) string {
	t.Helper()
	token, err := srv.IssueRefreshToken(app.ClientID, upn, []string{"pwd", "mfa"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	r := auth.Record{RefreshToken: pc.NewSecret(token), ClientID: app.ClientID, TenantID: tenantID, ObtainedAt: now, SignedInAt: now}
	_, version, err := store.Load(t.Context(), tokenKey)
	if err != nil && !errors.Is(err, auth.ErrNoRecord) {
		t.Fatal(err)
	}
	if _, err := store.Save(t.Context(), tokenKey, r, version); err != nil {
		t.Fatal(err)
	}
	return token
}

func refreshing(t testing.TB, app auth.App, store auth.TokenStore, opts *auth.Options) *auth.Source {
	t.Helper()
	s, err := auth.NewRefreshToken(app, store, tokenKey, opts)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, s)
}

// recordIn is the record of the tests' key.
func recordIn(t testing.TB, store auth.TokenStore) auth.Record {
	t.Helper()
	r, _, err := store.Load(t.Context(), tokenKey)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// forced asks for a token in place of one that an API has rejected, so that the refresh
// token must be redeemed.
func forced(old auth.Token) auth.TokenRequest {
	return auth.TokenRequest{Resource: resource, Rejected: old.Value}
}

// alive redeems once more: whatever the store holds must still work.
func alive(t testing.TB, srv *entra.Server, store auth.TokenStore, app auth.App) {
	t.Helper()
	srv.ClearFaults()
	get(t, refreshing(t, app, store, local(srv)), auth.TokenRequest{})
}

// redemptions counts the requests that carried a refresh token.
func redemptions(srv *entra.Server) (n int) {
	for _, r := range srv.Requests() {
		if r.GrantType == "refresh_token" {
			n++
		}
	}
	return n
}

func TestRefreshTokenExactRequests(t *testing.T) {
	const (
		scope = "  scope=https://api.partner.microsoft.com/.default openid offline_access profile\n"
		oidc  = "GET /" + tenantID + "/v2.0/.well-known/openid-configuration?\n"
		post  = "POST /" + tenantID + "/oauth2/v2.0/token\n"
	)
	claims := `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
	for _, c := range []struct {
		name string
		app  auth.App
		req  auth.TokenRequest
		want string
	}{
		{"confidential client", confidentialApp(), auth.TokenRequest{}, oidc + post +
			"  client_id=" + clientID + "\n  client_info=1\n  client_secret=" + secret + "\n  grant_type=refresh_token\n  refresh_token=RT\n" + scope},
		{"public client", publicApp(), auth.TokenRequest{}, oidc + post +
			"  client_id=" + publicID + "\n  client_info=1\n  grant_type=refresh_token\n  refresh_token=RT\n" + scope},
		{"confidential client, other tenant, claims challenge", confidentialApp(), auth.TokenRequest{TenantID: otherTenant, Claims: claims},
			strings.ReplaceAll(oidc+post, tenantID, otherTenant) + "  claims=" + claims + "\n" +
				"  client_id=" + clientID + "\n  client_info=1\n  client_secret=" + secret + "\n  grant_type=refresh_token\n  refresh_token=RT\n" + scope},
		{"public client, other tenant, claims challenge", publicApp(), auth.TokenRequest{TenantID: otherTenant, Claims: claims},
			strings.ReplaceAll(oidc+post, tenantID, otherTenant) + "  claims=" + claims + "\n" +
				"  client_id=" + publicID + "\n  client_info=1\n  grant_type=refresh_token\n  refresh_token=RT\n" + scope},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tap wiretap
			srv := listen(t, strict(), tap.wrap)
			store := auth.NewMemoryStore()
			token := plantToken(t, srv.Server, store, c.app)
			tok := get(t, refreshing(t, c.app, store, srv.opts), c.req)
			if diff := cmp.Diff(c.want, strings.ReplaceAll(tap.String(), token, "RT")); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			claims, ok := srv.Check(tok.Value.Reveal())
			if !ok || claims.UPN != upn {
				t.Errorf("the token is for %q (valid: %t), want a user token", claims.UPN, ok)
			}
		})
	}
}

func TestRefreshTokenIsReplacedInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, store, app := entra.New(strict()), auth.NewMemoryStore(), confidentialApp()
		first := plantToken(t, srv, store, app)
		before := recordIn(t, store)
		before.Extra = map[string]json.RawMessage{"label": json.RawMessage(`"kept"`)}
		_, version, err := store.Load(t.Context(), tokenKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Save(t.Context(), tokenKey, before, version); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		src := refreshing(t, app, store, local(srv))
		tok := get(t, src, auth.TokenRequest{})
		if now := time.Now(); !near(tok.ExpiresOn, now.Add(3599*time.Second)) {
			t.Errorf("the token expires on %v, want an hour from %v", tok.ExpiresOn, now)
		}
		after := recordIn(t, store)
		if after.RefreshToken.Reveal() == first {
			t.Fatal("the store still holds the old refresh token")
		}
		want := before
		want.RefreshToken, want.Schema, want.AuthorityHost = after.RefreshToken, 1, "login.microsoftonline.com"
		want.ObtainedAt, want.LastUsedAt = time.Now().UTC(), time.Now().UTC()
		want.SignedInAt = before.SignedInAt.UTC()
		if diff := cmp.Diff(want, after, cmp.Comparer(pc.Secret.Equal)); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
		for range 3 {
			tok = get(t, src, forced(tok))
		}
		if n := redemptions(srv); n != 4 {
			t.Errorf("%d redemptions for 4 tokens", n)
		}
		alive(t, srv, store, app)
	})
}

func TestRefreshTokenIsSavedBeforeTheTokenIsHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, app := entra.New(strict()), confidentialApp()
		store := &hooked{TokenStore: auth.NewMemoryStore()}
		plantToken(t, srv, store, app)
		proceed := make(chan struct{})
		store.save = func(next auth.TokenStore, ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
			<-proceed
			return next.Save(ctx, key, r, expect)
		}
		src := refreshing(t, app, store, local(srv))
		var tok auth.Token
		done := make(chan struct{})
		go func() {
			defer close(done)
			tok = get(t, src, auth.TokenRequest{})
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Error("the token was handed out before the store had the new refresh token")
		default:
		}
		close(proceed)
		<-done
		if tok.Value.IsZero() {
			t.Error("no token")
		}
	})
}

func TestOneRefreshTokenServesSeveralResourcesAndCallers(t *testing.T) {
	cfg := strict()
	cfg.MaxRecords = 1 << 16
	srv := listen(t, cfg, nil)
	app := confidentialApp()
	failures := 2
	store := &hooked{TokenStore: auth.NewMemoryStore()}
	plantToken(t, srv.Server, store, app)
	store.save = func(next auth.TokenStore, ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
		if failures > 0 { // one redemption at a time: nobody else is here
			failures--
			return "", errors.New("the disk is busy")
		}
		return next.Save(ctx, key, r, expect)
	}
	src := refreshing(t, app, store, srv.opts)
	resources := []string{resource, "https://graph.microsoft.com", "https://trailing.example/"}
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			want := resources[i%len(resources)]
			tok, err := src.Token(t.Context(), auth.TokenRequest{Resource: want})
			if err != nil {
				t.Error(err)
				return
			}
			if c, ok := srv.Check(tok.Value.Reveal()); !ok || c.Audience != want || c.UPN != upn {
				t.Errorf("token for %q of %q, want %q of %q", c.Audience, c.UPN, want, upn)
			}
		})
	}
	wg.Wait()
	if n := redemptions(srv.Server); n != 3 {
		t.Errorf("%d redemptions for 3 resources", n)
	}
	if n := srv.Count(entra.OIDC); n != 1 {
		t.Errorf("%d requests for the OpenID Connect document, want 1", n)
	}
	get(t, refreshing(t, app, store, srv.opts), auth.TokenRequest{}) // the stored one is alive
}

// What MSAL alone loses or mixes up; see the constructor's comment for what is done about it.
func TestRefreshTokenSurvivesWhatMSALDoesWithIt(t *testing.T) {
	app := confidentialApp()
	type world struct {
		srv   *entra.Server
		store *hooked
		src   *auth.Source
	}
	for _, c := range []struct {
		name string
		test func(t *testing.T, w world)
	}{
		{"1: every redemption sends the newest token", func(t *testing.T, w world) {
			t.Helper()
			var tok auth.Token
			for range 5 {
				tok = get(t, w.src, forced(tok))
			}
		}},
		{"2: an answer without client_info and id_token", func(t *testing.T, w world) {
			t.Helper()
			w.srv.Inject(entra.Fault{Endpoint: entra.Token, Times: 2, Omit: []string{"client_info", "id_token"}})
			tok := get(t, w.src, auth.TokenRequest{})
			tok = get(t, w.src, forced(tok))
			get(t, w.src, forced(tok))
		}},
		{"3: a record that names an alias of the host", func(t *testing.T, w world) {
			t.Helper()
			r, v, err := w.store.Load(t.Context(), tokenKey)
			if err != nil {
				t.Fatal(err)
			}
			r.AuthorityHost = "login.windows.net"
			if _, err := w.store.Save(t.Context(), tokenKey, r, v); err != nil {
				t.Fatal(err)
			}
			var tok auth.Token
			for range 30 {
				tok = get(t, w.src, forced(tok))
			}
		}},
		{"4: declined scopes", func(t *testing.T, w world) {
			t.Helper()
			w.srv.Inject(entra.Fault{Endpoint: entra.Token, Set: map[string]any{"scope": resource + "/other"}})
			old := recordIn(t, w.store)
			if e := refused(t, w.src, auth.TokenRequest{}); e.Kind != auth.KindBadAnswer || !strings.Contains(e.Description, "declined") {
				t.Errorf("error is %v", e)
			}
			if recordIn(t, w.store).RefreshToken.Equal(old.RefreshToken) {
				t.Error("the new refresh token was not saved")
			}
			get(t, w.src, auth.TokenRequest{})
		}},
		{"5: a save that fails", func(t *testing.T, w world) {
			t.Helper()
			w.store.set(func() {
				w.store.save = func(auth.TokenStore, context.Context, string, auth.Record, auth.Version) (auth.Version, error) {
					return "", errors.New("out of order")
				}
			})
			_ = refused(t, w.src, auth.TokenRequest{})
			w.store.set(func() { w.store.save = nil })
			get(t, w.src, auth.TokenRequest{})
			if n := redemptions(w.srv); n != 1 {
				t.Errorf("%d redemptions, want the one whose outcome was kept", n)
			}
		}},
		{"6: a hundred callers at once", func(t *testing.T, w world) {
			t.Helper()
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if _, err := w.src.Token(t.Context(), auth.TokenRequest{Resource: resource}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if n := redemptions(w.srv); n != 1 {
				t.Errorf("%d redemptions, want 1", n)
			}
		}},
		{"7: two tenants of one application at once", func(t *testing.T, w world) {
			t.Helper()
			var wg sync.WaitGroup
			for i := range 40 {
				wg.Go(func() {
					want := []string{tenantID, otherTenant}[i%2]
					tok, err := w.src.Token(t.Context(), auth.TokenRequest{Resource: resource, TenantID: want, Claims: fmt.Sprintf(`{"n":%d}`, i)})
					if err != nil {
						t.Error(err)
						return
					}
					if c, _ := w.srv.Check(tok.Value.Reveal()); c.TenantID != want || c.UPN != upn {
						t.Errorf("token of tenant %s and user %q, want %s", c.TenantID, c.UPN, want)
					}
				})
			}
			wg.Wait()
		}},
		{"8: a renewal ahead of time", func(t *testing.T, w world) {
			t.Helper()
			w.srv.Inject(entra.Fault{Endpoint: entra.Token, Set: map[string]any{"refresh_in": 600}})
			first := get(t, w.src, auth.TokenRequest{})
			time.Sleep(20 * time.Minute)
			get(t, w.src, auth.TokenRequest{})
			synctest.Wait()
			second := get(t, w.src, auth.TokenRequest{})
			if second.Value.Equal(first.Value) {
				t.Fatal("the token was not renewed")
			}
			if c, _ := w.srv.Check(second.Value.Reveal()); c.UPN != upn {
				t.Errorf("after the renewal the token is for %q, want the user", c.UPN)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := world{srv: entra.New(strict()), store: &hooked{TokenStore: auth.NewMemoryStore()}}
				plantToken(t, w.srv, w.store, app)
				w.src = refreshing(t, app, w.store, local(w.srv))
				c.test(t, w)
				for _, r := range w.srv.Requests() {
					if r.Error != "" {
						t.Errorf("%s was answered with %s", r.Path, r.Error)
					}
				}
				alive(t, w.srv, w.store, app)
			})
		})
	}
}

func TestAnAnswerWithoutRefreshTokenKeepsTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, app := entra.New(lenient()), confidentialApp()
		store := &hooked{TokenStore: auth.NewMemoryStore()}
		token := plantToken(t, srv, store, app)
		time.Sleep(time.Hour)
		srv.Inject(entra.Fault{Endpoint: entra.Token, Omit: []string{"refresh_token"}, Times: 2})
		src := refreshing(t, app, store, local(srv))
		tok := get(t, src, auth.TokenRequest{})
		r := recordIn(t, store)
		if r.RefreshToken.Reveal() != token {
			t.Error("the stored refresh token has changed")
		}
		if !r.LastUsedAt.Equal(time.Now()) || !r.ObtainedAt.Equal(time.Now().Add(-time.Hour)) {
			t.Errorf("obtained at %v and last used at %v, want an hour ago and now", r.ObtainedAt, r.LastUsedAt)
		}
		// There is nothing that could be lost now, so a broken store is no obstacle.
		store.save = func(auth.TokenStore, context.Context, string, auth.Record, auth.Version) (auth.Version, error) {
			return "", errors.New("out of order")
		}
		get(t, src, forced(tok))
	})
}

func TestDeadRefreshTokenFailsFastUntilANewSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, store, app := entra.New(lenient()), auth.NewMemoryStore(), confidentialApp()
		plantToken(t, srv, store, app)
		srv.RevokeSessions(upn)
		src := refreshing(t, app, store, local(srv))
		for range 3 {
			e := refused(t, src, auth.TokenRequest{})
			if !errors.Is(e, auth.ErrRefreshTokenDead) || !e.HasSTSCode(50173) {
				t.Fatalf("error is %v", e)
			}
			for _, want := range []string{"sign in again", `under key "contoso"`, "running programs go on"} {
				if !strings.Contains(e.Error(), want) {
					t.Errorf("%q does not say %q", e, want)
				}
			}
			if e.ClientID != clientID || e.Resource != resource || e.TenantID != tenantID {
				t.Errorf("the error is about %q, %q, %q", e.ClientID, e.Resource, e.TenantID)
			}
		}
		_ = refused(t, src, auth.TokenRequest{Resource: "https://graph.microsoft.com"})
		if n := redemptions(srv); n != 1 {
			t.Errorf("%d redemptions of a dead token, want 1", n)
		}
		time.Sleep(15*time.Minute + time.Second)
		_ = refused(t, src, auth.TokenRequest{})
		if n := redemptions(srv); n != 2 {
			t.Errorf("%d redemptions after a quarter of an hour, want 2", n)
		}
		plantToken(t, srv, store, app)
		get(t, src, auth.TokenRequest{})
		get(t, src, auth.TokenRequest{Resource: "https://graph.microsoft.com"})
	})
}

func TestADemandForTheUserIsNotRepeatedInALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, store, app := entra.New(strict()), auth.NewMemoryStore(), confidentialApp()
		plantToken(t, srv, store, app)
		challenge := `{"access_token":{"capolids":{"essential":true,"values":["x"]}}}`
		srv.Inject(entra.Fault{Endpoint: entra.Token, Times: -1, Error: &entra.OAuthError{Code: "interaction_required", STS: 50076, SubCode: "basic_action", Claims: challenge}})
		src := refreshing(t, app, store, local(srv))
		for range 3 {
			e := refused(t, src, auth.TokenRequest{})
			if !errors.Is(e, auth.ErrInteractionRequired) || e.Claims != challenge {
				t.Fatalf("error is %v with claims %q", e, e.Claims)
			}
		}
		if n := redemptions(srv); n != 1 {
			t.Errorf("%d redemptions, want 1", n)
		}
		srv.ClearFaults()
		// Only this resource has been refused, and for a minute.
		get(t, src, auth.TokenRequest{Resource: "https://graph.microsoft.com"})
		time.Sleep(time.Minute + time.Second)
		get(t, src, auth.TokenRequest{})
	})
}

func TestAnotherProcessWasFirst(t *testing.T) {
	app := confidentialApp()
	t.Run("it has redeemed the token before us", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore()}
			plantToken(t, srv, store, app)
			stale, version, err := store.Load(t.Context(), tokenKey)
			if err != nil {
				t.Fatal(err)
			}
			get(t, refreshing(t, app, store, local(srv)), auth.TokenRequest{})
			loads := 0
			store.load = func(next auth.TokenStore, ctx context.Context, key string) (auth.Record, auth.Version, error) {
				if loads++; loads == 1 {
					return stale, version, nil
				}
				return next.Load(ctx, key)
			}
			before := redemptions(srv)
			get(t, refreshing(t, app, store, local(srv)), auth.TokenRequest{})
			if n := redemptions(srv) - before; n != 2 {
				t.Errorf("%d redemptions, want the refused one and one with the new token", n)
			}
			store.set(func() { store.load = nil })
			alive(t, srv, store, app)
		})
	})
	t.Run("it has saved another sign-in before us", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore()}
			plantToken(t, srv, store, app)
			theirs := ""
			store.save = func(next auth.TokenStore, ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				if theirs == "" {
					theirs = plantToken(t, srv, next, app) //nolint:contextcheck // somebody else signs in, not the caller
				}
				return next.Save(ctx, key, r, expect)
			}
			src := refreshing(t, app, store, local(srv))
			tok := get(t, src, auth.TokenRequest{})
			if recordIn(t, store).RefreshToken.Reveal() != theirs {
				t.Error("the token of the new sign-in was overwritten")
			}
			get(t, src, forced(tok))
			if recordIn(t, store).RefreshToken.Reveal() == theirs {
				t.Error("the token of the new sign-in is not used")
			}
			alive(t, srv, store, app)
		})
	})
	t.Run("it has changed what stands beside the token", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore()}
			plantToken(t, srv, store, app)
			changes := 0
			store.save = func(next auth.TokenStore, ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				if changes++; changes <= 2 {
					theirs, v, err := next.Load(ctx, key)
					if err != nil {
						t.Error(err)
					}
					theirs.Extra = map[string]json.RawMessage{"changes": json.RawMessage(fmt.Sprint(changes))}
					if _, err := next.Save(ctx, key, theirs, v); err != nil {
						t.Error(err)
					}
				}
				return next.Save(ctx, key, r, expect)
			}
			get(t, refreshing(t, app, store, local(srv)), auth.TokenRequest{})
			if got := string(recordIn(t, store).Extra["changes"]); got != "2" {
				t.Errorf("Extra holds changes = %q, want those of the other process", got)
			}
			alive(t, srv, store, app)
		})
	})
	t.Run("it has deleted the record", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore()}
			plantToken(t, srv, store, app)
			store.save = func(next auth.TokenStore, ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				if err := auth.DeleteKey(ctx, next, key, expect); err != nil {
					t.Error(err)
				}
				return next.Save(ctx, key, r, expect)
			}
			src := refreshing(t, app, store, local(srv))
			for range 2 {
				if e := refused(t, src, auth.TokenRequest{}); !errors.Is(e, auth.ErrNoRecord) || e.Kind != auth.KindInteractionRequired {
					t.Errorf("error is %v", e)
				}
			}
			if _, _, err := store.Load(t.Context(), tokenKey); !errors.Is(err, auth.ErrNoRecord) {
				t.Errorf("Load: %v, want that a deleted record stays deleted", err)
			}
		})
	})
}

func TestASaveThatSucceededUnnoticedIsRecognised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, app := entra.New(strict()), confidentialApp()
		store := &hooked{TokenStore: auth.NewMemoryStore()}
		plantToken(t, srv, store, app)
		saves := 0
		store.save = func(next auth.TokenStore, ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
			v, err := next.Save(ctx, key, r, expect)
			if saves++; saves == 1 {
				return "", errors.New("the answer of the database was lost")
			}
			return v, err
		}
		opts, logged := logging(local(srv))
		get(t, refreshing(t, app, store, opts), auth.TokenRequest{})
		if saves != 2 || strings.Contains(logged(), "somebody else") {
			t.Errorf("%d saves, want 2, and nobody else is suspected:\n%s", saves, logged())
		}
		alive(t, srv, store, app)
	})
}

func TestAStoreThatIsDown(t *testing.T) {
	app := confidentialApp()
	down := errors.New("connection refused")
	for _, c := range []struct {
		name     string
		sabotage func(*hooked)
	}{
		{"loading", func(h *hooked) {
			h.load = func(auth.TokenStore, context.Context, string) (auth.Record, auth.Version, error) {
				return auth.Record{}, "", down
			}
		}},
		{"locking", func(h *hooked) {
			h.lock = func(auth.TokenStore, context.Context, string) (auth.Lease, error) { return nil, down }
		}},
		{"hanging while loading", func(h *hooked) {
			h.load = func(_ auth.TokenStore, ctx context.Context, _ string) (auth.Record, auth.Version, error) {
				<-ctx.Done()
				return auth.Record{}, "", fmt.Errorf("%w: %w", down, ctx.Err())
			}
		}},
		{"hanging while locking", func(h *hooked) {
			h.lock = func(_ auth.TokenStore, ctx context.Context, _ string) (auth.Lease, error) {
				<-ctx.Done()
				return nil, fmt.Errorf("%w: %w", down, ctx.Err())
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := entra.New(strict())
				store := &hooked{TokenStore: auth.NewMemoryStore()}
				plantToken(t, srv, store, app)
				src := refreshing(t, app, store, local(srv))
				c.sabotage(store)
				start := time.Now()
				e := refused(t, src, auth.TokenRequest{})
				if !errors.Is(e, auth.ErrTransient) || !errors.Is(e, down) {
					t.Errorf("error is %v", e)
				}
				if took := time.Since(start); took > 26*time.Second {
					t.Errorf("the call took %v, more than Options.Timeout", took)
				}
				if n := redemptions(srv); n != 0 {
					t.Errorf("%d redemptions whose outcome could not have been saved", n)
				}
				store.set(func() { store.load, store.lock = nil, nil })
				get(t, src, auth.TokenRequest{})
			})
		})
	}
}

func TestANewRefreshTokenIsKeptWhileTheStoreIsDown(t *testing.T) {
	app := confidentialApp()
	broken := func(auth.TokenStore, context.Context, string, auth.Record, auth.Version) (auth.Version, error) {
		return "", errors.New("read-only")
	}
	t.Run("saving is tried for the time of a token request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore()}
			plantToken(t, srv, store, app)
			start := time.Now()
			store.save = func(next auth.TokenStore, ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				if time.Since(start) < 20*time.Second {
					return "", errors.New("read-only")
				}
				return next.Save(ctx, key, r, expect)
			}
			get(t, refreshing(t, app, store, local(srv)), auth.TokenRequest{})
			alive(t, srv, store, app)
		})
	})
	t.Run("then with every call, and other resources wait for it too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore(), save: nil}
			plantToken(t, srv, store, app)
			src := refreshing(t, app, store, local(srv))
			store.save = broken
			for range 3 {
				e := refused(t, src, auth.TokenRequest{})
				if !errors.Is(e, auth.ErrTransient) {
					t.Errorf("error is %v", e)
				}
				_ = refused(t, src, auth.TokenRequest{Resource: "https://graph.microsoft.com"})
			}
			if n := redemptions(srv); n != 1 {
				t.Errorf("%d redemptions while nothing can be saved, want 1", n)
			}
			store.set(func() { store.save = nil })
			get(t, src, auth.TokenRequest{Resource: "https://graph.microsoft.com"})
			if n := redemptions(srv); n != 2 {
				t.Errorf("%d redemptions, want 2", n)
			}
			alive(t, srv, store, app)
		})
	})
	t.Run("and a last time when the source is closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore()}
			plantToken(t, srv, store, app)
			src := refreshing(t, app, store, local(srv))
			store.save = broken
			_ = refused(t, src, auth.TokenRequest{})
			store.set(func() { store.save = nil })
			_ = src.Close()
			alive(t, srv, store, app)
		})
	})
	t.Run("and if that fails too, the log says so", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore()}
			plantToken(t, srv, store, app)
			opts, logged := logging(local(srv))
			src := refreshing(t, app, store, opts)
			store.save = broken
			_ = refused(t, src, auth.TokenRequest{})
			_ = src.Close()
			if !strings.Contains(logged(), "a new refresh token is lost") {
				t.Errorf("the log does not say so:\n%s", logged())
			}
		})
	})
	t.Run("a new sign-in takes its place", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore()}
			plantToken(t, srv, store, app)
			src := refreshing(t, app, store, local(srv))
			store.save = broken
			_ = refused(t, src, auth.TokenRequest{})
			theirs := plantToken(t, srv, store.TokenStore, app)
			store.set(func() { store.save = nil })
			get(t, src, auth.TokenRequest{})
			if recordIn(t, store).RefreshToken.Reveal() != theirs {
				t.Error("the token of the new sign-in was overwritten")
			}
			alive(t, srv, store, app)
		})
	})
	t.Run("its access token is not handed out when it is of no use", func(t *testing.T) {
		for name, c := range map[string]struct {
			omit entra.Fault
			wait time.Duration
		}{
			"expired meanwhile": {wait: 2 * time.Hour},
			"there was none":    {omit: entra.Fault{Endpoint: entra.Token, Set: map[string]any{"scope": resource + "/other"}}},
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := entra.New(strict())
					store := &hooked{TokenStore: auth.NewMemoryStore()}
					plantToken(t, srv, store, app)
					src := refreshing(t, app, store, local(srv))
					if c.omit.Endpoint != "" {
						srv.Inject(c.omit)
					}
					store.save = broken
					_ = refused(t, src, auth.TokenRequest{})
					time.Sleep(c.wait)
					store.set(func() { store.save = nil })
					get(t, src, auth.TokenRequest{})
					if n := redemptions(srv); n != 2 {
						t.Errorf("%d redemptions, want a second one", n)
					}
					alive(t, srv, store, app)
				})
			})
		}
	})
	t.Run("a store that cannot ever take it is not asked for long", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore()}
			plantToken(t, srv, store, app)
			src := refreshing(t, app, store, local(srv))
			store.save = func(auth.TokenStore, context.Context, string, auth.Record, auth.Version) (auth.Version, error) {
				return "", fmt.Errorf("sealed store: %w", auth.ErrTooLarge)
			}
			start := time.Now()
			e := refused(t, src, auth.TokenRequest{})
			if !errors.Is(e, auth.ErrTooLarge) || e.Kind != auth.KindBadConfiguration || time.Since(start) > time.Second {
				t.Errorf("after %v the error is %v", time.Since(start), e)
			}
		})
	})
}

func TestALostAnswer(t *testing.T) {
	app := confidentialApp()
	for _, c := range []struct {
		name     string
		rotation entra.Rotation
		once     bool
		fault    entra.Fault
		want     error // of the first call
		sent     int
		then     error // of the second call
	}{
		{"is asked for again", entra.Lenient, false, entra.Fault{DropAfter: true}, nil, 2, nil},
		{"cut in the middle is asked for again", entra.Lenient, false, entra.Fault{CutBody: 40}, nil, 2, nil},
		{"is not asked for again if the token must not be sent twice", entra.Lenient, true, entra.Fault{DropAfter: true}, auth.ErrTransient, 1, nil},
		{"is the end where tokens work once", entra.Strict, false, entra.Fault{DropAfter: true}, auth.ErrRefreshTokenDead, 2, auth.ErrRefreshTokenDead},
		{"is the end where tokens work once, noticed later", entra.Strict, true, entra.Fault{DropAfter: true}, auth.ErrTransient, 1, auth.ErrRefreshTokenDead},
		{"of a gateway may hide a redemption", entra.Strict, true, entra.Fault{Status: 502}, auth.ErrTransient, 1, nil},
		{"that says the request was not served may be repeated", entra.Strict, true, entra.Fault{Status: 503}, nil, 2, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := directory()
				cfg.Rotation = c.rotation
				srv, store := entra.New(cfg), auth.NewMemoryStore()
				plantToken(t, srv, store, app)
				c.fault.Endpoint = entra.Token
				srv.Inject(c.fault)
				opts := local(srv)
				opts.RedeemOnce = c.once
				src := refreshing(t, app, store, opts)
				_, err := src.Token(t.Context(), auth.TokenRequest{Resource: resource})
				if !errors.Is(err, c.want) {
					t.Errorf("error is %v, want %v", err, c.want)
				}
				if n := redemptions(srv); n != c.sent {
					t.Errorf("the token was sent %d times, want %d", n, c.sent)
				}
				if c.want != nil {
					if _, err = src.Token(t.Context(), auth.TokenRequest{Resource: resource}); !errors.Is(err, c.then) {
						t.Errorf("then the error is %v, want %v", err, c.then)
					}
				}
			})
		})
	}
}

func TestAConnectionThatDidNotComeAboutIsTriedAgain(t *testing.T) {
	srv := listen(t, strict(), nil)
	store, app := auth.NewMemoryStore(), confidentialApp()
	plantToken(t, srv.Server, store, app)
	network, ok := srv.opts.Transport.(*http.Transport)
	if !ok {
		t.Fatal("not a transport")
	}
	posts := 0
	opts := *srv.opts
	opts.RedeemOnce = true
	opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			if posts++; posts == 1 {
				c := r.Clone(r.Context())
				c.URL.Host = "127.0.0.1:1" // nobody listens there
				return network.RoundTrip(c)
			}
		}
		return network.RoundTrip(r)
	})
	get(t, refreshing(t, app, store, &opts), auth.TokenRequest{})
	if posts != 2 {
		t.Errorf("%d attempts, want 2", posts)
	}
}

func TestNobodysLeavingLosesARefreshToken(t *testing.T) {
	app := confidentialApp()
	// The answer is on its way when the caller leaves.
	slow := func(t *testing.T, cfg entra.Config) (*entra.Server, *auth.MemoryStore, *auth.Source, chan struct{}) {
		t.Helper()
		srv, store := entra.New(cfg), auth.NewMemoryStore()
		plantToken(t, srv, store, app)
		answer := make(chan struct{})
		next := inProcess{handler: srv}
		opts := &auth.Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if r.Method == http.MethodPost {
				select {
				case <-answer:
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			}
			return resp, err
		})}
		return srv, store, refreshing(t, app, store, opts), answer
	}
	t.Run("a caller that gives up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, store, src, answer := slow(t, strict())
			ctx, cancel := context.WithCancel(t.Context())
			go func() { synctest.Wait(); cancel() }()
			if _, err := src.Token(ctx, auth.TokenRequest{Resource: resource}); !errors.Is(err, context.Canceled) {
				t.Fatalf("error is %v, want that of the caller's context", err)
			}
			close(answer)
			synctest.Wait()
			get(t, src, auth.TokenRequest{})
			if n := redemptions(srv); n != 1 {
				t.Errorf("%d redemptions, want 1: the token of the first was kept", n)
			}
			alive(t, srv, store, app)
		})
	})
	t.Run("a source that is closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, store, src, answer := slow(t, strict())
			go func() { _, _ = src.Token(t.Context(), auth.TokenRequest{Resource: resource}) }()
			synctest.Wait()
			closed := make(chan struct{})
			go func() { defer close(closed); _ = src.Close() }()
			synctest.Wait()
			select {
			case <-closed:
				t.Error("Close did not wait for the redemption")
			default:
			}
			close(answer)
			<-closed
			alive(t, srv, store, app)
		})
	})
	t.Run("a source that is closed while the store is busy", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := entra.New(strict())
			store := &hooked{TokenStore: auth.NewMemoryStore()}
			plantToken(t, srv, store, app)
			start := time.Now()
			store.save = func(next auth.TokenStore, ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				if time.Since(start) < 5*time.Second {
					return "", errors.New("busy")
				}
				return next.Save(ctx, key, r, expect)
			}
			src := refreshing(t, app, store, local(srv))
			go func() { _, _ = src.Token(t.Context(), auth.TokenRequest{Resource: resource}) }()
			time.Sleep(time.Second)
			_ = src.Close()
			alive(t, srv, store, app)
		})
	})
	t.Run("a caller that waits behind another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, store, src, answer := slow(t, strict())
			for _, r := range []string{resource, "https://graph.microsoft.com"} {
				go func() { _, _ = src.Token(t.Context(), auth.TokenRequest{Resource: r}) }()
			}
			synctest.Wait()
			time.Sleep(9 * time.Second) // below the limit of an attempt
			go func() { _ = src.Close() }()
			synctest.Wait()
			close(answer)
			synctest.Wait()
			if n := redemptions(srv); n != 1 {
				t.Errorf("%d redemptions, want 1: the second had not begun", n)
			}
			alive(t, srv, store, app)
		})
	})
}

func TestAStoreWithoutLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, app := entra.New(strict()), confidentialApp()
		store := lockless{auth.NewMemoryStore()}
		plantToken(t, srv, store, app)
		opts := local(srv)
		opts.Transport = inProcess{handler: srv, each: func(*http.Request) error {
			time.Sleep(rand.N(100 * time.Millisecond)) //nolint:gosec // to meet the others in every order
			return nil
		}}
		// Nobody can be late more often than the others rotate, which is below the limit.
		const sources, rotations = 4, 10
		var wg sync.WaitGroup
		for range sources {
			src := refreshing(t, app, store, opts)
			wg.Go(func() {
				var tok auth.Token
				for i := range rotations {
					var err error
					if tok, err = src.Token(t.Context(), forced(tok)); err != nil {
						t.Errorf("rotation %d: %v", i, err)
						return
					}
				}
			})
		}
		wg.Wait()
		get(t, refreshing(t, app, store, opts), auth.TokenRequest{})
	})
}

func TestWithoutALockARefusalIsNotBelievedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, app := entra.New(strict()), confidentialApp()
		memory := auth.NewMemoryStore()
		plantToken(t, srv, memory, app)
		// Another process has redeemed the token and takes a second to save.
		store := &hooked{TokenStore: lockless{memory}, save: func(next auth.TokenStore, ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
			time.Sleep(time.Second)
			return next.Save(ctx, key, r, expect)
		}}
		first := refreshing(t, app, store, local(srv))
		second := refreshing(t, app, lockless{memory}, local(srv))
		var wg sync.WaitGroup
		wg.Go(func() { get(t, first, auth.TokenRequest{}) })
		synctest.Wait()
		wg.Go(func() { get(t, second, auth.TokenRequest{}) })
		wg.Wait()
		if n := redemptions(srv); n != 3 {
			t.Errorf("%d redemptions, want two that succeeded and one that was refused", n)
		}
		// Under a lock, or when nothing moves, it is.
		srv.RevokeSessions(upn)
		start := time.Now()
		if e := refused(t, refreshing(t, app, lockless{memory}, local(srv)), auth.TokenRequest{}); !errors.Is(e, auth.ErrRefreshTokenDead) {
			t.Errorf("error is %v", e)
		}
		if took := time.Since(start); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("without a lock a refusal was believed after %v, want 3 s", took)
		}
		start = time.Now()
		_ = refused(t, refreshing(t, app, memory, local(srv)), auth.TokenRequest{})
		if took := time.Since(start); took > 0 {
			t.Errorf("under a lock a refusal was believed after %v, want at once", took)
		}
	})
}

// lease is a lease that a test makes.
type lease struct {
	ends time.Time
	lost error
	free func()
}

func (l lease) Expires() time.Time { return l.ends }

func (l lease) Release(context.Context) error {
	if l.free != nil {
		l.free()
	}
	return l.lost
}

func TestLeasesThatEnd(t *testing.T) {
	app := confidentialApp()
	world := func(t *testing.T, lasts time.Duration, lost error) (*entra.Server, *auth.Source, *hooked, func() string) {
		t.Helper()
		srv := entra.New(strict())
		store := &hooked{TokenStore: auth.NewMemoryStore()}
		plantToken(t, srv, store, app)
		store.lock = func(auth.TokenStore, context.Context, string) (auth.Lease, error) {
			return lease{ends: time.Now().Add(lasts), lost: lost}, nil
		}
		opts, logged := logging(local(srv))
		return srv, refreshing(t, app, store, opts), store, logged
	}
	t.Run("too short for a redemption", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, src, _, _ := world(t, 9*time.Second, nil)
			e := refused(t, src, auth.TokenRequest{})
			if !errors.Is(e, auth.ErrTransient) || !strings.Contains(e.Error(), "longer lease") {
				t.Errorf("error is %v", e)
			}
			if n := redemptions(srv); n != 0 {
				t.Errorf("%d redemptions", n)
			}
		})
	})
	t.Run("no attempt begins after its end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, src, _, _ := world(t, 11*time.Second, nil)
			srv.Inject(entra.Fault{Endpoint: entra.Token, Times: -1, Status: 503, RetryAfter: "4"})
			start := time.Now()
			_ = refused(t, src, auth.TokenRequest{})
			if n := redemptions(srv); n != 3 || time.Since(start) > 11*time.Second {
				t.Errorf("%d attempts in %v, want 3 within the lease of 11 s", n, time.Since(start))
			}
		})
	})
	t.Run("lost on the way", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, src, store, logged := world(t, time.Minute, auth.ErrLeaseLost)
			get(t, src, auth.TokenRequest{})
			if !strings.Contains(logged(), "could not be released") {
				t.Errorf("the log does not mention it:\n%s", logged())
			}
			alive(t, srv, store, app)
		})
	})
	t.Run("released in every case", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, src, store, _ := world(t, time.Minute, nil)
			held := 0
			store.set(func() {
				store.lock = func(auth.TokenStore, context.Context, string) (auth.Lease, error) {
					held++
					return lease{free: func() { held-- }}, nil
				}
			})
			tok := get(t, src, auth.TokenRequest{})
			srv.RevokeSessions(upn)
			refusedErr(t, src, forced(tok))
			if held != 0 {
				t.Errorf("%d locks are still held", held)
			}
		})
	})
}

// refusedErr wants an error of any kind.
func refusedErr(t *testing.T, src *auth.Source, req auth.TokenRequest) {
	t.Helper()
	if _, err := src.Token(t.Context(), req); err == nil {
		t.Fatal("Token succeeded, want an error")
	}
}

func TestARecordForSomebodyElseIsNotSent(t *testing.T) {
	app := confidentialApp()
	for _, c := range []struct {
		name   string
		record auth.Record
		want   string
	}{
		{"another application", auth.Record{ClientID: publicID}, "belongs to application"},
		{"another cloud", auth.Record{AuthorityHost: "login.microsoftonline.us"}, "must not be sent to login.microsoftonline.com"},
		{"a strange host", auth.Record{AuthorityHost: "login.example"}, "must not be sent to login.microsoftonline.com"},
		{"no tenant", auth.Record{TenantID: "x/../y"}, "which is none"},
		{"nothing said", auth.Record{}, ""},
		{"another spelling", auth.Record{ClientID: strings.ToUpper(clientID), AuthorityHost: "STS.windows.net"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv, store := entra.New(strict()), auth.NewMemoryStore()
			token, err := srv.IssueRefreshToken(clientID, upn, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.record.RefreshToken = pc.NewSecret(token)
			if _, err := store.Save(t.Context(), tokenKey, c.record, ""); err != nil {
				t.Fatal(err)
			}
			src := refreshing(t, app, store, local(srv))
			if c.want == "" {
				get(t, src, auth.TokenRequest{})
				r := recordIn(t, store)
				if r.ClientID == "" || r.TenantID != tenantID || r.AuthorityHost == "" {
					t.Errorf("the record does not say whose it is: %v", r)
				}
				return
			}
			e := refused(t, src, auth.TokenRequest{})
			if e.Kind != auth.KindBadConfiguration || !strings.Contains(e.Error(), c.want) {
				t.Errorf("error is %v, want one that says %q", e, c.want)
			}
			if len(srv.Requests()) != 0 {
				t.Error("a request was sent")
			}
		})
	}
}

func TestCloudsHaveSeveralHosts(t *testing.T) {
	for _, c := range []struct{ record, authority string }{
		{"login.usgovcloudapi.net", "https://login.microsoftonline.us"},
		{"login.chinacloudapi.cn", "https://login.partner.microsoftonline.cn"},
	} {
		srv, store := entra.New(strict()), auth.NewMemoryStore()
		app := confidentialApp()
		token := plantToken(t, srv, store, app)
		r, v, err := store.Load(t.Context(), tokenKey)
		if err != nil {
			t.Fatal(err)
		}
		r.AuthorityHost = c.record
		if _, err := store.Save(t.Context(), tokenKey, r, v); err != nil {
			t.Fatal(err)
		}
		opts := local(srv)
		opts.Authority = c.authority
		get(t, refreshing(t, app, store, opts), auth.TokenRequest{})
		if recordIn(t, store).RefreshToken.Reveal() == token {
			t.Errorf("%s at %s: the token was not replaced", c.record, c.authority)
		}
	}
}

func TestErrorsOfTheStoreSayWhatToDo(t *testing.T) {
	app := confidentialApp()
	for _, c := range []struct {
		cause error
		kind  auth.Kind
		want  string
	}{
		{auth.ErrNoRecord, auth.KindInteractionRequired, `save the refresh token under key "contoso"`},
		{auth.ErrUnreadable, auth.KindBadConfiguration, "Restore the record"},
		{auth.ErrNewerSchema, auth.KindBadConfiguration, "Update this program"},
		{auth.ErrInsecureStore, auth.KindBadConfiguration, "Correct the token store"},
		{errors.New("timeout"), auth.KindTransient, "Check the token store"},
	} {
		srv := entra.New(strict())
		store := &hooked{TokenStore: auth.NewMemoryStore(), load: func(auth.TokenStore, context.Context, string) (auth.Record, auth.Version, error) {
			return auth.Record{}, "", fmt.Errorf("some store: %w", c.cause)
		}}
		e := refused(t, refreshing(t, app, store, local(srv)), auth.TokenRequest{})
		if e.Kind != c.kind || !errors.Is(e, c.cause) || !strings.Contains(e.Error(), c.want) {
			t.Errorf("%v: error is %v (%v), want %v that says %q", c.cause, e, e.Kind, c.kind, c.want)
		}
	}
}

func TestNewRefreshTokenFindsMistakes(t *testing.T) {
	store := auth.NewMemoryStore()
	for _, c := range []struct {
		name  string
		app   auth.App
		store auth.TokenStore
		key   string
		opts  *auth.Options
		want  string
	}{
		{"no tenant", auth.App{ClientID: clientID}, store, tokenKey, nil, "App.TenantID is empty"},
		{"empty secret", auth.App{TenantID: tenantID, ClientID: clientID, Credential: auth.ClientSecret(pc.Secret{})}, store, tokenKey, nil, "client secret is empty"},
		{"no store", confidentialApp(), nil, tokenKey, nil, "no store"},
		{"no key", confidentialApp(), store, "", nil, "invalid store key"},
		{"bad options", confidentialApp(), store, tokenKey, &auth.Options{Authority: "http://x.example"}, "does not use https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := auth.NewRefreshToken(c.app, c.store, c.key, c.opts)
			if src != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestAFailingSecretProviderIsNotTheTokenServicesFault(t *testing.T) {
	srv, store, app := entra.New(strict()), auth.NewMemoryStore(), confidentialApp()
	plantToken(t, srv, store, app)
	sealed := errors.New("the vault is sealed")
	app.Credential = auth.ClientSecretFunc(func(context.Context) (pc.Secret, error) { return pc.Secret{}, sealed })
	_, err := refreshing(t, app, store, local(srv)).Token(t.Context(), auth.TokenRequest{Resource: resource})
	if !errors.Is(err, sealed) || errors.Is(err, auth.ErrBadAnswer) {
		t.Errorf("error is %v", err)
	}
	if len(srv.Requests()) != 0 {
		t.Error("a request was sent")
	}
}

func TestNothingPrintsARefreshToken(t *testing.T) {
	app := confidentialApp()
	quote := func(v string) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	// Stores must not put tokens into their errors. This one does.
	leaky := func(r auth.Record) error {
		return fmt.Errorf("INSERT INTO tokens VALUES ('%s') failed", r.RefreshToken.Reveal())
	}
	for _, c := range []struct {
		name   string
		answer func(form url.Values) (int, string) // nil: that of the fake
		save   func(auth.TokenStore, context.Context, string, auth.Record, auth.Version) (auth.Version, error)
		change func(*entra.Server)
	}{
		{name: "success"},
		{name: "refused with the form in the text", answer: func(f url.Values) (int, string) {
			return 400, `{"error":"invalid_grant","error_codes":[70000],"error_description":` + quote("AADSTS70000: bad "+f.Encode()+" "+f.Get("refresh_token")) + `}`
		}},
		{name: "interaction demanded with the token in the claims", answer: func(f url.Values) (int, string) {
			return 400, `{"error":"interaction_required","claims":` + quote(f.Get("refresh_token")) + `}`
		}},
		{name: "gateway that quotes the request", answer: func(f url.Values) (int, string) { return 502, "<p>" + f.Encode() }},
		{name: "answer without access token", answer: func(f url.Values) (int, string) {
			return 200, `{"refresh_token":"0.rt-next-canary","id_token":"eyJhbGciOiJub25lIn0.e30.","foo":` + quote(f.Encode()) + `}`
		}},
		{name: "answer that is no JSON", answer: func(f url.Values) (int, string) {
			return 200, `{"refresh_token":"0.rt-next-canary", ` + f.Encode()
		}},
		{name: "store that prints what it cannot save", save: func(_ auth.TokenStore, _ context.Context, _ string, r auth.Record, _ auth.Version) (auth.Version, error) {
			return "", leaky(r)
		}},
		{name: "the same where the old token stays", save: func(_ auth.TokenStore, _ context.Context, _ string, r auth.Record, _ auth.Version) (auth.Version, error) {
			return "", leaky(r)
		}, change: func(s *entra.Server) {
			s.Inject(entra.Fault{Endpoint: entra.Token, Times: -1, Omit: []string{"refresh_token"}})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := entra.New(lenient())
				if c.change != nil {
					c.change(srv)
				}
				store := &hooked{TokenStore: auth.NewMemoryStore(), save: nil}
				token := plantToken(t, srv, store, app)
				store.save = c.save
				var l leaks
				l.plant(secret, token, "0.rt-next-canary")
				opts, logged := logging(&auth.Options{Transport: inProcess{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodPost || c.answer == nil {
						srv.ServeHTTP(w, r)
						return
					}
					if err := r.ParseForm(); err != nil {
						t.Error(err)
					}
					status, text := c.answer(r.PostForm)
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(status)
					_, _ = w.Write([]byte(text))
				})}})
				src := refreshing(t, app, store, opts)
				for range 2 {
					_, err := src.Token(t.Context(), auth.TokenRequest{Resource: resource})
					if err != nil {
						for how, text := range printings(t, err) {
							l.check(t, "the error as "+how, text)
						}
					}
				}
				for how, text := range printings(t, src) {
					l.check(t, "the source as "+how, text)
				}
				_ = src.Close()
				l.check(t, "the log", logged())
			})
		})
	}
}

func TestAnAccountThatIsGoneIsNotAskedForAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, store, app := entra.New(strict()), auth.NewMemoryStore(), confidentialApp()
		plantToken(t, srv, store, app)
		srv.Inject(entra.Fault{Endpoint: entra.Token, Times: -1, Error: &entra.OAuthError{Code: "invalid_grant", STS: 50057}})
		src := refreshing(t, app, store, local(srv))
		for range 3 {
			if e := refused(t, src, auth.TokenRequest{}); !errors.Is(e, auth.ErrBadUserCredential) || !strings.Contains(e.Advice, "disabled") {
				t.Errorf("error is %v", e)
			}
		}
		if n := redemptions(srv); n != 1 {
			t.Errorf("%d redemptions, want 1", n)
		}
	})
}

// Whoever is never first has bad luck, and not a dead token: another one is stored.
func TestAStoreThatNeverComesToRestIsNotFollowedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, app := entra.New(strict()), confidentialApp()
		n := 0
		store := &hooked{TokenStore: auth.NewMemoryStore()}
		plantToken(t, srv, store, app)
		store.load = func(auth.TokenStore, context.Context, string) (auth.Record, auth.Version, error) {
			n++
			return auth.Record{RefreshToken: pc.NewSecret(fmt.Sprintf("0.rt-%d", n))}, auth.NewVersion(), nil
		}
		src := refreshing(t, app, store, local(srv))
		e := refused(t, src, auth.TokenRequest{})
		if !errors.Is(e, auth.ErrTransient) || errors.Is(e, auth.ErrRefreshTokenDead) || !strings.Contains(e.Error(), "50 times in a row") {
			t.Errorf("error is %v", e)
		}
		if n := redemptions(srv); n != 50 {
			t.Errorf("%d redemptions, want 50", n)
		}
		store.set(func() { store.load = nil })
		get(t, src, auth.TokenRequest{})
	})
}

func TestRefusalsAreForgottenWhenThereAreTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, store, app := entra.New(strict()), auth.NewMemoryStore(), confidentialApp()
		plantToken(t, srv, store, app)
		srv.Inject(entra.Fault{Endpoint: entra.Token, Times: -1, Error: &entra.OAuthError{Code: "interaction_required", STS: 50076}})
		src := refreshing(t, app, store, local(srv))
		ask := func(i int) { _ = refused(t, src, auth.TokenRequest{Claims: fmt.Sprintf(`{"n":%d}`, i)}) }
		for i := range 1000 {
			ask(i)
		}
		ask(0)
		if n := redemptions(srv); n != 1000 {
			t.Fatalf("%d redemptions, want 1000: all are remembered", n)
		}
		ask(1000)
		ask(0)
		if n := redemptions(srv); n != 1002 {
			t.Errorf("%d redemptions, want 1002: there is a limit", n)
		}
	})
}

func TestTheStoreGoesDownBetweenRefusalAndSecondLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, app := entra.New(strict()), confidentialApp()
		store := &hooked{TokenStore: auth.NewMemoryStore()}
		plantToken(t, srv, store, app)
		srv.RevokeSessions(upn)
		loads := 0
		store.load = func(next auth.TokenStore, ctx context.Context, key string) (auth.Record, auth.Version, error) {
			if loads++; loads == 2 {
				return auth.Record{}, "", errors.New("connection refused")
			}
			return next.Load(ctx, key)
		}
		src := refreshing(t, app, store, local(srv))
		// Whether the token is dead is not known yet, so nobody is told to sign in.
		if e := refused(t, src, auth.TokenRequest{}); !errors.Is(e, auth.ErrTransient) {
			t.Errorf("error is %v", e)
		}
		if e := refused(t, src, auth.TokenRequest{}); !errors.Is(e, auth.ErrRefreshTokenDead) {
			t.Errorf("error is %v", e)
		}
	})
}

func TestAFailedRenewalLetsTheOldTokenServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, app := entra.New(strict()), confidentialApp()
		store := &hooked{TokenStore: auth.NewMemoryStore()}
		plantToken(t, srv, store, app)
		src := refreshing(t, app, store, local(srv))
		first := get(t, src, auth.TokenRequest{})
		store.set(func() {
			store.lock = func(auth.TokenStore, context.Context, string) (auth.Lease, error) { return nil, errors.New("down") }
		})
		time.Sleep(50 * time.Minute)
		if again := get(t, src, auth.TokenRequest{}); !again.Value.Equal(first.Value) {
			t.Error("another token although the store is down")
		}
		synctest.Wait()
		store.set(func() { store.lock = nil })
		time.Sleep(time.Minute)
		get(t, src, auth.TokenRequest{})
		synctest.Wait()
		if again := get(t, src, auth.TokenRequest{}); again.Value.Equal(first.Value) {
			t.Error("still the old token although the store is back")
		}
	})
}

func TestAnApplicationWithoutATenantUsesThatOfTheRecord(t *testing.T) {
	srv, store, app := entra.New(strict()), auth.NewMemoryStore(), confidentialApp()
	plantToken(t, srv, store, app)
	app.TenantID = "organizations"
	src := refreshing(t, app, store, local(srv))
	for _, c := range []struct{ ask, want string }{{"", tenantID}, {otherTenant, otherTenant}} {
		tok := get(t, src, auth.TokenRequest{TenantID: c.ask})
		if claims, _ := srv.Check(tok.Value.Reveal()); claims.TenantID != c.want {
			t.Errorf("asked for tenant %q: the token is of %q, want %q", c.ask, claims.TenantID, c.want)
		}
	}
	for _, r := range srv.Requests() {
		if r.GrantType != "" && r.Tenant != tenantID && r.Tenant != otherTenant {
			t.Errorf("the token was redeemed at %q", r.Tenant)
		}
	}
	if got := recordIn(t, store).TenantID; got != tenantID {
		t.Errorf("the record is of tenant %q", got)
	}
}
