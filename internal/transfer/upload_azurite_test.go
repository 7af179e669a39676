package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/azuritetest"
)

// azurite starts the emulator with an empty container and returns a pipeline to it.
func azurite(t *testing.T) (*azuritetest.Server, Doer) {
	t.Helper()
	s := azuritetest.Start(t)
	s.Container(t, "file")
	wire := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(wire.CloseIdleConnections)
	return s, pipeline(t, wire)
}

// to is a target whose links all come from one function.
func to(doer Doer, link func() string) Target {
	return Target{Doer: doer, Link: func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
		return partnercenter.NewSecret(link()), nil
	}}
}

// wantBlob fails the test unless Azurite holds exactly that, and [Holds] says so.
func wantBlob(t *testing.T, s *azuritetest.Server, doer Doer, blob string, want []byte) {
	t.Helper()
	got, h := s.Get(t, blob)
	if !bytes.Equal(got, want) || h.Get("Content-Type") != blobContentType {
		t.Errorf("%s: %d bytes, %v; want %d", blob, len(got), h, len(want))
	}
	ok, err := Holds(t.Context(), to(doer, func() string { return s.Link(blob, "r", time.Now().Add(time.Hour)) }), bytes.NewReader(want))
	if err != nil || !ok {
		t.Errorf("%s: Holds says %t, %v; the headers are %v", blob, ok, err, h)
	}
}

func TestUploadWithAzurite(t *testing.T) {
	s, doer := azurite(t)
	inAnHour := time.Now().Add(time.Hour)

	t.Run("sizes", func(t *testing.T) {
		for i, size := range []int{0, 1, 1000, 1001, 123_456} {
			blob := "file/" + strconv.Itoa(i)
			data := randomBytes(size)
			for range 2 { // over what is there, too
				res, err := Upload(t.Context(), to(doer, func() string { return s.Link(blob, "rwl", inAnHour) }), bytes.NewReader(data), small())
				if err != nil {
					t.Fatal(err)
				}
				wantBlob(t, s, doer, blob, data)
				if _, h := s.Get(t, blob); h.Get("ETag") != res.ETag {
					t.Errorf("ETag %s, the blob's is %s", res.ETag, h.Get("ETag"))
				}
			}
		}
	})

	t.Run("a link with a nameless parameter", func(t *testing.T) {
		data := randomBytes(2500)
		link := strings.Replace(s.Link("file/nameless", "rwl", inAnHour), "?", "?06%2f18%2f2023+22%3a37%3a37&", 1)
		if _, err := Upload(t.Context(), to(doer, func() string { return link }), bytes.NewReader(data), small()); err != nil {
			t.Fatal(err)
		}
		wantBlob(t, s, doer, "file/nameless", data)
	})

	t.Run("links that end", func(t *testing.T) {
		data := randomBytes(9500)
		given := 0
		var ends time.Time
		link := func() string {
			if given++; given > 1 {
				return s.Link("file/ends", "rwl", inAnHour)
			}
			ends = time.Now().Add(2 * time.Second)
			return s.Link("file/ends", "rwl", ends)
		}
		var blocks, refused atomic.Int32
		waiting := doerFunc(func(req *http.Request) (*http.Response, error) {
			if strings.Contains(req.URL.RawQuery, "comp=block&") && blocks.Add(1) == 4 {
				// The emulator is another process: its clock cannot be moved.
				if err := pause(req.Context(), time.Until(ends)+50*time.Millisecond); err != nil {
					return nil, err
				}
			}
			resp, err := doer.Do(req)
			if err == nil && resp.StatusCode == http.StatusForbidden {
				refused.Add(1)
			}
			return resp, err
		})
		o := small()
		o.Parallel = 1
		if _, err := Upload(t.Context(), to(waiting, link), bytes.NewReader(data), o); err != nil {
			t.Fatal(err)
		}
		wantBlob(t, s, doer, "file/ends", data)
		if given != 2 || refused.Load() != 1 {
			t.Errorf("%d links, %d refusals", given, refused.Load())
		}
	})

	t.Run("links that are not good enough", func(t *testing.T) {
		ended := func() string { return s.Link("file/no", "rwl", time.Now().Add(-time.Hour)) }
		_, err := Upload(t.Context(), to(doer, ended), strings.NewReader("x"), nil)
		if !errors.Is(err, partnercenter.ErrForbidden) {
			t.Errorf("ended: %v", err)
		}
		forged := func() string { return strings.Replace(s.Link("file/no", "rl", inAnHour), "sp=rl", "sp=rwl", 1) }
		_, err = Upload(t.Context(), to(doer, forged), bytes.NewReader(randomBytes(3000)), small())
		if !errors.Is(err, partnercenter.ErrForbidden) {
			t.Errorf("forged: %v", err)
		}
		data := randomBytes(3000)
		if _, err := Upload(t.Context(), to(doer, func() string { return s.Link("file/w", "w", inAnHour) }), bytes.NewReader(data), small()); err != nil {
			t.Errorf("one that may not list: %v", err)
		}
		wantBlob(t, s, doer, "file/w", data)
	})

	t.Run("blocks of another program", func(t *testing.T) {
		link := s.Link("file/foreign", "rwl", inAnHour)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, link+"&comp=block&blockid=AAAA", strings.NewReader("foreign"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := doer.Do(req)
		if err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatalf("%v %v", resp, err)
		}
		_ = resp.Body.Close()
		data := randomBytes(3500)
		if _, err := Upload(t.Context(), to(doer, func() string { return link }), bytes.NewReader(data), small()); err != nil {
			t.Fatal(err)
		}
		wantBlob(t, s, doer, "file/foreign", data)
	})

	t.Run("killed processes", func(t *testing.T) { killUploads(t, s, doer) })
}

