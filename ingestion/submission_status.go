package ingestion

import "strings"

// SubmissionState is the first half of where a submission stands. More states may
// appear.
type SubmissionState string

// States of a submission.
const (
	// StateInProgress: on its way to preview, or failed there.
	StateInProgress SubmissionState = "InProgress"
	// StatePublished: in preview or beyond.
	StatePublished SubmissionState = "Published"
	// StateCancelled: cancelled. Products of the Store know it.
	StateCancelled SubmissionState = "Cancelled"
)

// SubmissionSubstate is the second half of where a submission stands. More may
// appear.
type SubmissionSubstate string

// Substates of a submission.
const (
	// SubstateInDraft: being put together.
	SubstateInDraft SubmissionSubstate = "InDraft"
	// SubstateSubmitted: being validated, preview being made.
	SubstateSubmitted SubmissionSubstate = "Submitted"
	// SubstateFailed: failed.
	SubstateFailed SubmissionSubstate = "Failed"
	// SubstateFailedInCertification: not certified.
	SubstateFailedInCertification SubmissionSubstate = "FailedInCertification"
	// SubstateReadyToPublish: the preview is there.
	SubstateReadyToPublish SubmissionSubstate = "ReadyToPublish"
	// SubstatePublishing: being certified and taken live.
	SubstatePublishing SubmissionSubstate = "Publishing"
	// SubstatePublished: published. Products of the Store know it.
	SubstatePublished SubmissionSubstate = "Published"
	// SubstateInStore: live.
	SubstateInStore SubmissionSubstate = "InStore"
	// SubstateCancelled: cancelled. Products of the Store know it.
	SubstateCancelled SubmissionSubstate = "Cancelled"
)

// Stage is what the states of a submission mean to its publisher.
type Stage int

// Stages of a submission.
const (
	// StageUnknown: a combination of states that this package does not know. Treat
	// it as under way, and show it.
	StageUnknown Stage = iota
	// StagePreparing: the service copies the drafts.
	StagePreparing
	// StageRunning: the service validates, and makes the preview.
	StageRunning
	// StagePreview: the preview is there and waits to be promoted or superseded.
	StagePreview
	// StageGoingLive: the service certifies and publishes.
	StageGoingLive
	// StageLive: customers can buy it.
	StageLive
	// StagePublished: published, a state that has only been seen with products of
	// the Store. It is not taken for live.
	StagePublished
	// StageFailed: failed. What was published before is not affected.
	StageFailed
	// StageCancelled: cancelled.
	StageCancelled
)

// String returns the stage in lower case, for messages.
func (s Stage) String() string {
	switch s {
	case StagePreparing:
		return "preparing"
	case StageRunning:
		return "running"
	case StagePreview:
		return "preview"
	case StageGoingLive:
		return "going live"
	case StageLive:
		return "live"
	case StagePublished:
		return "published"
	case StageFailed:
		return "failed"
	case StageCancelled:
		return "cancelled"
	default:
		return "unknown"
	}
}

// Pending reports whether the service still works on the submission, as far as can
// be told. A preview that waits for the publisher is not pending.
func (s Stage) Pending() bool {
	switch s {
	case StageUnknown, StagePreparing, StageRunning, StageGoingLive:
		return true
	default:
		return false
	}
}

// Failed reports whether the submission has ended without being published.
func (s Stage) Failed() bool { return s == StageFailed || s == StageCancelled }

// SubmissionStatus is what a submission's fields mean.
type SubmissionStatus struct {
	// Stage is where the submission stands.
	Stage Stage
	// CanCancel says that [Submissions.Cancel] is allowed.
	CanCancel bool
	// CanReplace says that a new submission is allowed.
	CanReplace bool
	// CanPromote says that [Submissions.Promote] is allowed.
	CanPromote bool
	// Reason is why the submission failed, as far as the submission itself says.
	// [Submissions.Validations] often says more.
	Reason string
}

