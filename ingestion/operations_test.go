package ingestion_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

const (
	etag   = `"\"6a022fbd-0000-0800-0000-6802710c0000\""` // as JSON
	rawTag = `"6a022fbd-0000-0800-0000-6802710c0000"`     // as a header
)

// operation is one operation of the published schema, driven through the public
// API: what is called, what must be sent, what the service answers.
type operation struct {
	name string // as the schema spells it
	call func(context.Context, *ingestion.Client) (any, error)
	// what must be sent
	path, query, ifMatch, body string
	// what the service says
	status int
	answer string
	// what the call must return, as JSON; empty for nothing
	want string
}

// stored is an answer for a resource of a type.
func stored(kind, members string) string {
	if members != "" {
		members += ","
	}
	return `{"resourceType":"` + kind + `",` + members + `"new":{"n":1.50},"@odata.etag":` + etag + `,"id":"r-1"}`
}

func listOf(item string) string { return `{"value":[` + item + `]}` }

// get makes operations of the usual shapes for a resource of type T.
type shape[T any] struct {
	kind   string // resourceType
	at     string // path of the collection
	query  string // of the reads
	answer string
}

func listed[E any](items func(func(E, error) bool)) (any, error) {
	all, err := collect(items)
	return all, err
}

func resource[T any](r *ingestion.Resource[T], err error) (any, error) { return r, err }

// listOp, getOp and so on make an operation of one shape each.
func listOp[T any](name string, s shape[T], verbs func(*ingestion.Client) ingestion.Lister[*ingestion.Resource[T]]) operation {
	return operation{
		name: name, path: s.at, query: s.query, status: 200, answer: listOf(s.answer), want: "[" + s.answer + "]",
		call: func(ctx context.Context, c *ingestion.Client) (any, error) { return listed(verbs(c).All(ctx)) },
	}
}

func draftOp[T any](name, path string, s shape[T], verbs func(*ingestion.Client) ingestion.Drafts[*ingestion.Resource[T]]) operation {
	return operation{
		name: name, path: path, query: s.query, status: 200, answer: listOf(s.answer), want: s.answer,
		call: func(ctx context.Context, c *ingestion.Client) (any, error) {
			return resource(verbs(c).Draft(ctx, "i-1"))
		},
	}
}

func getOp[T any](name string, s shape[T], verbs func(*ingestion.Client) ingestion.Updater[T]) operation {
	return operation{
		name: name, path: s.at + "/r-1", query: s.query, status: 200, answer: s.answer, want: s.answer,
		call: func(ctx context.Context, c *ingestion.Client) (any, error) { return resource(verbs(c).Get(ctx, "r-1")) },
	}
}

func putOp[T any](name string, s shape[T], putQuery string, verbs func(*ingestion.Client) ingestion.Updater[T]) operation {
	return operation{
		name: name, path: s.at + "/r-1", query: putQuery, status: 200, answer: s.answer, want: s.answer, ifMatch: rawTag, body: s.answer,
		call: func(ctx context.Context, c *ingestion.Client) (any, error) {
			var r ingestion.Resource[T]
			if err := r.UnmarshalJSON([]byte(s.answer)); err != nil {
				return nil, err
			}
			return resource(verbs(c).Update(ctx, &r))
		},
	}
}

func createOp[T any](name string, s shape[T], data T, body string, verbs func(*ingestion.Client) ingestion.Creator[T]) operation {
	return operation{
		name: name, path: s.at, body: body, status: 201, answer: s.answer, want: s.answer,
		call: func(ctx context.Context, c *ingestion.Client) (any, error) {
			return resource(verbs(c).Create(ctx, data))
		},
	}
}

func deleteOp(name, path string, verbs func(*ingestion.Client) ingestion.Deleter) operation {
	return operation{
		name: name, path: path, status: 204,
		call: func(ctx context.Context, c *ingestion.Client) (any, error) { return nil, verbs(c).Delete(ctx, "r-1") },
	}
}

