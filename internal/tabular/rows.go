package tabular

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"reflect"
	"slices"

	"github.com/partnercenter-go/partnercenter"
)

// Rows decodes the rows of all files of c into values of T, a struct (or pointer
// to one) whose csv tags name the columns, as package csvutil reads them, with
// the cell decoders of [Unmarshalers].
//
// Every file has its own header. It is looked for among the first 20 lines, and
// its names are matched without regard to case, blanks and underscores. A comma or
// a tab separates the cells, whichever the header says. A row that repeats the
// header is skipped, as are blank lines; a row with more or fewer cells than the
// header is an error of that row.
//
// Errors are those of [partnercenter.RowOptions]. After one that is no
// [*partnercenter.RowError], and after every one without its Tolerant field,
// nothing more is yielded. Nothing is closed.
func Rows[T any](c *partnercenter.Content, opts *partnercenter.RowOptions) iter.Seq2[T, error] {
	o := rowOptions(opts)
	return func(yield func(T, error) bool) {
		var zero T
		if c == nil {
			yield(zero, errors.New("there is no content to read rows from: it is nil"))
			return
		}
		typ, err := newRowType(reflect.TypeFor[T]())
		if err != nil {
			yield(zero, err)
			return
		}
		row := new(T)
		bound := bind(typ, row)
		for entry, err := range c.Entries() {
			if err != nil {
				yield(zero, err)
				return
			}
			f, err := openFile(entry, typ, bound, o)
			if err != nil {
				yield(zero, err)
				return
			}
			for {
				*row = zero
				err := f.next(row)
				if err == io.EOF { //nolint:errorlint // next returns io.EOF itself
					break
				}
				_, ofRow := errors.AsType[*partnercenter.RowError](err)
				if err != nil && !ofRow {
					yield(zero, err)
					return
				}
				if !yield(*row, err) || err != nil && !o.Tolerant {
					return
				}
			}
		}
	}
}

// rowOptions copies the options and fills in the defaults.
func rowOptions(opts *partnercenter.RowOptions) partnercenter.RowOptions {
	var o partnercenter.RowOptions
	if opts != nil {
		o = *opts
	}
	switch {
	case o.MaxRowBytes == 0:
		o.MaxRowBytes = defaultRowBytes
	case o.MaxRowBytes < 0:
		o.MaxRowBytes = math.MaxInt
	}
	return o
}

// file reads the rows of one entry.
type file struct {
	name    string
	typ     *rowType
	before  int // lines before the header
	records records
	header  []string
	layout  layout
	dec     *decoder // nil for a file without text
}

func openFile(e *partnercenter.Entry, typ *rowType, b bindings, o partnercenter.RowOptions) (*file, error) {
	f := &file{name: e.Name, typ: typ}
	lim := &limited{r: e.Reader, end: math.MaxInt64}
	br := bufio.NewReaderSize(lim, headerBytes)
	head, err := br.Peek(headerBytes)
	if err != nil && err != io.EOF { //nolint:errorlint // Peek returns io.EOF itself when the file is short
		return nil, f.wrap(err)
	}
	at := typ.columns.locate(head)
	strange := at.score == 0 && len(typ.columns.names) > 0
	f.header = at.cells
	if at.found && !strange {
		err = f.readHeader(br, lim, at, o.MaxRowBytes)
	} else {
		err = checkHeader(f.header)
	}
	if err != nil {
		return nil, f.wrap(err)
	}
	f.layout = typ.columns.arrange(f.header)
	report := f.layout.report
	report.File, report.SkippedLines = f.name, f.before
	if o.OnColumns != nil {
		o.OnColumns(report)
	}
	if o.Strict && len(report.Missing)+len(report.Unknown)+len(report.Repeated) > 0 {
		return nil, &partnercenter.ColumnError{Report: report}
	}
	if !at.found {
		return f, nil
	}
	if strange {
		return nil, f.wrap(typ.columns.noHeader())
	}
	if f.dec, err = newDecoder(typ, f.layout, b); err != nil {
		return nil, f.wrap(err)
	}
	return f, nil
}

func (f *file) readHeader(br *bufio.Reader, lim *limited, at spot, maxRow int) error {
	if _, err := br.Discard(at.offset); err != nil {
		return err
	}
	f.before = at.lines
	f.records = openRecords(br, lim, at.comma, maxRow)
	header, err := f.records.Read()
	if err != nil {
		return noEOF(err)
	}
	f.header = slices.Clone(header)
	return checkHeader(f.header)
}

// wrap puts the file's name, and the line where one is known, before an error.
func (f *file) wrap(err error) error {
	if e, ok := errors.AsType[*lineError](err); ok {
		moved := *e
		moved.line += f.before
		moved.end += f.before
		return fmt.Errorf("%s:%d: %w", f.name, moved.line, &moved)
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

// next decodes the next row into target. It returns io.EOF after the last one,
// and a *partnercenter.RowError for a row of which all is decoded that can be.
func (f *file) next(target any) error {
	if f.dec == nil {
		return io.EOF
	}
	cells, err := f.records.Read()
	for err == nil && f.isHeader(cells) {
		cells, err = f.records.Read()
	}
	if err == io.EOF { //nolint:errorlint // records return io.EOF itself at the regular end
		return io.EOF
	}
	if err != nil {
		return f.wrap(err)
	}
	aligned := cells
	if len(cells) != len(f.header) {
		aligned = make([]string, len(f.header))
		copy(aligned, cells)
	}
	bad, err := f.dec.decode(aligned, target)
	if err != nil {
		return f.wrap(err)
	}
	if meta := f.typ.metaOf(target); meta != nil {
		meta.File, meta.Line = f.name, f.line(0)
		meta.Extra = f.extra(aligned)
	}
	if len(bad) == 0 && len(cells) == len(f.header) {
		return nil
	}
	return f.rowError(cells, bad)
}

// isHeader reports whether a row repeats the header, as it does where files have
// been appended to each other. In a file with one column it may be a value.
func (f *file) isHeader(cells []string) bool {
	return len(cells) > 1 && cells[0] == f.header[0] && slices.Equal(cells, f.header)
}

func (f *file) line(cell int) int { return f.before + f.records.Line(cell) }

// extra returns the cells that have no field, nil when the file has no such
// column.
func (f *file) extra(cells []string) map[string]string {
	if len(f.layout.extra) == 0 {
		return nil
	}
	m := make(map[string]string, len(f.layout.extra))
	for _, i := range f.layout.extra {
		m[f.layout.keys[i]] = cells[i]
	}
	return m
}

func (f *file) rowError(cells []string, bad []badCell) *partnercenter.RowError {
	e := &partnercenter.RowError{File: f.name, Line: f.line(0), Record: make(map[string]string, len(cells))}
	for i, cell := range cells {
		e.Record[f.key(i)] = cell
	}
	add := func(column int, err error) {
		c := partnercenter.CellError{File: f.name, Line: f.line(min(column, len(cells)-1)), Column: f.key(column), Err: err}
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
	if n := len(f.header); len(cells) != n {
		add(min(len(cells), n), fmt.Errorf("the row has %d cells, the header has %d", len(cells), n))
	}
	for column := len(f.header) + 1; column < len(cells); column++ {
		add(column, errors.New("has no column in the header"))
	}
	return e
}

// key is the name of a column, also of one that the header does not have.
func (f *file) key(column int) string {
	if column < len(f.layout.keys) {
		return f.layout.keys[column]
	}
	return fmt.Sprintf("#%d", column+1)
}
