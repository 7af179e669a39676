package azcoreauth_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/azcoreauth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The directory that the tests live in.
const (
	tenantID    = "aaaaaaaa-1111-4222-8333-444444444444"
	otherTenant = "bbbbbbbb-1111-4222-8333-444444444444"
	clientID    = "cccccccc-1111-4222-8333-444444444444"
	resource    = "https://api.partner.microsoft.com"
	secret      = "canary-Secret~1"
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
		Tenants:   []entra.Tenant{{ID: tenantID}, {ID: otherTenant}},
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

// client returns options that lead azidentity to the directory. It asks once only.
func (d *directory) client() azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: d.url},
		Transport: &http.Client{Transport: d.transport},
		Retry:     policy.RetryOptions{MaxRetries: -1},
	}
}

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

// newSource makes a source of a credential and closes it after the test.
func newSource(t *testing.T, cred azcore.TokenCredential) *auth.Source {
	t.Helper()
	src, err := azcoreauth.NewSource(cred, nil)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, src)
}

// credentialFunc is a credential made of a function.
type credentialFunc func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error)

func (f credentialFunc) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return f(ctx, o)
}
