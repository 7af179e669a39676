package ingestion

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"github.com/partnercenter-go/partnercenter"
)

// Lister lists a collection whose entries are E.
type Lister[E any] struct{ e endpoint }

// All turns the pages of the collection. An error is the last thing yielded. The
// sequence can be ranged over again, which asks the service again.
func (l Lister[E]) All(ctx context.Context, opts ...partnercenter.CallOption) iter.Seq2[E, error] {
	return all(func(next string) (partnercenter.Page[E], error) { return l.Page(ctx, next, opts...) })
}

// Page fetches one page: the first one when next is empty, else the one that the
// page before it names.
func (l Lister[E]) Page(ctx context.Context, next string, opts ...partnercenter.CallOption) (partnercenter.Page[E], error) {
	if l.e.err != nil {
		return partnercenter.Page[E]{}, l.e.err
	}
	return page[E](ctx, l.e, l.e.path, l.e.expand, next, opts)
}

// Finder lists a collection whose entries are E, all of them or those that a
// filter lets through.
type Finder[E any] struct {
	e       endpoint
	subject string // whose filters fit
}

// All turns the pages of what the filter lets through; the zero Filter lets
// everything through. An error is the last thing yielded. The sequence can be
// ranged over again, which asks the service again.
func (f Finder[E]) All(ctx context.Context, filter Filter, opts ...partnercenter.CallOption) iter.Seq2[E, error] {
	return all(func(next string) (partnercenter.Page[E], error) { return f.Page(ctx, filter, next, opts...) })
}

// Page fetches one page: the first one when next is empty, else the one that the
// page before it names. The filter counts for the first page; the service's link
// carries it on.
func (f Finder[E]) Page(ctx context.Context, filter Filter, next string, opts ...partnercenter.CallOption) (partnercenter.Page[E], error) {
	err := f.e.err
	if err == nil {
		err = filter.check(f.subject)
	}
	if err != nil {
		return partnercenter.Page[E]{}, err
	}
	return page[E](ctx, f.e, f.e.path, filter.query(f.e.expand), next, opts)
}

// Drafts reads what belongs to an instance: the draft of one module of a product
// or plan, whose id [Branches.Draft] looks up.
type Drafts[E any] struct {
	e     endpoint
	path  string // spelled as this function's path is, which differs from the rest
	scope ProductScope
}

// ForInstance lists what belongs to the instance, usually one thing; a listing
// has one for each language. An error is the last thing yielded.
func (d Drafts[E]) ForInstance(ctx context.Context, instanceID string, opts ...partnercenter.CallOption) iter.Seq2[E, error] {
	return all(func(next string) (partnercenter.Page[E], error) {
		return d.InstancePage(ctx, instanceID, next, opts...)
	})
}

// InstancePage fetches one page: the first one when next is empty, else the one
// that the page before it names.
func (d Drafts[E]) InstancePage(ctx context.Context, instanceID, next string, opts ...partnercenter.CallOption) (partnercenter.Page[E], error) {
	at := d.e
	at.path = d.path
	path, err := at.function("getByInstanceID", "instanceID", instanceID)
	if err != nil {
		return partnercenter.Page[E]{}, err
	}
	return page[E](ctx, d.e, path, d.e.expand, next, opts)
}

// Draft returns the one thing that belongs to the instance. It is an error, which
// matches [partnercenter.ErrNotFound], if there is none, and another one if there
// are several.
func (d Drafts[E]) Draft(ctx context.Context, instanceID string, opts ...partnercenter.CallOption) (E, error) {
	return only(d.ForInstance(ctx, instanceID, opts...), "instance "+instanceID)
}

// only returns the single item of a listing.
func only[E any](items iter.Seq2[E, error], what string) (E, error) {
	var found, zero E
	n := 0
	for item, err := range items {
		if err != nil {
			return zero, err
		}
		found = item
		n++
	}
	switch n {
	case 0:
		return zero, fmt.Errorf("ingestion: nothing belongs to %s: %w", what, partnercenter.ErrNotFound)
	case 1:
		return found, nil
	default:
		return zero, fmt.Errorf("ingestion: %d things belong to %s, not one; list them", n, what)
	}
}

// Getter reads one thing by its id.
type Getter[E any] struct{ e endpoint }

// Get reads it.
func (g Getter[E]) Get(ctx context.Context, id string, opts ...partnercenter.CallOption) (E, error) {
	path, err := g.e.item("id", id)
	if err != nil {
		var zero E
		return zero, err
	}
	item, _, err := fetch[E](ctx, g.e, call{method: http.MethodGet, path: path, query: g.e.expand}, opts)
	return item, err
}

// Creator makes resources.
type Creator[T any] struct{ e endpoint }

// Create makes a resource of data, which may come from another one: its id and
// etag are left out. The request is sent again only when the service surely did
// not see it, so that nothing is made twice.
func (c Creator[T]) Create(ctx context.Context, data T, opts ...partnercenter.CallOption) (*Resource[T], error) {
	if c.e.err != nil {
		return nil, c.e.err
	}
	return create(ctx, c.e, c.e.path, data, opts)
}

func create[T any](ctx context.Context, e endpoint, path string, data T, opts []partnercenter.CallOption) (*Resource[T], error) {
	body, err := newBody(data)
	if err != nil {
		return nil, err
	}
	r, resp, err := fetch[*Resource[T]](ctx, e, post(path, body), opts)
	if !errors.Is(err, errNoBody) {
		return r, err
	}
	made := &Resource[T]{ID: lastSegment(resp.Header.Get("Location")), ETag: resp.Header.Get("ETag"), Data: data}
	if made.ID == "" {
		return nil, fmt.Errorf("POST %s: the resource was made (%d), but the service did not say under which id: %w", path, resp.StatusCode, errNoBody)
	}
	return made, nil
}

// newBody encodes what is to be made.
func newBody(data any) ([]byte, error) {
	if c, ok := data.(checked); ok {
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	doc, err := encodeData(data)
	if err != nil {
		return nil, err
	}
	body := doc.remove(memberID).remove(memberETag).encode()
	return body, refusePlaceholders(body)
}

// Deleter removes things.
type Deleter struct{ e endpoint }

// Delete removes a thing by its id. A thing that is not there is an error, which
// matches [partnercenter.ErrNotFound]. A request that was sent twice because its
// first answer got lost can end so too.
func (d Deleter) Delete(ctx context.Context, id string, opts ...partnercenter.CallOption) error {
	path, err := d.e.item("id", id)
	if err != nil {
		return err
	}
	_, err = d.e.do(ctx, call{method: http.MethodDelete, path: path}, opts)
	return err
}

// DeleteIfExists removes a thing by its id, and is content when it is not there.
func (d Deleter) DeleteIfExists(ctx context.Context, id string, opts ...partnercenter.CallOption) error {
	err := d.Delete(ctx, id, opts...)
	if errors.Is(err, partnercenter.ErrNotFound) {
		return nil
	}
	return err
}
