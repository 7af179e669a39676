package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter/auth"
)

func (s *suite) lockTests() map[string]func(*testing.T) {
	return map[string]func(*testing.T){
		"a lock excludes others":                         s.testLockExcludes,
		"a waiting lock is granted":                      s.testLockWaits,
		"locks of keys are independent":                  s.testLockKeys,
		"a lock does not stand in the way of its record": s.testLockAndRecord,
		"a released lock stays released":                 s.testDoubleRelease,
		"a lost lock harms nobody":                       s.testLostLock,
	}
}

// mustLock takes a lock that is free, or skips the test if the store has none.
func (w *watched) mustLock(ctx context.Context, key string) auth.Lease {
	w.t.Helper()
	l, err := w.lock(ctx, key)
	unsupported(w.t, err)
	if err != nil {
		w.t.Fatalf("Lock of %q: %v", key, err)
	}
	return l
}

// mustBeHeld checks that the lock of the tenant is not to be had.
func (w *watched) mustBeHeld(ctx context.Context) {
	w.t.Helper()
	short, cancel := context.WithTimeout(ctx, moment)
	defer cancel()
	l, err := w.lock(short, tenant)
	if l != nil {
		w.t.Errorf("two locks of %q at a time", tenant)
		_ = l.Release(ctx)
	} else if !errors.Is(err, context.DeadlineExceeded) {
		w.t.Errorf("waiting in vain for the lock of %q: %v, want context.DeadlineExceeded", tenant, err)
	}
}

// mustRelease gives back a lock that is held.
func (w *watched) mustRelease(ctx context.Context, l auth.Lease) {
	w.t.Helper()
	if err := l.Release(ctx); err != nil {
		w.t.Errorf("Release: %v", err)
	}
}

func (s *suite) testLockExcludes(t *testing.T) {
	place := s.place(t)
	ctx, here, there := bounded(t), s.at(t, place), s.at(t, place)
	before := time.Now()
	l := here.mustLock(ctx, tenant)
	if at := l.Expires(); !at.IsZero() && !at.After(before) {
		t.Errorf("the lease ended at %v, before it was given at %v", at, before)
	}
	here.mustBeHeld(ctx)
	there.mustBeHeld(ctx)
	here.mustRelease(ctx, l)
	l = there.mustLock(ctx, tenant)
	here.mustBeHeld(ctx)
	there.mustRelease(ctx, l)
}

func (s *suite) testLockWaits(t *testing.T) {
	place := s.place(t)
	ctx, here, there := bounded(t), s.at(t, place), s.at(t, place)
	first := here.mustLock(ctx, tenant)
	type result struct {
		lease auth.Lease
		err   error
	}
	waiting := make(chan result, 1)
	go func() {
		l, err := auth.LockKey(ctx, there.store, tenant)
		waiting <- result{l, err}
	}()
	select {
	case r := <-waiting:
		t.Fatalf("a lock that is held was given away: %v", r.err)
	case <-time.After(moment):
	}
	here.mustRelease(ctx, first)
	r := <-waiting
	if r.err != nil {
		t.Fatalf("the lock was released, but the one who waited got %v", r.err)
	}
	there.mustRelease(ctx, r.lease)
}

func (s *suite) testLockKeys(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	var leases []auth.Lease
	for _, key := range []string{tenant, "Contoso.example", "contoso.example ", "*", "contoso.example/x"} {
		leases = append(leases, store.mustLock(ctx, key))
	}
	for _, l := range leases {
		store.mustRelease(ctx, l)
	}
}

func (s *suite) testLockAndRecord(t *testing.T) {
	place := s.place(t)
	ctx, here, there := bounded(t), s.at(t, place), s.at(t, place)
	l := here.mustLock(ctx, tenant) // before there is a record
	v := here.mustSave(ctx, tenant, sample(1), "")
	v = here.mustSave(ctx, tenant, sample(2), v)
	there.mustHold(ctx, tenant, sample(2), v)
	v = there.mustSave(ctx, tenant, sample(3), v) // the lock is advice
	here.mustHold(ctx, tenant, sample(3), v)
	there.mustBeHeld(ctx)
	here.mustRelease(ctx, l)
}

func (s *suite) testDoubleRelease(t *testing.T) {
	place := s.place(t)
	ctx, here, there := bounded(t), s.at(t, place), s.at(t, place)
	first := here.mustLock(ctx, tenant)
	here.mustRelease(ctx, first)
	second := there.mustLock(ctx, tenant)
	if err := first.Release(ctx); err != nil {
		t.Errorf("second Release: %v, want nil", err)
	}
	here.mustBeHeld(ctx)
	there.mustRelease(ctx, second)
}

func (s *suite) testLostLock(t *testing.T) {
	place := s.place(t)
	ctx, here, there := bounded(t), s.at(t, place), s.at(t, place)
	v := here.mustSave(ctx, tenant, sample(1), "")
	lost := here.mustLock(ctx, tenant)
	if lost.Expires().IsZero() && s.opts.Expire == nil {
		here.mustRelease(ctx, lost)
		t.Skip("locks of this store do not expire")
	}
	if s.opts.Expire == nil {
		t.Fatal("leases of this store expire: Options.Expire is missing")
	}
	s.opts.Expire(t, place, tenant)

	// Somebody else takes over and redeems the token.
	present := there.mustLock(ctx, tenant)
	next := there.mustSave(ctx, tenant, sample(2), v)

	// The loser wakes up: it must not overwrite, and must not open the other's lock.
	if _, err := here.Save(ctx, tenant, sample(3), v); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("Save after the lock was lost: %v, want ErrConflict", err)
	}
	if err := lost.Release(ctx); !errors.Is(err, auth.ErrLeaseLost) {
		t.Errorf("Release of a lost lock: %v, want ErrLeaseLost", err)
	}
	here.mustBeHeld(ctx)
	there.mustHold(ctx, tenant, sample(2), next)
	there.mustRelease(ctx, present)

	// Nobody has taken over: the loss must be known all the same.
	lost = here.mustLock(ctx, tenant)
	s.opts.Expire(t, place, tenant)
	if err := lost.Release(ctx); !errors.Is(err, auth.ErrLeaseLost) {
		t.Errorf("Release after the lease had ended: %v, want ErrLeaseLost", err)
	}
}
