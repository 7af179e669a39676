package auth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// grace is how long callers wait for a source to notice the end of its time: its own
// error says more than ours.
const grace = time.Second

// obtain is Token for a token that is not at hand.
func (s *Source) obtain(ctx context.Context, k key, req TokenRequest) (Token, error) {
	if ctx.Err() != nil {
		return Token{}, left(ctx)
	}
	if s.check != nil {
		if err := s.check(req); err != nil {
			return Token{}, err
		}
	}
	e := s.entries.entry(k, s.now())
	plain := s.withoutClaims(k, req.Rejected)
	// A second round is needed when the request that was already under way brought
	// back the very token that an API has rejected meanwhile.
	for {
		h, f := s.join(e, req) //nolint:contextcheck // the request serves many callers and must not end with one
		if f != nil {
			var err error
			if h, err = s.wait(ctx, e, f); err != nil {
				return Token{}, err
			}
		}
		if h == nil {
			continue
		}
		if plain != nil {
			plain.adopt(h, req.Rejected)
		}
		return h.token, nil
	}
}

// join returns the entry's token, if it will do, or else the request to wait for, which it
// starts unless there is one.
func (s *Source) join(e *entry, req TokenRequest) (*held, *flight) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := s.now()
	h := e.current.Load()
	if h != nil && h.is(req.Rejected) {
		if now < h.again {
			return h, nil
		}
		e.current.Store(nil)
		e.rejected = req.Rejected
		h = nil
	}
	if h == nil && e.rejected.IsZero() {
		e.rejected = req.Rejected // of an entry that has been forgotten since
	}
	if h != nil && (now < h.hard || now < h.expires && now < e.retryAt) {
		return h, nil
	}
	if e.flight == nil {
		req.Rejected = e.rejected
		e.flight = s.launch(e, req)
	}
	return nil, e.flight
}

// renew starts a request in the background for a token that still serves.
func (s *Source) renew(e *entry, h *held) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight != nil || e.current.Load() != h || int64(s.now()) < h.soft.Load() {
		return
	}
	h.soft.Store(math.MaxInt64) // no other call needs to come here until it is done
	e.flight = s.launch(e, TokenRequest{Resource: e.key.resource, TenantID: e.key.tenant, Claims: e.key.claims, Rejected: e.rejected})
}

// launch starts a request; the entry's lock is held. The request depends on no caller: it
// has neither their cancellation nor their values, which may be hooks of a trace that is
// over before the request is.
func (s *Source) launch(e *entry, req TokenRequest) *flight {
	f := &flight{done: make(chan struct{}), told: req.Rejected}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		f.late, f.err = s.base, ErrClosed
		close(f.done)
		return f
	}
	late, cancelLate := context.WithTimeout(s.base, s.opts.Timeout+grace)
	f.late = late
	s.running.Go(func() {
		defer cancelLate()
		ctx, cancel := context.WithTimeout(late, s.opts.Timeout)
		defer cancel()
		// The defaults count if the source ends the goroutine instead of returning.
		tok, err := Token{}, errors.New("auth: the token source did not return")
		defer func() { s.land(e, f, tok, err) }()
		tok, err = s.fetch(ctx, req)
		if err == nil {
			err = usableToken(tok)
		}
	})
	return f
}

// usableToken refuses what no source should return.
func usableToken(tok Token) error {
	switch {
	case tok.Value.IsZero():
		return &Error{Kind: KindBadAnswer, Description: "the token source returned an empty token"}
	case !tok.ExpiresOn.IsZero() && time.Until(tok.ExpiresOn) <= 0:
		return &Error{
			Kind:        KindBadAnswer,
			Description: "the token source returned a token that expired on " + tok.ExpiresOn.UTC().Format(time.RFC3339),
			Advice:      "Check the clock of this machine, and whether the source keeps tokens too long.",
		}
	}
	return nil
}

