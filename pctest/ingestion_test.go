package pctest_test

import (
	"context"
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

// What the service is known for, as a client of this module meets it.
func TestClientMeetsTheServicesQuirks(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	in := srv.Ingestion()
	for n := range 23 {
		if _, err := in.AddProduct(pctest.Product{Type: "AzureContainer", OfferID: "offer-" + string(rune('a'+n))}); err != nil {
			t.Fatal(err)
		}
	}
	product := seed(t, srv)
	client := newPublisher(t, srv)
	ctx := t.Context()
	configure := func(change func(*pctest.IngestionBehavior)) {
		t.Helper()
		if err := in.Configure(change); err != nil {
			t.Fatal(err)
		}
	}
	count := func(f ingestion.Filter) (int, error) {
		all, err := collectAll(client.Products().All(ctx, f))
		return len(all), err
	}

	if n, err := count(ingestion.Filter{}); n != 24 || err != nil {
		t.Errorf("%d products, %v", n, err)
	}
	if n := len(srv.Requests().To(pctest.API).On("GET", "*/products")); n != 8 {
		t.Errorf("%d pages", n)
	}
	configure(func(b *pctest.IngestionBehavior) { b.DeadLastLink = true })
	if n, err := count(ingestion.Filter{}); n != 24 || err != nil {
		t.Errorf("with a dead link at the end: %d products, %v", n, err)
	}
	configure(func(b *pctest.IngestionBehavior) {
		b.DeadLastLink, b.EmptyLastPage, b.PageSizes = false, true, []int{0, 7, 0}
	})
	if n, err := count(ingestion.TypeIs("AzureContainer")); n != 23 || err != nil {
		t.Errorf("with empty pages: %d products, %v", n, err)
	}
	configure(func(b *pctest.IngestionBehavior) { b.RefuseUnfiltered = true })
	_, err := count(ingestion.Filter{})
	if failed, ok := errors.AsType[*partnercenter.Error](err); !ok || failed.StatusCode != http.StatusBadRequest || failed.Code != "ICH50400" {
		t.Errorf("unfiltered: %v", err)
	}
	found, err := client.Products().ByOfferID(ctx, "my-offer")
	if err != nil || found.ID != product.ID {
		t.Error(found, err)
	}

	configure(func(b *pctest.IngestionBehavior) { b.RequirePublisherID = true })
	if _, err := client.Products().Get(ctx, product.ID); err == nil || !strings.Contains(err.Error(), "x-ms-publisherId") {
		t.Errorf("without a publisher's id: %v", err)
	}
	withID, err := ingestion.New(srv.AppOnlyTokenSource(), srv.Options(), ingestion.WithPublisherID("4711"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := withID.Products().Get(ctx, product.ID); err != nil {
		t.Error(err)
	}
	configure(func(b *pctest.IngestionBehavior) { b.RequirePublisherID = false })

	p := client.Product(product.ID)
	for _, status := range []int{http.StatusPreconditionFailed, http.StatusConflict} {
		configure(func(b *pctest.IngestionBehavior) { b.ConflictStatus = status })
		instance, err := p.Branches().Draft(ctx, ingestion.ModuleListing, "")
		if err != nil {
			t.Fatal(err)
		}
		mine, err := p.Listings().Draft(ctx, instance)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Listings().Update(ctx, mine); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Listings().Update(ctx, mine); !errors.Is(err, partnercenter.ErrConflict) {
			t.Errorf("%d: %v", status, err)
		}
	}

	pack, err := p.Packages().Create(ctx, ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "a.zip"})
	if err != nil {
		t.Fatal(err)
	}
	moved, err := in.MovePackage(product.ID, pack.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Packages().Get(ctx, pack.ID); err != nil || got.ID != moved {
		t.Errorf("moved package: %v %v", got, err)
	}
}

// Every shape of error reaches a client of this module as one error.
func TestErrorsOfEveryShapeAreUnderstood(t *testing.T) {
	t.Parallel()
	for shape, code := range map[pctest.ErrorShape]string{
		pctest.ShapeICH: "ICH50404", pctest.ShapeIngestion: "ICH50404", pctest.ShapeException: "", pctest.ShapeText: "", pctest.ShapeEmpty: "",
		pctest.ShapeGateway: "", pctest.ShapeHTML: "", pctest.ShapeNested: "ICH50404",
	} {
		srv := pctest.NewServer(t, pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) { b.ErrorShape = &shape }))
		_, err := newPublisher(t, srv).Products().Get(t.Context(), "nobody")
		failed, ok := errors.AsType[*partnercenter.Error](err)
		if !ok || !errors.Is(err, partnercenter.ErrNotFound) || code != "" && failed.Code != code {
			t.Errorf("shape %d: %v", shape, err)
		}
	}
}

func TestIngestionUnderControl(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	in := srv.Ingestion()
	product := seed(t, srv)
	if _, err := in.AddProduct(pctest.Product{Type: "AzureContainer", OfferID: "my-offer"}); err == nil {
		t.Error("an offer id was taken twice")
	}
	if _, err := in.AddProduct(pctest.Product{Type: "AzureContainer", OfferID: "bad", Variants: []pctest.Variant{{ExternalID: "x", SubType: ""}}}); err != nil {
		t.Error(err)
	}
	p := newPublisher(t, srv).Product(product.ID)
	made, err := p.Submissions().Create(t.Context(), request(t, p, ingestion.ModuleListing, ingestion.ModuleResellerConfiguration))
	if err != nil {
		t.Fatal(err)
	}
	if err := in.FinishSubmission(product.ID, made.ID, pctest.InPreview().Found(pctest.Finding{Code: "W1", Severity: "Warning"})); err != nil {
		t.Fatal(err)
	}
	stored, ok := in.Product(product.ID)
	if !ok || len(stored.Submissions) != 1 || stored.Submissions[0].Substate != "ReadyToPublish" || stored.Submissions[0].Resources["Listing"] == "" ||
		stored.Variants[0].ExternalID != "basic" {
		t.Errorf("%+v", stored)
	}
	if raw, err := in.Resource(product.ID, "setup", ""); err != nil || !strings.Contains(string(raw), "AzureProductSetup") {
		t.Errorf("%s %v", raw, err)
	}

	// A snapshot carries all of it to another server.
	snap, err := srv.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	second := pctest.NewServer(t, pctest.WithSnapshot(snap))
	again, _ := second.Ingestion().Product("my-offer")
	if diff := cmp.Diff(stored, again); diff != "" {
		t.Error(diff)
	}
	pack, err := p.Packages().Create(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "a.zip"})
	if err != nil {
		t.Fatal(err)
	}
	if status := put(t, srv, pack.Data.FileSASURI.Reveal()); status != http.StatusCreated {
		t.Errorf("upload: %d", status)
	}
	if err := in.ExpireLinks(product.ID, pack.ID); err != nil {
		t.Fatal(err)
	}
	if status := put(t, srv, pack.Data.FileSASURI.Reveal()); status != http.StatusForbidden {
		t.Errorf("upload to an expired link: %d", status)
	}
	if err := in.ExpireLinks(product.ID, "x"); err == nil {
		t.Error("links to nothing have expired")
	}
	for _, err := range []error{
		in.Configure(func(b *pctest.IngestionBehavior) { b.ConflictStatus = 1 }),
		in.NextPackage(pctest.PackageScript{QueueTime: new(-time.Second)}),
		in.FinishSubmission(product.ID, "x", pctest.InStore()),
	} {
		if err == nil {
			t.Error("nonsense was taken")
		}
	}
}

