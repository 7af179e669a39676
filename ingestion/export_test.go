package ingestion

import "reflect"

// WireForTest is Wire for tests that do not know T.
func (r *Resource[T]) WireForTest() ([]byte, error) { return r.wire() }

// EncodeForTest encodes what can be sent.
func EncodeForTest(data any) ([]byte, error) {
	doc, err := encodeData(data)
	return doc.encode(), err
}

// DecodeForTest decodes one item of an answer.
func DecodeForTest[E any](raw []byte) (E, error) { return decodeItem[E](raw) }

// MisfitsForTest lists what of a resource does not fit its fields.
func MisfitsForTest[T any](r *Resource[T]) []string {
	v := reflect.ValueOf(r.Data)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	o, _ := reflect.TypeAssert[Object](v.Field(0))
	return o.Misfits()
}
