package transfer

import "time"

// progressInterval is the least time between two reports in the middle.
const progressInterval = 100 * time.Millisecond

// meter passes progress on, not too often.
type meter struct {
	report      func(done, total int64)
	done, total int64 // as last reported
	at          time.Time
}

// now reports at once, unless these very numbers were the last ones.
func (m *meter) now(done, total int64) {
	if !m.at.IsZero() && done == m.done && total == m.total {
		return
	}
	m.done, m.total, m.at = done, total, time.Now()
	m.report(done, total)
}

// tick reports when the last report is old enough.
func (m *meter) tick(done, total int64) {
	if time.Since(m.at) >= progressInterval {
		m.now(done, total)
	}
}
