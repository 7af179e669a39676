package azcoreauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// defaultScope is the suffix that asks for all permissions which have been granted.
const defaultScope = "/.default"

// NewSource makes a source of a credential. Resource, tenant and claims challenge of a
// request are passed on; tokens are kept and renewed as [auth.Source] says, whatever the
// credential does itself. Of the options it uses those that [auth.Cached] does.
//
// A credential of azidentity serves other tenants than its own only if its
// AdditionallyAllowedTenants say so, and has no way to be told that a token was rejected:
// after a 401 without a claims challenge it may return the same token again. Continuous
// access evaluation is not asked for, because Partner Center does not document it.
//
// Refusals of Entra ID are [*auth.Error] values, through which [errors.As] finds the
// errors of azidentity. The result is safe for concurrent use if the credential is, as
// those of azidentity are.
func NewSource(cred azcore.TokenCredential, opts *auth.Options) (*auth.Source, error) {
	if cred == nil {
		return nil, errors.New("azcoreauth: the credential is nil; make one with a constructor of azidentity and check its error")
	}
	return auth.Cached(source{cred}, opts), nil
}

type source struct{ cred azcore.TokenCredential }

// Token implements [partnercenter.TokenSource].
func (s source) Token(ctx context.Context, req partnercenter.TokenRequest) (partnercenter.Token, error) {
	switch {
	case req.Resource == "":
		return partnercenter.Token{}, errors.New(`azcoreauth: TokenRequest.Resource is empty; name the API, for example "https://api.partner.microsoft.com"`)
	case strings.HasSuffix(req.Resource, defaultScope):
		return partnercenter.Token{}, fmt.Errorf("azcoreauth: TokenRequest.Resource %q is a scope; leave out %q", req.Resource, defaultScope)
	}
	tok, err := s.cred.GetToken(ctx, policy.TokenRequestOptions{
		Scopes:   []string{req.Resource + defaultScope},
		TenantID: req.TenantID,
		Claims:   req.Claims,
	})
	if err != nil {
		return partnercenter.Token{}, explained(err, req)
	}
	return partnercenter.Token{
		Value:     partnercenter.NewSecret(tok.Token),
		ExpiresOn: tok.ExpiresOn,
		RefreshOn: tok.RefreshOn,
	}, nil
}

// explained turns an error of azidentity, whose text quotes whole answers over many
// lines, into one of package auth.
func explained(err error, req partnercenter.TokenRequest) error {
	var answer *http.Response
	var body []byte
	if failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok && failed.RawResponse != nil {
		answer = failed.RawResponse
		body, _ = runtime.Payload(answer) // of an unreadable body the status remains
	}
	err = auth.ForeignError(err, answer, body)
	e, ok := errors.AsType[*auth.Error](err)
	if !ok {
		return err
	}
	named := *e
	if _, ok := errors.AsType[*azidentity.AuthenticationRequiredError](err); ok {
		named.Kind = auth.KindInteractionRequired
		named.Advice = "Call Authenticate of the credential, so that the user can sign in."
	}
	named.Resource, named.TenantID = cmp.Or(named.Resource, req.Resource), cmp.Or(named.TenantID, req.TenantID)
	return &named
}
