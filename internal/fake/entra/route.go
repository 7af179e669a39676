package entra

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Endpoint names one of the things a client can ask for.
type Endpoint string

// Endpoints of the fake.
const (
	// OIDC is the OpenID Connect document of a tenant.
	OIDC Endpoint = "oidc"
	// Instance is the instance discovery document.
	Instance Endpoint = "instance"
	// UserRealm is home realm discovery.
	UserRealm Endpoint = "realm"
	// Keys is the JSON web key set.
	Keys Endpoint = "keys"
	// Token is the token endpoint, v1 and v2.
	Token Endpoint = "token"
	// Authorize is the page where a sign-in begins.
	Authorize Endpoint = "authorize"
	// Login is where the pages of a sign-in send their forms.
	Login Endpoint = "login"
	// DeviceCode is where device codes come from.
	DeviceCode Endpoint = "devicecode"
	// DeviceAuth is the page at which users enter device codes.
	DeviceAuth Endpoint = "deviceauth"
	// Unknown is everything else; it is answered with 404.
	Unknown Endpoint = "unknown"
)

// target is what a path leads to.
type target struct {
	endpoint Endpoint
	tenant   string // as written in the path
	version  int    // 1 or 2, of the OIDC and token endpoints
	user     string // of the realm endpoint
}

// route reads the path. Tenants and users may be escaped, so the decoded path is
// split.
func route(r *http.Request) target {
	p := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	tenant, rest := p[0], strings.Join(p[1:], "/")
	switch rest {
	case "v2.0/.well-known/openid-configuration":
		return target{endpoint: OIDC, tenant: tenant, version: 2}
	case ".well-known/openid-configuration":
		return target{endpoint: OIDC, tenant: tenant, version: 1}
	case "oauth2/v2.0/token":
		return target{endpoint: Token, tenant: tenant, version: 2}
	case "oauth2/token":
		return target{endpoint: Token, tenant: tenant, version: 1}
	case "oauth2/v2.0/authorize":
		return target{endpoint: Authorize, tenant: tenant, version: 2}
	case "oauth2/authorize":
		return target{endpoint: Authorize, tenant: tenant, version: 1}
	case "oauth2/v2.0/devicecode":
		return target{endpoint: DeviceCode, tenant: tenant, version: 2}
	case "oauth2/deviceauth":
		if tenant == "common" {
			return target{endpoint: DeviceAuth}
		}
	case "login":
		return target{endpoint: Login, tenant: tenant}
	case "discovery/v2.0/keys", "discovery/keys":
		return target{endpoint: Keys, tenant: tenant}
	case "discovery/instance":
		if tenant == "common" {
			return target{endpoint: Instance}
		}
	}
	if user, ok := strings.CutPrefix(rest, "UserRealm/"); ok && tenant == "common" {
		return target{endpoint: UserRealm, user: user}
	}
	return target{endpoint: Unknown}
}

// origin is the scheme and host that the client has used. Behind a transport in the
// same process there is no TLS to tell them, so the URL counts, and else https:
// plain http is what loopback listeners without TLS speak.
func origin(r *http.Request) string {
	scheme := "https"
	switch {
	case r.URL.Scheme != "":
		scheme = r.URL.Scheme
	case r.TLS == nil && loopback(r.Host):
		scheme = "http"
	}
	return scheme + "://" + r.Host
}

func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Serves reports whether a path is one that the server has something at.
func Serves(u *url.URL) bool { return route(&http.Request{URL: u}).endpoint != Unknown }
