package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testEndpoint = "https://api.example.test"
	testResource = "https://audience.example.test"
	testToken    = "token-one"
)

var testDefaults = Defaults{Endpoint: testEndpoint, APIVersion: "v1.0", Resource: testResource}

// static is a token source that cannot refresh.
func static(token string) partnercenter.TokenSource {
	return partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{Value: partnercenter.NewSecret(token)}, nil
	})
}

// newClient makes a client with a static token, unless source is given, above wire.
func newClient(tb testing.TB, wire http.RoundTripper, opts partnercenter.Options, source ...partnercenter.TokenSource) *Client {
	tb.Helper()
	opts.Transport = wire
	src := static(testToken)
	if len(source) > 0 {
		src = source[0]
	}
	c, err := New(src, &opts, testDefaults)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// noRetry and quick are retry options for tests about something else.
var (
	noRetry = partnercenter.RetryOptions{MaxRetries: -1}
	quick   = partnercenter.RetryOptions{MinDelay: -1}
)

// answer builds what a wire returns; headers are pairs of name and value.
func answer(status int, body string, headers ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i+1 < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: h,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// step is what a scripted wire does with one request.
type step func(*http.Request) (*http.Response, error)

// wireLog is a transport that answers from a script, the last step again and
// again, and notes what it was asked.
type wireLog struct {
	steps []step

	mu    sync.Mutex
	sent  []*http.Request
	body  []string
	times []time.Time
}

func script(steps ...step) *wireLog {
	return &wireLog{steps: steps}
}

func (w *wireLog) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	w.mu.Lock()
	n := len(w.sent)
	w.sent = append(w.sent, req)
	w.body = append(w.body, string(body))
	w.times = append(w.times, time.Now())
	w.mu.Unlock()
	return w.steps[min(n, len(w.steps)-1)](req)
}

func (w *wireLog) requests() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

func (w *wireLog) calls() int { return len(w.requests()) }

// respond is a step that answers.
func respond(status int, body string, headers ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		resp := answer(status, body, headers...)
		resp.Request = req
		return resp, nil
	}
}

// fail is a step that does not answer.
func fail(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func get(path string) Request { return Request{Method: http.MethodGet, Path: path} }

// wantError asserts that err is an *Error of the status.
func wantError(tb testing.TB, err error, status int) *partnercenter.Error {
	tb.Helper()
	e, ok := errors.AsType[*partnercenter.Error](err)
	if !ok {
		tb.Fatalf("got %T %v, want *partnercenter.Error", err, err)
	}
	if e.StatusCode != status {
		tb.Fatalf("status %d, want %d: %v", e.StatusCode, status, err)
	}
	return e
}

// wantStatus is wantError for tests that need nothing else of the error.
func wantStatus(tb testing.TB, err error, status int) {
	tb.Helper()
	_ = wantError(tb, err, status)
}

// wantText asserts that err is there and mentions each of the words.
func wantText(tb testing.TB, err error, words ...string) {
	tb.Helper()
	if err == nil {
		tb.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			tb.Errorf("the error does not mention %q: %v", w, err)
		}
	}
}

// server is a loopback TLS server that counts its connections.
type server struct {
	*httptest.Server
	connections atomic.Int64
	requests    atomic.Int64
}

func newServer(tb testing.TB, handler http.HandlerFunc) *server {
	tb.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Config.ConnState = s.count
	s.StartTLS()
	tb.Cleanup(s.Close)
	return s
}

func (s *server) count(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.connections.Add(1)
	}
}

// client makes a client of the server.
func (s *server) client(tb testing.TB, opts partnercenter.Options, source ...partnercenter.TokenSource) *Client {
	tb.Helper()
	if opts.Endpoint == "" {
		opts.Endpoint = s.URL
	}
	return newClient(tb, s.Client().Transport, opts, source...)
}

// lockedBuffer is a writer for loggers used by several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
