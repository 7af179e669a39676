// Package ingestion talks to the submission API of Microsoft Partner Center, also
// known as the ingestion API: it reads and changes offers, plans, listings, prices,
// packages and the rest, and publishes them.
//
// # Finding one's way
//
// A [Client] has the collection of products, and everything that belongs to one of
// them:
//
//	client, err := ingestion.New(source, nil)
//	product, err := client.Products().ByOfferID(ctx, "my-offer")
//	offer := client.Product(product.ID)
//	for plan, err := range offer.Variants().All(ctx) { ... }
//
// Every collection has the verbs that the service has for it, and no others:
// [Lister] and [Finder] list, [Getter] reads, [Creator] makes, [Updater] changes,
// [Deleter] removes, [Drafts] reads what belongs to a draft, [Uploader] puts files in
// their places, [Singleton] is for what a product has one of.
//
// What can be changed is a [Resource]; what can only be looked at, such as a
// [Branch] or a [Submission], is a plain struct.
//
// All clients, scopes, collections, verbs and filters are safe for concurrent use. A
// Resource that is being changed and a [Publication] belong to one goroutine at a time.
//
// # Drafts
//
// Listings, properties, prices and configurations are drafts until they are
// published. A draft is an instance of a [Module] of a product or plan. Its id
// changes with every submission, so it is looked up each time:
//
//	id, err := offer.Branches().Draft(ctx, ingestion.ModuleListing, "")
//	listing, err := offer.Listings().Draft(ctx, id)
//
// # Changing things
//
// The service replaces a resource as a whole and forgets what it is not sent. This
// package therefore keeps everything that it has read, whether it knows it or not,
// and sends it back; see [Object]. Changes go out with the version that was read,
// so that nobody's work is overwritten by accident:
//
//	listing, err = offer.Listings().Modify(ctx, listing.ID,
//		func(l *ingestion.Resource[ingestion.Listing]) error {
//			l.Data.Summary = "Now with more."
//			return nil
//		})
//
// Modify begins again when somebody else was faster, and writes nothing when there
// is nothing to change. [Overwrite] ignores versions.
//
// What should be rather than what to do is said with the verbs named Apply, which
// find the draft, merge into it what they are given, and write only if something
// differs. A pipeline can run them every time:
//
//	applied, err := offer.Listings().Apply(ctx, "", ingestion.Listing{Summary: "Now with more."})
//
// # Files
//
// Packages, pictures and documents are uploaded by the verbs of [Uploader], which
// look into the file, make the resource, send the file, and wait for the service:
//
//	app, err := offer.Packages().UploadFile(ctx,
//		ingestion.Package{Type: ingestion.ApplicationPackage}, "app.zip", nil)
//
// An interrupted upload goes on where it stopped; [Uploader.Holds] tells whether one
// is needed at all. The verbs named Apply of media and packages put all of this
// together and upload nothing twice.
//
// # Publishing
//
// [ProductScope.Publish] takes the drafts to preview and, if asked to, to customers.
// It can be followed step by step, resumed on another machine, and ends without an
// error only if the offer is there:
//
//	publication, err := offer.Publish(ingestion.PublishRequest{Goal: ingestion.GoalLive})
//	status, err := publication.Wait(ctx, nil)
//
// A [PublishError] knows all that the service says about a failure. The steps that
// Publish takes can be had one by one from [ProductScope.Submissions].
//
// # Secrets
//
// Upload links, keys and passwords are [partnercenter.Secret] values. They are
// sent as they are and printed never, neither by fmt nor by encoding/json; [Wire]
// gives the JSON that has them.
//
// # What is known
//
// The service's documentation is thin: the page
// https://docs.microsoft.com/en-us/azure/marketplace/partner-center-portal/azure-app-apis
// and an OpenAPI document, Partner_Ingestion_SwaggerDocument.json, in
// https://github.com/microsoft/az-partner-center-cli. Where they are silent or
// wrong, this package goes by what the service has been seen to do. Texts of kinds
// that it does not know are kept and shown as they are.
package ingestion
