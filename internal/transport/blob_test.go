package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

const blobLink = "https://blob.example.test/c/f.zip?sv=1&sig=" + canarySig

func blobRequest(tb testing.TB, method, link string, body io.Reader) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, link, body)
	if err != nil {
		tb.Fatal(err)
	}
	return req
}

// fetched is an answer whose body the end of the test closes.
type fetched struct{ *http.Response }

func fetch(tb testing.TB, b *Blob, req *http.Request) (fetched, error) {
	tb.Helper()
	resp, err := b.Do(req)
	if err == nil {
		tb.Cleanup(func() { _ = resp.Body.Close() })
	}
	return fetched{resp}, err
}

func TestBlobRequestsAreAnonymous(t *testing.T) {
	var mu sync.Mutex
	var got http.Header
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = r.Header.Clone()
	})
	src := &issuer{}
	c := newClient(t, s.Client().Transport, partnercenter.Options{UserAgent: "ledger/1"}, src)
	req := blobRequest(t, http.MethodGet, s.URL+"/c/f.zip?sig=abc", http.NoBody)
	req.Header.Set("Range", "bytes=5-")
	want := req.Header.Clone()
	resp, err := fetch(t, c.Blob(), req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if diff := cmp.Diff(want, req.Header); diff != "" {
		t.Errorf("the caller's headers changed: %s", diff)
	}
	if len(src.asked) != 0 {
		t.Error("a token was asked for")
	}
	agent := got.Get("User-Agent")
	got.Del("User-Agent")
	if diff := cmp.Diff(http.Header{"Range": {"bytes=5-"}, "Accept-Encoding": {"identity"}}, got); diff != "" || !strings.HasPrefix(agent, "ledger/1 ") {
		t.Errorf("agent %q, headers %s", agent, diff)
	}
}

func TestBlobRefusals(t *testing.T) {
	wire := script(respond(200, ""))
	b := newClient(t, wire, partnercenter.Options{}).Blob()
	with := func(key string) *http.Request {
		r := blobRequest(t, http.MethodGet, blobLink, http.NoBody)
		r.Header[key] = []string{"Bearer " + canaryToken}
		return r
	}
	once := blobRequest(t, http.MethodPut, blobLink, io.MultiReader(strings.NewReader("x")))
	for name, tc := range map[string]struct {
		req  *http.Request
		text string
	}{
		"authorization":             {with("Authorization"), "refusing to send credentials"},
		"authorization, lower case": {with("authorization"), "refusing to send credentials"},
		"user name":                 {blobRequest(t, http.MethodGet, "https://u:"+canaryPassword+"@blob.example.test/?sig="+canarySig, http.NoBody), "user name"},
		"plain http":                {blobRequest(t, http.MethodGet, strings.Replace(blobLink, "https", "http", 1), http.NoBody), "use https"},
		"other scheme":              {blobRequest(t, http.MethodGet, strings.Replace(blobLink, "https", "file", 1), http.NoBody), "not supported"},
		"body that is read once":    {once, "GetBody"},
	} {
		_, err := fetch(t, b, tc.req)
		wantText(t, err, tc.text, tc.req.Method+" "+tc.req.URL.EscapedPath())
		wantNoCanaries(t, err)
		if wire.calls() != 0 {
			t.Fatalf("%s: %d requests", name, wire.calls())
		}
	}
	failing := blobRequest(t, http.MethodPut, blobLink, strings.NewReader("x"))
	failing.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("disk gone") }
	_, err := fetch(t, b, failing)
	wantText(t, err, "disk gone")
	if _, err := fetch(t, b, &http.Request{Method: http.MethodGet, URL: blobRequest(t, http.MethodGet, blobLink, http.NoBody).URL}); err != nil {
		t.Errorf("a request without header map: %v", err)
	}
}

