package ingestion

import "github.com/partnercenter-go/partnercenter"

// BusinessCentralConfiguration configures a Business Central app.
type BusinessCentralConfiguration struct {
	Object

	// PackageType is the kind of app.
	PackageType BusinessCentralPackageType `json:"packageType,omitzero"`
	// ApplicationInstallationURI is where a [BusinessCentralConnect] app is installed from.
	ApplicationInstallationURI string `json:"applicationInstallationUri,omitzero"`
	// PackageReferences names the packages of an [BusinessCentralAddOn]: the type is a
	// [PackageType], the value a package's id.
	PackageReferences []TypeValue `json:"packageReferences,omitzero"`
}

// BusinessCentralPackageType is a kind of Business Central app. More kinds may
// appear.
type BusinessCentralPackageType string

// Kinds of Business Central apps.
const (
	// BusinessCentralAddOn runs inside Business Central.
	BusinessCentralAddOn BusinessCentralPackageType = "AddOn"
	// BusinessCentralConnect talks to Business Central from outside.
	BusinessCentralConnect BusinessCentralPackageType = "Connect"
)

// CustomerEngagementConfiguration configures an app for Dynamics 365 and Power
// Apps.
type CustomerEngagementConfiguration struct {
	Object

	// BaseLicenseModel is what is licensed.
	BaseLicenseModel BaseLicenseModel `json:"baseLicenseModel,omitzero"`
	// RequireS2SOutboundAndCRMSecureStoreAccess is for apps that talk to other
	// services.
	RequireS2SOutboundAndCRMSecureStoreAccess bool `json:"requireS2SOutboundAndCrmSecureStoreAccess,omitzero"`
	// ApplicationConfigurationURI is where the app is configured.
	ApplicationConfigurationURI string `json:"applicationConfigurationUri,omitzero"`
	// PackageLocationURI is where the package lies: a link to blob storage that
	// grants access to whoever has it.
	PackageLocationURI partnercenter.Secret `json:"packageLocationUri,omitzero"`
	// PackageRegionAvailabilities says where the app is offered.
	PackageRegionAvailabilities []PackageRegionAvailability `json:"packageRegionAvailabilities,omitzero"`
	// MultiplePackagesInPackageFile says that the file holds several packages.
	MultiplePackagesInPackageFile bool `json:"multiplePackagesInPackageFile,omitzero"`
}

// BaseLicenseModel is what is licensed. More models may appear.
type BaseLicenseModel string

// What is licensed.
const (
	// LicenseResource licenses a resource.
	LicenseResource BaseLicenseModel = "Resource"
	// LicenseUser licenses users.
	LicenseUser BaseLicenseModel = "User"
)

// PackageRegionAvailability says whether an app is offered in a region.
type PackageRegionAvailability struct {
	Object

	// Region is the region.
	Region PackageRegion `json:"region"`
	// IsAvailable says whether the app is offered there.
	IsAvailable bool `json:"isAvailable"`
	// ApplicationConfigurationURI is where the app is configured there.
	ApplicationConfigurationURI string `json:"applicationConfigurationUri,omitzero"`
}

// PackageRegion is a region of Dynamics 365. More regions may appear.
type PackageRegion string

// Regions of Dynamics 365.
const (
	// RegionNorthAmerica is North America.
	RegionNorthAmerica PackageRegion = "NorthAmerica"
	// RegionSouthAmerica is South America.
	RegionSouthAmerica PackageRegion = "SouthAmerica"
	// RegionCanada is Canada.
	RegionCanada PackageRegion = "Canada"
	// RegionEMEA is Europe, the Middle East and Africa.
	RegionEMEA PackageRegion = "Emea"
	// RegionIndia is India.
	RegionIndia PackageRegion = "India"
	// RegionJapan is Japan.
	RegionJapan PackageRegion = "Japan"
	// RegionAPAC is Asia and the Pacific.
	RegionAPAC PackageRegion = "Apac"
	// RegionAustralia is Australia.
	RegionAustralia PackageRegion = "Australia"
	// RegionUnitedKingdom is the United Kingdom.
	RegionUnitedKingdom PackageRegion = "UnitedKingdom"
	// RegionGermanySovereign is the German cloud.
	RegionGermanySovereign PackageRegion = "GermanySovereign"
	// RegionUSGovSovereign is the cloud of the US government.
	RegionUSGovSovereign PackageRegion = "USGovSovereign"
	// RegionUSGovHighSovereign is its part for higher demands.
	RegionUSGovHighSovereign PackageRegion = "USGovHighSovereign"
	// RegionChinaSovereign is the Chinese cloud.
	RegionChinaSovereign PackageRegion = "ChinaSovereign"
	// RegionTIPSovereign is a cloud for tests.
	RegionTIPSovereign PackageRegion = "TipSovereign"
	// RegionFrance is France.
	RegionFrance PackageRegion = "France"
	// RegionUSDepartmentOfDefense is the cloud of the US Department of Defense.
	RegionUSDepartmentOfDefense PackageRegion = "USDepartmentOfDefense"
)

// OperationsConfiguration configures an app for Dynamics 365 Operations.
type OperationsConfiguration struct {
	Object

	// ReleaseVersion is the release that the app is for.
	ReleaseVersion string `json:"releaseVersion,omitzero"`
	// SolutionIdentifier is the solution's id in Lifecycle Services.
	SolutionIdentifier string `json:"solutionIdentifier,omitzero"`
}

func (*BusinessCentralConfiguration) packageConfiguration()    {}
func (*CustomerEngagementConfiguration) packageConfiguration() {}
func (*OperationsConfiguration) packageConfiguration()         {}

func (*BusinessCentralConfiguration) resourceType() string {
	return "Dynamics365BusinessCentralPackageConfiguration"
}
func (*CustomerEngagementConfiguration) resourceType() string {
	return "Dynamics365CustomerEngagementPackageConfiguration"
}
func (*OperationsConfiguration) resourceType() string {
	return "Dynamics365OperationsPackageConfiguration"
}
