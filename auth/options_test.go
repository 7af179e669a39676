package auth_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// silent is a transport that fails the test when it is used.
func silent(t *testing.T) http.RoundTripper {
	t.Helper()
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		t.Errorf("a request was sent: %s %s", r.Method, r.URL)
		return nil, context.Canceled
	})
}

func TestMistakesAreFoundBeforeAnyRequest(t *testing.T) {
	app := func(change func(*auth.App)) auth.App {
		a := confidentialApp()
		change(&a)
		return a
	}
	for _, c := range []struct {
		name string
		app  auth.App
		user *auth.UserPassword
		opts auth.Options
		want string
	}{
		{name: "no tenant", app: app(func(a *auth.App) { a.TenantID = "" }), want: "App.TenantID is empty"},
		{name: "common", app: app(func(a *auth.App) { a.TenantID = "Common" }), want: "one tenant"},
		{name: "organizations for an application", app: app(func(a *auth.App) { a.TenantID = "organizations" }), want: "one tenant"},
		{name: "consumers", app: app(func(a *auth.App) { a.TenantID = "consumers" }), user: &auth.UserPassword{}, want: "one tenant"},
		{name: "ADFS", app: app(func(a *auth.App) { a.TenantID = "adfs" }), want: "adfs"},
		{name: "tenant with a path", app: app(func(a *auth.App) { a.TenantID = tenantID + "/v2.0" }), want: "neither a tenant ID nor a domain name"},
		{name: "tenant that climbs", app: app(func(a *auth.App) { a.TenantID = ".." }), want: "neither"},
		{name: "tenant with two dots", app: app(func(a *auth.App) { a.TenantID = "a..b" }), want: "neither"},
		{name: "escaped tenant", app: app(func(a *auth.App) { a.TenantID = "a%2fb" }), want: "neither"},
		{name: "tenant with a query", app: app(func(a *auth.App) { a.TenantID = "a?b=c" }), want: "neither"},
		{name: "tenant with a host", app: app(func(a *auth.App) { a.TenantID = "a@evil.example" }), want: "neither"},
		{name: "very long tenant", app: app(func(a *auth.App) { a.TenantID = strings.Repeat("a", 300) }), want: "neither"},
		{name: "no client", app: app(func(a *auth.App) { a.ClientID = "" }), want: "App.ClientID is empty"},
		{name: "client with a space", app: app(func(a *auth.App) { a.ClientID = clientID + " " }), want: "GUID"},
		{name: "no credential", app: app(func(a *auth.App) { a.Credential = nil }), want: "auth.ClientSecret"},
		{name: "empty secret", app: app(func(a *auth.App) { a.Credential = auth.ClientSecret(pc.Secret{}) }), want: "client secret is empty"},
		{name: "secret from a file", app: app(func(a *auth.App) { a.Credential = auth.ClientSecret(pc.NewSecret("x\n")) }), want: "white space"},
		{name: "nil function", app: app(func(a *auth.App) { a.Credential = auth.ClientSecretFunc(nil) }), want: "nil function"},
		{name: "plain http", app: confidentialApp(), opts: auth.Options{Authority: "http://login.microsoftonline.com"}, want: "does not use https"},
		{name: "no scheme", app: confidentialApp(), opts: auth.Options{Authority: "login.microsoftonline.com"}, want: "does not use https"},
		{name: "no host", app: confidentialApp(), opts: auth.Options{Authority: "https://"}, want: "no valid host"},
		{name: "version in the authority", app: confidentialApp(), opts: auth.Options{Authority: "https://login.microsoftonline.com/v2.0"}, want: "has a path"},
		{name: "tenant in the authority", app: confidentialApp(), opts: auth.Options{Authority: "https://login.microsoftonline.com/" + tenantID + "/"}, want: "App.TenantID"},
		{name: "query in the authority", app: confidentialApp(), opts: auth.Options{Authority: "https://login.microsoftonline.com?"}, want: "query"},
		{name: "fragment in the authority", app: confidentialApp(), opts: auth.Options{Authority: "https://login.microsoftonline.com#x"}, want: "query or a fragment"},
		{name: "password in the authority", app: confidentialApp(), opts: auth.Options{Authority: "https://user:canary@login.microsoftonline.com"}, want: "user name"}, //nolint:gosec // an invented password
		{name: "unreadable authority", app: confidentialApp(), opts: auth.Options{Authority: "https://user:canary@login example/%zz"}, want: "is not a URL"},           //nolint:gosec // an invented password
		{name: "empty port", app: confidentialApp(), opts: auth.Options{Authority: "https://login.microsoftonline.com:"}, want: "empty port"},
		{name: "odd host", app: confidentialApp(), opts: auth.Options{Authority: `https://a\b`}, want: "authority"},
		{name: "host with a scheme", app: confidentialApp(), opts: auth.Options{Cloud: &auth.Cloud{Hosts: []string{"https://gateway.example"}}}, want: "without scheme"},
		{name: "host with a wildcard", app: confidentialApp(), opts: auth.Options{Cloud: &auth.Cloud{Hosts: []string{"*.gateway.example"}}}, want: "wildcard"},
		{name: "host that is empty", app: confidentialApp(), opts: auth.Options{Cloud: &auth.Cloud{Hosts: []string{""}}}, want: "Cloud.Hosts"},
		{name: "negative timeout", app: confidentialApp(), opts: auth.Options{Timeout: -1}, want: "Timeout"},
		{name: "user agent of two lines", app: confidentialApp(), opts: auth.Options{UserAgent: "a\r\nX: y"}, want: "UserAgent"},
		{name: "no user", app: publicApp(), user: &auth.UserPassword{Password: pc.NewSecret("x")}, want: "Username is empty"},
		{name: "user without a domain", app: publicApp(), user: &auth.UserPassword{Username: "joe", Password: pc.NewSecret("x")}, want: "sign-in name"},
		{name: "user that is a domain", app: publicApp(), user: &auth.UserPassword{Username: "@" + domain, Password: pc.NewSecret("x")}, want: "sign-in name"},
		{name: "no password", app: publicApp(), user: &auth.UserPassword{Username: upn}, want: "Password is empty"},
		{name: "two passwords", app: publicApp(), user: &auth.UserPassword{Username: upn, Password: pc.NewSecret("x"), PasswordFunc: func(context.Context) (pc.Secret, error) { return pc.Secret{}, nil }}, want: "set one"},
		{name: "user with a bad credential", app: app(func(a *auth.App) { a.Credential = auth.ClientSecret(pc.Secret{}) }), user: &auth.UserPassword{Username: upn, Password: pc.NewSecret("x")}, want: "client secret is empty"},
		{name: "user with bad options", app: publicApp(), user: &auth.UserPassword{Username: upn, Password: pc.NewSecret("x")}, opts: auth.Options{Authority: "x"}, want: "https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.opts.Transport = silent(t)
			var err error
			if c.user != nil {
				_, err = auth.NewUsernamePassword(c.app, *c.user, &c.opts)
			} else {
				_, err = auth.NewClientCredentials(c.app, &c.opts)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "auth: ") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

func TestGoodSettingsAreAccepted(t *testing.T) {
	for _, authority := range []string{
		"", auth.DefaultAuthority, "https://LOGIN.microsoftonline.us/", "https://login.partner.microsoftonline.cn",
		"https://127.0.0.1:8443", "https://[::1]:8443", "https://sts.private.example",
	} {
		for _, tenant := range []string{tenantID, strings.ToUpper(tenantID), domain, "contoso.onmicrosoft.com"} {
			a := confidentialApp()
			a.TenantID = tenant
			s, err := auth.NewClientCredentials(a, &auth.Options{Authority: authority, Transport: silent(t)})
			if err != nil {
				t.Errorf("authority %q, tenant %q: %v", authority, tenant, err)
				continue
			}
			closing(t, s)
		}
	}
	if _, err := auth.NewClientCredentials(confidentialApp(), nil); err != nil {
		t.Errorf("nil options: %v", err)
	}
}

func TestUpperCaseTenantAndAuthorityWork(t *testing.T) {
	srv := listen(t, directory(), nil)
	app := confidentialApp()
	app.TenantID = strings.ToUpper(tenantID)
	opts := *srv.opts
	opts.Authority = strings.Replace(srv.url, "https", "HTTPS", 1) + "/"
	get(t, clientCredentials(t, app, &opts), auth.TokenRequest{})
}

func TestMistakesInRequestsAreFoundBeforeTheyAreSent(t *testing.T) {
	s := clientCredentials(t, confidentialApp(), &auth.Options{Transport: silent(t)})
	for _, c := range []struct {
		req  auth.TokenRequest
		want string
	}{
		{auth.TokenRequest{}, "Resource is empty"},
		{auth.TokenRequest{Resource: resource + "/.default"}, "leave out"},
		{auth.TokenRequest{Resource: resource + " openid"}, "white space"},
		{auth.TokenRequest{Resource: resource, TenantID: "../x"}, "TokenRequest.TenantID"},
		{auth.TokenRequest{Resource: resource, TenantID: "organizations"}, "one tenant"},
		{auth.TokenRequest{Resource: resource, Claims: "eyJhY2Nlc3NfdG9rZW4iOnt9fQ"}, "base64"},
		{auth.TokenRequest{Resource: resource, Claims: "null"}, "JSON object"},
		{auth.TokenRequest{Resource: resource, Claims: "[]"}, "JSON object"},
	} {
		_, err := s.Token(t.Context(), c.req)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.req, err, c.want)
		}
	}
}

func TestOptionsAreCopied(t *testing.T) {
	srv := listen(t, directory(), nil)
	opts := *srv.opts
	s := clientCredentials(t, confidentialApp(), &opts)
	opts.Authority, opts.Transport, opts.Timeout = "https://elsewhere.example", silent(t), time.Nanosecond
	get(t, s, auth.TokenRequest{})
}
