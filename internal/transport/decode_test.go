package transport

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jarcoal/httpmock"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/redact"
)

// What a body of each known shape says. Ids, times and the like are left out
// where the body does not carry them.
func TestEveryErrorShapeIsUnderstood(t *testing.T) {
	type E = partnercenter.Error
	type D = partnercenter.ErrorDetail
	for name, tc := range map[string]struct {
		status int
		body   string
		header http.Header
		want   E
	}{
		"gateway": {
			status: 429, body: `{"statusCode": 429, "message": "Rate limit is exceeded. Try again in 57 seconds."}`,
			want: E{Message: "Rate limit is exceeded. Try again in 57 seconds."},
		},
		"error object with inner errors": {
			status: 400, body: `{"error":{"code":"invalidRequest","message":"Bad filter.","target":"$filter",
				"details":[{"code":"d1","message":"m1","target":"t1"}],
				"innerError":{"code":"syntax","message":"Unexpected end.","innererror":{"code":"eof","details":[{"code":"deep","description":"deeper","field":"f"}]}}}}`,
			want: E{Code: "invalidRequest", Message: "Bad filter.", Target: "$filter", Details: []D{
				{Code: "d1", Message: "m1", Target: "t1"}, {Code: "syntax", Message: "Unexpected end."}, {Code: "eof"},
				{Code: "deep", Message: "deeper", Target: "f"},
			}},
		},
		"REST, code as text": {
			status: 404, body: `{"code":"2000","description":"The item was not found.","data":[],"source":"PartnerApi"}`,
			want: E{Code: "2000", Message: "The item was not found."},
		},
		"REST, code as number": {
			status: 404, body: `{"code":2000,"description":"The item was not found.","data":{},"source":"PartnerApi"}`,
			want: E{Code: "2000", Message: "The item was not found."},
		},
		"Entra ID": {
			status: 400, body: `{"error":"invalid_grant","error_description":"AADSTS70000: The grant is invalid.","error_codes":[70000],"trace_id":"t-1","correlation_id":"c-1"}`,
			want: E{Code: "invalid_grant", Message: "AADSTS70000: The grant is invalid.", RequestID: "t-1", CorrelationID: "c-1"},
		},
		"analytics envelope": {
			status: 400, body: `{"value":[],"totalCount":0,"message":"Invalid QueryID","statusCode":400}`,
			want: E{Message: "Invalid QueryID"},
		},
		"analytics envelope, capitals": {
			status: 404, body: `{"Value":[],"TotalCount":0,"Message":"No item found with given filters","StatusCode":404}`,
			want: E{Message: "No item found with given filters"},
		},
		"fault text": {
			status: 400, body: `"ICH50400 - Unable to complete request. {\"faultCode\":50400,\"reasonPhrase\":\"Request validation failed.\",\"correlationId\":\"c-2\",\"operationId\":\"o-2\",\"data\":{\"FeatureName\":[\"The field FeatureName is invalid.\"],\"Other\":\"one\",\"Number\":3,\"None\":null,\"Empty\":[]}}"`,
			want: E{
				Code: "ICH50400", Message: "Unable to complete request: Request validation failed.", CorrelationID: "c-2", RequestID: "o-2",
				Fields: map[string][]string{"FeatureName": {"The field FeatureName is invalid."}, "Other": {"one"}, "Number": {"3"}},
			},
		},
		"fault text without JSON": {
			status: 500, body: `ICH50000 - Something broke`,
			want: E{Code: "ICH50000", Message: "Something broke"},
		},
		"submission object": {
			status: 409, body: `{"code":"InvalidState","data":[],"details":[],"message":"Create submission failed.","source":"Ingestion Api","target":"submission","activityId":"a-1"}`,
			want: E{Code: "InvalidState", Message: "Create submission failed.", Target: "submission", RequestID: "a-1"},
		},
		"submission object with inner error": {
			status: 500, body: `{"code":"InternalServerError","data":[],"details":[],"innererror":{"code":"UnknownInternalFailure","data":[],"details":[],"message":"Deep."},"message":"Failed.","source":"Ingestion Api"}`,
			want: E{Code: "InternalServerError", Message: "Failed.", Details: []D{{Code: "UnknownInternalFailure", Message: "Deep."}}},
		},
		"exception text with problem details": {
			status: 400, body: `"Store.Some.ErrorHandler.RestClientException: Product request failed,\nAPI=GetProduct, HttpStatusCode=BadRequest,\nResponseContent={\"errors\":{\"x-ms-publisherId\":[\"The value is not valid.\"]},\"type\":\"https://tools.ietf.org/html/rfc7231\",\"title\":\"One or more validation errors occurred.\",\"status\":400,\"traceId\":\"00-1-2-00\"}"`,
			want: E{
				Message:   "Store.Some.ErrorHandler.RestClientException: Product request failed,\nAPI=GetProduct, HttpStatusCode=BadRequest,\nResponseContent: One or more validation errors occurred.",
				Fields:    map[string][]string{"x-ms-publisherId": {"The value is not valid."}},
				RequestID: "00-1-2-00",
			},
		},
		"plain text": {
			status: 400, body: "The API you have called is not applicable for this product\r\n",
			want: E{Message: "The API you have called is not applicable for this product"},
		},
		"JSON string": {
			status: 400, body: `"Enter a valid GUID"`,
			want: E{Message: "Enter a valid GUID"},
		},
		"JSON string that holds an error object": {
			status: 400, body: `"{\"error\":{\"code\":\"c\",\"message\":\"m\"}}"`,
			want: E{Code: "c", Message: "m"},
		},
		"text with braces that are not JSON": {
			status: 400, body: "Route {id} is unknown",
			want: E{Message: "Route {id} is unknown"},
		},
		"JSON string, cut": {
			status: 400, body: `"Enter a valid`,
			want: E{Message: `"Enter a valid`},
		},
		"problem details": {
			status: 415, body: `{"type":"about:blank","title":"Unsupported Media Type","detail":"Send JSON.","traceId":"t-3"}`,
			want: E{Message: "Unsupported Media Type: Send JSON.", RequestID: "t-3"},
		},
		"array": {
			status: 400, body: `[{"code":"c","message":"m"},{"code":"d"}]`,
			want: E{Code: "c", Message: "m"},
		},
		"empty array":  {status: 400, body: `[]`},
		"empty object": {status: 400, body: `{}`},
		"cut object": {
			status: 400, body: `{"error":{"code":"inv`,
			want: E{Message: `{"error":{"code":"inv`},
		},
		"members of unexpected kinds": {
			status: 400, body: `{"error":null,"code":{"a":1},"message":["x"],"details":"none","innererror":[],"data":7,"errors":[1]}`,
		},
		"details of unexpected kinds": {
			status: 400, body: `{"code":"c","details":[null,1,{},{"message":"m"}]}`,
			want: E{Code: "c", Details: []D{{Message: "m"}}},
		},
		"byte order mark": {
			status: 400, body: "\xef\xbb\xbf{\"code\":\"c\",\"message\":\"m\"}",
			want: E{Code: "c", Message: "m"},
		},
		"HTML": {
			status: 502, body: "<!DOCTYPE html>\n<html><head><TITLE lang=en>\n502 &mdash; Bad\n Gateway</TITLE></head><body>nginx</body></html>",
			want: E{Message: "502 — Bad Gateway"},
		},
		"HTML without title": {status: 502, body: "<html><body>Our services aren't available right now</body></html>"},
		"blob store's XML": {
			status: 403, body: "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.\nRequestId:1\nTime:2</Message><AuthenticationErrorDetail>Signed expiry time has to be after signed start time.</AuthenticationErrorDetail></Error>",
			header: http.Header{"X-Ms-Request-Id": {"b-1"}},
			want:   E{Code: "AuthenticationFailed", Message: "Server failed to authenticate the request.: Signed expiry time has to be after signed start time.", RequestID: "b-1"},
		},
		"other XML": {status: 400, body: `<fault><code>1</code></fault>`},
		"empty":     {status: 503},
		"blank":     {status: 503, body: " \r\n\t"},
		"ids in headers": {
			status: 400, body: `{"message":"m","requestId":"body"}`,
			header: http.Header{"Request-Id": {"r-1"}, "Ms-Correlationid": {"c-1"}},
			want:   E{Message: "m", RequestID: "r-1", CorrelationID: "c-1"},
		},
		"older correlation header": {
			status: 400, header: http.Header{"Ms-Correlation-X": {"c-4"}},
			want: E{CorrelationID: "c-4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			mock := httpmock.NewMockTransport()
			responder := httpmock.NewStringResponder(tc.status, tc.body)
			if tc.header != nil {
				responder = responder.HeaderSet(tc.header)
			}
			mock.RegisterResponder(http.MethodGet, testEndpoint+"/v1.0/x", responder)
			_, err := newClient(t, mock, partnercenter.Options{Retry: noRetry}).Do(t.Context(), get("/x"), partnercenter.WithCorrelationID("mine"))
			got := wantError(t, err, tc.status)
			want := tc.want
			want.StatusCode, want.Method, want.Path, want.Attempts = tc.status, http.MethodGet, "/v1.0/x", 1
			if want.CorrelationID == "" {
				want.CorrelationID = "mine"
			}
			if diff := cmp.Diff(&want, got, cmpopts.IgnoreFields(E{}, "Header", "Body", "Advice", "ClientRequestID")); diff != "" {
				t.Error(diff)
			}
			if want := bytes.TrimPrefix([]byte(tc.body), byteOrderMark); !bytes.Equal(got.Body, want) {
				t.Errorf("body %q, want %q", got.Body, want)
			}
			checkPrintable(t, got)
		})
	}
}

