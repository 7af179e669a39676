package pctest

import (
	"encoding/json"
	"errors"
	"fmt"
)

const snapshotVersion = 1

type snapshot struct {
	Version int             `json:"pctest"`
	Payouts json.RawMessage `json:"payouts"`
	// Analytics is missing in snapshots of older versions.
	Analytics json.RawMessage `json:"analytics,omitempty"`
}

// Snapshot writes down the exports, queries and reports, so that a server made
// [WithSnapshot] knows them too and makes the same files of them, to the byte. The
// reports' callback URLs are left out, for they hold secrets. Tokens, links, faults,
// recorded requests and scripts that no export has taken yet are not part of it;
// it holds no secrets.
func (s *Server) Snapshot() ([]byte, error) { return s.snapshot(false) }

// snapshot writes callback URLs down, too, if it is to be secret.
func (s *Server) snapshot(secret bool) ([]byte, error) {
	p, err := s.payouts.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	a, err := s.analytics.Snapshot(secret)
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	return json.Marshal(snapshot{snapshotVersion, p, a})
}

func (s *Server) restore(b []byte) error {
	var snap snapshot
	if err := json.Unmarshal(b, &snap); err != nil {
		return fmt.Errorf("reading the snapshot: %w", err)
	}
	switch snap.Version {
	case snapshotVersion:
		if err := s.payouts.Restore(snap.Payouts); err != nil || snap.Analytics == nil {
			return err
		}
		return s.analytics.Restore(snap.Analytics)
	case 0:
		return errors.New("reading the snapshot: it was not made by Server.Snapshot")
	default:
		return fmt.Errorf("reading the snapshot: it has version %d, this package reads %d", snap.Version, snapshotVersion)
	}
}
