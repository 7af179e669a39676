package partnercenter

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Kinds of failure, for [errors.Is]. An [*Error] matches those that its status
// stands for.
var (
	// ErrUnauthorized: the token was refused (401). See [Error.Advice].
	ErrUnauthorized = errors.New("unauthorized")
	// ErrInteractionRequired: nothing but a sign-in by the user can help, as a rule
	// one with multifactor authentication. An [*Error] matches it when the API has
	// said so, see [Error.InteractionRequired]; the errors of package auth match it
	// when Entra ID has. Do not repeat the call; call for a person.
	ErrInteractionRequired = errors.New("user interaction required")
	// ErrForbidden: the caller is known but may not do this (403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: there is no such thing for this caller (404).
	ErrNotFound = errors.New("not found")
	// ErrConflict: the thing changed or is in the wrong state (409, 412).
	ErrConflict = errors.New("conflict")
	// ErrThrottled: too many requests (429). See [Error.RetryAfter].
	ErrThrottled = errors.New("throttled")
	// ErrServer: the service failed (5xx).
	ErrServer = errors.New("server error")
	// ErrNoResponse: no answer arrived, or none that could be read to its end.
	ErrNoResponse = errors.New("no response")
)

// Error is a request that the service refused or did not answer. All API
// packages return it, wrapped at most in context; get at it with
//
//	var e *partnercenter.Error
//	if errors.As(err, &e) { ... }
//
// None of its fields holds a token, a query string or a SAS signature: what looks
// like one in the answer has been replaced by "[redacted]".
type Error struct {
	// StatusCode is the HTTP status; 0 when no answer arrived.
	StatusCode int `json:"statusCode"`
	// Code is the service's error code, for example "accessDenied", "900421" or
	// "ICH50400"; empty when the answer had none.
	Code string `json:"code,omitempty"`
	// Message is the service's text.
	Message string `json:"message,omitempty"`
	// Target is the part of the request that the error is about.
	Target string `json:"target,omitempty"`
	// Details are nested errors, the outermost first.
	Details []ErrorDetail `json:"details,omitempty"`
	// Fields maps a field of the request to what is wrong with it.
	Fields map[string][]string `json:"fields,omitempty"`
	// Advice says what to change, when the SDK knows.
	Advice string `json:"advice,omitempty"`
	// RequestID is the service's id of the request; quote it to support.
	RequestID string `json:"requestId,omitempty"`
	// CorrelationID ties the request to the service's traces.
	CorrelationID string `json:"correlationId,omitempty"`
	// ClientRequestID is the id that was sent with the request.
	ClientRequestID string `json:"clientRequestId,omitempty"`
	// Claims is the claims challenge of a 401 answer, as JSON text.
	Claims string `json:"claims,omitempty"`
	// InteractionRequired is true of a 401 that no new token of the same sign-in
	// can mend: the sign-in lacked multifactor authentication (code 900421, see
	// https://learn.microsoft.com/partner-center/security/partner-security-requirements-mandating-mfa),
	// or the token source could not meet the claims that the API asked for.
	InteractionRequired bool `json:"interactionRequired,omitempty"`
	// Attempts counts the requests sent.
	Attempts int `json:"attempts"`
	// RetryAfter is how long the service asked to wait; 0 when it did not say.
	// In JSON it is in nanoseconds.
	RetryAfter time.Duration `json:"retryAfter,omitempty"`
	// Method is that of the request.
	Method string `json:"method"`
	// Path is that of the request, without query.
	Path string `json:"path"`
	// Header holds the headers of the answer; nil when none arrived. Error never
	// prints them.
	Header http.Header `json:"-"`
	// Body is the answer's body, cut after 8 KiB. Error never prints it.
	Body []byte `json:"-"`
	// Err is the cause when no answer arrived, when the wait for the next attempt
	// was cut short, or when a 401 was answered with a request for a new token
	// that failed.
	Err error `json:"-"`
}

// ErrorDetail is an error inside an error.
type ErrorDetail struct {
	// Code is the detail's error code.
	Code string `json:"code,omitempty"`
	// Message is the detail's text.
	Message string `json:"message,omitempty"`
	// Target is the part of the request that the detail is about.
	Target string `json:"target,omitempty"`
}

// maxFields is how many of an error's fields are printed.
const maxFields = 8

