//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package transfer

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/partnercenter-go/partnercenter"
)

// openLocked opens path for reading and writing and locks it against other
// downloads, in this process and in others, until it is closed.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) //nolint:gosec // the caller has named it
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, partnercenter.ErrBusy)
	}
	// Other errors mean that the file system knows no locks; it then goes without.
	if err := f.Chmod(0o600); err != nil { // an older file may be open to others
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// syncDir makes the names in a directory survive a power failure.
func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // the directory of the caller's file
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
