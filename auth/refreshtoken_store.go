package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// lock reserves the key; nil if the store has no locks.
func (f *refresher) lock(ctx context.Context) (Lease, error) {
	lease, err := LockKey(ctx, f.store, f.key)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil, nil //nolint:nilnil // a store without locks is none of the caller's errors
	}
	return lease, err
}

// release gives the lock back. That it was lost before is no harm, because saving
// compares versions, but somebody should know.
func (f *refresher) release(ctx context.Context, lease Lease) {
	if lease == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.attempt())
	defer cancel()
	if err := lease.Release(ctx); err != nil {
		f.wire.Logger.WarnContext(ctx, "the lock of a refresh token could not be released", "key", f.key, "error", scrubbed(err))
	}
}

// attempt is how long one call of the store may take while a token is at stake.
func (f *refresher) attempt() time.Duration { return f.wire.Timeout * 2 / 5 }

// load reads the record.
func (f *refresher) load(ctx context.Context, req TokenRequest) (Record, Version, error) {
	r, v, err := f.store.Load(ctx, f.key)
	if err != nil {
		return Record{}, "", f.storeError(req, "reading the refresh token", err)
	}
	return r, v, nil
}

// replaced looks whether the store holds another token than the one that was refused. Who
// holds the lock needs to look only once. Without it somebody else may have redeemed the
// token and be about to save the new one, so it is worth to wait a little.
func (f *refresher) replaced(ctx context.Context, req TokenRequest, old partnercenter.Secret, lease Lease) (Record, Version, bool, error) {
	patience := 3 * time.Second
	if lease != nil && (lease.Expires().IsZero() || time.Now().Before(lease.Expires())) {
		patience = 0
	}
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		r, v, err := f.load(ctx, req)
		if err != nil {
			return Record{}, "", false, err
		}
		moved := !r.RefreshToken.Equal(old)
		if moved || patience <= 0 || ctx.Err() != nil {
			return r, v, moved, nil //nolint:nilerr // the end of ctx ends the patience, nothing else
		}
		pause(ctx, min(wait, patience))
		patience -= wait
	}
}

// unsaved is the outcome of a redemption on its way into the store.
type unsaved struct {
	record Record
	expect Version
	spent  partnercenter.Secret // the token that was redeemed
	// What the redemption was for.
	key key
	tok Token
}

// keep saves the outcome of a redemption. Its error means that the access token must not be
// handed out.
func (f *refresher) keep(ctx context.Context, req TokenRequest, old Record, version Version, tok Token, fresh partnercenter.Secret) error {
	now := time.Now()
	next := old
	next.LastUsedAt = now
	next.ClientID = cmp.Or(old.ClientID, f.app.ClientID)
	if !strings.EqualFold(f.app.TenantID, "organizations") {
		next.TenantID = cmp.Or(old.TenantID, f.app.TenantID)
	}
	next.AuthorityHost = cmp.Or(old.AuthorityHost, f.wire.host)
	if !fresh.IsZero() {
		next.RefreshToken, next.ObtainedAt = fresh, now
	}
	u := &unsaved{record: next, expect: version, spent: old.RefreshToken, key: keyOf(req), tok: tok}
	err := f.save(ctx, u)
	switch {
	case err == nil:
		f.log(req).DebugContext(ctx, "refresh token redeemed", "replaced", !fresh.IsZero())
		return nil
	case fresh.IsZero():
		// The stored token goes on working; only the time of its last use is missing.
		f.log(req).WarnContext(ctx, "the time of use of a refresh token could not be saved", "error", f.storeError(req, "saving", err, u.secrets()...))
		return nil
	case errors.Is(err, ErrNoRecord):
		return f.storeError(req, "saving the new refresh token", err, u.secrets()...) // deleted: to be forgotten
	}
	f.unsaved = u
	e := f.storeError(req, "saving the new refresh token", err, u.secrets()...)
	f.log(req).ErrorContext(ctx, "a new refresh token could not be saved and exists in memory only", "error", e)
	return e
}

// settle saves what an earlier call could not save. When that was for the same request, its
// access token is the answer.
func (f *refresher) settle(ctx context.Context, req TokenRequest) (Token, bool, error) {
	u := f.unsaved
	if u == nil {
		return Token{}, false, nil
	}
	if err := f.saveOnce(ctx, u); err != nil {
		if errors.Is(err, ErrNoRecord) {
			f.unsaved = nil
		}
		return Token{}, false, f.storeError(req, "saving the new refresh token", err, u.secrets()...)
	}
	f.unsaved = nil
	f.log(req).InfoContext(ctx, "the refresh token that existed in memory only has been saved")
	ok := u.key == keyOf(req) && usableToken(u.tok) == nil && !u.tok.Value.Equal(req.Rejected)
	return u.tok, ok, nil
}

