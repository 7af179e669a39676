package tabular

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// The record at the end of an archive says where its directory is and how many
// entries it has. No checksum covers that record, and package archive/zip takes any
// directory that it finds from there, even one of an archive that another one was
// appended to. What is in front of it or behind it would be missing without a word.

const (
	directoryHeader = 46 // bytes of an entry in the directory, before the name

	endRecord    = 22
	endSignature = "PK\x05\x06"
	endEntriesAt = 10
	endOffsetAt  = 16

	locator64          = 20 // bytes, right before the end record
	locator64Signature = "PK\x06\x07"
	locator64OffsetAt  = 8
	end64              = 56
	end64Signature     = "PK\x06\x06"
	end64OffsetAt      = 48

	digitalSignature = "PK\x05\x05"
)

var errDirectoryPlace = errors.New("damaged zip archive, or several in one file: its directory is not where the end of the file says, " +
	"so that entries may be missing")

// checkDirectory sees to it that the entries which have been found are all that lie
// between the place of the directory and the end of the archive.
func checkDirectory(r io.ReaderAt, size int64, entries []*zip.File) error {
	end, record, err := findEnd(r, size)
	if err != nil {
		return err
	}
	at := int64(binary.LittleEndian.Uint32(record[endOffsetAt:]))
	if at == math.MaxUint32 || binary.LittleEndian.Uint16(record[endEntriesAt:]) == math.MaxUint16 {
		if at, err = offset64(r, end, at); err != nil {
			return err
		}
	}
	for _, f := range entries {
		at += int64(directoryHeader + len(f.Name) + len(f.Extra) + len(f.Comment))
	}
	if at == end {
		return nil
	}
	// Other records may lie between the two.
	var next [len(end64Signature)]byte
	if at > end-int64(len(next)) {
		return errDirectoryPlace
	}
	if n, err := r.ReadAt(next[:], at); n < len(next) {
		return noEOF(err)
	}
	if s := string(next[:]); s != end64Signature && s != digitalSignature {
		return errDirectoryPlace
	}
	return nil
}

// findEnd finds the end record as package archive/zip does, which has found one.
func findEnd(r io.ReaderAt, size int64) (at int64, record []byte, err error) {
	for _, length := range []int64{1 << 10, 65 << 10} {
		tail := make([]byte, min(size, length))
		if n, err := r.ReadAt(tail, size-int64(len(tail))); n < len(tail) {
			return 0, nil, noEOF(err)
		}
		i := bytes.LastIndex(tail[:max(len(tail)-endRecord+len(endSignature), 0)], []byte(endSignature))
		if i >= 0 {
			return size - int64(len(tail)-i), tail[i:], nil
		}
	}
	return 0, nil, errDirectoryPlace
}

// offset64 returns where the directory of an archive in the format zip64 is, or the
// given place when it is none.
func offset64(r io.ReaderAt, end, at int64) (int64, error) {
	if end < locator64 {
		return at, nil
	}
	locator := make([]byte, locator64)
	if n, err := r.ReadAt(locator, end-locator64); n < len(locator) {
		return 0, noEOF(err)
	}
	if !bytes.HasPrefix(locator, []byte(locator64Signature)) {
		return at, nil
	}
	from := binary.LittleEndian.Uint64(locator[locator64OffsetAt:])
	if from > uint64(end) {
		return 0, errDirectoryPlace
	}
	record := make([]byte, end64)
	if n, err := r.ReadAt(record, int64(from)); n < len(record) { //nolint:gosec // not behind the end
		return 0, noEOF(err)
	}
	offset := binary.LittleEndian.Uint64(record[end64OffsetAt:])
	if offset > uint64(end) {
		return 0, errDirectoryPlace
	}
	return int64(offset), nil //nolint:gosec // not behind the end
}
