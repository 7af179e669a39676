package ingestion_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// stage is a fake with an offer in it.
func stage(t *testing.T, opts ...pctest.Option) (*pctest.Server, pctest.StoredProduct) {
	t.Helper()
	srv := pctest.NewServer(t, opts...)
	return srv, addOffer(t, srv, "my-offer")
}

func addOffer(t *testing.T, srv *pctest.Server, offerID string) pctest.StoredProduct {
	t.Helper()
	product, err := srv.Ingestion().AddProduct(pctest.Product{
		Type: "AzureApplication", OfferID: offerID, Name: "Mine",
		Variants: []pctest.Variant{{ExternalID: "basic", SubType: "managed-application"}, {ExternalID: "pro", SubType: "solution-template"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return product
}

func publisher(t *testing.T, srv *pctest.Server) *ingestion.Client {
	t.Helper()
	client, err := ingestion.New(srv.AppOnlyTokenSource(), srv.Options())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestPublishingOnTheFake(t *testing.T) {
	t.Parallel()
	found := pctest.Finding{Code: "AVS0106", Severity: "Error", Message: "The template is broken.", Resource: "Package"}
	for name, c := range map[string]struct {
		behavior func(*pctest.IngestionBehavior)
		script   pctest.SubmissionScript
		faults   []pctest.Fault
		goal     ingestion.PublishGoal
		state    string
		err      string
		posts    int
	}{
		"to preview":                    {state: "Published ReadyToPublish", posts: 1},
		"to live":                       {goal: ingestion.GoalLive, state: "Published InStore", posts: 1},
		"with plans that take a while":  {behavior: func(b *pctest.IngestionBehavior) { b.BranchDelay = 5 * time.Second }, state: "Published ReadyToPublish", posts: 1},
		"accepted":                      {behavior: func(b *pctest.IngestionBehavior) { b.Submissions = pctest.AnswerAccepted }, state: "Published ReadyToPublish", posts: 1},
		"accepted without a body":       {behavior: func(b *pctest.IngestionBehavior) { b.Submissions = pctest.AnswerLocation }, state: "Published ReadyToPublish", posts: 1},
		"made behind a 503":             {faults: []pctest.Fault{pctest.AnswerAfterwards(503).On(http.MethodPost, "*/submissions").RetryAfter(time.Second)}, state: "Published ReadyToPublish", posts: 1},
		"not made before a 503":         {faults: []pctest.Fault{pctest.Answer(503).On(http.MethodPost, "*/submissions").RetryAfter(time.Second)}, state: "Published ReadyToPublish", posts: 2},
		"made behind a lost answer":     {faults: []pctest.Fault{pctest.LoseAnswer().On(http.MethodPost, "*/submissions")}, state: "Published ReadyToPublish", posts: 1},
		"promoted behind a lost answer": {goal: ingestion.GoalLive, faults: []pctest.Fault{pctest.LoseAnswer().On(http.MethodPost, "*/promote")}, state: "Published InStore", posts: 1},
		"throttled":                     {faults: []pctest.Fault{pctest.Answer(429).RetryAfter(5 * time.Second).Times(20)}, state: "Published ReadyToPublish", posts: 1},
		"an hour out of order":          {faults: []pctest.Fault{pctest.Answer(500).On(http.MethodGet, "*/submissions/*").Skip(4).Times(20)}, state: "Published ReadyToPublish", posts: 1},
		"fails in validation": {
			script: pctest.SubmissionScript{ToPreview: []pctest.SubmissionStep{pctest.Validating().For(time.Minute), pctest.ValidationFailed(found)}},
			err:    `at step "Automated validation"; validation Error AVS0106 (Package): The template is broken.`, posts: 1,
		},
		"fails while the preview is made": {
			script: pctest.SubmissionScript{ToPreview: []pctest.SubmissionStep{pctest.Validating().For(time.Minute), pctest.PreviewFailed()}},
			err:    `at step "Preview Creation"`, posts: 1,
		},
		"fails in certification": {
			script: pctest.SubmissionScript{ToLive: []pctest.SubmissionStep{pctest.Certifying().For(time.Hour), pctest.CertificationFailed(found)}},
			goal:   ingestion.GoalLive, err: `at step "Certification"; validation Error AVS0106`, posts: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var opts []pctest.Option
				if c.behavior != nil {
					opts = append(opts, pctest.WithIngestionBehavior(c.behavior))
				}
				srv, product := stage(t, opts...)
				if err := srv.Ingestion().NextSubmission(c.script); err != nil {
					t.Fatal(err)
				}
				for _, f := range c.faults {
					srv.Inject(f)
				}
				p, err := publisher(t, srv).Product(product.ID).Publish(ingestion.PublishRequest{Goal: c.goal})
				if err != nil {
					t.Fatal(err)
				}
				s, err := p.Wait(t.Context(), nil)
				if c.err == "" {
					if err != nil || string(s.Submission.State)+" "+string(s.Submission.Substate) != c.state {
						t.Errorf("%v, %v", s.Submission, err)
					}
				} else if e, is := errors.AsType[*ingestion.PublishError](err); !is || !strings.Contains(e.Error(), c.err) {
					t.Errorf("%v", err)
				} else if len(e.Findings()) == 0 || e.RequestID == "" || e.CorrelationID == "" {
					t.Errorf("%d findings, ids %q and %q", len(e.Findings()), e.RequestID, e.CorrelationID)
				}
				stored, _ := srv.Ingestion().Product(product.ID)
				if len(stored.Submissions) != 1 {
					t.Errorf("%d submissions were made", len(stored.Submissions))
				}
				if n := len(srv.Requests().On(http.MethodPost, "*/submissions").Where(func(r pctest.Request) bool { return r.Status != http.StatusTooManyRequests })); n != c.posts {
					t.Errorf("asked %d times for a submission, want %d", n, c.posts)
				}
			})
		})
	}
}

// world is a random life of a submission.
type world struct {
	script pctest.SubmissionScript
	faults []pctest.Fault
	goal   ingestion.PublishGoal
}

func randomWorld(r *rand.Rand) world {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	step := func() pctest.SubmissionStep {
		var s pctest.SubmissionStep
		switch r.IntN(12) {
		case 0:
			s = pctest.InDraft()
		case 1, 2:
			s = pctest.Validating()
		case 3:
			s = pctest.CreatingPreview()
		case 4, 5:
			s = pctest.InPreview()
		case 6:
			s = pctest.Certifying()
		case 7:
			s = pctest.InStore()
		case 8:
			s = []pctest.SubmissionStep{pctest.ValidationFailed(), pctest.PreviewFailed(), pctest.CertificationFailed()}[r.IntN(3)]
		default:
			s = pctest.Shows(
				pick("InProgress", "Published", "Published", "NotSet", "Archived", "Deleted", "Cancelled", "RolledBack", "ModularCert", "published", "New", ""),
				pick("InDraft", "Submitted", "Failed", "FailedInCertification", "ReadyToPublish", "ReadyToPublish", "Publishing", "Published", "InStore", "InStore", "Cancelled", "New", ""))
		}
		if r.IntN(3) == 0 {
			s = s.Update(pick("Create", "Submit", "Promote", "Validate", "New"), pick("Running", "Failed", "Completed", "Completed", "Cancelled", "PendingConfirmation", "New"), pick("", "because"))
		}
		if r.IntN(2) == 0 {
			return s.Polls(1 + r.IntN(3))
		}
		return s.For(time.Duration(r.IntN(40)) * time.Minute)
	}
	steps := func() []pctest.SubmissionStep {
		list := make([]pctest.SubmissionStep, 1+r.IntN(5))
		for i := range list {
			list[i] = step()
		}
		return list
	}
	w := world{script: pctest.SubmissionScript{ToPreview: steps(), ToLive: steps()}, goal: ingestion.GoalPreview}
	if r.IntN(2) == 0 {
		w.goal = ingestion.GoalLive
	}
	for range r.IntN(4) {
		path := pick("*/submissions", "*/submissions/*", "*/promote", "*/workflowdetails", "*/validations", "*")
		status := []int{400, 404, 409, 429, 500, 503}[r.IntN(6)]
		var f pctest.Fault
		switch r.IntN(4) {
		case 0:
			f = pctest.AnswerAfterwards(status)
		case 1:
			f = pctest.LoseAnswer()
		case 2:
			f = pctest.Reset()
		default:
			f = pctest.Answer(status)
		}
		w.faults = append(w.faults, f.On("", path).Skip(r.IntN(30)).Times(1+r.IntN(6)))
	}
	return w
}

// The property that matters most: whatever states the service shows, known or not,
// in whatever order, with whatever answers lost on the way and the program killed at
// any point, there is no error only if the submission is in preview or live, and
// never is more than one submission made.
func TestNoErrorMeansPublished(t *testing.T) {
	t.Parallel()
	outcomes := map[string]int{}
	const worlds = 150
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		client := publisher(t, srv)
		for seed := range uint64(worlds) {
			r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the same worlds every time
			product := addOffer(t, srv, fmt.Sprintf("offer-%d", seed))
			outcomes[live(t, srv, client, product.ID, randomWorld(r), r)]++
			if t.Failed() {
				t.Fatalf("in world %d", seed)
			}
		}
	})
	// Worlds in which nothing happens prove nothing.
	for _, outcome := range []string{"published readytopublish", "published instore", "failed", "stopped waiting", "error"} {
		if outcomes[outcome] < worlds/100 {
			t.Errorf("only %d worlds ended as %q: %v", outcomes[outcome], outcome, outcomes)
		}
	}
}