// finish is the last chance of what could not be saved.
func (f *refresher) finish() {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	if f.unsaved == nil {
		return
	}
	ctx := context.Background()
	if err := f.saveOnce(ctx, f.unsaved); err != nil {
		f.wire.Logger.ErrorContext(ctx, "a new refresh token is lost: it could not be saved before the source was closed",
			"key", f.key, "error", f.storeError(TokenRequest{}, "saving the new refresh token", err, f.unsaved.secrets()...))
	}
	f.unsaved = nil
}

// Pauses between attempts to save.
const (
	firstSavePause = 50 * time.Millisecond
	maxSavePause   = 2 * time.Second
)

// save saves whatever becomes of the callers, and tries for as long as a token may take.
// The lock may end meanwhile; the comparison of versions does not.
func (f *refresher) save(ctx context.Context, u *unsaved) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.wire.Timeout)
	defer cancel()
	for wait := firstSavePause; ; wait = min(2*wait, maxSavePause) {
		err := f.saveOnce(ctx, u)
		if err == nil || lasting(err) {
			return err
		}
		pause(ctx, wait)
		if ctx.Err() != nil {
			return err
		}
	}
}

// saveTries bounds how often a save follows a record that others keep changing.
const saveTries = 5

// saveOnce saves once. When somebody else has saved another token, theirs counts: either
// they have signed in again, or they hold the lock that we have lost. Ours then expires
// unused.
func (f *refresher) saveOnce(ctx context.Context, u *unsaved) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.attempt())
	defer cancel()
	var err error
	for range saveTries {
		_, err = f.store.Save(ctx, f.key, u.record, u.expect)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		stored, version, loadErr := f.store.Load(ctx, f.key)
		switch {
		case loadErr != nil:
			return loadErr
		case stored.RefreshToken.Equal(u.record.RefreshToken):
			return nil // an earlier attempt has succeeded without our knowing
		case !stored.RefreshToken.Equal(u.spent):
			f.wire.Logger.InfoContext(ctx, "somebody else has saved another refresh token, which is used from now on", "key", f.key)
			return nil
		}
		// The token is the one that we have redeemed; what stands beside it has changed.
		u.expect = version
		u.record.Extra, u.record.SignedInAt = stored.Extra, stored.SignedInAt
	}
	return err
}

// lasting reports whether trying again at once is pointless.
func lasting(err error) bool {
	for _, target := range []error{ErrNoRecord, ErrTooLarge, ErrUnreadable, ErrNewerSchema, ErrInsecureStore, ErrInvalidKey} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// storeError describes a failure of the store.
func (f *refresher) storeError(req TokenRequest, doing string, err error, secrets ...string) *Error {
	kind, advice := KindTransient, "Check the token store; the call can be repeated."
	switch {
	case errors.Is(err, ErrNoRecord):
		kind, advice = KindInteractionRequired, fmt.Sprintf("Let the user sign in and save the refresh token under key %q.", f.key)
	case errors.Is(err, ErrUnreadable):
		kind, advice = KindBadConfiguration, fmt.Sprintf("Restore the record or the key that it is sealed with, or sign in again and save the new refresh token under key %q.", f.key)
	case errors.Is(err, ErrNewerSchema):
		kind, advice = KindBadConfiguration, "Update this program."
	case lasting(err):
		kind, advice = KindBadConfiguration, "Correct the token store."
	}
	c := scrubbed(err, secrets...)
	return f.told(req, &Error{
		Kind:        kind,
		Description: fmt.Sprintf("%s, key %q: %v", doing, f.key, c),
		Advice:      advice,
		Err:         c,
	})
}

// secrets are what an error of the store could hold by mistake.
func (u *unsaved) secrets() []string {
	return []string{u.record.RefreshToken.Reveal(), u.spent.Reveal(), u.tok.Value.Reveal()}
}

// log is the logger of one redemption.
func (f *refresher) log(req TokenRequest) *slog.Logger {
	return f.wire.Logger.With("key", f.key, "client_id", f.app.ClientID, "resource", req.Resource, "tenant", cmp.Or(req.TenantID, f.app.TenantID))
}
