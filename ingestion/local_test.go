package ingestion_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

func TestMistakesAreCaughtBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	type call func(context.Context, *ingestion.Client) error
	for name, c := range map[string]struct {
		call call
		err  string
	}{
		"empty product id": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product(" ").Listings().Get(ctx, "l")
			return err
		}, "the product id is empty"},
		"path in a product id": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("a/../b").Listings().Get(ctx, "l")
			return err
		}, `"a/../b" cannot be the product id`},
		"dots": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("..").Setup().Get(ctx)
			return err
		}, "cannot be the product id"},
		"query in an id": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Listings().Get(ctx, "l?x=1")
			return err
		}, "cannot be the id"},
		"empty listing id": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := collect(c.Product("p").Images("").All(ctx))
			return err
		}, "the listing id is empty"},
		"parenthesis": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Listings().Draft(ctx, "i)")
			return err
		}, `cannot be the instanceID`},
		"empty instance": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Listings().CreateForInstance(ctx, "", ingestion.Listing{})
			return err
		}, "the instanceID is empty"},
		"empty module": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Branches().Draft(ctx, "", "")
			return err
		}, "the module is empty"},
		"product, all": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := collect(c.Product("").Submissions().All(ctx, ingestion.Filter{}))
			return err
		}, "the product id is empty"},
		"product, create": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("").Variants().Create(ctx, ingestion.Variant{ExternalID: "a", FriendlyName: "b"})
			return err
		}, "the product id is empty"},
		"product, branches": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("").Branches().Draft(ctx, "Listing", "")
			return err
		}, "the product id is empty"},
		"product, submit": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("").Submissions().Create(ctx, ingestion.SubmissionRequest{})
			return err
		}, "the product id is empty"},
		"product, delete": {func(ctx context.Context, c *ingestion.Client) error { return c.Product("").Variants().Delete(ctx, "v") }, "the product id is empty"},
		"product, update": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("").Variants().Update(ctx, &ingestion.Resource[ingestion.Variant]{ID: "v"})
			return err
		}, "the product id is empty"},
		"promote": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Submissions().Promote(ctx, "")
			return err
		}, "the submission id is empty"},
		"commit": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").SupplementalContents().Commit(ctx, "")
			return err
		}, "the instance id is empty"},
		"validations": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := collect(c.Product("p").Submissions().Validations("").All(ctx))
			return err
		}, "the submission id is empty"},
		"product without type": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Products().Create(ctx, ingestion.Product{Name: "n"})
			return err
		}, "has no Type"},
		"product without name": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Products().Create(ctx, ingestion.Product{Type: "x"})
			return err
		}, "has no Name"},
		"plan without id": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Variants().Create(ctx, ingestion.Variant{})
			return err
		}, "needs ExternalID"},
		"image without type": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Images("l").Create(ctx, ingestion.ListingImage{FileName: "a"})
			return err
		}, "needs FileName and Type"},
		"package without name": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Packages().Create(ctx, ingestion.Package{})
			return err
		}, "a package needs"},
		"submission to nowhere": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Submissions().Create(ctx, ingestion.SubmissionRequest{})
			return err
		}, "has no Targets"},
		"submission of nothing": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Submissions().Create(ctx, ingestion.SubmissionRequest{Targets: ingestion.ToPreview()})
			return err
		}, "has no Resources"},
		"submission, empty id": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Submissions().Create(ctx, ingestion.SubmissionRequest{Targets: ingestion.ToPreview(), VariantResources: []ingestion.VariantResource{{Resources: []ingestion.TypeValue{{Type: "Listing"}}}}})
			return err
		}, "no Value"},
		"placeholder in a POST": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").LeadConfiguration().Set(ctx, &ingestion.AzureBlobLeads{ConnectionString: partnercenter.NewSecret("[redacted]")})
			return err
		}, "placeholder"},
		"placeholder, creating": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Assets("l").Create(ctx, ingestion.ListingAsset{FileSASURI: partnercenter.NewSecret("x?sig=[redacted]")})
			return err
		}, "placeholder"},
		"filter for other kinds": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := collect(c.Products().All(ctx, ingestion.StateIs("x")))
			return err
		}, "is for submissions, not for products"},
		"offer id": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Products().ByOfferID(ctx, "")
			return err
		}, "external id is empty"},
		"plan id": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Product("p").Variants().ByPlanID(ctx, " ")
			return err
		}, "plan id is empty"},
		"no client": {func(ctx context.Context, _ *ingestion.Client) error {
			_, err := (ingestion.Listings{}).Get(ctx, "l")
			return err
		}, "belongs to no client"},
		"no client, list": {func(ctx context.Context, _ *ingestion.Client) error {
			_, err := collect((ingestion.Products{}).All(ctx, ingestion.Filter{}))
			return err
		}, "belongs to no client"},
		"header": {func(ctx context.Context, c *ingestion.Client) error {
			_, err := c.Products().Get(ctx, "p", partnercenter.WithHeader("Authorization", "x"))
			return err
		}, "belongs to the token source"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answers(ok(`{"value":[]}`))
			err := c.call(t.Context(), newClient(t, s))
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if len(s.seen()) != 0 {
				t.Errorf("requests %q", s.lines())
			}
		})
	}
}

