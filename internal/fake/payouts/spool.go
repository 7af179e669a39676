package payouts

import (
	"bytes"
	"errors"
	"os"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// spoolLimit is the size up to which a file is kept in memory by default.
const spoolLimit = 8 << 20

// spool takes a file as it is made: in memory first, on disk when it grows.
type spool struct {
	dir  string
	max  int // in memory
	buf  bytes.Buffer
	file *os.File
}

func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && s.buf.Len()+len(p) > s.max {
		f, err := os.CreateTemp(s.dir, "pctest-*.export")
		if err != nil {
			return 0, err
		}
		s.file = f
		if _, err := f.Write(s.buf.Bytes()); err != nil {
			return 0, err
		}
		s.buf = bytes.Buffer{}
	}
	if s.file != nil {
		return s.file.Write(p)
	}
	return s.buf.Write(p)
}

// content ends the writing.
func (s *spool) content() (blob.Content, error) {
	if s.file == nil {
		return blob.Bytes(bytes.Clone(s.buf.Bytes())), nil // without the room to grow
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return &spooled{s.file, info.Size()}, nil
}

// discard removes what was written.
func (s *spool) discard() error {
	if s.file == nil {
		return nil
	}
	return (&spooled{File: s.file}).Close()
}

// spooled is a temporary file, removed on Close.
type spooled struct {
	*os.File
	size int64
}

func (s *spooled) Size() int64 { return s.size }

func (s *spooled) Close() error {
	// Closed first: Windows does not remove open files.
	return errors.Join(s.File.Close(), os.Remove(s.Name()))
}
