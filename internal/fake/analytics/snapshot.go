package analytics

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

const snapshotVersion = 1

type snapshot struct {
	Version   int                    `json:"pctestAnalytics"`
	Counters  counters               `json:"counters"`
	Queries   []*query               `json:"queries"`
	Reports   []*report              `json:"reports"`
	Immediate map[string][]time.Time `json:"immediate"`
}

// Snapshot writes queries, reports and runs down. Files are not in it, unless a
// test gave them: they are made again, the same to the byte. Callback URLs hold
// secrets, and so they are in it only if it is to be one.
func (s *Server) Snapshot(secret bool) ([]byte, error) {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := snapshot{Version: snapshotVersion, Counters: s.counters, Immediate: s.immediate, Queries: s.queries}
	for _, r := range s.reports {
		s.advance(r, now)
		open := *r
		if !secret {
			open.Callback, open.Method = "", ""
		}
		snap.Reports = append(snap.Reports, &open)
	}
	return json.Marshal(snap)
}

// Restore adds what a snapshot holds. The server must not have any queries or
// reports yet.
func (s *Server) Restore(b []byte) error {
	var snap snapshot
	if err := json.Unmarshal(b, &snap); err != nil {
		return fmt.Errorf("snapshot of analytics: %w", err)
	}
	if snap.Version != snapshotVersion {
		return fmt.Errorf("snapshot of analytics: it has version %d, not %d", snap.Version, snapshotVersion)
	}
	damaged := slices.ContainsFunc(snap.Queries, func(q *query) bool { return q == nil || q.ID == "" || s.compiles(q.Program, q.Text) != nil }) ||
		slices.ContainsFunc(snap.Reports, func(r *report) bool {
			return r == nil || r.ID == "" || s.compiles(r.Program, r.Text) != nil || !r.ExecuteNow && r.Interval < 1 || slices.Contains(r.Runs, nil)
		})
	if damaged {
		return errors.New("snapshot of analytics: it is damaged")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counters != (counters{}) {
		return errors.New("snapshot of analytics: the server already has queries or reports")
	}
	s.counters, s.reports = snap.Counters, snap.Reports
	s.queries = append(s.queries, snap.Queries...)
	if snap.Immediate != nil {
		s.immediate = snap.Immediate
	}
	s.arm()
	return nil
}

func (s *Server) compiles(program, text string) error {
	_, err := allSpans().compile(s.datasets, program, text)
	return err
}
