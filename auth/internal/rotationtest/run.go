package rotationtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

// Options tunes Run. The zero value, and a nil pointer, mean the defaults.
type Options struct {
	// Processes redeem the same token at once, each as often as Rotations says. The
	// defaults are 8 and 25.
	Processes, Rotations int
	// Kills is how many processes are killed at random moments against a server where
	// redeemed tokens go on working, and a third of that where they do not, because
	// most kills are the end of a token there. Default 300, with -short 20.
	Kills int
	// AfterKill makes the lock of a killed process end, for stores where it would
	// last until its time is over. It is called after every kill, when there may be
	// no lock, and again when one appears late: a server can carry out what a client
	// has sent before its end.
	AfterKill func(t *testing.T, place, key string)
}

const (
	storeKey = "contoso"
	// patience bounds every test.
	patience = 5 * time.Minute
)

// proof is one call of Run.
type proof struct {
	open func(t *testing.T, place string) auth.TokenStore
	opts Options
	name string // of the test that has called Run
}

// Run tests that refresh tokens survive in the store that open returns.
func Run(t *testing.T, open func(t *testing.T, place string) auth.TokenStore, opts *Options) {
	t.Helper()
	p := &proof{open: open, name: t.Name()}
	if opts != nil {
		p.opts = *opts
	}
	p.opts.Processes = cmp.Or(p.opts.Processes, 8)
	p.opts.Rotations = cmp.Or(p.opts.Rotations, 25)
	if p.opts.Kills == 0 {
		p.opts.Kills = 300
		if testing.Short() {
			p.opts.Kills = 20
		}
	}
	if j, ok := childJob(t); ok {
		p.work(t, j)
		return
	}
	for _, rotation := range []struct {
		name string
		kind entra.Rotation
	}{{"strict", entra.Strict}, {"lenient", entra.Lenient}} {
		t.Run("no redemption is refused, "+rotation.name+" server", func(t *testing.T) { p.race(t, rotation.kind) })
		t.Run("killed at random, "+rotation.name+" server", func(t *testing.T) { p.kill(t, rotation.kind) })
		t.Run("killed before the answer, "+rotation.name+" server", func(t *testing.T) { p.killInTheWindow(t, rotation.kind) })
	}
}

// scene is a server and a store with a refresh token.
type scene struct {
	*server
	place string
	store auth.TokenStore
}

func (p *proof) scene(t *testing.T, rotation entra.Rotation) *scene {
	t.Helper()
	s := &scene{server: listen(t, rotation), place: filepath.Join(t.TempDir(), "store")}
	s.store = p.open(t, s.place)
	s.signIn(t)
	return s
}

