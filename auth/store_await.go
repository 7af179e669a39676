package auth

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pauses of AwaitLock.
const (
	firstLockPause = 2 * time.Millisecond
	maxLockPause   = 200 * time.Millisecond
)

// AwaitLock calls try until it succeeds or fails, or until ctx ends, with random pauses
// that grow from 2 to 200 ms. It is for authors of stores whose back-end can only be
// asked whether a lock is free. Tries never overlap.
func AwaitLock(ctx context.Context, try func(context.Context) (bool, error)) error {
	pause := firstLockPause
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		ok, err := try(ctx)
		if ok || err != nil {
			return err
		}
		// Half fixed, half random: processes that wait for one lock drift apart.
		wait := pause/2 + rand.N(pause) //nolint:gosec // a jitter needs no secrecy
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		pause = min(2*pause, maxLockPause)
	}
}
