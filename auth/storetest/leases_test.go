package storetest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/storetest"
)

// leasing is a memory store whose locks are leases that can end, as those of a server.
type leasing struct {
	*auth.MemoryStore
	mu   sync.Mutex
	held map[string]*endingLease
}

type endingLease struct {
	auth.Lease
	until time.Time
	lost  bool // guarded by the store's mu
	mu    *sync.Mutex
}

func (s *leasing) Lock(ctx context.Context, key string) (auth.Lease, error) {
	inner, err := s.MemoryStore.Lock(ctx, key)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &endingLease{Lease: inner, until: time.Now().Add(time.Hour), mu: &s.mu}
	s.held[key] = l
	return l, nil
}

func (l *endingLease) Expires() time.Time { return l.until }

func (l *endingLease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return auth.ErrLeaseLost
	}
	return l.Lease.Release(ctx)
}

// expire ends the present lease of a key.
func (s *leasing) expire(t *testing.T, key string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.held[key]
	if l == nil {
		t.Fatal("nothing to expire")
	}
	l.lost = true
	if err := l.Lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLeasingStorePasses(t *testing.T) {
	var places sync.Map
	open := func(place string) *leasing {
		store, _ := places.LoadOrStore(place, &leasing{MemoryStore: auth.NewMemoryStore(), held: map[string]*endingLease{}})
		return store.(*leasing) //nolint:errcheck,forcetypeassert // just stored
	}
	storetest.Run(t, func(_ *testing.T, place string) auth.TokenStore { return open(place) },
		&storetest.Options{Expire: func(t *testing.T, place, key string) { open(place).expire(t, key) }})
}
