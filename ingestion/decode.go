package ingestion

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
)

// decodeObject fills the struct v, which embeds Object. Members that do not fit
// their fields are noted, not refused: one odd member must not make a resource
// unreadable, let alone a list of them.
func decodeObject(raw []byte, v reflect.Value) error {
	doc, err := parseDocument(raw)
	if err != nil {
		return err
	}
	var misfits []string
	for _, f := range fieldsOf(v.Type()) {
		i := doc.find(f.name)
		if i < 0 {
			continue
		}
		// Decode on the side, so that half a value never stays behind.
		value := reflect.New(v.Field(f.index).Type()).Elem()
		if decodeValue(doc[i].value, value) {
			v.Field(f.index).Set(value)
		} else {
			misfits = append(misfits, doc[i].name)
		}
	}
	v.Field(0).Set(reflect.ValueOf(Object{
		raw:     partnercenter.NewSecret(string(raw)),
		decoded: true,
		misfits: strings.Join(misfits, "\n"),
	}))
	return nil
}

// decodeValue sets v, which is zero, and reports whether raw fits.
func decodeValue(raw json.RawMessage, v reflect.Value) bool {
	if v.Type() == rawType() {
		v.SetBytes(raw)
		return true
	}
	if isNull(raw) {
		if isObject(v.Type()) {
			v.Field(0).Set(reflect.ValueOf(Object{raw: partnercenter.NewSecret("null"), decoded: true}))
		}
		return true
	}
	switch v.Type() {
	case secretType():
		s, ok := textOf(raw)
		v.Set(reflect.ValueOf(partnercenter.NewSecret(s)))
		return ok
	case timeType():
		t, ok := parseTime(raw)
		v.Set(reflect.ValueOf(t))
		return ok
	case decimalType():
		d, ok := parseDecimal(raw)
		v.Set(reflect.ValueOf(d))
		return ok
	}
	switch v.Kind() {
	case reflect.String:
		s, ok := textOf(raw)
		v.SetString(s)
		return ok
	case reflect.Bool:
		// One of the known clients sends booleans as strings, and is not refused.
		s, _ := textOf(raw)
		b, err := strconv.ParseBool(strings.ToLower(s))
		v.SetBool(b)
		return err == nil && len(s) > 1
	case reflect.Int, reflect.Int64:
		s, _ := textOf(raw)
		n, err := strconv.ParseInt(s, 10, v.Type().Bits())
		v.SetInt(n)
		return err == nil
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		v.Set(p)
		return decodeValue(raw, p.Elem())
	case reflect.Slice:
		return decodeSlice(raw, v)
	case reflect.Map:
		return decodeMap(raw, v)
	case reflect.Struct:
		return decodeObject(raw, v) == nil
	default:
		return false
	}
}

func decodeSlice(raw json.RawMessage, v reflect.Value) bool {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return false
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if !decodeValue(item, list.Index(i)) {
			return false
		}
	}
	v.Set(list)
	return true
}

func decodeMap(raw json.RawMessage, v reflect.Value) bool {
	doc, err := parseDocument(raw)
	if err != nil {
		return false
	}
	m := reflect.MakeMapWithSize(v.Type(), len(doc))
	for _, d := range doc {
		item := reflect.New(v.Type().Elem()).Elem()
		if !decodeValue(d.value, item) {
			return false
		}
		m.SetMapIndex(reflect.ValueOf(d.name).Convert(v.Type().Key()), item)
	}
	v.Set(m)
	return true
}

// parseTime reads times of day with or without zone; without one they are UTC.
// The years 1 and 1601 are how the service writes "never".
func parseTime(raw json.RawMessage) (time.Time, bool) {
	s, ok := textOf(raw)
	if !ok {
		return time.Time{}, false
	}
	if s == "" {
		return time.Time{}, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", time.DateOnly} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Year() <= 1601 {
			return time.Time{}, true
		}
		return t, true
	}
	return time.Time{}, false
}

// maxExponent keeps a number such as 1e999999999 from filling the memory when it
// is compared or written out. No price comes near it.
const maxExponent = 100

func parseDecimal(raw json.RawMessage) (decimal.Decimal, bool) {
	s, ok := textOf(raw)
	if !ok {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() > maxExponent || d.Exponent() < -maxExponent {
		return decimal.Decimal{}, false
	}
	return d, true
}

// decodeItem makes an E of an object: *Resource[T], or a struct that embeds
// Object.
func decodeItem[E any](raw []byte) (E, error) {
	var item E
	v := reflect.ValueOf(&item).Elem()
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
	}
	if r, ok := any(item).(json.Unmarshaler); ok {
		return item, r.UnmarshalJSON(raw)
	}
	if !isObject(v.Type()) {
		return item, fmt.Errorf("%T is not a type of this package", item)
	}
	if err := decodeObject(raw, v); err != nil {
		return item, errors.New("the answer is not a JSON object")
	}
	return item, nil
}
