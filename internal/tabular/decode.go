package tabular

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/jszwec/csvutil"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
)

// rowType is what is known about the type of the rows before any file is seen.
type rowType struct {
	columns columns
	meta    []int // index of the embedded RowMeta, nil when there is none
	foreign bool  // cells are decoded by methods that are not ours
	decode  *csvutil.Unmarshalers
}

func newRowType(t reflect.Type) (*rowType, error) {
	structType := t
	if t.Kind() == reflect.Pointer {
		structType = t.Elem()
	}
	if structType.Kind() != reflect.Struct {
		return nil, fmt.Errorf("rows cannot be read into %v: use a struct, whose csv tags name the columns", t)
	}
	names, err := csvutil.Header(reflect.New(structType).Interface(), "csv")
	if err != nil {
		return nil, fmt.Errorf("rows cannot be read into %v: %w", t, err)
	}
	return &rowType{
		columns: newColumns(names),
		meta:    metaIndex(structType),
		foreign: bringsDecoders(structType, map[reflect.Type]bool{}),
		decode:  Unmarshalers(),
	}, nil
}

// bringsDecoders reports whether t is, or has fields of, a type that decodes
// itself, other than those that Unmarshalers is there for.
func bringsDecoders(t reflect.Type, seen map[reflect.Type]bool) bool {
	switch {
	case seen[t]:
		return false
	case t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[decimal.Decimal](), t == reflect.TypeFor[decimal.NullDecimal]():
		return false
	}
	seen[t] = true
	if p := reflect.PointerTo(t); p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || p.Implements(reflect.TypeFor[csvutil.Unmarshaler]()) {
		return true
	}
	switch t.Kind() { //nolint:exhaustive // others have neither elements nor fields
	case reflect.Pointer:
		return bringsDecoders(t.Elem(), seen)
	case reflect.Struct:
		for f := range t.Fields() {
			if bringsDecoders(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// metaIndex finds the RowMeta that is embedded in t, or in a struct that is.
func metaIndex(t reflect.Type) []int {
	meta := reflect.TypeFor[partnercenter.RowMeta]()
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case !f.Anonymous:
		case f.Type == meta:
			return []int{i}
		case f.Type.Kind() == reflect.Struct:
			if inner := metaIndex(f.Type); inner != nil {
				return append([]int{i}, inner...)
			}
		}
	}
	return nil
}

// metaOf returns the RowMeta of the row that target points to, nil when its type
// has none.
func (t *rowType) metaOf(target any) *partnercenter.RowMeta {
	if t.meta == nil {
		return nil
	}
	row := reflect.ValueOf(target).Elem()
	if row.Kind() == reflect.Pointer {
		row = row.Elem()
	}
	meta, _ := reflect.TypeAssert[*partnercenter.RowMeta](row.FieldByIndex(t.meta).Addr())
	return meta
}

// decoder decodes the records of one file.
type decoder struct {
	typ    *rowType
	layout layout
	direct []cellDecoder // columns that need no csvutil.Decoder
	record onRecord
	rest   *csvutil.Decoder // all other columns; nil when there are none
	cells  []string         // what it is given
	single []single         // made when the first bad cell appears
}

// single decodes one column by itself.
type single struct {
	column int
	record *onRecord
	dec    *csvutil.Decoder
}

// onRecord feeds a decoder with one record at a time.
type onRecord struct{ cells []string }

func (r *onRecord) Read() ([]string, error) {
	if r.cells == nil {
		return nil, io.EOF
	}
	return r.cells, nil
}

func newDecoder(t *rowType, l layout, b bindings) (*decoder, error) {
	d := &decoder{typ: t, layout: l}
	header := make([]string, len(l.fields))
	rest := len(b) == 0 // then a Decoder has to make the row too
	for i, field := range l.fields {
		bind, bound := b[field]
		switch {
		case field != "" && bound:
			d.direct = append(d.direct, bind(i))
		case field != "":
			header[i] = field
			rest = true
			continue
		}
		// A name that no field has; every column needs one of its own.
		header[i] = "\x00" + strconv.Itoa(i)
	}
	if !rest {
		return d, nil
	}
	var err error
	d.rest, err = d.decoder(&d.record, header)
	return d, err
}

func (d *decoder) decoder(r csvutil.Reader, header []string) (*csvutil.Decoder, error) {
	dec, err := csvutil.NewDecoder(r, header...)
	if err != nil {
		return nil, err
	}
	dec.WithUnmarshalers(d.typ.decode)
	return dec, nil
}

// badCell is a cell that did not fit.
type badCell struct {
	column int
	err    error
}

// errBadCell: there is a cell that does not fit.
var errBadCell = errors.New("bad cell")

// decode puts the cells, as many as the file has columns, into the row that
// target points to. Fields that csvutil decodes hold their zero value before; all
// others are overwritten. After errBadCell the row is good for nothing.
func (d *decoder) decode(r *cut, target any) error {
	for _, decode := range d.direct {
		if decode(r) != nil {
			return errBadCell
		}
	}
	if d.rest == nil {
		return nil
	}
	d.cells = r.all(d.cells[:0])
	d.record.cells = d.cells
	err := d.rest.Decode(target)
	if _, ok := errors.AsType[*csvutil.DecodeError](err); ok {
		return errBadCell
	}
	return err
}

// decodeOneByOne decodes all cells that fit, as many as the file has columns, and
// returns the others: a csvutil.Decoder ends at the first. What a failing decoder
// has done to the row is undone, so that the fields of bad cells hold their zero
// value.
func (d *decoder) decodeOneByOne(cells []string, target any) ([]badCell, error) {
	if d.single == nil {
		for i, field := range d.layout.fields {
			if field == "" {
				continue
			}
			s := single{column: i, record: &onRecord{}}
			var err error
			if s.dec, err = d.decoder(s.record, []string{field}); err != nil {
				return nil, err
			}
			d.single = append(d.single, s)
		}
	}
	row := reflect.ValueOf(target).Elem()
	var bad []badCell
	isBad := func(column int) bool {
		return slices.ContainsFunc(bad, func(b badCell) bool { return b.column == column })
	}
	for range 2 { // the second time without the bad cells
		known := len(bad)
		row.SetZero()
		for _, s := range d.single {
			if isBad(s.column) {
				continue
			}
			s.record.cells = cells[s.column : s.column+1]
			if err := s.dec.Decode(target); err != nil {
				bad = append(bad, badCell{s.column, reason(err)})
			}
		}
		if len(bad) == known {
			break
		}
	}
	if row.Kind() == reflect.Pointer && row.IsNil() {
		row.Set(reflect.New(row.Type().Elem())) // every cell is bad
	}
	slices.SortFunc(bad, func(a, b badCell) int { return a.column - b.column })
	return bad, nil
}

// reason takes the decoder's own words off an error.
func reason(err error) error {
	if e, ok := errors.AsType[*csvutil.UnmarshalTypeError](err); ok {
		return fmt.Errorf("does not fit Go's %v", e.Type)
	}
	if e, ok := errors.AsType[*csvutil.DecodeError](err); ok {
		return e.Err
	}
	return err
}
