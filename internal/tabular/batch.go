package tabular

import (
	"errors"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

const (
	// batchRecords bounds how many rows are on their way together, whose memory the
	// splitting of short records would otherwise let grow.
	batchRecords = 256
	// leastBlock is the smallest amount of text to split at a time.
	leastBlock = 2 << 10
)

// batch is a block of text on its way through splitting and decoding, and what
// has become of it so far. It is used again for later blocks.
type batch[T any] struct {
	table   *table
	source  *source
	buf     []byte
	records []record
	cells   []cell // of all records
	err     error  // what ended the file behind the records
	rows    []row[T]
	done    chan struct{} // receives when the rows are decoded
}

// row is a decoded row, or one that is only partly so and why.
type row[T any] struct {
	value T
	err   error
}

func newBatch[T any]() *batch[T] { return &batch[T]{done: make(chan struct{}, 1)} }

// split fills b with the next records and the block that they are in.
func split[T any](s *splitter, b *batch[T]) {
	if s.buf == nil {
		s.block(b.buf)
	}
	b.records, b.err, s.cells = b.records[:0], nil, b.cells[:0]
	for len(b.records) < batchRecords {
		r, err := s.next()
		if err == nil {
			b.records = append(b.records, r)
			continue
		}
		if !errors.Is(err, errMore) {
			b.err = err
			break
		}
		if len(b.records) > 0 {
			break
		}
		s.fill(max(2*(s.end-s.start), s.portion()))
	}
	if n := len(b.records); n > 0 {
		s.average = int(b.records[n-1].to-b.records[0].from) / n
	}
	b.buf, b.cells = s.hand(), s.cells
}

// portion is how much text to read at a time: that of one batch.
func (s *splitter) portion() int {
	if s.average == 0 {
		return blockBytes / 2
	}
	return min(max(s.average*batchRecords, leastBlock), blockBytes)
}

// hand decodes batches, one at a time.
type hand[T any] struct {
	typ    *rowType
	opts   options
	target *T
	bound  bindings
	meta   *partnercenter.RowMeta // of target; nil when rows are pointers
	cut    cut

	table *table   // of the last batch
	dec   *decoder // and its decoder
	err   error    // or why there is none
}

// cut is a record whose cells are cut out when they are needed.
type cut struct {
	text  string
	from  int32 // where it lies in its block
	cells []cell
}

// cell returns the text of the cell in a column.
func (r *cut) cell(column int) string {
	c := r.cells[column]
	if c.form&^breaks != 0 {
		return c.text(r.text, r.from)
	}
	return r.text[c.from-r.from : c.to-r.from]
}

// line counts the lines before a cell.
func (r *cut) line(column int) int {
	return strings.Count(r.text[:r.cells[column].from-r.from], "\n")
}

// all appends the text of all cells.
func (r *cut) all(to []string) []string {
	for i := range r.cells {
		to = append(to, r.cell(i))
	}
	return to
}

func newHand[T any](typ *rowType, o options) *hand[T] {
	h := &hand[T]{typ: typ, opts: o, target: new(T)}
	h.bound = bind(typ, h.target)
	if len(h.bound) > 0 {
		h.meta = typ.metaOf(h.target)
	}
	return h
}

// decode decodes the records of a batch. A row that ends the reading is the last.
func (h *hand[T]) decode(b *batch[T]) {
	b.rows = b.rows[:0]
	if h.table != b.table {
		h.table = b.table
		h.dec, h.err = newDecoder(h.typ, b.table.layout, h.bound)
		h.clear() // of fields that this file has no columns for
	}
	if h.err != nil {
		b.err = h.err
		return
	}
	cells := b.cells
	for _, r := range b.records {
		if h.dec.rest != nil {
			h.clear() // csvutil leaves fields alone whose cells are blank
		}
		h.cut.cells = cells[:r.cells]
		cells = cells[r.cells:]
		keep, err := h.record(b, r)
		if !keep {
			continue
		}
		if err != nil && !ofRow(err) {
			b.err = err
			return
		}
		b.rows = append(b.rows, row[T]{*h.target, err})
		if err != nil && !h.opts.Tolerant {
			return
		}
	}
}

func (h *hand[T]) clear() {
	var zero T
	*h.target = zero
}

// record decodes one record into the target; false when it is no row.
func (h *hand[T]) record(b *batch[T], r record) (keep bool, err error) {
	c, t := &h.cut, b.table
	c.text, c.from = string(b.buf[r.from:c.cells[len(c.cells)-1].to]), r.from // one allocation for all cells
	if len(c.cells) == len(t.header) {
		if t.isHeader(c) {
			return false, nil
		}
		switch err := h.dec.decode(c, h.target); {
		case err == nil:
			h.note(r, t, c.cell)
			return true, nil
		case !errors.Is(err, errBadCell):
			return true, err
		}
	}
	return true, h.badRecord(r, t)
}

// badRecord decodes what can be decoded of a record with cells that do not fit, or
// with another number of cells than the header.
func (h *hand[T]) badRecord(r record, t *table) error {
	cells := h.cut.all(nil)
	aligned := cells
	if len(cells) != len(t.header) {
		aligned = make([]string, len(t.header))
		copy(aligned, cells)
	}
	bad, err := h.dec.decodeOneByOne(aligned, h.target)
	if err != nil {
		return err
	}
	h.note(r, t, func(column int) string { return aligned[column] })
	if len(cells) == len(t.header) {
		if bad = h.opts.unforgiven(cells, bad); len(bad) == 0 {
			return nil
		}
	}
	return t.rowError(cells, bad, func(column int) int { return r.line + h.cut.line(column) })
}

// note writes down where the row came from. Cell returns what is in the file's
// columns.
func (h *hand[T]) note(r record, t *table, cell func(column int) string) {
	meta := h.meta
	if meta == nil {
		meta = h.typ.metaOf(h.target)
	}
	if meta != nil {
		meta.File, meta.Line, meta.Extra = t.name, r.line, t.extra(cell)
	}
}

// options are [partnercenter.RowOptions] with their defaults filled in.
type options struct {
	partnercenter.RowOptions
	forgive func(text string) bool // nil: nothing
}

func rowOptions(opts *partnercenter.RowOptions) options {
	var o options
	if opts != nil {
		o.RowOptions = *opts
	}
	switch {
	case o.MaxRowBytes == 0:
		o.MaxRowBytes = defaultRowBytes
	case o.MaxRowBytes < 0 || o.MaxRowBytes > mostRowBytes:
		o.MaxRowBytes = mostRowBytes
	}
	return o
}

// unforgiven returns the bad cells that are not forgiven.
func (o options) unforgiven(cells []string, bad []badCell) []badCell {
	if o.forgive == nil {
		return bad
	}
	var left []badCell
	for _, b := range bad {
		if !o.forgive(cells[b.column]) {
			left = append(left, b)
		}
	}
	return left
}

// ofRow reports whether an error is about one row only.
func ofRow(err error) bool {
	_, ok := errors.AsType[*partnercenter.RowError](err)
	return ok
}
