package partnercenter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

type (
	observation = partnercenter.Observation[string]
	waitOptions = partnercenter.WaitOptions
)

var testOperation = partnercenter.Operation{Kind: "test.export", ID: "e-1", Params: map[string]string{"kind": "earnings"}}

// poll is one answer of a scripted operation.
type poll struct {
	obs observation
	err error
}

func pending(value string) poll { return poll{obs: observation{Value: value, Status: value}} }

func pendingFor(value string, d time.Duration) poll {
	return poll{obs: observation{Value: value, Status: value, RetryAfter: d}}
}

var (
	done   = poll{obs: observation{Value: "done", Status: "Completed", State: partnercenter.Succeeded}}
	failed = poll{obs: observation{Value: "broken", Status: "Failed", State: partnercenter.Failed, Err: errors.New("disk\nfull")}}
)

func status(code int) poll {
	return poll{err: &partnercenter.Error{StatusCode: code, Method: "GET", Path: "/e-1"}}
}

// operation answers polls from a script, the last one again and again, and notes
// when it was asked.
type operation struct {
	polls []poll
	times []time.Time
}

func (o *operation) fetch(context.Context) (observation, error) {
	p := o.polls[min(len(o.times), len(o.polls)-1)]
	o.times = append(o.times, time.Now())
	return p.obs, p.err
}

func (o *operation) intervals() []time.Duration {
	var out []time.Duration
	for i := 1; i < len(o.times); i++ {
		out = append(out, o.times[i].Sub(o.times[i-1]))
	}
	return out
}

func newPoller(polls ...poll) (*partnercenter.Poller[string], *operation) {
	o := &operation{polls: polls}
	return partnercenter.NewPoller(testOperation, o.fetch, waitOptions{}), o
}

func TestIntervalsGrow(t *testing.T) {
	polls := make([]poll, 20)
	for i := range polls {
		polls[i] = pending("Processing")
	}
	for name, tc := range map[string]struct {
		opts  *waitOptions
		first time.Duration
		limit time.Duration
	}{
		"defaults":      {nil, 2 * time.Second, 5 * time.Minute},
		"own":           {&waitOptions{MinInterval: time.Second, MaxInterval: 10 * time.Second}, time.Second, 10 * time.Second},
		"constant":      {&waitOptions{MinInterval: 3 * time.Second, MaxInterval: -1}, 3 * time.Second, 3 * time.Second},
		"above the max": {&waitOptions{MinInterval: 10 * time.Minute}, 10 * time.Minute, 10 * time.Minute},
		"off":           {&waitOptions{MinInterval: -1, MaxInterval: time.Second}, time.Millisecond, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, o := newPoller(append(polls, done)...)
				if v, err := p.Wait(t.Context(), tc.opts); v != "done" || err != nil {
					t.Fatal(v, err)
				}
				if o.times[0] != time.Now().Add(-sum(o.intervals())) {
					t.Error("the first poll had to wait")
				}
				want := tc.first
				exact := 0
				for i, got := range o.intervals() {
					if got < want-want/10 || got > want+want/10 {
						t.Errorf("interval %d is %v, want %v within a tenth", i, got, want)
					}
					if got == want {
						exact++
					}
					want = min(want+want/2, tc.limit)
				}
				if exact == len(o.intervals()) {
					t.Error("the intervals are not spread")
				}
			})
		})
	}
}

func sum(ds []time.Duration) time.Duration {
	var total time.Duration
	for _, d := range ds {
		total += d
	}
	return total
}

