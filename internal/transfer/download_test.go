package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

// opening is the first request for a file.
const opening = "bytes=0-4194303"

// files lists the names in a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil { //nolint:gosec // open to others, as older files may be
		t.Fatal(err)
	}
}

// fetchWhole expects success, the right bytes and nothing left beside them.
func fetchWhole(t *testing.T, s *store, src Source, path string, opts *options) partnercenter.DownloadResult {
	t.Helper()
	res, err := DownloadFile(t.Context(), src, path, opts)
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, path)
	sameBytes(t, got, s.data)
	if res.Path != path || res.Bytes != int64(len(s.data)) || res.SHA256 != sha256.Sum256(s.data) || res.ETag != s.etag {
		t.Errorf("result %+v", res)
	}
	wantFiles(t, filepath.Dir(path), filepath.Base(path))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	return res
}

// interrupted leaves a part of n bytes behind.
func interrupted(t *testing.T, s *store, src Source, path string, n int64) {
	t.Helper()
	before := s.script
	s.play(func(int, *http.Request) fault { return fault{cut: n} })
	defer s.play(before)
	_, err := DownloadFile(t.Context(), src, path, &options{MaxRetries: -1})
	keepsSecret(t, err)
	if want := fmt.Sprintf("(%d of %d bytes are kept; the next run goes on from there)", n, len(s.data)); !strings.Contains(err.Error(), want) {
		t.Fatalf("error does not say %q: %v", want, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.links = nil, 0
}

func TestDownloadOverTLS(t *testing.T) {
	for _, size := range []int{0, 1, 1000, 3 << 20} {
		for _, withMD5 := range []bool{false, true} {
			s := newStore(size)
			if withMD5 {
				s.offerMD5()
			}
			res := fetchWhole(t, s, s.serve(t), filepath.Join(t.TempDir(), "march.zip"), nil)
			if res.MD5Verified != withMD5 || res.Resumed != 0 {
				t.Errorf("%d bytes: %+v", size, res)
			}
			want := []string{opening}
			if size == 0 { // no range of it can be had
				want = append(want, "")
			}
			if diff := cmp.Diff(want, s.ranges()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		}
	}
}

func TestExistingFileIsReplacedOnlyByTheFinishedOne(t *testing.T) {
	s := newStore(100_000)
	dir := t.TempDir()
	path := filepath.Join(dir, "march.zip")
	write(t, path, []byte("last month"))
	interrupted(t, s, s.memorySource(), path, 40_000)
	if got := read(t, path); string(got) != "last month" {
		t.Fatalf("the old file is now %q", got)
	}
	wantFiles(t, dir, "march.zip", "march.zip.part", "march.zip.part.json")
	if res := fetchWhole(t, s, s.memorySource(), path, nil); res.Resumed != 40_000 {
		t.Errorf("resumed %d", res.Resumed)
	}
}

func TestResumeAsksForTheRestOfTheSameFile(t *testing.T) {
	s := newStore(1 << 20)
	s.offerMD5()
	src := s.serve(t)
	path := filepath.Join(t.TempDir(), "march.zip")
	interrupted(t, s, src, path, 700_000)
	side := string(read(t, path+".part.json"))
	if strings.Contains(side, "CANARY") || strings.Contains(side, "sig") || strings.Contains(side, "http") {
		t.Errorf("the sidecar holds the link: %s", side)
	}
	res := fetchWhole(t, s, src, path, nil)
	if res.Resumed != 700_000 || !res.MD5Verified {
		t.Errorf("result %+v", res)
	}
	want := []seen{{"bytes=700000-", `"0x1"`, s.seen()[0].remote}}
	if diff := cmp.Diff(want, s.seen(), cmp.AllowUnexported(seen{})); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestWholePartIsConfirmedWithOneByte(t *testing.T) {
	for _, size := range []int64{1, 300_000} {
		s := newStore(int(size))
		path := filepath.Join(t.TempDir(), "march.zip")
		plant(t, s, path, size)
		res := fetchWhole(t, s, s.memorySource(), path, nil)
		if res.Resumed != size {
			t.Errorf("result %+v", res)
		}
		want := fmt.Sprintf("bytes=%d-", size-1)
		if size == 1 {
			want = ""
		}
		if diff := cmp.Diff([]string{want}, s.ranges()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}
}

// plant writes the first n bytes as an earlier run would have left them.
func plant(t *testing.T, s *store, path string, n int64, change ...func(*sidecar)) {
	t.Helper()
	write(t, path+".part", s.data[:n])
	side := sidecar{
		Version: 1, Identity: "export-1", ETag: s.etag, Size: int64(len(s.data)),
		Ranges: []doneRange{{0, n, crcOf(s.data[:n])}},
	}
	for _, f := range change {
		f(&side)
	}
	if err := side.save(path + ".part.json"); err != nil {
		t.Fatal(err)
	}
}

// What an earlier run has left, and how much of it is used.
func TestLeftovers(t *testing.T) {
	const size, have = 300_000, 200_000
	for _, c := range []struct {
		name    string
		leave   func(t *testing.T, s *store, path string)
		opts    *options
		resumed int64
		ranges  []string
	}{
		{"part and sidecar", func(t *testing.T, s *store, path string) { plant(t, s, path, have) }, nil, have, []string{"bytes=200000-"}},
		{"bytes behind those vouched for", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have)
			write(t, path+".part", append(slices.Clone(s.data[:have]), make([]byte, 50_000)...))
		}, nil, have, []string{"bytes=200000-"}},
		{"a part longer than the file", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have)
			write(t, path+".part", append(slices.Clone(s.data[:have]), make([]byte, 500_000)...))
		}, nil, have, []string{"bytes=200000-"}},
		{"several ranges of a writer with more connections", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have, func(side *sidecar) {
				side.Ranges = append(side.Ranges, doneRange{have + 10, size, 0})
			})
			write(t, path+".part", append(slices.Clone(s.data[:have]), make([]byte, size-have)...))
		}, nil, have, []string{"bytes=200000-"}},
		{"only a later range", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have, func(side *sidecar) { side.Ranges[0].Start = 5 })
		}, nil, 0, []string{opening}},
		{"nothing vouched for", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have, func(side *sidecar) { side.Ranges = nil })
		}, nil, 0, []string{opening}},
		{"with NoResume", func(t *testing.T, s *store, path string) { plant(t, s, path, have) }, &options{NoResume: true}, 0, []string{opening}},
		{"of another export with NoResume", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have, func(side *sidecar) { side.Identity = "other" })
		}, &options{NoResume: true}, 0, []string{opening}},
		{"a part without sidecar", func(t *testing.T, s *store, path string) { write(t, path+".part", s.data[:have]) }, nil, 0, []string{opening}},
		{"a sidecar without part", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have)
			_ = os.Remove(path + ".part")
		}, nil, 0, []string{opening}},
		{"a sidecar of another export without part", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have, func(side *sidecar) { side.Identity = "other" })
			_ = os.Remove(path + ".part")
		}, nil, 0, []string{opening}},
		{"a sidecar that is not JSON", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have)
			write(t, path+".part.json", []byte("\x00\x00\x00"))
		}, nil, 0, []string{opening}},
		{"a sidecar cut short", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have)
			_ = os.Truncate(path+".part.json", 60)
		}, nil, 0, []string{opening}},
		{"a sidecar of a later version", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have, func(side *sidecar) { side.Version = 2 })
		}, nil, 0, []string{opening}},
		{"a part shorter than its sidecar says", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have)
			_ = os.Truncate(path+".part", have-1)
		}, nil, 0, []string{opening}},
		{"an altered part", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have)
			b := slices.Clone(s.data[:have])
			b[have/2] ^= 1
			write(t, path+".part", b)
		}, nil, 0, []string{opening}},
		{"a weak tag", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have, func(side *sidecar) { side.ETag = `W/"1"` })
		}, nil, 0, []string{opening}},
		{"no tag", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have, func(side *sidecar) { side.ETag = "" })
		}, nil, 0, []string{opening}},
		{"another tag", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have, func(side *sidecar) { side.ETag = `"0x0"` })
		}, nil, 0, []string{"bytes=200000-", opening}},
		{"another size", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have, func(side *sidecar) { side.Size = size + 1 })
		}, nil, 0, []string{"bytes=200000-", opening}},
		{"a whole part of what was a longer file", func(t *testing.T, s *store, path string) {
			long := &store{data: append(slices.Clone(s.data), 1, 2, 3), etag: s.etag}
			plant(t, long, path, size+3)
		}, nil, 0, []string{"bytes=300002-", opening}},
		{"a half-written sidecar of a crash", func(t *testing.T, s *store, path string) {
			plant(t, s, path, have)
			write(t, path+".part.json.tmp", []byte("{"))
		}, nil, have, []string{"bytes=200000-"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(size)
			path := filepath.Join(t.TempDir(), "march.zip")
			c.leave(t, s, path)
			res, err := DownloadFile(t.Context(), s.memorySource(), path, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			sameBytes(t, read(t, path), s.data)
			if res.Resumed != c.resumed || res.SHA256 != sha256.Sum256(s.data) || res.MD5Verified {
				t.Errorf("result %+v, want %d resumed", res, c.resumed)
			}
			if diff := cmp.Diff(c.ranges, s.ranges()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			wantFiles(t, filepath.Dir(path), "march.zip")
		})
	}
}

