package auth

import (
	"context"
	"errors"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// NewClientCredentials makes a source of app-only tokens: the application acts for
// itself, and what it may do is decided by its roles. The app needs a credential.
//
// Not every API of Partner Center takes app-only tokens: the earnings and payments API
// is documented for users only.
//
// One source serves all tenants that know the application: set [partnercenter.TokenRequest.TenantID].
// The constructor sends nothing. Protocol:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
func NewClientCredentials(app App, opts *Options) (*Source, error) {
	s, err := opts.resolve()
	if err != nil {
		return nil, err
	}
	if err := app.validate(false); err != nil {
		return nil, err
	}
	if app.Credential == nil {
		return nil, errors.New("auth: App.Credential is nil; client credentials need one, for example auth.ClientSecret")
	}
	if err := app.Credential.check(); err != nil {
		return nil, err
	}
	f := clientCredentials{newClient(app, s, false)}
	return newSource(f, s, "client credentials of application "+app.ClientID, app.TenantID), nil
}

type clientCredentials struct{ *client }

func (f clientCredentials) fetch(ctx context.Context, req TokenRequest) (Token, error) {
	m, _, err := f.confidential(ctx)
	if err != nil {
		return Token{}, err
	}
	x := newExchange()
	var opts []confidential.AcquireByCredentialOption
	if req.TenantID != "" {
		opts = append(opts, confidential.WithTenantID(req.TenantID))
	}
	if req.Claims != "" {
		opts = append(opts, confidential.WithClaims(req.Claims))
	}
	ar, err := m.AcquireTokenByCredential(x.attach(ctx), []string{req.Resource + "/.default"}, opts...)
	return f.result(x, req, ar, err)
}
