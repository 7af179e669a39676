package entra

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	pc "github.com/partnercenter-go/partnercenter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tenant   = "aaaaaaaa-0000-4000-8000-000000000001"
	app      = "cccccccc-0000-4000-8000-000000000001"
	publicID = "dddddddd-0000-4000-8000-000000000001"
	audience = "https://api.partner.microsoft.com"
	upn      = "user@contoso.example"
)

// clock is a time that a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func newServer(change func(*Config)) (*Server, *clock) {
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	cfg := Config{
		Clock:   c.now,
		Tenants: []Tenant{{ID: tenant, Domains: []string{"contoso.example"}}, {ID: "bbbbbbbb-0000-4000-8000-000000000001"}},
		Apps: []App{
			{ClientID: app, Secrets: []AppSecret{{Value: pc.NewSecret("s3cret")}, {Value: pc.NewSecret("old"), ExpiresOn: c.t.Add(time.Hour)}}, Roles: []string{"A", "B"}},
			{ClientID: publicID, TenantID: tenant, PublicClient: true},
		},
		Users:     []User{{UPN: upn, TenantID: tenant, ObjectID: "oid-1", Password: pc.NewSecret("pw"), AMR: []string{"pwd"}}},
		Resources: []Resource{{Audience: audience}, {Audience: "https://v2.example", AppID: "eeee", TokenVersion: 2}},
	}
	if change != nil {
		change(&cfg)
	}
	return New(cfg), c
}

// answer is a decoded answer.
type answer struct {
	status int
	header http.Header
	fields map[string]any
}

func (a answer) text(name string) string { s, _ := a.fields[name].(string); return s }

func do(t *testing.T, h http.Handler, method, target string, form url.Values) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return serve(t, h, r)
}

func serve(t *testing.T, h http.Handler, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header()}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &a.fields); err != nil {
			t.Fatalf("the body is not JSON: %s", w.Body)
		}
	}
	return a
}

const base = "https://login.microsoftonline.com"

func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

func appForm(more ...string) url.Values {
	return form(append([]string{"grant_type", "client_credentials", "client_id", app, "client_secret", "s3cret", "scope", audience + "/.default"}, more...)...)
}

func userForm(more ...string) url.Values {
	return form(append([]string{
		"grant_type", "password", "client_id", publicID, "username", upn, "password", "pw", "client_info", "1",
		"scope", audience + "/.default openid offline_access profile",
	}, more...)...)
}

func refreshForm(token string, more ...string) url.Values {
	return form(append([]string{"grant_type", "refresh_token", "client_id", publicID, "refresh_token", token, "scope", audience + "/.default offline_access"}, more...)...)
}

const (
	v2 = base + "/" + tenant + "/oauth2/v2.0/token"
	v1 = base + "/" + tenant + "/oauth2/token"
)

// verify checks a token's signature against the published keys and returns its claims.
func verify(t *testing.T, s *Server, token string) map[string]any {
	t.Helper()
	keys := do(t, s, "GET", base+"/"+tenant+"/discovery/v2.0/keys", nil)
	list, _ := keys.fields["keys"].([]any)
	if len(list) != 1 {
		t.Fatalf("keys: %v", keys.fields)
	}
	jwk, _ := list[0].(map[string]any)
	part := func(v any) []byte {
		s, _ := v.(string)
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatalf("not base64url: %v", v)
		}
		return b
	}
	pub := &rsa.PublicKey{N: new(big.Int).SetBytes(part(jwk["n"])), E: int(new(big.Int).SetBytes(part(jwk["e"])).Int64())}
	p := strings.Split(token, ".")
	if len(p) != 3 {
		t.Fatalf("a token of %d parts", len(p))
	}
	var header, claims map[string]any
	if json.Unmarshal(part(p[0]), &header) != nil || json.Unmarshal(part(p[1]), &claims) != nil {
		t.Fatal("the token is not JSON inside")
	}
	if header["alg"] != "RS256" || header["kid"] != jwk["kid"] {
		t.Errorf("header %v, key %v", header, jwk)
	}
	digest := sha256.Sum256([]byte(p[0] + "." + p[1]))
	if err := rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest[:], part(p[2])); err != nil {
		t.Errorf("signature: %v", err)
	}
	return claims
}

