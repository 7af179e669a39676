package remote_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
	"github.com/partnercenter-go/partnercenter/internal/remote"
	"github.com/partnercenter-go/partnercenter/internal/transfer"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// store serves files and counts the answers that are being read.
type store struct {
	*blob.Server
	url    string
	client *http.Client
	open   atomic.Int32
}

func newStore(t *testing.T, files map[string][]byte) *store {
	t.Helper()
	s := &store{Server: blob.New(blob.Config{Clock: new(kit.Clock), IDs: kit.NewIDs(1), Recorder: new(kit.Recorder)})}
	for path, data := range files {
		if err := s.Put(path, blob.Bytes(data), time.Now(), blob.Properties{}); err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewUnstartedServer(s)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that leave in the middle
	srv.StartTLS()
	s.url, s.client = srv.URL, srv.Client()
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return s
}

func (s *store) Do(r *http.Request) (*http.Response, error) {
	resp, err := s.client.Do(r) //nolint:gosec // the test's own server
	if err == nil {
		s.open.Add(1)
		resp.Body = &counted{resp.Body, sync.OnceFunc(func() { s.open.Add(-1) })}
	}
	return resp, err
}

type counted struct {
	io.ReadCloser
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.ReadCloser.Close()
}

func (s *store) source(path string) transfer.Source {
	return transfer.Source{Doer: s, Link: func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
		return partnercenter.NewSecret(s.Link(s.url, path, time.Hour)), nil
	}}
}

func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "a,b\n1,"+name+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestArchiveIsReadWhereItLies(t *testing.T) {
	s := newStore(t, map[string][]byte{"/exports/march.zip": archive(t, "2026-03_1.csv", "2026-03_2.csv")})
	c, err := remote.Open(t.Context(), s.source("/exports/march.zip"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for e, err := range c.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(e)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Name+": "+string(text))
	}
	want := []string{"2026-03_1.csv: a,b\n1,2026-03_1.csv\n", "2026-03_2.csv: a,b\n1,2026-03_2.csv\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if err := c.Close(); err != nil || s.open.Load() != 0 {
		t.Errorf("%v, %d answers are open", err, s.open.Load())
	}
}

func TestClosingInTheMiddleEndsTheRequests(t *testing.T) {
	text := []byte("a,b\n" + strings.Repeat("1,2\n", 4<<20))
	s := newStore(t, map[string][]byte{"/exports/march.csv": text})
	c, err := remote.Open(t.Context(), s.source("/exports/march.csv"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range c.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Name != "march.csv" || e.Size != int64(len(text)) {
			t.Errorf("entry %q of %d bytes", e.Name, e.Size)
		}
		if _, err := io.CopyN(io.Discard, e, 3<<20); err != nil { // far enough for reading ahead
			t.Fatal(err)
		}
	}
	if s.open.Load() == 0 {
		t.Error("no answer is open in the middle of the file")
	}
	if err := c.Close(); err != nil || s.open.Load() != 0 {
		t.Errorf("%v, %d answers are open", err, s.open.Load())
	}
}

func TestFileThatCannotBeReadLeavesNothingOpen(t *testing.T) {
	cut := append(archive(t, "a.csv"), make([]byte, 8<<20)...) // so much that no directory is near its end
	s := newStore(t, map[string][]byte{"/exports/cut.zip": cut})
	_, err := remote.Open(t.Context(), s.source("/exports/cut.zip"), nil)
	if err == nil || !strings.Contains(err.Error(), "cut.zip") {
		t.Errorf("error %v", err)
	}
	_, err = remote.Open(t.Context(), s.source("/exports/other.zip"), nil)
	if !errors.Is(err, partnercenter.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if s.open.Load() != 0 {
		t.Errorf("%d answers are open", s.open.Load())
	}
}

func TestLinkAtHandIsUsedFirst(t *testing.T) {
	var looks int
	link := remote.Link(partnercenter.NewSecret("https://blob.example/1"), func(context.Context) (partnercenter.Secret, string, error) {
		looks++
		return partnercenter.NewSecret("https://blob.example/2"), "Completed", nil
	})
	var got []string
	stale := partnercenter.Secret{}
	for range 2 {
		fresh, err := link(t.Context(), stale)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fresh.Reveal())
		stale = fresh
	}
	// Whoever comes late with the old link gets the one that replaced it.
	late, err := link(t.Context(), partnercenter.NewSecret("https://blob.example/1"))
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, late.Reveal())
	if diff := cmp.Diff([]string{"https://blob.example/1", "https://blob.example/2", "https://blob.example/2"}, got); diff != "" || looks != 1 {
		t.Errorf("%d looks, links (-want +got):\n%s", looks, diff)
	}
}

func TestWithoutALinkTheServiceIsAsked(t *testing.T) {
	cause := errors.New("no route")
	answers := []struct {
		link, status string
		err          error
	}{
		{"", "", cause},
		{"", "Processing", nil},
		{"https://blob.example/1", "Completed", nil},
	}
	i := 0
	link := remote.Link(partnercenter.Secret{}, func(context.Context) (partnercenter.Secret, string, error) {
		a := answers[i]
		i++
		if a.link == "" {
			return partnercenter.Secret{}, a.status, a.err
		}
		return partnercenter.NewSecret(a.link), a.status, a.err
	})
	if _, err := link(t.Context(), partnercenter.Secret{}); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	if _, err := link(t.Context(), partnercenter.Secret{}); err == nil || !strings.Contains(err.Error(), "it is Processing and offers no file") {
		t.Errorf("error %v", err)
	}
	if got, err := link(t.Context(), partnercenter.Secret{}); err != nil || got.Reveal() != "https://blob.example/1" {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// cut is a body that ends early.
type cut struct {
	io.Reader
	io.Closer
}

// Who reads the log learns that a download has begun again, and why.
func TestFileThatChangesBeginsAgainAndSaysSo(t *testing.T) {
	const path = "/exports/march.csv"
	before, after := bytes.Repeat([]byte("a,b\n"), 25_000), bytes.Repeat([]byte("c,d\n"), 24_000)
	s := newStore(t, map[string][]byte{path: before})
	requests := 0
	wire := roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := s.Do(r)
		if requests++; err != nil || requests > 1 {
			return resp, err
		}
		resp.Body = &cut{io.LimitReader(resp.Body, 1000), resp.Body}
		return resp, s.Put(path, blob.Bytes(after), time.Now(), blob.Properties{})
	})
	var records bytes.Buffer
	tokens := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{}, errors.New("a token was asked for")
	})
	api, err := transport.New(tokens, &partnercenter.Options{Transport: wire, Logger: slog.New(slog.NewTextHandler(&records, nil))},
		transport.Defaults{Endpoint: "https://api.example", APIVersion: "v1", Resource: "https://api.example"})
	if err != nil {
		t.Fatal(err)
	}
	link := s.Link(s.url, path, time.Hour)
	src := remote.Source(api.Blob(), "export-1", partnercenter.NewSecret(link), nil)
	to := filepath.Join(t.TempDir(), "march.csv")
	res, err := transfer.DownloadFile(t.Context(), src, to, nil)
	if err != nil || res.Restarts != 1 || res.SHA256 != sha256.Sum256(after) {
		t.Errorf("%+v, %v", res, err)
	}
	text := records.String()
	for _, want := range []string{"level=WARN", `msg="download begins again"`, "file=march.csv", "path=" + to, "given_up=1000", "has changed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not say %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "sig=") || strings.Count(text, "WARN") != 1 {
		t.Errorf("the log says too much:\n%s", text)
	}
}
