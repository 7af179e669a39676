package ingestion

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// document is a JSON object whose members keep their order, their spelling and
// the text of their values.
type document []member

type member struct {
	name  string
	value json.RawMessage
}

var (
	errNotObject = errors.New("not a JSON object")
	null         = json.RawMessage("null")
)

// parseDocument reads one object and nothing else. The values point into raw.
func parseDocument(raw []byte) (document, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	first, err := dec.Token()
	if err != nil || first != json.Delim('{') {
		return nil, errNotObject
	}
	var doc document
	for dec.More() {
		key, err := dec.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return nil, errNotObject
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errNotObject
		}
		doc = append(doc, member{name, value})
	}
	if _, err := dec.Token(); err != nil {
		return nil, errNotObject
	}
	if len(bytes.TrimSpace(raw[dec.InputOffset():])) != 0 {
		return nil, errNotObject
	}
	return doc, nil
}

// find returns the position of a member, -1 if there is none. The service is
// known to spell one name in several ways, so case decides only where both
// spellings are there. Of members with the very same name the last one counts, as
// it does for encoding/json.
func (d document) find(name string) int {
	folded := -1
	for i, m := range slices.Backward(d) {
		if m.name == name {
			return i
		}
		if strings.EqualFold(m.name, name) {
			folded = i
		}
	}
	return folded
}

// get returns the value of a member, nil if there is none.
func (d document) get(name string) json.RawMessage {
	if i := d.find(name); i >= 0 {
		return d[i].value
	}
	return nil
}

// set replaces a member where it stands, or appends it. Other members with the
// same name go, so that readers of any kind see the new value.
func (d document) set(name string, value json.RawMessage) document {
	i := d.find(name)
	if i < 0 {
		return append(d, member{name, value})
	}
	name = d[i].name
	d[i].value = value
	kept := d[:0]
	for j, m := range d {
		if j == i || m.name != name {
			kept = append(kept, m)
		}
	}
	return kept
}

// remove takes out every spelling of a member.
func (d document) remove(name string) document {
	return slices.DeleteFunc(d, func(m member) bool { return strings.EqualFold(m.name, name) })
}

// text is the member's value if it is a string or a number, else empty.
func (d document) text(name string) string {
	s, _ := textOf(d.get(name))
	return s
}

// encode writes the object in one line.
func (d document) encode() []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quote(m.name))
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// quote writes a JSON string without the HTML escapes of encoding/json, which
// nobody needs here and which make listings with markup hard to read.
func quote(s string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // strings cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// isNull is true of null and of a value that is not there.
func isNull(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || string(raw) == "null"
}

// textOf is the text of a JSON string, number or boolean.
func textOf(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 {
		return "", false
	}
	switch c := raw[0]; {
	case c == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case c == '-', c >= '0' && c <= '9', c == 't', c == 'f':
		return string(raw), true
	}
	return "", false
}
