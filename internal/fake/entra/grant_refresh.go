package entra

import "strings"

// redeem exchanges a refresh token for new tokens. Tokens belong to a user and an
// application, not to a resource or a tenant.
func redeem(s *Server, q *tokenRequest) (map[string]any, *OAuthError) {
	dead := func(code int, text string) (map[string]any, *OAuthError) {
		return nil, &OAuthError{Code: "invalid_grant", STS: code, SubCode: "bad_token", Text: text}
	}
	if e := q.requireApp(); e != nil {
		return nil, e
	}
	t := s.refreshTokens[q.form.Get("refresh_token")]
	now := s.now()
	switch {
	case t == nil:
		return dead(70000, "The refresh token is malformed or unknown.")
	case !strings.EqualFold(t.clientID, q.app.ClientID):
		return dead(70000, "The refresh token was issued to another application.")
	case t.revoked:
		return dead(50173, "The sign-in was revoked; a new one is needed.")
	case t.spent:
		return dead(70000, "The refresh token has been redeemed before.")
	case now.Sub(t.usedOn) > s.cfg.RefreshTokenLifetime:
		return dead(700082, "The refresh token has been inactive for too long.")
	}
	u := s.users[strings.ToLower(t.upn)]
	if u == nil {
		return dead(50034, "There is no such account in the directory.")
	}
	t.usedOn = now
	t.spent = s.cfg.Rotation == Strict
	user := u.User
	user.AMR = t.amr
	tenantID := q.tenant
	if tenantID == "" {
		tenantID = s.tenants[strings.ToLower(u.TenantID)].ID
	}
	fields := s.respond(q, tenantID, &user)
	if fields["refresh_token"] == nil {
		// The page on the earnings APIs redeems without asking for offline_access and
		// gets a new pair: https://learn.microsoft.com/partner-center/developer/earnings-payments.
		fields["refresh_token"] = s.newRefreshToken(q.app.ClientID, user.UPN, user.AMR)
	}
	return fields, nil
}