// checkPrintable asserts what holds of every error, whatever the body was.
func checkPrintable(tb testing.TB, e *partnercenter.Error) {
	tb.Helper()
	line := e.Error()
	if strings.ContainsAny(line, "\r\n\v\f\u0085\u2028\u2029") || !utf8.ValidString(line) {
		tb.Errorf("not one line of text: %q", line)
	}
	if len(line) > 64<<10 {
		tb.Errorf("%d bytes of error text", len(line))
	}
	if len(e.Body) > keepBody {
		tb.Errorf("%d bytes of body kept", len(e.Body))
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "error", e)
	if !json.Valid(log.Bytes()) || strings.Contains(log.String(), "PANIC") {
		tb.Errorf("log record %s", log.String())
	}
	texts := []string{string(e.Body), e.Code, e.Message, e.Target, e.RequestID, e.CorrelationID}
	for _, d := range e.Details {
		texts = append(texts, d.Code, d.Message, d.Target)
	}
	for _, values := range e.Header {
		texts = append(texts, values...)
	}
	for name, values := range e.Fields {
		texts = append(append(texts, name), values...)
	}
	for _, s := range texts {
		if redact.Text(s) != s {
			tb.Errorf("still looks secret: %q", s)
		}
	}
}

func TestLongBodiesAreCut(t *testing.T) {
	for name, text := range map[string]string{
		"text":                   strings.Repeat("é", 100_000),
		"json":                   `{"message":"` + strings.Repeat("m", 20_000) + `"}`,
		"more than is looked at": `{"message":"` + strings.Repeat("m", readBody) + `"}`,
		"many fields":            `{"errors":{` + strings.Repeat(`"f":["x"],`, 4000) + `"z":["y"]}}`,
	} {
		_, err := newClient(t, script(respond(400, text)), partnercenter.Options{}).Do(t.Context(), get("/x"))
		e := wantError(t, err, 400)
		if len(e.Body) != keepBody || !strings.HasPrefix(text, string(e.Body)) || cap(e.Body) > 2*keepBody {
			t.Errorf("%s: %d bytes of body, capacity %d", name, len(e.Body), cap(e.Body))
		}
		if len(e.Message) > maxText+3 {
			t.Errorf("%s: %d bytes of message", name, len(e.Message))
		}
		checkPrintable(t, e)
	}
}

