package transfer

import (
	"context"
	"crypto/md5" //nolint:gosec // the checksum that the store checks
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/partnercenter-go/partnercenter"
)

// Target says where a file is uploaded to.
type Target struct {
	// Doer sends the requests.
	Doer Doer
	// Link returns a pre-signed URL that may write, under the conditions of
	// [Source.Link]. Every link must lead to the same blob.
	Link func(ctx context.Context, stale partnercenter.Secret) (partnercenter.Secret, error)
}

// UploadOptions tunes an upload. Zero fields, and a nil pointer, mean the defaults;
// negative numbers turn the thing off.
type UploadOptions struct {
	// BlockSize is how much one request sends, at most 100 MiB. Files that are not
	// larger are sent as a whole. An upload in blocks holds Parallel+1 of them in
	// memory. They get larger where 50,000 of them would not do. Default 5 MiB.
	BlockSize int64
	// Parallel is how many blocks are sent at the same time. Default 4, at least 1.
	Parallel int
	// MaxRetries is how often a request is sent again after the Doer has given
	// up on it. Default 5.
	MaxRetries int
	// NoResume does not look for blocks that an earlier, interrupted run has left.
	NoResume bool
	// Progress is called with the bytes that the store has and the total, -1 while
	// that is unknown: at the start, at most about ten times a second, and at the
	// end; never twice at the same time.
	Progress func(done, total int64)
}

// UploadResult says what was uploaded.
type UploadResult struct {
	// Bytes is the size of the blob, Resumed how much of it an earlier run had
	// already sent.
	Bytes, Resumed int64
	// ETag is the blob's new entity tag, with its quotes.
	ETag string
	// SHA256 is the checksum of what was sent.
	SHA256 [sha256.Size]byte
}

const (
	defaultBlockSize = 5 << 20
	maxBlockSize     = int64(100 << 20)
	defaultUploaders = 4
	maxBlocks        = 50_000
)

// withDefaults fills in the defaults.
func (o *UploadOptions) withDefaults() UploadOptions {
	var out UploadOptions
	if o != nil {
		out = *o
	}
	if out.BlockSize <= 0 {
		out.BlockSize = defaultBlockSize
	}
	out.BlockSize = min(out.BlockSize, maxBlockSize)
	if out.Parallel == 0 {
		out.Parallel = defaultUploaders
	}
	out.Parallel = min(max(out.Parallel, 1), mostParallel)
	if out.MaxRetries == 0 {
		out.MaxRetries = defaultMaxRetries
	}
	out.MaxRetries = max(out.MaxRetries, 0)
	if out.Progress == nil {
		out.Progress = func(int64, int64) {}
	}
	return out
}

// Upload makes a blob of content, from where it stands to its end, and replaces the
// one that is there. It ends with the whole blob in place or with an error, never
// with half of it.
//
// A small file is one Put Blob request. Of a larger one blocks are put, several at a
// time, and committed together when all are there. Each block carries its MD5, which
// the store checks. The id of a block is made of the SHA-256 of everything up to its
// end. So when a run was killed, the next one for the same content and the same blob
// finds the blocks that arrived by their ids and does not send them again; and blocks
// of another file, or of this file in another state, are never taken for its own.
//
// Content that can tell its size and be read at any offset (files, readers of bytes
// and strings) is read again if the store has lost the blocks meanwhile; of other
// content the upload fails then. Closing it is the caller's business.
//
// https://learn.microsoft.com/rest/api/storageservices/put-block-list
func Upload(ctx context.Context, to Target, content io.Reader, opts *UploadOptions) (UploadResult, error) {
	switch {
	case to.Doer == nil:
		return UploadResult{}, errors.New("transfer: Target.Doer is nil")
	case to.Link == nil:
		return UploadResult{}, errors.New("transfer: Target.Link is nil")
	case content == nil:
		return UploadResult{}, errors.New("transfer: there is no content to upload")
	}
	file, err := newUploadFile(content)
	if err != nil {
		return UploadResult{}, err
	}
	o := opts.withDefaults()
	if file.size > maxBlocks*maxBlockSize {
		return UploadResult{}, fmt.Errorf("the file has %d bytes; the store takes %d at most", file.size, maxBlocks*maxBlockSize)
	}
	u := &upload{
		file: file, opts: o,
		wire:  newUploadWire(to, o),
		meter: uploadMeter{meter: meter{report: o.Progress}, total: file.size},
	}
	for again := 0; ; again++ {
		result, err := u.run(ctx)
		lost, ok := errors.AsType[*lostBlocksError](err)
		if !ok {
			return result, err
		}
		if again == maxStarts || !file.rereadable() {
			return UploadResult{}, lost.err
		}
		u.foreign = lost.foreign
	}
}

// maxStarts is how often an upload begins anew because its blocks are gone.
const maxStarts = 2

// lostBlocksError ends a run whose blocks the store does not have, or does not
// want. Another run puts them anew.
type lostBlocksError struct {
	err     error
	foreign bool // the store has others, which are in the way
}

func (e *lostBlocksError) Error() string { return e.err.Error() }
func (e *lostBlocksError) Unwrap() error { return e.err }

// upload is one upload under way.
type upload struct {
	file    *uploadFile
	opts    UploadOptions
	wire    *uploadWire
	meter   uploadMeter
	foreign bool // blocks of another program are in the way
}

// run uploads the content from its beginning.
func (u *upload) run(ctx context.Context) (UploadResult, error) {
	u.meter.restart()
	blocks := u.file.read(u.opts.BlockSize)
	first, err := blocks.next(nil)
	if err != nil {
		return UploadResult{}, err
	}
	if first.last {
		return u.whole(ctx, blocks, first)
	}
	return u.inBlocks(ctx, blocks, first)
}

// whole uploads a small file by one request.
func (u *upload) whole(ctx context.Context, blocks *blockReader, b uploadBlock) (UploadResult, error) {
	result := blocks.result()
	h := uploadHeader(md5.Sum(b.data)) //nolint:gosec // see the import
	h.Set("x-ms-blob-type", "BlockBlob")
	h.Set("Content-Type", blobContentType)
	answer, err := u.wire.do(ctx, uploadRequest{method: http.MethodPut, header: h, body: b.data, want: http.StatusCreated})
	if err != nil {
		return UploadResult{}, err
	}
	result.ETag = answer.header.Get("ETag")
	u.meter.end(result.Bytes)
	return result, nil
}

// blobContentType is what the service's own clients upload everything as.
const blobContentType = "application/octet-stream"
