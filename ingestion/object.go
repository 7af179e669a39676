package ingestion

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Object is the JSON object that a value came from. Every struct of this package
// that describes something at the service embeds one, so that reading a thing and
// writing it back loses nothing:
//
//   - members that the struct has no field for are sent back as they came;
//   - members whose field was not touched are sent back as they came too, with
//     the same digits, the same spelling of the name, and in the same place;
//   - members whose field was changed get the new value in their old place.
//
// A value made by hand has an empty Object. Of its fields those marked omitzero
// are sent only when they are not zero; [Object.With] sends anything else, for
// example an explicit null.
//
// Copying a struct copies its Object. An Object never changes and is safe for
// concurrent use. It does not print what it holds.
type Object struct {
	// The text may hold secrets, so it hides from printers that go by reflection.
	raw     partnercenter.Secret
	decoded bool // it came from the service, so what is missing was missing there
	misfits string
}

// Field returns a member as the service sent it, or as With has set it, whether
// the struct has a field for it or not. Case matters only where two members
// differ in nothing else. The text may hold a secret.
func (o Object) Field(name string) (json.RawMessage, bool) {
	doc := o.document()
	i := doc.find(name)
	if i < 0 {
		return nil, false
	}
	return doc[i].value, true
}

// Names lists the members in their order.
func (o Object) Names() []string {
	doc := o.document()
	names := make([]string, len(doc))
	for i, m := range doc {
		names[i] = m.name
	}
	return names
}

// With returns an Object with the member set to what encoding/json makes of
// value. Put it in place of the old one:
//
//	contact.Object, err = contact.With("extension", "1234")
//
// Where the struct has a field for the member, the field decides: With then only
// helps to send an explicit null or zero for a field that is zero.
func (o Object) With(name string, value any) (Object, error) {
	if name == "" {
		return o, errors.New("ingestion: the name of the member is empty")
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return o, fmt.Errorf("ingestion: member %q: %w", name, err)
	}
	o.raw = partnercenter.NewSecret(string(o.document().set(name, raw).encode()))
	return o, nil
}

// Without returns an Object without the member.
func (o Object) Without(name string) Object {
	o.raw = partnercenter.NewSecret(string(o.document().remove(name).encode()))
	return o
}

// Misfits names the members that are there but not of the kind that the struct's
// field expects. Their fields are zero; what the service sent is in
// [Object.Field] and is sent back unless the field is set. Lists and maps can be set
// only after [Object.Without], since an empty one invites to add to it.
func (o Object) Misfits() []string {
	if o.misfits == "" {
		return nil
	}
	return strings.Split(o.misfits, "\n")
}

// Equal reports whether two Objects hold the same text.
func (o Object) Equal(other Object) bool {
	return o.decoded == other.decoded && o.raw.Equal(other.raw)
}

// document parses the text anew each time: objects are small and rarely looked
// into.
func (o Object) document() document {
	doc, err := parseDocument([]byte(o.raw.Reveal()))
	if err != nil {
		return nil // nothing there, or null
	}
	return doc
}

// isNull is true when the service sent null in place of an object.
func (o Object) isNull() bool { return o.decoded && o.raw.Reveal() == "null" }
