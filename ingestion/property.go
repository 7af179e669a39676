package ingestion

// Property is a product's categories and legal terms.
type Property struct {
	Object

	// Industries are the industries that the product is for.
	Industries []string `json:"industries,omitzero"`
	// LeveledCategories maps categories to subcategories. Products of other kinds
	// than Azure applications have other categories than the constants.
	LeveledCategories map[Category][]string `json:"leveledCategories,omitzero"`
	// LeveledIndustries maps industries to sub-industries. The published schema
	// does not list it.
	LeveledIndustries map[string][]string `json:"leveledIndustries,omitzero"`
	// Categories are categories without levels.
	Categories []string `json:"categories,omitzero"`
	// AdditionalCategories are further categories.
	AdditionalCategories []string `json:"additionalCategories,omitzero"`
	// SubmissionVersion is a GUID of the publisher's choice.
	SubmissionVersion string `json:"submissionVersion,omitzero"`
	// HideKeys are the keys with which hidden plans are seen.
	HideKeys []string `json:"hideKeys,omitzero"`
	// ProductTags are opaque texts.
	ProductTags []string `json:"productTags,omitzero"`
	// AppVersion is the version that the listing shows.
	AppVersion string `json:"appVersion,omitzero"`
	// UseEnterpriseContract takes Microsoft's standard contract.
	UseEnterpriseContract bool `json:"useEnterpriseContract,omitzero"`
	// TermsOfUse are the publisher's terms, as text or as an address.
	TermsOfUse string `json:"termsOfUse,omitzero"`
	// MarketingOnlyChange says that only texts and pictures have changed.
	MarketingOnlyChange bool `json:"marketingOnlyChange,omitzero"`
	// GlobalAmendmentTerms amend the standard contract for everybody.
	GlobalAmendmentTerms string `json:"globalAmendmentTerms,omitzero"`
	// CustomAmendments amend the standard contract for single tenants.
	CustomAmendments []CustomAmendment `json:"customAmendments,omitzero"`
	// ExtendedProperties holds further pairs. The published schema does not list
	// it.
	ExtendedProperties []TypeValue `json:"extendedProperties,omitzero"`
	// ApplicableProducts are the products that the app works with. The published
	// schema does not list it.
	ApplicableProducts []string `json:"applicableProducts,omitzero"`
}

func (Property) resourceType() string { return "AzureProperty" }

// CustomAmendment amends the standard contract for some tenants.
type CustomAmendment struct {
	Object

	// Name is a name for the publisher.
	Name string `json:"name,omitzero"`
	// Terms is the text.
	Terms string `json:"terms,omitzero"`
	// Tenants are the tenants that it is for.
	Tenants []AudienceMember `json:"tenants,omitzero"`
}

// Properties is the collection of the product's properties.
//
//pc:operation GET /products/{productID}/properties
//pc:operation POST /products/{productID}/properties
//pc:operation GET /products/{productID}/properties/{propertyID}
//pc:operation PUT /products/{productID}/properties/{propertyID}
//pc:operation GET /products/{productID}/properties/getByInstanceID(instanceID={instanceID})
type Properties struct {
	Lister[*Resource[Property]]
	Creator[Property]
	Updater[Property]
	Drafts[*Resource[Property]]
}

// Properties returns the product's categories and legal terms. The draft belongs to
// [ModuleProperty]; [Drafts.Draft] works for products for which listing them is
// refused.
func (p ProductScope) Properties() Properties {
	e := p.at("properties")
	return Properties{
		Lister[*Resource[Property]]{e}, Creator[Property]{e},
		updater[Property](e, true), drafts[*Resource[Property]](p, "properties"),
	}
}
