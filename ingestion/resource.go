package ingestion

import (
	"errors"
	"fmt"
	"reflect"
)

// Resource is something that is stored at the service and can be written back:
// its identity, and what it says. T is one of the structs of this package, or one
// of its interfaces [PackageConfiguration] and [LeadConfiguration], which stand
// for a pointer to one of several structs.
//
// Read it, change fields of Data, and write it with [Updater.Update]; or let
// [Updater.Modify] do all three. Nothing that the service sent is lost on the way,
// as [Object] describes.
//
// encoding/json writes a Resource as the service sends it, changes included, but
// with "[redacted]" in place of every secret, so that a Resource can be logged and
// printed. [Wire] gives the text with its secrets. Reading either back gives a
// Resource again; one with placeholders in place of secrets cannot be written to
// the service.
//
// A Resource is not safe for concurrent use while it is being changed.
type Resource[T any] struct {
	// ID is the service's id of the resource; empty for those that have none,
	// such as the setup of a product.
	ID string
	// ETag is the version that was read, with its quotes. It is sent as If-Match.
	ETag string
	// Data is what the resource says.
	Data T
}

// Names of the members that every resource has.
const (
	memberID   = "id"
	memberETag = "@odata.etag"
	memberType = "resourceType"
)

// UnmarshalJSON implements [encoding/json.Unmarshaler] for resources as the
// service sends them. What does not fit a field is kept; see [Object.Misfits].
func (r *Resource[T]) UnmarshalJSON(raw []byte) error {
	doc, err := parseDocument(raw)
	if err != nil {
		return fmt.Errorf("ingestion: resource: %w", err)
	}
	var fresh Resource[T]
	v, err := settle(reflect.ValueOf(&fresh.Data).Elem(), doc)
	if err != nil {
		return err
	}
	if err := decodeObject(raw, v); err != nil {
		return fmt.Errorf("ingestion: resource: %w", err)
	}
	fresh.ID, fresh.ETag = doc.text(memberID), doc.text(memberETag)
	*r = fresh
	return nil
}

// MarshalJSON implements [encoding/json.Marshaler] without secrets.
func (r Resource[T]) MarshalJSON() ([]byte, error) {
	raw, err := r.wire()
	if err != nil {
		return nil, err
	}
	return redacted(raw), nil
}

// Wire returns the JSON that [Updater.Update] would send for r, secrets in the
// clear. Keep it as you would keep the secrets.
func Wire[T any](r *Resource[T]) ([]byte, error) {
	if r == nil {
		return nil, errNoResource
	}
	raw, err := r.wire()
	if err != nil {
		return nil, err
	}
	return raw, refusePlaceholders(raw)
}

// wire merges the changes into what was read. Id and etag are written where they
// were read, or added when the resource was put together by hand.
func (r *Resource[T]) wire() ([]byte, error) {
	doc, err := encodeData(r.Data)
	if err != nil {
		return nil, err
	}
	if r.ETag != doc.text(memberETag) {
		doc = doc.set(memberETag, quote(r.ETag))
	}
	if r.ID != doc.text(memberID) {
		doc = doc.set(memberID, quote(r.ID))
	}
	return doc.encode(), nil
}

// encodeData encodes a struct of this package, or a pointer to one.
func encodeData(data any) (document, error) {
	v := reflect.ValueOf(data)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil, errors.New("ingestion: there is nothing to send: Data is nil")
	}
	if !isObject(v.Type()) {
		return nil, fmt.Errorf("ingestion: %s is not a type that the service knows", v.Type())
	}
	return encodeObject(v)
}

// settle returns the struct to decode into: v itself or, when v is an interface,
// a new value of the type that the object's resourceType names.
func settle(v reflect.Value, doc document) (reflect.Value, error) {
	if v.Kind() != reflect.Interface {
		if !isObject(v.Type()) {
			return v, fmt.Errorf("ingestion: %s is not a type that the service knows", v.Type())
		}
		return v, nil
	}
	var concrete any
	switch kind := doc.text(memberType); v.Type() {
	case reflect.TypeFor[PackageConfiguration]():
		concrete = newPackageConfiguration(kind)
	case reflect.TypeFor[LeadConfiguration]():
		concrete = newLeadConfiguration(kind)
	default:
		return v, fmt.Errorf("ingestion: %s is not a type that the service knows", v.Type())
	}
	p := reflect.ValueOf(concrete)
	v.Set(p)
	return p.Elem(), nil
}
