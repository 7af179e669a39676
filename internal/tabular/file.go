package tabular

import (
	"errors"
	"fmt"
	"os"

	"github.com/partnercenter-go/partnercenter"
)

// OpenFile is [Open] for a file on disk. Closing the content closes the file.
func OpenFile(path string) (*partnercenter.Content, error) {
	f, err := os.Open(path) //nolint:gosec // opening what the caller names is what this function is for
	if err != nil {
		return nil, err // it names the path
	}
	c, err := openRegular(f)
	if err != nil {
		_ = f.Close() // the reason why it cannot be read is the better error
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return c, nil
}

func openRegular(f *os.File) (*partnercenter.Content, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	return Open(info.Name(), f, info.Size(), WithCloser(f))
}
