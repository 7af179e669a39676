package auth_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/storetest"
)

func TestFileStoreConforms(t *testing.T) {
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore { return fileStore(t, place) },
		&storetest.Options{Processes: true, TokenSize: 32 << 10})
}

// fileStore opens a file store with default options.
func fileStore(t *testing.T, dir string) *auth.FileStore {
	t.Helper()
	s, err := auth.NewFileStore(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// savedFile saves a record in a new store and returns the store, the file and the version.
func savedFile(t *testing.T) (*auth.FileStore, string, auth.Version) {
	t.Helper()
	s := fileStore(t, filepath.Join(t.TempDir(), "tokens"))
	v, err := s.Save(t.Context(), "contoso.example", storeRecord("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	return s, recordFile(t, dirOf(s)), v
}

// dirOf is the directory of a store.
func dirOf(s *auth.FileStore) string { return strings.TrimPrefix(s.String(), "file store in ") }

// recordFile is the only record in a directory.
func recordFile(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) != 1 {
		t.Fatalf("files %q, error %v, want one", names, err)
	}
	return names[0]
}

func needModes(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("file modes do not decide on Windows")
	}
}

func TestFileStoreIsReadableByItsOwnerOnly(t *testing.T) {
	needModes(t)
	s, _, v := savedFile(t)
	lease, err := s.Lock(t.Context(), "contoso.example")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lease.Release(t.Context()) }()
	if _, err := s.Save(t.Context(), "contoso.example", storeRecord("2"), v); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dirOf(s))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: mode %v, error %v, want 0700", info.Mode(), err)
	}
	entries, err := os.ReadDir(dirOf(s))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, error %v, want 0600", e.Name(), info.Mode(), err)
		}
	}
	if len(entries) != 3 {
		t.Errorf("%d files, want the record and two locks", len(entries))
	}
}

func TestFileStoreRefusesWhatOthersCanReach(t *testing.T) {
	needModes(t)
	for name, c := range map[string]struct {
		file, dir fs.FileMode
		trust     bool
		says      string // "" means it is accepted
	}{
		"as it was made":                   {0o600, 0o700, false, ""},
		"read-only":                        {0o400, 0o700, false, ""},
		"directory that others can list":   {0o600, 0o755, false, ""},
		"file that everybody can read":     {0o604, 0o700, false, "read or written by everybody (mode 0604); set its mode to 0600"},
		"file that everybody can write":    {0o602, 0o700, false, "everybody"},
		"file that the group can read":     {0o640, 0o700, false, "its group"},
		"trusted group":                    {0o660, 0o770, true, ""},
		"trusted group, but everybody":     {0o664, 0o770, true, "everybody"},
		"directory that the group writes":  {0o600, 0o770, false, "written by its group"},
		"directory that everybody writes":  {0o600, 0o777, false, "written by everybody"},
		"trusted, but everybody writes it": {0o600, 0o772, true, "written by everybody"},
	} {
		t.Run(name, func(t *testing.T) {
			made, file, v := savedFile(t)
			s, err := auth.NewFileStore(dirOf(made), &auth.FileOptions{TrustGroup: c.trust})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Chmod(file, c.file), os.Chmod(dirOf(s), c.dir)); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, _, loadErr := s.Load(t.Context(), "contoso.example")
			var keysErr error
			for _, keysErr = range s.Keys(t.Context()) {
				continue
			}
			_, saveErr := s.Save(t.Context(), "contoso.example", storeRecord("2"), v)
			for what, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Keys": keysErr} {
				if c.says == "" {
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
				} else if !errors.Is(err, auth.ErrInsecureStore) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %v, want ErrInsecureStore that says %q", what, err, c.says)
				}
			}
			after, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if (c.says == "") == slices.Equal(before, after) {
				t.Errorf("the file has changed: %v", !slices.Equal(before, after))
			}
		})
	}
}

