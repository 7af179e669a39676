package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// AssertionRequest says what a client assertion is for.
type AssertionRequest struct {
	// ClientID is the application, the assertion's subject.
	ClientID string
	// TokenEndpoint is the URL that the assertion is sent to, its audience if the
	// application signs it itself.
	TokenEndpoint string
}

// AssertionFunc supplies a signed statement, a JWT, that proves the application's identity:
// one that a key in hardware has signed, or the token of another identity provider that the
// registration trusts
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation). It is called
// for each request that needs one, about once an hour per tenant and resource, never for
// tokens that come from memory. It must be safe for concurrent use.
type AssertionFunc func(ctx context.Context, req AssertionRequest) (partnercenter.Secret, error)

// ClientAssertion is a credential whose proof comes from a function.
func ClientAssertion(provide AssertionFunc) ClientCredential {
	return &assertionCredential{
		valid: func() error {
			if provide == nil {
				return errors.New("auth: ClientAssertion was given a nil function")
			}
			return nil
		},
		provide: func(ctx context.Context, req AssertionRequest) (partnercenter.Secret, error) {
			s, err := provide(ctx, req)
			if err != nil {
				return s, fmt.Errorf("auth: the function that provides the client assertion failed: %w", scrubbed(err, s.Reveal()))
			}
			return s, nil
		},
	}
}

// WorkloadIdentityFile is a credential for workloads that their platform gives a token file,
// such as pods with an Azure workload identity
// (https://learn.microsoft.com/azure/aks/workload-identity-overview). The file is read each
// time that a proof is needed, because platforms replace it within the hour.
func WorkloadIdentityFile(path string) ClientCredential {
	read := func() (partnercenter.Secret, error) {
		data, err := readCredentialFile("workload identity token", path)
		if err != nil {
			return partnercenter.Secret{}, err
		}
		return partnercenter.NewSecret(strings.TrimSpace(string(data))), nil
	}
	return &assertionCredential{
		valid: func() error {
			s, err := read()
			if err != nil {
				return err
			}
			return usableAssertion(s)
		},
		provide: func(context.Context, AssertionRequest) (partnercenter.Secret, error) { return read() },
	}
}

type assertionCredential struct {
	valid   func() error
	provide AssertionFunc
}

func (c *assertionCredential) check() error { return c.valid() }

func (c *assertionCredential) resolve(context.Context) (proof, error) {
	return proof{assertion: c}, nil
}

// assert gets an assertion. Its errors are marked, so that they come out of MSAL again as
// they are.
func (c *assertionCredential) assert(ctx context.Context, req AssertionRequest) (string, error) {
	s, err := c.provide(ctx, req)
	if err == nil {
		err = usableAssertion(s)
	}
	if err != nil {
		return "", &credentialError{err}
	}
	// MSAL shares its context, so that the value is known to whatever prints.
	exchangeOf(ctx).know(s.Reveal())
	return s.Reveal(), nil
}

// usableAssertion catches what no token is.
func usableAssertion(s partnercenter.Secret) error {
	v := s.Reveal()
	switch {
	case v == "":
		return errors.New("auth: the client assertion is empty")
	case strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || strings.Count(v, ".") != 2:
		return errors.New("auth: the client assertion is not a signed JWT: three parts with dots between them and no white space")
	}
	return nil
}

// credentialError is a failure on this side of the wire to prove the application's identity.
type credentialError struct{ err error }

// Error returns the text of the failure.
func (e *credentialError) Error() string { return e.err.Error() }

// Unwrap returns the failure.
func (e *credentialError) Unwrap() error { return e.err }

// readCredentialFile reads a small file. Its errors name the file and show nothing of what is
// in it.
func readCredentialFile(what, path string) ([]byte, error) {
	const limit = 1 << 20
	if path == "" {
		return nil, fmt.Errorf("auth: the path of the %s file is empty", what)
	}
	f, err := os.Open(path) //nolint:gosec // the caller's own file
	if err != nil {
		return nil, fmt.Errorf("auth: reading the %s: %w", what, err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("auth: reading the %s: %w", what, err)
	case len(data) > limit:
		return nil, fmt.Errorf("auth: reading the %s: %s is larger than 1 MiB, so it is something else", what, path)
	}
	return data, nil
}
