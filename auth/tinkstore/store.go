package tinkstore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// Options tunes a [Store]. The zero value, and a nil pointer, mean the defaults.
type Options struct {
	// Label tells stores apart that share an encryption key: a record of one does not
	// open in another. It cannot be changed later. Default empty.
	Label string
	// AcceptPlain lets records through that are not encrypted, so that a store which
	// has some can be changed over; see [Store.Reseal]. Turn it off afterwards: who
	// can write to the inner store can put in a record of his own while it is on.
	AcceptPlain bool
}

// Store is an [auth.TokenStore] that encrypts what it keeps in another. It can lock, list
// and delete if the other can. It is safe for concurrent use.
type Store struct {
	inner auth.TokenStore
	aead  tink.AEADWithContext
	opts  Options
}

// sealPrefix marks encrypted records.
const sealPrefix = "tink-sealed:"

// New returns a store that encrypts the records of another with an AEAD of Tink that works
// in this process: a record that it cannot open counts as unreadable. For one that asks a
// key management service, which can be out of reach, use [NewWithContext].
func New(inner auth.TokenStore, aead tink.AEAD, opts *Options) (*Store, error) {
	if aead == nil {
		return nil, errors.New("tinkstore: an AEAD is needed; make one with aead.New of a keyset handle")
	}
	return NewWithContext(inner, local{aead}, opts)
}

// NewWithContext is [New] for an AEAD that asks a key management service.
func NewWithContext(inner auth.TokenStore, aead tink.AEADWithContext, opts *Options) (*Store, error) {
	if inner == nil || aead == nil {
		return nil, errors.New("tinkstore: a store and an AEAD are needed")
	}
	s := &Store{inner: inner, aead: aead}
	if opts != nil {
		s.opts = *opts
	}
	return s, nil
}

// local makes an AEAD look like one that needs a context.
type local struct{ aead tink.AEAD }

func (l local) EncryptWithContext(_ context.Context, plaintext, associated []byte) ([]byte, error) {
	return l.aead.Encrypt(plaintext, associated)
}

func (l local) DecryptWithContext(_ context.Context, ciphertext, associated []byte) ([]byte, error) {
	return l.aead.Decrypt(ciphertext, associated)
}

// String describes the store.
func (s *Store) String() string { return fmt.Sprintf("encrypted store over %T", s.inner) }

// GoString describes the store as String does.
func (s *Store) GoString() string { return s.String() }

// Load implements [auth.TokenStore]. The error matches [auth.ErrUnreadable] when the record
// does not open with the encryption key at hand, or belongs to another key.
func (s *Store) Load(ctx context.Context, key string) (auth.Record, auth.Version, error) {
	outer, version, err := s.inner.Load(ctx, key)
	if err != nil {
		return auth.Record{}, version, err
	}
	text, sealed := strings.CutPrefix(outer.RefreshToken.Reveal(), sealPrefix)
	if !sealed {
		if s.opts.AcceptPlain {
			return outer, version, nil
		}
		return auth.Record{}, version, fmt.Errorf("tinkstore: key %q: the record is not encrypted; if it is yours, set Options.AcceptPlain and call Reseal: %w", key, auth.ErrUnreadable)
	}
	r, err := s.open(ctx, key, text)
	return r, version, err
}

// open decrypts a record. Its errors say nothing of what is inside.
func (s *Store) open(ctx context.Context, key, text string) (auth.Record, error) {
	ciphertext, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return auth.Record{}, fmt.Errorf("tinkstore: key %q: the encrypted record is damaged: %w", key, auth.ErrUnreadable)
	}
	plaintext, err := s.aead.DecryptWithContext(ctx, ciphertext, s.associated(key))
	if err != nil {
		if ctxErr := ctx.Err(); ctxErr != nil {
			return auth.Record{}, fmt.Errorf("tinkstore: key %q: decrypting: %w", key, ctxErr)
		}
		if _, here := s.aead.(local); !here {
			// A service may only be out of reach. Taking that for damage would invite
			// to overwrite a good record.
			return auth.Record{}, fmt.Errorf("tinkstore: key %q: cannot decrypt: %w", key, err)
		}
		return auth.Record{}, fmt.Errorf("tinkstore: key %q: the record does not open; is the keyset the one it was saved with: %w", key, auth.ErrUnreadable)
	}
	r, err := auth.UnmarshalRecord(plaintext)
	if err != nil {
		return auth.Record{}, fmt.Errorf("tinkstore: key %q: %w", key, err)
	}
	return r, nil
}

// Save implements [auth.TokenStore].
func (s *Store) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	if err := auth.ValidateKey(key); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	plaintext, err := auth.MarshalRecord(r)
	if err != nil {
		return "", err
	}
	ciphertext, err := s.aead.EncryptWithContext(ctx, plaintext, s.associated(key))
	if err != nil {
		return "", fmt.Errorf("tinkstore: key %q: cannot encrypt: %w", key, err)
	}
	outer := r
	outer.RefreshToken = partnercenter.NewSecret(sealPrefix + base64.RawStdEncoding.EncodeToString(ciphertext))
	outer.Extra = nil // may be secret
	return s.inner.Save(ctx, key, outer, expect)
}

// Lock implements [auth.Locker] with the lock of the inner store. The error matches
// [errors.ErrUnsupported] when it has none.
func (s *Store) Lock(ctx context.Context, key string) (auth.Lease, error) {
	return auth.LockKey(ctx, s.inner, key)
}

// Keys implements [auth.Lister] with the keys of the inner store. The error matches
// [errors.ErrUnsupported] when it cannot list them.
func (s *Store) Keys(ctx context.Context) iter.Seq2[string, error] {
	return auth.Keys(ctx, s.inner)
}

// Delete implements [auth.Deleter]. The error matches [errors.ErrUnsupported] when the
// inner store cannot delete.
func (s *Store) Delete(ctx context.Context, key string, expect auth.Version) error {
	return auth.DeleteKey(ctx, s.inner, key, expect)
}

// associated binds a record to its place. The lengths keep label and key apart.
func (s *Store) associated(key string) []byte {
	return fmt.Appendf(nil, "partnercenter token %d:%s %d:%s", len(s.opts.Label), s.opts.Label, len(key), key)
}
