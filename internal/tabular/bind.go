package tabular

import (
	"encoding"
	"reflect"
	"strconv"
	"time"

	"github.com/jszwec/csvutil"
	"github.com/shopspring/decimal"
)

// A csvutil.Decoder calls the decoders of cells through reflection and with a copy
// of each cell. As a hand decodes all its rows into the same variable, fields of
// the usual types can be bound to their decoders once instead, which takes a
// fraction of the time and of the allocations. What the fields are, and which
// column is whose, remains csvutil's decision: it is watched while it decodes a
// cell into each of them.

// cellDecoder decodes one cell of a record into the field that it is bound to. It
// overwrites what the row before has left there, unless the cell does not fit.
type cellDecoder func(r *cut) error

// binding makes the decoder of a field that takes its cells from a column.
type binding func(column int) cellDecoder

// bindings holds the bindings by the column names of their fields. All other
// fields are left to a csvutil.Decoder.
type bindings map[string]binding

// bind finds the fields of the row that target points to which can be bound. There
// are none when the row is a pointer, since every row is then another struct, and
// when the type has a field that csvutil cannot decode.
func bind(t *rowType, target any) bindings {
	row := reflect.ValueOf(target).Elem()
	if row.Kind() == reflect.Pointer || len(t.columns.names) == 0 {
		return nil
	}
	defer row.SetZero()
	p := &probe{purse: new(purse), fields: map[string]field{}}
	// The second time all cells are blank, and fields with the option omitempty
	// are not decoded.
	filled, blank := make([]string, len(t.columns.names)), make([]string, len(t.columns.names))
	for i := range filled {
		filled[i] = "1"
	}
	if p.decode(t, filled, target) != nil {
		return nil
	}
	bound := bindings{}
	eachField(row, func(f reflect.Value) {
		p.bindText(f, bound)
		p.bindPointer(f, bound)
	})
	all := p.fields
	p.fields = map[string]field{}
	if p.decode(t, blank, target) != nil {
		return nil
	}
	first, end := row.Addr().Pointer(), row.Addr().Pointer()+row.Type().Size()
	for column, f := range all {
		// What is elsewhere belongs to a pointer, and is made anew for every row.
		if first <= f.address && f.address < end {
			_, always := p.fields[column]
			bound[column] = f.bind(!always)
		}
	}
	return bound
}

// eachField calls f with the fields of a row that can be set, those of embedded
// structs included.
func eachField(row reflect.Value, f func(reflect.Value)) {
	for _, v := range row.Fields() {
		switch {
		case v.Kind() == reflect.Struct:
			eachField(v, f)
		case v.CanSet():
			f(v)
		}
	}
}

// bindText binds a field of a string type other than string itself: the probe has
// left the name of its column there.
func (p *probe) bindText(f reflect.Value, bound bindings) {
	if f.Kind() != reflect.String || f.Type() == reflect.TypeFor[string]() {
		return
	}
	column, ok := p.marks[f.String()]
	if !ok {
		return
	}
	bound[column] = func(column int) cellDecoder {
		return func(r *cut) error {
			f.SetString(r.cell(column))
			return nil
		}
	}
}

// bindPointer binds a field that points to what the probe has seen decoded. Blank
// cells leave it nil.
func (p *probe) bindPointer(f reflect.Value, bound bindings) {
	if f.Kind() != reflect.Pointer || f.IsNil() {
		return
	}
	for column, seen := range p.fields {
		if seen.address != f.Pointer() {
			continue
		}
		if b := seen.pointer(f.Addr().Interface()); b != nil {
			bound[column] = b
		}
	}
}

// probe stands in for the decoders of cells and notes which fields they are given.
type probe struct {
	purse  *purse            // for the decoders of the row
	column string            // of the cell that is being decoded
	fields map[string]field  // by column
	marks  map[string]string // columns by what was written into their fields
}

