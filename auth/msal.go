package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	msalerrors "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/partnercenter-go/partnercenter"
)

// flow asks Entra ID for one token, every time it is called.
type flow interface {
	fetch(ctx context.Context, req TokenRequest) (Token, error)
}

// client holds what the flows of one application share: MSAL's client and the HTTP layer
// under it.
type client struct {
	app  App
	wire *wire

	mu    sync.Mutex
	proof proof
	conf  *confidential.Client // made for proof
	pub   *public.Client
}

func newClient(app App, s settings, federated bool) *client {
	return &client{app: app, wire: newWire(s, federated)}
}

// confidential returns MSAL's client for the credential as it is now. The client is
// kept while the credential stays the same, because it remembers the endpoints.
func (c *client) confidential(ctx context.Context) (*confidential.Client, proof, error) {
	p, err := c.app.Credential.resolve(ctx)
	if err != nil {
		return nil, p, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conf != nil && c.proof.equal(p) {
		return c.conf, p, nil
	}
	cred, err := p.msal()
	if err != nil {
		return nil, p, fmt.Errorf("auth: using the credential: %w", scrubbed(err, p.secret.Reveal()))
	}
	opts := []confidential.Option{
		confidential.WithHTTPClient(c.wire),
		confidential.WithInstanceDiscovery(publicCloud(c.wire.host)),
		// MSAL_FORCE_REGION in the environment would move the requests to
		// another host behind our back.
		confidential.WithAzureRegion("DisableMsalForceRegion"),
		confidential.WithCache(forgetful{}),
	}
	if p.chain {
		opts = append(opts, confidential.WithX5C())
	}
	m, err := confidential.New(c.authority(), c.app.ClientID, cred, opts...)
	if err != nil {
		return nil, p, fmt.Errorf("auth: making the client: %w", scrubbed(err, p.secret.Reveal()))
	}
	c.conf, c.proof = &m, p
	return c.conf, p, nil
}

// public returns MSAL's client without a credential.
func (c *client) public() (*public.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pub != nil {
		return c.pub, nil
	}
	m, err := public.New(c.app.ClientID,
		public.WithAuthority(c.authority()),
		public.WithHTTPClient(c.wire),
		public.WithInstanceDiscovery(publicCloud(c.wire.host)),
		public.WithCache(forgetful{}),
	)
	if err != nil {
		return nil, fmt.Errorf("auth: making the client: %w", scrubbed(err))
	}
	c.pub = &m
	return c.pub, nil
}

func (c *client) authority() string { return "https://" + c.wire.host + "/" + c.app.TenantID }

// result turns what MSAL returned into a token or an error of this package. Requests
// that failed have an [*Error] of the HTTP layer in their chain. What is left are answers
// that MSAL did not like: of an unreadable one the text is dropped, because it quotes the
// answer with its tokens, and that of others is redacted.
func (c *client) result(x *exchange, req TokenRequest, ar confidential.AuthResult, err error) (Token, error) {
	if err == nil {
		return Token{
			Value:     partnercenter.NewSecret(ar.AccessToken),
			ExpiresOn: ar.ExpiresOn,
			RefreshOn: ar.Metadata.RefreshOn,
		}, nil
	}
	if local, ok := errors.AsType[*credentialError](err); ok {
		return Token{}, local.err
	}
	e := *explainMSAL(x, err) // a copy: others may hold the same error
	e.ClientID, e.Resource, e.TenantID = c.app.ClientID, req.Resource, cmp.Or(req.TenantID, c.app.TenantID)
	return Token{}, &e
}

// explainMSAL finds the HTTP layer's error in MSAL's, or makes one of what MSAL says.
func explainMSAL(x *exchange, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Kind: KindBadAnswer, Advice: KindBadAnswer.advice(), CorrelationID: x.correlationID}
	realm, strange := x.strangeRealm()
	_, unreadable := errors.AsType[msalerrors.InvalidJsonErr](err)
	switch {
	case strange:
		e.Kind = KindBadConfiguration
		e.Description = "home realm discovery does not know the user's domain (account type " + realm + ")"
		e.Advice = "Check the user name; it must end in a domain of a tenant."
	case unreadable:
		e.Description = "the token service's answer is incomplete or not JSON"
	default:
		e.Description = tidy(err.Error(), 300, x.known())
	}
	return e
}

// forgetful empties MSAL's cache before every use, but for what the exchange has planted
// there. Caching is the business of [Source], which must be able to get a new token while
// the old one is still valid, and MSAL offers no switch for that: it answers from its
// cache if it can.
type forgetful struct{}

// Replace implements [cache.ExportReplace].
func (forgetful) Replace(ctx context.Context, c cache.Unmarshaler, _ cache.ReplaceHints) error {
	return c.Unmarshal(exchangeOf(ctx).contents())
}

// Export implements [cache.ExportReplace].
func (forgetful) Export(context.Context, cache.Marshaler, cache.ExportHints) error { return nil }
