package partnercenter

import (
	"net/http"
	"time"
)

// CallOption adjusts a single call. Every method that sends a request to an API takes
// any number of them as its last arguments; where it sends several they hold for each
// of them. Methods whose business is the file behind a pre-signed link take
// [DownloadOptions] instead.
type CallOption interface{ applyCall(*CallSettings) }

type callOptionFunc func(*CallSettings)

func (f callOptionFunc) applyCall(s *CallSettings) { f(s) }

// CallSettings is what a list of [CallOption] values adds up to. Callers have no
// use for it; it is exported for the API packages and for wrappers around them.
type CallSettings struct {
	// Header holds additional request headers; nil when there are none.
	Header http.Header
	// RequestID overrides the Client-Request-ID header.
	RequestID string
	// CorrelationID overrides the ms-correlationid header.
	CorrelationID string
	// Response receives the metadata of the answer; nil when nobody asked.
	Response *ResponseMeta
}

// ResolveCallOptions applies opts in order. Nil options are skipped.
func ResolveCallOptions(opts ...CallOption) CallSettings {
	var s CallSettings
	for _, o := range opts {
		if o != nil {
			o.applyCall(&s)
		}
	}
	return s
}

// WithHeader adds a request header. Headers that the SDK owns (Authorization,
// Host, Content-Length, Transfer-Encoding, Connection, User-Agent) and values
// with control characters are refused before the request is sent.
func WithHeader(key, value string) CallOption {
	return callOptionFunc(func(s *CallSettings) {
		if s.Header == nil {
			s.Header = make(http.Header)
		}
		s.Header.Add(key, value)
	})
}

// WithRequestID sets the Client-Request-ID header, under which the service's
// operators find the request. Default: a fresh GUID for each call, the same for
// all its attempts.
func WithRequestID(id string) CallOption {
	return callOptionFunc(func(s *CallSettings) { s.RequestID = id })
}

// WithCorrelationID sets the ms-correlationid header, which ties several calls
// together in the service's traces. Default: a fresh GUID for each call.
func WithCorrelationID(id string) CallOption {
	return callOptionFunc(func(s *CallSettings) { s.CorrelationID = id })
}

// WithResponse stores the metadata of the call's last answer in dst, whether the
// call succeeded or not.
func WithResponse(dst *ResponseMeta) CallOption {
	return callOptionFunc(func(s *CallSettings) { s.Response = dst })
}

// ResponseMeta describes the last answer that a call got.
type ResponseMeta struct {
	// StatusCode is the HTTP status, 0 when no answer arrived.
	StatusCode int
	// Header holds the answer's headers, secrets replaced by "[redacted]".
	Header http.Header
	// RequestID is the service's id of the request (Request-ID header).
	RequestID string
	// CorrelationID is the ms-correlationid of the call.
	CorrelationID string
	// ClientRequestID is the Client-Request-ID that was sent.
	ClientRequestID string
	// Attempts counts the requests sent, 1 when nothing was repeated.
	Attempts int
	// Duration is the time of the whole call, waits between attempts included.
	Duration time.Duration
}
