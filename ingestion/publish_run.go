package ingestion

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// publishing is what a [Publication] does, one step a poll.
//
//	no submission     begin    look for another one in flight, note the newest
//	newest is noted   submit   gather the drafts, ask for a submission
//	a submission      follow   look how far it is, promote it, come to an end
type publishing struct {
	scope     ProductScope
	productID string
	opts      []partnercenter.CallOption
	state     publishState

	doubt     bool          // the submission may have been asked for already
	accepted  bool          // it surely was, but its id is not known
	looks     int           // for it, in vain
	unseen    int           // conflicts with a submission that is not listed
	missing   int           // looks that did not find the submission, in a row
	refusals  int           // of the promotion, in a row
	cancelled string        // the submission that was cancelled
	last      PublishStatus // as it was yielded
}

// Bounds for what the service may need some time to show.
const (
	maxLooks    = 10 // for a submission that it has accepted
	maxMissing  = 3  // a submission that is not found
	maxRefusals = 5  // a preview that cannot be promoted
)

// soon is an interval for a poll that has something to do at once.
const soon = time.Nanosecond

type publishObservation = partnercenter.Observation[PublishStatus]

func (p *publishing) poll(ctx context.Context) (publishObservation, error) {
	switch {
	case p.state.submission != "":
		return p.follow(ctx)
	case p.state.after != "":
		return p.submit(ctx)
	default:
		return p.begin(ctx)
	}
}

// pending is an observation of something that goes on. State has been changed
// before, so that the resume token says what comes next.
func (p *publishing) pending(s PublishStatus, retryAfter time.Duration) publishObservation {
	return p.observe(s, partnercenter.Pending, retryAfter)
}

func (p *publishing) observe(s PublishStatus, state partnercenter.State, retryAfter time.Duration) publishObservation {
	s.Submission = scrubbed(s.Submission)
	s.Stage = StageUnknown
	if s.Submission.ID != "" {
		s.Stage = s.Submission.Status().Stage
	}
	own := s.changes(p.last)
	s.Changes = append(slices.Clip(s.Changes), own...)
	p.last = s
	return publishObservation{Value: s, State: state, Status: s.text(), RetryAfter: retryAfter, Params: p.state.params()}
}

// fail ends the publication.
func (p *publishing) fail(s PublishStatus, reason string, err error, meta partnercenter.ResponseMeta) publishObservation {
	o := p.observe(s, partnercenter.Failed, 0)
	e := &PublishError{
		ProductID: p.productID, Status: o.Value, Step: failedStep(s.Workflow), Reason: reason,
		RequestID: meta.RequestID, CorrelationID: meta.CorrelationID, PortalURL: portalURL(p.productID), Err: err,
	}
	if refused, ok := errors.AsType[*partnercenter.Error](err); ok {
		e.RequestID, e.CorrelationID = refused.RequestID, refused.CorrelationID
	}
	o.Err = e
	return o
}

// latest returns the newest submission of the product.
func (p *publishing) latest(ctx context.Context) (Submission, bool, error) {
	s, err := p.scope.Submissions().Latest(ctx, p.opts...)
	if errors.Is(err, partnercenter.ErrNotFound) {
		if _, service := errors.AsType[*partnercenter.Error](err); !service {
			return Submission{}, false, nil // there are none
		}
	}
	return s, err == nil, err
}

// begin looks what is there.
func (p *publishing) begin(ctx context.Context) (publishObservation, error) {
	newest, found, err := p.latest(ctx)
	if err != nil {
		return publishObservation{}, err
	}
	return p.behind(ctx, newest, found)
}

// behind makes room for a submission after the newest one.
func (p *publishing) behind(ctx context.Context, newest Submission, found bool) (publishObservation, error) {
	if !found || !newest.Status().Stage.Pending() {
		p.state.after, p.doubt = mark(newest, found), false
		return p.pending(PublishStatus{Phase: PhaseSubmitting}, soon), nil
	}
	waiting := PublishStatus{Phase: PhaseWaiting, Submission: newest}
	switch p.state.request.InFlight {
	case InFlightTakeOver:
		p.state.submission = newest.ID
		return p.pending(PublishStatus{Phase: PhasePreview, Submission: newest}, soon), nil
	case InFlightWait:
		return p.pending(waiting, 0), nil
	case InFlightCancel:
		return p.makeWay(ctx, waiting)
	default:
		return p.fail(waiting, "another submission is in flight; wait for it, take it over or cancel it (PublishRequest.InFlight)",
			partnercenter.ErrConflict, partnercenter.ResponseMeta{}), nil
	}
}

