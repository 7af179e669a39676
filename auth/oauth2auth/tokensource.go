package oauth2auth

import (
	"context"
	"errors"

	"golang.org/x/oauth2"

	"github.com/partnercenter-go/partnercenter"
)

// NewTokenSource makes an [oauth2.TokenSource] of a source, for one resource. Every call
// is made with ctx, so its end is the end of the token source; the request says which
// resource, tenant and claims the tokens are for, and its Rejected must be empty.
//
// The sources of package auth keep and renew tokens themselves: an
// [oauth2.ReuseTokenSource] around the result would only hold renewed tokens back. The
// expiry of a token of unknown lifetime is zero, which stands for the same thing in
// oauth2. An [oauth2.Token] prints its token like any string; do not log it.
//
// The result is safe for concurrent use.
func NewTokenSource(ctx context.Context, src partnercenter.TokenSource, req partnercenter.TokenRequest) (oauth2.TokenSource, error) {
	switch {
	case ctx == nil:
		return nil, errors.New("oauth2auth: the context is nil")
	case src == nil:
		return nil, errors.New("oauth2auth: the token source is nil")
	case req.Resource == "":
		return nil, errors.New(`oauth2auth: TokenRequest.Resource is empty; name the API, for example "https://api.partner.microsoft.com"`)
	case !req.Rejected.IsZero():
		return nil, errors.New("oauth2auth: TokenRequest.Rejected is set; it belongs to one request, not to all")
	}
	return tokenSource{ctx, src, req}, nil
}

type tokenSource struct {
	ctx context.Context // oauth2.TokenSource has no parameter for it
	src partnercenter.TokenSource
	req partnercenter.TokenRequest
}

// Token implements [oauth2.TokenSource].
func (s tokenSource) Token() (*oauth2.Token, error) {
	tok, err := s.src.Token(s.ctx, s.req)
	if err != nil {
		return nil, err
	}
	if tok.Value.IsZero() {
		return nil, errors.New("oauth2auth: the token source returned an empty token")
	}
	return &oauth2.Token{AccessToken: tok.Value.Reveal(), TokenType: "Bearer", Expiry: tok.ExpiresOn}, nil
}
