package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// CertificateFunc supplies a certificate that may change while the program runs, such as
// one kept in a vault. It is called for each request to the token endpoint, about once an
// hour per tenant and resource, with a context that ends with [Options.Timeout]. It must be
// safe for concurrent use.
type CertificateFunc func(ctx context.Context) (Certificate, error)

// CertificateOptions tunes how an application proves its identity with a certificate. The
// zero value, and a nil pointer, mean the defaults.
type CertificateOptions struct {
	// SendChain sends the certificate and its issuers along (the x5c header).
	// Registrations that trust a subject name and issuer instead of one certificate
	// need it. Default: only the certificate's thumbprint is sent.
	SendChain bool
}

// ClientCertificate is a credential with a fixed certificate, which the registration must
// know: https://learn.microsoft.com/entra/identity-platform/certificate-credentials. For one
// that gets replaced while the program runs use [ClientCertificateFile] or
// [ClientCertificateFunc].
func ClientCertificate(certificate Certificate, opts *CertificateOptions) ClientCredential {
	return certificateCredential{
		valid:   certificate.usable,
		provide: func(context.Context) (Certificate, error) { return certificate, nil },
		chain:   opts != nil && opts.SendChain,
	}
}

// ClientCertificateFunc is a credential whose certificate comes from a function, so that a
// replaced one needs no restart.
func ClientCertificateFunc(provide CertificateFunc, opts *CertificateOptions) ClientCredential {
	return certificateCredential{
		valid: func(time.Time) error {
			if provide == nil {
				return errors.New("auth: ClientCertificateFunc was given a nil function")
			}
			return nil
		},
		provide: func(ctx context.Context) (Certificate, error) {
			c, err := provide(ctx)
			if err != nil {
				return Certificate{}, fmt.Errorf("auth: the function that provides the client certificate failed: %w", scrubbed(err))
			}
			return c, nil
		},
		chain: opts != nil && opts.SendChain,
	}
}

// ClientCertificateFile is a credential whose certificate is in a file that
// [ParseCertificate] can read; the password is that of a PFX file. The file is read for
// each request to the token endpoint, so that a replaced one needs no restart, and for the
// first time when the source is made.
func ClientCertificateFile(path string, password partnercenter.Secret, opts *CertificateOptions) ClientCredential {
	f := &certificateFile{path: path, password: password}
	return certificateCredential{
		valid: func(now time.Time) error {
			c, err := f.load()
			if err != nil {
				return err
			}
			return c.usable(now)
		},
		provide: func(context.Context) (Certificate, error) { return f.load() },
		chain:   opts != nil && opts.SendChain,
	}
}

type certificateCredential struct {
	valid   func(now time.Time) error
	provide func(ctx context.Context) (Certificate, error)
	chain   bool
}

func (c certificateCredential) check() error { return c.valid(time.Now()) }

func (c certificateCredential) resolve(ctx context.Context) (proof, error) {
	certificate, err := c.provide(ctx)
	if err != nil {
		return proof{}, err
	}
	return proof{certificate: certificate, chain: c.chain}, certificate.usable(time.Now())
}

// certificateFile reads a file and parses it when its contents are new: decrypting a PFX
// file is slow on purpose.
type certificateFile struct {
	path     string
	password partnercenter.Secret

	mu     sync.Mutex
	sum    [sha256.Size]byte
	parsed Certificate
}

func (f *certificateFile) load() (Certificate, error) {
	data, err := readCredentialFile("client certificate", f.path)
	if err != nil {
		return Certificate{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := sha256.Sum256(data)
	if !f.parsed.IsZero() && sum == f.sum {
		return f.parsed, nil
	}
	c, err := ParseCertificate(data, f.password)
	if err != nil {
		return Certificate{}, fmt.Errorf("%w (file %s)", err, f.path)
	}
	f.sum, f.parsed = sum, c
	return c, nil
}
