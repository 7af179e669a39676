package auth_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/google/go-cmp/cmp"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// scripted is a source whose every call is answered by a function and counted.
type scripted struct {
	mu    sync.Mutex
	calls []auth.TokenRequest
	next  func(ctx context.Context, n int, req auth.TokenRequest) (auth.Token, error)
}

func (s *scripted) Token(ctx context.Context, req auth.TokenRequest) (auth.Token, error) {
	s.mu.Lock()
	s.calls = append(s.calls, req)
	n := len(s.calls)
	s.mu.Unlock()
	return s.next(ctx, n, req)
}

func (s *scripted) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

func token(n int, life time.Duration) auth.Token {
	t := auth.Token{Value: pc.NewSecret(fmt.Sprintf("token-%d", n))}
	if life != 0 {
		t.ExpiresOn = time.Now().Add(life)
	}
	return t
}

// numbered answers with token-1, token-2 ..., each good for an hour.
func numbered() *scripted {
	return &scripted{next: func(_ context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
		return token(n, time.Hour), nil
	}}
}

func value(t auth.Token) string { return t.Value.Reveal() }

// want asks for a token and compares.
func want(t *testing.T, s auth.TokenSource, req auth.TokenRequest, expected string) {
	t.Helper()
	if got := value(get(t, s, req)); got != expected {
		t.Fatalf("got %s, want %s", got, expected)
	}
}

func TestColdStampedeIsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := numbered()
		inner := src.next
		src.next = func(ctx context.Context, n int, req auth.TokenRequest) (auth.Token, error) {
			time.Sleep(50 * time.Millisecond)
			return inner(ctx, n, req)
		}
		s := closing(t, auth.Cached(src, nil))
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if tok, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource}); err != nil || value(tok) != "token-1" {
					t.Errorf("got %q, %v", value(tok), err)
				}
			})
		}
		wg.Wait()
		if n := src.count(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestKeysAreTenantResourceAndClaims(t *testing.T) {
	src := numbered()
	s := closing(t, auth.Cached(src, nil))
	reqs := []auth.TokenRequest{
		{Resource: "a"}, {Resource: "b"}, {Resource: "a", TenantID: "t"}, {Resource: "a", Claims: `{}`}, {Resource: "a", TenantID: "t", Claims: `{}`},
	}
	for range 2 {
		for i, req := range reqs {
			want(t, s, req, fmt.Sprintf("token-%d", i+1))
		}
	}
	if diff := cmp.Diff(reqs, src.calls); diff != "" {
		t.Errorf("requests seen by the source (-want +got):\n%s", diff)
	}
}

type ctxKey struct{}

func TestLeavingCallerHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inherited any
		src := &scripted{next: func(ctx context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
			inherited = ctx.Value(ctxKey{})
			select {
			case <-time.After(10 * time.Second):
				return token(n, time.Hour), nil
			case <-ctx.Done():
				return auth.Token{}, ctx.Err()
			}
		}}
		s := closing(t, auth.Cached(src, nil))
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), ctxKey{}, "trace"))
		left := make(chan error, 1)
		start := time.Now()
		go func() {
			_, err := s.Token(ctx, auth.TokenRequest{Resource: resource})
			left <- err
		}()
		synctest.Wait()
		stayed := make(chan auth.Token, 1)
		go func() {
			tok, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource})
			if err != nil {
				t.Errorf("the caller who stayed: %v", err)
			}
			stayed <- tok
		}()
		time.Sleep(time.Second)
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller who left got %v", err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("the caller who left waited %v, want 1s", d)
		}
		if got := value(<-stayed); got != "token-1" || src.count() != 1 {
			t.Errorf("the caller who stayed got %q after %d requests", got, src.count())
		}
		if inherited != nil {
			t.Error("the shared request saw a value of one caller's context")
		}
	})
}

