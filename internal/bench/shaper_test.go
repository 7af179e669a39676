package bench

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// shaper is a proxy for TCP connections that makes a distant server of one on this
// machine: what a server sends arrives later by the latency, and no connection
// delivers more than its rate.
type shaper struct {
	target  string
	latency time.Duration
	rate    float64 // bytes a second and connection; 0: no limit

	listener net.Listener
	work     sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool
	accepted int
}

// newShaper listens on loopback and ends with the test.
func newShaper(tb testing.TB, target string, latency time.Duration, rate float64) *shaper {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &shaper{target: target, latency: latency, rate: rate, listener: l, open: map[net.Conn]bool{}}
	s.work.Go(s.serve)
	tb.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for c := range s.open {
			_ = c.Close()
		}
		s.mu.Unlock()
		s.work.Wait()
	})
	return s
}

func (s *shaper) addr() string { return s.listener.Addr().String() }

// connections is how many there have been.
func (s *shaper) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

func (s *shaper) serve() {
	for {
		near, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.work.Go(func() { s.join(near) })
	}
}

func (s *shaper) join(near net.Conn) {
	defer func() { _ = near.Close() }()
	far, err := net.DialTimeout("tcp", s.target, 10*time.Second) //nolint:noctx // the connection lives as long as its client's
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	s.mu.Lock()
	s.open[near], s.open[far] = true, true
	s.accepted++
	s.mu.Unlock()
	var upward sync.WaitGroup
	upward.Go(func() {
		_, _ = io.Copy(far, near)
		_ = far.Close()
	})
	s.downward(near, far)
	_ = near.Close()
	_ = far.Close()
	upward.Wait()
	s.mu.Lock()
	delete(s.open, near)
	delete(s.open, far)
	s.mu.Unlock()
}

// piece is on its way.
type piece struct {
	data []byte
	due  time.Time
}

// downward carries what the server sends. No more bytes are on their
// way than about twice those of the latency at the full rate.
func (s *shaper) downward(near io.Writer, far io.Reader) {
	const (
		size  = 64 << 10
		slack = 20 * time.Millisecond
	)
	depth := 16
	if s.rate > 0 {
		depth = 2*int(s.rate*s.latency.Seconds())/size + 4
	}
	way := make(chan piece, depth)
	free := make(chan []byte, depth+2)
	var arrive sync.WaitGroup
	arrive.Go(func() {
		for p := range way {
			time.Sleep(time.Until(p.due))
			if _, err := near.Write(p.data); err != nil {
				for range way { // until the reader has noticed
				}
				return
			}
			select {
			case free <- p.data[:size]:
			default:
			}
		}
	})
	var ready time.Time // when the line will have taken what was put on it
	for {
		var buf []byte
		select {
		case buf = <-free:
		default:
			buf = make([]byte, size)
		}
		asked := time.Now()
		n, err := far.Read(buf)
		if n > 0 {
			now := time.Now()
			// What this machine has slept too long is made up for, within limits;
			// time in which the server had nothing to send is lost.
			credit := slack
			if now.Sub(asked) > time.Millisecond {
				credit = 0
			}
			if earliest := now.Add(-credit); ready.Before(earliest) {
				ready = earliest
			}
			if s.rate > 0 {
				ready = ready.Add(time.Duration(float64(n) / s.rate * float64(time.Second)))
			}
			way <- piece{buf[:n], ready.Add(s.latency)}
			if s.rate > 0 {
				time.Sleep(time.Until(ready))
			}
		}
		if err != nil {
			break
		}
	}
	close(way)
	arrive.Wait()
}

func TestShaperDelaysAndLimits(t *testing.T) {
	const size, latency, rate = 4 << 20, 30 * time.Millisecond, 25e6
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = c.Write(make([]byte, size))
		_ = c.Close()
	}()
	s := newShaper(t, l.Addr().String(), latency, rate)
	start := time.Now()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addr())
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, c)
	if closeErr := c.Close(); errors.Join(err, closeErr) != nil || n != size {
		t.Fatalf("%d bytes, %v", n, errors.Join(err, closeErr))
	}
	// Slower is possible on a busy machine, faster is not.
	if took, least := time.Since(start), latency+time.Duration(size/rate*float64(time.Second)); took < least-25*time.Millisecond {
		t.Errorf("took %v, which is less than the %v that the line allows", took, least)
	}
	if s.connections() != 1 {
		t.Errorf("%d connections", s.connections())
	}
}
