package auth

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// MemoryStore is a [TokenStore] for tests, and for several sources within one program. It
// forgets everything when the program ends, so it is no home for a refresh token that
// somebody had to sign in for.
//
// It can lock, list and delete, and is safe for concurrent use. Locks last until they are
// released. The zero value is ready for use; it must not be copied after first use.
type MemoryStore struct {
	mu      sync.Mutex
	records map[string]memoryRecord
	locks   map[string]chan struct{} // closed when the lock is given back
}

// memoryRecord holds the serialised form, so that nothing is shared with the caller and
// the checks are those of every store.
type memoryRecord struct {
	version Version
	data    partnercenter.Secret
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore { return new(MemoryStore) }

// Load implements [TokenStore].
func (s *MemoryStore) Load(ctx context.Context, key string) (Record, Version, error) {
	if err := begin(ctx, key); err != nil {
		return Record{}, "", err
	}
	s.mu.Lock()
	stored, ok := s.records[key]
	s.mu.Unlock()
	if !ok {
		return Record{}, "", fmt.Errorf("auth: memory store, key %q: %w", key, ErrNoRecord)
	}
	r, err := UnmarshalRecord([]byte(stored.data.Reveal()))
	return r, stored.version, err
}

// Save implements [TokenStore].
func (s *MemoryStore) Save(ctx context.Context, key string, r Record, expect Version) (Version, error) {
	if err := begin(ctx, key); err != nil {
		return "", err
	}
	data, err := MarshalRecord(r)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[key].version != expect {
		return "", fmt.Errorf("auth: memory store, key %q: %w", key, ErrConflict)
	}
	if s.records == nil {
		s.records = map[string]memoryRecord{}
	}
	next := memoryRecord{version: NewVersion(), data: partnercenter.NewSecret(string(data))}
	s.records[key] = next
	return next.version, nil
}

// Lock implements [Locker].
func (s *MemoryStore) Lock(ctx context.Context, key string) (Lease, error) {
	if err := begin(ctx, key); err != nil {
		return nil, err
	}
	for {
		s.mu.Lock()
		held, ok := s.locks[key]
		if !ok {
			if s.locks == nil {
				s.locks = map[string]chan struct{}{}
			}
			released := make(chan struct{})
			s.locks[key] = released
			s.mu.Unlock()
			return &memoryLease{store: s, key: key, released: released}, nil
		}
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("auth: memory store, key %q: waiting for the lock: %w", key, ctx.Err())
		case <-held:
		}
	}
}

// Keys implements [Lister].
func (s *MemoryStore) Keys(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s.mu.Lock()
		keys := slices.Collect(maps.Keys(s.records))
		s.mu.Unlock()
		for _, key := range keys {
			if err := ctx.Err(); err != nil {
				yield("", err)
				return
			}
			if !yield(key, nil) {
				return
			}
		}
	}
}

// Delete implements [Deleter].
func (s *MemoryStore) Delete(ctx context.Context, key string, expect Version) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored, ok := s.records[key]; !ok || stored.version != expect {
		return fmt.Errorf("auth: memory store, key %q: %w", key, ErrConflict)
	}
	delete(s.records, key)
	return nil
}

// String describes the store.
func (s *MemoryStore) String() string { return "memory store" }

// GoString describes the store as String does; printing must not touch what is in use.
func (s *MemoryStore) GoString() string { return "auth.MemoryStore" }

// memoryLease is a held lock of a MemoryStore.
type memoryLease struct {
	store    *MemoryStore
	key      string
	released chan struct{}
	once     sync.Once
}

// Release implements [Lease].
func (l *memoryLease) Release(context.Context) error {
	l.once.Do(func() {
		l.store.mu.Lock()
		delete(l.store.locks, l.key)
		l.store.mu.Unlock()
		close(l.released)
	})
	return nil
}

// Expires implements [Lease]: never.
func (l *memoryLease) Expires() time.Time { return time.Time{} }

// begin is what every operation of a store starts with.
func begin(ctx context.Context, key string) error {
	if err := ValidateKey(key); err != nil {
		return err
	}
	return ctx.Err()
}
