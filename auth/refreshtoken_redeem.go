package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/partnercenter-go/partnercenter"
)

// fetch redeems the refresh token for one access token.
func (f *refresher) fetch(ctx context.Context, req TokenRequest) (Token, error) {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return Token{}, f.storeError(req, "waiting for other redemptions of the token", ctx.Err())
	}
	defer func() { <-f.turn }()
	if err := f.refused(ctx, req); err != nil {
		return Token{}, err
	}
	lease, err := f.lock(ctx)
	if err != nil {
		return Token{}, f.storeError(req, "waiting for the lock", err)
	}
	defer f.release(ctx, lease)
	if tok, ok, err := f.settle(ctx, req); ok || err != nil {
		return tok, err
	}
	return f.rotate(ctx, req, lease)
}

// rounds bounds how often a redemption starts again because somebody else was first. Without
// locks that can happen many times in a row: who has just saved a token is the first to know.
const rounds = 50

// rotate redeems what the store holds. When it is refused and the store holds another
// token by then, that one is tried: every such round means that somebody else got on.
func (f *refresher) rotate(ctx context.Context, req TokenRequest, lease Lease) (Token, error) {
	stored, version, err := f.load(ctx, req)
	if err != nil {
		return Token{}, err
	}
	for round := 1; ; round++ {
		if err := ctx.Err(); err != nil {
			return Token{}, f.storeError(req, "reading the refresh token", err) // nobody waits, and nothing has begun
		}
		if err := f.usable(req, stored); err != nil {
			return Token{}, err
		}
		tok, fresh, err := f.redeem(ctx, f.at(req, stored), stored.RefreshToken, lease)
		if err == nil || !fresh.IsZero() {
			// What MSAL thinks of the rest of the answer does not matter here.
			if saveErr := f.keep(ctx, req, stored, version, tok, fresh); saveErr != nil {
				return Token{}, saveErr
			}
			return tok, err
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != KindRefreshTokenDead && e.Kind != KindInteractionRequired && e.Kind != KindBadUserCredential {
			return Token{}, err
		}
		var moved bool
		old := stored.RefreshToken
		if stored, version, moved, err = f.replaced(ctx, req, old, lease); err != nil {
			return Token{}, err
		}
		if !moved {
			return Token{}, f.refuse(ctx, req, old, e)
		}
		if round == rounds { // which says nothing of the token that is stored now
			return Token{}, f.told(req, &Error{
				Kind:        KindTransient,
				Description: fmt.Sprintf("somebody else has redeemed the refresh token under key %q first, %d times in a row", f.key, rounds),
				Advice:      "Use a store that can lock for a key that several processes redeem; the call can be repeated.",
			})
		}
		f.log(req).DebugContext(ctx, "refresh token was refused, trying the one that is stored now", "round", round)
		if lease == nil {
			pause(ctx, rand.N(50*time.Millisecond)) //nolint:gosec // lets competitors drift apart, guards nothing
		}
	}
}

// redeem asks for an access token. It returns the new refresh token, if the answer had
// one, also when something else is wrong with the answer.
func (f *refresher) redeem(ctx context.Context, req TokenRequest, token partnercenter.Secret, lease Lease) (Token, partnercenter.Secret, error) {
	var none partnercenter.Secret
	acquire, err := f.silent(ctx, req)
	if err != nil {
		return Token{}, none, err
	}
	limit := f.wire.Timeout
	if lease != nil && !lease.Expires().IsZero() {
		limit = min(limit, time.Until(lease.Expires()))
		if limit < f.attempt() {
			return Token{}, none, f.told(req, &Error{
				Kind:        KindTransient,
				Description: fmt.Sprintf("the store's lock ends in %v, but a redemption can take %v", limit.Round(time.Millisecond), f.attempt()),
				Advice:      "Give the locks of the store a longer lease, or make Options.Timeout shorter.",
			})
		}
	}
	// From here on nobody's leaving counts: an answer that is not read is a lost token.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	x := newExchange()
	x.once = f.wire.RedeemOnce
	x.know(token.Reveal())
	x.plant(seed(f.wire.host, f.app.ClientID, token))
	ar, err := acquire(x.attach(ctx))
	tok, err := f.result(x, req, ar, err)
	return tok, x.takeRefreshToken(), err
}

// silent prepares MSAL's client to redeem what will have been planted in its cache.
func (f *refresher) silent(ctx context.Context, req TokenRequest) (func(context.Context) (confidential.AuthResult, error), error) {
	scopes := []string{req.Resource + "/.default"}
	if f.app.Credential == nil {
		m, err := f.public()
		if err != nil {
			return nil, err
		}
		opts := []public.AcquireSilentOption{public.WithSilentAccount(public.Account{HomeAccountID: seedHome})}
		if req.TenantID != "" {
			opts = append(opts, public.WithTenantID(req.TenantID))
		}
		if req.Claims != "" {
			opts = append(opts, public.WithClaims(req.Claims))
		}
		return func(ctx context.Context) (confidential.AuthResult, error) {
			return m.AcquireTokenSilent(ctx, scopes, opts...)
		}, nil
	}
	m, _, err := f.confidential(ctx)
	if err != nil {
		return nil, err
	}
	opts := []confidential.AcquireSilentOption{confidential.WithSilentAccount(confidential.Account{HomeAccountID: seedHome})}
	if req.TenantID != "" {
		opts = append(opts, confidential.WithTenantID(req.TenantID))
	}
	if req.Claims != "" {
		// MSAL's WithClaims is refused here. This one sends the same parameter; its
		// effect on the cache does not matter, for there is none.
		opts = append(opts, confidential.WithClaimsFromClient(req.Claims))
	}
	return func(ctx context.Context) (confidential.AuthResult, error) {
		return m.AcquireTokenSilent(ctx, scopes, opts...)
	}, nil
}

// seedHome is the account that a planted refresh token belongs to. Any name will do, as
// long as it is used for looking too; the real one is not known before the first answer.
const seedHome = "partnercenter"

// seed is the smallest cache in which MSAL finds a refresh token. It must name the host
// that MSAL uses, not an alias, and without the metadata of the application the token is
// not looked for. The format is that of all MSAL libraries:
// https://learn.microsoft.com/entra/msal/python/advanced/msal-python-token-cache-serialization.
func seed(host, clientID string, token partnercenter.Secret) []byte {
	type object map[string]any
	doc := object{
		"RefreshToken": object{
			strings.ToLower(seedHome + "-" + host + "-refreshtoken-" + clientID): object{
				"home_account_id": seedHome, "environment": host, "credential_type": "RefreshToken",
				"client_id": clientID, "secret": token.Reveal(),
			},
		},
		"AppMetadata": object{
			strings.ToLower("appmetadata-" + host + "-" + clientID): object{"client_id": clientID, "environment": host},
		},
	}
	b, _ := json.Marshal(doc) // strings only: cannot fail
	return b
}

// at completes a request with the tenant of the record, for applications that have none of
// their own.
func (f *refresher) at(req TokenRequest, r Record) TokenRequest {
	if req.TenantID == "" && strings.EqualFold(f.app.TenantID, "organizations") {
		req.TenantID = r.TenantID
	}
	return req
}

// usable checks that a record is meant for this application and this authority.
func (f *refresher) usable(req TokenRequest, r Record) error {
	var what, advice string
	switch {
	case r.ClientID != "" && !strings.EqualFold(r.ClientID, f.app.ClientID):
		what = fmt.Sprintf("the refresh token under key %q belongs to application %.128q, and no other can redeem it", f.key, r.ClientID)
		advice = "Use that application, or another key."
	case r.AuthorityHost != "" && !sameCloud(strings.ToLower(r.AuthorityHost), f.wire.host):
		what = fmt.Sprintf("the refresh token under key %q comes from %.253q and must not be sent to %s", f.key, r.AuthorityHost, f.wire.host)
		advice = "Set Options.Authority to the host of the record, or use another key."
	case r.TenantID != "" && validTenant("TenantID", r.TenantID, true) != nil:
		what = fmt.Sprintf("the refresh token under key %q belongs to tenant %.128q, which is none", f.key, r.TenantID)
		advice = "Correct the record."
	default:
		return nil
	}
	return f.told(req, &Error{Kind: KindBadConfiguration, Description: what, Advice: advice})
}

// sameCloud reports whether two hosts stand for the same sign-in service. Names of one
// cloud are listed at
// https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud;
// the older ones are still served.
func sameCloud(a, b string) bool {
	name := func(host string) string {
		switch host {
		case "login.microsoft.com", "login.windows.net", "sts.windows.net":
			return "login.microsoftonline.com"
		case "login.usgovcloudapi.net":
			return "login.microsoftonline.us"
		case "login.chinacloudapi.cn":
			return "login.partner.microsoftonline.cn"
		}
		return host
	}
	return name(a) == name(b)
}

// told adds what was asked for to an error of this package.
func (f *refresher) told(req TokenRequest, e *Error) *Error {
	e.ClientID, e.Resource, e.TenantID = f.app.ClientID, req.Resource, cmp.Or(req.TenantID, f.app.TenantID)
	return e
}

// pause waits, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
