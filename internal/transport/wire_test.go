package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

// body counts what is read of it.
type body struct {
	io.Reader
	read   int64
	closed bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += int64(n)
	return n, err
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestHugeAnswersAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		announced, there, readAtMost int64
		ok                           bool
	}{
		"announced":          {maxAnswer + 1, maxAnswer + 1, 0, false},
		"longer than told":   {10, 1 << 40, maxAnswer + 1, false},
		"as much as allowed": {-1, maxAnswer, maxAnswer, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := &body{Reader: io.LimitReader(zeros{}, tc.there)}
			wire := script(func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Body: b, ContentLength: tc.announced, Request: req}, nil
			})
			resp, err := newClient(t, wire, partnercenter.Options{Retry: quick}).Do(t.Context(), get("/x"))
			if tc.ok {
				if err != nil || len(resp.Body) != maxAnswer {
					t.Error(err)
				}
			} else {
				wantText(t, err, "larger than 64 MiB", "GET /v1.0/x")
			}
			if b.read > tc.readAtMost || !b.closed || wire.calls() != 1 {
				t.Errorf("%d bytes read, closed %v, %d requests", b.read, b.closed, wire.calls())
			}
		})
	}
}

// Transports of tests rarely fill in every field of a response.
func TestCarelessTransports(t *testing.T) {
	for name, tc := range map[string]struct {
		method string
		resp   *http.Response
		want   string
	}{
		"length not filled in": {http.MethodGet, &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("text"))}, "text"},
		"length unknown":       {http.MethodGet, &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("text")), ContentLength: -1}, "text"},
		"length too small":     {http.MethodGet, &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("text")), ContentLength: 2}, "text"},
		"no body":              {http.MethodGet, &http.Response{StatusCode: 204}, ""},
		"HEAD with length":     {http.MethodHead, &http.Response{StatusCode: 200, Body: http.NoBody, ContentLength: 10}, ""},
		"HEAD, own body":       {http.MethodHead, &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("")), ContentLength: 10}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			wire := script(func(*http.Request) (*http.Response, error) { return tc.resp, nil })
			resp, err := newClient(t, wire, partnercenter.Options{Retry: noRetry}).Do(t.Context(), Request{Method: tc.method, Path: "/x"})
			if err != nil {
				t.Fatal(err)
			}
			if string(resp.Body) != tc.want {
				t.Errorf("got %q", resp.Body)
			}
		})
	}
	t.Run("too short", func(t *testing.T) {
		wire := script(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("te")), ContentLength: 4}, nil
		})
		_, err := newClient(t, wire, partnercenter.Options{Retry: quick}).Do(t.Context(), get("/x"))
		if wantStatus(t, err, 0); !errors.Is(err, io.ErrUnexpectedEOF) || wire.calls() != 4 {
			t.Errorf("%d requests, %v", wire.calls(), err)
		}
	})
	t.Run("nothing at all", func(t *testing.T) {
		wire := script(func(*http.Request) (*http.Response, error) { return nil, nil })
		_, err := newClient(t, wire, partnercenter.Options{Retry: quick}).Do(t.Context(), get("/x"))
		wantText(t, err, "Options.Transport", "wireLog")
		if wire.calls() != 1 {
			t.Errorf("%d requests", wire.calls())
		}
	})
	t.Run("close fails", func(t *testing.T) {
		broken := errors.New("close failed")
		wire := script(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: struct {
				io.Reader
				io.Closer
			}{strings.NewReader("x"), closer{broken}}}, nil
		})
		_, err := newClient(t, wire, partnercenter.Options{Retry: noRetry}).Do(t.Context(), get("/x"))
		if wantStatus(t, err, 0); !errors.Is(err, broken) {
			t.Error(err)
		}
	})
}

type closer struct{ err error }

func (c closer) Close() error { return c.err }

func TestAttemptTimeoutCoversTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := script(func(req *http.Request) (*http.Response, error) {
			r, w := io.Pipe()
			context.AfterFunc(req.Context(), func() { _ = w.CloseWithError(req.Context().Err()) })
			return &http.Response{StatusCode: 200, Body: r, ContentLength: -1}, nil
		})
		c := newClient(t, wire, partnercenter.Options{Retry: partnercenter.RetryOptions{MaxRetries: -1, AttemptTimeout: time.Minute}})
		start := time.Now()
		_, err := c.Do(t.Context(), get("/x"))
		wantStatus(t, err, 0)
		wantText(t, err, "no complete answer within 1m0s")
		if time.Since(start) != time.Minute {
			t.Errorf("after %v", time.Since(start))
		}
	})
}

func TestNoAttemptTimeoutMeansNone(t *testing.T) {
	wire := script(func(req *http.Request) (*http.Response, error) {
		if _, ok := req.Context().Deadline(); ok {
			t.Error("the attempt has a deadline")
		}
		return respond(200, "")(req)
	})
	c := newClient(t, wire, partnercenter.Options{Retry: partnercenter.RetryOptions{AttemptTimeout: -1}})
	if _, err := c.Do(t.Context(), get("/x")); err != nil {
		t.Error(err)
	}
}

