package kit_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

func TestDirKeepsFilesForOneProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "dir")
	d, err := kit.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := d.Read("a"); b != nil || err != nil {
		t.Errorf("a file that is not there: %q, %v", b, err)
	}
	for _, text := range []string{"longer", "short"} {
		if err := d.Write("a", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := d.Read("a"); string(b) != text || err != nil {
			t.Errorf("%q is read as %q, %v", text, b, err)
		}
	}
	if list, err := os.ReadDir(path); err != nil || len(list) != 2 { // a and the lock
		t.Errorf("%v, %v is in the directory", list, err)
	}
	if info, err := os.Stat(d.Path("a")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := d.Write(filepath.Join("no", "such"), nil); err == nil {
		t.Error("a file in a directory that does not exist is written")
	}
	if runtime.GOOS == "linux" {
		if other, err := kit.OpenDir(path); err == nil {
			t.Error("the directory is opened twice")
			_ = other.Close()
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := kit.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := again.Read("a"); string(b) != "short" || err != nil {
		t.Errorf("later: %q, %v", b, err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if _, err := kit.OpenDir(filepath.Join(path, "a", "b")); err == nil {
		t.Error("a directory below a file is opened")
	}
}

// A process that was killed leaves half a file behind: it goes, and nothing else does.
func TestDirIsSwept(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for _, name := range []string{".pctest-state.json-123", ".profile", "state.json"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := kit.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	for name, want := range map[string]bool{".pctest-state.json-123": false, ".profile": true, "state.json": true} {
		if b, err := d.Read(name); err != nil || (b != nil) != want {
			t.Errorf("%s is read as %q, %v", name, b, err)
		}
	}
}
