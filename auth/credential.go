package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"

	"github.com/partnercenter-go/partnercenter"
)

// ClientCredential is the means by which an application proves its identity. Make one
// with [ClientSecret], [ClientCertificate], [ClientAssertion], [WorkloadIdentityFile] or
// one of their variants. The interface is sealed. Values print nothing secret and are safe
// for concurrent use.
type ClientCredential interface {
	// check reports what can be seen to be wrong without a request.
	check() error
	// resolve returns the proof to use now. It runs for every request to the token
	// endpoint, so that a rotated credential is picked up.
	resolve(ctx context.Context) (proof, error)
}

// SecretFunc supplies a secret that may change while the program runs, such as one
// kept in a vault. It is called for each request to the token endpoint, about once an
// hour per tenant and resource, with a context that ends with [Options.Timeout]. It
// must be safe for concurrent use.
type SecretFunc func(ctx context.Context) (partnercenter.Secret, error)

// ClientSecret is a credential with a fixed secret: the value that the portal shows
// once when it is created, not its ID. A secret with an end date needs a new [Source]
// when it is replaced; [ClientSecretFunc] does without.
func ClientSecret(secret partnercenter.Secret) ClientCredential {
	return secretCredential{fixed: secret}
}

// ClientSecretFunc is a credential whose secret comes from a function, so that a
// rotated one needs no restart.
func ClientSecretFunc(provide SecretFunc) ClientCredential {
	return secretCredential{provide: provide, dynamic: true}
}

type secretCredential struct {
	fixed   partnercenter.Secret
	provide SecretFunc
	dynamic bool
}

func (c secretCredential) check() error {
	if !c.dynamic {
		return usableSecret("client secret", c.fixed)
	}
	if c.provide == nil {
		return errors.New("auth: ClientSecretFunc was given a nil function")
	}
	return nil
}

func (c secretCredential) resolve(ctx context.Context) (proof, error) {
	if !c.dynamic {
		return proof{secret: c.fixed}, nil
	}
	s, err := provideSecret(ctx, "client secret", c.provide)
	return proof{secret: s}, err
}

// provideSecret calls a user's function and checks what it returns.
func provideSecret(ctx context.Context, what string, provide SecretFunc) (partnercenter.Secret, error) {
	s, err := provide(ctx)
	if err != nil {
		return partnercenter.Secret{}, fmt.Errorf("auth: the function that provides the %s failed: %w", what, scrubbed(err, s.Reveal()))
	}
	return s, usableSecret(what, s)
}

// usableSecret catches the two mistakes that Entra ID would answer with "invalid
// secret": an empty one, and the line break at the end of the file it was read from.
func usableSecret(what string, s partnercenter.Secret) error {
	v := s.Reveal()
	switch {
	case v == "":
		return fmt.Errorf("auth: the %s is empty", what)
	case strings.TrimSpace(v) != v:
		return fmt.Errorf("auth: the %s begins or ends with white space; trim what was read from a file", what)
	}
	return nil
}

// proof is a resolved credential: one of a secret, a certificate and assertions.
type proof struct {
	secret      partnercenter.Secret
	certificate Certificate
	chain       bool // send the certificate's chain
	assertion   *assertionCredential
}

// equal reports whether both prove the same thing in the same way.
func (p proof) equal(o proof) bool {
	return p.secret.Equal(o.secret) && p.certificate.equal(o.certificate) && p.chain == o.chain && p.assertion == o.assertion
}

// msal converts the proof for MSAL's confidential client.
func (p proof) msal() (confidential.Credential, error) {
	switch {
	case p.assertion != nil:
		return confidential.NewCredFromAssertionCallback(func(ctx context.Context, o confidential.AssertionRequestOptions) (string, error) {
			return p.assertion.assert(ctx, AssertionRequest{ClientID: o.ClientID, TokenEndpoint: o.TokenEndpoint})
		}), nil
	case !p.certificate.IsZero():
		parts := p.certificate.reveal()
		return confidential.NewCredFromCert(parts.chain, parts.key)
	}
	return confidential.NewCredFromSecret(p.secret.Reveal())
}

// authenticate adds the proof to a form that MSAL sends without one, to the token endpoint.
func (p proof) authenticate(ctx context.Context, clientID, endpoint string, form url.Values) error {
	var assertion string
	var err error
	switch {
	case p.assertion != nil:
		assertion, err = p.assertion.assert(ctx, AssertionRequest{ClientID: clientID, TokenEndpoint: endpoint})
	case !p.certificate.IsZero():
		assertion, err = signedAssertion(p.certificate, p.chain, clientID, endpoint, time.Now())
	default:
		form.Set("client_secret", p.secret.Reveal())
		return nil
	}
	form.Set("client_assertion", assertion)
	form.Set("client_assertion_type", assertionType)
	return err
}
