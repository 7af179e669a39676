package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/redact"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// The three resources of the API.
const (
	resourceDatasets = "ScheduledDataset"
	resourceQueries  = "ScheduledQueries"
	resourceReports  = "ScheduledReport"
)

// call is one request of this API.
type call struct {
	method string
	path   []string // behind the program
	query  []string // names and values in turn
	link   string   // in place of path and query: the next page
	body   any
	// secrets must not survive in an error that quotes the request.
	secrets []partnercenter.Secret
}

// send makes a request and unwraps the answer. Errors are marked with their kind.
func (c *Client) send(ctx context.Context, r call, opts ...partnercenter.CallOption) (envelope, error) {
	path, err := transport.Path(append([]string{string(c.program)}, r.path...)...)
	if err != nil {
		return envelope{}, fmt.Errorf("analytics: %w", err)
	}
	req := transport.Request{
		Method: r.method, Path: path, Query: transport.Query(r.query...), Link: r.link,
		// The documentation asks for it even where there is no body.
		Header: http.Header{"Content-Type": {"application/json"}},
	}
	if r.body != nil {
		if req.Body, err = encode(r.body); err != nil {
			return envelope{}, fmt.Errorf("analytics: %w", err)
		}
	}
	resp, err := c.api.Do(ctx, req, opts...)
	if err != nil {
		return envelope{}, classify(scrub(err, r.secrets))
	}
	if r.method != http.MethodGet && len(bytes.TrimSpace(resp.Body)) == 0 {
		return envelope{}, nil // done; whoever needs more than that will miss the item
	}
	e, err := parseEnvelope(resp.Body)
	if err != nil {
		return envelope{}, &transport.AnswerError{Err: fmt.Errorf("analytics: %s %s: %w", r.method, path, err)}
	}
	if e.status >= http.StatusBadRequest {
		// The status in the answer repeats that of the answer; where they differ,
		// an empty list must not pass for a result.
		return envelope{}, classify(scrub(&partnercenter.Error{
			Method: r.method, Path: path, StatusCode: e.status, Message: redact.Text(e.message), Attempts: 1,
			Header: resp.Header, Body: redact.Bytes(resp.Body), RequestID: resp.Header.Get("Request-ID"),
		}, r.secrets))
	}
	return e, nil
}

// encode writes a body without the HTML escapes that encoding/json puts into
// query texts.
func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// scrub takes the secrets of a request out of an answer that quotes them.
func scrub(err error, secrets []partnercenter.Secret) error {
	e, ok := errors.AsType[*partnercenter.Error](err)
	if !ok {
		return err
	}
	var known []string
	for _, s := range secrets {
		if v := s.Reveal(); v != "" {
			known = append(known, v)
			if text, err := json.Marshal(v); err == nil {
				known = append(known, strings.Trim(string(text), `"`))
			}
		}
	}
	if len(known) == 0 {
		return err
	}
	e.Message, e.Body = redact.Text(e.Message, known...), redact.Bytes(e.Body, known...)
	for i := range e.Details {
		e.Details[i].Message = redact.Text(e.Details[i].Message, known...)
	}
	for _, texts := range e.Fields {
		for i := range texts {
			texts[i] = redact.Text(texts[i], known...)
		}
	}
	return err
}

// nothingFound reports the 404 with which the service answers a listing that has
// no entries. A 404 of the gateway, for a wrong address, is a real error.
func nothingFound(err error) bool {
	e, ok := errors.AsType[*partnercenter.Error](err)
	if !ok || e.StatusCode != http.StatusNotFound {
		return false
	}
	text := strings.ToLower(e.Message)
	return strings.Contains(text, "no item found") || strings.Contains(text, "no executions") || isEnvelope(e.Body)
}

// one decodes the single item of an answer.
func one[T any](e envelope, decode func(object) T) (T, error) {
	var zero T
	for _, raw := range e.items {
		o, err := parseObject(raw)
		if err != nil {
			continue
		}
		return decode(o), nil
	}
	return zero, errors.New("the answer holds no item")
}

// many decodes all items of an answer.
func many[T any](e envelope, decode func(object) T) ([]T, error) {
	out := make([]T, 0, len(e.items))
	for i, raw := range e.items {
		o, err := parseObject(raw)
		if err != nil {
			return nil, fmt.Errorf("analytics: item %d of the answer is %w", i+1, err)
		}
		out = append(out, decode(o))
	}
	return out, nil
}
