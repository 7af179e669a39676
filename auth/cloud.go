package auth

import (
	"fmt"
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
// With [Options.Cloud] set, a source issues no token for an API that is not in Resources. And
// whether it is set or not, a source gives no token to a request of the API packages that
// goes to a host outside the cloud's Hosts: a slip in an endpoint's name must not send a
// token to a stranger. (The request says where it goes in [TokenRequest].Host.) When
// Options.Cloud is not set, the cloud is the one that the authority belongs to. Loopback,
// where fakes and recorders live, is always allowed. An endpoint of your own, such as a
// gateway, is allowed by naming it:
//
//	cloud := auth.GlobalCloud()
//	cloud.Hosts = append(cloud.Hosts, "gateway.contoso.example")
//	source, err := auth.NewClientCredentials(app, &auth.Options{Cloud: &cloud})
type Cloud struct {
	// Name is for people, for example "global".
	Name string
	// Authority is the sign-in host, as in [Options.Authority].
	Authority string
	// Resources are the audiences that tokens may be asked for, a slash at the end more
	// or less. None means any.
	Resources []string
	// Hosts are the names, with the port if it is not 443, that bearer tokens may be
	// sent to, without scheme, path and wildcards. None means any.
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

// validHosts refuses entries of Hosts that no host is ever equal to.
func (c *Cloud) validHosts() error {
	if c == nil {
		return nil
	}
	for _, h := range c.Hosts {
		if u := (url.URL{Host: h}); u.Hostname() == "" || strings.ContainsAny(h, "/*@?# \t\r\n") {
			return fmt.Errorf("auth: Options.Cloud.Hosts has %.253q; write each host by itself, without scheme, path and wildcard, for example \"gateway.contoso.example\"", h)
		}
	}
	return nil
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

// hostList is the hosts that tokens may be sent to; none means any.
type hostList struct {
	cloud string // its name, for people
	names []string
}

// hostsOf returns the hosts of a source's cloud. When no cloud was chosen, the authority
// tells which it is; at an authority of somebody's own there is no telling.
func hostsOf(c *Cloud, authority string) hostList {
	if c != nil {
		return hostList{c.Name, c.Hosts}
	}
	var cloud Cloud
	switch authority {
	case "login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net":
		cloud = GlobalCloud()
	case "login.microsoftonline.us", "login.usgovcloudapi.net":
		cloud = USGovernmentCloud()
	case "login.partner.microsoftonline.cn", "login.chinacloudapi.cn":
		cloud = ChinaCloud()
	}
	return hostList{cloud.Name, cloud.Hosts}
}

// serve reports whether a token may be sent to a host; one that is not known is taken to
// be right. It is part of every call, so the usual case comes first.
func (l hostList) serve(host string) bool {
	if host == "" || len(l.names) == 0 || slices.Contains(l.names, host) {
		return true
	}
	host = strings.TrimSuffix(host, ":443")
	if slices.ContainsFunc(l.names, func(n string) bool { return strings.EqualFold(strings.TrimSuffix(n, ":443"), host) }) {
		return true
	}
	u := url.URL{Host: host}
	return loopbackName(u.Hostname())
}

// refusal is the error of a request for another host.
func (l hostList) refusal(req TokenRequest) error {
	return &Error{
		Kind: KindWrongCloud, Resource: req.Resource, TenantID: req.TenantID,
		Description: fmt.Sprintf("no token is given to %s, which is no host of the cloud %q", tidy(req.Host, 128, nil), l.cloud),
		Advice:      "Use an endpoint of the cloud that the tokens are from; if the host is yours, set Options.Cloud with the host added to Cloud.Hosts, without scheme and path.",
	}
}
