// Package remote joins package transfer and package tabular: it reads delimited
// files where the service has put them.
package remote

import (
	"context"
	"fmt"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/tabular"
	"github.com/partnercenter-go/partnercenter/internal/transfer"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// Open opens the file of src without a file in between. Closing the content ends
// its requests.
func Open(ctx context.Context, src transfer.Source, opts *partnercenter.DownloadOptions) (*partnercenter.Content, error) {
	blob, err := transfer.Open(ctx, src, opts)
	if err != nil {
		return nil, err
	}
	content, err := tabular.Open(blob.Name(), blob, blob.Size(), tabular.WithCloser(blob))
	if err != nil {
		_ = blob.Close() // the reason why it cannot be read is the better error
		return nil, err
	}
	return content, nil
}

// Look asks the service where a file is now. The link is empty when there is none,
// and the status then says why.
type Look func(ctx context.Context) (link partnercenter.Secret, status string, err error)

// Source says where the file of that identity is: behind the link at hand, which may
// be empty, or the one that look gets.
func Source(blob *transport.Blob, identity string, known partnercenter.Secret, look Look) transfer.Source {
	return transfer.Source{Doer: blob, Link: Link(known, look), Identity: identity, Logger: blob.Logger()}
}

// Link makes a [transfer.Source]'s Link of the link at hand, which may be empty,
// and a way to a fresh one: the services sign a new link whenever they are asked.
func Link(known partnercenter.Secret, look Look) func(ctx context.Context, stale partnercenter.Secret) (partnercenter.Secret, error) {
	return func(ctx context.Context, stale partnercenter.Secret) (partnercenter.Secret, error) {
		if !known.IsZero() && !known.Equal(stale) {
			return known, nil
		}
		fresh, status, err := look(ctx)
		if err != nil {
			return partnercenter.Secret{}, fmt.Errorf("getting a link: %w", err)
		}
		if fresh.IsZero() {
			return partnercenter.Secret{}, fmt.Errorf("it is %s and offers no file; wait for it with a poller", status)
		}
		known = fresh
		return fresh, nil
	}
}
