package transfer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestReadOnlyDirectoryIsAClearError(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "march.zip"), []byte("last month"))
	for name, mode := range map[string]fs.FileMode{dir: 0o555, filepath.Dir(dir): 0o755} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	s := newStore(10)
	done := make(chan error)
	go func() {
		if os.Geteuid() == 0 {
			// Root may write anywhere. This thread becomes somebody else for
			// files; it is locked and ends with the goroutine.
			runtime.LockOSThread()
			if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0); errno != 0 {
				t.Error(errno)
			}
		}
		_, err := DownloadFile(t.Context(), s.memorySource(), filepath.Join(dir, "march.zip"), nil)
		done <- err
	}()
	err := <-done
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "march.zip.part: permission denied") {
		t.Errorf("error %v", err)
	}
	wantFiles(t, dir, "march.zip")
	if len(s.seen()) != 0 {
		t.Error("a request was sent")
	}
}

// The real thing, where the system lets a test mount a small disk.
func TestRealFullDisk(t *testing.T) {
	t.Run("one connection", func(t *testing.T) { fillDisk(t, &options{Parallel: -1}) })
	t.Run("several", func(t *testing.T) { fillDisk(t, inParts(4)) })
}

func fillDisk(t *testing.T, opts *options) {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	defer func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) }()
	s := newStore(3 << 20)
	path := filepath.Join(disk, "march.zip")
	_, err := DownloadFile(t.Context(), s.memorySource(), path, opts)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no space left on device") || !strings.Contains(err.Error(), "are kept") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("final name: %v", err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	if res := fetchWhole(t, s, s.memorySource(), path, opts); res.Resumed < 1<<20-2*sidecarRoom {
		t.Errorf("of 1 MiB only %d bytes were kept", res.Resumed)
	}
}
