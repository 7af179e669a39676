package entra

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

const snapshotVersion = 1

type snapshot struct {
	Version       int                        `json:"pctestEntra"`
	ID            string                     `json:"id"`
	RefreshTokens map[string]refreshSnapshot `json:"refreshTokens"`
	Revoked       map[string]time.Time       `json:"revoked"`
	Consents      []string                   `json:"consents"`
}

type refreshSnapshot struct {
	ClientID string    `json:"clientId"`
	UPN      string    `json:"upn"`
	AMR      []string  `json:"amr"`
	UsedOn   time.Time `json:"usedOn"`
	Spent    bool      `json:"spent,omitempty"`
	Revoked  bool      `json:"revoked,omitempty"`
}

// Snapshot writes down what makes the tokens that are out keep working: it holds
// refresh tokens and is a secret. Sign-ins that are under way, authorization codes and
// device codes are not in it, for they live for minutes.
func (s *Server) Snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := snapshot{Version: snapshotVersion, ID: s.id, Revoked: s.revoked, RefreshTokens: make(map[string]refreshSnapshot, len(s.refreshTokens))}
	for token, t := range s.refreshTokens {
		snap.RefreshTokens[token] = refreshSnapshot{t.clientID, t.upn, t.amr, t.usedOn, t.spent, t.revoked}
	}
	for c, given := range s.consents {
		if given {
			snap.Consents = append(snap.Consents, c)
		}
	}
	return json.Marshal(snap)
}

// Restore continues where another server was. Access tokens of that server are good
// here if both sign with the same key.
func (s *Server) Restore(b []byte) error {
	var snap snapshot
	if err := json.Unmarshal(b, &snap); err != nil {
		return fmt.Errorf("snapshot of tokens: %w", err)
	}
	switch {
	case snap.Version != snapshotVersion:
		return fmt.Errorf("snapshot of tokens: it has version %d, not %d", snap.Version, snapshotVersion)
	case snap.ID == "":
		return errors.New("snapshot of tokens: it is damaged")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = snap.ID
	for token, t := range snap.RefreshTokens {
		s.refreshTokens[token] = &refreshToken{clientID: t.ClientID, upn: t.UPN, amr: t.AMR, usedOn: t.UsedOn, spent: t.Spent, revoked: t.Revoked}
	}
	maps.Copy(s.revoked, snap.Revoked)
	for _, c := range snap.Consents {
		s.consents[c] = true
	}
	return nil
}
