package ingestion_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

func TestPublishingToPreviewAndLive(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		goal    ingestion.PublishGoal
		end     string
		changed []string
	}{
		{"", "Published ReadyToPublish", []string{postSubmission}},
		{ingestion.GoalLive, "Published InStore", []string{postSubmission, promote}},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk().at("InProgress/InDraft", "InProgress/Submitted", "Published/ReadyToPublish", "Published/Publishing", "Published/InStore")
			d.set(workflow, listing(), listing(steps("Preview", "InProgress", "Automated validation=InProgress")), listing(steps("Preview", "Success", "Automated validation=Success"), steps("Live", "NotStarted", "Certification=NotStarted")))
			d.set(validations, listing(), listing(`{"errorCode":"W-1","severity":"Warning","message":"a bit short","resource":"Listing"}`))
			p := begin(t, d, ingestion.PublishRequest{Goal: c.goal})
			var lines []string
			var last ingestion.PublishStatus
			for s, err := range p.Watch(t.Context(), nil) {
				if err != nil {
					t.Fatal(err)
				}
				last = s
				lines = append(lines, s.Changes...)
			}
			if got := string(last.Submission.State) + " " + string(last.Submission.Substate); got != c.end || last.Phase != ingestion.PhaseDone {
				t.Errorf("ended as %q in phase %q", got, last.Phase)
			}
			if diff := cmp.Diff(c.changed, d.changed()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			want := []string{
				"submitted", "submission 2: InProgress InDraft", "submission 2: InProgress Submitted",
				"Preview: Automated validation: InProgress", "validation Warning W-1 (Listing): a bit short",
			}
			if c.goal == ingestion.GoalLive {
				want = append(want, "the preview is there; promoted to live")
			}
			want = append(want, "submission 2: Published ReadyToPublish", "Preview: Automated validation: Success")
			if c.goal == ingestion.GoalLive {
				want = append(want, "submission 2: Published Publishing", "submission 2: Published InStore")
			}
			if diff := cmp.Diff(want, lines); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// What is submitted are the drafts of the moment, of the product and its plans.
func TestWhatIsSubmitted(t *testing.T) {
	t.Parallel()
	const plan = `"variantResources":[{"variantID":"v","resources":[%s]}]`
	for name, c := range map[string]struct {
		request ingestion.PublishRequest
		prepare func(*desk)
		want    string
	}{
		"everything": {
			want: `"resources":[{"type":"Availability","value":"own-Availability"},{"type":"Listing","value":"own-Listing"},{"type":"Package","value":"own-Package"},{"type":"Property","value":"own-Property"},{"type":"ResellerConfiguration","value":"reseller"}],` +
				fmt.Sprintf(plan, `{"type":"Availability","value":"plan-Availability"},{"type":"Listing","value":"plan-Listing"},{"type":"Package","value":"plan-Package"}`),
		},
		"one module": {
			request: ingestion.PublishRequest{Modules: []ingestion.Module{ingestion.ModulePackage}, Plans: []string{"PLAN-1"}},
			want:    `"resources":[{"type":"Package","value":"own-Package"}],` + fmt.Sprintf(plan, `{"type":"Package","value":"plan-Package"}`),
		},
		"no plans": {
			request: ingestion.PublishRequest{Modules: []ingestion.Module{ingestion.ModulePackage, ingestion.ModuleProperty}, WithoutPlans: true},
			want:    `"resources":[{"type":"Package","value":"own-Package"},{"type":"Property","value":"own-Property"}]`,
		},
		"a reseller configuration that cannot be looked up": {
			request: ingestion.PublishRequest{Modules: []ingestion.Module{ingestion.ModuleResellerConfiguration}, WithoutPlans: true},
			prepare: func(d *desk) {
				d.set("GET /branches/getByModule(module=ResellerConfiguration)", answer{status: 400, body: `"no such module"`})
			},
			want: `"resources":[{"type":"ResellerConfiguration","value":"p-ResellerInstance"}]`,
		},
		"a new plan, whose drafts take a while": {
			request: ingestion.PublishRequest{Modules: []ingestion.Module{ingestion.ModuleListing}},
			prepare: func(d *desk) {
				own := `{"currentDraftInstanceID":"own"}`
				d.set("GET /branches/getByModule(module=Listing)", listing(own), listing(own), listing(own, `{"currentDraftInstanceID":"new","variantID":"v"}`))
			},
			want: `"resources":[{"type":"Listing","value":"own"}],` + fmt.Sprintf(plan, `{"type":"Listing","value":"new"}`),
		},
		"two drafts of one owner, of which the first counts": {
			request: ingestion.PublishRequest{Modules: []ingestion.Module{ingestion.ModuleListing}},
			prepare: func(d *desk) {
				d.set("GET /branches/getByModule(module=Listing)", listing(`{"currentDraftInstanceID":"a"}`, `{"currentDraftInstanceID":"b"}`,
					`{"currentDraftInstanceID":"c","variantID":"v"}`, `{"currentDraftInstanceID":"d","variantID":"V"}`))
			},
			want: `"resources":[{"type":"Listing","value":"a"}],` + fmt.Sprintf(plan, `{"type":"Listing","value":"c"}`),
		},
		"an offer of another kind": {
			prepare: func(d *desk) {
				d.set("GET ", ok(`{"resourceType":"SoftwareAsAService","id":"p"}`))
				d.set("GET /branches/getByModule(module=Package)", listing())
				d.set("GET /branches/getByModule(module=ResellerConfiguration)", listing())
			},
			want: `"resources":[{"type":"Availability","value":"own-Availability"},{"type":"Listing","value":"own-Listing"},{"type":"Property","value":"own-Property"}],` +
				fmt.Sprintf(plan, `{"type":"Availability","value":"plan-Availability"},{"type":"Listing","value":"plan-Listing"}`),
		},
		"with an option": {
			request: ingestion.PublishRequest{Modules: []ingestion.Module{ingestion.ModuleProperty}, WithoutPlans: true, Option: &ingestion.PublishOption{IsManualPublish: true, CertificationNotes: "n"}},
			want:    `"resources":[{"type":"Property","value":"own-Property"}],"publishOption":{"isManualPublish":true,"isAutoPromote":false,"certificationNotes":"n"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk().at("Published/ReadyToPublish")
				if c.prepare != nil {
					c.prepare(d)
				}
				if _, err := begin(t, d, c.request).Wait(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				want := `{"resourceType":"SubmissionCreationRequest","targets":[{"type":"Scope","value":"preview"}],` + c.want + `}`
				if diff := cmp.Diff([]string{want}, d.bodies); diff != "" {
					t.Errorf("submitted (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWhatCannotBeSubmitted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request ingestion.PublishRequest
		prepare func(*desk)
		want    string
	}{
		"a plan that is not there":   {ingestion.PublishRequest{Plans: []string{"plan-2"}}, func(*desk) {}, `no plan "plan-2"; its plans are ["plan-1"]`},
		"a module that is not there": {ingestion.PublishRequest{Modules: []ingestion.Module{"Cosell"}}, func(*desk) {}, "draft of module Cosell"},
		"a plan that never gets ready": {ingestion.PublishRequest{}, func(d *desk) {
			d.set("GET /branches/getByModule(module=Package)", listing(`{"currentDraftInstanceID":"own"}`))
		}, `plan "plan-1" has no draft of module Package`},
		"no product": {ingestion.PublishRequest{}, func(d *desk) { d.set("GET ", answer{status: 404}) }, "404"},
		"no plans":   {ingestion.PublishRequest{}, func(d *desk) { d.set("GET /variants", answer{status: 403}) }, "403"},
		"no drafts": {ingestion.PublishRequest{}, func(d *desk) {
			d.set("GET /branches/getByModule(module=Listing)", answer{status: 403})
		}, "403"},
		"no reseller configuration": {ingestion.PublishRequest{}, func(d *desk) {
			d.set("GET /branches/getByModule(module=ResellerConfiguration)", answer{status: 500})
		}, "500"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk().at("Published/ReadyToPublish")
				c.prepare(d)
				_, err := begin(t, d, c.request).Wait(t.Context(), nil)
				if err == nil || !strings.Contains(err.Error(), c.want) || len(d.changed()) != 0 {
					t.Errorf("%v after %q", err, d.changed())
				}
			})
		})
	}
}

// One submission at a time: what happens to another one is the caller's choice.
func TestAnotherSubmissionInFlight(t *testing.T) {
	t.Parallel()
	const cancel = "DELETE /submissions/1"
	running, ended := listing(state("1", "InProgress", "Submitted")), listing(state("1", "InProgress", "Failed"))
	preview, promoted, live := listing(state("1", "Published", "ReadyToPublish")), listing(state("1", "Published", "Publishing")), listing(state("1", "Published", "InStore"))
	overtaken := func(d *desk) {
		d.set(postSubmission, answer{status: 409}, answer{status: 201, body: state("2", "InProgress", "InDraft")})
	}
	for name, c := range map[string]struct {
		policy  ingestion.InFlight
		list    []answer
		prepare func(*desk)
		changed []string
		err     string
	}{
		"refused":                   {"", []answer{running}, nil, nil, "in flight"},
		"in a state not known":      {"", []answer{listing(state("1", "InProgress", "Dreaming"))}, nil, nil, "InProgress Dreaming"},
		"going live":                {"", []answer{listing(state("1", "Published", "Publishing"))}, nil, nil, "in flight"},
		"failed before":             {"", []answer{ended}, nil, []string{postSubmission}, ""},
		"in preview":                {"", []answer{listing(state("1", "Published", "ReadyToPublish"))}, nil, []string{postSubmission}, ""},
		"none at all":               {"", []answer{listing()}, nil, []string{postSubmission}, ""},
		"waited for":                {ingestion.InFlightWait, []answer{running, running, ended}, nil, []string{postSubmission}, ""},
		"waited for until gone":     {ingestion.InFlightWait, []answer{running, listing()}, nil, []string{postSubmission}, ""},
		"cancelled":                 {ingestion.InFlightCancel, []answer{running, running, listing()}, nil, []string{cancel, postSubmission}, ""},
		"cancelled by somebody":     {ingestion.InFlightCancel, []answer{running, listing()}, func(d *desk) { d.set(cancel, answer{status: 404}) }, []string{cancel, postSubmission}, ""},
		"too late to cancel":        {ingestion.InFlightCancel, []answer{listing(state("1", "Published", "Publishing"))}, nil, nil, "can no longer be cancelled"},
		"cancelling refused":        {ingestion.InFlightCancel, []answer{running}, func(d *desk) { d.set(cancel, answer{status: 409}) }, []string{cancel}, "could not be cancelled"},
		"cancelling without answer": {ingestion.InFlightCancel, []answer{running}, func(d *desk) { d.set(cancel, answer{status: 500}) }, nil, "500"},
		// Somebody promotes the last one after the look at it.
		"promoted meanwhile, refused":    {"", []answer{preview, promoted}, overtaken, []string{postSubmission}, "in flight"},
		"promoted meanwhile, waited for": {ingestion.InFlightWait, []answer{preview, promoted, promoted, live}, overtaken, []string{postSubmission, postSubmission}, ""},
		"taken over":                     {ingestion.InFlightTakeOver, []answer{listing(state("2", "InProgress", "Submitted"), state("1", "Published", "InStore"))}, nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk().at("InProgress/Submitted", "Published/ReadyToPublish").set(getSubmissions, c.list...).set(cancel, answer{status: 204})
				if c.prepare != nil {
					c.prepare(d)
				}
				s, err := begin(t, d, ingestion.PublishRequest{InFlight: c.policy}).Wait(t.Context(), nil)
				if c.err != "" {
					if err == nil || !strings.Contains(err.Error(), c.err) {
						t.Errorf("%v", err)
					}
				} else if err != nil || s.Submission.ID != "2" {
					t.Errorf("%v, %v", s, err)
				}
				if e, found := errors.AsType[*ingestion.PublishError](err); found && (!errors.Is(err, partnercenter.ErrConflict) || e.Status.Submission.ID != "1") {
					t.Errorf("the error is %v about submission %q", err, e.Status.Submission.ID)
				}
				if diff := cmp.Diff(c.changed, d.changed()); diff != "" && c.changed != nil {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				if c.changed == nil && name != "cancelling without answer" && len(d.changed()) > 0 {
					t.Errorf("requests %q", d.changed())
				}
			})
		})
	}
}

// Nothing is submitted twice, whatever becomes of the answer.
func TestLostAnswersToTheSubmission(t *testing.T) {
	t.Parallel()
	old := state("1", "Published", "InStore")
	made := listing(state("2", "InProgress", "InDraft"), old)
	none := listing(old)
	created := answer{status: 201, body: state("2", "InProgress", "InDraft")}
	unavailable := answer{status: 503, header: map[string]string{"Retry-After": "1"}}
	conflict := answer{status: 409, body: `{"code":"InvalidState","message":"another one"}`}
	for name, c := range map[string]struct {
		lists, posts []answer
		want         int // requests for a submission
		err          string
	}{
		"503, but it was made":            {[]answer{none, made}, []answer{unavailable}, 1, ""},
		"503, and it was not made":        {[]answer{none, none}, []answer{unavailable, created}, 2, ""},
		"503, and it shows up later":      {[]answer{none, none, made}, []answer{unavailable, conflict}, 2, ""},
		"no answer, but it was made":      {[]answer{none, made}, []answer{{}}, 1, ""},
		"made, without saying what":       {[]answer{none, none, made}, []answer{{status: 202}}, 1, ""},
		"made, in words":                  {[]answer{none, made}, []answer{{status: 201, body: `"done"`}}, 1, ""},
		"made, but never seen":            {[]answer{none}, []answer{{status: 202}}, 1, "does not list it"},
		"503, and it is not listed yet":   {[]answer{none, none, none, made}, []answer{unavailable, conflict}, 2, ""},
		"503, and it is never listed":     {[]answer{none}, []answer{unavailable, conflict}, 5, "InvalidState"},
		"somebody was faster":             {[]answer{none, made}, []answer{conflict}, 1, "in flight"},
		"somebody was faster, seen once":  {[]answer{none, made, {status: 403}}, []answer{conflict}, 1, "in flight"},
		"refused for no visible reason":   {[]answer{none}, []answer{conflict}, 1, "InvalidState"},
		"refused":                         {[]answer{none}, []answer{{status: 400, body: `"ICH50400 - Unable. {\"data\":{\"F\":[\"bad\"]}}"`}}, 1, "ICH50400"},
		"the first look fails":            {[]answer{{status: 403}}, []answer{created}, 0, "403"},
		"the look after a conflict fails": {[]answer{none, {status: 403}}, []answer{conflict}, 1, "403"},
		"the look in doubt fails":         {[]answer{none, {status: 403}}, []answer{unavailable}, 1, "403"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk().at("InProgress/Submitted", "Published/ReadyToPublish").set(getSubmissions, c.lists...).set(postSubmission, c.posts...)
				s, err := begin(t, d, ingestion.PublishRequest{}).Wait(t.Context(), nil)
				if c.err == "" && (err != nil || s.Submission.ID != "2") || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
					t.Errorf("submission %q, %v", s.Submission.ID, err)
				}
				if n := len(d.changed()); n != c.want {
					t.Errorf("asked %d times for a submission, want %d", n, c.want)
				}
			})
		})
	}
}

func TestFailuresOfSubmissions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		goal    ingestion.PublishGoal
		prepare func(*desk)
		want    []string // parts of the error
		step    string
	}{
		"failed in validation": {prepare: func(d *desk) {
			d.at("InProgress/Submitted", "InProgress/Failed")
			d.set(workflow, listing(steps("Preview", "InProgress", "Automated validation=InProgress")), listing(steps("Preview", "Failed", "Automated validation=Failed")))
			d.set(validations, listing(`{"errorCode":"Resell-20007","severity":"Error","message":"module is\nmissing..","resource":"Resell"}`, `{"errorCode":"X","severity":"error"}`, `{"severity":"Warning"}`))
		}, want: []string{"submission 2 is InProgress Failed", `at step "Automated validation"`, "validation Error Resell-20007 (Resell): module is missing..", "and 1 more", "request id r-", "offers/p/overview"}, step: "Automated validation"},
		"failed in certification": {goal: ingestion.GoalLive, prepare: func(d *desk) {
			d.at("Published/ReadyToPublish", "Published/Publishing", "InProgress/FailedInCertification")
			d.set(workflow, listing(steps("Preview", "Success"), steps("Live", "InProgress", "Certification=InProgress")))
		}, want: []string{"InProgress FailedInCertification", `at step "Certification"`}, step: "Certification"},
		"back in preview after a failed certification": {goal: ingestion.GoalLive, prepare: func(d *desk) {
			d.at("Published/ReadyToPublish", "Published/Publishing", "Published/ReadyToPublish")
			d.set(workflow, listing(), listing(steps("Live", "InProgress")), listing(steps("Live", "Failed", "Certification=Failed")))
		}, want: []string{"a step on the way to Live failed", "Certification"}, step: "Certification"},
		"a step failed, and nothing else says so": {prepare: func(d *desk) {
			d.at("InProgress/Submitted")
			d.set(workflow, listing(), listing(steps("Preview", "InProgress", "Preview Creation=Error")))
		}, want: []string{"a step on the way to Preview failed"}, step: "Preview Creation"},
		"a preview with a failed step": {prepare: func(d *desk) {
			d.at("Published/ReadyToPublish")
			d.set(workflow, listing(steps("Preview", "Failed")))
		}, want: []string{"a step on the way to Preview failed"}},
		"an update that failed": {prepare: func(d *desk) {
			d.set(getSubmission, ok(`{"id":"2","state":"InProgress","substate":"Submitted","pendingUpdateInfo":{"updateType":"Submit","status":"Failed","failureReason":"The package is damaged."}}`))
		}, want: []string{"The package is damaged."}},
		"gone": {prepare: func(d *desk) {
			d.set(getSubmission, ok(state("2", "InProgress", "Submitted")), answer{status: 404})
		}, want: []string{"somebody has cancelled it"}},
		"cancelled": {prepare: func(d *desk) { d.at("InProgress/Cancelled") }, want: []string{"InProgress Cancelled; the API gives no reason"}},
		"promotion refused": {goal: ingestion.GoalLive, prepare: func(d *desk) {
			d.at("Published/ReadyToPublish").set(promote, answer{status: 400, body: `{"code":"NotAllowed"}`})
		}, want: []string{"refused to promote", "NotAllowed"}},
		"promotion in conflict for ever": {goal: ingestion.GoalLive, prepare: func(d *desk) {
			d.at("Published/ReadyToPublish").set(promote, answer{status: 409, body: `{"code":"InvalidState"}`})
		}, want: []string{"refused to promote", "InvalidState"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				c.prepare(d)
				p := begin(t, d, ingestion.PublishRequest{Goal: c.goal})
				_, err := p.Wait(t.Context(), nil)
				e, found := errors.AsType[*ingestion.PublishError](err)
				if !found {
					t.Fatalf("%v", err)
				}
				if _, outer := errors.AsType[*partnercenter.OperationError](err); !outer || strings.Contains(e.Error(), "\n") {
					t.Errorf("%T: %v", err, err)
				}
				for _, want := range c.want {
					if !strings.Contains(e.Error(), want) {
						t.Errorf("%q is missing in %v", want, e)
					}
				}
				if e.Step != c.step || e.PortalURL == "" || e.ProductID != "p" {
					t.Errorf("step %q, portal %q, product %q", e.Step, e.PortalURL, e.ProductID)
				}
			})
		})
	}
}

func TestPromotions(t *testing.T) {
	t.Parallel()
	stale := steps("Live", "Failed", "Certification=Failed")
	for name, c := range map[string]struct {
		prepare func(*desk)
		want    int
	}{
		"in conflict, since it was promoted already": {func(d *desk) {
			d.at("Published/ReadyToPublish", "Published/Publishing", "Published/InStore").set(promote, answer{status: 409})
		}, 1},
		"in conflict at first": {func(d *desk) {
			d.at("Published/ReadyToPublish", "Published/ReadyToPublish", "Published/InStore").set(promote, answer{status: 409}, ok("{}"))
		}, 2},
		"without an answer": {func(d *desk) {
			d.at("Published/ReadyToPublish", "Published/Publishing", "Published/InStore").set(promote, answer{status: 503, header: map[string]string{"Retry-After": "1"}})
		}, 1},
		"that take a while to show": {func(d *desk) {
			d.at("Published/ReadyToPublish", "Published/ReadyToPublish", "Published/ReadyToPublish", "Published/InStore")
		}, 1},
		"after one whose certification failed": {func(d *desk) {
			d.at("Published/ReadyToPublish", "Published/ReadyToPublish", "Published/Publishing", "Published/InStore")
			d.set(workflow, listing(stale), listing(stale), listing(steps("Live", "InProgress")))
		}, 1},
		"that somebody else has made": {func(d *desk) { d.at("InProgress/Submitted", "Published/Publishing", "Published/InStore") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				c.prepare(d)
				s, err := begin(t, d, ingestion.PublishRequest{Goal: ingestion.GoalLive}).Wait(t.Context(), nil)
				if err != nil || s.Stage != ingestion.StageLive {
					t.Errorf("%v, %v", s.Stage, err)
				}
				if n := len(d.changed()) - 1; n != c.want {
					t.Errorf("promoted %d times, want %d", n, c.want)
				}
			})
		})
	}
}

// A publication that is killed after any poll goes on with the token of then, and
// ends in the same way with the same requests.
func TestResumedAtEveryStage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		states := []string{"InProgress/InDraft", "InProgress/Submitted", "Published/ReadyToPublish", "Published/ReadyToPublish", "Published/Publishing", "Published/InStore"}
		request := ingestion.PublishRequest{
			Goal: ingestion.GoalLive, InFlight: ingestion.InFlightWait, Modules: []ingestion.Module{ingestion.ModuleListing}, Plans: []string{"plan-1"},
			Option: &ingestion.PublishOption{IsManualPublish: true, ReleaseTime: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
		}
		for kill := 1; ; kill++ {
			d := newDesk().at(states...).set(getSubmissions, listing(state("1", "InProgress", "Submitted")), listing(state("1", "Published", "InStore")))
			p := begin(t, d, request)
			polls := 0
			for resumed := false; ; {
				s, state, err := p.Poll(t.Context())
				if err != nil {
					t.Fatalf("killed after poll %d: %v", kill, err)
				}
				if polls++; state == partnercenter.Succeeded {
					if s.Stage != ingestion.StageLive {
						t.Errorf("killed after poll %d: ended in %v", kill, s.Stage)
					}
					if !resumed {
						return // the kill comes too late
					}
					break
				}
				if polls == kill {
					if p, err = newClient(t, d).ResumePublish(p.ResumeToken(), nil); err != nil {
						t.Fatal(err)
					}
					resumed = true
				}
			}
			if diff := cmp.Diff([]string{postSubmission, promote}, d.changed()); diff != "" {
				t.Errorf("killed after poll %d (-want +got):\n%s", kill, diff)
			}
			if !strings.Contains(d.bodies[0], `"publishOption":{"releaseTimeInUtc":"2026-03-01T12:00:00Z","isManualPublish":true,"isAutoPromote":false}`) || strings.Contains(d.bodies[0], "Property") {
				t.Errorf("killed after poll %d: submitted %s", kill, d.bodies[0])
			}
		}
	})
}

// Killed between asking for the submission and writing down its id: the token of
// before finds it.
func TestResumedWithTheTokenOfBefore(t *testing.T) {
	t.Parallel()
	d := newDesk().at("Published/ReadyToPublish")
	p := begin(t, d, ingestion.PublishRequest{})
	if _, _, err := p.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	token := p.ResumeToken()
	if _, _, err := p.Poll(t.Context()); err != nil || len(d.changed()) != 1 {
		t.Fatal(err)
	}
	d.set(getSubmissions, listing(state("1", "Published", "InStore"), state("2", "InProgress", "Submitted")))
	again, err := newClient(t, d).ResumePublish(token, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := again.Wait(t.Context(), &partnercenter.WaitOptions{MinInterval: time.Millisecond, MaxInterval: -1})
	if err != nil || s.Submission.ID != "2" || len(d.changed()) != 1 {
		t.Errorf("submission %q after %q: %v", s.Submission.ID, d.changed(), err)
	}
}

func TestTokensHoldNoNotes(t *testing.T) {
	t.Parallel()
	d := newDesk().at("Published/ReadyToPublish")
	option := &ingestion.PublishOption{CertificationNotes: "user: tester, password: " + canary}
	p := begin(t, d, ingestion.PublishRequest{Option: option})
	if strings.Contains(p.ResumeToken(), canary) {
		t.Errorf("token %s", p.ResumeToken())
	}
	client := newClient(t, d)
	if _, err := client.ResumePublish(p.ResumeToken(), nil); err == nil || !strings.Contains(err.Error(), "pass the PublishOption") {
		t.Errorf("%v", err)
	}
	again, err := client.ResumePublish(p.ResumeToken(), option)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := again.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.bodies) != 1 || !strings.Contains(d.bodies[0], canary) {
		t.Errorf("submitted %q", d.bodies)
	}
	if strings.Contains(again.ResumeToken(), canary) {
		t.Errorf("token %s", again.ResumeToken())
	}
	if _, err := client.ResumePublish(again.ResumeToken(), nil); err != nil { // submitted: not needed any more
		t.Error(err)
	}
}

func TestMistakesInPublishRequests(t *testing.T) {
	t.Parallel()
	d := newDesk()
	offer := newClient(t, d).Product("p")
	for _, c := range []struct {
		request ingestion.PublishRequest
		want    string
	}{
		{ingestion.PublishRequest{Goal: "moon"}, "Goal"},
		{ingestion.PublishRequest{InFlight: "shoot"}, "InFlight"},
		{ingestion.PublishRequest{Option: &ingestion.PublishOption{IsAutoPromote: true}}, "GoalLive"},
		{ingestion.PublishRequest{SubmissionID: "2", WithoutPlans: true}, "leave Modules"},
		{ingestion.PublishRequest{Plans: []string{"a"}, WithoutPlans: true}, "either Plans"},
		{ingestion.PublishRequest{SubmissionID: "a/b"}, "submission id"},
		{ingestion.PublishRequest{Modules: []ingestion.Module{"a)b"}}, "module"},
		{ingestion.PublishRequest{Plans: []string{" "}}, "Plans"},
	} {
		if _, err := offer.Publish(c.request); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.request, err)
		}
	}
	if _, err := newClient(t, d).Product("a/b").Publish(ingestion.PublishRequest{}); err == nil {
		t.Error("a product id with a slash is accepted")
	}
	if _, err := (ingestion.ProductScope{}).Publish(ingestion.PublishRequest{}); err == nil || !strings.Contains(err.Error(), "no client") {
		t.Errorf("%v", err)
	}
	if len(d.seen) > 0 {
		t.Errorf("requests %q", d.seen)
	}
}

func publishToken(params map[string]string) string {
	raw, _ := json.Marshal(map[string]any{"partnercenter": 1, "kind": "ingestion.publish", "id": "p", "params": params}) //nolint:errchkjson // strings
	return string(raw)
}

func TestDamagedTokens(t *testing.T) {
	t.Parallel()
	d := newDesk()
	client := newClient(t, d)
	for text, want := range map[string]string{
		"nonsense": "not a token",
		`{"partnercenter":1,"kind":"payouts.export","id":"x"}`:                                                           "payouts.export",
		strings.Replace(publishToken(map[string]string{"goal": "live", "submission": "2"}), `"id":"p"`, `"id":"a/b"`, 1): "product id",
		publishToken(nil): "goal",
		publishToken(map[string]string{"goal": "moon", "submission": "2"}):                                           "Goal",
		publishToken(map[string]string{"goal": "live"}):                                                              "what to submit",
		publishToken(map[string]string{"goal": "live", "submission": "a/b"}):                                         "submission id",
		publishToken(map[string]string{"goal": "live", "inFlight": "wait", "modules": "x"}):                          "modules",
		publishToken(map[string]string{"goal": "live", "inFlight": "wait", "plans": "{}"}):                           "plans",
		publishToken(map[string]string{"goal": "live", "inFlight": "wait", "after": "x"}):                            "damaged",
		publishToken(map[string]string{"goal": "live", "inFlight": "wait", "option": "x"}):                           "option",
		publishToken(map[string]string{"goal": "live", "inFlight": "wait", "option": "2026-03-01T12:00:00Z yes no"}): "option",
		publishToken(map[string]string{"goal": "live", "inFlight": "sing"}):                                          "InFlight",
	} {
		if _, err := client.ResumePublish(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if len(d.seen) > 0 {
		t.Errorf("requests %q", d.seen)
	}
}

// Whatever is read from a token is written into the next one.
func FuzzPublishToken(f *testing.F) {
	for _, params := range []map[string]string{
		nil, {"goal": "live", "submission": "2", "promoted": "true", "stale": "x"}, {"goal": "preview", "inFlight": "wait", "after": "1 2"},
		{"goal": "live", "inFlight": "refuse", "modules": `["Listing"]`, "plans": `["a"]`, "option": "2026-03-01T12:00:00Z true false", "after": "0 -"},
		{"goal": "live", "inFlight": "cancel", "withoutPlans": "true"},
	} {
		f.Add(publishToken(params))
	}
	client, err := ingestion.New(source(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := client.ResumePublish(text, nil)
		if err != nil {
			return
		}
		again, err := client.ResumePublish(p.ResumeToken(), nil)
		if err != nil || again.ResumeToken() != p.ResumeToken() {
			t.Errorf("%s became %v, %v", p.ResumeToken(), again, err)
		}
	})
}

func TestPlans(t *testing.T) {
	t.Parallel()
	d := newDesk().set(getSubmissions, listing(state("1", "InProgress", "Submitted"))).at("Published/ReadyToPublish")
	p := begin(t, d, ingestion.PublishRequest{Goal: ingestion.GoalLive, Modules: []ingestion.Module{ingestion.ModuleListing}})
	plan, err := p.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"submission 1 is in flight (InProgress Submitted): refuse",
		"submit Listing, draft own-Listing", "submit Listing of plan plan-1, draft plan-Listing",
		"wait for the preview", "promote the preview to live", "wait until it is live",
	}
	if diff := cmp.Diff(want, plan.Steps); diff != "" || plan.Product.Data.Name != "Mine" || len(plan.Plans) != 1 || plan.Latest.ID != "1" {
		t.Errorf("%v (-want +got):\n%s", plan, diff)
	}
	p = begin(t, d, ingestion.PublishRequest{SubmissionID: "2"})
	if plan, err = p.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"go on with submission 2 (Published ReadyToPublish)", "wait for the preview"}, plan.Steps); diff != "" {
		t.Error(diff)
	}
	if len(d.changed()) > 0 {
		t.Errorf("planning has changed something: %q", d.changed())
	}
	for _, broken := range []string{getSubmissions, getSubmission, "GET "} {
		d := newDesk().at("Published/ReadyToPublish").set(broken, answer{status: 403})
		if _, err := begin(t, d, ingestion.PublishRequest{SubmissionID: "2"}).Plan(t.Context()); !errors.Is(err, partnercenter.ErrForbidden) {
			t.Errorf("%s: %v", broken, err)
		}
	}
	if _, err := begin(t, newDesk().set("GET ", answer{status: 403}), ingestion.PublishRequest{}).Plan(t.Context()); !errors.Is(err, partnercenter.ErrForbidden) {
		t.Errorf("%v", err)
	}
}

// What is said beside the submission may be missing without harm.
func TestLooksMayBeIncomplete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk().at("InProgress/Submitted", "Published/ReadyToPublish")
		d.set(workflow, listing(steps("Preview", "InProgress", "Automated validation=InProgress")), answer{status: 400, body: `"no"`})
		d.set(reports, answer{status: 404})
		s, err := begin(t, d, ingestion.PublishRequest{}).Wait(t.Context(), nil)
		if err != nil || s.Incomplete == nil || len(s.Workflow) != 1 {
			t.Errorf("%v, %v, %v", s.Workflow, s.Incomplete, err)
		}
	})
}

// What was yielded belongs to the caller: a look that cannot be read anew shows the
// texts of the one before, but does not write to them.
func TestLooksAreNotWrittenToAgain(t *testing.T) {
	t.Parallel()
	d := newDesk().at("InProgress/Submitted")
	d.set(workflow, listing(steps("Preview", "InProgress", "Automated validation=InProgress")), answer{status: 400, body: `"no"`})
	d.set(validations, listing(`{"errorCode":"A-1","message":"m"}`), answer{status: 400, body: `"no"`})
	p := begin(t, d, ingestion.PublishRequest{SubmissionID: "2"})
	s, _, err := p.Poll(t.Context())
	if err != nil || len(s.Workflow) != 1 || len(s.Validations) != 1 {
		t.Fatal(s, err)
	}
	read := make(chan string)
	go func() { // for the race detector
		read <- s.Workflow[0].TargetEnvironment + s.Workflow[0].Steps[0].Name + s.Validations[0].Message
	}()
	again, _, err := p.Poll(t.Context())
	if err != nil || again.Incomplete == nil || len(again.Workflow) != 1 || len(again.Validations) != 1 {
		t.Error(again, err)
	}
	if text := <-read; text != "PreviewAutomated validationm" {
		t.Errorf("%q", text)
	}
}

// What is published is what the request said when Publish was called.
func TestRequestsAreCopied(t *testing.T) {
	t.Parallel()
	d := newDesk()
	r := ingestion.PublishRequest{
		Modules: []ingestion.Module{ingestion.ModuleListing}, Plans: []string{"plan-1"}, Option: &ingestion.PublishOption{IsManualPublish: true},
	}
	p := begin(t, d, r)
	r.Modules[0], r.Plans[0], r.Option.IsManualPublish = ingestion.ModulePackage, "other", false
	for range 2 {
		if _, _, err := p.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.bodies) != 1 || !strings.Contains(d.bodies[0], `"isManualPublish":true`) || !strings.Contains(d.bodies[0], "plan-Listing") {
		t.Errorf("submitted %q", d.bodies)
	}
}

// Unknown states go on for ever, and show.
func TestUnknownStatesArePending(t *testing.T) {
	t.Parallel()
	for _, unknown := range []string{"InProgress/Dreaming", "ModularCert/ReadyToPublish", "Published/Published", "/", "Published/"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk().at(unknown)
			p := begin(t, d, ingestion.PublishRequest{})
			s, err := p.Wait(t.Context(), &partnercenter.WaitOptions{Timeout: 24 * time.Hour})
			e, found := errors.AsType[*partnercenter.WaitError](err)
			if !found || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("%s: %v", unknown, err)
			}
			words := strings.TrimSpace(strings.ReplaceAll(unknown, "/", " "))
			if words == "" {
				words = "no state yet"
			}
			if e.Status != words || s.Submission.ID != "2" {
				t.Errorf("%s: %q", unknown, e.Status)
			}
			if len(d.changed()) != 1 {
				t.Errorf("%s: requests %q", unknown, d.changed())
			}
		})
	}
}

// An update that goes on, or has failed, counts more than the states, and shows as well:
// nobody is to read that a wait for a preview ended at the preview.
func TestUpdatesThatCountShow(t *testing.T) {
	t.Parallel()
	for update, want := range map[string]string{
		"Running": ", update Submit Running", "PendingConfirmation": ", update Submit PendingConfirmation", "New": ", update Submit New", "Failed": ", update Submit Failed",
		"Completed": "", "Cancelled": "",
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk().set(getSubmission, ok(`{"id":"2","state":"Published","substate":"ReadyToPublish","pendingUpdateInfo":{"updateType":"Submit","status":"`+update+`"}}`))
			s, err := begin(t, d, ingestion.PublishRequest{}).Wait(t.Context(), &partnercenter.WaitOptions{Timeout: time.Hour})
			if want == "" {
				if err != nil {
					t.Errorf("%s: %v", update, err)
				}
				return
			}
			want := "Published ReadyToPublish" + want
			if err == nil || s.Stage == ingestion.StagePreview || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %s, %v", update, s.Stage, err)
			}
			if e, is := errors.AsType[*ingestion.PublishError](err); is && e.Reason != "" {
				t.Errorf("%s: the reason is %q", update, e.Reason)
			}
		})
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.set(getSubmission, ok(`{"id":"2","state":"InProgress","substate":"Failed","pendingUpdateInfo":{"updateType":"Submit","status":"Failed","failureReason":"Damaged."}}`))
		d.set(workflow, listing(steps("Preview", "Failed", "Automated validation=Failed", "Preview Creation=NotStarted")))
		d.set(validations, listing(`{"errorCode":"A-1","severity":"Error","message":"m","resource":"Package"}`))
		d.set(reports, listing(`{"reportTimeInUtc":"2026-03-01T12:00:00","status":"Failed","fileUri":"https://x.example/r?sig=`+canary+`"}`, `{"status":"Pending"}`))
		_, err := begin(t, d, ingestion.PublishRequest{}).Wait(t.Context(), nil)
		e, found := errors.AsType[*ingestion.PublishError](err)
		if !found {
			t.Fatal(err)
		}
		want := []ingestion.PublishFinding{
			{Kind: "step", Severity: "Failed", Where: "Preview", Text: "Automated validation"},
			{Kind: "submission", Severity: "Failed", Where: "Submit", Text: "Damaged."},
			{Kind: "validation", Severity: "Error", Code: "A-1", Where: "Package", Text: "m"},
			{Kind: "report", Severity: "Failed", Text: "a file, see Reports, made 2026-03-01 12:00 UTC"},
			{Kind: "report", Severity: "Pending", Text: "no file"},
		}
		if diff := cmp.Diff(want, e.Findings()); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(e.Status.Reports[0].FileURI.Reveal(), canary) {
			t.Error("the link to the report is lost")
		}
	})
	refused := &ingestion.PublishError{Err: &partnercenter.Error{
		StatusCode: 400, Code: "c", Message: "m", Details: []partnercenter.ErrorDetail{{Code: "d", Target: "t", Message: "n"}},
		Fields: map[string][]string{"f": {"bad", "worse"}},
	}}
	want := []string{"request 400 c: m", "request d (t): n", "request (f): bad", "request (f): worse"}
	var got []string
	for _, f := range refused.Findings() {
		got = append(got, f.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The options of a publication go with every request.
func TestOptionsOfPublications(t *testing.T) {
	t.Parallel()
	s := answers(ok(`{"value":[]}`))
	client := newClient(t, s)
	p, err := client.Product("p").Publish(ingestion.PublishRequest{}, partnercenter.WithCorrelationID("c-1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := client.ResumePublish(p.ResumeToken(), nil, partnercenter.WithCorrelationID("c-1")); err != nil {
		t.Error(err)
	} else if _, _, err := again.Poll(t.Context()); err == nil {
		t.Error("an offer without anything was submitted")
	}
	for _, r := range s.seen() {
		if r.Header.Get("Ms-Correlationid") != "c-1" {
			t.Errorf("%s %s went without the option", r.Method, r.Path)
		}
	}
}

// A 503 that names a time to come back is no sign that nothing was done.
func TestSubmissionsAreNotRepeatedOn503(t *testing.T) {
	t.Parallel()
	unavailable := answer{status: http.StatusServiceUnavailable, header: map[string]string{"Retry-After": "0"}}
	request := ingestion.SubmissionRequest{Targets: ingestion.ToPreview(), Resources: []ingestion.TypeValue{{Type: "Listing", Value: "i"}}}
	for name, call := range map[string]func(ingestion.Submissions) error{
		"create":  func(s ingestion.Submissions) error { _, err := s.Create(t.Context(), request); return err },
		"promote": func(s ingestion.Submissions) error { _, err := s.Promote(t.Context(), "2"); return err },
	} {
		s := answers(unavailable)
		if err := call(newClient(t, s).Product("p").Submissions()); !errors.Is(err, partnercenter.ErrServer) || len(s.seen()) != 1 {
			t.Errorf("%s: %v after %q", name, err, s.lines())
		}
	}
}

func TestPublishStatusAsJSON(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(ingestion.PublishStatus{Phase: ingestion.PhasePreview, Submission: ingestion.Submission{ID: "2"}, Changes: []string{"x"}})
	if want := `{"phase":"preview","submission":{"id":"2"},"changes":["x"]}`; err != nil || string(raw) != want {
		t.Errorf("%s, %v", raw, err)
	}
}
