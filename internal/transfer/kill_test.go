package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// snapshot copies what lies on disk now, as a crash would leave it. With
// powerLoss, nothing of the part survives that was not synced: synced bytes stay,
// later ones are zeros or missing.
func snapshot(t *testing.T, r *rand.Rand, path, into string, synced int64, powerLoss bool) {
	t.Helper()
	part := read(t, path+".part")
	if powerLoss {
		clear(part[min(synced, int64(len(part))):])
		part = part[:min(synced, int64(len(part)))+r.Int64N(max(int64(len(part))-synced, 0)+1)]
	}
	write(t, into+".part", part)
	if _, err := os.Stat(path + ".part.json"); err == nil {
		write(t, into+".part.json", read(t, path+".part.json"))
	}
}

// The process dies, or the power fails, at any moment between two reads: the next
// run ends with the right file, and uses what was safe.
func TestResumeFromAnyMoment(t *testing.T) {
	for _, powerLoss := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := seeded(3)
			s := newStore(1 << 20)
			s.offerMD5()
			// 128 pieces of 8 KiB, 500 ms each: about 32 saves.
			s.script = func(int, *http.Request) fault { return fault{pause: 500 * time.Millisecond} }
			path := filepath.Join(t.TempDir(), "march.zip")
			crashes := t.TempDir()
			var copies []string
			var synced atomic.Int64
			moment := func() {
				if r.IntN(3) == 0 {
					into := filepath.Join(crashes, fmt.Sprintf("%d", len(copies)))
					snapshot(t, r, path, into, synced.Load(), powerLoss)
					copies = append(copies, into)
				}
			}
			src := s.memorySource()
			src.Doer = doerFunc(func(req *http.Request) (*http.Response, error) {
				resp, err := s.Do(req)
				if err == nil {
					resp.Body = &observed{resp.Body, moment}
				}
				return resp, err
			})
			_, err := downloadWith(t.Context(), src, path, nil, func(name string) (partFile, error) {
				f, err := openPart(name)
				return &spyFile{partFile: f, onSync: func() {
					info, err := f.Stat()
					if err != nil {
						t.Error(err)
					}
					synced.Store(info.Size())
				}}, err
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(copies) < 30 {
				t.Fatalf("only %d snapshots", len(copies))
			}
			s.script = nil
			most := int64(0)
			for i, c := range copies {
				if side, err := loadSidecar(c + ".part.json"); err != nil {
					t.Errorf("crash %d: %v", i, err)
				} else if piece, ok := side.prefix(); ok && !bytes.HasPrefix(read(t, c+".part"), s.data[:piece.End]) {
					t.Errorf("crash %d: the sidecar speaks for %d bytes that were not safe", i, piece.End)
				}
				res, err := DownloadFile(t.Context(), s.memorySource(), c, nil)
				if err != nil {
					t.Fatalf("crash %d: %v", i, err)
				}
				sameBytes(t, read(t, c), s.data)
				if res.SHA256 != sha256.Sum256(s.data) || !res.MD5Verified {
					t.Errorf("crash %d: %+v", i, res)
				}
				if res.Resumed < most {
					t.Errorf("crash %d: resumed %d, but an earlier one %d", i, res.Resumed, most)
				}
				most = res.Resumed
			}
			if most < int64(len(s.data))*9/10 {
				t.Errorf("the last crash lost too much: resumed %d of %d", most, len(s.data))
			}
		})
	}
}

type observed struct {
	io.ReadCloser
	look func()
}

func (o *observed) Read(p []byte) (int, error) {
	o.look()
	return o.ReadCloser.Read(p)
}

// childLink tells the process that TestKilledProcesses starts what to download.
const childLink = "PARTNERCENTER_TRANSFER_TEST_LINK"

// downloadUntilKilled is the main function of that process. It saves as often as
// it can, because it has not long to live.
func downloadUntilKilled(link string) int {
	src := Source{
		Doer: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			if tcp, ok := c.(*net.TCPConn); ok {
				err = errors.Join(err, tcp.SetReadBuffer(narrow))
			}
			return c, err
		}}},
		Identity: "export-1",
		Link: func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
			return partnercenter.NewSecret(link), nil
		},
	}
	d := newDownload(src, "march.zip", newSettings(nil))
	d.saveEvery = time.Nanosecond
	if _, err := d.run(context.Background(), openPart); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestKilledProcesses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Skipf("cannot start this test again: %v", err)
	}
	r := seeded(5)
	s := newStore(8 << 20)
	s.offerMD5()
	var kill atomic.Pointer[func()] // called when enough has been sent
	var quota atomic.Int64
	srv := newNarrowServer(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.ServeHTTP(&counting{w, &quota, &kill}, req)
	}))
	link, err := s.link(srv)(t.Context(), partnercenter.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "march.zip")
	killed, resumed := 0, false
	for range 60 {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Dir = filepath.Dir(path)
		cmd.Env = append(os.Environ(), childLink+"="+link.Reveal())
		var stderr strings.Builder
		cmd.Stderr = &stderr
		quota.Store(1<<20 + r.Int64N(2<<20))
		started := make(chan struct{})
		end := func() {
			<-started
			_ = cmd.Process.Kill()
		}
		kill.Store(&end)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		close(started)
		err := cmd.Wait()
		if err == nil {
			break
		}
		if stderr.Len() > 0 {
			t.Fatalf("the process was not killed: %s", stderr.String())
		}
		killed++
		if _, err := os.Stat(path); err == nil {
			t.Fatal("a killed download left a file under the final name")
		}
	}
	for _, req := range s.ranges() {
		resumed = resumed || req != ""
	}
	sameBytes(t, read(t, path), s.data)
	wantFiles(t, filepath.Dir(path), "march.zip")
	if killed < 2 || !resumed {
		t.Errorf("killed %d times, resumed: %t", killed, resumed)
	}
}

// counting kills somebody when the quota of bytes has been sent.
type counting struct {
	http.ResponseWriter
	quota *atomic.Int64
	kill  *atomic.Pointer[func()]
}

func (c *counting) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := c.ResponseWriter.Write(p[n:min(n+16<<10, len(p))])
		n += m
		if err != nil {
			return n, err
		}
		if c.quota.Add(-int64(m)) < 0 {
			if kill := c.kill.Swap(nil); kill != nil {
				(*kill)()
			}
		}
	}
	return n, nil
}

func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }
