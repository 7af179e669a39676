package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/partnercenter-go/partnercenter/auth"
)

func (s *suite) raceTests() map[string]func(*testing.T) {
	return map[string]func(*testing.T){
		"of concurrent creations one wins": s.testCreateRace,
		"no concurrent save is lost":       s.testSaveRace,
		"under the lock nobody conflicts":  s.testLockRace,
		"readers see whole records":        s.testReaders,
	}
}

const (
	workers   = 8  // goroutines of a race
	processes = 4  // processes of a race
	rounds    = 25 // successful saves of each
)

// each runs a function in several goroutines, half of them with a store of their own.
func (s *suite) each(t *testing.T, place string, do func(n int, store *watched)) {
	t.Helper()
	shared := s.at(t, place)
	var group sync.WaitGroup
	for n := range workers {
		store := shared
		if n >= workers/2 {
			store = s.at(t, place)
		}
		group.Go(func() { do(n, store) })
	}
	group.Wait()
}

func (s *suite) testCreateRace(t *testing.T) {
	ctx, place := bounded(t), s.place(t)
	for try := range 10 {
		key := fmt.Sprintf("tenant-%d", try)
		var mu sync.Mutex
		var winners []int
		s.each(t, place, func(n int, store *watched) {
			_, err := store.Save(ctx, key, sample(n), "")
			switch {
			case err == nil:
				mu.Lock()
				winners = append(winners, n)
				mu.Unlock()
			case !errors.Is(err, auth.ErrConflict):
				t.Errorf("Save: %v", err)
			}
		})
		if len(winners) != 1 {
			t.Fatalf("%d of %d have created the record", len(winners), workers)
		}
		if r, _ := s.at(t, place).mustLoad(ctx, key); number(r) != winners[0] {
			t.Errorf("%d has won, but the record is that of %d", winners[0], number(r))
		}
	}
}

// raise adds one to the number in the store, as often as it succeeds the given times.
// Every success must count; conflicts cost nothing but another try.
func raise(ctx context.Context, store *watched, times int) error {
	for done := 0; done < times; {
		r, v, err := store.Load(ctx, tenant)
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		switch _, err = store.Save(ctx, tenant, sample(number(r)+1), v); {
		case err == nil:
			done++
		case !errors.Is(err, auth.ErrConflict):
			return fmt.Errorf("save: %w", err)
		}
	}
	return nil
}

// rotate does the same under the lock, where there must be no conflicts.
func rotate(ctx context.Context, store *watched, times int) error {
	for range times {
		l, err := store.lock(ctx, tenant)
		if err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		r, v, err := store.Load(ctx, tenant)
		if err == nil {
			_, err = store.Save(ctx, tenant, sample(number(r)+1), v)
		}
		if err != nil {
			return fmt.Errorf("under the lock: %w", err)
		}
		if err := l.Release(ctx); err != nil {
			return fmt.Errorf("release: %w", err)
		}
	}
	return nil
}

func (s *suite) testSaveRace(t *testing.T) {
	ctx, place := bounded(t), s.place(t)
	s.at(t, place).mustSave(ctx, tenant, sample(0), "")
	s.each(t, place, func(_ int, store *watched) {
		if err := raise(ctx, store, rounds); err != nil {
			t.Error(err)
		}
	})
	s.wantCount(ctx, t, place, workers*rounds)
}

func (s *suite) testLockRace(t *testing.T) {
	ctx, place := bounded(t), s.place(t)
	store := s.at(t, place)
	store.mustRelease(ctx, store.mustLock(ctx, tenant))
	store.mustSave(ctx, tenant, sample(0), "")
	s.each(t, place, func(_ int, store *watched) {
		if err := rotate(ctx, store, rounds); err != nil {
			t.Error(err)
		}
	})
	s.wantCount(ctx, t, place, workers*rounds)
}

// wantCount checks the number in the store.
func (s *suite) wantCount(ctx context.Context, t *testing.T, place string, want int) {
	t.Helper()
	if r, _ := s.at(t, place).mustLoad(ctx, tenant); number(r) != want {
		t.Errorf("%d saves have succeeded, but the number is %d", want, number(r))
	}
}

func (s *suite) testReaders(t *testing.T) {
	ctx, place := bounded(t), s.place(t)
	store := s.at(t, place)
	v := store.mustSave(ctx, tenant, s.uneven(0), "")
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 2 {
		reader := s.at(t, place)
		group.Go(func() {
			last := 0
			for {
				r, _, err := reader.Load(ctx, tenant)
				if err != nil {
					t.Errorf("Load beside a writer: %v", err)
					return
				}
				n := number(r)
				if d := difference(r, s.uneven(n)); n < last || d != "" {
					t.Errorf("after number %d a reader sees %s", last, d)
					return
				}
				last = n
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := 1; n <= 50; n++ {
		v = store.mustSave(ctx, tenant, s.uneven(n), v)
	}
	close(done)
	group.Wait()
}

// uneven is a sample that is large for every second number.
func (s *suite) uneven(n int) auth.Record {
	if n%2 == 0 {
		return sized(n, s.opts.TokenSize)
	}
	return sample(n)
}
