package transfer

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

func TestUploadOfEverySizeFromEverySource(t *testing.T) {
	for _, size := range []int{0, 1, 999, 1000, 1001, 2000, 12_345} {
		data := randomBytes(size)
		file := filepath.Join(t.TempDir(), "app.zip")
		if err := os.WriteFile(file, append([]byte("head"), data...), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, open := range map[string]func() io.Reader{
			"bytes":   func() io.Reader { return bytes.NewReader(data) },
			"section": func() io.Reader { return io.NewSectionReader(strings.NewReader("x"+string(data)+"y"), 1, int64(size)) },
			"stream":  func() io.Reader { return iotest.HalfReader(bytes.NewReader(data)) },
			"file, from its fifth byte": func() io.Reader {
				f, err := os.Open(file)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = f.Close() })
				if _, err := f.Seek(4, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				return f
			},
		} {
			t.Run(fmt.Sprintf("%d %s", size, name), func(t *testing.T) {
				s := newUploads()
				var seen []int64
				o := small()
				o.Progress = func(done, total int64) {
					seen = append(seen, done)
					if known := name != "stream"; total != int64(size) && (known || total != -1) {
						t.Errorf("total %d", total)
					}
				}
				res, err := Upload(t.Context(), s.target(t), open(), o)
				if err != nil {
					t.Fatal(err)
				}
				s.holds(t, data, res)
				if seen[0] != 0 || seen[len(seen)-1] != int64(size) || res.Resumed != 0 {
					t.Errorf("progress %d, result %+v", seen, res)
				}
				want := map[string]int{"PUT": 1}
				if size > 1000 || size == 1000 && name == "stream" {
					want = map[string]int{"GET blocklist": 1, "PUT block": (size + 999) / 1000, "PUT blocklist": 1}
				}
				if diff := cmp.Diff(want, s.count()); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestUploadNumbersWithoutLimit(t *testing.T) {
	data := randomBytes(12_345)
	for _, o := range []*UploadOptions{
		{BlockSize: 1000, Parallel: math.MaxInt},
		{BlockSize: math.MaxInt64, MaxRetries: math.MaxInt},
	} {
		s := newUploads()
		res, err := Upload(t.Context(), s.target(t), bytes.NewReader(data), o)
		if err != nil {
			t.Fatal(err)
		}
		s.holds(t, data, res)
	}
}

func TestUploadSendsTheLinkAsItIs(t *testing.T) {
	s := newUploads()
	target := s.target(t)
	var given string
	target.Link = func(ctx context.Context, stale partnercenter.Secret) (partnercenter.Secret, error) {
		link, err := s.link(ctx, stale)
		_, given, _ = strings.Cut(link.Reveal(), "?")
		return link, err
	}
	var header http.Header
	s.script = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("comp") == "blocklist" && r.Method == http.MethodPut {
			header = r.Header.Clone()
		}
		return false
	}
	data := randomBytes(2500)
	if _, err := Upload(t.Context(), target, bytes.NewReader(data), small()); err != nil {
		t.Fatal(err)
	}
	for _, q := range s.queries {
		if !strings.HasPrefix(q, given+"&comp=") {
			t.Errorf("query %q does not begin with that of the link, %q", q, given)
		}
	}
	if !strings.Contains(given, "%2f") {
		t.Errorf("the link is too tame for this test: %q", given)
	}
	if header.Get("x-ms-blob-content-type") != "application/octet-stream" || header.Get("Content-MD5") == "" || header.Get("x-ms-meta-sha256") == "" {
		t.Errorf("headers of the commit: %v", header)
	}
	s.script = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		header = r.Header.Clone()
		return false
	}
	if _, err := Upload(t.Context(), target, strings.NewReader("small"), nil); err != nil {
		t.Fatal(err)
	}
	if header.Get("x-ms-blob-type") != "BlockBlob" || header.Get("Content-Type") != "application/octet-stream" || header.Get("Content-MD5") == "" {
		t.Errorf("headers of a whole blob: %v", header)
	}
}

// faultyAt disturbs the first request of a kind.
func faultyAt(kind string, disturb func(http.ResponseWriter, *http.Request)) func(int, http.ResponseWriter, *http.Request) bool {
	var once sync.Once
	return func(_ int, w http.ResponseWriter, r *http.Request) (done bool) {
		if strings.TrimSpace(r.Method+" "+r.URL.Query().Get("comp")) == kind {
			once.Do(func() {
				done = true
				disturb(w, r)
			})
		}
		return done
	}
}

func status(code int, name string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-ms-error-code", name)
		w.WriteHeader(code)
	}
}

func TestUploadMends(t *testing.T) {
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for _, kind := range []string{"PUT", "GET blocklist", "PUT block", "PUT blocklist"} {
		for name, disturb := range map[string]func(*uploads) func(http.ResponseWriter, *http.Request){
			"503":        func(*uploads) func(http.ResponseWriter, *http.Request) { return status(503, "ServerBusy") },
			"500":        func(*uploads) func(http.ResponseWriter, *http.Request) { return status(500, "InternalError") },
			"no answer":  func(*uploads) func(http.ResponseWriter, *http.Request) { return cut },
			"bits flip":  func(*uploads) func(http.ResponseWriter, *http.Request) { return status(400, "Md5Mismatch") },
			"link ended": func(*uploads) func(http.ResponseWriter, *http.Request) { return status(403, "AuthenticationFailed") },
			"done, but no answer": func(s *uploads) func(http.ResponseWriter, *http.Request) {
				return func(_ http.ResponseWriter, r *http.Request) {
					s.Server.ServeHTTP(discard{http.Header{}}, r)
					panic(http.ErrAbortHandler)
				}
			},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newUploads()
					s.script = faultyAt(kind, disturb(s))
					data := randomBytes(5500)
					if kind == "PUT" {
						data = data[:500]
					}
					res, err := Upload(t.Context(), s.target(t), bytes.NewReader(data), small())
					if err != nil {
						t.Fatal(err)
					}
					s.holds(t, data, res)
					if want := 1; name == "link ended" && s.links != want+1 || name != "link ended" && s.links != want {
						t.Errorf("%d links were asked for", s.links)
					}
				})
			})
		}
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func TestUploadGivesUp(t *testing.T) {
	// The store repeats the signature, as it has been seen to do.
	var sig string
	always := func(code int, name string) func(int, http.ResponseWriter, *http.Request) bool {
		return func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n < 3 { // the list and two blocks
				return false
			}
			sig = r.URL.Query().Get("sig")
			w.Header().Set("x-ms-error-code", name)
			w.Header().Set("x-ms-echo", sig)
			w.WriteHeader(code)
			_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>Signature %s did not do</Message></Error>", name, sig)
			return true
		}
	}
	for name, c := range map[string]struct {
		code     int
		requests int // for the block that fails
	}{
		"ServerBusy":           {503, 4 * 3}, // the pipeline's attempts for each of the upload's
		"Md5Mismatch":          {400, 3},
		"AuthenticationFailed": {403, 2}, // a fresh link does not help either
		"BlobImmutable":        {409, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newUploads()
				s.script = always(c.code, name)
				o := small()
				o.Parallel, o.MaxRetries = 1, 2
				_, err := Upload(t.Context(), s.target(t), bytes.NewReader(randomBytes(5500)), o)
				if e, ok := errors.AsType[*partnercenter.Error](err); !ok || e.StatusCode != c.code || e.Method != http.MethodPut || e.Path != blobPath || e.Code != name {
					t.Errorf("error %v", err)
				}
				if !strings.Contains(err.Error(), "the store keeps 2000 bytes") {
					t.Errorf("the error does not say what is there: %v", err)
				}
				if sig == "" {
					t.Error("no signature was seen")
				}
				e, _ := errors.AsType[*partnercenter.Error](err)
				if text := fmt.Sprintf("%v %+v %#v %s %v", err, err, err, e.Body, e.Header); strings.Contains(text, sig) {
					t.Errorf("the error shows the signature: %s", text)
				}
				if got := s.count()["PUT block"] - 2; got != c.requests {
					t.Errorf("%d requests for the block, want %d", got, c.requests)
				}
				if s.Has(blobPath) {
					t.Error("there is a blob")
				}
			})
		})
	}
}

