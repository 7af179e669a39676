package transfer

import (
	"context"
	"crypto/md5" //nolint:gosec // the checksum that the store checks
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/partnercenter-go/partnercenter"
)

// inBlocks uploads content in blocks, of which the first has been read.
func (u *upload) inBlocks(ctx context.Context, blocks *blockReader, first uploadBlock) (UploadResult, error) {
	there, err := u.prepare(ctx)
	if err != nil {
		return UploadResult{}, err
	}
	ids, resumed, err := u.putBlocks(ctx, blocks, first, there)
	if err == nil {
		err = u.file.unchanged()
	}
	if err != nil {
		return UploadResult{}, u.kept(err)
	}
	result := blocks.result()
	result.Resumed = resumed
	result.ETag, err = u.commit(ctx, ids, result.SHA256)
	if err != nil {
		return UploadResult{}, u.kept(err)
	}
	u.meter.end(result.Bytes)
	return result, nil
}

// kept says how much the next run need not send.
func (u *upload) kept(err error) error {
	if _, ok := errors.AsType[*lostBlocksError](err); ok || u.opts.NoResume {
		return err
	}
	if n := u.meter.bytes(); n > 0 {
		return fmt.Errorf("%w (the store keeps %d bytes; the next upload of the same content to the same link goes on from there)", err, n)
	}
	return err
}

// prepare returns the sizes of the blocks that the store has, by their ids.
func (u *upload) prepare(ctx context.Context) (map[string]int64, error) {
	switch {
	case u.foreign:
		return nil, u.forget(ctx)
	case u.opts.NoResume:
		return nil, nil
	}
	return u.wire.list(ctx)
}

// putBlocks sends the blocks that are not there and returns the ids of all.
func (u *upload) putBlocks(ctx context.Context, blocks *blockReader, b uploadBlock, there map[string]int64) (ids []string, resumed int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan uploadBlock)
	free := make(chan []byte, u.opts.Parallel+1) // as many buffers as there may be blocks at a time
	var workers sync.WaitGroup
	for range u.opts.Parallel {
		workers.Go(func() {
			for b := range work {
				if err := u.putBlock(ctx, b); err != nil {
					cancel(err) // the first one counts
				}
				free <- b.data
			}
		})
	}
	made := 1 // buffers
	for {
		if len(b.data) > 0 { // content of unknown size may end with an empty one
			ids = append(ids, b.id)
		}
		if size, ok := there[b.id]; ok && size == int64(len(b.data)) || len(b.data) == 0 {
			resumed += int64(len(b.data))
			u.meter.add(len(b.data))
			free <- b.data
		} else {
			select {
			case work <- b:
			case <-ctx.Done():
			}
		}
		if b.last || ctx.Err() != nil {
			break
		}
		var buf []byte // none: the next block gets one of its own
		select {
		case buf = <-free:
		default:
			if made++; made > cap(free) {
				buf = <-free
			}
		}
		if b, err = blocks.next(buf); err != nil {
			cancel(err)
			break
		}
	}
	close(work)
	workers.Wait()
	return ids, resumed, context.Cause(ctx)
}

// putBlock sends a block.
func (u *upload) putBlock(ctx context.Context, b uploadBlock) error {
	_, err := u.wire.do(ctx, uploadRequest{
		method: http.MethodPut, query: "comp=block&blockid=" + url.QueryEscape(b.id),
		header: uploadHeader(md5.Sum(b.data)), //nolint:gosec // see the import
		body:   b.data, want: http.StatusCreated,
	})
	switch {
	case err == nil:
		u.meter.add(len(b.data))
		return nil
	case partnercenter.HasCode(err, "InvalidBlobOrBlock"):
		// Another program has left blocks whose ids are of another length.
		return &lostBlocksError{err: err, foreign: true}
	}
	return err
}

// uploadHeader is the header of a body with the given checksum.
func uploadHeader(sum [md5.Size]byte) http.Header {
	return http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(sum[:])}}
}
