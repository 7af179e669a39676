package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/partnercenter-go/partnercenter"
)

// UserPassword is a user account of a directory.
type UserPassword struct {
	// Username is the sign-in name, for example "reports@contoso.example".
	Username string
	// Password is the account's password. Leave it empty when PasswordFunc is set.
	Password partnercenter.Secret
	// PasswordFunc supplies the password each time it is needed, so that a changed
	// one needs no restart.
	PasswordFunc SecretFunc
}

// How long a refused sign-in is not tried again with the same password.
const (
	refusedPause = 5 * time.Minute
	lockedPause  = time.Minute
)

// NewUsernamePassword makes a source of user tokens from a name and a password.
//
// This is a legacy flow. It cannot answer a demand for multifactor authentication, so
// its tokens lack the proof of it, which Partner Center demands of users from April 2026
// on; Microsoft advises against the flow and MSAL has deprecated it. Use it only for
// accounts that are exempt, until something better is in place. See
// https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc and
// https://learn.microsoft.com/partner-center/security/partner-security-requirements-mandating-mfa.
//
// An app without a credential is a public client: its registration must allow public
// client flows. With a credential, the credential is sent along with the password. The
// password of a federated account (one that signs in at a server of its own
// organisation) is sent to that server over WS-Trust, over https only; that path is
// MSAL's and has not been tried against a real server.
//
// A refused sign-in is not repeated: for five minutes (one minute when the account is
// locked) further calls get the same error without a request, so that a program with a
// wrong password does not lock the account. A changed password from PasswordFunc ends
// the pause. Until a password has worked, it is tried for one resource and tenant at a
// time. What is only one tenant's refusal, such as its demand for a second factor,
// stops that tenant only.
//
// The constructor sends nothing.
func NewUsernamePassword(app App, user UserPassword, opts *Options) (*Source, error) {
	s, err := opts.resolve()
	if err != nil {
		return nil, err
	}
	if err := app.validate(true); err != nil {
		return nil, err
	}
	if app.Credential != nil {
		if err := app.Credential.check(); err != nil {
			return nil, err
		}
	}
	if err := user.validate(); err != nil {
		return nil, err
	}
	f := &userPassword{client: newClient(app, s, true), user: user, turn: make(chan struct{}, 1)}
	return newSource(f, s, "password of "+user.Username+" through application "+app.ClientID, app.TenantID), nil
}

