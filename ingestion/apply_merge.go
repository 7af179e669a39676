package ingestion

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// statement is what data says: its fields that are not zero, and what its Object
// holds besides. Identity and version are not part of it.
func statement(data any) (document, error) {
	doc, err := encodeData(data)
	if err != nil {
		return nil, err
	}
	v := reflect.ValueOf(data)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	origin, _ := reflect.TypeAssert[Object](v.Field(0))
	said := origin.document()
	for _, f := range fieldsOf(v.Type()) {
		if v.Field(f.index).IsZero() && said.find(f.name) < 0 {
			doc = doc.remove(f.name)
		}
	}
	return doc.remove(memberID).remove(memberETag), refusePlaceholders(doc.encode())
}

// mergeDocument returns the stored object with what is wanted, and the names of what
// differed. Everything else stays in its place and as it was.
func mergeDocument(stored, wanted document) (document, []string) {
	var changes []string
	merged := slices.Clone(stored)
	for _, w := range wanted {
		if strings.EqualFold(w.name, memberType) {
			continue // see sameKind; the service leaves it out, or empty, where it knows better
		}
		value, same := mergeMember(w.name, stored.get(w.name), w.value)
		if !same {
			merged = merged.set(w.name, value)
			changes = append(changes, w.name)
		}
	}
	return merged, changes
}

// keyOf names the lists of which only the entries that are wanted are touched, and
// the member by which these are told apart.
func keyOf(name string) string {
	switch strings.ToLower(name) {
	case "marketstates":
		return "marketCode"
	case "channelstates":
		return "type"
	}
	return ""
}

// mergeMember merges one value and reports whether it was as wanted.
func mergeMember(name string, stored, wanted json.RawMessage) (json.RawMessage, bool) {
	if isNull(wanted) {
		return null, isNull(stored)
	}
	if w, err := parseDocument(wanted); err == nil {
		s, err := parseDocument(stored)
		if err != nil {
			return wanted, false
		}
		merged, changes := mergeDocument(s, w)
		return merged.encode(), len(changes) == 0
	}
	var w, s []json.RawMessage
	if json.Unmarshal(wanted, &w) == nil {
		if json.Unmarshal(stored, &s) != nil {
			return wanted, len(w) == 0 && isNull(stored)
		}
		if key := keyOf(name); key != "" {
			return mergeKeyed(key, s, w)
		}
		return mergeList(s, w)
	}
	return wanted, sameScalar(stored, wanted) || isNull(stored) && leftOut(wanted)
}

// leftOut reports whether the service may leave out a value, as it does with null and
// what it takes for the default. Zero is not among them: no price is not a price of
// nothing.
func leftOut(wanted json.RawMessage) bool { return string(wanted) == "false" || string(wanted) == `""` }

// mergeList makes a list as wanted out of what is stored: an entry that is there
// already keeps what it has besides.
func mergeList(stored, wanted []json.RawMessage) (json.RawMessage, bool) {
	same := len(stored) == len(wanted)
	out := make([]json.RawMessage, len(wanted))
	for i, w := range wanted {
		if i < len(stored) && same {
			var equal bool
			if out[i], equal = mergeMember("", stored[i], w); equal {
				out[i] = stored[i]
				continue
			}
		}
		same = false
		out[i] = w
		for _, s := range stored {
			if _, equal := mergeMember("", s, w); equal {
				out[i] = s
				break
			}
		}
	}
	return array(out), same
}

// mergeKeyed merges entries into those with the same key and appends the others.
func mergeKeyed(key string, stored, wanted []json.RawMessage) (json.RawMessage, bool) {
	same := true
	out := slices.Clone(stored)
	for _, w := range wanted {
		i := slices.IndexFunc(out, func(s json.RawMessage) bool { return strings.EqualFold(textIn(s, key), textIn(w, key)) })
		if i < 0 {
			out, same = append(out, w), false
			continue
		}
		merged, equal := mergeMember("", out[i], w)
		if !equal {
			out[i], same = merged, false
		}
	}
	return array(out), same
}

func textIn(object json.RawMessage, name string) string {
	doc, err := parseDocument(object)
	if err != nil {
		return ""
	}
	return doc.text(name)
}

func array(items []json.RawMessage) json.RawMessage {
	out := []byte("[")
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, item...)
	}
	return append(out, ']')
}

// sameScalar compares texts, numbers of any notation, instants of any notation, and
// booleans, which some write as text.
func sameScalar(stored, wanted json.RawMessage) bool {
	s, known := textOf(stored)
	w, ok := textOf(wanted)
	if !known || !ok {
		return false
	}
	if s == w {
		return true
	}
	if stored[0] != '"' || wanted[0] != '"' {
		a, aok := parseDecimal(stored)
		b, bok := parseDecimal(wanted)
		return aok && bok && a.Equal(b)
	}
	a, aok := parseTime(stored)
	b, bok := parseTime(wanted)
	return aok && bok && a.Equal(b) && s != "" && w != ""
}
