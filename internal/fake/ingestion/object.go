package ingestion

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// object is a JSON object that keeps the order and the spelling of its members.
// Names are looked up without regard to case, as the service does.
type object []member //nolint:recvcheck // reading works on values that have no address

type member struct {
	key   string
	value json.RawMessage
}

var errNoObject = errors.New("the body is not a JSON object")

// maxDepth is how deep arrays and objects may lie in each other.
const maxDepth = 64

// parseObject reads an object. Members that are null are left out at every level:
// the service does not send them back.
func parseObject(raw []byte) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errNoObject
	}
	o, err := members(dec, 1)
	if err != nil {
		return nil, errNoObject
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoObject
	}
	return o, nil
}

// members reads what follows the opening brace of an object.
func members(dec *json.Decoder, depth int) (object, error) {
	o := object{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, errNoObject
		}
		value, err := appendValue(nil, dec, depth)
		if err != nil {
			return nil, err
		}
		o.del(name) // of members with the same name, the last one counts
		if string(value) != "null" {
			o = append(o, member{name, value})
		}
	}
	_, err := dec.Token()
	return o, err
}

// appendValue copies the next value, without blanks.
func appendValue(out []byte, dec *json.Decoder, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errNoObject
	}
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o, err := members(dec, depth+1)
		if err != nil {
			return nil, err
		}
		return o.append(out), nil
	case json.Delim('['):
		out = append(out, '[')
		for n := 0; dec.More(); n++ {
			if n > 0 {
				out = append(out, ',')
			}
			if out, err = appendValue(out, dec, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := dec.Token()
		return append(out, ']'), err
	}
	return append(out, encode(t)...), nil
}

// encode writes a plain value, leaving <, > and & as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // plain values only: cannot happen
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (o object) append(out []byte) []byte {
	out = append(out, '{')
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, encode(m.key)...)
		out = append(out, ':')
		out = append(out, m.value...)
	}
	return append(out, '}')
}

// MarshalJSON implements [json.Marshaler], for snapshots.
func (o object) MarshalJSON() ([]byte, error) { return o.append(nil), nil }

// UnmarshalJSON implements [json.Unmarshaler], for snapshots.
func (o *object) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*o = nil
		return nil
	}
	got, err := parseObject(raw)
	*o = got
	return err
}

func (o object) find(name string) int {
	return slices.IndexFunc(o, func(m member) bool { return strings.EqualFold(m.key, name) })
}

func (o object) has(name string) bool { return o.find(name) >= 0 }

func (o object) get(name string) json.RawMessage {
	if i := o.find(name); i >= 0 {
		return o[i].value
	}
	return nil
}

// text returns a string member; other kinds are as if they were missing.
func (o object) text(name string) string {
	var s string
	if json.Unmarshal(o.get(name), &s) != nil {
		return ""
	}
	return s
}

// flag returns a boolean member; absent is false.
func (o object) flag(name string) bool { return string(o.get(name)) == "true" }

// object returns a member that is an object, nil if it is none.
func (o object) object(name string) object {
	inner, err := parseObject(o.get(name))
	if err != nil {
		return nil
	}
	return inner
}

// objects returns the objects of a member that is an array.
func (o object) objects(name string) []object {
	var list []object
	if json.Unmarshal(o.get(name), &list) != nil {
		return nil
	}
	return list
}

// set replaces a member, or appends it.
func (o *object) set(name string, value any) {
	var raw json.RawMessage
	switch v := value.(type) {
	case json.RawMessage:
		raw = v
	case object:
		raw = v.append(nil)
	case []object:
		raw = array(v)
	default:
		raw = encode(v)
	}
	if i := o.find(name); i >= 0 {
		(*o)[i].value = raw
		return
	}
	*o = append(*o, member{name, raw})
}

// del removes a member, if it is there.
func (o *object) del(name string) {
	*o = slices.DeleteFunc(*o, func(m member) bool { return strings.EqualFold(m.key, name) })
}

// clone copies the members; values are never changed in place.
func (o object) clone() object { return slices.Clone(o) }

// build makes an object of names and values in turn.
func build(pairs ...any) object {
	var o object
	for pair := range slices.Chunk(pairs, 2) {
		name, ok := pair[0].(string)
		if !ok {
			panic("a member's name is a string")
		}
		o.set(name, pair[1])
	}
	return o
}

func array(list []object) json.RawMessage {
	out := []byte{'['}
	for i, o := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = o.append(out)
	}
	return append(out, ']')
}

// raw is a JSON text as a value.
func raw(text string) json.RawMessage { return json.RawMessage(text) }
