package transfer

import (
	"cmp"
	"slices"
	"sync"
)

// board shows which bytes of a file are on disk and who fetches the others. It is
// safe for concurrent use.
type board struct {
	size  int64
	least int64 // no piece that is split becomes smaller than this

	mu   sync.Mutex
	have []span   // on disk: in order, without overlap, not touching
	todo []span   // nobody's: in order, without overlap
	busy []*piece // somebody's
	// grown gets a value when there may be more of the file without a gap from
	// its beginning.
	grown chan struct{}
}

// piece is a part of the file that somebody fetches: the bytes from off up to end
// are missing. The board's lock guards both.
type piece struct{ off, end int64 }

// newBoard makes the board of a file of which the given spans, in order and
// without overlap, are there.
func newBoard(size, least int64, there []span) *board {
	b := &board{size: size, least: least, grown: make(chan struct{}, 1)}
	at := int64(0)
	for _, s := range there {
		if s.off > at {
			b.todo = append(b.todo, span{at, s.off})
		}
		b.add(s)
		at = s.end
	}
	if at < size {
		b.todo = append(b.todo, span{at, size})
	}
	return b
}

// take gives out the first bytes that nobody fetches, at most limit of them. When
// there are none it halves the largest piece of somebody else, who may be slow.
// Nil: nothing is left that would be worth a request.
func (b *board) take(limit int64) *piece {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.todo) == 0 {
		return b.split()
	}
	first := &b.todo[0]
	p := &piece{first.off, min(first.end, first.off+limit)}
	if first.off = p.end; first.off == first.end {
		b.todo = b.todo[1:]
	}
	b.busy = append(b.busy, p)
	return p
}

func (b *board) split() *piece {
	var slow *piece
	for _, p := range b.busy {
		if slow == nil || p.end-p.off > slow.end-slow.off {
			slow = p
		}
	}
	if slow == nil || slow.end-slow.off < 2*b.least {
		return nil
	}
	middle := slow.off + (slow.end-slow.off)/2
	p := &piece{middle, slow.end}
	slow.end = middle
	b.busy = append(b.busy, p)
	return p
}

// left is what a piece still lacks.
func (b *board) left(p *piece) span {
	b.mu.Lock()
	defer b.mu.Unlock()
	return span{p.off, p.end}
}

// wrote notes that the next n bytes of a piece, which may be none, are on disk.
func (b *board) wrote(p *piece, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(span{p.off, p.off + n})
	p.off += n
}

// add joins a span to those that are there.
func (b *board) add(s span) {
	if s.off == s.end {
		return
	}
	i, _ := slices.BinarySearchFunc(b.have, s.off, func(h span, off int64) int { return cmp.Compare(h.end, off) })
	// All before i end before s begins.
	if i < len(b.have) && b.have[i].end == s.off {
		b.have[i].end = s.end
	} else {
		b.have = slices.Insert(b.have, i, s)
	}
	if i+1 < len(b.have) && b.have[i+1].off == b.have[i].end {
		b.have[i].end = b.have[i+1].end
		b.have = slices.Delete(b.have, i+1, i+2)
	}
	if i == 0 {
		select {
		case b.grown <- struct{}{}:
		default:
		}
	}
}

// release takes a piece back; what it lacks is to be fetched by somebody else.
func (b *board) release(p *piece) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy = slices.DeleteFunc(b.busy, func(q *piece) bool { return q == p })
	if p.off == p.end {
		return
	}
	i, _ := slices.BinarySearchFunc(b.todo, p.off, func(t span, off int64) int { return cmp.Compare(t.off, off) })
	b.todo = slices.Insert(b.todo, i, span{p.off, p.end})
}

// front is the end of what is there without a gap from the beginning.
func (b *board) front() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.have) == 0 || b.have[0].off != 0 {
		return 0
	}
	return b.have[0].end
}

// there lists what is on disk.
func (b *board) there() []span {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.have)
}

// done is how many bytes are on disk.
func (b *board) done() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return total(b.have)
}

// worth reports whether take might give something out.
func (b *board) worth() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.todo) > 0 {
		return true
	}
	return slices.ContainsFunc(b.busy, func(p *piece) bool { return p.end-p.off >= 2*b.least })
}

func total(spans []span) int64 {
	n := int64(0)
	for _, s := range spans {
		n += s.end - s.off
	}
	return n
}
