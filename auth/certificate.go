package auth

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Certificate is an X.509 certificate with its private key and the certificates that
// issued it. Make one with [ParseCertificate] or [NewCertificate].
//
// The key never prints: every way of turning a Certificate into text names the subject,
// the serial number and the end of validity. A Certificate is immutable and safe for
// concurrent use. The zero value holds nothing.
type Certificate struct {
	// The parts hide in a function for the reason that those of
	// [partnercenter.Secret] do: printers that go by reflection see no more of it
	// than the address.
	parts *func() certificateParts
}

type certificateParts struct {
	key   *rsa.PrivateKey
	chain []*x509.Certificate // the key's own first, then each one's issuer
}

// NewCertificate pairs a private key with its certificate. The certificates may be in any
// order and need not all belong together: the one of the key is found by its public key
// (the one that is valid longest, if several have it), and the certificates that issued it
// follow as far as they are there. Entra ID accepts RSA keys only; for a key that cannot
// leave its hardware use [ClientAssertion].
func NewCertificate(certificates []*x509.Certificate, key crypto.PrivateKey) (Certificate, error) {
	rsaKey, ok := key.(*rsa.PrivateKey)
	switch {
	case !ok:
		return Certificate{}, fmt.Errorf("auth: the private key is a %T; Entra ID accepts RSA keys only", key)
	case rsaKey == nil:
		return Certificate{}, errors.New("auth: the private key is nil")
	}
	if err := rsaKey.Validate(); err != nil {
		return Certificate{}, fmt.Errorf("auth: the private key is not usable: %w", scrubbed(err))
	}
	var leaf *x509.Certificate
	for _, c := range certificates {
		if c == nil {
			continue
		}
		if pub, ok := c.PublicKey.(*rsa.PublicKey); !ok || !pub.Equal(&rsaKey.PublicKey) {
			continue
		}
		if leaf == nil || c.NotAfter.After(leaf.NotAfter) {
			leaf = c
		}
	}
	if leaf == nil {
		return Certificate{}, errors.New("auth: none of the certificates belongs to the private key; the file may hold the key of another certificate")
	}
	p := certificateParts{key: rsaKey, chain: issuers(leaf, certificates)}
	parts := func() certificateParts { return p }
	return Certificate{parts: &parts}, nil
}

// issuers orders certificates: the given one, the one that signed it, and so on.
func issuers(leaf *x509.Certificate, among []*x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{leaf}
	for len(chain) <= len(among) {
		last := chain[len(chain)-1]
		next := slices.IndexFunc(among, func(c *x509.Certificate) bool {
			return c != nil && bytes.Equal(c.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(c) == nil &&
				!slices.ContainsFunc(chain, c.Equal)
		})
		if next < 0 {
			break
		}
		chain = append(chain, among[next])
	}
	return chain
}

func (c Certificate) reveal() certificateParts {
	if c.parts == nil {
		return certificateParts{}
	}
	return (*c.parts)()
}

// IsZero reports whether c holds nothing.
func (c Certificate) IsZero() bool { return c.parts == nil }

// Leaf returns the certificate of the key, nil if there is none. Its NotAfter is when the
// application can no longer sign in with it. Do not change it.
func (c Certificate) Leaf() *x509.Certificate {
	if p := c.reveal(); len(p.chain) > 0 {
		return p.chain[0]
	}
	return nil
}

// Chain returns the leaf and the certificates that issued it, each followed by its issuer.
func (c Certificate) Chain() []*x509.Certificate { return slices.Clone(c.reveal().chain) }

// usable refuses what Entra ID would refuse.
func (c Certificate) usable(now time.Time) error {
	leaf := c.Leaf()
	switch {
	case leaf == nil:
		return errors.New("auth: the client certificate is empty; make one with auth.ParseCertificate")
	case now.After(leaf.NotAfter):
		return fmt.Errorf("auth: the client certificate %s has expired; upload a new one to the registration, and use it here", c)
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("auth: the client certificate %s is valid from %s on; check the clock of this machine", c, leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// equal reports whether both have the same key and the same chain.
func (c Certificate) equal(o Certificate) bool {
	a, b := c.reveal(), o.reveal()
	if (a.key == nil) != (b.key == nil) || a.key != nil && !a.key.Equal(b.key) {
		return false
	}
	return slices.EqualFunc(a.chain, b.chain, (*x509.Certificate).Equal)
}

// String describes the certificate, for example
// "CN=reports, serial 4a11, valid until 2027-01-31T00:00:00Z".
func (c Certificate) String() string {
	leaf := c.Leaf()
	if leaf == nil {
		return "no certificate"
	}
	return fmt.Sprintf("%s, serial %x, valid until %s", tidy(leaf.Subject.String(), 200, nil), leaf.SerialNumber, leaf.NotAfter.UTC().Format(time.RFC3339))
}

// GoString describes the certificate as String does.
func (c Certificate) GoString() string { return "auth.Certificate(" + c.String() + ")" }

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (c Certificate) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, c.String()) }

// MarshalText implements [encoding.TextMarshaler] with the description.
func (c Certificate) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue implements [slog.LogValuer] with the description.
func (c Certificate) LogValue() slog.Value { return slog.StringValue(c.String()) }
