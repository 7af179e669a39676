package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memoryPlaces opens memory stores, one per place.
func memoryPlaces() func(*testing.T, string) auth.TokenStore {
	var places sync.Map
	return func(_ *testing.T, place string) auth.TokenStore {
		store, _ := places.LoadOrStore(place, auth.NewMemoryStore())
		return store.(auth.TokenStore) //nolint:errcheck,forcetypeassert // just stored
	}
}

// The suite passes a store that can do everything, one that can only load and save, and
// one that several processes share.
func TestMemoryStorePasses(t *testing.T) { storetest.Run(t, memoryPlaces(), nil) }

func TestPlainStorePasses(t *testing.T) {
	open := memoryPlaces()
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		return struct{ auth.TokenStore }{open(t, place)}
	}, nil)
}

func TestFileStorePasses(t *testing.T) {
	storetest.Run(t, openFile, &storetest.Options{Processes: true, TokenSize: 16 << 10})
}

func openFile(t *testing.T, place string) auth.TokenStore {
	store, err := auth.NewFileStore(place, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// brokenVariable selects a broken store for a further process of this test.
const brokenVariable = "STORETEST_BROKEN_STORE"

// A suite is worth what it catches: every store here has one mistake that somebody makes,
// and the suite must name it.
func TestBrokenStoresFail(t *testing.T) {
	if name, ok := os.LookupEnv(brokenVariable); ok {
		b := brokenStores()[name]
		storetest.Run(t, b.open, b.opts)
		return
	}
	for name, b := range brokenStores() {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenStoresFail$/^"+strings.ReplaceAll(b.caught, " ", "_")+"$")
			cmd.Env = append(cmd.Environ(), brokenVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte("--- FAIL: TestBrokenStoresFail/"+strings.ReplaceAll(b.caught, " ", "_"))) {
				t.Errorf("%q has not failed: %v\n%s", b.caught, err, out)
			}
			if bytes.Contains(out, []byte("panic:")) {
				t.Errorf("the suite panics:\n%s", out)
			}
		})
	}
}

type broken struct {
	open   func(*testing.T, string) auth.TokenStore
	opts   *storetest.Options
	caught string // the subtest that must fail
}

// variant is a memory store with some methods exchanged.
type variant struct {
	*auth.MemoryStore
	load   func(context.Context, string) (auth.Record, auth.Version, error)
	save   func(context.Context, string, auth.Record, auth.Version) (auth.Version, error)
	lock   func(context.Context, string) (auth.Lease, error)
	keys   func(context.Context) iter.Seq2[string, error]
	delete func(context.Context, string, auth.Version) error
}

func (v *variant) Load(ctx context.Context, key string) (auth.Record, auth.Version, error) {
	if v.load != nil {
		return v.load(ctx, key)
	}
	return v.MemoryStore.Load(ctx, key)
}

func (v *variant) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	if v.save != nil {
		return v.save(ctx, key, r, expect)
	}
	return v.MemoryStore.Save(ctx, key, r, expect)
}

func (v *variant) Lock(ctx context.Context, key string) (auth.Lease, error) {
	if v.lock != nil {
		return v.lock(ctx, key)
	}
	return v.MemoryStore.Lock(ctx, key)
}

func (v *variant) Keys(ctx context.Context) iter.Seq2[string, error] {
	if v.keys != nil {
		return v.keys(ctx)
	}
	return v.MemoryStore.Keys(ctx)
}

func (v *variant) Delete(ctx context.Context, key string, expect auth.Version) error {
	if v.delete != nil {
		return v.delete(ctx, key, expect)
	}
	return v.MemoryStore.Delete(ctx, key, expect)
}

// lease is a lock with other manners.
type lease struct {
	release func(context.Context) error
	expires time.Time
}

func (l lease) Release(ctx context.Context) error { return l.release(ctx) }
func (l lease) Expires() time.Time                { return l.expires }

