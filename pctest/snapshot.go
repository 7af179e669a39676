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
	Ingestion json.RawMessage `json:"ingestion,omitempty"`
}

// Snapshot writes down the exports, queries and reports, so that a server made
// [WithSnapshot] knows them too and makes the same files of them, to the byte, and
// the products with all that belongs to them but the uploaded files. The reports'
// callback URLs and lead configurations are left out, for they hold secrets. Tokens, links, faults,
// recorded requests and scripts that no export has taken yet are not part of it;
// it holds no secrets.
func (s *Server) Snapshot() ([]byte, error) { return s.snapshot(false) }

// snapshot writes callback URLs and lead configurations down, too, if it is to be secret.
func (s *Server) snapshot(secret bool) ([]byte, error) {
	p, err := s.payouts.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	a, err := s.analytics.Snapshot(secret)
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	i, err := s.ingestion.Snapshot(secret)
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	return json.Marshal(snapshot{snapshotVersion, p, a, i})
}

func (s *Server) restore(b []byte) error {
	var snap snapshot
	if err := json.Unmarshal(b, &snap); err != nil {
		return fmt.Errorf("reading the snapshot: %w", err)
	}
	switch snap.Version {
	case snapshotVersion:
		if err := s.payouts.Restore(snap.Payouts); err != nil {
			return err
		}
		if snap.Analytics != nil {
			if err := s.analytics.Restore(snap.Analytics); err != nil {
				return err
			}
		}
		if snap.Ingestion != nil {
			return s.ingestion.Restore(snap.Ingestion)
		}
		return nil
	case 0:
		return errors.New("reading the snapshot: it was not made by Server.Snapshot")
	default:
		return fmt.Errorf("reading the snapshot: it has version %d, this package reads %d", snap.Version, snapshotVersion)
	}
}
