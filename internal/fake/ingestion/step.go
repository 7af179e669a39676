package ingestion

import (
	"fmt"
	"strings"
	"time"
)

// States and substates of a submission.
const (
	inProgress = "InProgress"
	published  = "Published"
	cancelled  = "Cancelled"

	inDraft               = "InDraft"
	submitted             = "Submitted"
	failed                = "Failed"
	failedInCertification = "FailedInCertification"
	readyToPublish        = "ReadyToPublish"
	publishing            = "Publishing"
	inStore               = "InStore"
)

// Phase is a step of the workflow.
type Phase int

// The phases, in their order. The first three lead to preview, the others to live.
const (
	PhaseNone Phase = iota
	PhaseValidation
	PhasePreview
	PhaseSignoff
	PhaseCertification
	PhasePublish
)

const lastPhase = PhasePublish

// String is the name of the phase on the wire.
func (p Phase) String() string {
	switch p {
	case PhaseValidation:
		return "Automated validation"
	case PhasePreview:
		return "Preview Creation"
	case PhaseSignoff:
		return "Publisher Signoff"
	case PhaseCertification:
		return "Certification"
	case PhasePublish:
		return "Publish"
	default:
		return ""
	}
}

// Step is a stage in the life of a submission. It lasts for a time or for a number
// of looks at the submission; as the last step, for ever.
type Step struct {
	State    string `json:"state"`
	Substate string `json:"substate"`
	// Phase is the step of the workflow that is under way, or has failed.
	Phase Phase `json:"phase"`
	// UpdateType and UpdateStatus are shown as pendingUpdateInfo, empty ones as
	// Create and Completed.
	UpdateType   string `json:"updateType"`
	UpdateStatus string `json:"updateStatus"`
	// Reason is why the update failed.
	Reason string `json:"reason"`
	// Findings are what the validation has found, from this step on.
	Findings []Finding `json:"findings"`
	// For is how long it lasts, Polls for how many looks; For wins.
	For   time.Duration `json:"for"`
	Polls int           `json:"polls"`
}

// Prepare copies the drafts.
func Prepare(d time.Duration) Step {
	return Step{State: inProgress, Substate: inDraft, UpdateStatus: "Running", For: d}
}

// Run is at work on a phase.
func Run(p Phase, d time.Duration) Step {
	if p >= PhaseCertification {
		return Step{State: published, Substate: publishing, Phase: p, For: d}
	}
	return Step{State: inProgress, Substate: submitted, Phase: p, For: d}
}

// Ready is in preview.
func Ready() Step { return Step{State: published, Substate: readyToPublish} }

// Live is live.
func Live() Step { return Step{State: published, Substate: inStore} }

// Fail has failed in a phase. That a failed certification goes with the state
// InProgress is the fake's choice.
func Fail(p Phase, f ...Finding) Step {
	if p == PhaseCertification {
		return Step{State: inProgress, Substate: failedInCertification, Phase: p, Findings: f}
	}
	return Step{State: inProgress, Substate: failed, Phase: p, Findings: f}
}

func (s *Step) is(state string, substates ...string) bool {
	if !strings.EqualFold(s.State, state) {
		return false
	}
	for _, sub := range substates {
		if strings.EqualFold(s.Substate, sub) {
			return true
		}
	}
	return len(substates) == 0
}

// broken reports whether the step is one of failure.
func (s *Step) broken() bool {
	return s.is(s.State, failed, failedInCertification, cancelled) || s.is(cancelled) || strings.EqualFold(s.UpdateStatus, "Failed")
}

func checkSteps(steps []Step) error {
	for i := range steps {
		switch s := &steps[i]; {
		case s.Polls < 0 || s.For < 0:
			return fmt.Errorf("ingestion: step %d of the submission (%s/%s) lasts a negative number of polls or time", i+1, s.State, s.Substate)
		case s.Phase < PhaseNone || s.Phase > lastPhase:
			return fmt.Errorf("ingestion: step %d of the submission has the phase %d, which there is not", i+1, s.Phase)
		}
	}
	return nil
}

// Finding is an item of a validation.
type Finding struct {
	Code     string `json:"errorCode"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Resource string `json:"resource"`
}

func (f Finding) object() object {
	return build("errorCode", f.Code, "severity", f.Severity, "message", f.Message, "resource", f.Resource)
}

func findings(list []Finding) []object {
	out := make([]object, len(list))
	for i, f := range list {
		out[i] = f.object()
	}
	return out
}
