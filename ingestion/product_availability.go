package ingestion

// ProductAvailability is who may see the preview of a product.
type ProductAvailability struct {
	Object

	// Visibility is [VisibilityPublic] or [VisibilityPrivate].
	Visibility Visibility `json:"visibility,omitzero"`
	// EnterpriseLicensing says whether organisations can buy licenses in volume.
	EnterpriseLicensing string `json:"enterpriseLicensing,omitzero"`
	// Audiences are the preview's subscriptions, in one group of the type
	// "PreviewMarketplaceGroup".
	Audiences []AudienceGroup `json:"audiences,omitzero"`
	// EmailAudiences are the preview's people.
	EmailAudiences []AudienceMember `json:"emailAudiences,omitzero"`
	// SubscriptionAudiences are the preview's subscriptions.
	SubscriptionAudiences []AudienceMember `json:"subscriptionAudiences,omitzero"`
	// HideKeyAudience is the key with which hidden plans are seen.
	HideKeyAudience string `json:"hideKeyAudience,omitzero"`
}

func (ProductAvailability) resourceType() string { return "ProductAvailability" }

// AudienceGroup is a named group of an audience. Its members are written with
// capitals.
type AudienceGroup struct {
	Object

	// Type is the kind of group, for example [PreviewMarketplaceGroup].
	Type string `json:"Type"`
	// Values are subscription ids.
	Values []string `json:"Values"`
}

// PreviewMarketplaceGroup is the type of the group of subscriptions that see a
// product's preview.
const PreviewMarketplaceGroup = "PreviewMarketplaceGroup"

// Visibility says who sees something. More values may appear.
type Visibility string

// Who sees something.
const (
	// VisibilityPublic: everybody.
	VisibilityPublic Visibility = "Public"
	// VisibilityPrivate: a named audience.
	VisibilityPrivate Visibility = "Private"
)

// ProductAvailabilities is the collection of the product's availabilities.
//
//pc:operation GET /products/{productID}/productavailabilities
//pc:operation POST /products/{productID}/productavailabilities
//pc:operation GET /products/{productID}/productavailabilities/{productAvailabilityID}
//pc:operation PUT /products/{productID}/productavailabilities/{productAvailabilityID}
//pc:operation GET /products/{productID}/productAvailabilities/getByInstanceID(instanceID={instanceID})
type ProductAvailabilities struct {
	Lister[*Resource[ProductAvailability]]
	Creator[ProductAvailability]
	Updater[ProductAvailability]
	Drafts[*Resource[ProductAvailability]]
}

// ProductAvailabilities returns who may see the product's preview. The draft
// belongs to [ModuleAvailability] of the product itself.
func (p ProductScope) ProductAvailabilities() ProductAvailabilities {
	e := p.at("productavailabilities")
	return ProductAvailabilities{
		Lister[*Resource[ProductAvailability]]{e}, Creator[ProductAvailability]{e},
		updater[ProductAvailability](e, true), drafts[*Resource[ProductAvailability]](p, "productAvailabilities"),
	}
}