func (u UserPassword) validate() error {
	name, domain, found := strings.Cut(u.Username, "@")
	switch {
	case u.Username == "":
		return errors.New("auth: UserPassword.Username is empty")
	case !found || name == "" || domain == "" || strings.ContainsFunc(u.Username, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return fmt.Errorf("auth: UserPassword.Username %.128q is not a sign-in name such as \"user@contoso.example\"", u.Username)
	case u.PasswordFunc != nil && !u.Password.IsZero():
		return errors.New("auth: UserPassword has both a Password and a PasswordFunc; set one")
	case u.PasswordFunc == nil && u.Password.IsZero():
		return errors.New("auth: UserPassword.Password is empty")
	}
	return nil
}

// password returns the password to use now. A fixed one is sent as it is: unlike a
// client secret it may well begin or end with a space.
func (u UserPassword) password(ctx context.Context) (partnercenter.Secret, error) {
	if u.PasswordFunc == nil {
		return u.Password, nil
	}
	return provideSecret(ctx, "password", u.PasswordFunc)
}

type userPassword struct {
	*client
	user UserPassword

	// turn holds an element while somebody tries a password that has not worked yet. A
	// wrong one must not be tried for many resources and tenants at once.
	turn chan struct{}

	mu      sync.Mutex
	proven  partnercenter.Secret // the password that worked last
	tried   partnercenter.Secret // the password that refused is about
	refused map[string]refusedSignIn
}

// refusedSignIn is a sign-in that must not be repeated for a while, in one tenant or
// everywhere.
type refusedSignIn struct {
	err   *Error
	until time.Time
}

// everywhere stands for all tenants, of which none has such a name.
const everywhere = "*"

func (f *userPassword) fetch(ctx context.Context, req TokenRequest) (Token, error) {
	pass, err := f.user.password(ctx)
	if err != nil {
		return Token{}, err
	}
	if !f.isProven(pass) {
		select {
		case f.turn <- struct{}{}:
			defer func() { <-f.turn }()
		case <-ctx.Done():
			return Token{}, &Error{
				Kind: KindTransient, ClientID: f.app.ClientID, Resource: req.Resource, TenantID: cmp.Or(req.TenantID, f.app.TenantID),
				Description: "another sign-in with the same password did not end in time", Advice: KindTransient.advice(), Err: ctx.Err(),
			}
		}
	}
	if err := f.paused(req.TenantID, pass); err != nil {
		return Token{}, err
	}
	tok, err := f.signIn(ctx, req, pass)
	f.note(req.TenantID, pass, err)
	return tok, err
}

func (f *userPassword) signIn(ctx context.Context, req TokenRequest, pass partnercenter.Secret) (Token, error) {
	x := newExchange()
	x.know(pass.Reveal())
	scopes := []string{req.Resource + "/.default"}
	if f.app.Credential == nil {
		m, err := f.public()
		if err != nil {
			return Token{}, err
		}
		var opts []public.AcquireByUsernamePasswordOption
		if req.TenantID != "" {
			opts = append(opts, public.WithTenantID(req.TenantID))
		}
		if req.Claims != "" {
			opts = append(opts, public.WithClaims(req.Claims))
		}
		ar, err := m.AcquireTokenByUsernamePassword(x.attach(ctx), scopes, f.user.Username, pass.Reveal(), opts...) //nolint:staticcheck // deprecated by MSAL as the flow is; documented on the constructor
		return f.result(x, req, ar, err)
	}
	m, p, err := f.confidential(ctx)
	if err != nil {
		return Token{}, err
	}
	// MSAL sends no credential with this grant, not even for a confidential client:
	// https://github.com/AzureAD/microsoft-authentication-library-for-go/issues/370.
	x.authenticate = func(ctx context.Context, endpoint string, form url.Values) error {
		return p.authenticate(ctx, f.app.ClientID, endpoint, form)
	}
	var opts []confidential.AcquireByUsernamePasswordOption
	if req.TenantID != "" {
		opts = append(opts, confidential.WithTenantID(req.TenantID))
	}
	if req.Claims != "" {
		opts = append(opts, confidential.WithClaims(req.Claims))
	}
	ar, err := m.AcquireTokenByUsernamePassword(x.attach(ctx), scopes, f.user.Username, pass.Reveal(), opts...)
	return f.result(x, req, ar, err)
}

// paused returns the error of an earlier sign-in that must not be repeated yet.
func (f *userPassword) paused(tenant string, pass partnercenter.Secret) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.tried.Equal(pass) {
		return nil
	}
	for _, where := range []string{everywhere, tenant} {
		r, known := f.refused[where]
		if !known {
			continue
		}
		if left := time.Until(r.until); left > 0 {
			e := *r.err
			e.RetryAfter = left
			return &e
		}
		delete(f.refused, where)
	}
	return nil
}

// isProven reports whether a password has worked and not been refused since.
func (f *userPassword) isProven(pass partnercenter.Secret) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.proven.IsZero() && f.proven.Equal(pass)
}

// note remembers a sign-in that must not be repeated, and forgets it after a success.
func (f *userPassword) note(tenant string, pass partnercenter.Secret, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.tried.Equal(pass) || len(f.refused) >= maxRefusals {
		f.tried, f.refused = pass, map[string]refusedSignIn{}
	}
	if err == nil {
		f.proven = pass
		delete(f.refused, tenant)
		delete(f.refused, everywhere)
		return
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != KindBadUserCredential && e.Kind != KindInteractionRequired {
		return
	}
	where, pause := tenant, refusedPause
	// A user whom one tenant does not know can be at home in another.
	if e.Kind == KindBadUserCredential && !e.HasSTSCode(50034) {
		where, f.proven = everywhere, partnercenter.Secret{}
	}
	if e.HasSTSCode(50053) {
		pause = lockedPause
	}
	f.refused[where] = refusedSignIn{err: e, until: time.Now().Add(pause)}
}
