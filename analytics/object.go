package analytics

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/redact"
)

// object is a JSON object whose members are found by name in any case and with
// stray blanks around it, since the documentation prints names in both ways and
// the service has been seen to use more than one. What has been read is taken
// out; the rest is what this SDK does not know.
type object map[string]member

type member struct {
	name string // as the answer spells it
	raw  json.RawMessage
}

func parseObject(raw []byte) (object, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil || all == nil {
		return nil, errors.New("not a JSON object")
	}
	o := make(object, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		key := strings.ToLower(strings.TrimSpace(name))
		if old, ok := o[key]; ok && string(old.raw) != "null" {
			continue
		}
		o[key] = member{name, all[name]}
	}
	return o, nil
}

// take returns the first member of one of the names, which are in lower case, and
// removes it; nil if there is none.
func (o object) take(names ...string) json.RawMessage {
	for _, name := range names {
		if m, ok := o[name]; ok {
			delete(o, name)
			if string(m.raw) != "null" {
				return m.raw
			}
		}
	}
	return nil
}

// text takes a string or number as text; null and other kinds are empty.
func (o object) text(names ...string) string { return scalar(o.take(names...)) }

// id takes a name or an id: text without the blanks that the service sometimes
// leaves around it.
func (o object) id(names ...string) string { return strings.TrimSpace(o.text(names...)) }

// number takes a whole number, also one that is written as a string; 0 otherwise.
func (o object) number(names ...string) int {
	text := strings.TrimSpace(o.text(names...))
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(f) < 1<<31 {
		return int(f)
	}
	return 0
}

// hours takes a number of hours. Zero and the service's -1, "does not recur", are
// zero.
func (o object) hours(names ...string) time.Duration {
	return time.Duration(min(max(o.number(names...), 0), maxHours)) * time.Hour
}

// maxHours keeps nonsense from overflowing a duration; it is more than a century.
const maxHours = 1 << 20

// flag takes a boolean, also one that is written as a string or number.
func (o object) flag(names ...string) bool {
	b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(scalar(o.take(names...)))))
	return err == nil && b
}

// instant takes a time: UTC, with or without a zone and a fraction; zero if there
// is none or it cannot be read.
func (o object) instant(names ...string) time.Time {
	text := strings.TrimSpace(o.text(names...))
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// names takes a list of strings.
func (o object) names(name string) []string {
	var all []json.RawMessage
	if json.Unmarshal(o.take(name), &all) != nil {
		return nil
	}
	var out []string
	for _, raw := range all {
		if s := strings.TrimSpace(scalar(raw)); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// rest returns the members that have not been taken, nil if there are none, with
// whatever looks like a signature or token taken out.
func (o object) rest() map[string]json.RawMessage {
	if len(o) == 0 {
		return nil
	}
	out := make(map[string]json.RawMessage, len(o))
	for _, m := range o {
		out[m.name] = redact.Bytes(m.raw)
	}
	return out
}

// scalar is the text of a JSON string, number or boolean; empty for other kinds.
func scalar(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	switch c := raw[0]; {
	case c == '"':
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s
		}
	case c == '-', c >= '0' && c <= '9', c == 't', c == 'f':
		return string(raw)
	}
	return ""
}
