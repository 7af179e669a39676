package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/partnercenter-go/partnercenter"
)

// attemptLifetime is how long a user may take on the sign-in pages.
const attemptLifetime = 15 * time.Minute

// Consent lets users sign in at a web application with the authorization code flow
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow). For each
// sign-in call [Consent.Begin], send the user to [Attempt.URL], and pass what arrives at
// the redirect URI to [Consent.Redeem].
//
// It is safe for concurrent use.
type Consent struct {
	*client
	signIn   SignIn
	redirect string
}

// NewConsent makes the helper for one application, one key of the store and one redirect
// URI, which must be registered: https, or http on loopback. A web application that lets
// many customers sign in makes one for each, with that customer's key. The constructor
// sends nothing and does not touch the store.
func NewConsent(signIn SignIn, redirectURI string, opts *Options) (*Consent, error) {
	s, err := opts.resolve()
	if err != nil {
		return nil, err
	}
	if err := signIn.validate(); err != nil {
		return nil, err
	}
	if err := permits(s.Cloud, signIn.Resource); err != nil {
		return nil, err
	}
	if err := validRedirect(redirectURI); err != nil {
		return nil, err
	}
	return &Consent{client: newClient(signIn.App, s, false), signIn: signIn, redirect: redirectURI}, nil
}

// validRedirect checks a redirect URI.
func validRedirect(uri string) error {
	u, err := url.Parse(uri)
	fail := func(what string) error {
		return fmt.Errorf("auth: the redirect URI %.200q %s; use the one of the registration, for example \"https://app.contoso.example/callback\"", withoutUserinfo(uri), what)
	}
	switch {
	case err != nil:
		return fail("is not a URL")
	case u.Hostname() == "" || u.User != nil:
		return fail("has no valid host")
	case u.Fragment != "" || strings.Contains(uri, "#"):
		return fail("has a fragment")
	case u.Scheme == "https" || u.Scheme == "http" && loopbackName(u.Hostname()):
		return nil
	}
	return fail("does not use https, nor http on loopback")
}

func loopbackName(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// Begin starts a sign-in. It reads the store, so that a store which would not take the
// refresh token is noticed before the user is troubled, and asks the authority once for
// its addresses.
func (c *Consent) Begin(ctx context.Context) (*Attempt, error) {
	if err := c.signIn.prepare(ctx); err != nil {
		return nil, err
	}
	a := &Attempt{
		state: partnercenter.NewSecret(rand.Text()), verifier: partnercenter.NewSecret(rand.Text() + rand.Text()),
		redirect: c.redirect, clientID: c.app.ClientID, key: c.signIn.Key, expires: time.Now().Add(attemptLifetime),
	}
	page, err := c.page(ctx)
	if err != nil {
		return nil, err
	}
	q := page.Query()
	q.Set("response_mode", "query")
	q.Set("state", a.state.Reveal())
	digest := sha256.Sum256([]byte(a.verifier.Reveal()))
	q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(digest[:]))
	q.Set("code_challenge_method", "S256")
	for name, value := range map[string]string{
		"login_hint": c.signIn.LoginHint, "prompt": string(c.signIn.Prompt), "claims": c.signIn.Claims,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	page.RawQuery = q.Encode()
	a.url = page.String()
	return a, nil
}

// page is the address of the sign-in page. MSAL knows it, but adds neither state nor proof
// key, and no offline_access.
func (c *Consent) page(ctx context.Context) (*url.URL, error) {
	scopes := []string{c.signIn.Resource + "/.default", "openid", "offline_access", "profile"}
	ctx, cancel := context.WithTimeout(ctx, c.wire.Timeout)
	defer cancel()
	x := newExchange()
	var text string
	if c.app.Credential == nil {
		m, err := c.public()
		if err != nil {
			return nil, err
		}
		text, err = m.AuthCodeURL(x.attach(ctx), c.app.ClientID, c.redirect, scopes)
		if err != nil {
			return nil, c.failed(x, err)
		}
	} else {
		m, _, err := c.confidential(ctx)
		if err != nil {
			return nil, err
		}
		text, err = m.AuthCodeURL(x.attach(ctx), c.app.ClientID, c.redirect, scopes)
		if err != nil {
			return nil, c.failed(x, err)
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, c.failed(x, errors.New("the authority's sign-in page has no valid address"))
	}
	if err := c.wire.allowed(u, true); err != nil {
		return nil, c.failed(x, err)
	}
	return u, nil
}

// failed makes an error of this package of what MSAL says.
func (c *Consent) failed(x *exchange, err error) error {
	_, err = c.result(x, TokenRequest{Resource: c.signIn.Resource}, confidential.AuthResult{}, err)
	return err
}

// Redeem ends a sign-in: it checks the callback, redeems the code, saves the refresh token
// and only then reports success. The callback is what arrived at the redirect URI: the
// query, or [http.Request.Form] after ParseForm.
//
// The error matches
//   - [ErrStateMismatch] when the callback belongs to another attempt, or comes from
//     somebody else; the attempt can still be redeemed with the right one,
//   - [ErrDenied] when the user, or a policy, has refused,
//   - [ErrSignInExpired] when the user took too long, or the code is not valid,
//   - [ErrCodeReplayed] when the code had been redeemed before, also by a second call with
//     the same attempt,
//   - [ErrNotSaved] when the store failed for [Options.Timeout]: the refresh token is kept
//     in the attempt, and a further call tries to save it again.
//
// A code works once, so the request is not repeated after it has been sent. For the same
// reason it does not end with ctx once it has begun: the user may have closed the browser.
// It takes at most twice Options.Timeout.
func (c *Consent) Redeem(ctx context.Context, a *Attempt, callback url.Values) (SignedIn, error) {
	if a == nil || a.state.IsZero() {
		return SignedIn{}, errors.New("auth: Consent.Redeem was given no attempt; use the one of Consent.Begin")
	}
	if err := c.belongs(a); err != nil {
		return SignedIn{}, err
	}
	code, err := c.read(a, callback)
	if err != nil {
		return SignedIn{}, err
	}
	if err := a.claim(); err != nil {
		return SignedIn{}, c.told(err)
	}
	defer a.release()
	if err := ctx.Err(); err != nil {
		return SignedIn{}, left(ctx)
	}
	if a.unsaved == nil {
		if err := c.signIn.prepare(ctx); err != nil {
			return SignedIn{}, err
		}
		redeeming, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.wire.Timeout)
		defer cancel()
		o, err := c.redeem(redeeming, a, code)
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			a.over = ok && e.Kind != KindTransient
			return SignedIn{}, err
		}
		a.unsaved = o
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.wire.Timeout)
	defer cancel()
	if err := c.signIn.keep(saving, a.unsaved); err != nil {
		return SignedIn{}, err
	}
	done := a.unsaved.signedIn
	a.unsaved, a.over = nil, true
	c.wire.Logger.InfoContext(ctx, "user signed in, refresh token saved",
		"key", c.signIn.Key, "tenant", done.TenantID, "client_id", c.app.ClientID, "amr", done.AMR)
	return done, nil
}