func TestPollersDefaultsApplyBelowTheCallersWishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &operation{polls: []poll{pending("Queued")}}
		p := partnercenter.NewPoller(testOperation, o.fetch, waitOptions{MinInterval: 30 * time.Second, MaxInterval: time.Minute, Timeout: time.Hour, MaxFailures: 2})
		start := time.Now()
		_, err := p.Wait(t.Context(), nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Hour {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		for i, d := range o.intervals() {
			if d < 27*time.Second || d > 66*time.Second {
				t.Errorf("interval %d is %v", i, d)
			}
		}
		start = time.Now()
		_, err = p.Wait(t.Context(), &waitOptions{Timeout: time.Minute})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		o.polls, o.times = []poll{status(503)}, nil
		if _, err = p.Wait(t.Context(), &waitOptions{Timeout: -1}); len(o.times) != 3 || !errors.Is(err, partnercenter.ErrServer) {
			t.Errorf("%d polls, %v", len(o.times), err)
		}
	})
}

func TestServicesRetryAfterReplacesTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := poll{err: &partnercenter.Error{StatusCode: 429, RetryAfter: 40 * time.Minute}}
		p, o := newPoller(pendingFor("Queued", 17*time.Second), pendingFor("Queued", 30*time.Minute), slow, pending("Queued"), done)
		if _, err := p.Wait(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		got := o.intervals()
		if diff := cmp.Diff([]time.Duration{17 * time.Second, 30 * time.Minute, 40 * time.Minute}, got[:3]); diff != "" {
			t.Error(diff)
		}
		// The own intervals have not grown meanwhile.
		if got[3] > 2200*time.Millisecond {
			t.Errorf("then %v", got[3])
		}
	})
}

func TestWatchYieldsEveryObservation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPoller(pending("Queued"), pending("Queued"), status(503), pending("Unheard of"), poll{obs: observation{Value: "odd", State: partnercenter.State(9)}}, done)
		var got []string
		for v, err := range p.Watch(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v)
		}
		if diff := cmp.Diff([]string{"Queued", "Queued", "Unheard of", "odd", "done"}, got); diff != "" {
			t.Error(diff)
		}
		if last, ok := p.Last(); !ok || last.Value != "done" {
			t.Errorf("last is %+v", last)
		}
	})
}

func TestWatchCanBeLeftAndTakenUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, o := newPoller(pending("Queued"), pending("Processing"), done)
		if _, ok := p.Last(); ok {
			t.Error("something was seen before the first poll")
		}
		start := time.Now()
		for _, err := range p.Watch(t.Context(), &waitOptions{Timeout: time.Hour}) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if len(o.times) != 1 || time.Since(start) != 0 {
			t.Errorf("%d polls in %v", len(o.times), time.Since(start))
		}
		if v, err := p.Wait(t.Context(), nil); v != "done" || err != nil || len(o.times) != 3 {
			t.Errorf("%s %v after %d polls", v, err, len(o.times))
		}
	})
}

func TestFailedOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPoller(pending("Queued"), failed)
		v, err := p.Wait(t.Context(), nil)
		e, ok := errors.AsType[*partnercenter.OperationError](err)
		if !ok || v != "broken" || e.Status != "Failed" || !errors.Is(err, failed.obs.Err) {
			t.Fatalf("%s %v", v, err)
		}
		if diff := cmp.Diff(testOperation, e.Operation); diff != "" {
			t.Error(diff)
		}
		if want := "test.export e-1: Failed: disk full"; err.Error() != want {
			t.Errorf("got %s", err)
		}
		if want := "test.export e-1: Failed"; (&partnercenter.OperationError{Operation: testOperation, Status: "Failed"}).Error() != want {
			t.Error("without details")
		}
	})
}

