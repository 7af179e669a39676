package oauth2auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// Binding says what the tokens of an [oauth2.TokenSource] are for, which it cannot say
// itself.
type Binding struct {
	// Resource is the audience of the tokens, for example
	// "https://api.partner.microsoft.com". A client of another API gets an error
	// instead of a token that would not work there.
	Resource string
	// TenantID is the tenant that issues the tokens. It is needed only for clients
	// whose Options.TenantID is set; those that name another tenant get an error.
	TenantID string
}

// NewSource makes a source of an [oauth2.TokenSource]. Tokens are kept and renewed as
// [auth.Source] says, whatever src does itself; of the options it uses those that
// [auth.Cached] does.
//
// Since src takes no context, a call that hangs in it goes on; callers leave it when
// their own context ends, no second call is started meanwhile, and Close waits for it.
// Requests that src cannot serve are errors: another resource, another tenant, a claims
// challenge. A token without expiry is kept until an API rejects it; tokens of another
// type than Bearer are refused.
//
// The result is safe for concurrent use if src is.
func NewSource(src oauth2.TokenSource, b Binding, opts *auth.Options) (*auth.Source, error) {
	switch {
	case src == nil:
		return nil, errors.New("oauth2auth: the token source is nil")
	case b.Resource == "":
		return nil, errors.New(`oauth2auth: Binding.Resource is empty; say which API the tokens are for, for example "https://api.partner.microsoft.com"`)
	}
	return auth.Cached(source{src, b}, opts), nil
}

type source struct {
	src oauth2.TokenSource
	Binding
}

// Token implements [partnercenter.TokenSource].
func (s source) Token(_ context.Context, req partnercenter.TokenRequest) (partnercenter.Token, error) {
	if err := s.serves(req); err != nil {
		return partnercenter.Token{}, err
	}
	tok, err := s.src.Token()
	if err != nil {
		return partnercenter.Token{}, s.explained(err)
	}
	if tok == nil {
		return partnercenter.Token{}, s.refuse(auth.KindBadAnswer, "the oauth2.TokenSource returned neither a token nor an error", "")
	}
	if kind := tok.Type(); !strings.EqualFold(kind, "Bearer") {
		return partnercenter.Token{}, s.refuse(auth.KindBadAnswer, fmt.Sprintf("the oauth2.TokenSource returned a token of type %.32q, but Partner Center takes Bearer tokens", kind), "")
	}
	return partnercenter.Token{Value: partnercenter.NewSecret(tok.AccessToken), ExpiresOn: tok.Expiry}, nil
}

// serves refuses requests that the source would answer with a token for something else.
func (s source) serves(req partnercenter.TokenRequest) error {
	switch {
	case req.Resource != s.Resource:
		return s.refuse(auth.KindBadConfiguration, fmt.Sprintf("a token for %s was asked for, but this oauth2.TokenSource gives tokens for %s", req.Resource, s.Resource),
			"Make one source for each resource, or use a flow of package auth, which serves them all.")
	case req.TenantID != "" && !strings.EqualFold(req.TenantID, s.TenantID):
		return s.refuse(auth.KindBadConfiguration, fmt.Sprintf("a token of tenant %s was asked for, but an oauth2.TokenSource cannot change its tenant", req.TenantID),
			"Set Binding.TenantID if that is the tenant of its tokens; otherwise make one source for each tenant.")
	case req.Claims != "":
		return s.refuse(auth.KindInteractionRequired, "the API has sent a claims challenge, which an oauth2.TokenSource cannot answer",
			"Sign in again, or use a flow of package auth, which passes the challenge on.")
	}
	return nil
}

func (s source) refuse(kind auth.Kind, description, advice string) error {
	return &auth.Error{Kind: kind, Description: description, Advice: advice, Resource: s.Resource, TenantID: s.TenantID}
}

// explained turns an error of oauth2, whose text may quote a whole answer, into one of
// package auth.
func (s source) explained(err error) error {
	var answer *http.Response
	var body []byte
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		answer, body = r.Response, r.Body
	}
	err = auth.ForeignError(err, answer, body)
	e, ok := errors.AsType[*auth.Error](err)
	if !ok {
		return err
	}
	named := *e
	named.Resource, named.TenantID = cmp.Or(named.Resource, s.Resource), cmp.Or(named.TenantID, s.TenantID)
	return &named
}
