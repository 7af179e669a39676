package ingestion_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

// exampleClient stands in for ingestion.New with a token source of package auth.
// The service behind it gives the answers one after the other.
func exampleClient(list ...answer) *ingestion.Client {
	client, err := ingestion.New(source(), &partnercenter.Options{Transport: answers(list...)})
	if err != nil {
		panic(err)
	}
	return client
}

func Example() {
	ctx := context.Background()
	client := exampleClient(
		ok(`{"value":[{"resourceType":"AzureApplication","name":"Mine","externalIDs":[{"type":"AzureOfferId","value":"my-offer"}],"id":"p-1"}]}`),
		ok(`{"value":[{"externalID":"basic","friendlyName":"Basic","id":"v-1"},{"externalID":"pro","friendlyName":"Professional","id":"v-2"}]}`),
	)

	product, err := client.Products().ByOfferID(ctx, "my-offer")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(product.Data.Type, product.Data.Name)
	for plan, err := range client.Product(product.ID).Variants().All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("plan", plan.Data.ExternalID, plan.Data.FriendlyName)
	}
	// Output:
	// AzureApplication Mine
	// plan basic Basic
	// plan pro Professional
}

// The service replaces a listing as a whole; what this package does not know of it
// is sent back all the same.
func ExampleUpdater_Modify() {
	ctx := context.Background()
	client := exampleClient(
		ok(`{"value":[{"module":"Listing","currentDraftInstanceID":"i-1"}]}`),
		ok(`{"value":[{"title":"Mine","badge":"gold","@odata.etag":"\"1\"","id":"l-1"}]}`),
		ok(`{"title":"Mine","badge":"gold","@odata.etag":"\"1\"","id":"l-1"}`),
		answer{status: http.StatusPreconditionFailed}, // somebody else was faster
		ok(`{"title":"Ours","badge":"gold","@odata.etag":"\"2\"","id":"l-1"}`),
		ok(`{"title":"Ours","badge":"gold","summary":"Now with more.","@odata.etag":"\"3\"","id":"l-1"}`),
	)
	offer := client.Product("p-1")

	instance, err := offer.Branches().Draft(ctx, ingestion.ModuleListing, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	draft, err := offer.Listings().Draft(ctx, instance)
	if err != nil {
		fmt.Println(err)
		return
	}
	listing, err := offer.Listings().Modify(ctx, draft.ID, func(l *ingestion.Resource[ingestion.Listing]) error {
		l.Data.Summary = "Now with more."
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	badge, _ := listing.Data.Field("badge")
	fmt.Println(listing.Data.Title, listing.ETag, string(badge))
	// Output: Ours "3" "gold"
}

func ExamplePackageConfiguration() {
	client := exampleClient(ok(`{"resourceType":"AzureSolutionTemplatePackageConfiguration","version":"1.0.0","id":"c-1"}`))

	r, err := client.Product("p-1").PackageConfigurations().Get(context.Background(), "c-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	switch c := r.Data.(type) {
	case *ingestion.ManagedApplicationConfiguration:
		fmt.Println("managed application", c.Version)
	case *ingestion.SolutionTemplateConfiguration:
		fmt.Println("solution template", c.Version)
	}
	// Output: solution template 1.0.0
}

func ExampleSubmission_Status() {
	client := exampleClient(ok(`{"value":[
		{"id":"1152921505695125041","releaseNumber":2,"state":"Published","substate":"ReadyToPublish"},
		{"id":"1152921505695125040","releaseNumber":1,"state":"Published","substate":"InStore"}]}`))

	latest, err := client.Product("p-1").Submissions().Latest(context.Background())
	switch {
	case errors.Is(err, partnercenter.ErrNotFound):
		fmt.Println("never submitted")
	case err != nil:
		fmt.Println(err)
	default:
		status := latest.Status()
		fmt.Println(latest.ID, status.Stage, "can be promoted:", status.CanPromote)
	}
	// Output: 1152921505695125041 preview can be promoted: true
}

func ExampleNewProduct() {
	product := ingestion.NewProduct(ingestion.AzureContainer, "my-offer", "My offer")
	raw, err := ingestion.Wire(&ingestion.Resource[ingestion.Product]{Data: product})
	fmt.Println(string(raw), err)
	// Output:
	// {"resourceType":"AzureContainer","name":"My offer","externalIDs":[{"type":"AzureOfferId","value":"my-offer"}],"isModularPublishing":true} <nil>
}

func ExampleObject_With() {
	contact := ingestion.ListingContact{Type: ingestion.ContactEngineering, Email: "eng@example.com"}
	var err error
	contact.Object, err = contact.With("onCall", true) // no field for this one yet
	raw, wireErr := ingestion.Wire(&ingestion.Resource[ingestion.Listing]{Data: ingestion.Listing{Contacts: []ingestion.ListingContact{contact}}})
	fmt.Println(string(raw), err, wireErr)
	// Output:
	// {"resourceType":"AzureListing","listingUris":[],"listingContacts":[{"onCall":true,"type":"Engineering","email":"eng@example.com"}]} <nil> <nil>
}