// land ends a flight.
func (s *Source) land(e *entry, f *flight, tok Token, err error) {
	e.mu.Lock()
	old := e.current.Load()
	e.flight, f.err = nil, err
	if err == nil {
		f.held = e.accept(hold(tok, s.now(), s.opts.Margin), f.told, s.now())
	} else {
		e.failed(err, s.now())
	}
	next := e.retryAt - s.now()
	close(f.done)
	e.mu.Unlock()

	// The logger is the caller's, so no lock is held.
	log := s.opts.Logger.With("source", s.name, "tenant", e.key.tenant, "resource", e.key.resource)
	switch {
	case err == nil && f.held != nil:
		log.DebugContext(f.late, "token obtained", "expires_on", f.held.token.ExpiresOn)
	case err != nil && old != nil && s.base.Err() == nil:
		log.WarnContext(f.late, "token renewal failed, the old token serves on",
			"expires_on", old.token.ExpiresOn, "next_attempt_in", next, "error", err)
	}
}

// accept takes in a token that a source has returned and returns what callers get, nil
// when they must ask again; the entry's lock is held.
func (e *entry) accept(h *held, told partnercenter.Secret, now time.Duration) *held {
	switch {
	case h.is(e.rejected) && !told.Equal(e.rejected):
		return nil // asked before the rejection was known
	case h.is(e.rejected):
		e.failures++
		h.again = now + pauseAfter(e.failures)
	default:
		e.rejected, e.failures = partnercenter.Secret{}, 0
	}
	e.retryAt = 0
	e.current.Store(h)
	return h
}

// failed notes a failed request; the entry's lock is held.
func (e *entry) failed(err error, now time.Duration) {
	e.failures++
	old := e.current.Load()
	if old == nil {
		return
	}
	pause := pauseAfter(e.failures)
	if x, ok := errors.AsType[*Error](err); ok {
		pause = max(pause, x.RetryAfter)
	}
	e.retryAt = now + min(pause, never-now) // issuers may ask for a thousand years
	old.soft.Store(int64(e.retryAt))
}

// wait waits for a request on behalf of one caller. It returns nil without an error when
// the caller must look again. When the request has failed and the old token is still
// good for a little while, that one is returned.
func (s *Source) wait(ctx context.Context, e *entry, f *flight) (*held, error) {
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, left(ctx)
	case <-f.late.Done():
		select {
		case <-f.done:
		default:
			if s.base.Err() != nil {
				return nil, ErrClosed
			}
			return nil, &Error{
				Kind: KindTransient, Resource: e.key.resource, TenantID: e.key.tenant,
				Description: fmt.Sprintf("the token source did not answer within %v", s.opts.Timeout),
				Advice:      KindTransient.advice(),
			}
		}
	}
	if f.err == nil {
		return f.held, nil
	}
	if h := e.current.Load(); h != nil && s.now() < h.expires {
		return h, nil
	}
	if s.base.Err() != nil {
		return nil, ErrClosed
	}
	return nil, f.err
}

// left is the error of a caller that did not wait for the end.
func left(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return fmt.Errorf("auth: waiting for a token: %w", cause)
	}
	return fmt.Errorf("auth: waiting for a token: %w: %w", err, cause)
}

// withoutClaims prepares the entry for requests without claims when an API has answered a
// token from there with a claims challenge: the rejected token must not be handed out
// again, and the one that meets the challenge takes its place. It returns nil when there
// is nothing to prepare.
func (s *Source) withoutClaims(k key, rejected partnercenter.Secret) *entry {
	if k.claims == "" || rejected.IsZero() {
		return nil
	}
	k.claims = ""
	e := s.entries.entry(k, s.now())
	e.mu.Lock()
	defer e.mu.Unlock()
	if h := e.current.Load(); h != nil && h.is(rejected) {
		e.current.Store(nil)
		e.rejected = rejected
	}
	return e
}

// adopt takes a token over from the entry with claims, in place of the rejected one.
func (e *entry) adopt(h *held, rejected partnercenter.Secret) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current.Load() != nil || e.flight != nil || !e.rejected.Equal(rejected) || h.is(rejected) {
		return
	}
	copied := &held{token: h.token, expires: h.expires, hard: h.hard}
	copied.soft.Store(h.soft.Load())
	e.current.Store(copied)
	e.rejected = partnercenter.Secret{}
}
