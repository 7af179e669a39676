package kit

import (
	"sync"
	"time"
)

// Clock is the time of a fake. It follows package time, and so runs on virtual
// time inside a testing/synctest bubble; Advance moves it ahead of that.
//
// The zero value is ready. A Clock is safe for concurrent use and must not be
// copied.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
}

// Now returns the fake's time in UTC, without a monotonic part: it is written
// into answers and compared with times read back from them.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset).UTC().Round(0)
}

// Advance moves the clock by d. Waits that are under way are not shortened: they
// run on package time.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// Offset returns how far the clock is ahead of package time.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}
