package auth

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// never is a time that does not come, as time since the start of a source.
const never = time.Duration(math.MaxInt64)

// held is a token and its times, measured since the start of the source. All but soft is
// immutable.
type held struct {
	token   Token
	expires time.Duration // the token is worthless
	hard    time.Duration // a call waits for a new one
	soft    atomic.Int64  // a call starts a renewal in the background
	// again is until when the token is handed out although an API has rejected it:
	// the source, told of it, has returned the same one.
	again time.Duration
}

// is reports whether h is the token that an API has rejected.
func (h *held) is(rejected partnercenter.Secret) bool {
	return !rejected.IsZero() && h.token.Value.Equal(rejected)
}

// hold computes the times of a token that has just arrived.
func hold(tok Token, now, margin time.Duration) *held {
	h := &held{token: tok, expires: never, hard: never}
	soft, least := never, firstPause
	if !tok.ExpiresOn.IsZero() {
		life := min(time.Until(tok.ExpiresOn), never/8) // the sums below must not overflow
		h.expires = now + life
		h.hard = h.expires - min(margin, life/5)
		soft, least = now+life*3/4, min(least, life/4)
	}
	if !tok.RefreshOn.IsZero() {
		// Advice to renew at once, taken literally, would never end.
		soft = now + max(min(time.Until(tok.RefreshOn), never/8), least)
	}
	h.soft.Store(int64(soft))
	return h
}

// entry is the place of one token.
type entry struct {
	key     key
	current atomic.Pointer[held]

	mu     sync.Mutex
	flight *flight // the request under way
	// rejected is the token that an API has rejected. It is not handed out unless
	// the source, told of the rejection, returns it again.
	rejected partnercenter.Secret
	failures int           // in a row
	retryAt  time.Duration // no renewal before that, while there is a token that serves
}

// flight is a request under way, which any number of callers wait for.
type flight struct {
	done chan struct{}   // closed when held and err are set
	late context.Context // ends when nobody shall wait any longer
	told partnercenter.Secret
	held *held
	err  error
}

// Pauses between failing renewals: 30 s, doubled, up to 5 min.
const (
	firstPause = 30 * time.Second
	maxPause   = 5 * time.Minute
)

func pauseAfter(failures int) time.Duration {
	return min(firstPause<<min(max(failures-1, 0), 10), maxPause)
}

// stale reports that a token of the entry is long gone, so that nobody misses it.
func (e *entry) stale(now time.Duration) bool {
	h := e.current.Load()
	return h != nil && now >= h.expires
}
