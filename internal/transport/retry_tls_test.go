package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/memnet"
)

func TestEveryAttemptGetsTheBody(t *testing.T) {
	var mu sync.Mutex
	var bodies []string
	var lengths []int64
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies, lengths = append(bodies, string(b)), append(lengths, r.ContentLength)
		if len(bodies) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	c := s.client(t, partnercenter.Options{Retry: quick})
	body := strings.Repeat("0123456789", 10_000)
	if _, err := c.Do(t.Context(), Request{Method: http.MethodPut, Path: "/x", Body: []byte(body)}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{body, body, body}, bodies); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{100_000, 100_000, 100_000}, lengths); diff != "" {
		t.Error(diff)
	}
}

func TestPostWithoutBodyAnnouncesLengthZero(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 || r.Header.Get("Content-Type") != "" {
			w.WriteHeader(http.StatusLengthRequired)
		}
	})
	if _, err := s.client(t, partnercenter.Options{}).Do(t.Context(), Request{Method: http.MethodPost, Path: "/x"}); err != nil {
		t.Error(err)
	}
}

func TestCallersHeadersStayUntouched(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	h := http.Header{"X-Own": {"a", "b"}}
	want := h.Clone()
	c := s.client(t, partnercenter.Options{Retry: quick})
	_, err := c.Do(t.Context(), Request{Method: http.MethodGet, Path: "/x", Header: h})
	wantStatus(t, err, 503)
	if diff := cmp.Diff(want, h); diff != "" {
		t.Error(diff)
	}
}

// go-retryablehttp closes the idle connections of its client when a call ends
// without an answer, which with a shared transport would cost all other callers
// theirs.
func TestFailuresDoNotCostConnections(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { failuresDoNotCostConnections(t, http2) })
		})
	}
}

func failuresDoNotCostConnections(t *testing.T, http2 bool) {
	s := &server{Server: httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/redirect"):
			w.Header().Set("Location", "https://evil.test/")
			w.WriteHeader(http.StatusFound)
		case strings.HasSuffix(r.URL.Path, "/fail"):
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		// More than go-retryablehttp drains by itself.
		_, _ = w.Write(make([]byte, 32<<10))
	}))}
	wire := memnet.Replace(s.Server)
	s.EnableHTTP2 = http2
	s.StartTLS()
	defer s.Close()
	tr, ok := s.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatal("the test server's client has another transport")
	}
	tr.DialContext = wire.Dial
	defer tr.CloseIdleConnections()
	c := s.client(t, partnercenter.Options{Retry: partnercenter.RetryOptions{MaxRetries: 1, MinDelay: -1}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	impatient := s.client(t, partnercenter.Options{
		Retry:  partnercenter.RetryOptions{MinDelay: time.Hour, MaxDelay: -1},
		Logger: slog.New(cancelling{slog.DiscardHandler, cancel}),
	})
	_, err := impatient.Do(ctx, get("/fail"))
	if wantStatus(t, err, 503); !errors.Is(err, context.Canceled) {
		t.Errorf("not cancelled while waiting: %v", err)
	}
	for range 50 {
		_, err := c.Do(t.Context(), get("/fail"))
		wantStatus(t, err, 503)
		_, err = c.Do(t.Context(), get("/redirect"))
		wantText(t, err, "refusing")
		if _, err := c.Do(t.Context(), get("/ok")); err != nil {
			t.Fatal(err)
		}
	}
	if n := wire.Dialed(); n != 1 {
		t.Errorf("201 requests needed %d connections, want 1", n)
	}
}

// cancelling is a logger that cancels a call as soon as it decides to wait.
type cancelling struct {
	slog.Handler
	cancel context.CancelFunc
}

func (cancelling) Enabled(context.Context, slog.Level) bool { return true }

func (h cancelling) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "retrying" {
		h.cancel()
	}
	return nil
}

func TestBrokenAnswerIsAFailedAttempt(t *testing.T) {
	for name, cutAnswer := range map[string]http.HandlerFunc{
		"announced length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"value":[`)
			panic(http.ErrAbortHandler)
		},
		"chunked": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"value":[`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"no answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			var s *server
			s = newServer(t, func(w http.ResponseWriter, r *http.Request) {
				if s.requests.Load()%2 == 1 {
					cutAnswer(w, r)
					return
				}
				_, _ = io.WriteString(w, `{"value":[1]}`)
			})
			c := s.client(t, partnercenter.Options{Retry: quick})
			resp, err := c.Do(t.Context(), get("/x"))
			if err != nil {
				t.Fatal(err)
			}
			if string(resp.Body) != `{"value":[1]}` || s.requests.Load() != 2 {
				t.Errorf("got %s after %d requests", resp.Body, s.requests.Load())
			}
			// The POST may have been processed.
			_, err = c.Do(t.Context(), Request{Method: http.MethodPost, Path: "/x"})
			if e := wantError(t, err, 0); s.requests.Load() != 3 || len(e.Body) != 0 {
				t.Errorf("%d requests, body %q", s.requests.Load(), e.Body)
			}
		})
	}
}

func TestServerWithoutTLSIsNotAskedAgain(t *testing.T) {
	requests := 0
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests++ }))
	t.Cleanup(plain.Close)
	s := newServer(t, nil) // for its transport
	wire := script(s.Client().Transport.RoundTrip)
	c := newClient(t, wire, partnercenter.Options{Endpoint: strings.Replace(plain.URL, "http://", "https://", 1), Retry: quick})
	_, err := c.Do(t.Context(), get("/x"))
	wantStatus(t, err, 0)
	wantText(t, err, "HTTP response to HTTPS client")
	if wire.calls() != 1 || requests != 0 {
		t.Errorf("%d attempts, %d requests", wire.calls(), requests)
	}
}

func TestUntrustedCertificateIsNotAskedAgain(t *testing.T) {
	s := newServer(t, func(http.ResponseWriter, *http.Request) {})
	direct := &http.Transport{} // does not know the test certificate
	t.Cleanup(direct.CloseIdleConnections)
	wire := script(direct.RoundTrip)
	c := newClient(t, wire, partnercenter.Options{Endpoint: s.URL, Retry: quick})
	_, err := c.Do(t.Context(), get("/x"))
	wantStatus(t, err, 0)
	wantText(t, err, "certificate")
	if wire.calls() != 1 || s.requests.Load() != 0 {
		t.Errorf("%d attempts, %d requests", wire.calls(), s.requests.Load())
	}
}

const helperVariable = "PARTNERCENTER_TEST_FAILING_CALL"

// The engine writes to stderr by default, and its lines hold the query.
func TestNothingIsPrinted(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestHelperFailingCall$")
	cmd.Env = append(os.Environ(), helperVariable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Fields(string(out))
	if len(lines) == 0 || lines[0] != "PASS" {
		t.Errorf("printed:\n%s", out)
	}
}

func TestHelperFailingCall(t *testing.T) {
	if os.Getenv(helperVariable) == "" {
		t.Skip("runs as a process of its own for TestNothingIsPrinted")
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug})))
	c := newClient(t, script(fail(io.ErrUnexpectedEOF), respond(503, "x")), partnercenter.Options{Retry: quick})
	_, err := c.Do(t.Context(), Request{Method: http.MethodGet, Path: "/x", Query: "sig=abc"})
	wantStatus(t, err, 503)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://blob.example.test/x?sig=abc", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Blob().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}