// redeem exchanges the code for tokens.
func (c *Consent) redeem(ctx context.Context, a *Attempt, code partnercenter.Secret) (*outcome, error) {
	x := newExchange()
	x.know(code.Reveal(), a.verifier.Reveal())
	scopes := []string{c.signIn.Resource + "/.default"}
	var ar confidential.AuthResult
	if c.app.Credential == nil {
		m, err := c.public()
		if err != nil {
			return nil, err
		}
		opts := []public.AcquireByAuthCodeOption{public.WithChallenge(a.verifier.Reveal())}
		if c.signIn.Claims != "" {
			opts = append(opts, public.WithClaims(c.signIn.Claims))
		}
		ar, err = m.AcquireTokenByAuthCode(x.attach(ctx), code.Reveal(), c.redirect, scopes, opts...)
		if err != nil {
			return nil, c.failed(x, err)
		}
	} else {
		m, _, err := c.confidential(ctx)
		if err != nil {
			return nil, err
		}
		opts := []confidential.AcquireByAuthCodeOption{confidential.WithChallenge(a.verifier.Reveal())}
		if c.signIn.Claims != "" {
			opts = append(opts, confidential.WithClaims(c.signIn.Claims))
		}
		ar, err = m.AcquireTokenByAuthCode(x.attach(ctx), code.Reveal(), c.redirect, scopes, opts...)
		if err != nil {
			return nil, c.failed(x, err)
		}
	}
	tok, err := c.result(x, TokenRequest{Resource: c.signIn.Resource}, ar, nil)
	if err != nil {
		return nil, err
	}
	return c.signIn.newOutcome(c.client, x, ar, tok)
}

// read takes the code out of a callback.
func (c *Consent) read(a *Attempt, callback url.Values) (partnercenter.Secret, error) {
	var none partnercenter.Secret
	for _, name := range []string{"state", "code", "error"} {
		if len(callback[name]) > 1 {
			return none, c.told(&Error{Kind: KindStateMismatch, Description: "the callback has more than one " + name})
		}
	}
	state := partnercenter.NewSecret(callback.Get("state"))
	switch {
	case state.IsZero():
		return none, c.told(&Error{Kind: KindStateMismatch, Description: "the callback has no state"})
	case !state.Equal(a.state):
		return none, c.told(&Error{Kind: KindStateMismatch, Description: "the callback has the state of another sign-in"})
	case callback.Has("error"):
		return none, c.told(callbackError(callback, a))
	case callback.Get("code") == "":
		return none, c.told(&Error{Kind: KindBadAnswer, Description: "the callback has neither a code nor an error"})
	case !time.Now().Before(a.expires):
		return none, c.told(&Error{Kind: KindSignInExpired, Description: fmt.Sprintf("the user took more than %v", attemptLifetime)})
	}
	return partnercenter.NewSecret(callback.Get("code")), nil
}

// callbackError is what the sign-in page says instead of a code.
func callbackError(callback url.Values, a *Attempt) *Error {
	secrets := []string{a.state.Reveal(), a.verifier.Reveal(), callback.Get("code")}
	text := callback.Get("error_description")
	e := &Error{
		Code:        tidy(callback.Get("error"), 128, secrets),
		SubCode:     tidy(callback.Get("error_subcode"), 128, secrets),
		Description: tidy(prefix.ReplaceAllString(trailer.ReplaceAllString(text, ""), ""), 500, secrets),
		Claims:      tidy(callback.Get("claims"), 4096, secrets),
		STSCodes:    numbersIn(text),
	}
	e.Kind = kindOf(e, grantAuthorize)
	e.Advice = e.advice()
	return e
}

// told completes an error with what the sign-in was for.
func (c *Consent) told(e *Error) error {
	e.ClientID, e.TenantID, e.Resource = c.app.ClientID, c.app.TenantID, c.signIn.Resource
	if e.Advice == "" {
		e.Advice = e.Kind.advice()
	}
	return e
}

// belongs refuses the attempt of another Consent.
func (c *Consent) belongs(a *Attempt) error {
	if a.redirect != c.redirect || a.clientID != c.app.ClientID || a.key != c.signIn.Key {
		return errors.New("auth: the attempt was begun for another application, redirect URI or key; redeem it with the Consent that it began with")
	}
	return nil
}
