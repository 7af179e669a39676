package entra

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Claims is what an access token says, as far as an API looks at it.
type Claims struct {
	// Audience is the resource that the token is for, as it was asked for.
	Audience string
	// TenantID is the directory that issued it.
	TenantID string
	// AppID is the application that asked for it.
	AppID string
	// UserID is the object id of the user; empty in app-only tokens.
	UserID string
	// UPN is the sign-in name of the user; empty in app-only tokens.
	UPN string
	// Roles are the application's roles, in app-only tokens.
	Roles []string
	// Scopes are the delegated permissions, in user tokens.
	Scopes []string
	// AMR says how the user signed in; "mfa" is what Partner Center looks for.
	AMR []string
	// IssuedAt is when the token was made.
	IssuedAt time.Time
	// ExpiresOn is when it stops working.
	ExpiresOn time.Time
}

// Grant says what kind of token [Server.Issue] shall make.
type Grant struct {
	// Audience is a registered resource.
	Audience string
	// TenantID is a registered directory. Default: that of the user, else of
	// the application.
	TenantID string
	// ClientID is a registered application.
	ClientID string
	// UPN is a registered user. Empty makes an app-only token.
	UPN string
	// AMR replaces the user's amr claim.
	AMR []string
	// Lifetime replaces the configured one.
	Lifetime time.Duration
}

// issuedToken is an access token that the server has given out.
type issuedToken struct{ claims Claims }

// Issue makes an access token without any request, as if the named application had
// asked for it.
func (s *Server) Issue(g Grant) (token string, claims Claims, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	app, found := s.apps[strings.ToLower(g.ClientID)]
	if !found {
		return "", Claims{}, fmt.Errorf("entra: no application %q", g.ClientID)
	}
	res, found := s.resources[strings.ToLower(g.Audience)]
	if !found {
		return "", Claims{}, fmt.Errorf("entra: no resource %q", g.Audience)
	}
	var user *User
	tenantID := g.TenantID
	if g.UPN != "" {
		a := s.users[strings.ToLower(g.UPN)]
		if a == nil {
			return "", Claims{}, fmt.Errorf("entra: no user %q", g.UPN)
		}
		u := a.User
		if g.AMR != nil {
			u.AMR = g.AMR
		}
		user = &u
		if tenantID == "" {
			tenantID = u.TenantID
		}
	}
	if tenantID == "" {
		tenantID = app.TenantID
	}
	tenant, found := s.tenants[strings.ToLower(tenantID)]
	if !found {
		return "", Claims{}, fmt.Errorf("entra: no tenant %q", tenantID)
	}
	life := g.Lifetime
	if life == 0 {
		life = s.cfg.TokenLifetime
	}
	token, claims = s.mint(tenant.ID, app, user, res, life, "")
	return token, claims, nil
}

// Check says whether token is one that this server issued, unaltered, unexpired and
// not revoked, and what it claims. "Bearer " in front of it is no part of it. The
// claims of an expired or revoked token are returned with false.
func (s *Server) Check(token string) (Claims, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.known(token)
	if t == nil {
		return Claims{}, false
	}
	_, revoked := s.revoked[tokenHash(token)]
	return t.claims.clone(), !revoked && s.now().Before(t.claims.ExpiresOn)
}

// known finds an access token of this server; the lock is held.
func (s *Server) known(token string) *issuedToken {
	if t := s.issued[token]; t != nil {
		return t
	}
	claims, ok := s.read(token)
	if !ok {
		return nil
	}
	t := &issuedToken{claims}
	s.remember(token, t)
	return t
}

// Revoke makes an access token or a refresh token worthless; it reports whether
// there was one.
func (s *Server) Revoke(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.known(token); t != nil {
		s.revoked[tokenHash(token)] = t.claims.ExpiresOn
		return true
	}
	if t := s.refreshTokens[token]; t != nil {
		t.revoked = true
		return true
	}
	return false
}

// RevokeFingerprint makes an access token worthless that is known by its fingerprint only,
// the first 16 hex digits of its SHA-256; it reports whether there is one among those
// that were used lately.
func (s *Server) RevokeFingerprint(fingerprint string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, t := range s.issued {
		if tokenHash(token) == fingerprint {
			s.revoked[fingerprint] = t.claims.ExpiresOn
			return true
		}
	}
	return false
}

// RevokeSessions makes all refresh tokens of a user worthless, as an administrator
// does.
func (s *Server) RevokeSessions(upn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.refreshTokens {
		if strings.EqualFold(t.upn, upn) {
			t.revoked = true
		}
	}
}

