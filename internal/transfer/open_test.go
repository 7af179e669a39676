package transfer

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

type options = partnercenter.DownloadOptions

func open(t *testing.T, src Source, opts *options) *Blob {
	t.Helper()
	b, err := Open(t.Context(), src, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func readAll(t *testing.T, b *Blob) []byte {
	t.Helper()
	got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func sameBytes(t *testing.T, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Fatalf("%d bytes, want %d; they differ from byte %d on", len(got), len(want), at)
	}
}

func TestReadingFrontToBackIsOneRequest(t *testing.T) {
	s := newStore(3 << 20)
	b := open(t, s.serve(t), nil)
	if b.Size() != 3<<20 || b.ETag() != `"0x1"` || b.Name() != "march" {
		t.Errorf("size %d, ETag %s, name %s", b.Size(), b.ETag(), b.Name())
	}
	for _, buf := range []int{7_000, 100_000} { // through the window, and past it
		got := make([]byte, 0, b.Size())
		for len(got) < int(b.Size()) {
			p := make([]byte, buf)
			n, err := b.ReadAt(p, int64(len(got)))
			got = append(got, p[:n]...)
			if err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		}
		sameBytes(t, got, s.data)
	}
	if n := len(s.ranges()); n != 2 {
		t.Errorf("two passes took %d requests: %q", n, s.ranges())
	}
}

// An archive's directory is read with a few large strides, then looked at again.
func TestEndOfTheFileIsKept(t *testing.T) {
	s := newStore(2 << 20)
	b := open(t, s.memorySource(), nil)
	for _, c := range []struct{ off, n int64 }{
		{2<<20 - tailSize, 100_000}, {2<<20 - 1000, 1000}, {2<<20 - tailSize, tailSize}, {2<<20 - 70_000, 70_000},
	} {
		p := make([]byte, c.n)
		if _, err := b.ReadAt(p, c.off); err != nil {
			t.Fatal(err)
		}
		sameBytes(t, p, s.data[c.off:c.off+c.n])
	}
	if diff := cmp.Diff([]string{opening, "bytes=1966080-"}, s.ranges()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestReaderContract(t *testing.T) {
	for _, size := range []int{0, 1, 1000, windowSize + 1} {
		s := newStore(size)
		b := open(t, s.memorySource(), nil)
		if err := iotest.TestReader(io.NewSectionReader(b, 0, b.Size()), s.data); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		p := make([]byte, 10)
		if n, err := b.ReadAt(p, int64(size)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%d bytes: behind the end %d, %v", size, n, err)
		}
		if n, err := b.ReadAt(p, int64(size)-min(int64(size), 3)); n != min(size, 3) || !errors.Is(err, io.EOF) {
			t.Errorf("%d bytes: across the end %d, %v", size, n, err)
		}
		if _, err := b.ReadAt(p, -1); err == nil || !strings.Contains(err.Error(), "negative") {
			t.Errorf("before the beginning: %v", err)
		}
		if n, err := b.ReadAt(nil, 0); n != 0 || err != nil && size > 0 {
			t.Errorf("%d bytes: empty read %d, %v", size, n, err)
		}
	}
}

// An archive whose directory is longer than the tail that is kept: sniff the
// start, read the directory at the end, then all entries in order.
func TestArchiveTakesFewRequestsOnFewConnections(t *testing.T) {
	for _, c := range []struct {
		name                         string
		entries, entrySize, requests int
	}{
		{"one entry", 1, 2 << 20, 2},
		{"small directory", 20, 200_000, 2},
		{"directory beyond the tail", 3000, 1000, 5},
		{"smaller than the window", 3, 1000, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var file bytes.Buffer
			w := zip.NewWriter(&file)
			for i := range c.entries {
				e, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("2026-01_%d_%040d.csv", i, i), Method: zip.Store})
				if err != nil {
					t.Fatal(err)
				}
				_, _ = e.Write(randomBytes(c.entrySize + i))
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			s := newStore(0)
			s.data = file.Bytes()
			b := open(t, s.serve(t), nil)
			sniff := make([]byte, 512)
			if _, err := b.ReadAt(sniff, 0); err != nil {
				t.Fatal(err)
			}
			z, err := zip.NewReader(b, b.Size())
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range z.File {
				r, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				sameBytes(t, got, randomBytes(c.entrySize+i))
				_ = r.Close()
			}
			if got := s.ranges(); len(got) > c.requests {
				t.Errorf("%d bytes took the requests %q, want at most %d", len(s.data), got, c.requests)
			}
		})
	}
}

func TestConnectionsAreReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(2 << 20)
		s.script = func(n int, _ *http.Request) fault {
			if n%2 == 0 {
				return fault{status: 403}
			}
			return fault{}
		}
		src, client, stop := s.serveInMemory()
		defer stop()
		wire, ok := client.Transport.(*http.Transport)
		if !ok {
			t.Fatal("no transport")
		}
		dial, dialed := wire.DialContext, 0
		wire.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialed++
			return dial(ctx, network, addr)
		}
		for range 3 {
			b := open(t, src, nil)
			sameBytes(t, readAll(t, b), s.data)
			_ = b.Close()
		}
		if len(s.seen()) != 6 || dialed != 1 {
			t.Errorf("%d requests used %d connections, want 6 and one", len(s.seen()), dialed)
		}
	})
}

