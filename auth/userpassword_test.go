package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

func TestUserTokenBelongsToTheUser(t *testing.T) {
	for name, app := range map[string]auth.App{"public": publicApp(), "confidential": confidentialApp()} {
		t.Run(name, func(t *testing.T) {
			srv := listen(t, directory(), nil)
			s := usernamePassword(t, app, user(), srv.opts)
			claims, ok := srv.Check(get(t, s, auth.TokenRequest{}).Value.Reveal())
			if !ok || claims.UPN != upn || claims.UserID == "" || claims.Audience != resource || claims.AppID != app.ClientID {
				t.Errorf("claims %+v, valid: %t", claims, ok)
			}
		})
	}
}

func TestOrganizationsStandsForTheUsersTenant(t *testing.T) {
	srv := listen(t, directory(), nil)
	app := publicApp()
	app.TenantID = "organizations"
	s := usernamePassword(t, app, user(), srv.opts)
	if claims, _ := srv.Check(get(t, s, auth.TokenRequest{}).Value.Reveal()); claims.TenantID != tenantID {
		t.Errorf("tenant %q, want the user's", claims.TenantID)
	}
}

func TestSignInNamesAreEscaped(t *testing.T) {
	for _, name := range []string{"a b@" + domain, "käse@" + domain, "x/../y@" + domain, "100%@" + domain, "a?b#c@" + domain, "o'neil+x@" + domain} {
		t.Run(name, func(t *testing.T) {
			cfg := directory()
			cfg.Users = append(cfg.Users, entra.User{UPN: name, TenantID: tenantID, Password: pc.NewSecret("p")})
			srv := listen(t, cfg, nil)
			u := auth.UserPassword{Username: name, Password: pc.NewSecret("p")}
			if strings.Contains(name, " ") {
				if _, err := auth.NewUsernamePassword(publicApp(), u, srv.opts); err == nil {
					t.Error("a name with a space was accepted")
				}
				return
			}
			s := usernamePassword(t, publicApp(), u, srv.opts)
			if claims, _ := srv.Check(get(t, s, auth.TokenRequest{}).Value.Reveal()); claims.UPN != name {
				t.Errorf("token of %q, want %q", claims.UPN, name)
			}
		})
	}
}

func TestConfidentialRegistrationNeedsItsSecretWithThePassword(t *testing.T) {
	srv := listen(t, directory(), nil)
	app := confidentialApp()
	app.Credential = nil
	s := usernamePassword(t, app, user(), srv.opts)
	e := refused(t, s, auth.TokenRequest{})
	if !errors.Is(e, auth.ErrBadClientCredential) || !e.HasSTSCode(7000218) || !strings.Contains(e.Advice, "App.Credential") {
		t.Errorf("got %v", e)
	}
}

func TestRefusedSignIns(t *testing.T) {
	for _, c := range []struct {
		name  string
		user  entra.User
		pass  string
		code  int
		kind  error
		pause time.Duration
	}{
		{name: "wrong password", pass: "wrong", code: 50126, kind: auth.ErrBadUserCredential, pause: 5 * time.Minute},
		{name: "locked account", user: entra.User{}, pass: "wrong", code: 50053, kind: auth.ErrBadUserCredential, pause: time.Minute},
		{name: "multifactor authentication", user: entra.User{RequireMFA: true}, pass: passphrase, code: 50076, kind: auth.ErrInteractionRequired, pause: 5 * time.Minute},
		{name: "unknown user of a known domain", user: entra.User{UPN: "other@" + domain}, pass: passphrase, code: 50034, kind: auth.ErrBadUserCredential, pause: 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := directory()
				account := c.user
				if account.UPN == "" {
					account.UPN = upn
				}
				account.TenantID, account.Password = tenantID, pc.NewSecret(passphrase)
				cfg.Users = []entra.User{account}
				srv := entra.New(cfg)
				if c.code == 50053 {
					srv.Inject(entra.Fault{Endpoint: entra.Token, Error: &entra.OAuthError{Code: "invalid_grant", STS: 50053, Text: "Locked."}})
				}
				s := usernamePassword(t, publicApp(), auth.UserPassword{Username: upn, Password: pc.NewSecret(c.pass)}, local(srv))
				e := refused(t, s, auth.TokenRequest{})
				if !errors.Is(e, c.kind) || !e.HasSTSCode(c.code) || e.Temporary() {
					t.Errorf("got %v, want %v", e, c.kind)
				}
				if c.code == 50076 && !strings.Contains(e.Claims, "capolids") {
					t.Errorf("the claims challenge is missing: %q", e.Claims)
				}
				if n := srv.Count(entra.Token); n != 1 {
					t.Fatalf("%d sign-ins, want 1: repetitions lock the account", n)
				}
				// An application that keeps calling does not repeat the sign-in.
				for range 100 {
					again := refused(t, s, auth.TokenRequest{})
					if !errors.Is(again, c.kind) || again.RetryAfter <= 0 {
						t.Fatalf("got %v, want the same error and when to try again", again)
					}
				}
				time.Sleep(c.pause - time.Nanosecond)
				_ = refused(t, s, auth.TokenRequest{})
				if n := srv.Count(entra.Token); n != 1 {
					t.Errorf("%d sign-ins within %v, want 1", n, c.pause)
				}
				// The cause is gone, and so is the pause.
				srv.SetUser(entra.User{UPN: upn, TenantID: tenantID, Password: pc.NewSecret(c.pass)})
				time.Sleep(time.Nanosecond)
				get(t, s, auth.TokenRequest{})
			})
		})
	}
}

func TestWrongPasswordDoesNotLockTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := entra.New(directory())
		s := usernamePassword(t, publicApp(), auth.UserPassword{Username: upn, Password: pc.NewSecret("wrong")}, local(srv))
		for range 30 { // half an hour of a busy service
			for _, r := range []string{resource, "https://graph.microsoft.com"} {
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() { _, _ = s.Token(t.Context(), auth.TokenRequest{Resource: r}) })
				}
				wg.Wait()
			}
			time.Sleep(time.Minute)
		}
		if n := srv.Count(entra.Token); n > 8 {
			t.Errorf("%d failed sign-ins in half an hour, which locks the account", n)
		}
	})
}

func TestWrongPasswordIsWrongInEveryTenant(t *testing.T) {
	for _, c := range []struct {
		name    string
		mfa     bool
		pass    string
		signIns int
	}{
		{"a wrong password is", false, "wrong", 1},
		{"a demand for a second factor is one tenant's", true, passphrase, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := directory()
			cfg.Users[0].RequireMFA = c.mfa
			srv := listen(t, cfg, nil)
			s := usernamePassword(t, publicApp(), auth.UserPassword{Username: upn, Password: pc.NewSecret(c.pass)}, srv.opts)
			for _, tenant := range []string{"", otherTenant} {
				_ = refused(t, s, auth.TokenRequest{TenantID: tenant})
			}
			if n := srv.Count(entra.Token); n != c.signIns {
				t.Errorf("%d sign-ins, want %d", n, c.signIns)
			}
		})
	}
}

// A service that starts asks for all its tenants and resources at once.
func TestWrongPasswordIsTriedOnceByAllTenantsTogether(t *testing.T) {
	for _, c := range []struct {
		name, pass string
		signIns    int
	}{{"wrong", "wrong", 1}, {"right", passphrase, 4}} {
		t.Run(c.name, func(t *testing.T) {
			srv := listen(t, everywhere(), nil)
			s := usernamePassword(t, publicApp(), auth.UserPassword{Username: upn, Password: pc.NewSecret(c.pass)}, srv.opts)
			var wg sync.WaitGroup
			for _, tenant := range []string{"", domain} {
				for _, r := range []string{resource, "https://graph.microsoft.com"} {
					wg.Go(func() {
						_, err := s.Token(t.Context(), auth.TokenRequest{Resource: r, TenantID: tenant})
						if right := c.pass == passphrase; (err == nil) != right || !right && !errors.Is(err, auth.ErrBadUserCredential) {
							t.Errorf("%s in tenant %q: %v", r, tenant, err)
						}
					})
				}
			}
			wg.Wait()
			if n := srv.Count(entra.Token); n != c.signIns {
				t.Errorf("%d sign-ins, want %d", n, c.signIns)
			}
		})
	}
}

// A password that has worked and is changed at the directory is not proven any more: when
// the pause is over, it is tried by one for all.
func TestPasswordThatNoLongerWorksIsTriedOnceByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := entra.New(everywhere())
		opts := local(srv)
		opts.Transport = inProcess{handler: srv, each: func(*http.Request) error {
			time.Sleep(time.Second) // long enough for all to come
			return nil
		}}
		s := usernamePassword(t, publicApp(), user(), opts)
		get(t, s, auth.TokenRequest{})
		srv.SetUser(entra.User{UPN: upn, TenantID: tenantID, Password: pc.NewSecret("another")})
		_ = refused(t, s, auth.TokenRequest{Resource: "https://graph.microsoft.com"})
		time.Sleep(5*time.Minute + time.Second)
		before := srv.Count(entra.Token)
		var wg sync.WaitGroup
		for _, tenant := range []string{"", domain} {
			for _, claims := range []string{`{"a":1}`, `{"b":1}`} {
				wg.Go(func() {
					_, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource, TenantID: tenant, Claims: claims})
					if !errors.Is(err, auth.ErrBadUserCredential) {
						t.Errorf("tenant %q: %v", tenant, err)
					}
				})
			}
		}
		wg.Wait()
		if n := srv.Count(entra.Token) - before; n != 1 {
			t.Errorf("%d failed sign-ins at once, want 1", n)
		}
	})
}

