package kit

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func inProcess(h http.HandlerFunc) *Transport {
	return &Transport{
		Route: func(*url.URL, http.Header) (http.Handler, error) { return h, nil },
		Now:   time.Now,
	}
}

func zipped(s string) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	_, _ = zw.Write([]byte(s))
	_ = zw.Close()
	return b.Bytes()
}

// TestTheTransportCannotBeToldFromANetwork compares every exchange with the same
// one through net/http's own client and server.
func TestTheTransportCannotBeToldFromANetwork(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 1000)
	for _, tt := range []struct {
		name    string
		method  string
		body    io.Reader
		header  http.Header
		handler http.HandlerFunc
	}{
		{"short body", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>short") }},
		{"long body", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) }},
		{"long body in pieces", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(long); i += 100 {
				_, _ = io.WriteString(w, long[i:i+100])
			}
		}},
		{"flushed", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "b")
		}},
		{"declared length", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, err := io.WriteString(w, "too long")
			_, _ = io.WriteString(w, "right")
			if !errors.Is(err, http.ErrContentLength) {
				panic(err)
			}
		}},
		{"nonsense length", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "many")
			_, _ = io.WriteString(w, "x")
		}},
		{"too short", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "abc")
		}},
		{"nothing", "GET", nil, nil, func(http.ResponseWriter, *http.Request) {}},
		{"HEAD", "HEAD", nil, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "not sent") }},
		{"HEAD, long", "HEAD", nil, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) }},
		{"HEAD with length", "HEAD", nil, nil, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "77") }},
		{"204", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic(err)
			}
		}},
		{"304", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", `"1"`); w.WriteHeader(304) }},
		{"redirect", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(302)
			w.WriteHeader(500)
		}},
		{"odd header names and values", "GET", nil, http.Header{"x-lower": {" padded "}, "X-Two": {"a", "b"}}, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["isMfaCompliant"] = []string{"true"}
			w.Header().Set("X-Lines", "a\r\nb")
			say(w, r.Header.Values("X-Lower"), r.Header.Values("x-two"))
		}},
		{"request line", "", nil, nil, func(w http.ResponseWriter, r *http.Request) {
			say(w, r.Method, r.RequestURI, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.Proto, r.URL.Host, r.UserAgent())
		}},
		{"no body", "POST", nil, nil, echo},
		{"empty user agent", "POST", http.NoBody, http.Header{"User-Agent": {""}}, echo},
		{"known length", "POST", strings.NewReader("hello"), nil, echo},
		{"unknown length", "POST", struct{ io.Reader }{strings.NewReader("hello")}, http.Header{"Content-Length": {"9"}}, echo},
		{"body on GET", "GET", strings.NewReader("hello"), nil, echo},
		{"body not read", "PUT", strings.NewReader(long), nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) }},
		{"gzip unasked", "GET", nil, nil, gzipped},
		{"gzip asked", "GET", nil, http.Header{"Accept-Encoding": {"gzip"}}, gzipped},
		{"gzip and ranges", "GET", nil, http.Header{"Range": {"bytes=0-"}}, gzipped},
		{"identity", "GET", nil, http.Header{"Accept-Encoding": {"identity"}}, gzipped},
		{"broken gzip", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "this is not gzip at all")
		}},
		{"aborted body", "GET", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "part")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var content []byte
			if tt.body != nil {
				content, _ = io.ReadAll(tt.body)
			}
			send := func(rt http.RoundTripper, base string) string {
				body := tt.body
				switch tt.body.(type) {
				case nil:
				case *strings.Reader:
					body = bytes.NewReader(content)
				default:
					if tt.body != http.NoBody {
						body = struct{ io.Reader }{bytes.NewReader(content)}
					}
				}
				req, err := http.NewRequestWithContext(t.Context(), tt.method, base+"/a%2Fb/c?q=1&r=%20", body)
				if err != nil {
					t.Fatal(err)
				}
				if tt.method == "" {
					req.Method = ""
				}
				maps.Copy(req.Header, tt.header)
				before := req.Header.Clone()
				resp, err := rt.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(before, req.Header); diff != "" {
					t.Errorf("the request was changed:\n%s", diff)
				}
				got, err := io.ReadAll(resp.Body)
				if cerr := resp.Body.Close(); cerr != nil {
					t.Error(cerr)
				}
				resp.Header.Del("Date")
				return fmt.Sprintf("%s %s %v\nlength %d %v uncompressed %v\n%s\n%v", resp.Proto, resp.Status, resp.Header, resp.ContentLength,
					resp.TransferEncoding, resp.Uncompressed, got, err)
			}
			srv := httptest.NewUnstartedServer(tt.handler)
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.Start()
			defer srv.Close()
			network := &http.Transport{}
			defer network.CloseIdleConnections()
			if diff := cmp.Diff(send(network, srv.URL), send(inProcess(tt.handler), "http://fake.example")); diff != "" {
				t.Errorf("(-net/http +in process):\n%s", diff)
			}
		})
	}
}

func say(w io.Writer, v ...any) { _, _ = io.WriteString(w, fmt.Sprint(v...)) }

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	say(w, r.ContentLength, r.TransferEncoding, r.Header["Content-Length"], r.Header["User-Agent"], string(body), err)
}

func gzipped(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || r.Header.Get("Accept-Encoding") == "identity" {
		w.Header().Set("Content-Encoding", "gzip")
		b := zipped("hello")
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		_, _ = w.Write(b)
		return
	}
	_, _ = io.WriteString(w, "plain")
}

func get(ctx context.Context, t *testing.T, rt http.RoundTripper) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://fake.example/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return rt.RoundTrip(req)
}

func TestRequestsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	rt := inProcess(func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	cancelled, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	for name, tt := range map[string]struct {
		req  *http.Request
		want string
	}{
		"scheme":    {&http.Request{URL: &url.URL{Scheme: "ftp", Host: "x"}}, `unsupported protocol scheme "ftp"`},
		"host":      {&http.Request{URL: &url.URL{Scheme: "https"}}, "no Host"},
		"no URL":    {&http.Request{}, "nil Request.URL"},
		"name":      {&http.Request{URL: &url.URL{Scheme: "https", Host: "x"}, Header: http.Header{"a b": {""}}}, "invalid header field name"},
		"value":     {&http.Request{URL: &url.URL{Scheme: "https", Host: "x"}, Header: http.Header{"A": {"b\nc"}}}, "invalid header field value"},
		"cancelled": {(&http.Request{URL: &url.URL{Scheme: "https", Host: "x"}}).WithContext(cancelled), "enough"},
		"opaque":    {&http.Request{URL: &url.URL{Scheme: "https", Host: "x", Opaque: "%zz"}}, "invalid URI for request"},
	} {
		body := &closeSpy{Reader: strings.NewReader("x")}
		tt.req.Body = body
		if resp, err := rt.RoundTrip(tt.req); err == nil || !strings.Contains(err.Error(), tt.want) { //nolint:bodyclose // there is none
			t.Errorf("%s: %v, %v", name, resp, err)
		}
		if !body.closed {
			t.Errorf("%s: the body was not closed", name)
		}
	}
	rt.Route = func(u *url.URL, _ http.Header) (http.Handler, error) { return nil, UnknownHost(u.Hostname()) }
	_, err := get(t.Context(), t, rt) //nolint:bodyclose // there is none
	if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsNotFound || dns.Name != "fake.example" {
		t.Errorf("unknown host: %v", err)
	}
}

type closeSpy struct {
	io.Reader
	mu     sync.Mutex
	closed bool
}

func (c *closeSpy) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

func TestHandlersThatGiveUpBeforeTheHeader(t *testing.T) {
	t.Parallel()
	_, err := get(t.Context(), t, inProcess(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })) //nolint:bodyclose // there is none
	if !errors.Is(err, io.EOF) {
		t.Errorf("aborted: %v", err)
	}
	_, err = get(t.Context(), t, inProcess(func(http.ResponseWriter, *http.Request) { panic("boom") })) //nolint:bodyclose // there is none
	if err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("panicked: %v", err)
	}
}

func TestARequestBodyMustHaveItsLength(t *testing.T) {
	t.Parallel()
	var got error
	rt := inProcess(func(_ http.ResponseWriter, r *http.Request) { _, got = io.ReadAll(r.Body) })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://fake.example/", struct{ io.Reader }{strings.NewReader("abc")})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 5
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if !errors.Is(got, io.ErrUnexpectedEOF) {
		t.Errorf("the handler read %v", got)
	}
}

func TestCancellingEndsBothSides(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	t.Run("before the header", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ended := false
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(cause) })
			_, err := get(ctx, t, inProcess(func(_ http.ResponseWriter, r *http.Request) { //nolint:bodyclose // there is none
				<-r.Context().Done()
				ended = true
			}))
			if !errors.Is(err, cause) {
				t.Errorf("error %v", err)
			}
			synctest.Wait()
			if !ended {
				t.Error("the handler goes on")
			}
		})
	})
	t.Run("in the body", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var writing error
			ctx, cancel := context.WithCancelCause(t.Context())
			resp, err := get(ctx, t, inProcess(func(w http.ResponseWriter, _ *http.Request) {
				for writing == nil {
					_, writing = w.Write(make([]byte, 1<<16))
				}
			}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, 1<<20)); err != nil {
				t.Error(err)
			}
			cancel(cause)
			synctest.Wait()
			if _, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, cause) {
				t.Errorf("reading: %v", err)
			}
			if writing == nil {
				t.Error("the handler goes on")
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("by closing the body", func(t *testing.T) {
		t.Parallel()
		var ctxErr, readErr error
		pr, pw := io.Pipe() // a request body that never ends
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://fake.example/", pr)
		if err != nil {
			t.Fatal(err)
		}
		rt := inProcess(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, readErr = r.Body.Read(make([]byte, 1))
			<-r.Context().Done()
			ctxErr = r.Context().Err()
		})
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := resp.Body.Close(); err != nil { // returns when the handler has
				t.Error(err)
			}
		}
		if ctxErr == nil || readErr == nil {
			t.Errorf("the handler saw %v and %v", ctxErr, readErr)
		}
		if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("reading afterwards: %v", err)
		}
		_ = pw.Close()
	})
}

func TestHandlersDoNotSeeTheClientsContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	resp, err := get(context.WithValue(t.Context(), key{}, "private"), t, inProcess(func(_ http.ResponseWriter, r *http.Request) {
		if r.Context().Value(key{}) != nil || r.TLS == nil || r.RemoteAddr == "" {
			t.Errorf("value %v, TLS %v", r.Context().Value(key{}), r.TLS)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.TLS == nil || resp.Request == nil {
		t.Error("the response knows neither its request nor TLS")
	}
}

func TestManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	rt := inProcess(func(w http.ResponseWriter, r *http.Request) {
		for i := range 50 {
			say(w, fmt.Sprintf("%s-%d\n", r.URL.Query().Get("n"), i))
		}
	})
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://fake.example/?n=%d", n), http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			lines := slices.Collect(strings.Lines(string(body)))
			if err != nil || len(lines) != 50 || !strings.HasPrefix(lines[49], fmt.Sprintf("%d-49", n)) {
				t.Errorf("%d lines, %v", len(lines), err)
			}
		})
	}
	wg.Wait()
}
