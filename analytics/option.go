package analytics

import (
	"maps"
	"net/http"
	"strings"
)

// Option adjusts a [Client] beyond what [partnercenter.Options] say.
type Option interface{ apply(*settings) }

type optionFunc func(*settings)

func (f optionFunc) apply(s *settings) { f(s) }

// settings is what a list of options adds up to.
type settings struct {
	checks Checks
	ticket bool
	warned func(operation string, p Problem)
}

// Checks says what is looked at on this side before a request is sent.
type Checks int

// How strict the checks are.
const (
	// CheckPublished refuses what a published rule forbids, and warns where the
	// documentation disagrees with itself. It is the default.
	CheckPublished Checks = iota
	// CheckStrict refuses the disputed cases too.
	CheckStrict
	// CheckNone sends whatever can be sent and leaves the judgement to the
	// service.
	CheckNone
)

// WithChecks sets how strict the checks before a request are.
func WithChecks(level Checks) Option {
	return optionFunc(func(s *settings) { s.checks = level })
}

// WithWarnings has f called for every problem that does not stop a request, in
// addition to the record at level Warn that the client's logger gets. It is
// called from the goroutine that makes the call and must be safe for concurrent
// use.
func WithWarnings(f func(operation string, p Problem)) Option {
	return optionFunc(func(s *settings) { s.warned = f })
}

// WithUserTicket sends the token in the header X-AadUserTicket, bare, in place of
// Authorization. It is not documented; the interactive page of the partner
// program's API and several public clients do so. Try it when a [Partner] client
// is refused with a token that is known to be good.
func WithUserTicket() Option { return optionFunc(func(s *settings) { s.ticket = true }) }

const ticketHeader = "X-Aaduserticket" // net/http's canonical spelling

// ticketTransport moves the bearer token to its other header. It works below the
// guard that keeps tokens on the configured origin, so it meets only requests
// that may carry one, and those to the blob store, which carry none.
func ticketTransport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport // the process's shared pool
	}
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return next.RoundTrip(req)
		}
		out := *req
		out.Header = maps.Clone(req.Header)
		out.Header.Del("Authorization")
		out.Header[ticketHeader] = []string{token}
		return next.RoundTrip(&out)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
