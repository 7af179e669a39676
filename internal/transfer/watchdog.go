package transfer

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync"
	"time"
)

// stallError is the cause of an attempt that the watchdog has ended.
type stallError struct{ limit time.Duration }

func (e *stallError) Error() string { return fmt.Sprintf("no byte for %v", e.limit) }

// watchdog cancels a request that is waited for longer than the limit without a
// byte. Time in which nobody waits does not count.
//
// While the body is read it is armed by each Read. Before that the connection's
// own reports arm it, so that the pauses that a [Doer] makes between its attempts,
// because the store asked for them, do not look like a stall. Transports that do
// not report to package httptrace are bounded by the Doer alone until the body
// begins.
type watchdog struct {
	limit  time.Duration // 0: never barks
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	timer   *time.Timer
	retired bool // the header is there: late reports of the connection are ignored
}

func newWatchdog(limit time.Duration, cancel context.CancelCauseFunc) *watchdog {
	return &watchdog{limit: limit, cancel: cancel}
}

// trace lets the connection arm and disarm the watchdog until retire is called.
func (w *watchdog) trace(ctx context.Context) context.Context {
	if w.limit == 0 {
		return ctx
	}
	report := func(act func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.retired {
			act()
		}
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:              func(string) { report(w.start) },
		GotFirstResponseByte: func() { report(w.stop) },
	})
}

// retire ends the part of the connection's reports.
func (w *watchdog) retire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retired = true
	w.stop()
}

func (w *watchdog) arm() {
	if w.limit == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start()
}

func (w *watchdog) disarm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
}

func (w *watchdog) start() {
	if w.timer == nil {
		w.timer = time.AfterFunc(w.limit, func() { w.cancel(&stallError{w.limit}) })
		return
	}
	w.timer.Reset(w.limit)
}

func (w *watchdog) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
