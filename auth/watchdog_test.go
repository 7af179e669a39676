package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

const day = 24 * time.Hour

// aged saves a record whose token was last used so long ago.
func aged(t testing.TB, store auth.TokenStore, key string, idle time.Duration) {
	t.Helper()
	now := time.Now()
	saveRecord(t, store, key, auth.Record{
		RefreshToken: pc.NewSecret("0.rt-canary-" + key), ClientID: clientID, TenantID: tenantID,
		ObtainedAt: now.Add(-idle), SignedInAt: now.Add(-idle - day),
	})
}

func saveRecord(t testing.TB, store auth.TokenStore, key string, r auth.Record) {
	t.Helper()
	_, version, err := store.Load(context.Background(), key)
	if err != nil && !errors.Is(err, auth.ErrNoRecord) {
		t.Fatal(err)
	}
	if _, err := store.Save(context.Background(), key, r, version); err != nil {
		t.Fatal(err)
	}
}

func watchdog(t testing.TB, store auth.TokenStore, opts *auth.WatchdogOptions) *auth.Watchdog {
	t.Helper()
	w, err := auth.NewWatchdog(store, opts)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// checkAll checks and wants no error.
func checkAll(t testing.TB, w *auth.Watchdog) []auth.Health {
	t.Helper()
	all, err := w.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// summary is the key and the state of each.
func summary(all []auth.Health) []string {
	var out []string
	for _, h := range all {
		out = append(out, h.Key+" "+h.Status.String())
	}
	return out
}

func TestHealthFollowsTheDates(t *testing.T) {
	// The fake clock of every bubble begins here.
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	record := func(obtained, used, signedIn time.Duration) auth.Record {
		r := auth.Record{RefreshToken: pc.NewSecret("0.rt-canary"), ClientID: clientID, TenantID: tenantID, AuthorityHost: "login.microsoftonline.com"}
		for at, ago := range map[*time.Time]time.Duration{&r.ObtainedAt: obtained, &r.LastUsedAt: used, &r.SignedInAt: signedIn} {
			if ago != 0 {
				*at = now.Add(-ago)
			}
		}
		return r
	}
	for _, c := range []struct {
		name   string
		record auth.Record
		opts   auth.WatchdogOptions
		status auth.HealthStatus
		idle   time.Duration
		left   time.Duration
	}{
		{"fresh", record(time.Hour, time.Hour, day), auth.WatchdogOptions{}, auth.HealthGood, time.Hour, 90*day - time.Hour},
		{"used since it was issued", record(80*day, 2*day, 80*day), auth.WatchdogOptions{}, auth.HealthGood, 2 * day, 88 * day},
		{"issued since its chain was used", record(2*day, 80*day, 80*day), auth.WatchdogOptions{}, auth.HealthGood, 2 * day, 88 * day},
		{"just below two thirds", record(60*day-1, 0, 0), auth.WatchdogOptions{}, auth.HealthGood, 60*day - 1, 30*day + 1},
		{"two thirds", record(60*day, 0, 0), auth.WatchdogOptions{}, auth.HealthWarning, 60 * day, 30 * day},
		{"nine tenths", record(81*day, 0, 0), auth.WatchdogOptions{}, auth.HealthCritical, 81 * day, 9 * day},
		{"all of it", record(90*day, 0, 0), auth.WatchdogOptions{}, auth.HealthLapsed, 90 * day, 0},
		{"long ago", record(400*day, 0, 0), auth.WatchdogOptions{}, auth.HealthLapsed, 400 * day, -310 * day},
		{"no dates", record(0, 0, 0), auth.WatchdogOptions{}, auth.HealthUndated, 0, 0},
		{"a clock that is ahead", record(-time.Hour, 0, 0), auth.WatchdogOptions{}, auth.HealthGood, 0, 90*day + time.Hour},
		{"a short life", record(20*time.Hour, 0, 0), auth.WatchdogOptions{Lifetime: day}, auth.HealthWarning, 20 * time.Hour, 4 * time.Hour},
		{"own thresholds", record(5*day, 0, 0), auth.WatchdogOptions{WarnAfter: day, AlarmAfter: 4 * day}, auth.HealthCritical, 5 * day, 85 * day},
		{"an old sign-in", record(day, 0, 200*day), auth.WatchdogOptions{MaxSignInAge: 180 * day}, auth.HealthWarning, day, 89 * day},
		{"an old sign-in makes nothing better", record(85*day, 0, 200*day), auth.WatchdogOptions{MaxSignInAge: 180 * day}, auth.HealthCritical, 85 * day, 5 * day},
		{"an old sign-in is nobody's business by default", record(day, 0, 2000*day), auth.WatchdogOptions{}, auth.HealthGood, day, 89 * day},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := auth.NewMemoryStore()
				saveRecord(t, store, "k", c.record)
				all := checkAll(t, watchdog(t, store, &c.opts))
				if len(all) != 1 {
					t.Fatalf("%d results", len(all))
				}
				h := all[0]
				if h.Status != c.status || h.Idle != c.idle || h.Left != c.left {
					t.Errorf("%v, idle %v, left %v; want %v, %v, %v", h.Status, h.Idle, h.Left, c.status, c.idle, c.left)
				}
				if h.Key != "k" || h.ClientID != clientID || h.TenantID != tenantID || !h.CheckedAt.Equal(now) ||
					!h.SignedInAt.Equal(c.record.SignedInAt) || !h.ObtainedAt.Equal(c.record.ObtainedAt) || !h.LastUsedAt.Equal(c.record.LastUsedAt) {
					t.Errorf("%+v does not repeat the record", h)
				}
				if !c.record.SignedInAt.IsZero() && h.SignInAge != now.Sub(c.record.SignedInAt) {
					t.Errorf("the sign-in is %v old", h.SignInAge)
				}
				for how, text := range printings(t, h) {
					if strings.Contains(text, "canary") {
						t.Errorf("%s prints the token: %s", how, text)
					}
				}
			})
		})
	}
}

