package kit

import (
	"sync"
	"time"
)

// Clock is the time of a fake. It follows package time, and so runs on virtual
// time inside a testing/synctest bubble; Advance moves it ahead of that, and
// SetSpeed lets it run faster.
//
// It shows two times. Now is what jobs live by: exports, reports, submissions.
// Wall leaves the speed out; tokens and links live by it, because their users
// count on their own clocks: a token that is said to be good for an hour must be,
// however fast exports go.
//
// Neither lead grows beyond [MaxLead]: from there on the clock goes as package time
// does, whatever its speed.
//
// The zero value is ready. A Clock is safe for concurrent use and must not be
// copied.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration // by Advance
	gained time.Duration // by speed, up to since
	speed  float64       // 0 is 1
	since  time.Time     // when the speed was set
}

// MaxLead is how far Advance can bring a clock ahead altogether, and how far its speed
// can: dates stay what everybody can write, and durations what they can be.
const MaxLead = 100 * 366 * 24 * time.Hour

// Now returns the fake's time in UTC, without a monotonic part: it is written
// into answers and compared with times read back from them.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return now.Add(c.offset + c.gain(now)).UTC().Round(0)
}

// Wall is Now without what the speed has gained.
func (c *Clock) Wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset).UTC().Round(0)
}

// gain is how far the speed has brought the clock ahead. The lock is held.
func (c *Clock) gain(now time.Time) time.Duration {
	if c.speed == 0 {
		return c.gained
	}
	gained := float64(c.gained) + float64(now.Sub(c.since))*(c.speed-1)
	return time.Duration(min(gained, float64(MaxLead)))
}

// Advance moves the clock by d, at most to [MaxLead]. Waits that are under way are not shortened: they
// run on package time.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d > MaxLead-c.offset {
		d = MaxLead - c.offset
	}
	c.offset += d
}

// SetSpeed lets the clock run so many times as fast as package time from now on.
func (c *Clock) SetSpeed(times float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.gained = c.gain(now)
	c.speed, c.since = times, now
}

// Until returns how long it takes on package time until Now is t, 0 if it has
// been.
func (c *Clock) Until(t time.Time) time.Duration {
	d := max(t.Sub(c.Now()), 0)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.speed == 0 || c.speed == 1 {
		return d
	}
	return time.Duration(float64(d)/c.speed) + 1 // not a moment too early
}

// Offset returns how far Wall is ahead of package time.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Lead is how far a clock is ahead of package time, to be written down.
type Lead struct {
	Offset time.Duration `json:"offset"`
	Gained time.Duration `json:"gained"`
}

// Lead returns how far the clock is ahead.
func (c *Clock) Lead() Lead {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Lead{c.offset, c.gain(time.Now())}
}

// SetLead continues where another clock was.
func (c *Clock) SetLead(l Lead) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.gained, c.since = l.Offset, l.Gained, time.Now()
}