func brokenStores() map[string]broken {
	// with exchanges methods of a store.
	with := func(caught string, change func(v *variant, m *auth.MemoryStore)) broken {
		var places sync.Map
		return broken{caught: caught, open: func(*testing.T, string) auth.TokenStore { return nil }}.opening(func(place string) auth.TokenStore {
			v := &variant{MemoryStore: auth.NewMemoryStore()}
			change(v, v.MemoryStore)
			store, _ := places.LoadOrStore(place, v)
			return store.(auth.TokenStore) //nolint:errcheck,forcetypeassert // just stored
		})
	}
	unchecked := func(m *auth.MemoryStore) func(context.Context, string, auth.Record, auth.Version) (auth.Version, error) {
		return func(ctx context.Context, key string, r auth.Record, _ auth.Version) (auth.Version, error) {
			_, v, err := m.Load(ctx, key)
			if err != nil && !errors.Is(err, auth.ErrNoRecord) {
				return "", err
			}
			return m.Save(ctx, key, r, v)
		}
	}
	return map[string]broken{
		"last writer wins": with("a stale version does not overwrite", func(v *variant, m *auth.MemoryStore) {
			v.save = unchecked(m)
		}),
		"creation overwrites": with("creating does not overwrite", func(v *variant, m *auth.MemoryStore) {
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				if expect == "" {
					return unchecked(m)(ctx, key, r, expect)
				}
				return m.Save(ctx, key, r, expect)
			}
		}),
		"check and set are two steps": with("no concurrent save is lost", func(v *variant, m *auth.MemoryStore) {
			between := newMeeting()
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				_, present, err := m.Load(ctx, key)
				if err != nil && !errors.Is(err, auth.ErrNoRecord) {
					return "", err
				}
				if present != expect {
					return "", auth.ErrConflict
				}
				if expect != "" {
					between.await(ctx)
				}
				for { // whatever is there by now
					if next, err := unchecked(m)(ctx, key, r, expect); !errors.Is(err, auth.ErrConflict) {
						return next, err
					}
				}
			}
		}),
		"unknown fields are dropped": with("a record comes back as it was", func(v *variant, m *auth.MemoryStore) {
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				r.Extra = nil
				return m.Save(ctx, key, r, expect)
			}
		}),
		"times are rounded": with("a record comes back as it was", func(v *variant, m *auth.MemoryStore) {
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				r.ObtainedAt = r.ObtainedAt.Truncate(time.Microsecond)
				return m.Save(ctx, key, r, expect)
			}
		}),
		"versions count from one": with("deleting needs the version", func(v *variant, m *auth.MemoryStore) {
			counting(v, m)
		}),
		"keys without case": with("hostile keys are keys like others", func(v *variant, m *auth.MemoryStore) {
			v.load = func(ctx context.Context, key string) (auth.Record, auth.Version, error) {
				return m.Load(ctx, strings.ToLower(key))
			}
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				return m.Save(ctx, strings.ToLower(key), r, expect)
			}
		}),
		"any key": with("invalid keys are refused", func(v *variant, m *auth.MemoryStore) {
			v.load = func(ctx context.Context, key string) (auth.Record, auth.Version, error) {
				return m.Load(ctx, "x"+strings.Map(func(r rune) rune { return max(r, ' ') }, key))
			}
		}),
		"tokens are cut": with("size", func(v *variant, m *auth.MemoryStore) {
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				token := r.RefreshToken.Reveal()
				r.RefreshToken = partnercenter.NewSecret(token[:min(len(token), 4000)])
				return m.Save(ctx, key, r, expect)
			}
		}),
		"context is not looked at": with("an ended context stops everything", func(v *variant, m *auth.MemoryStore) {
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				return m.Save(context.WithoutCancel(ctx), key, r, expect)
			}
		}),
		"deletes whatever is there": with("deleting needs the version", func(v *variant, m *auth.MemoryStore) {
			v.delete = func(ctx context.Context, key string, _ auth.Version) error {
				_, present, err := m.Load(ctx, key)
				if err != nil {
					return auth.ErrConflict
				}
				return m.Delete(ctx, key, present)
			}
		}),
		"keys are forgotten": with("all keys are listed", func(v *variant, m *auth.MemoryStore) {
			v.keys = func(ctx context.Context) iter.Seq2[string, error] {
				return func(yield func(string, error) bool) {
					for key, err := range m.Keys(ctx) {
						if !strings.HasSuffix(key, "4") && !yield(key, err) {
							return
						}
					}
				}
			}
		}),
		"the lock locks nothing": with("a lock excludes others", func(v *variant, _ *auth.MemoryStore) {
			v.lock = func(ctx context.Context, key string) (auth.Lease, error) {
				if err := errors.Join(auth.ValidateKey(key), ctx.Err()); err != nil {
					return nil, err
				}
				return lease{release: func(context.Context) error { return nil }}, nil
			}
		}),
		"one lock for all keys": with("locks of keys are independent", func(v *variant, m *auth.MemoryStore) {
			v.lock = func(ctx context.Context, _ string) (auth.Lease, error) {
				ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
				return m.Lock(ctx, "all")
			}
		}),
		"release opens the lock of others": with("a released lock stays released", func(v *variant, m *auth.MemoryStore) {
			var mu sync.Mutex
			held := map[string]auth.Lease{}
			v.lock = func(ctx context.Context, key string) (auth.Lease, error) {
				l, err := m.Lock(ctx, key)
				if err != nil {
					return nil, err
				}
				mu.Lock()
				defer mu.Unlock()
				held[key] = l
				return lease{release: func(ctx context.Context) error {
					mu.Lock()
					defer mu.Unlock()
					return held[key].Release(ctx)
				}}, nil
			}
		}),
		"lost locks are not reported": with("a lost lock harms nobody", func(v *variant, m *auth.MemoryStore) {
			v.lock = func(ctx context.Context, key string) (auth.Lease, error) {
				l, err := m.Lock(ctx, key)
				if err != nil {
					return nil, err
				}
				expiring.Store(key, l)
				return lease{release: l.Release, expires: time.Now().Add(time.Hour)}, nil
			}
		}).expiring(),
		"the error shows the token": with("a stale version does not overwrite", func(v *variant, m *auth.MemoryStore) {
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				next, err := m.Save(ctx, key, r, expect)
				if err != nil {
					err = fmt.Errorf("saving %s: %w", r.RefreshToken.Reveal(), err)
				}
				return next, err
			}
		}),
		"nothing is a record": with("an unknown key has no record", func(v *variant, m *auth.MemoryStore) {
			v.load = func(ctx context.Context, key string) (auth.Record, auth.Version, error) {
				r, ver, err := m.Load(ctx, key)
				if errors.Is(err, auth.ErrNoRecord) {
					err = nil
				}
				return r, ver, err
			}
		}),
		"fields are merged": with("zero times and absent fields stay absent", func(v *variant, m *auth.MemoryStore) {
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				if old, _, err := m.Load(ctx, key); err == nil && r.ClientID == "" {
					r.ClientID = old.ClientID
				}
				return m.Save(ctx, key, r, expect)
			}
		}),
		"the version is that of the content": with("every save has a new version", func(v *variant, m *auth.MemoryStore) {
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				old, present, err := m.Load(ctx, key)
				if err == nil && present == expect && old.ObtainedAt.Equal(r.ObtainedAt) {
					return present, nil
				}
				return m.Save(ctx, key, r, expect)
			}
		}),
		"what does not fit is made to fit": with("what cannot be stored is refused", func(v *variant, m *auth.MemoryStore) {
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				r.TenantID = strings.ToValidUTF8(r.TenantID, "?")
				return m.Save(ctx, key, r, expect)
			}
		}),
		"it prints itself": {
			caught: "a printed store shows no token",
			open: func(_ *testing.T, _ string) auth.TokenStore {
				return &talkative{TokenStore: auth.NewMemoryStore()}
			},
		},
		"there is one place": {
			caught: "places are separate",
			open: func() func(*testing.T, string) auth.TokenStore {
				m := auth.NewMemoryStore()
				return func(*testing.T, string) auth.TokenStore { return m }
			}(),
		},
		"a page of keys is all": with("many tenants", func(v *variant, m *auth.MemoryStore) {
			v.keys = func(ctx context.Context) iter.Seq2[string, error] {
				return func(yield func(string, error) bool) {
					n := 0
					for key, err := range m.Keys(ctx) {
						if n++; n > 100 || !yield(key, err) {
							return
						}
					}
				}
			}
		}),
		"keys come twice": with("all keys are listed", func(v *variant, m *auth.MemoryStore) {
			v.keys = func(ctx context.Context) iter.Seq2[string, error] {
				return func(yield func(string, error) bool) {
					for key, err := range m.Keys(ctx) {
						for range 2 {
							if !yield(key, err) {
								return
							}
						}
					}
				}
			}
		}),
		"the lock does not wait": with("a waiting lock is granted", func(v *variant, m *auth.MemoryStore) {
			v.lock = func(ctx context.Context, key string) (auth.Lease, error) {
				ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				return m.Lock(ctx, key)
			}
		}),
		"saving needs the lock": with("a lock does not stand in the way of its record", func(v *variant, m *auth.MemoryStore) {
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
				l, err := m.Lock(short, key)
				if err != nil {
					return "", err
				}
				v, err := m.Save(ctx, key, r, expect)
				return v, errors.Join(err, l.Release(ctx))
			}
		}),
		"the lock is given to all": with("under the lock nobody conflicts", func(v *variant, m *auth.MemoryStore) {
			v.lock = func(ctx context.Context, key string) (auth.Lease, error) {
				return lease{release: func(context.Context) error { return nil }}, errors.Join(auth.ValidateKey(key), ctx.Err())
			}
			loaded := newMeeting()
			v.load = func(ctx context.Context, key string) (auth.Record, auth.Version, error) {
				defer loaded.await(ctx)
				return m.Load(ctx, key)
			}
		}),
		"creating is two steps": with("of concurrent creations one wins", func(v *variant, m *auth.MemoryStore) {
			between := newMeeting()
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				if expect != "" {
					return m.Save(ctx, key, r, expect)
				}
				if _, _, err := m.Load(ctx, key); err == nil {
					return "", auth.ErrConflict
				}
				between.await(ctx)
				for {
					if next, err := unchecked(m)(ctx, key, r, expect); !errors.Is(err, auth.ErrConflict) {
						return next, err
					}
				}
			}
		}),
		"a record is saved in two steps": with("readers see whole records", func(v *variant, m *auth.MemoryStore) {
			between := newMeeting() // of the writer and a reader
			v.load = func(ctx context.Context, key string) (auth.Record, auth.Version, error) {
				r, ver, err := m.Load(ctx, key)
				if err == nil && r.Extra == nil {
					between.await(ctx)
				}
				return r, ver, err
			}
			v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
				half := r
				half.Extra = nil
				ver, err := m.Save(ctx, key, half, expect)
				if err != nil {
					return "", err
				}
				if expect != "" {
					between.await(ctx)
				}
				return m.Save(ctx, key, r, ver)
			}
		}),
		"the lock is one process's": {
			caught: "under the lock no process conflicts",
			opts:   &storetest.Options{Processes: true},
			open:   inProcess(func(s *ownProcess) { s.lock = true }),
		},
		"the check is one process's": {
			caught: "no save of another process is lost",
			opts:   &storetest.Options{Processes: true},
			open:   inProcess(func(s *ownProcess) { s.check = true }),
		},
		"a lock is a file that is there": {
			caught: "the lock of a killed process does not remain",
			opts:   &storetest.Options{Processes: true},
			open:   inProcess(func(s *ownProcess) { s.exclusive = true }),
		},
		"a file is written in place": {
			caught: "a killed process leaves a whole record",
			opts:   &storetest.Options{Processes: true, TokenSize: 48 << 10},
			open:   func(_ *testing.T, place string) auth.TokenStore { return &inPlace{dir: place} },
		},
		"nothing is kept": {
			caught: "a record outlives its store",
			open:   func(*testing.T, string) auth.TokenStore { return auth.NewMemoryStore() },
		},
	}
}

