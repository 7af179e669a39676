package bench

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// maxExtraAllocs is what one call through the pipeline may allocate beyond the
// same call on bare net/http.
const maxExtraAllocs = 40

// token has the length of a real access token, because headers are copied.
var token = string(bytes.Repeat([]byte("0123456789abcdef"), 100))

const id = "00000000-0000-0000-0000-000000000001"

// answers are the two shapes of answer that matter: the status of a long-running
// operation, and a full page of a list.
var answers = []struct {
	name string
	body []byte
}{
	{"status", status()},
	{"page", []byte(`{"value":[` + string(bytes.Join(slices.Repeat([][]byte{status()}, 100), []byte(","))) + `]}`)},
}

func status() []byte {
	return []byte(`{"value":[{"requestId":"00000000-0000-0000-0000-000000000001","requestDateTime":"2026-01-02T03:04:05Z",` +
		`"exportRequestStatus":"Processing","filter":"","blobLocation":"","partnerID":"00000000-0000-0000-0000-000000000002"}],` +
		`"nextLink":null,"totalCount":1}`)
}

// caller makes one call and returns the length of the answer.
type caller func(ctx context.Context) (int, error)

// bare is the call as one writes it by hand. It sends the same headers, with fixed
// ids, so that the server's work is the same; it has no timeout, no retry, and
// does not look at the token.
func bare(endpoint string, rt http.RoundTripper) caller {
	client := &http.Client{Transport: rt}
	return func(ctx context.Context) (int, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/v1.0/payouts/exports/1", http.NoBody)
		if err != nil {
			return 0, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Accept", "application/json")
		req.Header.Set("User-Agent", "partnercenter-go/0.0 (go1.26; linux/amd64)")
		req.Header.Set("Client-Request-ID", id)
		req.Header.Set("ms-correlationid", id)
		req.Header.Set("ms-requestid", id)
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		body, err := io.ReadAll(resp.Body)
		if err := cmp.Or(err, resp.Body.Close()); err != nil {
			return 0, err
		}
		if resp.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("status %d", resp.StatusCode)
		}
		return len(body), nil
	}
}

// pipeline is the same call through all stages of internal/transport.
func pipeline(tb testing.TB, endpoint string, rt http.RoundTripper) caller {
	tb.Helper()
	tok := partnercenter.Token{Value: partnercenter.NewSecret(token), ExpiresOn: time.Now().Add(24 * time.Hour)}
	source := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return tok, nil
	})
	client, err := transport.New(source, &partnercenter.Options{Endpoint: endpoint, Transport: rt}, transport.Defaults{
		APIVersion: "v1.0",
		Resource:   "https://api.partner.microsoft.com",
	})
	if err != nil {
		tb.Fatal(err)
	}
	return func(ctx context.Context) (int, error) {
		resp, err := client.Do(ctx, transport.Request{Method: http.MethodGet, Path: "/payouts/exports/1"})
		if err != nil {
			return 0, err
		}
		return len(resp.Body), nil
	}
}

// must makes a call and insists on the whole answer.
func (c caller) must(ctx context.Context, tb testing.TB, want int) {
	n, err := c(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	if n != want {
		tb.Fatalf("answer of %d bytes, want %d", n, want)
	}
}

// serve starts a loopback TLS server and returns its URL and a transport that
// trusts it, with one connection kept alive.
func serve(tb testing.TB, body []byte) (string, http.RoundTripper) {
	tb.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
	tb.Cleanup(srv.Close)
	return srv.URL, srv.Client().Transport
}

// canned answers in memory: what is left is what the two callers do themselves.
type canned []byte

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode:    http.StatusOK,
		Status:        "200 OK",
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(c)),
		ContentLength: int64(len(c)),
		Request:       r,
	}, nil
}

// BenchmarkAPICall measures the call on loopback TLS. The metric x-bare of its
// ratio runs is how many times the bare call's time the pipeline takes (goal: at
// most 1.10).
func BenchmarkAPICall(b *testing.B) {
	for _, a := range answers {
		b.Run(a.name, func(b *testing.B) {
			endpoint, rt := serve(b, a.body)
			compare(b, bare(endpoint, rt), pipeline(b, endpoint, rt), len(a.body))
		})
	}
}

// BenchmarkAPICallInMemory measures the two callers alone, without a server that
// runs on the same processors. Its ratio has no goal: the difference in time is
// what a call through the pipeline costs.
func BenchmarkAPICallInMemory(b *testing.B) {
	const endpoint = "https://bench.example"
	for _, a := range answers {
		b.Run(a.name, func(b *testing.B) {
			rt := canned(a.body)
			compare(b, bare(endpoint, rt), pipeline(b, endpoint, rt), len(a.body))
		})
	}
}

// compare runs each side alone, and then both in turns, whose medians make the
// ratio: so a busy machine hits both alike.
func compare(b *testing.B, plain, ours caller, want int) {
	alone := func(c caller) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.must(b.Context(), b, want)
			}
		}
	}
	b.Run("bare", alone(plain))
	b.Run("pipeline", alone(ours))
	b.Run("ratio", func(b *testing.B) {
		plain.must(b.Context(), b, want)
		ours.must(b.Context(), b, want)
		var one, other []time.Duration
		for b.Loop() {
			t0 := time.Now()
			plain.must(b.Context(), b, want)
			t1 := time.Now()
			ours.must(b.Context(), b, want)
			one, other = append(one, t1.Sub(t0)), append(other, time.Since(t1))
		}
		b.ReportMetric(median(other)/median(one), "x-bare")
		b.ReportMetric(median(one)/1e3, "bare-µs")
		b.ReportMetric(median(other)/1e3, "pipeline-µs")
	})
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2])
}

// The number of allocations does not depend on the machine, so it is a test.
func TestAPICallAllocatesLittleMoreThanBareHTTP(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates too")
	}
	for _, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			count := func(c caller) float64 {
				return testing.AllocsPerRun(200, func() { c.must(t.Context(), t, len(a.body)) })
			}
			const endpoint = "https://bench.example"
			plain := count(bare(endpoint, canned(a.body)))
			ours := count(pipeline(t, endpoint, canned(a.body)))
			t.Logf("bare %.0f, pipeline %.0f, extra %.0f allocations", plain, ours, ours-plain)
			if extra := ours - plain; extra > maxExtraAllocs {
				t.Errorf("a call makes %.0f more allocations than bare net/http, want at most %d more", extra, maxExtraAllocs)
			}
		})
	}
}
