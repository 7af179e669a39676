package auth

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Cloud is one of the clouds in which Microsoft runs Partner Center: where its users sign in,
// which APIs tokens can be for, and which hosts may see them. The functions that return one
// return a new value each time, of which every field may be changed. See
// https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud and
// https://learn.microsoft.com/partner-center/developer/partner-center-rest-urls.
//
// With [Options.Cloud] set, a source issues no token for an API that is not in Resources, so
// that none of one cloud can be sent to another's API. [Cloud.Guard] is the same for the
// requests of the API packages: it lets no bearer token out to a host that is not in Hosts.
type Cloud struct {
	// Name is for people, for example "global".
	Name string
	// Authority is the sign-in host, as in [Options.Authority].
	Authority string
	// Resources are the audiences that tokens may be asked for, a slash at the end more
	// or less. None means any.
	Resources []string
	// Hosts are the names, with the port if it is not 443, that bearer tokens may be
	// sent to. None means any.
	Hosts []string
}

// GlobalCloud is where nearly all partners are.
func GlobalCloud() Cloud {
	return Cloud{
		Name:      "global",
		Authority: DefaultAuthority,
		Resources: []string{
			"https://api.partner.microsoft.com", "https://api.partnercenter.microsoft.com",
			"https://graph.microsoft.com", "https://cloudpartner.azure.com",
		},
		Hosts: []string{"api.partner.microsoft.com", "api.partnercenter.microsoft.com", "graph.microsoft.com", "cloudpartner.azure.com"},
	}
}

// USGovernmentCloud is Azure Government. The APIs are those of the global cloud. Which sign-in
// host partner tenants use is not documented; if this one does not know the tenant (Entra ID
// says so with AADSTS90038 or 900432), set Authority to [DefaultAuthority].
func USGovernmentCloud() Cloud {
	c := GlobalCloud()
	c.Name, c.Authority = "usgovernment", "https://login.microsoftonline.us"
	return c
}

// ChinaCloud is the cloud that 21Vianet operates. It has no counterpart of
// api.partner.microsoft.com that is documented.
func ChinaCloud() Cloud {
	return Cloud{
		Name:      "china",
		Authority: "https://login.partner.microsoftonline.cn",
		Resources: []string{"https://partner.partnercenterapi.microsoftonline.cn"},
		Hosts:     []string{"partner.partnercenterapi.microsoftonline.cn"},
	}
}

// CloudByName finds a cloud by its name: "global", "usgovernment" or "china".
func CloudByName(name string) (Cloud, error) {
	clouds := []Cloud{GlobalCloud(), USGovernmentCloud(), ChinaCloud()}
	var names []string
	for _, c := range clouds {
		if strings.EqualFold(c.Name, name) {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Cloud{}, fmt.Errorf("auth: there is no cloud %.64q; there are %s", name, strings.Join(names, ", "))
}

// permits checks a resource; without a cloud all are permitted.
func permits(c *Cloud, resource string) error {
	if c == nil || len(c.Resources) == 0 {
		return nil
	}
	bare := strings.TrimSuffix(resource, "/")
	if slices.ContainsFunc(c.Resources, func(r string) bool { return strings.EqualFold(strings.TrimSuffix(r, "/"), bare) }) {
		return nil
	}
	return &Error{
		Kind: KindWrongCloud, Resource: resource,
		Description: fmt.Sprintf("the cloud %q has no API %s", c.Name, tidy(resource, 200, nil)),
		Advice:      "Use the cloud that the API belongs to, or add the API to Cloud.Resources.",
	}
}

// Guard wraps a transport, for [partnercenter.Options.Transport], so that requests with an
// Authorization header go to the hosts of the cloud only. Others end with an [*Error] of
// [KindWrongCloud] and are not sent. Loopback, where fakes live, is permitted; requests
// without the header, such as downloads by pre-signed links, are passed on. A nil transport
// means [http.DefaultTransport].
func (c Cloud) Guard(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	c.Hosts = slices.Clone(c.Hosts)
	return &cloudGuard{cloud: c, next: next}
}

type cloudGuard struct {
	cloud Cloud
	next  http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (g *cloudGuard) RoundTrip(req *http.Request) (*http.Response, error) {
	if len(req.Header.Values("Authorization")) == 0 || g.cloud.serves(req.URL) {
		return g.next.RoundTrip(req)
	}
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, &Error{
		Kind:        KindWrongCloud,
		Description: fmt.Sprintf("no token is sent to %s, which is no host of the cloud %q", tidy(req.URL.Host, 128, nil), g.cloud.Name),
		Advice:      "Use the endpoint of the cloud that the token is from, or add the host to Cloud.Hosts.",
	}
}

// CloseIdleConnections passes the call on.
func (g *cloudGuard) CloseIdleConnections() {
	if c, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// serves reports whether a token may be sent to a URL.
func (c Cloud) serves(u *url.URL) bool {
	if len(c.Hosts) == 0 || loopbackName(u.Hostname()) {
		return true
	}
	host := u.Host
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return slices.ContainsFunc(c.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}
