package analytics

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// memory is the [SeenStore] of receivers that were not given one. It holds the runs
// that the service still lists, so that it does not grow.
type memory struct {
	mu   sync.Mutex
	runs map[string]map[string]bool // report, run
}

// Seen implements [SeenStore].
func (m *memory) Seen(_ context.Context, x Execution) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[strings.ToLower(x.ReportID)][x.ID], nil
}

// MarkSeen implements [SeenStore].
func (m *memory) MarkSeen(_ context.Context, x Execution) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := strings.ToLower(x.ReportID)
	if m.runs == nil {
		m.runs = map[string]map[string]bool{}
	}
	if m.runs[key] == nil {
		m.runs[key] = map[string]bool{}
	}
	m.runs[key][x.ID] = true
	return nil
}

// keep forgets the runs of a report that are not listed any more.
func (m *memory) keep(reportID string, listed []Execution) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := strings.ToLower(reportID)
	for id := range m.runs[key] {
		if !slices.ContainsFunc(listed, func(x Execution) bool { return x.ID == id }) {
			delete(m.runs[key], id)
		}
	}
	if len(m.runs[key]) == 0 {
		delete(m.runs, key)
	}
}
