package ingestion

import "github.com/partnercenter-go/partnercenter"

// CosellAsset is a document for co-selling.
type CosellAsset struct {
	Object

	// FileName is the file's name.
	FileName string `json:"fileName,omitzero"`
	// Type is what the document is.
	Type string `json:"type,omitzero"`
	// FileSASURI is where the file is uploaded to; it grants access to whoever has
	// it.
	FileSASURI partnercenter.Secret `json:"fileSasUri,omitzero"`
	// State is where the file stands.
	State FileState `json:"state,omitzero"`
}

func (CosellAsset) resourceType() string { return "CosellAsset" }

// CosellListing describes a product to Microsoft's sellers. Its id is that of its
// instance.
type CosellListing struct {
	Object

	// OfferPlatforms are the platforms that the product runs on.
	OfferPlatforms []string `json:"offerPlatforms,omitzero"`
	// EndCustomerSegments are the customers that it is for.
	EndCustomerSegments []string `json:"endCustomerSegments,omitzero"`
	// OfferType is the kind of product.
	OfferType string `json:"offerType,omitzero"`
	// SolutionAreas are the areas that it belongs to.
	SolutionAreas []CosellSolutionArea `json:"solutionAreas,omitzero"`
	// Contacts are the publisher's people.
	Contacts []CosellContact `json:"contacts,omitzero"`
	// AssetReferences names the documents.
	AssetReferences []TypeValue `json:"assetReferences,omitzero"`
}

func (CosellListing) resourceType() string { return "CosellListing" }

// CosellSolutionArea is an area of solutions.
type CosellSolutionArea struct {
	Object

	// Area is the area.
	Area string `json:"area,omitzero"`
	// SubAreas are its parts.
	SubAreas []string `json:"subAreas,omitzero"`
}

// CosellContact is one of the publisher's people.
type CosellContact struct {
	Object

	// Type is what the contact is for.
	Type string `json:"type,omitzero"`
	// Email is the address.
	Email string `json:"email,omitzero"`
	// Name is the name.
	Name string `json:"name,omitzero"`
	// JobTitle is the person's job.
	JobTitle string `json:"jobTitle,omitzero"`
	// Role is the person's part in co-selling.
	Role string `json:"role,omitzero"`
	// Regions are where the person works.
	Regions []string `json:"regions,omitzero"`
	// SubRegions are the parts of these.
	SubRegions []string `json:"subRegions,omitzero"`
}

// CosellAssets is the collection of a product's documents for co-selling.
//
//pc:operation GET /products/{productID}/cosellAssets
//pc:operation POST /products/{productID}/cosellAssets
//pc:operation GET /products/{productID}/cosellAssets/getByInstanceID(instanceID={instanceID})
//pc:operation GET /products/{productID}/cosellAssets/{cosellAssetID}
//pc:operation PUT /products/{productID}/cosellAssets/{cosellAssetID}
//pc:operation DELETE /products/{productID}/cosellAssets/{cosellAssetID}
type CosellAssets struct {
	Lister[*Resource[CosellAsset]]
	Creator[CosellAsset]
	Updater[CosellAsset]
	Deleter
	Drafts[*Resource[CosellAsset]]
	Uploader[CosellAsset]
}

// CosellAssets returns the product's documents for co-selling. The draft belongs to
// [ModuleCosell].
func (p ProductScope) CosellAssets() CosellAssets {
	e := p.at("cosellAssets")
	return CosellAssets{
		Lister[*Resource[CosellAsset]]{e}, Creator[CosellAsset]{e}, updater[CosellAsset](e, false), Deleter{e},
		drafts[*Resource[CosellAsset]](p, "cosellAssets"), uploader[CosellAsset](e, false),
	}
}

// CosellListings is the collection of a product's descriptions for co-selling,
// addressed by their instances.
//
//pc:operation GET /products/{productID}/cosellListing/{instanceID}
//pc:operation PUT /products/{productID}/cosellListing/{instanceID}
//pc:operation GET /products/{productID}/cosellListing/getByInstanceID(instanceID={instanceID})
type CosellListings struct {
	Updater[CosellListing]
	Drafts[*Resource[CosellListing]]
}

// CosellListings returns the product's descriptions for co-selling. The draft
// belongs to [ModuleCosell].
func (p ProductScope) CosellListings() CosellListings {
	return CosellListings{
		updater[CosellListing](p.at("cosellListing"), false), drafts[*Resource[CosellListing]](p, "cosellListing"),
	}
}
