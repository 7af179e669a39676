package transfer

import (
	"sync"
	"time"
)

const (
	startLines = 4                      // connections to begin with, unless the store is near
	near       = 5 * time.Millisecond   // an answer that begins so soon comes from a near store
	settleTime = time.Second            // the longest wait for new connections to deliver
	probeTime  = 100 * time.Millisecond // the least over which a speed is measured
	trialTime  = time.Second            // the most that new connections get to prove themselves
	holdTime   = 5 * time.Second        // before the next try, after more brought nothing
	maxHold    = time.Minute
	coolTime   = time.Second // in which further refusals count as the same one

	smallPart = 1 << 20
	largePart = 32 << 20
	// partLatencies is how many times as long as the answer to a request takes to
	// begin its body should take to arrive.
	partLatencies = 32
)

// governor decides how many connections a transfer uses and how much each of them
// asks for at once. It is safe for concurrent use.
//
// It doubles the connections as long as that brings at least a fifth of what it
// could. Growing is quick, so that a transfer of a few seconds profits too; going
// a step back takes the time that young connections need to get up to speed. When
// the store asks for patience it halves them at once and adds single ones later.
type governor struct {
	fixed int64 // size of a part; 0: what a connection delivers in a while

	mu      sync.Mutex
	max     int
	target  int
	active  int
	settled bool          // the connections of this step all deliver
	since   time.Time     // when this step, or its measurement, began
	mark    int64         // what had been received then
	rate    float64       // bytes a second, as measured last
	latency time.Duration // the shortest that an answer took to begin; 0: unknown
	trial   bool          // the step just taken must prove itself
	before  float64       // the rate of the step before
	back    int           // and its connections
	held    time.Time     // no more connections until then
	hold    time.Duration
	gentle  bool      // the store has asked for patience: single steps
	cooled  time.Time // refusals until then are one
}

// newGovernor makes the governor of a transfer whose first answer took so long to
// begin; 0 if that is not known. Where that is next to nothing one connection may well
// keep this machine busy, and more would only cost work, so it begins with that one.
func newGovernor(limits settings, now time.Time, latency time.Duration) *governor {
	start := startLines
	if latency > 0 && latency < near && limits.partSize == 0 {
		start = 1
	}
	return &governor{
		fixed: limits.partSize, max: limits.parallel, target: min(start, limits.parallel),
		since: now, hold: holdTime,
	}
}

// enter reports whether one more connection is wanted, and counts it.
func (g *governor) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.active >= g.target {
		return false
	}
	g.active++
	return true
}

// stay reports whether a connection that has finished a part should go on. If not,
// it is no longer counted.
func (g *governor) stay() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.active <= g.target {
		return true
	}
	g.active--
	return false
}

// leave counts a connection that has ended for other reasons. One that has given
// up is not replaced as long as others remain.
func (g *governor) leave(gaveUp bool) (remaining int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active--
	if gaveUp {
		g.max = max(min(g.max, g.active), 1)
		g.target = min(g.target, g.max)
		g.trial = false
	}
	return g.active
}

// observe looks at what has been received so far. Warm: all connections deliver.
func (g *governor) observe(now time.Time, received int64, warm bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	elapsed := now.Sub(g.since)
	if !g.settled {
		if warm || elapsed >= settleTime {
			g.settled, g.since, g.mark = true, now, received
		}
		return
	}
	if elapsed < probeTime {
		return
	}
	g.rate = float64(received-g.mark) / elapsed.Seconds()
	if g.trial {
		hoped := g.before * float64(g.target-g.back) / float64(g.back)
		if proven := g.rate >= g.before+hoped/5; !proven && elapsed < trialTime {
			return
		} else if !proven {
			g.target, g.trial, g.settled = g.back, false, false
			g.held, g.hold = now.Add(g.hold), min(2*g.hold, maxHold)
			return
		}
		g.trial, g.hold = false, holdTime
	}
	g.since, g.mark = now, received
	if g.target >= g.max || now.Before(g.held) {
		return
	}
	g.before, g.back, g.trial, g.settled = g.rate, g.target, true, false
	if g.gentle {
		g.target++
	} else {
		g.target = min(2*g.target, g.max)
	}
}

// refused notes that the store has asked for patience.
func (g *governor) refused(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.cooled) {
		return
	}
	g.target = max(g.target/2, 1)
	g.gentle, g.trial, g.settled = true, false, false
	g.since, g.cooled, g.held = now, now.Add(coolTime), now.Add(holdTime)
}

// part is how much the next request should ask for when so many bytes are missing
// altogether. Towards the end parts become smaller, so that all connections finish
// at the same time.
func (g *governor) part(missing int64) int64 {
	if g.fixed > 0 {
		return g.fixed
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(min(g.usual(), missing/int64(2*g.target)), smallPart)
}

// usual is the size of a part in the middle of the file: what a connection delivers
// in a second, or in less where answers begin so quickly that requests cost little.
func (g *governor) usual() int64 {
	if g.rate == 0 {
		return firstPart
	}
	while := time.Second
	if g.latency > 0 {
		while = min(partLatencies*g.latency, while)
	}
	return max(min(int64(g.rate*while.Seconds())/int64(max(g.active, 1)), largePart), firstPart)
}

// began notes how long an answer took to begin.
func (g *governor) began(after time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.latency == 0 || after < g.latency {
		g.latency = max(after, 1)
	}
}

// reach is how many bytes all connections together are asked for at a time.
func (g *governor) reach() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fixed > 0 {
		return g.fixed * int64(g.target)
	}
	return g.usual() * int64(g.target)
}