const (
	// childUpload and childTarget tell the process that killUploads starts what
	// to upload and where to.
	childUpload = "PARTNERCENTER_TRANSFER_TEST_UPLOAD"
	childTarget = "PARTNERCENTER_TRANSFER_TEST_TARGET"
	childBlock  = 32 << 10
)

// uploadUntilKilled is the main function of that process.
func uploadUntilKilled(name string) int {
	f, err := os.Open(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	target := to(&http.Client{}, func() string { return os.Getenv(childTarget) })
	res, err := Upload(context.Background(), target, f, &UploadOptions{BlockSize: childBlock})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(res.Resumed)
	return 0
}

// killUploads kills one process after the other, until one is left to end.
func killUploads(t *testing.T, s *azuritetest.Server, doer Doer) {
	self, err := os.Executable()
	if err != nil {
		t.Skipf("cannot start this test again: %v", err)
	}
	emulator, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	// A proxy in front of the emulator counts the bytes and kills.
	var quota atomic.Int64
	var kill atomic.Pointer[func()]
	wire := &http.Transport{}
	defer wire.CloseIdleConnections()
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Transport: wire, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = emulator.Scheme, emulator.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // which the proxy would clean
			r.Out.Host = emulator.Host
			if r.Out.Body != nil {
				r.Out.Body = &counted{r.Out.Body, &quota, &kill}
			}
		},
	})
	defer proxy.Close()
	data := randomBytes(4 << 20)
	file := filepath.Join(t.TempDir(), "app.zip")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	link := strings.Replace(s.Link("file/killed", "rwl", time.Now().Add(time.Hour)), emulator.Host, strings.TrimPrefix(proxy.URL, "http://"), 1)
	r := seeded(7)
	killed := 0
	for {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), childUpload+"="+file, childTarget+"="+link)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		// Beyond what can be on its way at once, so that every process gets on.
		quota.Store(8*childBlock + r.Int64N(1<<20))
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
		if stderr.Len() > 0 {
			t.Fatalf("the process was not killed: %s", stderr.String())
		}
		if err == nil {
			if n, err := strconv.Atoi(strings.TrimSpace(stdout.String())); err != nil || n == 0 || killed == 0 {
				t.Errorf("killed %d times, the last process resumed %d bytes (%v)", killed, n, err)
			}
			break
		}
		killed++
	}
	wantBlob(t, s, doer, "file/killed", data)
}

// counted kills somebody when the quota of bytes has been read.
type counted struct {
	io.ReadCloser
	quota *atomic.Int64
	kill  *atomic.Pointer[func()]
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.quota.Add(-int64(n)) < 0 {
		if kill := c.kill.Swap(nil); kill != nil {
			(*kill)()
		}
	}
	return n, err
}
