package analytics

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// envelope is what the service wraps every answer in, errors included.
type envelope struct {
	items    []json.RawMessage
	next     string
	total    int
	message  string
	status   int
	redacted bool
}

// parseEnvelope reads an answer. Clients in the wild rely on the documented form
// {"value":[...]}; a bare list and a bare item are understood too, because the
// same host uses them for other APIs.
func parseEnvelope(body []byte) (envelope, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil && list != nil {
		return envelope{items: list, total: len(list)}, nil
	}
	o, err := parseObject(body)
	if err != nil {
		return envelope{}, errors.New("the answer is not the JSON that was expected")
	}
	if _, wrapped := o["value"]; !wrapped && !o.has("totalcount") && !o.has("statuscode") && len(o) > 0 {
		return envelope{items: []json.RawMessage{body}, total: 1}, nil
	}
	e := envelope{
		next:     strings.TrimSpace(o.text("nextlink")),
		total:    o.number("totalcount"),
		message:  o.text("message"),
		status:   o.number("statuscode"),
		redacted: o.flag("dataredacted"),
	}
	value := o.take("value")
	switch {
	case len(value) == 0:
	case json.Unmarshal(value, &e.items) == nil:
	case value[0] == '{':
		e.items = []json.RawMessage{value}
	default:
		return envelope{}, errors.New("the answer's value is not a list")
	}
	return e, nil
}

func (o object) has(name string) bool {
	_, ok := o[name]
	return ok
}

// isEnvelope reports whether a body is an answer of the service itself and not of
// the gateway in front of it, whose errors look much the same but have no list.
func isEnvelope(body []byte) bool {
	o, err := parseObject(body)
	if err != nil {
		return false
	}
	value := o.take("value")
	return len(value) > 0 && value[0] == '['
}
