package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const invented = `{"programs": {
 "cmp": {"datasets": [{"name": "Sold", "dateColumn": {"name": "Day"}, "dateRanges": ["LAST_MONTH"], "minimumRecurrenceInterval": 1,
  "columns": [{"name": "Day", "type": "date", "description": "prose"}, {"name": "Flag", "type": "flag01"}], "metrics": [{"name": "Sum", "type": "decimal"}]}],
  "systemQueries": [{"id": "q1", "name": "N", "description": "prose", "query": "SELECT Day FROM Sold"}]},
 "mpn": {"datasets": [
  {"name": "A", "columns": [{"name": "First", "type": "date"}, {"name": "month", "type": "date"}]},
  {"name": "B", "columns": [{"name": "x", "type": "string"}, {"name": "When", "type": "datetime"}]},
  {"name": "C"}]}}}`

func TestWhatIsTakenOver(t *testing.T) {
	got, err := render([]byte(invented))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`name: "Sold", program: "cmp", date: "Day", interval: 1`, `name: "A", program: "mpn", date: "month"`, `name: "B", program: "mpn", date: "When"`,
		`name: "C", program: "mpn", date: ""`, `{"Flag", kindFlag01}`, `{"Sum", kindDecimal}`, `{"cmp", "q1", "N", "SELECT Day FROM Sold"}`, `"LAST_MONTH"`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if bytes.Contains(got, []byte("prose")) {
		t.Error("a description has been taken over")
	}
}

func TestMistakesAreReported(t *testing.T) {
	for list, want := range map[string]string{
		`{`: "unexpected end", `{"programs": {"cmp": {"datasets": [{"name": "A", "columns": [{"name": "x", "type": "float"}]}]}}}`: `"float" is unknown`,
	} {
		file := filepath.Join(t.TempDir(), "list.json")
		if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run([]string{"-spec", file, "-out", filepath.Join(t.TempDir(), "x.go")}, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", list, err)
		}
	}
	for _, args := range [][]string{{"-x"}, {}, {"-spec", filepath.Join(t.TempDir(), "none"), "-out", "x"}} {
		if err := run(args, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

// What is committed is what the generator makes today.
func TestCommittedFileIsUpToDate(t *testing.T) {
	dir := os.Getenv("PARTNERCENTER_SPEC")
	if dir == "" {
		t.Skip("PARTNERCENTER_SPEC names no folder with the wire specification")
	}
	out := filepath.Join(t.TempDir(), "datasets.go")
	if err := run([]string{"-spec", filepath.Join(dir, "analytics-datasets.json"), "-out", out}, io.Discard); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../fake/analytics/datasets_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run go generate ./internal/gen/fakeanalytics (-want +got)\n%s", diff)
	}
}