func TestBlobRedirectsAreNotFollowed(t *testing.T) {
	foreign := newServer(t, func(http.ResponseWriter, *http.Request) {})
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		to := foreign.URL + "/?sig=" + canarySig
		if r.URL.Path == "/self" {
			to = "/other"
		}
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	})
	b := newClient(t, s.Client().Transport, partnercenter.Options{Retry: quick}).Blob()
	for _, path := range []string{"/foreign", "/self"} {
		s.requests.Store(0)
		_, err := fetch(t, b, blobRequest(t, http.MethodGet, s.URL+path+"?sig="+canarySig, http.NoBody))
		wantText(t, err, "redirects", "GET "+path)
		wantNoCanaries(t, err)
		if s.requests.Load() != 1 || foreign.requests.Load() != 0 {
			t.Errorf("%d and %d requests", s.requests.Load(), foreign.requests.Load())
		}
	}
}

func TestBlobIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := script(
			respond(503, "busy", "Retry-After", "3"), fail(io.ErrUnexpectedEOF), respond(206, "part"))
		b := newClient(t, wire, partnercenter.Options{}).Blob()
		resp, err := fetch(t, b, blobRequest(t, http.MethodPut, blobLink, strings.NewReader("the block")))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 206 || string(text) != "part" {
			t.Errorf("%d %q %v", resp.StatusCode, text, err)
		}
		if diff := cmp.Diff([]string{"the block", "the block", "the block"}, wire.body); diff != "" {
			t.Error(diff)
		}
		for _, r := range wire.requests() {
			if r.ContentLength != 9 {
				t.Errorf("Content-Length %d", r.ContentLength)
			}
		}
		if got := wire.times[1].Sub(wire.times[0]); got != 3*time.Second {
			t.Errorf("waited %v", got)
		}
	})
}

func TestBlobHandsOutRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const body = `<?xml version="1.0"?><Error><Code>ServerBusy</Code><Message>Slow down ` + blobLink + "\nRequestId:1</Message></Error>"
		wire := script(respond(503, strings.ReplaceAll(body, "&", "&amp;"), "x-ms-request-id", "b-1", "Retry-After", "2", "Location", blobLink))
		resp, err := fetch(t, newClient(t, wire, partnercenter.Options{}).Blob(), blobRequest(t, http.MethodGet, blobLink, http.NoBody))
		if err != nil {
			t.Fatal(err)
		}
		e := BlobError(resp.Response)
		if e.StatusCode != 503 || e.Code != "ServerBusy" || e.RequestID != "b-1" || e.RetryAfter != 2*time.Second ||
			e.Attempts != 4 || e.Method != http.MethodGet || e.Path != "/c/f.zip" || !strings.HasPrefix(e.Message, "Slow down") {
			t.Errorf("got %#v", e)
		}
		wantNoCanaries(t, e)
	})
	// Made of an answer that did not come through here.
	e := BlobError(&http.Response{StatusCode: 404, Body: http.NoBody})
	if !errors.Is(e, partnercenter.ErrNotFound) || e.Attempts != 1 || e.Path != "" {
		t.Errorf("got %#v", e)
	}
}

func TestBlobFailuresNameNoQuery(t *testing.T) {
	var logs lockedBuffer
	log := slog.New(slog.NewMultiHandler(
		slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}),
		slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	wire := script(respond(500, ""), fail(errors.New("no route to "+blobLink)))
	b := newClient(t, wire, partnercenter.Options{Logger: log, Retry: quick}).Blob()
	_, err := fetch(t, b, blobRequest(t, http.MethodGet, blobLink, http.NoBody))
	e := wantError(t, err, 0)
	if e.Attempts != 4 || e.Path != "/c/f.zip" || e.Method != http.MethodGet {
		t.Errorf("got %#v", e)
	}
	wantText(t, err, "no route to https://blob.example.test/c/f.zip")
	wantNoCanaries(t, err)
	wantNoCanary(t, "the log", logs.String())
	if n := strings.Count(logs.String(), "level=DEBUG"); n != 4 || !strings.Contains(logs.String(), "path=/c/f.zip") || !strings.Contains(logs.String(), "status=500") {
		t.Errorf("%d records: %s", n, logs.String())
	}
}

