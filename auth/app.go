package auth

import (
	"errors"
	"fmt"
	"strings"
)

// App is an application registered in Entra ID:
// https://learn.microsoft.com/entra/identity-platform/quickstart-register-app.
type App struct {
	// TenantID is the directory that issues the tokens: its GUID or one of its
	// verified domain names. [NewUsernamePassword] also accepts "organizations",
	// which stands for the user's own tenant.
	TenantID string
	// ClientID is the "Application (client) ID" of the registration.
	ClientID string
	// Credential proves the application's identity. Nil means a public client,
	// which has none.
	Credential ClientCredential
}

// validate checks what can be checked without asking. Multi says whether the tenant
// may be the wildcard "organizations".
func (a App) validate(multi bool) error {
	if err := validTenant("App.TenantID", a.TenantID, multi); err != nil {
		return err
	}
	switch {
	case a.ClientID == "":
		return errors.New("auth: App.ClientID is empty; use the application (client) ID of the registration")
	case len(a.ClientID) > 128 || strings.ContainsFunc(a.ClientID, func(r rune) bool { return !idRune(r) }):
		return fmt.Errorf("auth: App.ClientID %.128q is not an application ID, which is a GUID", a.ClientID)
	}
	return nil
}

func idRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-'
}

// validTenant refuses what would change the path of the token endpoint.
func validTenant(field, tenant string, multi bool) error {
	if tenant == "" {
		return fmt.Errorf("auth: %s is empty; use the directory (tenant) ID or a verified domain name", field)
	}
	lower := strings.ToLower(tenant)
	switch lower {
	case "organizations":
		if multi {
			return nil
		}
		fallthrough
	case "common", "consumers":
		return fmt.Errorf("auth: %s is %q, but a token comes from one tenant; use its ID or a verified domain name", field, tenant)
	case "adfs", "dstsv2":
		return fmt.Errorf("auth: %s %q stands for a server that Partner Center does not trust", field, tenant)
	}
	bad := len(tenant) > 253 || lower[0] == '.' || lower[0] == '-' || strings.Contains(lower, "..") ||
		strings.ContainsFunc(lower, func(r rune) bool { return !idRune(r) && r != '.' })
	if bad {
		return fmt.Errorf("auth: %s %.253q is neither a tenant ID nor a domain name", field, tenant)
	}
	return nil
}

// validRequest checks a token request before anything is sent.
func validRequest(req TokenRequest) error {
	r := req.Resource
	switch {
	case r == "":
		return errors.New("auth: TokenRequest.Resource is empty; name the API, for example \"https://api.partner.microsoft.com\"")
	case strings.HasSuffix(r, "/.default"):
		return fmt.Errorf("auth: TokenRequest.Resource %q is a scope; leave out \"/.default\"", r)
	case strings.ContainsFunc(r, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return fmt.Errorf("auth: TokenRequest.Resource %q holds white space; it must be one resource", r)
	}
	if req.TenantID != "" {
		if err := validTenant("TokenRequest.TenantID", req.TenantID, false); err != nil {
			return err
		}
	}
	return validClaims(req.Claims)
}
