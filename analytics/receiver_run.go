package analytics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// How a report is looked at again: sooner after a call that was early, later and
// later after failures.
const (
	retryDelay    = 10 * time.Second
	maxRetryDelay = 10 * time.Minute
	earlyLooks    = 4
	// A call that leads to nothing new so soon after a delivery repeats the one
	// that led to it: reports run once an hour at most.
	repetition = 10 * time.Minute
)

// UndeliveredError lists the reports that were called for and could not be dealt
// with before a receiver had to stop. Look at them with [ReceiverOptions.Reports]
// and Since the next time, or pass them to [Client.Fetch].
type UndeliveredError struct {
	// Reports are the reports' ids, never empty.
	Reports []string
}

// Error returns one line.
func (e *UndeliveredError) Error() string {
	return fmt.Sprintf("analytics: receiver: stopped before %d reports were dealt with: %s", len(e.Reports), strings.Join(e.Reports, ", "))
}

// Run looks at the reports that have been called for and delivers their runs. It
// returns when ctx has ended: first no more calls are accepted, then what has been
// accepted is dealt with, and what is left after [ReceiverOptions.DrainTimeout] is
// returned in an [UndeliveredError]. Deliveries under way go on until then. A
// receiver runs once.
func (r *Receiver) Run(ctx context.Context) error {
	if !r.started.CompareAndSwap(false, true) {
		return errors.New("analytics: receiver: Run has been called before; make a new receiver")
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var all sync.WaitGroup
	for range r.opts.Workers {
		all.Go(func() { r.worker(ctx, work) })
	}
	if r.opts.PollInterval > 0 {
		all.Go(func() { r.pollAll(ctx) })
	}
	<-ctx.Done()
	r.close()
	limit := time.AfterFunc(r.opts.DrainTimeout, stop)
	defer limit.Stop()
	all.Wait()
	return r.undelivered()
}

// task is a report that is waiting for a worker, or at one.
type task struct {
	id      string
	number  int // of arrival
	due     time.Time
	called  bool // by the service, so something new is expected
	running bool
	again   bool // has been called for while running
	tries   int  // that have failed or found nothing
	tried   bool // after closing
}

// before orders tasks by the time at which they are due, and by their arrival.
func (t *task) before(other *task) bool {
	if n := t.due.Compare(other.due); n != 0 {
		return n < 0
	}
	return t.number < other.number
}

// watched is a report that is looked at from time to time.
type watched struct {
	id     string
	asked  bool      // for by the user, so that it stays even if it does not exist
	looked bool      // at least once, so that floor is known
	floor  time.Time // files from then on count; zero: all of them
	fresh  time.Time // of the last delivery
}

// remember makes a report a watched one. The lock is held.
func (r *Receiver) remember(id string) *watched {
	key := strings.ToLower(id)
	w := r.known[key]
	if w == nil {
		w = &watched{id: id, floor: r.opts.Since}
		r.known[key] = w
	}
	return w
}

// watches reports whether a report is a watched one already, and whether that was
// asked for.
func (r *Receiver) watches(id string) (known, asked bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.known[strings.ToLower(id)]
	return w != nil, w != nil && w.asked
}

// forget ends the watching of a report that is gone.
func (r *Receiver) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, strings.ToLower(id))
	if m, ok := r.opts.Seen.(*memory); ok {
		m.keep(id, nil)
	}
}

// begin makes a report a watched one and returns the time from which on its files
// count: of those that are there at the first look, the latest does.
func (r *Receiver) begin(id string, runs []Execution) (w *watched, floor time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w = r.remember(id)
	if !w.looked && w.floor.IsZero() && len(runs) > 0 {
		w.floor = runs[len(runs)-1].GeneratedAt
	}
	w.looked = true
	return w, w.floor
}

// enqueue has a report looked at. It reports false when that cannot be promised.
func (r *Receiver) enqueue(id string, called bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return false
	}
	key := strings.ToLower(id)
	t := r.tasks[key]
	switch {
	case t == nil && len(r.tasks) >= r.opts.Queue:
		return false
	case t == nil:
		r.arrivals++
		r.tasks[key] = &task{id: id, number: r.arrivals, due: time.Now(), called: called}
	case t.running:
		t.again = t.again || called
	case called:
		t.called, t.due, t.tries = true, time.Now(), 0
	}
	r.signal()
	return true
}

// signal wakes one worker.
func (r *Receiver) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// close ends the accepting, and makes everything due for a last time.
func (r *Receiver) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closing = true
	for _, t := range r.tasks {
		t.due, t.tried = time.Now(), false
	}
	r.signal()
}

func (r *Receiver) undelivered() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var left []string
	for _, t := range r.tasks {
		if t.called { // the others are looked at again anyway
			left = append(left, t.id)
		}
	}
	if len(left) == 0 {
		return nil
	}
	slices.Sort(left)
	return &UndeliveredError{Reports: left}
}

