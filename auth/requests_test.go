package auth_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/auth"
)

// wiretap keeps requests as they arrive, secrets and all.
type wiretap struct {
	mu   sync.Mutex
	text []string
	ids  map[string]bool
	head []http.Header
}

func (w *wiretap) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.mu.Lock()
		w.text = append(w.text, r.Method+" "+r.RequestURI+"\n"+formText(string(body)))
		if w.ids == nil {
			w.ids = map[string]bool{}
		}
		w.ids[r.Header.Get("client-request-id")] = true
		w.head = append(w.head, r.Header.Clone())
		w.mu.Unlock()
		next.ServeHTTP(rw, r)
	})
}

// formText lists the fields of a form, one a line, sorted.
func formText(body string) string {
	form, err := url.ParseQuery(body)
	if err != nil {
		return "not a form: " + body
	}
	var lines []string
	for k, vs := range form {
		for _, v := range vs {
			lines = append(lines, fmt.Sprintf("  %s=%s\n", k, v))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func (w *wiretap) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.text, "")
}

func TestExactRequests(t *testing.T) {
	const (
		scope = "  scope=https://api.partner.microsoft.com/.default openid offline_access profile\n"
		oidc  = "GET /" + tenantID + "/v2.0/.well-known/openid-configuration?\n"
		realm = "GET /common/UserRealm/reports+q1@contoso.example?api-version=1.0\n"
		post  = "POST /" + tenantID + "/oauth2/v2.0/token\n"
	)
	for _, c := range []struct {
		name   string
		source func(t *testing.T, opts *auth.Options) *auth.Source
		req    auth.TokenRequest
		want   string
	}{
		{
			name: "client secret",
			source: func(t *testing.T, o *auth.Options) *auth.Source {
				t.Helper()
				return clientCredentials(t, confidentialApp(), o)
			},
			want: oidc + post +
				"  client_id=" + clientID + "\n  client_secret=" + secret + "\n  grant_type=client_credentials\n" + scope,
		},
		{
			name: "client secret, other tenant, claims challenge",
			source: func(t *testing.T, o *auth.Options) *auth.Source {
				t.Helper()
				return clientCredentials(t, confidentialApp(), o)
			},
			req: auth.TokenRequest{TenantID: otherTenant, Claims: `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`},
			want: strings.ReplaceAll(oidc+post, tenantID, otherTenant) +
				`  claims={"access_token":{"acrs":{"essential":true,"value":"c1"}}}` + "\n" +
				"  client_id=" + clientID + "\n  client_secret=" + secret + "\n  grant_type=client_credentials\n" + scope,
		},
		{
			name: "resource that ends in a slash",
			source: func(t *testing.T, o *auth.Options) *auth.Source {
				t.Helper()
				return clientCredentials(t, confidentialApp(), o)
			},
			req: auth.TokenRequest{Resource: "https://trailing.example/"},
			want: oidc + post +
				"  client_id=" + clientID + "\n  client_secret=" + secret + "\n  grant_type=client_credentials\n" +
				"  scope=https://trailing.example//.default openid offline_access profile\n",
		},
		{
			name: "password, public client",
			source: func(t *testing.T, o *auth.Options) *auth.Source {
				t.Helper()
				return usernamePassword(t, publicApp(), user(), o)
			},
			want: oidc + realm + post +
				"  client_id=" + publicID + "\n  client_info=1\n  grant_type=password\n  password=" + passphrase + "\n" +
				scope + "  username=" + upn + "\n",
		},
		{
			name: "password, confidential client",
			source: func(t *testing.T, o *auth.Options) *auth.Source {
				t.Helper()
				return usernamePassword(t, confidentialApp(), user(), o)
			},
			want: oidc + realm + post +
				"  client_id=" + clientID + "\n  client_info=1\n  client_secret=" + secret + "\n  grant_type=password\n  password=" + passphrase + "\n" +
				scope + "  username=" + upn + "\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Both would change what is sent, if they were listened to.
			t.Setenv("MSAL_FORCE_REGION", "westeurope")
			t.Setenv("REGION_NAME", "westeurope")
			var tap wiretap
			srv := listen(t, directory(), tap.wrap)
			opts := *srv.opts
			opts.UserAgent = "contoso-reports/1.2"
			s := c.source(t, &opts)
			get(t, s, c.req)
			if diff := cmp.Diff(c.want, tap.String()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if len(tap.ids) != 1 || tap.ids[""] {
				t.Errorf("client-request-id of the requests: %v, want one for all of them", tap.ids)
			}
			for _, h := range tap.head {
				if ua := h.Get("User-Agent"); !strings.HasPrefix(ua, "contoso-reports/1.2 partnercenter-go/") {
					t.Errorf("User-Agent is %q", ua)
				}
				if sku := h.Get("x-client-SKU"); sku != "MSAL.Go" {
					t.Errorf("x-client-SKU is %q, so MSAL did not make the request", sku)
				}
			}
			last := tap.head[len(tap.head)-1]
			if ct := last.Get("Content-Type"); ct != "application/x-www-form-urlencoded; charset=utf-8" {
				t.Errorf("Content-Type is %q", ct)
			}

			// The endpoints are known now: a forced refresh is one request.
			before := len(tap.text)
			req := c.req
			req.Rejected = get(t, s, c.req).Value
			again := get(t, s, req)
			if again.Value.Equal(req.Rejected) {
				t.Error("the rejected token came back")
			}
			wantRequests := 1
			if strings.Contains(c.name, "password") {
				wantRequests = 2 // MSAL asks for the realm each time
			}
			if n := len(tap.text) - before; n != wantRequests {
				t.Errorf("a forced refresh took %d requests, want %d: %s", n, wantRequests, strings.Join(tap.text[before:], ""))
			}
		})
	}
}

func TestPublicCloudAsksForInstanceDiscoveryOnce(t *testing.T) {
	var tap wiretap
	opts := local(nil)
	opts.Transport = inProcess{handler: tap.wrap(listen(t, directory(), nil).Server)}
	s := clientCredentials(t, confidentialApp(), opts)
	first := get(t, s, auth.TokenRequest{})
	get(t, s, auth.TokenRequest{Rejected: first.Value})
	var paths []string
	for _, r := range tap.text {
		path, _, _ := strings.Cut(strings.SplitN(r, "\n", 2)[0], "?")
		paths = append(paths, path)
	}
	want := []string{
		"GET https://login.microsoftonline.com/common/discovery/instance",
		"GET https://login.microsoftonline.com/" + tenantID + "/v2.0/.well-known/openid-configuration",
		"POST https://login.microsoftonline.com/" + tenantID + "/oauth2/v2.0/token",
		"POST https://login.microsoftonline.com/" + tenantID + "/oauth2/v2.0/token",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
