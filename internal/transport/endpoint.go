package transport

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// parseEndpoint checks a base URL and takes the trailing slash off its path.
func parseEndpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("options: Endpoint is not a URL")
	}
	switch {
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, errors.New("options: Endpoint must be scheme, host and path only, without user, query and fragment")
	case u.Hostname() == "":
		return nil, fmt.Errorf("options: Endpoint %q has no host; write it like https://api.partner.microsoft.com", raw)
	}
	if err := checkScheme(u); err != nil {
		return nil, fmt.Errorf("options: Endpoint: %w", err)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// checkScheme allows https anywhere and plain http to loopback addresses.
func checkScheme(u *url.URL) error {
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		if isLoopback(u.Hostname()) {
			return nil
		}
		return fmt.Errorf("plain http to %s is refused; use https (http is for loopback addresses only)", u.Host)
	default:
		return fmt.Errorf("scheme %q is not supported; use https", u.Scheme)
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// sameOrigin compares scheme, host and port, with default ports filled in.
func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) &&
		strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if strings.EqualFold(u.Scheme, "http") {
		return "80"
	}
	return "443"
}

// HostOf is the host as [partnercenter.TokenRequest] has it: in lower case, with the port if it is not the scheme's own.
func HostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if p := u.Port(); p == "" || port(u) == port(&url.URL{Scheme: u.Scheme}) {
		host = strings.TrimSuffix(host, ":"+p)
	}
	return host
}

// Path joins segments into the path of a [Request] and escapes each of them. It
// refuses segments that a server might read as something else: empty ones, "."
// and "..".
func Path(segments ...string) (string, error) {
	var b strings.Builder
	for _, s := range segments {
		if s == "" || s == "." || s == ".." {
			return "", fmt.Errorf("%q cannot be part of a request path", s)
		}
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String(), nil
}

// Query writes key=value pairs in the given order, with spaces as %20 and the
// keys, which may begin with a dollar sign, as they are.
func Query(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pairs[i])
		b.WriteByte('=')
		b.WriteString(strings.ReplaceAll(url.QueryEscape(pairs[i+1]), "+", "%20"))
	}
	return b.String()
}
