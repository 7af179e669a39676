//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kit

import (
	"errors"
	"os"
	"syscall"
)

// lockFile locks a file, which it creates if need be, against other processes until it
// is closed or the process ends. It reports whether the lock was free.
func lockFile(path string) (*os.File, bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // in the directory that the caller has named
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, true, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = nil
	}
	return nil, false, errors.Join(err, f.Close())
}
