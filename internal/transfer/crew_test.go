package transfer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// Parts of 64 KiB let small files be fetched by several connections.
const testPart = 64 << 10

func inParts(parallel int) *options { return &options{Parallel: parallel, PartSize: testPart} }

// slowly makes every 8 KiB take a while, so that requests overlap.
func slowly(script func(int, *http.Request) fault) func(int, *http.Request) fault {
	return func(n int, r *http.Request) fault {
		f := fault{}
		if script != nil {
			f = script(n, r)
		}
		if f.pause == 0 {
			f.pause = 10 * time.Millisecond
		}
		return f
	}
}

// crowd counts how many requests are under way.
type crowd struct {
	Doer
	mu        sync.Mutex
	now, most int
}

func (c *crowd) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	leave := sync.OnceFunc(func() {
		c.mu.Lock()
		c.now--
		c.mu.Unlock()
	})
	resp, err := c.Doer.Do(r)
	if err != nil {
		leave()
		return nil, err
	}
	resp.Body = &leaving{resp.Body, leave}
	return resp, nil
}

type leaving struct {
	io.ReadCloser
	leave func()
}

func (l *leaving) Close() error {
	l.leave()
	return l.ReadCloser.Close()
}

func TestPartsAreFetchedSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(16<<20 + 12345)
		s.offerMD5()
		s.script = slowly(nil)
		src := s.memorySource()
		c := &crowd{Doer: s}
		src.Doer = c
		start := time.Now()
		res := fetchWhole(t, s, src, filepath.Join(t.TempDir(), "march.zip"), inParts(6))
		if !res.MD5Verified || res.Restarts != 0 {
			t.Errorf("result %+v", res)
		}
		if c.most != 6 || c.now != 0 {
			t.Errorf("%d requests at a time, %d open at the end", c.most, c.now)
		}
		alone := time.Duration(len(s.data)/(8<<10)) * 10 * time.Millisecond
		if took := time.Since(start); took > alone/4 {
			t.Errorf("took %v; one connection takes %v", took, alone)
		}
		// Every byte was asked for once, under the condition that the file is the same.
		var asked []span
		for i, r := range s.seen() {
			want := span{0, int64(len(s.data))}
			if _, err := fmt.Sscanf(r.rng, "bytes=%d-%d", &want.off, &want.end); err == nil {
				want.end++
			}
			asked = append(asked, want)
			if i > 0 && r.match != s.etag {
				t.Errorf("request %d has If-Match %q", i, r.match)
			}
		}
		slices.SortFunc(asked, func(a, b span) int { return int(a.off - b.off) })
		at := int64(0)
		for _, a := range asked {
			if a.off != at {
				t.Fatalf("asked for %v, but %d was next", a, at)
			}
			at = a.end
		}
	})
}

func TestOneConnectionIsEnoughWhenAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(16 << 20)
		src := s.memorySource()
		c := &crowd{Doer: s}
		src.Doer = c
		fetchWhole(t, s, src, filepath.Join(t.TempDir(), "march.zip"), &options{Parallel: -1})
		if got := s.ranges(); c.most != 1 || len(got) != 1 || got[0] != "" {
			t.Errorf("%d at a time, requests %q", c.most, got)
		}
	})
}

func TestPartsAreMended(t *testing.T) {
	const size = 2 << 20
	for name, script := range map[string]func(s *store) func(int, *http.Request) fault{
		"cuts":   func(*store) func(int, *http.Request) fault { return every(3, fault{cut: 20_000}) },
		"stalls": func(*store) func(int, *http.Request) fault { return every(3, fault{stall: 20_000}) },
		"server errors": func(*store) func(int, *http.Request) fault {
			return every(3, fault{status: 503, header: http.Header{"Retry-After": {"2"}}})
		},
		"wrong ranges": func(*store) func(int, *http.Request) fault {
			return every(4, fault{contentRange: "bytes 5-65540/2097152"})
		},
		"ranges that are too short": func(*store) func(int, *http.Request) fault {
			return every(4, fault{short: 1000})
		},
		"expired links": func(s *store) func(int, *http.Request) fault {
			return func(n int, _ *http.Request) fault {
				if n == 5 || n == 20 {
					s.expire()
				}
				return fault{}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(size)
				s.offerMD5()
				s.script = slowly(script(s))
				var least int64
				opts := inParts(4)
				opts.Progress = func(done, _ int64) {
					if done < least {
						t.Errorf("progress fell from %d to %d: finished bytes were lost", least, done)
					}
					least = done
				}
				fetchWhole(t, s, s.memorySource(), filepath.Join(t.TempDir(), "march.zip"), opts)
				if name == "expired links" && s.linksGiven() != 3 {
					t.Errorf("%d links were asked for, want one and one for each time they ended", s.linksGiven())
				}
			})
		})
	}
}

