package transfer

import (
	"encoding/json"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func exampleSidecar() sidecar {
	return sidecar{
		Version: 1, Identity: "export-1", ETag: `"0x1"`, Size: 100, MD5: make([]byte, 16),
		Ranges: []doneRange{{0, 40, 1}, {40, 50, 1<<32 - 1}, {60, 100, 0}},
	}
}

func TestSidecarSurvivesTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.part.json")
	want := exampleSidecar()
	for range 2 { // the second time over the first one
		if err := want.save(path); err != nil {
			t.Fatal(err)
		}
		got, err := loadSidecar(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
		want.Size = 101
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names, _ := filepath.Glob(filepath.Dir(path) + "/*"); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestSidecarThatCannotBeWrittenLeavesTheOldOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.part.json")
	want := exampleSidecar()
	if err := want.save(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(path+".tmp/sub", 0o700); err != nil {
		t.Fatal(err)
	}
	next := want
	next.Size = 200
	if err := next.save(path); err == nil {
		t.Fatal("saved through a directory")
	}
	got, err := loadSidecar(path)
	if err != nil || got.Size != 100 {
		t.Errorf("the old one is gone: %v, %v", got, err)
	}
}

func TestSidecarsThatCannotBeTrueAreRefused(t *testing.T) {
	edit := func(change func(*sidecar)) string {
		s := exampleSidecar()
		change(&s)
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	whole := edit(func(*sidecar) {})
	if _, err := parseSidecar([]byte(whole)); err != nil {
		t.Fatalf("the example itself: %v", err)
	}
	for name, text := range map[string]string{
		"empty":             "",
		"cut":               whole[:len(whole)/2],
		"text behind":       whole + "{}",
		"brace behind":      whole + "}",
		"not an object":     "[]",
		"null":              "null",
		"other version":     edit(func(s *sidecar) { s.Version = 2 }),
		"unknown field":     strings.Replace(whole, `"version"`, `"hash":"x","version"`, 1),
		"no identity":       edit(func(s *sidecar) { s.Identity = "" }),
		"negative size":     edit(func(s *sidecar) { s.Size, s.Ranges = -1, nil }),
		"short md5":         edit(func(s *sidecar) { s.MD5 = []byte{1} }),
		"long checksum":     strings.Replace(whole, `"crc32c":1`, `"crc32c":4294967296`, 1),
		"no number":         strings.Replace(whole, `"crc32c":1`, `"crc32c":"1"`, 1),
		"range past end":    edit(func(s *sidecar) { s.Ranges[2].End = 101 }),
		"range backwards":   edit(func(s *sidecar) { s.Ranges[0].Start, s.Ranges[0].End = 20, 10 }),
		"empty range":       edit(func(s *sidecar) { s.Ranges[0].End = 0 }),
		"overlap":           edit(func(s *sidecar) { s.Ranges[1].Start = 39 }),
		"out of order":      edit(func(s *sidecar) { s.Ranges[0], s.Ranges[1] = s.Ranges[1], s.Ranges[0] }),
		"starts before 0":   edit(func(s *sidecar) { s.Ranges[0].Start = -5 }),
		"numbers too large": strings.Replace(whole, `"end":100`, `"end":99999999999999999999`, 1),
	} {
		if got, err := parseSidecar([]byte(text)); err == nil {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
}

func TestLoadSidecar(t *testing.T) {
	dir := t.TempDir()
	if _, err := loadSidecar(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := loadSidecar(dir); err == nil {
		t.Error("a directory was read as a sidecar")
	}
	huge := filepath.Join(dir, "huge")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, maxSidecar+1); err != nil {
		t.Fatal(err)
	}
	if _, err := loadSidecar(huge); err == nil {
		t.Error("a huge file was read as a sidecar")
	}
}

func FuzzSidecar(f *testing.F) {
	text, err := json.Marshal(exampleSidecar())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"identity":"x","etag":"","size":0,"ranges":null}`))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseSidecar(data)
		if err != nil {
			return
		}
		reached := int64(0)
		for _, r := range s.Ranges {
			if r.Start < reached || r.End <= r.Start || r.End > s.Size {
				t.Fatalf("accepted range %+v of %d", r, s.Size)
			}
			reached = r.End
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseSidecar(text)
		if err != nil {
			t.Fatalf("not read back: %v\n%s", err, text)
		}
		// An absent list and an empty one mean the same.
		if len(again.Ranges) == 0 {
			again.Ranges = s.Ranges
		}
		if len(again.MD5) == 0 {
			again.MD5 = s.MD5
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

// crcOf is the checksum of a range in the sidecar.
func crcOf(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
