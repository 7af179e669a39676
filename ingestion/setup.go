package ingestion

// ProductSetup says how a product is sold and tried out.
type ProductSetup struct {
	Object

	// SellingOption says whether Microsoft sells the product or only lists it.
	SellingOption SellingOption `json:"sellingOption,omitzero"`
	// CallToAction is the button of a product that is only listed.
	CallToAction CallToAction `json:"callToAction,omitzero"`
	// TrialURI is where a trial begins.
	TrialURI string `json:"trialUri"`
	// EnableTestDrive turns the test drive on. The service has refused it for
	// virtual machines since 2025.
	EnableTestDrive bool `json:"enableTestDrive"`
	// TestDriveType is the kind of test drive, for example "AzureResourceManager".
	// Send it only with EnableTestDrive.
	TestDriveType string `json:"testDriveType,omitzero"`
	// ChannelStates says, for the type "Reseller", whether resellers may sell the
	// product: "Enabled" or "Disabled".
	ChannelStates []TypeValue `json:"channelStates,omitzero"`
	// PackageType is [BusinessCentralAddOn] or [BusinessCentralConnect], of Business Central apps only. The
	// published schema does not list it.
	PackageType BusinessCentralPackageType `json:"packageType,omitzero"`
}

func (ProductSetup) resourceType() string { return "AzureProductSetup" }

// SellingOption says how a product is sold. More values may appear.
type SellingOption string

// How a product is sold.
const (
	// ListingOnly: the marketplace shows the product and leads to the publisher.
	ListingOnly SellingOption = "ListingOnly"
	// ListAndSell: Microsoft sells the product.
	ListAndSell SellingOption = "ListAndSell"
)

// CallToAction is the button of a listing. More values may appear.
type CallToAction string

// Buttons of a listing.
const (
	// CallToActionFree reads "Get it now".
	CallToActionFree CallToAction = "free"
	// CallToActionFreeTrial reads "Free trial".
	CallToActionFreeTrial CallToAction = "free-trial"
	// CallToActionContactMe reads "Contact me".
	CallToActionContactMe CallToAction = "contact-me"
)

// Setup returns the product's setup.
//
//pc:operation GET /products/{productID}/setup
//pc:operation POST /products/{productID}/setup
func (p ProductScope) Setup() Singleton[ProductSetup] {
	return Singleton[ProductSetup]{p.at("setup")}
}