func TestResponseMeta(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := script(
			respond(429, "", "Retry-After", "4"),
			respond(201, "{}", "Request-ID", "r-1", "X-More", "a", "X-More", "b"))
		c := newClient(t, wire, partnercenter.Options{})
		var meta partnercenter.ResponseMeta
		resp, err := c.Do(t.Context(), get("/x"), partnercenter.WithResponse(&meta), partnercenter.WithRequestID("q"), partnercenter.WithCorrelationID("c"))
		if err != nil {
			t.Fatal(err)
		}
		want := partnercenter.ResponseMeta{
			StatusCode: 201, Header: http.Header{"Request-Id": {"r-1"}, "X-More": {"a", "b"}}, RequestID: "r-1",
			ClientRequestID: "q", CorrelationID: "c", Attempts: 2, Duration: 4 * time.Second,
		}
		if diff := cmp.Diff(want, meta); diff != "" {
			t.Error(diff)
		}
		meta.Header.Set("X-More", "changed")
		if resp.Header.Get("X-More") != "a" {
			t.Error("the caller's metadata shares memory with the answer")
		}
	})
	wire := script(respond(404, "", "Request-ID", "r-2"))
	var meta partnercenter.ResponseMeta
	_, err := newClient(t, wire, partnercenter.Options{}).Do(t.Context(), get("/x"), partnercenter.WithResponse(&meta))
	if wantStatus(t, err, 404); meta.StatusCode != 404 || meta.RequestID != "r-2" || meta.Attempts != 1 {
		t.Errorf("after a failure: %+v", meta)
	}
	wire = script(respond(200, ""), fail(io.EOF))
	c := newClient(t, wire, partnercenter.Options{Retry: noRetry})
	for _, want := range []int{200, 0} {
		_, _ = c.Do(t.Context(), get("/x"), partnercenter.WithResponse(&meta))
		if meta.StatusCode != want || meta.Attempts != 1 {
			t.Errorf("%+v, want status %d", meta, want)
		}
	}
	if meta.Header != nil {
		t.Errorf("headers without an answer: %v", meta.Header)
	}
}

func TestJSON(t *testing.T) {
	type doc struct{ Value int }
	for name, tc := range map[string]struct {
		resp step
		want int
		err  string
	}{
		"object":          {respond(200, `{"value":3}`), 3, ""},
		"byte order mark": {respond(200, "\xef\xbb\xbf"+`{"value":3}`), 3, ""},
		"empty":           {respond(202, ""), 0, "GET /v1.0/x: the answer (202, 0 bytes) is not the JSON that was expected"},
		"HTML":            {respond(200, "<html>"), 0, "is not the JSON"},
		"cut":             {respond(200, `{"value":3`), 0, "is not the JSON"},
		"other type":      {respond(200, `{"value":"3"}`), 0, "is not the JSON"},
	} {
		var out doc
		err := newClient(t, script(tc.resp), partnercenter.Options{}).JSON(t.Context(), get("/x"), &out)
		if tc.err == "" && err != nil || out.Value != tc.want {
			t.Errorf("%s: %+v %v", name, out, err)
		}
		if tc.err != "" {
			wantText(t, err, tc.err)
		}
	}
	c := newClient(t, script(respond(200, "not JSON")), partnercenter.Options{})
	if err := c.JSON(t.Context(), get("/x"), nil); err != nil {
		t.Errorf("an answer that nobody wants: %v", err)
	}
	err := c.JSON(t.Context(), Request{Method: http.MethodGet, Link: "v1.0/y?sig=abc"}, &doc{})
	wantText(t, err, "GET /v1.0/y:")
	err = newClient(t, script(respond(404, "")), partnercenter.Options{}).JSON(t.Context(), get("/x"), &doc{})
	wantStatus(t, err, 404)
}

func TestErrorsNameNoQuery(t *testing.T) {
	for name, step := range map[string]step{
		"status": respond(500, ""),
		"broken": fail(io.ErrUnexpectedEOF),
		"talkative": func(req *http.Request) (*http.Response, error) {
			return nil, errors.New("no route to " + req.URL.String())
		},
		"location": respond(302, "", "Location", "https://api.example.test/%zz?hush=1"),
	} {
		_, err := newClient(t, script(step), partnercenter.Options{Retry: quick}).Do(t.Context(),
			Request{Method: http.MethodGet, Path: "/x", Query: "$filter=hush"})
		wantText(t, err, "/v1.0/x")
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The text of a transport's error may have to go, what it is may stay.
func TestScrubbedErrorsKeepTheirKind(t *testing.T) {
	secretive := &url502{}
	wire := script(fail(secretive))
	_, err := newClient(t, wire, partnercenter.Options{Retry: noRetry}).Do(t.Context(), get("/x"))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if _, ok := errors.AsType[*url502](err); ok {
		t.Error("the error with the secret can still be reached")
	}
	if strings.Contains(err.Error(), testToken) || !strings.Contains(err.Error(), "[redacted]") {
		t.Error(err)
	}
}

type url502 struct{}

func (*url502) Error() string { return "proxy said: Bearer " + testToken + " is not welcome" }
func (*url502) Unwrap() error { return io.ErrUnexpectedEOF }
