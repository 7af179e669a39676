package analytics

import (
	"context"
	"iter"
	"net/http"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// page fetches one page of a listing: the first one, or the one behind next.
func page[T any](ctx context.Context, c *Client, r call, next string, decode func(envelope, object) T, opts []partnercenter.CallOption) (partnercenter.Page[T], error) {
	r.method, r.link = http.MethodGet, next
	e, err := c.send(ctx, r, opts...)
	if nothingFound(err) {
		return partnercenter.Page[T]{}, nil
	}
	if err != nil {
		return partnercenter.Page[T]{}, err
	}
	items, err := many(e, func(o object) T { return decode(e, o) })
	if err != nil {
		return partnercenter.Page[T]{}, err
	}
	return partnercenter.Page[T]{Items: items, Next: e.next, Total: e.total}, nil
}

// all turns the pages of a listing; see [transport.Pages].
func all[T any](fetch func(next string) (partnercenter.Page[T], error)) iter.Seq2[T, error] {
	return transport.Pages("analytics", fetch)
}

// collect reads a listing to its end.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var out []T
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}