// signIn saves a new refresh token, in place of one that is there.
func (s *scene) signIn(t *testing.T) {
	t.Helper()
	for {
		_, version, err := s.store.Load(t.Context(), storeKey)
		if err != nil && !errors.Is(err, auth.ErrNoRecord) {
			t.Fatal(err)
		}
		_, err = s.store.Save(t.Context(), storeKey, s.record(t), version)
		if errors.Is(err, auth.ErrConflict) {
			continue // what a killed process had sent has arrived
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
}

// redeem redeems what the store holds.
func (s *scene) redeem(ctx context.Context, t *testing.T) error {
	t.Helper()
	src := source(t, s.store, s.job(""))
	defer func() { _ = src.Close() }()
	_, err := src.Token(ctx, auth.TokenRequest{Resource: resource})
	return err
}

// redeemAfterKill redeems what a killed process has left, lock included.
func (p *proof) redeemAfterKill(ctx context.Context, t *testing.T, s *scene) error {
	t.Helper()
	if p.opts.AfterKill == nil {
		return s.redeem(ctx, t)
	}
	for {
		p.opts.AfterKill(t, s.place, storeKey)
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := s.redeem(short, t)
		cancel()
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

// mustBeWhole loads the record, which must be one of the server's tokens and complete.
func (s *scene) mustBeWhole(t *testing.T) {
	t.Helper()
	r, _, err := s.store.Load(t.Context(), storeKey)
	switch {
	case err != nil:
		t.Fatalf("the stored record is damaged: %v", err)
	case r.ClientID != clientID || r.TenantID != tenantID || r.ObtainedAt.IsZero() || r.SignedInAt.IsZero() || !strings.HasPrefix(r.RefreshToken.Reveal(), "0.rt-"):
		t.Fatalf("the stored record is not whole: %v", r)
	}
}

// race lets processes redeem the same token at once. All must succeed with every
// redemption.
func (p *proof) race(t *testing.T, rotation entra.Rotation) {
	t.Helper()
	ctx := bounded(t)
	s := p.scene(t, rotation)
	children := make([]*child, p.opts.Processes)
	for i := range children {
		j := s.job(taskRotate)
		j.Place, j.Rotations = s.place, p.opts.Rotations
		children[i] = p.start(ctx, t, j)
	}
	for i, c := range children {
		n := 0
		for line, more := c.line(); more; line, more = c.line() {
			if !strings.HasPrefix(line, "rotated ") {
				t.Errorf("process %d: %s", i, line)
				continue
			}
			n++
		}
		c.wait(t)
		if n != p.opts.Rotations {
			t.Errorf("process %d has redeemed %d times, want %d", i, n, p.opts.Rotations)
		}
	}
	want := p.opts.Processes * p.opts.Rotations
	served, refusedCodes := s.redemptions()
	if served != want || len(refusedCodes) > 0 {
		t.Errorf("%d redemptions were served and %d refused %v, want %d and none", served, len(refusedCodes), refusedCodes, want)
	}
	s.mustBeWhole(t)
	if err := s.redeem(ctx, t); err != nil {
		t.Errorf("afterwards the stored token does not work: %v", err)
	}
	t.Logf("%d processes, %d of %d redemptions served, %d refused", p.opts.Processes, served, want, len(refusedCodes))
}

// kill kills processes at random moments while they redeem. The record must always be
// whole. Where redeemed tokens go on working the stored one must work; where they do not,
// it works or is plainly dead, and a new sign-in mends that.
func (p *proof) kill(t *testing.T, rotation entra.Rotation) {
	t.Helper()
	s := p.scene(t, rotation)
	kills := p.opts.Kills
	if rotation == entra.Strict {
		kills = (kills + 2) / 3
	}
	rotations, dead := 0, 0
	for i := range kills {
		told, err := p.killOnce(t, s)
		rotations += told
		switch {
		case err == nil:
		case rotation == entra.Strict && errors.Is(err, auth.ErrRefreshTokenDead) && strings.Contains(err.Error(), "under key"):
			dead++
			s.signIn(t)
		default:
			t.Fatalf("after kill %d of %d and %d rotations: %v", i+1, kills, rotations, err)
		}
	}
	if err := s.redeem(bounded(t), t); err != nil {
		t.Errorf("after the last kill: %v", err)
	}
	t.Logf("%d kills, %d rotations, 0 damaged records, %d times a new sign-in was needed", kills, rotations, dead)
}

// killOnce kills a process somewhere within one of its redemptions. It returns how many it
// had told of, and what becomes of the next one. Time is bounded for each, because there
// are hundreds of them.
func (p *proof) killOnce(t *testing.T, s *scene) (rotations int, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	j := s.job(taskForever)
	j.Place = s.place
	c := p.start(ctx, t, j)
	last, pace := time.Now(), time.Duration(0)
	for range 1 + rand.IntN(3) { //nolint:gosec // when to kill
		if line := c.mustTell(t); !strings.HasPrefix(line, "rotated ") {
			t.Fatalf("a process said: %s", line)
		}
		rotations++
		pace, last = time.Since(last), time.Now()
	}
	// Somewhere within the next redemption.
	<-time.After(rand.N(pace + 1)) //nolint:gosec // when to kill
	rotations += c.kill(t)
	s.mustBeWhole(t)
	return rotations, p.redeemAfterKill(ctx, t, s)
}

// killInTheWindow kills a process after the server has redeemed its token and before it
// has the answer: the one moment that nothing can be done about.
func (p *proof) killInTheWindow(t *testing.T, rotation entra.Rotation) {
	t.Helper()
	ctx := bounded(t)
	s := p.scene(t, rotation)
	j := s.job(taskForever)
	j.Place = s.place
	redeemed := s.holdAnswers()
	c := p.start(ctx, t, j)
	select {
	case <-redeemed:
	case <-ctx.Done():
		t.Fatal("the process has redeemed nothing")
	}
	c.kill(t)
	s.letGo()
	s.mustBeWhole(t)
	err := p.redeemAfterKill(ctx, t, s)
	if rotation == entra.Lenient {
		if err != nil {
			t.Errorf("the redeemed token is still good, but: %v", err)
		}
		return
	}
	if !errors.Is(err, auth.ErrRefreshTokenDead) || !strings.Contains(err.Error(), fmt.Sprintf("under key %q", storeKey)) {
		t.Errorf("error is %v, want one that says the token is dead and what to do", err)
	}
	s.signIn(t)
	if err := s.redeem(ctx, t); err != nil {
		t.Errorf("after a new sign-in: %v", err)
	}
}

// bounded is the context of a test.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
