package kit

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"
)

// Mix is a step of the SplitMix64 generator: it spreads x over all 64 bits. The
// fakes use it where a value must depend on a seed and an index alone.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

// GUID returns the n-th identifier of a named series: the same for the same seed,
// series and n, so that a test can print it.
func GUID(seed uint64, series string, n uint64) string {
	h := Mix(seed)
	for i := range len(series) {
		h = Mix(h ^ uint64(series[i]))
	}
	h = Mix(Mix(h) ^ Mix(n))
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], h)
	binary.BigEndian.PutUint64(id[8:], Mix(h))
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // RFC 9562 variant
	return id.String()
}

// IDs hands out identifiers that nobody can foretell from the requests made so
// far, but that repeat with the seed. Safe for concurrent use.
type IDs struct {
	mu  sync.Mutex
	rng *rand.ChaCha8
}

// NewIDs starts a sequence.
func NewIDs(seed uint64) *IDs {
	var key [32]byte
	for i := range 4 {
		seed = Mix(seed)
		binary.LittleEndian.PutUint64(key[8*i:], seed)
	}
	return &IDs{rng: rand.NewChaCha8(key)}
}

// Next returns a fresh GUID.
func (s *IDs) Next() string {
	var id uuid.UUID
	s.mu.Lock()
	_, _ = s.rng.Read(id[:]) // never fails
	s.mu.Unlock()
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
