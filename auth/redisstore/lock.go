package redisstore

import (
	"context"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter/auth"
)

// tidyTime bounds the attempt to give back a lock that may have been taken.
const tidyTime = 2 * time.Second

// Lock implements [auth.Locker]. The lease ends after [Options.LeaseTime].
func (s *Store) Lock(ctx context.Context, key string) (auth.Lease, error) {
	if err := s.begin(ctx, key); err != nil {
		return nil, err
	}
	l := &lease{store: s, key: key, holder: string(auth.NewVersion())}
	unsure := false
	err := auth.AwaitLock(ctx, func(ctx context.Context) (bool, error) {
		// The server counts from later on, so the lease never ends before it says.
		l.expires = time.Now().Add(s.opts.LeaseTime)
		ok, err := s.acquire.Run(ctx, s.client, []string{s.lockKey(key)}, l.holder, s.opts.LeaseTime.Milliseconds()).Bool()
		unsure = err != nil
		return ok, err
	})
	if err != nil {
		if unsure {
			// The answer may have been lost after the lock was taken. Nobody would
			// give it back.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
			defer cancel()
			_ = l.Release(ctx) // its time ends it otherwise
		}
		return nil, s.failed(key, "waiting for the lock", ended(ctx, err))
	}
	return l, nil
}

// lease is a held lock.
type lease struct {
	store   *Store
	key     string
	holder  string // random, known to nobody else
	expires time.Time

	mu   sync.Mutex
	done bool
}

// Release implements [auth.Lease]. After an error of the server it can be called again.
func (l *lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return nil
	}
	held, err := l.store.release.Run(ctx, l.store.client, []string{l.store.lockKey(l.key)}, l.holder).Bool()
	if err != nil {
		return l.store.failed(l.key, "cannot release the lock", ended(ctx, err))
	}
	l.done = true
	if !held {
		return l.store.failed(l.key, "release", auth.ErrLeaseLost)
	}
	return nil
}

// Expires implements [auth.Lease].
func (l *lease) Expires() time.Time { return l.expires }
