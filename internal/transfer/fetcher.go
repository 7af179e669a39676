package transfer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

const (
	// minDelay is the upper bound of the pause before the first repetition.
	minDelay = 250 * time.Millisecond
	// maxDelay is the upper bound of every pause, also of those the store asks
	// for: if it wants a longer one, the transfer ends and says so.
	maxDelay = time.Minute
)

// fetcher requests spans of one file, one after another, and decides which
// failures it mends. Those that work side by side on one file are forks of one.
type fetcher struct {
	*origin
	failures int // in a row, without a byte in between
}

// origin is what all fetchers of a file share.
type origin struct {
	do       Doer
	links    links
	limits   settings
	name     string
	log      *slog.Logger
	answered atomic.Bool // some answer has been good
	// refused is called whenever the store asks for patience (429, 503 and the
	// like), even when the Doer has shown it; nil when nobody wants to know.
	refused atomic.Pointer[func()]
}

func newFetcher(src Source, limits settings) *fetcher {
	log := src.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &fetcher{origin: &origin{do: src.Doer, links: links{ask: src.Link}, limits: limits, name: src.Name, log: log}}
}

// fork returns a fetcher for another request at the same time.
func (f *fetcher) fork() *fetcher { return &fetcher{origin: f.origin} }

// label is what to call the file.
func (f *fetcher) label() string {
	if f.name != "" {
		return f.name
	}
	return f.links.name()
}

// get sends a request for a span, and once more with a fresh link after a 403.
func (f *fetcher) get(ctx context.Context, want span, known *version) (*stream, error) {
	for {
		u, err := f.links.current(ctx)
		if err != nil {
			return nil, err
		}
		s, err := request(f.watch(ctx), f.do, u, want, known, f.limits)
		if err == nil {
			f.answered.Store(true)
			f.links.accepted(u)
			return s, nil
		}
		if e, ok := errors.AsType[*partnercenter.Error](err); !ok || e.StatusCode != http.StatusForbidden {
			return nil, err
		}
		fresh, linkErr := f.links.refused(ctx, u)
		switch {
		case linkErr != nil:
			return nil, fmt.Errorf("%w; a fresh link was not to be had: %w", err, linkErr)
		case !fresh:
			return nil, err
		}
	}
}

// first sends the request that a transfer begins with: for the first bytes up to
// limit, or for the whole file when limit is negative. It asks for the whole file
// too when the first bytes could not be joined to others later, because the store
// gives the file no strong tag, and when the file is empty, so that no range of it
// can be had.
func (f *fetcher) first(ctx context.Context, limit int64) (*stream, error) {
	whole := span{0, -1}
	if limit < 0 {
		return f.get(ctx, whole, nil)
	}
	s, err := f.get(ctx, span{0, limit}, nil)
	if e, ok := errors.AsType[*partnercenter.Error](err); ok && e.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return f.get(ctx, whole, nil)
	}
	if err == nil && s.end < s.version.size && !s.version.strong() {
		_ = s.Close()
		return f.get(ctx, whole, nil)
	}
	return s, err
}

// watch has refused called when the store answers one request more than once: all
// answers but the last were such that the Doer tried again.
func (f *fetcher) watch(ctx context.Context) context.Context {
	if f.refused.Load() == nil {
		return ctx
	}
	var answers atomic.Int32
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) {
			if answers.Load() > 0 {
				f.pushedBack()
			}
		},
		GotFirstResponseByte: func() { answers.Add(1) },
	})
}

func (f *fetcher) pushedBack() {
	if report := f.refused.Load(); report != nil {
		(*report)()
	}
}

// progress notes that new bytes have arrived.
func (f *fetcher) progress() { f.failures = 0 }

// recover decides about a failure: nil, after a pause, if the transfer should go
// on, otherwise the error that ends it.
//
// Before the first good answer, what the Doer has already repeated is final: an
// unreachable host should not be tried retries times retries.
func (f *fetcher) recover(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	broken, ok := errors.AsType[*brokenError](err)
	if !ok || broken.retried && !f.answered.Load() {
		return unwrapBroken(err)
	}
	f.failures++
	e, isAnswer := errors.AsType[*partnercenter.Error](broken.err)
	if isAnswer && (e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusServiceUnavailable) {
		f.pushedBack()
	}
	if f.failures > f.limits.maxRetries || isAnswer && e.RetryAfter > maxDelay {
		if isAnswer {
			e.Attempts = max(e.Attempts, f.failures)
		}
		return broken.err
	}
	var asked time.Duration
	if isAnswer {
		asked = e.RetryAfter
	}
	return pause(ctx, max(asked, backoff(f.failures)))
}

func unwrapBroken(err error) error {
	if broken, ok := errors.AsType[*brokenError](err); ok {
		return broken.err
	}
	return err
}

// backoff is a random pause up to a bound that doubles with every failure.
func backoff(failures int) time.Duration {
	bound := minDelay
	for range failures - 1 {
		bound = min(2*bound, maxDelay)
	}
	return rand.N(bound) //nolint:gosec // jitter needs no secrecy
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
