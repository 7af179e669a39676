package main

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

const (
	tenant = "aaaaaaaa-0000-4000-8000-000000000001"
	client = "cccccccc-0000-4000-8000-000000000001"
	secret = "canary~secret"
	user   = "reports@contoso.example"
)

// desk is a user at a machine: the fake Entra ID, the environment and what was printed.
type desk struct {
	*entra.Server
	world
	env      map[string]string
	out, err *bytes.Buffer
}

func newDesk(public bool) *desk {
	app := entra.App{ClientID: client, PublicClient: public, RedirectURIs: []string{"http://localhost"}}
	if !public {
		app.Secrets = []entra.AppSecret{{Value: partnercenter.NewSecret(secret)}}
	}
	d := &desk{
		Server: entra.New(entra.Config{
			Tenants: []entra.Tenant{{ID: tenant, Domains: []string{"contoso.example"}}}, Apps: []entra.App{app},
			Users:     []entra.User{{UPN: user, TenantID: tenant, RequireMFA: true}},
			Resources: []entra.Resource{{Audience: "https://api.partner.microsoft.com"}},
		}),
		env: map[string]string{auth.EnvTenantID: tenant, auth.EnvClientID: client},
		out: new(bytes.Buffer), err: new(bytes.Buffer),
	}
	if !public {
		d.env[auth.EnvClientSecret] = secret
	}
	d.world = world{
		lookup:    func(name string) (string, bool) { v, ok := d.env[name]; return v, ok },
		transport: &kit.Transport{Route: func(*url.URL, http.Header) (http.Handler, error) { return d.Server, nil }, Now: time.Now},
		stdout:    d.out, stderr: d.err,
	}
	return d
}

// decide makes a browser of which the user decides so.
func (d *desk) decide(t *testing.T, decision entra.Decision) func(context.Context, string) error {
	return func(ctx context.Context, page string) error {
		back, err := d.Visit(page, decision)
		if err != nil {
			return err
		}
		go func() { // as a browser, which is a process of its own
			req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, back, http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
		}()
		return nil
	}
}

func TestBrowserSignInIsSavedAndWorks(t *testing.T) {
	for name, c := range map[string]struct {
		public bool
		key    string
	}{"with a secret": {}, "of a public client": {public: true}, "under a key": {key: "reports"}} {
		d := newDesk(c.public)
		d.openURL = d.decide(t, entra.Decision{UPN: user})
		dir := filepath.Join(t.TempDir(), "tokens")
		args, wanted := []string{"-store", "file:" + dir}, []string{user + " has signed in to tenant " + tenant, "It works", auth.EnvRefreshTokenStore + "=" + dir}
		if c.key != "" {
			args, wanted = append(args, "-key", c.key), append(wanted, auth.EnvRefreshTokenKey+"="+c.key)
			d.env[auth.EnvRefreshTokenKey] = c.key
		}
		if code := run(t.Context(), args, d.world); code != exitOK {
			t.Fatalf("%s: exit code %d\n%s%s", name, code, d.out, d.err)
		}
		for _, want := range wanted {
			if !strings.Contains(d.out.String(), want) {
				t.Errorf("%s: %q is not in\n%s", name, want, d.out)
			}
		}
		if strings.Contains(d.out.String(), "Warning") || strings.Contains(d.out.String()+d.err.String(), "0.rt-") {
			t.Errorf("%s: printed\n%s%s", name, d.out, d.err)
		}
		// What the last line promises: the environment leads to the sign-in.
		d.env[auth.EnvRefreshTokenStore] = dir
		src, err := auth.FromVariables(d.lookup, &auth.Options{Transport: d.transport})
		if err != nil {
			t.Fatal(err)
		}
		tok, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: "https://api.partner.microsoft.com"})
		if claims, ok := d.Check(tok.Value.Reveal()); err != nil || !ok || claims.UPN != user {
			t.Errorf("%s: the next program gets %+v, %t, error %v", name, claims, ok, err)
		}
		_ = src.Close()
	}
}

// approver is a user who reads the code on the screen and enters it elsewhere.
type approver struct {
	*bytes.Buffer
	decide func(code string) error
}

var userCode = regexp.MustCompile(`enter the code (\S+) `)

func (a *approver) Write(b []byte) (int, error) {
	if m := userCode.FindSubmatch(b); m != nil {
		if err := a.decide(string(m[1])); err != nil {
			return 0, err
		}
	}
	return a.Buffer.Write(b)
}

