package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Vault is a place that is made for secrets but cannot compare-and-set: a cloud's secret
// manager, the keyring of an operating system. [VaultStore] makes a [TokenStore] of it.
// Implementations must be safe for concurrent use.
type Vault interface {
	// Put stores a secret under a new reference and returns that. What is stored
	// under other references stays. It is durable on return. The key is for naming
	// only. The error matches [ErrTooLarge] when the vault cannot hold the secret.
	// A reference is printable and not secret.
	Put(ctx context.Context, key string, secret partnercenter.Secret) (ref string, err error)
	// Get returns what was put under a reference. The error matches [ErrNoRecord]
	// when it is not there, or no longer.
	Get(ctx context.Context, ref string) (partnercenter.Secret, error)
	// Remove makes what was put under a reference unavailable, as far as the vault
	// can. That it is gone already is not an error.
	Remove(ctx context.Context, ref string) error
}

// VaultStore is a [TokenStore] that keeps its secrets in a [Vault] and, in an index, what a
// vault cannot do: versions, locks, the list of keys. The index is another TokenStore. Its
// records hold a reference in place of the refresh token, so whoever reads the index alone
// has nothing. It must be as durable as the vault, since a reference that is lost cannot
// be found again.
//
// The vault holds the whole record together with its key. What the index shows besides the
// reference is a copy for people, which Load does not believe: changing the index cannot
// send a refresh token to another host or under another key.
//
// Saving puts the new secret into the vault, lets the index point to it, and removes the
// old secret. A process that dies in between leaves a secret that nothing points to. It
// can lock, list and delete if the index can, and is safe for concurrent use if vault
// and index are.
type VaultStore struct {
	index TokenStore
	vault Vault
}

// vaultPrefix marks references in an index.
const vaultPrefix = "vault-reference:"

// vaultContent is what is put into a vault. Record is the output of MarshalRecord.
type vaultContent struct {
	Key    string          `json:"key"`
	Record json.RawMessage `json:"record"`
}

// NewVaultStore returns a store over a vault and an index.
func NewVaultStore(vault Vault, index TokenStore) (*VaultStore, error) {
	if vault == nil || index == nil {
		return nil, errors.New("auth: a vault store needs a vault for the secrets and a store as its index")
	}
	return &VaultStore{index: index, vault: vault}, nil
}

// String describes the store.
func (s *VaultStore) String() string {
	return fmt.Sprintf("vault store (%T, index %T)", s.vault, s.index)
}

// GoString describes the store as String does.
func (s *VaultStore) GoString() string { return s.String() }

// vaultTries bounds how often Load follows an index that moves on while it reads.
const vaultTries = 8

// Load implements [TokenStore].
func (s *VaultStore) Load(ctx context.Context, key string) (Record, Version, error) {
	var before Version
	for range vaultTries {
		ref, version, err := s.reference(ctx, key)
		if err != nil {
			return Record{}, version, err
		}
		secret, err := s.vault.Get(ctx, ref)
		if errors.Is(err, ErrNoRecord) {
			if version != before {
				// Replaced while we looked, perhaps: then the index has moved on.
				before = version
				continue
			}
			return Record{}, version, fmt.Errorf("auth: key %q: the vault no longer has %s: %w", key, ref, ErrUnreadable)
		}
		if err != nil {
			return Record{}, "", fmt.Errorf("auth: key %q: reading from the vault: %w", key, err)
		}
		r, err := openVaultContent(key, secret)
		if err != nil {
			return Record{}, version, fmt.Errorf("auth: key %q: %s: %w", key, ref, err)
		}
		return r, version, nil
	}
	return Record{}, "", fmt.Errorf("auth: key %q: the record was replaced %d times while it was being read; try again", key, vaultTries)
}

