package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/storetest"
)

// memoryPlaces opens memory stores for the conformance suite, one per place.
func memoryPlaces() func(*testing.T, string) *auth.MemoryStore {
	var mu sync.Mutex
	places := map[string]*auth.MemoryStore{}
	return func(_ *testing.T, place string) *auth.MemoryStore {
		mu.Lock()
		defer mu.Unlock()
		if places[place] == nil {
			places[place] = auth.NewMemoryStore()
		}
		return places[place]
	}
}

func TestMemoryStoreConforms(t *testing.T) {
	open := memoryPlaces()
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore { return open(t, place) }, nil)
}

func TestMemoryStoreZeroValueWorks(t *testing.T) {
	var s auth.MemoryStore
	lease, err := s.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(t.Context(), "k", storeRecord("first"), ""); err != nil {
		t.Fatal(err)
	}
	if !lease.Expires().IsZero() {
		t.Errorf("a lock in memory expires at %v", lease.Expires())
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if got := s.String(); got != "memory store" {
		t.Errorf("String() = %q", got)
	}
}

func TestMemoryStoreListingEndsWithTheContext(t *testing.T) {
	s := auth.NewMemoryStore()
	for n := range 3 {
		if _, err := s.Save(t.Context(), fmt.Sprint(n), storeRecord("x"), ""); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var keys int
	var last error
	for _, err := range s.Keys(ctx) {
		if last = err; err == nil {
			keys++
		}
		cancel()
	}
	if keys != 1 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d keys, then %v; want 1 and context.Canceled", keys, last)
	}
}

// onlyStore can load and save and no more.
type onlyStore struct{ auth.TokenStore }

func TestStoresWithoutExtrasSayUnsupported(t *testing.T) {
	s := onlyStore{auth.NewMemoryStore()}
	_, err := auth.LockKey(t.Context(), s, "k")
	for _, keyErr := range auth.Keys(t.Context(), s) {
		err = errors.Join(err, keyErr)
		if !errors.Is(keyErr, errors.ErrUnsupported) {
			t.Errorf("Keys: %v", keyErr)
		}
	}
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "onlyStore has no locks") {
		t.Errorf("LockKey: %v", err)
	}
	if err := auth.DeleteKey(t.Context(), s, "k", "v"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("DeleteKey: %v", err)
	}
}

func TestExtrasReachTheStore(t *testing.T) {
	s := auth.NewMemoryStore()
	v, err := s.Save(t.Context(), "k", storeRecord("x"), "")
	if err != nil {
		t.Fatal(err)
	}
	lease, err := auth.LockKey(t.Context(), s, "k")
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
	var keys []string
	for key, err := range auth.Keys(t.Context(), s) {
		if err != nil {
			t.Error(err)
		}
		keys = append(keys, key)
	}
	if len(keys) != 1 || keys[0] != "k" {
		t.Errorf("Keys: %q", keys)
	}
	if err := auth.DeleteKey(t.Context(), s, "k", v); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Load(t.Context(), "k"); !errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("after DeleteKey: %v", err)
	}
}

func TestValidateKeySaysWhatIsWrong(t *testing.T) {
	for key, want := range map[string]string{
		"":                       "empty",
		strings.Repeat("k", 513): "513 bytes",
		"\xff":                   "UTF-8",
		"a\nb":                   "control character",
		strings.Repeat("k", 512): "",
		"contoso.example":        "",
		"../日本 %00":              "",
	} {
		err := auth.ValidateKey(key)
		if want == "" {
			if err != nil {
				t.Errorf("%.20q: %v", key, err)
			}
			continue
		}
		if !errors.Is(err, auth.ErrInvalidKey) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want one that says %q", key, err, want)
		}
	}
}

func TestNewVersionsDiffer(t *testing.T) {
	seen := map[auth.Version]bool{"": true}
	for range 1000 {
		v := auth.NewVersion()
		if seen[v] {
			t.Fatalf("version %q twice", v)
		}
		seen[v] = true
	}
}

func TestAwaitLockPausesMoreAndMoreButNotForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		last, tries := time.Now(), 0
		var pauses []time.Duration
		err := auth.AwaitLock(t.Context(), func(context.Context) (bool, error) {
			pauses = append(pauses, time.Since(last))
			last = time.Now()
			tries++
			return tries == 40, nil
		})
		if err != nil || tries != 40 {
			t.Fatalf("%d tries, error %v", tries, err)
		}
		if pauses[0] != 0 {
			t.Errorf("the first try waits %v", pauses[0])
		}
		for n, pause := range pauses[1:] {
			limit := min(2*time.Millisecond<<min(n, 20), 200*time.Millisecond)
			if pause < limit/2 || pause > limit*3/2 {
				t.Errorf("pause %d is %v, want about %v", n, pause, limit)
			}
		}
	})
}

func TestAwaitLockEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		err := auth.AwaitLock(ctx, func(context.Context) (bool, error) { return false, nil })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		broken := errors.New("no disk")
		if err := auth.AwaitLock(t.Context(), func(context.Context) (bool, error) { return false, broken }); !errors.Is(err, broken) {
			t.Errorf("error of the try: %v", err)
		}
		cancel()
		called := false
		err = auth.AwaitLock(ctx, func(context.Context) (bool, error) { called = true; return true, nil })
		if called || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with an ended context: called %v, error %v", called, err)
		}
	})
}
