package transfer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

const (
	// promoteAfter is how much must have been read front to back before what
	// follows is fetched ahead.
	promoteAfter = 1 << 20
	// maxAheads is how many places of a file are read ahead at a time.
	maxAheads = 4
	// idleReads is how many reads elsewhere make a place look abandoned.
	idleReads = 256
	// chunksAhead is into how many chunks the memory for reading ahead is divided.
	chunksAhead = 8
	// smallestChunk and largestChunk bound the size of one.
	smallestChunk = 16 << 10
	largestChunk  = 4 << 20
)

// errAbandoned: a place is not read ahead any more.
var errAbandoned = errors.New("not read ahead any more")

// ahead holds what follows a place that is read front to back: a queue of chunks
// that several requests fill at the same time and the reader empties in order. It
// starts with two; each time that the reader has to wait it uses twice as many, up
// to what the memory allows and the store bears.
type ahead struct {
	blob  *Blob
	ctx   context.Context // of all its requests
	stop  context.CancelCauseFunc
	chunk int64
	used  int // when it was read last; the lock of aheads guards it

	mu      sync.Mutex
	changed sync.Cond // a chunk has got more, or has ended
	queue   []*chunk  // in order and adjoining; the first one is being read
	next    int64     // the first byte behind the queue
	active  int       // requests in flight
	window  int       // chunks that the queue should have
	most    int       // and the most that it may have
	pleas   int64     // how often the store had asked for patience when it was last heard
	gentle  bool      // it has: the window grows by one
	cooled  time.Time // what it asks until then is the same plea
	free    [][]byte
}

// chunk is a piece of the file in memory. The lock of its ahead guards it.
type chunk struct {
	off, end int64
	buf      []byte
	n        int64 // how much of it is there
	err      error // why there is no more
	dropped  bool  // it is not wanted any more
	cancel   context.CancelFunc
	ended    chan struct{} // closed when its request is over
}

func newAhead(b *Blob, off int64, most int) *ahead {
	a := &ahead{blob: b, chunk: chunkSize(b.limits), next: off, window: min(startLines, most), most: most, pleas: b.pleas.Load()}
	a.changed.L = &a.mu
	a.ctx, a.stop = context.WithCancelCause(b.ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fill()
	return a
}

func chunkSize(limits settings) int64 {
	return min(max(limits.readAhead/chunksAhead, smallestChunk), largestChunk)
}

// covers reports whether off is in the queue or close behind it.
func (a *ahead) covers(off int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	from := a.next
	if len(a.queue) > 0 {
		from = a.queue[0].off
	}
	return off >= from && off < a.next+maxSkip && a.ctx.Err() == nil
}

// read delivers some bytes at off, which must have been covered. It reports 0
// bytes without error when another reader has moved the queue on meanwhile.
func (a *ahead) read(p []byte, off int64) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) > 0 && off < a.queue[0].off {
		return 0, nil
	}
	for len(a.queue) > 0 && a.queue[0].end <= off {
		a.drop(0)
	}
	if len(a.queue) == 0 {
		a.next = max(a.next, off)
	}
	a.fill()
	if len(a.queue) == 0 {
		return 0, context.Cause(a.ctx)
	}
	c := a.queue[0]
	if c.off+c.n <= off && c.err == nil {
		a.widen()
	}
	for c.off+c.n <= off && c.err == nil && !c.dropped {
		a.changed.Wait()
	}
	switch {
	case c.dropped:
		return 0, nil
	case c.off+c.n <= off:
		return 0, c.err
	}
	return copy(p, c.buf[off-c.off:c.n]), nil
}

// widen lets more requests run, since the reader is faster than they are.
func (a *ahead) widen() {
	if a.gentle {
		a.window++
	} else {
		a.window *= 2
	}
	a.window = min(a.window, a.most)
	a.fill()
}

// listen halves the window when the store has asked for patience.
func (a *ahead) listen() {
	pleas, now := a.blob.pleas.Load(), time.Now()
	if pleas == a.pleas {
		return
	}
	a.pleas = pleas
	if !now.Before(a.cooled) {
		a.gentle, a.window, a.cooled = true, max(a.window/2, 1), now.Add(coolTime)
	}
}

// limit changes how many chunks there may be, at once.
func (a *ahead) limit(most int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.most, a.window = most, min(a.window, most)
	for len(a.queue) > most {
		last := len(a.queue) - 1
		a.next = a.queue[last].off
		a.drop(last)
	}
	a.free = a.free[:min(len(a.free), most-len(a.queue))]
}

// drop takes a chunk out of the queue and waits until nobody writes into it.
func (a *ahead) drop(i int) {
	c := a.queue[i]
	c.dropped = true
	c.cancel()
	a.mu.Unlock()
	<-c.ended
	a.mu.Lock()
	if i = slices.Index(a.queue, c); i >= 0 { // only now, so that nobody takes its room before
		a.queue = slices.Delete(a.queue, i, i+1)
		a.free = append(a.free, c.buf)
	}
}

