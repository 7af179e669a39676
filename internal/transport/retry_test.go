package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

// Two retries are allowed: three attempts show that a call was repeated, one
// that it was not.
func TestRetryDependsOnMethodAndStatus(t *testing.T) {
	type kind struct {
		name    string
		request Request
	}
	var (
		idempotent = []kind{
			{"GET", Request{Method: http.MethodGet}},
			{"HEAD", Request{Method: http.MethodHead}},
			{"PUT", Request{Method: http.MethodPut, Body: []byte("{}")}},
			{"DELETE", Request{Method: http.MethodDelete}},
			{"POST with key", Request{Method: http.MethodPost, IdempotencyKey: "key"}},
			{"PATCH with key", Request{Method: http.MethodPatch, IdempotencyKey: "key"}},
		}
		others = []kind{
			{"POST", Request{Method: http.MethodPost}},
			{"PATCH", Request{Method: http.MethodPatch}},
		}
	)
	for _, tc := range []struct {
		status     int
		retryAfter string
		safe       bool // repeated when the call is idempotent
		always     bool // repeated whatever the method
	}{
		{status: 400}, {status: 403}, {status: 404}, {status: 409}, {status: 411}, {status: 412}, {status: 425},
		{status: 301}, {status: 304}, {status: 501}, {status: 505}, {status: 507},
		{status: 404, retryAfter: "0"},
		{status: 408, safe: true},
		{status: 500, safe: true},
		{status: 500, retryAfter: "0", safe: true},
		{status: 502, safe: true},
		{status: 504, safe: true},
		{status: 503, safe: true},
		{status: 503, retryAfter: "soon", safe: true},
		{status: 503, retryAfter: "1", safe: true, always: true},
		{status: 429, safe: true, always: true},
		{status: 429, retryAfter: "1", safe: true, always: true},
	} {
		check := func(k kind, repeated bool) {
			t.Run(fmt.Sprintf("%d%s %s", tc.status, tc.retryAfter, k.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					wire := script(func(req *http.Request) (*http.Response, error) {
						resp, err := respond(tc.status, "no")(req)
						if tc.retryAfter != "" {
							resp.Header.Set("Retry-After", tc.retryAfter)
						}
						return resp, err
					})
					c := newClient(t, wire, partnercenter.Options{Retry: partnercenter.RetryOptions{MaxRetries: 2}})
					_, err := c.Do(t.Context(), k.request)
					e := wantError(t, err, tc.status)
					want := 1
					if repeated {
						want = 3
					}
					if wire.calls() != want || e.Attempts != want {
						t.Errorf("%d requests, Attempts %d, want %d", wire.calls(), e.Attempts, want)
					}
				})
			})
		}
		for _, k := range idempotent {
			check(k, tc.safe)
		}
		for _, k := range others {
			check(k, tc.always)
		}
		check(kind{"PUT in doubt", Request{Method: http.MethodPut, Body: []byte("{}"), Doubt503: true}}, tc.safe)
		check(kind{"POST in doubt", Request{Method: http.MethodPost, Doubt503: true}}, tc.always && tc.status != http.StatusServiceUnavailable)
	}
}

func TestRetryAfterLostConnections(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for _, tc := range []struct {
		name      string
		err       error
		get, post int // attempts
	}{
		{"dial", dial, 3, 3},
		{"name lookup", &net.DNSError{Err: "no such host", Name: "api.example.test"}, 3, 3},
		{"reset", &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}, 3, 1},
		{"broken pipe", &net.OpError{Op: "write", Net: "tcp", Err: errors.New("broken pipe")}, 3, 1},
		{"closed without answer", io.EOF, 3, 1},
		{"unknown authority", x509.UnknownAuthorityError{}, 1, 1},
		{"wrong host name", x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, 1, 1},
		{"bad certificate", &tls.CertificateVerificationError{Err: errors.New("expired")}, 1, 1},
		{"no TLS", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, 1, 1},
		{"plain HTTP", tls.RecordHeaderError{RecordHeader: [5]byte([]byte("HTTP/"))}, 1, 1},
	} {
		for method, want := range map[string]int{http.MethodGet: tc.get, http.MethodPost: tc.post} {
			t.Run(tc.name+" "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					wire := script(fail(tc.err))
					c := newClient(t, wire, partnercenter.Options{Retry: partnercenter.RetryOptions{MaxRetries: 2}})
					_, err := c.Do(t.Context(), Request{Method: method, Path: "/x"})
					e := wantError(t, err, 0)
					if wire.calls() != want {
						t.Errorf("%d requests, want %d", wire.calls(), want)
					}
					if !errors.Is(err, partnercenter.ErrNoResponse) || e.Err == nil {
						t.Errorf("got %v, want ErrNoResponse with a cause", err)
					}
				})
			})
		}
	}
}