// meeting is a point in a broken store where two callers meet before they go on, so that
// its mistake shows every time and not when the scheduler happens to be unkind. It is held
// once; who comes later passes.
type meeting struct {
	present atomic.Int32
	both    chan struct{}
}

func newMeeting() *meeting { return &meeting{both: make(chan struct{})} }

func (m *meeting) await(ctx context.Context) {
	if m.present.Add(1) == 2 {
		close(m.both)
	}
	select {
	case <-m.both:
	case <-ctx.Done():
	}
}

// expiring holds the inner locks of the store whose leases can be ended from outside.
var expiring sync.Map

func (b broken) opening(open func(place string) auth.TokenStore) broken {
	b.open = func(_ *testing.T, place string) auth.TokenStore { return open(place) }
	return b
}

func (b broken) expiring() broken {
	b.opts = &storetest.Options{Expire: func(t *testing.T, _, key string) {
		l, ok := expiring.Load(key)
		if !ok {
			t.Fatal("nothing to expire")
		}
		_ = l.(auth.Lease).Release(t.Context()) //nolint:errcheck,forcetypeassert // of the memory store
	}}
	return b
}

// counting gives a store versions that start again when a record does.
func counting(v *variant, m *auth.MemoryStore) {
	var mu sync.Mutex
	inner, count := map[string]auth.Version{}, map[string]int{}
	v.load = func(ctx context.Context, key string) (auth.Record, auth.Version, error) {
		mu.Lock()
		defer mu.Unlock()
		r, _, err := m.Load(ctx, key)
		if err != nil {
			return r, "", err
		}
		return r, auth.Version(fmt.Sprint(count[key])), nil
	}
	v.save = func(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
		mu.Lock()
		defer mu.Unlock()
		if expect != "" && expect != auth.Version(fmt.Sprint(count[key])) {
			return "", auth.ErrConflict
		}
		if expect != "" {
			expect = inner[key]
		}
		next, err := m.Save(ctx, key, r, expect)
		if err != nil {
			return "", err
		}
		inner[key] = next
		count[key]++
		return auth.Version(fmt.Sprint(count[key])), nil
	}
	v.delete = func(ctx context.Context, key string, expect auth.Version) error {
		mu.Lock()
		defer mu.Unlock()
		if expect != auth.Version(fmt.Sprint(count[key])) || count[key] == 0 {
			return auth.ErrConflict
		}
		delete(count, key)
		return m.Delete(ctx, key, inner[key])
	}
}

