package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/partnercenter-go/partnercenter"
)

// tailSize is how much of the end of the file is kept once it has been read. An
// archive's directory is there.
const tailSize = 128 << 10

// Blob is an open file in the store. It implements [io.ReaderAt].
//
// A jump costs a request, and so does the beginning; four places are kept beside
// the file's last 128 KiB, so that reading an archive's directory at the end and
// its entries from the start does not go back and forth. Requests ask for 4 MiB at
// most, those that continue one another share a connection.
//
// What is read front to back for more than 1 MiB is fetched ahead by several
// requests at the same time and handed out in order, as far as ReadAhead allows.
// Beside that, at most 1.2 MiB are held in memory. Without reading ahead, or when
// the store gives the file no strong tag, one request asks for all that follows.
//
// An answer that breaks off, stalls or turns into a server error is continued by
// a new request for the rest, on condition that the file is the same (If-Match).
// A store that knows no ranges makes jumps expensive: forward by reading what
// lies between, backward by starting over.
//
// When the store offers an MD5 of the file and the file is read front to back, the
// read of its last byte compares them. Jumps ahead, as readers of archives make
// them, leave checking to what is in the archive.
//
// All methods may be called concurrently. Reads that find what was fetched ahead
// do not wait for each other, others take turns.
type Blob struct {
	ctx     context.Context // an io.ReaderAt has no other place for it
	cancel  context.CancelCauseFunc
	name    string
	limits  settings
	version version
	closing sync.Mutex     // held while one of work is added, and while that is forbidden
	work    sync.WaitGroup // the goroutines that read ahead
	aheads  aheads
	front   frontSum
	pleas   atomic.Int64 // how often the store has asked for patience

	mu       sync.Mutex
	fetch    *fetcher
	noRanges bool
	closed   bool
	clock    int
	places   [4]cursor
	tail     cursor // its window always holds what it has read
}

// Open requests the file and returns when the store has begun to answer. Size and
// ETag are known then. The context bounds the Blob's whole life. Of the options,
// StallTimeout, MaxRetries, MaxBytes, Parallel, PartSize and ReadAhead apply. Close
// the Blob when done, because requests may be running.
//
// Errors, also those of reading, are [*partnercenter.Error] values,
// [partnercenter.ErrChanged], [partnercenter.ErrCorrupt], or what Source.Link has returned.
func Open(ctx context.Context, src Source, opts *partnercenter.DownloadOptions) (*Blob, error) {
	if err := src.check(); err != nil {
		return nil, err
	}
	limits := newSettings(opts)
	if limits.readAhead == 0 {
		limits.parallel = 1
	}
	b := &Blob{fetch: newFetcher(src, limits), limits: limits}
	b.ctx, b.cancel = context.WithCancelCause(ctx)
	s, err := b.first()
	b.name = b.fetch.label()
	if err != nil {
		b.cancel(nil)
		return nil, b.wrap(err)
	}
	b.version, b.noRanges = s.version, s.noRanges
	b.front.start(s.version)
	room := min(windowSize, b.version.size)
	b.places[0] = cursor{stream: s, room: room, keep: room == b.version.size}
	for i := range b.places[1:] {
		b.places[1+i] = cursor{room: room}
	}
	report := func() { b.pleas.Add(1) }
	b.fetch.refused.Store(&report)
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
		s, err := b.fetch.first(b.ctx, b.limits.first())
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
	b.closing.Lock()
	b.cancel(fs.ErrClosed) // ends a read in progress, which holds the other lock
	b.closing.Unlock()
	b.work.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, c := range b.cursors() {
		c.drop()
	}
	return nil
}

// start has f run by a goroutine that Close waits for, unless it is too late.
func (b *Blob) start(f func()) bool {
	b.closing.Lock()
	defer b.closing.Unlock()
	if b.ctx.Err() != nil {
		return false
	}
	b.work.Go(f)
	return true
}

// ReadAt implements [io.ReaderAt]. It returns fewer bytes than asked for only at
// the end of the file, with io.EOF, or with the error that stopped it.
func (b *Blob) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, b.wrap(errors.New("negative offset"))
	}
	if b.ctx.Err() != nil {
		return 0, b.wrap(context.Cause(b.ctx))
	}
	if off >= b.version.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), b.version.size-off))
	for n := 0; n < want; {
		got, err := b.some(p[n:want], off+int64(n))
		if err == nil {
			err = b.front.read(p[n:n+got], off+int64(n))
		}
		n += got
		if err != nil {
			return n, b.wrap(err)
		}
		if n == want {
			break
		}
	}
	if want < len(p) {
		return want, io.EOF
	}
	return want, nil
}

// some fills some of p with the bytes at off. The error is final.
func (b *Blob) some(p []byte, off int64) (int, error) {
	n, err, ok := b.aheads.read(p, off)
	if ok && !errors.Is(err, errNoRanges) {
		return n, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noRanges = b.noRanges || err != nil
	if b.closed {
		return 0, fs.ErrClosed
	}
	n, err = b.read(p, off)
	if n > 0 {
		b.fetch.progress()
	}
	if err != nil {
		err = b.fetch.recover(b.ctx, err)
	}
	return n, err
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
		end := c.stream.end
		n, err := c.advance(p, off)
		if c.run >= promoteAfter && end < b.version.size && b.divisible() {
			b.aheads.add(b, end)
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// divisible reports whether the file can be read by several requests.
func (b *Blob) divisible() bool {
	return b.limits.parallel > 1 && b.version.strong() && !b.noRanges
}

func (b *Blob) cursors() []*cursor {
	all := []*cursor{&b.tail}
	for i := range b.places {
		all = append(all, &b.places[i])
	}
	return all
}

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
	// One that was never read yet comes first, unless it is the one that Open has
	// begun at the first byte.
	for i := range b.places {
		c := &b.places[i]
		if best == nil || c.used < best.used && c.stream == nil || c.used < best.used && c.used != 0 {
			best = c
		}
	}
	best.moveTo(off)
	return best
}

// reopen requests the file from the cursor's position on.
func (b *Blob) reopen(c *cursor) error {
	want := span{c.pos, -1}
	if limit := b.limits.first(); c != &b.tail && b.divisible() && c.pos+limit < b.version.size {
		want.end = c.pos + limit
	}
	s, err := b.fetch.get(b.ctx, want, &b.version)
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