func TestRequestsAfterTheFirstAreConditional(t *testing.T) {
	s := newStore(2 << 20)
	b := open(t, s.memorySource(), nil)
	p := make([]byte, 100)
	for _, off := range []int64{1 << 20, 2<<20 - 100, 1 << 19, 0} {
		if _, err := b.ReadAt(p, off); err != nil {
			t.Fatal(err)
		}
		sameBytes(t, p, s.data[off:off+100])
	}
	want := []seen{
		{opening, "", "memory"}, {"bytes=1048576-", `"0x1"`, "memory"}, {"bytes=1966080-", `"0x1"`, "memory"},
		{"bytes=524288-", `"0x1"`, "memory"}, {"", `"0x1"`, "memory"},
	}
	if diff := cmp.Diff(want, s.seen(), cmp.AllowUnexported(seen{})); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestOpenMends(t *testing.T) {
	const size = 1 << 20
	for _, c := range []struct {
		name   string
		script func(int, *http.Request) fault
		ranges []string
		links  int
	}{
		{"a broken answer from the byte reached", atFirst(fault{cut: 300_000}), []string{opening, "bytes=300000-"}, 1},
		{"an answer broken before its first byte", atFirst(fault{cut: -1}), []string{opening, ""}, 1},
		{"a stall", atFirst(fault{stall: 300_000}), []string{opening, "bytes=300000-"}, 1},
		{"a server error in the middle", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {status: 503}, {status: 500}, {}}[n]
		}, []string{opening, "bytes=300000-", "bytes=300000-", "bytes=300000-"}, 1},
		{"throttling in the middle", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {status: 429, header: http.Header{"Retry-After": {"20"}}}, {}}[n]
		}, []string{opening, "bytes=300000-", "bytes=300000-"}, 1},
		{"an expired link in the middle", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {status: 403}, {}}[n]
		}, []string{opening, "bytes=300000-", "bytes=300000-"}, 2},
		{"links that expire again and again", func(n int, _ *http.Request) fault {
			return []fault{{status: 403}, {cut: 300_000}, {status: 403}, {cut: 200_000}, {status: 403}, {}}[n]
		}, []string{opening, opening, "bytes=300000-", "bytes=300000-", "bytes=500000-", "bytes=500000-"}, 4},
		{"a wrong Content-Range", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {contentRange: "bytes 300001-1048575/1048576"}, {}}[n]
		}, []string{opening, "bytes=300000-", "bytes=300000-"}, 1},
		{"a Content-Range that begins late, with the length to match", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {contentRange: "bytes 300001-1048575/1048576", header: http.Header{"Content-Length": {"748575"}}}, {}}[n]
		}, []string{opening, "bytes=300000-", "bytes=300000-"}, 1},
		{"a Content-Range that ends early, with the length to match", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {contentRange: "bytes 300000-1048574/1048576", header: http.Header{"Content-Length": {"748575"}}}, {}}[n]
		}, []string{opening, "bytes=300000-", "bytes=300000-"}, 1},
		{"more breaks than retries, as long as bytes arrive in between", func(n int, _ *http.Request) fault {
			return []fault{{cut: 100_000}, {cut: 100_000}, {cut: 100_000}, {cut: 100_000}, {cut: 100_000}, {cut: 100_000}, {cut: 100_000}, {}}[n]
		}, []string{opening, "bytes=100000-", "bytes=200000-", "bytes=300000-", "bytes=400000-", "bytes=500000-", "bytes=600000-", "bytes=700000-"}, 1},
		{"an answer that ends early without saying so", func(n int, _ *http.Request) fault {
			return []fault{{short: 300_000}, {}}[n]
		}, []string{opening, "bytes=300000-"}, 1},
		{"a Content-Range that ends early", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {contentRange: "bytes 300000-1048574/1048576"}, {}}[n]
		}, []string{opening, "bytes=300000-", "bytes=300000-"}, 1},
		{"a part without Content-Range", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {header: http.Header{"Content-Range": nil}}, {}}[n]
		}, []string{opening, "bytes=300000-", "bytes=300000-"}, 1},
		{"a Content-Length that is not that of the range", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {header: http.Header{"Content-Length": {"748575"}}}, {}}[n]
		}, []string{opening, "bytes=300000-", "bytes=300000-"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(size)
				s.script = c.script
				b := open(t, s.memorySource(), nil)
				defer func() { _ = b.Close() }()
				sameBytes(t, readAll(t, b), s.data)
				if diff := cmp.Diff(c.ranges, s.ranges()); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				if s.linksGiven() != c.links {
					t.Errorf("%d links, want %d", s.linksGiven(), c.links)
				}
			})
		})
	}
}

