package ingestion

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// testDrive is the id of the plan that the service itself adds.
const testDrive = "testdrive"

// The modules of a product.
const (
	moduleAvailability = "Availability"
	moduleListing      = "Listing"
	modulePackage      = "Package"
	moduleProperty     = "Property"
	moduleSupplemental = "SupplementalContent"
	moduleCosell       = "Cosell"
	moduleReseller     = "ResellerConfiguration"
)

func modules() []string {
	return []string{
		moduleAvailability, moduleListing, modulePackage, moduleProperty, moduleSupplemental, moduleCosell, moduleReseller,
	}
}

// planModules are those that a plan has drafts of.
func planModules() []string { return []string{moduleAvailability, moduleListing, modulePackage} }

// getBranches lists the drafts of a module: the product's own and the plans'.
func (s *Server) getBranches(x *exchange, p *product) reply {
	i := slices.IndexFunc(modules(), func(m string) bool { return strings.EqualFold(m, x.arg("module")) })
	if i < 0 {
		return x.invalid(faults{"module": {"The value '" + x.arg("module") + "' is not valid."}})
	}
	var list []object
	for _, b := range p.Branches {
		if b.Module == modules()[i] && !x.now.Before(b.Visible) {
			list = append(list, b.show())
		}
	}
	return x.whole(list)
}

func (b *branch) show() object {
	out := build("resourceType", "Branch", "friendlyName", "Main", "type", "Main", "module", b.Module, "currentDraftInstanceID", b.Instance)
	if b.Variant != "" {
		out.set("variantID", b.Variant)
	}
	return out
}

// newInstance returns an id for a draft. Those of availabilities are numbers, as
// has been seen; that of the reseller configuration is made of the product's.
func (s *Server) newInstance(p *product, module string) string {
	switch module {
	case moduleReseller:
		return p.ID + "-ResellerInstance"
	case moduleAvailability:
		return s.nextNumber(2_152_921_504_606_846_976)
	default:
		return s.nextID()
	}
}

// addPlanDrafts adds the drafts of a plan. The lock is held.
func (s *Server) addPlanDrafts(p *product, variant, title, subType string, visible time.Time) {
	for _, module := range planModules() {
		s.addDraft(p, module, variant, title, subType, visible)
	}
}

// addDraft adds a draft and the resources that it has from the start. The lock is
// held.
func (s *Server) addDraft(p *product, module, variant, title, subType string, visible time.Time) {
	p.Branches = append(p.Branches, &branch{Module: module, Variant: variant, Instance: s.newInstance(p, module), Visible: visible})
	add := func(collection string, body object) {
		p.Items = append(p.Items, &item{
			Collection: collection, ID: s.nextID(), Module: module, Variant: variant, Body: body, ETag: s.etag(visible), Visible: visible,
		})
	}
	switch module {
	case moduleListing:
		add("listings", newListing(title))
	case moduleProperty:
		add("properties", build("resourceType", "AzureProperty", "industries", []string{}, "hideKeys", []string{}, "productTags", []string{}))
	case moduleAvailability:
		if variant == "" {
			add("productavailabilities", build("resourceType", "ProductAvailability", "visibility", "Public", "audiences", []string{}))
		}
		if variant != "" || p.kind() == central {
			add("featureavailabilities", build(
				"resourceType", "FeatureAvailability", "visibility", "Public", "marketStates", []string{}, "subscriptionAudiences", []string{},
				"trial", build("type", "NoTrial"), "priceSchedules", []string{},
			))
		}
	case modulePackage:
		if body := newConfiguration(p.kind(), variant, subType); body != nil {
			add("packageconfigurations", body)
		}
	case moduleSupplemental:
		add("supplementalcontents", build("resourceType", "SupplementalContent", "supportedEditions", []string{}, "assets", []string{}))
	case moduleCosell:
		add("coselllisting", build("resourceType", "CosellListing", "offerPlatforms", []string{}, "contacts", []string{}))
	}
}