func singletonOps[T any](path, kind, members string, data T, body string, verbs func(*ingestion.Client) ingestion.Singleton[T]) []operation {
	answer := `{"resourceType":"` + kind + `",` + members + `}`
	at := "/products/p-1/" + path
	return []operation{
		{
			name: "GET /products/{productID}/" + path, path: at, status: 200, answer: answer, want: answer,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) { return resource(verbs(c).Get(ctx)) },
		},
		{
			name: "POST /products/{productID}/" + path, path: at, body: body, status: 200, answer: answer, want: answer,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) { return resource(verbs(c).Set(ctx, data)) },
		},
	}
}

func mediaOps[T any](collection, item, kind string, data T, body string, verbs func(ingestion.ProductScope, ...ingestion.Expand) ingestion.Media[T]) []operation {
	s := shape[T]{
		kind: kind, at: "/products/p-1/listings/l-1/" + collection, query: "$expand=FileSasUri",
		answer: stored(kind, `"fileName":"a.png","fileSasUri":"https://blob.example/f?06%2f18&sv=1&sig=AbC%2b"`),
	}
	at := "/products/{productID}/listings/{listingID}/" + collection
	m := func(c *ingestion.Client) ingestion.Media[T] {
		return verbs(c.Product("p-1"), ingestion.ExpandFileSASURI)
	}
	return []operation{
		listOp("GET "+at, s, func(c *ingestion.Client) ingestion.Lister[*ingestion.Resource[T]] { return m(c).Lister }),
		createOp("POST "+at, s, data, body, func(c *ingestion.Client) ingestion.Creator[T] { return m(c).Creator }),
		getOp("GET "+at+"/"+item, s, func(c *ingestion.Client) ingestion.Updater[T] { return m(c).Updater }),
		putOp("PUT "+at+"/"+item, s, "", func(c *ingestion.Client) ingestion.Updater[T] { return m(c).Updater }),
		deleteOp("DELETE "+at+"/"+item, s.at+"/r-1", func(c *ingestion.Client) ingestion.Deleter { return m(c).Deleter }),
	}
}