// makeWay cancels the submission in flight. The next poll sees whether it has gone.
func (p *publishing) makeWay(ctx context.Context, s PublishStatus) (publishObservation, error) {
	id := s.Submission.ID
	switch {
	case p.cancelled == id:
		return p.pending(s, 0), nil
	case !s.Submission.Status().CanCancel:
		return p.fail(s, "the submission in flight can no longer be cancelled", partnercenter.ErrConflict, partnercenter.ResponseMeta{}), nil
	}
	var meta partnercenter.ResponseMeta
	err := p.scope.Submissions().Cancel(ctx, id, p.with(&meta)...)
	if err != nil && !errors.Is(err, partnercenter.ErrNotFound) {
		if refusal(err) {
			return p.fail(s, "the submission in flight could not be cancelled", err, meta), nil
		}
		return publishObservation{}, err
	}
	p.cancelled = id
	s.Changes = append(s.Changes, "cancelled submission "+id)
	return p.pending(s, soon), nil
}

func (p *publishing) with(meta *partnercenter.ResponseMeta) []partnercenter.CallOption {
	return append(slices.Clip(p.opts), partnercenter.WithResponse(meta))
}

// refusal reports whether the service has judged a request and found it wrong, so
// that asking again is useless.
func refusal(err error) bool {
	e, ok := errors.AsType[*partnercenter.Error](err)
	return ok && e.StatusCode/100 == 4 && e.StatusCode != http.StatusTooManyRequests && e.StatusCode != http.StatusRequestTimeout
}

// submit asks for the submission. When it may have been asked for before, the
// service is looked through first: what is newer than all that was there is the
// publication's own.
func (p *publishing) submit(ctx context.Context) (publishObservation, error) {
	if p.doubt {
		found, o, err := p.adopt(ctx)
		if found || err != nil {
			return o, err
		}
		if p.accepted {
			if p.looks++; p.looks < maxLooks {
				return p.pending(PublishStatus{Phase: PhaseSubmitting}, 0), nil
			}
			return p.fail(PublishStatus{Phase: PhaseSubmitting}, "the service has accepted the submission but does not list it", nil, partnercenter.ResponseMeta{}), nil
		}
	}
	plan, err := p.build(ctx)
	if err != nil {
		return publishObservation{}, err
	}
	var meta partnercenter.ResponseMeta
	made, err := p.scope.Submissions().Create(ctx, plan.Request, p.with(&meta)...)
	switch {
	case err == nil:
		return p.submitted(made), nil
	case meta.StatusCode/100 == 2: // made, but the answer does not say under which id
		p.doubt, p.accepted = true, true
		return p.pending(PublishStatus{Phase: PhaseSubmitting}, soon), nil
	case errors.Is(err, partnercenter.ErrConflict):
		return p.overtaken(ctx, err, meta)
	case refusal(err):
		return p.fail(PublishStatus{Phase: PhaseSubmitting}, "the service refused the submission", err, meta), nil
	default: // a 503, or no answer: it may have been made
		p.doubt = true
		return publishObservation{}, err
	}
}

func (p *publishing) submitted(s Submission) publishObservation {
	p.state.submission, p.doubt = s.ID, false
	return p.pending(PublishStatus{Phase: PhasePreview, Submission: s, Changes: []string{"submitted"}}, 0)
}

// adopt looks for a submission that is newer than those that were there before.
func (p *publishing) adopt(ctx context.Context) (bool, publishObservation, error) {
	before, err := parseMark(p.state.after)
	if err != nil {
		return false, publishObservation{}, err
	}
	newest, found, err := p.latest(ctx)
	if err != nil || !found || !later(newest, before) {
		return false, publishObservation{}, err
	}
	return true, p.submitted(newest), nil
}

// overtaken deals with a submission that is refused because there is another one:
// the publication's own, if it was in doubt, or somebody else's.
func (p *publishing) overtaken(ctx context.Context, refused error, meta partnercenter.ResponseMeta) (publishObservation, error) {
	before, err := parseMark(p.state.after)
	if err != nil {
		return publishObservation{}, err
	}
	newest, found, err := p.latest(ctx)
	s := PublishStatus{Phase: PhaseSubmitting}
	switch isNew := found && later(newest, before); {
	case err != nil:
		return publishObservation{}, err
	case isNew && p.doubt:
		return p.submitted(newest), nil
	case !isNew && p.doubt && p.unseen < maxMissing: // its own may take a moment to appear
		p.unseen++
		s.Incomplete = refused
		return p.pending(s, 0), nil
	case !isNew && (!found || !newest.Status().Stage.Pending()):
		return p.fail(s, "the service refused the submission", refused, meta), nil
	}
	// Somebody was faster, with a submission or with the promotion of the last one:
	// begin again with what is there now. Without another look, so that no token is
	// left by which the other one would be taken for this publication's own.
	p.state.after = ""
	return p.behind(ctx, newest, found)
}

// follow looks how far the submission is.
func (p *publishing) follow(ctx context.Context) (publishObservation, error) {
	id := p.state.submission
	var meta partnercenter.ResponseMeta
	submission, err := p.scope.Submissions().Get(ctx, id, p.with(&meta)...)
	if errors.Is(err, partnercenter.ErrNotFound) {
		s := p.last
		s.Phase, s.Submission.ID, s.Changes = PhasePreview, id, nil
		if p.missing++; p.missing <= maxMissing { // a new one may take a moment to appear
			s.Incomplete = err
			return p.pending(s, 0), nil
		}
		return p.fail(s, "the submission is not there any more; somebody has cancelled it", err, meta), nil
	}
	if err != nil {
		return publishObservation{}, err
	}
	if submission.ID == "" {
		submission.ID = id
	}
	p.missing = 0
	s := p.look(ctx, submission)
	return p.judge(ctx, s, meta)
}

