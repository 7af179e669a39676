package tabular

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// defaultRowBytes is far above any row of an export and far below what hurts.
	defaultRowBytes = 1 << 20
	// mostRowBytes keeps positions in a block within 32 bits.
	mostRowBytes = 1 << 30
	// blockBytes is how much text is split at a time. It holds dozens of rows, so
	// that handing over a block costs them little each.
	blockBytes = 32 << 10
)

// errMore: the record goes on behind what has been read.
var errMore = errors.New("incomplete record")

// splitter finds the records of a text and their cells. It works on blocks: a
// block and the places of the cells in it go to whoever decodes them, and the
// record that was cut by the block's end moves on to the next one.
type splitter struct {
	r     io.Reader
	comma byte // ',' or '\t'
	max   int  // bytes of a record

	buf        []byte // buf[start:end] is unread
	start, end int
	err        error // what ended the data
	lines      int   // lines before start
	columns    int   // cells of the header; 0 before it

	cells   []cell // of the records found so far
	resume  int    // where the record after the one being parsed starts
	rest    []byte // of the block that was handed away
	average int    // bytes of a record in the last block; 0 before it
}

// cell is where a cell lies in its block, without its quotes.
type cell struct {
	from, to int32
	form     form
}

// form says what has to be done to a cell's bytes to get its text.
type form uint8

const (
	doubled form = 1 << iota // quotes in it are doubled
	returns                  // its line ends lose their carriage returns
	breaks                   // it holds line ends
)

// record is where a record lies in its block.
type record struct {
	from, to int32
	cells    int32 // how many it has
	line     int   // where it starts
}

// failed reports whether the data has ended other than regularly.
func (s *splitter) failed() bool {
	return s.err != nil && s.err != io.EOF //nolint:errorlint // fill keeps what the reader returned
}

// fill reads until at least n bytes are unread or the data ends.
func (s *splitter) fill(n int) {
	for idle := 0; s.end-s.start < n && s.err == nil; {
		if s.end == len(s.buf) {
			if s.start == 0 {
				s.buf = append(s.buf, make([]byte, max(len(s.buf), blockBytes))...)
			} else {
				s.end = copy(s.buf, s.buf[s.start:s.end])
				s.start = 0
			}
		}
		var k int
		k, s.err = s.r.Read(s.buf[s.end:min(len(s.buf), s.start+n)])
		s.end += k
		if k > 0 {
			idle = 0
		} else if idle++; idle == 100 && s.err == nil {
			s.err = io.ErrNoProgress
		}
	}
}

// hand gives the present block away and keeps what was not split of it. From then
// on others may use the block for what they like.
func (s *splitter) hand() []byte {
	block := s.buf
	s.rest = append(s.rest[:0], block[s.start:s.end]...)
	s.buf, s.start, s.end = nil, 0, 0
	return block
}

// block goes on in the given block, which may be nil.
func (s *splitter) block(next []byte) {
	next = next[:cap(next)]
	if len(next) < len(s.rest)+blockBytes/4 {
		next = make([]byte, len(s.rest)+blockBytes)
	}
	s.end = copy(next, s.rest)
	s.buf = next
}

// more reports whether reading on may help a record that does not end.
func (s *splitter) more() bool { return s.err == nil && s.end-s.start <= s.max }

// next finds the next record that is no blank line; its cells are appended to
// s.cells. It returns errMore when the rest of the block does not hold it whole,
// and io.EOF after the last one. Other errors are final.
func (s *splitter) next() (record, error) {
	for {
		stop, whole := s.lineEnd(s.start)
		switch {
		case whole:
		case s.more():
			return record{}, errMore
		case s.err == nil:
			return record{}, rowTooLong(s.lines+1, s.max)
		case s.failed() || s.start == s.end:
			return record{}, s.err
		}
		if len(s.trim(s.start, stop)) > 0 {
			return s.record(stop)
		}
		s.start = min(stop+1, s.end)
		s.lines++
	}
}

func (s *splitter) record(stop int) (record, error) {
	first := len(s.cells)
	line := s.buf[s.start:stop]
	quoted := bytes.IndexByte(line, '"') >= 0
	if quoted {
		if err := s.quoted(stop); err != nil {
			s.cells = s.cells[:first]
			return record{}, err
		}
	} else {
		s.plain(s.start, s.start+len(trimReturn(line)))
		s.resume = min(stop+1, s.end)
	}
	if s.resume-s.start > s.max {
		return record{}, rowTooLong(s.lines+1, s.max)
	}
	r := record{from: int32(s.start), to: int32(s.resume), cells: int32(len(s.cells) - first), line: s.lines + 1} //nolint:gosec // blocks are smaller than 4 GiB, see mostRowBytes
	if s.columns == 0 {
		s.columns = int(r.cells)
	}
	if quoted {
		s.lines += bytes.Count(s.buf[s.start:s.resume], []byte("\n"))
	} else {
		s.lines++
	}
	s.start = s.resume
	return r, nil
}

// plain appends the cells between from and to, where no quotes are.
func (s *splitter) plain(from, to int) {
	for {
		i := bytes.IndexByte(s.buf[from:to], s.comma)
		if i < 0 {
			s.add(from, to, 0)
			return
		}
		s.add(from, from+i, 0)
		from += i + 1
	}
}

func (s *splitter) add(from, to int, f form) {
	s.cells = append(s.cells, cell{int32(from), int32(to), f}) //nolint:gosec // see record
}

func (s *splitter) quoted(stop int) error {
	if s.comma == '\t' {
		return s.tabs()
	}
	return s.commas(stop)
}

// lineEnd finds the end of the line at from; false, and the end of what is there,
// when it is not in the block.
func (s *splitter) lineEnd(from int) (int, bool) {
	if i := bytes.IndexByte(s.buf[from:s.end], '\n'); i >= 0 {
		return from + i, true
	}
	return s.end, false
}

// trim returns the text up to the line end at stop, without carriage return.
func (s *splitter) trim(from, stop int) []byte { return trimReturn(s.buf[from:stop]) }

func trimReturn(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// lineError is a record that cannot be read as such.
type lineError struct {
	line   int // where the record starts
	end    int // where the trouble is
	column int // in bytes, from 1; 0 when unknown
	err    error
}

func (e *lineError) Error() string {
	switch {
	case e.column == 0:
		return e.err.Error()
	case e.end != e.line:
		return fmt.Sprintf("%v (noticed at byte %d of line %d)", e.err, e.column, e.end)
	}
	return fmt.Sprintf("%v (at byte %d)", e.err, e.column)
}

func (e *lineError) Unwrap() error { return e.err }

func rowTooLong(line, limit int) error {
	return &lineError{line: line, err: fmt.Errorf("the row is longer than %d bytes: a quote is probably damaged; "+
		"raise RowOptions.MaxRowBytes if rows really are that long", limit)}
}