func TestPartOfAnotherExportIsLeftAlone(t *testing.T) {
	s := newStore(1000)
	path := filepath.Join(t.TempDir(), "march.zip")
	plant(t, s, path, 500, func(side *sidecar) { side.Identity = "february" })
	before := read(t, path+".part.json")
	_, err := DownloadFile(t.Context(), s.memorySource(), path, nil)
	if err == nil || !strings.Contains(err.Error(), "february") || !strings.Contains(err.Error(), "NoResume") {
		t.Errorf("error %v", err)
	}
	sameBytes(t, read(t, path+".part"), s.data[:500])
	sameBytes(t, read(t, path+".part.json"), before)
	if len(s.seen()) != 0 {
		t.Error("a request was sent")
	}
}

func TestTargetsThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, []byte("x"))
	for _, sub := range []string{"taken.part", "dir"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(file, filepath.Join(dir, "trap.part")); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		"":                                "empty",
		filepath.Join(dir, "dir"):         "is a directory",
		dir + "/":                         "is a directory",
		filepath.Join(dir, "none", "x"):   "no such file or directory",
		filepath.Join(file, "x"):          "not a directory",
		filepath.Join(dir, "taken"):       "taken.part is in the way",
		filepath.Join(dir, "trap"):        "trap.part is in the way",
		"/dev/null":                       "not a regular file",
		filepath.Join(dir, "nul\x00byte"): "invalid argument",
	} {
		s := newStore(10)
		_, err := DownloadFile(t.Context(), s.memorySource(), path, nil)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", path, err, says)
		}
		if len(s.seen()) != 0 || s.linksGiven() != 0 {
			t.Errorf("%q: a request was sent", path)
		}
	}
	if got := read(t, file); string(got) != "x" {
		t.Errorf("the file behind the symbolic link is now %q", got)
	}
	wantFiles(t, dir, "dir", "file", "taken.part", "trap.part")
}

