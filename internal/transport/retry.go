package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/header"
)

// policy is [partnercenter.RetryOptions] with its defaults filled in.
type policy struct {
	maxRetries         int
	minDelay, maxDelay time.Duration // maxDelay 0: no cap
	attemptTimeout     time.Duration // 0: none
}

func newPolicy(o partnercenter.RetryOptions) policy {
	pick := func(wish, fallback time.Duration) time.Duration {
		switch {
		case wish < 0:
			return 0
		case wish == 0:
			return fallback
		default:
			return wish
		}
	}
	p := policy{
		maxRetries:     o.MaxRetries,
		minDelay:       pick(o.MinDelay, time.Second),
		maxDelay:       pick(o.MaxDelay, time.Minute),
		attemptTimeout: pick(o.AttemptTimeout, 2*time.Minute),
	}
	if p.maxRetries == 0 {
		p.maxRetries = 3
	}
	p.maxRetries = max(p.maxRetries, 0)
	return p
}

// attemptTimedOut is the cause of an attempt that AttemptTimeout has ended.
type attemptTimedOut time.Duration

func (e attemptTimedOut) Error() string {
	return fmt.Sprintf("no complete answer within %v: %v", time.Duration(e), context.DeadlineExceeded)
}

func (attemptTimedOut) Unwrap() error { return context.DeadlineExceeded }

// retryStatus lists the statuses that may pass by themselves.
func retryStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// repeatable reports whether another attempt of a call is safe and sensible.
// gated says that a 503 comes from a gate that did not let the request in, which a
// readable Retry-After is taken for.
func repeatable(idempotent, gated bool, resp *http.Response, err error) bool {
	if err != nil {
		if final(err) {
			return false
		}
		return idempotent || neverSent(err)
	}
	if !retryStatus(resp.StatusCode) {
		return false
	}
	if idempotent || resp.StatusCode == http.StatusTooManyRequests {
		return true
	}
	return resp.StatusCode == http.StatusServiceUnavailable && gated
}

// final reports errors that another attempt cannot mend.
func final(err error) bool {
	if _, ok := errors.AsType[*localError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok { // the other side does not speak TLS
		return true
	}
	return errors.Is(err, http.ErrSchemeMismatch) // it speaks plain HTTP
}

// neverSent reports errors from before the first byte of the request left.
func neverSent(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// checkRetry is the go-retryablehttp hook. It decides and, since only it sees
// the context, also works out the delay that backoff then returns.
func (c *call) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	asked, named := time.Duration(0), false
	if err == nil {
		asked, named = header.RetryAfter(resp.Header, time.Now())
	}
	c.retryAfter = asked
	gated := named && !c.doubt503
	if c.retries >= c.policy.maxRetries || !repeatable(c.idempotent, gated, resp, err) {
		return false, nil
	}
	if ctx.Err() != nil {
		c.cut = context.Cause(ctx)
		return false, nil //nolint:nilerr // the engine returns err itself
	}
	if named && c.policy.maxDelay > 0 && asked > c.policy.maxDelay {
		return false, nil // told in Error.RetryAfter instead of slept
	}
	c.delay = c.policy.delay(c.retries, asked, named)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < c.delay {
		c.cut = context.DeadlineExceeded
		return false, nil
	}
	c.retries++
	c.doubt = c.doubt || !repeatable(false, gated, resp, err)
	c.logRetry(ctx, resp, err)
	return true, nil
}

func (c *call) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return c.delay }

// delay returns what the service asked for, or a random time up to a bound that
// doubles with every retry ("full jitter"). The retries so far are counted from 0.
func (p policy) delay(retries int, asked time.Duration, named bool) time.Duration {
	if named {
		return asked
	}
	bound := p.minDelay
	for range retries {
		if bound > math.MaxInt64/2 || (p.maxDelay > 0 && bound >= p.maxDelay) {
			break
		}
		bound *= 2
	}
	if p.maxDelay > 0 {
		bound = min(bound, p.maxDelay)
	}
	if bound <= 0 {
		return 0
	}
	return rand.N(bound) //nolint:gosec // jitter needs no secrecy
}
