package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
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
				} else if len(side.Ranges) > 0 && !bytes.HasPrefix(read(t, c+".part"), s.data[:side.Ranges[0].End]) {
					t.Errorf("crash %d: the sidecar speaks for bytes that were not safe: %v", i, side.Ranges)
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

// childLink tells the process that TestKilledProcesses starts what to download,
// childCA which certificate the server has.
const (
	childLink = "PARTNERCENTER_TRANSFER_TEST_LINK"
	childCA   = "PARTNERCENTER_TRANSFER_TEST_CA"
)

// downloadUntilKilled is the main function of that process. It saves as often as
// it can, because it has not long to live.
func downloadUntilKilled(link string) int {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(os.Getenv(childCA)))
	src := Source{
		Doer: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, addr)
				if tcp, ok := c.(*net.TCPConn); ok {
					err = errors.Join(err, tcp.SetReadBuffer(narrow))
				}
				return c, err
			},
		}},
		Identity: "export-1",
		Link: func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
			return partnercenter.NewSecret(link), nil
		},
	}
	d := newDownload(src, "march.zip", newSettings(&options{Parallel: 4, PartSize: testPart}))
	d.saveEvery = time.Millisecond
	res, err := d.run(context.Background(), openPart)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("%x %d", res.SHA256, res.Resumed)
	return 0
}

// kills is how many processes die in one test.
func kills() int {
	if testing.Short() {
		return 20
	}
	return 200
}

func TestKilledProcesses(t *testing.T) {
	data := randomBytes(6 << 20)
	fake := blob.New(blob.Config{Clock: new(kit.Clock), IDs: kit.NewIDs(1), Recorder: new(kit.Recorder)})
	if err := fake.Put("/exports/march.zip", blob.Bytes(data), time.Now(), blob.Properties{}); err != nil {
		t.Fatal(err)
	}
	var quota atomic.Int64
	var kill atomic.Pointer[func()]
	srv := newNarrowServer(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		fake.ServeHTTP(&counting{w, &quota, &kill}, req)
	}))
	killMany(t, fake.Link(srv.URL, "/exports/march.zip", time.Hour), certificate(srv), data, &quota, &kill)
}

// certificate is what a client must trust.
func certificate(srv *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
}

// killMany downloads again and again with processes that die in the middle.
func killMany(t *testing.T, link, ca string, data []byte, quota *atomic.Int64, kill *atomic.Pointer[func()]) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Skipf("cannot start this test again: %v", err)
	}
	r := seeded(5)
	path := filepath.Join(t.TempDir(), "march.zip")
	killed, finished, resumed := 0, 0, 0
	for killed < kills() || finished == 0 {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Dir = filepath.Dir(path)
		cmd.Env = append(os.Environ(), childLink+"="+link, childCA+"="+ca)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		quota.Store(r.Int64N(int64(len(data))))
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
		kill.Store(nil)
		if err != nil {
			if stderr.Len() > 0 {
				t.Fatalf("the process was not killed: %s", stderr.String())
			}
			killed++
			continue
		}
		finished++
		var sum string
		var old int64
		if _, err := fmt.Sscan(stdout.String(), &sum, &old); err != nil || sum != fmt.Sprintf("%x", sha256.Sum256(data)) {
			t.Fatalf("the result is %q, %v", stdout.String(), err)
		}
		if old > 0 {
			resumed++
		}
		sameBytes(t, read(t, path), data)
		wantFiles(t, filepath.Dir(path), "march.zip")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d processes killed, %d files finished, %d of them with what killed ones had left", killed, finished, resumed)
	if resumed == 0 {
		t.Error("nothing was ever resumed")
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
