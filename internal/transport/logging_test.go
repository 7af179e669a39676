package transport

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

func records(tb testing.TB, logs *lockedBuffer) []map[string]any {
	tb.Helper()
	var out []map[string]any
	dec := json.NewDecoder(strings.NewReader(logs.String()))
	for dec.More() {
		var r map[string]any
		if err := dec.Decode(&r); err != nil {
			tb.Fatal(err)
		}
		delete(r, "time")
		out = append(out, r)
	}
	return out
}

func TestOneRecordPerAttemptAndPerRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logs lockedBuffer
		log := slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
		wire := script(respond(503, "busy", "Retry-After", "2"), fail(io.ErrUnexpectedEOF), respond(200, "{}", "Request-ID", "r-1"))
		c := newClient(t, wire, partnercenter.Options{Logger: log, Retry: quick})
		if _, err := c.Do(t.Context(), Request{Method: http.MethodGet, Path: "/x", Query: "q=hush"}, partnercenter.WithRequestID("q-1")); err != nil {
			t.Fatal(err)
		}
		attempt := func(n float64, more map[string]any) map[string]any {
			r := map[string]any{
				"level": "DEBUG", "msg": "request", "method": "GET", "host": "api.example.test", "path": "/v1.0/x",
				"attempt": n, "duration": 0.0, "client_request_id": "q-1",
			}
			maps.Copy(r, more)
			return r
		}
		retry := func(n float64, more map[string]any) map[string]any {
			r := map[string]any{"level": "INFO", "msg": "retrying", "method": "GET", "path": "/v1.0/x", "retry": n, "delay": 0.0}
			maps.Copy(r, more)
			return r
		}
		want := []map[string]any{
			attempt(1, map[string]any{"status": 503.0, "bytes": 4.0, "request_id": ""}),
			retry(1, map[string]any{"status": 503.0, "delay": float64(2 * time.Second)}),
			attempt(2, map[string]any{"error": "unexpected EOF"}),
			retry(2, map[string]any{"error": "unexpected EOF"}),
			attempt(3, map[string]any{"status": 200.0, "bytes": 2.0, "request_id": "r-1"}),
		}
		if diff := cmp.Diff(want, records(t, &logs)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestForcedRefreshIsLogged(t *testing.T) {
	var logs lockedBuffer
	log := slog.New(slog.NewJSONHandler(&logs, nil)) // Info: attempts are not in it
	c := newClient(t, script(respond(401, ""), respond(200, "")), partnercenter.Options{Logger: log}, &issuer{})
	if _, err := c.Do(t.Context(), get("/x")); err != nil {
		t.Fatal(err)
	}
	got := records(t, &logs)
	if len(got) != 1 || got[0]["msg"] != "token rejected, repeating with a new one" {
		t.Errorf("got %v", got)
	}
}