func TestRealConnectionsAreMended(t *testing.T) {
	s := newStore(1 << 20)
	s.script = func(n int, _ *http.Request) fault {
		return []fault{{cut: 100_000}, {cut: -1}, {cut: 100_000}, {status: 403}, {}}[n]
	}
	b := open(t, s.serve(t), nil)
	sameBytes(t, readAll(t, b), s.data)
	if n := len(s.seen()); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
}

func TestRealConnectionsThatStallAreMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(1 << 20)
		s.script = func(n int, _ *http.Request) fault {
			return []fault{{hang: true}, {stall: 100_000}, {hang: true}, {stall: -1}, {}}[n]
		}
		src, _, stop := s.serveInMemory()
		defer stop()
		start := time.Now()
		b := open(t, src, nil)
		defer func() { _ = b.Close() }()
		sameBytes(t, readAll(t, b), s.data)
		if n, d := len(s.seen()), time.Since(start); n != 5 || d < 4*defaultStallTimeout || d > 5*defaultStallTimeout {
			t.Errorf("%d requests in %v, want 5, four of which waited %v", n, d, defaultStallTimeout)
		}
	})
}

func TestStallTimeoutCountsOnlyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(1 << 20)
		// Every piece of 8 KiB takes 20 s, two thirds of the timeout.
		s.script = func(int, *http.Request) fault { return fault{pause: 20 * time.Second} }
		b := open(t, s.memorySource(), nil)
		defer func() { _ = b.Close() }()
		p := make([]byte, 100_000)
		for i := range 10 {
			if _, err := b.ReadAt(p, int64(i*len(p))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) // the reader takes its time
		}
		if n := len(s.seen()); n != 1 {
			t.Errorf("%d requests, want 1: nothing has stalled", n)
		}
	})
}

func TestStallTimeoutIsKept(t *testing.T) {
	for _, c := range []struct {
		name string
		opts *options
		want time.Duration
	}{
		{"default", nil, 30 * time.Second},
		{"own", &options{StallTimeout: 3 * time.Minute}, 3 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(100)
				var at []time.Time
				s.script = func(n int, _ *http.Request) fault {
					at = append(at, time.Now())
					return []fault{{stall: 50}, {}}[n]
				}
				b := open(t, s.memorySource(), c.opts)
				defer func() { _ = b.Close() }()
				sameBytes(t, readAll(t, b), s.data)
				if d := at[1].Sub(at[0]); d < c.want || d > c.want+minDelay {
					t.Errorf("taken up again after %v, want %v and a short pause", d, c.want)
				}
			})
		})
	}
}

func TestStallTimeoutCanBeSwitchedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(100)
		s.script = func(int, *http.Request) fault { return fault{pause: 24 * time.Hour} }
		b := open(t, s.memorySource(), &options{StallTimeout: -1, MaxRetries: -1})
		defer func() { _ = b.Close() }()
		sameBytes(t, readAll(t, b), s.data)
	})
}

