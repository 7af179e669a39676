package keyringstore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zalando/go-keyring"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// Options tunes a [Keyring]. The zero value, and a nil pointer, mean the defaults.
type Options struct {
	// Service is the name under which people find the entries in their keyring: that
	// of the program. Default "partnercenter".
	Service string
}

const (
	defaultService = "partnercenter"
	maxService     = 100
	// maxEntry keeps an entry within 2,560 bytes on Windows and, encoded once more and
	// with its names, within a command line of 4,096 on macOS.
	maxEntry = 2000
	// maxEntries is how many a record of the largest size needs.
	maxEntries = (auth.MaxRecordSize*4/3)/maxEntry + 10
)

// Keyring is an [auth.Vault] in the keyring of the operating system. It is safe for
// concurrent use.
type Keyring struct {
	service string
	set     func(service, user, password string) error
	get     func(service, user string) (string, error)
	remove  func(service, user string) error
}

// New returns a store that keeps its secrets in the keyring and everything else in an
// index. It does not touch the keyring.
func New(index auth.TokenStore, opts *Options) (*auth.VaultStore, error) {
	k, err := NewKeyring(opts)
	if err != nil {
		return nil, err
	}
	return auth.NewVaultStore(k, index)
}

// NewKeyring returns only the part of [New] that uses the keyring.
func NewKeyring(opts *Options) (*Keyring, error) {
	k := &Keyring{service: defaultService, set: keyring.Set, get: keyring.Get, remove: keyring.Delete}
	if opts != nil && opts.Service != "" {
		k.service = opts.Service
	}
	if len(k.service) > maxService || auth.ValidateKey(k.service) != nil {
		return nil, fmt.Errorf("keyringstore: Options.Service %.120q must be at most %d bytes of text on one line", k.service, maxService)
	}
	return k, nil
}

// Put implements [auth.Vault].
func (k *Keyring) Put(ctx context.Context, key string, secret partnercenter.Secret) (string, error) {
	// Only letters: keyrings differ in what they make of other bytes.
	text := base64.RawStdEncoding.EncodeToString([]byte(secret.Reveal()))
	var parts []string
	for part := range slices.Chunk([]byte(text), maxEntry) {
		parts = append(parts, string(part))
	}
	if len(parts) > maxEntries {
		return "", fmt.Errorf("keyringstore: %d entries are more than a record needs: %w", len(parts), auth.ErrTooLarge)
	}
	id := label(key) + "-" + string(auth.NewVersion())
	for n, part := range parts {
		err := ctx.Err()
		if err == nil {
			err = k.set(k.service, entry(id, n), part)
		}
		if err != nil {
			_ = k.removeEntries(id, n) // what nothing will point to
			if errors.Is(err, keyring.ErrSetDataTooBig) {
				err = auth.ErrTooLarge
			}
			return "", fmt.Errorf("keyringstore: cannot write to the keyring: %w", err)
		}
	}
	return id + "/" + strconv.Itoa(len(parts)), nil
}

// Get implements [auth.Vault].
func (k *Keyring) Get(ctx context.Context, ref string) (partnercenter.Secret, error) {
	id, count, ok := parse(ref)
	if !ok {
		return partnercenter.Secret{}, fmt.Errorf("keyringstore: %q is not a reference: %w", ref, auth.ErrNoRecord)
	}
	var text strings.Builder
	for n := range count {
		if err := ctx.Err(); err != nil {
			return partnercenter.Secret{}, err
		}
		part, err := k.get(k.service, entry(id, n))
		if errors.Is(err, keyring.ErrNotFound) {
			err = auth.ErrNoRecord
		}
		if err != nil {
			return partnercenter.Secret{}, fmt.Errorf("keyringstore: cannot read entry %q of service %q: %w", entry(id, n), k.service, err)
		}
		text.WriteString(part)
	}
	data, err := base64.RawStdEncoding.DecodeString(text.String())
	if err != nil {
		return partnercenter.Secret{}, fmt.Errorf("keyringstore: the entries of %q in service %q are damaged: %w", id, k.service, auth.ErrNoRecord)
	}
	return partnercenter.NewSecret(string(data)), nil
}

// Remove implements [auth.Vault].
func (k *Keyring) Remove(ctx context.Context, ref string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	id, count, ok := parse(ref)
	if !ok {
		return nil
	}
	return k.removeEntries(id, count)
}

// removeEntries removes the first entries of an id, as many as can be.
func (k *Keyring) removeEntries(id string, count int) error {
	var problems []error
	for n := range count {
		if err := k.remove(k.service, entry(id, n)); err != nil && !errors.Is(err, keyring.ErrNotFound) {
			problems = append(problems, fmt.Errorf("keyringstore: cannot remove entry %q of service %q: %w", entry(id, n), k.service, err))
		}
	}
	return errors.Join(problems...)
}

// String describes the keyring.
func (k *Keyring) String() string { return fmt.Sprintf("keyring entries of service %q", k.service) }

// entry is the name of one entry.
func entry(id string, n int) string { return id + "-" + strconv.Itoa(n) }

// parse takes a reference apart.
func parse(ref string) (id string, count int, ok bool) {
	i := strings.LastIndexByte(ref, '/')
	if i <= 0 {
		return "", 0, false
	}
	count, err := strconv.Atoi(ref[i+1:])
	return ref[:i], count, err == nil && count > 0 && count <= maxEntries
}

// label is what people recognise a key by.
func label(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, key[:min(len(key), 40)])
}
