package tabular

import (
	"errors"
	"fmt"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// table is what is known about a file once its header has been read.
type table struct {
	name   string
	header []string
	layout layout
}

// openTable finds the header of an entry. What it returns for the rest of the text
// is nil when there is none. The buffer, which may be nil, is used for the first
// block.
func openTable(e *partnercenter.Entry, typ *rowType, o options, buf []byte) (*table, *splitter, error) {
	t := &table{name: e.Name}
	s := &splitter{r: e.Reader, max: o.MaxRowBytes, buf: buf[:cap(buf)]}
	s.fill(headerBytes)
	if s.failed() {
		return nil, nil, t.wrap(s.err)
	}
	at := typ.columns.locate(s.buf[:min(s.end, headerBytes)])
	strange := at.score == 0 && len(typ.columns.names) > 0
	t.header = at.cells
	if at.found && !strange {
		s.start, s.lines, s.comma = at.offset, at.lines, byte(at.comma) //nolint:gosec // a comma or a tab
		var err error
		if t.header, err = s.header(); err != nil {
			return nil, nil, t.wrap(err)
		}
	}
	if err := checkHeader(t.header); err != nil {
		return nil, nil, t.wrap(err)
	}
	t.layout = typ.columns.arrange(t.header)
	report := t.layout.report
	report.File, report.SkippedLines = t.name, at.lines
	if strange {
		report.SkippedLines = 0
	}
	if o.OnColumns != nil {
		o.OnColumns(report)
	}
	switch {
	case o.Strict && len(report.Missing)+len(report.Unknown)+len(report.Repeated) > 0:
		return nil, nil, &partnercenter.ColumnError{Report: report}
	case !at.found:
		return t, nil, nil
	case strange:
		return nil, nil, t.wrap(typ.columns.noHeader())
	}
	return t, s, nil
}

// header reads the record that begins where the header was found.
func (s *splitter) header() ([]string, error) {
	for {
		r, err := s.next()
		switch {
		case err == nil:
			text := string(s.buf[r.from:r.to])
			header := make([]string, r.cells)
			for i, c := range s.cells {
				header[i] = c.text(text, r.from)
			}
			s.cells = s.cells[:0]
			return header, nil
		case errors.Is(err, errMore):
			s.fill(2 * (s.end - s.start))
		default:
			return nil, noEOF(err)
		}
	}
}

// text cuts the cell out of the text of its record, which begins at from.
func (c cell) text(record string, from int32) string {
	s := record[c.from-from : c.to-from]
	if c.form&doubled != 0 {
		s = strings.ReplaceAll(s, `""`, `"`)
	}
	if c.form&returns != 0 {
		s = strings.ReplaceAll(s, "\r\n", "\n")
	}
	return s
}

// wrap puts the file's name, and the line where one is known, before an error.
func (t *table) wrap(err error) error {
	if e, ok := errors.AsType[*lineError](err); ok {
		return fmt.Errorf("%s:%d: %w", t.name, e.line, e)
	}
	return fmt.Errorf("%s: %w", t.name, err)
}

// isHeader reports whether a row repeats the header, as it does where files have
// been appended to each other, byte order marks included. In a file with one column
// it may be a value.
func (t *table) isHeader(r *cut) bool {
	for i, name := range t.header {
		if cell := r.cell(i); cell != name && (i > 0 || strings.TrimPrefix(cell, utf8Mark) != name) {
			return false
		}
	}
	return len(t.header) > 1
}

// extra returns the cells that have no field, nil when the file has no such
// column.
func (t *table) extra(cell func(column int) string) map[string]string {
	if len(t.layout.extra) == 0 {
		return nil
	}
	m := make(map[string]string, len(t.layout.extra))
	for _, i := range t.layout.extra {
		m[t.layout.keys[i]] = cell(i)
	}
	return m
}

// rowError describes a row with bad cells, or with another number of cells than
// the header. The line of each cell comes from lines.
func (t *table) rowError(cells []string, bad []badCell, line func(cell int) int) *partnercenter.RowError {
	e := &partnercenter.RowError{File: t.name, Line: line(0), Record: make(map[string]string, len(cells))}
	for i, cell := range cells {
		e.Record[t.key(i)] = cell
	}
	add := func(column int, err error) {
		c := partnercenter.CellError{File: t.name, Line: line(min(column, len(cells)-1)), Column: t.key(column), Err: err}
		if column < len(cells) {
			c.Text = cells[column]
		}
		e.Cells = append(e.Cells, c)
	}
	for _, b := range bad {
		// A cell that is not there is reported once, below.
		if b.column < len(cells) {
			add(b.column, b.err)
		}
	}
	if n := len(t.header); len(cells) != n {
		add(min(len(cells), n), fmt.Errorf("the row has %d cells, the header has %d", len(cells), n))
	}
	for column := len(t.header) + 1; column < len(cells); column++ {
		add(column, errors.New("has no column in the header"))
	}
	return e
}

// key is the name of a column, also of one that the header does not have.
func (t *table) key(column int) string {
	if column < len(t.layout.keys) {
		return t.layout.keys[column]
	}
	return fmt.Sprintf("#%d", column+1)
}
