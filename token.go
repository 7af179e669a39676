package partnercenter

import (
	"context"
	"time"
)

// TokenSource supplies access tokens. Package auth builds the usual ones; any
// type with this method works.
//
// Implementations must be safe for concurrent use and are expected to be cheap
// when called often: the SDK asks for a token before every attempt of every
// request. Wrap a source that does not cache with auth.Cached.
type TokenSource interface {
	// Token returns a token that is valid now. The context bounds only this
	// caller's wait; work shared with other callers should go on without it.
	Token(ctx context.Context, req TokenRequest) (Token, error)
}

// TokenRequest says what a token is for.
type TokenRequest struct {
	// Resource is the audience, for example "https://api.partner.microsoft.com".
	// The OAuth scope asked for is Resource + "/.default".
	Resource string
	// TenantID selects the tenant that issues the token. Empty means the
	// source's own tenant.
	TenantID string
	// Claims is the claims challenge of an earlier 401 answer, as JSON text.
	// Empty means none.
	Claims string
	// Rejected is the token that the API has just answered with 401. A source
	// that still holds this very token must get a new one; a source that has
	// moved on returns what it holds, so that many concurrent 401 answers cost
	// one refresh.
	Rejected Secret
	// Host is the host that the token will be sent to, in lower case and with the
	// port if it is not the scheme's own, for example "api.partner.microsoft.com".
	// The API packages fill it in, so that a source can refuse to give a token away
	// to a host that has no business with it; it is no part of what is asked of the
	// issuer. Empty means unknown.
	Host string
}

// Token is an access token and its times.
type Token struct {
	// Value is the bearer token.
	Value Secret
	// ExpiresOn is when the token stops working. Zero means unknown.
	ExpiresOn time.Time
	// RefreshOn is when a new token should be fetched in the background. Zero
	// means that the issuer gave no advice.
	RefreshOn time.Time
}

// TokenSourceFunc makes a [TokenSource] of a function.
type TokenSourceFunc func(ctx context.Context, req TokenRequest) (Token, error)

// Token calls f.
func (f TokenSourceFunc) Token(ctx context.Context, req TokenRequest) (Token, error) {
	return f(ctx, req)
}