func operations() []operation {
	var all []operation
	add := func(more ...operation) { all = append(all, more...) }
	p := func(c *ingestion.Client) ingestion.ProductScope { return c.Product("p-1") }

	product := stored("AzureApplication", `"name":"Alias","externalIDs":[{"type":"AzureOfferId","value":"my-offer"}],"isModularPublishing":true`)
	add(
		operation{
			name: "GET /products", path: "/products", query: "$filter=resourceType%20eq%20%27AzureApplication%27",
			status: 200, answer: listOf(product), want: "[" + product + "]",
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return listed(c.Products().All(ctx, ingestion.TypeIs(ingestion.AzureApplication)))
			},
		},
		operation{
			name: "POST /products", path: "/products", status: 201, answer: product, want: product,
			body: `{"resourceType":"AzureContainer","name":"Alias","externalIDs":[{"type":"AzureOfferId","value":"my-offer"}],"isModularPublishing":true}`,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return resource(c.Products().Create(ctx, ingestion.NewProduct(ingestion.AzureContainer, "my-offer", "Alias")))
			},
		},
		operation{
			name: "GET /products/{productID}", path: "/products/r-1", status: 200, answer: product, want: product,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return resource(c.Products().Get(ctx, "r-1"))
			},
		},
		deleteOp("DELETE /products/{productID}", "/products/r-1", func(c *ingestion.Client) ingestion.Deleter { return c.Products().Deleter }),
		operation{
			name: "GET /products/{productID}/branches/getByModule(module={module})", path: "/products/p-1/branches/getByModule(module=Listing)",
			status: 200, answer: listOf(`{"resourceType":"Branch","module":"Listing","type":"Main","currentDraftInstanceID":"i-1"}`), want: `"i-1"`,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return p(c).Branches().Draft(ctx, ingestion.ModuleListing, "")
			},
		},
	)
	add(singletonOps("setup", "AzureProductSetup", `"sellingOption":"ListAndSell","trialUri":"","enableTestDrive":false`,
		ingestion.ProductSetup{SellingOption: ingestion.ListAndSell},
		`{"resourceType":"AzureProductSetup","sellingOption":"ListAndSell","trialUri":"","enableTestDrive":false}`,
		func(c *ingestion.Client) ingestion.Singleton[ingestion.ProductSetup] { return p(c).Setup() })...)
	add(singletonOps("leadconfiguration", "AzureBlobLeadConfiguration", `"connectionString":"AccountKey=k==","containerName":"leads"`,
		ingestion.LeadConfiguration(&ingestion.AzureBlobLeads{ConnectionString: partnercenter.NewSecret("AccountKey=k=="), ContainerName: "leads"}),
		`{"resourceType":"AzureBlobLeadConfiguration","connectionString":"AccountKey=k==","containerName":"leads"}`,
		func(c *ingestion.Client) ingestion.Singleton[ingestion.LeadConfiguration] {
			return p(c).LeadConfiguration()
		})...)
	add(singletonOps("resellerConfiguration", "ResellerConfiguration", `"resellerChannelState":"PartialOptIn","tenantIds":["t-1"]`,
		ingestion.ResellerConfiguration{ChannelState: ingestion.ResellersSome, TenantIDs: []string{"t-1"}},
		`{"resourceType":"ResellerConfiguration","resellerChannelState":"PartialOptIn","tenantIds":["t-1"]}`,
		func(c *ingestion.Client) ingestion.Singleton[ingestion.ResellerConfiguration] {
			return p(c).ResellerConfiguration()
		})...)

	pa := shape[ingestion.ProductAvailability]{
		at:     "/products/p-1/productavailabilities",
		answer: stored("ProductAvailability", `"visibility":"Public","audiences":[{"Type":"PreviewMarketplaceGroup","Values":["s-1"],"x":1}]`),
	}
	pas := func(c *ingestion.Client) ingestion.ProductAvailabilities { return p(c).ProductAvailabilities() }
	add(
		listOp("GET /products/{productID}/productavailabilities", pa, func(c *ingestion.Client) ingestion.Lister[*ingestion.Resource[ingestion.ProductAvailability]] {
			return pas(c).Lister
		}),
		createOp("POST /products/{productID}/productavailabilities", pa,
			ingestion.ProductAvailability{
				Visibility: ingestion.VisibilityPublic,
				Audiences:  []ingestion.AudienceGroup{{Type: ingestion.PreviewMarketplaceGroup, Values: []string{"s-1"}}},
			},
			`{"resourceType":"ProductAvailability","visibility":"Public","audiences":[{"Type":"PreviewMarketplaceGroup","Values":["s-1"]}]}`,
			func(c *ingestion.Client) ingestion.Creator[ingestion.ProductAvailability] { return pas(c).Creator }),
		getOp("GET /products/{productID}/productavailabilities/{productAvailabilityID}", pa, func(c *ingestion.Client) ingestion.Updater[ingestion.ProductAvailability] {
			return pas(c).Updater
		}),
		putOp("PUT /products/{productID}/productavailabilities/{productAvailabilityID}", pa, "", func(c *ingestion.Client) ingestion.Updater[ingestion.ProductAvailability] {
			return pas(c).Updater
		}),
		draftOp("GET /products/{productID}/productAvailabilities/getByInstanceID(instanceID={instanceID})",
			"/products/p-1/productAvailabilities/getByInstanceID(instanceID=i-1)", pa,
			func(c *ingestion.Client) ingestion.Drafts[*ingestion.Resource[ingestion.ProductAvailability]] {
				return pas(c).Drafts
			}),
	)

	const expandAll = "$expand=MarketStates%2CTrial%2CPriceSchedules"
	fa := shape[ingestion.FeatureAvailability]{
		at: "/products/p-1/featureavailabilities", query: expandAll,
		answer: stored("FeatureAvailability", `"visibility":"Public","marketStates":[{"marketCode":"US","state":"Enabled"}],"priceSchedules":[{"schedules":[{"retailPrice":{"openPrice":0.10,"tier":null}}]}]`),
	}
	fas := func(c *ingestion.Client) ingestion.FeatureAvailabilities { return p(c).FeatureAvailabilities() }
	add(
		getOp("GET /products/{productID}/featureavailabilities/{featureAvailabilityID}", fa, func(c *ingestion.Client) ingestion.Updater[ingestion.FeatureAvailability] {
			return fas(c).Updater
		}),
		putOp("PUT /products/{productID}/featureavailabilities/{featureAvailabilityID}", fa, expandAll, func(c *ingestion.Client) ingestion.Updater[ingestion.FeatureAvailability] {
			return fas(c).Updater
		}),
		draftOp("GET /products/{productID}/featureAvailabilities/getByInstanceID(instanceID={instanceID})",
			"/products/p-1/featureAvailabilities/getByInstanceID(instanceID=i-1)", fa,
			func(c *ingestion.Client) ingestion.Drafts[*ingestion.Resource[ingestion.FeatureAvailability]] {
				return fas(c).Drafts
			}),
	)

	property := shape[ingestion.Property]{
		at: "/products/p-1/properties", answer: stored("AzureProperty", `"industries":[""],"globalAmendmentTerms":null,"leveledCategories":{"web":["other"]}`),
	}
	properties := func(c *ingestion.Client) ingestion.Properties { return p(c).Properties() }
	add(
		listOp("GET /products/{productID}/properties", property, func(c *ingestion.Client) ingestion.Lister[*ingestion.Resource[ingestion.Property]] {
			return properties(c).Lister
		}),
		createOp("POST /products/{productID}/properties", property,
			ingestion.Property{LeveledCategories: map[ingestion.Category][]string{ingestion.CategoryWeb: {"other"}, ingestion.CategoryAI: {"ml-service"}}},
			`{"resourceType":"AzureProperty","leveledCategories":{"ai-plus-machine-learning":["ml-service"],"web":["other"]}}`,
			func(c *ingestion.Client) ingestion.Creator[ingestion.Property] { return properties(c).Creator }),
		getOp("GET /products/{productID}/properties/{propertyID}", property, func(c *ingestion.Client) ingestion.Updater[ingestion.Property] { return properties(c).Updater }),
		putOp("PUT /products/{productID}/properties/{propertyID}", property, "", func(c *ingestion.Client) ingestion.Updater[ingestion.Property] { return properties(c).Updater }),
		draftOp("GET /products/{productID}/properties/getByInstanceID(instanceID={instanceID})", "/products/p-1/properties/getByInstanceID(instanceID=i-1)", property,
			func(c *ingestion.Client) ingestion.Drafts[*ingestion.Resource[ingestion.Property]] {
				return properties(c).Drafts
			}),
	)

	listing := shape[ingestion.Listing]{at: "/products/p-1/listings", answer: stored("AzureListing", `"title":"T","listingUris":[],"languageCode":"en-us"`)}
	listings := func(c *ingestion.Client) ingestion.Listings { return p(c).Listings() }
	add(
		getOp("GET /products/{productID}/listings/{listingID}", listing, func(c *ingestion.Client) ingestion.Updater[ingestion.Listing] { return listings(c).Updater }),
		putOp("PUT /products/{productID}/listings/{listingID}", listing, "", func(c *ingestion.Client) ingestion.Updater[ingestion.Listing] { return listings(c).Updater }),
		deleteOp("DELETE /products/{productID}/listings/{listingID}", "/products/p-1/listings/r-1", func(c *ingestion.Client) ingestion.Deleter { return listings(c).Deleter }),
		draftOp("GET /products/{productID}/listings/getByInstanceID(instanceID={instanceID})", "/products/p-1/listings/getByInstanceID(instanceID=i-1)", listing,
			func(c *ingestion.Client) ingestion.Drafts[*ingestion.Resource[ingestion.Listing]] {
				return listings(c).Drafts
			}),
		operation{
			name: "POST /products/{productID}/listings/createWithInstanceID(instanceID={instanceID})", path: "/products/p-1/listings/createWithInstanceID(instanceID=i-1)",
			body:   `{"resourceType":"AzureListing","languageCode":"de-de","title":"T","listingUris":[],"listingContacts":[]}`,
			status: 201, answer: listing.answer, want: listing.answer,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return resource(listings(c).CreateForInstance(ctx, "i-1", ingestion.Listing{LanguageCode: "de-de", Title: "T"}))
			},
		},
	)
	add(mediaOps("images", "{imageID}", "ListingImage",
		ingestion.ListingImage{FileName: "a.png", Type: ingestion.LogoLarge, State: ingestion.FilePendingUpload},
		`{"resourceType":"ListingImage","fileName":"a.png","type":"AzureLogoLarge","state":"PendingUpload","order":0}`,
		func(s ingestion.ProductScope, x ...ingestion.Expand) ingestion.Media[ingestion.ListingImage] {
			return s.Images("l-1", x...)
		})...)
	add(mediaOps("videos", "{videoID}", "ListingVideo",
		ingestion.ListingVideo{StreamingURI: "https://video.example/1", Thumbnail: &ingestion.VideoThumbnail{FileName: "a.png", Title: "T"}},
		`{"resourceType":"ListingVideo","streamingUri":"https://video.example/1","thumbnail":{"fileName":"a.png","title":"T"}}`,
		func(s ingestion.ProductScope, x ...ingestion.Expand) ingestion.Media[ingestion.ListingVideo] {
			return s.Videos("l-1", x...)
		})...)
	add(mediaOps("assets", "{assetID}", "ListingAsset",
		ingestion.ListingAsset{FileName: "a.pdf", FriendlyName: "Guide"},
		`{"resourceType":"ListingAsset","fileName":"a.pdf","friendlyName":"Guide"}`,
		func(s ingestion.ProductScope, x ...ingestion.Expand) ingestion.Media[ingestion.ListingAsset] {
			return s.Assets("l-1", x...)
		})...)

	pkg := shape[ingestion.Package]{at: "/products/p-1/packages", answer: stored("", `"fileName":"app.zip","state":"PendingUpload","fileSasUri":"https://blob.example/f?sig=x"`)}
	pkgs := func(c *ingestion.Client) ingestion.Packages { return p(c).Packages() }
	add(
		listOp("GET /products/{productID}/packages", pkg, func(c *ingestion.Client) ingestion.Lister[*ingestion.Resource[ingestion.Package]] {
			return pkgs(c).Lister
		}),
		createOp("POST /products/{productID}/packages", pkg, ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"},
			`{"resourceType":"AzureApplicationPackage","fileName":"app.zip"}`,
			func(c *ingestion.Client) ingestion.Creator[ingestion.Package] { return pkgs(c).Creator }),
		operation{
			name: "GET /products/{productID}/packages/{packageID}", path: "/products/p-1/packages/r-1", status: 200, answer: pkg.answer, want: pkg.answer,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) { return resource(pkgs(c).Get(ctx, "r-1")) },
		},
		putOp("PUT /products/{productID}/packages/{packageID}", pkg, "", func(c *ingestion.Client) ingestion.Updater[ingestion.Package] { return pkgs(c).Updater }),
		deleteOp("DELETE /products/{productID}/packages/{packageID}", "/products/p-1/packages/r-1", func(c *ingestion.Client) ingestion.Deleter { return pkgs(c).Deleter }),
	)

	cfg := shape[ingestion.PackageConfiguration]{
		at:     "/products/p-1/packageconfigurations",
		answer: stored("AzureManagedApplicationPackageConfiguration", `"version":"1.0.0","canEnableCustomerActions":"true","publicAzureAuthorizations":[{"principalID":"x","y":1}]`),
	}
	cfgs := func(c *ingestion.Client) ingestion.PackageConfigurations { return p(c).PackageConfigurations() }
	add(
		getOp("GET /products/{productID}/packageconfigurations/{packageConfigurationID}", cfg, func(c *ingestion.Client) ingestion.Updater[ingestion.PackageConfiguration] {
			return cfgs(c).Updater
		}),
		putOp("PUT /products/{productID}/packageconfigurations/{packageConfigurationID}", cfg, "", func(c *ingestion.Client) ingestion.Updater[ingestion.PackageConfiguration] {
			return cfgs(c).Updater
		}),
		draftOp("GET /products/{productID}/packageConfigurations/getByInstanceID(instanceID={instanceID})",
			"/products/p-1/packageConfigurations/getByInstanceID(instanceID=i-1)", cfg,
			func(c *ingestion.Client) ingestion.Drafts[*ingestion.Resource[ingestion.PackageConfiguration]] {
				return cfgs(c).Drafts
			}),
	)

	variant := shape[ingestion.Variant]{at: "/products/p-1/variants", answer: stored("AzureSkuVariant", `"state":"Active","friendlyName":"Plan","externalID":"plan-1","extendedProperties":[]`)}
	variants := func(c *ingestion.Client) ingestion.Variants { return p(c).Variants() }
	add(
		listOp("GET /products/{productID}/variants", variant, func(c *ingestion.Client) ingestion.Lister[*ingestion.Resource[ingestion.Variant]] {
			return variants(c).Lister
		}),
		createOp("POST /products/{productID}/variants", variant,
			ingestion.Variant{FriendlyName: "Plan", ExternalID: "plan-1", SubType: ingestion.PlanManagedApplication},
			`{"resourceType":"AzureSkuVariant","friendlyName":"Plan","externalID":"plan-1","subType":"managed-application"}`,
			func(c *ingestion.Client) ingestion.Creator[ingestion.Variant] { return variants(c).Creator }),
		getOp("GET /products/{productID}/variants/{variantID}", variant, func(c *ingestion.Client) ingestion.Updater[ingestion.Variant] { return variants(c).Updater }),
		putOp("PUT /products/{productID}/variants/{variantID}", variant, "", func(c *ingestion.Client) ingestion.Updater[ingestion.Variant] { return variants(c).Updater }),
		deleteOp("DELETE /products/{productID}/variants/{variantID}", "/products/p-1/variants/r-1", func(c *ingestion.Client) ingestion.Deleter { return variants(c).Deleter }),
	)

	supplemental := shape[ingestion.SupplementalContent]{
		at: "/products/p-1/supplementalContents", answer: stored("SupplementalContent", `"assets":[{"assetID":"a","fileSasUri":"https://blob.example/f?sig=x"}]`),
	}
	contents := func(c *ingestion.Client) ingestion.SupplementalContents { return p(c).SupplementalContents() }
	add(
		draftOp("GET /products/{productID}/supplementalcontents/getByInstanceID(instanceID={instanceID})",
			"/products/p-1/supplementalcontents/getByInstanceID(instanceID=i-1)", supplemental,
			func(c *ingestion.Client) ingestion.Drafts[*ingestion.Resource[ingestion.SupplementalContent]] {
				return contents(c).Drafts
			}),
		getOp("GET /products/{productID}/supplementalContents/{instanceID}", supplemental, func(c *ingestion.Client) ingestion.Updater[ingestion.SupplementalContent] {
			return contents(c).Updater
		}),
		putOp("PUT /products/{productID}/supplementalContents/{instanceID}", supplemental, "", func(c *ingestion.Client) ingestion.Updater[ingestion.SupplementalContent] {
			return contents(c).Updater
		}),
		operation{
			name: "POST /products/{productID}/supplementalContents/{instanceID}/commit", path: "/products/p-1/supplementalContents/r-1/commit",
			status: 200, answer: supplemental.answer, want: supplemental.answer,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return resource(contents(c).Commit(ctx, "r-1"))
			},
		},
	)

	asset := shape[ingestion.CosellAsset]{at: "/products/p-1/cosellAssets", answer: stored("CosellAsset", `"fileName":"a.pdf","type":"Other"`)}
	assets := func(c *ingestion.Client) ingestion.CosellAssets { return p(c).CosellAssets() }
	cosell := shape[ingestion.CosellListing]{at: "/products/p-1/cosellListing", answer: stored("CosellListing", `"offerType":"x","contacts":[{"name":"n","z":0}]`)}
	cosells := func(c *ingestion.Client) ingestion.CosellListings { return p(c).CosellListings() }
	add(
		listOp("GET /products/{productID}/cosellAssets", asset, func(c *ingestion.Client) ingestion.Lister[*ingestion.Resource[ingestion.CosellAsset]] {
			return assets(c).Lister
		}),
		createOp("POST /products/{productID}/cosellAssets", asset, ingestion.CosellAsset{FileName: "a.pdf", Type: "Other"},
			`{"resourceType":"CosellAsset","fileName":"a.pdf","type":"Other"}`,
			func(c *ingestion.Client) ingestion.Creator[ingestion.CosellAsset] { return assets(c).Creator }),
		draftOp("GET /products/{productID}/cosellAssets/getByInstanceID(instanceID={instanceID})", "/products/p-1/cosellAssets/getByInstanceID(instanceID=i-1)", asset,
			func(c *ingestion.Client) ingestion.Drafts[*ingestion.Resource[ingestion.CosellAsset]] {
				return assets(c).Drafts
			}),
		getOp("GET /products/{productID}/cosellAssets/{cosellAssetID}", asset, func(c *ingestion.Client) ingestion.Updater[ingestion.CosellAsset] { return assets(c).Updater }),
		putOp("PUT /products/{productID}/cosellAssets/{cosellAssetID}", asset, "", func(c *ingestion.Client) ingestion.Updater[ingestion.CosellAsset] { return assets(c).Updater }),
		deleteOp("DELETE /products/{productID}/cosellAssets/{cosellAssetID}", "/products/p-1/cosellAssets/r-1", func(c *ingestion.Client) ingestion.Deleter { return assets(c).Deleter }),
		getOp("GET /products/{productID}/cosellListing/{instanceID}", cosell, func(c *ingestion.Client) ingestion.Updater[ingestion.CosellListing] { return cosells(c).Updater }),
		putOp("PUT /products/{productID}/cosellListing/{instanceID}", cosell, "", func(c *ingestion.Client) ingestion.Updater[ingestion.CosellListing] { return cosells(c).Updater }),
		draftOp("GET /products/{productID}/cosellListing/getByInstanceID(instanceID={instanceID})", "/products/p-1/cosellListing/getByInstanceID(instanceID=i-1)", cosell,
			func(c *ingestion.Client) ingestion.Drafts[*ingestion.Resource[ingestion.CosellListing]] {
				return cosells(c).Drafts
			}),
	)
	add(submissionOperations()...)
	return all
}

