package ingestion_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

func submission(state, substate, update, status string) ingestion.Submission {
	s := ingestion.Submission{State: ingestion.SubmissionState(state), Substate: ingestion.SubmissionSubstate(substate)}
	if update != "" || status != "" {
		s.PendingUpdate = &ingestion.PendingUpdate{UpdateType: ingestion.UpdateType(update), Status: ingestion.UpdateStatus(status)}
	}
	return s
}

func TestStatusOfEveryKnownState(t *testing.T) {
	t.Parallel()
	type want struct {
		stage                    ingestion.Stage
		cancel, replace, promote bool
	}
	for _, c := range []struct {
		state, substate, update, status string
		want                            want
	}{
		// The states of the documentation, with the update that stays behind.
		{"InProgress", "InDraft", "Create", "Running", want{ingestion.StagePreparing, true, false, false}},
		{"InProgress", "InDraft", "Create", "Completed", want{ingestion.StagePreparing, true, false, false}},
		{"InProgress", "Submitted", "Create", "Completed", want{ingestion.StageRunning, true, false, false}},
		{"InProgress", "Failed", "Create", "Completed", want{ingestion.StageFailed, true, true, false}},
		{"InProgress", "FailedInCertification", "Create", "Completed", want{ingestion.StageFailed, true, true, false}},
		{"Published", "ReadyToPublish", "Create", "Completed", want{ingestion.StagePreview, false, true, true}},
		{"Published", "Publishing", "Create", "Completed", want{ingestion.StageGoingLive, false, false, false}},
		{"Published", "Published", "Create", "Completed", want{ingestion.StagePublished, false, true, false}},
		{"Published", "InStore", "Create", "Completed", want{ingestion.StageLive, false, true, false}},
		// Without an update, and in other cases.
		{"InProgress", "InDraft", "", "", want{ingestion.StagePreparing, true, false, false}},
		{"Inprogress", "submitted", "", "", want{ingestion.StageRunning, true, false, false}},
		{"PUBLISHED", "readytopublish", "create", "completed", want{ingestion.StagePreview, false, true, true}},
		{"Published", "InStore", "", "", want{ingestion.StageLive, false, true, false}},
		{"Published", "InStore", "Create", "", want{ingestion.StageLive, false, true, false}},
		// A failed update fails the submission.
		{"InProgress", "Submitted", "Submit", "Failed", want{ingestion.StageFailed, true, false, false}},
		{"Published", "ReadyToPublish", "Promote", "Failed", want{ingestion.StageFailed, false, true, true}},
		{"Published", "InStore", "Create", "failed", want{ingestion.StageFailed, false, true, false}},
		// One under way keeps it pending.
		{"Published", "ReadyToPublish", "Promote", "Running", want{ingestion.StageGoingLive, false, false, false}},
		{"Published", "ReadyToPublish", "Create", "Running", want{ingestion.StageRunning, false, false, false}},
		{"Published", "InStore", "Promote", "PendingConfirmation", want{ingestion.StageGoingLive, false, false, false}},
		{"InProgress", "Submitted", "Create", "Queued", want{ingestion.StageRunning, true, false, false}},
		{"InProgress", "Failed", "Create", "Running", want{ingestion.StageFailed, true, true, false}},
		{"Published", "InStore", "Create", "Queued", want{ingestion.StageUnknown, false, false, false}},
		// Cancelled, by any of the three.
		{"InProgress", "Cancelled", "", "", want{ingestion.StageCancelled, false, true, false}},
		{"Cancelled", "Submitted", "", "", want{ingestion.StageCancelled, false, true, false}},
		{"InProgress", "Submitted", "Create", "Cancelled", want{ingestion.StageCancelled, true, false, false}},
		{"Published", "ReadyToPublish", "Promote", "Cancelled", want{ingestion.StagePreview, false, true, true}},
		{"Published", "Publishing", "Promote", "Cancelled", want{ingestion.StageGoingLive, false, false, false}},
		// Failed in a state that was not foreseen.
		{"Published", "Failed", "", "", want{ingestion.StageFailed, false, true, false}},
		{"Published", "FailedInCertification", "Promote", "Running", want{ingestion.StageFailed, false, true, false}},
		// Unknown states are pending.
		{"", "", "", "", want{ingestion.StageUnknown, false, false, false}},
		{"InProgress", "Levitating", "Create", "Completed", want{ingestion.StageUnknown, true, false, false}},
		{"InProgress", "InStore", "Create", "Completed", want{ingestion.StageUnknown, true, false, false}},
		{"ModularCert", "ReadyToPublish", "Create", "Completed", want{ingestion.StageUnknown, false, false, false}},
		{"Published", "", "Create", "Completed", want{ingestion.StageUnknown, false, false, false}},
	} {
		name := fmt.Sprintf("%s-%s %s-%s", c.state, c.substate, c.update, c.status)
		got := submission(c.state, c.substate, c.update, c.status).Status()
		if diff := cmp.Diff(c.want, want{got.Stage, got.CanCancel, got.CanReplace, got.CanPromote}, cmp.AllowUnexported(want{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if (got.Reason != "") != got.Stage.Failed() {
			t.Errorf("%s: stage %s with reason %q", name, got.Stage, got.Reason)
		}
	}
}

// A pipeline is green because of this function, so it is tried with everything.
func TestNothingButKnownStatesIsSuccess(t *testing.T) {
	t.Parallel()
	states := []string{"", "InProgress", "Published", "NotSet", "Archived", "Deleted", "Cancelled", "RolledBack", "ModularCert", "Shadow", "New"}
	substates := []string{"", "InDraft", "Submitted", "Failed", "FailedInCertification", "ReadyToPublish", "Publishing", "Published", "InStore", "Cancelled", "New"}
	statuses := []string{"", "Running", "Failed", "Completed", "Cancelled", "PendingConfirmation", "New"}
	successes := 0
	for _, state := range states {
		for _, substate := range substates {
			for _, status := range statuses {
				for _, update := range []string{"Create", "Submit", "Promote", "Validate", "New"} {
					got := submission(state, substate, update, status).Status().Stage
					if got != ingestion.StagePreview && got != ingestion.StageLive {
						continue
					}
					successes++
					settled := status == "" || status == "Completed" || status == "Cancelled"
					if state != "Published" || !settled || (got == ingestion.StagePreview) != (substate == "ReadyToPublish") || (got == ingestion.StageLive) != (substate == "InStore") {
						t.Errorf("%s/%s with %s/%s is %s", state, substate, update, status, got)
					}
				}
			}
		}
	}
	if successes != 2*3*5 {
		t.Errorf("%d combinations are successes", successes)
	}
}

func TestStages(t *testing.T) {
	t.Parallel()
	type property struct {
		text            string
		pending, failed bool
	}
	want := map[ingestion.Stage]property{
		ingestion.StageUnknown:   {"unknown", true, false},
		ingestion.StagePreparing: {"preparing", true, false},
		ingestion.StageRunning:   {"running", true, false},
		ingestion.StagePreview:   {"preview", false, false},
		ingestion.StageGoingLive: {"going live", true, false},
		ingestion.StageLive:      {"live", false, false},
		ingestion.StagePublished: {"published", false, false},
		ingestion.StageFailed:    {"failed", false, true},
		ingestion.StageCancelled: {"cancelled", false, true},
	}
	for stage, p := range want {
		if got := (property{stage.String(), stage.Pending(), stage.Failed()}); got != p {
			t.Errorf("%d: %v, want %v", stage, got, p)
		}
	}
}

func TestReasonOfAFailure(t *testing.T) {
	t.Parallel()
	s := submission("InProgress", "Failed", "Submit", "Failed")
	if got := s.Status().Reason; got != "InProgress Failed" {
		t.Errorf("%q", got)
	}
	s.PendingUpdate.FailureReason = "The package is damaged."
	if got := s.Status().Reason; got != "The package is damaged." {
		t.Errorf("%q", got)
	}
}

func TestWorkflowStates(t *testing.T) {
	t.Parallel()
	for state, failed := range map[ingestion.WorkflowState]bool{"": false, "NotStarted": false, "inprogress": false, "Success": false, "Failure": true, "Failed": true, "Odd": true} {
		if state.Failed() != failed {
			t.Errorf("%q", state)
		}
	}
}

func TestLatestSubmission(t *testing.T) {
	t.Parallel()
	s := func(id string, release int) ingestion.Submission {
		return ingestion.Submission{ID: id, ReleaseNumber: release}
	}
	for _, c := range []struct {
		list []ingestion.Submission
		want string
	}{
		{nil, ""},
		{[]ingestion.Submission{s("9", 1), s("2", 3), s("3", 2)}, "2"},
		{[]ingestion.Submission{s("1152921505695125040", 2), s("1152921505695125041", 2), s("999999999999999999", 2)}, "1152921505695125041"},
		{[]ingestion.Submission{s("0009", 2), s("10", 2)}, "10"},
	} {
		got, found := ingestion.LatestSubmission(c.list...)
		if got.ID != c.want || found != (c.want != "") {
			t.Errorf("%v: %q, %t", c.list, got.ID, found)
		}
	}
	list := ok(listOf(`{"id":"1","releaseNumber":1},{"id":"3","releaseNumber":3},{"id":"2","releaseNumber":2}`))
	got, err := newClient(t, answers(list)).Product("p").Submissions().Latest(t.Context())
	if err != nil || got.ID != "3" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := newClient(t, answers(ok(`{"value":[]}`))).Product("p").Submissions().Latest(t.Context()); !errors.Is(err, partnercenter.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := newClient(t, answers(answer{status: 403})).Product("p").Submissions().Latest(t.Context()); !errors.Is(err, partnercenter.ErrForbidden) {
		t.Errorf("%v", err)
	}
}

func TestSubmittingWithOddAnswers(t *testing.T) {
	t.Parallel()
	request := ingestion.SubmissionRequest{Targets: ingestion.ToPreview(), Resources: []ingestion.TypeValue{{Type: "Listing", Value: "i"}}}
	at := map[string]string{"Location": "/v1.0/ingestion/products/p/submissions/77"}
	for name, c := range map[string]struct {
		answer  answer
		id, err string
	}{
		"accepted without a body":      {answer{status: 202, header: at}, "77", ""},
		"accepted with a body":         {answer{status: 202, body: `{"id":"78","state":"InProgress"}`, header: at}, "78", ""},
		"described without an id":      {answer{status: 201, body: `{"state":"InProgress"}`, header: at}, "77", ""},
		"accepted without anything":    {answer{status: 202}, "", "look with Latest"},
		"another one under way":        {answer{status: 409, body: `{"code":"InvalidState","message":"busy"}`}, "", "InvalidState"},
		"nothing that can be read":     {answer{status: 201, body: `[]`}, "", "JSON object"},
		"an id that is no JSON string": {answer{status: 201, body: `{"id":1152921505695125040}`}, "1152921505695125040", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answers(c.answer)
			got, err := newClient(t, s).Product("p").Submissions().Create(t.Context(), request)
			if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) || c.err == "" && err != nil || got.ID != c.id {
				t.Errorf("%v, %v", got, err)
			}
			if c.answer.status == 409 && !errors.Is(err, partnercenter.ErrConflict) {
				t.Errorf("%v is no conflict", err)
			}
			if len(s.seen()) != 1 {
				t.Errorf("requests %q", s.lines())
			}
		})
	}
}

func TestPromotingWithOddAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "[]", `"done"`} {
		detail, err := newClient(t, answers(ok(body))).Product("p").Submissions().Promote(t.Context(), "s")
		if err != nil || detail.State != "" {
			t.Errorf("%q: %v, %v", body, detail, err)
		}
	}
	if _, err := newClient(t, answers(answer{status: 409})).Product("p").Submissions().Promote(t.Context(), "s"); !errors.Is(err, partnercenter.ErrConflict) {
		t.Errorf("%v", err)
	}
}
