package tabular

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/partnercenter-go/partnercenter"
)

const zipEncrypted = 0x1 // general purpose bit 0 of the zip file format

func openZip(name string, r io.ReaderAt, size int64, s settings) (*partnercenter.Content, error) {
	z, err := zip.NewReader(r, size)
	// Names are never used as paths here, so those that would be dangerous as
	// such are no reason to refuse the data.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("%s: damaged or cut zip archive: %w", name, noEOF(err))
	}
	z.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser {
		return flate.NewReader(bufio.NewReaderSize(r, compressedBuffer))
	})
	m := &meter{settings: s, packed: func() int64 { return size }}
	return s.content(func(yield visit) {
		for _, f := range z.File {
			if !litter(f.Name) && !zipEntry(name, f, m, yield) {
				return
			}
		}
	}), nil
}

// litter reports whether an entry is a folder or something that a desktop left
// behind.
func litter(name string) bool {
	name = strings.ReplaceAll(name, `\`, "/")
	return strings.HasSuffix(name, "/") ||
		strings.HasPrefix(path.Base(name), ".") ||
		strings.HasPrefix(name, "__MACOSX/") || strings.Contains(name, "/__MACOSX/")
}

func zipEntry(archive string, f *zip.File, m *meter, yield visit) (more bool) {
	fail := func(err error) bool {
		yield(nil, fmt.Errorf("%s: entry %s: %w", archive, f.Name, err))
		return false
	}
	if f.Flags&zipEncrypted != 0 {
		return fail(errors.New("is encrypted: unpack the archive with its password and open the files"))
	}
	r, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return fail(fmt.Errorf("is compressed with method %d, which is not supported: unpack the archive and open the files", f.Method))
	}
	if err != nil {
		return fail(noEOF(err))
	}
	defer func() { _ = r.Close() }() // only reading: what could go wrong has shown itself in Read
	size := int64(-1)
	if f.UncompressedSize64 <= math.MaxInt64 {
		size = int64(f.UncompressedSize64)
	}
	e, err := textEntry(f.Name, m.measure(r), size, m)
	if err != nil {
		return fail(err)
	}
	if e.Modified.IsZero() {
		e.Modified = utc(f.Modified)
	}
	return offer(e, yield)
}
