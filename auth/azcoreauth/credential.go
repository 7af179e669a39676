package azcoreauth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/partnercenter-go/partnercenter"
)

// NewCredential makes a credential for clients of the Azure SDK of a source. Tenant and
// claims challenge are passed on.
//
// Sources of this module get tokens for one resource with all permissions that have been
// granted, so the client must ask for a single scope that ends in "/.default", as nearly
// all of them do; anything else is an error. Whether continuous access evaluation is
// wanted has no influence on the source.
//
// A token of unknown expiry, such as one of [auth.Static] without times, is asked for
// again before every request of the client.
//
// The result is safe for concurrent use.
func NewCredential(src partnercenter.TokenSource) (azcore.TokenCredential, error) {
	if src == nil {
		return nil, errors.New("azcoreauth: the token source is nil")
	}
	return credential{src}, nil
}

type credential struct{ src partnercenter.TokenSource }

// GetToken implements [azcore.TokenCredential].
func (c credential) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	resource, err := resourceOf(opts.Scopes)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	tok, err := c.src.Token(ctx, partnercenter.TokenRequest{Resource: resource, TenantID: opts.TenantID, Claims: opts.Claims})
	if err != nil {
		return azcore.AccessToken{}, refused{err}
	}
	if tok.Value.IsZero() {
		return azcore.AccessToken{}, refused{errors.New("azcoreauth: the token source returned an empty token")}
	}
	return azcore.AccessToken{Token: tok.Value.Reveal(), ExpiresOn: tok.ExpiresOn, RefreshOn: tok.RefreshOn}, nil
}

// resourceOf finds the resource whose permissions are asked for.
func resourceOf(scopes []string) (string, error) {
	switch len(scopes) {
	case 0:
		return "", refused{errors.New("azcoreauth: the client asks for a token without a scope")}
	case 1:
	default:
		return "", refused{fmt.Errorf("azcoreauth: the client asks for %d scopes (%s), but a token source serves one resource at a time; use a credential of azidentity for this client",
			len(scopes), strings.Join(scopes, ", "))}
	}
	resource, found := strings.CutSuffix(scopes[0], defaultScope)
	if !found || resource == "" {
		return "", refused{fmt.Errorf("azcoreauth: the client asks for the scope %q, but a token source can ask only for all granted permissions of a resource, as in %q",
			scopes[0], "https://vault.azure.net"+defaultScope)}
	}
	return resource, nil
}

// refused keeps the retry policy of azcore from asking again: sources repeat what is
// worth it themselves.
type refused struct{ error }

// NonRetriable marks the error for azcore.
func (refused) NonRetriable() {}

// Unwrap returns the error of the source.
func (r refused) Unwrap() error { return r.error }
