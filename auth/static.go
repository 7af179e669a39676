package auth

import (
	"context"
	"fmt"
	"time"
)

// Static is a source that always returns t, whatever it is asked for. Set ExpiresOn
// if it is known: the source then refuses to hand the token out after that, instead of
// letting the API refuse it. A token that the API has rejected is final: asked for
// another, the source returns an [*Error] of kind [KindTokenRejected].
//
// Safe for concurrent use.
func Static(t Token) TokenSource { return staticSource{t} }

type staticSource struct{ token Token }

func (s staticSource) Token(_ context.Context, req TokenRequest) (Token, error) {
	switch {
	case s.token.Value.IsZero():
		return Token{}, &Error{Kind: KindBadConfiguration, Description: "the static token is empty"}
	case !s.token.ExpiresOn.IsZero() && !time.Now().Before(s.token.ExpiresOn):
		return Token{}, &Error{
			Kind: KindTokenRejected, Resource: req.Resource,
			Description: fmt.Sprintf("the static token expired on %s", s.token.ExpiresOn.UTC().Format(time.RFC3339)),
			Advice:      "Supply a new token, or use a flow that can renew it.",
		}
	case !req.Rejected.IsZero() && req.Rejected.Equal(s.token.Value):
		return Token{}, &Error{
			Kind: KindTokenRejected, Resource: req.Resource,
			Description: "the API rejected the static token, and there is no other",
			Advice:      "Check that it is for this API and has not expired, or use a flow that can renew it.",
		}
	}
	return s.token, nil
}