// look adds what the service says beside the submission itself. It decides about
// failures but never about success, so that it may be incomplete.
func (p *publishing) look(ctx context.Context, submission Submission) PublishStatus {
	s := PublishStatus{Phase: PhasePreview, Submission: submission, Workflow: p.last.Workflow, Validations: p.last.Validations, Reports: p.last.Reports}
	if p.state.promoted || submission.Status().Stage == StageGoingLive {
		s.Phase = PhaseLive
	}
	all := p.scope.Submissions()
	s.Incomplete = errors.Join(
		refresh(ctx, all.WorkflowDetails(submission.ID), &s.Workflow, p.opts),
		refresh(ctx, all.Validations(submission.ID), &s.Validations, p.opts),
		refresh(ctx, all.Reports(submission.ID), &s.Reports, p.opts),
	)
	scrub(&s)
	return s
}

func refresh[E any](ctx context.Context, l Lister[E], to *[]E, opts []partnercenter.CallOption) error {
	var fresh []E
	for item, err := range l.All(ctx, opts...) {
		if err != nil {
			return err
		}
		fresh = append(fresh, item)
	}
	*to = fresh
	return nil
}

// judge decides what a look means. Success is a submission that is in preview or
// live by its own states, and nothing else.
func (p *publishing) judge(ctx context.Context, s PublishStatus, meta partnercenter.ResponseMeta) (publishObservation, error) {
	status := s.Submission.Status()
	if status.Stage.Failed() {
		reason := "" // other than the states, which are told anyway
		if u := s.Submission.PendingUpdate; u != nil {
			reason = u.FailureReason
		}
		return p.fail(s, reason, nil, meta), nil
	}
	if step := p.brokenStep(s); step != "" {
		return p.fail(s, step, nil, meta), nil
	}
	live := p.state.request.Goal == GoalLive
	switch {
	case status.Stage == StageLive, status.Stage == StagePreview && !live:
		s.Phase = PhaseDone
		return p.observe(s, partnercenter.Succeeded, 0), nil
	case status.Stage == StagePreview && !p.state.promoted:
		return p.promote(ctx, s)
	default:
		return p.pending(s, 0), nil
	}
}

// brokenStep describes a step that failed on the way, while the submission itself
// does not say so (yet). The way to live counts once it has been taken.
func (p *publishing) brokenStep(s PublishStatus) string {
	for _, w := range s.Workflow {
		if equalAny(w.TargetEnvironment, environmentLive) && (s.Phase != PhaseLive || fingerprint(w) == p.state.stale) {
			continue
		}
		if broken(w) {
			return fmt.Sprintf("a step on the way to %s failed", w.TargetEnvironment)
		}
	}
	return ""
}

// environmentLive is the target of the second half of a workflow.
const environmentLive = "Live"

func broken(w WorkflowDetail) bool {
	return w.State.Failed() || slices.ContainsFunc(w.Steps, func(s WorkflowStep) bool { return s.State.Failed() })
}

// fingerprint tells one run of a workflow from another.
func fingerprint(w WorkflowDetail) string {
	return string(w.State) + " " + w.Started.UTC().Format(time.RFC3339Nano) + " " + w.Completed.UTC().Format(time.RFC3339Nano)
}

// failedStep names the step that failed or, if none says so, that was under way.
func failedStep(workflow []WorkflowDetail) string {
	running := ""
	for _, w := range workflow {
		for _, step := range w.Steps {
			if step.State.Failed() {
				return step.Name
			}
			if running == "" && equalAny(string(step.State), string(WorkflowInProgress)) {
				running = step.Name
			}
		}
	}
	return running
}

// promote takes the preview live. What became of a request without a clear answer
// shows at the next look.
func (p *publishing) promote(ctx context.Context, s PublishStatus) (publishObservation, error) {
	for _, w := range s.Workflow {
		if equalAny(w.TargetEnvironment, environmentLive) && broken(w) {
			p.state.stale = fingerprint(w)
		}
	}
	var meta partnercenter.ResponseMeta
	_, err := p.scope.Submissions().Promote(ctx, s.Submission.ID, p.with(&meta)...)
	switch {
	case err == nil:
		p.state.promoted = true
		s.Phase = PhaseLive
		s.Changes = append(s.Changes, "the preview is there; promoted to live")
		return p.pending(s, 0), nil
	case errors.Is(err, partnercenter.ErrConflict): // on its way already, or not ready yet
		if p.refusals++; p.refusals < maxRefusals {
			s.Incomplete = errors.Join(s.Incomplete, err)
			return p.pending(s, 0), nil
		}
		fallthrough
	case refusal(err):
		return p.fail(s, "the preview is there, but the service refused to promote it", err, meta), nil
	default:
		return publishObservation{}, err
	}
}
