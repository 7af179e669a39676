package transfer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash/crc64"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/partnercenter-go/partnercenter"
)

func TestCRC64IsThatOfTheStore(t *testing.T) {
	// The check value of CRC-64/NVME in the catalogue of parametrised CRC algorithms.
	if got := crc64.Checksum([]byte("123456789"), crc64.MakeTable(azureCRC64)); got != 0xAE8B14860A799888 {
		t.Errorf("%X", got)
	}
}

func TestEveryAnswerIsComparedWithItsChecksum(t *testing.T) {
	for _, opts := range []*options{inParts(4), {Parallel: -1}} {
		s := newStore(2 << 20)
		s.crc = true
		dir := t.TempDir()
		path := filepath.Join(dir, "march.zip")
		fetchWhole(t, s, s.memorySource(), path, opts)
		// The last answer, since the first one's damage would show at once.
		requests := len(s.seen())
		s.requests = nil
		s.script = func(n int, _ *http.Request) fault {
			if n < requests-1 {
				return fault{}
			}
			return fault{flip: 1}
		}
		write(t, path, []byte("last month"))
		_, err := DownloadFile(t.Context(), s.memorySource(), path, opts)
		keepsSecret(t, err)
		if !errors.Is(err, partnercenter.ErrCorrupt) || !strings.Contains(err.Error(), "CRC-64") {
			t.Errorf("error %v", err)
		}
		wantFiles(t, dir, "march.zip")
		if got := read(t, path); string(got) != "last month" {
			t.Errorf("the old file is now %q", got)
		}
	}
}

func TestAnswersAreComparedWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(8 << 20)
		s.crc = true
		for _, damaged := range []int64{-1, 0, 1, 4 << 20, int64(len(s.data)) - testPart} {
			s.script = slowly(func(_ int, r *http.Request) fault {
				first, err := strconv.ParseInt(between(r.Header.Get("Range"), "bytes=", "-"), 10, 64)
				if damaged < 0 || err != nil || first < damaged {
					return fault{}
				}
				return fault{flip: 1}
			})
			b := open(t, s.memorySource(), ahead64K(4))
			_, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
			if errors.Is(err, partnercenter.ErrCorrupt) != (damaged >= 0) {
				t.Errorf("answers from %d on are damaged: error %v", damaged, err)
			}
			_ = b.Close()
		}
	})
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

// Without checksums of answers there is that of the file.
func TestFileReadFrontToBackIsComparedWithItsMD5(t *testing.T) {
	for _, size := range []int{1, 100_000, 6 << 20} {
		for _, cut := range []int64{0, 50_000} {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(size)
				s.offerMD5()
				s.script = slowly(every(2, fault{cut: cut}))
				b := open(t, s.memorySource(), ahead64K(4))
				sameBytes(t, readAll(t, b), s.data)
				sameBytes(t, readAll(t, b), s.data) // again
				_ = b.Close()

				s.requests = nil
				s.script = slowly(atFirst(fault{flip: 1, cut: cut}))
				b = open(t, s.memorySource(), ahead64K(4))
				got, err := io.ReadAll(smallReads{io.NewSectionReader(b, 0, b.Size())})
				if !errors.Is(err, partnercenter.ErrCorrupt) || bytes.Equal(got, s.data) {
					t.Errorf("%d bytes with cuts at %d: error %v", size, cut, err)
				}
				_ = b.Close()
			})
		}
	}
}

// smallReads reads a thousand bytes at a time.
type smallReads struct{ io.Reader }

func (r smallReads) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), 1000)]) }

// Archives are read in any order and bring checksums of their own.
func TestJumpsEndTheComparison(t *testing.T) {
	s := newStore(1000)
	s.offerMD5()
	s.script = atFirst(fault{flip: 1})
	b := open(t, s.memorySource(), nil)
	p := make([]byte, 10)
	if _, err := b.ReadAt(p, 900); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size())); err != nil || len(got) != 1000 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// Cuts and altered bits at random, on as many connections and in as many runs as it
// takes: in the end there is the right file or none.
func TestNoAlteredFileIsTakenForWhole(t *testing.T) {
	for seed := range 60 {
		synctest.Test(t, func(t *testing.T) {
			r := seeded(3000 + seed)
			s := newStore(1 + r.IntN(512<<10))
			if s.crc = r.IntN(2) == 0; !s.crc {
				s.offerMD5()
			}
			var mu sync.Mutex
			s.script = func(int, *http.Request) fault {
				mu.Lock()
				defer mu.Unlock()
				switch r.IntN(16) {
				case 0:
					return fault{flip: 1 + r.Int64N(8*int64(len(s.data)))}
				case 1:
					return fault{cut: 1 + r.Int64N(int64(len(s.data)))}
				case 2: // as if all were well
					return fault{short: 1 + r.Int64N(int64(len(s.data)))}
				}
				return fault{}
			}
			dir := t.TempDir()
			for run := 0; ; run++ {
				if run == 1000 {
					t.Fatalf("seed %d: no end", seed)
				}
				res, err := DownloadFile(t.Context(), s.memorySource(), filepath.Join(dir, "march.zip"), &options{
					MaxRetries: r.IntN(3) - 1, Parallel: r.IntN(5), PartSize: int64(r.IntN(2) * (32<<10 + r.IntN(100_000))),
				})
				switch {
				case err == nil:
					sameBytes(t, read(t, res.Path), s.data)
					if res.SHA256 != sha256.Sum256(s.data) {
						t.Fatalf("seed %d: result %+v", seed, res)
					}
					return
				case errors.Is(err, partnercenter.ErrCorrupt):
					wantFiles(t, dir)
				case slices.Contains(files(t, dir), "march.zip"):
					t.Fatalf("seed %d: a file in spite of %v", seed, err)
				}
			}
		})
	}
}