// field is a field that could be bound.
type field struct {
	address uintptr
	bind    func(omitEmpty bool) binding
	pointer func(to any) binding // binds the pointer that led to it; nil if it is of another type
}

// decode has a csvutil.Decoder decode a record with one cell for each field.
func (p *probe) decode(t *rowType, cells []string, target any) error {
	d, err := csvutil.NewDecoder(&onRecord{cells: cells}, t.columns.names...)
	if err != nil {
		return err
	}
	d.WithUnmarshalers(csvutil.NewUnmarshalers(
		watchText(p),
		watch(p, func() parser[decimal.Decimal] { return (&pocket{purse: p.purse}).decimal }),
		watch(p, func() parser[decimal.NullDecimal] { return (&pocket{purse: p.purse}).nullDecimal }),
		watch(p, func() parser[time.Time] { return ParseTime }),
		watch(p, func() parser[bool] { return ParseBool }),
		// Decoders of other types are not called with cells that are in no file.
		csvutil.UnmarshalFunc(func([]byte, csvutil.Unmarshaler) error { return nil }),
		csvutil.UnmarshalFunc(func([]byte, encoding.TextUnmarshaler) error { return nil }),
	))
	p.marks = map[string]string{}
	// Called before each cell is decoded; the text that it returns fits the field.
	d.Map = func(_, column string, zero any) string {
		p.column = column
		switch reflect.ValueOf(zero).Kind() {
		case reflect.Bool:
			return "true"
		case reflect.Slice:
			return "" // base64 of nothing
		case reflect.String:
			mark := "\x00" + strconv.Itoa(len(p.marks))
			p.marks[mark] = column
			return mark
		default:
			return "1"
		}
	}
	return d.Decode(target)
}

// parser makes a value of a cell. It may remember something of the cells of its
// column.
type parser[T any] func(cell string) (T, error)

// watch notes fields of type T, whose cells need a parser for each column.
func watch[T any](p *probe, parser func() parser[T]) *csvutil.Unmarshalers {
	return csvutil.UnmarshalFunc(func(_ []byte, at *T) error {
		p.note(reflect.ValueOf(at).Pointer(), func(omitEmpty bool) binding {
			return func(column int) cellDecoder { return direct(at, column, omitEmpty, parser()) }
		}, func(to any) binding {
			pointer, ok := to.(**T)
			if !ok {
				return nil
			}
			return func(column int) cellDecoder { return through(pointer, column, parser()) }
		})
		return nil
	})
}

// watchText is watch for strings, which need no parsing.
func watchText(p *probe) *csvutil.Unmarshalers {
	return csvutil.UnmarshalFunc(func(_ []byte, at *string) error {
		p.note(reflect.ValueOf(at).Pointer(), func(bool) binding {
			return func(column int) cellDecoder {
				return func(r *cut) error {
					*at = r.cell(column)
					return nil
				}
			}
		}, func(to any) binding {
			pointer, ok := to.(**string)
			if !ok {
				return nil
			}
			return func(column int) cellDecoder {
				return through(pointer, column, func(cell string) (string, error) { return cell, nil })
			}
		})
		return nil
	})
}

func (p *probe) note(address uintptr, bind func(bool) binding, pointer func(any) binding) {
	p.fields[p.column] = field{address, bind, pointer}
}

// direct decodes the cells of a column into a field.
func direct[T any](at *T, column int, omitEmpty bool, parse parser[T]) cellDecoder {
	return func(r *cut) error {
		cell := r.cell(column)
		if omitEmpty && cell == "" {
			var zero T
			*at = zero
			return nil
		}
		return store(at, cell, parse)
	}
}

// through decodes the cells of a column into what a field will point to.
func through[T any](at **T, column int, parse parser[T]) cellDecoder {
	return func(r *cut) error {
		cell := r.cell(column)
		if cell == "" {
			*at = nil
			return nil
		}
		v, err := parse(cell)
		if err == nil {
			*at = &v
		}
		return err
	}
}
