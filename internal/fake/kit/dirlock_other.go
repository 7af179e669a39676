//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package kit

import "os"

// lockFile opens a file, which it creates if need be. On this system it does not keep
// other processes out.
func lockFile(path string) (*os.File, bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // in the directory that the caller has named
	return f, err == nil, err
}