func TestClientCredentials(t *testing.T) {
	s, c := newServer(nil)
	for _, url := range []string{v2, base + "/contoso.example/oauth2/v2.0/token", base + "/" + strings.ToUpper(tenant) + "/oauth2/v2.0/token"} {
		a := do(t, s, "POST", url, appForm())
		if a.status != 200 || a.text("token_type") != "Bearer" || a.fields["expires_in"] != 3599.0 {
			t.Fatalf("%s: %+v", url, a)
		}
		if a.fields["refresh_token"] != nil || a.fields["id_token"] != nil || a.fields["scope"] != nil {
			t.Errorf("an app-only answer holds parts of a user's: %v", a.fields)
		}
		claims := verify(t, s, a.text("access_token"))
		want := map[string]any{
			"aud": audience, "tid": tenant, "appid": app, "oid": app, "sub": app, "idtyp": "app", "ver": "1.0",
			"iss": "https://sts.windows.net/" + tenant + "/", "roles": []any{"A", "B"},
			"iat": float64(c.t.Unix()), "nbf": float64(c.t.Unix()), "exp": float64(c.t.Unix() + 3599), "uti": claims["uti"], "rh": claims["rh"],
		}
		if diff := cmp.Diff(want, claims); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
		got, ok := s.Check(a.text("access_token"))
		wantClaims := Claims{Audience: audience, TenantID: tenant, AppID: app, Roles: []string{"A", "B"}, IssuedAt: c.t, ExpiresOn: c.t.Add(3599 * time.Second)}
		if diff := cmp.Diff(wantClaims, got); diff != "" || !ok {
			t.Errorf("Check: %t (-want +got):\n%s", ok, diff)
		}
	}
}

func TestVersionOneEndpoint(t *testing.T) {
	s, c := newServer(nil)
	f := userForm("resource", audience)
	f.Del("scope")
	a := do(t, s, "POST", v1, f)
	want := map[string]any{
		"token_type": "Bearer", "expires_in": "3599", "ext_expires_in": "3599", "resource": audience,
		"expires_on": "1772370" + "000", "not_before": "0", "scope": audience + "/user_impersonation",
	}
	want["expires_on"] = timeText(c.t.Add(3599 * time.Second))
	want["not_before"] = timeText(c.t)
	for k, v := range want {
		if a.fields[k] != v {
			t.Errorf("%s is %v, want %v", k, a.fields[k], v)
		}
	}
	if a.text("refresh_token") == "" || a.text("access_token") == "" {
		t.Errorf("tokens are missing: %v", a.fields)
	}
}

func timeText(t time.Time) string { b, _ := json.Marshal(t.Unix()); return string(b) }

func TestVersionTwoTokens(t *testing.T) {
	s, _ := newServer(nil)
	a := do(t, s, "POST", v2, appForm("scope", "https://v2.example/.default"))
	claims := verify(t, s, a.text("access_token"))
	if claims["ver"] != "2.0" || claims["aud"] != "eeee" || claims["azp"] != app || claims["iss"] != base+"/"+tenant+"/v2.0" {
		t.Errorf("claims %v", claims)
	}
	if got, _ := s.Check(a.text("access_token")); got.Audience != "https://v2.example" {
		t.Errorf("Check names the audience %q, want what was asked for", got.Audience)
	}
}

