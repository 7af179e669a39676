package auth

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// traced is a file store whose disk writes down what it is asked, and fails on demand.
func traced(t *testing.T) (s *FileStore, steps *[]string, failAt *string) {
	t.Helper()
	s, err := NewFileStore(filepath.Join(t.TempDir(), "tokens"), nil)
	if err != nil {
		t.Fatal(err)
	}
	steps, failAt = new([]string), new(string)
	step := func(name string) error {
		*steps = append(*steps, name)
		if name == *failAt {
			return errors.New("no space left on device")
		}
		return nil
	}
	local := s.disk
	s.disk = disk{
		sync: func(f *os.File) error { return errors.Join(step("sync file"), local.sync(f)) },
		rename: func(from, to string) error {
			if err := step("rename"); err != nil {
				return err
			}
			return local.rename(from, to)
		},
		syncDir: func(dir string) error { return errors.Join(step("sync "+filepath.Base(dir)), local.syncDir(dir)) },
	}
	return s, steps, failAt
}

func TestFileStoreSyncsBeforeItAnswers(t *testing.T) {
	s, steps, _ := traced(t)
	r := Record{RefreshToken: partnercenter.NewSecret("x")}
	v, err := s.Save(t.Context(), "k", r, "")
	if err != nil {
		t.Fatal(err)
	}
	parent := filepath.Base(filepath.Dir(s.dir))
	if want := []string{"sync " + parent, "sync file", "rename", "sync tokens"}; !slices.Equal(*steps, want) {
		t.Errorf("first Save: %q, want %q", *steps, want)
	}
	*steps = nil
	if v, err = s.Save(t.Context(), "k", r, v); err != nil {
		t.Fatal(err)
	}
	if want := []string{"sync file", "rename", "sync tokens"}; !slices.Equal(*steps, want) {
		t.Errorf("second Save: %q, want %q", *steps, want)
	}
	*steps = nil
	if err := s.Delete(t.Context(), "k", v); err != nil {
		t.Fatal(err)
	}
	if want := []string{"sync tokens"}; !slices.Equal(*steps, want) {
		t.Errorf("Delete: %q, want %q", *steps, want)
	}
}

func TestFileStoreKeepsTheOldRecordWhenTheDiskFails(t *testing.T) {
	for _, at := range []string{"sync file", "rename", "sync tokens"} {
		t.Run(at, func(t *testing.T) {
			s, _, failAt := traced(t)
			v, err := s.Save(t.Context(), "k", Record{RefreshToken: partnercenter.NewSecret("old")}, "")
			if err != nil {
				t.Fatal(err)
			}
			*failAt = at
			if next, err := s.Save(t.Context(), "k", Record{RefreshToken: partnercenter.NewSecret("new")}, v); err == nil || next != "" {
				t.Errorf("Save on a full disk: version %q, error %v", next, err)
			}
			*failAt = ""
			r, now, err := s.Load(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			// After the rename the new record is there, only not surely for ever.
			if want := map[bool]string{false: "old", true: "new"}[at == "sync tokens"]; r.RefreshToken.Reveal() != want {
				t.Errorf("the record is %q, want %q", r.RefreshToken.Reveal(), want)
			}
			if left, err := filepath.Glob(filepath.Join(s.dir, "*"+suffixTemp)); err != nil || len(left) > 0 {
				t.Errorf("left behind: %q, error %v", left, err)
			}
			if _, err := s.Save(t.Context(), "k", Record{RefreshToken: partnercenter.NewSecret("newer")}, now); err != nil {
				t.Errorf("when there is space again: %v", err)
			}
		})
	}
}

func TestFileStoreMakesNoDirectoryItCannotSync(t *testing.T) {
	s, _, failAt := traced(t)
	*failAt = "sync " + filepath.Base(filepath.Dir(s.dir))
	if _, err := s.Save(t.Context(), "k", Record{RefreshToken: partnercenter.NewSecret("x")}, ""); err == nil {
		t.Error("Save succeeds though the directory may vanish")
	}
}

// On Windows a file that somebody reads cannot be replaced for a moment.
func TestFileStoreDoesNotInsistForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		if err := whileBusy(t.Context(), fileBusy, func() error { return broken }); !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
		start := time.Now()
		tries := 0
		err := whileBusy(t.Context(), func(error) bool { return true }, func() error { tries++; return broken })
		if !errors.Is(err, broken) || time.Since(start) != busyFor || tries < 10 {
			t.Errorf("after %v and %d tries: %v", time.Since(start), tries, err)
		}
		tries = 0
		err = whileBusy(t.Context(), func(error) bool { return true }, func() error {
			if tries++; tries == 3 {
				return nil
			}
			return broken
		})
		if err != nil || tries != 3 {
			t.Errorf("after %d tries: %v", tries, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := whileBusy(ctx, fileBusy, func() error { t.Error("called"); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("with an ended context: %v", err)
		}
	})
}