func TestInnerErrorsAreFollowedToALimit(t *testing.T) {
	body := strings.Repeat(`{"code":"c","innererror":`, 1000) + `{}` + strings.Repeat(`}`, 1000)
	_, err := newClient(t, script(respond(400, body)), partnercenter.Options{}).Do(t.Context(), get("/x"))
	if e := wantError(t, err, 400); len(e.Details) != maxNesting {
		t.Errorf("%d details", len(e.Details))
	}
}

func FuzzDecodeError(f *testing.F) {
	for _, body := range []string{
		"", "{}", "[[[]]]", `"x"`, "<Error><Code>c</Code></Error>", "<title>t</title>", `{"error":{"code":1,"innerError":{"code":"x"}}}`,
		`"ICH50400 - x. {\"faultCode\":50400,\"data\":{\"a\":[\"b\"]}}"`, "a\nb\r\nc\u2028d", "\xff\xfe\x00",
		`{"message":"https://x/?se=1\u0026sig=abcdef"}`, `{"message":"Bearer abcdefghijklmnopqrstuvwx"}`, `{"errors":{"sig=abc":["password=abc"]}}`,
		`"{\"client_secret\":\"abc\"}"`, `{"code":"eyJhbGciOiJSUzI1NiJ9.e30.x"}`, `{"message":"\u0065yJhbGciOiJSUzI1NiJ9.e30.x"}`,
	} {
		f.Add([]byte(body), "Bearer realm=x", 400)
	}
	const canary = "tok+en/canary=42"
	f.Fuzz(func(t *testing.T, body []byte, challenge string, status int) {
		e := &partnercenter.Error{
			Method: http.MethodGet, Path: "/x", StatusCode: status,
			Header: http.Header{"Www-Authenticate": {challenge}, "X-Echo": {canary}},
		}
		decodeError(e, append(body, canary...), []string{canary})
		e.Advice = advise(e, complaintOf(e, ""), testResource)
		checkPrintable(t, e)
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{e.Error(), string(e.Body), string(text), e.Header.Get("X-Echo")} {
			if strings.Contains(s, canary) {
				t.Errorf("the token is in %q", s)
			}
		}
	})
}
