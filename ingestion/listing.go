package ingestion

import (
	"context"

	"github.com/partnercenter-go/partnercenter"
)

// Listing is the texts of a product or plan in one language. An update replaces it
// as a whole: the service forgets what is not sent, except the language.
type Listing struct {
	Object

	// LanguageCode is the language, for example "en-us".
	LanguageCode string `json:"languageCode,omitzero"`
	// Title is the name of the product or plan.
	Title string `json:"title,omitzero"`
	// Description is the long text, which may hold simple HTML.
	Description string `json:"description,omitzero"`
	// ShortDescription is the text below the title; of a plan, its summary.
	ShortDescription string `json:"shortDescription,omitzero"`
	// PublisherName is shown as the publisher.
	PublisherName string `json:"publisherName,omitzero"`
	// Keywords help people find the product; three at most.
	Keywords []string `json:"keywords,omitzero"`
	// ProductDisplayName is shown as the product.
	ProductDisplayName string `json:"productDisplayName,omitzero"`
	// Summary is what lists of search results show.
	Summary string `json:"summary,omitzero"`
	// URIs are links, of the types [PrivacyURI] and [SupportURI] and others.
	URIs []ListingURI `json:"listingUris"`
	// Contacts are the publisher's contacts.
	Contacts []ListingContact `json:"listingContacts"`
	// AccessInformation says how a test drive is reached.
	AccessInformation string `json:"accessInformation,omitzero"`
	// GettingStartedInstructions say how a customer begins.
	GettingStartedInstructions string `json:"gettingStartedInstructions,omitzero"`
	// AllowOnlyManagedDiskDeployments is for virtual machines.
	AllowOnlyManagedDiskDeployments bool `json:"allowOnlyManagedDiskDeployments,omitzero"`
	// CompatibleProducts are the products that the app works with.
	CompatibleProducts []string `json:"compatibleProducts,omitzero"`
}

func (Listing) resourceType() string { return "AzureListing" }

// Types of links that are known to be used.
const (
	// PrivacyURI is the type of the link to the privacy policy.
	PrivacyURI = "PrivacyUri"
	// SupportURI is the type of the link to support in the public cloud.
	SupportURI = "PublicCloudSupport"
)

// ListingURI is a link of a listing.
type ListingURI struct {
	Object

	// Type is what the link is for.
	Type string `json:"type,omitzero"`
	// Subtype says more about that.
	Subtype string `json:"subtype,omitzero"`
	// DisplayText is what the link reads.
	DisplayText string `json:"displayText,omitzero"`
	// URI is where it leads.
	URI string `json:"uri,omitzero"`
}

// ListingContact is a contact of the publisher.
type ListingContact struct {
	Object

	// Type is what the contact is for.
	Type ContactType `json:"type,omitzero"`
	// Email is the address.
	Email string `json:"email,omitzero"`
	// Name is the name.
	Name string `json:"name,omitzero"`
	// Phone is the telephone number.
	Phone string `json:"phone,omitzero"`
	// URI is a page with help.
	URI string `json:"uri,omitzero"`
}

// ContactType is what a contact is for. More types may appear.
type ContactType string

// Types of contacts.
const (
	// ContactCustomerSupport is for customers.
	ContactCustomerSupport ContactType = "CustomerSupport"
	// ContactEngineering is for Microsoft, about technical matters.
	ContactEngineering ContactType = "Engineering"
	// ContactChannelManager is for Microsoft, about resellers.
	ContactChannelManager ContactType = "ChannelManager"
)

// Listings is the collection of a product's listings.
//
//pc:operation GET /products/{productID}/listings/{listingID}
//pc:operation PUT /products/{productID}/listings/{listingID}
//pc:operation DELETE /products/{productID}/listings/{listingID}
//pc:operation GET /products/{productID}/listings/getByInstanceID(instanceID={instanceID})
//pc:operation POST /products/{productID}/listings/createWithInstanceID(instanceID={instanceID})
type Listings struct {
	Updater[Listing]
	Deleter
	Drafts[*Resource[Listing]]
}

// Listings returns the texts of the product and its plans. The draft belongs to
// [ModuleListing].
func (p ProductScope) Listings() Listings {
	e := p.at("listings")
	return Listings{updater[Listing](e, true), Deleter{e}, drafts[*Resource[Listing]](p, "listings")}
}

// CreateForInstance adds a listing in a further language to an instance. The
// request is sent again only when the service surely did not see it.
func (l Listings) CreateForInstance(ctx context.Context, instanceID string, data Listing, opts ...partnercenter.CallOption) (*Resource[Listing], error) {
	path, err := l.Deleter.e.function("createWithInstanceID", "instanceID", instanceID)
	if err != nil {
		return nil, err
	}
	return create(ctx, l.Deleter.e, path, data, opts)
}
