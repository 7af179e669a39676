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
	"io/fs"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/azuritetest"
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
			s.play(nil)
			most, early := int64(0), 0
			for i, c := range copies {
				if side, err := loadSidecar(c + ".part.json"); errors.Is(err, fs.ErrNotExist) {
					early++
				} else if err != nil {
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
			if early > len(copies)/10 { // before anything was saved
				t.Errorf("after %d of %d crashes there is no sidecar", early, len(copies))
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

// TestKilledProcesses kills downloads at random bytes, 200 in all, until the file
// is there again and again.
func TestKilledProcesses(t *testing.T) {
	data := randomBytes(2<<20 + 1)
	t.Run("fake", func(t *testing.T) {
		fake := blob.New(blob.Config{Clock: new(kit.Clock), IDs: kit.NewIDs(1), Recorder: new(kit.Recorder)})
		if err := fake.Put("/exports/march.zip", blob.Bytes(data), time.Now(), blob.Properties{}); err != nil {
			t.Fatal(err)
		}
		k := newKiller(t, fake)
		k.killMany(fake.Link(k.url, "/exports/march.zip", time.Hour), data, 120)
	})
	t.Run("azurite", func(t *testing.T) {
		emulator := azuritetest.Start(t)
		emulator.Container(t, "exports")
		emulator.Put(t, "exports/march.zip", data)
		link, err := url.Parse(emulator.Link("exports/march.zip", "r", time.Now().Add(time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		k := newKiller(t, &httputil.ReverseProxy{
			Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: link.Host}) },
			ErrorLog: log.New(io.Discard, "", 0), // killed clients
		})
		t.Cleanup(http.DefaultClient.CloseIdleConnections) // the proxy's
		k.killMany(k.url+link.RequestURI(), data, 80)
	})
}

// While one process downloads, another one is told so, and does no harm.
func TestTwoProcessesOnOneFile(t *testing.T) {
	s := newStore(1 << 20)
	k := newKiller(t, s)
	dir := t.TempDir()
	link, err := s.link(k.url)(t.Context(), partnercenter.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	c := k.start(dir, link.Reveal(), int64(len(s.data)/2), func(func()) {
		for _, opts := range []*options{nil, {NoResume: true}} {
			_, err := DownloadFile(t.Context(), s.memorySource(), filepath.Join(dir, "march.zip"), opts)
			if !errors.Is(err, partnercenter.ErrBusy) || !strings.Contains(err.Error(), "march.zip.part") {
				t.Errorf("error %v", err)
			}
		}
	})
	if _, finished := k.wait(c, s.data); !finished {
		t.Error("the process was disturbed")
	}
}

// killer stands between a store and the processes that download from it, counts
// the bytes, and kills.
type killer struct {
	t   *testing.T
	url string
	ca  string // the certificate that clients must trust

	mu   sync.Mutex // nothing is sent while it is held
	left int64
	then func() // called once, when no byte is left
}

func newKiller(t *testing.T, store http.Handler) *killer {
	k := &killer{t: t}
	srv := newNarrowServer(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		store.ServeHTTP(&counting{w, k}, req)
	}))
	k.url = srv.URL
	k.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	return k
}

// counting is an answer on its way through the killer.
type counting struct {
	http.ResponseWriter
	*killer
}

func (c *counting) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := c.ResponseWriter.Write(p[n:min(n+16<<10, len(p))])
		n += m
		if err != nil {
			return n, err
		}
		c.sent(m)
	}
	return n, nil
}

// sent counts the bytes of all answers.
func (k *killer) sent(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left -= int64(n); k.left < 0 && k.then != nil {
		then := k.then
		k.then = nil
		then()
	}
}

// expect has then called when so many bytes have been sent.
func (k *killer) expect(bytes int64, then func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left, k.then = bytes, then
}

func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// child is a process that downloads.
type child struct {
	*exec.Cmd
	stdout, stderr strings.Builder
}

// start starts a process and has then called, with the means to kill it, when the
// store has sent so many bytes.
func (k *killer) start(dir, link string, bytes int64, then func(kill func())) *child {
	k.t.Helper()
	self, err := os.Executable()
	if err != nil {
		k.t.Fatal(err)
	}
	c := &child{Cmd: exec.CommandContext(k.t.Context(), self)}
	c.Dir = dir
	c.Env = append(os.Environ(), childLink+"="+link, childCA+"="+k.ca)
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	started := make(chan struct{})
	k.expect(bytes, func() {
		<-started
		then(func() { _ = c.Process.Kill() })
	})
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	close(started)
	return c
}

// wait reports whether the process has finished its download, and how much of it
// an earlier one had left.
func (k *killer) wait(c *child, data []byte) (resumed int64, finished bool) {
	k.t.Helper()
	err := c.Wait()
	k.expect(0, nil)
	if err != nil {
		if c.stderr.Len() > 0 {
			k.t.Fatalf("the process was not killed: %s", c.stderr.String())
		}
		return 0, false
	}
	var sum string
	if _, err := fmt.Sscan(c.stdout.String(), &sum, &resumed); err != nil || sum != fmt.Sprintf("%x", sha256.Sum256(data)) {
		k.t.Fatalf("the result is %q, %v", c.stdout.String(), err)
	}
	path := filepath.Join(c.Dir, "march.zip")
	sameBytes(k.t, read(k.t, path), data)
	wantFiles(k.t, c.Dir, "march.zip")
	if err := os.Remove(path); err != nil {
		k.t.Fatal(err)
	}
	return resumed, true
}

// killMany downloads again and again with processes that die in the middle. The
// last one to die does so when it has certainly saved something, and the one after
// it must find that.
func (k *killer) killMany(link string, data []byte, times int) {
	t := k.t
	t.Helper()
	if testing.Short() || raceEnabled { // starting a process takes the detector very long
		times /= 10
	}
	r, dir := seeded(5), t.TempDir()
	killed, finished, useful := 0, 0, 0
	for killed < times {
		c := k.start(dir, link, r.Int64N(int64(len(data))), func(kill func()) { kill() })
		switch resumed, ok := k.wait(c, data); {
		case !ok:
			killed++
		case resumed > 0:
			useful++
			finished++
		default:
			finished++
		}
	}
	t.Logf("%d processes killed, %d files finished meanwhile, %d of them with what killed ones had left", killed, finished, useful)

	for _, suffix := range []string{partSuffix, sidecarSuffix} {
		if err := os.Remove(filepath.Join(dir, "march.zip"+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	c := k.start(dir, link, int64(len(data)/2), func(kill func()) {
		defer kill()
		for range 60_000 {
			if side, err := loadSidecar(filepath.Join(dir, "march.zip"+sidecarSuffix)); err == nil && total(side.spans()) > 0 {
				return
			}
			time.Sleep(time.Millisecond) // another process saves in its own time
		}
		t.Error("the process saves nothing")
	})
	if _, ok := k.wait(c, data); ok {
		t.Fatal("the process has finished before it was killed")
	}
	c = k.start(dir, link, int64(len(data)), func(func()) {})
	if resumed, ok := k.wait(c, data); !ok || resumed == 0 {
		t.Errorf("finished %t, resumed %d bytes", ok, resumed)
	}
}