func TestRetryDelaysAreFullyJittered(t *testing.T) {
	const calls = 200
	synctest.Test(t, func(t *testing.T) {
		delays := make([][]time.Duration, 4)
		for range calls {
			wire := script(respond(503, ""))
			c := newClient(t, wire, partnercenter.Options{Retry: partnercenter.RetryOptions{MaxRetries: 4, MaxDelay: 3 * time.Second}})
			if _, err := c.Do(t.Context(), get("/x")); err == nil {
				t.Fatal("no error")
			}
			for i := range delays {
				delays[i] = append(delays[i], wire.times[i+1].Sub(wire.times[i]))
			}
		}
		for i, bound := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second} {
			low, high := slices.Min(delays[i]), slices.Max(delays[i])
			if high >= bound {
				t.Errorf("delay %d reached %v, want less than %v", i+1, high, bound)
			}
			// 200 draws that all miss a tenth of the range: once in a billion runs.
			if low > bound/10 || high < bound/10*9 {
				t.Errorf("delay %d ranges from %v to %v: not from zero to %v", i+1, low, high, bound)
			}
		}
	})
}

func TestRetryDefaults(t *testing.T) {
	want := policy{maxRetries: 3, minDelay: time.Second, maxDelay: time.Minute, attemptTimeout: 2 * time.Minute}
	if diff := cmp.Diff(want, newPolicy(partnercenter.RetryOptions{}), cmp.AllowUnexported(policy{})); diff != "" {
		t.Error(diff)
	}
	off := partnercenter.RetryOptions{MaxRetries: -1, MinDelay: -1, MaxDelay: -1, AttemptTimeout: -1}
	if diff := cmp.Diff(policy{}, newPolicy(off), cmp.AllowUnexported(policy{})); diff != "" {
		t.Error(diff)
	}
	own := partnercenter.RetryOptions{MaxRetries: 7, MinDelay: 1, MaxDelay: 2, AttemptTimeout: 3}
	if diff := cmp.Diff(policy{7, 1, 2, 3}, newPolicy(own), cmp.AllowUnexported(policy{})); diff != "" {
		t.Error(diff)
	}
}

func TestRetryDelayNeverOverflows(t *testing.T) {
	p := newPolicy(partnercenter.RetryOptions{MinDelay: math.MaxInt64/2 + 1, MaxDelay: -1})
	for retries := range 100 {
		if d := p.delay(retries, 0, false); d < 0 {
			t.Fatalf("delay %d is %v", retries, d)
		}
	}
	if d := (policy{}).delay(3, 0, false); d != 0 {
		t.Errorf("MinDelay off, yet a delay of %v", d)
	}
}

func TestRetryAfterIsObeyedExactly(t *testing.T) {
	for name, value := range map[string]func() string{
		"seconds": func() string { return "7" },
		"date":    func() string { return time.Now().Add(7 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wire := script(
					func(req *http.Request) (*http.Response, error) { return respond(429, "", "Retry-After", value())(req) },
					respond(200, "{}"))
				c := newClient(t, wire, partnercenter.Options{})
				if _, err := c.Do(t.Context(), Request{Method: http.MethodPost, Path: "/x"}); err != nil {
					t.Fatal(err)
				}
				if got := wire.times[1].Sub(wire.times[0]); got != 7*time.Second {
					t.Errorf("waited %v", got)
				}
			})
		})
	}
}