// every makes a fault of each nth request, the first one excepted.
func every(nth int, f fault) func(int, *http.Request) fault {
	return func(n int, _ *http.Request) fault {
		if n > 0 && n%nth == 0 {
			return f
		}
		return fault{}
	}
}

// The part is continued at the byte that it has reached.
func TestBrokenPartGoesOnWhereItBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(4 * testPart)
		s.script = slowly(func(_ int, r *http.Request) fault {
			if r.Header.Get("Range") == "bytes=65536-131071" {
				return fault{cut: 30_000}
			}
			return fault{}
		})
		fetchWhole(t, s, s.memorySource(), filepath.Join(t.TempDir(), "march.zip"), inParts(2))
		if !slices.Contains(s.ranges(), "bytes=95536-131071") {
			t.Errorf("requests %q", s.ranges())
		}
	})
}

func TestChangedFileStartsOverAndIsReported(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(2 << 20)
			s.offerMD5()
			s.deaf = deaf
			s.script = slowly(func(n int, _ *http.Request) fault {
				if n == 12 {
					s.replace(randomBytes(1_900_000))
					s.mu.Lock()
					s.offerMD5()
					s.mu.Unlock()
				}
				return fault{}
			})
			res := fetchWhole(t, s, s.memorySource(), filepath.Join(t.TempDir(), "march.zip"), inParts(4))
			if res.Restarts != 1 || !res.MD5Verified || s.etag != `"0x2"` {
				t.Errorf("result %+v", res)
			}
		})
	}
}

func TestStoreThatStopsKnowingRangesGetsOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(2 << 20)
		s.offerMD5()
		s.script = slowly(func(n int, _ *http.Request) fault {
			if n == 8 {
				s.mu.Lock()
				s.noRanges = true
				s.mu.Unlock()
			}
			return fault{}
		})
		res := fetchWhole(t, s, s.memorySource(), filepath.Join(t.TempDir(), "march.zip"), inParts(4))
		got := s.ranges()
		if !res.MD5Verified || !strings.HasSuffix(got[len(got)-1], "-") {
			t.Errorf("result %+v after %q", res, got)
		}
	})
}

// What several connections have left, holes and all, is used by the next run,
// whatever number of connections that has.
func TestHolesAreFilledByTheNextRun(t *testing.T) {
	for _, parallel := range []int{-1, 4} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(2 << 20)
			s.offerMD5()
			path := filepath.Join(t.TempDir(), "march.zip")
			// The first part stalls for ever; the others arrive.
			s.script = slowly(func(_ int, r *http.Request) fault {
				if strings.HasPrefix(r.Header.Get("Range"), "bytes=65536-") {
					return fault{stall: 10_000}
				}
				return fault{}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := DownloadFile(ctx, s.memorySource(), path, inParts(4))
			keepsSecret(t, err)
			side, sideErr := loadSidecar(path + ".part.json")
			if !errors.Is(err, context.DeadlineExceeded) || sideErr != nil || len(side.Ranges) < 2 {
				t.Fatalf("%v; ranges %v, %v", err, side.Ranges, sideErr)
			}
			part := read(t, path+".part")
			for _, r := range side.Ranges {
				sameBytes(t, part[r.Start:r.End], s.data[r.Start:r.End])
			}
			kept := total(side.spans())
			if kept < int64(len(s.data))*9/10 {
				t.Errorf("only %d bytes were kept", kept)
			}
			s.play(nil)
			s.requests = nil
			res := fetchWhole(t, s, s.memorySource(), path, inParts(parallel))
			if res.Resumed != kept || !res.MD5Verified {
				t.Errorf("result %+v, want %d resumed", res, kept)
			}
			for _, rng := range s.ranges() {
				if rng == "" || strings.HasPrefix(rng, "bytes=0-") {
					t.Errorf("request %q for bytes that were there", rng)
				}
			}
		})
	}
}

