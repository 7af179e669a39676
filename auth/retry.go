package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/header"
)

const (
	firstDelay = 500 * time.Millisecond
	maxDelay   = 4 * time.Second
)

// checkRetry repeats what Microsoft calls transient and what was lost on the way. Both
// flows may be sent again: asking twice for an application's token does no harm, and a
// password is only counted as a failed attempt when it is wrong, which is an answer and
// not repeated. A delay that does not fit into the time left is not waited for: the
// answer goes back with its Retry-After.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // the answer or error at hand says more than the context
	}
	if err != nil {
		return !untrusted(err) && !errors.Is(err, errTooLong) && fits(ctx, firstDelay), nil
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		asked, _ := header.RetryAfter(resp.Header, time.Now())
		return fits(ctx, max(asked, firstDelay)), nil
	}
	return false, nil
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