// pollAll enqueues the watched reports at once and then from time to time. One for
// which the queue has no room has its turn the next time.
func (r *Receiver) pollAll(ctx context.Context) {
	ticker := time.NewTicker(r.opts.PollInterval)
	defer ticker.Stop()
	for {
		r.mu.Lock()
		var ids []string
		for _, w := range r.known {
			ids = append(ids, w.id)
		}
		r.mu.Unlock()
		for _, id := range ids {
			r.enqueue(id, false)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// worker deals with tasks until the receiver is closed and none is left.
func (r *Receiver) worker(ctx, work context.Context) {
	for {
		t, wait, done := r.next()
		switch {
		case done:
			return
		case t != nil:
			found, err := r.look(work, t.id, t.called && t.tries+1 >= earlyLooks)
			r.finish(work, t, found, err)
			continue
		}
		timer := time.NewTimer(wait)
		closed := ctx.Done()
		if r.isClosing() {
			closed = nil // other workers are still busy; the last of them signals
		}
		select {
		case <-timer.C:
		case <-r.wake:
		case <-closed:
		}
		timer.Stop()
	}
}

func (r *Receiver) isClosing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closing
}

// next takes the task that is due first, or says how long to wait for one. When the
// receiver is closing, done says that no task is left for this worker.
func (r *Receiver) next() (t *task, wait time.Duration, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	running := false
	for _, other := range r.tasks {
		running = running || other.running
		if other.running || other.tried && r.closing {
			continue
		}
		if t == nil || other.before(t) {
			t = other
		}
	}
	if t == nil {
		if r.closing && !running {
			r.signal() // the other workers can go too
			return nil, 0, true
		}
		return nil, time.Hour, false
	}
	if wait = time.Until(t.due); wait > 0 {
		return nil, wait, false
	}
	t.running = true
	r.signal() // there may be more
	return t, 0, false
}

// finish puts a task back, or takes it off the list.
func (r *Receiver) finish(ctx context.Context, t *task, found int, err error) {
	if err != nil {
		r.report(ctx, t.id, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.signal()
	t.running, t.tried = false, r.closing
	switch {
	case t.again:
		t.again, t.called, t.tries, t.tried, t.due = false, true, 0, false, time.Now()
		return
	case err != nil:
	case found > 0, !t.called, r.repeats(t.id), t.tries+1 >= earlyLooks:
		delete(r.tasks, strings.ToLower(t.id))
		return
	}
	t.due = time.Now().Add(retryIn(t.tries))
	t.tries++
}

// repeats reports whether a call for a report is taken to say what another one has
// said before. The lock is held.
func (r *Receiver) repeats(id string) bool {
	w := r.known[strings.ToLower(id)]
	return w != nil && !w.fresh.IsZero() && time.Since(w.fresh) < repetition
}

// retryIn is the delay before a task is taken up again.
func retryIn(tries int) time.Duration {
	delay := retryDelay
	for range min(tries, 10) {
		delay *= 3
	}
	return min(delay, maxRetryDelay)
}

func (r *Receiver) report(ctx context.Context, id string, err error) {
	if r.opts.OnError != nil {
		r.opts.OnError(id, err)
	}
	r.client.log.LogAttrs(ctx, slog.LevelWarn, "analytics: a report that was called for has to be looked at again",
		slog.String("report", id), slog.String("error", err.Error()))
}

// look asks the service for the files of a report and delivers those that are new,
// the oldest first. It returns how many were delivered. A report that has been
// called for too early is watched from the last look on, if it exists; one that
// does not exist any more is watched no longer.
func (r *Receiver) look(ctx context.Context, id string, last bool) (found int, err error) {
	runs, err := r.client.completed(ctx, id)
	if err != nil {
		return 0, err
	}
	if known, asked := r.watches(id); len(runs) == 0 && !asked {
		if !known && !last {
			return 0, nil
		}
		if _, err := r.client.Report(ctx, id); err != nil {
			if isAbsent(err) {
				r.forget(id)
				err = nil
			}
			return 0, err
		}
	}
	w, floor := r.begin(id, runs)
	if m, ok := r.opts.Seen.(*memory); ok {
		m.keep(id, runs)
	}
	for _, x := range runs {
		if x.GeneratedAt.Before(floor) && !x.GeneratedAt.IsZero() {
			continue
		}
		seen, err := r.opts.Seen.Seen(ctx, x)
		if err != nil {
			return found, fmt.Errorf("asking whether run %s has been delivered: %w", x.ID, err)
		}
		if seen {
			continue
		}
		if err := r.deliver(ctx, x); err != nil {
			return found, fmt.Errorf("delivering run %s: %w", x.ID, err)
		}
		if err := r.opts.Seen.MarkSeen(ctx, x); err != nil {
			return found, fmt.Errorf("noting that run %s has been delivered: %w", x.ID, err)
		}
		found++
		r.mu.Lock()
		w.fresh = time.Now()
		r.mu.Unlock()
	}
	return found, nil
}