// The largest numbers mean: as much as is useful.
func TestNumbersWithoutLimit(t *testing.T) {
	for name, opts := range map[string]*options{
		"connections": {Parallel: math.MaxInt, PartSize: testPart},
		"parts":       {PartSize: math.MaxInt64, ReadAhead: math.MaxInt64},
		"retries":     {MaxRetries: math.MaxInt, StallTimeout: math.MaxInt64, MaxBytes: math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(1 << 20)
				path := filepath.Join(t.TempDir(), "march.zip")
				plant(t, s, path, 100_000, func(side *sidecar) { // with a hole
					side.Ranges = []doneRange{{50_000, 100_000, crcOf(s.data[50_000:100_000])}}
				})
				if res := fetchWhole(t, s, s.memorySource(), path, opts); res.Resumed != 50_000 {
					t.Errorf("result %+v", res)
				}
				b := open(t, s.memorySource(), opts)
				defer func() { _ = b.Close() }()
				sameBytes(t, readAll(t, b), s.data)
			})
		})
	}
}

// A range on disk that is damaged is fetched again; the others are used.
func TestDamagedRangeCostsOnlyItself(t *testing.T) {
	s := newStore(8 * testPart)
	path := filepath.Join(t.TempDir(), "march.zip")
	file := slices.Clone(s.data)
	side := sidecar{Version: 1, Identity: "export-1", ETag: s.etag, Size: int64(len(s.data))}
	for _, i := range []int64{0, 2, 4, 6} {
		r := doneRange{Start: i * testPart, End: (i + 1) * testPart}
		r.CRC = crcOf(s.data[r.Start:r.End])
		side.Ranges = append(side.Ranges, r)
		clear(file[r.End : r.End+testPart])
	}
	file[2*testPart+77] ^= 4
	write(t, path+".part", file)
	if err := side.save(path + ".part.json"); err != nil {
		t.Fatal(err)
	}
	res := fetchWhole(t, s, s.memorySource(), path, inParts(3))
	if res.Resumed != 3*testPart {
		t.Errorf("resumed %d bytes, want %d", res.Resumed, 3*testPart)
	}
}

// A part with all its bytes, but in more than one range, needs no bytes any more.
func TestWholePartInRangesIsConfirmedWithOneByte(t *testing.T) {
	s := newStore(4 * testPart)
	path := filepath.Join(t.TempDir(), "march.zip")
	write(t, path+".part", s.data)
	side := sidecar{Version: 1, Identity: "export-1", ETag: s.etag, Size: int64(len(s.data))}
	for i := range int64(4) {
		side.Ranges = append(side.Ranges, doneRange{i * testPart, (i + 1) * testPart, crcOf(s.data[i*testPart : (i+1)*testPart])})
	}
	if err := side.save(path + ".part.json"); err != nil {
		t.Fatal(err)
	}
	res := fetchWhole(t, s, s.memorySource(), path, inParts(3))
	if got := s.ranges(); res.Resumed != 4*testPart || len(got) != 1 || got[0] != "bytes=262143-" {
		t.Errorf("%+v after %q", res, got)
	}
}

// Whoever writes faster than is summed up sums up, too.
func TestConnectionsHelpWithSummingUp(t *testing.T) {
	const size = 40 << 20
	f, err := openPart(filepath.Join(t.TempDir(), "march.zip.part"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	d := newDownload(Source{}, "march.zip", newSettings(inParts(2)))
	d.file, d.board = f, newBoard(size, testPart, []span{{0, size}})
	w := &worker{crew: &crew{d: d, board: d.board, gov: newGovernor(d.limits, time.Now(), 0)}, buf: make([]byte, testPart)}
	if err := w.help(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.off != size-leastBacklog || d.sums.sum() != sha256.Sum256(make([]byte, d.off)) {
		t.Errorf("summed up as far as %d, want %d", d.off, size-leastBacklog)
	}
	if err := w.help(t.Context()); err != nil || d.off != size-leastBacklog {
		t.Errorf("%v; now as far as %d", err, d.off)
	}
}

// One connection of many that gets nothing any more is not the end.
func TestConnectionThatFailsLeavesTheWorkToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(16 << 20)
		var victims atomic.Int32
		s.script = slowly(nil)
		src := s.memorySource()
		inner := &crowd{Doer: s}
		src.Doer = doerFunc(func(r *http.Request) (*http.Response, error) {
			inner.mu.Lock()
			full := inner.now >= 2
			inner.mu.Unlock()
			if full { // a gateway that lets two connections pass
				victims.Add(1)
				return nil, &partnercenter.Error{Method: r.Method, Path: r.URL.Path, Err: syscall.ECONNREFUSED}
			}
			return inner.Do(r)
		})
		fetchWhole(t, s, src, filepath.Join(t.TempDir(), "march.zip"), &options{Parallel: 8, PartSize: testPart, MaxRetries: 1})
		if victims.Load() == 0 {
			t.Error("no connection was refused")
		}
	})
}

func TestNobodyGetsAnythingAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(4 << 20)
		s.script = slowly(func(n int, _ *http.Request) fault {
			if n > 10 {
				return fault{status: 500}
			}
			return fault{}
		})
		path := filepath.Join(t.TempDir(), "march.zip")
		_, err := DownloadFile(t.Context(), s.memorySource(), path, inParts(4))
		keepsSecret(t, err)
		if !errors.Is(err, partnercenter.ErrServer) || !strings.Contains(err.Error(), "are kept") {
			t.Errorf("error %v", err)
		}
		s.play(nil)
		if res := fetchWhole(t, s, s.memorySource(), path, inParts(4)); res.Resumed < 10*testPart {
			t.Errorf("result %+v", res)
		}
	})
}

func TestPatienceIsAskedForInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(32 << 20)
		refused := 0
		src, client, stop := s.serveInMemory()
		defer stop()
		c := &crowd{}
		// Below, what the store refuses is tried again without a word.
		c.Doer = doerFunc(func(r *http.Request) (*http.Response, error) {
			for {
				resp, err := client.Do(r)
				if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
					return resp, err
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				time.Sleep(100 * time.Millisecond)
			}
		})
		var mu sync.Mutex
		var atOnce []int
		serving := 0
		s.script = func(int, *http.Request) fault {
			mu.Lock()
			atOnce = append(atOnce, serving)
			if serving >= 4 {
				refused++
				mu.Unlock()
				return fault{status: 503}
			}
			serving++
			mu.Unlock()
			time.Sleep(80 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			serving--
			return fault{}
		}
		src.Doer = c
		fetchWhole(t, s, src, filepath.Join(t.TempDir(), "march.zip"), inParts(8))
		late := 0
		for _, n := range atOnce[len(atOnce)/2:] {
			if n >= 4 {
				late++
			}
		}
		if refused == 0 || refused > len(atOnce)/5 || late > len(atOnce)/10 {
			t.Errorf("of %d requests %d were refused, %d of the later half were too many at a time", len(atOnce), refused, late)
		}
	})
}

func TestFullDiskKeepsWhatSeveralConnectionsGot(t *testing.T) {
	s := newStore(3 << 20)
	path := filepath.Join(t.TempDir(), "march.zip")
	_, err := downloadWith(t.Context(), s.memorySource(), path, inParts(4), func(name string) (partFile, error) {
		f, err := openPart(name)
		return &spyFile{partFile: f, room: 1_000_001}, err
	})
	keepsSecret(t, err)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "1000000 of 3145728 bytes are kept") {
		t.Errorf("error %v", err)
	}
	if res := fetchWhole(t, s, s.memorySource(), path, inParts(4)); res.Resumed != 1_000_000 {
		t.Errorf("result %+v", res)
	}
}

// A connection that has written nothing when the disk is full has finished nothing.
func TestFullDiskKeepsOnlyWhatIsThere(t *testing.T) {
	s := newStore(3 << 20)
	path := filepath.Join(t.TempDir(), "march.zip")
	for room := int64(testPart); room < 4*testPart; room += testPart / 2 { // on and off the parts' borders
		_, err := downloadWith(t.Context(), s.memorySource(), path, &options{Parallel: 4, PartSize: testPart, NoResume: true}, func(name string) (partFile, error) {
			f, err := openPart(name)
			return &spyFile{partFile: f, room: room + 1}, err
		})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("error %v", err)
		}
		side, err := loadSidecar(path + ".part.json")
		if err != nil || total(side.spans()) != room {
			t.Errorf("with room for %d bytes the sidecar lists %v, %v", room, side.spans(), err)
		}
	}
}

func TestDiskThatCannotSaveEndsTheDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(8 << 20)
		s.script = slowly(nil)
		cause := errors.New("I/O error")
		path := filepath.Join(t.TempDir(), "march.zip")
		start := time.Now()
		_, err := downloadWith(t.Context(), s.memorySource(), path, inParts(2), func(name string) (partFile, error) {
			f, err := openPart(name)
			return &spyFile{partFile: f, syncErr: cause}, err
		})
		if !errors.Is(err, cause) || time.Since(start) > 2*saveInterval {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// Wherever it is cancelled: no request, no goroutine and no file stays open, and
// what has arrived is kept.
func TestCancelAnywhereLeavesNothingOpen(t *testing.T) {
	s := newStore(1 << 20)
	whole := 40 * time.Millisecond * 16
	for i := range 40 {
		synctest.Test(t, func(t *testing.T) { // which ends only when all goroutines have
			s.script = slowly(every(5, fault{cut: 9000}))
			src := s.memorySource()
			c := &crowd{Doer: s}
			src.Doer = c
			var open atomic.Int32
			ctx, cancel := context.WithTimeout(t.Context(), whole*time.Duration(i)/40+time.Nanosecond)
			defer cancel()
			path := filepath.Join(t.TempDir(), "march.zip")
			_, err := downloadWith(ctx, src, path, inParts(4), func(name string) (partFile, error) {
				f, err := openPart(name)
				open.Add(1)
				return &closing{f, &open}, err
			})
			if c.now != 0 || open.Load() != 0 {
				t.Errorf("%d requests and %d files are open after %v", c.now, open.Load(), err)
			}
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			b, err := Open(ctx, src, &options{Parallel: 4, PartSize: testPart, ReadAhead: 4 * testPart})
			if err == nil {
				_, err = io.Copy(io.Discard, io.NewSectionReader(b, 0, b.Size()))
				_ = b.Close()
			}
			if c.now != 0 || err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%d requests are open after %v", c.now, err)
			}
		})
	}
}

type closing struct {
	partFile
	open *atomic.Int32
}

func (c *closing) Close() error {
	c.open.Add(-1)
	return c.partFile.Close()
}

// The same on real connections, counted by the system.
func TestNoDescriptorStaysOpen(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skipf("open files cannot be counted here: %v", err)
		}
		return len(entries)
	}
	s := newStore(4 << 20)
	src := s.serve(t)
	client, ok := src.Doer.(*http.Client)
	if !ok {
		t.Fatal("no client")
	}
	before := count()
	for i := range 12 {
		ctx, cancel := context.WithCancel(t.Context())
		limit := int32(i * 6)
		var reads atomic.Int32
		stop := src
		stop.Doer = doerFunc(func(r *http.Request) (*http.Response, error) {
			resp, err := client.Do(r)
			if err == nil {
				resp.Body = &observed{resp.Body, func() {
					if reads.Add(1) == limit {
						cancel()
					}
				}}
			}
			return resp, err
		})
		_, _ = DownloadFile(ctx, stop, filepath.Join(t.TempDir(), "x"), inParts(4))
		cancel()
	}
	client.CloseIdleConnections()
	deadline := time.Now().Add(time.Minute)
	for count() > before && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond) // the server's halves end when they notice
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors were open before, %d are now", before, after)
	}
}

// A panic of the caller's own function ends the requests before it reaches the caller.
func TestPanicInProgressLeavesNothingRunning(t *testing.T) {
	for _, parallel := range []int{-1, 4} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(1 << 20)
			s.script = slowly(nil)
			src := s.memorySource()
			c := &crowd{Doer: s}
			src.Doer = c
			opts, reports := inParts(parallel), 0
			opts.Progress = func(int64, int64) {
				if reports++; reports == 3 {
					panic("mine")
				}
			}
			path := filepath.Join(t.TempDir(), "march.zip")
			func() {
				defer func() {
					if v := recover(); v != "mine" {
						t.Errorf("recovered %v", v)
					}
				}()
				_, err := DownloadFile(t.Context(), src, path, opts)
				t.Errorf("no panic, error %v", err)
			}()
			c.mu.Lock()
			if c.now != 0 {
				t.Errorf("%d requests at a time: %d are still open", parallel, c.now)
			}
			c.mu.Unlock()
			s.play(nil)
			fetchWhole(t, s, src, path, inParts(parallel)) // the lock on the part is gone
		})
	}
}