func TestBlobCancelledWhileWaitingKeepsTheStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := script(respond(429, "", "Retry-After", "30"))
		b := newClient(t, wire, partnercenter.Options{}).Blob()
		reason := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(reason) })
		_, err := fetch(t, b, blobRequest(t, http.MethodGet, blobLink, http.NoBody).WithContext(ctx))
		e := wantError(t, err, 429)
		if !errors.Is(err, reason) || e.RetryAfter != 30*time.Second {
			t.Errorf("got %#v", e)
		}
	})
}

func TestBlobTimeoutEndsWithTheHeader(t *testing.T) {
	opts := partnercenter.Options{Retry: partnercenter.RetryOptions{MaxRetries: -1, AttemptTimeout: 10 * time.Second}}
	synctest.Test(t, func(t *testing.T) {
		// A body that takes longer than the timeout is fine.
		wire := script(func(req *http.Request) (*http.Response, error) {
			r, w := io.Pipe()
			go func() {
				select {
				case <-time.After(time.Hour):
					_, _ = io.WriteString(w, "late")
					_ = w.Close()
				case <-req.Context().Done():
					_ = w.CloseWithError(context.Cause(req.Context()))
				}
			}()
			return &http.Response{StatusCode: 200, Body: r, ContentLength: -1, Request: req}, nil
		})
		resp, err := fetch(t, newClient(t, wire, opts).Blob(), blobRequest(t, http.MethodGet, blobLink, http.NoBody))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "late" {
			t.Errorf("%q %v", text, err)
		}
		_ = resp.Body.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		// A header that does not come is not.
		wire := script(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		start := time.Now()
		_, err := fetch(t, newClient(t, wire, opts).Blob(), blobRequest(t, http.MethodGet, blobLink, http.NoBody))
		wantStatus(t, err, 0)
		wantText(t, err, "no complete answer within 10s")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		// Nor one that comes too late from a transport that is deaf to contexts.
		late := &body{Reader: strings.NewReader("x")}
		wire := script(func(req *http.Request) (*http.Response, error) {
			time.Sleep(11 * time.Second)
			return &http.Response{StatusCode: 200, Body: late, Request: req}, nil
		})
		_, err := fetch(t, newClient(t, wire, opts).Blob(), blobRequest(t, http.MethodGet, blobLink, http.NoBody))
		wantStatus(t, err, 0)
		wantText(t, err, "within 10s")
		if !late.closed {
			t.Error("the late answer was not closed")
		}
	})
}

func TestBlobBodyReleasesItsContext(t *testing.T) {
	var inner context.Context
	wire := script(func(req *http.Request) (*http.Response, error) {
		inner = req.Context()
		return respond(200, "x")(req)
	})
	resp, err := fetch(t, newClient(t, wire, partnercenter.Options{Retry: partnercenter.RetryOptions{AttemptTimeout: -1}}).Blob(), blobRequest(t, http.MethodGet, blobLink, http.NoBody))
	if err != nil {
		t.Fatal(err)
	}
	if inner.Err() != nil {
		t.Error("the context ended before the body was read")
	}
	_ = resp.Body.Close()
	if inner.Err() == nil {
		t.Error("the context outlives the body")
	}
}

func TestBlobCarelessTransport(t *testing.T) {
	wire := script(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 404}, nil })
	resp, err := fetch(t, newClient(t, wire, partnercenter.Options{}).Blob(), blobRequest(t, http.MethodHead, blobLink, http.NoBody))
	if err != nil || resp.StatusCode != 404 {
		t.Fatal(err)
	}
	if e := BlobError(resp.Response); e.StatusCode != 404 {
		t.Errorf("got %#v", e)
	}
	wire = script(func(*http.Request) (*http.Response, error) { return nil, nil })
	_, err = fetch(t, newClient(t, wire, partnercenter.Options{Retry: quick}).Blob(), blobRequest(t, http.MethodGet, blobLink, http.NoBody))
	wantText(t, err, "Options.Transport")
	if wire.calls() != 1 {
		t.Errorf("%d requests", wire.calls())
	}
}