func TestUploadAnswersThatAreNone(t *testing.T) {
	s := newUploads()
	s.script = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		_, _ = io.WriteString(w, "<html>Welcome to the hotel</html>")
		return true
	}
	_, err := Upload(t.Context(), s.target(t), strings.NewReader("x"), nil)
	if err == nil || !strings.Contains(err.Error(), "200, not 201") {
		t.Errorf("a whole blob: %v", err)
	}
	_, err = Upload(t.Context(), s.target(t), strings.NewReader(strings.Repeat("x", 5000)), small())
	if err == nil || !strings.Contains(err.Error(), "list of blocks") {
		t.Errorf("the list: %v", err)
	}
}

func TestUploadTakesAFreshLinkInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newUploads()
		target := s.target(t)
		inner := target.Doer
		target.Doer = doerFunc(func(req *http.Request) (*http.Response, error) {
			resp, err := inner.Do(req)
			time.Sleep(25 * time.Minute)
			return resp, err
		})
		data := randomBytes(9500)
		o := small()
		o.Parallel = 1
		res, err := Upload(t.Context(), target, bytes.NewReader(data), o)
		if err != nil {
			t.Fatal(err)
		}
		s.holds(t, data, res)
		// Twelve requests of 25 minutes, three to a link, none of them refused.
		if s.links != 4 || len(s.requests) != 12 {
			t.Errorf("%d links for %d requests", s.links, len(s.requests))
		}
	})
}

