package tabular

import (
	"errors"
	"iter"
	"reflect"

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
// nothing more is yielded.
//
// Files of more than a few dozen KiB are inflated, split and decoded by goroutines
// that run ahead of the loop by a few hundred rows. They have ended when the loop
// has; to that end, a loop that is left early closes what c reads from.
func Rows[T any](c *partnercenter.Content, opts *partnercenter.RowOptions) iter.Seq2[T, error] {
	return LenientRows[T](c, opts, nil)
}

// LenientRows is [Rows], except that cells that do not fit are no errors when
// forgive says so of their text: their fields keep the zero value.
func LenientRows[T any](c *partnercenter.Content, opts *partnercenter.RowOptions, forgive func(text string) bool) iter.Seq2[T, error] {
	o := rowOptions(opts)
	o.forgive = forgive
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
		newPipeline(typ, o, yield).run(c)
	}
}
