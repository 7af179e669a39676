package partnercenter

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// redacted stands wherever a secret would have been printed.
const redacted = "[redacted]"

// Secret holds a string that must never be printed: an access token, a client
// secret, a pre-signed link.
//
// Every way of turning it into text (fmt with any verb, encoding/json, text
// marshalling, log/slog) yields "[redacted]", also when it is a field of
// another struct. [Secret.Reveal] is the only way to the value. Two Secrets are
// compared with [Secret.Equal], not with ==.
//
// The zero value is an empty secret. A Secret is immutable and safe for
// concurrent use.
type Secret struct {
	// The value hides in a function because printers that go by reflection show
	// unexported fields without calling any method: fmt below other unexported
	// fields, go-cmp and test libraries everywhere. Of a function they know
	// nothing but the address. The pointer keeps Secrets usable as map keys.
	reveal *func() string
}

// NewSecret wraps v.
func NewSecret(v string) Secret {
	if v == "" {
		return Secret{}
	}
	reveal := func() string { return v }
	return Secret{reveal: &reveal}
}

// Reveal returns the value itself. Call it where the value is sent, nowhere else.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return (*s.reveal)()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Equal compares two secrets in constant time for equal lengths.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns "[redacted]", or the empty string for an empty secret.
func (s Secret) String() string {
	if s.reveal == nil {
		return ""
	}
	return redacted
}

// Format implements [fmt.Formatter]: every verb prints what [Secret.String] returns.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.String()) }

// MarshalText implements [encoding.TextMarshaler] with the redacted form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements [slog.LogValuer] with the redacted form.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
