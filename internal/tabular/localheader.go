package tabular

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// An entry's name decides whether it is read or taken for litter, and its place
// which bytes are read. No checksum covers them, but both are there twice: in the
// directory and in the header before the entry's data. Comparing the two, and
// seeing to it that no two entries share data, keeps a damaged directory from
// hiding rows or repeating them.

const (
	localHeader     = 30      // bytes before the name
	usualExtra      = 1 << 10 // what writers put behind the name is much shorter
	mostExtra       = math.MaxUint16
	localSignature  = "PK\x03\x04"
	localMethodAt   = 8
	localNameLenAt  = 26
	localExtraLenAt = 28
)

var errDiffers = errors.New("is not what the archive's directory says: the archive is damaged")

// check compares an entry with the directory.
func (a *archive) check(f *zip.File) error {
	if strings.HasSuffix(f.Name, "/") && f.CompressedSize64|f.UncompressedSize64 == 0 {
		return nil // a folder
	}
	body, err := f.DataOffset()
	if err != nil {
		return noEOF(err)
	}
	header, err := a.header(f.Name, body)
	switch {
	case err != nil:
		return err
	case header == nil, binary.LittleEndian.Uint16(header[localMethodAt:]) != f.Method:
		return errDiffers
	case strings.HasSuffix(f.Name, "/") && f.UncompressedSize64 > 0: // Java compresses the nothing in a folder to two bytes
		return fmt.Errorf("is a folder with content: %w", errDiffers)
	case f.CompressedSize64 > math.MaxInt64-uint64(body): //nolint:gosec // offsets are not negative
		return errDiffers
	}
	from, to := body-int64(len(header)), body+int64(f.CompressedSize64) //nolint:gosec // see above
	if !a.extents.add(from, to) {
		return errors.New("shares its data with another entry: the archive is damaged or made to deceive")
	}
	return nil
}

// header returns the header of the entry called name whose data begins at body; nil
// if there is none.
func (a *archive) header(name string, body int64) ([]byte, error) {
	for _, extra := range []int{usualExtra, mostExtra} {
		before := make([]byte, min(body, int64(localHeader+len(name)+extra)))
		if n, err := a.r.ReadAt(before, body-int64(len(before))); n < len(before) {
			return nil, noEOF(err)
		}
		for n := localHeader + len(name); n <= len(before); n++ {
			if h := before[len(before)-n:]; isLocalHeader(h, name) {
				return h, nil
			}
		}
	}
	return nil, nil
}

// isLocalHeader reports whether h is as long as the header that it begins with.
func isLocalHeader(h []byte, name string) bool {
	return bytes.HasPrefix(h, []byte(localSignature)) &&
		int(binary.LittleEndian.Uint16(h[localNameLenAt:])) == len(name) &&
		int(binary.LittleEndian.Uint16(h[localExtraLenAt:])) == len(h)-localHeader-len(name) &&
		string(h[localHeader:localHeader+len(name)]) == name
}

// extents are the parts of a file that are taken, in their order.
type extents []extent

type extent struct{ from, to int64 }

// add takes a part, unless something in it is taken already.
func (x *extents) add(from, to int64) bool {
	i, _ := slices.BinarySearchFunc(*x, from, func(e extent, at int64) int {
		if e.to <= at {
			return -1
		}
		return 1
	})
	if i < len(*x) && (*x)[i].from < to {
		return false
	}
	*x = slices.Insert(*x, i, extent{from, to})
	return true
}