func TestPollAsksOnce(t *testing.T) {
	p, o := newPoller(pending("Queued"), status(404), failed, done)
	if v, state, err := p.Poll(t.Context()); v != "Queued" || state != partnercenter.Pending || err != nil {
		t.Errorf("%s %v %v", v, state, err)
	}
	if v, state, err := p.Poll(t.Context()); v != "" || state != partnercenter.Pending || !errors.Is(err, partnercenter.ErrNotFound) {
		t.Errorf("%s %v %v", v, state, err)
	}
	if last, _ := p.Last(); last.Value != "Queued" {
		t.Errorf("a poll that failed replaced the last observation by %+v", last)
	}
	v, state, err := p.Poll(t.Context())
	if _, ok := errors.AsType[*partnercenter.OperationError](err); !ok || v != "broken" || state != partnercenter.Failed {
		t.Errorf("%s %v %v", v, state, err)
	}
	if v, state, err := p.Poll(t.Context()); v != "done" || state != partnercenter.Succeeded || err != nil || len(o.times) != 4 {
		t.Errorf("%s %v %v", v, state, err)
	}
}

func TestWaitEndsWithTimeoutOrContext(t *testing.T) {
	reason := errors.New("the user\npressed Ctrl-C")
	for name, tc := range map[string]struct {
		polls  []poll
		ctx    func(context.Context) (context.Context, context.CancelFunc)
		opts   *waitOptions
		want   error
		value  string
		status string
		text   string
		waited time.Duration
	}{
		"timeout": {
			polls: []poll{pending("Processing")}, opts: &waitOptions{Timeout: 90 * time.Second}, want: context.DeadlineExceeded,
			value: "Processing", status: "Processing", waited: 90 * time.Second,
			text: "stopped waiting for test.export e-1 after 1m30s, last status Processing: context deadline exceeded",
		},
		"deadline": {
			polls: []poll{pending("Processing")}, want: context.DeadlineExceeded, value: "Processing", status: "Processing", waited: time.Minute,
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			},
			text: "last status Processing: context deadline exceeded",
		},
		"deadline before the timeout": {
			polls: []poll{pending("Processing")}, opts: &waitOptions{Timeout: time.Hour}, want: context.DeadlineExceeded, value: "Processing", status: "Processing", waited: time.Minute,
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			},
		},
		"cancelled with a cause": {
			polls: []poll{pending("Queued")}, opts: &waitOptions{Timeout: time.Hour}, want: reason, value: "Queued", status: "Queued", waited: 10 * time.Second,
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(10*time.Second, func() { cancel(reason) })
				return ctx, func() { cancel(nil) }
			},
			text: "last status Queued: the user pressed Ctrl-C",
		},
		"cancelled before anything was seen": {
			polls: []poll{{err: &partnercenter.Error{Err: context.Canceled}}}, want: context.Canceled,
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			},
			text: "last status unknown",
		},
		"cancelled while a token source that reports it bare is asked": {
			polls: []poll{{err: fmt.Errorf("getting a token: %w", context.Canceled)}}, want: reason,
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				cancel(reason)
				return ctx, func() { cancel(nil) }
			},
			text: "last status unknown: the user pressed Ctrl-C",
		},
		"timeout within a long Retry-After": {
			polls: []poll{pendingFor("Queued", 24*time.Hour)}, opts: &waitOptions{Timeout: time.Hour}, want: context.DeadlineExceeded,
			value: "Queued", status: "Queued", waited: time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := newPoller(tc.polls...)
				ctx := t.Context()
				if tc.ctx != nil {
					var cancel context.CancelFunc
					ctx, cancel = tc.ctx(ctx)
					defer cancel()
				}
				v, err := p.Wait(ctx, tc.opts)
				e, ok := errors.AsType[*partnercenter.WaitError](err)
				if !ok || !errors.Is(err, tc.want) {
					t.Fatalf("got %T %v, want *WaitError of %v", err, err, tc.want)
				}
				if v != tc.value || e.Status != tc.status || e.Waited != tc.waited {
					t.Errorf("value %q, %+v", v, e)
				}
				if !strings.Contains(err.Error(), tc.text) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %q", err)
				}
				if diff := cmp.Diff(testOperation, e.Operation); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

type temporary bool

func (t temporary) Error() string   { return "token endpoint" }
func (t temporary) Temporary() bool { return bool(t) }

