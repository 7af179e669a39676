package ingestion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// PublishGoal is how far a publication goes.
type PublishGoal string

// How far a publication goes.
const (
	// GoalPreview: until the preview can be looked at.
	GoalPreview PublishGoal = "preview"
	// GoalLive: until customers can buy it. The preview is promoted as soon as it
	// is there.
	GoalLive PublishGoal = "live"
)

// InFlight is what a publication does when the service is still at work on another
// submission of the product, since it takes one at a time.
type InFlight string

// What to do about a submission that is in flight.
const (
	// InFlightRefuse: fail, with an error that matches
	// [partnercenter.ErrConflict]. Nothing has changed then.
	InFlightRefuse InFlight = "refuse"
	// InFlightWait: wait until it has ended, well or badly, and submit then.
	InFlightWait InFlight = "wait"
	// InFlightTakeOver: go on with it, as if this publication had made it. What has
	// changed in the drafts since it was made is not published.
	InFlightTakeOver InFlight = "take over"
	// InFlightCancel: cancel it, and submit then. One that is going live cannot be
	// cancelled; the publication fails.
	InFlightCancel InFlight = "cancel"
)

// PublishRequest says what is published, and how far. The zero value publishes
// everything to preview.
type PublishRequest struct {
	// Goal is how far the publication goes. Default [GoalPreview].
	Goal PublishGoal
	// Modules are what is published; what is not named stays as it was published
	// last. Default: the whole offer, which is [ModuleAvailability],
	// [ModuleListing], [ModulePackage], [ModuleProperty] and
	// [ModuleResellerConfiguration].
	Modules []Module
	// Plans are the plans whose drafts are published besides the product's own, by
	// plan id or by the plan's own id. Default: all of them.
	Plans []string
	// WithoutPlans publishes the product's own drafts only.
	WithoutPlans bool
	// InFlight is what to do when another submission is in flight. Default
	// [InFlightRefuse].
	InFlight InFlight
	// Option is when and how the service publishes. Default: none, which leaves it
	// to the service.
	Option *PublishOption
	// SubmissionID goes on with a submission that exists in place of making one,
	// for example to take a preview live that has been looked at.
	SubmissionID string
}

func (r PublishRequest) check() error {
	switch r.Goal {
	case "", GoalPreview, GoalLive:
	default:
		return fmt.Errorf("ingestion: publish: Goal %q is neither GoalPreview nor GoalLive", r.Goal)
	}
	switch r.InFlight {
	case "", InFlightRefuse, InFlightWait, InFlightTakeOver, InFlightCancel:
	default:
		return fmt.Errorf("ingestion: publish: InFlight %q is not one of the constants of that type", r.InFlight)
	}
	if r.Option != nil && r.Option.IsAutoPromote && r.Goal != GoalLive {
		return errors.New("ingestion: publish: Option.IsAutoPromote goes live by itself; set Goal to GoalLive, or leave it out")
	}
	if r.SubmissionID != "" {
		if len(r.Modules) > 0 || len(r.Plans) > 0 || r.WithoutPlans || r.Option != nil || r.InFlight != "" {
			return errors.New("ingestion: publish: SubmissionID names a submission that exists; leave Modules, Plans, WithoutPlans, Option and InFlight out")
		}
		return checkID("submission id", r.SubmissionID)
	}
	if r.WithoutPlans && len(r.Plans) > 0 {
		return errors.New("ingestion: publish: choose either Plans or WithoutPlans")
	}
	for _, m := range r.Modules {
		if err := checkID("module", string(m)); err != nil {
			return err
		}
	}
	for _, plan := range r.Plans {
		if strings.TrimSpace(plan) == "" {
			return errors.New("ingestion: publish: one of the Plans is empty")
		}
	}
	return nil
}

// publishKind names publications in resume tokens.
const publishKind = "ingestion.publish"

// Intervals between two looks at a submission. Previews take minutes, certification
// takes hours or days.
const (
	publishMinInterval = 30 * time.Second
	publishMaxInterval = 2 * time.Minute
)

// Publication is the way of a product's drafts to preview, and on to customers. It
// is a [partnercenter.Poller] of which every poll takes the next step or looks how
// far the service has come:
//
//	publication, err := offer.Publish(ingestion.PublishRequest{Goal: ingestion.GoalLive})
//	for status, err := range publication.Watch(ctx, nil) {
//		if err != nil { return err } // an *ingestion.PublishError says why
//		save(publication.ResumeToken())
//		for _, line := range status.Changes { fmt.Println(line) }
//	}
//
// It has succeeded when the submission is in preview, or live if that is the goal,
// and at no other time: states that are not known, steps that failed and questions
// that got no answer never count as success.
//
// Its resume token changes as it proceeds: write it down after every poll. Whoever
// has it can go on with [Client.ResumePublish] on another machine, also when this
// program was killed while it asked for the submission; none is made twice then. One
// that somebody else has made in the meantime cannot be told from its own, and is gone
// on with. The token holds no secret.
//
// It is not safe for concurrent use.
type Publication struct {
	*partnercenter.Poller[PublishStatus]

	run *publishing
}

