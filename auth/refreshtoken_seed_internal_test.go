package auth

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/partnercenter-go/partnercenter"
)

// fixedCache is a cache of MSAL's that always holds the same.
type fixedCache []byte

func (f fixedCache) Replace(_ context.Context, c cache.Unmarshaler, _ cache.ReplaceHints) error {
	return c.Unmarshal(f)
}

func (fixedCache) Export(context.Context, cache.Marshaler, cache.ExportHints) error { return nil }

// canned answers like a token endpoint and keeps the refresh token that it was sent.
type canned struct{ sent string }

func (*canned) CloseIdleConnections() {}

func (c *canned) Do(r *http.Request) (*http.Response, error) {
	body := `{"issuer":"https://login.example/t/v2.0","authorization_endpoint":"https://login.example/t/oauth2/v2.0/authorize",` +
		`"token_endpoint":"https://login.example/t/oauth2/v2.0/token"}`
	if r.Method == http.MethodPost {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(b))
		if err != nil {
			return nil, err
		}
		c.sent = form.Get("refresh_token")
		body = `{"token_type":"Bearer","access_token":"AT","refresh_token":"RT1","expires_in":3599,"scope":"r/.default"}`
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// The format of MSAL's cache is not an interface. If this fails after an update of MSAL,
// the format has changed and seed must follow.
func TestMSALStillAcceptsTheSeed(t *testing.T) {
	const id = "CCCCCCCC-1111-4222-8333-444444444444"
	good := seed("login.example", id, partnercenter.NewSecret("RT0"))
	for _, c := range []struct {
		name string
		doc  []byte
		sent string
	}{
		{"as it is", good, "RT0"},
		// These show that the test can fail, and what the seed must hold.
		{"without metadata", bytes.Replace(good, []byte("AppMetadata"), []byte("Other"), 1), ""},
		{"of another host", seed("login.other", id, partnercenter.NewSecret("RT0")), ""},
		{"of another application", seed("login.example", "other", partnercenter.NewSecret("RT0")), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, kind := range []string{"confidential", "public"} {
				var server canned
				var err error
				if kind == "public" {
					var m public.Client
					m, err = public.New(id, public.WithAuthority("https://login.example/t"), public.WithInstanceDiscovery(false),
						public.WithHTTPClient(&server), public.WithCache(fixedCache(c.doc)))
					if err != nil {
						t.Fatal(err)
					}
					_, err = m.AcquireTokenSilent(t.Context(), []string{"r/.default"}, public.WithSilentAccount(public.Account{HomeAccountID: seedHome}))
				} else {
					var cred confidential.Credential
					if cred, err = confidential.NewCredFromSecret("s"); err != nil {
						t.Fatal(err)
					}
					var m confidential.Client
					m, err = confidential.New("https://login.example/t", id, cred, confidential.WithInstanceDiscovery(false),
						confidential.WithHTTPClient(&server), confidential.WithCache(fixedCache(c.doc)))
					if err != nil {
						t.Fatal(err)
					}
					_, err = m.AcquireTokenSilent(t.Context(), []string{"r/.default"}, confidential.WithSilentAccount(confidential.Account{HomeAccountID: seedHome}))
				}
				if server.sent != c.sent || (err == nil) != (c.sent != "") {
					t.Errorf("%s client: sent %q with error %v, want %q", kind, server.sent, err, c.sent)
				}
			}
		})
	}
}