// Error returns one line: method, path, status, code, message, fields, cause, ids,
// attempts and advice, each as far as known.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(oneLine(strings.TrimSpace(e.Method + " " + e.Path)))
	b.WriteString(": ")
	if e.StatusCode != 0 {
		b.WriteString(strconv.Itoa(e.StatusCode))
		if t := http.StatusText(e.StatusCode); t != "" {
			b.WriteString(" " + t)
		}
	} else {
		b.WriteString("no response")
	}
	if e.Code != "" {
		b.WriteString(": " + oneLine(e.Code))
	}
	if e.Message != "" {
		b.WriteString(": " + oneLine(e.Message))
	}
	for i, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if i == maxFields {
			fmt.Fprintf(&b, "; and %d more fields", len(e.Fields)-maxFields)
			break
		}
		fmt.Fprintf(&b, "; field %s: %s", oneLine(name), oneLine(strings.Join(e.Fields[name], ", ")))
	}
	if e.Err != nil {
		b.WriteString(": " + oneLine(e.Err.Error()))
	}
	var meta []string
	if e.RequestID != "" {
		meta = append(meta, "request id "+oneLine(e.RequestID))
	} else if e.ClientRequestID != "" {
		meta = append(meta, "client request id "+oneLine(e.ClientRequestID))
	}
	if e.CorrelationID != "" {
		meta = append(meta, "correlation id "+oneLine(e.CorrelationID))
	}
	if e.Attempts > 1 {
		meta = append(meta, strconv.Itoa(e.Attempts)+" attempts")
	}
	if e.RetryAfter > 0 {
		meta = append(meta, "retry after "+e.RetryAfter.String())
	}
	if len(meta) > 0 {
		b.WriteString(" (" + strings.Join(meta, ", ") + ")")
	}
	if e.Advice != "" {
		b.WriteString(". " + oneLine(e.Advice))
	}
	return b.String()
}

// Is matches the sentinels of this package by status, and [ErrInteractionRequired] by
// InteractionRequired.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrInteractionRequired:
		return e.InteractionRequired
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound
	case ErrConflict:
		return e.StatusCode == http.StatusConflict || e.StatusCode == http.StatusPreconditionFailed
	case ErrThrottled:
		return e.StatusCode == http.StatusTooManyRequests
	case ErrServer:
		return e.StatusCode >= 500 && e.StatusCode <= 599
	case ErrNoResponse:
		return e.StatusCode == 0
	}
	return false
}

// Unwrap returns the cause, Err.
func (e *Error) Unwrap() error { return e.Err }

// LogValue implements [slog.LogValuer]: a group of what Error prints, one
// attribute each.
func (e *Error) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, 16)
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, oneLine(value)))
		}
	}
	text("method", e.Method)
	text("path", e.Path)
	attrs = append(attrs, slog.Int("status", e.StatusCode))
	text("code", e.Code)
	text("message", e.Message)
	text("target", e.Target)
	if len(e.Fields) > 0 {
		attrs = append(attrs, slog.Any("fields", e.Fields))
	}
	text("request_id", e.RequestID)
	text("client_request_id", e.ClientRequestID)
	text("correlation_id", e.CorrelationID)
	if e.InteractionRequired {
		attrs = append(attrs, slog.Bool("interaction_required", true))
	}
	attrs = append(attrs, slog.Int("attempts", e.Attempts))
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	text("advice", e.Advice)
	if e.Err != nil {
		text("cause", e.Err.Error())
	}
	return slog.GroupValue(attrs...)
}

// HasCode reports whether err is, or wraps, an [*Error] whose code, or the code
// of one of whose details, is one of codes. Case does not matter.
func HasCode(err error, codes ...string) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	has := func(code string) bool {
		return code != "" && slices.ContainsFunc(codes, func(c string) bool { return strings.EqualFold(c, code) })
	}
	return has(e.Code) || slices.ContainsFunc(e.Details, func(d ErrorDetail) bool { return has(d.Code) })
}

// oneLine keeps text of foreign origin on one line and within reason.
func oneLine(s string) string {
	const limit = 2048
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if !strings.ContainsFunc(s, breaksLine) {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || breaksLine(r) }), " ")
}

// breaksLine is true of control characters and of Unicode's own line breaks.
func breaksLine(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}
