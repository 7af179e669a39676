package partnercenter

import (
	"fmt"
	"strings"
)

// RowOptions tunes how the rows of an export are read. Zero fields, and a nil
// pointer, mean the defaults.
//
// By default columns may come and go, as the service's own documentation says
// they do, and a cell that does not fit its field ends the reading.
type RowOptions struct {
	// Strict makes a missing, unknown or doubled column an error
	// ([*ColumnError]) before the first row of that file.
	Strict bool
	// Tolerant goes on after a bad cell: the row is yielded together with a
	// [*RowError] that names its bad cells and keeps their text. Fields of bad
	// cells hold their zero value.
	Tolerant bool
	// Interleave reads several files of an archive at the same time, which is faster
	// where more than two processors are there for it. The rows of each file stay
	// in their order, but those of different files come mixed; embed [RowMeta] to
	// tell them apart.
	Interleave bool
	// OnColumns is called once per file, before its first row, by the goroutine
	// that ranges over the rows.
	OnColumns func(ColumnReport)
	// MaxRowBytes refuses files with a longer row, as a damaged quote would
	// make one. Default 1 MiB, at most 1 GiB.
	MaxRowBytes int
}

// ColumnReport compares the header of a file with the fields of the row type.
type ColumnReport struct {
	// File is the name of the entry.
	File string
	// Columns are the file's columns, in its order and spelling.
	Columns []string
	// Missing are the fields' columns that the file does not have.
	Missing []string
	// Unknown are the file's columns that have no field; their cells are in
	// [RowMeta.Extra].
	Unknown []string
	// Repeated are the columns that occur more than once; the first one counts.
	Repeated []string
	// SkippedLines is the number of lines before the header.
	SkippedLines int
}

// ColumnError is the error of [RowOptions.Strict] for a file whose columns are
// not those of the row type.
type ColumnError struct {
	// Report tells what is missing and what is there in its place.
	Report ColumnReport
}

// Error names the file and the columns.
func (e *ColumnError) Error() string {
	var parts []string
	for _, p := range []struct {
		what string
		cols []string
	}{{"missing", e.Report.Missing}, {"unknown", e.Report.Unknown}, {"repeated", e.Report.Repeated}} {
		if len(p.cols) > 0 {
			parts = append(parts, p.what+" "+strings.Join(p.cols, ", "))
		}
	}
	return fmt.Sprintf("%s: columns differ from the row type: %s", e.Report.File, strings.Join(parts, "; "))
}

// RowMeta says where a row came from. Embed it in a struct of your own and the
// row readers fill it in.
type RowMeta struct {
	// File is the name of the entry that held the row.
	File string `csv:"-" json:"file,omitempty"`
	// Line is the line in that file on which the row starts, counted from 1.
	Line int `csv:"-" json:"line,omitempty"`
	// Extra holds the cells of columns that have no field, under the column's
	// name as the file spells it; nil when there are none.
	Extra map[string]string `csv:"-" json:"extra,omitempty"`
}

// RowError lists the bad cells of one row.
type RowError struct {
	// File is the name of the entry that holds the row.
	File string
	// Line is the line on which the row starts, counted from 1.
	Line int
	// Cells are the bad cells, in the file's order, never empty.
	Cells []CellError
	// Record is the whole row as text, under the file's column names.
	Record map[string]string
}

// Error describes the first bad cell and counts the others.
func (e *RowError) Error() string {
	if len(e.Cells) == 0 {
		return fmt.Sprintf("%s:%d: bad row", e.File, e.Line)
	}
	if n := len(e.Cells); n > 1 {
		return fmt.Sprintf("%v (and %d more in this row)", &e.Cells[0], n-1)
	}
	return e.Cells[0].Error()
}

// Unwrap gives access to the cells with [errors.As].
func (e *RowError) Unwrap() []error {
	out := make([]error, len(e.Cells))
	for i := range e.Cells {
		out[i] = &e.Cells[i]
	}
	return out
}

// CellError is a cell that does not fit its field.
type CellError struct {
	// File is the name of the entry.
	File string
	// Line is the line on which the cell starts, counted from 1.
	Line int
	// Column is the column's name as the file spells it.
	Column string
	// Text is the cell.
	Text string
	// Err says what is wrong with it.
	Err error
}

// Error names file, line and column and quotes at most 64 bytes of the cell.
func (e *CellError) Error() string {
	text := e.Text
	if len(text) > 64 {
		text = text[:64] + "..."
	}
	return fmt.Sprintf("%s:%d: column %s: %q: %v", e.File, e.Line, e.Column, text, e.Err)
}

// Unwrap returns the cause.
func (e *CellError) Unwrap() error { return e.Err }
