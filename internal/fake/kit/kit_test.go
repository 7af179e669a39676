package kit

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheClockFollowsPackageTimeAndAdvances(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Clock
		start := c.Now()
		time.Sleep(time.Hour)
		c.Advance(time.Minute)
		if d := c.Now().Sub(start); d != time.Hour+time.Minute || c.Offset() != time.Minute {
			t.Errorf("%v have passed, offset %v", d, c.Offset())
		}
	})
}

func TestGUIDsRepeatWithTheirSeedAndNothingElse(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for seed := range uint64(3) {
		for _, series := range []string{"a", "b", ""} {
			for n := range uint64(500) {
				id := GUID(seed, series, n)
				if seen[id] || len(id) != 36 || id[14] != '4' || id[19] != '8' && id[19] != '9' && id[19] != 'a' && id[19] != 'b' {
					t.Fatalf("GUID(%d, %q, %d) = %s, seen %v", seed, series, n, id, seen[id])
				}
				seen[id] = true
				if id != GUID(seed, series, n) {
					t.Fatal("it changes")
				}
			}
		}
	}
	a, b, c := NewIDs(1), NewIDs(1), NewIDs(2)
	first := a.Next()
	if first != b.Next() || first == a.Next() || first == c.Next() {
		t.Error("sequences must repeat with the seed and hold no id twice")
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"/a/b", "/a/b", true}, {"/a/b", "/a/bc", false}, {"", "", true}, {"", "x", false},
		{"*", "", true}, {"*", "/a/b", true},
		{"/a/*", "/a/b/c", true}, {"/a/*", "/b/c", false}, {"/a/*", "/a/", true},
		{"*.example", "x.example", true}, {"*.example", "example", false},
		{"a*b*c", "aXbYc", true}, {"a*b*c", "aXcYb", false}, {"a*b*c", "abc", true}, {"a*a", "a", false}, {"a*b", "ab", true},
	} {
		if got := Match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("Match(%q, %q) = %v", tt.pattern, tt.text, got)
		}
	}
}

func TestTheRecorderIsBounded(t *testing.T) {
	t.Parallel()
	var r Recorder
	for i := range maxRecords + 5 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://x.example/%d", i), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.arrive(time.Time{}, "api", "x", req, nil)
		r.Violate("rule %d", i)
	}
	all := r.Requests()
	if len(all) > maxRecords || all[len(all)-1].Path != fmt.Sprintf("/%d", maxRecords+4) {
		t.Errorf("%d requests, the last %s", len(all), all[len(all)-1].Path)
	}
	if v := r.Violations(); len(v) != maxViolations || v[0] != "rule 0" {
		t.Errorf("%d violations", len(v))
	}
}

func TestRecordedBodies(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, tt := range map[string]struct{ contentType, body, want string }{
		"form":        {form, "grant_type=x&client_secret=abc&other=def&x-client-SKU=go", "grant_type=x"},
		"broken form": {form, "a=%zz&client_secret=abc", "[redacted]"},
		"JSON":        {"application/json", `{"name":"n","client_secret":"abc"}`, `"name":"n"`},
		"none":        {"", "", ""},
	} {
		got := string(redactBody(tt.contentType, []byte(tt.body)))
		if !strings.Contains(got, tt.want) || strings.Contains(got, "abc") || strings.Contains(got, "def") {
			t.Errorf("%s: %s", name, got)
		}
	}
	h := redactHeader(http.Header{"Authorization": {"secret", "Basic abc"}, "X-Aaduserticket": {"abc"}, "X-Plain": {"v"}})
	if fmt.Sprint(h) != "map[Authorization:[[redacted] Basic [redacted]] X-Aaduserticket:[[redacted]] X-Plain:[v]]" {
		t.Errorf("headers %v", h)
	}
}

// TestTheGatePassesBodiesOn makes sure that recording the start of a body does not
// take it from the handler.
func TestTheGatePassesBodiesOn(t *testing.T) {
	t.Parallel()
	g := &Gate{Clock: new(Clock), Recorder: new(Recorder), Faults: new(Faults)}
	want := strings.Repeat("x", 3*maxRecordedBody)
	var got string
	rt := inProcess(g.Guard("api", "", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = string(b)
	})).ServeHTTP)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://fake.example/", strings.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got != want {
		t.Errorf("%d of %d bytes arrived", len(got), len(want))
	}
	if q := g.Recorder.Requests(); len(q) != 1 || len(q[0].Body) != maxRecordedBody || q[0].Host != "fake.example" {
		t.Errorf("recorded %d requests", len(q))
	}
}

func TestFaultsAtTheEndsOfABody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Clock: new(Clock), Recorder: new(Recorder), Faults: new(Faults)}
		rt := inProcess(g.Guard("api", "", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "hello")
		})).ServeHTTP)
		for _, tt := range []struct {
			fault Fault
			want  string
			fails bool
		}{
			{Fault{Cut: true}, "", true},
			{Fault{Cut: true, CutAt: 5}, "hello", false}, // all is there already
			{Fault{Cut: true, CutAt: 6}, "hello", false},
			{Fault{Stall: true, StallAt: 2, StallFor: time.Second, Cut: true, CutAt: 3}, "hel", true},
			{Fault{Stall: true, StallAt: 5}, "hello", false}, // nobody waits behind the end
		} {
			g.Faults.Add(tt.fault)
			start := time.Now()
			resp, err := get(t.Context(), t, rt)
			if err != nil {
				t.Fatalf("%+v: %v", tt.fault, err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if string(body) != tt.want || (err != nil) != tt.fails || time.Since(start) != tt.fault.StallFor {
				t.Errorf("%+v: %q, %v after %v", tt.fault, body, err, time.Since(start))
			}
		}
	})
}
