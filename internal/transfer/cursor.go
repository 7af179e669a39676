package transfer

import (
	"errors"
	"io"
)

const (
	// windowSize is how much a cursor remembers of what it has passed.
	windowSize = 256 << 10
	// maxSkip is how far ahead reading on is cheaper than another request.
	maxSkip = 256 << 10
	// directRead is the length from which a read goes past the window.
	directRead = 64 << 10
)

// cursor is one sequential reading of the file: an answer, and a window on the
// bytes that came last, so that short steps back cost no request.
type cursor struct {
	stream *stream // nil when the next byte needs a new request
	window []byte  // ends at pos
	pos    int64   // the next byte that the stream will deliver
	used   int     // when it was read last, for replacement; 0: never
	room   int64   // how large the window may become
	run    int64   // how much was read since the last jump
	keep   bool    // everything read so far must stay in the window
}

// from is the first byte that the window still holds.
func (c *cursor) from() int64 { return c.pos - int64(len(c.window)) }

// reaches reports whether off is in the window or at most skip bytes ahead.
func (c *cursor) reaches(off, skip int64) bool {
	return off >= c.from() && off-c.pos <= skip
}

// moveTo forgets everything and starts again at off.
func (c *cursor) moveTo(off int64) {
	c.drop()
	c.window, c.pos, c.run = c.window[:0], off, 0
}

// drop ends the request; the window stays.
func (c *cursor) drop() {
	if c.stream != nil {
		_ = c.stream.Close()
		c.stream = nil
	}
}

// copyWindow copies what the window holds from off on.
func (c *cursor) copyWindow(p []byte, off int64) int {
	if off < c.from() || off >= c.pos {
		return 0
	}
	return copy(p, c.window[off-c.from():])
}

// advance reads bytes that begin at pos, large pieces straight into p, others
// into the window. It returns how many bytes of p it has filled.
func (c *cursor) advance(p []byte, off int64) (int, error) {
	if off == c.pos && len(p) >= directRead && !c.keep {
		n, err := c.stream.Read(p)
		c.pos, c.run = c.pos+int64(n), c.run+int64(n)
		if n > 0 {
			c.window = c.window[:0]
		}
		return n, c.broken(err)
	}
	if cap(c.window) == 0 {
		c.window = make([]byte, 0, c.room)
	}
	if len(c.window) == cap(c.window) {
		c.window = c.window[:0]
	}
	n, err := c.stream.Read(c.window[len(c.window):cap(c.window)])
	c.window, c.pos, c.run = c.window[:len(c.window)+n], c.pos+int64(n), c.run+int64(n)
	return c.copyWindow(p, off), c.broken(err)
}

// broken gives up a stream that has ended, and passes on why unless it was whole.
func (c *cursor) broken(err error) error {
	if err == nil && c.stream.off < c.stream.end {
		return nil
	}
	c.drop()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
