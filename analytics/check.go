package analytics

import (
	"context"
	"fmt"
	"strings"
)

// Problem is something about a request that the service will refuse, or might. It is
// a plain value: copies are independent and safe for concurrent use.
type Problem struct {
	// Field is the part of the request, as the service calls it, for example
	// "ReportName".
	Field string
	// Message says what is wrong and what to do.
	Message string
	// Disputed is set when the service's own documentation disagrees about the
	// rule. Such problems are warnings unless the client was made with
	// [CheckStrict].
	Disputed bool

	must bool // cannot be sent at all, whatever the checks
}

// String returns field and message.
func (p Problem) String() string { return p.Field + ": " + p.Message }

// RequestError lists what is wrong with a request that was therefore not sent.
type RequestError struct {
	// Operation is what was to be done, for example "create report".
	Operation string
	// Problems are in the order of the request's fields, never empty.
	Problems []Problem
}

// Error returns one line with all problems.
func (e *RequestError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return "analytics: " + e.Operation + ": " + strings.Join(texts, "; ")
}

// problems collects what the checks of one request find.
type problems []Problem

// must adds what makes a request impossible, not only wrong.
func (p *problems) must(field, format string, args ...any) {
	*p = append(*p, Problem{Field: field, Message: fmt.Sprintf(format, args...), must: true})
}

// published adds a violation of a published rule.
func (p *problems) published(field, format string, args ...any) {
	*p = append(*p, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}

// disputed adds a violation of a rule that the documentation contradicts.
func (p *problems) disputed(field, format string, args ...any) {
	*p = append(*p, Problem{Field: field, Message: fmt.Sprintf(format, args...), Disputed: true})
}

// judge sorts problems into those that stop the request and those that are
// warnings.
func (c *Client) judge(ctx context.Context, operation string, found problems) error {
	var stop []Problem
	for _, p := range found {
		switch {
		case p.must, c.set.checks == CheckStrict, c.set.checks == CheckPublished && !p.Disputed:
			stop = append(stop, p)
		case c.set.checks == CheckNone:
		default:
			c.warn(ctx, operation, p)
		}
	}
	if len(stop) > 0 {
		return &RequestError{Operation: operation, Problems: stop}
	}
	return nil
}
