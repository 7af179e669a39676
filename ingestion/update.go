package ingestion

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/partnercenter-go/partnercenter"
)

// Updater reads resources by their ids and writes them back.
type Updater[T any] struct {
	Getter[*Resource[T]]

	// versioned says that the service wants If-Match. Of other kinds not every
	// resource has a version.
	versioned bool
	// expandPut says that a PUT takes the expand option too.
	expandPut bool
}

// Update replaces the resource at the service by r and returns what is stored
// there now. It fails with [partnercenter.ErrConflict] when the resource has
// changed since r was read, and changes nothing then; see [Updater.Modify].
// [Overwrite] replaces it all the same.
//
// The service forgets members that are not sent. So change a resource that was
// read, rather than making one up.
func (u Updater[T]) Update(ctx context.Context, r *Resource[T], opts ...partnercenter.CallOption) (*Resource[T], error) {
	body, err := Wire(r)
	if err != nil {
		return nil, err
	}
	path, err := u.e.item("id", r.ID)
	if err != nil {
		return nil, err
	}
	if u.versioned && r.ETag == "" && partnercenter.ResolveCallOptions(u.e.with(opts).calls...).Header.Get("If-Match") == "" {
		return nil, errors.New("ingestion: the resource has no ETag; read it before changing it, or pass Overwrite to replace whatever is there")
	}
	put := call{method: http.MethodPut, path: path, body: body, ifMatch: r.ETag}
	if u.expandPut {
		put.query = u.e.expand
	}
	stored, resp, err := fetch[*Resource[T]](ctx, u.e, put, opts)
	if !errors.Is(err, errNoBody) {
		return stored, err
	}
	stored = &Resource[T]{}
	if err := stored.UnmarshalJSON(body); err != nil {
		return nil, err
	}
	stored.ETag = resp.Header.Get("ETag") // the version in the body is the old one
	return stored, nil
}

// maxConflicts is how often a change that lost a race is made anew.
const maxConflicts = 4

// Modify reads a resource, lets change do its work, and writes the result. When
// somebody else was faster ([partnercenter.ErrConflict]), it begins again, up to
// four times. The function must therefore give the same result when called again,
// on a resource that is in a different state. If it leaves the resource as it was,
// nothing is written; if it returns an error, Modify returns that error.
func (u Updater[T]) Modify(ctx context.Context, id string, change func(*Resource[T]) error, opts ...partnercenter.CallOption) (*Resource[T], error) {
	return modify(
		func() (*Resource[T], error) { return u.Get(ctx, id, opts...) },
		change,
		func(r *Resource[T]) (*Resource[T], error) { return u.Update(ctx, r, opts...) },
	)
}

// modify is the loop of read, change and write.
func modify[T any](read func() (*Resource[T], error), change func(*Resource[T]) error, write func(*Resource[T]) (*Resource[T], error)) (*Resource[T], error) {
	if change == nil {
		return nil, errors.New("ingestion: the function that makes the change is nil")
	}
	for conflicts := 0; ; {
		r, err := read()
		if err != nil {
			return nil, err
		}
		before, err := r.wire()
		if err != nil {
			return nil, err
		}
		if err := change(r); err != nil {
			return nil, err
		}
		after, err := r.wire()
		if err != nil {
			return nil, err
		}
		if bytes.Equal(before, after) {
			return r, nil
		}
		stored, err := write(r)
		if err == nil {
			return stored, nil
		}
		if !errors.Is(err, partnercenter.ErrConflict) {
			return nil, err
		}
		if conflicts++; conflicts > maxConflicts {
			return nil, fmt.Errorf("ingestion: gave up after %d conflicts in a row: %w", conflicts, err)
		}
	}
}

// Singleton is something that a product has exactly one of. It has neither id nor
// version, and is replaced as a whole.
type Singleton[T any] struct{ e endpoint }

// Get reads it.
func (s Singleton[T]) Get(ctx context.Context, opts ...partnercenter.CallOption) (*Resource[T], error) {
	if s.e.err != nil {
		return nil, s.e.err
	}
	r, _, err := fetch[*Resource[T]](ctx, s.e, call{method: http.MethodGet, path: s.e.path}, opts)
	return r, err
}

// Set replaces it and returns what is stored now. What data does not say is gone:
// change what [Singleton.Get] returns, or use [Singleton.Modify].
//
// The service has no version to check, so the last one to write wins. The request
// is a POST and is sent again only when the service surely did not see it.
func (s Singleton[T]) Set(ctx context.Context, data T, opts ...partnercenter.CallOption) (*Resource[T], error) {
	if s.e.err != nil {
		return nil, s.e.err
	}
	if c, ok := any(data).(checked); ok {
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	doc, err := encodeData(data)
	if err != nil {
		return nil, err
	}
	body := doc.encode()
	if err := refusePlaceholders(body); err != nil {
		return nil, err
	}
	r, resp, err := fetch[*Resource[T]](ctx, s.e, post(s.e.path, body), opts)
	if errors.Is(err, errNoBody) {
		return &Resource[T]{ETag: resp.Header.Get("ETag"), Data: data}, nil
	}
	return r, err
}

// Modify reads it, lets change do its work, and sets the result. Nothing is
// written when nothing was changed. On a conflict it begins again as
// [Updater.Modify] does.
func (s Singleton[T]) Modify(ctx context.Context, change func(*Resource[T]) error, opts ...partnercenter.CallOption) (*Resource[T], error) {
	return modify(
		func() (*Resource[T], error) { return s.Get(ctx, opts...) },
		change,
		func(r *Resource[T]) (*Resource[T], error) { return s.Set(ctx, r.Data, opts...) },
	)
}
