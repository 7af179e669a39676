package tabular

import (
	"archive/zip"
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/partnercenter-go/partnercenter"
)

const (
	zipEncrypted = 0x1 // general purpose bit 0 of the zip file format
	// mostDirectory is the largest directory that is read. It is held in memory, and
	// has room for a hundred thousand entries.
	mostDirectory = 16 << 20
)

// openZip reads the directory of an archive. The entries are read when their turn
// comes, in the directory's order, each from its beginning to its end.
func openZip(name string, r io.ReaderAt, size int64, s *settings) (*partnercenter.Content, error) {
	budget := &budget{r: r, size: size, left: mostDirectory}
	z, err := zip.NewReader(budget, size)
	// Names are never used as paths here, so those that would be dangerous as
	// such are no reason to refuse the data.
	switch {
	case errors.Is(err, errDirectory):
		return nil, fmt.Errorf("%s: %w", name, errDirectory)
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return nil, fmt.Errorf("%s: damaged or cut zip archive: %w", name, noEOF(err))
	}
	budget.left = math.MaxInt64
	if err := checkDirectory(budget, size, z.File); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	z.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser {
		return flate.NewReader(bufio.NewReaderSize(r, compressedBuffer))
	})
	a := &archive{name: name, r: budget, m: &meter{settings: s, packed: func() int64 { return size }}}
	return s.content(func(yield visit) {
		for _, f := range z.File {
			if !a.entry(f, yield) {
				return
			}
		}
	}), nil
}

var errDirectory = fmt.Errorf("the directory of the zip archive is larger than %d MiB, which that of no export is", mostDirectory>>20)

// budget refuses to read more than is left, and where there is nothing: package
// archive/zip believes what directories say about places.
type budget struct {
	r    io.ReaderAt
	size int64
	left int64
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, zip.ErrFormat
	case off >= b.size:
		return 0, io.EOF
	}
	if b.left < math.MaxInt64 {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, errDirectory
		}
	}
	return b.r.ReadAt(p, off)
}

// archive is a zip archive whose entries are being read.
type archive struct {
	name    string
	r       io.ReaderAt
	m       *meter
	extents extents
}

// entry yields an entry unless it is litter.
func (a *archive) entry(f *zip.File, yield visit) (more bool) {
	fail := func(err error) bool {
		yield(nil, fmt.Errorf("%s: entry %s: %w", a.name, f.Name, err))
		return false
	}
	if f.Flags&zipEncrypted != 0 {
		return fail(errors.New("is encrypted: unpack the archive with its password and open the files"))
	}
	if err := a.check(f); err != nil {
		return fail(err)
	}
	if litter(f.Name) {
		return true
	}
	r, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return fail(fmt.Errorf("is compressed with method %d, which is not supported: unpack the archive and open the files", f.Method))
	}
	if err != nil {
		return fail(noEOF(err))
	}
	done := func() { _ = r.Close() } // only reading: what could go wrong has shown itself in Read
	size := int64(-1)
	if f.UncompressedSize64 <= math.MaxInt64 {
		size = int64(f.UncompressedSize64)
	}
	e, err := textEntry(cmp.Or(f.Name, a.name), a.m.measure(r), size, a.m)
	if err != nil {
		done()
		return fail(err)
	}
	if e.Modified.IsZero() {
		e.Modified = utc(f.Modified)
	}
	return a.m.offer(e, done, yield)
}

// litter reports whether an entry is a folder or something that a desktop left
// behind. One without a name is neither.
func litter(name string) bool {
	name = strings.ReplaceAll(name, `\`, "/")
	return strings.HasSuffix(name, "/") ||
		name != "" && strings.HasPrefix(path.Base(name), ".") ||
		strings.HasPrefix(name, "__MACOSX/") || strings.Contains(name, "/__MACOSX/")
}
