package pctest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// A test that publishes and fails in certification: the preview is made, somebody
// promotes it, and hours later it turns out not to be good enough.
func ExampleIngestion_NextSubmission() {
	ctx := context.Background()
	srv, err := pctest.New()
	check(err)
	defer func() { check(srv.Close()) }()
	offer, err := srv.Ingestion().AddProduct(pctest.Product{
		Type: "AzureApplication", OfferID: "my-offer",
		Variants: []pctest.Variant{{ExternalID: "basic", FriendlyName: "Basic", SubType: "managed-application"}},
	})
	check(err)
	check(srv.Ingestion().NextSubmission(pctest.SubmissionScript{
		ToLive: []pctest.SubmissionStep{
			pctest.Certifying().For(2 * time.Hour),
			pctest.CertificationFailed(pctest.Finding{Code: "Cert-7", Severity: "Error", Message: "The template does not deploy.", Resource: "Package"}),
		},
	}))

	client, err := ingestion.New(srv.AppOnlyTokenSource(), srv.Options())
	check(err)
	p := client.Product(offer.ID)
	request := ingestion.SubmissionRequest{Targets: ingestion.ToPreview()}
	for _, module := range []ingestion.Module{ingestion.ModuleListing, ingestion.ModulePackage, ingestion.ModuleResellerConfiguration} {
		draft, err := p.Branches().Draft(ctx, module, "")
		check(err)
		request.Resources = append(request.Resources, ingestion.TypeValue{Type: string(module), Value: draft})
	}
	submission, err := p.Submissions().Create(ctx, request)
	check(err)
	show := func() {
		s, err := p.Submissions().Get(ctx, submission.ID)
		check(err)
		fmt.Println(s.Status().Stage)
	}
	show()
	srv.Advance(10 * time.Minute) // in a test, testing/synctest lets time pass by itself
	show()
	_, err = p.Submissions().Promote(ctx, submission.ID)
	check(err)
	show()
	srv.Advance(2 * time.Hour)
	show()
	for item, err := range p.Submissions().Validations(submission.ID).All(ctx) {
		check(err)
		fmt.Println(item.ErrorCode, item.Message)
	}
	// Output:
	// preparing
	// preview
	// going live
	// failed
	// Cert-7 The template does not deploy.
}

// The service behaves differently for different accounts and has changed over the
// years: a client should be tested with all of it.
func ExampleIngestion_Configure() {
	ctx := context.Background()
	srv, err := pctest.New()
	check(err)
	defer func() { check(srv.Close()) }()
	for n := range 9 {
		_, err := srv.Ingestion().AddProduct(pctest.Product{Type: "SoftwareAsAService", OfferID: fmt.Sprint("offer-", n)})
		check(err)
	}
	check(srv.Ingestion().Configure(func(b *pctest.IngestionBehavior) {
		b.PageSizes = []int{3, 0, 1} // short pages, and empty ones in between
		b.DeadLastLink = true        // the last page links to one that is not there
		b.RefuseUnfiltered = true    // this account must name a type
	}))

	client, err := ingestion.New(srv.AppOnlyTokenSource(), srv.Options())
	check(err)
	found := 0
	for _, err := range client.Products().All(ctx, ingestion.TypeIs("SoftwareAsAService")) {
		check(err)
		found++
	}
	fmt.Println(found, "products in", len(srv.Requests().To(pctest.API)), "requests")
	// Output: 9 products in 8 requests
}
