package entra

import (
	"strings"

	pc "github.com/partnercenter-go/partnercenter"
)

// mfaClaims is the challenge that comes with a demand for a second factor.
const mfaClaims = `{"access_token":{"capolids":{"essential":true,"values":["5c5f3b0e-6f0f-4d5c-9d5e-000000000001"]}}}`

// password is the resource owner password grant, which cannot do multifactor
// authentication: https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc.
func password(s *Server, q *tokenRequest) (map[string]any, *OAuthError) {
	if e := q.requireApp(); e != nil {
		return nil, e
	}
	now := s.now()
	wrong := &OAuthError{Code: "invalid_grant", STS: 50126, Text: "The user name or the password is wrong."}
	u := s.users[strings.ToLower(q.form.Get("username"))]
	switch {
	case u == nil:
		return nil, &OAuthError{Code: "invalid_grant", STS: 50034, Text: "There is no such account in the directory."}
	case q.tenant != "" && !s.sameTenant(u.TenantID, q.tenant):
		return nil, &OAuthError{Code: "invalid_grant", STS: 50034, Text: "There is no such account in the directory."}
	case now.Before(u.lockedUntil):
		return nil, &OAuthError{Code: "invalid_grant", STS: 50053, Text: "The account is locked after too many attempts."}
	}
	if !pc.NewSecret(q.form.Get("password")).Equal(u.Password) {
		if u.failures++; u.failures >= s.cfg.LockoutAfter {
			u.failures, u.lockedUntil = 0, now.Add(s.cfg.LockoutFor)
		}
		return nil, wrong
	}
	u.failures = 0
	if u.RequireMFA {
		return nil, &OAuthError{
			Code: "invalid_grant", STS: 50076, SubCode: "basic_action", Claims: mfaClaims,
			Text: "Multifactor authentication is required.",
		}
	}
	user := u.User
	return s.respond(q, s.tenants[strings.ToLower(u.TenantID)].ID, &user), nil
}