// Save implements [TokenStore].
func (s *VaultStore) Save(ctx context.Context, key string, r Record, expect Version) (Version, error) {
	// Look first: most lost races then cost no secret, and the old one is known.
	old, version, err := s.reference(ctx, key)
	if err != nil && !errors.Is(err, ErrNoRecord) && !errors.Is(err, ErrUnreadable) {
		return "", err
	}
	if version != expect {
		return "", fmt.Errorf("auth: key %q: %w", key, ErrConflict)
	}
	secret, err := sealVaultContent(key, r)
	if err != nil {
		return "", err
	}
	ref, err := s.vault.Put(ctx, key, secret)
	if err != nil {
		return "", fmt.Errorf("auth: key %q: writing to the vault: %w", key, err)
	}
	if !validReference(ref) {
		return "", fmt.Errorf("auth: key %q: the vault returned %.200q, which is not a reference", key, ref)
	}
	pointer := r
	pointer.RefreshToken, pointer.Extra = partnercenter.NewSecret(vaultPrefix+ref), nil
	version, err = s.index.Save(ctx, key, pointer, expect)
	if err != nil {
		if errors.Is(err, ErrConflict) || errors.Is(err, ErrTooLarge) {
			s.forget(ctx, ref) // surely not pointed to
		}
		return "", fmt.Errorf("auth: key %q: saving in the index: %w", key, err)
	}
	if old != "" {
		s.forget(ctx, old)
	}
	return version, nil
}

// Delete implements [Deleter].
func (s *VaultStore) Delete(ctx context.Context, key string, expect Version) error {
	ref, version, err := s.reference(ctx, key)
	if err != nil && !errors.Is(err, ErrNoRecord) && !errors.Is(err, ErrUnreadable) {
		return err
	}
	if version != expect || version == "" {
		return fmt.Errorf("auth: key %q: %w", key, ErrConflict)
	}
	if err := DeleteKey(ctx, s.index, key, expect); err != nil {
		return err
	}
	if ref == "" {
		return nil
	}
	// Unlike after a replacement, nobody comes along later: a failure must be known.
	if err := s.vault.Remove(ctx, ref); err != nil {
		return fmt.Errorf("auth: key %q: forgotten, but the vault still has %s: %w", key, ref, err)
	}
	return nil
}

// Lock implements [Locker] with the lock of the index. The error matches
// [errors.ErrUnsupported] when it has none.
func (s *VaultStore) Lock(ctx context.Context, key string) (Lease, error) {
	return LockKey(ctx, s.index, key)
}

// Keys implements [Lister] with the keys of the index. The error matches
// [errors.ErrUnsupported] when it cannot list them.
func (s *VaultStore) Keys(ctx context.Context) iter.Seq2[string, error] {
	return Keys(ctx, s.index)
}

// reference asks the index where the secret is.
func (s *VaultStore) reference(ctx context.Context, key string) (string, Version, error) {
	pointer, version, err := s.index.Load(ctx, key)
	if err != nil {
		return "", version, err
	}
	ref, ok := strings.CutPrefix(pointer.RefreshToken.Reveal(), vaultPrefix)
	if !ok || !validReference(ref) {
		return "", version, fmt.Errorf("auth: key %q: the index holds a record that was not saved through the vault: %w", key, ErrUnreadable)
	}
	return ref, version, nil
}

// forget removes a secret that nothing points to. That may fail: such a secret is spent
// or superseded, and saving the new one has succeeded.
func (s *VaultStore) forget(ctx context.Context, ref string) { _ = s.vault.Remove(ctx, ref) }

// validReference reports whether ref can be kept in a record and quoted in errors.
func validReference(ref string) bool { return ValidateKey(ref) == nil }

// sealVaultContent makes one secret of a record and its key.
func sealVaultContent(key string, r Record) (partnercenter.Secret, error) {
	record, err := MarshalRecord(r)
	if err != nil {
		return partnercenter.Secret{}, err
	}
	data, err := encodePlain(vaultContent{Key: key, Record: record})
	if err != nil {
		return partnercenter.Secret{}, fmt.Errorf("auth: key %q: %w", key, err)
	}
	return partnercenter.NewSecret(string(data)), nil
}

// openVaultContent is the reverse. Its errors do not quote the secret.
func openVaultContent(key string, secret partnercenter.Secret) (Record, error) {
	var content vaultContent
	if json.Unmarshal([]byte(secret.Reveal()), &content) != nil {
		return Record{}, fmt.Errorf("is not a secret of this module: %w", ErrUnreadable)
	}
	if content.Key != key {
		return Record{}, fmt.Errorf("belongs to key %q: %w", content.Key, ErrUnreadable)
	}
	return UnmarshalRecord(content.Record)
}