func TestHealthReadsWell(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		health auth.Health
		want   string
	}{
		{auth.Health{Key: "a", Status: auth.HealthWarning, LapsesAt: now, Idle: 62 * day, Left: 28 * day, SignInAge: 300 * day},
			`refresh token "a" is warning: unused for 62 days, lapses in 28 days; the user signed in 300 days ago`},
		{auth.Health{Key: "a", Status: auth.HealthLapsed, LapsesAt: now, Idle: 93 * day, Left: -3 * day},
			`refresh token "a" is lapsed: unused for 93 days, lapsed 3 days ago`},
		{auth.Health{Key: "a", Status: auth.HealthCritical, LapsesAt: now, Idle: 23 * time.Hour, Left: time.Hour},
			`refresh token "a" is critical: unused for 23 hours, lapses in 1h0m0s`},
		{auth.Health{Key: "a", Status: auth.HealthUnreadable, Err: errors.New("torn")}, `refresh token "a" is unreadable (torn)`},
		{auth.Health{Key: "a"}, `refresh token "a" is undated`},
	} {
		if got := c.health.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got := auth.HealthStatus(99).String(); got != "HealthStatus(99)" {
		t.Errorf("an unknown state is %q", got)
	}
	var names []string
	for s := auth.HealthUndated; s <= auth.HealthUnreadable; s++ {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.Trim(string(text), `"`))
	}
	want := []string{"undated", "good", "warning", "critical", "lapsed", "dead", "missing", "unreadable"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestWatchdogListsManyTenants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hooked{TokenStore: auth.NewMemoryStore()}
		for i := range 100 {
			aged(t, store, fmt.Sprintf("tenant-%02d", i), day)
		}
		aged(t, store, "tenant-50", 70*day)
		aged(t, store, "tenant-60", 65*day)
		aged(t, store, "tenant-70", 85*day)
		aged(t, store, "tenant-80", 95*day)
		saveRecord(t, store, "tenant-90", auth.Record{RefreshToken: pc.NewSecret("x")})
		store.load = func(next auth.TokenStore, ctx context.Context, key string) (auth.Record, auth.Version, error) {
			switch key {
			case "tenant-20":
				return auth.Record{}, "v", fmt.Errorf("torn: %w", auth.ErrUnreadable)
			case "tenant-30":
				return auth.Record{}, "", fmt.Errorf("deleted: %w", auth.ErrNoRecord)
			}
			return next.Load(ctx, key)
		}
		all := checkAll(t, watchdog(t, store, nil))
		if len(all) != 99 {
			t.Errorf("%d keys, want all but the one that was deleted meanwhile", len(all))
		}
		want := []string{"tenant-20 unreadable", "tenant-80 lapsed", "tenant-70 critical", "tenant-50 warning", "tenant-60 warning", "tenant-90 undated", "tenant-00 good"}
		if diff := cmp.Diff(want, summary(all[:7])); diff != "" {
			t.Errorf("the most urgent (-want +got):\n%s", diff)
		}
		if !errors.Is(all[0].Err, auth.ErrUnreadable) {
			t.Errorf("the error of the unreadable one is %v", all[0].Err)
		}
	})
}

