package tabular

import (
	"bytes"
	"encoding/csv"
	"slices"
)

// tabs splits the record at start where tabs separate cells. Whether and how such
// files quote is not documented, so both habits and mixes of them are understood:
//
//   - A cell in quotes, in which quotes are doubled, may hold tabs and line ends.
//   - Any other quote is part of the text: 5" disk, "a" or "b".
//
// A cell that begins with a quote which does not end on its line is the one case
// in which the habits contradict each other. Then the reading counts that gives a
// row of the header's length, and of two such readings the one whose quotes do
// not swallow whole rows.
func (s *splitter) tabs() error {
	first := len(s.cells)
	ends, err := s.parseTabs(true)
	if err != nil {
		return err
	}
	if ends && !s.suspicious(s.cells[first:]) {
		return nil
	}
	if s.failed() {
		return s.err
	}
	cells, resume := slices.Clone(s.cells[first:]), s.resume
	s.cells = s.cells[:first]
	if _, err := s.parseTabs(false); err != nil {
		return err
	}
	switch {
	case len(s.cells)-first == s.columns:
	case ends:
		s.cells, s.resume = append(s.cells[:first], cells...), resume
	default:
		return &lineError{line: s.lines + 1, err: csv.ErrQuote}
	}
	return nil
}

// suspicious reports whether quotes may have made the record of several.
func (s *splitter) suspicious(cells []cell) bool {
	return s.columns > 0 && slices.ContainsFunc(cells, func(c cell) bool {
		return c.form&breaks != 0 &&
			(len(cells) != s.columns || bytes.Count(s.buf[c.from:c.to], []byte("\t")) >= s.columns-1)
	})
}

// parseTabs adds the cells of the record at start. With multiline a quoted cell may
// go on over line ends, and parseTabs returns false when it begins so and does not
// end. Without, the quote of such a cell is text, and parseTabs returns true.
func (s *splitter) parseTabs(multiline bool) (ends bool, err error) {
	stop, _ := s.lineEnd(s.start)
	for at := s.start; ; at++ {
		to, lineEnd, open, err := s.tabQuoted(at, stop, multiline)
		switch {
		case err != nil || open:
			return false, err
		case to > at:
			at, stop = to, lineEnd
		default:
			line := s.trim(at, stop)
			if tab := bytes.IndexByte(line, '\t'); tab >= 0 {
				line = line[:tab]
			}
			s.add(at, at+len(line), 0)
			at += len(line)
		}
		if at >= stop || s.buf[at] != '\t' {
			s.resume = min(stop+1, s.end)
			return true, nil
		}
	}
}

// tabQuoted adds the cell at from when it is in quotes, and returns where it and
// its line end; to is not behind from when it is not. With multiline, open tells
// that it goes on over the line end at stop without ever ending as it should.
func (s *splitter) tabQuoted(from, stop int, multiline bool) (to, lineEnd int, open bool, err error) {
	if from >= stop || s.buf[from] != '"' {
		return from, stop, false, nil
	}
	var f form
	for at := from + 1; ; {
		i := bytes.IndexByte(s.buf[at:stop], '"')
		if i < 0 {
			if !multiline {
				return from, stop, false, nil
			}
			next, whole := s.lineEnd(min(stop+1, s.end))
			switch {
			case whole:
			case s.more():
				return 0, 0, false, errMore
			case next <= stop+1 || s.err == nil:
				return from, stop, true, nil
			}
			f |= breaks
			at, stop = stop+1, next
			continue
		}
		at += i
		switch rest := s.trim(at+1, stop); {
		case len(rest) == 0 || rest[0] == '\t':
			s.add(from+1, at, f)
			return at + 1, stop, false, nil
		case rest[0] == '"':
			f |= doubled
			at += 2
		default:
			return from, stop, f&breaks != 0, nil
		}
	}
}