func TestCancelledBeforeTheStartAsksNobody(t *testing.T) {
	src := numbered()
	s := closing(t, auth.Cached(src, nil))
	boom := errors.New("boom")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(boom)
	_, err := s.Token(ctx, auth.TokenRequest{Resource: resource})
	_ = s.Close() // after it, no request can still be about to start
	if !errors.Is(err, context.Canceled) || !errors.Is(err, boom) || src.count() != 0 {
		t.Errorf("got %v after %d requests, want the context's error and its cause, no request", err, src.count())
	}
}

func TestMarginAndSoftRefresh(t *testing.T) {
	for _, c := range []struct {
		name       string
		life       time.Duration // 0: unknown
		refreshOn  time.Duration
		margin     time.Duration
		soft, hard time.Duration // of the first token; 0: never
	}{
		{name: "an hour", life: time.Hour, soft: 45 * time.Minute, hard: 55 * time.Minute},
		{name: "advice of the issuer", life: time.Hour, refreshOn: 20 * time.Minute, soft: 20 * time.Minute, hard: 55 * time.Minute},
		{name: "advice after the hard limit", life: time.Hour, refreshOn: 58 * time.Minute, soft: 55 * time.Minute, hard: 55 * time.Minute},
		{name: "advice in the past", life: time.Hour, refreshOn: -time.Minute, soft: 30 * time.Second, hard: 55 * time.Minute},
		{name: "300 s", life: 300 * time.Second, soft: 225 * time.Second, hard: 240 * time.Second},
		{name: "a minute", life: time.Minute, soft: 45 * time.Second, hard: 48 * time.Second},
		{name: "a day", life: 24 * time.Hour, soft: 18 * time.Hour, hard: 24*time.Hour - 5*time.Minute},
		{name: "own margin", life: time.Hour, margin: time.Minute, soft: 45 * time.Minute, hard: 59 * time.Minute},
		{name: "no margin", life: time.Hour, margin: -1, soft: 45 * time.Minute, hard: time.Hour},
		{name: "unknown end"},
		{name: "unknown end, advice", refreshOn: time.Hour, soft: time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer := make(chan struct{})
				src := &scripted{next: func(ctx context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
					if n > 1 { // renewals take as long as the test wants
						select {
						case <-answer:
						case <-ctx.Done():
							return auth.Token{}, ctx.Err()
						}
					}
					tok := token(n, c.life)
					if c.refreshOn != 0 {
						tok.RefreshOn = time.Now().Add(c.refreshOn)
					}
					return tok, nil
				}}
				s := closing(t, auth.Cached(src, &auth.Options{Margin: c.margin}))
				want(t, s, auth.TokenRequest{}, "token-1")
				if c.soft == 0 {
					time.Sleep(1000 * 24 * time.Hour)
					want(t, s, auth.TokenRequest{}, "token-1")
					if n := src.count(); n != 1 {
						t.Errorf("a token of unknown end was renewed: %d requests", n)
					}
					return
				}
				start := time.Now()
				time.Sleep(c.soft - time.Nanosecond)
				want(t, s, auth.TokenRequest{}, "token-1")
				synctest.Wait()
				if n := src.count(); n != 1 {
					t.Fatalf("renewed before %v: %d requests", c.soft, n)
				}
				time.Sleep(time.Nanosecond)
				if c.soft < c.hard || c.hard == 0 {
					want(t, s, auth.TokenRequest{}, "token-1") // not blocked by the renewal
					if d := time.Since(start); d != c.soft {
						t.Errorf("a call waited for the renewal in the background: %v", d-c.soft)
					}
				} else {
					go func() { answer <- struct{}{} }()
					want(t, s, auth.TokenRequest{}, "token-2")
					return
				}
				synctest.Wait()
				if n := src.count(); n != 2 {
					t.Fatalf("not renewed at %v: %d requests", c.soft, n)
				}
				for range 100 {
					want(t, s, auth.TokenRequest{}, "token-1")
				}
				answer <- struct{}{}
				synctest.Wait()
				want(t, s, auth.TokenRequest{}, "token-2")
				if n := src.count(); n != 2 {
					t.Errorf("%d requests, want 2", n)
				}
			})
		})
	}
}

func TestTokensThatNeverExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &scripted{next: func(_ context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
			tok := token(n, 0)
			// Further away than a time.Duration can tell.
			tok.ExpiresOn = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
			return tok, nil
		}}
		s := closing(t, auth.Cached(src, nil))
		time.Sleep(time.Hour)
		for range 3 {
			want(t, s, auth.TokenRequest{}, "token-1")
			time.Sleep(365 * 24 * time.Hour)
		}
	})
}

func TestHardLimitWaitsForANewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := numbered()
		s := closing(t, auth.Cached(src, nil))
		want(t, s, auth.TokenRequest{}, "token-1")
		time.Sleep(55*time.Minute - time.Nanosecond)
		want(t, s, auth.TokenRequest{}, "token-1") // starts the renewal
		synctest.Wait()
		want(t, s, auth.TokenRequest{}, "token-2")
		time.Sleep(55 * time.Minute)
		want(t, s, auth.TokenRequest{}, "token-3") // nobody called in between
	})
}

func TestFailingRenewalBacksOffAndServesTheOldToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		var at []time.Duration
		start := time.Now()
		src := &scripted{next: func(_ context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
			if n > 1 && down {
				at = append(at, time.Since(start))
				return auth.Token{}, &auth.Error{Kind: auth.KindTransient}
			}
			return token(n, time.Hour), nil
		}}
		s := closing(t, auth.Cached(src, nil))
		want(t, s, auth.TokenRequest{}, "token-1")
		for time.Since(start) < time.Hour {
			want(t, s, auth.TokenRequest{}, "token-1")
			synctest.Wait()
			time.Sleep(time.Second)
		}
		m, sec := time.Minute, time.Second
		expected := []time.Duration{45 * m, 45*m + 30*sec, 46*m + 30*sec, 48*m + 30*sec, 52*m + 30*sec, 57*m + 30*sec}
		if diff := cmp.Diff(expected, at); diff != "" {
			t.Errorf("renewals tried at (-want +got):\n%s", diff)
		}
		// The token has expired: now the error has to come out.
		if _, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource}); !errors.Is(err, auth.ErrTransient) {
			t.Errorf("after the token's end: %v, want the source's error", err)
		}
		down = false
		want(t, s, auth.TokenRequest{}, fmt.Sprintf("token-%d", src.count()+1))
	})
}

func TestRenewalWaitsAsLongAsTheIssuerAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &scripted{next: func(_ context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
			if n == 2 {
				return auth.Token{}, &auth.Error{Kind: auth.KindTransient, RetryAfter: 4 * time.Minute}
			}
			return token(n, time.Hour), nil
		}}
		s := closing(t, auth.Cached(src, nil))
		want(t, s, auth.TokenRequest{}, "token-1")
		time.Sleep(45 * time.Minute)
		want(t, s, auth.TokenRequest{}, "token-1")
		synctest.Wait()
		time.Sleep(4*time.Minute - time.Nanosecond)
		want(t, s, auth.TokenRequest{}, "token-1")
		synctest.Wait()
		if n := src.count(); n != 2 {
			t.Fatalf("asked again before Retry-After: %d requests", n)
		}
		time.Sleep(time.Nanosecond)
		want(t, s, auth.TokenRequest{}, "token-1")
		synctest.Wait()
		want(t, s, auth.TokenRequest{}, "token-3")
	})
}

// The longest time that a Retry-After can name is not one of the past.
func TestRenewalThatIsAskedToWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &scripted{next: func(_ context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
			if n == 2 {
				return auth.Token{}, &auth.Error{Kind: auth.KindTransient, RetryAfter: math.MaxInt64}
			}
			return token(n, time.Hour), nil
		}}
		s := closing(t, auth.Cached(src, nil))
		want(t, s, auth.TokenRequest{}, "token-1")
		time.Sleep(45 * time.Minute)
		for range 14 {
			want(t, s, auth.TokenRequest{}, "token-1")
			synctest.Wait()
			time.Sleep(time.Minute)
		}
		if n := src.count(); n != 2 {
			t.Fatalf("%d requests while the old token serves, want 2", n)
		}
		time.Sleep(time.Minute)
		want(t, s, auth.TokenRequest{}, "token-3") // without a token there is nothing to wait with
	})
}