func TestNewChecksItsArguments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source partnercenter.TokenSource
		opts   *partnercenter.Options
		more   []ingestion.Option
		err    string
	}{
		"no source":    {nil, nil, nil, "token source is nil"},
		"endpoint":     {source(), &partnercenter.Options{Endpoint: "http://example.com"}, nil, "plain http"},
		"nil option":   {source(), nil, []ingestion.Option{nil}, "an Option is nil"},
		"publisher id": {source(), nil, []ingestion.Option{ingestion.WithPublisherID(" ")}, "WithPublisherID"},
		"header":       {source(), nil, []ingestion.Option{ingestion.WithHeader("", "x")}, "WithHeader"},
	} {
		if _, err := ingestion.New(c.source, c.opts, c.more...); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ingestion.New(source(), nil); err != nil {
		t.Error(err)
	}
}

func TestHeadersOfTheClientGiveWayToThoseOfTheCall(t *testing.T) {
	t.Parallel()
	s := answers(ok(`{"id":"p"}`))
	c := newClient(t, s, ingestion.WithPublisherID("1"), ingestion.WithHeader("X-ClientName", "mine"))
	for _, opts := range [][]partnercenter.CallOption{nil, {partnercenter.WithHeader("X-MS-PublisherID", "2")}, nil} {
		if _, err := c.Products().Get(t.Context(), "p", opts...); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"1", "2", "1"} {
		h := s.seen()[i].Header
		if got := h.Values("x-ms-publisherId"); len(got) != 1 || got[0] != want || h.Get("X-ClientName") != "mine" {
			t.Errorf("call %d: publisher %q, client name %q", i, got, h.Get("X-ClientName"))
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		filter ingestion.Filter
		text   string
		err    string
	}{
		{ingestion.Filter{}, "", ""},
		{ingestion.TypeIs(ingestion.AzureApplication), "resourceType eq 'AzureApplication'", ""},
		{ingestion.OfferIDIs("it's"), "externalIDs/Any(i:i/type eq 'AzureOfferId' and i/value eq 'it''s')", ""},
		{ingestion.StateIs(ingestion.StateInProgress), "state eq 'InProgress'", ""},
		{ingestion.RawFilter("a eq 'b'"), "a eq 'b'", ""},
		{ingestion.And(ingestion.Filter{}, ingestion.TypeIs("A")), "resourceType eq 'A'", ""},
		{ingestion.And(ingestion.TypeIs("A"), ingestion.RawFilter("b eq 1")), "(resourceType eq 'A') and (b eq 1)", ""},
		{ingestion.And(), "", ""},
		{ingestion.And(ingestion.TypeIs("A"), ingestion.StateIs("B"), ingestion.TypeIs("")), "", "do not go together"},
		{ingestion.And(ingestion.TypeIs("A"), ingestion.TypeIs("")), "", "is empty"},
		{ingestion.TypeIs(""), "", "the product type is empty"},
		{ingestion.StateIs("a\nb"), "", "control character"},
		{ingestion.ExternalIDIs("", "x"), "", "type of the external id is empty"},
		{ingestion.ExternalIDIs(ingestion.ExternalStoreID, ""), "", "external id is empty"},
		{ingestion.RawFilter(" $Filter=a eq 1"), "", "without the leading"},
	} {
		if c.err != "" {
			if err := c.filter.Err(); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v: error %v, want %q", c.filter, err, c.err)
			}
		} else if c.filter.Err() != nil || c.filter.String() != c.text {
			t.Errorf("%q, %v, want %q", c.filter, c.filter.Err(), c.text)
		}
	}
}

