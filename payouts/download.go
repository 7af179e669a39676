package payouts

import (
	"context"
	"fmt"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/remote"
	"github.com/partnercenter-go/partnercenter/internal/transfer"
)

// Open reads a completed export where it lies, without a file in between: rows
// begin to flow while most of a zip is still at the service. Broken connections
// are taken up again where they broke, and a link that expires is replaced.
//
// The context bounds all reading. Of the options, NoResume and Progress do not
// apply. Close the content when done.
//
// The file's link is all that is sent to the blob store: no token ever goes there.
func (c *Client) Open(ctx context.Context, e Export, opts *partnercenter.DownloadOptions) (*partnercenter.Content, error) {
	src, err := c.source(e)
	if err != nil {
		return nil, err
	}
	content, err := remote.Open(ctx, src, opts)
	if err != nil {
		return nil, fmt.Errorf("payouts: export %s: %w", e.ID, err)
	}
	return content, nil
}

// DownloadFile fetches a completed export into a file. What arrives is kept in
// path + ".part" beside it, so that a run that was interrupted, even by a crash,
// is resumed by the next; the file appears under its final name when it is whole,
// checked and on disk, and never before. [OpenFile] reads it.
//
// Errors to tell apart: [partnercenter.ErrCorrupt], [partnercenter.ErrBusy] and
// those of [partnercenter.Error]. After any other than the first the part stays,
// for the next run to go on with.
//
// The file is kept as the service stores it, usually a zip, with mode 0600.
func (c *Client) DownloadFile(ctx context.Context, e Export, path string, opts *partnercenter.DownloadOptions) (partnercenter.DownloadResult, error) {
	src, err := c.source(e)
	if err != nil {
		return partnercenter.DownloadResult{}, err
	}
	result, err := transfer.DownloadFile(ctx, src, path, opts)
	if err != nil {
		return result, fmt.Errorf("payouts: export %s: %w", e.ID, err)
	}
	return result, nil
}

// source says where an export's file is. Links are fetched anew when the one at
// hand has expired: the service makes a new one for every look at the export.
func (c *Client) source(e Export) (transfer.Source, error) {
	if _, err := exportPath(e.Kind, e.ID); err != nil {
		return transfer.Source{}, err
	}
	identity := "payouts/" + string(e.Kind) + "/" + e.ID
	return remote.Source(c.api.Blob(), identity, e.Location, func(ctx context.Context) (partnercenter.Secret, string, error) {
		fresh, err := c.Export(ctx, e.Kind, e.ID)
		return fresh.Location, string(fresh.Status), err
	}), nil
}