func TestSourcesThatCannotBe(t *testing.T) {
	s := newStore(10)
	path := filepath.Join(t.TempDir(), "x")
	for want, change := range map[string]func(*Source){
		"Doer":     func(s *Source) { s.Doer = nil },
		"Link":     func(s *Source) { s.Link = nil },
		"Identity": func(s *Source) { s.Identity = "" },
	} {
		src := s.memorySource()
		change(&src)
		if _, err := DownloadFile(t.Context(), src, path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", want, err)
		}
		if _, err := Open(t.Context(), src, nil); want != "Identity" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Open without %s: %v", want, err)
		}
	}
}

func TestFailureBeforeTheFirstByteLeavesNothing(t *testing.T) {
	for name, script := range map[string]func(int, *http.Request) fault{
		"missing":   func(int, *http.Request) fault { return fault{status: 404} },
		"no bytes":  func(int, *http.Request) fault { return fault{cut: -1} },
		"forbidden": func(int, *http.Request) fault { return fault{status: 403} },
	} {
		s := newStore(1000)
		s.script = script
		dir := t.TempDir()
		_, err := DownloadFile(t.Context(), s.memorySource(), filepath.Join(dir, "x"), &options{MaxRetries: -1})
		keepsSecret(t, err)
		wantFiles(t, dir)
		_ = name
	}
}

func TestDownloadMends(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(int, *http.Request) fault
		ranges []string
	}{
		{"cuts", func(n int, _ *http.Request) fault { return []fault{{cut: 300_000}, {cut: 1}, {cut: -1}, {}}[n] },
			[]string{opening, "bytes=300000-", "bytes=300001-", "bytes=300001-"}},
		{"more breaks than retries, as long as bytes arrive in between", func(n int, _ *http.Request) fault {
			return []fault{{cut: 100_000}, {cut: 100_000}, {cut: 100_000}, {cut: 100_000}, {cut: 100_000}, {cut: 100_000}, {cut: 100_000}, {}}[n]
		}, []string{opening, "bytes=100000-", "bytes=200000-", "bytes=300000-", "bytes=400000-", "bytes=500000-", "bytes=600000-", "bytes=700000-"}},
		{"stalls", func(n int, _ *http.Request) fault { return []fault{{stall: 300_000}, {stall: -1}, {}}[n] },
			[]string{opening, "bytes=300000-", "bytes=300000-"}},
		{"server errors", func(n int, _ *http.Request) fault { return []fault{{cut: 300_000}, {status: 503}, {}}[n] },
			[]string{opening, "bytes=300000-", "bytes=300000-"}},
		{"expired links", func(n int, _ *http.Request) fault {
			return []fault{{status: 403}, {cut: 300_000}, {status: 403}, {}}[n]
		}, []string{opening, opening, "bytes=300000-", "bytes=300000-"}},
		{"a file that is changed, by starting over", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {status: 412}, {}}[n]
		}, []string{opening, "bytes=300000-", opening}},
		{"an unsatisfiable range, by starting over", func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {status: 416}, {}}[n]
		}, []string{opening, "bytes=300000-", opening}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(1 << 20)
				s.offerMD5()
				s.script = c.script
				res := fetchWhole(t, s, s.memorySource(), filepath.Join(t.TempDir(), "march.zip"), nil)
				if diff := cmp.Diff(c.ranges, s.ranges()); diff != "" || !res.MD5Verified || res.Resumed != 0 {
					t.Errorf("%+v, requests (-want +got):\n%s", res, diff)
				}
			})
		})
	}
}