// Status works out what the submission's state, substate and pending update mean.
// It asks nobody: the result is as old as the submission.
//
// Success is told by states that are known to mean it, and by nothing else. An
// update that failed makes the submission failed, and one that is under way keeps
// it pending, whatever the states say.
func (s Submission) Status() SubmissionStatus {
	status := s.byState()
	if s.PendingUpdate == nil || status.Stage.Failed() {
		status.Reason = s.reason(status.Stage)
		return status
	}
	switch update := string(s.PendingUpdate.Status); {
	case equalAny(update, string(UpdateFailed)):
		status.Stage = StageFailed
	case equalAny(update, string(UpdateCancelled)) && status.Stage.Pending() && status.Stage != StageGoingLive:
		status.Stage = StageCancelled
	case update == "" || equalAny(update, string(UpdateCompleted), string(UpdateCancelled)):
	case status.Stage.Pending(): // under way, or a status that is not known
	case equalAny(update, string(UpdateRunning), string(UpdatePendingConfirmation)):
		status = s.underWay()
	default:
		status = SubmissionStatus{Stage: StageUnknown}
	}
	status.Reason = s.reason(status.Stage)
	return status
}

// byState goes by state and substate alone.
func (s Submission) byState() SubmissionStatus {
	is := func(state SubmissionState, substate SubmissionSubstate) bool {
		return equalAny(string(s.State), string(state)) && equalAny(string(s.Substate), string(substate))
	}
	switch {
	case equalAny(string(s.State), string(StateCancelled)), equalAny(string(s.Substate), string(SubstateCancelled)):
		return SubmissionStatus{Stage: StageCancelled, CanReplace: true}
	case is(StateInProgress, SubstateInDraft):
		return SubmissionStatus{Stage: StagePreparing, CanCancel: true}
	case is(StateInProgress, SubstateSubmitted):
		return SubmissionStatus{Stage: StageRunning, CanCancel: true}
	case is(StateInProgress, SubstateFailed), is(StateInProgress, SubstateFailedInCertification):
		return SubmissionStatus{Stage: StageFailed, CanCancel: true, CanReplace: true}
	case equalAny(string(s.Substate), string(SubstateFailed), string(SubstateFailedInCertification)):
		return SubmissionStatus{Stage: StageFailed, CanReplace: true}
	case is(StatePublished, SubstateReadyToPublish):
		return SubmissionStatus{Stage: StagePreview, CanReplace: true, CanPromote: true}
	case is(StatePublished, SubstatePublishing):
		return SubmissionStatus{Stage: StageGoingLive}
	case is(StatePublished, SubstatePublished):
		return SubmissionStatus{Stage: StagePublished, CanReplace: true}
	case is(StatePublished, SubstateInStore):
		return SubmissionStatus{Stage: StageLive, CanReplace: true}
	case equalAny(string(s.State), string(StateInProgress)):
		// A step that is not known; a submission in progress can be cancelled.
		return SubmissionStatus{Stage: StageUnknown, CanCancel: true}
	default:
		return SubmissionStatus{Stage: StageUnknown}
	}
}

// underWay is the status of a submission whose states say that it has arrived,
// while the service is still at work on it.
func (s Submission) underWay() SubmissionStatus {
	if equalAny(string(s.PendingUpdate.UpdateType), string(UpdatePromote)) {
		return SubmissionStatus{Stage: StageGoingLive}
	}
	return SubmissionStatus{Stage: StageRunning}
}

// reason says why a submission failed, as far as its own fields do.
func (s Submission) reason(stage Stage) string {
	if !stage.Failed() {
		return ""
	}
	if s.PendingUpdate != nil && s.PendingUpdate.FailureReason != "" {
		return s.PendingUpdate.FailureReason
	}
	return strings.TrimSpace(string(s.State) + " " + string(s.Substate))
}

// equalAny compares without regard to case, which the service has changed before.
func equalAny(s string, list ...string) bool {
	for _, other := range list {
		if strings.EqualFold(s, other) {
			return true
		}
	}
	return false
}