// live lets a world happen, with the program killed now and then, and tells how the
// publication ended.
func live(t *testing.T, srv *pctest.Server, client *ingestion.Client, productID string, w world, r *rand.Rand) string {
	t.Helper()
	w.script.ProductID = productID
	if err := srv.Ingestion().NextSubmission(w.script); err != nil {
		t.Fatal(err)
	}
	defer srv.ClearFaults()
	for _, f := range w.faults {
		srv.Inject(f)
	}
	p, err := client.Product(productID).Publish(ingestion.PublishRequest{Goal: w.goal})
	if err != nil {
		t.Fatal(err)
	}
	var s ingestion.PublishStatus
	for range 1 + r.IntN(3) { // lives of the program
		ctx, kill := context.WithTimeout(t.Context(), time.Duration(r.IntN(200))*time.Minute)
		s, err = p.Wait(ctx, &partnercenter.WaitOptions{MinInterval: 7 * time.Minute, MaxInterval: -1})
		kill()
		if !errors.Is(err, context.DeadlineExceeded) {
			break
		}
		var resumeErr error
		if p, resumeErr = client.ResumePublish(p.ResumeToken(), nil); resumeErr != nil {
			t.Fatal(resumeErr)
		}
	}
	if stored, _ := srv.Ingestion().Product(productID); len(stored.Submissions) > 1 {
		t.Errorf("%d submissions were made", len(stored.Submissions))
	}
	if err != nil {
		if s.Phase == ingestion.PhaseDone {
			t.Errorf("done with %v", err)
		}
		return kindOf(err)
	}
	state, update := strings.ToLower(string(s.Submission.State)+" "+string(s.Submission.Substate)), string(s.Submission.PendingUpdate.Status)
	settled := update == "Completed" || update == "Cancelled"
	good := state == "published instore" || state == "published readytopublish" && w.goal == ingestion.GoalPreview
	if !settled || !good || s.Phase != ingestion.PhaseDone {
		t.Errorf("no error for %q, update %q, goal %q, phase %q", state, update, w.goal, s.Phase)
	}
	return state
}

