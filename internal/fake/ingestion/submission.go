package ingestion

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// submissionBase is where the numbers of submissions begin.
const submissionBase = 1_152_921_505_000_000_000

// submission is an attempt to publish. The exported fields are what a snapshot
// keeps.
type submission struct {
	ID        string             `json:"id"`
	Release   int                `json:"release"`
	Targets   []object           `json:"targets"`
	Resources []object           `json:"resources"`
	Variants  []object           `json:"variants"`
	Option    object             `json:"option"`
	Extended  []object           `json:"extended"`
	Steps     []Step             `json:"steps"`
	LiveSteps []Step             `json:"liveSteps"`
	Step      int                `json:"step"`
	Seen      int                `json:"seen"` // looks at the step
	Since     time.Time          `json:"since"`
	Promoted  bool               `json:"promoted"`
	Published time.Time          `json:"published"`
	Phases    [lastPhase]passage `json:"phases"`
	Findings  []Finding          `json:"findings"`
	Reports   []Report           `json:"reports"`
}

// passage is how a phase went.
type passage struct {
	State string    `json:"state"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Report is the report of a certification.
type Report struct {
	Time   time.Time `json:"time"`
	Status string    `json:"status"`
}

// Script is the story of one submission.
type Script struct {
	// ProductID restricts the script to submissions of that product; empty means
	// any.
	ProductID string
	// Steps lead to preview, LiveSteps from there to live; none means those of
	// [Settings].
	Steps, LiveSteps []Step
	// Findings are what the validation has found.
	Findings []Finding
}

func (s *submission) now() *Step { return &s.Steps[s.Step] }

// active reports whether a submission is in the way of another.
func (s *submission) active() bool {
	step := s.now()
	switch {
	case step.broken():
		return false
	case step.is(inProgress):
		return true
	default:
		return step.is(published, publishing)
	}
}

// published reports whether the submission has reached preview or more.
func (s *submission) published() bool { return !s.Published.IsZero() }

// advance moves the submission to where it stands now.
func (s *submission) advance(srv *Server, now time.Time) { s.look(srv, now, false) }

// look is advance for somebody who looks at the submission, which uses up steps
// that last for a number of looks.
func (s *submission) look(srv *Server, now time.Time, poll bool) {
	for s.Step < len(s.Steps)-1 {
		step := s.now()
		at := now
		switch {
		case step.For > 0:
			if at = s.Since.Add(step.For); now.Before(at) {
				return
			}
		case step.Polls > 0:
			if !poll || s.Seen < step.Polls {
				s.count(poll)
				return
			}
		}
		s.Step, s.Seen, s.Since = s.Step+1, 0, at
		s.entered(srv)
	}
	s.count(poll)
}

func (s *submission) count(poll bool) {
	if poll {
		s.Seen++
	}
}

// entered notes what the step that has just begun means for the workflow.
func (s *submission) entered(srv *Server) {
	step, at := s.now(), s.Since
	s.Findings = append(s.Findings, step.Findings...)
	switch {
	case step.broken():
		phase := step.Phase
		if phase == PhaseNone {
			phase = s.running()
		}
		s.pass(phase-1, at)
		s.enter(phase, failed, at)
		if step.is(step.State, failedInCertification) {
			s.report(failed, at)
		}
	case step.Phase != PhaseNone:
		s.pass(step.Phase-1, at)
		s.enter(step.Phase, inProgress, at)
		if step.Phase == PhaseCertification {
			s.report("Pending", at)
		}
	case step.is(published, readyToPublish):
		s.pass(PhaseSignoff, at)
		s.Published = at
		if srv.settings.AutoPromote && s.Option.flag("isAutoPromote") {
			s.promote(at)
		}
	case step.is(published, inStore):
		s.pass(lastPhase, at)
		s.Published = at
	}
	if s.Phases[PhaseCertification-1].State == success {
		s.report("Passed", at)
	}
}

// promote takes the submission towards live.
func (s *submission) promote(at time.Time) {
	s.Promoted = true
	s.Steps = append(slices.Clone(s.Steps[:s.Step+1]), s.LiveSteps...)
	s.Steps[s.Step].For, s.Steps[s.Step].Polls = 0, 0
	s.Since = at
}

// report replaces a pending report, or adds one.
func (s *submission) report(status string, at time.Time) {
	if n := len(s.Reports); n > 0 {
		if s.Reports[n-1].Status == "Pending" {
			s.Reports[n-1] = Report{at, status}
		}
		return
	}
	s.Reports = append(s.Reports, Report{at, status})
}

const (
	notStarted = "NotStarted"
	success    = "Success"
)

// running is the phase that is under way, or the one that comes next.
func (s *submission) running() Phase {
	for p := PhaseValidation; p < lastPhase; p++ {
		if s.Phases[p-1].State != success {
			return p
		}
	}
	return lastPhase
}

// pass completes the phases up to one.
func (s *submission) pass(to Phase, at time.Time) {
	for p := PhaseValidation; p <= to; p++ {
		if s.Phases[p-1].State != success {
			s.enter(p, success, at)
		}
	}
}

func (s *submission) enter(p Phase, state string, at time.Time) {
	f := &s.Phases[p-1]
	if f.Start.IsZero() {
		f.Start = at
	}
	if f.State = state; state != inProgress {
		f.End = at
	}
}

// getSubmissions lists the submissions in no order that means anything: some
// clients take the first for the latest, others the last.
func (s *Server) getSubmissions(x *exchange, p *product) reply {
	keep, err := parseFilter(x.query("$filter"))
	if err != nil {
		return x.invalid(faults{"$filter": {err.Error()}})
	}
	subs := slices.Clone(p.Submissions)
	slices.SortFunc(subs, func(a, b *submission) int {
		if kit.Mix(uint64(a.Release)^s.cfg.Seed) < kit.Mix(uint64(b.Release)^s.cfg.Seed) { //nolint:gosec // positive
			return -1
		}
		return 1
	})
	var list []object
	for _, sub := range subs {
		sub.look(s, x.now, true)
		if o := x.submission(sub); keep(o) {
			list = append(list, o)
		}
	}
	return x.others(list)
}

func (s *Server) getSubmission(x *exchange, _ *product, sub *submission) reply {
	sub.look(s, x.now, true)
	return ok(http.StatusOK, x.submission(sub))
}

// submission shows a submission as it stands.
func (x *exchange) submission(sub *submission) object {
	step := sub.now()
	out := build(
		"resourceType", "Submission", "state", step.State, "substate", step.Substate,
		"targets", sub.Targets, "resources", sub.Resources, "variantResources", sub.Variants,
	)
	if sub.Option != nil && x.asksFor("PublishOption") {
		out.set("publishOption", sub.Option)
	}
	when := "1601-01-01T00:00:00Z"
	if sub.published() {
		when = sub.Published.UTC().Format("2006-01-02T15:04:05.0000000Z")
	}
	out.set("publishedTimeInUtc", when)
	update := build("updateType", orElse(step.UpdateType, "Create"), "status", orElse(step.UpdateStatus, "Completed"))
	if step.Reason != "" {
		update.set("failureReason", step.Reason)
	}
	out.set("pendingUpdateInfo", update)
	if len(sub.Extended) > 0 {
		out.set("extendedProperties", sub.Extended)
	}
	out.set("releaseNumber", sub.Release)
	out.set("friendlyName", "Submission "+strconv.Itoa(sub.Release))
	out.set("areResourcesReady", !step.is(inProgress, inDraft))
	out.set("id", sub.ID)
	return out
}

// asksFor reports whether $expand names something.
func (x *exchange) asksFor(name string) bool {
	for asked := range strings.SplitSeq(x.query("$expand"), ",") {
		if strings.EqualFold(strings.TrimSpace(asked), name) {
			return true
		}
	}
	return false
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// deleteSubmission cancels a submission in progress, or removes one that failed.
func (s *Server) deleteSubmission(x *exchange, p *product, sub *submission) reply {
	sub.advance(s, x.now)
	if !sub.now().is(inProgress) {
		return x.conflict("Delete submission failed, the submission is not in progress.")
	}
	if !x.settings.KeepCancelled {
		p.Submissions = slices.DeleteFunc(p.Submissions, func(o *submission) bool { return o == sub })
		return noContent()
	}
	sub.finish(Step{State: cancelled, Substate: cancelled, UpdateStatus: cancelled}, s, x.now)
	return noContent()
}

// finish puts the submission into a last step of its own.
func (s *submission) finish(step Step, srv *Server, now time.Time) {
	s.Steps = append(slices.Clone(s.Steps[:s.Step+1]), step)
	s.Step, s.Seen, s.Since = s.Step+1, 0, now
	s.entered(srv)
}

// promote takes a submission from preview to live. One that another submission has
// replaced stays where it is: the fake's choice.
func (s *Server) promote(x *exchange, p *product, sub *submission) reply {
	if len(x.body) > 0 {
		if _, err := parseObject(x.body); err != nil {
			return x.invalid(faults{"": {"The request body is not a JSON object."}})
		}
	}
	sub.advance(s, x.now)
	if !sub.now().is(published, readyToPublish) || sub.now().broken() {
		return x.conflict("Promote submission failed, the submission is not ready to be published.")
	}
	for _, o := range p.Submissions {
		if o.advance(s, x.now); o.Release > sub.Release && (o.active() || o.published()) {
			return x.conflict("Promote submission failed, there is a newer submission.")
		}
	}
	sub.promote(x.now)
	sub.advance(s, x.now)
	return ok(http.StatusOK, sub.workflow(true))
}

func (s *Server) getValidations(x *exchange, _ *product, sub *submission) reply {
	sub.advance(s, x.now)
	return x.others(findings(sub.Findings))
}

func (s *Server) getReports(x *exchange, _ *product, sub *submission) reply {
	sub.advance(s, x.now)
	var list []object
	for _, r := range sub.Reports {
		list = append(list, build("reportTimeInUtc", r.Time.UTC().Format(time.RFC3339Nano), "status", r.Status, "fileUri", s.reportLink(x, sub)))
	}
	return x.others(list)
}

// getWorkflow shows the two halves of the way.
func (s *Server) getWorkflow(x *exchange, _ *product, sub *submission) reply {
	sub.advance(s, x.now)
	return x.others([]object{sub.workflow(false), sub.workflow(true)})
}

// workflow shows one half of the way.
func (s *submission) workflow(live bool) object {
	environment, first, last := "Preview", PhaseValidation, PhaseSignoff
	if live {
		environment, first, last = "Live", PhaseCertification, PhasePublish
	}
	whole := passage{State: notStarted, Start: s.Phases[first-1].Start, End: s.Phases[last-1].End}
	var steps []object
	for p := first; p <= last; p++ {
		f := s.Phases[p-1]
		steps = append(steps, build("name", p.String(), "state", orElse(f.State, notStarted),
			"startDateTimeInUtc", bare(f.Start), "completeDateTimeInUtc", bare(f.End)))
		switch f.State {
		case failed:
			whole.State, whole.End = failed, f.End
		case success:
			whole.State = inProgress
			if p == last {
				whole.State = success
			}
		case inProgress:
			whole.State = inProgress
		}
	}
	return build("type", "Push", "state", whole.State, "targetEnvironment", environment, "workflowSteps", steps,
		"startDateTimeInUtc", bare(whole.Start), "completeDateTimeInUtc", bare(whole.End))
}

// bare writes a time without a zone; year 1 stands for none.
func bare(t time.Time) string {
	if t.IsZero() {
		return "0001-01-01T00:00:00"
	}
	return t.UTC().Format("2006-01-02T15:04:05.0000000")
}