func TestChangedFileIsNeverMixed(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(1 << 20)
			s.deaf = deaf
			s.script = func(n int, _ *http.Request) fault {
				if n == 1 {
					s.replace(randomBytes(900_000))
				}
				return []fault{{cut: 700_000}, {}, {}}[n]
			}
			path := filepath.Join(t.TempDir(), "march.zip")
			fetchWhole(t, s, s.memorySource(), path, nil)
			if s.etag != `"0x2"` || len(s.seen()) != 3 {
				t.Errorf("%s after %d requests", s.etag, len(s.seen()))
			}
		})
	}
}

// What had arrived of the old version is no measure for the new one.
func TestProgressOfANewVersionCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(1 << 20)
		s.script = func(n int, _ *http.Request) fault {
			if n == 1 {
				s.replace(randomBytes(900_000))
			}
			return []fault{{cut: 800_000}, {}, {cut: 1000}, {cut: 1000}, {cut: 1000}, {cut: 1000}, {}}[n]
		}
		fetchWhole(t, s, s.memorySource(), filepath.Join(t.TempDir(), "march.zip"), &options{MaxRetries: 2})
	})
}

func TestFileThatKeepsChangingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(500_000)
		s.script = func(n int, _ *http.Request) fault {
			if n%2 == 1 {
				s.replace(randomBytes(500_000 + n))
			}
			return fault{cut: 300_000}
		}
		dir := t.TempDir()
		_, err := DownloadFile(t.Context(), s.memorySource(), filepath.Join(dir, "march.zip"), nil)
		if !errors.Is(err, partnercenter.ErrChanged) || !errors.Is(err, partnercenter.ErrConflict) {
			t.Errorf("error %v", err)
		}
		if n := len(s.seen()); n != 2+2*maxRestarts {
			t.Errorf("%d requests", n)
		}
	})
}

func TestStoreThatIgnoresRangesStartsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(1 << 20)
		s.offerMD5()
		s.noRanges = true
		// The third answer brings no new byte: it ends before the second one did.
		s.script = func(n int, _ *http.Request) fault {
			return []fault{{cut: 300_000}, {cut: 500_000}, {cut: 400_000}, {}}[n]
		}
		path := filepath.Join(t.TempDir(), "march.zip")
		plant(t, s, path, 100_000)
		res := fetchWhole(t, s, s.memorySource(), path, nil)
		if res.Resumed != 0 || !res.MD5Verified {
			t.Errorf("result %+v", res)
		}
		want := []string{"bytes=100000-", "bytes=300000-", "bytes=500000-", "bytes=400000-"}
		if diff := cmp.Diff(want, s.ranges()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// Bytes that were there before are no progress: a store that ignores ranges and
// breaks off at the same place would otherwise be asked for ever.
func TestStartingOverEnds(t *testing.T) {
	for name, change := range map[string]func(*store){
		"ranges ignored": func(s *store) { s.noRanges = true },
		"weak tag":       func(s *store) { s.etag = `W/"1"` },
		"no tag":         func(s *store) { s.etag = "" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(1 << 20)
				change(s)
				s.script = func(int, *http.Request) fault { return fault{cut: 300_000} }
				_, err := DownloadFile(t.Context(), s.memorySource(), filepath.Join(t.TempDir(), "x"), nil)
				if !errors.Is(err, partnercenter.ErrNoResponse) {
					t.Errorf("error %v", err)
				}
				if n := len(s.seen()); n != 1+defaultMaxRetries {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

func TestWithoutAStrongTagNothingIsJoined(t *testing.T) {
	for _, tag := range []string{"", `W/"1"`} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(1 << 20)
			s.etag = tag
			s.script = atFirst(fault{cut: 300_000})
			dir := t.TempDir()
			fetchWhole(t, s, s.memorySource(), filepath.Join(dir, "march.zip"), nil)
			if diff := cmp.Diff([]string{opening, opening}, s.ranges()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			// Nobody could go on from a part without a strong tag.
			s.script = func(int, *http.Request) fault { return fault{cut: 300_000} }
			sub := t.TempDir()
			if _, err := DownloadFile(t.Context(), s.memorySource(), filepath.Join(sub, "x"), &options{MaxRetries: -1}); err == nil {
				t.Error("no error")
			}
			wantFiles(t, sub)
		})
	}
}

func TestDamagedBytesAreDeleted(t *testing.T) {
	s := newStore(100_000)
	s.offerMD5()
	s.script = atFirst(fault{flip: 1})
	dir := t.TempDir()
	path := filepath.Join(dir, "march.zip")
	write(t, path, []byte("last month"))
	_, err := DownloadFile(t.Context(), s.memorySource(), path, nil)
	if !errors.Is(err, partnercenter.ErrCorrupt) || !strings.Contains(err.Error(), "run again") {
		t.Errorf("error %v", err)
	}
	wantFiles(t, dir, "march.zip")
	if got := read(t, path); string(got) != "last month" {
		t.Errorf("the old file is now %q", got)
	}
	s.play(nil)
	fetchWhole(t, s, s.memorySource(), path, nil)
}

func TestDamageInAResumedPartIsFound(t *testing.T) {
	s := newStore(100_000)
	s.offerMD5()
	path := filepath.Join(t.TempDir(), "march.zip")
	// The sidecar is as wrong as the part, and knows no MD5.
	plant(t, s, path, 50_000, func(side *sidecar) {
		b := slices.Clone(s.data[:50_000])
		b[7] ^= 1
		side.Ranges[0].CRC = crcOf(b)
		write(t, path+".part", b)
	})
	_, err := DownloadFile(t.Context(), s.memorySource(), path, nil)
	if !errors.Is(err, partnercenter.ErrCorrupt) {
		t.Errorf("error %v", err)
	}
	wantFiles(t, filepath.Dir(path))
}

func TestChecksumOfferedOnlyLaterIsCompared(t *testing.T) {
	s := newStore(100_000)
	path := filepath.Join(t.TempDir(), "march.zip")
	interrupted(t, s, s.memorySource(), path, 50_000)
	s.offerMD5()
	if res := fetchWhole(t, s, s.memorySource(), path, nil); !res.MD5Verified || res.Resumed != 50_000 {
		t.Errorf("result %+v", res)
	}
}

func TestPartThatSomebodyElseChangesIsNoResult(t *testing.T) {
	s := newStore(100_000)
	path := filepath.Join(t.TempDir(), "march.zip")
	_, err := downloadWith(t.Context(), s.memorySource(), path, nil, func(name string) (partFile, error) {
		f, err := openPart(name)
		return &spyFile{partFile: f, onSync: func() {
			_ = os.Truncate(name, 100_001)
		}, syncOnStat: true}, err
	})
	if !errors.Is(err, partnercenter.ErrCorrupt) {
		t.Errorf("error %v", err)
	}
	wantFiles(t, filepath.Dir(path))
}

// spyFile is a part file on a disk with limits and an observer.
type spyFile struct {
	partFile
	mu         sync.Mutex
	room       int64 // bytes until the disk is full; 0: no limit
	onSync     func()
	syncOnStat bool
	stats      int
	syncErr    error
	readErr    error
}

func (f *spyFile) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.room == 0 {
		return f.partFile.WriteAt(p, off)
	}
	left := f.room - 1
	n, err := f.partFile.WriteAt(p[:min(int64(len(p)), left)], off)
	f.room -= int64(n)
	if err == nil && n < len(p) {
		err = &fs.PathError{Op: "write", Path: "march.zip.part", Err: syscall.ENOSPC}
	}
	return n, err
}

func (f *spyFile) ReadAt(p []byte, off int64) (int, error) {
	if f.readErr != nil {
		return 0, f.readErr
	}
	return f.partFile.ReadAt(p, off)
}

func (f *spyFile) Stat() (fs.FileInfo, error) {
	if f.stats++; f.syncOnStat && f.stats == 2 {
		f.onSync()
	}
	return f.partFile.Stat()
}

func (f *spyFile) Sync() error {
	if f.syncErr != nil {
		return f.syncErr
	}
	if f.onSync != nil && !f.syncOnStat {
		f.onSync()
	}
	return f.partFile.Sync()
}

func TestFullDiskKeepsWhatFitted(t *testing.T) {
	s := newStore(3 << 20)
	path := filepath.Join(t.TempDir(), "march.zip")
	_, err := downloadWith(t.Context(), s.memorySource(), path, nil, func(name string) (partFile, error) {
		f, err := openPart(name)
		return &spyFile{partFile: f, room: 1_000_001}, err
	})
	keepsSecret(t, err)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "1000000 of 3145728 bytes are kept") {
		t.Errorf("error %v", err)
	}
	wantFiles(t, filepath.Dir(path), "march.zip.part", "march.zip.part.json")
	if res := fetchWhole(t, s, s.memorySource(), path, nil); res.Resumed != 1_000_000 {
		t.Errorf("result %+v", res)
	}
}

func TestDiskThatCannotSyncVouchesForNothing(t *testing.T) {
	s := newStore(1 << 20)
	path := filepath.Join(t.TempDir(), "march.zip")
	cause := errors.New("I/O error")
	_, err := downloadWith(t.Context(), s.memorySource(), path, nil, func(name string) (partFile, error) {
		f, err := openPart(name)
		return &spyFile{partFile: f, syncErr: cause}, err
	})
	if !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	wantFiles(t, filepath.Dir(path)) // nobody could rely on it
	if res := fetchWhole(t, s, s.memorySource(), path, nil); res.Resumed != 0 {
		t.Errorf("result %+v", res)
	}
}

func TestEverythingIsSyncedBeforeItGetsItsName(t *testing.T) {
	s := newStore(1 << 20)
	path := filepath.Join(t.TempDir(), "march.zip")
	synced := int64(-1)
	_, err := downloadWith(t.Context(), s.memorySource(), path, nil, func(name string) (partFile, error) {
		f, err := openPart(name)
		return &spyFile{partFile: f, onSync: func() {
			if info, err := os.Stat(name); err != nil { // fails once it is renamed
				t.Error(err)
			} else {
				synced = info.Size()
			}
		}}, err
	})
	if err != nil || synced != 1<<20 {
		t.Errorf("%d bytes were synced, %v", synced, err)
	}
}

func TestUnreadablePartIsAClearError(t *testing.T) {
	s := newStore(1 << 20)
	path := filepath.Join(t.TempDir(), "march.zip")
	plant(t, s, path, 1000)
	cause := errors.New("I/O error")
	_, err := downloadWith(t.Context(), s.memorySource(), path, nil, func(name string) (partFile, error) {
		f, err := openPart(name)
		return &spyFile{partFile: f, readErr: cause}, err
	})
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "NoResume") {
		t.Errorf("error %v", err)
	}
	sameBytes(t, read(t, path+".part"), s.data[:1000])
}

func TestTwoDownloadsToOneFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(1 << 20)
		s.script = atFirst(fault{pause: time.Second})
		path := filepath.Join(t.TempDir(), "march.zip")
		done := make(chan error, 1)
		go func() {
			_, err := DownloadFile(t.Context(), s.memorySource(), path, nil)
			done <- err
		}()
		time.Sleep(10 * time.Second)
		if _, err := DownloadFile(t.Context(), s.memorySource(), path, nil); !errors.Is(err, partnercenter.ErrBusy) {
			t.Errorf("the second one: %v", err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		sameBytes(t, read(t, path), s.data)
		wantFiles(t, filepath.Dir(path), "march.zip")
	})
}

// Whoever opens the part while another download ends must not write into the
// finished file, nor into one that has no name any more.
func TestPartThatLosesItsNameWhileOpeningIsOpenedAgain(t *testing.T) {
	for name, end := range map[string]func(path string) error{
		"renamed": func(path string) error { return os.Rename(path+".part", path) },
		"removed": func(path string) error { return os.Remove(path + ".part") },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path+".part", path), os.WriteFile(path+".part", []byte("next"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "march.zip")
			opened := 0
			f, err := openNamed(path+".part", func(part string) (*os.File, error) {
				f, err := openLocked(part)
				if opened++; opened == 1 && err == nil {
					err = end(path) // between the opening and the lock, as it may happen
				}
				return f, err
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			got, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			named, err := os.Stat(path + ".part")
			if err != nil || !os.SameFile(got, named) || opened != 2 {
				t.Errorf("opened %d times, and not what the name stands for (%v)", opened, err)
			}
		})
	}
	// A name that never holds still is given up.
	path := filepath.Join(t.TempDir(), "march.zip")
	_, err := openNamed(path+".part", func(part string) (*os.File, error) {
		f, err := openLocked(part)
		return f, errors.Join(err, os.Remove(part))
	})
	if !errors.Is(err, partnercenter.ErrBusy) {
		t.Errorf("error %v", err)
	}
}

func TestCancelKeepsThePart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(1 << 20)
		s.script = atFirst(fault{stall: 600_000})
		path := filepath.Join(t.TempDir(), "march.zip")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := DownloadFile(ctx, s.memorySource(), path, nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if res := fetchWhole(t, s, s.memorySource(), path, nil); res.Resumed != 600_000 {
			t.Errorf("result %+v", res)
		}
		// Cancelled while the part is read back: nothing is lost either.
		again := filepath.Join(t.TempDir(), "again")
		plant(t, s, again, 600_000)
		if _, err := DownloadFile(ctx, s.memorySource(), again, nil); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("error %v", err)
		}
		if res := fetchWhole(t, s, s.memorySource(), again, nil); res.Resumed != 600_000 {
			t.Errorf("result %+v", res)
		}
	})
}