func kindOf(err error) string {
	if _, is := errors.AsType[*ingestion.PublishError](err); is {
		return "failed"
	}
	if _, is := errors.AsType[*partnercenter.WaitError](err); is {
		return "stopped waiting"
	}
	return "error"
}

// An offer from nothing to live, twice: the second time changes nothing.
func TestAnOfferFromNothingToLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t, pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) { b.BranchDelay = 4 * time.Second }))
		client := publisher(t, srv)
		first, err := buildOffer(t.Context(), client, pngOf(t, 48, 48), zipOf(t, 4096))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]ingestion.Action{
			"offer": ingestion.Created, "plan": ingestion.Created, "setup": ingestion.Updated, "property": ingestion.Updated, "listing": ingestion.Updated,
			"audience": ingestion.Updated, "resellers": ingestion.Updated, "plan listing": ingestion.Updated, "plan availability": ingestion.Updated, "technical": ingestion.Updated,
			"logo": ingestion.Created, "package": ingestion.Created,
		}
		if diff := cmp.Diff(want, first); diff != "" {
			t.Errorf("the first time (-want +got):\n%s", diff)
		}
		changes := srv.Inject(pctest.Answer(418).On(http.MethodPut, "*").Always())
		more := srv.Inject(pctest.Answer(418).On(http.MethodPost, "*/ingestion/*").Always())
		second, err := buildOffer(t.Context(), client, pngOf(t, 48, 48), zipOf(t, 4096))
		if err != nil {
			t.Fatal(err)
		}
		for what := range want {
			want[what] = ingestion.Unchanged
		}
		if diff := cmp.Diff(want, second); diff != "" || changes.Hits()+more.Hits() > 0 {
			t.Errorf("the second time, after %d requests for changes (-want +got):\n%s", changes.Hits()+more.Hits(), diff)
		}
		srv.ClearFaults()
		product, err := client.Products().ByOfferID(t.Context(), "new-offer")
		if err != nil {
			t.Fatal(err)
		}
		p, err := client.Product(product.ID).Publish(ingestion.PublishRequest{Goal: ingestion.GoalLive})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := p.Wait(t.Context(), nil); err != nil || s.Stage != ingestion.StageLive {
			t.Errorf("%v, %v", s.Stage, err)
		}
	})
}

