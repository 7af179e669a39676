package partnercenter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"time"
)

// State is where a long operation stands, as far as waiting for it goes.
type State int

// States of a long operation.
const (
	// Pending: not finished, or in a status that the SDK does not know.
	Pending State = iota
	// Succeeded: finished, the result is there.
	Succeeded
	// Failed: finished without a result.
	Failed
)

// String returns "pending", "succeeded" or "failed".
func (s State) String() string {
	switch s {
	case Succeeded:
		return "succeeded"
	case Failed:
		return "failed"
	default:
		return "pending"
	}
}

// Observation is one look at a long operation.
type Observation[T any] struct {
	// Value is the operation as the service describes it.
	Value T
	// State is what Value means for the wait.
	State State
	// Status is the service's own word for it, for messages.
	Status string
	// RetryAfter is when the service wants to be asked again; 0 when it did not
	// say. It replaces the poller's own interval.
	RetryAfter time.Duration
	// Err says why the operation failed. Used with Failed only.
	Err error
	// Params replaces those of the operation, for one that goes through several
	// stages: resume tokens then begin at the latest of them. Nil leaves them.
	Params map[string]string
}

// Operation names what a [Poller] waits for. It must be enough to continue in
// another process, and must hold no secret: it is what [Poller.ResumeToken]
// writes down.
type Operation struct {
	// Kind is the type of operation, for example "payouts.export". A resume
	// token is accepted only for the kind that it was made for.
	Kind string `json:"kind"`
	// ID is the service's id of the operation.
	ID string `json:"id"`
	// Params is whatever else is needed to ask for it.
	Params map[string]string `json:"params,omitempty"`
}

// String returns kind and id.
func (o Operation) String() string { return o.Kind + " " + o.ID }

const resumeVersion = 1

type resumeToken struct {
	Version int `json:"partnercenter"`
	Operation
}

// ParseResumeToken reads a token made by [Poller.ResumeToken] for an operation of
// the given kind. Tokens of another kind, or of a later version of the SDK, are
// refused with an error that says so.
func ParseResumeToken(kind, token string) (Operation, error) {
	var t resumeToken
	switch err := json.Unmarshal([]byte(token), &t); {
	case err != nil || t.Version == 0:
		return Operation{}, errors.New("resume token: not a token of this SDK; pass what Poller.ResumeToken returned, unchanged")
	case t.Version != resumeVersion:
		return Operation{}, fmt.Errorf("resume token: version %d, this SDK reads version %d; upgrade it", t.Version, resumeVersion)
	case t.Kind != kind:
		return Operation{}, fmt.Errorf("resume token: it belongs to %q, not to %q", t.Kind, kind)
	case t.ID == "":
		return Operation{}, errors.New("resume token: the operation's id is missing")
	}
	return t.Operation, nil
}

// WaitOptions tunes [Poller.Wait] and [Poller.Watch]. Zero fields, and a nil
// pointer, mean the poller's defaults; negative numbers turn the thing off.
type WaitOptions struct {
	// MinInterval is the first interval between two polls; each is half as long
	// again as the one before. Every interval is spread by up to a tenth either
	// way. Default 2 s, at least 1 ms.
	MinInterval time.Duration
	// MaxInterval is the longest interval before spreading. Default 5 min, at
	// least MinInterval: a negative one keeps the interval constant.
	MaxInterval time.Duration
	// Timeout ends the wait with a [*WaitError]; the operation itself goes on.
	// Default: the operation's published limit, none if there is none.
	Timeout time.Duration
	// MaxFailures is how many polls in a row may fail for a passing reason (no
	// answer, 408, 429, 5xx) before the wait ends. Default 10, negative: none.
	MaxFailures int
}

// OperationError is an operation that the service reports as failed.
type OperationError struct {
	// Operation is what failed.
	Operation Operation
	// Status is the service's word for it.
	Status string
	// Err carries the details; API packages put their own error type here.
	Err error
}

// Error returns one line.
func (e *OperationError) Error() string {
	s := fmt.Sprintf("%s: %s", e.Operation, oneLine(e.Status))
	if e.Err != nil {
		s += ": " + oneLine(e.Err.Error())
	}
	return s
}

// Unwrap returns the details.
func (e *OperationError) Unwrap() error { return e.Err }

// WaitError is a wait that ended before the operation did. The operation goes on
// at the service: continue with a resume token.
type WaitError struct {
	// Operation is what was waited for.
	Operation Operation
	// Status is the last status seen, empty if there was none.
	Status string
	// Waited is how long the wait took.
	Waited time.Duration
	// Err is why it ended: the cause of the context's end (see [context.Cause]),
	// [context.DeadlineExceeded] for the wait's own timeout, or the error of the
	// last poll.
	Err error
}

// Error returns one line.
func (e *WaitError) Error() string {
	status := e.Status
	if status == "" {
		status = "unknown"
	}
	return fmt.Sprintf("stopped waiting for %s after %v, last status %s: %s",
		e.Operation, e.Waited.Round(time.Second), oneLine(status), oneLine(e.Err.Error()))
}

// Unwrap returns the reason.
func (e *WaitError) Unwrap() error { return e.Err }

// Poller waits for a long operation. It is not safe for concurrent use.
type Poller[T any] struct {
	op       Operation
	fetch    func(context.Context) (Observation[T], error)
	defaults WaitOptions
	last     Observation[T]
	seen     bool
}

