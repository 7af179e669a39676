package auth

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Error is a token that could not be had. Get at it with [errors.As]; compare its kind
// with [errors.Is] and the Err variables of this package.
//
// None of its fields holds a secret, a password or a token: the secrets in use and
// whatever looks like one have been replaced by "[redacted]", and no error value of
// MSAL or of the HTTP stack, which quote whole requests and answers, is kept. It is
// shared between all callers that waited for the same token; treat it as read-only.
type Error struct {
	// Kind says what to do about it.
	Kind Kind
	// Code is the OAuth error, for example "invalid_client".
	Code string
	// SubCode is the suberror field, for example "basic_action".
	SubCode string
	// STSCodes are the numbers of AADSTS messages, the most important one first.
	// They are for people: programs should look at Kind.
	STSCodes []int
	// Description is Entra ID's text, without ids and time stamp, or the SDK's own
	// when there was no answer.
	Description string
	// Advice says what to do, in one or two sentences.
	Advice string
	// Status is the HTTP status; 0 when no answer arrived.
	Status int
	// RetryAfter is how long to wait before asking again; 0 when nobody said.
	RetryAfter time.Duration
	// CorrelationID and TraceID find the request in Entra ID's sign-in logs.
	CorrelationID, TraceID string
	// Claims is a claims challenge as JSON text, to be passed to an interactive
	// sign-in.
	Claims string
	// TenantID, ClientID and Resource say which token was asked for.
	TenantID, ClientID, Resource string
	// Err is the cause when no answer arrived. Its text is redacted; [errors.Is]
	// and [errors.As] see through it.
	Err error `json:"-"`
}

// Error returns one line: kind, codes, description, what was asked for, ids, advice.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("auth: " + e.Kind.String())
	if codes := e.codes(); codes != "" {
		b.WriteString(" (" + codes + ")")
	}
	if e.Description != "" {
		b.WriteString(": " + strings.TrimSuffix(e.Description, "."))
	}
	if meta := e.meta(); len(meta) > 0 {
		b.WriteString(" (" + strings.Join(meta, ", ") + ")")
	}
	if e.Advice != "" {
		b.WriteString(". " + e.Advice)
	}
	return b.String()
}

func (e *Error) codes() string {
	var parts []string
	for _, p := range []string{e.Code, e.SubCode} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	for _, c := range e.STSCodes {
		parts = append(parts, "AADSTS"+strconv.Itoa(c))
	}
	return strings.Join(parts, ", ")
}

func (e *Error) meta() []string {
	var parts []string
	add := func(label, value string) {
		if value != "" {
			parts = append(parts, label+" "+value)
		}
	}
	add("resource", e.Resource)
	add("application", e.ClientID)
	add("tenant", e.TenantID)
	if e.Status != 0 {
		add("status", strconv.Itoa(e.Status))
	}
	add("correlation id", e.CorrelationID)
	add("trace id", e.TraceID)
	if e.RetryAfter > 0 {
		add("retry after", e.RetryAfter.String())
	}
	return parts
}

// GoString prints what Error does, so that %#v shows no more.
func (e *Error) GoString() string { return fmt.Sprintf("&auth.Error{%q}", e.Error()) }

// Is matches the error of the kind, such as [ErrTransient].
func (e *Error) Is(target error) bool {
	s := e.Kind.sentinel()
	return s != nil && target == s
}

// Unwrap returns the cause when no answer arrived.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether asking again later may help.
func (e *Error) Temporary() bool { return e.Kind == KindTransient }

// HasSTSCode reports whether one of codes is among the AADSTS numbers of the error.
func (e *Error) HasSTSCode(codes ...int) bool {
	return slices.ContainsFunc(e.STSCodes, func(c int) bool { return slices.Contains(codes, c) })
}

// LogValue implements [slog.LogValuer]: a group of what Error prints.
func (e *Error) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, 14)
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	text("kind", e.Kind.String())
	text("code", e.Code)
	text("suberror", e.SubCode)
	if len(e.STSCodes) > 0 {
		attrs = append(attrs, slog.Any("aadsts", e.STSCodes))
	}
	text("description", e.Description)
	text("advice", e.Advice)
	if e.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Status))
	}
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	text("correlation_id", e.CorrelationID)
	text("trace_id", e.TraceID)
	text("tenant", e.TenantID)
	text("client_id", e.ClientID)
	text("resource", e.Resource)
	return slog.GroupValue(attrs...)
}