func TestRetryAfterInThePastMeansAtOnceAndGarbageMeansJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := script(respond(429, "", "Retry-After", "Mon, 01 Jan 1990 00:00:00 GMT"), respond(200, ""))
		c := newClient(t, wire, partnercenter.Options{})
		if _, err := c.Do(t.Context(), get("/x")); err != nil {
			t.Fatal(err)
		}
		if got := wire.times[1].Sub(wire.times[0]); got != 0 {
			t.Errorf("waited %v for a date in the past", got)
		}
		wire = script(respond(429, "", "Retry-After", "in a while"), respond(200, ""))
		c = newClient(t, wire, partnercenter.Options{})
		if _, err := c.Do(t.Context(), get("/x")); err != nil {
			t.Fatal(err)
		}
		if got := wire.times[1].Sub(wire.times[0]); got >= time.Second {
			t.Errorf("waited %v for garbage", got)
		}
	})
}

func TestRetryAfterAboveTheCapEndsTheCall(t *testing.T) {
	for value, want := range map[string]time.Duration{"61": 61 * time.Second, "86400": 24 * time.Hour, "99999999999999999999": math.MaxInt64} {
		synctest.Test(t, func(t *testing.T) {
			wire := script(respond(429, `{"statusCode":429,"message":"Rate limit is exceeded."}`, "Retry-After", value))
			c := newClient(t, wire, partnercenter.Options{})
			start := time.Now()
			_, err := c.Do(t.Context(), get("/x"))
			e := wantError(t, err, 429)
			if wire.calls() != 1 || time.Since(start) != 0 {
				t.Errorf("%d requests in %v, want one at once", wire.calls(), time.Since(start))
			}
			if e.RetryAfter != want || e.Err != nil || e.Message != "Rate limit is exceeded." {
				t.Errorf("got %#v", e)
			}
		})
	}
	t.Run("no cap", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			wire := script(respond(429, "", "Retry-After", "86400"), respond(200, ""))
			c := newClient(t, wire, partnercenter.Options{Retry: partnercenter.RetryOptions{MaxDelay: -1}})
			start := time.Now()
			if _, err := c.Do(t.Context(), get("/x")); err != nil || time.Since(start) != 24*time.Hour {
				t.Errorf("got %v after %v", err, time.Since(start))
			}
		})
	})
}

func TestRetryThatDoesNotFitTheDeadlineEndsTheCallAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := script(respond(503, `{"message":"busy"}`, "Retry-After", "10"))
		c := newClient(t, wire, partnercenter.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Do(ctx, get("/x"))
		e := wantError(t, err, 503)
		if time.Since(start) != 0 || wire.calls() != 1 {
			t.Errorf("%d requests in %v", wire.calls(), time.Since(start))
		}
		if !errors.Is(err, context.DeadlineExceeded) || e.RetryAfter != 10*time.Second || e.Message != "busy" {
			t.Errorf("got %#v", e)
		}
	})
}

// A deadline that is too short for another attempt does not hide what is wrong: a host
// that cannot be reached is not a slow one.
func TestRetryThatDoesNotFitTheDeadlineKeepsTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		wire := script(fail(refused))
		c := newClient(t, wire, partnercenter.Options{Retry: partnercenter.RetryOptions{MaxRetries: 100}})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.Do(ctx, get("/x"))
		e := wantError(t, err, 0)
		if ctx.Err() != nil {
			t.Fatal("the deadline came first")
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %#v", e)
		}
		wantText(t, err, "connection refused", "no time for another attempt")
	})
}

func TestRetryCancelledWhileWaitingKeepsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := script(respond(429, `{"message":"slow down"}`, "Retry-After", "30", "Request-ID", "r-1"))
		c := newClient(t, wire, partnercenter.Options{})
		reason := errors.New("the user pressed Ctrl-C")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		time.AfterFunc(3*time.Second, func() { cancel(reason) })
		start := time.Now()
		var meta partnercenter.ResponseMeta
		_, err := c.Do(ctx, get("/x"), partnercenter.WithResponse(&meta))
		e := wantError(t, err, 429)
		if time.Since(start) != 3*time.Second {
			t.Errorf("returned after %v", time.Since(start))
		}
		if !errors.Is(err, reason) || !errors.Is(err, partnercenter.ErrThrottled) {
			t.Errorf("got %v, want the cause and the 429", err)
		}
		if e.Message != "slow down" || e.RetryAfter != 30*time.Second || e.RequestID != "r-1" || meta.StatusCode != 429 {
			t.Errorf("the answer was lost: %#v %#v", e, meta)
		}
	})
}

func TestCancelDuringAnAttemptReportsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := script(
			respond(429, "", "Retry-After", "1"),
			func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			})
		c := newClient(t, wire, partnercenter.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		_, err := c.Do(ctx, get("/x"))
		e := wantError(t, err, 0)
		if !errors.Is(err, context.Canceled) || e.RetryAfter != 0 || e.Attempts != 2 {
			t.Errorf("got %#v", e)
		}
	})
}

// A call that came to its end is not blamed on a context that ends afterwards.
func TestFinalAnswerIsNotBlamedOnTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	wire := script(func(req *http.Request) (*http.Response, error) {
		cancel()
		return respond(404, "")(req)
	})
	_, err := newClient(t, wire, partnercenter.Options{}).Do(ctx, get("/x"))
	if e := wantError(t, err, 404); e.Err != nil {
		t.Errorf("Err is %v", e.Err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	wire = script(func(req *http.Request) (*http.Response, error) {
		cancel()
		return respond(503, "")(req)
	})
	_, err = newClient(t, wire, partnercenter.Options{}).Do(ctx, get("/x"))
	if wantStatus(t, err, 503); !errors.Is(err, context.Canceled) || wire.calls() != 1 {
		t.Errorf("%d requests, %v: want the retry cut short by the context", wire.calls(), err)
	}
}

func TestExhaustedRetriesKeepTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := script(
			respond(500, `{"message":"first"}`),
			respond(503, `{"error":{"code":"serviceNotAvailable","message":"last"}}`, "Retry-After", "3", "Request-ID", "r-9"))
		c := newClient(t, wire, partnercenter.Options{Retry: partnercenter.RetryOptions{MaxRetries: 2}})
		_, err := c.Do(t.Context(), get("/x"))
		e := wantError(t, err, 503)
		if e.Code != "serviceNotAvailable" || e.Message != "last" || e.RetryAfter != 3*time.Second ||
			e.RequestID != "r-9" || e.Attempts != 3 || e.Err != nil || len(e.Body) == 0 {
			t.Errorf("got %#v", e)
		}
	})
}

func TestAttemptTimeoutEndsTheAttemptNotTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}
		opts := partnercenter.Options{Retry: partnercenter.RetryOptions{MaxRetries: 1, MinDelay: -1, AttemptTimeout: 10 * time.Second}}
		wire := script(hang, respond(200, "{}"))
		if _, err := newClient(t, wire, opts).Do(t.Context(), get("/x")); err != nil {
			t.Errorf("the second attempt should have succeeded: %v", err)
		}
		wire = script(hang)
		start := time.Now()
		_, err := newClient(t, wire, opts).Do(t.Context(), get("/x"))
		wantStatus(t, err, 0)
		wantText(t, err, "no complete answer within 10s", "2 attempts")
		if time.Since(start) != 20*time.Second {
			t.Errorf("took %v", time.Since(start))
		}
		// A POST that timed out may have been processed.
		wire = script(hang)
		_, err = newClient(t, wire, opts).Do(t.Context(), Request{Method: http.MethodPost, Path: "/x"})
		wantStatus(t, err, 0)
		if wire.calls() != 1 {
			t.Errorf("a POST of unknown outcome was sent %d times", wire.calls())
		}
	})
}

func TestNegativeOptionsTurnRetriesOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := script(respond(503, ""))
		_, err := newClient(t, wire, partnercenter.Options{Retry: noRetry}).Do(t.Context(), get("/x"))
		if wantStatus(t, err, 503); wire.calls() != 1 {
			t.Errorf("%d requests without retries", wire.calls())
		}
		start := time.Now()
		wire = script(respond(503, ""))
		_, err = newClient(t, wire, partnercenter.Options{Retry: quick}).Do(t.Context(), get("/x"))
		if wantStatus(t, err, 503); wire.calls() != 4 || time.Since(start) != 0 {
			t.Errorf("%d requests in %v, want 4 without delay", wire.calls(), time.Since(start))
		}
	})
}