func TestSourceWithACacheOfItsOwnIsNotPestered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		same := token(1, time.Hour)
		src := &scripted{next: func(context.Context, int, auth.TokenRequest) (auth.Token, error) { return same, nil }}
		s := closing(t, auth.Cached(src, nil))
		start := time.Now()
		for time.Since(start) < 59*time.Minute {
			want(t, s, auth.TokenRequest{}, "token-1")
			synctest.Wait()
			time.Sleep(time.Second)
		}
		if n := src.count(); n < 3 || n > 8 {
			t.Errorf("%d requests for one token in an hour of calls, want a handful", n)
		}
	})
}

func TestRejected(t *testing.T) {
	rejecting := func(v string) auth.TokenRequest {
		return auth.TokenRequest{Resource: resource, Rejected: pc.NewSecret(v)}
	}

	t.Run("many rejections of one token are one refresh", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			src := numbered()
			inner := src.next
			src.next = func(ctx context.Context, n int, req auth.TokenRequest) (auth.Token, error) {
				time.Sleep(time.Second)
				return inner(ctx, n, req)
			}
			s := closing(t, auth.Cached(src, nil))
			want(t, s, auth.TokenRequest{}, "token-1")
			var wg sync.WaitGroup
			for i := range 200 {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * 10 * time.Millisecond) // some come late
					if tok, err := s.Token(t.Context(), rejecting("token-1")); err != nil || value(tok) != "token-2" {
						t.Errorf("got %q, %v", value(tok), err)
					}
				})
			}
			wg.Wait()
			if n := src.count(); n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
			if !src.calls[1].Rejected.Equal(pc.NewSecret("token-1")) {
				t.Error("the source was not told which token was rejected")
			}
		})
	})

	t.Run("a token that was replaced long ago refreshes nothing", func(t *testing.T) {
		src := numbered()
		s := closing(t, auth.Cached(src, nil))
		want(t, s, auth.TokenRequest{}, "token-1")
		want(t, s, rejecting("token-1"), "token-2")
		want(t, s, rejecting("token-1"), "token-2")
		want(t, s, rejecting("token-0"), "token-2")
		if n := src.count(); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})

	t.Run("it is not handed out while no other can be had", func(t *testing.T) {
		down := errors.New("down")
		src := &scripted{next: func(_ context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
			if n == 2 || n == 3 {
				return auth.Token{}, down
			}
			return token(n, time.Hour), nil
		}}
		s := closing(t, auth.Cached(src, nil))
		want(t, s, auth.TokenRequest{}, "token-1")
		if _, err := s.Token(t.Context(), rejecting("token-1")); !errors.Is(err, down) {
			t.Errorf("got %v, want the source's error", err)
		}
		if tok, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource}); !errors.Is(err, down) {
			t.Errorf("another caller got %q, %v, want the source's error", value(tok), err)
		}
		want(t, s, auth.TokenRequest{}, "token-4")
	})

	t.Run("a request already under way may bring it back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			same := token(1, time.Hour)
			src := &scripted{next: func(_ context.Context, n int, req auth.TokenRequest) (auth.Token, error) {
				time.Sleep(time.Second)
				if req.Rejected.IsZero() {
					return same, nil // from a cache of its own
				}
				return token(n, time.Hour), nil
			}}
			s := closing(t, auth.Cached(src, nil))
			want(t, s, auth.TokenRequest{}, "token-1")
			time.Sleep(46 * time.Minute)
			want(t, s, auth.TokenRequest{}, "token-1") // starts a renewal that knows of no rejection
			synctest.Wait()
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					req := rejecting("token-1")
					if i%2 == 0 {
						time.Sleep(time.Millisecond)
						req.Rejected = pc.Secret{} // after the rejection
					}
					if tok, err := s.Token(t.Context(), req); err != nil || value(tok) != "token-3" {
						t.Errorf("got %q, %v, want token-3", value(tok), err)
					}
				})
			}
			wg.Wait()
			if n := src.count(); n != 3 {
				t.Errorf("%d requests, want 3", n)
			}
		})
	})

	t.Run("a source that returns it again is believed but not asked in a loop", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			src := &scripted{next: func(context.Context, int, auth.TokenRequest) (auth.Token, error) {
				return token(1, time.Hour), nil
			}}
			s := closing(t, auth.Cached(src, nil))
			want(t, s, auth.TokenRequest{}, "token-1")
			for range 100 {
				want(t, s, rejecting("token-1"), "token-1")
				want(t, s, auth.TokenRequest{}, "token-1")
			}
			if n := src.count(); n != 2 {
				t.Fatalf("%d requests, want 2", n)
			}
			if !src.calls[1].Rejected.Equal(pc.NewSecret("token-1")) {
				t.Error("the source was not told of the rejection")
			}
			// The pause doubles as long as the source insists.
			for i, pause := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
				time.Sleep(pause)
				want(t, s, rejecting("token-1"), "token-1")
				want(t, s, rejecting("token-1"), "token-1")
				if n := src.count(); n != 3+i {
					t.Fatalf("after another %v: %d requests, want %d", pause, n, 3+i)
				}
			}
			// Renewals go on, and mention the rejection too.
			time.Sleep(45 * time.Minute)
			want(t, s, auth.TokenRequest{}, "token-1")
			synctest.Wait()
			if n := src.count(); n != 6 || !src.calls[5].Rejected.Equal(pc.NewSecret("token-1")) {
				t.Errorf("%d requests, want a renewal that mentions the rejection", n)
			}
		})
	})

	t.Run("a token of an entry that has been forgotten", func(t *testing.T) {
		src := &scripted{next: func(_ context.Context, n int, req auth.TokenRequest) (auth.Token, error) {
			if req.Rejected.IsZero() {
				return token(1, time.Hour), nil
			}
			return token(n, time.Hour), nil
		}}
		s := closing(t, auth.Cached(src, nil))
		want(t, s, rejecting("token-1"), "token-1") // the first request, but the source has been told
		if !src.calls[0].Rejected.Equal(pc.NewSecret("token-1")) {
			t.Error("the source was not told")
		}
	})
}

