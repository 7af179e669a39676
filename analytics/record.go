package analytics

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics/query"
	"github.com/partnercenter-go/partnercenter/internal/tabular"
)

// Record is a row of a file whose columns are not known when the program is
// written. It stays valid when the iteration goes on, and reading it is safe for
// concurrent use.
type Record struct {
	// File is the name of the file.
	File string
	// Line is the line on which the row starts, counted from 1.
	Line int

	columns *recordColumns
	cells   []string
}

// recordColumns are the columns of one file.
type recordColumns struct {
	names []string // as the file spells them
	keys  []string // distinct
	types []query.ColumnType
	index map[string]int // by folded name; the first of several
}

// Columns returns the names of the columns, in the file's order and spelling.
func (r Record) Columns() []string {
	if r.columns == nil {
		return nil
	}
	return append([]string(nil), r.columns.names...)
}

// Len returns the number of columns.
func (r Record) Len() int { return len(r.cells) }

// Text returns the cell of a column, in any case, as the file has it; false when
// there is no such column.
func (r Record) Text(column string) (string, bool) {
	i, ok := r.find(column)
	if !ok {
		return "", false
	}
	return r.cells[i], true
}

// Value returns the cell of a column in the type that the dataset gives it: see
// [Record.At]. It is nil when there is no such column.
func (r Record) Value(column string) any {
	i, ok := r.find(column)
	if !ok {
		return nil
	}
	return r.At(i)
}

// At returns the cell of the column at index i in the type that the dataset gives
// it: a [decimal.Decimal] for numbers, an int64 for whole ones, a [time.Time] in
// UTC for days and instants, a bool for flags of every spelling, and a string for
// everything else. It is nil when the cell is empty or [Masked], and the text when
// the cell does not fit the type, since types are what the documentation says or
// lets one conclude: the service itself publishes none.
func (r Record) At(i int) any {
	cell := strings.TrimSpace(r.cells[i])
	if cell == "" || Masked(cell) {
		return nil
	}
	if v, err := parseCell(r.columns.types[i], cell); err == nil {
		return v
	}
	return r.cells[i]
}

// All yields names and values, see [Record.At], in the file's order.
func (r Record) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i := range r.cells {
			if !yield(r.columns.names[i], r.At(i)) {
				return
			}
		}
	}
}

// Misfits lists the cells that do not fit the type of their column; nil if all do.
func (r Record) Misfits() []partnercenter.CellError {
	var out []partnercenter.CellError
	for i, cell := range r.cells {
		text := strings.TrimSpace(cell)
		if text == "" || Masked(text) {
			continue
		}
		if _, err := parseCell(r.columns.types[i], text); err != nil {
			out = append(out, partnercenter.CellError{File: r.File, Line: r.Line, Column: r.columns.names[i], Text: cell, Err: err})
		}
	}
	return out
}

func (r Record) find(column string) (int, bool) {
	if r.columns == nil {
		return 0, false
	}
	i, ok := r.columns.index[foldName(column)]
	return i, ok
}

// foldName maps the spellings of a column to one, as typed rows do.
func foldName(s string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(s))
}

// parseCell reads a cell that is neither empty nor masked.
func parseCell(t query.ColumnType, cell string) (any, error) {
	switch t {
	case query.TypeInteger:
		return strconv.ParseInt(cell, 10, 64)
	case query.TypeDecimal:
		return tabular.ParseDecimal(cell)
	case query.TypeDate, query.TypeDateTime:
		return tabular.ParseTime(cell)
	case query.TypeFlag, query.TypeBoolean, query.TypeYesNo:
		switch strings.ToLower(cell) {
		case "yes":
			return true, nil
		case "no":
			return false, nil
		}
		return tabular.ParseBool(cell)
	default:
		return cell, nil
	}
}

// Records reads the rows of a report's file with the columns that it happens to
// have. The dataset gives them their types: get one from [Client.Catalog], or from
// [query.Documented], or pass the zero value and all cells are text.
//
// The options are those of [Rows], except that Strict is about columns that the
// dataset does not have; none can be missing. Interleave has no effect. A row with more or fewer cells than
// the header is a [*partnercenter.RowError].
func Records(c *partnercenter.Content, dataset query.Dataset, opts *partnercenter.RowOptions) iter.Seq2[Record, error] {
	var o partnercenter.RowOptions
	if opts != nil {
		o = *opts
	}
	types := make(map[string]query.ColumnType)
	for _, list := range [][]query.Column{dataset.Disputed, dataset.Metrics, dataset.Columns} {
		for _, col := range list {
			types[foldName(col.Name)] = col.Type
		}
	}
	strict, report := o.Strict, o.OnColumns
	var columns *recordColumns
	var failed error
	o.Strict, o.Interleave = false, false // columns are those of the file that was opened last
	o.OnColumns = func(r partnercenter.ColumnReport) {
		columns, r.Unknown = newRecordColumns(r, types)
		if report != nil {
			report(r)
		}
		if strict && len(r.Unknown)+len(r.Repeated) > 0 {
			failed = &partnercenter.ColumnError{Report: r}
		}
	}
	type row struct{ partnercenter.RowMeta }
	return func(yield func(Record, error) bool) {
		for row, err := range tabular.Rows[row](c, &o) {
			if failed != nil {
				break
			}
			r := Record{File: row.File, Line: row.Line}
			if columns != nil && row.Line > 0 {
				r.columns, r.cells = columns, make([]string, len(columns.keys))
				for i, key := range columns.keys {
					r.cells[i] = row.Extra[key]
				}
			}
			if !yield(r, err) {
				return
			}
		}
		if failed != nil {
			yield(Record{}, failed)
		}
	}
}

// newRecordColumns names the columns of a file, and lists those that the dataset
// does not have.
func newRecordColumns(r partnercenter.ColumnReport, types map[string]query.ColumnType) (columns *recordColumns, unknown []string) {
	columns = &recordColumns{names: slices.Clone(r.Columns), index: make(map[string]int, len(r.Columns))}
	taken := make(map[string]int, len(r.Columns))
	for i, name := range r.Columns {
		key := foldName(name)
		if _, again := columns.index[key]; !again {
			columns.index[key] = i
		}
		t, known := types[key]
		if !known {
			unknown = append(unknown, name)
		}
		columns.types = append(columns.types, t)
		columns.keys = append(columns.keys, distinct(taken, name, i))
	}
	return columns, unknown
}

// distinct names the column at index i the way [partnercenter.RowMeta] does: "#3"
// for a third column without name, "x#2" for a second x.
func distinct(taken map[string]int, name string, i int) string {
	if name == "" {
		name = fmt.Sprintf("#%d", i+1)
	}
	key := name
	for taken[key] > 0 {
		taken[name]++
		key = fmt.Sprintf("%s#%d", name, taken[name])
	}
	taken[key] = 1
	return key
}