func submissionOperations() []operation {
	const at, named = "/products/p-1/submissions", "/products/{productID}/submissions"
	const id = "1152921505695125040"
	p := func(c *ingestion.Client) ingestion.ProductScope { return c.Product("p-1") }
	const answer = `{"resourceType":"Submission","state":"InProgress","substate":"Submitted","id":"` + id + `","releaseNumber":3,"publishedTimeInUtc":"1601-01-01T00:00:00Z"}`
	const want = `{"id":"` + id + `","state":"InProgress","substate":"Submitted","releaseNumber":3}`
	return []operation{
		{
			name: "GET " + named, path: at, query: "$filter=state%20eq%20%27Published%27&$expand=PublishOption", status: 200, answer: listOf(answer), want: "[" + want + "]",
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return listed(p(c).Submissions(ingestion.ExpandPublishOption).All(ctx, ingestion.StateIs(ingestion.StatePublished)))
			},
		},
		{
			name: "POST " + named, path: at, status: 201, answer: answer, want: want,
			body: `{"resourceType":"SubmissionCreationRequest","targets":[{"type":"Scope","value":"preview"}],"resources":[{"type":"Listing","value":"i-1"}],` +
				`"variantResources":[{"variantID":"v-1","resources":[{"type":"Package","value":"i-2"}]}],"publishOption":{"isManualPublish":true,"isAutoPromote":false}}`,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return p(c).Submissions().Create(ctx, ingestion.SubmissionRequest{
					Targets:          ingestion.ToPreview(),
					Resources:        []ingestion.TypeValue{{Type: "Listing", Value: "i-1"}},
					VariantResources: []ingestion.VariantResource{{VariantID: "v-1", Resources: []ingestion.TypeValue{{Type: "Package", Value: "i-2"}}}},
					PublishOption:    &ingestion.PublishOption{IsManualPublish: true},
				})
			},
		},
		{
			name: "GET " + named + "/{submissionID}", path: at + "/" + id, query: "$expand=PublishOption", status: 200, answer: answer, want: want,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return p(c).Submissions(ingestion.ExpandPublishOption).Get(ctx, id)
			},
		},
		{
			name: "DELETE " + named + "/{submissionID}", path: at + "/" + id, status: 204,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return nil, p(c).Submissions().Cancel(ctx, id)
			},
		},
		{
			name: "POST " + named + "/{submissionID}/promote", path: at + "/" + id + "/promote", status: 200,
			answer: `{"type":"Push","targetEnvironment":"Live","state":"InProgress"}`, want: `{"type":"Push","state":"InProgress","targetEnvironment":"Live"}`,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return p(c).Submissions().Promote(ctx, id)
			},
		},
		{
			name: "GET " + named + "/{submissionID}/validations", path: at + "/" + id + "/validations", status: 200,
			answer: listOf(`{"errorCode":"Resell-20007","severity":"Error","message":"m","resource":"Resell"}`),
			want:   `[{"errorCode":"Resell-20007","severity":"Error","message":"m","resource":"Resell"}]`,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return listed(p(c).Submissions().Validations(id).All(ctx))
			},
		},
		{
			name: "GET " + named + "/{submissionID}/reports", path: at + "/" + id + "/reports", status: 200,
			answer: listOf(`{"reportTimeInUtc":"2024-05-06T07:08:09.1234567Z","status":"Failed","fileUri":"https://blob.example/r?sig=x"}`),
			want:   `[{"reportTimeInUtc":"2024-05-06T07:08:09.1234567Z","status":"Failed","fileUri":"[redacted]"}]`,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return listed(p(c).Submissions().Reports(id).All(ctx))
			},
		},
		{
			name: "GET " + named + "/{submissionID}/workflowdetails", path: at + "/" + id + "/workflowdetails", status: 200,
			answer: listOf(`{"type":"Push","state":"NotStarted","targetEnvironment":"Preview","workflowSteps":[{"name":"Preview Creation","state":"InProgress","startDateTimeInUtc":"2024-05-06T07:08:09.5","completeDateTimeInUtc":"0001-01-01T00:00:00"}]}`),
			want:   `[{"type":"Push","state":"NotStarted","targetEnvironment":"Preview","workflowSteps":[{"name":"Preview Creation","state":"InProgress","startDateTimeInUtc":"2024-05-06T07:08:09.5Z"}]}]`,
			call: func(ctx context.Context, c *ingestion.Client) (any, error) {
				return listed(p(c).Submissions().WorkflowDetails(id).All(ctx))
			},
		},
	}
}

