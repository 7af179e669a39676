package ingestion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/redact"
)

// PublishPhase is what a publication is doing.
type PublishPhase string

// What a publication is doing, in this order.
const (
	// PhaseWaiting: it waits for another submission to end.
	PhaseWaiting PublishPhase = "waiting"
	// PhaseSubmitting: it gathers the drafts and submits them.
	PhaseSubmitting PublishPhase = "submitting"
	// PhasePreview: the service validates, and makes the preview.
	PhasePreview PublishPhase = "preview"
	// PhaseLive: the preview is promoted; the service certifies and publishes.
	PhaseLive PublishPhase = "live"
	// PhaseDone: the goal is reached.
	PhaseDone PublishPhase = "done"
)

// PublishStatus is where a publication stands. What the service says in words has
// been freed of what looks like a secret.
type PublishStatus struct {
	// Phase is what the publication is doing.
	Phase PublishPhase `json:"phase"`
	// Submission is the publication's own; in [PhaseWaiting] the one that it waits
	// for. Its ID is empty as long as there is none.
	Submission Submission `json:"submission"`
	// Stage is what the states of Submission mean.
	Stage Stage `json:"-"`
	// Workflow is the steps to preview and to live.
	Workflow []WorkflowDetail `json:"workflow,omitempty"`
	// Validations is what the service found wrong, or worth saying.
	Validations []ValidationItem `json:"validations,omitempty"`
	// Reports are the reports of the certification.
	Reports []CertificationReport `json:"reports,omitempty"`
	// Incomplete says why Workflow, Validations or Reports could not be read; they
	// are as old as the last look that could. Nil if they are fresh.
	Incomplete error `json:"-"`
	// Changes says what is new since the look before, one line for each thing, for
	// people.
	Changes []string `json:"changes,omitempty"`
}

// text is the status in a few words.
func (s PublishStatus) text() string {
	if s.Phase == PhaseSubmitting {
		return string(s.Phase)
	}
	words := stateOf(s.Submission)
	if s.Phase == PhaseWaiting {
		return "waiting for submission " + s.Submission.ID + " (" + words + ")"
	}
	return words
}

// stateOf is the service's words for where a submission stands. An update is among them
// when it is what counts: a preview that is not done, or not good, must not read as one.
func stateOf(s Submission) string {
	words := strings.TrimSpace(string(s.State) + " " + string(s.Substate))
	if words == "" {
		words = "no state yet"
	}
	if u := s.PendingUpdate; u != nil && s.Status().Stage != s.byState().Stage {
		words += ", update " + strings.TrimSpace(string(u.UpdateType)+" "+string(u.Status))
	}
	return words
}

// changes compares two looks.
func (s PublishStatus) changes(before PublishStatus) []string {
	var lines []string
	if s.Submission.ID != before.Submission.ID || stateOf(s.Submission) != stateOf(before.Submission) || s.Stage != before.Stage {
		if s.Submission.ID != "" {
			line := fmt.Sprintf("submission %s: %s", s.Submission.ID, stateOf(s.Submission))
			if s.Stage == StageUnknown && s.Submission.State != "" {
				line += " (a state that is not known; waiting on)"
			}
			lines = append(lines, line)
		}
	}
	if s.Submission.ID != before.Submission.ID {
		before = PublishStatus{}
	}
	old := map[string]bool{}
	before.each(func(line string) { old[line] = true })
	s.each(func(line string) {
		if !old[line] {
			old[line] = true
			lines = append(lines, line)
		}
	})
	return lines
}

// each describes steps, findings and reports.
func (s PublishStatus) each(yield func(string)) {
	for _, w := range s.Workflow {
		for _, step := range w.Steps {
			if step.State != "" && !equalAny(string(step.State), string(WorkflowNotStarted)) {
				yield(fmt.Sprintf("%s: %s: %s", w.TargetEnvironment, step.Name, step.State))
			}
		}
	}
	for _, f := range findingsOf(s.Validations, s.Reports) {
		yield(f.String())
	}
}

// scrub frees the texts of a look from what looks like a secret. It works on copies:
// what could not be read anew belongs to a look that others have already.
func scrub(s *PublishStatus) {
	s.Submission = scrubbed(s.Submission)
	s.Workflow, s.Validations = slices.Clone(s.Workflow), slices.Clone(s.Validations)
	for i := range s.Workflow {
		w := &s.Workflow[i]
		w.TargetEnvironment = redact.Text(w.TargetEnvironment)
		w.Steps = slices.Clone(w.Steps)
		for j := range w.Steps {
			w.Steps[j].Name, w.Steps[j].State = redact.Text(w.Steps[j].Name), WorkflowState(redact.Text(string(w.Steps[j].State)))
		}
	}
	for i := range s.Validations {
		v := &s.Validations[i]
		v.ErrorCode, v.Message, v.Resource = redact.Text(v.ErrorCode), redact.Text(v.Message), redact.Text(v.Resource)
	}
}

func scrubbed(s Submission) Submission {
	if s.PendingUpdate != nil {
		u := *s.PendingUpdate
		u.Href, u.FailureReason = redact.Text(u.Href), redact.Text(u.FailureReason)
		s.PendingUpdate = &u
	}
	return s
}

// when writes a time for people.
func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
