package blob_test

import (
	"crypto/md5" //nolint:gosec // as the server
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	path = "/exports/a b.csv"
	text = "0123456789"
)

func newServer(t *testing.T) (*blob.Server, *kit.Recorder) {
	t.Helper()
	rec := new(kit.Recorder)
	s := blob.New(blob.Config{Clock: new(kit.Clock), IDs: kit.NewIDs(1), Recorder: rec})
	put(t, s, text)
	return s, rec
}

func put(t *testing.T, s *blob.Server, content string) {
	t.Helper()
	if err := s.Put(path, blob.Bytes([]byte(content)), time.Date(2024, 1, 2, 3, 4, 5, 6, time.UTC), blob.Properties{}); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, s *blob.Server, method, link string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, link, http.NoBody)
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func sum(s string) string {
	h := md5.Sum([]byte(s)) //nolint:gosec // as the server
	return base64.StdEncoding.EncodeToString(h[:])
}

func TestRanges(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	link := s.Link("https://x.example/", path, time.Hour)
	for _, tt := range []struct {
		header, value string
		status        int
		body          string
		contentRange  string
	}{
		{"X", "y", 200, text, ""},
		{"Range", "bytes=0-", 206, text, "bytes 0-9/10"},
		{"Range", "bytes=3-", 206, "3456789", "bytes 3-9/10"},
		{"Range", "bytes=3-5", 206, "345", "bytes 3-5/10"},
		{"Range", "bytes=9-9", 206, "9", "bytes 9-9/10"},
		{"Range", "bytes=5-1000", 206, "56789", "bytes 5-9/10"},
		{"x-ms-range", "bytes=1-2", 206, "12", "bytes 1-2/10"},
		{"Range", "bytes=10-", 416, "InvalidRange", "bytes */10"},
		{"Range", "bytes=10-20", 416, "InvalidRange", "bytes */10"},
		// No ranges as far as the fake is concerned:
		{"Range", "bytes=-3", 200, text, ""},
		{"Range", "bytes=1-2,4-5", 200, text, ""},
		{"Range", "bytes=5-3", 200, text, ""},
		{"Range", "bytes=x-", 200, text, ""},
		{"Range", "bytes=1", 200, text, ""},
		{"Range", "items=1-2", 200, text, ""},
		{"Range", "bytes=99999999999999999999-", 200, text, ""},
	} {
		w := do(t, s, http.MethodGet, link, tt.header, tt.value)
		if w.Code != tt.status || w.Header().Get("Content-Range") != tt.contentRange ||
			w.Code < 300 && w.Body.String() != tt.body || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%s: %s: %d, %q: %s", tt.header, tt.value, w.Code, w.Header().Get("Content-Range"), w.Body)
		}
		whole, part := w.Header().Get("Content-MD5"), w.Header().Get("x-ms-blob-content-md5")
		if w.Code == 200 && (whole != sum(text) || part != "") || w.Code == 206 && (whole != "" || part != sum(text)) {
			t.Errorf("%s: checksums %q and %q", tt.value, whole, part)
		}
	}
}