// pausing is a Doer that, like a pipeline with retries, waits between attempts.
type pausing struct {
	next  *http.Client
	pause func(context.Context)
	tries int
}

func (p *pausing) Do(r *http.Request) (*http.Response, error) {
	for range p.tries {
		if resp, err := p.next.Do(r.Clone(r.Context())); err == nil {
			_ = resp.Body.Close()
		}
		p.pause(r.Context())
	}
	return p.next.Do(r)
}

// The pause that a store asks for, between attempts below, is longer than the
// stall timeout and must not be taken for a stall.
func TestPausesBelowAreNoStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(1000)
		src, client, stop := s.serveInMemory()
		defer stop()
		src.Doer = &pausing{next: client, tries: 2, pause: func(ctx context.Context) {
			select {
			case <-time.After(10 * defaultStallTimeout):
			case <-ctx.Done():
				t.Error("the pause was cut short")
			}
		}}
		b := open(t, src, &options{MaxRetries: -1})
		defer func() { _ = b.Close() }()
		sameBytes(t, readAll(t, b), s.data)
	})
}

func TestOpenGivesUp(t *testing.T) {
	always := func(f fault) func(int, *http.Request) fault { return func(int, *http.Request) fault { return f } }
	middle := func(f fault) func(int, *http.Request) fault {
		return func(n int, _ *http.Request) fault {
			if n == 0 {
				return fault{cut: 1000}
			}
			return f
		}
	}
	for _, c := range []struct {
		name     string
		script   func(int, *http.Request) fault
		opts     *options
		requests int
		is       error
		says     []string
	}{
		{"on a server error at the start, which was repeated below", always(fault{status: 503}), nil, 1, partnercenter.ErrServer, []string{"503", "Code503", "req-0", "march"}},
		{"after five broken answers without a byte", middle(fault{cut: -1}), nil, 6, partnercenter.ErrNoResponse, []string{"byte 1000 of 1048576", "unexpected EOF", "6 attempts"}},
		{"after as many as allowed", middle(fault{cut: -1}), &options{MaxRetries: 2}, 3, partnercenter.ErrNoResponse, []string{"3 attempts"}},
		{"at once when retries are off", middle(fault{cut: -1}), &options{MaxRetries: -1}, 1, partnercenter.ErrNoResponse, nil},
		{"after five stalls", always(fault{stall: -1}), nil, 6, partnercenter.ErrNoResponse, []string{"no byte for 30s"}},
		{"after five server errors", middle(fault{status: 500}), nil, 6, partnercenter.ErrServer, []string{"500", "6 attempts"}},
		{"when the store wants too long a pause", middle(fault{status: 503, header: http.Header{"Retry-After": {"3600"}}}), nil, 2, partnercenter.ErrServer, []string{"retry after 1h0m0s"}},
		{"on a fresh link that is refused", always(fault{status: 403}), nil, 2, partnercenter.ErrForbidden, []string{"Code403"}},
		{"on a fresh link that is refused in the middle", middle(fault{status: 403}), nil, 3, partnercenter.ErrForbidden, nil},
		{"on a missing file", always(fault{status: 404}), nil, 1, partnercenter.ErrNotFound, []string{"Code404", "It failed"}},
		{"on a redirect", always(fault{status: 302, header: http.Header{"Location": {"https://elsewhere/?sig=" + canary}}}), nil, 1, nil, []string{"302"}},
		{"on a status with a code in the header only", always(fault{status: 409, header: http.Header{"X-Ms-Error-Code": {"BlobArchived"}}}), nil, 1, partnercenter.ErrConflict, nil},
		{"on Content-Ranges that stay wrong", middle(fault{contentRange: "bytes 0-9/1048576"}), nil, 6, nil, []string{"Content-Range 0-9/1048576", "bytes=1000-"}},
		{"on Content-Ranges that stay unreadable", middle(fault{contentRange: "bytes 0-9/*"}), nil, 6, nil, []string{"unreadable Content-Range"}},
		{"on a range that nobody asked for", func(_ int, r *http.Request) fault {
			r.Header.Set("Range", "bytes=0-9")
			return fault{}
		}, &options{MaxRetries: 1, Parallel: -1}, 2, nil, []string{"with a part of it"}},
		{"without the file's length", always(fault{header: http.Header{"Content-Length": {"?"}}}), &options{Parallel: -1}, 1, nil, []string{"does not say how long"}},
		{"on a file that is too large", always(fault{}), &options{MaxBytes: 1 << 19}, 1, nil, []string{"1048576 bytes", "MaxBytes"}},
		{"on another ETag", middle(fault{header: http.Header{"Etag": {`"0x9"`}}}), nil, 2, partnercenter.ErrChanged, []string{"0x9"}},
		{"on a missing ETag", middle(fault{header: http.Header{"Etag": nil}}), nil, 2, partnercenter.ErrChanged, nil},
		{"on another size", middle(fault{contentRange: "bytes 1000-1048575/1048577"}), nil, 2, partnercenter.ErrChanged, []string{"1048577"}},
		{"on a file that the store says has changed", middle(fault{status: 412}), nil, 2, partnercenter.ErrChanged, []string{"Code412"}},
		{"on a file that has become shorter", middle(fault{status: 416}), nil, 2, partnercenter.ErrChanged, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(1 << 20)
				s.script = c.script
				b, err := Open(t.Context(), s.memorySource(), c.opts)
				if err == nil {
					defer func() { _ = b.Close() }()
					var got []byte
					got, err = io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
					sameBytes(t, got, s.data[:len(got)])
				}
				keepsSecret(t, err)
				if c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("error is not %q: %v", c.is, err)
				}
				if errors.Is(err, partnercenter.ErrChanged) && !errors.Is(err, partnercenter.ErrConflict) {
					t.Errorf("a change is a conflict: %v", err)
				}
				for _, text := range c.says {
					if !strings.Contains(err.Error(), text) {
						t.Errorf("error does not say %q: %v", text, err)
					}
				}
				if n := len(s.seen()); n != c.requests {
					t.Errorf("%d requests, want %d", n, c.requests)
				}
			})
		})
	}
}

