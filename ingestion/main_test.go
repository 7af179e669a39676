package ingestion_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sent is a request as the service would see it.
type sent struct {
	Method, Path, Query string
	Header              http.Header
	Body                string
}

// answer is what a scripted service says.
type answer struct {
	status int
	body   string
	header map[string]string
}

// service is a scripted service in memory: it records requests and gives one
// answer after the other, the last one again and again.
type service struct {
	mu       sync.Mutex
	requests []sent
	answers  []answer
}

func answers(a ...answer) *service { return &service{answers: a} }

func ok(body string) answer { return answer{status: http.StatusOK, body: body} }

func (s *service) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, sent{req.Method, req.URL.EscapedPath(), req.URL.RawQuery, req.Header.Clone(), string(body)})
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	resp := &http.Response{
		StatusCode: a.status, Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Request: req,
		ContentLength: -1, Body: io.NopCloser(strings.NewReader(a.body)),
	}
	for k, v := range a.header {
		resp.Header.Set(k, v)
	}
	return resp, nil
}

// seen returns the requests so far.
func (s *service) seen() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sent(nil), s.requests...)
}

// lines returns the requests so far as "METHOD path?query", for comparisons.
func (s *service) lines() []string {
	var out []string
	for _, r := range s.seen() {
		line := r.Method + " " + strings.TrimPrefix(r.Path, "/v1.0/ingestion")
		if r.Query != "" {
			line += "?" + r.Query
		}
		out = append(out, line)
	}
	return out
}

// newClient makes a client of the service without waits between attempts.
func newClient(tb testing.TB, wire http.RoundTripper, more ...ingestion.Option) *ingestion.Client {
	tb.Helper()
	client, err := ingestion.New(source(), &partnercenter.Options{
		Transport: wire,
		Retry:     partnercenter.RetryOptions{MinDelay: -1, AttemptTimeout: -1},
	}, more...)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

func source() partnercenter.TokenSource {
	return partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{Value: partnercenter.NewSecret("t0ken"), ExpiresOn: time.Now().Add(time.Hour)}, nil
	})
}

// compact takes the blanks out of a JSON text.
func compact(tb testing.TB, text string) string {
	tb.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		tb.Fatalf("%v: %s", err, text)
	}
	return b.String()
}

// collect reads a listing to its end.
func collect[E any](items func(func(E, error) bool)) ([]E, error) {
	var out []E
	for item, err := range items {
		if err != nil {
			return out, err
		}
		out = append(out, item)
	}
	return out, nil
}

// mustParse reads a resource.
func mustParse[T any](tb testing.TB, text string) *ingestion.Resource[T] {
	tb.Helper()
	r := new(ingestion.Resource[T])
	if err := json.Unmarshal([]byte(text), r); err != nil {
		tb.Fatal(err)
	}
	return r
}

// wire writes a resource as it would be sent.
func wire[T any](tb testing.TB, r *ingestion.Resource[T]) string {
	tb.Helper()
	raw, err := ingestion.Wire(r)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

// result2JSON shows a result as a caller's JSON would, with the secrets of
// resources in the clear.
func result2JSON(tb testing.TB, result any) string {
	tb.Helper()
	if result == nil {
		return ""
	}
	v := reflect.ValueOf(result)
	if v.Kind() == reflect.Slice {
		parts := make([]string, v.Len())
		for i := range v.Len() {
			parts[i] = result2JSON(tb, v.Index(i).Interface())
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	if w, ok := result.(interface{ WireForTest() ([]byte, error) }); ok {
		raw, err := w.WireForTest()
		if err != nil {
			tb.Fatal(err)
		}
		return string(raw)
	}
	raw, err := json.Marshal(result)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

func typeOf(v any) string { return reflect.TypeOf(v).String() }

// hosts is a service that also knows where requests were sent to.
type hosts struct {
	*service

	urls []*url.URL
}

func (h *hosts) RoundTrip(req *http.Request) (*http.Response, error) {
	h.urls = append(h.urls, req.URL)
	return h.service.RoundTrip(req)
}