func TestHeadHasTheHeadersOfGet(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	link := s.Link("https://x.example", path, time.Hour)
	get, head := do(t, s, http.MethodGet, link), do(t, s, http.MethodHead, link)
	if head.Body.Len() != 0 || head.Code != 200 {
		t.Errorf("%d %q", head.Code, head.Body)
	}
	for name := range get.Header() {
		if a, b := get.Header().Get(name), head.Header().Get(name); a != b && name != "X-Ms-Request-Id" {
			t.Errorf("%s: %q and %q", name, a, b)
		}
	}
	for name, want := range map[string]string{
		"Content-Length": "10", "Accept-Ranges": "bytes", "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT",
		"Content-Type": "application/octet-stream", "x-ms-blob-type": "BlockBlob",
	} {
		if got := get.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if w := do(t, s, http.MethodHead, link+"x"); w.Code != 403 || w.Body.Len() != 0 || w.Header().Get("x-ms-error-code") != "AuthenticationFailed" {
		t.Errorf("bad link: %d %q", w.Code, w.Body)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	link := s.Link("https://x.example", path, time.Hour)
	old := do(t, s, http.MethodGet, link).Header().Get("ETag")
	put(t, s, "changed")
	now := do(t, s, http.MethodGet, link).Header().Get("ETag")
	if old == now || !strings.HasPrefix(now, `"0x8D`) {
		t.Errorf("tags %s and %s", old, now)
	}
	put(t, s, text)
	if again := do(t, s, http.MethodGet, link).Header().Get("ETag"); again == old || again == now {
		t.Error("an old tag came back")
	}
	now = do(t, s, http.MethodGet, link).Header().Get("ETag")
	for _, tt := range []struct {
		header, value string
		want          int
	}{
		{"If-Match", now, 200}, {"If-Match", old, 412}, {"If-Match", "*", 200}, {"If-Match", old + ", " + now, 200}, {"If-Match", "W/" + now, 412},
		{"If-None-Match", now, 304}, {"If-None-Match", old, 200}, {"If-None-Match", "*", 304},
	} {
		w := do(t, s, http.MethodGet, link, tt.header, tt.value)
		if w.Code != tt.want || w.Code == 412 && !strings.Contains(w.Body.String(), "<Code>ConditionNotMet</Code>") || w.Code == 304 && w.Body.Len() > 0 {
			t.Errorf("%s: %s: %d %s", tt.header, tt.value, w.Code, w.Body)
		}
	}
}

func TestLinksOpenOneBlobForATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := newServer(t)
		if err := s.Put("/exports/other", blob.Bytes([]byte("x")), time.Now(), blob.Properties{}); err != nil {
			t.Fatal(err)
		}
		link := s.Link("https://x.example", path, time.Hour)
		if !strings.HasPrefix(link, "https://x.example/exports/a%20b.csv?") || !strings.Contains(link, "sp=r&") || !strings.Contains(link, "se=2000-01-01T01%3A00%3A00Z") {
			t.Errorf("link %s", link)
		}
		check := func(what, link string, status int, code string) {
			t.Helper()
			w := do(t, s, http.MethodGet, link)
			if w.Code != status || !strings.Contains(w.Body.String(), code) {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
		}
		check("good", link, 200, text)
		check("of another blob", strings.Replace(link, "a%20b.csv", "other", 1), 403, "AuthenticationFailed")
		check("prolonged", strings.Replace(link, "se=2000", "se=2001", 1), 403, "AuthenticationFailed")
		check("widened", strings.Replace(link, "sp=r", "sp=rw", 1), 403, "AuthenticationFailed")
		check("without signature", "https://x.example/exports/a%20b.csv", 403, "AuthenticationFailed")
		time.Sleep(time.Hour - time.Second)
		check("just in time", link, 200, text)
		time.Sleep(time.Second)
		check("expired", link, 403, "Signature not valid in the specified time frame")
		link = s.Link("https://x.example", path, time.Hour)
		s.ExpireLinks(path)
		check("revoked", link, 403, "AuthenticationFailed")
		other := s.Link("https://x.example", "/exports/other", time.Hour)
		s.ExpireLinks(path)
		check("other blobs' links", other, 200, "x")
		check("missing", s.Link("https://x.example", "/nothing", time.Hour), 404, "BlobNotFound")
	})
}

func TestLinksForReadingAllowNothingElse(t *testing.T) {
	t.Parallel()
	s, rec := newServer(t)
	link := s.Link("https://x.example", path, time.Hour)
	if w := do(t, s, http.MethodPost, link); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD, PUT" {
		t.Errorf("POST: %d", w.Code)
	}
	if w := do(t, s, http.MethodPut, link, "x-ms-blob-type", "BlockBlob"); w.Code != 403 || w.Header().Get("x-ms-error-code") != "AuthorizationPermissionMismatch" {
		t.Errorf("PUT: %d", w.Code)
	}
	if w := do(t, s, http.MethodGet, link, "Authorization", "Bearer x"); w.Code != 403 || len(rec.Violations()) != 1 {
		t.Errorf("with a token: %d, %q", w.Code, rec.Violations())
	}
	if w := do(t, s, http.MethodGet, link, "ms-requestid", "x", "x-ms-client-request-id", "me"); w.Code != 200 || len(rec.Violations()) != 2 || w.Header().Get("x-ms-client-request-id") != "me" {
		t.Errorf("with ids: %d, %q", w.Code, rec.Violations())
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	link := s.Link("https://x.example", path, time.Hour)
	set := func(p blob.Properties) *httptest.ResponseRecorder {
		if !s.SetProperties(path, func(q *blob.Properties) { *q = p }) {
			t.Fatal("no blob")
		}
		return do(t, s, http.MethodGet, link, "Range", "bytes=2-")
	}
	if w := set(blob.Properties{IgnoreRange: true}); w.Code != 200 || w.Body.String() != text {
		t.Errorf("IgnoreRange: %d %s", w.Code, w.Body)
	}
	if w := set(blob.Properties{NoMD5: true}); w.Header().Get("x-ms-blob-content-md5") != "" {
		t.Error("NoMD5")
	}
	if w := set(blob.Properties{WrongMD5: true}); w.Header().Get("x-ms-blob-content-md5") == sum(text) || w.Header().Get("x-ms-blob-content-md5") == "" {
		t.Error("WrongMD5")
	}
	if w := set(blob.Properties{NoETag: true}); w.Header().Get("ETag")+w.Header().Get("Last-Modified") != "" {
		t.Error("NoETag")
	}
	if w := set(blob.Properties{Gzip: true, ContentType: "text/csv"}); w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Content-Type") != "text/csv" {
		t.Error("Gzip, ContentType")
	}
	if s.SetProperties("/nothing", func(*blob.Properties) {}) || s.Has("/nothing") || !s.Has(path) {
		t.Error("a blob that is not there")
	}
}