func TestClaimsChallenge(t *testing.T) {
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`
	src := numbered()
	s := closing(t, auth.Cached(src, nil))
	want(t, s, auth.TokenRequest{}, "token-1")
	challenged := auth.TokenRequest{Claims: claims, Rejected: pc.NewSecret("token-1")}
	want(t, s, challenged, "token-2")
	want(t, s, challenged, "token-2")
	// The challenged token is gone for everybody, and what meets the challenge serves
	// requests without claims too.
	want(t, s, auth.TokenRequest{}, "token-2")
	if n := src.count(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestClaimsChallengeThatCannotBeMet(t *testing.T) {
	src := &scripted{next: func(_ context.Context, n int, req auth.TokenRequest) (auth.Token, error) {
		if req.Claims != "" {
			return auth.Token{}, &auth.Error{Kind: auth.KindInteractionRequired}
		}
		return token(n, time.Hour), nil
	}}
	s := closing(t, auth.Cached(src, nil))
	want(t, s, auth.TokenRequest{}, "token-1")
	_, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource, Claims: `{"a":1}`, Rejected: pc.NewSecret("token-1")})
	if !errors.Is(err, auth.ErrInteractionRequired) {
		t.Fatalf("got %v", err)
	}
	want(t, s, auth.TokenRequest{}, "token-3") // not the rejected one
}

func TestNumberOfTokensIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := numbered()
		s := closing(t, auth.Cached(src, &auth.Options{MaxEntries: 64}))
		ask := func(resource, claims string) { get(t, s, auth.TokenRequest{Resource: resource, Claims: claims}) }
		ask("keep", "")
		for i := range 1000 {
			time.Sleep(time.Millisecond)
			ask("r", fmt.Sprintf(`{"n":%d}`, i)) // challenges differ each time
		}
		before := src.count()
		ask("keep", "")
		if src.count() != before {
			t.Error("a plain token made room for tokens of claims challenges")
		}
		// The latest ones are still there, so what went were older ones.
		for i := 990; i < 1000; i++ {
			ask("r", fmt.Sprintf(`{"n":%d}`, i))
		}
		if n := src.count() - before; n != 0 {
			t.Errorf("%d of the ten latest tokens are gone", n)
		}
		held := 0
		for i := range 1000 {
			if n := src.count(); true {
				ask("r", fmt.Sprintf(`{"n":%d}`, i))
				if src.count() == n {
					held++
				}
			}
			if held > 64 {
				t.Fatal("more than 64 tokens were kept")
			}
		}
	})
}

func TestExpiredTokensAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var zones []weak.Pointer[time.Location] // a token's only pointer that can be watched
		s := closing(t, auth.Cached(auth.TokenSourceFunc(func(context.Context, auth.TokenRequest) (auth.Token, error) {
			zone := time.FixedZone("watched", 1)
			zones = append(zones, weak.Make(zone))
			tok := token(1, time.Hour)
			tok.ExpiresOn = tok.ExpiresOn.In(zone)
			return tok, nil
		}), nil))
		for i := range 10 {
			get(t, s, auth.TokenRequest{Resource: fmt.Sprint(i)})
		}
		alive := func() (n int) {
			runtime.GC()
			for _, z := range zones {
				if z.Value() != nil {
					n++
				}
			}
			return n
		}
		if n := alive(); n != 10 {
			t.Fatalf("%d tokens are kept, want 10", n)
		}
		time.Sleep(2 * time.Hour)
		get(t, s, auth.TokenRequest{Resource: "new"})
		if n := alive(); n != 1 {
			t.Errorf("%d tokens are kept after their end, want the new one only", n)
		}
	})
}

func TestSourceThatNeverReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		src := &scripted{next: func(_ context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
			if n == 1 {
				<-release // does not honour its context
			}
			return token(n, time.Hour), nil
		}}
		s := closing(t, auth.Cached(src, &auth.Options{Timeout: 10 * time.Second}))
		start := time.Now()
		e := refused(t, s, auth.TokenRequest{})
		if d := time.Since(start); d != 11*time.Second || !e.Temporary() {
			t.Errorf("got %v after %v, want a temporary error after 11s", e, d)
		}
		// Nobody waits again, and no second call piles up behind the first.
		start = time.Now()
		_ = refused(t, s, auth.TokenRequest{})
		if d := time.Since(start); d != 0 || src.count() != 1 {
			t.Errorf("the next caller waited %v and made %d calls", d, src.count())
		}
		close(release)
		synctest.Wait()
		want(t, s, auth.TokenRequest{}, "token-1")
	})
}

func TestSourceIsToldWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &scripted{next: func(ctx context.Context, _ int, _ auth.TokenRequest) (auth.Token, error) {
			<-ctx.Done()
			return auth.Token{}, fmt.Errorf("my own words: %w", ctx.Err())
		}}
		s := closing(t, auth.Cached(src, &auth.Options{Timeout: 10 * time.Second}))
		start := time.Now()
		_, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "my own words") || time.Since(start) != 10*time.Second {
			t.Errorf("got %v after %v, want the source's own error after 10s", err, time.Since(start))
		}
	})
}

func TestSourceThatEndsItsGoroutine(t *testing.T) {
	src := &scripted{next: func(context.Context, int, auth.TokenRequest) (auth.Token, error) {
		runtime.Goexit()
		return auth.Token{}, nil
	}}
	s := closing(t, auth.Cached(src, nil))
	if _, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource}); err == nil || !strings.Contains(err.Error(), "did not return") {
		t.Errorf("got %v, want an error that says so", err)
	}
}

func TestUselessTokensAreErrors(t *testing.T) {
	for name, tok := range map[string]auth.Token{
		"empty":   {ExpiresOn: time.Now().Add(time.Hour)},
		"expired": {Value: pc.NewSecret("x"), ExpiresOn: time.Now().Add(-time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			s := closing(t, auth.Cached(auth.TokenSourceFunc(func(context.Context, auth.TokenRequest) (auth.Token, error) { return tok, nil }), nil))
			if e := refused(t, s, auth.TokenRequest{}); !errors.Is(e, auth.ErrBadAnswer) || !strings.Contains(e.Error(), name) {
				t.Errorf("got %v", e)
			}
		})
	}
	t.Run("nil source", func(t *testing.T) {
		s := closing(t, auth.Cached(nil, nil))
		if _, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource}); err == nil || !strings.Contains(err.Error(), "nil source") {
			t.Errorf("got %v", err)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &scripted{next: func(ctx context.Context, n int, req auth.TokenRequest) (auth.Token, error) {
			if req.Resource == "slow" {
				<-ctx.Done()
				return auth.Token{}, ctx.Err()
			}
			return token(n, time.Hour), nil
		}}
		s := auth.Cached(src, nil)
		want(t, s, auth.TokenRequest{}, "token-1")
		got := make(chan error, 1)
		go func() {
			_, err := s.Token(t.Context(), auth.TokenRequest{Resource: "slow"})
			got <- err
		}()
		synctest.Wait()
		for range 2 {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		if err := <-got; !errors.Is(err, auth.ErrClosed) {
			t.Errorf("the waiting caller got %v, want ErrClosed", err)
		}
		for _, req := range []auth.TokenRequest{{Resource: resource}, {Resource: "new"}, {Resource: resource, Claims: "{}", Rejected: pc.NewSecret("token-1")}} {
			if _, err := s.Token(t.Context(), req); !errors.Is(err, auth.ErrClosed) {
				t.Errorf("after Close: %v, want ErrClosed", err)
			}
		}
	})
}

func TestManyCallersManyKeys(t *testing.T) {
	// Meant for the race detector: everything at once, for real.
	src := &scripted{next: func(_ context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
		if n%7 == 0 {
			return auth.Token{}, errors.New("now and then")
		}
		return token(n, time.Duration(n%3+1)*2*time.Millisecond), nil
	}}
	s := closing(t, auth.Cached(src, &auth.Options{MaxEntries: 8}))
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			var last pc.Secret
			for i := range 300 {
				req := auth.TokenRequest{Resource: fmt.Sprint((g + i) % 12)}
				if i%5 == 0 {
					req.Rejected = last
				}
				if i%11 == 0 {
					req.Claims = "{}"
				}
				tok, err := s.Token(t.Context(), req)
				if err == nil && tok.Value.IsZero() {
					t.Error("an empty token without an error")
				}
				if err == nil && !req.Rejected.IsZero() && tok.Value.Equal(req.Rejected) {
					t.Error("a rejected token was handed out again")
				}
				last = tok.Value
			}
		})
	}
	wg.Wait()
}

func TestWarmCallAllocatesNothing(t *testing.T) {
	cloud := auth.GlobalCloud()
	s := closing(t, auth.Cached(numbered(), &auth.Options{Cloud: &cloud}))
	ctx := t.Context()
	for _, req := range []auth.TokenRequest{
		{Resource: resource}, {Resource: resource, TenantID: tenantID},
		{Resource: resource, Host: "api.partner.microsoft.com"}, {Resource: resource, Host: "127.0.0.1:8443"},
	} {
		get(t, s, req)
		if n := testing.AllocsPerRun(1000, func() { _, _ = s.Token(ctx, req) }); n != 0 {
			t.Errorf("%+v: %v allocations per call, want 0", req, n)
		}
	}
}

// BenchmarkWarmTokenForAHost is what every attempt of every request pays; the list of hosts
// is part of it.
func BenchmarkWarmTokenForAHost(b *testing.B) {
	cloud := auth.GlobalCloud()
	s := auth.Cached(numbered(), &auth.Options{Cloud: &cloud})
	defer func() { _ = s.Close() }()
	for _, host := range []string{"", "api.partner.microsoft.com", "cloudpartner.azure.com"} {
		b.Run("host="+host, func(b *testing.B) {
			ctx := b.Context()
			req := auth.TokenRequest{Resource: resource, Host: host}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Token(ctx, req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