func TestPassingFailuresAreTolerated(t *testing.T) {
	for name, err := range map[string]error{
		"408": status(408).err, "429": status(429).err, "500": status(500).err, "503": status(503).err, "no answer": status(0).err,
		"wrapped": fmt.Errorf("polling: %w", status(502).err), "token source": fmt.Errorf("getting a token: %w", temporary(true)),
		"401 because of the token source": &partnercenter.Error{StatusCode: 401, Err: fmt.Errorf("getting a new token: %w", temporary(true))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := poll{err: err}
				// Ten in a row, twice, with a good poll between them.
				var polls []poll
				for range 2 {
					for range 10 {
						polls = append(polls, bad)
					}
					polls = append(polls, pending("Processing"))
				}
				p, o := newPoller(append(polls, done)...)
				if v, err := p.Wait(t.Context(), nil); v != "done" || err != nil {
					t.Fatalf("%s %v", v, err)
				}
				// Eleven in a row are too many.
				o.polls, o.times = []poll{pending("Processing"), bad}, nil
				v, got := p.Wait(t.Context(), nil)
				if _, ok := errors.AsType[*partnercenter.WaitError](got); !ok || !errors.Is(got, err) || v != "Processing" || len(o.times) != 12 {
					t.Errorf("%s %v after %d polls", v, got, len(o.times))
				}
				// Unless one is.
				o.times = nil
				if _, got := p.Wait(t.Context(), &waitOptions{MaxFailures: -1}); !errors.Is(got, err) || len(o.times) != 2 {
					t.Errorf("%v after %d polls", got, len(o.times))
				}
			})
		})
	}
}

func TestPermanentErrorsEndTheWait(t *testing.T) {
	for name, err := range map[string]error{
		"400": status(400).err, "401": status(401).err, "403": status(403).err, "404": status(404).err, "409": status(409).err,
		"local": errors.New("the answer is not JSON"), "token source": temporary(false),
		"401 because of the token source": &partnercenter.Error{StatusCode: 401, Err: temporary(false)},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, o := newPoller(pending("Processing"), poll{err: err})
			v, got := p.Wait(t.Context(), nil)
			if !errors.Is(got, err) || v != "Processing" || len(o.times) != 2 {
				t.Errorf("%s: %s %v after %d polls", name, v, got, len(o.times))
			}
			if _, ok := errors.AsType[*partnercenter.WaitError](got); ok {
				t.Errorf("%s: a permanent error is not a wait that ended early", name)
			}
		})
	}
}

func TestStateNames(t *testing.T) {
	for state, want := range map[partnercenter.State]string{
		partnercenter.Pending: "pending", partnercenter.Succeeded: "succeeded", partnercenter.Failed: "failed", 9: "pending",
	} {
		if got := state.String(); got != want {
			t.Errorf("%d is %s", int(state), got)
		}
	}
}

func TestResumeTokenRoundTrip(t *testing.T) {
	p, _ := newPoller(done)
	token := p.ResumeToken()
	got, err := partnercenter.ParseResumeToken(testOperation.Kind, token)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Operation(), got); diff != "" {
		t.Error(diff)
	}
	// What is written today must be read by every later version.
	if want := `{"partnercenter":1,"kind":"test.export","id":"e-1","params":{"kind":"earnings"}}`; token != want {
		t.Errorf("the format changed: %s", token)
	}
	bare := partnercenter.NewPoller[string](partnercenter.Operation{Kind: "k", ID: "\"<&>\u2028"}, nil, waitOptions{})
	if got, err := partnercenter.ParseResumeToken("k", " "+bare.ResumeToken()+"\n"); err != nil || got.ID != "\"<&>\u2028" || got.Params != nil {
		t.Errorf("%+v %v", got, err)
	}
}

