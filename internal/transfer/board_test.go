package transfer

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

var spans = cmp.AllowUnexported(span{})

func TestBoardGivesOutWhatIsMissing(t *testing.T) {
	b := newBoard(100, 10, []span{{0, 10}, {10, 20}, {50, 60}})
	if got := b.front(); got != 20 {
		t.Errorf("front %d", got)
	}
	first, second, third := b.take(25), b.take(25), b.take(25)
	for i, want := range []span{{20, 45}, {45, 50}, {60, 85}} {
		if got := b.left([]*piece{first, second, third}[i]); got != want {
			t.Errorf("piece %d is %v, want %v", i, got, want)
		}
	}
	b.wrote(second, 5)
	b.wrote(third, 5)
	b.release(second)
	b.release(third) // 65 to 85 is nobody's again
	if diff := cmp.Diff([]span{{0, 20}, {45, 65}}, b.there(), spans); diff != "" {
		t.Errorf("there (-want +got):\n%s", diff)
	}
	if got := b.left(b.take(100)); got != (span{65, 85}) {
		t.Errorf("given out again: %v", got)
	}
	if got := b.left(b.take(100)); got != (span{85, 100}) {
		t.Errorf("the last one: %v", got)
	}
	// Nothing is left but what others fetch: the largest of that is halved.
	if got := b.left(b.take(100)); got != (span{32, 45}) || b.left(first) != (span{20, 32}) {
		t.Errorf("halved to %v and %v", b.left(first), got)
	}
	b.wrote(first, 0) // a full disk
	b.wrote(first, 5)
	if b.front() != 25 || b.done() != 45 {
		t.Errorf("front %d, done %d", b.front(), b.done())
	}
}

// Whatever is taken, written and given back in whatever order: every byte is
// written once, and the lists stay true.
func TestBoardLosesNothing(t *testing.T) {
	for seed := range 200 {
		r := seeded(seed)
		size := 1 + r.Int64N(5000)
		file := make([]int, size)
		var there []span
		for at := r.Int64N(size); at < size; {
			end := min(at+1+r.Int64N(500), size)
			there = append(there, span{at, end})
			for i := at; i < end; i++ {
				file[i]++
			}
			at = end + r.Int64N(700)
		}
		b := newBoard(size, 1+r.Int64N(50), there)
		var busy []*piece
		for b.done() < size {
			switch {
			case len(busy) == 0 || r.IntN(4) == 0:
				if p := b.take(1 + r.Int64N(800)); p != nil {
					busy = append(busy, p)
				}
			default:
				i := r.IntN(len(busy))
				left := b.left(busy[i])
				if left.off < left.end {
					n := r.Int64N(left.end - left.off + 1)
					for at := left.off; at < left.off+n; at++ {
						file[at]++
					}
					b.wrote(busy[i], n)
				}
				if r.IntN(3) == 0 {
					b.release(busy[i])
					busy = append(busy[:i], busy[i+1:]...)
				}
			}
			checkBoard(t, b, file)
		}
		if diff := cmp.Diff([]span{{0, size}}, b.there(), spans); diff != "" || b.front() != size {
			t.Fatalf("seed %d: there (-want +got):\n%s", seed, diff)
		}
	}
}

func checkBoard(t *testing.T, b *board, file []int) {
	t.Helper()
	at := int64(-1)
	for _, s := range b.there() {
		if s.off <= at || s.end <= s.off {
			t.Fatalf("spans out of order or touching: %v", b.there())
		}
		at = s.end
		for i := s.off; i < s.end; i++ {
			if file[i] != 1 {
				t.Fatalf("byte %d was written %d times", i, file[i])
			}
		}
	}
	written := 0
	for _, n := range file {
		written += n
	}
	if int64(written) != b.done() {
		t.Fatalf("%d bytes were written, the board says %d", written, b.done())
	}
}
