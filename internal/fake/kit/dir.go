package kit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Dir is a directory in which one fake keeps its state.
type Dir struct {
	path string
	lock *os.File
}

// tempPrefix begins the names of files that are being written.
const tempPrefix = ".pctest-"

// OpenDir opens a directory, which it creates if need be, for this process alone.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	lock, free, err := lockFile(filepath.Join(path, "lock"))
	if err != nil {
		return nil, err
	}
	if !free {
		return nil, fmt.Errorf("the directory %s is used by another process", path)
	}
	if err := sweep(path); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Dir{path, lock}, nil
}

// sweep removes what a process that was killed was about to write.
func sweep(path string) error {
	list, err := os.ReadDir(path)
	for _, e := range list {
		if strings.HasPrefix(e.Name(), tempPrefix) {
			err = errors.Join(err, os.Remove(filepath.Join(path, e.Name())))
		}
	}
	return err
}

// Path returns where a file of the directory is.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Read returns what a file holds, nil if there is none.
func (d *Dir) Read(name string) ([]byte, error) {
	b, err := os.ReadFile(d.Path(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Write replaces a file as a whole, so that it is never seen half written. Only the
// user can read it.
func (d *Dir) Write(name string, content []byte) error {
	f, err := os.CreateTemp(d.path, tempPrefix+name+"-*") // its mode is 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), d.Path(name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Close lets other processes use the directory.
func (d *Dir) Close() error { return d.lock.Close() }
