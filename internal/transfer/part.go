package transfer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/partnercenter-go/partnercenter"
)

// partFile is what a download needs of an open part file.
type partFile interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Stat() (fs.FileInfo, error)
	Close() error
}

// openPart opens or creates a part file that nobody else is writing.
func openPart(path string) (partFile, error) { return openNamed(path, openLocked) }

// openNamed is openPart with another way to open.
func openNamed(path string, open func(string) (*os.File, error)) (partFile, error) {
	// A download that has just ended may rename or remove the file between the
	// opening and the lock: the lock then holds another file than the path.
	for range 10 {
		if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is in the way: it is not a regular file", path)
		}
		f, err := open(path)
		if err != nil {
			return nil, err
		}
		opened, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		named, err := os.Lstat(path)
		if err == nil && os.SameFile(opened, named) {
			return f, nil
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: %w", path, partnercenter.ErrBusy)
}

// checkTarget refuses what a finished file could not replace.
func checkTarget(path string) error {
	if path == "" {
		return errors.New("the path of the file is empty")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory; add a file name", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	}
	return nil
}
