package transfer

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/tabular"
)

// ahead64K reads ahead with eight chunks of 64 KiB.
func ahead64K(parallel int) *options {
	return &options{Parallel: parallel, PartSize: testPart, ReadAhead: 8 * testPart}
}

func TestReadingAheadIsOrderedParallelAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(12<<20 + 77)
		s.script = slowly(nil)
		src := s.memorySource()
		c := &crowd{Doer: s}
		src.Doer = c
		b := open(t, src, ahead64K(6))
		start := time.Now()
		got := readAll(t, b)
		took := time.Since(start)
		sameBytes(t, got, s.data)
		alone := time.Duration(len(s.data)/(8<<10)) * 10 * time.Millisecond
		if c.most < 5 || c.most > 7 || took > alone/3 { // six, and the one that the reading began with
			t.Errorf("%d requests at a time, %v; one at a time takes %v", c.most, took, alone)
		}
		if err := b.Close(); err != nil || c.now != 0 {
			t.Errorf("%v, %d requests open", err, c.now)
		}
	})
}

// A reader that pauses finds no more in memory than was allowed.
func TestReadingAheadKeepsToItsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(12 << 20)
		s.script = slowly(nil)
		b := open(t, s.memorySource(), ahead64K(8))
		defer func() { _ = b.Close() }()
		p := make([]byte, 32<<10)
		at := int64(0)
		for ; at < 8<<20; at += int64(len(p)) {
			if _, err := b.ReadAt(p, at); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		reached := int64(0)
		for _, r := range s.ranges() {
			asked := span{}
			if _, after, ok := strings.Cut(r, "-"); ok && after != "" {
				if want, err := parseContentRange("bytes " + strings.TrimPrefix(r, "bytes=") + "/12582912"); err == nil {
					asked.end = want.last + 1
				}
			}
			reached = max(reached, asked.end)
		}
		if ahead := reached - at; ahead <= 0 || ahead > 9*testPart {
			t.Errorf("%d bytes ahead of the reader have been requested, at most %d may be held", ahead, 8*testPart)
		}
		held := 0
		for _, a := range b.aheads.list {
			a.mu.Lock()
			for _, c := range a.queue {
				held += cap(c.buf)
			}
			for _, f := range a.free {
				held += cap(f)
			}
			a.mu.Unlock()
		}
		if held == 0 || held > 8*testPart {
			t.Errorf("%d bytes are held, at most %d may be", held, 8*testPart)
		}
	})
}

// Several entries of an archive that are read at the same time share the memory.
func TestPlacesReadAheadTakeTheirShare(t *testing.T) {
	s := newStore(24 << 20)
	b := open(t, s.serve(t), ahead64K(8))
	var readers sync.WaitGroup
	for i := range int64(3) {
		readers.Go(func() {
			at, p := i*8<<20, make([]byte, 32<<10)
			for end := at + 6<<20; at < end; at += int64(len(p)) {
				if _, err := b.ReadAt(p, at); err != nil {
					t.Error(err)
					return
				}
				if !bytes.Equal(p, s.data[at:at+int64(len(p))]) {
					t.Errorf("wrong bytes at %d", at)
					return
				}
			}
		})
	}
	readers.Wait()
	if err := b.Close(); err != nil { // no request changes anything any more
		t.Fatal(err)
	}
	held := 0
	for _, a := range b.aheads.list {
		held += len(a.queue) + len(a.free)
	}
	if n := len(b.aheads.list); n < 1 || n > 3 || held == 0 || held > 8 {
		t.Errorf("%d places hold %d chunks, want at most 3 and 8", n, held)
	}
}

func TestReadingAheadMends(t *testing.T) {
	for name, script := range map[string]func(s *store) func(int, *http.Request) fault{
		"cuts":          func(*store) func(int, *http.Request) fault { return every(3, fault{cut: 20_000}) },
		"stalls":        func(*store) func(int, *http.Request) fault { return every(3, fault{stall: 20_000}) },
		"server errors": func(*store) func(int, *http.Request) fault { return every(3, fault{status: 503}) },
		"expired links": func(s *store) func(int, *http.Request) fault {
			return func(n int, _ *http.Request) fault {
				if n == 30 || n == 40 {
					s.expire()
				}
				return fault{}
			}
		},
		"ranges that are ignored from now on": func(s *store) func(int, *http.Request) fault {
			return func(n int, _ *http.Request) fault {
				if n == 30 {
					s.mu.Lock()
					s.noRanges = true
					s.mu.Unlock()
				}
				return fault{}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(4 << 20)
				s.script = slowly(script(s))
				b := open(t, s.memorySource(), ahead64K(4))
				defer func() { _ = b.Close() }()
				sameBytes(t, readAll(t, b), s.data)
			})
		})
	}
}

func TestReadingAheadEndsWithAClearError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(4 << 20)
		s.script = slowly(func(n int, _ *http.Request) fault {
			if n > 30 {
				return fault{status: 500}
			}
			return fault{}
		})
		b := open(t, s.memorySource(), ahead64K(4))
		defer func() { _ = b.Close() }()
		got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
		keepsSecret(t, err)
		sameBytes(t, got, s.data[:len(got)])
		if len(got) < 20*testPart {
			t.Errorf("only %d bytes", len(got))
		}
		// When the store has recovered, reading goes on.
		s.play(nil)
		rest, err := io.ReadAll(io.NewSectionReader(b, int64(len(got)), b.Size()))
		if err != nil {
			t.Fatal(err)
		}
		sameBytes(t, rest, s.data[len(got):])
	})
}