func TestPassword(t *testing.T) {
	s, _ := newServer(nil)
	a := do(t, s, "POST", v2, userForm())
	claims := verify(t, s, a.text("access_token"))
	for k, v := range map[string]any{"oid": "oid-1", "upn": upn, "scp": "user_impersonation", "appid": publicID, "idtyp": "user"} {
		if claims[k] != v {
			t.Errorf("claim %s is %v, want %v", k, claims[k], v)
		}
	}
	if diff := cmp.Diff([]any{"pwd"}, claims["amr"]); diff != "" {
		t.Errorf("amr: %s", diff)
	}
	if a.text("scope") != audience+"/user_impersonation "+audience+"/.default" {
		t.Errorf("scope %q", a.text("scope"))
	}
	info, err := base64.RawURLEncoding.DecodeString(a.text("client_info"))
	if err != nil || string(info) != `{"uid":"oid-1","utid":"`+tenant+`"}` {
		t.Errorf("client_info %s, %v", info, err)
	}
	if id := verify(t, s, a.text("id_token")); id["aud"] != publicID || id["preferred_username"] != upn {
		t.Errorf("id token %v", id)
	}
	if a := do(t, s, "POST", v2, userForm("scope", audience+"/.default", "client_info", "")); a.fields["refresh_token"] != nil || a.fields["id_token"] != nil || a.fields["client_info"] != nil {
		t.Errorf("what was not asked for was given: %v", a.fields)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		method string
		url    string
		form   url.Values
		change func(*Config)
		status int
		code   string
		sts    float64
	}{
		{name: "wrong secret", url: v2, form: appForm("client_secret", "x"), status: 401, code: "invalid_client", sts: 7000215},
		{name: "expired secret", url: v2, form: appForm("client_secret", "old"), change: func(c *Config) { c.Apps[0].Secrets[1].ExpiresOn = c.Clock() }, status: 401, code: "invalid_client", sts: 7000222},
		{name: "no secret", url: v2, form: appForm("client_secret", ""), status: 401, code: "invalid_client", sts: 7000218},
		{name: "no secret of a public client", url: v2, form: appForm("client_id", publicID, "client_secret", ""), status: 401, code: "invalid_client", sts: 7000218},
		{name: "unknown app", url: v2, form: appForm("client_id", "x"), status: 400, code: "unauthorized_client", sts: 700016},
		{name: "app of another tenant", url: base + "/bbbbbbbb-0000-4000-8000-000000000001/oauth2/v2.0/token", form: userForm(), status: 400, code: "unauthorized_client", sts: 700016},
		{name: "unknown tenant", url: base + "/x/oauth2/v2.0/token", form: appForm(), status: 400, code: "invalid_tenant", sts: 90002},
		{name: "document of an unknown tenant", method: "GET", url: base + "/x/v2.0/.well-known/openid-configuration", status: 400, code: "invalid_tenant", sts: 90002},
		{name: "common for an application", url: base + "/common/oauth2/v2.0/token", form: appForm(), status: 400, code: "invalid_tenant", sts: 90002},
		{name: "unknown resource", url: v2, form: appForm("scope", "https://x/.default"), status: 400, code: "invalid_resource", sts: 500011},
		{name: "no resource in the scope", url: v2, form: appForm("scope", "openid"), status: 400, code: "invalid_scope", sts: 70011},
		{name: "no resource", url: v1, form: appForm(), status: 400, code: "invalid_request", sts: 900144},
		{name: "GET", method: "GET", url: v2, status: 400, code: "invalid_request", sts: 900561},
		{name: "no grant", url: v2, form: form("client_id", app), status: 400, code: "unsupported_grant_type", sts: 70003},
		{name: "unknown grant", url: v2, form: appForm("grant_type", "implicit"), status: 400, code: "unsupported_grant_type", sts: 70003},
		{name: "wrong password", url: v2, form: userForm("password", "x"), status: 400, code: "invalid_grant", sts: 50126},
		{name: "unknown user", url: v2, form: userForm("username", "x@contoso.example"), status: 400, code: "invalid_grant", sts: 50034},
		{name: "user of another tenant", url: v2, form: userForm(), change: func(c *Config) { c.Users[0].TenantID = c.Tenants[1].ID }, status: 400, code: "invalid_grant", sts: 50034},
		{name: "confidential app without its secret", url: v2, form: userForm("client_id", app), status: 401, code: "invalid_client", sts: 7000218},
		{name: "second factor", url: v2, form: userForm(), change: func(c *Config) { c.Users[0].RequireMFA = true }, status: 400, code: "invalid_grant", sts: 50076},
		{name: "unknown refresh token", url: v2, form: refreshForm("x"), status: 400, code: "invalid_grant", sts: 70000},
		{name: "refresh without credential", url: v2, form: refreshForm("x", "client_id", app), status: 401, code: "invalid_client", sts: 7000218},
		{name: "unknown instance", method: "GET", url: base + "/common/discovery/instance?authorization_endpoint=https://evil.example/x/authorize", status: 400, code: "invalid_instance", sts: 50049},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, clk := newServer(c.change)
			method := c.method
			if method == "" {
				method = "POST"
			}
			a := do(t, s, method, c.url, c.form)
			codes, _ := a.fields["error_codes"].([]any)
			if a.status != c.status || a.text("error") != c.code || len(codes) != 1 || codes[0] != c.sts {
				t.Fatalf("got %d %v, want %d %s %v", a.status, a.fields, c.status, c.code, c.sts)
			}
			if a.text("timestamp") != clk.t.Format("2006-01-02 15:04:05Z") || a.text("trace_id") == "" || a.text("correlation_id") == "" {
				t.Errorf("ids and time stamp: %v", a.fields)
			}
			if c.sts == 50076 && (a.text("suberror") != "basic_action" || !strings.Contains(a.text("claims"), "capolids")) {
				t.Errorf("the challenge is missing: %v", a.fields)
			}
			recs := s.Requests()
			if r := recs[len(recs)-1]; r.Status != c.status || r.Error != c.code {
				t.Errorf("recorded as %d %q", r.Status, r.Error)
			}
		})
	}
}