// NewPoller makes a Poller. The fetch function asks the service once; defaults
// replaces the documented defaults of [WaitOptions] where it is not zero.
func NewPoller[T any](op Operation, fetch func(context.Context) (Observation[T], error), defaults WaitOptions) *Poller[T] {
	return &Poller[T]{op: op, fetch: fetch, defaults: defaults}
}

// Operation returns what the poller waits for.
func (p *Poller[T]) Operation() Operation { return p.op }

// ResumeToken returns a text with which another process, on another machine and
// with credentials of its own, can go on waiting. It is JSON with a version, and
// holds no secret.
func (p *Poller[T]) ResumeToken() string {
	b, err := json.Marshal(resumeToken{resumeVersion, p.op})
	if err != nil {
		panic(err) // strings only: cannot happen
	}
	return string(b)
}

// Last returns what the latest poll saw; false before the first one.
func (p *Poller[T]) Last() (Observation[T], bool) { return p.last, p.seen }

// Poll asks the service once. When the operation has failed it returns the value
// together with an [*OperationError].
func (p *Poller[T]) Poll(ctx context.Context) (T, State, error) {
	obs, err := p.fetch(ctx)
	if err != nil {
		var zero T
		return zero, Pending, err
	}
	p.last, p.seen = obs, true
	if obs.Params != nil {
		p.op.Params = obs.Params
	}
	if obs.State == Failed {
		return obs.Value, Failed, &OperationError{Operation: p.op, Status: obs.Status, Err: obs.Err}
	}
	return obs.Value, obs.State, nil
}

// Wait polls until the operation has ended and returns its value. It returns an
// [*OperationError] when the operation failed, a [*WaitError] when the context
// or the timeout ended the wait or too many polls failed in a row, and the
// service's error when a poll failed for good.
func (p *Poller[T]) Wait(ctx context.Context, opts *WaitOptions) (T, error) {
	var value T
	for v, err := range p.Watch(ctx, opts) {
		value = v
		if err != nil {
			return value, err
		}
	}
	return value, nil
}

// Watch polls like [Poller.Wait] and yields what every poll saw, also when
// nothing changed. The last item is the finished operation, or an error as
// [Poller.Wait] returns it, with the latest value beside it.
func (p *Poller[T]) Watch(ctx context.Context, opts *WaitOptions) iter.Seq2[T, error] {
	o := p.defaults.override(opts)
	return func(yield func(T, error) bool) {
		start := time.Now()
		if o.Timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, o.Timeout)
			defer cancel()
		}
		gaveUp := func(cause error) {
			yield(p.last.Value, &WaitError{Operation: p.op, Status: p.last.Status, Waited: time.Since(start), Err: cause})
		}
		interval, failures := o.MinInterval, 0
		for {
			var asked time.Duration
			value, state, err := p.Poll(ctx)
			switch {
			case err == nil:
				failures, asked = 0, p.last.RetryAfter
				if !yield(value, nil) || state == Succeeded {
					return
				}
			case state == Failed:
				yield(value, err)
				return
			case ctx.Err() != nil:
				gaveUp(context.Cause(ctx))
				return
			case !passing(err):
				yield(p.last.Value, err)
				return
			default:
				if failures++; failures > o.MaxFailures {
					gaveUp(err)
					return
				}
				if e, ok := errors.AsType[*Error](err); ok {
					asked = e.RetryAfter
				}
			}
			delay := asked
			if delay <= 0 {
				delay = spread(interval)
				interval = min(interval+interval/2, o.MaxInterval)
			}
			timer := time.NewTimer(delay)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				gaveUp(context.Cause(ctx))
				return
			}
		}
	}
}

// override fills in the caller's wishes, the poller's defaults and the documented
// defaults, in that order.
func (o WaitOptions) override(opts *WaitOptions) WaitOptions {
	pick := func(dst *time.Duration, wish, fallback time.Duration) {
		if wish != 0 {
			*dst = wish
		} else if *dst == 0 {
			*dst = fallback
		}
	}
	if opts == nil {
		opts = &WaitOptions{}
	}
	pick(&o.MinInterval, opts.MinInterval, 2*time.Second)
	pick(&o.MaxInterval, opts.MaxInterval, 5*time.Minute)
	pick(&o.Timeout, opts.Timeout, 0)
	o.MinInterval = max(o.MinInterval, time.Millisecond)
	o.MaxInterval = max(o.MaxInterval, o.MinInterval)
	if opts.MaxFailures != 0 {
		o.MaxFailures = opts.MaxFailures
	} else if o.MaxFailures == 0 {
		o.MaxFailures = 10
	}
	o.MaxFailures = max(o.MaxFailures, 0)
	return o
}

// passing reports whether asking again later may help. Errors of other types say
// so themselves with a Temporary method, as those of package auth do, also when
// they are the cause of a 401.
func passing(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Is(ErrNoResponse) || e.Is(ErrServer) || e.Is(ErrThrottled) || e.StatusCode == http.StatusRequestTimeout {
			return true
		}
	}
	t, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && t.Temporary()
}

// spread moves d by up to a tenth either way, so that many waits that began
// together do not stay together.
func spread(d time.Duration) time.Duration {
	tenth := int64(d / 10)
	if tenth <= 0 {
		return d
	}
	return d + time.Duration(rand.Int64N(2*tenth+1)-tenth) //nolint:gosec // not security
}
