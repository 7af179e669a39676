package analytics

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// body is a request's JSON object, whose keys are matched without regard to case.
type body map[string]json.RawMessage

const maxBody = 1 << 20

func readBody(r io.Reader) (body, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxBody))
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil || all == nil {
		return nil, errors.New("The request body is not a JSON object") //nolint:staticcheck // it becomes the answer's message
	}
	out := make(body, len(all))
	for k, v := range all {
		if string(v) != "null" {
			out[strings.ToLower(strings.TrimSpace(k))] = v
		}
	}
	return out, nil
}

func (b body) has(name string) bool { return len(b[strings.ToLower(name)]) > 0 }

// text returns a string member; other kinds are as if they were missing.
func (b body) text(name string) string {
	var s string
	if json.Unmarshal(b[strings.ToLower(name)], &s) != nil {
		return ""
	}
	return s
}

// number returns a whole number, also one that is written as a string.
func (b body) number(name string) (n int, ok bool) {
	n, err := strconv.Atoi(strings.Trim(string(b[strings.ToLower(name)]), `"`))
	return n, err == nil
}

func (b body) flag(name string) bool {
	v, err := strconv.ParseBool(strings.Trim(string(b[strings.ToLower(name)]), `"`))
	return err == nil && v
}

// moment returns a time in the form that the service wants.
func (b body) moment(name string) (t time.Time, ok bool) {
	t, err := time.Parse(wireTime, b.text(name))
	return t, err == nil
}
