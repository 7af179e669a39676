package analytics

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/tabular"
)

// UnpackFile writes the text of a file that [Client.DownloadFile] or [Client.Fetch]
// has fetched to path: not compressed and without byte order mark, for programs
// that take the name of a file for what it holds. [OpenFile] reads either.
//
// The text appears under its name when it is whole, and never before.
// The path may be that of the stored file, which is replaced then; otherwise the
// stored file stays. A file that is there already is replaced.
func UnpackFile(stored, path string) (err error) {
	content, err := tabular.OpenFile(stored)
	if err != nil {
		return fmt.Errorf("analytics: unpacking: %w", err)
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	out, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("analytics: unpacking %s: %w", stored, err)
	}
	defer func() {
		if err != nil {
			_ = out.Close()           // again, and in vain, where that is what has failed
			_ = os.Remove(out.Name()) // it is of no use to anybody
		}
	}()
	err = errors.Join(copyText(out, content), out.Sync(), out.Close(), content.Close())
	if err == nil {
		err = os.Rename(out.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("analytics: unpacking %s: %w", stored, err)
	}
	return nil
}

// copyText copies the one text of a content. Several have headers of their own.
func copyText(w io.Writer, content *partnercenter.Content) error {
	texts := 0
	for entry, err := range content.Entries() {
		if err != nil {
			return err
		}
		if texts++; texts > 1 {
			return errors.New("it holds several files, which Rows reads one after another")
		}
		if _, err := io.Copy(w, entry); err != nil {
			return err
		}
	}
	return nil
}
