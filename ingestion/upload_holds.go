package ingestion

import (
	"context"
	"errors"
	"io"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transfer"
)

// Holds reports whether the file of a resource is, to the byte, what content holds
// from where it stands, so that it need not be uploaded. It compares size and
// checksum with those that the store keeps, and downloads nothing. It is false when
// the file is not there, when the service does not let it be looked at, and when the
// store keeps no checksum, as of a large file that another program has uploaded.
//
// Content must be seekable to be uploaded after that: go back to its start.
func (u Uploader[T]) Holds(ctx context.Context, r *Resource[T], content io.Reader, calls ...partnercenter.CallOption) (bool, error) {
	switch {
	case r == nil:
		return false, errNoResource
	case content == nil:
		return false, errNoContent
	}
	if err := u.u.e.usable(); err != nil {
		return false, err
	}
	same, err := transfer.Holds(ctx, u.target(u.with(calls).links(new(*r))), content)
	if errors.Is(err, partnercenter.ErrNotFound) || errors.Is(err, partnercenter.ErrForbidden) || errors.Is(err, errNoLink) {
		return false, nil
	}
	return same, err
}
