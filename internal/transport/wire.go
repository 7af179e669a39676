package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer bounds what is read of one answer. API answers are documents, not
// files: the largest known, a page of a hundred products, is far below 1 MiB.
const maxAnswer = 64 << 20

// roundTrip is one stage of the pipeline, seen from the stage before it. That it
// is a function, without a CloseIdleConnections method, matters: go-retryablehttp
// closes the idle connections of a client with such a transport on every failure.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// readAnswer is the wire stage: it sends the request and reads the answer to its
// end, so that an answer that breaks off is a failed attempt like any other and
// the connection can be used again.
func (c *Client) readAnswer(wire http.RoundTripper) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		st := callOf(req)
		if limit := c.policy.attemptTimeout; limit > 0 {
			ctx, cancel := context.WithTimeoutCause(req.Context(), limit, attemptTimedOut(limit))
			defer cancel()
			req = req.WithContext(ctx)
		}
		st.status, st.text, st.header, st.body = 0, "", nil, nil
		st.attempts++
		resp, err := exchange(wire, req)
		if err != nil {
			return nil, causeOf(req.Context(), err)
		}
		body, err := readAll(req.Method, resp)
		if closeErr := resp.Body.Close(); err == nil && closeErr != nil {
			err = closeErr
		}
		if err != nil {
			return nil, causeOf(req.Context(), err)
		}
		st.status, st.text, st.header, st.body = resp.StatusCode, resp.Status, resp.Header, body
		resp.Body = http.NoBody
		return resp, nil
	}
}

// exchange is one use of the caller's transport. What net/http repairs in the
// answers of careless transports it repairs above this stage, so it is done here.
func exchange(wire http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := wire.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, &localError{fmt.Errorf("Options.Transport (%T) returned neither an answer nor an error", wire)}
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}

// readAll takes the announced length as a hint, not as the truth: transports in
// tests often leave it zero.
func readAll(method string, resp *http.Response) ([]byte, error) {
	announced := resp.ContentLength
	if resp.Body == http.NoBody || method == http.MethodHead {
		return nil, nil
	}
	var buf bytes.Buffer
	if announced > 0 && announced <= maxAnswer {
		buf.Grow(int(announced) + bytes.MinRead)
	}
	if announced <= maxAnswer {
		_, err := buf.ReadFrom(&io.LimitedReader{R: resp.Body, N: maxAnswer + 1})
		if err == nil && int64(buf.Len()) < announced {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
	}
	if announced > maxAnswer || buf.Len() > maxAnswer {
		return nil, &localError{fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)}
	}
	return buf.Bytes(), nil
}

// causeOf prefers the reason why a request was ended to what the transport made
// of it.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
