package entra

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// issueBoth makes a token of the application and one of the user.
func issueBoth(t *testing.T, s *Server) map[string]Claims {
	t.Helper()
	out := make(map[string]Claims)
	for _, g := range []Grant{{Audience: audience, TenantID: tenant, ClientID: app}, {Audience: audience, ClientID: app, UPN: upn, AMR: []string{"pwd", "mfa"}}} {
		token, claims, err := s.Issue(g)
		if err != nil {
			t.Fatal(err)
		}
		out[token] = claims
	}
	return out
}

func TestTokensAreReadBackFromTheirSignature(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		s, _ := newServer(nil)
		s.SetResource(Resource{Audience: audience, AppID: "4990cffe-04e8-4e8b-808a-1175604b879f", TokenVersion: version})
		for token, want := range issueBoth(t, s) {
			clear(s.issued) // as after a long time
			got, ok := s.Check(token)
			if !ok {
				t.Errorf("version %d: the token is not accepted", version)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("version %d: -want +got\n%s", version, d)
			}
		}
	}
}

func TestForeignAndAlteredTokensAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := newServer(nil)
	other, _ := newServer(nil) // signs with the same key
	for token := range issueBoth(t, other) {
		if _, ok := s.Check(token); ok {
			t.Error("the token of another server is accepted")
		}
	}
	for token := range issueBoth(t, s) {
		clear(s.issued)
		head, rest, _ := strings.Cut(token, ".")
		body, sig, _ := strings.Cut(rest, ".")
		for name, bad := range map[string]string{
			"no signature": head + "." + body + ".", "no parts": "abc", "empty": "", "one dot": "a.b",
			"other header": "e30." + body + "." + sig, "other body": head + ".e30." + sig, "other end": token + "A",
			"bits behind the end": token[:len(token)-1] + string(alphabetAfter(token[len(token)-1])),
		} {
			if _, ok := s.Check(bad); ok {
				t.Errorf("%s: it is accepted", name)
			}
			if s.Revoke(bad) {
				t.Errorf("%s: it can be revoked", name)
			}
		}
	}
}

// alphabetAfter is the next letter of base64url, which differs in the last bit only.
func alphabetAfter(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

func TestSnapshotKeepsTokensAlive(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	withKey := func(c *Config) { c.Key = key; c.Rotation = Strict }
	first, _ := newServer(withKey)
	tokens := issueBoth(t, first)
	good, err := first.IssueRefreshToken(publicID, upn, []string{"pwd", "mfa"})
	if err != nil {
		t.Fatal(err)
	}
	spent, err := first.IssueRefreshToken(publicID, upn, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := do(t, first, "POST", v2, userForm("grant_type", "refresh_token", "refresh_token", spent)); a.status != 200 {
		t.Fatalf("redeeming: %d %v", a.status, a.fields)
	}
	revoked := ""
	for token := range tokens {
		revoked = token
		first.Revoke(token)
		break
	}
	snap, err := first.Snapshot()
	if err != nil {
		t.Fatal(err)
	}

	next, c := newServer(withKey)
	if err := next.Restore(snap); err != nil {
		t.Fatal(err)
	}
	for token := range tokens {
		if _, ok := next.Check(token); ok != (token != revoked) {
			t.Errorf("accepted: %v, revoked: %v", ok, token == revoked)
		}
	}
	for token, status := range map[string]int{good: 200, spent: 400} {
		if a := do(t, next, "POST", v2, userForm("grant_type", "refresh_token", "refresh_token", token)); a.status != status {
			t.Errorf("redeeming answers %d, want %d: %v", a.status, status, a.fields)
		}
	}
	c.advance(2 * time.Hour)
	for token := range tokens {
		if _, ok := next.Check(token); ok {
			t.Error("an expired token is accepted")
		}
	}
	for name, bad := range map[string]string{"no JSON": "x", "another version": `{"pctestEntra":2,"id":"a"}`, "no id": `{"pctestEntra":1}`} {
		if err := next.Restore([]byte(bad)); err == nil {
			t.Errorf("%s is restored", name)
		}
	}
}

// What the documents tell of must be there: no client may find out that it talks to a fake
// by following its own instructions.
func TestAdvertisedEndpointsExist(t *testing.T) {
	t.Parallel()
	s, _ := newServer(nil)
	for _, path := range []string{"/v2.0", ""} {
		doc := do(t, s, "GET", base+"/"+tenant+path+"/.well-known/openid-configuration", nil)
		found := 0
		for name, v := range doc.fields {
			u, ok := v.(string)
			if !ok || !strings.HasPrefix(u, base+"/") || name == "issuer" {
				continue
			}
			found++
			r := httptest.NewRequestWithContext(t.Context(), "GET", u, nil)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code == 404 {
				t.Errorf("%s %s leads nowhere", name, u)
			}
		}
		if found < 3 {
			t.Errorf("%q: only %d endpoints in %v", path, found, doc.fields)
		}
	}
}

func TestSignInThroughVersionOne(t *testing.T) {
	t.Parallel()
	s := signInServer()
	q := authorizeQuery("scope", "", "resource", "https://api.example")
	w := browse(s, "GET", "/"+signInTenant+"/oauth2/authorize", q)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "<title>Sign in<") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := browse(s, "GET", "/"+signInTenant+"/oauth2/authorize", authorizeQuery("scope", "")); w.Code != 400 {
		t.Errorf("without a resource: %d %s", w.Code, w.Body)
	}
}
