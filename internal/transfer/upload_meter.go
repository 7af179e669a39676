package transfer

import "sync"

// uploadMeter counts the bytes that the store has. It is safe for concurrent use.
type uploadMeter struct {
	mu sync.Mutex
	meter
	total int64
	count int64
}

// restart begins to count anew.
func (m *uploadMeter) restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count = 0
	m.now(0, m.total)
}

func (m *uploadMeter) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count += int64(n)
	m.tick(m.count, m.total)
}

// end reports that all is there.
func (m *uploadMeter) end(total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count, m.total = total, total
	m.now(total, total)
}

func (m *uploadMeter) bytes() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}