// inPlace is a file store as one would write it in five minutes. In a process that is to be
// killed, its second save hangs between the parts of the file, so that the kill comes there.
type inPlace struct {
	dir   string
	mu    sync.Mutex
	saves int
}

func (s *inPlace) path(key string) string { return filepath.Join(s.dir, fmt.Sprintf("%x", key)) }

func (s *inPlace) Load(_ context.Context, key string) (auth.Record, auth.Version, error) {
	data, err := os.ReadFile(s.path(key))
	if errors.Is(err, os.ErrNotExist) {
		return auth.Record{}, "", auth.ErrNoRecord
	}
	if err != nil {
		return auth.Record{}, "", err
	}
	version, rest, _ := bytes.Cut(data, []byte("\n"))
	r, err := auth.UnmarshalRecord(rest)
	return r, auth.Version(version), err
}

func (s *inPlace) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, v, err := s.Load(ctx, key)
	if err != nil && !errors.Is(err, auth.ErrNoRecord) {
		return "", err
	}
	if v != expect {
		return "", auth.ErrConflict
	}
	data, err := auth.MarshalRecord(r)
	if err != nil {
		return "", err
	}
	next := auth.NewVersion()
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", err
	}
	f, err := os.Create(s.path(key))
	if err != nil {
		return "", err
	}
	s.saves++
	for chunk := range slices.Chunk(append([]byte(string(next)+"\n"), data...), 8<<10) {
		if _, err := f.Write(chunk); err != nil {
			return "", err
		}
		if err := f.Sync(); err != nil {
			return "", err
		}
		if s.saves > 1 && storetest.InChild() {
			<-ctx.Done()
			return "", errors.Join(ctx.Err(), f.Close())
		}
	}
	return next, f.Close()
}

