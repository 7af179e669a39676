package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// RefreshTokenLifetime is how long a refresh token of Entra ID may lie unused. Using it
// starts the time again: https://learn.microsoft.com/entra/identity-platform/refresh-tokens.
const RefreshTokenLifetime = 90 * 24 * time.Hour

// WatchdogOptions tunes a [Watchdog]. The zero value, and a nil pointer, mean the defaults.
type WatchdogOptions struct {
	// Keys are the keys to watch. Default: all that the store has, which must then
	// be able to list them ([Lister]).
	Keys []string
	// Lifetime is how long a token may lie unused. Default [RefreshTokenLifetime];
	// tokens of single-page redirect URIs live 24 hours.
	Lifetime time.Duration
	// WarnAfter is the idle time from which on a token is [HealthWarning]. Default
	// two thirds of Lifetime: 60 days, so that a month is left.
	WarnAfter time.Duration
	// AlarmAfter is the idle time from which on it is [HealthCritical]. Default nine
	// tenths of Lifetime: 81 days.
	AlarmAfter time.Duration
	// MaxSignInAge is the age of the user's sign-in from which on it is
	// [HealthWarning]. Default: none, since tokens renew themselves without end
	// unless the tenant has a policy on sign-in frequency.
	MaxSignInAge time.Duration
	// Renew is called for tokens that have been idle for RenewAfter or are undated,
	// to keep them alive: it asks the [Source] of the key for a token. Calls come
	// one after another, during Check. Default: tokens are only watched.
	Renew func(ctx context.Context, h Health) error
	// RenewAfter is the idle time from which on Renew is called. Default a third of
	// Lifetime: 30 days.
	RenewAfter time.Duration
	// Notify is called during Check when the status of a key has changed, also when
	// it is good again, and for each that is not good when it is seen first and
	// then every RepeatAfter. Calls come one after another, the most urgent first.
	Notify func(ctx context.Context, h Health)
	// RepeatAfter is the time after which an unchanged status that is not good is
	// reported again. Default 24 h, negative: never.
	RepeatAfter time.Duration
	// Interval is the time between the checks of Run. Default 6 h.
	Interval time.Duration
	// Logger receives what Notify is told, at level Warn (warning, undated), Error
	// (worse) or Info (good again), and what Check returns as an error. Default:
	// silent.
	Logger *slog.Logger
}

// Watchdog tells in time that a refresh token is about to lapse: a token that nobody has
// used for 90 days is worthless, and so is one whose sign-in was revoked. It looks at the
// records of a store, so it may run in a program of its own, and it sends nothing unless
// [WatchdogOptions.Renew] does.
//
// It is safe for concurrent use and owns no goroutine: call Check now and then, or Run.
type Watchdog struct {
	store  TokenStore
	opts   WatchdogOptions
	limits healthLimits

	mu   sync.Mutex
	told map[string]notice
}

// notice is what was last reported of a key.
type notice struct {
	status HealthStatus
	at     time.Time
}

