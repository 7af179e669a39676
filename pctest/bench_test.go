package pctest_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/partnercenter-go/partnercenter/pctest"
)

// BenchmarkNew is the price of a server for every test: the goal is below 5 ms.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		srv, err := pctest.New()
		if err != nil {
			b.Fatal(err)
		}
		if err := srv.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPoll is one request through the transport.
func BenchmarkPoll(b *testing.B) {
	srv, err := pctest.New()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	c := newCaller(b, srv)
	id := c.start(pctest.Earnings, "")
	c.link(pctest.Earnings, id)
	for b.Loop() {
		c.get(pctest.Earnings, id)
	}
}

// BenchmarkGenerate makes an archive of 100,000 earnings.
func BenchmarkGenerate(b *testing.B) {
	srv, err := pctest.New(pctest.WithData(pctest.Data{Rows: 100_000}), pctest.WithTempDir(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	c := newCaller(b, srv)
	for b.Loop() {
		c.link(pctest.Earnings, c.start(pctest.Earnings, ""))
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkDownload streams a file of some 50 MB.
func BenchmarkDownload(b *testing.B) {
	srv, err := pctest.New(pctest.WithData(pctest.Data{Rows: 50_000}), pctest.WithTempDir(b.TempDir()),
		pctest.WithBehavior(func(b *pctest.Behavior) { b.Layout.Container = pctest.Plain }))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	c := newCaller(b, srv)
	link := c.link(pctest.Earnings, c.start(pctest.Earnings, ""))
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, link, http.NoBody)
		if err != nil {
			b.Fatal(err)
		}
		resp, err := c.http.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
		if err := resp.Body.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
