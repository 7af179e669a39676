package pctest

import (
	"slices"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/ingestion"
)

// SubmissionScript is the story of one submission. The zero value changes nothing.
type SubmissionScript struct {
	// ProductID restricts the script to a product, by its GUID. Default: any.
	ProductID string
	// ToPreview is what happens until the submission is in preview, one step after
	// the other; the last lasts for ever. Default: [IngestionBehavior].ToPreview.
	ToPreview []SubmissionStep
	// ToLive is likewise what happens after it was promoted. Default:
	// [IngestionBehavior].ToLive.
	ToLive []SubmissionStep
	// Findings are what the validation has found from the start.
	Findings []Finding
}

func (s SubmissionScript) internal() ingestion.Script {
	return ingestion.Script{
		ProductID: s.ProductID, Steps: submissionSteps(s.ToPreview), LiveSteps: submissionSteps(s.ToLive), Findings: internalFindings(s.Findings),
	}
}

// Finding is something that a validation has found.
type Finding struct {
	// Code is the errorCode, for example "Resell-20007".
	Code string
	// Severity is "Informational", "Warning" or "Error".
	Severity string
	// Message says what it is, Resource what it is about.
	Message, Resource string
}

// PackageScript is what will happen to one package after its file was uploaded. The
// zero value changes nothing.
type PackageScript struct {
	// FileName restricts the script to packages of that name. Default: any.
	FileName string
	// QueueTime is how long it waits, ProcessingTime how long it is looked at.
	// Nil: [IngestionBehavior].
	QueueTime, ProcessingTime *time.Duration
	// Failures end it in ProcessFailed, with these as its validation items.
	Failures []Finding
}

func (s PackageScript) internal() ingestion.PackageScript {
	return ingestion.PackageScript{FileName: s.FileName, Queue: s.QueueTime, Time: s.ProcessingTime, Failures: internalFindings(s.Failures)}
}

func internalFindings(list []Finding) []ingestion.Finding {
	out := make([]ingestion.Finding, len(list))
	for i, f := range list {
		out[i] = ingestion.Finding(f)
	}
	return out
}

// SubmissionStep is a stage in the life of a submission. [SubmissionStep.For] and
// [SubmissionStep.Polls] say how long it lasts; without, it is over at once, unless
// it is the last. It is a value that its methods do not change, and safe for
// concurrent use.
type SubmissionStep struct{ s ingestion.Step }

// InDraft copies the drafts: InProgress, InDraft.
func InDraft() SubmissionStep { return SubmissionStep{ingestion.Prepare(0)} }

// Validating is the first step on the way to preview, the automated validation:
// InProgress, Submitted.
func Validating() SubmissionStep {
	return SubmissionStep{ingestion.Run(ingestion.PhaseValidation, 0)}
}

// CreatingPreview is the second.
func CreatingPreview() SubmissionStep {
	return SubmissionStep{ingestion.Run(ingestion.PhasePreview, 0)}
}

// SigningOff is the third.
func SigningOff() SubmissionStep { return SubmissionStep{ingestion.Run(ingestion.PhaseSignoff, 0)} }

// InPreview waits to be promoted: Published, ReadyToPublish.
func InPreview() SubmissionStep { return SubmissionStep{ingestion.Ready()} }

// Certifying is the first step on the way to live: Published, Publishing.
func Certifying() SubmissionStep {
	return SubmissionStep{ingestion.Run(ingestion.PhaseCertification, 0)}
}

// GoingLive is the second.
func GoingLive() SubmissionStep { return SubmissionStep{ingestion.Run(ingestion.PhasePublish, 0)} }

// InStore is live: Published, InStore.
func InStore() SubmissionStep { return SubmissionStep{ingestion.Live()} }

// ValidationFailed has failed in the automated validation, with what was found:
// InProgress, Failed.
func ValidationFailed(found ...Finding) SubmissionStep {
	return SubmissionStep{ingestion.Fail(ingestion.PhaseValidation, internalFindings(found)...)}
}

// PreviewFailed has failed while the preview was made: InProgress, Failed.
func PreviewFailed(found ...Finding) SubmissionStep {
	return SubmissionStep{ingestion.Fail(ingestion.PhasePreview, internalFindings(found)...)}
}

// CertificationFailed was not certified: FailedInCertification, with a report. That
// the state is InProgress is the fake's choice.
func CertificationFailed(found ...Finding) SubmissionStep {
	return SubmissionStep{ingestion.Fail(ingestion.PhaseCertification, internalFindings(found)...)}
}

// Shows shows any state and substate, also ones that no documentation knows.
func Shows(state, substate string) SubmissionStep {
	return SubmissionStep{ingestion.Step{State: state, Substate: substate}}
}

// For lets the step last for a time.
func (s SubmissionStep) For(d time.Duration) SubmissionStep {
	s.s.For = max(d, 0)
	return s
}

// Polls lets the step last until it has been seen that often, in the submission
// itself or in a list of submissions.
func (s SubmissionStep) Polls(n int) SubmissionStep {
	s.s.Polls = max(n, 0)
	return s
}

// Update sets the step's pendingUpdateInfo: what is done, for example "Promote", how
// far it is, for example "Failed", and why. Empty texts stand for Create, Completed
// and no reason.
func (s SubmissionStep) Update(updateType, status, reason string) SubmissionStep {
	s.s.UpdateType, s.s.UpdateStatus, s.s.Reason = updateType, status, reason
	return s
}

// Found adds what the validation has found from this step on.
func (s SubmissionStep) Found(found ...Finding) SubmissionStep {
	s.s.Findings = append(slices.Clip(s.s.Findings), internalFindings(found)...)
	return s
}

func submissionSteps(steps []SubmissionStep) []ingestion.Step {
	out := make([]ingestion.Step, len(steps))
	for i, s := range steps {
		out[i] = s.s
	}
	return out
}

func submissionStepsOf(steps []ingestion.Step) []SubmissionStep {
	out := make([]SubmissionStep, len(steps))
	for i, s := range steps {
		out[i] = SubmissionStep{s}
	}
	return out
}
