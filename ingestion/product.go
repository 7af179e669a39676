package ingestion

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Product is an offer, or a product of the Microsoft Store. It has no version and
// cannot be renamed through this API; what it says beyond its name is in the
// resources of its [ProductScope].
type Product struct {
	Object

	// Type is what is offered. It is written as resourceType.
	Type ProductType `json:"resourceType"`
	// Name is the alias shown in Partner Center.
	Name string `json:"name"`
	// ExternalIDs holds the offer id; see [Product.OfferID].
	ExternalIDs []TypeValue `json:"externalIDs,omitzero"`
	// IsModularPublishing says that modules can be published one by one. Send true.
	IsModularPublishing bool `json:"isModularPublishing"`
	// OfferMarketingURLIdentifier is the identifier in marketing links.
	OfferMarketingURLIdentifier string `json:"offerMarketingUrlIDentifier,omitzero"`
}

// ExternalOfferID is the type of the external id that is the offer id. The service
// accepts AzureOfferID too, and always answers with this spelling.
const ExternalOfferID = "AzureOfferId"

// ExternalStoreID is the type of the external id of products of the Store.
const ExternalStoreID = "StoreId"

// NewProduct describes an offer to be made with [Creator.Create]: its type, its
// offer id, which is unique in the account and can never be changed, and its alias
// in Partner Center.
func NewProduct(t ProductType, offerID, alias string) Product {
	return Product{
		Type: t, Name: alias, IsModularPublishing: true,
		ExternalIDs: []TypeValue{{Type: ExternalOfferID, Value: offerID}},
	}
}

// OfferID returns the id that people know the offer by, empty if it has none.
func (p Product) OfferID() string {
	for _, id := range p.ExternalIDs {
		if strings.EqualFold(id.Type, ExternalOfferID) {
			return id.Value
		}
	}
	return ""
}

func (p Product) check() error {
	switch {
	case p.Type == "":
		return errors.New("ingestion: the product has no Type; set one, for example ingestion.AzureApplication")
	case strings.TrimSpace(p.Name) == "":
		return errors.New("ingestion: the product has no Name; it is the alias shown in Partner Center")
	}
	return nil
}

// Products is the account's collection of products.
//
//pc:operation GET /products
//pc:operation POST /products
//pc:operation GET /products/{productID}
//pc:operation DELETE /products/{productID}
type Products struct {
	Finder[*Resource[Product]]
	Creator[Product]
	Getter[*Resource[Product]]
	Deleter
}

// Products returns the account's collection of products.
func (c *Client) Products() Products {
	e := c.products()
	return Products{
		Finder[*Resource[Product]]{e, subjectProducts},
		Creator[Product]{e}, Getter[*Resource[Product]]{e}, Deleter{e},
	}
}

// ByOfferID finds the product with the offer id, which is not the product's own
// id. If there is none, the error matches [partnercenter.ErrNotFound]. The answer
// is checked: a filter that the service did not understand finds nothing, rather
// than something else.
func (p Products) ByOfferID(ctx context.Context, offerID string, opts ...partnercenter.CallOption) (*Resource[Product], error) {
	for r, err := range p.All(ctx, OfferIDIs(offerID), opts...) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(r.Data.OfferID(), offerID) {
			return r, nil
		}
	}
	return nil, fmt.Errorf("ingestion: no product has the offer id %q: %w", offerID, partnercenter.ErrNotFound)
}