// fill starts requests.
func (a *ahead) fill() {
	a.listen()
	size := a.blob.version.size
	for len(a.queue) < a.window && a.active < a.blob.limits.parallel && a.next < size && a.ctx.Err() == nil {
		if len(a.queue) > 0 && a.queue[len(a.queue)-1].err != nil {
			return
		}
		c := &chunk{off: a.next, end: min(a.next+a.chunk, size), ended: make(chan struct{})}
		if n := len(a.free); n > 0 {
			c.buf, a.free = a.free[n-1], a.free[:n-1]
		} else {
			c.buf = make([]byte, a.chunk)
		}
		var ctx context.Context
		ctx, c.cancel = context.WithCancel(a.ctx)
		if !a.blob.start(func() { a.fetch(ctx, c) }) { // which touches nothing else before it gets the lock
			c.cancel()
			return
		}
		a.queue, a.next, a.active = append(a.queue, c), c.end, a.active+1
	}
}

// fetch fills a chunk.
func (a *ahead) fetch(ctx context.Context, c *chunk) {
	err := a.get(ctx, c)
	c.cancel()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active--
	c.err = err
	close(c.ended)
	a.fill() //nolint:contextcheck // under the context of all requests, not of this one
	a.changed.Broadcast()
}

// get requests what a chunk lacks, again and again if need be.
func (a *ahead) get(ctx context.Context, c *chunk) error {
	f := a.blob.fetch.fork()
	for at := c.off; ; {
		var err error
		if at, err = a.try(ctx, f, c, at); err == nil {
			return nil
		}
		if err := f.recover(ctx, err); err != nil {
			return err
		}
	}
}

// try sends one request for the rest of a chunk.
func (a *ahead) try(ctx context.Context, f *fetcher, c *chunk, at int64) (int64, error) {
	want := span{at, c.end}
	if want.end == a.blob.version.size {
		want.end = -1
	}
	s, err := f.get(ctx, want, &a.blob.version)
	if err != nil {
		return at, err
	}
	defer func() { _ = s.Close() }()
	if s.off != at {
		return at, errNoRanges
	}
	for at < c.end {
		n, err := s.Read(c.buf[at-c.off : c.end-c.off])
		if errors.Is(err, partnercenter.ErrCorrupt) {
			return at, err // without the last bytes, so that the reader gets to know
		}
		if n > 0 {
			at += int64(n)
			f.progress()
			a.mu.Lock()
			c.n = at - c.off
			a.mu.Unlock()
			a.changed.Broadcast()
		}
		if err != nil {
			return at, err
		}
	}
	return at, nil
}

// aheads are the places of a file that are read ahead. They share the memory that
// there is for it.
type aheads struct {
	mu    sync.Mutex
	list  []*ahead
	clock int
}

// read reads from the place that covers off; false if there is none.
func (l *aheads) read(p []byte, off int64) (n int, err error, ok bool) { //nolint:revive // "ok" comes last
	l.mu.Lock()
	l.clock++
	var place *ahead
	for _, a := range l.list {
		if a.covers(off) {
			place, a.used = a, l.clock
			break
		}
	}
	l.mu.Unlock()
	if place == nil {
		return 0, nil, false
	}
	n, err = place.read(p, off)
	if errors.Is(err, errAbandoned) {
		return 0, nil, false
	}
	if err != nil || off+int64(n) == place.blob.version.size {
		l.remove(place, err)
	}
	return n, err, n > 0 || err != nil
}

// add begins to read ahead at off, unless that is happening already.
func (l *aheads) add(b *Blob, off int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.list {
		if a.covers(off) {
			return
		}
	}
	var stay []*ahead
	var oldest *ahead
	for _, a := range l.list {
		if l.clock-a.used > idleReads {
			a.stop(errAbandoned)
			continue
		}
		stay = append(stay, a)
		if oldest == nil || a.used < oldest.used {
			oldest = a
		}
	}
	l.list = stay
	if len(l.list) == maxAheads {
		oldest.stop(errAbandoned)
		l.list = without(l.list, oldest)
	}
	most := l.divide(b, len(l.list)+1)
	a := newAhead(b, off, most)
	a.used = l.clock
	l.list = append(l.list, a)
}

// divide gives each of n places its part of the memory.
func (l *aheads) divide(b *Blob, n int) int {
	most := max(int(b.limits.readAhead/chunkSize(b.limits))/n, 1)
	for _, a := range l.list {
		a.limit(most)
	}
	return most
}

func (l *aheads) remove(a *ahead, cause error) {
	if cause == nil {
		cause = errAbandoned
	}
	a.stop(cause)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list = without(l.list, a); len(l.list) > 0 {
		l.divide(a.blob, len(l.list))
	}
}

func without(list []*ahead, gone *ahead) []*ahead {
	var rest []*ahead
	for _, a := range list {
		if a != gone {
			rest = append(rest, a)
		}
	}
	return rest
}
