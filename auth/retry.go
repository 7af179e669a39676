package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/header"
)

const (
	firstDelay = 500 * time.Millisecond
	maxDelay   = 4 * time.Second
)

// checkRetry repeats what Microsoft calls transient and what was lost on the way. Most
// forms may be sent again: asking twice for an application's token does no harm, and a
// password is only counted as a failed attempt when it is wrong, which is an answer and
// not repeated. For the others there is sendOnce. A delay that does not fit into the time
// left is not waited for: the answer goes back with its Retry-After.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // the answer or error at hand says more than the context
	}
	if err != nil {
		if sentOnce(ctx) && !unsent(err) {
			return false, nil
		}
		return !untrusted(err) && !errors.Is(err, errTooLong) && fits(ctx, firstDelay), nil
	}
	if sentAtMostOnce(ctx) || sentOnce(ctx) && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return false, nil
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		asked, _ := header.RetryAfter(resp.Header, time.Now())
		return fits(ctx, max(asked, firstDelay)), nil
	}
	return false, nil
}

type onceKey struct{}

// sendOnce marks a request that must not be repeated once it may have been acted upon.
// Then only 429 and 503 are, and connections that did not come about.
func sendOnce(ctx context.Context) context.Context { return context.WithValue(ctx, onceKey{}, true) }

func sentOnce(ctx context.Context) bool { return ctx.Value(onceKey{}) != nil }

// sendAtMostOnce marks a request that must not be repeated after any answer either.
func sendAtMostOnce(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, "whatever the answer")
}

func sentAtMostOnce(ctx context.Context) bool {
	_, whatever := ctx.Value(onceKey{}).(string)
	return whatever
}

// unsent reports whether an attempt surely ended before anything was sent.
func unsent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// fits reports whether a delay ends early enough for another attempt.
func fits(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || d < time.Until(deadline)-time.Second
}

// backoff is what the service asks for, or else random between zero and half a second,
// doubled with each attempt. The two times it is given are not used.
func backoff(_, _ time.Duration, attempt int, resp *http.Response) time.Duration {
	if resp != nil {
		if d, ok := header.RetryAfter(resp.Header, time.Now()); ok {
			return d
		}
	}
	limit := min(firstDelay<<min(attempt, 10), maxDelay)
	return time.Duration(rand.Int64N(int64(limit))) //nolint:gosec // spreads load, guards nothing
}

// untrusted reports whether the other side could not prove to be the authority, which
// no repetition changes.
func untrusted(err error) bool {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		notTLS   tls.RecordHeaderError
	)
	return errors.As(err, &unknown) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		errors.As(err, &verify) || errors.As(err, &notTLS)
}
