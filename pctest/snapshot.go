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
}

// Snapshot writes down the exports, so that a server made [WithSnapshot] knows
// them too and makes the same files of them, to the byte. Tokens, links, faults,
// recorded requests and scripts that no export has taken yet are not part of it;
// it holds no secrets.
func (s *Server) Snapshot() ([]byte, error) {
	p, err := s.payouts.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	return json.Marshal(snapshot{snapshotVersion, p})
}

func (s *Server) restore(b []byte) error {
	var snap snapshot
	if err := json.Unmarshal(b, &snap); err != nil {
		return fmt.Errorf("reading the snapshot: %w", err)
	}
	switch snap.Version {
	case snapshotVersion:
		return s.payouts.Restore(snap.Payouts)
	case 0:
		return errors.New("reading the snapshot: it was not made by Server.Snapshot")
	default:
		return fmt.Errorf("reading the snapshot: it has version %d, this package reads %d", snap.Version, snapshotVersion)
	}
}
