package pctest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Request is a request that the server got. Secrets were replaced by "[redacted]"
// before it was stored: tokens, signatures of links, and all form fields but those
// known to hold none.
type Request struct {
	// Number counts the server's requests, from 1.
	Number int
	// Time is the server's time of arrival.
	Time time.Time
	// Service is "login", "api", "insights" or "blob".
	Service string
	// Method and Path are those of the request line; Path is unescaped.
	Method, Path string
	// Host is the public name of the service, also when the request came
	// through a loopback listener.
	Host string
	// Query holds the query's values.
	Query url.Values
	// Header holds the headers.
	Header http.Header
	// Body is the start of the body, at most 64 KiB.
	Body []byte
	// Bearer tells whether the request carried a bearer token.
	Bearer bool
	// Fingerprint identifies that token; see [Fingerprint].
	Fingerprint string
	// Status is the status answered, 0 if none was.
	Status int
	// Sent is the number of body bytes answered, as far as they are now.
	Sent int64
	// Fault tells whether an injected fault took part in the answer.
	Fault bool
}

// Fingerprint returns the short form under which requests keep a token: two
// requests with the same fingerprint carried the same token.
func Fingerprint(token partnercenter.Secret) string { return kit.Fingerprint(token.Reveal()) }

// Requests is a list of requests, oldest first. The methods select from it; the
// count is len.
type Requests []Request

// Requests returns what was asked so far. The server keeps the last 10,000
// requests, or somewhat fewer.
func (s *Server) Requests() Requests {
	all := s.recorder.Requests()
	out := make(Requests, len(all))
	for i, r := range all {
		out[i] = Request(r)
	}
	return out
}

// ForgetRequests empties the list, so that a test can look at what comes next.
func (s *Server) ForgetRequests() { s.recorder.Reset() }

// Where selects the requests for which keep returns true.
func (r Requests) Where(keep func(Request) bool) Requests {
	return slices.DeleteFunc(slices.Clone(r), func(q Request) bool { return !keep(q) })
}

// To selects the requests to a host.
func (r Requests) To(host Host) Requests {
	return r.Where(func(q Request) bool { return kit.Match(string(host), q.Host) })
}

// On selects the requests with the method and the path, in which an asterisk
// stands for any text. Empty strings mean any.
func (r Requests) On(method, path string) Requests {
	return r.Where(func(q Request) bool {
		return (method == "" || strings.EqualFold(q.Method, method)) && (path == "" || kit.Match(path, q.Path))
	})
}

// Answered selects the requests that were answered with the status.
func (r Requests) Answered(status int) Requests {
	return r.Where(func(q Request) bool { return q.Status == status })
}

// Want fails the test unless there are as many requests; the failure lists those that
// there are. It returns them for a closer look.
func (r Requests) Want(tb testing.TB, n int) Requests {
	tb.Helper()
	if len(r) != n {
		tb.Errorf("pctest: %d requests, want %d:\n%s", len(r), n, r)
	}
	return r
}

// String lists the requests, one a line. It holds no secrets.
func (r Requests) String() string {
	var b strings.Builder
	for _, q := range r {
		fmt.Fprintf(&b, "%s https://%s%s", q.Method, q.Host, q.Path)
		if len(q.Query) > 0 {
			fmt.Fprintf(&b, "?%s", q.Query.Encode())
		}
		fmt.Fprintf(&b, " -> %d\n", q.Status)
	}
	return b.String()
}