// NewWatchdog makes a watchdog over a store. It does not touch the store yet.
func NewWatchdog(store TokenStore, opts *WatchdogOptions) (*Watchdog, error) {
	if store == nil {
		return nil, errors.New("auth: NewWatchdog was given no store")
	}
	var o WatchdogOptions
	if opts != nil {
		o = *opts
	}
	o.Keys = slices.Clone(o.Keys)
	for _, key := range o.Keys {
		if err := ValidateKey(key); err != nil {
			return nil, err
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Lifetime", o.Lifetime}, {"WarnAfter", o.WarnAfter}, {"AlarmAfter", o.AlarmAfter},
		{"MaxSignInAge", o.MaxSignInAge}, {"RenewAfter", o.RenewAfter}, {"Interval", o.Interval},
	} {
		if d.value < 0 {
			return nil, fmt.Errorf("auth: WatchdogOptions.%s is negative", d.name)
		}
	}
	o.Lifetime = cmp.Or(o.Lifetime, RefreshTokenLifetime)
	o.WarnAfter = cmp.Or(o.WarnAfter, o.Lifetime/3*2)
	o.AlarmAfter = cmp.Or(o.AlarmAfter, o.Lifetime/10*9)
	o.RenewAfter = cmp.Or(o.RenewAfter, o.Lifetime/3)
	o.RepeatAfter = cmp.Or(o.RepeatAfter, 24*time.Hour)
	o.Interval = cmp.Or(o.Interval, 6*time.Hour)
	if o.WarnAfter > o.AlarmAfter || o.AlarmAfter > o.Lifetime {
		return nil, fmt.Errorf("auth: WatchdogOptions: WarnAfter (%v) must not be longer than AlarmAfter (%v), nor that longer than Lifetime (%v)", o.WarnAfter, o.AlarmAfter, o.Lifetime)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Watchdog{
		store: store, opts: o, told: map[string]notice{},
		limits: healthLimits{lifetime: o.Lifetime, warn: o.WarnAfter, alarm: o.AlarmAfter, signIn: o.MaxSignInAge},
	}, nil
}

// Check looks at every key once, renews what is to be renewed, reports what is to be
// reported, and returns the health of all keys, the most urgent first.
//
// A record that cannot be read is no error but a [HealthUnreadable]. The error says that
// keys could not be listed, or that ctx ended; what is known by then is returned with it.
func (w *Watchdog) Check(ctx context.Context) ([]Health, error) {
	keys, err := w.keys(ctx)
	all := w.examine(ctx, keys)
	for i := range all {
		if ctx.Err() == nil && w.renewable(all[i]) {
			all[i] = w.renew(ctx, all[i])
		}
	}
	slices.SortFunc(all, func(a, b Health) int {
		return cmp.Or(cmp.Compare(b.Status.severity(), a.Status.severity()), cmp.Compare(a.Left, b.Left), strings.Compare(a.Key, b.Key))
	})
	if ctx.Err() != nil {
		return all, ctx.Err()
	}
	for _, h := range w.news(all, err == nil) {
		w.opts.Logger.Log(ctx, h.Status.level(), h.String(), "health", h)
		if w.opts.Notify != nil {
			w.opts.Notify(ctx, h)
		}
	}
	return all, err
}

// Run checks at once and then every Interval until ctx ends, and returns ctx's error. What
// Check cannot do is logged and tried again the next time.
func (w *Watchdog) Run(ctx context.Context) error {
	tick := time.NewTicker(w.opts.Interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		if _, err := w.Check(ctx); err != nil && ctx.Err() == nil {
			w.opts.Logger.ErrorContext(ctx, "the refresh tokens could not all be checked", "error", scrubbed(err))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return ctx.Err()
}

// keys returns what is to be watched, each key once. With an error, it is not all.
func (w *Watchdog) keys(ctx context.Context) ([]string, error) {
	if len(w.opts.Keys) > 0 {
		return slices.Compact(slices.Sorted(slices.Values(w.opts.Keys))), nil
	}
	var keys []string
	for key, err := range Keys(ctx, w.store) {
		if err != nil {
			return keys, fmt.Errorf("auth: listing the keys of the store: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// readers is how many records are read at once.
const readers = 8

// examine reads and judges the records of keys.
func (w *Watchdog) examine(ctx context.Context, keys []string) []Health {
	found := make([]*Health, len(keys))
	var wg sync.WaitGroup
	for first := range min(readers, len(keys)) {
		wg.Go(func() {
			for i := first; i < len(keys) && ctx.Err() == nil; i += readers {
				found[i] = w.look(ctx, keys[i])
			}
		})
	}
	wg.Wait()
	all := make([]Health, 0, len(keys))
	for _, h := range found {
		if h != nil {
			all = append(all, *h)
		}
	}
	return all
}

// look reads and judges one record; nil if there is nothing to judge.
func (w *Watchdog) look(ctx context.Context, key string) *Health {
	r, _, err := w.store.Load(ctx, key)
	now := time.Now()
	switch {
	case err == nil:
		return new(w.limits.examine(key, r, now))
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, ErrNoRecord) && len(w.opts.Keys) == 0:
		return nil // deleted since it was listed
	case errors.Is(err, ErrNoRecord):
		return &Health{Key: key, Status: HealthMissing, CheckedAt: now, Err: scrubbed(err)}
	default:
		return &Health{Key: key, Status: HealthUnreadable, CheckedAt: now, Err: scrubbed(err)}
	}
}

// renewable reports whether a token is to be redeemed. One that has lapsed by our
// reckoning is tried too: the reckoning may be wrong.
func (w *Watchdog) renewable(h Health) bool {
	return w.opts.Renew != nil && h.Status != HealthMissing && h.Status != HealthUnreadable &&
		(h.LapsesAt.IsZero() || h.Idle >= w.opts.RenewAfter)
}

// renew lets the user's function redeem a token and looks again.
func (w *Watchdog) renew(ctx context.Context, h Health) Health {
	if err := w.opts.Renew(ctx, h); err != nil {
		h.Err = scrubbed(err)
		switch {
		case errors.Is(err, ErrRefreshTokenDead):
			h.Status = worse(h.Status, HealthDead)
		case errors.Is(err, ErrInteractionRequired), errors.Is(err, ErrBadUserCredential):
			h.Status = worse(h.Status, HealthCritical)
		default:
			h.Status = worse(h.Status, HealthWarning) // it should have been used, and was not
		}
		return h
	}
	if again := w.look(ctx, h.Key); again != nil {
		return *again
	}
	return h
}

// news returns what is to be reported of all and remembers that it was. Complete says
// that keys which are missing in all are gone.
func (w *Watchdog) news(all []Health, complete bool) []Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.told
	if complete {
		w.told = make(map[string]notice, len(all))
	}
	var out []Health
	for _, h := range all {
		last, known := before[h.Key]
		due := known && w.opts.RepeatAfter > 0 && h.CheckedAt.Sub(last.at) >= w.opts.RepeatAfter
		if h.Status == HealthGood {
			due = known && last.status != HealthGood
		} else if !known || last.status != h.Status {
			due = true
		}
		if due || !known {
			last = notice{status: h.Status, at: h.CheckedAt}
		}
		w.told[h.Key] = last
		if due {
			out = append(out, h)
		}
	}
	return out
}
