package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// Attempt is a sign-in under way, made by [Consent.Begin]. Keep it with the user's session
// until the callback arrives, and never take one that arrives with the callback: that it
// belongs to the session is the protection against callbacks of others. When the callback
// may arrive at another process, keep what [Attempt.Save] returns, and make an attempt of
// it with [Consent.Resume].
//
// It is safe for concurrent use; of several calls of [Consent.Redeem] one wins.
type Attempt struct {
	url      string
	state    partnercenter.Secret
	verifier partnercenter.Secret
	redirect string
	clientID string
	key      string
	expires  time.Time

	mu      sync.Mutex
	claimed bool // a call is under way
	// What follows is guarded by the claim.
	over    bool
	unsaved *outcome
}

// URL is the address of the sign-in page. Send the user there within 15 minutes.
func (a *Attempt) URL() string { return a.url }

// State is the value by which the callback refers to the attempt, to find it among others.
func (a *Attempt) State() string { return a.state.Reveal() }

// ExpiresOn is when the attempt can no longer be redeemed.
func (a *Attempt) ExpiresOn() time.Time { return a.expires }

// String describes the attempt without its secrets.
func (a *Attempt) String() string { return "sign-in through application " + a.clientID }

// GoString describes the attempt as String does.
func (a *Attempt) GoString() string { return "auth.Attempt(" + a.String() + ")" }

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (a *Attempt) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, a.String()) }

// MarshalText implements [encoding.TextMarshaler] with the description. To keep an attempt
// use Save.
func (a *Attempt) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// savedAttempt is the serialised form.
type savedAttempt struct {
	Schema   int       `json:"schema"`
	State    string    `json:"state"`
	Verifier string    `json:"verifier"`
	Redirect string    `json:"redirect_uri"`
	ClientID string    `json:"client_id"`
	Key      string    `json:"key"`
	Expires  time.Time `json:"expires_on"`
}

// Save serialises the attempt for the user's session on the server, or for an encrypted
// cookie. It holds the proof key, so whoever has it together with the callback can redeem
// the code. The URL, and a refresh token that could not be saved, are not part of it.
func (a *Attempt) Save() partnercenter.Secret {
	b, err := json.Marshal(savedAttempt{
		Schema: 1, State: a.state.Reveal(), Verifier: a.verifier.Reveal(), Redirect: a.redirect, ClientID: a.clientID, Key: a.key, Expires: a.expires.UTC(),
	})
	if err != nil {
		return partnercenter.Secret{} // texts, and a time of this century: cannot fail
	}
	return partnercenter.NewSecret(string(b))
}

// Resume makes an attempt of what [Attempt.Save] returned, in this process or another. That
// each is redeemed only once is then for the service to see.
func (c *Consent) Resume(saved partnercenter.Secret) (*Attempt, error) {
	var s savedAttempt
	err := json.Unmarshal([]byte(saved.Reveal()), &s)
	if err != nil || s.State == "" || s.Verifier == "" {
		return nil, errors.New("auth: this is not what Attempt.Save returned")
	}
	if s.Schema != 1 {
		return nil, errors.New("auth: the attempt was saved by a newer version of this module; start the sign-in again")
	}
	a := &Attempt{
		state: partnercenter.NewSecret(s.State), verifier: partnercenter.NewSecret(s.Verifier),
		redirect: s.Redirect, clientID: s.ClientID, key: s.Key, expires: s.Expires,
	}
	return a, c.belongs(a)
}

// claim reserves the attempt for one call.
func (a *Attempt) claim() *Error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.claimed:
		return &Error{Kind: KindCodeReplayed, Description: "the attempt is being redeemed by another call"}
	case a.over:
		return &Error{Kind: KindCodeReplayed, Description: "the attempt has been redeemed before"}
	}
	a.claimed = true
	return nil
}

func (a *Attempt) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.claimed = false
}
