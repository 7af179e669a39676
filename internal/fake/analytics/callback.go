package analytics

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// callTimeout is how long a receiver may take; none is documented.
const callTimeout = 30 * time.Second

// Call is one call to the callback URL of a report. The URL itself is not kept: it
// holds the receiver's secret.
type Call struct {
	// ReportID is the report that has a new file.
	ReportID string
	// ExecutionID is the run that made it; the receiver is not told.
	ExecutionID string
	// Method is GET or POST.
	Method string
	// Time is when the call was made.
	Time time.Time
	// Status is the answer's, 0 if there was none.
	Status int
	// Err is why there was none, or nil.
	Err error
}

// caller makes the calls that are due. A timer runs towards the next of them, on
// package time and so on virtual time inside a testing/synctest bubble; the
// goroutines that it starts end with [Server.Close] at the latest.
type caller struct {
	ctx    context.Context //nolint:containedctx // it ends with the server
	cancel context.CancelFunc
	timer  *time.Timer
	closed bool
	wg     sync.WaitGroup
}

// Close stops the calls and waits for those under way.
func (s *Server) Close() {
	s.mu.Lock()
	s.caller.closed = true
	if s.caller.timer != nil {
		s.caller.timer.Stop()
	}
	s.caller.cancel()
	s.mu.Unlock()
	s.caller.wg.Wait()
}

// Moved is called when the clock has been advanced.
func (s *Server) Moved() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arm()
}

// arm sets the timer for the next call. The lock is held.
func (s *Server) arm() {
	if s.caller.closed || s.cfg.Callbacks == nil {
		return
	}
	if s.caller.timer != nil {
		s.caller.timer.Stop()
		s.caller.timer = nil
	}
	var next time.Time
	for _, r := range s.reports {
		if r.Callback == "" {
			continue
		}
		due := func(t time.Time) {
			if next.IsZero() || t.Before(next) {
				next = t
			}
		}
		for _, n := range r.Runs {
			if s.announced(r, n) {
				due(n.Done)
			}
		}
		// A look at the moment of the slot makes the run, and with it the time.
		if slot, ok := r.next(); ok && !r.Paused {
			due(slot)
		}
	}
	if !next.IsZero() {
		s.caller.timer = time.AfterFunc(s.cfg.Clock.Until(next), s.callDue)
	}
}

// announced reports whether a call is to be made for a run, now or later.
func (s *Server) announced(r *report, n *run) bool {
	return !n.Called && n.Status == "" && (!r.ExecuteNow || !s.settings.NoCallbackExecuteNow)
}

// callDue makes the calls whose time has come.
func (s *Server) callDue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.caller.closed {
		return
	}
	now := s.cfg.Clock.Now()
	times := 1
	if s.settings.CallbackTwice {
		times = 2
	}
	for _, r := range s.reports {
		if r.Callback == "" {
			continue
		}
		s.advance(r, now)
		for _, n := range r.Runs {
			if !s.announced(r, n) || n.Done.After(now) {
				continue
			}
			n.Called = true
			if s.cfg.Changed != nil {
				s.cfg.Changed()
			}
			for range times {
				s.start(r, n.ID)
			}
		}
	}
	s.arm()
}

// maxCalls is how many calls are remembered; the oldest are forgotten.
const maxCalls = 10_000

// start makes a call in the background. The lock is held.
func (s *Server) start(r *report, executionID string) {
	call := Call{ReportID: r.ID, ExecutionID: executionID, Method: r.Method, Time: s.cfg.Clock.Now()}
	target := callbackURL(r.Callback, r.Method, r.ID)
	s.caller.wg.Go(func() {
		call.Status, call.Err = s.call(call.Method, target)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.calls) >= maxCalls {
			s.calls = slices.Delete(s.calls, 0, maxCalls/10)
		}
		s.calls = append(s.calls, call)
	})
}

// callbackURL joins a registered URL and a report's id as plain text: one user
// registers a URL that ends in a question mark, so that the id becomes its query.
// That one slash at the end is dropped is the fake's choice.
func callbackURL(registered, method, reportID string) string {
	registered = strings.TrimSuffix(registered, "/")
	if method == http.MethodGet {
		return registered + "?reportId=" + reportID
	}
	return registered + "/" + reportID
}

func (s *Server) call(method, target string) (int, error) {
	ctx, cancel := context.WithTimeout(s.caller.ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := s.cfg.Callbacks.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	return resp.StatusCode, err
}