// Parts of the size that turns out best. One of them is so slow that others take
// over half of what it lacks; in every second download other things go wrong, too.
func TestPartsOfAnySize(t *testing.T) {
	for seed := range 4 {
		synctest.Test(t, func(t *testing.T) {
			r := seeded(5000 + seed)
			s := newStore(24<<20 + r.IntN(2<<20))
			s.offerMD5()
			smooth := seed%2 == 0
			faults, patience, parallel := randomFaults(r, s, nil), time.Duration(60+r.IntN(600))*time.Second, 2+r.IntN(8)
			if smooth {
				faults, patience, parallel = func(int, *http.Request) fault { return fault{} }, 24*time.Hour, 2
			}
			s.script = func(n int, req *http.Request) fault {
				f := faults(n, req)
				switch {
				case n == 0: // the first 4 MiB
					f = fault{}
				case n == 1: // the next ones
					f.pause = 200 * time.Millisecond // for 8 KiB
				case f.pause == 0:
					f.pause = time.Millisecond
				}
				return f
			}
			path := filepath.Join(t.TempDir(), "march.zip")
			for run := 0; ; run++ {
				if run == 100 {
					t.Fatalf("seed %d: no end", seed)
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				res, err := DownloadFile(ctx, s.memorySource(), path, &options{MaxRetries: 20, Parallel: parallel})
				cancel()
				if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, partnercenter.ErrForbidden) {
					continue
				}
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				sameBytes(t, read(t, path), s.data)
				if !res.MD5Verified || res.SHA256 != sha256.Sum256(s.data) {
					t.Fatalf("seed %d: result %+v", seed, res)
				}
				break
			}
			if smooth && overlaps(s.ranges()) == 0 {
				t.Error("the slow part was not divided")
			}
		})
	}
}

// overlaps counts the requests for bytes that another request has asked for.
func overlaps(ranges []string) int {
	var asked []span
	n := 0
	for _, r := range ranges {
		s := span{end: 1 << 40}
		_, _ = fmt.Sscanf(r, "bytes=%d-%d", &s.off, &s.end) // the end may be open
		if slices.ContainsFunc(asked, func(a span) bool { return s.off < a.end && a.off < s.end }) {
			n++
		}
		asked = append(asked, s)
	}
	return n
}

// Bytes that come in the file's order are summed up as they are written, others
// when their turn has come.
func TestBytesInOrderAreNotReadBack(t *testing.T) {
	d := newDownload(Source{}, "march.zip", newSettings(nil))
	data := randomBytes(3000)
	d.sumAtHand(data[1000:2000], 1000) // not yet
	d.sumAtHand(data[:1000], 0)
	d.summing.Lock()
	d.sumAtHand(data[1000:], 1000) // somebody else is at it
	d.summing.Unlock()
	if d.off != 1000 || d.sums.sum() != sha256.Sum256(data[:1000]) {
		t.Errorf("summed up as far as %d, want 1000", d.off)
	}
	d.sumAtHand(data[1000:], 1000)
	if d.off != 3000 || d.sums.sum() != sha256.Sum256(data) {
		t.Errorf("summed up as far as %d, want 3000", d.off)
	}

	synctest.Test(t, func(t *testing.T) {
		s := newStore(16 << 20)
		s.script = slowly(nil)
		src := s.memorySource()
		c := &crowd{Doer: doerFunc(func(r *http.Request) (*http.Response, error) {
			time.Sleep(near / 2)
			return s.Do(r)
		})}
		src.Doer = c
		path := filepath.Join(t.TempDir(), "march.zip")
		var readBack atomic.Int64
		_, err := downloadWith(t.Context(), src, path, &options{Parallel: 2}, func(name string) (partFile, error) {
			f, err := openPart(name)
			return &readCounter{f, &readBack}, err
		})
		if err != nil || c.most != 2 {
			t.Errorf("%v; %d connections in the end, want 2", err, c.most)
		}
		sameBytes(t, read(t, path), s.data)
		// Once for the checksum of what lay behind a gap when it was saved, and once when its
		// turn came; most of it neither.
		if n := readBack.Load(); n >= int64(len(s.data)) {
			t.Errorf("%d of %d bytes were read back", n, len(s.data))
		}
	})
}

type readCounter struct {
	partFile
	n *atomic.Int64
}

func (c *readCounter) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.partFile.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}
