package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
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

	hosts hostList // that tokens may be sent to

	base    context.Context // of all fetches; ends with Close
	cancel  context.CancelFunc
	entries entryMap

	mu      sync.Mutex // guards closed
	closed  bool
	running sync.WaitGroup
}

// key identifies a token.
type key struct{ tenant, resource, claims string }

// Cached puts the cached layer over a source that does not keep tokens itself: one that
// calls a broker, a vault or another library. It behaves as [Source] says; of the
// options it uses Logger, Timeout, Margin, MaxEntries and, if it is set, Cloud.
//
// The source is called with a context that carries none of the callers' values, because
// it works for all of them, and that ends with the timeout; it should honour it. For the
// same reason it is not told TokenRequest.Host: which hosts may have the tokens is decided
// here, by Cloud, or else as src does if that is itself a [Source]. A token without
// ExpiresOn is kept until an API rejects it.
func Cached(src TokenSource, opts *Options) *Source {
	s := newCache(opts.withDefaults(), "cached source", "")
	if inner, ok := src.(*Source); ok && inner != nil {
		s.hosts = inner.hosts
	}
	if cloud := s.opts.Cloud; cloud != nil {
		s.hosts = hostList{cloud.Name, cloud.Hosts}
		s.check = func(req TokenRequest) error { return permits(cloud, req.Resource) }
	}
	s.fetch = func(ctx context.Context, req TokenRequest) (Token, error) {
		if src == nil {
			return Token{}, errors.New("auth: Cached was given a nil source")
		}
		return src.Token(ctx, req)
	}
	return s
}

// newSource puts the cached layer over one of the flows.
func newSource(f flow, st settings, name, home string) *Source {
	opts := st.Options
	s := newCache(opts, name, home)
	s.fetch = f.fetch
	s.hosts = hostsOf(opts.Cloud, st.host)
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
	s.entries.init(opts.MaxEntries)
	return s
}

// Token returns a token that is valid now, from memory if there is one. Otherwise it
// waits for a request that all callers with the same need share; a caller whose context
// ends leaves with that context's error, and the request goes on for the others.
//
// Errors of Entra ID are [*Error] values, and so is the refusal of a token for a host outside
// the source's cloud, see [Cloud]. After [Source.Close] it returns [ErrClosed].
func (s *Source) Token(ctx context.Context, req TokenRequest) (Token, error) {
	k := key{tenant: req.TenantID, resource: req.Resource, claims: req.Claims}
	if k.tenant == s.home {
		k.tenant = ""
	}
	if !s.hosts.serve(req.Host) {
		return Token{}, s.hosts.refusal(req)
	}
	if e := s.entries.find(k); e != nil {
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
	req.TenantID, req.Host = k.tenant, ""
	return s.obtain(ctx, k, req)
}

// Close ends requests that are under way and waits for them; a wrapped source that does
// not honour its context keeps Close waiting, and so does the redemption of a refresh
// token, which is brought to its end and saved. Tokens are forgotten. Calling it again does
// nothing. It never returns an error.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.entries.clear()
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