// talkative is a store that shows what it holds.
type talkative struct {
	auth.TokenStore
	last string
}

func (s *talkative) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	s.last = r.RefreshToken.Reveal()
	return s.TokenStore.Save(ctx, key, r, expect)
}

// ownProcess is a file store with parts that work within one process only.
type ownProcess struct {
	*auth.FileStore
	dir                    string
	locks                  *auth.MemoryStore
	mu                     sync.Mutex
	lock, check, exclusive bool
	met                    sync.Once
}

// meet waits, once, until another process has come to the same point.
func (s *ownProcess) meet(ctx context.Context) error {
	var err error
	s.met.Do(func() {
		if err = os.WriteFile(fmt.Sprintf("%s.met.%d", s.dir, os.Getpid()), nil, 0o600); err != nil {
			return
		}
		err = auth.AwaitLock(ctx, func(context.Context) (bool, error) {
			all, err := filepath.Glob(s.dir + ".met.*")
			return len(all) > 1, err
		})
	})
	return err
}

func (s *ownProcess) Load(ctx context.Context, key string) (auth.Record, auth.Version, error) {
	r, v, err := s.FileStore.Load(ctx, key)
	if err == nil && s.lock && storetest.InChild() {
		err = s.meet(ctx)
	}
	return r, v, err
}