func TestDeviceSignInIsSavedAndWorks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tokens")
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(true)
		d.stderr = &approver{d.err, func(code string) error { return d.ApproveDevice(code, user) }}
		if code := run(t.Context(), []string{"-device", "-store", "file:" + dir, "-key", "mine"}, d.world); code != exitOK {
			t.Fatalf("exit code %d\n%s%s", code, d.out, d.err)
		}
		if !strings.Contains(d.out.String(), `under the key "mine"`) || !strings.Contains(d.out.String(), "It works") {
			t.Errorf("printed\n%s", d.out)
		}
	})
}

func TestFailuresAreOneClearMessage(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		env    map[string]string
		prompt func(*desk, *testing.T)
		code   int
		want   string
	}{
		"no identity":           {nil, map[string]string{auth.EnvTenantID: "", auth.EnvClientID: ""}, nil, exitFailed, auth.EnvTenantID + " and " + auth.EnvClientID},
		"an unknown cloud":      {nil, map[string]string{auth.EnvCloud: "moon"}, nil, exitFailed, "moon"},
		"an unknown store":      {[]string{"-store", "paper"}, nil, nil, exitFailed, "keyring"},
		"a keyring's directory": {[]string{"-store", "keyring:x"}, nil, nil, exitFailed, "no directory"},
		"a broken URL":          {[]string{"-store", "redis://x:canary@h:y"}, nil, nil, exitFailed, "redis://localhost"},
		"an argument":           {[]string{"please"}, nil, nil, exitUsage, "unexpected arguments"},
		"two ways at once":      {[]string{"-device", "-redirect", "http://localhost"}, nil, nil, exitUsage, "-redirect"},
		"a user who declines": {nil, nil, func(d *desk, t *testing.T) {
			d.openURL = d.decide(t, entra.Decision{Deny: true})
		}, exitFailed, "declined"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(false)
			maps.Copy(d.env, c.env)
			if c.prompt != nil {
				c.prompt(d, t)
			}
			dir := filepath.Join(t.TempDir(), "tokens")
			args := c.args
			if args == nil {
				args = []string{"-store", "file:" + dir}
			}
			code := run(t.Context(), args, d.world)
			if code != c.code || d.out.Len() > 0 || !strings.Contains(d.err.String(), "signin: ") || !strings.Contains(d.err.String(), c.want) {
				t.Errorf("exit code %d\n%s%s", code, d.out, d.err)
			}
			if strings.Contains(d.err.String(), "canary") {
				t.Errorf("a secret is in %s", d.err)
			}
			if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
				t.Errorf("something was saved: %v", entries)
			}
		})
	}
}

// A user who has signed in for nothing has to do it again.
func TestStoreIsTriedBeforeTheSignIn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDesk(false)
	d.openURL = func(context.Context, string) error { t.Error("the user is asked"); return context.Canceled }
	if code := run(t.Context(), []string{"-store", "file:" + filepath.Join(file, "tokens")}, d.world); code != exitFailed || !strings.Contains(d.err.String(), "-store file:DIRECTORY") {
		t.Errorf("exit code %d\n%s%s", code, d.out, d.err)
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	d := newDesk(false)
	if code := run(t.Context(), []string{"-help"}, d.world); code != exitOK || !strings.Contains(d.err.String(), "-store") {
		t.Errorf("exit code %d\n%s%s", code, d.out, d.err)
	}
}

func TestSignInWithoutMFAIsWarnedOf(t *testing.T) {
	d := newDesk(false)
	d.openURL = d.decide(t, entra.Decision{UPN: user, WithoutMFA: true})
	if code := run(t.Context(), []string{"-store", "file:" + filepath.Join(t.TempDir(), "tokens")}, d.world); code != exitOK || !strings.Contains(d.out.String(), "without multifactor") {
		t.Errorf("exit code %d\n%s%s", code, d.out, d.err)
	}
}

func TestInterruptedSignInSaysSo(t *testing.T) {
	d := newDesk(false)
	ctx, cancel := context.WithCancel(t.Context())
	d.openURL = func(context.Context, string) error { cancel(); return nil }
	if code := run(ctx, []string{"-store", "file:" + filepath.Join(t.TempDir(), "tokens")}, d.world); code != exitInterrupted {
		t.Errorf("exit code %d\n%s%s", code, d.out, d.err)
	}
}

func TestEveryStoreOpens(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AppData", t.TempDir())
	for _, name := range []string{"file", "keyring", "redis://localhost:6379/0"} {
		s, err := openStore(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s.close()
	}
}