func TestRefusalsCarryEverythingButTheLink(t *testing.T) {
	s := newStore(10)
	s.script = atFirst(fault{status: 404, header: http.Header{"X-Echo": {"signed with " + signature(1)}}})
	_, err := Open(t.Context(), s.serve(t), nil)
	keepsSecret(t, err)
	e, ok := errors.AsType[*partnercenter.Error](err)
	if !ok {
		t.Fatalf("not an Error: %v", err)
	}
	got := partnercenter.Error{StatusCode: e.StatusCode, Code: e.Code, RequestID: e.RequestID, Method: e.Method, Path: e.Path}
	want := partnercenter.Error{StatusCode: 404, Code: "Code404", RequestID: "req-0", Method: "GET", Path: "/exports/file%20one.zip"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(e.Message, "It failed for") || strings.Contains(e.Message, "RequestId") {
		t.Errorf("message %q", e.Message)
	}
	if len(e.Body) == 0 || e.Header.Get("X-Echo") == "" {
		t.Error("body or header is missing")
	}
}

func TestUnreachableHostIsOneClearError(t *testing.T) {
	srv := newStore(10)
	src := srv.memorySource()
	src.Doer = http.DefaultClient
	src.Link = srv.link("https://127.0.0.1:1")
	_, err := Open(t.Context(), src, nil)
	keepsSecret(t, err)
	if !errors.Is(err, partnercenter.ErrNoResponse) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v", err)
	}
}

func TestMistakesBelowTheWireAreFinal(t *testing.T) {
	s := newStore(10)
	src := s.memorySource()
	tries, cause := 0, errors.New("plain http is refused")
	src.Doer = doerFunc(func(*http.Request) (*http.Response, error) { tries++; return nil, cause })
	if _, err := Open(t.Context(), src, nil); !errors.Is(err, cause) || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
}

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

func TestTransportThatUnpacksIsRefused(t *testing.T) {
	s := newStore(10)
	src := s.memorySource()
	src.Doer = doerFunc(func(r *http.Request) (*http.Response, error) {
		resp, err := s.Do(r)
		if resp != nil {
			resp.Uncompressed = true
		}
		return resp, err
	})
	_, err := Open(t.Context(), src, nil)
	keepsSecret(t, err)
	if !strings.Contains(err.Error(), "decompression") {
		t.Errorf("error %v", err)
	}
}

