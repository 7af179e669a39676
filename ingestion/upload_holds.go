package ingestion

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the checksum that the store keeps
	"errors"
	"fmt"
	"io"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transfer"
)

// Holds reports whether the file of a resource is, to the byte, what content holds
// from where it stands, so that it need not be uploaded. It compares size and MD5
// with those that the store keeps, and downloads nothing. It is false when the file
// is not there, and when the service does not let it be looked at.
//
// Content must be seekable to be uploaded after that: go back to its start.
func (u Uploader[T]) Holds(ctx context.Context, r *Resource[T], content io.Reader) (bool, error) {
	switch {
	case r == nil:
		return false, errNoResource
	case content == nil:
		return false, errNoContent
	case u.u.e.err != nil:
		return false, u.u.e.err
	case u.u.e.client == nil:
		return false, errNoClient
	}
	size, sum, err := transfer.Stored(ctx, u.target(u.links(new(*r))))
	switch {
	case errors.Is(err, partnercenter.ErrNotFound), errors.Is(err, partnercenter.ErrForbidden), errors.Is(err, errNoLink):
		return false, nil
	case err != nil:
		return false, err
	case sum == nil:
		return false, nil
	}
	hash := md5.New() //nolint:gosec // see the import
	n, err := io.Copy(hash, content)
	if err != nil {
		return false, fmt.Errorf("ingestion: reading the content: %w", err)
	}
	return n == size && bytes.Equal(hash.Sum(nil), sum), nil
}
