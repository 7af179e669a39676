package pctest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Fault is something that goes wrong: what, with which request, how often. Begin
// with [Answer], [AnswerAfterwards], [Refuse], [Reset], [LoseAnswer],
// [CutAfter], [StallAfter], [Delay] or [ExpiredLink]; the methods return a changed
// copy, so a Fault may be shared and is safe for concurrent use. Without further words
// a fault hits the next request, once.
type Fault struct{ f kit.Fault }

// Answer answers with the status in the service's place, which never sees the
// request. The body has [ShapeGateway] unless [Fault.Shaped] or [Fault.Body] say
// otherwise.
func Answer(status int) Fault { return Fault{kit.Fault{Status: status}} }

// Refuse fails before a connection comes about, so the service has certainly not
// seen the request. On a loopback listener, where the connection already stands,
// it is a reset instead.
func Refuse() Fault { return Fault{kit.Fault{Drop: kit.DropRefuse}} }

// Reset resets the connection after the request was sent and before the service
// has acted on it, which the client cannot know.
func Reset() Fault { return Fault{kit.Fault{Drop: kit.DropReset}} }

// LoseAnswer lets the service act on the request and then resets the connection.
func LoseAnswer() Fault { return Fault{kit.Fault{Drop: kit.DropAnswer}} }

// AnswerAfterwards lets the service act on the request and then answers with the
// status in its place: the 503 of a submission that was made all the same.
func AnswerAfterwards(status int) Fault { return Fault{kit.Fault{Status: status, Afterwards: true}} }

// CutAfter ends the connection after n bytes of the answer's body.
func CutAfter(n int64) Fault { return Fault{kit.Fault{Cut: true, CutAt: n}} }

// StallAfter sends n bytes of the answer's body and then nothing more, until the
// client goes away or the time given by [Fault.For] has passed.
func StallAfter(n int64) Fault { return Fault{kit.Fault{Stall: true, StallAt: n}} }

// Delay waits before anything else happens.
func Delay(d time.Duration) Fault { return Fault{kit.Fault{Latency: d}} }

// ExpiredLink answers a download as the store does after the link's time. To let
// the links of an export really expire, use [Payouts.ExpireLinks].
func ExpiredLink() Fault {
	return Answer(http.StatusForbidden).At(Blob).Shaped(ShapeXML, "AuthenticationFailed",
		"Server failed to authenticate the request. Signature not valid in the specified time frame.").
		WithHeader("x-ms-error-code", "AuthenticationFailed")
}

// On restricts the fault to a method and a path, in which an asterisk stands for
// any text, slashes included. Empty strings mean any.
func (f Fault) On(method, path string) Fault {
	f.f.Method, f.f.Path = method, path
	return f
}

// At restricts the fault to a host.
func (f Fault) At(host Host) Fault {
	f.f.Host = string(host)
	return f
}

// Skip lets the first n matching requests pass.
func (f Fault) Skip(n int) Fault {
	f.f.Skip = n
	return f
}

// Times hits n requests instead of one.
func (f Fault) Times(n int) Fault {
	f.f.Times = max(n, 0)
	return f
}

// Always hits every matching request.
func (f Fault) Always() Fault {
	f.f.Times = -1
	return f
}

// Delayed adds a wait before the fault.
func (f Fault) Delayed(d time.Duration) Fault {
	f.f.Latency = d
	return f
}

// For ends a stall after d; the rest of the body follows.
func (f Fault) For(d time.Duration) Fault {
	f.f.StallFor = d
	return f
}

// RetryAfter adds a Retry-After header with d in whole seconds, rounded up.
func (f Fault) RetryAfter(d time.Duration) Fault {
	f.f.RetryAfter, f.f.RetryAfterDate = d, false
	return f
}

// RetryAt adds a Retry-After header with the date that d leads to.
func (f Fault) RetryAt(d time.Duration) Fault {
	f.f.RetryAfter, f.f.RetryAfterDate = d, true
	return f
}

// Shaped sets the form of the answer's error body, its code and its message.
// Empty strings mean those that go with the status.
func (f Fault) Shaped(shape ErrorShape, code, message string) Fault {
	f.f.Shape, f.f.Code, f.f.Message = shape.internal(), code, message
	return f
}

