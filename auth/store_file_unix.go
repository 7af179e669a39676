//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package auth

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// modesCount says that file modes decide who can read a file.
const modesCount = true

// tryLockFile locks a file, which it creates if need be, against this and other
// processes, until it is closed or the process ends. It reports whether the lock was free.
func tryLockFile(path string) (*os.File, bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) //nolint:gosec // the name is made from a hash
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, true, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("the file system of %s cannot lock files; use a local disk: %w", path, err)
}

// fileBusy reports whether an operation failed because somebody has the file open, which
// does not matter here.
func fileBusy(error) bool { return false }

// syncDir makes the names in a directory survive a power failure.
func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // the directory that the caller has named
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // some file systems have no such thing
	}
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
