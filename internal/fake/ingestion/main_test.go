package ingestion

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	apiHost   = "https://api.partner.microsoft.com"
	blobsHost = "https://ingestionpackagesprod1.blob.core.windows.net"
)

// rig is a server with its clock and its store.
type rig struct {
	t     testing.TB
	s     *Server
	clock *kit.Clock
	blobs *blob.Server
}

func newRig(t testing.TB, change func(*Settings)) *rig {
	t.Helper()
	return newSeeded(t, 1, change)
}

func newSeeded(t testing.TB, seed uint64, change func(*Settings)) *rig {
	t.Helper()
	r := &rig{t: t, clock: new(kit.Clock)}
	ids := kit.NewIDs(seed)
	r.blobs = blob.New(blob.Config{Clock: r.clock, IDs: ids, Recorder: new(kit.Recorder)})
	settings := DefaultSettings()
	if change != nil {
		change(&settings)
	}
	var err error
	r.s, err = New(Config{
		Clock: r.clock, IDs: ids, Seed: seed, Blobs: r.blobs, Settings: settings,
		Check: func(token string) (kit.Claims, bool) {
			return kit.Claims{Audience: "https://api.partner.microsoft.com"}, token == "good"
		},
		BlobBase: func(*http.Request) string { return blobsHost },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.blobs.Close() })
	return r
}

// do sends a request: to the store if the URL is one of its, else to the API.
func (r *rig) do(method, url, body string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	var handler http.Handler = r.s
	switch {
	case !strings.HasPrefix(url, "https://"):
		url = apiHost + Prefix + url
	case !strings.HasPrefix(url, apiHost):
		handler = r.blobs
	}
	req := httptest.NewRequestWithContext(r.t.Context(), method, url, strings.NewReader(body))
	if handler == r.s {
		req.Header.Set("Authorization", "Bearer good")
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
	} else {
		req.Header.Set("X-Ms-Blob-Type", "BlockBlob")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req)
	return w
}

// json sends a request that must succeed, and returns the object that answers it.
func (r *rig) json(method, url, body string, header ...string) object {
	r.t.Helper()
	w := r.do(method, url, body, header...)
	if w.Code >= 300 {
		r.t.Fatalf("%s %s: %d %s", method, url, w.Code, w.Body)
	}
	o, err := parseObject(w.Body.Bytes())
	if err != nil {
		r.t.Fatalf("%s %s: %v in %s", method, url, err, w.Body)
	}
	return o
}

// one sends a GET for a list that must have one entry, and returns that.
func (r *rig) one(url string) object {
	r.t.Helper()
	list := r.json(http.MethodGet, url, "").objects("value")
	if len(list) != 1 {
		r.t.Fatalf("GET %s: %d entries", url, len(list))
	}
	return list[0]
}
