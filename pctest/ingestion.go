package pctest

import (
	"encoding/json"

	"github.com/partnercenter-go/partnercenter/internal/fake/ingestion"
)

// Ingestion controls the products and submissions of a [Server]. It is safe for
// concurrent use.
//
// The API is described at
// https://learn.microsoft.com/partner-center/marketplace-offers/submission-api-overview.
type Ingestion struct {
	s       *ingestion.Server
	changed func() // notes that the state has changed
}

// Ingestion returns the control of the submission API.
func (s *Server) Ingestion() *Ingestion { return &Ingestion{s.ingestion, s.changed} }

// WithIngestionBehavior changes how the submission API behaves; change is given the
// defaults.
func WithIngestionBehavior(change func(*IngestionBehavior)) Option {
	return optionFunc(func(c *config) {
		if change != nil {
			change(&c.ingestion)
		}
	})
}

// Configure changes how the service behaves from now on; change is given what
// holds now. What has begun is not changed. An error leaves everything as it was.
func (i *Ingestion) Configure(change func(*IngestionBehavior)) error {
	return i.s.Configure(func(s *ingestion.Settings) {
		b := ingestionBehaviorOf(s)
		if change != nil {
			change(&b)
		}
		*s = b.settings()
	})
}

// Product describes an offer that exists from the start.
type Product struct {
	// Type is the resourceType, for example "AzureApplication".
	Type string
	// OfferID is the id that people know it by, Name its alias in Partner Center.
	// Default of the name: the offer id.
	OfferID, Name string
	// Variants are its plans.
	Variants []Variant
}

// Variant describes a plan that exists from the start.
type Variant struct {
	// ExternalID is the plan id that people know it by, FriendlyName what they
	// call it. Default of the name: the plan id.
	ExternalID, FriendlyName string
	// SubType is "managed-application" or "solution-template" for Azure
	// applications, empty for other products.
	SubType string
}

// AddProduct makes a product as if a client had done so, with its plans and with
// the drafts of all of them.
func (i *Ingestion) AddProduct(p Product) (StoredProduct, error) {
	defer i.changed()
	type external struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	name := p.Name
	if name == "" {
		name = p.OfferID
	}
	text, err := json.Marshal(map[string]any{
		"resourceType": p.Type, "name": name, "isModularPublishing": true, "externalIDs": []external{{"AzureOfferId", p.OfferID}},
	})
	if err != nil {
		return StoredProduct{}, err
	}
	id, err := i.s.AddProduct(text)
	if err != nil {
		return StoredProduct{}, err
	}
	for _, v := range p.Variants {
		plan := map[string]any{"resourceType": "AzureSkuVariant", "externalID": v.ExternalID, "friendlyName": v.FriendlyName}
		if v.FriendlyName == "" {
			plan["friendlyName"] = v.ExternalID
		}
		if v.SubType != "" {
			plan["subType"] = v.SubType
		}
		if text, err = json.Marshal(plan); err != nil {
			return StoredProduct{}, err
		}
		if _, err := i.s.AddVariant(id, text); err != nil {
			return StoredProduct{}, err
		}
	}
	stored, _ := i.Product(id)
	return stored, nil
}

// StoredProduct is a product that the service knows.
type StoredProduct struct {
	// ID is the GUID, OfferID the id that people know it by.
	ID, OfferID string
	// Type is the resourceType, Name the alias.
	Type, Name string
	// Variants are its plans, in the order in which they were made.
	Variants []StoredVariant
	// Submissions are its submissions, the oldest first.
	Submissions []StoredSubmission
}

// StoredVariant is a plan.
type StoredVariant struct {
	// ID is the GUID, or "testdrive".
	ID string
	// ExternalID is the plan id that people know it by, FriendlyName its name.
	ExternalID, FriendlyName string
}

// StoredSubmission is a submission and where it stands now.
type StoredSubmission struct {
	// ID is the number.
	ID string
	// State and Substate are as the API shows them.
	State, Substate string
	// Release counts the submissions of the product.
	Release int
	// Promoted tells whether a client has sent it from preview to live.
	Promoted bool
	// Resources are the product's instances in it, by their modules.
	Resources map[string]string
}

// Products lists the products, in the order in which the API lists them.
func (i *Ingestion) Products() []StoredProduct {
	list := i.s.Products()
	out := make([]StoredProduct, len(list))
	for n, p := range list {
		out[n] = storedProduct(p)
	}
	return out
}

// Product returns the product with the GUID or the offer id; false if there is
// none.
func (i *Ingestion) Product(id string) (StoredProduct, bool) {
	p, ok := i.s.Product(id)
	return storedProduct(p), ok
}

func storedProduct(p ingestion.ProductInfo) StoredProduct {
	out := StoredProduct{ID: p.ID, OfferID: p.OfferID, Type: p.Kind, Name: p.Name}
	for _, v := range p.Variants {
		out.Variants = append(out.Variants, StoredVariant(v))
	}
	for _, s := range p.Submissions {
		out.Submissions = append(out.Submissions, StoredSubmission(s))
	}
	return out
}

// Resource returns the JSON of a resource as it is stored. The collection is the
// segment of the API's path, for example "listings" or "packages"; what a product
// has only one of, such as "setup", has an empty id.
func (i *Ingestion) Resource(productID, collection, id string) ([]byte, error) {
	return i.s.Resource(productID, collection, id)
}

// NextSubmission writes the story of the next submission. Called several times, it
// writes those of the submissions after it.
func (i *Ingestion) NextSubmission(script SubmissionScript) error {
	return i.s.Next(script.internal())
}

// FinishSubmission puts a submission into a step of which there is no end.
func (i *Ingestion) FinishSubmission(productID, submissionID string, step SubmissionStep) error {
	defer i.changed()
	return i.s.Finish(productID, submissionID, step.s)
}

// NextPackage writes what will happen to the next package that is uploaded.
func (i *Ingestion) NextPackage(script PackageScript) error {
	return i.s.NextPackage(script.internal())
}

// MovePackage gives a package another id, which is returned. Whoever asks for the
// old one is answered with 301, as happens in the Store.
func (i *Ingestion) MovePackage(productID, packageID string) (string, error) {
	defer i.changed()
	return i.s.MovePackage(productID, packageID)
}

// ExpireLinks makes the links that were given out for a file worthless: that of an
// image, an asset, a video or a package by its id; an empty id means all files of
// the product. The next look at it gives a new one.
func (i *Ingestion) ExpireLinks(productID, id string) error {
	defer i.changed()
	return i.s.ExpireLinks(productID, id)
}