func TestMaxBytesIsCheckedBeforeAnythingIsWritten(t *testing.T) {
	s := newStore(1001)
	dir := t.TempDir()
	_, err := DownloadFile(t.Context(), s.memorySource(), filepath.Join(dir, "x"), &options{MaxBytes: 1000})
	if err == nil || !strings.Contains(err.Error(), "1001 bytes") {
		t.Errorf("error %v", err)
	}
	wantFiles(t, dir)
	fetchWhole(t, s, s.memorySource(), filepath.Join(dir, "x"), &options{MaxBytes: 1001})
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type report struct {
			done, total int64
			at          time.Duration
		}
		var got []report
		start := time.Now()
		opts := &options{Progress: func(done, total int64) { got = append(got, report{done, total, time.Since(start)}) }}
		s := newStore(1 << 20)
		s.script = atFirst(fault{pause: 30 * time.Millisecond}) // for 8 KiB
		path := filepath.Join(t.TempDir(), "march.zip")
		fetchWhole(t, s, s.memorySource(), path, opts)
		if got[0] != (report{0, -1, 0}) {
			t.Errorf("first report %v", got[0])
		}
		if last := got[len(got)-1]; last.done != 1<<20 || last.total != 1<<20 {
			t.Errorf("last report %v", last)
		}
		for i, r := range got[1:] {
			if r.done < got[i].done || r.total != 1<<20 {
				t.Errorf("report %v after %v", r, got[i])
			}
			if i > 0 && i < len(got)-2 && r.at-got[i].at < progressInterval {
				t.Errorf("report %v only %v after the one before", r, r.at-got[i].at)
			}
		}
		if elapsed := time.Since(start); len(got) < int(elapsed/progressInterval)/2 {
			t.Errorf("only %d reports in %v", len(got), elapsed)
		}
		// A resumed run begins where the last one ended.
		got = nil
		other := filepath.Join(t.TempDir(), "march.zip")
		plant(t, s, other, 1000)
		s.play(nil)
		fetchWhole(t, s, s.memorySource(), other, opts)
		if got[0].done != 1000 || got[0].total != 1<<20 {
			t.Errorf("first report of a resumed run %v", got[0])
		}
	})
}

func TestFastDownloadsDoNotFloodWithProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where all of this takes no time
		reports := 0
		s := newStore(4 << 20)
		fetchWhole(t, s, s.memorySource(), filepath.Join(t.TempDir(), "x"), &options{Progress: func(int64, int64) { reports++ }})
		if reports != 2 {
			t.Errorf("%d reports, want the first and the last", reports)
		}
	})
}

// The link function fails in the middle; what has arrived is kept.
func TestFailureToGetAFreshLinkKeepsThePart(t *testing.T) {
	s := newStore(1 << 20)
	src := s.memorySource()
	first, gone := src.Link, errors.New("export deleted")
	src.Link = func(ctx context.Context, stale partnercenter.Secret) (partnercenter.Secret, error) {
		if !stale.IsZero() {
			return partnercenter.Secret{}, gone
		}
		return first(ctx, stale)
	}
	s.script = func(n int, _ *http.Request) fault { return []fault{{cut: 1000}, {status: 403}}[n] }
	path := filepath.Join(t.TempDir(), "march.zip")
	_, err := DownloadFile(t.Context(), src, path, nil)
	keepsSecret(t, err)
	if !errors.Is(err, gone) || !errors.Is(err, partnercenter.ErrForbidden) {
		t.Errorf("error %v", err)
	}
	wantFiles(t, filepath.Dir(path), "march.zip.part", "march.zip.part.json")
}

func TestErrorNamesTheFileByItsLinkWhenItHasNoName(t *testing.T) {
	s := newStore(10)
	s.script = atFirst(fault{status: 404})
	src := s.memorySource()
	src.Name = ""
	_, err := DownloadFile(t.Context(), src, filepath.Join(t.TempDir(), "x"), nil)
	if err == nil || !strings.HasPrefix(err.Error(), "downloading file one.zip to ") {
		t.Errorf("error %v", err)
	}
	src.Link = func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
		return partnercenter.Secret{}, errors.New("no")
	}
	if _, err := DownloadFile(t.Context(), src, filepath.Join(t.TempDir(), "x"), nil); err == nil || !strings.HasPrefix(err.Error(), "downloading file to ") {
		t.Errorf("error %v", err)
	}
	if _, err := Open(t.Context(), src, nil); err == nil || !strings.HasPrefix(err.Error(), "getting a link to the file") {
		t.Errorf("error %v", err)
	}
}