// newListing is a listing as recorded right after it was made.
func newListing(title string) object {
	return build(
		"resourceType", "AzureListing", "listingUris", []string{}, "listingContacts", []string{}, "gettingStartedInstructions", "",
		"languageCode", "en-us", "title", title, "keywords", []string{},
	)
}

// newConfiguration is the package configuration of a product or a plan, nil if it
// has none.
func newConfiguration(kind, variant, subType string) object {
	name := ""
	switch {
	case variant == testDrive:
		name = "AzureResourceManagerTestDrivePackageConfiguration"
	case kind == application && variant == "":
		name = "AzureApplicationPackageConfiguration"
	case kind == application && strings.EqualFold(subType, "managed-application"):
		return build("resourceType", "AzureManagedApplicationPackageConfiguration", "allowJitAccess", false, "canEnableCustomerActions", false,
			"allowedCustomerActions", []string{}, "publicAzureAuthorizations", []string{}, "azureGovernmentAuthorizations", []string{},
			"policies", []string{}, "packageReferences", []string{})
	case kind == application:
		return build("resourceType", "AzureSolutionTemplatePackageConfiguration", "packageReferences", []string{})
	case variant != "":
	case kind == central:
		return build("resourceType", "Dynamics365BusinessCentralPackageConfiguration", "packageType", "AddOn", "packageReferences", []string{})
	case kind == engagement:
		name = "Dynamics365CustomerEngagementPackageConfiguration"
	case kind == operations:
		name = "Dynamics365OperationsPackageConfiguration"
	}
	if name == "" {
		return nil
	}
	return build("resourceType", name)
}

// drafts returns the items of a collection that are part of the draft with the
// instance id.
func (p *product) drafts(collection, instance string, now time.Time) []*item {
	b := p.branchOf(instance, now)
	if b == nil {
		return nil
	}
	list := p.list(collection, now, func(i *item) bool { return i.Module == b.Module && i.Variant == b.Variant })
	if collection == "supplementalcontents" || collection == "coselllisting" {
		for _, i := range list {
			i.ID = b.Instance // they are addressed by it, so it is what readers must get
		}
	}
	return list
}

// getByInstance lists the resources of a draft. An instance that is none, or one of
// another module, is not found: the fake's choice.
func (s *Server) getByInstance(x *exchange, p *product, collection string) reply {
	b := p.branchOf(x.arg("instance"), x.now)
	if b == nil || b.Module != moduleOf(collection) {
		return x.missing()
	}
	items := p.drafts(collection, b.Instance, x.now)
	list := make([]object, len(items))
	for i, it := range items {
		list[i] = x.seen(it)
	}
	return x.others(list)
}

// moduleOf names the module that a collection belongs to.
func moduleOf(collection string) string {
	switch collection {
	case "listings":
		return moduleListing
	case "properties":
		return moduleProperty
	case "productavailabilities", "featureavailabilities":
		return moduleAvailability
	case "packageconfigurations":
		return modulePackage
	case "supplementalcontents":
		return moduleSupplemental
	default:
		return moduleCosell
	}
}

// seen is a resource as lists show it, which leave out what must be asked for.
func (x *exchange) seen(i *item) object {
	if i.Collection == "featureavailabilities" {
		return x.expanded(i)
	}
	return i.show()
}

// whole is a collection that comes in one page.
func (x *exchange) whole(list []object) reply {
	return reply{status: http.StatusOK, body: append(append([]byte(`{"value":`), array(list)...), '}')}
}

// others is a collection that is not known to come in pages; the settings can have
// it do so.
func (x *exchange) others(list []object) reply {
	if len(x.settings.PageSizesOfOthers) == 0 && !x.settings.EmptyLastPage && !x.settings.DeadLastLink {
		return x.whole(list)
	}
	token, refused := x.token()
	if refused != nil {
		return *refused
	}
	return x.page(x.settings.PageSizesOfOthers, token, "", len(list), func(i int) (int64, object, bool) { return int64(i) + 1, list[i], true })
}
