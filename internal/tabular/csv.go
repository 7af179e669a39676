package tabular

import (
	"bytes"
	"encoding/csv"
	"errors"
)

// commas splits the record at start by the rules of RFC 4180 as package
// encoding/csv understands them. It knows how records look that follow the rules;
// what is wrong with others is for encoding/csv to say. The end of the first line
// is at stop.
func (s *splitter) commas(stop int) error {
	at := s.start
	for {
		// Up to the next quote the cells are plain; a cell that the quote is in the
		// middle of is malformed.
		line := s.trim(at, stop)
		quote := bytes.IndexByte(line, '"')
		if quote < 0 {
			s.plain(at, at+len(line))
			break
		}
		if quote > 0 {
			if line[quote-1] != ',' {
				return s.malformed()
			}
			s.plain(at, at+quote-1)
		}
		to, lineEnd, err := s.commaQuoted(at+quote+1, stop)
		if err != nil {
			return err
		}
		stop = lineEnd
		if to >= stop || s.buf[to] != ',' {
			break
		}
		at = to + 1
	}
	s.resume = min(stop+1, s.end)
	return nil
}

// commaQuoted adds the cell in quotes that begins at from.
func (s *splitter) commaQuoted(from, stop int) (to, lineEnd int, err error) {
	var f form
	for at := from; ; {
		i := bytes.IndexByte(s.buf[at:stop], '"')
		if i < 0 {
			next, whole := s.lineEnd(min(stop+1, s.end))
			switch {
			case whole:
			case s.more():
				return 0, 0, errMore
			case s.err == nil:
				return 0, 0, rowTooLong(s.lines+1, s.max)
			case stop >= s.end || next == stop+1:
				return 0, 0, s.malformed() // there is nothing behind this line
			}
			if stop > from && s.buf[stop-1] == '\r' {
				f |= returns
			}
			at, stop = stop+1, next
			continue
		}
		at += i
		switch rest := s.trim(at+1, stop); {
		case len(rest) == 0 || rest[0] == ',':
			s.add(from, at, f)
			return at + 1, stop, nil
		case rest[0] == '"':
			f |= doubled
			at += 2
		default:
			return 0, 0, s.malformed()
		}
	}
}

// malformed lets encoding/csv say what is wrong with the record at start.
func (s *splitter) malformed() error {
	if s.failed() {
		return s.err // a cut file often looks like a missing quote
	}
	r := csv.NewReader(bytes.NewReader(s.buf[s.start:s.end]))
	r.FieldsPerRecord = -1
	_, err := r.Read()
	at, ok := errors.AsType[*csv.ParseError](err)
	if !ok {
		return &lineError{line: s.lines + 1, err: csv.ErrQuote}
	}
	return &lineError{line: s.lines + at.StartLine, end: s.lines + at.Line, column: at.Column, err: at.Err}
}
