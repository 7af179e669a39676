package transport

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/partnercenter-go/partnercenter"
)

var idHeaders = []string{headerClientRequestID, headerCorrelationID, headerRequestID}

func ids(r *http.Request) []string {
	var out []string
	for _, name := range idHeaders {
		out = append(out, r.Header.Get(name))
	}
	return out
}

func TestIDsAreFreshPerCallAndKeptPerAttempt(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1.0/fail" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	wire := script(s.Client().Transport.RoundTrip)
	c := newClient(t, wire, partnercenter.Options{Endpoint: s.URL, Retry: quick})
	_, err := c.Do(t.Context(), get("/fail"))
	e := wantError(t, err, 503)
	var meta partnercenter.ResponseMeta
	if _, err := c.Do(t.Context(), get("/ok"), partnercenter.WithResponse(&meta)); err != nil {
		t.Fatal(err)
	}
	sent := wire.requests()
	if len(sent) != 5 {
		t.Fatalf("%d requests", len(sent))
	}
	first, last := ids(sent[0]), ids(sent[4])
	for _, r := range sent[1:4] {
		if diff := cmp.Diff(first, ids(r)); diff != "" {
			t.Errorf("ids changed between attempts: %s", diff)
		}
	}
	seen := map[string]bool{}
	for _, id := range append(first, last...) {
		if _, err := uuid.Parse(id); err != nil || seen[id] {
			t.Errorf("%q is not a fresh GUID", id)
		}
		seen[id] = true
	}
	if e.ClientRequestID != first[0] || e.CorrelationID != first[1] || meta.ClientRequestID != last[0] || meta.CorrelationID != last[1] {
		t.Errorf("error %+v, meta %+v", e, meta)
	}
}

func TestIDsCanBeChosen(t *testing.T) {
	for name, tc := range map[string]struct {
		request Request
		opts    []partnercenter.CallOption
		want    []string
	}{
		"options": {
			Request{IdempotencyKey: "key"},
			[]partnercenter.CallOption{partnercenter.WithRequestID("request"), partnercenter.WithCorrelationID("correlation"), nil},
			[]string{"request", "correlation", "key"},
		},
		"headers": {
			Request{},
			[]partnercenter.CallOption{
				partnercenter.WithHeader("client-request-ID", "request"), partnercenter.WithHeader("MS-CorrelationId", "correlation"),
				partnercenter.WithHeader("ms-requestid", "key"),
			},
			[]string{"request", "correlation", "key"},
		},
		"options win over headers": {
			Request{IdempotencyKey: "key", Header: http.Header{"Ms-Requestid": {"other"}, "Client-Request-Id": {"other"}}},
			[]partnercenter.CallOption{
				partnercenter.WithHeader("Client-Request-ID", "another"), partnercenter.WithRequestID("request"), partnercenter.WithCorrelationID("correlation"),
			},
			[]string{"request", "correlation", "key"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			wire := script(respond(200, ""))
			tc.request.Method = http.MethodPost
			if _, err := newClient(t, wire, partnercenter.Options{}).Do(t.Context(), tc.request, tc.opts...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, ids(wire.requests()[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A chosen ms-requestid header alone is no promise that the service honours it.
func TestOnlyAnIdempotencyKeyMakesAPostRepeatable(t *testing.T) {
	wire := script(respond(500, ""))
	_, err := newClient(t, wire, partnercenter.Options{Retry: quick}).Do(t.Context(),
		Request{Method: http.MethodPost}, partnercenter.WithHeader("ms-requestid", "key"))
	if wantStatus(t, err, 500); wire.calls() != 1 {
		t.Errorf("%d requests", wire.calls())
	}
}

func TestDefaultHeaders(t *testing.T) {
	wire := script(respond(200, ""))
	c := newClient(t, wire, partnercenter.Options{})
	do := func(r Request, opts ...partnercenter.CallOption) http.Header {
		t.Helper()
		if _, err := c.Do(t.Context(), r, opts...); err != nil {
			t.Fatal(err)
		}
		return wire.requests()[wire.calls()-1].Header
	}
	h := do(get("/x"))
	if h.Get("Accept") != "application/json" || h.Get("Content-Type") != "" || h.Get("Authorization") != "Bearer "+testToken {
		t.Errorf("GET: %v", h)
	}
	h = do(Request{Method: http.MethodPut, Body: []byte("{}")})
	if h.Get("Content-Type") != "application/json" {
		t.Errorf("PUT: %v", h)
	}
	h = do(Request{Method: http.MethodPut, Body: []byte("x"), Header: http.Header{"Content-Type": {"text/plain"}}},
		partnercenter.WithHeader("Accept", "text/csv"), partnercenter.WithHeader("X-Own", "1"), partnercenter.WithHeader("X-Own", "2"))
	if h.Get("Content-Type") != "text/plain" || h.Get("Accept") != "text/csv" || len(h.Values("X-Own")) != 2 {
		t.Errorf("own headers: %v", h)
	}
}

func TestHeadersThatWouldChangeTheRequestAreRefused(t *testing.T) {
	for _, tc := range []struct{ name, value, text string }{
		{"Authorization", "Bearer hush", "token source"},
		{"authorization", "Bearer hush", "token source"},
		{"Host", "evil.test", "set by the SDK"},
		{"content-length", "3", "set by the SDK"},
		{"Transfer-Encoding", "chunked", "set by the SDK"},
		{"Connection", "close", "set by the SDK"},
		{"User-Agent", "x", "set by the SDK"},
		{"Authorization ", "Bearer hush", "not a header name"},
		{"", "x", "not a header name"},
		{"X Own", "x", "not a header name"},
		{"X-Own:", "x", "not a header name"},
		{"X-Öwn", "x", "not a header name"},
		{"X-Own\r\nHost", "x", "not a header name"},
		{"X-Own", "hush\r\nAuthorization: Bearer evil", "control character"},
		{"X-Own", "hush\x00", "control character"},
	} {
		src := &issuer{}
		wire := script(respond(200, ""))
		_, err := newClient(t, wire, partnercenter.Options{}, src).Do(t.Context(), get("/x"), partnercenter.WithHeader(tc.name, tc.value))
		wantText(t, err, tc.text)
		if wire.calls() != 0 || len(src.asked) != 0 || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %d requests, %v", tc.name, wire.calls(), err)
		}
	}
	for name, opt := range map[string]partnercenter.CallOption{
		"Client-Request-Id": partnercenter.WithRequestID("a\nb"),
		"Ms-Correlationid":  partnercenter.WithCorrelationID("a\nb"),
	} {
		_, err := newClient(t, script(respond(200, "")), partnercenter.Options{}).Do(t.Context(), get("/x"), opt)
		wantText(t, err, name, "control character")
	}
	_, err := newClient(t, script(respond(200, "")), partnercenter.Options{}).Do(t.Context(), Request{Method: http.MethodPost, IdempotencyKey: "a\nb"})
	wantText(t, err, "control character")
}