// Publish prepares a publication. It sends no request and changes nothing: that
// begins with the first poll. The options go with every request.
//
// The first poll looks whether another submission is in flight and the second one
// gathers the drafts, as they are then, and submits them. The publication waits for
// the preview, promotes it if the goal is [GoalLive], and waits until it is live.
// It looks every 30 seconds at first and every two minutes later, for as long as it
// takes, unless [partnercenter.WaitOptions] say otherwise.
//
// When the service fails the submission, the error is a [*PublishError].
//
//pc:operation GET /products/{productID}
//pc:operation GET /products/{productID}/submissions
//pc:operation POST /products/{productID}/submissions
//pc:operation GET /products/{productID}/submissions/{submissionID}
//pc:operation DELETE /products/{productID}/submissions/{submissionID}
//pc:operation POST /products/{productID}/submissions/{submissionID}/promote
//pc:operation GET /products/{productID}/submissions/{submissionID}/workflowdetails
//pc:operation GET /products/{productID}/submissions/{submissionID}/validations
//pc:operation GET /products/{productID}/submissions/{submissionID}/reports
func (p ProductScope) Publish(r PublishRequest, opts ...partnercenter.CallOption) (*Publication, error) {
	if p.e.err != nil {
		return nil, p.e.err
	}
	if p.e.client == nil {
		return nil, errors.New("ingestion: this handle belongs to no client; get it from Client.Product")
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.Goal == "" {
		r.Goal = GoalPreview
	}
	if r.InFlight == "" {
		r.InFlight = InFlightRefuse
	}
	state := publishState{request: r, submission: r.SubmissionID}
	return newPublication(p, lastSegment(p.e.path), state, opts), nil
}

// ResumePublish goes on with a publication with the text that its ResumeToken has
// returned, here or in another process. It sends no request; the options go with
// every later one.
//
// The option replaces that of the request. It is required only if the publication
// had certification notes and was not submitted yet: tokens do not hold the notes,
// since passwords for testers are often among them. It is nil otherwise.
func (c *Client) ResumePublish(token string, option *PublishOption, opts ...partnercenter.CallOption) (*Publication, error) {
	op, err := partnercenter.ParseResumeToken(publishKind, token)
	if err != nil {
		return nil, err
	}
	p := c.Product(op.ID)
	if p.e.err != nil {
		return nil, fmt.Errorf("resume token: %w", p.e.err)
	}
	state, err := parsePublishState(op.Params, option)
	if err != nil {
		return nil, fmt.Errorf("resume token: %w", err)
	}
	return newPublication(p, op.ID, state, opts), nil
}

func newPublication(p ProductScope, productID string, state publishState, opts []partnercenter.CallOption) *Publication {
	// The caller may use the request and the options for something else now.
	r := &state.request
	r.Modules, r.Plans, opts = slices.Clone(r.Modules), slices.Clone(r.Plans), slices.Clone(opts)
	if r.Option != nil {
		r.Option = new(*r.Option)
	}
	run := &publishing{scope: p, productID: productID, opts: opts, state: state}
	run.doubt = state.after != "" // it may have been submitted before the token was used
	op := partnercenter.Operation{Kind: publishKind, ID: productID, Params: state.params()}
	return &Publication{
		partnercenter.NewPoller(op, run.poll, partnercenter.WaitOptions{MinInterval: publishMinInterval, MaxInterval: publishMaxInterval}),
		run,
	}
}

// Plan works out what the next poll would submit, and what would follow. It changes
// nothing.
//
//pc:operation GET /products/{productID}
//pc:operation GET /products/{productID}/variants
//pc:operation GET /products/{productID}/branches/getByModule(module={module})
//pc:operation GET /products/{productID}/submissions
func (p *Publication) Plan(ctx context.Context) (PublishPlan, error) { return p.run.plan(ctx) }

// portalURL is where people look at an offer. The form is the one that Microsoft's
// page "Link independent software vendor (ISV) packages to ISV Studio" shows.
func portalURL(productID string) string {
	return "https://partner.microsoft.com/dashboard/commercial-marketplace/offers/" + productID + "/overview"
}
