package ingestion_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// publishedOffer stands in for client.Product with the id that ByOfferID finds. The
// service behind it is a fake for which a submission takes no time.
func publishedOffer(toPreview ...pctest.SubmissionStep) (*ingestion.Client, ingestion.ProductScope) {
	srv, err := pctest.New(pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) {
		if b.ToPreview = toPreview; len(toPreview) == 0 {
			b.ToPreview = []pctest.SubmissionStep{pctest.InPreview()}
		}
		b.ToLive = []pctest.SubmissionStep{pctest.InStore()}
	}))
	if err != nil {
		panic(err)
	}
	product, err := srv.Ingestion().AddProduct(pctest.Product{
		Type: "AzureApplication", OfferID: "my-offer", Variants: []pctest.Variant{{ExternalID: "basic", SubType: "managed-application"}},
	})
	if err != nil {
		panic(err)
	}
	client, err := ingestion.New(srv.AppOnlyTokenSource(), srv.Options())
	if err != nil {
		panic(err)
	}
	return client, client.Product(product.ID)
}

// quickly is for examples and tests; leave the wait's defaults to real offers.
var quickly = &partnercenter.WaitOptions{MinInterval: time.Millisecond, MaxInterval: -1}

// A pipeline takes an offer live. It ends without an error only if the offer is
// live.
func ExampleProductScope_Publish() {
	ctx := context.Background()
	_, offer := publishedOffer()

	publication, err := offer.Publish(ingestion.PublishRequest{Goal: ingestion.GoalLive})
	if err != nil {
		fmt.Println(err)
		return
	}
	status, err := publication.Wait(ctx, quickly)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.Submission.FriendlyName, "is", status.Stage)
	// Output: Submission 1 is live
}

// The reasons of a failure make a table.
func ExamplePublishError() {
	ctx := context.Background()
	_, offer := publishedOffer(pctest.ValidationFailed(
		pctest.Finding{Code: "AVS0106", Severity: "Error", Message: "The template is broken.", Resource: "Package"},
	))

	publication, err := offer.Publish(ingestion.PublishRequest{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = publication.Wait(ctx, quickly)
	if failed, ok := errors.AsType[*ingestion.PublishError](err); ok {
		fmt.Println("failed in", failed.Step)
		for _, f := range failed.Findings() {
			fmt.Printf("%-10s | %-6s | %-7s | %-7s | %s\n", f.Kind, f.Severity, f.Code, f.Where, f.Text)
		}
	}
	// Output:
	// failed in Automated validation
	// step       | Failed |         | Preview | Automated validation
	// validation | Error  | AVS0106 | Package | The template is broken.
}

// A job that may be killed writes the token down after every poll; another one, on
// another machine, goes on from there.
func ExampleClient_ResumePublish() {
	ctx := context.Background()
	client, offer := publishedOffer(pctest.Validating().Polls(1), pctest.InPreview())
	var kept string

	publication, err := offer.Publish(ingestion.PublishRequest{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for status, err := range publication.Watch(ctx, quickly) {
		if err != nil {
			fmt.Println(err)
			return
		}
		kept = publication.ResumeToken()
		if status.Phase == ingestion.PhasePreview {
			break // the machine goes down
		}
	}

	again, err := client.ResumePublish(kept, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	status, err := again.Wait(ctx, quickly)
	fmt.Println(status.Submission.ReleaseNumber, status.Stage, err)
	// Output: 1 preview <nil>
}

// What would be done, without doing it.
func ExamplePublication_Plan() {
	_, offer := publishedOffer()

	publication, err := offer.Publish(ingestion.PublishRequest{Modules: []ingestion.Module{ingestion.ModuleListing}})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := publication.Plan(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan.Product.Data.OfferID(), "with", len(plan.Plans), "plan")
	fmt.Println(len(plan.Request.Resources), "draft of its own,", len(plan.Request.VariantResources[0].Resources), "of the plan")
	fmt.Println(plan.Steps[len(plan.Steps)-1])
	// Output:
	// my-offer with 1 plan
	// 1 draft of its own, 1 of the plan
	// wait for the preview
}

// The second time there is nothing to do, and nothing is written.
func ExampleListings_Apply() {
	ctx := context.Background()
	_, offer := publishedOffer()

	for range 2 {
		listing, err := offer.Listings().Apply(ctx, "", ingestion.Listing{Title: "Ours", Keywords: []string{"backup"}})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(listing.Action, listing.Changes, listing.Resource.Data.Title)
	}
	// Output:
	// updated [title keywords] Ours
	// unchanged [] Ours
}

// The update of a Business Central app: its file, its version, and a publication of
// these two alone.
func ExampleProperties_ApplyAppVersion() {
	ctx := context.Background()
	srv, err := pctest.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close() }()
	product, err := srv.Ingestion().AddProduct(pctest.Product{Type: string(ingestion.Dynamics365BusinessCentral), OfferID: "my-app"})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := ingestion.New(srv.AppOnlyTokenSource(), srv.Options())
	if err != nil {
		fmt.Println(err)
		return
	}
	offer := client.Product(product.ID)

	app := ingestion.Package{Type: ingestion.BusinessCentralExtension, FileName: "my.app"}
	file, err := offer.Packages().Apply(ctx, "", app, strings.NewReader("the app file"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	version, err := offer.Properties().ApplyAppVersion(ctx, "2.0.0.0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("package", file.Action, "- version", version.Action)
	_, err = offer.Properties().ApplyAppVersion(ctx, "1.9.0.0")
	fmt.Println(err)

	publication, err := offer.Publish(ingestion.PublishRequest{Modules: []ingestion.Module{ingestion.ModulePackage, ingestion.ModuleProperty}})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := publication.Plan(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, draft := range plan.Request.Resources {
		fmt.Println("submit", draft.Type)
	}
	// Output:
	// package created - version updated
	// ingestion: version 1.9.0.0 is lower than 2.0.0.0, which the product has already; raise it, or set it with Properties.Apply
	// submit Package
	// submit Property
}
