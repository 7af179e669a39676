package kit_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

func TestFaultsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	const text = `[
		{"method": "GET", "host": "api.partner.microsoft.com", "path": "/v1.0/*", "skip": 1, "times": 2, "status": 503,
		 "shape": "xml", "code": "ServerBusy", "message": "later", "header": {"x-a": "b"}, "retryAfter": "1m30s"},
		{"always": true, "status": 429, "retryAt": "2s", "body": ""},
		{"drop": "refuse"}, {"drop": "reset"}, {"drop": "answer", "delay": "1s"},
		{"status": 503, "afterwards": true},
		{"cutAfter": 0}, {"cutAfter": 10}, {"stallAfter": 5, "stallFor": "3s"}
	]`
	want := []kit.Fault{
		{
			Method: "GET", Host: "api.partner.microsoft.com", Path: "/v1.0/*", Skip: 1, Times: 2, Status: 503, Shape: kit.ShapeXML,
			Code: "ServerBusy", Message: "later", Header: http.Header{"X-A": {"b"}}, RetryAfter: 90 * time.Second,
		},
		{Times: -1, Status: 429, RetryAfter: 2 * time.Second, RetryAfterDate: true, Body: []byte{}},
		{Drop: kit.DropRefuse}, {Drop: kit.DropReset}, {Drop: kit.DropAnswer, Latency: time.Second},
		{Status: 503, Afterwards: true},
		{Cut: true}, {Cut: true, CutAt: 10}, {Stall: true, StallAt: 5, StallFor: 3 * time.Second},
	}
	got, err := kit.ParseFaults([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	again, err := kit.ParseFaults(b)
	if err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	if d := cmp.Diff(want, again); d != "" {
		t.Errorf("written and read again: -want +got\n%s", d)
	}
	if one, err := kit.ParseFaults([]byte(` {"status": 500} `)); err != nil || len(one) != 1 || one[0].Status != 500 {
		t.Errorf("a single fault: %v, %v", one, err)
	}
}

// The page shows every fault that waits, also those that a program has injected.
func TestEveryShapeHasAName(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for shape := kit.ShapeGateway; shape <= kit.ShapeText; shape++ {
		want := kit.Fault{Times: 1, Status: 503, Shape: shape}
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got kit.Fault
		if err := json.Unmarshal(b, &got); err != nil {
			t.Errorf("%s: %v", b, err)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", b, d)
		}
		if seen[string(b)] {
			t.Errorf("%s stands for two shapes", b)
		}
		seen[string(b)] = true
	}
}

func TestFaultsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                  "no list",
		`{"status": 503`:                    "no list",
		`[{"status": 503}, {"stauts": 1}]`:  "fault 2",
		`{"status": "503"}`:                 "status",
		`{"method": "GET"}`:                 "nothing would go wrong",
		`null`:                              "", // an empty list
		`[null]`:                            "nothing would go wrong",
		`{"status": 99}`:                    "between 200 and 599",
		`{"drop": "gently"}`:                "refuse, reset or answer",
		`{"status": 500, "shape": "round"}`: "must be one of",
		`{"status": 500, "times": -1}`:      "always",
		`{"status": 500, "times": 1, "always": true}`:          "exclude",
		`{"status": 500, "retryAfter": "1s", "retryAt": "1s"}`: "exclude",
		`{"delay": "1s", "message": "x"}`:                      "go with a status",
		`{"drop": "answer", "afterwards": true}`:               "go with a status",
		`{"cutAfter": -1}`:                                     "negative",
		`{"stallFor": "1s", "delay": "1s"}`:                    "goes with stallAfter",
		`{"delay": "-1s"}`:                                     "negative",
		`{"delay": "soon"}`:                                    "soon",
	} {
		_, err := kit.ParseFaults([]byte(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestFaultsAreListedAndRemoved(t *testing.T) {
	t.Parallel()
	var f kit.Faults
	f.Add(kit.Fault{Status: 500})
	f.Add(kit.Fault{Status: 501, Times: 2})
	list := f.List()
	if len(list) != 2 || list[0].ID == list[1].ID || list[1].Fault.Status != 501 {
		t.Fatalf("%+v", list)
	}
	if !f.Remove(list[0].ID) || f.Remove(list[0].ID) {
		t.Error("a fault is not removed once")
	}
	if left := f.List(); len(left) != 1 || left[0].ID != list[1].ID {
		t.Errorf("%+v is left", left)
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add([]byte(`{"status": 503, "header": {"a": "b"}, "retryAfter": "2s"}`))
	f.Add([]byte(`[{"cutAfter": 1}, {"drop": "reset"}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := kit.ParseFaults(b)
		if err != nil {
			return
		}
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := kit.ParseFaults(text); err != nil || len(again) != len(list) {
			t.Fatalf("%s is read back as %v: %v", text, again, err)
		}
	})
}