// Body sets the answer's body as it is; its content type is for
// [Fault.WithHeader] to say.
func (f Fault) Body(body string) Fault {
	f.f.Body = []byte(body)
	return f
}

// WithHeader adds a header to the answer.
func (f Fault) WithHeader(key, value string) Fault {
	h := f.f.Header.Clone()
	if h == nil {
		h = make(http.Header)
	}
	h.Add(key, value)
	f.f.Header = h
	return f
}

// ErrorShape is a form in which an error is written. All of them have been seen on
// the hosts concerned, or are documented for them.
type ErrorShape int

// The shapes of error bodies.
const (
	// ShapeGateway: {"statusCode": 401, "message": "..."}.
	ShapeGateway ErrorShape = iota
	// ShapeNested: {"error": {"code": "...", "message": "...", "innerError": {...}}}.
	ShapeNested
	// ShapePartner: {"code": "900421", "description": "...", "data": [], "source": "..."}.
	ShapePartner
	// ShapePartnerNumber is ShapePartner with a numeric code.
	ShapePartnerNumber
	// ShapeEmpty: no body.
	ShapeEmpty
	// ShapeHTML: a page, as proxies answer.
	ShapeHTML
	// ShapeEntra: {"error": "...", "error_description": "...", ...}.
	ShapeEntra
	// ShapeXML: <Error><Code>...</Code><Message>...</Message></Error>.
	ShapeXML
	// ShapeICH: "ICH50400 - Unable to complete request. {...}", a JSON string with an
	// object in it, as recorded from the submission API.
	ShapeICH
	// ShapeIngestion: {"code": "InvalidState", "data": [], "details": [],
	// "message": "...", "source": "Ingestion Api"}.
	ShapeIngestion
	// ShapeException: a JSON string with the text of a .NET exception, which holds
	// problem JSON.
	ShapeException
	// ShapeText: the message as plain text.
	ShapeText
)

// Injected is a fault that waits for its requests. It is safe for concurrent use.
type Injected struct{ i *kit.Injected }

// Hits returns how many requests the fault has hit.
func (i *Injected) Hits() int { return i.i.Hits() }

// Remove takes the fault back.
func (i *Injected) Remove() { i.i.Remove() }

// Inject lets a fault happen. Of several faults that match a request, the one
// injected first takes it, and the others wait for the next.
func (s *Server) Inject(f Fault) *Injected { return &Injected{s.faults.Add(f.f)} }

// ClearFaults takes all faults back.
func (s *Server) ClearFaults() { s.faults.Clear() }

// internal guards against numbers that are no shape.
func (s ErrorShape) internal() kit.Shape {
	if s < ShapeGateway || s > ShapeText {
		return kit.ShapeGateway
	}
	return kit.Shape(s)
}

// MarshalJSON implements [json.Marshaler]; see [ParseFaults] for the form.
func (f Fault) MarshalJSON() ([]byte, error) { return f.f.MarshalJSON() }

// UnmarshalJSON implements [json.Unmarshaler]. Fields that do not exist and faults by
// which nothing would go wrong are errors.
func (f *Fault) UnmarshalJSON(b []byte) error { return f.f.UnmarshalJSON(b) }

// ParseFaults reads faults from a file: a JSON object or a list of them. The fields
// are what this package has functions and methods for:
//
//	[
//	  {"method": "GET", "path": "/v1.0/payouts/*", "times": 2, "status": 503, "retryAfter": "2s"},
//	  {"host": "*.blob.core.windows.net", "cutAfter": 1048576},
//	  {"host": "login.microsoftonline.com", "skip": 1, "drop": "reset"}
//	]
//
// With which request: method, host and path, with asterisks as in [Fault.On]; skip and
// times, or always. What happens: status with shape, code, message, body, header,
// retryAfter or retryAt, and afterwards as for [AnswerAfterwards]; drop (refuse, reset or
// answer, as [Refuse], [Reset] and [LoseAnswer]); cutAfter, stallAfter with stallFor;
// delay. Shapes are gateway, nested, partner, partnerNumber, empty, html, entra, xml, ich,
// ingestion, exception and text. Durations are written as [time.ParseDuration] reads them,
// sizes are bytes.
func ParseFaults(b []byte) ([]Fault, error) {
	list, err := kit.ParseFaults(b)
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	out := make([]Fault, len(list))
	for i, f := range list {
		out[i] = Fault{f}
	}
	return out, nil
}
