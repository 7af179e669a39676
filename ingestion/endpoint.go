package ingestion

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// endpoint is where a kind of resource lives. A mistake in the ids that led here
// is kept until a verb is called, so that handles can be chained.
type endpoint struct {
	client *Client
	path   string                     // of the collection, escaped, without a slash at the end
	expand string                     // the query of every request but POST and DELETE
	calls  []partnercenter.CallOption // of every request, before its own
	err    error
}

// with returns the endpoint whose requests all have more options.
func (e endpoint) with(calls []partnercenter.CallOption) endpoint {
	e.calls = append(slices.Clip(e.calls), calls...)
	return e
}

// usable says why no request can be made.
func (e endpoint) usable() error {
	switch {
	case e.err != nil:
		return e.err
	case e.client == nil:
		return errNoClient
	}
	return nil
}

// under returns the endpoint of a collection below an item of this one.
func (e endpoint) under(what, id, collection string) endpoint {
	path, err := e.item(what, id)
	return endpoint{client: e.client, path: path + "/" + collection, calls: e.calls, err: err}
}

// item returns the path of an item.
func (e endpoint) item(what, id string) (string, error) {
	if e.err != nil {
		return "", e.err
	}
	if err := checkID(what, id); err != nil {
		return "", err
	}
	return e.path + "/" + url.PathEscape(id), nil
}

// function returns the path of an OData function, whose parentheses the service
// wants as they are.
func (e endpoint) function(name, argument, value string) (string, error) {
	if e.err != nil {
		return "", e.err
	}
	if err := checkID(argument, value); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s/%s(%s=%s)", e.path, name, argument, url.PathEscape(value)), nil
}

// checkID refuses what cannot be an id and could lead a request elsewhere.
func checkID(what, id string) error {
	switch {
	case strings.TrimSpace(id) == "":
		return fmt.Errorf("ingestion: the %s is empty", what)
	case id == "." || id == ".." || strings.ContainsFunc(id, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`/\?#%()=&;`, r)
	}):
		return fmt.Errorf("ingestion: %q cannot be the %s; pass it as the service gives it", id, what)
	}
	return nil
}

// call is one request of an endpoint.
type call struct {
	method, path, link, query string
	body                      []byte
	ifMatch                   string
	doubt503                  bool // see [transport.Request]
}

// do sends a request. The headers set here give way to those of the call's options.
func (e endpoint) do(ctx context.Context, r call, opts []partnercenter.CallOption) (*transport.Response, error) {
	if e.client == nil {
		return nil, errNoClient
	}
	header := maps.Clone(e.client.set.header)
	if r.ifMatch != "" {
		header.Set("If-Match", r.ifMatch)
	}
	return e.client.api.Do(ctx, transport.Request{
		Method: r.method, Path: r.path, Link: r.link, Query: r.query, Header: header, Body: r.body, Doubt503: r.doubt503,
	}, e.with(opts).calls...)
}

// fetch sends a request and decodes the object that answers it.
func fetch[E any](ctx context.Context, e endpoint, r call, opts []partnercenter.CallOption) (E, *transport.Response, error) {
	var zero E
	resp, err := e.do(ctx, r, opts)
	if err != nil {
		return zero, nil, err
	}
	if len(bytes.TrimSpace(resp.Body)) == 0 {
		return zero, resp, errNoBody
	}
	item, err := decodeItem[E](trimMark(resp.Body))
	if err != nil {
		return zero, resp, fmt.Errorf("%s %s: the answer (%d, %d bytes): %w", r.method, r.path, resp.StatusCode, len(resp.Body), err)
	}
	if tagged, ok := any(item).(interface{ setETag(string) }); ok {
		tagged.setETag(resp.Header.Get("ETag"))
	}
	return item, resp, nil
}

// errNoBody is an answer without a body, which some verbs can do without.
var errNoBody = errors.New("ingestion: the service answered without a body")

// trimMark takes a byte order mark off.
func trimMark(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }

// setETag fills in the header's etag where the body had none.
func (r *Resource[T]) setETag(header string) {
	if r.ETag == "" {
		r.ETag = header
	}
}

// post is the call that creates, or stores what is not addressed by id.
func post(path string, body []byte) call {
	return call{method: http.MethodPost, path: path, body: body}
}
