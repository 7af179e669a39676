package pctest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

// TokenSource returns a source of tokens that the server accepts: those of the
// registered user, who has signed in with MFA. They are made without any request,
// for the resource asked for, and replaced a minute before they expire or when
// they have been rejected.
func (s *Server) TokenSource() partnercenter.TokenSource {
	return &tokenSource{server: s, upn: s.id.username, amr: []string{"pwd", "mfa"}, tokens: make(map[string]partnercenter.Token)}
}

// AppOnlyTokenSource is like [Server.TokenSource], but its tokens are those of the
// application, without a user. Whether the payouts API accepts such tokens is not
// known for certain; see [Behavior.RefuseAppOnly].
func (s *Server) AppOnlyTokenSource() partnercenter.TokenSource {
	return &tokenSource{server: s, tokens: make(map[string]partnercenter.Token)}
}

// RevokeToken makes an access token worthless before its time.
func (s *Server) RevokeToken(token partnercenter.Secret) {
	s.entra.Revoke(token.Reveal())
	s.changed()
}

// tokenSource asks the fake directory directly.
type tokenSource struct {
	server *Server
	upn    string
	amr    []string

	mu     sync.Mutex
	tokens map[string]partnercenter.Token // by tenant and resource
}

// Token implements [partnercenter.TokenSource].
func (t *tokenSource) Token(ctx context.Context, req partnercenter.TokenRequest) (partnercenter.Token, error) {
	if ctx.Err() != nil {
		return partnercenter.Token{}, context.Cause(ctx)
	}
	if req.Resource == "" {
		req.Resource = apiResource
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := req.TenantID + " " + req.Resource
	held, ok := t.tokens[key]
	if ok && time.Until(held.ExpiresOn) > time.Minute && (req.Rejected.IsZero() || !held.Value.Equal(req.Rejected)) {
		return held, nil
	}
	value, claims, err := t.server.entra.Issue(entra.Grant{
		Audience: req.Resource, TenantID: req.TenantID, ClientID: t.server.id.client, UPN: t.upn, AMR: t.amr,
	})
	if err != nil {
		return partnercenter.Token{}, fmt.Errorf("pctest: no token for %s: %w", req.Resource, err)
	}
	// Clients compare with their own clock, which Server.Advance does not move.
	held = partnercenter.Token{Value: partnercenter.NewSecret(value), ExpiresOn: claims.ExpiresOn.Add(-t.server.clock.Offset())}
	t.tokens[key] = held
	return held, nil
}
