package transport

import (
	"io"
	"sync"
	"time"
)

// deadline ends an attempt that does not get on.
type deadline struct {
	limit time.Duration

	mu    sync.Mutex
	timer *time.Timer
	over  bool // stopped or passed: no more time is given
}

func newDeadline(limit time.Duration, passed func()) *deadline {
	d := &deadline{limit: limit}
	d.mu.Lock() // until timer is set
	defer d.mu.Unlock()
	d.timer = time.AfterFunc(limit, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.over {
			d.over = true
			passed()
		}
	})
	return d
}

// extend gives the attempt the whole time again.
func (d *deadline) extend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.timer.Reset(d.limit)
	}
}

// stop reports false when the time has passed before.
func (d *deadline) stop() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	passed := d.over
	d.over = true
	d.timer.Stop()
	return !passed
}

// pulse is a request's body whose every read extends a deadline.
type pulse struct {
	io.ReadCloser
	deadline *deadline
}

func (p *pulse) Read(b []byte) (int, error) {
	p.deadline.extend()
	return p.ReadCloser.Read(b)
}
