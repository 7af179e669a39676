package partnercenter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

func fullError() *partnercenter.Error {
	return &partnercenter.Error{
		StatusCode: 429, Code: "tooMany", Message: "Slow\r\ndown.", Target: "exports",
		Details: []partnercenter.ErrorDetail{{Code: "inner", Message: "m", Target: "t"}},
		Fields:  map[string][]string{"b": {"two", "three"}, "a": {"one"}},
		Advice:  "Wait.", RequestID: "r-1", CorrelationID: "c-1", ClientRequestID: "q-1", Claims: "{}", InteractionRequired: true,
		Attempts: 4, RetryAfter: 90 * time.Second, Method: "GET", Path: "/v1.0/x",
		Header: http.Header{"X-Header": {"kept out"}}, Body: []byte("kept out"), Err: context.Canceled,
	}
}

func TestErrorIsOneLine(t *testing.T) {
	for want, e := range map[string]*partnercenter.Error{
		"GET /v1.0/x: 429 Too Many Requests: tooMany: Slow down.; field a: one; field b: two, three: context canceled (request id r-1, correlation id c-1, 4 attempts, retry after 1m30s). Wait.": fullError(),
		"GET /x: no response: EOF":                          {Method: "GET", Path: "/x", Err: errors.New("EOF"), Attempts: 1},
		"GET /x: 404 Not Found (client request id q)":       {Method: "GET", Path: "/x", StatusCode: 404, ClientRequestID: "q"},
		"GET /x: 599: odd":                                  {Method: "GET", Path: "/x", StatusCode: 599, Message: "odd"},
		": no response":                                     {},
		"GET /x: 400 Bad Request: a b c d e: \ufffd":        {Method: "GET", Path: "/x", StatusCode: 400, Code: "a\nb\u0085c\u2028d\x00\x1b e", Message: "\xff"},
		"GET /x y: 400 Bad Request; field f g: x y":         {Method: "GET", Path: "/x\ny", StatusCode: 400, Fields: map[string][]string{"f\ng": {"x\r\ny"}}},
		"GET /x: 400 Bad Request (request id a b). Do this": {Method: "GET", Path: "/x", StatusCode: 400, RequestID: "a\nb", Advice: "Do\nthis"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestErrorTextIsBounded(t *testing.T) {
	e := fullError()
	e.Message = strings.Repeat("é", 1<<20)
	for i := range 1000 {
		e.Fields[fmt.Sprintf("field%04d", i)] = []string{strings.Repeat("x", 1<<16)}
	}
	got := e.Error()
	if len(got) > 32<<10 || !utf8.ValidString(got) {
		t.Errorf("%d bytes", len(got))
	}
	if !strings.Contains(got, "and 994 more fields") {
		t.Error("it does not say that fields were left out")
	}
}

func TestErrorPrintsNeitherBodyNorHeader(t *testing.T) {
	e := fullError()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("m", "err", e)
	slog.New(slog.NewJSONHandler(&log, nil)).Error("m", "err", e)
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"statusCode":429,"code":"tooMany","message":"Slow\r\ndown.","target":"exports","details":[{"code":"inner","message":"m","target":"t"}],` +
		`"fields":{"a":["one"],"b":["two","three"]},"advice":"Wait.","requestId":"r-1","correlationId":"c-1","clientRequestId":"q-1","claims":"{}","interactionRequired":true,` +
		`"attempts":4,"retryAfter":90000000000,"method":"GET","path":"/v1.0/x"}`
	if string(b) != want {
		t.Errorf("as JSON: %s", b)
	}
	for _, text := range []string{e.Error(), fmt.Sprintf("%v %+v %s %q", e, e, e, e), log.String(), string(b)} {
		if strings.Contains(text, "kept out") {
			t.Errorf("printed: %s", text)
		}
	}
}

func TestErrorMatchesItsKind(t *testing.T) {
	kinds := map[string]error{
		"unauthorized": partnercenter.ErrUnauthorized, "forbidden": partnercenter.ErrForbidden, "not found": partnercenter.ErrNotFound,
		"conflict": partnercenter.ErrConflict, "throttled": partnercenter.ErrThrottled, "server": partnercenter.ErrServer,
		"no response": partnercenter.ErrNoResponse, "interaction required": partnercenter.ErrInteractionRequired, "other": errors.New("other"),
	}
	for status, want := range map[int]string{
		0: "no response", 400: "", 401: "unauthorized", 403: "forbidden", 404: "not found", 409: "conflict", 412: "conflict",
		429: "throttled", 500: "server", 503: "server", 599: "server", 600: "", 301: "", 200: "",
	} {
		err := fmt.Errorf("exporting: %w", &partnercenter.Error{StatusCode: status})
		for kind, sentinel := range kinds {
			if got := errors.Is(err, sentinel); got != (kind == want) {
				t.Errorf("%d is %s: %v", status, kind, got)
			}
		}
	}
	for _, required := range []bool{false, true} {
		err := fmt.Errorf("exporting: %w", &partnercenter.Error{StatusCode: 401, InteractionRequired: required})
		if errors.Is(err, partnercenter.ErrInteractionRequired) != required || !errors.Is(err, partnercenter.ErrUnauthorized) {
			t.Errorf("interaction required %t: does not match", required)
		}
	}
	if err := error(fullError()); !errors.Is(err, context.Canceled) {
		t.Error("the cause cannot be reached")
	}
}

func TestHasCode(t *testing.T) {
	err := fmt.Errorf("exporting: %w", fullError())
	for code, want := range map[string]bool{"tooMany": true, "TOOMANY": true, "inner": true, "other": false, "": false} {
		if got := partnercenter.HasCode(err, "x", code); got != want {
			t.Errorf("%q: %v", code, got)
		}
	}
	if partnercenter.HasCode(err) || partnercenter.HasCode(nil, "x") || partnercenter.HasCode(errors.New("tooMany"), "tooMany") {
		t.Error("a code out of nothing")
	}
	if partnercenter.HasCode(&partnercenter.Error{}, "") {
		t.Error("no code is not the empty code")
	}
}

func TestErrorLogsAGroup(t *testing.T) {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Error("m", "err", fullError())
	var record struct {
		Err map[string]any `json:"err"`
	}
	if err := json.Unmarshal(b.Bytes(), &record); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"method": "GET", "path": "/v1.0/x", "status": 429.0, "code": "tooMany", "message": "Slow down.", "target": "exports",
		"fields":     map[string]any{"a": []any{"one"}, "b": []any{"two", "three"}},
		"request_id": "r-1", "client_request_id": "q-1", "correlation_id": "c-1", "interaction_required": true, "attempts": 4.0, "retry_after": float64(90 * time.Second),
		"advice": "Wait.", "cause": "context canceled",
	}
	if diff := cmp.Diff(want, record.Err); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	slog.New(slog.NewJSONHandler(&b, nil)).Error("m", "err", &partnercenter.Error{})
	if !strings.Contains(b.String(), `"err":{"status":0,"attempts":0}`) {
		t.Errorf("an empty error logs %s", b.String())
	}
}
