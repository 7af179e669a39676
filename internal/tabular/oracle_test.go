package tabular

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
)

// tsvReader is a second opinion on files that are separated by tabs: it reads from a
// stream, record by record, where the splitter works on blocks. Whether and how such files quote is
// not documented, so it understands both habits and mixes of them:
//
//   - A cell in quotes, in which quotes are doubled, may hold tabs and line ends.
//   - Any other quote is part of the text: 5" disk, "a" or "b".
//
// A cell that begins with a quote which does not end on its line is the one case
// in which the habits contradict each other. Then the reading counts that gives a
// row of the header's length, and of two such readings the one whose quotes do
// not swallow whole rows.
type tsvReader struct {
	r   io.Reader
	max int // bytes of a record

	buf        []byte // buf[start:end] is unread
	start, end int
	err        error // what ended the data
	lines      int   // lines before start
	columns    int   // cells of the header; 0 before it

	spans  []oracleSpan // cells of the record being parsed
	resume int          // where in buf the next record starts

	line  int      // where the last record starts
	text  string   // the last record; its spans count from here
	cells []string // the last record's cells
}

// oracleSpan is where a cell lies, without its quotes.
type oracleSpan struct {
	from, to int
	quoted   bool
	breaks   bool // the cell holds line ends
}

// Line is the line on which cell i of the last record starts.
func (t *tsvReader) Line(i int) int {
	return t.line + strings.Count(t.text[:t.spans[i].from], "\n")
}

// Read returns the next record that is not a blank line.
func (t *tsvReader) Read() ([]string, error) {
	for {
		if t.start > len(t.buf)/2 {
			t.end = copy(t.buf, t.buf[t.start:t.end])
			t.start = 0
		}
		stop, whole := t.lineEnd(t.start)
		switch {
		case whole:
		case t.err == nil:
			return nil, rowTooLong(t.lines+1, t.max)
		case t.failed() || t.start == t.end:
			return nil, t.err
		}
		if len(t.trim(t.start, stop)) > 0 {
			return t.record()
		}
		t.start = min(stop+1, t.end)
		t.lines++
	}
}

// failed reports whether the data has ended other than regularly.
func (t *tsvReader) failed() bool {
	return t.err != nil && t.err != io.EOF //nolint:errorlint // fill keeps what the reader returned
}

func (t *tsvReader) record() ([]string, error) {
	ends := t.parse(true)
	if !ends || t.suspicious() {
		if t.failed() {
			return nil, t.err
		}
		spans, resume := slices.Clone(t.spans), t.resume
		t.parse(false)
		switch {
		case len(t.spans) == t.columns:
		case ends:
			t.spans, t.resume = spans, resume
		default:
			return nil, &lineError{line: t.lines + 1, err: csv.ErrQuote}
		}
	}
	if t.resume-t.start > t.max {
		return nil, rowTooLong(t.lines+1, t.max)
	}
	if t.columns == 0 {
		t.columns = len(t.spans)
	}
	t.text = string(t.buf[t.start:t.resume]) // one allocation for all cells
	t.cells = t.cells[:0]
	for i := range t.spans {
		s := &t.spans[i]
		s.from -= t.start
		s.to -= t.start
		cell := t.text[s.from:s.to]
		if s.quoted {
			cell = strings.ReplaceAll(cell, `""`, `"`)
		}
		t.cells = append(t.cells, cell)
	}
	t.line = t.lines + 1
	t.lines += strings.Count(t.text, "\n")
	t.start = t.resume
	return t.cells, nil
}

// suspicious reports whether quotes may have made the parsed record of several.
func (t *tsvReader) suspicious() bool {
	return t.columns > 0 && slices.ContainsFunc(t.spans, func(s oracleSpan) bool {
		return s.breaks && (len(t.spans) != t.columns || bytes.Count(t.buf[s.from:s.to], []byte("\t")) >= t.columns-1)
	})
}

// parse splits the record at start into spans. With multiline a quoted cell may
// go on over line ends, and parse returns false when it begins so and does not
// end. Without, the quote of such a cell is text, and parse returns true.
func (t *tsvReader) parse(multiline bool) bool {
	t.spans = t.spans[:0]
	stop, _ := t.lineEnd(t.start)
	for at := t.start; ; at++ {
		cell, lineEnd, open := t.quotedCell(at, stop, multiline)
		switch {
		case open:
			return false
		case cell.quoted:
			at, stop = cell.to+1, lineEnd
		default:
			line := t.trim(at, stop)
			if tab := bytes.IndexByte(line, '\t'); tab >= 0 {
				line = line[:tab]
			}
			cell = oracleSpan{from: at, to: at + len(line)}
			at = cell.to
		}
		t.spans = append(t.spans, cell)
		if at >= stop || t.buf[at] != '\t' {
			t.resume = min(stop+1, t.end)
			return true
		}
	}
}

// quotedCell returns the cell at from when it is in quotes, and the end of the
// line that it ends on. With multiline, open tells that it goes on over the line
// end at stop without ever ending as it should.
func (t *tsvReader) quotedCell(from, stop int, multiline bool) (cell oracleSpan, lineEnd int, open bool) {
	if from >= stop || t.buf[from] != '"' {
		return oracleSpan{}, stop, false
	}
	breaks := false
	for at := from + 1; ; {
		i := bytes.IndexByte(t.buf[at:stop], '"')
		if i < 0 {
			if !multiline {
				return oracleSpan{}, stop, false
			}
			next, whole := t.lineEnd(min(stop+1, t.end))
			if next <= stop+1 && !whole || !whole && t.err == nil {
				return oracleSpan{}, stop, true
			}
			at, stop, breaks = stop+1, next, true
			continue
		}
		at += i
		switch rest := t.trim(at+1, stop); {
		case len(rest) == 0 || rest[0] == '\t':
			return oracleSpan{from: from + 1, to: at, quoted: true, breaks: breaks}, stop, false
		case rest[0] == '"':
			at += 2
		default:
			return oracleSpan{}, stop, breaks
		}
	}
}

// trim returns the text up to the line end at stop, without carriage return.
func (t *tsvReader) trim(from, stop int) []byte {
	if stop > from && t.buf[stop-1] == '\r' {
		stop--
	}
	return t.buf[from:stop]
}

// lineEnd finds the end of the line at from and reads on where needed. It returns
// false, and the end of what is there, when there is no more data or too much for
// one record.
func (t *tsvReader) lineEnd(from int) (int, bool) {
	for at := from; ; {
		if i := bytes.IndexByte(t.buf[at:t.end], '\n'); i >= 0 {
			return at + i, true
		}
		at = t.end
		if t.err != nil || t.end-t.start > t.max {
			return t.end, false
		}
		t.fill()
	}
}

// fill reads more. It leaves what is there where it is: spans point to it.
func (t *tsvReader) fill() {
	if t.end == len(t.buf) {
		t.buf = append(t.buf, make([]byte, max(len(t.buf), headerBytes))...)
	}
	for range 100 {
		var n int
		n, t.err = t.r.Read(t.buf[t.end:])
		t.end += n
		if n > 0 || t.err != nil {
			return
		}
	}
	t.err = io.ErrNoProgress
}