// buildOffer is what a pipeline would do before it publishes.
func buildOffer(ctx context.Context, client *ingestion.Client, logo, app []byte) (map[string]ingestion.Action, error) {
	done := map[string]ingestion.Action{}
	var failed error
	note := func(what string, action ingestion.Action, err error) {
		if failed == nil {
			failed = err
		}
		done[what] = action
	}
	product, err := client.Products().Apply(ctx, ingestion.NewProduct(ingestion.AzureApplication, "new-offer", "New"))
	if note("offer", product.Action, err); err != nil {
		return done, err
	}
	offer := client.Product(product.Resource.ID)
	plan, err := offer.Variants().Apply(ctx, ingestion.Variant{ExternalID: "basic", FriendlyName: "Basic", SubType: ingestion.PlanManagedApplication, CloudAvailabilities: []string{ingestion.CloudPublicAzure}})
	if note("plan", plan.Action, err); err != nil {
		return done, err
	}
	planID := plan.Resource.ID
	setup, err := offer.Setup().Apply(ctx, ingestion.ProductSetup{SellingOption: ingestion.ListAndSell, ChannelStates: []ingestion.TypeValue{{Type: "Reseller", Value: "Enabled"}}})
	note("setup", setup.Action, err)
	property, err := offer.Properties().Apply(ctx, ingestion.Property{
		AppVersion: "1.0.0", UseEnterpriseContract: true, LeveledCategories: map[ingestion.Category][]string{"web": {"web-and-mobile"}},
	})
	note("property", property.Action, err)
	listing, err := offer.Listings().Apply(ctx, "", ingestion.Listing{
		LanguageCode: "en-us", Title: "New", Description: "<p>It is new.</p>", Keywords: []string{"new"},
		Contacts: []ingestion.ListingContact{{Type: ingestion.ContactEngineering, Name: "E", Email: "e@example.com"}},
		URIs:     []ingestion.ListingURI{{Type: ingestion.PrivacyURI, URI: "https://example.com/privacy"}},
	})
	note("listing", listing.Action, err)
	audience, err := offer.ProductAvailabilities().Apply(ctx, ingestion.ProductAvailability{
		Visibility: ingestion.VisibilityPublic,
		Audiences:  []ingestion.AudienceGroup{{Type: ingestion.PreviewMarketplaceGroup, Values: []string{"8d7f0b5e-50c5-4a2f-9f1c-000000000001"}}},
	})
	note("audience", audience.Action, err)
	resellers, err := offer.ResellerConfiguration().Apply(ctx, ingestion.ResellerConfiguration{ChannelState: ingestion.ResellersAll})
	note("resellers", resellers.Action, err)
	texts, err := offer.Listings().Apply(ctx, planID, ingestion.Listing{Title: "Basic", ShortDescription: "All you need", Description: "For a start."})
	note("plan listing", texts.Action, err)
	prices, err := offer.FeatureAvailabilities().Apply(ctx, planID, ingestion.FeatureAvailability{
		Visibility: ingestion.VisibilityPrivate, SubscriptionAudiences: []ingestion.AudienceMember{{ID: "8d7f0b5e-50c5-4a2f-9f1c-000000000002"}},
		MarketStates: []ingestion.MarketState{{MarketCode: "US", State: ingestion.MarketEnabled}},
	})
	note("plan availability", prices.Action, err)
	technical, err := offer.PackageConfigurations().Apply(ctx, planID, &ingestion.ManagedApplicationConfiguration{
		Version: "1.0.0", DeploymentMode: ingestion.DeployIncremental, PublicAzureTenantID: "8d7f0b5e-50c5-4a2f-9f1c-000000000003",
		PublicAzureAuthorizations: []ingestion.RoleAuthorization{{PrincipalID: "8d7f0b5e-50c5-4a2f-9f1c-000000000004", RoleDefinitionID: "Owner"}},
	})
	note("technical", technical.Action, err)
	if failed != nil {
		return done, failed
	}
	picture, err := offer.Images(listing.Resource.ID).Apply(ctx, ingestion.ListingImage{FileName: "logo.png", Type: ingestion.LogoSmall}, bytes.NewReader(logo), nil)
	note("logo", picture.Action, err)
	template, err := offer.Packages().Apply(ctx, planID, ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"}, bytes.NewReader(app), nil)
	note("package", template.Action, err)
	return done, failed
}

// killer ends the program at one request: before it is sent, or when the service has
// done what it asks for and the answer is lost.
type killer struct {
	next  http.RoundTripper
	at    int // 0: never
	after bool
	kill  context.CancelFunc
	count int
}

func (k *killer) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.Contains(req.URL.Path, "/oauth2/") {
		return k.next.RoundTrip(req)
	}
	k.count++
	if k.count != k.at {
		return k.next.RoundTrip(req)
	}
	defer k.kill()
	if k.after {
		resp, err := k.next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		_ = resp.Body.Close()
	}
	return nil, context.Canceled
}

