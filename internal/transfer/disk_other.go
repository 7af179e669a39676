//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package transfer

import "os"

// openLocked opens path for reading and writing. Systems without a lock that ends
// with the process get none: do not download to one path twice at a time there.
func openLocked(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller has named it
}

// syncDir does nothing: not every system can open a directory.
func syncDir(string) error { return nil }
