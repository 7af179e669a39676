package kit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// faultJSON is a fault as it is written in files and by the admin API.
type faultJSON struct {
	Method string `json:"method,omitempty"`
	Host   string `json:"host,omitempty"`
	Path   string `json:"path,omitempty"`
	Skip   int    `json:"skip,omitempty"`
	Times  int    `json:"times,omitempty"`
	Always bool   `json:"always,omitempty"`

	Delay      span              `json:"delay,omitempty"`
	Drop       string            `json:"drop,omitempty"`
	Status     int               `json:"status,omitempty"`
	Afterwards bool              `json:"afterwards,omitempty"`
	Body       *string           `json:"body,omitempty"`
	Shape      string            `json:"shape,omitempty"`
	Code       string            `json:"code,omitempty"`
	Message    string            `json:"message,omitempty"`
	Header     map[string]string `json:"header,omitempty"`
	RetryAfter span              `json:"retryAfter,omitempty"`
	RetryAt    span              `json:"retryAt,omitempty"`
	CutAfter   *int64            `json:"cutAfter,omitempty"`
	StallAfter *int64            `json:"stallAfter,omitempty"`
	StallFor   span              `json:"stallFor,omitempty"`
}

// span is a duration as Go writes it: "1m30s".
type span time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d span) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *span) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err == nil && v < 0 {
		err = fmt.Errorf("the duration %s is negative", b)
	}
	*d = span(v)
	return err
}

// drops and shapes name the values of [Drop] and [Shape], in their order.
func drops() []string { return []string{"", "refuse", "reset", "answer"} }

func shapes() []string {
	return []string{"gateway", "nested", "partner", "partnerNumber", "empty", "html", "entra", "xml", "ich", "ingestion", "exception", "text"}
}

// MarshalJSON implements [json.Marshaler].
func (f Fault) MarshalJSON() ([]byte, error) {
	out := faultJSON{
		Method: f.Method, Host: f.Host, Path: f.Path, Skip: f.Skip, Times: max(f.Times, 0), Always: f.Times < 0,
		Delay: span(f.Latency), Drop: drops()[f.Drop], Status: f.Status, Afterwards: f.Afterwards, Code: f.Code, Message: f.Message,
		StallFor: span(f.StallFor),
	}
	if f.Body != nil {
		out.Body = new(string(f.Body))
	}
	if f.Shape != ShapeGateway {
		out.Shape = shapes()[f.Shape]
	}
	for name := range f.Header {
		if out.Header == nil {
			out.Header = make(map[string]string)
		}
		out.Header[name] = f.Header.Get(name)
	}
	if f.RetryAfterDate {
		out.RetryAt = span(f.RetryAfter)
	} else {
		out.RetryAfter = span(f.RetryAfter)
	}
	if f.Cut {
		out.CutAfter = &f.CutAt
	}
	if f.Stall {
		out.StallAfter = &f.StallAt
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements [json.Unmarshaler]. A fault that does nothing is an error,
// and so is a field that does not exist.
func (f *Fault) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var in faultJSON
	if err := dec.Decode(&in); err != nil {
		return err
	}
	drop, shape := slices.Index(drops(), in.Drop), 0
	if in.Shape != "" {
		shape = slices.Index(shapes(), in.Shape)
	}
	switch {
	case drop < 0:
		return fmt.Errorf("drop is %q; it must be refuse, reset or answer", in.Drop)
	case shape < 0:
		return fmt.Errorf("shape is %q; it must be one of %v", in.Shape, shapes())
	case in.Status != 0 && (in.Status < 200 || in.Status > 599):
		return fmt.Errorf("status is %d; it must be between 200 and 599", in.Status)
	case in.Times < 0 || in.Skip < 0:
		return errors.New("times and skip must not be negative; for every request there is always")
	case in.Always && in.Times != 0:
		return errors.New("times and always exclude each other")
	case in.RetryAfter != 0 && in.RetryAt != 0:
		return errors.New("retryAfter and retryAt exclude each other")
	case in.Status == 0 && (in.Body != nil || in.Shape != "" || in.Code != "" || in.Message != "" || in.Afterwards):
		return errors.New("body, shape, code, message and afterwards go with a status")
	case in.StallFor != 0 && in.StallAfter == nil:
		return errors.New("stallFor goes with stallAfter")
	case in.CutAfter != nil && *in.CutAfter < 0 || in.StallAfter != nil && *in.StallAfter < 0:
		return errors.New("cutAfter and stallAfter must not be negative")
	case in.Delay == 0 && drop == 0 && in.Status == 0 && in.CutAfter == nil && in.StallAfter == nil && len(in.Header) == 0 && in.RetryAfter == 0 && in.RetryAt == 0:
		return errors.New("nothing would go wrong: say status, drop, cutAfter, stallAfter, delay, header, retryAfter or retryAt")
	}
	*f = Fault{
		Method: in.Method, Host: in.Host, Path: in.Path, Skip: in.Skip, Times: in.Times,
		Latency: time.Duration(in.Delay), Drop: Drop(drop), Status: in.Status, Afterwards: in.Afterwards, Shape: Shape(shape), Code: in.Code, Message: in.Message,
		RetryAfter: time.Duration(in.RetryAfter + in.RetryAt), RetryAfterDate: in.RetryAt != 0, StallFor: time.Duration(in.StallFor),
	}
	if in.Always {
		f.Times = -1
	}
	if in.Body != nil {
		f.Body = []byte(*in.Body)
	}
	for name, value := range in.Header {
		if f.Header == nil {
			f.Header = make(http.Header)
		}
		f.Header.Set(name, value)
	}
	if in.CutAfter != nil {
		f.Cut, f.CutAt = true, *in.CutAfter
	}
	if in.StallAfter != nil {
		f.Stall, f.StallAt = true, *in.StallAfter
	}
	return nil
}

// ParseFaults reads a list of faults, or a single one. The error says which of them is
// wrong.
func ParseFaults(b []byte) ([]Fault, error) {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '{' {
		b = slices.Concat([]byte("["), b, []byte("]"))
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, fmt.Errorf("this is no list of faults: %w", err)
	}
	out := make([]Fault, len(raw))
	for i, r := range raw {
		if err := out[i].UnmarshalJSON(r); err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	return out, nil
}
