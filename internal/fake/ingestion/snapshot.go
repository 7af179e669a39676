package ingestion

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

const snapshotVersion = 1

type snapshot struct {
	Version  int        `json:"pctestIngestion"`
	Count    uint64     `json:"count"`
	Products []*product `json:"products"`
	// Leads are the lead configurations by product, in a secret snapshot.
	Leads map[string]object `json:"leads,omitempty"`
}

// Snapshot writes down the products and all that belongs to them but the uploaded files,
// and the lead configurations, which may hold secrets, only if it is to be secret itself.
func (s *Server) Snapshot(secret bool) ([]byte, error) {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.products {
		for _, sub := range p.Submissions {
			sub.advance(s, now)
		}
	}
	out := snapshot{Version: snapshotVersion, Count: s.count, Products: s.products, Leads: make(map[string]object)}
	for _, p := range s.products {
		if secret && p.Lead != nil {
			out.Leads[p.ID] = p.Lead
		}
	}
	return json.Marshal(out)
}

// Restore adds what a snapshot holds. The server must not have any products yet.
func (s *Server) Restore(b []byte) error {
	var snap snapshot
	if err := json.Unmarshal(b, &snap); err != nil {
		return fmt.Errorf("snapshot of ingestion: %w", err)
	}
	if snap.Version != snapshotVersion {
		return fmt.Errorf("snapshot of ingestion: it has version %d, not %d", snap.Version, snapshotVersion)
	}
	if slices.ContainsFunc(snap.Products, (*product).damaged) {
		return errors.New("snapshot of ingestion: it is damaged")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count != 0 || len(s.products) > 0 {
		return errors.New("snapshot of ingestion: the server already has products")
	}
	s.count = snap.Count
	for _, p := range snap.Products {
		p.Lead = snap.Leads[p.ID]
		s.keep(p)
	}
	return nil
}

func (p *product) damaged() bool {
	return p == nil || p.ID == "" || slices.Contains(p.Branches, nil) || slices.Contains(p.Items, nil) ||
		slices.ContainsFunc(p.Submissions, func(s *submission) bool {
			return s == nil || s.Step < 0 || s.Step >= len(s.Steps) || checkSteps(s.Steps) != nil || checkSteps(s.LiveSteps) != nil
		})
}
