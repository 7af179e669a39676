package tabular

import (
	"fmt"
	"io"
	"sync/atomic"
)

// meter watches how much one download inflates to, in all its entries and layers
// together, so that neither one entry nor many that share their data can fill
// the reader's disk or time.
type meter struct {
	*settings
	packed   func() int64
	inflated atomic.Int64 // entries may be read at the same time
}

// measure watches what r delivers, within the limits that the content has now.
func (m *meter) measure(r io.Reader) io.Reader {
	limits := m.limits()
	return &metered{r: r, m: m, bytes: orDefault(limits.MaxBytes, defaultBytes), ratio: orDefault(limits.MaxRatio, defaultRatio)}
}

func orDefault(limit, normal int64) int64 {
	if limit == 0 {
		return normal
	}
	return limit
}

type metered struct {
	r            io.Reader
	m            *meter
	bytes, ratio int64 // negative: no limit
}

func (r *metered) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	inflated := r.m.inflated.Add(int64(n))
	if r.bytes >= 0 && inflated > r.bytes {
		return 0, fmt.Errorf("refused: there is more than %d bytes of text; raise Content.Limits.MaxBytes if exports really are that large", r.bytes)
	}
	// Divided rather than multiplied: the product may overflow.
	if packed := max(r.m.packed(), 1); r.ratio >= 0 && inflated > r.m.free && inflated/packed >= r.ratio {
		return 0, fmt.Errorf("refused: %d bytes of compressed data have become more than %d times as many (%d so far), "+
			"which no export does; raise Content.Limits.MaxRatio if yours do", packed, r.ratio, inflated)
	}
	return n, err
}
