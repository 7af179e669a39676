package ingestion_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

// applying is one use of a verb named Apply: what it finds, and what it sends.
type applying struct {
	get, put string // routes
	stored   string
	apply    func(context.Context, ingestion.ProductScope) (ingestion.Action, []string, error)
	changes  []string
	sent     string // empty: nothing
}

func outcome[T any](a ingestion.Applied[T], err error) (ingestion.Action, []string, error) {
	if err == nil && a.Resource == nil {
		return a.Action, a.Changes, errors.New("no resource")
	}
	return a.Action, a.Changes, err
}

func TestApplyChangesWhatDiffersAndNothingElse(t *testing.T) {
	t.Parallel()
	const (
		property   = "GET /properties/getByInstanceID(instanceID=own-Property)"
		listings   = "GET /listings/getByInstanceID(instanceID=own-Listing)"
		planPrices = "GET /featureAvailabilities/getByInstanceID(instanceID=plan-Availability)"
		audience   = "GET /productAvailabilities/getByInstanceID(instanceID=own-Availability)"
		technical  = "GET /packageConfigurations/getByInstanceID(instanceID=plan-Package)"
	)
	draft := func(members string) string { return `{"value":[{` + members + `,"@odata.etag":"\"1\"","id":"x"}]}` }
	for name, c := range map[string]applying{
		"property": {
			get: property, put: "PUT /properties/x", stored: draft(`"resourceType":"AzureProperty","appVersion":"1.0.0","leveledCategories":{"web":["a"],"media":[]},"new":{"k":1}`),
			apply: func(ctx context.Context, o ingestion.ProductScope) (ingestion.Action, []string, error) {
				return outcome(o.Properties().Apply(ctx, ingestion.Property{AppVersion: "1.1.0", LeveledCategories: map[ingestion.Category][]string{"web": {"a", "b"}}}))
			},
			changes: []string{"leveledCategories", "appVersion"},
			sent:    `{"resourceType":"AzureProperty","appVersion":"1.1.0","leveledCategories":{"web":["a","b"],"media":[]},"new":{"k":1},"@odata.etag":"\"1\"","id":"x"}`,
		},
		"listing": {
			get: listings, put: "PUT /listings/x",
			stored: draft(`"resourceType":"AzureListing","title":"Old","keywords":["a","b"],"listingContacts":[{"type":"Engineering","email":"a@x","extra":7},{"type":"CustomerSupport","email":"old@x"}],"listingUris":[{"type":"PrivacyUri","uri":"https://x"}],"languageCode":"en-us"`),
			apply: func(ctx context.Context, o ingestion.ProductScope) (ingestion.Action, []string, error) {
				return outcome(o.Listings().Apply(ctx, "", ingestion.Listing{
					LanguageCode: "EN-US", Title: "New", Keywords: []string{"a", "b"},
					Contacts: []ingestion.ListingContact{{Type: ingestion.ContactEngineering, Email: "a@x"}, {Type: ingestion.ContactCustomerSupport, Email: "new@x"}},
				}))
			},
			changes: []string{"languageCode", "title", "listingContacts"},
			sent: `{"resourceType":"AzureListing","title":"New","keywords":["a","b"],"listingContacts":[{"type":"Engineering","email":"a@x","extra":7},{"type":"CustomerSupport","email":"new@x"}],` +
				`"listingUris":[{"type":"PrivacyUri","uri":"https://x"}],"languageCode":"EN-US","@odata.etag":"\"1\"","id":"x"}`,
		},
		"emptied on purpose": {
			get: listings, put: "PUT /listings/x", stored: draft(`"resourceType":"AzureListing","keywords":["a"],"summary":"s","listingUris":[{"type":"a"}],"listingContacts":[]`),
			apply: func(ctx context.Context, o ingestion.ProductScope) (ingestion.Action, []string, error) {
				l := ingestion.Listing{URIs: []ingestion.ListingURI{}, Contacts: []ingestion.ListingContact{}}
				var err error
				if l.Object, err = l.With("summary", nil); err != nil {
					return "", nil, err
				}
				return outcome(o.Listings().Apply(ctx, "", l))
			},
			changes: []string{"summary", "listingUris"},
			sent:    `{"resourceType":"AzureListing","keywords":["a"],"summary":null,"listingUris":[],"listingContacts":[],"@odata.etag":"\"1\"","id":"x"}`,
		},
		"markets and prices": {
			get: planPrices, put: "PUT /featureavailabilities/x",
			stored: draft(`"resourceType":"FeatureAvailability","visibility":"Public","marketStates":[{"marketCode":"DE","state":"Enabled"},{"marketCode":"US","state":"Disabled","note":1}],` +
				`"priceSchedules":[{"isBaseSchedule":false,"friendlyName":"f","schedules":[{"retailPrice":{"openPrice":10.0,"currencyCode":"USD","tier":null}}]}]`),
			apply: func(ctx context.Context, o ingestion.ProductScope) (ingestion.Action, []string, error) {
				return outcome(o.FeatureAvailabilities().Apply(ctx, "v", ingestion.FeatureAvailability{
					MarketStates: []ingestion.MarketState{{MarketCode: "US", State: ingestion.MarketEnabled}, {MarketCode: "FR", State: ingestion.MarketEnabled}},
					PriceSchedules: []ingestion.PriceScheduleInfo{{FriendlyName: "f", Schedules: []ingestion.PriceSchedule{
						{RetailPrice: &ingestion.Price{OpenPrice: new(decimal.New(10, 0)), CurrencyCode: "USD"}},
					}}},
				}))
			},
			changes: []string{"marketStates"},
			sent: `{"resourceType":"FeatureAvailability","visibility":"Public","marketStates":[{"marketCode":"DE","state":"Enabled"},{"marketCode":"US","state":"Enabled","note":1},{"marketCode":"FR","state":"Enabled"}],` +
				`"priceSchedules":[{"isBaseSchedule":false,"friendlyName":"f","schedules":[{"retailPrice":{"openPrice":10.0,"currencyCode":"USD","tier":null}}]}],"@odata.etag":"\"1\"","id":"x"}`,
		},
		"audience": {
			get: audience, put: "PUT /productavailabilities/x", stored: draft(`"resourceType":"ProductAvailability","visibility":"Public"`),
			apply: func(ctx context.Context, o ingestion.ProductScope) (ingestion.Action, []string, error) {
				return outcome(o.ProductAvailabilities().Apply(ctx, ingestion.ProductAvailability{Audiences: []ingestion.AudienceGroup{{Type: ingestion.PreviewMarketplaceGroup, Values: []string{"s"}}}}))
			},
			changes: []string{"audiences"},
			sent:    `{"resourceType":"ProductAvailability","visibility":"Public","@odata.etag":"\"1\"","id":"x","audiences":[{"Type":"PreviewMarketplaceGroup","Values":["s"]}]}`,
		},
		"technical configuration": {
			get: technical, put: "PUT /packageconfigurations/x", stored: draft(`"resourceType":"AzureManagedApplicationPackageConfiguration","version":"1.0.0","publisherManagementMode":"Managed","publicAzureAuthorizations":[{"principalID":"p","roleDefinitionID":"Owner"}]`),
			apply: func(ctx context.Context, o ingestion.ProductScope) (ingestion.Action, []string, error) {
				return outcome(o.PackageConfigurations().Apply(ctx, "V", &ingestion.ManagedApplicationConfiguration{Version: "1.1.0", PublicAzureAuthorizations: []ingestion.RoleAuthorization{{PrincipalID: "p", RoleDefinitionID: "Owner"}}}))
			},
			changes: []string{"version"},
			sent:    `{"resourceType":"AzureManagedApplicationPackageConfiguration","version":"1.1.0","publisherManagementMode":"Managed","publicAzureAuthorizations":[{"principalID":"p","roleDefinitionID":"Owner"}],"@odata.etag":"\"1\"","id":"x"}`,
		},
		"plan": {
			get: "GET /variants", put: "PUT /variants/x", stored: draft(`"resourceType":"AzureSkuVariant","state":"Active","friendlyName":"One","externalID":"plan-1","cloudAvailabilities":["public-azure"]`),
			apply: func(ctx context.Context, o ingestion.ProductScope) (ingestion.Action, []string, error) {
				return outcome(o.Variants().Apply(ctx, ingestion.Variant{ExternalID: "plan-1", FriendlyName: "First", CloudAvailabilities: []string{ingestion.CloudPublicAzure}}))
			},
			changes: []string{"friendlyName"},
			sent:    `{"resourceType":"AzureSkuVariant","state":"Active","friendlyName":"First","externalID":"plan-1","cloudAvailabilities":["public-azure"],"@odata.etag":"\"1\"","id":"x"}`,
		},
		"setup": {
			get: "GET /setup", put: "POST /setup", stored: `{"resourceType":"AzureProductSetup","sellingOption":"ListAndSell","trialUri":"https://x","enableTestDrive":false,"channelStates":[{"type":"Reseller","value":"Disabled"}]}`,
			apply: func(ctx context.Context, o ingestion.ProductScope) (ingestion.Action, []string, error) {
				return outcome(o.Setup().Apply(ctx, ingestion.ProductSetup{SellingOption: ingestion.ListAndSell, ChannelStates: []ingestion.TypeValue{{Type: "Reseller", Value: "Enabled"}}}))
			},
			changes: []string{"channelStates"},
			sent:    `{"resourceType":"AzureProductSetup","sellingOption":"ListAndSell","trialUri":"https://x","enableTestDrive":false,"channelStates":[{"type":"Reseller","value":"Enabled"}]}`,
		},
		"resellers": {
			get: "GET /resellerConfiguration", put: "POST /resellerConfiguration", stored: `{"resourceType":"ResellerConfiguration","resellerChannelState":"Disabled"}`,
			apply: func(ctx context.Context, o ingestion.ProductScope) (ingestion.Action, []string, error) {
				return outcome(o.ResellerConfiguration().Apply(ctx, ingestion.ResellerConfiguration{ChannelState: ingestion.ResellersAll}))
			},
			changes: []string{"resellerChannelState"},
			sent:    `{"resourceType":"ResellerConfiguration","resellerChannelState":"Enabled"}`,
		},
		"leads whose secret is masked": {
			get: "GET /leadconfiguration", put: "POST /leadconfiguration", stored: `{"resourceType":"AzureBlobLeadConfiguration","containerName":"c","connectionString":"***"}`,
			apply: func(ctx context.Context, o ingestion.ProductScope) (ingestion.Action, []string, error) {
				return outcome(o.LeadConfiguration().Apply(ctx, &ingestion.AzureBlobLeads{ContainerName: "c", ConnectionString: partnercenter.NewSecret("AccountKey=k")}))
			},
			changes: []string{"connectionString"},
			sent:    `{"resourceType":"AzureBlobLeadConfiguration","containerName":"c","connectionString":"AccountKey=k"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk().set(c.get, ok(c.stored)).set(c.put, ok(echo))
			offer := newClient(t, d).Product("p")
			action, changes, err := c.apply(t.Context(), offer)
			if err != nil || action != ingestion.Updated {
				t.Fatalf("%s, %v", action, err)
			}
			if diff := cmp.Diff(c.changes, changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{c.sent}, d.bodies); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{c.put}, d.changed()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			// The second time finds what the first has stored.
			again := c.sent
			if strings.HasPrefix(c.stored, `{"value"`) {
				again = `{"value":[` + c.sent + `]}`
			}
			d.set(c.get, ok(again))
			action, changes, err = c.apply(t.Context(), offer)
			if err != nil || action != ingestion.Unchanged || len(changes) > 0 || len(d.changed()) != 1 {
				t.Errorf("the second time: %s of %q, %v, requests %q", action, changes, err, d.changed())
			}
		})
	}
}

// The service leaves out what is false or empty, and what it leaves out is no change.
// A price of nothing is one, since the market may have a price by other means.
func TestApplyTakesWhatIsLeftOutForFalse(t *testing.T) {
	t.Parallel()
	const get = "GET /featureAvailabilities/getByInstanceID(instanceID=plan-Availability)"
	prices := func(price *decimal.Decimal) ingestion.FeatureAvailability {
		return ingestion.FeatureAvailability{
			SubscriptionAudiences: []ingestion.AudienceMember{{ID: ""}},
			PriceSchedules: []ingestion.PriceScheduleInfo{{FriendlyName: "f", Schedules: []ingestion.PriceSchedule{
				{RetailPrice: &ingestion.Price{OpenPrice: price, CurrencyCode: "USD"}},
			}}},
		}
	}
	d := newDesk().set("PUT /featureavailabilities/x", ok(echo)).set(get,
		listing(`{"id":"x","@odata.etag":"1","subscriptionAudiences":[{}],"priceSchedules":[{"friendlyName":"f","schedules":[{"retailPrice":{"currencyCode":"USD","priceTierID":"T"}}]}]}`))
	offer := newClient(t, d).Product("p").FeatureAvailabilities()
	if a, err := offer.Apply(t.Context(), "v", prices(nil)); err != nil || a.Action != ingestion.Unchanged {
		t.Errorf("%s of %q, %v, sent %q", a.Action, a.Changes, err, d.bodies)
	}
	if a, err := offer.Apply(t.Context(), "v", prices(new(decimal.Decimal{}))); err != nil || a.Action != ingestion.Updated || len(d.bodies) != 1 || !strings.Contains(d.bodies[0], `"openPrice":0`) {
		t.Errorf("a price of nothing: %s, %v, sent %q", a.Action, err, d.bodies)
	}
}

func TestApplyingOffersAndPlans(t *testing.T) {
	t.Parallel()
	const (
		mine     = `{"resourceType":"AzureContainer","name":"Mine","externalIDs":[{"type":"AzureOfferId","value":"my-offer"}],"id":"p-1"}`
		plan     = `{"resourceType":"AzureSkuVariant","externalID":"basic","friendlyName":"Basic","id":"v-1"}`
		french   = `{"resourceType":"AzureListing","languageCode":"fr-fr","title":"Le mien","id":"l-1","@odata.etag":"1"}`
		offerGet = "GET /v1.0/ingestion/products"
		offerPut = "POST /v1.0/ingestion/products"
		plans    = "GET /variants"
		planPut  = "POST /variants"
		langs    = "GET /listings/getByInstanceID(instanceID=own-Listing)"
		langPut  = "POST /listings/createWithInstanceID(instanceID=own-Listing)"
	)
	offer := func(ctx context.Context, c *ingestion.Client) (ingestion.Action, []string, error) {
		return outcome(c.Products().Apply(ctx, ingestion.NewProduct(ingestion.AzureContainer, "my-offer", "Mine")))
	}
	basic := func(ctx context.Context, c *ingestion.Client) (ingestion.Action, []string, error) {
		return outcome(c.Product("p").Variants().Apply(ctx, ingestion.Variant{ExternalID: "basic", FriendlyName: "Basic"}))
	}
	language := func(ctx context.Context, c *ingestion.Client) (ingestion.Action, []string, error) {
		return outcome(c.Product("p").Listings().Apply(ctx, "", ingestion.Listing{LanguageCode: "fr-FR", Title: "Le mien"}))
	}
	lost, conflict := answer{}, answer{status: 409}
	for name, c := range map[string]struct {
		apply     func(context.Context, *ingestion.Client) (ingestion.Action, []string, error)
		get, post string
		found     []answer
		made      answer
		want      ingestion.Action
		posts     int
		err       string
	}{
		"offer made":                      {offer, offerGet, offerPut, []answer{listing()}, answer{status: 201, body: mine}, ingestion.Created, 1, ""},
		"offer found":                     {offer, offerGet, offerPut, []answer{listing(mine)}, answer{}, ingestion.Unchanged, 0, ""},
		"offer made without an answer":    {offer, offerGet, offerPut, []answer{listing(), listing(mine)}, lost, ingestion.Created, 1, ""},
		"offer made by somebody":          {offer, offerGet, offerPut, []answer{listing(), listing(mine)}, conflict, ingestion.Unchanged, 1, ""},
		"offer in conflict":               {offer, offerGet, offerPut, []answer{listing()}, conflict, "", 1, "409"},
		"offer refused":                   {offer, offerGet, offerPut, []answer{listing()}, answer{status: 400}, "", 1, "400"},
		"offer of another kind":           {offer, offerGet, offerPut, []answer{listing(strings.Replace(mine, "AzureContainer", "AzureApplication", 1))}, answer{}, "", 0, "is a AzureApplication, not a AzureContainer"},
		"offers that cannot be listed":    {offer, offerGet, offerPut, []answer{{status: 403}}, answer{}, "", 0, "403"},
		"plan made":                       {basic, plans, planPut, []answer{listing()}, answer{status: 201, body: plan}, ingestion.Created, 1, ""},
		"plan found":                      {basic, plans, planPut, []answer{listing(plan)}, answer{}, ingestion.Unchanged, 0, ""},
		"plan made without an answer":     {basic, plans, planPut, []answer{listing(), listing(plan)}, lost, ingestion.Created, 1, ""},
		"language made":                   {language, langs, langPut, []answer{listing()}, answer{status: 201, body: french}, ingestion.Created, 1, ""},
		"language made without an answer": {language, langs, langPut, []answer{listing(), listing(french)}, lost, ingestion.Created, 1, ""},
		"languages that cannot be listed": {language, langs, langPut, []answer{{status: 403}}, answer{}, "", 0, "403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk().set(c.get, c.found...).set(c.post, c.made)
			action, _, err := c.apply(t.Context(), newClient(t, d))
			if action != c.want || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s, %v", action, err)
			}
			if len(d.changed()) != c.posts {
				t.Errorf("requests %q", d.changed())
			}
		})
	}
}

// The drafts of a new plan appear some seconds after it.
func TestApplyWaitsForDrafts(t *testing.T) {
	t.Parallel()
	const branches = "GET /branches/getByModule(module=Listing)"
	empty, there := listing(), listing(`{"currentDraftInstanceID":"i","variantID":"new"}`)
	synctest.Test(t, func(t *testing.T) {
		d := newDesk().set(branches, empty, empty, there).set("GET /listings/getByInstanceID(instanceID=i)", listing(`{"title":"T","id":"x","@odata.etag":"1"}`))
		began := time.Now()
		a, err := newClient(t, d).Product("p").Listings().Apply(t.Context(), "new", ingestion.Listing{Title: "T"})
		if err != nil || a.Action != ingestion.Unchanged || time.Since(began) != 6*time.Second {
			t.Errorf("%s after %v, %v", a.Action, time.Since(began), err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		d := newDesk().set(branches, empty)
		began := time.Now()
		_, err := newClient(t, d).Product("p").Listings().Apply(t.Context(), "new", ingestion.Listing{Title: "T"})
		if !errors.Is(err, partnercenter.ErrNotFound) || time.Since(began) != 12*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		d := newDesk().set(branches, empty)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if _, err := newClient(t, d).Product("p").Listings().Apply(ctx, "new", ingestion.Listing{LanguageCode: "x"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

// Somebody else changes the listing between reading and writing: what they wrote
// stays.
func TestApplyMergesAnewAfterAConflict(t *testing.T) {
	t.Parallel()
	const get, put = "GET /listings/getByInstanceID(instanceID=own-Listing)", "PUT /listings/x"
	version := func(n, summary string) answer {
		return listing(`{"languageCode":"en-us","title":"Old","summary":"` + summary + `","@odata.etag":"` + n + `","id":"x"}`)
	}
	for _, language := range []string{"", "en-us"} {
		d := newDesk().set(get, version("1", "a"), version("2", "b")).set(put, answer{status: 412}, ok(echo))
		a, err := newClient(t, d).Product("p").Listings().Apply(t.Context(), "", ingestion.Listing{LanguageCode: language, Title: "New"})
		if err != nil || a.Resource.Data.Summary != "b" || a.Resource.Data.Title != "New" || len(d.bodies) != 2 {
			t.Errorf("%v, %v after %q", a, err, d.bodies)
		}
	}
}

func TestMistakesInApply(t *testing.T) {
	t.Parallel()
	d := newDesk().set("GET /packageConfigurations/getByInstanceID(instanceID=plan-Package)", listing(`{"resourceType":"AzureSolutionTemplatePackageConfiguration","id":"x"}`))
	client := newClient(t, d)
	offer := client.Product("p")
	for want, apply := range map[string]func() error{
		"make it with NewProduct": func() error { _, err := client.Products().Apply(t.Context(), ingestion.Product{}); return err },
		"FriendlyName":            func() error { _, err := offer.Variants().Apply(t.Context(), ingestion.Variant{}); return err },
		"no plan id": func() error {
			_, err := offer.Variants().Apply(t.Context(), ingestion.Variant{Type: ingestion.TestDriveVariant})
			return err
		},
		"Data is nil": func() error { _, err := offer.PackageConfigurations().Apply(t.Context(), "v", nil); return err },
		"cannot become a AzureManagedApplicationPackageConfiguration": func() error {
			_, err := offer.PackageConfigurations().Apply(t.Context(), "v", &ingestion.ManagedApplicationConfiguration{Version: "1"})
			return err
		},
		"product id": func() error {
			_, err := client.Product("a/b").Properties().Apply(t.Context(), ingestion.Property{})
			return err
		},
		"the product id is empty": func() error {
			_, err := client.Product("").Listings().Apply(t.Context(), "", ingestion.Listing{LanguageCode: "x"})
			return err
		},
		"placeholder": func() error {
			_, err := offer.LeadConfiguration().Apply(t.Context(), &ingestion.AzureBlobLeads{ConnectionString: partnercenter.NewSecret("[redacted]")})
			return err
		},
	} {
		if err := apply(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if len(d.changed()) > 0 {
		t.Errorf("requests %q", d.changed())
	}
}

// What is seen to be wrong is said before the service is asked.
func TestPlaceholdersAreRefusedWithoutARequest(t *testing.T) {
	t.Parallel()
	d := newDesk()
	_, err := newClient(t, d).Product("p").LeadConfiguration().Apply(t.Context(), &ingestion.AzureBlobLeads{ConnectionString: partnercenter.NewSecret("[redacted]")})
	if err == nil || len(d.seen) > 0 {
		t.Errorf("%v after %q", err, d.seen)
	}
}
