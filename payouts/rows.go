package payouts

import (
	"io"
	"iter"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/tabular"
)

// Rows reads the rows of all files of an export into values of T, in the order in
// which they lie there. T is a struct, or a pointer to one, whose csv tags name
// columns; embed [partnercenter.RowMeta] to learn where a row came from and to
// keep the columns that T has no field for.
//
// Columns are matched by name, whatever their order: case, blanks and underscores
// do not matter, as the documentation and the files do not agree on them. Every
// file has a header of its own, which may follow a few other lines. Commas and
// tabs both separate cells; the header decides.
//
// Besides strings, integers and floats a field may be
//   - a [decimal.Decimal], or a [decimal.NullDecimal] where the cell may be empty:
//     exact numbers, with a decimal point and without grouping;
//   - a [time.Time]: dates and times that put the year first, UTC where they say
//     nothing else, and always UTC in the result; the zero time for an empty cell;
//   - a bool or *bool: true or false in any case;
//   - any type that implements [encoding.TextUnmarshaler], and a pointer to any of
//     these, nil for an empty cell.
//
// An empty cell does not fit a number or a bool unless the tag has the option
// omitempty, which leaves the field alone.
//
// By default reading ends at the first cell that does not fit, with a
// [*partnercenter.RowError]; see [partnercenter.RowOptions] for going on, for
// learning about new and missing columns, and for insisting on them. Rows with
// more or fewer cells than the header are errors of the same kind. Damage that
// makes it impossible to tell where rows begin (a missing quote, a cut or corrupt
// archive) always ends the reading with an error. A file without rows is none.
//
// The sequence reads c as it goes, with memory that does not depend on the file's
// size. It can be ranged over once, from one goroutine. The caller closes c.
//
// Large files are inflated and decoded by goroutines that run ahead of the loop by
// a few hundred rows and end with it. A loop that is left early closes what c reads
// from. Types that decode themselves do so in the goroutine that ranges.
//
// What the files look like is described at
// https://learn.microsoft.com/en-us/partner-center/payouts-enhanced-exports.
func Rows[T any](c *partnercenter.Content, opts *partnercenter.RowOptions) iter.Seq2[T, error] {
	return tabular.Rows[T](c, opts)
}

// EarningRows is [Rows] for an earnings export, with a field for every documented
// column. No single file has all of them, so the Strict option is for row types
// of your own.
func EarningRows(c *partnercenter.Content, opts *partnercenter.RowOptions) iter.Seq2[EarningRow, error] {
	return tabular.Rows[EarningRow](c, opts)
}

// PaymentRows is [Rows] for a payments export, with a field for every documented
// column. No single file has all of them, so the Strict option is for row types
// of your own.
func PaymentRows(c *partnercenter.Content, opts *partnercenter.RowOptions) iter.Seq2[PaymentRow, error] {
	return tabular.Rows[PaymentRow](c, opts)
}

// OpenFile opens an export that has been downloaded before, with this package, in
// the portal or otherwise: a zip archive with any number of files, a gzip file or
// plain text, recognised by content and not by name. Close the content to close
// the file.
func OpenFile(path string) (*partnercenter.Content, error) {
	return tabular.OpenFile(path)
}

// OpenReaderAt is [OpenFile] for data that is not in a file: size bytes of r,
// which is read while the content is. The name stands in for that of the file, in
// errors and where the data has no name of its own.
func OpenReaderAt(name string, r io.ReaderAt, size int64) (*partnercenter.Content, error) {
	return tabular.Open(name, r, size)
}
