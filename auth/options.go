package auth

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// DefaultAuthority is the sign-in host of the global cloud. Hosts of the national
// clouds: https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud.
const DefaultAuthority = "https://login.microsoftonline.com"

const (
	defaultTimeout    = 25 * time.Second
	defaultMargin     = 5 * time.Minute
	defaultMaxEntries = 10_000
	defaultRetries    = 2
)

// Options tunes a [Source]. The zero value, and a nil pointer, mean the defaults that
// each field describes. A source copies its Options when it is made. One value may
// serve many sources, also concurrently.
type Options struct {
	// Authority is the sign-in host: https, host and optional port, no path.
	// Default: that of Cloud, else [DefaultAuthority]. Not used by [Cached].
	Authority string
	// Cloud restricts the source to the APIs and hosts of one cloud, for example
	// [GlobalCloud] or [ChinaCloud]. Default: tokens for any API, but given to no
	// host outside the cloud that Authority belongs to, see [Cloud]; an authority
	// of your own, and [Cached], have no restriction by default.
	Cloud *Cloud
	// Transport sends the requests to Entra ID. Redirects, retries and time
	// limits are handled above it. Default: [http.DefaultTransport] as it is
	// when the source is made. Not used by [Cached].
	//
	// A Transport that records traffic sees secrets, passwords and tokens.
	Transport http.RoundTripper
	// Logger receives one record per request to Entra ID and per obtained token at
	// level Debug, and one per failed background renewal at level Warn. Of refresh
	// tokens it is told at level Error when one was refused, or a new one could not
	// be saved, and of sign-ins at level Info. Records hold no secrets. Default:
	// silent.
	Logger *slog.Logger
	// UserAgent is put in front of the SDK's own User-Agent. Not used by [Cached].
	UserAgent string
	// Timeout bounds the work for one token, retries included, whoever waits for
	// it. One attempt gets two fifths of it. Default 25 s.
	Timeout time.Duration
	// MaxRetries is how often a request to Entra ID is repeated after 408, 429,
	// 500, 502, 503, 504 or a lost connection. Default 2, negative: never. Not
	// used by [Cached].
	MaxRetries int
	// RedeemOnce keeps a refresh token from being sent again when the answer to its
	// redemption was lost. Entra ID documents that a redeemed token goes on working,
	// so by default it is sent again; a service that revokes a whole sign-in when a
	// token comes twice would take offence. Used by [NewRefreshToken] only.
	RedeemOnce bool
	// OpenStore opens the store that [EnvRefreshTokenStore] names when that is neither
	// a directory nor a file URL. It is called once, with the variable's value, which may
	// hold a password; what its error quotes of that is redacted. Connections that it
	// makes are the program's to close, after the source. Default: only directories
	// can be opened. Used by [FromEnvironment] and [FromVariables] only.
	OpenStore func(location string) (TokenStore, error)
	// Margin is how long before its end a token is no longer handed out, at most
	// a fifth of its lifetime. Default 5 min, negative: no margin.
	Margin time.Duration
	// MaxEntries bounds the number of tokens that are kept, over all tenants,
	// resources and claims challenges. When there are more, the ones that expire
	// first go. Default 10,000.
	MaxEntries int
}

// settings are validated Options with the defaults filled in.
type settings struct {
	Options
	host string // of the authority, lower case, with the port if there is one
}

// resolve validates opts for sources that talk to Entra ID.
func (o *Options) resolve() (settings, error) {
	s := settings{Options: o.withDefaults()}
	if o != nil && o.Timeout < 0 {
		return s, errors.New("auth: Options.Timeout is negative; a token request must be bounded")
	}
	if strings.ContainsAny(s.UserAgent, "\r\n") {
		return s, errors.New("auth: Options.UserAgent must be one line")
	}
	if err := s.Cloud.validHosts(); err != nil {
		return s, err
	}
	host, err := authorityHost(s.Authority)
	if err != nil {
		return s, err
	}
	s.host = host
	return s, nil
}

// withDefaults copies the options and fills in what is not set.
func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	if out.Cloud != nil {
		cloud := *out.Cloud
		cloud.Resources, cloud.Hosts = slices.Clone(cloud.Resources), slices.Clone(cloud.Hosts)
		out.Cloud, out.Authority = &cloud, cmp.Or(out.Authority, cloud.Authority)
	}
	if out.Authority == "" {
		out.Authority = DefaultAuthority
	}
	if out.Transport == nil {
		out.Transport = http.DefaultTransport
	}
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	}
	if out.Timeout <= 0 {
		out.Timeout = defaultTimeout
	}
	switch {
	case out.MaxRetries == 0:
		out.MaxRetries = defaultRetries
	case out.MaxRetries < 0:
		out.MaxRetries = 0
	}
	switch {
	case out.Margin == 0:
		out.Margin = defaultMargin
	case out.Margin < 0:
		out.Margin = 0
	}
	if out.MaxEntries <= 0 {
		out.MaxEntries = defaultMaxEntries
	}
	return out
}

// authorityHost checks an authority and returns its host. MSAL appends to the URL
// without looking at it, so a path would end up in the middle of other paths.
func authorityHost(authority string) (string, error) {
	fail := func(what string) (string, error) {
		return "", fmt.Errorf("auth: authority %q %s; give scheme and host only, for example %q", withoutUserinfo(authority), what, DefaultAuthority)
	}
	u, err := url.Parse(authority)
	switch {
	case err != nil:
		return fail("is not a URL")
	case u.Scheme != "https":
		return fail("does not use https")
	case u.User != nil:
		return fail("holds a user name")
	case u.Hostname() == "" || strings.ContainsAny(u.Host, "%\\ "):
		return fail("has no valid host")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fail("has a query or a fragment")
	case u.Path != "" && u.Path != "/":
		return fail("has a path (the tenant belongs in App.TenantID, the endpoint version is chosen by the SDK)")
	}
	if _, port, err := net.SplitHostPort(u.Host); err == nil && port == "" {
		return fail("has an empty port")
	}
	return strings.ToLower(u.Host), nil
}

// withoutUserinfo cuts what may be a password out of a URL that is about to be quoted.
func withoutUserinfo(s string) string {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		scheme, rest = "", s
	} else {
		scheme += "://"
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	return scheme + rest
}

// publicCloud reports whether host is one of the sign-in hosts that Microsoft
// operates, for which instance discovery works. The list is that of the national
// clouds page with the older names that are still served.
func publicCloud(host string) bool {
	switch host {
	case "login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net",
		"login.microsoftonline.us", "login.usgovcloudapi.net",
		"login.partner.microsoftonline.cn", "login.chinacloudapi.cn":
		return true
	}
	return false
}