func put(t testing.TB, srv *pctest.Server, link string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, link, strings.NewReader("PK"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-ms-blob-type", "BlockBlob")
	resp, err := srv.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// Over real sockets, links lead to the listener's store.
func TestIngestionOverTheNetwork(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	at, err := srv.Listen()
	if err != nil {
		t.Fatal(err)
	}
	product := seed(t, srv)
	client, err := ingestion.New(srv.AppOnlyTokenSource(), at.Options())
	if err != nil {
		t.Fatal(err)
	}
	pack, err := client.Product(product.ID).Packages().Create(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "a.zip"})
	if err != nil || !strings.HasPrefix(pack.Data.FileSASURI.Reveal(), at.BlobURL+"/file/") {
		t.Errorf("%v", err)
	}
	if _, err := collectAll(client.Products().All(t.Context(), ingestion.Filter{})); err != nil {
		t.Error(err)
	}
}

// Neither recorded requests nor snapshots hold the secrets of lead configurations
// and the signatures of links.
func TestIngestionKeepsSecrets(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	product := seed(t, srv)
	p := newPublisher(t, srv).Product(product.ID)
	secret := partnercenter.NewSecret("DefaultEndpointsProtocol=https;AccountKey=c3VwZXItc2VjcmV0LWtleQ==")
	for _, lead := range []ingestion.LeadConfiguration{
		&ingestion.AzureTableLeads{ConnectionString: secret},
		&ingestion.DynamicsLeads{URI: "https://d.example", Password: secret, ApplicationKey: secret},
		&ingestion.HTTPSEndpointLeads{URI: secret},
	} {
		if _, err := p.LeadConfiguration().Set(t.Context(), lead); err != nil {
			t.Fatal(err)
		}
	}
	pack, err := p.Packages().Create(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "a.zip"})
	if err != nil {
		t.Fatal(err)
	}
	link := pack.Data.FileSASURI.Reveal()
	pack.Data.Type = ingestion.ApplicationPackage
	if _, err := p.Packages().Update(t.Context(), pack); err != nil {
		t.Fatal(err)
	}
	put(t, srv, link)
	_, signature, _ := strings.Cut(link, "sig=")
	signature, _, _ = strings.Cut(signature, "&")
	snap, err := srv.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	all := string(snap)
	for _, r := range srv.Requests() {
		all += fmt.Sprintln(r.Path, r.Query, r.Header, string(r.Body))
	}
	for _, s := range []string{"c3VwZXItc2VjcmV0LWtleQ", signature} {
		if s == "" || strings.Contains(all, s) {
			t.Errorf("%q has been kept", s)
		}
	}
}
