package entra

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// multiTenant reports whether a path segment stands for no tenant in particular.
func multiTenant(name string) bool { return name == "common" || name == "organizations" }

// lookupTenant finds a tenant by id or domain; the lock is held.
func (s *Server) lookupTenant(name string) (Tenant, bool) {
	t, found := s.tenants[strings.ToLower(name)]
	return t, found
}

func unknownTenant(name string) *OAuthError {
	return &OAuthError{Code: "invalid_tenant", STS: 90002, Text: "There is no tenant '" + name + "' in this cloud."}
}

// openIDConfiguration answers the OpenID Connect document.
func (s *Server) openIDConfiguration(r *http.Request, t target) response {
	s.mu.Lock()
	tenant, found := s.lookupTenant(t.tenant)
	s.mu.Unlock()
	id := tenant.ID
	switch {
	case multiTenant(t.tenant):
		id = "{tenantid}"
	case !found:
		return unknownTenant(t.tenant).response(s.now(), r.Header.Get("client-request-id"))
	}
	base := origin(r)
	at := base + "/" + t.tenant
	doc := map[string]any{
		"response_types_supported":              []string{"code", "id_token"},
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"cloud_instance_name":                   "microsoftonline.com",
	}
	if t.version == 2 {
		doc["issuer"] = base + "/" + id + "/v2.0"
		doc["authorization_endpoint"] = at + "/oauth2/v2.0/authorize"
		doc["token_endpoint"] = at + "/oauth2/v2.0/token"
		doc["device_authorization_endpoint"] = at + "/oauth2/v2.0/devicecode"
		doc["jwks_uri"] = at + "/discovery/v2.0/keys"
	} else {
		doc["issuer"] = "https://sts.windows.net/" + id + "/"
		doc["authorization_endpoint"] = at + "/oauth2/authorize"
		doc["token_endpoint"] = at + "/oauth2/token"
		doc["jwks_uri"] = base + "/common/discovery/keys"
	}
	return ok(doc)
}

// instanceDiscovery answers which host names mean the same cloud.
func (s *Server) instanceDiscovery(r *http.Request) response {
	aliases := [][]string{
		{"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"},
		{"login.partner.microsoftonline.cn", "login.chinacloudapi.cn"},
		{"login.microsoftonline.us", "login.usgovcloudapi.net"},
		{r.Host},
	}
	authorize := r.URL.Query().Get("authorization_endpoint")
	u, err := url.Parse(authorize)
	known := err == nil && slices.ContainsFunc(aliases, func(group []string) bool { return slices.Contains(group, u.Host) })
	if !known {
		e := OAuthError{Code: "invalid_instance", STS: 50049, Text: "The authorization endpoint names an unknown instance."}
		return e.response(s.now(), r.Header.Get("client-request-id"))
	}
	metadata := make([]map[string]any, 0, len(aliases))
	for _, group := range aliases {
		metadata = append(metadata, map[string]any{
			"preferred_network": group[0], "preferred_cache": group[min(1, len(group)-1)], "aliases": group,
		})
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return ok(map[string]any{
		"tenant_discovery_endpoint": "https://" + u.Host + "/" + tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata":                  metadata,
	})
}

// userRealm answers whether a user signs in here or at a federated server. Users
// that do not exist belong to a managed domain when their domain is a tenant's.
func (s *Server) userRealm(t target) response {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, domain, _ := strings.Cut(t.user, "@")
	answer := map[string]any{"ver": "1.0", "account_type": "Unknown", "login": t.user}
	user := s.users[strings.ToLower(t.user)]
	_, knownDomain := s.lookupTenant(domain)
	if user == nil && !knownDomain {
		return ok(answer)
	}
	answer["account_type"] = "Managed"
	answer["domain_name"] = domain
	answer["cloud_instance_name"] = "microsoftonline.com"
	answer["cloud_audience_urn"] = "urn:federation:MicrosoftOnline"
	if user != nil && user.Realm == Federated {
		answer["account_type"] = "Federated"
		answer["federation_protocol"] = "WSTrust"
		answer["federation_metadata_url"] = user.FederationMetadataURL
	}
	return ok(answer)
}