// Killed at any request, before or after the service has got it, the publication goes on
// with the token of the last poll that was seen, and makes one submission.
func TestKilledAtEveryRequest(t *testing.T) {
	t.Parallel()
	seldom := &partnercenter.WaitOptions{MinInterval: 2 * time.Hour, MaxInterval: -1} // so that there are few
	for _, policy := range []ingestion.InFlight{ingestion.InFlightRefuse, ingestion.InFlightWait, ingestion.InFlightCancel, ingestion.InFlightTakeOver} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, answered %t", policy, after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := pctest.NewServer(t)
					for at := 1; ; at++ { // until a run has fewer requests
						product := addOffer(t, srv, fmt.Sprintf("offer-%d", at))
						want := 1
						if policy != ingestion.InFlightRefuse {
							p, err := publisher(t, srv).Product(product.ID).Publish(ingestion.PublishRequest{})
							if err != nil {
								t.Fatal(err)
							}
							for range 2 {
								if _, _, err := p.Poll(t.Context()); err != nil {
									t.Fatal(err)
								}
							}
						}
						if policy == ingestion.InFlightWait {
							want = 2
						}
						ctx, kill := context.WithCancel(t.Context())
						options := srv.Options()
						k := &killer{next: options.Transport, at: at, after: after, kill: kill}
						options.Transport = k
						client, err := ingestion.New(srv.AppOnlyTokenSource(), options)
						if err != nil {
							t.Fatal(err)
						}
						p, err := client.Product(product.ID).Publish(ingestion.PublishRequest{Goal: ingestion.GoalLive, InFlight: policy})
						if err != nil {
							t.Fatal(err)
						}
						token := p.ResumeToken()
						for _, err = range p.Watch(ctx, seldom) {
							if err == nil {
								token = p.ResumeToken()
							}
						}
						kill()
						if k.count < at {
							if err != nil || at < 15 {
								t.Errorf("not killed at request %d: %v", at, err)
							}
							return
						}
						again, err := publisher(t, srv).ResumePublish(token, nil)
						if err != nil {
							t.Fatal(err)
						}
						s, err := again.Wait(t.Context(), seldom)
						if err != nil || s.Stage != ingestion.StageLive {
							t.Errorf("killed at request %d: %s, %v", at, s.Stage, err)
						}
						if stored, _ := srv.Ingestion().Product(product.ID); len(stored.Submissions) != want {
							t.Errorf("killed at request %d: %d submissions, want %d", at, len(stored.Submissions), want)
						}
					}
				})
			})
		}
	}
}
