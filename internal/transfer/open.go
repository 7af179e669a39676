package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/partnercenter-go/partnercenter"
)

// tailSize is how much of the end of the file is kept once it has been read. An
// archive's directory is there.
const tailSize = 128 << 10

// Blob is an open file in the store. It implements [io.ReaderAt].
//
// Reads that go on where an earlier one stopped share one answer, so that reading
// front to back costs one request. A jump costs another one; two places are kept
// open beside the file's last 128 KiB, so that reading an archive's directory at
// the end and its entries from the start does not go back and forth. At most
// 640 KiB are held in memory.
//
// An answer that breaks off, stalls or turns into a server error is continued by
// a new request for the rest, on condition that the file is the same (If-Match).
// A store that knows no ranges makes jumps expensive: forward by reading what
// lies between, backward by starting over.
//
// All methods may be called concurrently; reads take turns.
type Blob struct {
	ctx     context.Context // an io.ReaderAt has no other place for it
	cancel  context.CancelCauseFunc
	name    string
	version version

	mu       sync.Mutex
	fetch    *fetcher
	noRanges bool
	closed   bool
	clock    int
	places   [2]cursor
	tail     cursor // its window always holds what it has read
}

// Open requests the file and returns when the store has begun to answer. Size and
// ETag are known then. The context bounds the Blob's whole life. Of the options,
// StallTimeout, MaxRetries and MaxBytes apply.
//
// Errors are [*partnercenter.Error] values, [partnercenter.ErrChanged], or what Source.Link has
// returned.
func Open(ctx context.Context, src Source, opts *partnercenter.DownloadOptions) (*Blob, error) {
	if err := src.check(); err != nil {
		return nil, err
	}
	limits := newSettings(opts)
	b := &Blob{fetch: newFetcher(src, limits)}
	b.ctx, b.cancel = context.WithCancelCause(ctx)
	s, err := b.first()
	b.name = b.fetch.label()
	if err != nil {
		b.cancel(nil)
		return nil, b.wrap(err)
	}
	b.version, b.noRanges = s.version, s.noRanges
	room := min(windowSize, b.version.size)
	b.places[0] = cursor{stream: s, room: room, keep: room == b.version.size}
	b.places[1] = cursor{room: room}
	b.tail = cursor{room: min(tailSize, b.version.size), keep: true}
	if err := tooLarge(b.version.size, limits); err != nil {
		_ = b.Close()
		return nil, b.wrap(err)
	}
	return b, nil
}

// first waits for the first good answer.
func (b *Blob) first() (*stream, error) {
	for {
		s, err := b.fetch.get(b.ctx, span{0, -1}, nil)
		if err == nil {
			return s, nil
		}
		if err := b.fetch.recover(b.ctx, err); err != nil {
			return nil, err
		}
	}
}

func tooLarge(size int64, limits settings) error {
	if limits.maxBytes == 0 || size <= limits.maxBytes {
		return nil
	}
	return fmt.Errorf("the file has %d bytes, more than the %d that MaxBytes allows", size, limits.maxBytes)
}

func (b *Blob) wrap(err error) error {
	if b.name == "" {
		return err
	}
	return fmt.Errorf("reading %s: %w", b.name, err)
}

// Name returns Source.Name, or the last segment of the link's path.
func (b *Blob) Name() string { return b.name }

// Size returns the length of the file as it is stored.
func (b *Blob) Size() int64 { return b.version.size }

// ETag returns the file's entity tag with its quotes; empty if none was sent.
func (b *Blob) ETag() string { return b.version.etag }

// Close ends all requests. A read in progress fails. Calling it again does nothing.
func (b *Blob) Close() error {
	b.cancel(fs.ErrClosed) // ends a read in progress, which holds the lock
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, c := range b.cursors() {
		c.drop()
	}
	return nil
}

// ReadAt implements [io.ReaderAt]. It returns fewer bytes than asked for only at
// the end of the file, with io.EOF, or with the error that stopped it.
func (b *Blob) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, b.wrap(errors.New("negative offset"))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, b.wrap(fs.ErrClosed)
	}
	if off >= b.version.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), b.version.size-off))
	n := 0
	for n < want {
		got, err := b.read(p[n:want], off+int64(n))
		if n += got; got > 0 {
			b.fetch.progress()
		}
		if err == nil {
			continue
		}
		if err := b.fetch.recover(b.ctx, err); err != nil {
			return n, b.wrap(err)
		}
	}
	if want < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// read fills some of p with the bytes at off.
func (b *Blob) read(p []byte, off int64) (int, error) {
	c := b.choose(off)
	b.clock++
	c.used = b.clock
	for {
		if n := c.copyWindow(p, off); n > 0 {
			return n, nil
		}
		if c.stream == nil {
			if err := b.reopen(c); err != nil {
				return 0, err
			}
		}
		if n, err := c.advance(p, off); n > 0 || err != nil {
			return n, err
		}
	}
}

func (b *Blob) cursors() []*cursor { return []*cursor{&b.places[0], &b.places[1], &b.tail} }

// choose finds the cursor that is nearest to off, or moves one there.
func (b *Blob) choose(off int64) *cursor {
	skip := int64(maxSkip)
	if b.noRanges {
		skip = b.version.size
	}
	var best *cursor
	for _, c := range b.cursors() {
		if c.used == 0 && c.stream == nil || !c.reaches(off, skip) {
			continue
		}
		if best == nil || max(off-c.pos, 0) < max(off-best.pos, 0) {
			best = c
		}
	}
	if best != nil {
		return best
	}
	tail := max(b.version.size-tailSize, 0)
	if off >= tail && !b.noRanges {
		b.tail.moveTo(tail)
		return &b.tail
	}
	best = &b.places[0]
	if b.places[1].used < best.used || b.places[1].used == 0 {
		best = &b.places[1]
	}
	best.moveTo(off)
	return best
}

// reopen requests the file from the cursor's position on.
func (b *Blob) reopen(c *cursor) error {
	s, err := b.fetch.get(b.ctx, span{c.pos, -1}, &b.version)
	if err != nil {
		return err
	}
	b.noRanges = b.noRanges || s.noRanges
	c.stream = s
	if s.off < c.pos { // the whole file, because the store knows no ranges
		if _, err := io.CopyN(io.Discard, s, c.pos-s.off); err != nil {
			return c.broken(err)
		}
	}
	return nil
}