func TestEveryOperationSendsWhatTheServiceExpects(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(strings.ReplaceAll(op.name, "/", "|"), func(t *testing.T) {
			t.Parallel()
			method, _, _ := strings.Cut(op.name, " ")
			var got []sent
			mock := httpmock.NewMockTransport()
			mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
				var body []byte
				if req.Body != nil {
					body, _ = io.ReadAll(req.Body)
				}
				got = append(got, sent{req.Method, req.URL.EscapedPath(), req.URL.RawQuery, req.Header, string(body)})
				return httpmock.NewStringResponse(op.status, op.answer), nil
			})
			result, err := op.call(t.Context(), newClient(t, mock, ingestion.WithPublisherID("12345")))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 {
				t.Fatalf("%d requests were sent", len(got))
			}
			r := got[0]
			if want := (sent{method, "/v1.0/ingestion" + op.path, op.query, nil, op.body}); r.Method != want.Method || r.Path != want.Path || r.Query != want.Query || r.Body != want.Body {
				t.Errorf("sent\n%s %s?%s\n%s\nwant\n%s %s?%s\n%s", r.Method, r.Path, r.Query, r.Body, want.Method, want.Path, want.Query, want.Body)
			}
			wantHeader := map[string]string{
				"If-Match": op.ifMatch, "X-Ms-Publisherid": "12345", "Accept": "application/json", "Authorization": "Bearer t0ken", "Content-Type": "",
			}
			if op.body != "" {
				wantHeader["Content-Type"] = "application/json"
			}
			for key, value := range wantHeader {
				if r.Header.Get(key) != value {
					t.Errorf("header %s is %q, want %q", key, r.Header.Get(key), value)
				}
			}
			if diff := cmp.Diff(op.want, result2JSON(t, result)); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}