func TestLookupsAreCheckedAgain(t *testing.T) {
	t.Parallel()
	product := func(id, offer string) string {
		return `{"id":"` + id + `","externalIDs":[{"type":"StoreId","value":"` + offer + `"},{"type":"AzureOfferID","value":"` + offer + `"}]}`
	}
	s := answers(ok(listOf(product("1", "other") + "," + `{"id":"0"},` + product("2", "My-Offer"))))
	r, err := newClient(t, s).Products().ByOfferID(t.Context(), "my-offer")
	if err != nil || r.ID != "2" {
		t.Errorf("%v, %v", r, err)
	}
	if got, want := s.lines()[0], "GET /products?$filter=externalIDs%2FAny%28i%3Ai%2Ftype%20eq%20%27AzureOfferId%27%20and%20i%2Fvalue%20eq%20%27my-offer%27%29"; got != want {
		t.Errorf("sent %s", got)
	}
	if _, err := newClient(t, answers(ok(listOf(product("1", "other"))))).Products().ByOfferID(t.Context(), "my-offer"); !errors.Is(err, partnercenter.ErrNotFound) || !strings.Contains(err.Error(), `"my-offer"`) {
		t.Errorf("%v", err)
	}
	if _, err := newClient(t, answers(answer{status: 400, body: `"no"`})).Products().ByOfferID(t.Context(), "my-offer"); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("%v", err)
	}
	plans := ok(listOf(`{"resourceType":"AzureTestDriveVariant","id":"testdrive"},{"id":"v","externalID":"Plan-1"}`))
	v, err := newClient(t, answers(plans)).Product("p").Variants().ByPlanID(t.Context(), "plan-1")
	if err != nil || v.ID != "v" {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := newClient(t, answers(plans)).Product("p").Variants().ByPlanID(t.Context(), "plan-2"); !errors.Is(err, partnercenter.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := newClient(t, answers(answer{status: 403})).Product("p").Variants().ByPlanID(t.Context(), "plan-2"); !errors.Is(err, partnercenter.ErrForbidden) {
		t.Errorf("%v", err)
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	s := answers(ok(`{"id":"f"}`))
	p := newClient(t, s).Product("p")
	for _, expand := range [][]ingestion.Expand{nil, {ingestion.ExpandNothing}, {ingestion.ExpandTrial, ingestion.ExpandTrial}} {
		if _, err := p.FeatureAvailabilities(expand...).Get(t.Context(), "f"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Images("l").Get(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	want := []string{"?$expand=MarketStates%2CTrial%2CPriceSchedules", "", "?$expand=Trial", ""}
	for i, line := range s.lines() {
		if _, query, _ := strings.Cut(line, "?"); query != strings.TrimPrefix(want[i], "?") {
			t.Errorf("call %d: %s", i, line)
		}
	}
}

func TestErrorsOfTheServiceAreUnderstood(t *testing.T) {
	t.Parallel()
	s := answers(answer{status: 400, body: `"ICH50400 - Unable to complete request. {\"faultCode\":50400,\"reasonPhrase\":\"Request validation failed.\",\"correlationId\":\"c-1\",\"operationId\":\"o\",\"data\":{\"FeatureName\":[\"The field FeatureName is invalid.\"]}}"`})
	_, err := newClient(t, s).Product("p").Setup().Set(t.Context(), ingestion.ProductSetup{EnableTestDrive: true})
	e, ok := errors.AsType[*partnercenter.Error](err)
	if !ok || e.Code != "ICH50400" || e.CorrelationID != "c-1" || len(e.Fields["FeatureName"]) != 1 {
		t.Errorf("%+v", err)
	}
}

func TestPackagesThatHaveMoved(t *testing.T) {
	t.Parallel()
	moved := func(body string) answer { return answer{status: 301, body: body} }
	pkg := ok(`{"id":"new","fileName":"a"}`)
	for name, c := range map[string]struct {
		answers []answer
		id, err string
		sent    int
	}{
		"inside a JSON string":      {[]answer{moved(`"Moved. {\"Name\":\"a\",\"ToId\":\"new\",\"Uid\":\"u\"} Go there."`), pkg}, "new", "", 2},
		"escaped in plain text":     {[]answer{moved(`Moved to {\"ToId\":\"new\"}`), pkg}, "new", "", 2},
		"as an object":              {[]answer{moved(`{"ToId":"new"}`), pkg}, "new", "", 2},
		"nowhere":                   {[]answer{moved(`"Moved."`)}, "", "301", 1},
		"to something unreadable":   {[]answer{moved(`{ToId}`)}, "", "301", 1},
		"without saying where":      {[]answer{moved(`{}`)}, "", "301", 1},
		"again and again":           {[]answer{moved(`{"ToId":"new"}`)}, "", "301", 4},
		"to something that is gone": {[]answer{moved(`{"ToId":"new"}`), {status: 404}}, "", "404", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answers(c.answers...)
			r, err := newClient(t, s).Product("p").Packages().Get(t.Context(), "old")
			if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) || c.err == "" && (err != nil || r.ID != c.id) {
				t.Errorf("%v, %v", r, err)
			}
			if lines := s.lines(); len(lines) != c.sent || c.sent > 1 && lines[1] != "GET /products/p/packages/new" {
				t.Errorf("requests %q", lines)
			}
		})
	}
}
