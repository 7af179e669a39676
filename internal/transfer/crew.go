package transfer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

const (
	// observeInterval is how often the governor is told what has been received.
	observeInterval = 25 * time.Millisecond
	// leastBacklog is how many bytes may always wait to be summed up.
	leastBacklog = 16 << 20
)

// errNoRanges: the store has answered a request for a part with the whole file.
var errNoRanges = errors.New("the store ignores ranges")

// crew fetches the missing bytes of a file over several connections at once.
//
// Workers take pieces from the board, as many workers as the governor wants. One
// goroutine sums the file up in its order behind them, another one saves what is
// there from time to time; the download's own goroutine hires workers and reports
// progress. All of them have ended when run returns.
type crew struct {
	d       *download
	board   *board
	gov     *governor
	version version // what every answer must be of
	ended   chan departure

	writing  sync.Mutex // see write
	received atomic.Int64
	warm     atomic.Int32 // workers that have received something
	answered atomic.Bool  // some answer has confirmed the version
	md5      atomic.Pointer[[]byte]
}

// departure is the end of a worker.
type departure struct {
	err     error
	gaveUp  bool // on its connection; others may be luckier
	surplus bool // the governor wants fewer, and no longer counts it
}

// share fetches what is missing side by side. The stream, if there is one, is the
// answer that has been begun already, at the first missing byte.
func (d *download) share(ctx context.Context, s *stream) error {
	if err := tooLarge(d.version.size, d.limits); err != nil {
		return err
	}
	c := &crew{
		d: d, board: d.board, version: *d.version, gov: newGovernor(d.limits, time.Now(), d.latency),
		ended: make(chan departure, d.limits.parallel),
	}
	report := func() { c.gov.refused(time.Now()) }
	d.fetch.refused.Store(&report)
	defer d.fetch.refused.Store(nil)
	err := c.run(ctx, s)
	if sum := c.md5.Load(); sum != nil && d.version.md5 == nil {
		d.version.md5, d.state.MD5 = *sum, *sum
	}
	d.checked = d.checked || c.answered.Load()
	if err == nil {
		d.board = nil // all of it is in d.sums now
	}
	return err
}

func (c *crew) run(ctx context.Context, s *stream) error {
	work, stop := context.WithCancelCause(ctx)
	var helpers sync.WaitGroup
	failed := make(chan error, 2)
	helpers.Go(func() { failed <- c.sumUp(work) })
	helpers.Go(func() { failed <- c.saveOften(work) })
	defer helpers.Wait() // these two are for a Progress that panics
	defer stop(nil)
	err := c.lead(work, s, failed)
	stop(err)
	helpers.Wait()
	if err == nil {
		err = c.sumUp(ctx) // what the helper has not got to
	}
	return err
}

// lead hires workers until everything is there or something is wrong. When it
// returns no worker is left.
func (c *crew) lead(ctx context.Context, s *stream, failed <-chan error) error {
	ctx, dismiss := context.WithCancelCause(ctx)
	tick := time.NewTicker(observeInterval)
	defer tick.Stop()
	working := 0
	defer func() { // nobody is left, unless Progress has panicked
		dismiss(nil)
		for ; working > 0; working-- {
			<-c.ended
		}
	}()
	start := func(s *stream, p *piece) {
		working++
		go func() { c.ended <- c.work(ctx, s, p) }()
	}
	hire := func() {
		for c.board.worth() && c.gov.enter() {
			start(nil, nil)
		}
	}
	if s != nil && c.gov.enter() {
		start(s, c.board.take(s.end-s.off)) // the first piece, before others ask
	}
	hire()
	var err error
	for working > 0 {
		var cause error
		select {
		case gone := <-c.ended:
			working--
			c.warm.Add(-1)
			if gone.surplus {
				break
			}
			if left := c.gov.leave(gone.gaveUp); !gone.gaveUp || left == 0 {
				cause = gone.err
			}
		case cause = <-failed:
		case now := <-tick.C:
			c.gov.observe(now, c.received.Load(), int(c.warm.Load()) >= working)
			c.d.meter.tick(c.board.done(), c.board.size)
		}
		if err == nil && cause != nil {
			err = cause
			dismiss(cause)
		}
		if err == nil {
			hire()
		}
	}
	return err
}

