package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/redact"
)

// call is the state of one call, which its stages share. The stages of a call
// run one after another, so that it needs no lock.
type call struct {
	client   *Client
	policy   policy
	settings partnercenter.CallSettings
	started  time.Time

	method, path  string
	requestID     string // Client-Request-ID
	correlationID string // ms-correlationid
	idempotent    bool
	doubt503      bool

	attempts   int           // requests put on the wire
	retries    int           // decided by checkRetry
	delay      time.Duration // before the next attempt
	retryAfter time.Duration // asked for by the latest answer
	cut        error         // why the next attempt did not take place
	doubt      bool          // an attempt that was repeated may have been carried out

	bearers   []string // tokens sent, for scrubbing
	refreshed bool     // the one forced refresh has been spent
	claims    string   // of a challenge that was answered
	tokenErr  error    // of the forced refresh

	status int         // of the latest answer
	text   string      // its status line
	header http.Header // its headers
	body   []byte      // its body
}

type callKey struct{}

// callOf returns the state that travels in the request's context.
func callOf(r *http.Request) *call {
	st, _ := r.Context().Value(callKey{}).(*call)
	return st
}

// localError is a failure on this side of the wire: trying again is useless.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// run hands the request to go-retryablehttp. The client value is made for each
// call because its hooks need the call's state; it is small.
func (c *call) run(req *retryablehttp.Request) (*http.Response, error) {
	engine := retryablehttp.Client{
		HTTPClient:   c.client.http,
		Logger:       nil, // its own log lines print query strings
		RetryMax:     c.policy.maxRetries,
		CheckRetry:   c.checkRetry,
		Backoff:      c.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return engine.Do(req)
}

// finish turns the outcome into a Response or an error and fills in the
// caller's metadata.
func (c *call) finish(ctx context.Context, resp *http.Response, err error) (*Response, error) {
	if resp != nil {
		_ = resp.Body.Close() // already read by the wire stage
	}
	if c.settings.Response != nil {
		header := redact.Header(c.header, c.bearers...)
		*c.settings.Response = partnercenter.ResponseMeta{
			StatusCode:      c.status,
			Header:          header,
			RequestID:       header.Get("Request-ID"),
			CorrelationID:   c.correlationID,
			ClientRequestID: c.requestID,
			Attempts:        c.attempts,
			Duration:        time.Since(c.started),
		}
	}
	if err == nil && c.status/100 == 2 {
		return &Response{StatusCode: c.status, Header: c.header, Body: c.body, path: c.path}, nil
	}
	if local, ok := errors.AsType[*localError](err); ok {
		return nil, fmt.Errorf("%s %s: %w", c.method, c.path, local.err)
	}
	e := &partnercenter.Error{
		Method: c.method, Path: c.path,
		StatusCode: c.status, Header: c.header,
		ClientRequestID: c.requestID,
		CorrelationID:   c.correlationID,
		Attempts:        c.attempts,
		RetryAfter:      c.retryAfter,
		Claims:          c.claims,
	}
	if c.status != 0 {
		decodeError(e, c.body, c.bearers)
		complaint := complaintOf(e, c.text)
		if c.status == http.StatusUnauthorized {
			e.Claims = first(challengeClaims(c.header), c.claims)
			// A source that could not be reached says nothing about the sign-in; one
			// that says something is the cause.
			e.InteractionRequired = complaint == complaintMFA || complaint == complaintNone && e.Claims != "" && c.tokenErr == nil
		}
		e.Advice = advise(e, complaint, c.client.resource)
	}
	switch {
	case c.cut != nil && err != nil && !errors.Is(err, c.cut):
		// That the time was too short for another attempt is no reason to hide why
		// the last one failed.
		e.Err = fmt.Errorf("%w, and no time for another attempt: %w", scrub(err, c.bearers), c.cut)
	case c.cut != nil:
		e.Err = c.cut
	case c.tokenErr != nil:
		e.Err = c.tokenErr
	case err != nil:
		e.Err = scrub(causeOf(ctx, err), c.bearers)
	}
	if c.doubt && c.method == http.MethodDelete && c.status == http.StatusNotFound {
		return nil, &deletedError{e}
	}
	return nil, e
}

// scrub takes URLs, which may hold a signature, and known secrets out of a
// transport's error.
func scrub(err error, known []string) error {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			break
		}
		err = u.Err
	}
	return clean(err, query.ReplaceAllString(err.Error(), "$1"), known)
}

// query matches the query of a URL within text.
var query = regexp.MustCompile(`(https?://[^\s"'<>?#]*)\?[^\s"'<>]*`)

// clean returns err itself when its text may be shown. Otherwise it returns an
// error of the redacted text that matches the same targets of [errors.Is], but
// gives access to nothing below it.
func clean(err error, text string, known []string) error {
	text = redact.Text(text, known...)
	if text == err.Error() {
		return err
	}
	return &cleanError{text, func(target error) bool { return errors.Is(err, target) }}
}

type cleanError struct {
	text string
	is   func(error) bool
}

func (e *cleanError) Error() string        { return e.text }
func (e *cleanError) Is(target error) bool { return e.is(target) }