// The new connections of a transfer are as many as it uses at a time, not as many
// as it sends requests.
func TestParallelRequestsReuseTheirConnections(t *testing.T) {
	s := newStore(8 << 20)
	src := s.serve(t)
	client, ok := src.Doer.(*http.Client)
	if !ok {
		t.Fatal("no client")
	}
	wire, ok := client.Transport.(*http.Transport)
	if !ok {
		t.Fatal("no transport")
	}
	wire.MaxIdleConnsPerHost = 8
	var fresh, reused atomic.Int32
	src.Doer = doerFunc(func(r *http.Request) (*http.Response, error) {
		return client.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			GotConn: func(c httptrace.GotConnInfo) {
				if c.Reused {
					reused.Add(1)
				} else {
					fresh.Add(1)
				}
			},
		})))
	})
	fetchWhole(t, s, src, filepath.Join(t.TempDir(), "march.zip"), inParts(4))
	if n := fresh.Load(); n < 1 || n > 8 || reused.Load() < 100 {
		t.Errorf("download: %d new connections, %d times an old one", n, reused.Load())
	}
	fresh.Store(0)
	reused.Store(0)
	b := open(t, src, ahead64K(4))
	sameBytes(t, readAll(t, b), s.data)
	if n := fresh.Load(); n > 8 || reused.Load() < 100 {
		t.Errorf("reading: %d new connections, %d times an old one", n, reused.Load())
	}
}

// contents reads all entries of an archive.
func contents(r io.ReaderAt, size int64) (names []string, texts [][]byte, err error) {
	c, err := tabular.Open("x.zip", r, size)
	if err != nil {
		return nil, nil, err
	}
	for e, err := range c.Entries() {
		if err != nil {
			return names, texts, err
		}
		text, err := io.ReadAll(io.LimitReader(e, 1<<20))
		names, texts = append(names, e.Name), append(texts, text)
		if err != nil {
			return names, texts, err
		}
	}
	return names, texts, c.Close()
}

// An archive over ranges is the same as one in memory: the same files or the same
// failure, whatever is in it.
func FuzzArchiveOverRanges(f *testing.F) {
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	for _, name := range []string{"2026-01_1.csv", "2026-01_2.csv"} {
		e, err := w.Create(name)
		if err != nil {
			f.Fatal(err)
		}
		_, _ = e.Write([]byte("a,b\r\n1,2\r\n"))
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add(file.Bytes()[:file.Len()/2])
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newStore(0)
		s.data = data
		b, err := Open(t.Context(), s.memorySource(), ahead64K(2))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Close() }()
		names, texts, err := contents(b, b.Size())
		wantNames, wantTexts, wantErr := contents(bytes.NewReader(data), int64(len(data)))
		if (err == nil) != (wantErr == nil) || len(names) != len(wantNames) || len(texts) != len(wantTexts) {
			t.Fatalf("%q, %v; in memory %q, %v", names, err, wantNames, wantErr)
		}
		for i := range texts {
			if names[i] != wantNames[i] || !bytes.Equal(texts[i], wantTexts[i]) {
				t.Fatalf("entry %d is %q %q; in memory %q %q", i, names[i], texts[i], wantNames[i], wantTexts[i])
			}
		}
		if err != nil && errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("a failure looks like an end: %v", err)
		}
	})
}

// Of two readers of one place, the one that is ahead takes the chunks of the other
// one away, which must get its bytes in another way.
func TestReaderThatIsOvertakenGetsItsBytes(t *testing.T) {
	for i := range 50 {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(4 << 20)
			b := open(t, s.memorySource(), ahead64K(4))
			defer func() { _ = b.Close() }()
			const off = 2 << 20
			var stalled atomic.Bool
			s.script = func(int, *http.Request) fault {
				if stalled.CompareAndSwap(false, true) { // the first chunk
					return fault{pause: time.Duration(i+1) * time.Second}
				}
				return fault{pause: time.Millisecond}
			}
			b.aheads.add(b, off)
			var readers sync.WaitGroup
			for j, at := range []int64{off, off + testPart} {
				readers.Go(func() {
					time.Sleep(time.Duration(j) * time.Millisecond)
					p := make([]byte, 100)
					if n, err := b.ReadAt(p, at); err != nil || !bytes.Equal(p[:n], s.data[at:at+100]) {
						t.Errorf("at %d: %d bytes, %v", at, n, err)
					}
				})
			}
			readers.Wait()
		})
	}
}

// A read that was about to send a request when Close came sends none.
func TestNothingBeginsAfterClose(t *testing.T) {
	s := newStore(2 << 20)
	b := open(t, s.memorySource(), ahead64K(8))
	ran := false
	if !b.start(func() { ran = true }) {
		t.Error("nothing could be started before")
	}
	if err := b.Close(); err != nil || !ran {
		t.Errorf("%v; Close has waited: %t", err, ran)
	}
	before := len(s.seen())
	b.aheads.add(b, 0)
	if b.start(func() { t.Error("it ran") }) {
		t.Error("a goroutine was started behind Close's back")
	}
	b.work.Wait()
	if after := len(s.seen()); after != before {
		t.Errorf("%d requests were sent after Close", after-before)
	}
}
