package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/header"
)

// Blob sends requests to pre-signed links: no token, no correlation headers, no
// redirects, and no query string in any error or log record. It is safe for
// concurrent use.
type Blob struct {
	wire      http.RoundTripper
	policy    policy
	log       *slog.Logger
	userAgent string
}

func newBlob(wire http.RoundTripper, p policy, log *slog.Logger, agent string) *Blob {
	return &Blob{wire: wire, policy: p, log: log, userAgent: agent}
}

// Logger returns the logger of the options; one that discards if there is none.
func (b *Blob) Logger() *slog.Logger { return b.log }

func refuseRedirect(*http.Request, []*http.Request) error {
	return &localError{errors.New("the blob store redirects to another address; it is not followed")}
}

// Do sends the request until an answer arrives that is worth having, with the
// policy of the API pipeline for idempotent calls: statuses that may pass and
// connections lost before the answer began are tried again. The answer's body is
// handed out as it streams; what happens to it is the caller's business. Answers
// other than 2xx are handed out too; see [BlobError].
//
// A request with a body needs GetBody. The AttemptTimeout of the options bounds
// the time to the answer's header, counted from when the last bytes of the body were
// taken: a large block on a slow line may take as long as it needs.
func (b *Blob) Do(req *http.Request) (*http.Response, error) {
	st := &call{
		client: &Client{log: b.log}, policy: b.policy, started: time.Now(),
		method: req.Method, path: req.URL.EscapedPath(), idempotent: true,
	}
	if err := checkBlobRequest(req); err != nil {
		return nil, fmt.Errorf("%s %s: %w", st.method, st.path, err)
	}
	out := req.Clone(context.WithValue(req.Context(), callKey{}, st))
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	out.Header.Set("User-Agent", b.userAgent)
	if out.Header.Get("Accept-Encoding") == "" {
		out.Header.Set("Accept-Encoding", "identity") // bytes are counted as they are stored
	}
	engine := retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     b.headerTimeout(st),
			CheckRedirect: refuseRedirect,
		},
		Logger:       nil,
		RetryMax:     b.policy.maxRetries,
		CheckRetry:   st.checkRetry,
		Backoff:      st.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	wrapped := &retryablehttp.Request{Request: out}
	if req.GetBody != nil {
		if err := wrapped.SetBody(retryablehttp.ReaderFunc(func() (io.Reader, error) { return req.GetBody() })); err != nil {
			return nil, fmt.Errorf("%s %s: %w", st.method, st.path, err)
		}
		wrapped.ContentLength = req.ContentLength
	}
	resp, err := engine.Do(wrapped)
	if err == nil {
		return resp, nil
	}
	if resp != nil {
		_ = resp.Body.Close()
	}
	if local, ok := errors.AsType[*localError](err); ok {
		return nil, fmt.Errorf("%s %s: %w", st.method, st.path, local.err)
	}
	return nil, &partnercenter.Error{
		Method: st.method, Path: st.path, Attempts: st.attempts,
		StatusCode: st.status, RetryAfter: st.retryAfter, Err: scrub(causeOf(req.Context(), err), nil),
	}
}

func checkBlobRequest(req *http.Request) error {
	for key := range req.Header {
		if http.CanonicalHeaderKey(key) == "Authorization" {
			return errors.New("refusing to send credentials to a blob store")
		}
	}
	switch {
	case req.URL.User != nil:
		return errors.New("refusing an address with a user name in it")
	case req.Body != nil && req.Body != http.NoBody && req.GetBody == nil:
		return errors.New("the request has a body but no GetBody, so it could not be sent again")
	}
	return checkScheme(req.URL)
}

// headerTimeout bounds the time until the answer begins. The context of a request
// whose answer has begun is cancelled when the body is closed.
func (b *Blob) headerTimeout(st *call) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		st.attempts++
		st.status = 0
		ctx, cancel := context.WithCancelCause(req.Context())
		out, stop := req.WithContext(ctx), func() bool { return true }
		if limit := b.policy.attemptTimeout; limit > 0 {
			d := newDeadline(limit, func() { cancel(attemptTimedOut(limit)) })
			if out.Body != nil && out.Body != http.NoBody {
				out.Body = &pulse{out.Body, d}
			}
			stop = d.stop
		}
		start := time.Now()
		resp, err := exchange(b.wire, out)
		if !stop() {
			if err == nil {
				_ = resp.Body.Close()
			}
			err = context.Cause(ctx)
		}
		if err != nil {
			err = causeOf(ctx, err)
			cancel(nil)
			b.logAttempt(req, st, start, 0, err)
			return nil, err
		}
		st.status = resp.StatusCode
		resp.Body = &cancelBody{resp.Body, cancel}
		b.logAttempt(req, st, start, resp.StatusCode, nil)
		return resp, nil
	}
}

func (b *Blob) logAttempt(req *http.Request, st *call, start time.Time, status int, err error) {
	ctx := req.Context()
	if !b.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", st.method), slog.String("host", req.URL.Host), slog.String("path", st.path),
		slog.Int("attempt", st.attempts), slog.Duration("duration", time.Since(start)),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", scrub(err, nil).Error()))
	} else {
		attrs = append(attrs, slog.Int("status", status))
	}
	b.log.LogAttrs(ctx, slog.LevelDebug, "blob request", attrs...)
}

type cancelBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *cancelBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// BlobError reads the body of an answer other than 2xx, closes it, and makes an
// error of it that knows the blob store's XML.
func BlobError(resp *http.Response) *partnercenter.Error {
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4*keepBody)) // what is there is enough
	e := &partnercenter.Error{StatusCode: resp.StatusCode, Header: resp.Header, Attempts: 1}
	if resp.Request != nil {
		e.Method, e.Path = resp.Request.Method, resp.Request.URL.EscapedPath()
		if st := callOf(resp.Request); st != nil {
			e.Attempts = st.attempts
		}
	}
	e.RetryAfter, _ = header.RetryAfter(resp.Header, time.Now())
	decodeError(e, body, nil)
	return e
}