// One tenant that does not know the user must not stop the others, nor be asked again
// because they work.
func TestUserWhomOneTenantDoesNotKnow(t *testing.T) {
	srv := listen(t, directory(), nil)
	s := usernamePassword(t, publicApp(), user(), srv.opts)
	ask := func(want int) {
		t.Helper()
		if e := refused(t, s, auth.TokenRequest{TenantID: otherTenant}); !e.HasSTSCode(50034) {
			t.Errorf("got %v, want AADSTS50034", e)
		}
		if n := srv.Count(entra.Token); n != want {
			t.Errorf("%d sign-ins, want %d", n, want)
		}
	}
	ask(1)
	ask(1)
	get(t, s, auth.TokenRequest{})
	ask(2)
}

// Who waits for that leaves when the time for a token is over.
func TestSignInThatWaitsForAnotherEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		hang := roundTripper(func(r *http.Request) (*http.Response, error) {
			asked.Add(1)
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		s := usernamePassword(t, publicApp(), user(), &auth.Options{Transport: hang, MaxRetries: -1, Timeout: 10 * time.Second})
		var wg sync.WaitGroup
		start := time.Now()
		for _, r := range []string{resource, "https://graph.microsoft.com", "https://cloudpartner.azure.com", "https://api.partnercenter.microsoft.com"} {
			wg.Go(func() {
				if _, err := s.Token(t.Context(), auth.TokenRequest{Resource: r}); !errors.Is(err, auth.ErrTransient) {
					t.Errorf("%s: %v", r, err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took > 11*time.Second || asked.Load() == 0 {
			t.Errorf("%d requests, after %v", asked.Load(), took)
		}
	})
}

func TestChangedPasswordIsTriedAtOnce(t *testing.T) {
	srv := listen(t, directory(), nil)
	current := "old"
	s := usernamePassword(t, publicApp(), auth.UserPassword{Username: upn, PasswordFunc: func(context.Context) (pc.Secret, error) {
		return pc.NewSecret(current), nil
	}}, srv.opts)
	_ = refused(t, s, auth.TokenRequest{})
	_ = refused(t, s, auth.TokenRequest{})
	current = passphrase
	get(t, s, auth.TokenRequest{})
	if n := srv.Count(entra.Token); n != 2 {
		t.Errorf("%d sign-ins, want 2", n)
	}
}

func TestUnknownRealm(t *testing.T) {
	srv := listen(t, directory(), nil)
	s := usernamePassword(t, publicApp(), auth.UserPassword{Username: "someone@nowhere.example", Password: pc.NewSecret("p")}, srv.opts)
	e := refused(t, s, auth.TokenRequest{})
	if !errors.Is(e, auth.ErrBadConfiguration) || !strings.Contains(e.Error(), "domain") {
		t.Errorf("got %v, want an error about the domain", e)
	}
	if n := srv.Count(entra.Token); n != 0 {
		t.Errorf("the password was sent %d times", n)
	}
}

func TestFederatedAccountIsSentToItsOwnServerOverHTTPSOnly(t *testing.T) {
	asked := make(chan string, 10)
	adfs := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		w.WriteHeader(http.StatusNotFound)
	}))
	defer adfs.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- "plain http" }))
	defer plain.Close()
	for _, c := range []struct {
		url, want string
	}{
		{adfs.URL + "/adfs/services/trust/mex", "GET /adfs/services/trust/mex"},
		{plain.URL + "/adfs/services/trust/mex", ""},
	} {
		cfg := directory()
		cfg.Users[0].Realm, cfg.Users[0].FederationMetadataURL = entra.Federated, c.url
		srv := listen(t, cfg, nil)
		s := usernamePassword(t, publicApp(), user(), srv.opts)
		_ = refused(t, s, auth.TokenRequest{})
		var got string
		select {
		case got = <-asked:
		default:
		}
		if got != c.want {
			t.Errorf("%s: the server saw %q, want %q", c.url, got, c.want)
		}
		if n := srv.Count(entra.Token); n != 0 {
			t.Errorf("%d token requests, want none", n)
		}
	}
}

func TestSignInWithClaimsChallenge(t *testing.T) {
	var tap wiretap
	srv := listen(t, directory(), tap.wrap)
	for _, app := range []auth.App{publicApp(), confidentialApp()} {
		s := usernamePassword(t, app, user(), srv.opts)
		get(t, s, auth.TokenRequest{TenantID: domain, Claims: `{"id_token":{}}`})
	}
	if n := strings.Count(tap.String(), `  claims={"id_token":{}}`); n != 2 {
		t.Errorf("the challenge was passed on %d times, want 2:\n%s", n, tap.String())
	}
}