// closing is a content that tells when it was closed.
type closing struct {
	blob.Content
	mu     sync.Mutex
	closed int
	err    error
}

func (c *closing) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
	return c.err
}

func TestContentIsClosedOnceAndNotUnderAReader(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	c := &closing{Content: blob.Bytes([]byte(text)), err: errors.New("sticky")}
	if err := s.Put(path, c, time.Now(), blob.Properties{}); err != nil {
		t.Fatal(err)
	}
	link := s.Link("https://x.example", path, time.Hour)
	reading := &slowWriter{ResponseRecorder: httptest.NewRecorder(), at: func() {
		put(t, s, "new")
		if c.closed != 0 {
			t.Error("it was closed while it was read")
		}
	}}
	s.ServeHTTP(reading, httptest.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody))
	if c.closed != 1 || reading.Body.String() != text {
		t.Errorf("closed %d times, read %q", c.closed, reading.Body)
	}
	d := &closing{Content: blob.Bytes([]byte(text)), err: errors.New("sticky")}
	if err := s.Put("/d", d, time.Now(), blob.Properties{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete("/d"); err == nil || d.closed != 1 {
		t.Errorf("deleted: %v, closed %d times", err, d.closed)
	}
	if err := s.Delete("/d"); err != nil {
		t.Error(err)
	}
	e := &closing{Content: blob.Bytes([]byte(text)), err: errors.New("sticky")}
	if err := s.Put("/e", e, time.Now(), blob.Properties{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err == nil || e.closed != 1 {
		t.Errorf("closed: %v, %d times", err, e.closed)
	}
}

type slowWriter struct {
	*httptest.ResponseRecorder
	at func()
}

func (w *slowWriter) Write(p []byte) (int, error) {
	w.at()
	return w.ResponseRecorder.Write(p)
}

// broken cannot be read beyond its first byte.
type broken struct{ io.ReaderAt }

func (broken) Size() int64                       { return 10 }
func (broken) Close() error                      { return nil }
func (broken) ReadAt([]byte, int64) (int, error) { return 0, iotest.ErrTimeout }

func TestContentThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	if err := s.Put("/b", broken{}, time.Now(), blob.Properties{}); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("error %v", err)
	}
	w := &failingWriter{httptest.NewRecorder()}
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // a panic value
			t.Errorf("a lost client ended in %v", p)
		}
	}()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, s.Link("https://x.example", path, time.Hour), http.NoBody))
}

type failingWriter struct{ *httptest.ResponseRecorder }

func (*failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Of what can be made again, what was used last is kept.
func TestWhatCanBeMadeAgainIsKeptAsFarAsThereIsRoom(t *testing.T) {
	t.Parallel()
	s := blob.New(blob.Config{Clock: new(kit.Clock), IDs: kit.NewIDs(1), Recorder: new(kit.Recorder), InMemory: 2 * int64(len(text))})
	fill := func(name string) {
		t.Helper()
		if err := s.Make(name, blob.Bytes([]byte(text)), time.Now(), blob.Properties{}); err != nil {
			t.Fatal(err)
		}
	}
	there := func(want ...string) {
		t.Helper()
		var got []string
		for _, name := range []string{"/a", "/b", "/c", path} {
			if s.Has(name) {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v are there, want %v", got, want)
		}
	}
	put(t, s, text+text+text) // nobody can make this one again
	fill("/a")
	fill("/b")
	there("/a", "/b", path)
	link := s.Link("https://x.example/", "/a", time.Hour)
	tag := do(t, s, http.MethodGet, link).Header().Get("ETag")
	expired := s.Link("https://x.example/", "/b", time.Hour)
	s.ExpireLinks("/b")
	fill("/c")
	there("/a", "/c", path)
	if w := do(t, s, http.MethodGet, expired); w.Code != http.StatusForbidden {
		t.Errorf("an expired link to what is gone: %d", w.Code)
	}
	fill("/b")
	there("/b", "/c", path)
	if w := do(t, s, http.MethodGet, expired); w.Code != http.StatusForbidden {
		t.Errorf("an expired link to what is back: %d", w.Code)
	}
	fill("/a")
	if w := do(t, s, http.MethodGet, link); w.Code != http.StatusOK || w.Header().Get("ETag") != tag {
		t.Errorf("it is back as %d with the ETag %s instead of %s", w.Code, w.Header().Get("ETag"), tag)
	}
	if err := s.Put("/a", blob.Bytes([]byte(text)), time.Now(), blob.Properties{}); err != nil {
		t.Fatal(err)
	}
	if w := do(t, s, http.MethodGet, link); w.Header().Get("ETag") == tag {
		t.Error("it was replaced, but the ETag is the same")
	}
	there("/a", "/b", path)
	for _, name := range []string{"/b", "/c"} {
		if err := s.Delete(name); err != nil {
			t.Fatal(err)
		}
	}
	fill("/c")
	fill("/b")
	there("/a", "/b", "/c", path)
}
