package ingestion

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// page fetches one page of a listing: the first one, or the one behind next.
//
// Collections are documented as {"@odata.nextLink","value"} and sent as
// {"nextLink","value"}; both are read. The link is used as it is, relative to the
// root of the host.
func page[E any](ctx context.Context, e endpoint, path, query, next string, opts []partnercenter.CallOption) (partnercenter.Page[E], error) {
	r := call{method: http.MethodGet, path: path, query: query}
	if next != "" {
		r.link = next
	}
	resp, err := e.do(ctx, r, opts)
	if err != nil {
		if next != "" && errors.Is(err, partnercenter.ErrNotFound) && !e.client.set.strictPaging {
			err = nil // the service is known to link to a page that is not there
		}
		return partnercenter.Page[E]{}, err
	}
	p, err := parsePage[E](trimMark(resp.Body))
	if err != nil {
		return partnercenter.Page[E]{}, fmt.Errorf("GET %s: the answer (%d, %d bytes): %w", path, resp.StatusCode, len(resp.Body), err)
	}
	return p, nil
}

func parsePage[E any](body []byte) (partnercenter.Page[E], error) {
	var p partnercenter.Page[E]
	doc, err := parseDocument(body)
	if err != nil {
		return p, errors.New("not a JSON object")
	}
	if doc.find("value") < 0 {
		return p, errors.New("not a listing: there is no value member")
	}
	var items []json.RawMessage
	if err := json.Unmarshal(doc.get("value"), &items); err != nil {
		return p, errors.New("not a listing: value is not an array")
	}
	for _, name := range [...]string{"nextLink", "@odata.nextLink"} {
		link := doc.get(name)
		if isNull(link) || p.Next != "" {
			continue
		}
		if err := json.Unmarshal(link, &p.Next); err != nil {
			return p, fmt.Errorf("%s is not a string", name)
		}
	}
	p.Items = make([]E, len(items))
	for i, raw := range items {
		if p.Items[i], err = decodeItem[E](raw); err != nil {
			return p, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return p, nil
}

// all turns the pages of a listing; see [transport.Pages].
func all[E any](fetch func(next string) (partnercenter.Page[E], error)) iter.Seq2[E, error] {
	return transport.Pages("ingestion", fetch)
}
