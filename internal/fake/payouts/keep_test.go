package payouts

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Exports that nobody deletes do not pile up for ever: the oldest go, with their files.
func TestOldExportsAreForgotten(t *testing.T) {
	t.Parallel()
	blobs := blob.New(blob.Config{Clock: new(kit.Clock), IDs: kit.NewIDs(1), Recorder: new(kit.Recorder)})
	s, err := New(Config{
		Clock: new(kit.Clock), IDs: kit.NewIDs(1), Blobs: blobs, BlobBase: func(*http.Request) string { return "https://x.example" },
		Check: func(string) (kit.Claims, bool) { return kit.Claims{Audience: "a"}, true },
		Data:  Data{Rows: 1}, Settings: Settings{Audiences: []string{"a"}, LinkLifetime: 1e9}, MaxExports: 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "https://api.example"+path, strings.NewReader(""))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Length", "0")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	var paths []string
	for range 100 {
		w := send(http.MethodPost, "/v1.0/payouts/payments")
		path := strings.TrimPrefix(w.Header().Get("Location"), "https://api.example")
		if w.Code/100 != 2 || path == "" {
			t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		if w := send(http.MethodGet, path); w.Code != http.StatusOK {
			t.Fatalf("the latest: %d %s", w.Code, w.Body)
		}
		paths = append(paths, path)
		if len(paths) == 50 { // what is deleted does not count
			if w := send(http.MethodDelete, paths[45]); w.Code/100 != 2 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
	}
	known, files := 0, 0
	for _, p := range paths {
		id := p[strings.LastIndexByte(p, '/')+1:]
		if send(http.MethodGet, p).Code == http.StatusOK {
			known++
		}
		if blobs.Has("/exports/" + id + ".zip") {
			files++
		}
	}
	if known < 18 || known > 20 || files != known || len(s.exports) != known+1 || len(s.order) != known+1 {
		t.Errorf("%d exports and %d files are known, %d and %d kept", known, files, len(s.exports), len(s.order))
	}
	if w := send(http.MethodGet, paths[0]); w.Code != http.StatusNotFound {
		t.Errorf("the oldest: %d", w.Code)
	}
}
