package tabular

import (
	"encoding"
	"reflect"

	"github.com/jszwec/csvutil"
)

// A csvutil.Decoder calls the decoders of cells through reflection and with a copy
// of each cell. As all rows of a struct type are decoded into the same variable,
// fields of the usual types can be bound to their decoders once instead, which
// takes less time and a third fewer allocations. What the fields are, and which
// column is whose, remains csvutil's decision: it is watched while it decodes a
// cell into each of them.

// cellDecoder decodes one cell of a record into the field that it is bound to. It
// leaves the field alone when the cell does not fit.
type cellDecoder func(cells []string) error

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
	p := &probe{fields: map[string]field{}}
	// The second time all cells are blank, and fields with the option omitempty
	// are not decoded.
	filled, blank := make([]string, len(t.columns.names)), make([]string, len(t.columns.names))
	for i := range filled {
		filled[i] = "1"
	}
	if p.decode(t, filled, target) != nil {
		return nil
	}
	all := p.fields
	p.fields = map[string]field{}
	if p.decode(t, blank, target) != nil {
		return nil
	}
	first, end := row.Addr().Pointer(), row.Addr().Pointer()+row.Type().Size()
	bound := bindings{}
	for column, f := range all {
		// What is elsewhere belongs to a pointer, and is made anew for every row.
		if first <= f.address && f.address < end {
			_, always := p.fields[column]
			bound[column] = f.bind(!always)
		}
	}
	return bound
}

// probe stands in for the decoders of cells and notes which fields they are given.
type probe struct {
	column string // of the cell that is being decoded
	fields map[string]field
}

// field is a field that could be bound.
type field struct {
	address uintptr
	bind    func(omitEmpty bool) binding
}

// decode has a csvutil.Decoder decode a record with one cell for each field.
func (p *probe) decode(t *rowType, cells []string, target any) error {
	d, err := csvutil.NewDecoder(&onRecord{cells: cells}, t.columns.names...)
	if err != nil {
		return err
	}
	d.WithUnmarshalers(csvutil.NewUnmarshalers(
		watchText(p),
		watch(p, ParseDecimal),
		watch(p, parseNullDecimal),
		watch(p, ParseTime),
		watch(p, ParseBool),
		// Decoders of other types are not called with cells that are in no file.
		csvutil.UnmarshalFunc(func([]byte, csvutil.Unmarshaler) error { return nil }),
		csvutil.UnmarshalFunc(func([]byte, encoding.TextUnmarshaler) error { return nil }),
	))
	// Called before each cell is decoded; the text that it returns fits the field.
	d.Map = func(_, column string, zero any) string {
		p.column = column
		switch reflect.ValueOf(zero).Kind() {
		case reflect.Bool:
			return "true"
		case reflect.Slice:
			return "" // base64 of nothing
		default:
			return "1"
		}
	}
	return d.Decode(target)
}

func (p *probe) note(address uintptr, bind func(omitEmpty bool) binding) {
	p.fields[p.column] = field{address, bind}
}

// watch notes fields of type T, whose cells parse decodes.
func watch[T any](p *probe, parse func(string) (T, error)) *csvutil.Unmarshalers {
	return csvutil.UnmarshalFunc(func(_ []byte, field *T) error {
		p.note(reflect.ValueOf(field).Pointer(), func(omitEmpty bool) binding {
			return func(column int) cellDecoder {
				return func(cells []string) error {
					if omitEmpty && cells[column] == "" {
						return nil
					}
					return store(field, cells[column], parse)
				}
			}
		})
		return nil
	})
}

// watchText is watch for strings, which need no parsing.
func watchText(p *probe) *csvutil.Unmarshalers {
	return csvutil.UnmarshalFunc(func(_ []byte, field *string) error {
		p.note(reflect.ValueOf(field).Pointer(), func(bool) binding {
			return func(column int) cellDecoder {
				return func(cells []string) error {
					*field = cells[column]
					return nil
				}
			}
		})
		return nil
	})
}
