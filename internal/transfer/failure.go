package transfer

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/redact"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// brokenError is a failure after which it is worth going on from the byte reached.
type brokenError struct {
	err error
	// retried is set when the Doer has already done its best.
	retried bool
}

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// noAnswer makes an error of a request without answer.
func noAnswer(ctx context.Context, method string, u *url.URL, err error) error {
	if stalled, ok := errors.AsType[*stallError](context.Cause(ctx)); ok {
		return &brokenError{err: &partnercenter.Error{Method: method, Path: u.EscapedPath(), Attempts: 1, Err: stalled}}
	}
	if _, ok := errors.AsType[*partnercenter.Error](err); ok {
		return &brokenError{err: err, retried: true}
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok { // its text holds the link
		return &brokenError{retried: true, err: &partnercenter.Error{
			Method: method, Path: u.EscapedPath(), Attempts: 1, Err: wrapped.Err,
		}}
	}
	return err // a mistake on this side of the wire
}

// passing reports statuses after which the same request may go well later.
func passing(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// storeError makes an error of an answer that refuses. What repeats the link, in
// any spelling, is not kept.
func storeError(resp *http.Response, method string, u *url.URL) *partnercenter.Error {
	e := transport.BlobError(resp)
	e.Method, e.Path = method, u.EscapedPath()
	if e.Code == "" {
		e.Code = resp.Header.Get("x-ms-error-code")
	}
	sig := u.Query().Get("sig")
	e.Message, e.Body = redact.Text(e.Message, sig), redact.Bytes(e.Body, sig)
	for i := range e.Details {
		e.Details[i].Message = redact.Text(e.Details[i].Message, sig)
	}
	e.Header = redact.Header(e.Header, sig)
	return e
}
