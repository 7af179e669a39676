package auth

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Source is a [TokenSource] that keeps tokens, renews them ahead of time and lets any
// number of concurrent callers share one request. The constructors of this package and
// [Cached] make it.
//
// It is safe for concurrent use. Between renewals it owns no goroutine; one that runs is
// bounded by [Options.Timeout]. Close is for programs that want to end tidily.
type Source struct {
	fetch func(context.Context, TokenRequest) (Token, error)
	check func(TokenRequest) error // may be nil
	// finish is called by Close when no request is under way any more; may be nil.
	finish func()
	opts   Options
	name   string
	home   string // tenant that an empty TokenRequest.TenantID means
	start  time.Time

	base    context.Context // of all fetches; ends with Close
	cancel  context.CancelFunc
	entries atomic.Pointer[map[key]*entry] // replaced, never written to

	mu      sync.Mutex // guards replacing entries, and closed
	closed  bool
	running sync.WaitGroup
}

// key identifies a token.
type key struct{ tenant, resource, claims string }

// Cached puts the cached layer over a source that does not keep tokens itself: one that
// calls a broker, a vault or another library. It behaves as [Source] says; of the
// options it uses Logger, Timeout, Margin and MaxEntries.
//
// The source is called with a context that carries none of the callers' values, because
// it works for all of them, and that ends with the timeout; it should honour it. A token
// without ExpiresOn is kept until an API rejects it.
func Cached(src TokenSource, opts *Options) *Source {
	s := newCache(opts.withDefaults(), "cached source", "")
	s.fetch = func(ctx context.Context, req TokenRequest) (Token, error) {
		if src == nil {
			return Token{}, errors.New("auth: Cached was given a nil source")
		}
		return src.Token(ctx, req)
	}
	return s
}

// newSource puts the cached layer over one of the flows.
func newSource(f flow, opts Options, name, home string) *Source {
	s := newCache(opts, name, home)
	s.fetch = f.fetch
	s.check = func(req TokenRequest) error {
		if err := validRequest(req); err != nil {
			return err
		}
		return permits(opts.Cloud, req.Resource)
	}
	return s
}

func newCache(opts Options, name, home string) *Source {
	s := &Source{opts: opts, name: name, home: home, start: time.Now()}
	s.base, s.cancel = context.WithCancel(context.Background())
	s.entries.Store(&map[key]*entry{})
	return s
}

// Token returns a token that is valid now, from memory if there is one. Otherwise it
// waits for a request that all callers with the same need share; a caller whose context
// ends leaves with that context's error, and the request goes on for the others.
//
// Errors of Entra ID are [*Error] values. After [Source.Close] it returns [ErrClosed].
func (s *Source) Token(ctx context.Context, req TokenRequest) (Token, error) {
	k := key{tenant: req.TenantID, resource: req.Resource, claims: req.Claims}
	if k.tenant == s.home {
		k.tenant = ""
	}
	if e := (*s.entries.Load())[k]; e != nil {
		if h := e.current.Load(); h != nil && !h.is(req.Rejected) {
			now := s.now()
			if now < h.hard {
				if int64(now) >= h.soft.Load() {
					s.renew(e, h) //nolint:contextcheck // the renewal outlives the call that starts it
				}
				return h.token, nil
			}
		}
	}
	req.TenantID = k.tenant
	return s.obtain(ctx, k, req)
}

// Close ends requests that are under way and waits for them; a wrapped source that does
// not honour its context keeps Close waiting, and so does the redemption of a refresh
// token, which is brought to its end and saved. Tokens are forgotten. Calling it again does
// nothing. It never returns an error.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	s.entries.Store(&map[key]*entry{})
	s.mu.Unlock()
	s.cancel()
	s.running.Wait()
	if s.finish != nil {
		s.finish()
	}
	return nil
}

// String describes the source, for example "client credentials of application 1111...".
func (s *Source) String() string { return s.name }

// GoString describes the source as String does: %#v must not print what it holds.
func (s *Source) GoString() string { return "auth.Source(" + s.name + ")" }

// LogValue implements [slog.LogValuer] with the description.
func (s *Source) LogValue() slog.Value { return slog.StringValue(s.name) }

// MarshalText implements [encoding.TextMarshaler] with the description.
func (s *Source) MarshalText() ([]byte, error) { return []byte(s.name), nil }

// now is the time since the source was made, by the monotonic clock.
func (s *Source) now() time.Duration { return time.Since(s.start) }

// entry finds or makes the entry of a key.
func (s *Source) entry(k key) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.entries.Load()
	if e := old[k]; e != nil {
		return e
	}
	// Readers take no lock, so the map is copied. Even with thousands of tenants
	// that costs far less than the request which is about to follow.
	next := maps.Clone(old)
	prune(next, s.now(), s.opts.MaxEntries)
	e := &entry{key: k}
	next[k] = e
	s.entries.Store(&next)
	return e
}