// Two failures at once: an answer together with an error leaks no body.
func TestAnswerBesideAnErrorIsClosed(t *testing.T) {
	s := newStore(10)
	src := s.memorySource()
	var body io.ReadCloser
	src.Doer = doerFunc(func(r *http.Request) (*http.Response, error) {
		resp, err := s.Do(r)
		if err != nil {
			return nil, err
		}
		body = resp.Body
		return resp, errors.New("redirects are not followed")
	})
	if _, err := Open(t.Context(), src, nil); err == nil {
		t.Fatal("no error")
	}
	if m, ok := body.(*memoryBody); !ok || !m.closed {
		t.Error("the body was left open")
	}
}

func TestStoredGzipStaysPacked(t *testing.T) {
	s := newStore(1000)
	s.header.Set("Content-Encoding", "gzip")
	copy(s.data, "\x1f\x8b\x08")
	s.script = atFirst(fault{cut: 400})
	b := open(t, s.serve(t), nil)
	sameBytes(t, readAll(t, b), s.data)
}

func TestStoreWithoutRanges(t *testing.T) {
	s := newStore(2 << 20)
	s.noRanges = true
	b := open(t, s.memorySource(), nil)
	p := make([]byte, 1000)
	for _, off := range []int64{0, 2<<20 - 1000, 1 << 20, 1<<20 + 1000, 5000, 2<<20 - 1000} {
		if _, err := b.ReadAt(p, off); err != nil {
			t.Fatal(err)
		}
		sameBytes(t, p, s.data[off:off+1000])
	}
	// The first one finds it out, the others are for the steps back.
	if diff := cmp.Diff([]string{opening, "bytes=1048576-", "bytes=5000-"}, s.ranges()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	s2 := newStore(2 << 20)
	s2.noRanges = true
	s2.header.Set("Accept-Ranges", "none")
	b2 := open(t, s2.memorySource(), nil)
	for _, off := range []int64{1 << 20, 2<<20 - 1000} {
		if _, err := b2.ReadAt(p, off); err != nil {
			t.Fatal(err)
		}
		sameBytes(t, p, s2.data[off:off+1000])
	}
	if diff := cmp.Diff([]string{opening}, s2.ranges()); diff != "" {
		t.Errorf("a store that says it has no ranges was asked for them:\n%s", diff)
	}
}

// A server that ignores If-Match and Range sends the new file from its start.
func TestDeafStoreCannotMixVersions(t *testing.T) {
	s := newStore(1 << 20)
	s.deaf, s.noRanges = true, true
	s.script = atFirst(fault{cut: 400_000})
	b := open(t, s.memorySource(), nil)
	p := make([]byte, 100_000)
	if _, err := b.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	s.replace(randomBytes(1<<20 + 1))
	got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	if !errors.Is(err, partnercenter.ErrChanged) {
		t.Errorf("%d bytes and %v", len(got), err)
	}
}

func TestWeakTagsAreNotUsedAsConditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(1 << 20)
		s.etag = `W/"1"`
		s.header.Set("Last-Modified", "Mon, 02 Mar 2026 01:02:03 GMT")
		s.script = func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {cut: 300_000}, {header: http.Header{"Last-Modified": {"Mon, 02 Mar 2026 01:02:04 GMT"}}}}[n]
		}
		b := open(t, s.memorySource(), nil)
		defer func() { _ = b.Close() }()
		got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
		if !errors.Is(err, partnercenter.ErrChanged) || len(got) != 600_000 {
			t.Errorf("%d bytes, %v; want the change of Last-Modified to be noticed", len(got), err)
		}
		for _, r := range s.seen() {
			if r.match != "" {
				t.Errorf("If-Match %s: a weak tag never matches", r.match)
			}
		}
	})
}

func TestCloseEndsAReadInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(1 << 20)
		s.script = atFirst(fault{stall: -1})
		b := open(t, s.memorySource(), nil)
		done := make(chan error, 1)
		go func() {
			_, err := b.ReadAt(make([]byte, 10), 0)
			done <- err
		}()
		synctest.Wait()
		for range 2 {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := <-done; !errors.Is(err, fs.ErrClosed) {
			t.Errorf("the read ended with %v", err)
		}
		if _, err := b.ReadAt(make([]byte, 10), 0); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("a read after Close: %v", err)
		}
	})
}