func inProcess(change func(*ownProcess)) func(*testing.T, string) auth.TokenStore {
	var places sync.Map
	return func(t *testing.T, place string) auth.TokenStore {
		files, err := auth.NewFileStore(place, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &ownProcess{FileStore: files, dir: place, locks: auth.NewMemoryStore()}
		change(s)
		store, _ := places.LoadOrStore(place, s)
		return store.(auth.TokenStore) //nolint:errcheck,forcetypeassert // just stored
	}
}

func (s *ownProcess) Lock(ctx context.Context, key string) (auth.Lease, error) {
	switch {
	case s.lock:
		return s.locks.Lock(ctx, key)
	case s.exclusive:
		path := filepath.Join(s.dir, fmt.Sprintf("%x.exclusive", key))
		err := auth.AwaitLock(ctx, func(context.Context) (bool, error) {
			if err := os.MkdirAll(s.dir, 0o700); err != nil {
				return false, err
			}
			f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, os.ErrExist) {
				return false, nil
			}
			if err != nil {
				return false, err
			}
			return true, f.Close()
		})
		return lease{release: func(context.Context) error { return os.Remove(path) }}, err
	default:
		return s.FileStore.Lock(ctx, key)
	}
}

func (s *ownProcess) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	if !s.check {
		return s.FileStore.Save(ctx, key, r, expect)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, present, err := s.Load(ctx, key)
	if err != nil && !errors.Is(err, auth.ErrNoRecord) {
		return "", err
	}
	if present != expect {
		return "", auth.ErrConflict
	}
	if storetest.InChild() {
		if err := s.meet(ctx); err != nil {
			return "", err
		}
	}
	for { // whatever another process has put there by now
		next, err := s.FileStore.Save(ctx, key, r, present)
		if !errors.Is(err, auth.ErrConflict) {
			return next, err
		}
		if _, present, err = s.Load(ctx, key); err != nil {
			return "", err
		}
	}
}

func TestEverySubtestIsSeenToFail(t *testing.T) {
	caught := map[string]bool{}
	for _, b := range brokenStores() {
		caught[b.caught] = true
	}
	for _, name := range storetest.Subtests() {
		if !caught[name] {
			t.Errorf("no broken store fails %q", name)
		}
		delete(caught, name)
	}
	if len(caught) > 0 {
		t.Errorf("these are no subtests: %q", slices.Sorted(maps.Keys(caught)))
	}
}
