package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"
	"unicode"
	"unicode/utf8"
)

// TokenStore keeps refresh tokens, one [Record] per key, so that they survive restarts
// and can be shared between processes and machines.
//
// A refresh token is replaced with every use (see
// https://learn.microsoft.com/entra/identity-platform/refresh-tokens), and Partner Center
// calls one that has been used obsolete
// (https://learn.microsoft.com/partner-center/developer/earnings-payments). So a store
// must never lose the newest one, and never let an older one take its place: Save is a
// compare-and-set, and what it has returned without an error is durable.
//
// Keys are chosen by the caller, usually one per tenant and application; [ValidateKey]
// says which are valid. Different keys never share a record, also where they differ only
// in case or look alike.
//
// Implementations must be safe for concurrent use, and their errors must not hold tokens.
// A store may also be a [Locker], a [Lister] and a [Deleter]. Package storetest holds any
// implementation to all of this.
type TokenStore interface {
	// Load returns the record of a key and its version.
	//
	// The error matches [ErrNoRecord] when there is none. It matches
	// [ErrUnreadable] when there is one that cannot be understood; the version is
	// then returned nevertheless, so that a new sign-in can replace the record.
	Load(ctx context.Context, key string) (Record, Version, error)
	// Save writes a record if the stored one still has the version that is
	// expected, where "" means that there must be none. It returns the new version,
	// which no earlier state of the key has had.
	//
	// The error matches [ErrConflict] when the version is another, and
	// [ErrTooLarge] when the store cannot hold the record; nothing has changed
	// then. After any other error the record may have been written or not: only a
	// Load can tell.
	Save(ctx context.Context, key string, r Record, expect Version) (Version, error)
}

// Version names one state of a stored record. It means something only to the store that
// made it and is compared for equality only. The empty Version stands for "no record".
type Version string

// Locker is a [TokenStore] that can reserve a key, so that only one process at a time
// redeems its refresh token. Find it with [LockKey], not with a type assertion: stores
// that wrap others have the method without always being able to lock.
//
// The lock is advice between redeemers. It keeps nobody from Load and Save, and a lease
// can end early; Save's compare-and-set is what protects the record.
type Locker interface {
	// Lock waits until the key is free or ctx ends. The lock is not reentrant. The
	// key need not have a record.
	Lock(ctx context.Context, key string) (Lease, error)
}

// Lease is a lock that is held.
type Lease interface {
	// Release gives the lock back. The error matches [ErrLeaseLost] when the lease
	// had ended before, by its time or otherwise; a lock that somebody else holds
	// by then stays untouched. Further calls do nothing and return nil.
	Release(ctx context.Context) error
	// Expires returns when the lease ends by itself, the zero time if it lasts
	// until it is released or the process ends. Work under the lock must be done
	// by then.
	Expires() time.Time
}

// Lister is a [TokenStore] that can name its keys, for a view over the health of all
// tenants. Use [Keys], which also works for stores that wrap others.
type Lister interface {
	// Keys yields every key that has a record, once, in no particular order. Keys
	// that come or go meanwhile may be missing. An error is the last item.
	Keys(ctx context.Context) iter.Seq2[string, error]
}

// Deleter is a [TokenStore] that can forget a record, for example when a customer leaves.
// Use [DeleteKey], which also works for stores that wrap others.
//
// Deleting is final for the store but does not revoke the refresh token at Entra ID.
type Deleter interface {
	// Delete removes the record if it still has the version that is expected. The
	// error matches [ErrConflict] when it has another or is gone already.
	Delete(ctx context.Context, key string, expect Version) error
}

// Errors of token stores, for [errors.Is].
var (
	// ErrNoRecord says that nothing is stored under the key: nobody has signed in yet.
	ErrNoRecord = errors.New("no record is stored under this key")
	// ErrConflict says that somebody else has changed the record since it was loaded.
	// Load it again and go on with what is there.
	ErrConflict = errors.New("the stored record has changed meanwhile")
	// ErrTooLarge says that a record is larger than the store, or any store, can hold.
	ErrTooLarge = errors.New("the record is too large for the store")
	// ErrUnreadable says that a stored record is damaged or sealed with a key that is
	// not at hand. A new sign-in replaces it.
	ErrUnreadable = errors.New("the stored record cannot be read")
	// ErrNewerSchema says that a newer version of this module has written the record.
	// Update the program; an older one must not touch it.
	ErrNewerSchema = errors.New("the stored record was written by a newer version of this module")
	// ErrLeaseLost says that a lock was no longer held when it was given back.
	ErrLeaseLost = errors.New("the lock was lost before it was released")
	// ErrInsecureStore says that others can read or replace what is stored.
	ErrInsecureStore = errors.New("the store is open to others")
	// ErrInvalidKey says that a key is not one that every store can hold.
	ErrInvalidKey = errors.New("invalid store key")
)

// LockKey reserves a key in a store. The error matches [errors.ErrUnsupported] when the
// store has no locks; the compare-and-set of Save is then the only protection, and two
// processes may redeem the same refresh token.
func LockKey(ctx context.Context, store TokenStore, key string) (Lease, error) {
	if l, ok := store.(Locker); ok {
		return l.Lock(ctx, key)
	}
	return nil, fmt.Errorf("auth: %T has no locks: %w", store, errors.ErrUnsupported)
}

// Keys yields the keys of a store. The error matches [errors.ErrUnsupported] when the
// store cannot list them.
func Keys(ctx context.Context, store TokenStore) iter.Seq2[string, error] {
	if l, ok := store.(Lister); ok {
		return l.Keys(ctx)
	}
	return failedKeys(fmt.Errorf("auth: %T cannot list its keys: %w", store, errors.ErrUnsupported))
}

// DeleteKey removes a record from a store. The error matches [errors.ErrUnsupported] when
// the store cannot delete.
func DeleteKey(ctx context.Context, store TokenStore, key string, expect Version) error {
	if d, ok := store.(Deleter); ok {
		return d.Delete(ctx, key, expect)
	}
	return fmt.Errorf("auth: %T cannot delete: %w", store, errors.ErrUnsupported)
}

// failedKeys is a listing that consists of an error.
func failedKeys(err error) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", err) }
}

// maxKey bounds a key in bytes. It leaves room for prefixes in every kind of store.
const maxKey = 512

// ValidateKey checks that a key can be used with every store: 1 to 512 bytes of valid
// UTF-8 without control characters. The error matches [ErrInvalidKey]. Stores call it
// before anything else.
func ValidateKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("auth: %w: it is empty; use, for example, the tenant ID", ErrInvalidKey)
	case len(key) > maxKey:
		return fmt.Errorf("auth: %w: it has %d bytes, at most %d are possible", ErrInvalidKey, len(key), maxKey)
	case !utf8.ValidString(key):
		return fmt.Errorf("auth: %w %q: it is not valid UTF-8", ErrInvalidKey, key)
	}
	for _, r := range key {
		if unicode.IsControl(r) {
			return fmt.Errorf("auth: %w %q: it holds a control character", ErrInvalidKey, key)
		}
	}
	return nil
}

// NewVersion returns a version that has never been used, for authors of stores. Random
// versions, unlike counters, keep their promise when a record is deleted and made anew.
func NewVersion() Version { return Version(rand.Text()) }
