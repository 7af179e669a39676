package ingestion_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter/ingestion"
)

type zipEntry struct{ name, text string }

func archiveOf(t *testing.T, entries ...zipEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: time.Unix(1.7e9, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.SetComment("an app"), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// setUsageID sets the id p-1.
func setUsageID(t *testing.T, archive []byte) ([]byte, int) {
	t.Helper()
	var out bytes.Buffer
	n, err := ingestion.SetUsageID(&out, bytes.NewReader(archive), int64(len(archive)), "p-1")
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), n
}

func TestUsageIDIsSet(t *testing.T) {
	t.Parallel()
	const (
		template = `{"name":"pid-11111111-2222-3333-4444-555555555555-partnercenter","a":"pid-other","b":"pid-$1-partnercenter"}`
		wanted   = `{"name":"pid-p-1-partnercenter","a":"pid-other","b":"pid-p-1-partnercenter"}`
		foreign  = `{"name":"pid-x-partnercenter"}`
	)
	archive := archiveOf(t, zipEntry{"createUiDefinition.json", foreign}, zipEntry{"maintemplate.json", template}, zipEntry{"nested/mainTemplate.json", foreign}, zipEntry{"scripts/", ""})
	got, n := setUsageID(t, archive)
	if n != 2 {
		t.Errorf("%d texts, want 2", n)
	}
	before, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	after, err := zip.NewReader(bytes.NewReader(got), int64(len(got)))
	if err != nil {
		t.Fatal(err)
	}
	if after.Comment != before.Comment || len(after.File) != len(before.File) {
		t.Fatalf("%d entries and the comment %q, want %d and %q", len(after.File), after.Comment, len(before.File), before.Comment)
	}
	for i, f := range after.File {
		old := before.File[i]
		if f.Name != old.Name || f.Method != old.Method || !f.Modified.Equal(old.Modified) {
			t.Errorf("entry %q, %d, %v; want %q, %d, %v", f.Name, f.Method, f.Modified, old.Name, old.Method, old.Modified)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		switch {
		case err != nil:
			t.Errorf("%s: %v", f.Name, err)
		case i == 1 && string(text) != wanted:
			t.Errorf("%s: %s", f.Name, text)
		case i != 1 && f.CRC32 != old.CRC32:
			t.Errorf("%s has changed", f.Name)
		}
	}
	// The same again, and once more on what has it already.
	if again, _ := setUsageID(t, archive); !bytes.Equal(again, got) {
		t.Error("the same archive gives another copy")
	}
	if again, n := setUsageID(t, got); n != 2 || !bytes.Equal(again, got) {
		t.Errorf("an archive that has the id (%d times) is not copied as it is", n)
	}
}

func TestArchivesWithoutUsageIDStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, entries := range [][]zipEntry{nil, {{"mainTemplate.json", `"pid-a b-partnercenter"`}}, {{"a/mainTemplate.json", `"pid-a-partnercenter"`}}} {
		archive := archiveOf(t, entries...)
		if got, n := setUsageID(t, archive); n != 0 || !bytes.Equal(got, archive) {
			t.Errorf("%v: %d texts, and the copy differs", entries, n)
		}
	}
}

type brokenWriter struct{ left int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestMistakesInUsageID(t *testing.T) {
	t.Parallel()
	good := archiveOf(t, zipEntry{"mainTemplate.json", `"pid-a-partnercenter"`}, zipEntry{"b", "b"})
	large := archiveOf(t, zipEntry{"mainTemplate.json", strings.Repeat(" ", 33<<20)})
	damaged := bytes.Clone(good)
	damaged[len("mainTemplate.json")+30+10] ^= 0xff
	for name, tt := range map[string]struct {
		archive []byte
		id      string
	}{
		"no zip": {[]byte("no zip"), "p-1"}, "no id": {good, ""}, "an id that is none": {good, `a/b`}, "an id with a quote": {good, `a"b`},
		"too large": {large, "p-1"}, "damaged": {damaged, "p-1"},
	} {
		if n, err := ingestion.SetUsageID(io.Discard, bytes.NewReader(tt.archive), int64(len(tt.archive)), tt.id); err == nil || n != 0 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if _, err := ingestion.SetUsageID(nil, nil, 0, "p-1"); err == nil {
		t.Error("nil: no error")
	}
	var whole bytes.Buffer
	if _, err := ingestion.SetUsageID(&whole, bytes.NewReader(good), int64(len(good)), "p-1"); err != nil {
		t.Fatal(err)
	}
	for left := range whole.Len() {
		if _, err := ingestion.SetUsageID(&brokenWriter{left}, bytes.NewReader(good), int64(len(good)), "p-1"); !errors.Is(err, io.ErrClosedPipe) {
			t.Fatalf("room for %d of %d bytes: %v", left, whole.Len(), err)
		}
	}
}
