package analytics

import (
	"context"
	"errors"
	"iter"
	"log/slog"

	"github.com/partnercenter-go/partnercenter"
)

// RunOptions tunes [Client.RunFile] and [RunRows]. The zero value, and a nil
// pointer, mean the defaults of each part.
type RunOptions struct {
	// Wait tunes the wait for the file.
	Wait *partnercenter.WaitOptions
	// Download tunes the transfer of the file.
	Download *partnercenter.DownloadOptions
	// Rows tunes the reading of the file. [RunRows] only.
	Rows *partnercenter.RowOptions
	// Watch is called with what every poll saw.
	Watch func(Execution)
	// OnStart is called with the resume token once the run has begun. Whoever
	// sets it can go on with [Client.ResumeRun]: a run that has been cut short, by
	// the end of the context at any time or by the wait's timeout, is then left as
	// it is and not cleaned up.
	OnStart func(resumeToken string)
}

// RunFile runs a query and fetches the result into a file: [Client.Run], the wait,
// [Client.DownloadFile], and [Run.CleanUp] in the end, whatever the outcome was. An
// error of the clean-up is returned along with the result.
func (c *Client) RunFile(ctx context.Context, req RunRequest, path string, opts *RunOptions) (partnercenter.DownloadResult, error) {
	var result partnercenter.DownloadResult
	err := c.runOnce(ctx, req, opts, func(run *Run, o RunOptions) (err error) {
		result, err = run.DownloadFile(ctx, path, o.Download)
		return err
	})
	return result, err
}

// RunRows runs a query and yields the rows of the result; see [Rows] for them. When
// the loop over them ends, for whatever reason, the run is cleaned up. Every range
// over the sequence is a run of its own, and counts against the quota.
func RunRows[T any](ctx context.Context, c *Client, req RunRequest, opts *RunOptions) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		done := false // nothing more may be yielded
		err := c.runOnce(ctx, req, opts, func(run *Run, o RunOptions) error {
			content, err := run.Open(ctx, o.Download)
			if err != nil {
				return err
			}
			defer func() { _ = content.Close() }() // nothing was written, and the rows are read
			for row, err := range Rows[T](content, o.Rows) {
				if !yield(row, err) {
					done = true
					break
				}
				done = err != nil
			}
			return nil
		})
		if err != nil && !done {
			yield(zero, err)
		}
	}
}

// runOnce runs a query, has its result used, and cleans up.
func (c *Client) runOnce(ctx context.Context, req RunRequest, opts *RunOptions, use func(*Run, RunOptions) error) (err error) {
	var o RunOptions
	if opts != nil {
		o = *opts
	}
	run, err := c.Run(ctx, req)
	if err != nil {
		return err
	}
	leave := false
	defer func() {
		if leave || o.OnStart != nil && err != nil && ctx.Err() != nil {
			return
		}
		if failed := run.CleanUp(ctx); failed != nil {
			// The error has nowhere to go when a loop over rows has been left.
			c.log.LogAttrs(ctx, slog.LevelWarn, "analytics: a run has not been cleaned up; Orphans will list it", slog.String("error", failed.Error()))
			err = errors.Join(err, failed)
		}
	}()
	if o.OnStart != nil {
		o.OnStart(run.ResumeToken())
	}
	for x, err := range run.Watch(ctx, o.Wait) {
		if err != nil {
			_, interrupted := errors.AsType[*partnercenter.WaitError](err)
			leave = interrupted && o.OnStart != nil
			return err
		}
		if o.Watch != nil {
			o.Watch(x)
		}
	}
	return use(run, o)
}
