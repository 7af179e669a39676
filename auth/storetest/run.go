package storetest

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter/auth"
)

// Options says what is special about a store. The zero value, and a nil pointer, mean
// nothing is.
type Options struct {
	// Processes says that several processes can open one place.
	Processes bool
	// Expire makes the present lease of a key end as if its time had passed. A store
	// whose leases expire must have it; it is called while the lease is held.
	Expire func(t *testing.T, place, key string)
	// TokenSize is the length of the longest refresh token that the store is
	// expected to take. Default 8,192 bytes.
	TokenSize int
}

const (
	defaultTokenSize = 8192
	// patience bounds every test, so that a lock which never comes is a failure.
	patience = 5 * time.Minute
	// grace is how long a lock may outlive the process that held it.
	grace = 10 * time.Second
	// moment is how long a test watches that something does not happen.
	moment = 50 * time.Millisecond
)

// suite is one call of Run.
type suite struct {
	open func(t *testing.T, place string) auth.TokenStore
	opts Options
	name string // of the test that has called Run
}

// Run tests the store that open returns. Open is called many times, with new places and
// with ones that it has been called with before; what it needs to tidy up it registers
// with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T, place string) auth.TokenStore, opts *Options) {
	t.Helper()
	s := &suite{open: open, name: t.Name(), opts: Options{TokenSize: defaultTokenSize}}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.TokenSize <= 0 {
		s.opts.TokenSize = defaultTokenSize
	}
	if job, ok := childJob(t); ok {
		s.work(t, job)
		return
	}
	for _, group := range s.groups() {
		for name, test := range group {
			t.Run(name, test)
		}
	}
}

// groups returns all subtests.
func (s *suite) groups() []map[string]func(*testing.T) {
	return []map[string]func(*testing.T){
		s.recordTests(), s.keyTests(), s.lockTests(), s.raceTests(), s.processTests(),
	}
}

// place makes a new place.
func (s *suite) place(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "store")
}

// at opens the store at a place.
func (s *suite) at(t *testing.T, place string) *watched {
	t.Helper()
	store := s.open(t, place)
	if store == nil {
		t.Fatal("open has returned no store")
	}
	return &watched{t: t, store: store}
}

// fresh opens the store at a new place.
func (s *suite) fresh(t *testing.T) *watched {
	t.Helper()
	return s.at(t, s.place(t))
}

// bounded is the context of a test.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// unsupported skips a test whose subject the store does not have.
func unsupported(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
}

// noToken fails if text holds a refresh token. All that the tests use hold the mark.
func noToken(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, tokenMark) {
		t.Errorf("a refresh token is printed: %s", text)
	}
}
