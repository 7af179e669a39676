package payouts

import "io"

// dialect is how delimited text is written.
type dialect struct {
	comma byte
	crlf  bool
	bom   bool
}

// table writes rows as delimited text and counts the bytes.
type table[T any] struct {
	w     io.Writer
	cols  []column[T]
	d     dialect
	line  []byte
	cell  []byte
	bytes int64
}

func (t *table[T]) header() error {
	t.line = t.line[:0]
	if t.d.bom {
		t.line = append(t.line, "\xef\xbb\xbf"...)
	}
	for i := range t.cols {
		t.add(i, append(t.cell[:0], t.cols[i].name...))
	}
	return t.end()
}

func (t *table[T]) row(row *T) error {
	t.format(row)
	return t.end()
}

// size returns how many bytes the row would take.
func (t *table[T]) size(row *T) int64 {
	t.format(row)
	if t.d.crlf {
		return int64(len(t.line)) + 2
	}
	return int64(len(t.line)) + 1
}

func (t *table[T]) format(row *T) {
	t.line = t.line[:0]
	for i := range t.cols {
		t.add(i, t.cols[i].cell(t.cell[:0], row))
	}
}

// add appends a cell, quoted where it must be.
func (t *table[T]) add(i int, cell []byte) {
	t.cell = cell
	if i > 0 {
		t.line = append(t.line, t.d.comma)
	}
	if len(cell) == 0 {
		return
	}
	quote := cell[0] == ' '
	for _, c := range cell {
		if c == t.d.comma || c == '"' || c == '\n' || c == '\r' {
			quote = true
			break
		}
	}
	if !quote {
		t.line = append(t.line, cell...)
		return
	}
	t.line = append(t.line, '"')
	for _, c := range cell {
		if c == '"' {
			t.line = append(t.line, '"')
		}
		t.line = append(t.line, c)
	}
	t.line = append(t.line, '"')
}

func (t *table[T]) end() error {
	if t.d.crlf {
		t.line = append(t.line, '\r')
	}
	t.line = append(t.line, '\n')
	t.bytes += int64(len(t.line))
	_, err := t.w.Write(t.line)
	return err
}
