package auth

import (
	"errors"
	"fmt"
	"time"
)

// NewRefreshToken makes a source of user tokens from the refresh token that a store holds
// under a key. Somebody has signed in before and saved it there, as the first [Record] of
// the key; from then on no user is needed.
//
// Redeeming a refresh token brings a new one, and the old one may be worthless then (see
// [TokenStore]). So redemptions of a key happen one after another, between processes under
// the store's lock ([LockKey]), and the new refresh token is in the store before the
// access token is handed out. A redemption that has begun is finished and saved whatever
// becomes of the callers, also during [Source.Close]. When the store does not take the
// new token, it is kept in memory, the access token is withheld, and saving is tried again
// for [Options.Timeout] and then with every call.
//
// When somebody else has replaced the stored token meanwhile, the source goes on with what
// is stored; a running program notices a new sign-in by itself when it next redeems the
// token. Access tokens of the old sign-in are handed out until then, for up to an hour: a
// program that waits for a sign-in with another factor makes a new source after it.
//
// A refused token is not sent again, for a quarter of an hour, unless the stored one has
// changed: calls fail at once with an [*Error] of [KindRefreshTokenDead], or of
// [KindInteractionRequired] when the user must do something, after which one minute is
// enough. Its advice says how to go on.
//
// What no program can prevent: it is killed, or loses its network, between the moment in
// which the service invalidates the old token and the one in which the new token is
// saved. Entra ID documents that the old one goes on working
// (https://learn.microsoft.com/entra/identity-platform/refresh-tokens), and then nothing
// is lost; a service that holds to single use needs a new sign-in. Use a [Watchdog] to
// hear of tokens that are about to lapse.
//
// App.TenantID may be "organizations", which here means the tenant of the record. One
// source serves all resources and tenants that the user may use; Options.Timeout
// includes the time in which a redemption waits for others of the same key. The app
// without a credential is a public client. A store that several processes use should be
// able to lock; without it two may redeem the same token. Lock leases should be longer
// than Options.Timeout.
//
// The constructor sends nothing and does not touch the store.
func NewRefreshToken(app App, store TokenStore, key string, opts *Options) (*Source, error) {
	s, err := opts.resolve()
	if err != nil {
		return nil, err
	}
	if err := app.validate(true); err != nil {
		return nil, err
	}
	if app.Credential != nil {
		if err := app.Credential.check(); err != nil {
			return nil, err
		}
	}
	if store == nil {
		return nil, errors.New("auth: NewRefreshToken was given no store; use, for example, a FileStore")
	}
	if err := ValidateKey(key); err != nil {
		return nil, err
	}
	f := &refresher{client: newClient(app, s, false), store: store, key: key, turn: make(chan struct{}, 1)}
	src := newSource(f, s, fmt.Sprintf("refresh token %q of application %s", key, app.ClientID), app.TenantID)
	src.finish = f.finish
	return src, nil
}

// How long a refused token is not sent again while the store holds no other. The platform
// punishes loops (AADSTS50196), but it has also been wrong before, so it is not for ever.
const (
	deadPause        = 15 * time.Minute
	interactionPause = time.Minute
)

// refresher redeems the refresh token of one key.
type refresher struct {
	*client
	store TokenStore
	key   string
	// turn holds an element while somebody works with the key; unlike a mutex, it can
	// be waited for with a context. It guards what follows.
	turn chan struct{}
	// unsaved is the outcome of a redemption that the store has not taken.
	unsaved *unsaved
	// refusals are what became of the stored token, as long as it is that one.
	refusals refusals
}