func TestContextEndsEverything(t *testing.T) {
	for name, script := range map[string]func(int, *http.Request) fault{
		"before the answer": func(int, *http.Request) fault { return fault{hang: true} },
		"in a stall":        func(int, *http.Request) fault { return fault{stall: 500} },
		"in a pause": func(n int, _ *http.Request) fault {
			if n == 0 {
				return fault{cut: 500}
			}
			return fault{status: 503, header: http.Header{"Retry-After": {"50"}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(1000)
				s.script = script
				gone := errors.New("the user has gone")
				ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, gone)
				defer cancel()
				start := time.Now()
				b, err := Open(ctx, s.memorySource(), nil)
				if err == nil {
					_, err = b.ReadAt(make([]byte, 1000), 0)
					_ = b.Close()
				}
				if !errors.Is(err, gone) || time.Since(start) != 10*time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			})
		})
	}
}

func TestReadsTakeTurns(t *testing.T) {
	s := newStore(2 << 20)
	b := open(t, s.memorySource(), nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := seeded(i)
			for range 30 {
				off := r.Int64N(b.Size())
				p := make([]byte, r.IntN(200_000))
				n, err := b.ReadAt(p, off)
				if err != nil && !errors.Is(err, io.EOF) {
					t.Error(err)
					return
				}
				if !bytes.Equal(p[:n], s.data[off:off+int64(n)]) || n < len(p) && off+int64(n) != b.Size() {
					t.Errorf("wrong bytes at %d", off)
				}
			}
		})
	}
	wg.Wait()
}

// Whatever goes wrong, in whatever order: every read gives the right bytes.
func TestAnyFaultsAnyReads(t *testing.T) {
	for seed := range 60 {
		synctest.Test(t, func(t *testing.T) {
			r := seeded(100 + seed)
			s := newStore(1 + r.IntN(1<<20))
			s.noRanges = r.IntN(4) == 0
			s.lifetime = time.Duration(1+r.IntN(10)) * time.Minute
			s.script = randomFaults(r, s, nil)
			b, err := Open(t.Context(), s.memorySource(), &options{
				MaxRetries: 50, Parallel: r.IntN(5), PartSize: int64(r.IntN(2) * (16<<10 + r.IntN(200_000))),
				ReadAhead: int64(r.IntN(2) * (1 + r.IntN(1_000_000))),
			})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			defer func() { _ = b.Close() }()
			off := int64(0)
			for range 60 {
				if r.IntN(3) == 0 {
					off = r.Int64N(b.Size())
				}
				p := make([]byte, 1+r.IntN(150_000))
				n, err := b.ReadAt(p, off)
				// Of requests at the same time, one may have a link that another one
				// has just made useless; a second time ends it, rightly.
				if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, partnercenter.ErrForbidden) {
					t.Fatalf("seed %d: %v", seed, err)
				}
				sameBytes(t, p[:n], s.data[off:off+int64(n)])
				if off += int64(n); off == b.Size() {
					off = 0
				}
			}
		})
	}
}

// randomFaults lets about half of the requests fail, the first one excepted. With
// change, the file is sometimes replaced.
func randomFaults(r *rand.Rand, s *store, change func()) func(int, *http.Request) fault {
	refusedBefore, linksBefore := false, 0
	var mu sync.Mutex // requests may come at the same time
	return func(n int, _ *http.Request) fault {
		mu.Lock()
		defer mu.Unlock()
		kind := r.IntN(18)
		brandNew := s.linksGiven() != linksBefore
		linksBefore = s.linksGiven()
		if kind != 0 && kind != 1 && kind != 6 { // an answer that shows the link to be good
			refusedBefore = false
		}
		if n == 0 {
			return fault{cut: 1 + r.Int64N(int64(len(s.data)))}
		}
		switch kind {
		case 0:
			if refusedBefore || brandNew { // a fresh link that is refused is an error, rightly
				return fault{}
			}
			refusedBefore = true
			s.expire()
		case 1:
			return fault{status: []int{408, 429, 500, 503}[r.IntN(4)]}
		case 2, 3:
			return fault{cut: r.Int64N(int64(len(s.data))) - 1}
		case 4, 5:
			return fault{stall: r.Int64N(int64(len(s.data))) - 1}
		case 6:
			return fault{contentRange: fmt.Sprintf("bytes %d-%d/%d", r.IntN(9), len(s.data)-1, len(s.data))}
		case 7:
			if change != nil {
				change()
			}
		case 8:
			return fault{pause: time.Duration(r.IntN(1000)) * time.Millisecond}
		}
		return fault{}
	}
}
