package pctest_test

import (
	"context"
	"errors"
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

func newPublisher(t testing.TB, srv *pctest.Server) *ingestion.Client {
	t.Helper()
	client, err := ingestion.New(srv.AppOnlyTokenSource(), srv.Options())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// seed adds an Azure application with a plan.
func seed(t testing.TB, srv *pctest.Server) pctest.StoredProduct {
	t.Helper()
	p, err := srv.Ingestion().AddProduct(pctest.Product{
		Type: "AzureApplication", OfferID: "my-offer", Variants: []pctest.Variant{{ExternalID: "basic", FriendlyName: "Basic", SubType: "managed-application"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// request gathers the drafts of a product and its plans.
func request(t testing.TB, p ingestion.ProductScope, modules ...ingestion.Module) ingestion.SubmissionRequest {
	t.Helper()
	r := ingestion.SubmissionRequest{Targets: ingestion.ToPreview()}
	for _, m := range modules {
		id, err := p.Branches().Draft(t.Context(), m, "")
		if err != nil {
			t.Fatal(err)
		}
		r.Resources = append(r.Resources, ingestion.TypeValue{Type: string(m), Value: id})
	}
	return r
}

// story follows a submission until it stays as it is, and tells its stages.
func story(t testing.TB, p ingestion.ProductScope, id string) string {
	t.Helper()
	var seen []string
	for range 40 {
		s, err := p.Submissions().Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		at := string(s.State) + "/" + string(s.Substate)
		if len(seen) == 0 || seen[len(seen)-1] != at {
			seen = append(seen, at)
		}
		time.Sleep(30 * time.Minute)
	}
	return strings.Join(seen, " ")
}

func TestSubmissionsGoTheirWay(t *testing.T) {
	t.Parallel()
	fail := pctest.Finding{Code: "AVS0106", Severity: "Error", Message: "No.", Resource: "Package"}
	for name, c := range map[string]struct {
		script  *pctest.SubmissionScript
		modules []ingestion.Module
		promote bool
		want    string
		found   string
		steps   string
	}{
		"to preview": {
			want:  "InProgress/InDraft Published/ReadyToPublish",
			steps: "Success Success Success / NotStarted NotStarted",
		},
		"to live": {
			promote: true, want: "Published/Publishing Published/InStore",
			steps: "Success Success Success / Success Success",
		},
		"without a reseller configuration": {
			modules: []ingestion.Module{ingestion.ModuleListing},
			want:    "InProgress/InDraft InProgress/Failed", found: "Resell-20007",
			steps: "Failed NotStarted NotStarted / NotStarted NotStarted",
		},
		"fails in validation": {
			script: &pctest.SubmissionScript{ToPreview: []pctest.SubmissionStep{
				pctest.InDraft().For(time.Hour), pctest.Validating().For(time.Hour), pctest.ValidationFailed(fail),
			}},
			want: "InProgress/InDraft InProgress/Submitted InProgress/Failed", found: "AVS0106",
			steps: "Failed NotStarted NotStarted / NotStarted NotStarted",
		},
		"fails while the preview is made": {
			script: &pctest.SubmissionScript{ToPreview: []pctest.SubmissionStep{
				pctest.Validating().Polls(2), pctest.CreatingPreview().Polls(2), pctest.PreviewFailed(),
			}},
			want: "InProgress/Submitted InProgress/Failed", steps: "Success Failed NotStarted / NotStarted NotStarted",
		},
		"fails in certification": {
			script: &pctest.SubmissionScript{ToLive: []pctest.SubmissionStep{
				pctest.Certifying().For(2 * time.Hour), pctest.CertificationFailed(fail),
			}},
			promote: true, want: "Published/Publishing InProgress/FailedInCertification", found: "AVS0106",
			steps: "Success Success Success / Failed NotStarted",
		},
		"shows what nobody knows": {
			script: &pctest.SubmissionScript{ToPreview: []pctest.SubmissionStep{
				pctest.Shows("Archived", "Frozen").Polls(1), pctest.Shows("InProgress", "Thinking").Polls(1), pctest.InPreview(),
			}},
			want: "Archived/Frozen InProgress/Thinking Published/ReadyToPublish", steps: "Success Success Success / NotStarted NotStarted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := pctest.NewServer(t)
				product := seed(t, srv)
				if c.script != nil {
					if err := srv.Ingestion().NextSubmission(*c.script); err != nil {
						t.Fatal(err)
					}
				}
				p := newPublisher(t, srv).Product(product.ID)
				if c.modules == nil {
					c.modules = []ingestion.Module{ingestion.ModuleListing, ingestion.ModuleResellerConfiguration}
				}
				made, err := p.Submissions().Create(t.Context(), request(t, p, c.modules...))
				if err != nil {
					t.Fatal(err)
				}
				if c.promote {
					time.Sleep(time.Hour)
					if _, err := p.Submissions().Promote(t.Context(), made.ID); err != nil {
						t.Fatal(err)
					}
				}
				if got := story(t, p, made.ID); got != c.want {
					t.Errorf("%s, not %s", got, c.want)
				}
				items, err := collectAll(p.Submissions().Validations(made.ID).All(t.Context()))
				if err != nil {
					t.Fatal(err)
				}
				found := ""
				for _, i := range items {
					found += i.ErrorCode
				}
				if found != c.found {
					t.Errorf("found %q, not %q", found, c.found)
				}
				if got := workflow(t, p, made.ID); got != c.steps {
					t.Errorf("workflow %s, not %s", got, c.steps)
				}
			})
		})
	}
}

func workflow(t testing.TB, p ingestion.ProductScope, id string) string {
	t.Helper()
	details, err := collectAll(p.Submissions().WorkflowDetails(id).All(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	var halves []string
	for _, d := range details {
		var states []string
		for _, s := range d.Steps {
			states = append(states, string(s.State))
		}
		halves = append(halves, strings.Join(states, " "))
	}
	return strings.Join(halves, " / ")
}

func collectAll[E any](items func(func(E, error) bool)) ([]E, error) {
	var out []E
	for item, err := range items {
		if err != nil {
			return out, err
		}
		out = append(out, item)
	}
	return out, nil
}

// The 503 of a submission that was made all the same: a second POST is refused.
func TestSubmissionIsMadeThough503(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	product := seed(t, srv)
	p := newPublisher(t, srv).Product(product.ID)
	srv.Inject(pctest.AnswerAfterwards(http.StatusServiceUnavailable).On("POST", "*/submissions"))
	r := request(t, p, ingestion.ModuleListing, ingestion.ModuleResellerConfiguration)
	_, err := p.Submissions().Create(t.Context(), r)
	failed, ok := errors.AsType[*partnercenter.Error](err)
	if !ok || failed.StatusCode != http.StatusServiceUnavailable {
		t.Fatal(err)
	}
	latest, err := p.Submissions().Latest(t.Context())
	if err != nil || latest.ReleaseNumber != 1 || latest.State != ingestion.StateInProgress {
		t.Fatal(latest, err)
	}
	// The drafts have got new instances since; with these, too, it is a conflict.
	_, err = p.Submissions().Create(t.Context(), request(t, p, ingestion.ModuleListing, ingestion.ModuleResellerConfiguration))
	if failed, ok = errors.AsType[*partnercenter.Error](err); !ok || !errors.Is(err, partnercenter.ErrConflict) || failed.Code != "InvalidState" {
		t.Errorf("a second submission: %v", err)
	}
	stored, _ := srv.Ingestion().Product("my-offer")
	if diff := cmp.Diff([]string{latest.ID}, ids(stored.Submissions)); diff != "" {
		t.Error(diff)
	}
}

func ids(list []pctest.StoredSubmission) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.ID)
	}
	return out
}

func TestCancelledSubmissionsAreGone(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	p := newPublisher(t, srv).Product(seed(t, srv).ID)
	ctx := context.WithoutCancel(t.Context())
	for n, want := range []string{"", "Cancelled/Cancelled"} {
		if err := srv.Ingestion().Configure(func(b *pctest.IngestionBehavior) { b.KeepCancelled = n == 1 }); err != nil {
			t.Fatal(err)
		}
		made, err := p.Submissions().Create(ctx, request(t, p, ingestion.ModuleListing, ingestion.ModuleResellerConfiguration))
		if err != nil {
			t.Fatal(err)
		}
		if made.ReleaseNumber != n+1 {
			t.Errorf("release %d", made.ReleaseNumber)
		}
		if err := p.Submissions().Cancel(ctx, made.ID); err != nil {
			t.Fatal(err)
		}
		got, err := p.Submissions().Get(ctx, made.ID)
		at := string(got.State) + "/" + string(got.Substate)
		if want == "" && !errors.Is(err, partnercenter.ErrNotFound) || want != "" && at != want {
			t.Errorf("%s: %s, %v", want, at, err)
		}
	}
}