// An operation of several stages is resumed at the one that the latest poll saw.
func TestResumeTokenFollowsTheStages(t *testing.T) {
	first, second := map[string]string{"stage": "1"}, map[string]string{"stage": "2"}
	polls := []poll{pending("one"), {obs: observation{Value: "two", Params: second}}, pending("three"), status(503), {obs: observation{State: partnercenter.Failed, Params: first}}}
	o := &operation{polls: polls}
	p := partnercenter.NewPoller(partnercenter.Operation{Kind: "k", ID: "i", Params: first}, o.fetch, waitOptions{})
	for i, want := range []map[string]string{first, second, second, second, first} {
		_, _, err := p.Poll(t.Context())
		op, tokenErr := partnercenter.ParseResumeToken("k", p.ResumeToken())
		if tokenErr != nil || op.ID != "i" {
			t.Fatalf("%v, %v", op, tokenErr)
		}
		if diff := cmp.Diff(want, op.Params); diff != "" {
			t.Errorf("after poll %d (-want +got):\n%s", i+1, diff)
		}
		if e, ok := errors.AsType[*partnercenter.OperationError](err); ok != (i == 4) || ok && e.Operation.Params["stage"] != "1" {
			t.Errorf("poll %d: %v", i+1, err)
		}
	}
}

func TestForeignResumeTokensAreRefused(t *testing.T) {
	for token, text := range map[string]string{
		"":                                  "not a token of this SDK",
		"garbage":                           "not a token of this SDK",
		"null":                              "not a token of this SDK",
		"[]":                                "not a token of this SDK",
		"{}":                                "not a token of this SDK",
		`{"kind":"test.export","id":"e-1"}`: "not a token of this SDK",
		`{"partnercenter":"1","kind":"k"}`:  "not a token of this SDK",
		`{"partnercenter":1,"kind":"test.e`: "not a token of this SDK",
		`{"partnercenter":1,"kind":"test.export","id":"e-1"}x`:                "not a token of this SDK",
		`{"partnercenter":2,"kind":"test.export","id":"e-1"}`:                 "version 2, this SDK reads version 1",
		`{"partnercenter":1,"kind":"other","id":"e-1"}`:                       `belongs to "other", not to "test.export"`,
		`{"partnercenter":1,"kind":"test.export"}`:                            "id is missing",
		`{"partnercenter":1,"kind":"test.export","id":7}`:                     "not a token of this SDK",
		`{"partnercenter":1,"kind":"test.export","id":"e","params":{"a":{}}}`: "not a token of this SDK",
	} {
		got, err := partnercenter.ParseResumeToken("test.export", token)
		if err == nil || !strings.Contains(err.Error(), text) || !strings.HasPrefix(err.Error(), "resume token: ") {
			t.Errorf("%s: %v", token, err)
		}
		if diff := cmp.Diff(partnercenter.Operation{}, got); diff != "" {
			t.Errorf("%s: an operation beside the error: %s", token, diff)
		}
	}
}

func FuzzResumeToken(f *testing.F) {
	p, _ := newPoller(done)
	for _, token := range []string{p.ResumeToken(), "", "{}", "null", `{"partnercenter":1,"kind":"test.export","id":"x","params":{"":""}}`, `{"PARTNERCENTER":1,"Kind":"test.export","ID":"x"}`, `{"partnercenter":1e0}`} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		op, err := partnercenter.ParseResumeToken(testOperation.Kind, token)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("not one line: %q", err)
			}
			return
		}
		if op.Kind != testOperation.Kind || op.ID == "" {
			t.Errorf("accepted %+v", op)
		}
		// What was accepted can be written down again and means the same.
		again := partnercenter.NewPoller[string](op, nil, waitOptions{}).ResumeToken()
		back, err := partnercenter.ParseResumeToken(testOperation.Kind, again)
		if err != nil || !json.Valid([]byte(again)) || !cmp.Equal(op, back, cmp.Transformer("params", func(m map[string]string) string { return fmt.Sprint(m) })) {
			t.Errorf("%+v became %+v, %v", op, back, err)
		}
	})
}
