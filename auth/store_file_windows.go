package auth

import (
	"errors"
	"os"
	"syscall"
)

// modesCount says that access lists, not modes, decide who can read a file.
const modesCount = false

// Errors that mean "somebody has it open".
const (
	errSharingViolation = syscall.Errno(32)
	errLockViolation    = syscall.Errno(33)
)

// tryLockFile opens a file, which it creates if need be, so that nobody else can, in this
// and other processes, until it is closed or the process ends. It reports whether the
// file was free.
func tryLockFile(path string) (*os.File, bool, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, false, &os.PathError{Op: "open", Path: path, Err: err}
	}
	const shareNothing = 0
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shareNothing,
		nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, errSharingViolation):
		return nil, false, nil
	case err != nil:
		return nil, false, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), true, nil
}

// fileBusy reports whether an operation failed because somebody has the file open:
// another process that reads it, or a virus scanner.
func fileBusy(err error) bool {
	return errors.Is(err, errSharingViolation) || errors.Is(err, errLockViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
}

// syncDir does nothing: Windows cannot sync directories.
func syncDir(string) error { return nil }