// Whatever goes wrong, in whatever order, over as many runs as it takes: the file
// is one version, whole, or it is not there.
func TestAnyFaultsAnyRuns(t *testing.T) {
	for seed := range 80 {
		synctest.Test(t, func(t *testing.T) {
			r := seeded(1000 + seed)
			s := newStore(1 + r.IntN(1<<20))
			s.noRanges = r.IntN(5) == 0
			s.deaf = r.IntN(5) == 0
			s.lifetime = time.Duration(1+r.IntN(10)) * time.Minute
			withMD5 := r.IntN(2) == 0
			if withMD5 {
				s.offerMD5()
			}
			s.script = randomFaults(r, s, func() {
				if r.IntN(3) > 0 {
					return
				}
				s.replace(randomBytes(1 + r.IntN(1<<20)))
				if withMD5 {
					s.mu.Lock()
					s.offerMD5()
					s.mu.Unlock()
				}
			})
			dir := t.TempDir()
			path := filepath.Join(dir, "march.zip")
			for run := 0; ; run++ {
				if run == 500 {
					t.Fatalf("seed %d: no end", seed)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+r.IntN(600_000))*time.Millisecond)
				res, err := DownloadFile(ctx, s.memorySource(), path, &options{
					MaxRetries: r.IntN(4) - 1, NoResume: r.IntN(20) == 0,
					Parallel: r.IntN(5), PartSize: int64(r.IntN(2) * (16<<10 + r.IntN(200_000))),
				})
				cancel()
				if err != nil {
					if errors.Is(err, partnercenter.ErrCorrupt) {
						t.Fatalf("seed %d: %v", seed, err)
					}
					if slices.Contains(files(t, dir), "march.zip") {
						t.Fatalf("seed %d: a file in spite of %v", seed, err)
					}
					tamper(r, path)
					continue
				}
				sameBytes(t, read(t, path), s.data)
				if res.SHA256 != sha256.Sum256(s.data) || res.MD5Verified != withMD5 {
					t.Fatalf("seed %d: result %+v", seed, res)
				}
				wantFiles(t, dir, "march.zip")
				return
			}
		})
	}
}

// tamper sometimes damages what a failed run has left.
func tamper(r *rand.Rand, path string) {
	switch r.IntN(12) {
	case 0:
		_ = os.Remove(path + ".part")
	case 1:
		_ = os.Remove(path + ".part.json")
	case 2:
		if info, err := os.Stat(path + ".part"); err == nil {
			_ = os.Truncate(path+".part", r.Int64N(info.Size()+1))
		}
	case 3:
		flipBit(r, path+".part")
	case 4:
		flipBit(r, path+".part.json")
	case 5:
		if info, err := os.Stat(path + ".part"); err == nil {
			_ = os.Truncate(path+".part", info.Size()+r.Int64N(1<<20))
		}
	}
}

func flipBit(r *rand.Rand, path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return
	}
	b, at := make([]byte, 1), r.Int64N(info.Size())
	_, _ = f.ReadAt(b, at)
	b[0] ^= 1 << r.IntN(7)
	_, _ = f.WriteAt(b, at)
}

// What stands in the way of the final name costs no download.
func TestPartThatCannotBeRenamedIsKept(t *testing.T) {
	s := newStore(100_000)
	path := filepath.Join(t.TempDir(), "march.zip")
	s.script = func(int, *http.Request) fault {
		if err := os.MkdirAll(filepath.Join(path, "sub"), 0o700); err != nil {
			t.Error(err)
		}
		return fault{}
	}
	_, err := DownloadFile(t.Context(), s.memorySource(), path, nil)
	if err == nil || !strings.Contains(err.Error(), "rename") || !strings.Contains(err.Error(), "100000 of 100000 bytes are kept") {
		t.Errorf("error %v", err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	s.play(nil)
	if res := fetchWhole(t, s, s.memorySource(), path, nil); res.Resumed != 100_000 {
		t.Errorf("result %+v", res)
	}
}

// The sidecar is public knowledge on disk; its form is a promise to later versions.
func TestSidecarFormat(t *testing.T) {
	s := newStore(1000)
	path := filepath.Join(t.TempDir(), "march.zip")
	interrupted(t, s, s.memorySource(), path, 600)
	var got map[string]any
	if err := json.Unmarshal(read(t, path+".part.json"), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"version": 1.0, "identity": "export-1", "etag": `"0x1"`, "size": 1000.0,
		"ranges": []any{map[string]any{"start": 0.0, "end": 600.0, "crc32c": float64(crcOf(s.data[:600]))}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sidecar (-want +got):\n%s", diff)
	}
}

func BenchmarkDownloadFile(b *testing.B) {
	s := newStore(64 << 20)
	src := s.serve(b)
	b.SetBytes(64 << 20)
	b.Run("DownloadFile", func(b *testing.B) {
		b.SetBytes(64 << 20)
		path := filepath.Join(b.TempDir(), "x")
		for b.Loop() {
			if _, err := DownloadFile(b.Context(), src, path, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare GET and io.Copy", func(b *testing.B) {
		b.SetBytes(64 << 20)
		path := filepath.Join(b.TempDir(), "x")
		for b.Loop() {
			if err := bareCopy(b.Context(), src, path); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func bareCopy(ctx context.Context, src Source, path string) error {
	link, err := src.Link(ctx, partnercenter.Secret{})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link.Reveal(), http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := src.Doer.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	return errors.Join(err, f.Sync(), f.Close())
}
