package partnercenter

import (
	"log/slog"
	"net/http"
	"time"
)

// Options configures a client of any API package. The zero value, and a nil
// pointer, mean the defaults that each field describes. A client copies its
// Options when it is made; later changes have no effect. One value may serve
// many clients, also concurrently.
type Options struct {
	// Endpoint is the API's base URL, scheme and host with an optional path,
	// for example "https://api.partner.microsoft.com". Plain http is accepted
	// for loopback addresses only. Default: the package's public endpoint.
	Endpoint string
	// APIVersion is the version segment of request paths. Default: the
	// package's current version, for example "v1.0".
	APIVersion string
	// Resource is the audience that tokens are requested for. Default: the
	// package's public audience, whatever Endpoint is.
	Resource string
	// TenantID is passed on in every [TokenRequest], for token sources that
	// serve several tenants. Default: empty, the source's own tenant.
	TenantID string
	// Transport sends the requests, to the API and to the blob store alike.
	// Redirects, retries, timeouts and credentials are handled above it.
	// Default: pooled transports that all clients of the process share, one for
	// the API and one for the blob store. That of the blob store speaks HTTP/1.1
	// only: over HTTP/2 the parallel parts of a file would share one connection
	// and its speed, as they do with a Transport of yours that offers it.
	//
	// A Transport that records traffic sees bearer tokens and pre-signed links.
	Transport http.RoundTripper
	// Logger receives one record per attempt at level Debug, one per retry at
	// level Info, and one at level Warn when a download begins again because
	// the file has changed. Records hold no token, no query string and no body.
	// Default: silent.
	Logger *slog.Logger
	// Retry tunes how failed attempts are repeated.
	Retry RetryOptions
	// UserAgent is put in front of the SDK's own User-Agent.
	UserAgent string
}

// RetryOptions tunes how failed attempts are repeated. Zero fields mean the
// defaults, negative numbers turn the thing off.
//
// GET, HEAD, PUT and DELETE are repeated on 408, 429, 500, 502, 503, 504 and on
// lost connections. POST is repeated only when it was surely not processed (a
// failed dial, 429, 503 with Retry-After) or when the request carries an
// idempotency key. The delay before attempt n is random between zero and
// MinDelay doubled n-1 times, unless the service named it in Retry-After.
type RetryOptions struct {
	// MaxRetries is the number of attempts after the first. Default 3,
	// negative: none.
	MaxRetries int
	// MinDelay is the upper bound of the first random delay. Default 1 s.
	// Negative: no delay unless the service asks for one.
	MinDelay time.Duration
	// MaxDelay caps every delay. When the service asks for a longer one the
	// call ends at once and [Error.RetryAfter] says how long to wait.
	// Default 1 min. Negative: no cap.
	MaxDelay time.Duration
	// AttemptTimeout bounds one attempt, from connecting to the last byte of
	// the answer. File transfers are not bound by it; they have a stall
	// timeout of their own. Default 2 min. Negative: none.
	AttemptTimeout time.Duration
}
