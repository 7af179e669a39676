package ingestion

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
)

// encodeObject merges the fields of the struct v into the object it came from.
// Which fields were changed is found by decoding that object again.
func encodeObject(v reflect.Value) (document, error) {
	origin, ok := reflect.TypeAssert[Object](v.Field(0))
	if !ok {
		return nil, fmt.Errorf("ingestion: %s does not embed Object", v.Type())
	}
	var doc document
	base := reflect.New(v.Type()).Elem()
	if text := origin.raw.Reveal(); text != "" && !origin.isNull() {
		if err := decodeObject([]byte(text), base); err != nil {
			return nil, fmt.Errorf("ingestion: %s: %w", v.Type().Name(), err)
		}
		doc = origin.document()
	}
	fresh := !origin.decoded || origin.isNull()
	if kind := typeOf(v); kind != "" && fresh && doc.find(memberType) < 0 {
		doc = append(document{{memberType, quote(kind)}}, doc...)
	}
	for _, f := range fieldsOf(v.Type()) {
		value, known := v.Field(f.index), doc.find(f.name) >= 0
		switch {
		case same(value, base.Field(f.index)) && (known || !fresh):
			continue // as it came, be it there or not
		case !known && f.omit && value.IsZero():
			continue
		case known && value.IsZero() && vanishes(value):
			doc = doc.remove(f.name)
			continue
		}
		if known && misfit(base, doc[doc.find(f.name)].name) && (value.Kind() == reflect.Slice || value.Kind() == reflect.Map) {
			// Whoever adds to a list that seems empty does not mean to replace it.
			return nil, fmt.Errorf("ingestion: what the service sent as %s does not fit its field and would be lost; see Object.Field, and take it out with Object.Without first", f.name)
		}
		raw, err := encodeChanged(value, doc.get(f.name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		doc = doc.set(f.name, raw)
	}
	return doc, nil
}

// misfit reports whether a member did not fit when the struct was decoded.
func misfit(v reflect.Value, name string) bool {
	origin, _ := reflect.TypeAssert[Object](v.Field(0))
	return slices.Contains(origin.Misfits(), name)
}

// typeOf is the resourceType of structs that know it, be it by value or by pointer.
func typeOf(v reflect.Value) string {
	t, ok := reflect.TypeAssert[typed](v)
	if !ok && v.CanAddr() {
		t, ok = reflect.TypeAssert[typed](v.Addr())
	}
	if !ok {
		return ""
	}
	return t.resourceType()
}

// vanishes says of a zero value whether its member is left out rather than sent
// as "", 0, false, [] or {}.
func vanishes(v reflect.Value) bool {
	return v.Kind() == reflect.Pointer || v.Kind() == reflect.Struct && v.Type() != secretType()
}

func encodeValue(v reflect.Value) (json.RawMessage, error) {
	switch x := v.Interface().(type) {
	case json.RawMessage:
		if !json.Valid(x) {
			return nil, errors.New("the raw JSON is not valid")
		}
		return x, nil
	case partnercenter.Secret:
		return quote(x.Reveal()), nil
	case time.Time:
		return quote(x.UTC().Format(time.RFC3339Nano)), nil
	case decimal.Decimal:
		if x.Exponent() > maxExponent || x.Exponent() < -maxExponent {
			return nil, fmt.Errorf("the number's exponent %d is out of range", x.Exponent())
		}
		return json.RawMessage(x.String()), nil
	}
	switch v.Kind() {
	case reflect.String:
		return quote(v.String()), nil
	case reflect.Bool:
		return strconv.AppendBool(nil, v.Bool()), nil
	case reflect.Int, reflect.Int64:
		return strconv.AppendInt(nil, v.Int(), 10), nil
	case reflect.Pointer:
		if v.IsNil() {
			return null, nil
		}
		return encodeValue(v.Elem())
	case reflect.Slice:
		return encodeSlice(v)
	case reflect.Map:
		return encodeMap(v, nil)
	case reflect.Struct:
		if origin, ok := reflect.TypeAssert[Object](v.Field(0)); ok && origin.isNull() && withoutOrigin(v).IsZero() {
			return null, nil
		}
		doc, err := encodeObject(v)
		return doc.encode(), err
	default:
		return nil, fmt.Errorf("%s cannot be sent", v.Type())
	}
}

// encodeChanged is encodeValue for a value that the service had as was. What a list of
// texts or a map still has of that keeps its text there: a number stays a number, and
// null stays null. Objects remember for themselves.
func encodeChanged(v reflect.Value, was json.RawMessage) (json.RawMessage, error) {
	switch {
	case v.Kind() == reflect.Map:
		if old, err := parseDocument(was); err == nil {
			return encodeMap(v, old)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		var old []json.RawMessage
		if json.Unmarshal(was, &old) == nil && len(old) > 0 {
			return encodeTexts(v, old), nil
		}
	}
	return encodeValue(v)
}

func encodeTexts(v reflect.Value, old []json.RawMessage) json.RawMessage {
	known := make(map[string]json.RawMessage, len(old))
	for _, raw := range old {
		if text, ok := textOf(raw); ok {
			known[text] = raw
		}
	}
	items := make([]json.RawMessage, v.Len())
	for i := range items {
		text := v.Index(i).String()
		raw, ok := known[text]
		switch {
		case i < len(old) && text == "" && isNull(old[i]):
			items[i] = old[i]
		case ok:
			items[i] = raw
		default:
			items[i] = quote(text)
		}
	}
	return array(items)
}

func encodeMap(v reflect.Value, old document) (json.RawMessage, error) {
	var doc document
	done := make(map[string]bool, len(old))
	put := func(name string, item reflect.Value, was json.RawMessage) error {
		done[name] = true
		base := reflect.New(v.Type().Elem()).Elem()
		raw := was
		if len(was) == 0 || !decodeValue(was, base) || !same(item, base) {
			var err error
			if raw, err = encodeChanged(item, was); err != nil {
				return fmt.Errorf("%q: %w", name, err)
			}
		}
		doc = append(doc, member{name, raw})
		return nil
	}
	for _, m := range old {
		item := v.MapIndex(reflect.ValueOf(m.name).Convert(v.Type().Key()))
		if !item.IsValid() || done[m.name] {
			continue
		}
		if err := put(m.name, item, old.get(m.name)); err != nil { // of members of one name the last counts
			return nil, err
		}
	}
	names := make([]string, 0, v.Len())
	for key := range v.Seq() {
		names = append(names, key.String())
	}
	slices.Sort(names)
	for _, name := range names {
		if done[name] {
			continue
		}
		if err := put(name, v.MapIndex(reflect.ValueOf(name).Convert(v.Type().Key())), nil); err != nil {
			return nil, err
		}
	}
	return doc.encode(), nil
}

// withoutOrigin is a copy of an object's struct with an empty Object.
func withoutOrigin(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	c.Field(0).SetZero()
	return c
}

func encodeSlice(v reflect.Value) (json.RawMessage, error) {
	out := []byte("[")
	for i := range v.Len() {
		raw, err := encodeValue(v.Index(i))
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, raw...)
	}
	return append(out, ']'), nil
}

// same reports whether two values of one type would be sent alike. Empty and nil
// are the same: the one cannot be told from the other on the way back.
func same(a, b reflect.Value) bool {
	switch x := a.Interface().(type) {
	case Object:
		y, ok := reflect.TypeAssert[Object](b)
		return ok && x.Equal(y)
	case partnercenter.Secret:
		y, ok := reflect.TypeAssert[partnercenter.Secret](b)
		return ok && x.Equal(y)
	case time.Time:
		y, ok := reflect.TypeAssert[time.Time](b)
		return ok && x.Equal(y)
	case decimal.Decimal:
		y, ok := reflect.TypeAssert[decimal.Decimal](b)
		return ok && x.Equal(y)
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for key, value := range a.Seq2() {
			other := b.MapIndex(key)
			if !other.IsValid() || !same(value, other) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	default:
		return a.Equal(b)
	}
}
