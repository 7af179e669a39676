package analytics_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/analytics"
)

func TestUnpackFile(t *testing.T) {
	const text = "OfferName,RawUsage\r\n\"a, \"\"b\"\"\",1\r\n"
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, name := range []string{"a.csv", "b.csv"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	packed := gzipped(t, "\ufeff"+text)
	for name, tc := range map[string]struct {
		stored []byte
		to     string
		err    string
	}{
		"compressed":       {packed, "x.csv", ""},
		"as it is":         {[]byte(text), "x.csv", ""},
		"into its place":   {packed, "stored.csv", ""},
		"over another":     {packed, "old.csv", ""},
		"cut":              {packed[:len(packed)-6], "x.csv", "unexpected EOF"},
		"cut, in place":    {packed[:len(packed)-6], "stored.csv", "unexpected EOF"},
		"several":          {archive.Bytes(), "x.csv", "several files"},
		"no such folder":   {packed, "no/x.csv", "no such file"},
		"a folder instead": {packed, "folder", "folder"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			stored, to := filepath.Join(dir, "stored.csv"), filepath.Join(dir, tc.to)
			for path, data := range map[string][]byte{stored: tc.stored, filepath.Join(dir, "old.csv"): []byte("old")} {
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.MkdirAll(filepath.Join(dir, "folder", "full"), 0o700); err != nil {
				t.Fatal(err)
			}
			err := analytics.UnpackFile(stored, to)
			if tc.err == "" {
				if got, readErr := os.ReadFile(to); err != nil || readErr != nil || string(got) != text {
					t.Errorf("%v, %v, text %q", err, readErr, got)
				}
			} else if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want one about %q", err, tc.err)
			}
			if got, err := os.ReadFile(stored); to != stored && (err != nil || !bytes.Equal(got, tc.stored)) || tc.err != "" && !bytes.Equal(got, tc.stored) {
				t.Errorf("the stored file has changed: %q, %v", got, err)
			}
			left, err := filepath.Glob(filepath.Join(dir, ".*"))
			if err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	if err := analytics.UnpackFile(filepath.Join(t.TempDir(), "none"), "x"); err == nil {
		t.Error("a file that does not exist is no error")
	}
}
