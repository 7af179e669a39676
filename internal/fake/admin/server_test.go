package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter/internal/fake/analytics"
	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
	"github.com/partnercenter-go/partnercenter/internal/fake/ingestion"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
	"github.com/partnercenter-go/partnercenter/internal/fake/payouts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is the API over fakes that have done nothing yet.
type rig struct {
	*testing.T
	cfg     Config
	server  *Server
	changes int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t}
	clock, ids, recorder := new(kit.Clock), kit.NewIDs(1), new(kit.Recorder)
	blobs := blob.New(blob.Config{Clock: clock, IDs: ids, Recorder: recorder})
	base := func(*http.Request) string { return "https://blobs.example" }
	var errs [3]error
	r.cfg = Config{
		Clock: clock, Recorder: recorder, Faults: new(kit.Faults), Entra: entra.New(entra.Config{}),
		Advance: clock.Advance, Reset: func() error { return errors.New("no") }, Changed: func() { r.changes++ }, Problem: func() error { return errors.New("the disk is full") },
	}
	r.cfg.Payouts, errs[0] = payouts.New(payouts.Config{
		Clock: clock, IDs: ids, Blobs: blobs, BlobBase: base, Settings: payouts.Settings{Audiences: []string{"a"}},
		Check: func(string) (kit.Claims, bool) { return kit.Claims{Audience: "a"}, true },
	})
	r.cfg.Analytics, errs[1] = analytics.New(analytics.Config{Clock: clock, IDs: ids, Blobs: blobs, BlobBase: base, Settings: analytics.DefaultSettings()})
	r.cfg.Ingestion, errs[2] = ingestion.New(ingestion.Config{Clock: clock, IDs: ids, Blobs: blobs, BlobBase: base, Settings: ingestion.DefaultSettings()})
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.cfg.Analytics.Close)
	r.server = New(r.cfg)
	return r
}

// send expects a status and returns the answer.
func (r *rig) send(method, path, body string, want int, header ...string) *httptest.ResponseRecorder {
	r.Helper()
	req := httptest.NewRequestWithContext(r.Context(), method, "https://127.0.0.1"+Root+path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.server.ServeHTTP(w, req)
	if w.Code != want {
		r.Errorf("%s %s: %d, want %d: %s", method, path, w.Code, want, w.Body)
	}
	return w
}

func TestThePageIsServed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for path, want := range map[string]string{"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript"} {
		w := r.send(http.MethodGet, path, "", http.StatusOK)
		h := w.Header()
		if !strings.HasPrefix(h.Get("Content-Type"), want) || w.Body.Len() == 0 || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v, %d bytes", path, h, w.Body.Len())
		}
	}
	if got := r.send(http.MethodGet, "", "", http.StatusPermanentRedirect).Header().Get("Location"); got != Root+"/" {
		t.Errorf("without a slash, one is sent to %s", got)
	}
}

func TestMistakesChangeNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, tt := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/nothing", "", 404, "nothing at this path"},
		{"PUT", "/clock", "", 404, "with this method"},
		{"POST", "/clock", `{`, 400, "cannot be read"},
		{"POST", "/clock", `{"advanse": "1h"}`, 400, "advanse"},
		{"POST", "/clock", `{"advance": "tomorrow"}`, 400, `"90m"`},
		{"POST", "/clock", `{"advance": "-1s"}`, 400, "ahead only"},
		{"POST", "/clock", `{"advance": "900000h"}`, 400, "hundred years"},
		{"POST", "/clock", strings.Repeat(" ", maxBody+1), 400, "too large"},
		{"POST", "/faults", `{"stauts": 503}`, 400, "stauts"},
		{"DELETE", "/faults/1", "", 404, `no fault "1"`},
		{"DELETE", "/faults/x", "", 404, `no fault "x"`},
		{"GET", "/requests?after=x", "", 400, "no number"},
		{"GET", "/requests?limit=-1", "", 400, "no number"},
		{"POST", "/exports/x/finish", "", 404, "no export"},
		{"POST", "/exports/x/expire-links", "", 404, "no export"},
		{"POST", "/executions/x/finish", `{"status": ""}`, 400, "empty"},
		{"POST", "/executions/x/finish", "", 404, ""},
		{"POST", "/executions/x/expire-links", "", 404, ""},
		{"POST", "/submissions/x/finish", `{"status": "Lost"}`, 400, "Completed or Failed"},
		{"POST", "/submissions/x/finish", "", 404, ""},
		{"POST", "/devices/x/approve", `{"user": "u"}`, 404, "no device"},
		{"POST", "/tokens/revoke", `{}`, 400, "one of"},
		{"POST", "/tokens/revoke", `{"token": "a", "user": "b"}`, 400, "one of"},
		{"POST", "/tokens/revoke", `{"token": "a"}`, 404, "no such token"},
		{"POST", "/tokens/revoke", `{"fingerprint": "a"}`, 404, "fingerprint"},
		{"POST", "/reset", "", 400, "no"},
	} {
		w := r.send(tt.method, tt.path, tt.body, tt.status)
		var got problem
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !strings.Contains(got.Error, tt.says) {
			t.Errorf("%s %s: %q, %v; want %q", tt.method, tt.path, got.Error, err, tt.says)
		}
	}
	if r.changes != 0 || r.cfg.Clock.Offset() != 0 || len(r.cfg.Faults.List()) != 0 {
		t.Errorf("%d changes, the clock is %v ahead, faults %v", r.changes, r.cfg.Clock.Offset(), r.cfg.Faults.List())
	}
}

func TestTheClockAndTheFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.send(http.MethodPost, "/clock", `{"advance": "800000h"}`, http.StatusOK)
	r.send(http.MethodPost, "/clock", `{"advance": "800000h"}`, http.StatusBadRequest) // more than can be told
	if got := r.cfg.Clock.Offset(); got != 800_000*time.Hour || r.changes != 1 {
		t.Errorf("the clock is %v ahead after %d changes", got, r.changes)
	}
	r.send(http.MethodPost, "/faults", `[{"status": 503, "times": 2}, {"status": 429}]`, http.StatusOK)
	r.send(http.MethodDelete, "/faults/1", "", http.StatusOK)
	var list []Fault
	if err := json.Unmarshal(r.send(http.MethodGet, "/faults", "", http.StatusOK).Body.Bytes(), &list); err != nil || len(list) != 1 || list[0].ID != 2 {
		t.Errorf("%+v, %v is left", list, err)
	}
	r.send(http.MethodDelete, "/faults", "", http.StatusOK)
	if left := r.cfg.Faults.List(); len(left) != 0 {
		t.Errorf("%+v is left of nothing", left)
	}
}

// A page of another site must not be able to press the buttons through its visitor's
// browser.
func TestOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, header := range [][]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}} {
		r.send(http.MethodPost, "/clock", `{"advance": "1h"}`, http.StatusForbidden, header...)
		r.send(http.MethodDelete, "/requests", "", http.StatusForbidden, header...)
	}
	if got := r.cfg.Clock.Offset(); got != 0 {
		t.Errorf("the clock is %v ahead", got)
	}
	r.send(http.MethodPost, "/clock", `{"advance": "1h"}`, http.StatusOK, "Sec-Fetch-Site", "same-origin")
}

// The page asks every second: it gets the latest, however many there are.
func TestTheStateIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const made = maxListed + 5
	for range made {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example/v1.0/payouts/payments", http.NoBody)
		req.Header.Set("Authorization", "Bearer x")
		req.Header.Set("Content-Length", "0")
		w := httptest.NewRecorder()
		if r.cfg.Payouts.ServeHTTP(w, req); w.Code/100 != 2 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	var got State
	if err := json.Unmarshal(r.send(http.MethodGet, "/state", "", http.StatusOK).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	all := r.cfg.Payouts.Exports()
	if got.ExportCount != made || len(got.Exports) != maxListed || got.Exports[maxListed-1].ID != all[made-1].ID {
		t.Errorf("%d of %d exports are listed", len(got.Exports), got.ExportCount)
	}
	if got.Problem != "the disk is full" || got.Violations == nil || got.Reports == nil || got.Products == nil || got.Faults == nil {
		t.Errorf("the state is %+v", got)
	}
}
