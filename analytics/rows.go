package analytics

import (
	"io"
	"iter"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/tabular"
)

// Rows reads the rows of a report's file into values of T, in the order in which
// they lie there. T is a struct, or a pointer to one, whose csv tags name columns:
// one of the row types of this package, or your own. Embed
// [partnercenter.RowMeta] to learn where a row came from and to keep the columns
// that T has no field for.
//
// Columns are matched by name, whatever their order: case, blanks and underscores
// do not matter. Fields may be strings, integers, floats, [decimal.Decimal] or
// [decimal.NullDecimal] for exact numbers, [time.Time] (UTC), bool, and types that
// implement [encoding.TextUnmarshaler].
//
// Cells that the service has masked, see [Masked], count as empty wherever they do
// not fit: the field keeps its zero value and that is no error. Other cells that do
// not fit end the reading with a [*partnercenter.RowError], unless
// [partnercenter.RowOptions] say otherwise. Damage that makes it impossible to tell
// where rows begin always ends it. A file that has a header and nothing else, which
// is how the service writes a result without rows, yields none; see
// [Client.WhyEmpty].
//
// The sequence reads c as it goes, with memory that does not depend on the file's
// size. It can be ranged over once, from one goroutine. The caller closes c.
//
// Large files are read by goroutines that run ahead of the loop by a few hundred
// rows and end with it. A loop that is left early closes what c reads from.
func Rows[T any](c *partnercenter.Content, opts *partnercenter.RowOptions) iter.Seq2[T, error] {
	return tabular.LenientRows[T](c, opts, Masked)
}

// Masked reports whether the service has put asterisks in place of a cell's
// content, as it does in the rows of customers whose data is protected.
//
// https://learn.microsoft.com/partner-center/insights/customer-dashboard
func Masked(cell string) bool {
	cell = strings.TrimSpace(cell)
	return len(cell) >= 3 && strings.Trim(cell, "*") == ""
}

// OpenFile opens the file of a report that has been downloaded before, with this
// package or otherwise: compressed or not, csv or tsv, recognised by content and
// not by name. Close the content to close the file.
func OpenFile(path string) (*partnercenter.Content, error) {
	return tabular.OpenFile(path)
}

// OpenReaderAt is [OpenFile] for data that is not in a file: size bytes of r,
// which is read while the content is. The name stands in for that of the file, in
// errors.
func OpenReaderAt(name string, r io.ReaderAt, size int64) (*partnercenter.Content, error) {
	return tabular.Open(name, r, size)
}
