package auth_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

const (
	cluster  = "https://cluster.example/"
	workload = "system:serviceaccount:finance:reports"
	exchange = "api://AzureADTokenExchange"
)

// federated is the directory with an application that trusts a cluster's tokens.
func federated() entra.Config {
	cfg := directory()
	cfg.Apps[0].Secrets = nil
	cfg.Apps[0].Federated = []entra.FederatedCredential{{Issuer: cluster, Subject: workload, Key: &testPKI().otherKey.PublicKey}}
	return cfg
}

func TestWorkloadIdentityFileIsReadEachTime(t *testing.T) {
	key := testPKI().otherKey
	path := file(t, "token", []byte(federatedToken(t, cluster, workload, exchange, key)+"\n"))
	var tap wiretap
	srv := listen(t, federated(), tap.wrap)
	s := clientCredentials(t, withCredential(auth.WorkloadIdentityFile(path)), srv.opts)
	tok := get(t, s, auth.TokenRequest{})
	if claims, ok := srv.Check(tok.Value.Reveal()); !ok || claims.AppID != clientID {
		t.Errorf("claims %+v, valid %t", claims, ok)
	}
	// The platform replaces the token, here by one that is refused, to see that it arrives.
	if err := os.WriteFile(path, []byte(federatedToken(t, cluster, "system:serviceaccount:finance:other", exchange, key)), 0o600); err != nil {
		t.Fatal(err)
	}
	before := len(tap.text)
	get(t, s, auth.TokenRequest{}) // from memory
	e := refused(t, s, auth.TokenRequest{Rejected: tok.Value})
	if !errors.Is(e, auth.ErrBadClientCredential) || !e.HasSTSCode(700213) || !strings.Contains(e.Advice, "subject") {
		t.Errorf("got %v", e)
	}
	if n := len(tap.text) - before; n != 1 {
		t.Errorf("%d requests, want 1: the endpoints are known", n)
	}
}

func TestFederatedTokensMustMatchTheRegistration(t *testing.T) {
	p := testPKI()
	for _, c := range []struct {
		name                      string
		issuer, subject, audience string
		code                      int
	}{
		{"issuer", "https://else.example/", workload, exchange, 700211},
		{"audience", cluster, workload, "api://else", 700212},
		{"subject", cluster, "else", exchange, 700213},
	} {
		token := federatedToken(t, c.issuer, c.subject, c.audience, p.otherKey)
		s := clientCredentials(t, withCredential(auth.ClientAssertion(func(context.Context, auth.AssertionRequest) (pc.Secret, error) {
			return pc.NewSecret(token), nil
		})), local(entra.New(federated())))
		if e := refused(t, s, auth.TokenRequest{}); !e.HasSTSCode(c.code) || !errors.Is(e, auth.ErrBadClientCredential) || !strings.Contains(e.Advice, c.name) {
			t.Errorf("%s: %v", c.name, e)
		}
	}
	forged := federatedToken(t, cluster, workload, exchange, p.key)
	s := clientCredentials(t, withCredential(auth.WorkloadIdentityFile(file(t, "token", []byte(forged)))), local(entra.New(federated())))
	if e := refused(t, s, auth.TokenRequest{}); !e.HasSTSCode(700027) {
		t.Errorf("forged: %v", e)
	}
}

func TestAssertionFunctionIsAskedOnceForEachRequest(t *testing.T) {
	var asked []auth.AssertionRequest
	srv := listen(t, federated(), nil)
	cred := auth.ClientAssertion(func(_ context.Context, req auth.AssertionRequest) (pc.Secret, error) {
		asked = append(asked, req)
		return pc.NewSecret(federatedToken(t, cluster, workload, exchange, testPKI().otherKey)), nil
	})
	s := clientCredentials(t, withCredential(cred), srv.opts)
	for range 5 {
		get(t, s, auth.TokenRequest{})
	}
	get(t, s, auth.TokenRequest{TenantID: otherTenant})
	want := []auth.AssertionRequest{
		{ClientID: clientID, TokenEndpoint: srv.url + "/" + tenantID + "/oauth2/v2.0/token"},
		{ClientID: clientID, TokenEndpoint: srv.url + "/" + otherTenant + "/oauth2/v2.0/token"},
	}
	if len(asked) != 2 || asked[0] != want[0] || asked[1] != want[1] {
		t.Errorf("asked for %+v, want %+v", asked, want)
	}
	u := usernamePassword(t, withCredential(cred), user(), srv.opts)
	get(t, u, auth.TokenRequest{})
	if len(asked) != 3 || asked[2] != want[0] {
		t.Errorf("with a password: asked for %+v", asked[2:])
	}
}

func TestAssertionsAreNotPrinted(t *testing.T) {
	var l leaks
	token := federatedToken(t, cluster, "stranger", exchange, testPKI().otherKey)
	l.plant(token)
	app := withCredential(auth.WorkloadIdentityFile(file(t, "token", []byte(token))))
	srv := entra.New(federated())
	srv.Inject(entra.Fault{Endpoint: entra.Token, Error: &entra.OAuthError{Code: "invalid_client", STS: 700027, Text: "Received " + token + "."}})
	e := refused(t, clientCredentials(t, app, local(srv)), auth.TokenRequest{})
	for _, v := range []any{e, app} {
		for how, text := range printings(t, v) {
			l.check(t, how, text)
		}
	}
}