// mint signs a token and remembers it; the lock is held.
func (s *Server) mint(tenantID string, app App, user *User, res Resource, life time.Duration, base string) (string, Claims) {
	now := s.now().Truncate(time.Second)
	c := Claims{
		Audience: res.Audience, TenantID: tenantID, AppID: app.ClientID,
		IssuedAt: now, ExpiresOn: now.Add(life),
	}
	if base == "" {
		base = "https://login.microsoftonline.com"
	}
	m := map[string]any{
		"aud": res.Audience, "tid": tenantID,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": c.ExpiresOn.Unix(),
		"uti": uuid.NewString(), "rh": s.id,
	}
	if res.TokenVersion == 2 {
		m["ver"], m["iss"], m["azp"] = "2.0", base+"/"+tenantID+"/v2.0", app.ClientID
		if res.AppID != "" {
			m["aud"] = res.AppID
		}
	} else {
		m["ver"], m["iss"], m["appid"] = "1.0", "https://sts.windows.net/"+tenantID+"/", app.ClientID
	}
	if user == nil {
		c.Roles = slices.Clone(app.Roles)
		m["idtyp"], m["oid"], m["sub"] = "app", app.ClientID, app.ClientID
		if len(c.Roles) > 0 {
			m["roles"] = c.Roles
		}
	} else {
		c.UserID, c.UPN = user.ObjectID, user.UPN
		c.Scopes, c.AMR = slices.Clone(app.Scopes), slices.Clone(user.AMR)
		m["idtyp"], m["oid"], m["sub"], m["upn"] = "user", user.ObjectID, user.ObjectID, user.UPN
		m["scp"], m["amr"] = strings.Join(c.Scopes, " "), c.AMR
	}
	token := sign(s.key(), m)
	s.remember(token, &issuedToken{claims: c})
	return token, c.clone()
}

// maxIssued bounds the table of tokens: those that are not in it are read again.
const maxIssued = 4096

// remember keeps what a token claims, which saves its next verification; the lock is
// held.
func (s *Server) remember(token string, t *issuedToken) {
	if len(s.issued) >= maxIssued {
		clear(s.issued)
		now := s.now()
		maps.DeleteFunc(s.revoked, func(_ string, end time.Time) bool { return end.Before(now) })
	}
	s.issued[token] = t
}

func (c Claims) clone() Claims {
	c.Roles, c.Scopes, c.AMR = slices.Clone(c.Roles), slices.Clone(c.Scopes), slices.Clone(c.AMR)
	return c
}

// refreshToken is a refresh token that the server has given out.
type refreshToken struct {
	clientID string
	upn      string
	amr      []string // of the sign-in that began the chain
	usedOn   time.Time
	spent    bool
	revoked  bool
}

// IssueRefreshToken makes a refresh token for a registered user and application, as
// a sign-in in the browser would. The amr claim of the sign-in stays with all its
// successors; nil means the user's own.
func (s *Server) IssueRefreshToken(clientID, upn string, amr []string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.users[strings.ToLower(upn)]
	if a == nil {
		return "", errors.New("entra: no user " + upn)
	}
	if _, found := s.apps[strings.ToLower(clientID)]; !found {
		return "", errors.New("entra: no application " + clientID)
	}
	if amr == nil {
		amr = a.AMR
	}
	return s.newRefreshToken(clientID, a.UPN, amr), nil
}

// maxRefreshTokens bounds the table of refresh tokens, of which every redemption makes
// one more: those that nobody has used for longest go.
const maxRefreshTokens = 20_000

// newRefreshToken makes and remembers a refresh token; the lock is held.
func (s *Server) newRefreshToken(clientID, upn string, amr []string) string {
	limit := s.now().Add(-2 * s.cfg.RefreshTokenLifetime)
	if len(s.refreshTokens) >= maxRefreshTokens {
		used := make([]time.Time, 0, len(s.refreshTokens))
		for _, t := range s.refreshTokens {
			used = append(used, t.usedOn)
		}
		slices.SortFunc(used, time.Time.Compare)
		limit = used[len(used)/4].Add(1) // or, if time stood still, all of them
		maps.DeleteFunc(s.refreshTokens, func(_ string, t *refreshToken) bool { return t.usedOn.Before(limit) })
	}
	prune(s.refreshTokens, func(t *refreshToken) bool { return t.usedOn.Before(limit) })
	token := "0.rt-" + uuid.NewString() + uuid.NewString()
	s.refreshTokens[token] = &refreshToken{clientID: clientID, upn: upn, amr: slices.Clone(amr), usedOn: s.now()}
	return token
}
