package transfer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// simulate runs a governor against a network for a while, with as many connections
// as it wants, and returns their number at every change.
func simulate(g *governor, start time.Time, d time.Duration, rate func(n int) float64, refuse func(at time.Duration) bool) []int {
	var counts []int
	received := 0.0
	const tick = observeInterval
	for at := time.Duration(0); at < d; at += tick {
		for entered := true; entered; {
			entered = g.enter()
		}
		for stays := false; !stays; {
			stays = g.stay()
		}
		if len(counts) == 0 || counts[len(counts)-1] != g.active {
			counts = append(counts, g.active)
		}
		received += rate(g.active) * tick.Seconds()
		if refuse != nil && refuse(at) {
			g.refused(start.Add(at))
		}
		g.observe(start.Add(at+tick), int64(received), true)
	}
	return counts
}

func TestConnectionsGrowWhileThatHelps(t *testing.T) {
	start := time.Now()
	each := func(n int) float64 { return 25e6 * float64(n) }
	for _, c := range []struct {
		name   string
		max    int
		during time.Duration
		rate   func(int) float64
		refuse func(time.Duration) bool
		want   []int
	}{
		{"every connection adds", 16, time.Second, each, nil, []int{4, 8, 16}},
		{"up to an odd limit", 13, time.Second, each, nil, []int{4, 8, 13}},
		{"with one connection", 1, 4 * time.Second, each, nil, []int{1}},
		{"the line is full with four", 16, 4 * time.Second, func(int) float64 { return 90e6 }, nil, []int{4, 8, 4}},
		{"the line is full with eight", 16, 4 * time.Second, func(n int) float64 { return 25e6 * float64(min(n, 8)) }, nil, []int{4, 8, 16, 8}},
		{"and is tried again, ever more rarely", 16, 19 * time.Second, func(int) float64 { return 90e6 }, nil, []int{4, 8, 4, 8, 4, 8, 4}},
		{"the store refuses", 16, 6 * time.Second, each, func(at time.Duration) bool { return at == 2*time.Second }, []int{4, 8, 16, 8}},
		{"refusals of one moment are one", 16, 6 * time.Second, each, func(at time.Duration) bool { return at > 1900*time.Millisecond && at < 2500*time.Millisecond }, []int{4, 8, 16, 8}},
		{"and single steps follow", 16, 10 * time.Second, each, func(at time.Duration) bool { return at == 2*time.Second }, []int{4, 8, 16, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
		{"the store refuses for ever", 16, 30 * time.Second, each, func(at time.Duration) bool { return at > 2*time.Second }, []int{4, 8, 16, 8, 4, 2, 1}},
	} {
		g := newGovernor(settings{parallel: c.max}, start, 0)
		if diff := cmp.Diff(c.want, simulate(g, start, c.during, c.rate, c.refuse)); diff != "" {
			t.Errorf("%s: connections (-want +got):\n%s", c.name, diff)
		}
	}
}

// Young connections are slow: what they bring at first says little.
func TestConnectionsGetTimeToProveThemselves(t *testing.T) {
	start := time.Now()
	g := newGovernor(settings{parallel: 8}, start, 0)
	ticks := 0
	counts := simulate(g, start, 4*time.Second, func(n int) float64 {
		if n > 4 && ticks < 5 { // half a second of the later ones
			ticks++
			return 100e6
		}
		return 25e6 * float64(n)
	}, nil)
	if diff := cmp.Diff([]int{4, 8}, counts); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
}

func TestPartsFitTheConnection(t *testing.T) {
	start := time.Now()
	g := newGovernor(settings{parallel: 4}, start, 0)
	if got := g.part(1 << 40); got != firstPart {
		t.Errorf("the first parts have %d bytes", got)
	}
	simulate(g, start, 5*time.Second, func(n int) float64 { return 10e6 * float64(n) }, nil)
	for missing, want := range map[int64]int64{1 << 40: 10e6, 40e6: 5e6, 8 << 20: smallPart, 10: smallPart} {
		if got := g.part(missing); got != want {
			t.Errorf("with %d bytes missing a part has %d, want %d", missing, got, want)
		}
	}
	simulate(g, start.Add(time.Minute), 5*time.Second, func(n int) float64 { return 1e9 * float64(n) }, nil)
	if got := g.part(1 << 40); got != largePart {
		t.Errorf("on a fast line a part has %d bytes", got)
	}
	if got := g.reach(); got != 4*largePart {
		t.Errorf("all connections together are asked for %d bytes", got)
	}
	// Answers that begin at once make smaller parts cheap, but not the smallest.
	for _, c := range []struct{ after, part int64 }{{50, largePart}, {10, largePart}, {1, 32e6}, {2, 32e6}} {
		g.began(time.Duration(c.after) * time.Millisecond)
		if got := g.part(1 << 40); got != min(c.part, largePart) {
			t.Errorf("after an answer that began in %d ms a part has %d bytes, want %d", c.after, got, c.part)
		}
	}
	g.began(time.Microsecond)
	if got := g.part(1 << 40); got != firstPart {
		t.Errorf("with hardly any latency a part has %d bytes", got)
	}
	fixed := newGovernor(settings{parallel: 4, partSize: 12345}, start, 0)
	if got := fixed.part(10); got != 12345 {
		t.Errorf("a size that was asked for became %d", got)
	}
}

func TestConnectionsThatGiveUpAreNotReplaced(t *testing.T) {
	g := newGovernor(settings{parallel: 4}, time.Now(), 0)
	g.target = 4
	for entered := true; entered; {
		entered = g.enter()
	}
	if left := g.leave(true); left != 3 || g.enter() {
		t.Errorf("%d are left, and another one was let in", left)
	}
	g.leave(false)
	if !g.enter() {
		t.Error("one that has ended well was not replaced")
	}
	for range 3 {
		g.leave(true)
	}
	if !g.enter() {
		t.Error("the last one cannot be replaced")
	}
}

// Where answers begin at once, one connection has to show that it is not enough.
func TestGovernorBeginsWithOneConnectionToANearStore(t *testing.T) {
	for _, c := range []struct {
		latency  time.Duration
		partSize int64
		parallel int
		want     int
	}{
		{0, 0, 16, startLines}, // unknown
		{time.Microsecond, 0, 16, 1},
		{near - 1, 0, 16, 1},
		{near, 0, 16, startLines},
		{time.Second, 0, 16, startLines},
		{time.Second, 0, 2, 2},
		{time.Microsecond, 1 << 20, 16, startLines}, // whoever chooses parts wants several
	} {
		g := newGovernor(settings{parallel: c.parallel, partSize: c.partSize}, time.Now(), c.latency)
		got := 0
		for g.enter() {
			got++
		}
		if got != c.want {
			t.Errorf("after %v, with parts of %d bytes, %d connections; want %d", c.latency, c.partSize, got, c.want)
		}
	}
}