// work fetches one piece after another. The first one may have been requested
// already.
func (c *crew) work(ctx context.Context, s *stream, p *piece) departure {
	w := &worker{crew: c, fetch: c.d.fetch.fork(), buf: make([]byte, min(copyBuffer, c.board.least/2))}
	defer w.warmUp() // lead takes it off
	for {
		if p == nil {
			p = c.board.take(c.gov.part(c.board.size - c.board.done()))
		}
		if p == nil {
			return departure{}
		}
		gone, ok := w.fetchPiece(ctx, s, p)
		c.board.release(p)
		if !ok {
			return gone
		}
		s, p = nil, nil
		if !c.gov.stay() {
			return departure{surplus: true}
		}
	}
}

// worker is one of the connections.
type worker struct {
	*crew
	fetch  *fetcher
	buf    []byte
	isWarm bool
}

// warmUp counts the worker among those that have received something.
func (w *worker) warmUp() {
	if !w.isWarm {
		w.isWarm = true
		w.warm.Add(1)
	}
}

// fetchPiece requests a piece, again and again from the byte reached if need be.
func (w *worker) fetchPiece(ctx context.Context, s *stream, p *piece) (gone departure, ok bool) {
	for {
		err := w.try(ctx, s, p)
		s = nil
		if err == nil {
			return departure{}, true
		}
		_, mendable := errors.AsType[*brokenError](err)
		if err := w.fetch.recover(ctx, err); err != nil {
			// As long as there are others, this connection may just be one too many.
			return departure{err: err, gaveUp: mendable && ctx.Err() == nil}, false
		}
	}
}

// try sends one request for what a piece lacks and writes what it brings.
func (w *worker) try(ctx context.Context, s *stream, p *piece) error {
	if s == nil {
		want := w.board.left(p)
		if want.end == w.board.size {
			want.end = -1
		}
		var err error
		asked := time.Now()
		if s, err = w.fetch.get(ctx, want, &w.version); err != nil {
			return err
		}
		w.gov.began(time.Since(asked))
	}
	defer func() { _ = s.Close() }()
	left := w.board.left(p)
	if s.off != left.off {
		return errNoRanges
	}
	w.answered.Store(true)
	if s.version.md5 != nil {
		w.md5.CompareAndSwap(nil, &s.version.md5)
	}
	for left.off < left.end {
		n, err := gather(s, w.buf[:min(int64(len(w.buf)), left.end-left.off)])
		if n > 0 {
			written, writeErr := w.write(w.buf[:n], left.off)
			w.d.sumAtHand(w.buf[:written], left.off) // before others would read it back
			w.board.wrote(p, int64(written))
			if writeErr != nil {
				return writeErr
			}
			w.fetch.progress()
			w.received.Add(int64(n))
			w.warmUp()
			if err := w.help(ctx); err != nil {
				return err
			}
		}
		left = w.board.left(p)
		if err != nil && (left.off < left.end || errors.Is(err, partnercenter.ErrCorrupt)) {
			return err
		}
	}
	return nil
}

// help sums up when that has fallen far behind, as it does where the processor is
// slower than the line: what is put off would only take longer in the end.
func (w *worker) help(ctx context.Context) error {
	for ctx.Err() == nil {
		front := w.board.front()
		if front-w.d.summed() <= max(leastBacklog, w.gov.reach()) {
			break
		}
		if err := w.d.sumNext(w.buf, front); err != nil {
			return err
		}
	}
	return nil
}

// write lets one worker write at a time. File systems do so anyway, but make the
// others spin meanwhile, which on a machine with few cores costs half the speed.
func (c *crew) write(p []byte, off int64) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.d.file.WriteAt(p, off)
}

// sumUp feeds the file in its order to the digest, as it gets there.
func (c *crew) sumUp(ctx context.Context) error {
	buf := make([]byte, copyBuffer)
	for c.d.summed() < c.board.size {
		front := c.board.front()
		for c.d.summed() < front {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := c.d.sumNext(buf, front); err != nil {
				return err
			}
		}
		if front == c.board.size {
			break
		}
		select {
		case <-c.board.grown:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// saveOften makes what has arrived safe at intervals.
func (c *crew) saveOften(ctx context.Context) error {
	pause := time.NewTimer(c.d.saveEvery)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
		if err := c.d.save(); err != nil {
			return err
		}
		pause.Reset(c.d.saveEvery) // counted from the end: a slow disk gets time for other things
	}
}
