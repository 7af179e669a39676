package payouts

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

const snapshotVersion = 1

type snapshot struct {
	Version int `json:"pctestPayouts"`
	// Made is missing in snapshots of older versions: then it is the number of exports.
	Made    uint64    `json:"made,omitempty"`
	Exports []*export `json:"exports"`
	Data    []Data    `json:"data"`
}

// Snapshot writes the exports down. Their files are not in it, unless a test gave
// them: they are made again, the same to the byte. Links are not in it either.
func (s *Server) Snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := snapshot{Version: snapshotVersion, Made: s.made, Exports: s.order}
	index := make(map[*dataset]int)
	for _, e := range s.order {
		n, known := index[e.set]
		if !known {
			n = len(snap.Data)
			index[e.set] = n
			snap.Data = append(snap.Data, e.set.Data)
		}
		e.Data = n
	}
	return json.Marshal(snap)
}

// Restore adds the exports of a snapshot. The server must not have any yet.
func (s *Server) Restore(b []byte) error {
	var snap snapshot
	if err := json.Unmarshal(b, &snap); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if snap.Version != snapshotVersion {
		return fmt.Errorf("snapshot: it has version %d, not %d", snap.Version, snapshotVersion)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) > 0 {
		return errors.New("snapshot: the server already has exports")
	}
	sets := make([]*dataset, len(snap.Data))
	for i, d := range snap.Data {
		if reflect.DeepEqual(d, s.set.Data) {
			sets[i] = s.set
			continue
		}
		set, err := newDataset(zeroAsNone(d), s.cfg.Clock.Now())
		if err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
		sets[i] = set
	}
	exports := make(map[string]*export, len(snap.Exports))
	for _, e := range snap.Exports {
		if e == nil || e.ID == "" || e.Kind != Earnings && e.Kind != Payments || e.Data < 0 || e.Data >= len(sets) ||
			len(e.Steps) == 0 || e.Step < 0 || e.Step >= len(e.Steps) || exports[e.ID] != nil {
			return errors.New("snapshot: it is damaged")
		}
		e.set = sets[e.Data]
		if err := errors.Join(e.compile(), checkSteps(e.Steps)); err != nil {
			return fmt.Errorf("snapshot: export %s: %w", e.ID, err)
		}
		exports[e.ID] = e
	}
	s.exports, s.order = exports, snap.Exports
	s.made = max(snap.Made, uint64(len(s.order)))
	for _, e := range s.order {
		if e.Deleted {
			s.deleted++
		}
	}
	return nil
}

// zeroAsNone keeps normalized data from being normalized again: zero means none
// there, no longer the default.
func zeroAsNone(d Data) Data {
	for _, p := range []*int{&d.Rows, &d.RefundPercent, &d.BlankPercent} {
		if *p == 0 {
			*p = -1
		}
	}
	return d
}
