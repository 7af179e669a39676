package oauth2auth_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/oauth2auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The directory that the tests live in.
const (
	tenantID = "aaaaaaaa-1111-4222-8333-444444444444"
	clientID = "cccccccc-1111-4222-8333-444444444444"
	resource = "https://api.partner.microsoft.com"
	secret   = "canary-Secret~1"
)

// directory is a fake Entra ID on loopback TLS.
type directory struct {
	*entra.Server
	url       string
	transport *http.Transport
}

func newDirectory(t *testing.T) *directory {
	t.Helper()
	d := &directory{Server: entra.New(entra.Config{
		Tenants:   []entra.Tenant{{ID: tenantID}},
		Apps:      []entra.App{{ClientID: clientID, Secrets: []entra.AppSecret{{Value: partnercenter.NewSecret(secret)}}}},
		Resources: []entra.Resource{{Audience: resource}},
	})}
	srv := httptest.NewUnstartedServer(d.Server)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	tr, ok := srv.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatal("the test server's client has another transport")
	}
	d.url, d.transport = srv.URL, tr
	t.Cleanup(func() { tr.CloseIdleConnections(); srv.Close() })
	return d
}

func (d *directory) client() *http.Client { return &http.Client{Transport: d.transport} }

// ours returns a source of this module for the directory.
func (d *directory) ours(t *testing.T) *auth.Source {
	t.Helper()
	src, err := auth.NewClientCredentials(auth.App{
		TenantID: tenantID, ClientID: clientID, Credential: auth.ClientSecret(partnercenter.NewSecret(secret)),
	}, &auth.Options{Authority: d.url, Transport: d.transport, MaxRetries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, src)
}

func closing(t *testing.T, src *auth.Source) *auth.Source {
	t.Helper()
	t.Cleanup(func() { _ = src.Close() })
	return src
}

// newSource makes a source for the usual resource and closes it after the test.
func newSource(t *testing.T, src oauth2.TokenSource) *auth.Source {
	t.Helper()
	out, err := oauth2auth.NewSource(src, oauth2auth.Binding{Resource: resource, TenantID: tenantID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, out)
}

// sourceFunc is a token source made of a function.
type sourceFunc func() (*oauth2.Token, error)

func (f sourceFunc) Token() (*oauth2.Token, error) { return f() }
