package ingestion

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
)

// The codec of this package goes by the structs' json tags like encoding/json,
// but keeps what it does not understand; see Object. It knows strings, booleans,
// integers, decimals, times, secrets, raw JSON, and slices, maps, pointers and
// structs of these. A test holds every type of the package against this list.
func objectType() reflect.Type  { return reflect.TypeFor[Object]() }
func secretType() reflect.Type  { return reflect.TypeFor[partnercenter.Secret]() }
func timeType() reflect.Type    { return reflect.TypeFor[time.Time]() }
func decimalType() reflect.Type { return reflect.TypeFor[decimal.Decimal]() }
func rawType() reflect.Type     { return reflect.TypeFor[json.RawMessage]() }

// isObject is true of structs that embed Object, which they do as their first
// field.
func isObject(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Type == objectType() && t.Field(0).Anonymous
}

// field is a struct's field that stands for a member.
type field struct {
	index int
	name  string
	omit  bool // omitzero: not sent when zero and not known to the service
}

// fieldsOf lists the fields of a struct type that embeds Object.
func fieldsOf(t reflect.Type) []field {
	fields := make([]field, 0, t.NumField()-1)
	for i := 1; i < t.NumField(); i++ {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			fields = append(fields, field{i, name, options == "omitzero"})
		}
	}
	return fields
}

// typed is implemented by what has one resourceType only, or a usual one.
type typed interface{ resourceType() string }

// checked is implemented by what can be seen to be incomplete before it is sent.
type checked interface{ check() error }