func TestCredentialInTheHeader(t *testing.T) {
	s, _ := newServer(func(c *Config) { c.Apps[0].Secrets[0].Value = pc.NewSecret("a b:%") })
	f := appForm()
	f.Del("client_secret")
	f.Del("client_id")
	r := httptest.NewRequestWithContext(t.Context(), "POST", v2, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(app, url.QueryEscape("a b:%"))
	if a := serve(t, s, r); a.status != 200 {
		t.Errorf("got %d %v", a.status, a.fields)
	}
	if got := s.Requests()[0].Header.Get("Authorization"); got != "[redacted]" {
		t.Errorf("the header was recorded as %q", got)
	}
}

func TestLockout(t *testing.T) {
	s, c := newServer(func(c *Config) { c.LockoutAfter = 3; c.LockoutFor = 10 * time.Minute })
	sts := func(password string) float64 {
		a := do(t, s, "POST", v2, userForm("password", password))
		codes, _ := a.fields["error_codes"].([]any)
		if len(codes) == 0 {
			return 0
		}
		n, _ := codes[0].(float64)
		return n
	}
	got := []float64{sts("x"), sts("x"), sts("pw"), sts("x"), sts("x"), sts("x"), sts("pw"), sts("x")}
	if diff := cmp.Diff([]float64{50126, 50126, 0, 50126, 50126, 50126, 50053, 50053}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	c.advance(10 * time.Minute)
	if n := sts("pw"); n != 0 {
		t.Errorf("still locked: %v", n)
	}
}

func TestRefreshTokens(t *testing.T) {
	chain := func(t *testing.T, rotation Rotation) (*Server, *clock, string, string) {
		t.Helper()
		s, c := newServer(func(cfg *Config) { cfg.Rotation = rotation })
		first := do(t, s, "POST", v2, userForm()).text("refresh_token")
		a := do(t, s, "POST", v2, refreshForm(first))
		if a.status != 200 || a.text("refresh_token") == "" || a.text("refresh_token") == first {
			t.Fatalf("redeeming: %d %v", a.status, a.fields)
		}
		return s, c, first, a.text("refresh_token")
	}
	dead := func(t *testing.T, s *Server, token string, sts float64) {
		t.Helper()
		a := do(t, s, "POST", v2, refreshForm(token))
		codes, _ := a.fields["error_codes"].([]any)
		if a.text("error") != "invalid_grant" || len(codes) != 1 || codes[0] != sts {
			t.Errorf("got %d %v, want %v", a.status, a.fields, sts)
		}
	}
	t.Run("lenient", func(t *testing.T) {
		s, _, first, second := chain(t, Lenient)
		for _, rt := range []string{first, second, first} {
			if a := do(t, s, "POST", v2, refreshForm(rt)); a.status != 200 {
				t.Errorf("a redeemed token is dead: %v", a.fields)
			}
		}
	})
	t.Run("strict", func(t *testing.T) {
		s, _, first, second := chain(t, Strict)
		dead(t, s, first, 70000)
		if a := do(t, s, "POST", v2, refreshForm(second)); a.status != 200 {
			t.Errorf("the new token is dead: %v", a.fields)
		}
	})
	t.Run("use restarts the clock", func(t *testing.T) {
		s, c, first, _ := chain(t, Lenient)
		for range 3 {
			c.advance(89 * 24 * time.Hour)
			if a := do(t, s, "POST", v2, refreshForm(first)); a.status != 200 {
				t.Fatalf("dead within its time: %v", a.fields)
			}
		}
		c.advance(91 * 24 * time.Hour)
		dead(t, s, first, 700082)
	})
	t.Run("revoked", func(t *testing.T) {
		s, _, first, second := chain(t, Lenient)
		if !s.Revoke(first) || s.Revoke("nothing") {
			t.Error("Revoke misjudges what there is")
		}
		dead(t, s, first, 50173)
		s.RevokeSessions(strings.ToUpper(upn))
		dead(t, s, second, 50173)
	})
	t.Run("of another application", func(t *testing.T) {
		s, _, first, _ := chain(t, Lenient)
		a := do(t, s, "POST", v2, refreshForm(first, "client_id", app, "client_secret", "s3cret"))
		if a.text("error") != "invalid_grant" {
			t.Errorf("got %v", a.fields)
		}
	})
	t.Run("keeps the sign-in's factors, other resource, other tenant", func(t *testing.T) {
		s, _ := newServer(nil)
		rt, err := s.IssueRefreshToken(app, upn, []string{"pwd", "mfa"})
		if err != nil {
			t.Fatal(err)
		}
		a := do(t, s, "POST", base+"/bbbbbbbb-0000-4000-8000-000000000001/oauth2/v2.0/token",
			refreshForm(rt, "client_id", app, "client_secret", "s3cret", "scope", "https://v2.example/.default offline_access"))
		c, ok := s.Check(a.text("access_token"))
		if !ok || c.TenantID != "bbbbbbbb-0000-4000-8000-000000000001" || c.Audience != "https://v2.example" || !cmp.Equal(c.AMR, []string{"pwd", "mfa"}) {
			t.Errorf("claims %+v, %t, answer %v", c, ok, a.fields)
		}
		next := do(t, s, "POST", base+"/common/oauth2/v2.0/token", refreshForm(a.text("refresh_token"), "client_id", app, "client_secret", "s3cret"))
		if c, _ := s.Check(next.text("access_token")); c.TenantID != tenant || !cmp.Equal(c.AMR, []string{"pwd", "mfa"}) {
			t.Errorf("claims of the successor %+v", c)
		}
		if _, err := s.IssueRefreshToken(app, "nobody", nil); err == nil {
			t.Error("a token for nobody")
		}
		if _, err := s.IssueRefreshToken("x", upn, nil); err == nil {
			t.Error("a token for no application")
		}
		if rt, err := s.IssueRefreshToken(app, upn, nil); err != nil || rt == "" {
			t.Errorf("with the user's own factors: %v", err)
		}
	})
}

func TestIssueCheckRevoke(t *testing.T) {
	s, c := newServer(nil)
	token, claims, err := s.Issue(Grant{Audience: audience, ClientID: app, UPN: upn, AMR: []string{"mfa"}, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want := Claims{
		Audience: audience, TenantID: tenant, AppID: app, UserID: "oid-1", UPN: upn, Scopes: []string{"user_impersonation"},
		AMR: []string{"mfa"}, IssuedAt: c.t, ExpiresOn: c.t.Add(time.Hour),
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if got, ok := s.Check(token); !ok || !cmp.Equal(want, got) {
		t.Errorf("Check: %+v, %t", got, ok)
	}
	verify(t, s, token)
	for name, other := range map[string]string{
		"altered": token[:len(token)-2] + "AA", "cut": token[:len(token)-10], "empty": "", "with Bearer": "Bearer " + token,
	} {
		if _, ok := s.Check(other); ok {
			t.Errorf("%s token accepted", name)
		}
	}
	if foreign, _ := newServer(nil); true {
		if _, ok := foreign.Check(token); ok {
			t.Error("another server accepts the token")
		}
	}
	c.advance(time.Hour - time.Second)
	if _, ok := s.Check(token); !ok {
		t.Error("expired too early")
	}
	c.advance(time.Second)
	if got, ok := s.Check(token); ok || got.UPN != upn {
		t.Errorf("after its end: %+v, %t, want the claims and false", got, ok)
	}
	appOnly, _, err := s.Issue(Grant{Audience: audience, ClientID: publicID})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Revoke(appOnly) {
		t.Error("nothing to revoke")
	}
	if _, ok := s.Check(appOnly); ok {
		t.Error("a revoked token is accepted")
	}
	for name, g := range map[string]Grant{
		"application": {Audience: audience, ClientID: "x"}, "resource": {Audience: "x", ClientID: app},
		"user": {Audience: audience, ClientID: app, UPN: "x"}, "tenant": {Audience: audience, ClientID: app},
		"tenant by name": {Audience: audience, ClientID: app, UPN: upn, TenantID: "x"},
	} {
		if _, _, err := s.Issue(g); err == nil || !strings.Contains(err.Error(), strings.Fields(name)[0]) {
			t.Errorf("no %s: %v", name, err)
		}
	}
}

func TestDiscovery(t *testing.T) {
	s, _ := newServer(nil)
	for _, c := range []struct{ url, issuer, token string }{
		{base + "/" + tenant + "/v2.0/.well-known/openid-configuration?", base + "/" + tenant + "/v2.0", v2},
		{base + "/contoso.example/v2.0/.well-known/openid-configuration", base + "/" + tenant + "/v2.0", base + "/contoso.example/oauth2/v2.0/token"},
		{base + "/" + tenant + "/.well-known/openid-configuration", "https://sts.windows.net/" + tenant + "/", v1},
		{base + "/organizations/v2.0/.well-known/openid-configuration", base + "/{tenantid}/v2.0", base + "/organizations/oauth2/v2.0/token"},
		{"http://127.0.0.1:8080/" + tenant + "/v2.0/.well-known/openid-configuration", "http://127.0.0.1:8080/" + tenant + "/v2.0", "http://127.0.0.1:8080/" + tenant + "/oauth2/v2.0/token"},
	} {
		a := do(t, s, "GET", c.url, nil)
		if a.status != 200 || a.text("issuer") != c.issuer || a.text("token_endpoint") != c.token || a.text("authorization_endpoint") == "" || a.text("jwks_uri") == "" {
			t.Errorf("%s: %d %v", c.url, a.status, a.fields)
		}
	}
	a := do(t, s, "GET", base+"/common/discovery/instance?api-version=1.1&authorization_endpoint="+url.QueryEscape(base+"/"+tenant+"/oauth2/v2.0/authorize"), nil)
	if a.text("tenant_discovery_endpoint") != base+"/"+tenant+"/v2.0/.well-known/openid-configuration" {
		t.Errorf("instance: %v", a.fields)
	}
	if b, err := json.Marshal(a.fields["metadata"]); err != nil || !strings.Contains(string(b), "login.windows.net") {
		t.Errorf("aliases: %s", b)
	}
	if a := do(t, s, "GET", base+"/nowhere", nil); a.status != 404 || a.fields != nil {
		t.Errorf("unknown path: %d %v", a.status, a.fields)
	}
	// A listener without TLS is known by its lack of TLS; other hosts are https.
	for host, want := range map[string]string{"127.0.0.1:80": "http", "[::1]:80": "http", "localhost": "http", "login.example": "https"} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/"+tenant+"/v2.0/.well-known/openid-configuration", nil)
		r.Host, r.URL.Host, r.URL.Scheme = host, "", ""
		if got := serve(t, s, r).text("issuer"); !strings.HasPrefix(got, want+"://"+host) {
			t.Errorf("host %s: issuer %q, want %s", host, got, want)
		}
	}
}

func TestUserRealm(t *testing.T) {
	s, _ := newServer(func(c *Config) {
		c.Users = append(c.Users, User{UPN: "fed@adfs.example", TenantID: tenant, Realm: Federated, FederationMetadataURL: "https://adfs.example/mex"})
	})
	for user, want := range map[string]map[string]any{
		upn:                      {"account_type": "Managed", "domain_name": "contoso.example", "cloud_audience_urn": "urn:federation:MicrosoftOnline", "cloud_instance_name": "microsoftonline.com"},
		"nobody@contoso.example": {"account_type": "Managed"},
		"x@unknown.example":      {"account_type": "Unknown", "domain_name": nil},
		"fed@adfs.example":       {"account_type": "Federated", "federation_protocol": "WSTrust", "federation_metadata_url": "https://adfs.example/mex"},
	} {
		a := do(t, s, "GET", base+"/common/UserRealm/"+url.PathEscape(user)+"?api-version=1.0", nil)
		for k, v := range want {
			if a.fields[k] != v {
				t.Errorf("%s: %s is %v, want %v", user, k, a.fields[k], v)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	// Over a real connection: cuts cannot be seen otherwise.
	s, _ := newServer(nil)
	var arrived atomic.Pointer[context.CancelFunc] // called when the next request has arrived
	left := make(chan struct{}, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if call := arrived.Swap(nil); call != nil {
			defer func() { left <- struct{}{} }()
			form, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(form))
			(*call)()
		}
		s.ServeHTTP(w, r)
	}))
	defer srv.Close()
	defer srv.Client().CloseIdleConnections()
	post := func(ctx context.Context, f url.Values) (int, http.Header, string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+"/"+tenant+"/oauth2/v2.0/token", strings.NewReader(f.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.GetBody = nil // or net/http repeats a request whose connection was cut
		resp, err := srv.Client().Do(r)
		if err != nil {
			return 0, nil, "", err
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.Header, string(b), err
	}

	s.Inject(Fault{Endpoint: OIDC, Status: 500}) // not met by token requests
	s.Inject(Fault{GrantType: "password", Status: 500})
	s.Inject(Fault{Endpoint: Token, Times: 2, Status: 503, RetryAfter: "3", Body: "busy", ContentType: "text/plain"})
	for range 2 {
		status, h, body, err := post(t.Context(), appForm())
		if err != nil || status != 503 || body != "busy" || h.Get("Retry-After") != "3" || h.Get("Content-Type") != "text/plain" {
			t.Errorf("status: %d %v %q %v", status, h, body, err)
		}
	}
	if status, _, _, err := post(t.Context(), appForm()); err != nil || status != 200 {
		t.Errorf("after the fault: %d %v", status, err)
	}

	s.Inject(Fault{Endpoint: Token, Error: &OAuthError{Code: "x", STS: 7, Text: "t", SubCode: "s", Claims: "{}", Status: 418}})
	if status, h, body, err := post(t.Context(), appForm()); err != nil || status != 418 || !strings.Contains(body, `"suberror":"s"`) || !strings.Contains(h.Get("Content-Type"), "json") {
		t.Errorf("error: %d %q %v", status, body, err)
	}

	tokens := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.issued)
	}
	issued := tokens()
	s.Inject(Fault{Endpoint: Token, Drop: true})
	if _, _, _, err := post(t.Context(), appForm()); err == nil || tokens() != issued {
		t.Errorf("drop: %v, %d tokens issued", err, tokens()-issued)
	}
	s.Inject(Fault{Endpoint: Token, DropAfter: true})
	if _, _, _, err := post(t.Context(), appForm()); err == nil || tokens() != issued+1 {
		t.Errorf("drop after: %v, %d tokens issued", err, tokens()-issued)
	}
	s.Inject(Fault{Endpoint: Token, CutBody: 10})
	if status, _, body, err := post(t.Context(), appForm()); err == nil || status != 200 || len(body) != 10 || tokens() != issued+2 {
		t.Errorf("cut: %d %q %v", status, body, err)
	}
	s.Inject(Fault{Endpoint: Token, Set: map[string]any{"expires_in": 7}, Omit: []string{"ext_expires_in"}})
	if _, _, body, err := post(t.Context(), appForm()); err != nil || !strings.Contains(body, `"expires_in":7`) || strings.Contains(body, "ext_expires_in") {
		t.Errorf("set and omit: %q %v", body, err)
	}
	s.Inject(Fault{Endpoint: Token, Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	arrived.Store(&cancel)
	if _, _, _, err := post(ctx, appForm()); err == nil {
		t.Error("a held answer arrived")
	}
	<-left // the fault is used up
	s.Inject(Fault{Endpoint: Token, Delay: time.Millisecond, Status: 500})
	s.Inject(Fault{Times: -1, Status: 501})
	want := []int{500, 501, 501}
	for _, w := range want {
		if status, _, _, err := post(t.Context(), appForm()); err != nil || status != w {
			t.Errorf("got %d %v, want %d", status, err, w)
		}
	}
	s.ClearFaults()
	if status, _, _, err := post(t.Context(), appForm()); err != nil || status != 200 {
		t.Errorf("after clearing: %d %v", status, err)
	}
}

func TestRecorder(t *testing.T) {
	s, c := newServer(func(c *Config) { c.MaxRecords = 3 })
	r := httptest.NewRequestWithContext(t.Context(), "POST", v2, strings.NewReader(userForm().Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("client-request-id", "id-1")
	r.Header.Set("Cookie", "secret")
	serve(t, s, r)
	got := s.Requests()
	want := []Request{{
		At: c.t, Method: "POST", Path: "/" + tenant + "/oauth2/v2.0/token", Query: url.Values{}, Host: "login.microsoftonline.com",
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Client-Request-Id": {"id-1"}, "Cookie": {"[redacted]"}},
		Form: url.Values{
			"grant_type": {"password"}, "client_id": {publicID}, "username": {upn}, "password": {"[redacted]"}, "client_info": {"1"},
			"scope": {audience + "/.default openid offline_access profile"},
		},
		Endpoint: Token, Tenant: tenant, GrantType: "password", Status: 200,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	got[0].Form.Set("grant_type", "changed")
	if s.Requests()[0].Form.Get("grant_type") != "password" {
		t.Error("a caller can change the records")
	}
	for range 5 {
		do(t, s, "GET", base+"/x", nil)
	}
	if n := len(s.Requests()); n != 3 || s.Count(Unknown) != 5 || s.Count(Token) != 1 {
		t.Errorf("%d records, counts %d and %d", n, s.Count(Unknown), s.Count(Token))
	}
	s.Inject(Fault{Drop: true})
	func() {
		defer func() { _ = recover() }()
		do(t, s, "GET", base+"/x", nil)
	}()
	if recs := s.Requests(); recs[2].Status != 0 || s.Count(Unknown) != 6 {
		t.Errorf("a cut request was recorded as %+v", recs[2])
	}
}

func TestFormsThatAreNone(t *testing.T) {
	s, _ := newServer(nil)
	for name, body := range map[string]string{"no form": "%zz", "too long": "grant_type=" + strings.Repeat("x", 2<<20)} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", v2, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if a := serve(t, s, r); a.status != 400 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
}

func TestSettersReplace(t *testing.T) {
	s, _ := newServer(nil)
	s.SetTenant(Tenant{ID: tenant, Domains: []string{"new.example"}})
	if a := do(t, s, "POST", base+"/contoso.example/oauth2/v2.0/token", appForm()); a.status == 200 {
		t.Error("the old domain still works")
	}
	if a := do(t, s, "POST", base+"/new.example/oauth2/v2.0/token", appForm()); a.status != 200 {
		t.Errorf("the new domain does not work: %v", a.fields)
	}
	s.SetApp(App{ClientID: app, Secrets: []AppSecret{{Value: pc.NewSecret("next")}}})
	if a := do(t, s, "POST", v2, appForm()); a.status != 401 {
		t.Error("the old secret still works")
	}
	s.SetUser(User{UPN: strings.ToUpper(upn), TenantID: tenant, Password: pc.NewSecret("next")})
	if a := do(t, s, "POST", v2, userForm("password", "next")); a.status != 200 {
		t.Errorf("the new password does not work: %v", a.fields)
	}
	s.cfg.RefreshIn = 600 * time.Second
	if a := do(t, s, "POST", v2, appForm("client_secret", "next")); a.fields["refresh_in"] != 600.0 {
		t.Errorf("refresh_in is %v", a.fields["refresh_in"])
	}
}

func TestOldTokensAreForgotten(t *testing.T) {
	s, c := newServer(nil)
	for i := range maxIssued - 1 {
		s.issued[strconv.Itoa(i)] = &issuedToken{claims: Claims{ExpiresOn: c.t}}
		s.revoked[strconv.Itoa(i)] = c.t
	}
	for i := range 1023 {
		s.refreshTokens[string(rune(i))] = &refreshToken{usedOn: c.t}
	}
	c.advance(200 * 24 * time.Hour)
	for range 2 {
		if _, err := s.IssueRefreshToken(app, upn, nil); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Issue(Grant{Audience: audience, ClientID: app, UPN: upn}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.issued) != 1 || len(s.refreshTokens) != 2 || len(s.revoked) != 0 {
		t.Errorf("%d access tokens, %d refresh tokens and %d revocations are kept, want 1, 2 and 0", len(s.issued), len(s.refreshTokens), len(s.revoked))
	}
}

func BenchmarkNew(b *testing.B) {
	cfg := Config{Tenants: []Tenant{{ID: tenant}}, Apps: []App{{ClientID: app}}, Resources: []Resource{{Audience: audience}}}
	for b.Loop() {
		New(cfg)
	}
}

func BenchmarkIssue(b *testing.B) {
	s, _ := newServer(nil)
	for b.Loop() {
		if _, _, err := s.Issue(Grant{Audience: audience, ClientID: app, UPN: upn}); err != nil {
			b.Fatal(err)
		}
	}
}
