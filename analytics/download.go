package analytics

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/remote"
	"github.com/partnercenter-go/partnercenter/internal/transfer"
)

// Open reads the file of a completed run where it lies, without a file in between.
// The service stores reports compressed; what is read is the text. Broken
// connections are taken up again at the stored byte where they broke, and a link
// that expires (after a week, as far as seen) is replaced by a fresh one, which the
// service makes for 90 days.
//
// The context bounds all reading. Of the options, NoResume and Progress do not
// apply; bytes are counted as stored. Close the content when done.
//
// The file's link is all that is sent to the blob store: no token ever goes there.
func (c *Client) Open(ctx context.Context, x Execution, opts *partnercenter.DownloadOptions) (*partnercenter.Content, error) {
	src, err := c.source(x)
	if err != nil {
		return nil, err
	}
	content, err := remote.Open(ctx, src, opts)
	if err != nil {
		return nil, fmt.Errorf("analytics: run %s: %w", x.ID, err)
	}
	return content, nil
}

// DownloadFile fetches the file of a completed run. What arrives is kept in path +
// ".part" beside it, so that a download that was interrupted, even by a crash, is
// resumed by the next; the file appears under its final name when it is whole,
// checked and on disk, and never before. [OpenFile] reads it.
//
// The file is kept as the service stores it, usually compressed with gzip whatever
// its name says; [UnpackFile] makes plain text of it. Sizes and progress are counted
// in stored bytes.
func (c *Client) DownloadFile(ctx context.Context, x Execution, path string, opts *partnercenter.DownloadOptions) (partnercenter.DownloadResult, error) {
	src, err := c.source(x)
	if err != nil {
		return partnercenter.DownloadResult{}, err
	}
	result, err := transfer.DownloadFile(ctx, src, path, opts)
	if err != nil {
		return result, fmt.Errorf("analytics: run %s: %w", x.ID, err)
	}
	return result, nil
}

// source says where the file of a run is. The service signs a new link whenever it
// is asked about the run.
func (c *Client) source(x Execution) (transfer.Source, error) {
	if strings.TrimSpace(x.ID) == "" || strings.TrimSpace(x.ReportID) == "" {
		return transfer.Source{}, errors.New("analytics: the run has no id: pass one that a poller or Executions has returned")
	}
	identity := "analytics/" + string(c.program) + "/" + x.ReportID + "/" + x.ID
	return remote.Source(c.api.Blob(), identity, x.Location, func(ctx context.Context) (partnercenter.Secret, string, error) {
		fresh, err := c.Execution(ctx, x.ReportID, x.ID)
		return fresh.Location, string(fresh.Status), err
	}), nil
}