func TestUploadTakesAFreshLinkWhenRefused(t *testing.T) {
	s := newUploads()
	s.after = func(n int, _ *http.Request) {
		if n%10 == 5 {
			s.ExpireLinks(blobPath)
		}
	}
	data := randomBytes(50_500)
	res, err := Upload(t.Context(), s.target(t), bytes.NewReader(data), small())
	if err != nil {
		t.Fatal(err)
	}
	s.holds(t, data, res)
	if s.links < 5 {
		t.Errorf("only %d links were asked for", s.links)
	}
}

func TestUploadDoesNotFollowALinkToAnotherBlob(t *testing.T) {
	s := newUploads()
	target := s.target(t)
	n := 0
	target.Link = func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
		n++
		return partnercenter.NewSecret(s.UploadLink(blobHost, fmt.Sprintf("/file/%d", n), "rwl", time.Hour)), nil
	}
	s.after = func(n int, _ *http.Request) {
		if n == 3 {
			s.ExpireLinks("/file/1")
		}
	}
	_, err := Upload(t.Context(), target, bytes.NewReader(randomBytes(20_000)), small())
	if err == nil || !strings.Contains(err.Error(), "another file ("+blobHost+"/file/2, not "+blobHost+"/file/1)") {
		t.Errorf("error %v", err)
	}
}

// interrupt uploads data and stops after some blocks.
func interrupt(t *testing.T, s *uploads, data []byte, blocks int) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	cause := errors.New("the machine is switched off")
	var mu sync.Mutex
	put := 0
	s.after = func(_ int, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Query().Get("comp") == "block" {
			if put++; put == blocks {
				cancel(cause)
			}
		}
	}
	o := small()
	o.Parallel = 1
	if _, err := Upload(ctx, s.target(t), bytes.NewReader(data), o); !errors.Is(err, cause) {
		t.Fatalf("error %v", err)
	}
	s.after = nil
	s.count()
}

func TestUploadGoesOnWhereAnotherRunStopped(t *testing.T) {
	data := randomBytes(10_500)
	changed := bytes.Clone(data)
	changed[3500]++
	for name, c := range map[string]struct {
		next    []byte
		stream  bool
		options UploadOptions
		blocks  int // to send
	}{
		"the same":                     {next: data, blocks: 5},
		"the same, from a stream":      {next: data, stream: true, blocks: 5},
		"another file":                 {next: randomBytes(10_501), blocks: 11},
		"changed in the fourth block":  {next: changed, blocks: 8},
		"cut":                          {next: data[:6500], blocks: 1},
		"longer":                       {next: append(bytes.Clone(data), "more"...), blocks: 5},
		"in other blocks":              {next: data, options: UploadOptions{BlockSize: 1500}, blocks: 7},
		"not wanted":                   {next: data, options: UploadOptions{NoResume: true}, blocks: 11},
		"two halves, the second first": {next: append(bytes.Clone(data[5000:]), data[:5000]...), blocks: 11},
	} {
		t.Run(name, func(t *testing.T) {
			s := newUploads()
			interrupt(t, s, data, 6)
			var content io.Reader = bytes.NewReader(c.next)
			if c.stream {
				content = struct{ io.Reader }{content}
			}
			o := c.options
			if o.BlockSize == 0 {
				o.BlockSize = 1000
			}
			res, err := Upload(t.Context(), s.target(t), content, &o)
			if err != nil {
				t.Fatal(err)
			}
			s.holds(t, c.next, res)
			sent := s.count()["PUT block"]
			if sent != c.blocks {
				t.Errorf("%d blocks were sent, want %d", sent, c.blocks)
			}
			if all := (len(c.next) + int(o.BlockSize) - 1) / int(o.BlockSize); (all > sent) != (res.Resumed > 0) {
				t.Errorf("resumed %d", res.Resumed)
			}
		})
	}
}