func TestWatchdogWatchesNamedKeys(t *testing.T) {
	store := lockless{auth.NewMemoryStore()} // cannot list
	aged(t, store, "a", day)
	aged(t, store, "b", 70*day)
	if _, err := watchdog(t, store, nil).Check(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error is %v, want that the store cannot list", err)
	}
	all := checkAll(t, watchdog(t, store, &auth.WatchdogOptions{Keys: []string{"a", "b", "c", "a"}}))
	if diff := cmp.Diff([]string{"c missing", "b warning", "a good"}, summary(all)); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
	if !errors.Is(all[0].Err, auth.ErrNoRecord) {
		t.Errorf("the error of the missing one is %v", all[0].Err)
	}
}

func TestWatchdogTellsWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		aged(t, store, "a", 59*day)
		aged(t, store, "b", 59*day)
		aged(t, store, "c", 85*day)
		var told []string
		opts, logged := logging(&auth.Options{})
		w := watchdog(t, store, &auth.WatchdogOptions{
			Logger: opts.Logger,
			Notify: func(_ context.Context, h auth.Health) { told = append(told, h.Key+" "+h.Status.String()) },
		})
		expect := func(when string, want ...string) {
			t.Helper()
			told = nil
			checkAll(t, w)
			if !slices.Equal(told, want) {
				t.Errorf("%s: told %q, want %q", when, told, want)
			}
		}
		expect("at first, what is not good", "c critical")
		expect("at once again, nothing")
		time.Sleep(23 * time.Hour)
		expect("before a day has passed, nothing")
		time.Sleep(time.Hour)
		expect("a day later, what has changed and what is still not good", "c critical", "a warning", "b warning")
		aged(t, store, "a", 0)
		expect("what is good again", "a good")
		time.Sleep(day)
		expect("what is good is not repeated", "c critical", "b warning")
		_, v, err := store.Load(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		if err := auth.DeleteKey(t.Context(), store, "b", v); err != nil {
			t.Fatal(err)
		}
		expect("what is gone is not reported")
		aged(t, store, "b", 70*day)
		expect("and is new when it comes back", "b warning")
		for _, want := range []string{"level=WARN", "level=ERROR", "level=INFO", "health.key=b", "health.left=", "health.signed_in_at="} {
			if !strings.Contains(logged(), want) {
				t.Errorf("the log lacks %q:\n%s", want, logged())
			}
		}
		if strings.Contains(logged(), "canary") {
			t.Error("the log shows a token")
		}
	})
}

func TestWatchdogNeedNotRepeatItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		aged(t, store, "a", 60*day)
		n := 0
		w := watchdog(t, store, &auth.WatchdogOptions{RepeatAfter: -1, Notify: func(context.Context, auth.Health) { n++ }})
		for range 5 {
			checkAll(t, w)
			time.Sleep(2 * day)
		}
		if n != 1 {
			t.Errorf("told %d times, want once", n)
		}
	})
}

func TestWatchdogKeepsTokensAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, store, app := entra.New(strict()), auth.NewMemoryStore(), confidentialApp()
		plantToken(t, srv, store, app)
		src := refreshing(t, app, store, local(srv))
		var told []string
		w := watchdog(t, store, &auth.WatchdogOptions{
			Renew: func(ctx context.Context, _ auth.Health) error {
				_, err := src.Token(ctx, auth.TokenRequest{Resource: resource})
				return err
			},
			Notify: func(_ context.Context, h auth.Health) { told = append(told, h.Status.String()) },
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		time.Sleep(365 * day)
		synctest.Wait()
		if n := redemptions(srv); n != 12 {
			t.Errorf("%d redemptions in a year, want one in 30 days", n)
		}
		if len(told) != 0 {
			t.Errorf("told %q, want nothing: all is good", told)
		}
		if age := time.Since(recordIn(t, store).SignedInAt); age != 365*day {
			t.Errorf("the sign-in is %v old, want a year", age)
		}
		srv.RevokeSessions(upn)
		time.Sleep(40 * day)
		synctest.Wait()
		if len(told) == 0 || told[0] != "dead" {
			t.Errorf("told %q, want that the token is dead", told)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestWatchdogJudgesFailedRenewals(t *testing.T) {
	for _, c := range []struct {
		err  error
		want auth.HealthStatus
	}{
		{&auth.Error{Kind: auth.KindRefreshTokenDead}, auth.HealthDead},
		{&auth.Error{Kind: auth.KindInteractionRequired}, auth.HealthCritical},
		{&auth.Error{Kind: auth.KindBadUserCredential}, auth.HealthCritical},
		{&auth.Error{Kind: auth.KindTransient}, auth.HealthWarning},
	} {
		store := auth.NewMemoryStore()
		aged(t, store, "a", 31*day)
		aged(t, store, "b", 29*day)
		all := checkAll(t, watchdog(t, store, &auth.WatchdogOptions{Renew: func(_ context.Context, h auth.Health) error {
			if h.Key != "a" {
				t.Errorf("Renew was called for %v", h)
			}
			return c.err
		}}))
		if all[0].Key != "a" || all[0].Status != c.want || !errors.Is(all[0].Err, errors.Unwrap(fmt.Errorf("%w", c.err))) {
			t.Errorf("after %v: %v, want %v", c.err, all[0], c.want)
		}
	}
	t.Run("and successful ones", func(t *testing.T) {
		store := auth.NewMemoryStore()
		saveRecord(t, store, "undated", auth.Record{RefreshToken: pc.NewSecret("x")})
		aged(t, store, "deleted", 50*day)
		all := checkAll(t, watchdog(t, store, &auth.WatchdogOptions{Renew: func(ctx context.Context, h auth.Health) error {
			_, v, err := store.Load(ctx, h.Key)
			if err != nil {
				return err
			}
			if h.Key == "deleted" {
				return auth.DeleteKey(ctx, store, h.Key, v)
			}
			_, err = store.Save(ctx, h.Key, auth.Record{RefreshToken: pc.NewSecret("y"), ObtainedAt: time.Now()}, v)
			return err
		}}))
		if diff := cmp.Diff([]string{"deleted good", "undated good"}, summary(all)); diff != "" {
			t.Errorf("health (-want +got):\n%s", diff)
		}
	})
}

// partial is a store that lists some keys and then fails.
type partial struct {
	auth.TokenStore
	hidden string // is not listed
}

func (p *partial) Keys(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for key, err := range auth.Keys(ctx, p.TokenStore) {
			if key != p.hidden && !yield(key, err) {
				return
			}
		}
		yield("", errors.New("one file is damaged"))
	}
}

func TestWatchdogGoesOnWhenKeysCannotAllBeListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		aged(t, store, "a", 70*day)
		told := 0
		listing := &partial{TokenStore: store}
		opts, logged := logging(&auth.Options{})
		w := watchdog(t, listing, &auth.WatchdogOptions{Logger: opts.Logger, Interval: time.Hour, Notify: func(context.Context, auth.Health) { told++ }})
		all, err := w.Check(t.Context())
		if err == nil || len(all) != 1 || told != 1 {
			t.Errorf("%d results, %d reports, error %v; want what is known and an error", len(all), told, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		if err := w.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run returned %v", err)
		}
		if n := strings.Count(logged(), "one file is damaged"); n != 2 {
			t.Errorf("the error was logged %d times in two checks", n)
		}
		if told != 1 {
			t.Errorf("%d reports, want 1", told)
		}
		// A key that the broken list lacks is not gone, and so not new afterwards.
		for _, listing.hidden = range []string{"a", ""} {
			if _, err := w.Check(t.Context()); err == nil {
				t.Error("no error")
			}
		}
		if told != 1 {
			t.Errorf("%d reports of one unchanged status, want 1", told)
		}
	})
}

func TestWatchdogStopsWithItsContext(t *testing.T) {
	store := &hooked{TokenStore: auth.NewMemoryStore()}
	for i := range 50 {
		aged(t, store, fmt.Sprint(i), 70*day)
	}
	ctx, cancel := context.WithCancel(t.Context())
	store.load = func(_ auth.TokenStore, ctx context.Context, _ string) (auth.Record, auth.Version, error) {
		cancel()
		return auth.Record{}, "", ctx.Err()
	}
	w := watchdog(t, store, &auth.WatchdogOptions{
		Renew:  func(context.Context, auth.Health) error { t.Error("Renew was called"); return nil },
		Notify: func(context.Context, auth.Health) { t.Error("Notify was called") },
	})
	all, err := w.Check(ctx)
	if !errors.Is(err, context.Canceled) || len(all) != 0 {
		t.Errorf("%d results and error %v", len(all), err)
	}
}

func TestNewWatchdogFindsMistakes(t *testing.T) {
	store := auth.NewMemoryStore()
	for _, c := range []struct {
		store auth.TokenStore
		opts  auth.WatchdogOptions
		want  string
	}{
		{nil, auth.WatchdogOptions{}, "no store"},
		{store, auth.WatchdogOptions{Keys: []string{""}}, "invalid store key"},
		{store, auth.WatchdogOptions{Interval: -1}, "Interval is negative"},
		{store, auth.WatchdogOptions{Lifetime: -1}, "Lifetime is negative"},
		{store, auth.WatchdogOptions{WarnAfter: 82 * day}, "must not be longer"},
		{store, auth.WatchdogOptions{AlarmAfter: 91 * day}, "must not be longer"},
	} {
		if w, err := auth.NewWatchdog(c.store, &c.opts); w != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want one that says %q", err, c.want)
		}
	}
}
