package tabular

import (
	"fmt"
	"io"
	"iter"
	"runtime"
	"sync"

	"github.com/partnercenter-go/partnercenter"
)

const (
	// mostWorkers is how many goroutines decode. More would wait: one goroutine
	// inflates and splits a file, which takes longer than two need for decoding.
	mostWorkers = 4
	// mostSources is how many files are read at the same time. Each one is a place
	// in a file that may be far away.
	mostSources = 4
)

// pipeline reads rows: for every file that is open a goroutine inflates and splits,
// workers decode, and the caller's goroutine yields. What lies between is bounded
// by the number of batches.
//
// Rows whose type brings decoders of its own are decoded by the caller's goroutine,
// since nobody has said that these may be called from several. Files that fit into
// the first block need no goroutines.
type pipeline[T any] struct {
	typ   *rowType
	opts  options
	yield func(T, error) bool
	own   *hand[T] // of the caller's goroutine; made when needed

	procs   int
	sources int // how many files may be open
	open    []*source

	spare   *batch[T] // for the next file's first block
	started bool
	free    chan *batch[T]
	work    chan *batch[T] // to the workers; nil when there are none
	order   chan *batch[T] // to the caller's goroutine, in each file's order
	quit    chan struct{}
	feeders sync.WaitGroup
	workers sync.WaitGroup
}

// source is a file that is being read.
type source struct {
	lease *lease // nil when the reader is not one of ours
}

func newPipeline[T any](typ *rowType, o options, yield func(T, error) bool) *pipeline[T] {
	p := &pipeline[T]{typ: typ, opts: o, yield: yield, procs: runtime.GOMAXPROCS(0), sources: 1}
	if o.Interleave {
		p.sources = max(1, min(p.procs, mostSources))
	}
	return p
}

// run yields the rows of c until the end, an error, or the caller's.
func (p *pipeline[T]) run(c *partnercenter.Content) {
	next, stop := iter.Pull2(c.Entries())
	defer stop()
	defer p.stop() // before stop ends the entries, whose readers are in use
	more := true
	for more || len(p.open) > 0 {
		if more && p.hasRoom() {
			e, err, ok := next()
			if more = ok; !ok {
				continue
			}
			if err != nil {
				p.fail(err)
				return
			}
			if !p.begin(e) {
				return
			}
			continue
		}
		b := <-p.order
		if !p.receive(b) {
			return
		}
	}
}

// hasRoom reports whether another file may be opened now.
func (p *pipeline[T]) hasRoom() bool {
	for _, s := range p.open {
		if s.lease == nil {
			return false // its reader is valid until the next one is asked for
		}
	}
	return len(p.open) < p.sources
}

func (p *pipeline[T]) fail(err error) {
	var zero T
	p.yield(zero, err)
}

// begin opens a file and yields it whole when it is small; otherwise it has it read
// by a goroutine.
func (p *pipeline[T]) begin(e *partnercenter.Entry) bool {
	var buf []byte
	if p.spare != nil {
		buf = p.spare.buf
	}
	t, s, err := openTable(e, p.typ, p.opts, buf)
	if err != nil {
		p.fail(err)
		return false
	}
	if s == nil {
		return true
	}
	src := &source{}
	b := p.spare
	if p.spare = nil; b == nil {
		b = newBatch[T]()
	}
	b.table, b.source = t, src
	split(s, b)
	if b.err == nil && p.procs > 1 {
		src.lease, _ = e.Reader.(*lease)
		if src.lease != nil {
			src.lease.keep()
		}
		p.start()
		p.open = append(p.open, src)
		p.feeders.Go(func() { p.feed(s, b) })
		return true
	}
	for {
		p.hand().decode(b)
		if done, ok := p.deliver(b); done || !ok {
			p.spare = b
			return ok
		}
		split(s, b)
	}
}