func TestUploadOfWhatIsThereSendsNoBlock(t *testing.T) {
	s := newUploads()
	data := randomBytes(3500)
	for range 2 {
		res, err := Upload(t.Context(), s.target(t), bytes.NewReader(data), small())
		if err != nil {
			t.Fatal(err)
		}
		s.holds(t, data, res)
	}
	if diff := cmp.Diff(map[string]int{"GET blocklist": 2, "PUT block": 4, "PUT blocklist": 2}, s.count()); diff != "" {
		t.Errorf("requests of both (-want +got):\n%s", diff)
	}
}

func TestUploadWithoutTheRightToListStartsAtTheBeginning(t *testing.T) {
	s := newUploads()
	data := randomBytes(10_500)
	interrupt(t, s, data, 6)
	target := s.target(t)
	target.Link = func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
		return partnercenter.NewSecret(s.UploadLink(blobHost, blobPath, "w", time.Hour)), nil
	}
	res, err := Upload(t.Context(), target, bytes.NewReader(data), small())
	if err != nil {
		t.Fatal(err)
	}
	s.holds(t, data, res)
	if got := s.count(); got["PUT block"] != 11 || got["GET blocklist"] != 1 {
		t.Errorf("requests %v", got)
	}
}

func TestUploadThrowsForeignBlocksAway(t *testing.T) {
	s := newUploads()
	target := s.target(t)
	link, err := s.link(t.Context(), partnercenter.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	foreign := link.Reveal() + "&comp=block&blockid=" + base64.StdEncoding.EncodeToString([]byte("0001"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, foreign, strings.NewReader("foreign"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := target.Doer.Do(req)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("%v %v", resp, err)
	}
	_ = resp.Body.Close()
	data := randomBytes(3500)
	res, err := Upload(t.Context(), target, bytes.NewReader(data), small())
	if err != nil {
		t.Fatal(err)
	}
	s.holds(t, data, res)
}

func TestUploadBeginsAnewWhenItsBlocksAreGone(t *testing.T) {
	data := randomBytes(3500)
	gone := func(s *uploads, times int) {
		var mu sync.Mutex
		s.script = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if r.Method == http.MethodPut && r.URL.Query().Get("comp") == "blocklist" && times > 0 {
				times--
				// Somebody else writes the blob right before the commit.
				if err := s.Put(blobPath, memory{bytes.NewReader(nil)}, time.Now(), plain); err != nil {
					t.Error(err)
				}
			}
			return false
		}
	}
	s := newUploads()
	gone(s, maxStarts)
	res, err := Upload(t.Context(), s.target(t), bytes.NewReader(data), small())
	if err != nil {
		t.Fatal(err)
	}
	s.holds(t, data, res)

	for name, c := range map[string]struct {
		times   int
		content io.Reader
	}{
		"again and again":    {maxStarts + 1, bytes.NewReader(data)},
		"read once, for all": {1, struct{ io.Reader }{bytes.NewReader(data)}},
	} {
		s := newUploads()
		gone(s, c.times)
		if _, err := Upload(t.Context(), s.target(t), c.content, small()); !partnercenter.HasCode(err, "InvalidBlockList") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUploadOfAFileThatChanges(t *testing.T) {
	for name, c := range map[string]struct {
		change func(string) error
		text   string
	}{
		"grows":   {func(name string) error { return os.Truncate(name, 20_000) }, "has changed while it was uploaded"},
		"shrinks": {func(name string) error { return os.Truncate(name, 5000) }, "ended at byte"},
		"is written": {func(name string) error {
			return errors.Join(os.WriteFile(name, randomBytes(9999), 0o600), os.Truncate(name, 10_000), os.Chtimes(name, time.Time{}, time.Now().Add(time.Hour)))
		}, "has changed while it was uploaded"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "app.zip")
			if err := os.WriteFile(file, randomBytes(10_000), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			s := newUploads()
			s.after = func(n int, _ *http.Request) {
				if n == 2 {
					if err := c.change(file); err != nil {
						t.Error(err)
					}
				}
			}
			o := small()
			o.Parallel = 1
			if _, err := Upload(t.Context(), s.target(t), f, o); err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v", err)
			}
			if s.Has(blobPath) {
				t.Error("a mixture of two states was made a blob")
			}
		})
	}
}

func TestUploadMistakesOnThisSide(t *testing.T) {
	s := newUploads()
	good := s.target(t)
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	link := func(l string) Target {
		return Target{Doer: good.Doer, Link: func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
			return partnercenter.NewSecret(l), nil
		}}
	}
	content := strings.NewReader("x")
	for name, c := range map[string]struct {
		to      Target
		content io.Reader
		text    string
	}{
		"no Doer":          {Target{Link: good.Link}, content, "Doer is nil"},
		"no Link":          {Target{Doer: good.Doer}, content, "Link is nil"},
		"no content":       {good, nil, "no content"},
		"folder":           {good, dir, "is a folder"},
		"too large":        {good, io.NewSectionReader(content, 0, 50_000*100<<20+1), "at most"},
		"no URL":           {link("x?sig=CANARY"), content, "not an absolute URL"},
		"plain http":       {link("http://blob.example/x?sig=CANARY"), content, "use https"},
		"for reading only": {link("https://blob.example/x?06%2f18&sig=CANARY&sp=rl"), content, `grants "rl"`},
		"broken content":   {good, iotest.ErrReader(io.ErrClosedPipe), "at byte 0"},
		"no end":           {good, noSeeker{strings.NewReader("x"), io.SeekEnd}, "finding the end"},
		"no way back":      {good, noSeeker{strings.NewReader("x"), io.SeekStart}, "going back"},
	} {
		_, err := Upload(t.Context(), c.to, c.content, nil)
		if keepsSecret(t, err); !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(s.count()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	res, err := Upload(t.Context(), good, noSeeker{strings.NewReader("x"), io.SeekCurrent}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.holds(t, []byte("x"), res)
}

// noSeeker fails to seek in one way.
type noSeeker struct {
	*strings.Reader
	whence int
}

func (n noSeeker) Seek(off int64, whence int) (int64, error) {
	if whence == n.whence {
		return 0, iotest.ErrTimeout
	}
	return n.Reader.Seek(off, whence)
}

// Transports may read a body when they have answered already. The buffers of blocks
// are used again by then, and must not be seen.
func TestUploadTakesBuffersBackFromTransports(t *testing.T) {
	s := newUploads()
	target := s.target(t)
	inner := target.Doer
	var mu sync.Mutex
	var late []io.ReadCloser
	target.Doer = doerFunc(func(req *http.Request) (*http.Response, error) {
		if req.GetBody != nil {
			again, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			mu.Lock()
			late = append(late, again)
			mu.Unlock()
		}
		return inner.Do(req)
	})
	data := randomBytes(50_500)
	res, err := Upload(t.Context(), target, bytes.NewReader(data), small())
	if err != nil {
		t.Fatal(err)
	}
	s.holds(t, data, res)
	for _, body := range late {
		if n, err := body.Read(make([]byte, 10)); n != 0 || err == nil || errors.Is(err, io.EOF) {
			t.Fatalf("%d bytes could be read, %v", n, err)
		}
	}
	if len(late) != 52 {
		t.Errorf("%d bodies", len(late))
	}
}

func TestHoldsComparesSizeAndChecksum(t *testing.T) {
	s := newUploads()
	target := s.target(t)
	data := randomBytes(3500)
	other := bytes.Clone(data)
	other[7]++
	holds := func(content []byte) bool {
		t.Helper()
		ok, err := Holds(t.Context(), target, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if _, err := Holds(t.Context(), target, bytes.NewReader(data)); !errors.Is(err, partnercenter.ErrNotFound) {
		t.Errorf("without a blob: %v", err)
	}
	for _, o := range []*UploadOptions{nil, small()} {
		if _, err := Upload(t.Context(), target, bytes.NewReader(data), o); err != nil {
			t.Fatal(err)
		}
		if !holds(data) || holds(other) || holds(data[:3499]) || holds(nil) {
			t.Error("the file is not the one it is, or is another one")
		}
	}
	if err := s.Put(blobPath, memory{bytes.NewReader(data)}, time.Now(), blob.Properties{NoMD5: true}); err != nil {
		t.Fatal(err)
	}
	if holds(data) {
		t.Error("without a checksum nothing is known")
	}
	if err := s.Put(blobPath, memory{bytes.NewReader(data)}, time.Now(), blob.Properties{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Holds(t.Context(), target, iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("broken content: %v", err)
	}
}

func TestUploadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newUploads()
		s.script = func(n int, _ http.ResponseWriter, r *http.Request) bool {
			if n == 0 {
				return false
			}
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, io.ErrNoProgress)
		defer cancel()
		if _, err := Upload(ctx, s.target(t), bytes.NewReader(randomBytes(5500)), small()); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("error %v", err)
		}
	})
}
