package oauth2auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/oauth2auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

// foreign gets tokens from the directory with oauth2 alone.
func foreign(t *testing.T, d *directory, secret string) oauth2.TokenSource {
	t.Helper()
	cfg := clientcredentials.Config{
		ClientID: clientID, ClientSecret: secret, TokenURL: d.url + "/" + tenantID + "/oauth2/v2.0/token",
		Scopes: []string{resource + "/.default"}, AuthStyle: oauth2.AuthStyleInParams,
	}
	return cfg.TokenSource(context.WithValue(t.Context(), oauth2.HTTPClient, d.client()))
}

func TestOAuth2SourceSignsIn(t *testing.T) {
	d := newDirectory(t)
	src := newSource(t, foreign(t, d, secret))
	for _, tenant := range []string{"", tenantID, strings.ToUpper(tenantID)} {
		tok, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: resource, TenantID: tenant})
		if err != nil {
			t.Fatal(err)
		}
		claims, ok := d.Check(tok.Value.Reveal())
		if !ok || claims.Audience != resource {
			t.Errorf("the token is %+v, accepted %t", claims, ok)
		}
		if diff := claims.ExpiresOn.Sub(tok.ExpiresOn).Abs(); diff > 2*time.Second {
			t.Errorf("ExpiresOn is off by %v", diff)
		}
	}
	if n := d.Count(entra.Token); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
}

func TestRefusalOfEntraIsExplainedWithoutSecrets(t *testing.T) {
	d := newDirectory(t)
	_, err := newSource(t, foreign(t, d, "canary-wrong")).Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
	if !errors.Is(err, auth.ErrBadClientCredential) {
		t.Fatalf("error %v, want ErrBadClientCredential", err)
	}
	e, _ := errors.AsType[*auth.Error](err)
	if !e.HasSTSCode(7000215) || e.Resource != resource || e.TenantID != tenantID || e.Status != 401 {
		t.Errorf("error %#v", e)
	}
	if _, ok := errors.AsType[*oauth2.RetrieveError](err); !ok {
		t.Error("errors.As does not find oauth2's error")
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		if strings.Contains(text, "canary") {
			t.Errorf("printed as %q", text)
		}
	}
}

func TestRequestsThatTheSourceCannotServeAreRefused(t *testing.T) {
	src := newSource(t, sourceFunc(func() (*oauth2.Token, error) {
		t.Error("the source is asked")
		return nil, errors.New("asked")
	}))
	for name, c := range map[string]struct {
		req  partnercenter.TokenRequest
		want string
		kind error
	}{
		"another resource": {partnercenter.TokenRequest{Resource: "https://graph.microsoft.com"}, "https://graph.microsoft.com", auth.ErrBadConfiguration},
		"another tenant":   {partnercenter.TokenRequest{Resource: resource, TenantID: "contoso.example"}, "contoso.example", auth.ErrBadConfiguration},
		"a challenge":      {partnercenter.TokenRequest{Resource: resource, Claims: `{"access_token":{}}`}, "claims challenge", auth.ErrInteractionRequired},
	} {
		_, err := src.Token(t.Context(), c.req)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %v with %q", name, err, c.kind, c.want)
		}
	}
}

func TestTokensThatAreNoneAreRefused(t *testing.T) {
	for name, tok := range map[string]*oauth2.Token{
		"nothing":      nil,
		"empty":        {},
		"another type": {AccessToken: "canary", TokenType: "MAC"},
		"expired":      {AccessToken: "canary", Expiry: time.Now().Add(-time.Minute)},
	} {
		src := newSource(t, sourceFunc(func() (*oauth2.Token, error) { return tok, nil }))
		if _, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: resource}); !errors.Is(err, auth.ErrBadAnswer) {
			t.Errorf("%s: error %v, want ErrBadAnswer", name, err)
		}
	}
}

func TestZeroExpiryIsKeptUntilRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		src := newSource(t, sourceFunc(func() (*oauth2.Token, error) {
			n++
			return &oauth2.Token{AccessToken: fmt.Sprint("token ", n)}, nil
		}))
		req := partnercenter.TokenRequest{Resource: resource}
		for range 3 {
			tok, err := src.Token(t.Context(), req)
			if err != nil || tok.Value.Reveal() != "token 1" || !tok.ExpiresOn.IsZero() {
				t.Fatalf("token %q, expires on %v, error %v", tok.Value.Reveal(), tok.ExpiresOn, err)
			}
			time.Sleep(1000 * time.Hour)
		}
		req.Rejected = partnercenter.NewSecret("token 1")
		if tok, err := src.Token(t.Context(), req); err != nil || tok.Value.Reveal() != "token 2" {
			t.Errorf("after the rejection: token %q, error %v", tok.Value.Reveal(), err)
		}
	})
}

// A source without a context must not take its callers' away.
func TestCallersLeaveASourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free, asked := make(chan struct{}), 0
		src := newSource(t, sourceFunc(func() (*oauth2.Token, error) {
			asked++
			<-free
			return &oauth2.Token{AccessToken: "late"}, nil
		}))
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := src.Token(ctx, partnercenter.TokenRequest{Resource: resource})
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want DeadlineExceeded", err)
			}
		}
		close(free)
		tok, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
		if err != nil || tok.Value.Reveal() != "late" || asked != 1 {
			t.Errorf("token %q, error %v, asked %d times; want the late one of the first call", tok.Value.Reveal(), err, asked)
		}
	})
}

func TestNewSourceChecksItsArguments(t *testing.T) {
	if _, err := oauth2auth.NewSource(nil, oauth2auth.Binding{Resource: resource}, nil); err == nil {
		t.Error("a nil source is accepted")
	}
	if _, err := oauth2auth.NewSource(oauth2.StaticTokenSource(nil), oauth2auth.Binding{}, nil); err == nil || !strings.Contains(err.Error(), "Binding.Resource") {
		t.Errorf("without a resource: error %v", err)
	}
}