func (p *pipeline[T]) hand() *hand[T] {
	if p.own == nil {
		p.own = newHand[T](p.typ, p.opts)
	}
	return p.own
}

// start makes what goroutines need, and those that decode.
func (p *pipeline[T]) start() {
	if p.started {
		return
	}
	p.started = true
	workers := min(p.procs, mostWorkers) * min(p.sources, 2)
	batches := 2*workers + 1 + p.sources
	most := batches + p.sources // with the first ones of files
	p.free, p.order = make(chan *batch[T], most), make(chan *batch[T], most)
	p.quit = make(chan struct{})
	for range batches {
		p.free <- newBatch[T]()
	}
	if p.typ.foreign {
		return
	}
	p.work = make(chan *batch[T], most)
	for range workers {
		p.workers.Go(p.decode)
	}
}

// feed splits a file, whose first batch is b.
func (p *pipeline[T]) feed(s *splitter, b *batch[T]) {
	for {
		t, src, last := b.table, b.source, b.err != nil
		if p.work != nil {
			p.work <- b // there is room for all batches
		}
		p.order <- b
		if last {
			return
		}
		select {
		case b = <-p.free:
		case <-p.quit:
			return
		}
		b.table, b.source = t, src
		splitSafely(s, b)
	}
}

// splitSafely is [split] for a goroutine of our own. Readers are others' code, and
// a panic in one of them belongs where it can be recovered from.
func splitSafely[T any](s *splitter, b *batch[T]) {
	defer func() {
		if v := recover(); v != nil {
			b.records, b.err = nil, panicked{v}
		}
	}()
	split(s, b)
}

// panicked carries a panic from one goroutine to another.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// decode is what a worker does.
func (p *pipeline[T]) decode() {
	h := newHand[T](p.typ, p.opts)
	for b := range p.work {
		select {
		case <-p.quit: // nobody will look at it
		default:
			h.decode(b)
		}
		b.done <- struct{}{}
	}
}

// receive yields the rows of a batch and puts it back.
func (p *pipeline[T]) receive(b *batch[T]) bool {
	if p.work == nil {
		p.hand().decode(b)
	} else {
		<-b.done
	}
	done, ok := p.deliver(b)
	if !ok {
		return false
	}
	if !done {
		p.free <- b
		return true
	}
	p.finish(b.source)
	p.spare = b // as many leave as files have brought
	return true
}

// deliver yields the rows of a batch. It reports whether the file is at its end,
// and whether to go on.
func (p *pipeline[T]) deliver(b *batch[T]) (done, ok bool) {
	for i := range b.rows {
		r := &b.rows[i]
		if !p.yield(r.value, r.err) || r.err != nil && !p.opts.Tolerant {
			return false, false
		}
	}
	switch b.err {
	case nil:
		return false, true
	case io.EOF: //nolint:errorlint // split passes on the reader's io.EOF itself at the regular end
		return true, true
	}
	if p, ok := b.err.(panicked); ok { //nolint:errorlint // splitSafely does not wrap it
		panic(p.value)
	}
	p.fail(b.table.wrap(b.err))
	return false, false
}

// finish ends the reading of a file of which nothing is left.
func (p *pipeline[T]) finish(src *source) {
	for i, s := range p.open {
		if s == src {
			p.open = append(p.open[:i], p.open[i+1:]...)
			break
		}
	}
	if src.lease != nil {
		src.lease.end()
	}
}

// stop ends all goroutines. Calling it again does nothing.
func (p *pipeline[T]) stop() {
	if !p.started {
		return
	}
	p.started = false
	close(p.quit)
	for _, src := range p.open {
		if src.lease != nil {
			src.lease.abort() // ends a read in progress
		}
	}
	p.feeders.Wait()
	if p.work != nil {
		close(p.work)
		p.workers.Wait()
	}
	for _, src := range p.open {
		if src.lease != nil {
			src.lease.end()
		}
	}
	p.open = nil
}
