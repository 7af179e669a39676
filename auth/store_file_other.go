//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package auth

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// modesCount says that file modes decide who can read a file.
const modesCount = true

// tryLockFile fails: without locks that end with the process there is no safe file store.
func tryLockFile(string) (*os.File, bool, error) {
	return nil, false, fmt.Errorf("the file store needs file locks, which it does not have on %s; use another store: %w", runtime.GOOS, errors.ErrUnsupported)
}

// fileBusy reports whether an operation failed because somebody has the file open.
func fileBusy(error) bool { return false }

// syncDir does nothing: not every system can open a directory.
func syncDir(string) error { return nil }
