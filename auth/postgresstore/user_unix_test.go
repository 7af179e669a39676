//go:build unix

package postgresstore_test

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// asServer makes a command run as a user that PostgreSQL accepts, which root is not, and
// gives the data to that user.
func asServer(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	cmd.Dir = "/"
	if os.Geteuid() != 0 {
		return
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	// The way there, through the test's own directories, must be open to that user.
	way := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), os.Chmod(filepath.Dir(filepath.Dir(dir)), 0o711)) //nolint:gosec // to pass, not to read
	if err := errors.Join(way, os.Chown(dir, int(uid), int(gid))); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}