func TestFileStoreReplacesADamagedRecordOnlyKnowingly(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty":          func([]byte) []byte { return nil },
		"cut off":        func(b []byte) []byte { return b[:len(b)/2] },
		"zeros":          func(b []byte) []byte { return make([]byte, len(b)) },
		"not ours":       func([]byte) []byte { return []byte(`{"name":"left-pad"}`) },
		"much too large": func([]byte) []byte { return make([]byte, 1<<20) },
		"damaged record": func(b []byte) []byte { return []byte(strings.Replace(string(b), `"schema"`, `"scheme"`, 1)) },
		"another one's": func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"key":"contoso`, `"key":"fabrikam`, 1))
		},
		"without a key":    func(b []byte) []byte { return []byte(strings.Replace(string(b), `"key":`, `"kee":`, 1)) },
		"without versions": func(b []byte) []byte { return []byte(strings.Replace(string(b), `"version":`, `"virgin":`, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			s, file, v := savedFile(t)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage(data), 0o600); err != nil {
				t.Fatal(err)
			}
			_, damaged, err := s.Load(t.Context(), "contoso.example")
			if !errors.Is(err, auth.ErrUnreadable) || damaged == "" || !strings.Contains(err.Error(), file) {
				t.Fatalf("Load: version %q, error %v, want ErrUnreadable with the file's name", damaged, err)
			}
			if strings.Contains(err.Error(), storeCanary) {
				t.Errorf("the error shows the token: %v", err)
			}
			if damaged != v {
				if _, err := s.Save(t.Context(), "contoso.example", storeRecord("2"), v); !errors.Is(err, auth.ErrConflict) {
					t.Errorf("Save with the version from before the damage: %v, want ErrConflict", err)
				}
			}
			if _, err := s.Save(t.Context(), "contoso.example", storeRecord("2"), ""); !errors.Is(err, auth.ErrConflict) {
				t.Errorf("creation over a damaged record: %v, want ErrConflict", err)
			}
			if _, err := s.Save(t.Context(), "contoso.example", storeRecord("3"), damaged); err != nil {
				t.Fatalf("Save that knows of the damage: %v", err)
			}
			if r, _, err := s.Load(t.Context(), "contoso.example"); err != nil || r.RefreshToken.Reveal() != storeCanary+"-3" {
				t.Errorf("after the repair: %v", err)
			}
		})
	}
}

func TestFileStoreLeavesANewerRecordAlone(t *testing.T) {
	s, file, v := savedFile(t)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(string(data), `"schema":1`, `"schema":2`, 1)
	if err := os.WriteFile(file, []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Load(t.Context(), "contoso.example"); !errors.Is(err, auth.ErrNewerSchema) {
		t.Errorf("Load: %v, want ErrNewerSchema", err)
	}
	if _, err := s.Save(t.Context(), "contoso.example", storeRecord("2"), v); !errors.Is(err, auth.ErrNewerSchema) {
		t.Errorf("Save: %v, want ErrNewerSchema", err)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != newer {
		t.Errorf("the file has changed: %s, error %v", after, err)
	}
}

func TestFileStoreListsAllButTheDamaged(t *testing.T) {
	s, file, _ := savedFile(t)
	if _, err := s.Save(t.Context(), "fabrikam.example", storeRecord("2"), ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("gone"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dirOf(s), "copy of something.json")
	data, err := os.ReadFile(fileOf(t, dirOf(s), "fabrikam"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dirOf(s), "README"), nil, 0o644); err != nil { //nolint:gosec // not ours
		t.Fatal(err)
	}
	var keys []string
	var last error
	for key, err := range s.Keys(t.Context()) {
		if last = err; err == nil {
			keys = append(keys, key)
		}
	}
	if !slices.Equal(keys, []string{"fabrikam.example"}) {
		t.Errorf("keys %q", keys)
	}
	if !errors.Is(last, auth.ErrUnreadable) || !strings.Contains(last.Error(), file) || !strings.Contains(last.Error(), "copy of something.json") {
		t.Errorf("the last item is %v, want both damaged files", last)
	}
}

// fileOf is the record file whose name holds a word.
func fileOf(t *testing.T, dir, word string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+word+"*.json"))
	if err != nil || len(names) != 1 {
		t.Fatalf("files %q, error %v, want one", names, err)
	}
	return names[0]
}

func TestFileStoreLooksButDoesNotTouch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := fileStore(t, dir)
	if _, _, err := s.Load(t.Context(), "k"); !errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("Load: %v", err)
	}
	for key, err := range s.Keys(t.Context()) {
		t.Errorf("Keys: %q, %v", key, err)
	}
	if err := s.Delete(t.Context(), "k", ""); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("Delete: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory has been made: %v", err)
	}
	if _, err := s.Save(t.Context(), "k", storeRecord("1"), ""); err != nil {
		t.Errorf("Save makes no directories: %v", err)
	}
}

func TestFileStoreStaysWhereItWasMade(t *testing.T) {
	t.Chdir(t.TempDir())
	s := fileStore(t, "tokens")
	if _, err := s.Save(t.Context(), "k", storeRecord("1"), ""); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if _, _, err := s.Load(t.Context(), "k"); err != nil {
		t.Errorf("after a change of the working directory: %v", err)
	}
}

func TestFileStoreNeedsADirectory(t *testing.T) {
	if _, err := auth.NewFileStore("", nil); err == nil || !strings.Contains(err.Error(), "needs a directory") {
		t.Errorf("no directory: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := fileStore(t, file)
	_, _, loadErr := s.Load(t.Context(), "k")
	_, saveErr := s.Save(t.Context(), "k", storeRecord("1"), "")
	_, lockErr := s.Lock(t.Context(), "k")
	deleteErr := s.Delete(t.Context(), "k", "v")
	for what, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Lock": lockErr, "Delete": deleteErr} {
		if err == nil || !strings.Contains(err.Error(), "is not a directory") {
			t.Errorf("%s in a file: %v", what, err)
		}
	}
	below := fileStore(t, filepath.Join(file, "tokens"))
	if _, err := below.Save(t.Context(), "k", storeRecord("1"), ""); err == nil || !strings.Contains(err.Error(), "directory of the file store") {
		t.Errorf("Save below a file: %v", err)
	}
}

func TestFileStoreNamesFilesForPeople(t *testing.T) {
	s, file, _ := savedFile(t)
	if name := filepath.Base(file); !strings.HasPrefix(name, "token-contoso_example-") {
		t.Errorf("the file of contoso.example is %s", name)
	}
	if got := s.GoString(); !strings.HasPrefix(got, "auth.FileStore(") {
		t.Errorf("GoString() = %q", got)
	}
	data, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(data), `"key":"contoso.example"`) || !strings.HasSuffix(string(data), "}\n") {
		t.Errorf("%s, error %v", data, err)
	}
}

// A process that was killed while it wrote leaves its file; the next save replaces that
// and does not follow a link that somebody has put there.
func TestFileStoreRemovesWhatACrashHasLeft(t *testing.T) {
	s, file, v := savedFile(t)
	temp := strings.TrimSuffix(file, ".json") + ".tmp"
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, temp); err != nil {
		t.Skipf("no links here: %v", err)
	}
	v, err := s.Save(t.Context(), "contoso.example", storeRecord("2"), v)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(victim); err != nil || string(data) != "precious" {
		t.Errorf("the link was followed: %q, error %v", data, err)
	}
	if _, err := os.Lstat(temp); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the temporary file remains: %v", err)
	}
	if err := os.WriteFile(temp, []byte(storeCanary), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "contoso.example", v); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(temp); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a deleted record's half-written successor remains: %v", err)
	}
}

// The version of a damaged record is that of this damage: a repair by somebody else, or
// another damage, must not be overwritten unseen.
func TestFileStoreTellsDamagesApart(t *testing.T) {
	s, file, _ := savedFile(t)
	var versions []auth.Version
	for _, text := range []string{"one", "two", "one"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, v, err := s.Load(t.Context(), "contoso.example")
		if !errors.Is(err, auth.ErrUnreadable) {
			t.Fatal(err)
		}
		versions = append(versions, v)
	}
	if versions[0] == versions[1] || versions[0] != versions[2] {
		t.Errorf("versions %q", versions)
	}
	if _, err := s.Save(t.Context(), "contoso.example", storeRecord("2"), versions[1]); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("Save with the version of another damage: %v, want ErrConflict", err)
	}
}
