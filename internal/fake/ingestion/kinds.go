package ingestion

import (
	"encoding/json"
	"slices"
	"strings"
)

// kind is a type of resource: what it is called, and its known members in the order
// and spelling in which the service answers. Other members are kept as they are.
type kind struct {
	types   []string // values of resourceType that are accepted; nil means any
	members []field
}

// field is a known member. Its type is one of string, bool, number, array, object
// and any; strings may be restricted to a list of values.
type field struct {
	name, typ string
	values    []string
}

const (
	fileStates    = "PendingUpload|Uploaded|InProcessing|Processed|ProcessFailed"
	resourceTyped = "resourceType:string "
)

// kinds lists them, from the schemas of the OpenAPI document and, where that is
// known to be wrong, from recorded traffic and from what clients send.
func kinds() map[string]*kind {
	const audience = " hideKeyAudience:any emailAudiences:array subscriptionAudiences:array"
	const testDrive = " azureActiveDirectoryApplicationID:string azureActiveDirectoryApplicationKey:string azureActiveDirectoryTenantID:string" +
		" azureActiveDirectoryTenantName:string testDriveDuration:number regions:array hotInstances:number warmInstances:number coldInstances:number" +
		" azureSubscriptionID:string maxConcurrentTestDrives:number instanceUri:string instanceWebApiUri:string roleName:string trialLegalEntity:string"
	return map[string]*kind{
		"product": newKind(nil, "name:string externalIDs:array isModularPublishing:bool offerMarketingUrlIdentifier:string"),
		"setup": newKind([]string{"AzureProductSetup"}, "sellingOption:string=ListingOnly|ListAndSell callToAction:string=free|free-trial|contact-me"+
			" trialUri:string enableTestDrive:bool testDriveType:string channelStates:array packageType:string=AddOn|Connect"),
		"variants": newKind([]string{"AzureSkuVariant", "AzureTestDriveVariant"}, "state:string=Inactive|Active friendlyName:string conversionPaths:string"+
			" leadGenID:string externalID:string referenceVariantID:string certificationsAzureGovernment:array azureGovernmentCertifications:array"+
			" cloudAvailabilities:array subType:string extendedProperties:array"),
		"listings": newKind([]string{"AzureListing"}, "summary:string listingUris:array listingContacts:array gettingStartedInstructions:string"+
			" languageCode:string title:string description:string shortDescription:string publisherName:string productDisplayName:string keywords:array"+
			" accessInformation:string compatibleProducts:array allowOnlyManagedDiskDeployments:bool"),
		"images": newKind([]string{"ListingImage"}, "fileName:string type:string fileSasUri:string state:string="+fileStates+" description:string order:number"),
		"videos": newKind([]string{"ListingVideo"}, "fileName:string streamingUri:string state:string="+fileStates+" thumbnail:object"),
		"assets": newKind([]string{"ListingAsset"}, "fileName:string type:string fileSasUri:string publisherDefinedSasUri:string state:string="+fileStates+
			" description:string friendlyName:string"),
		"properties": newKind([]string{"AzureProperty"}, "industries:array categories:array additionalCategories:array leveledCategories:object leveledIndustries:object"+
			" submissionVersion:string hideKeys:array productTags:array appVersion:string useEnterpriseContract:bool termsOfUse:string marketingOnlyChange:bool"+
			" globalAmendmentTerms:string customAmendments:array extendedProperties:array applicableProducts:array"),
		"productavailabilities": newKind([]string{"ProductAvailability"}, "visibility:string=Public|Private enterpriseLicensing:string audiences:array"+audience),
		"featureavailabilities": newKind([]string{"FeatureAvailability"}, "visibility:string=Public|Private marketStates:array subscriptionAudiences:array"+
			" tenantAudiences:array properties:array trial:object priceSchedules:array customMeters:array isHidden:bool"),
		"packages": newKind([]string{
			"", "AzureApplicationPackage", "Dynamics365BusinessCentralAddOnExtensionPackage",
			"Dynamics365BusinessCentralAddOnLibraryExtensionPackage", "Dynamics365BusinessCentralAddOnDependencyPackage",
		}, "fileName:string fileSasUri:string fileSize:number state:string="+fileStates+" isEmpty:bool isCertified:bool validationItems:array publishTargets:array"),
		"packageconfigurations": newKind([]string{
			"AzureManagedApplicationPackageConfiguration", "AzureSolutionTemplatePackageConfiguration", "AzureApplicationPackageConfiguration",
			"Dynamics365BusinessCentralPackageConfiguration", "Dynamics365CustomerEngagementPackageConfiguration", "Dynamics365OperationsPackageConfiguration",
			"AzureResourceManagerTestDrivePackageConfiguration", "Dynamics365BusinessCentralTestDrivePackageConfiguration",
			"Dynamics365CustomerEngagementTestDrivePackageConfiguration", "Dynamics365OperationsTestDrivePackageConfiguration",
		}, "version:string allowJitAccess:bool canEnableCustomerActions:bool allowedCustomerActions:array allowedDataActions:array deploymentMode:string=Incremental|Complete"+
			" publisherManagementMode:string customerAccessEnableState:string publicAzureTenantID:string publicAzureAuthorizations:array azureGovernmentTenantID:string"+
			" azureGovernmentAuthorizations:array policies:array packageReferences:array azureActiveDirectoryTenantID:string azureActiveDirectoryApplicationID:string"+
			" packageType:string=AddOn|Connect applicationInstallationUri:string baseLicenseModel:string=Resource|User requireS2SOutboundAndCrmSecureStoreAccess:bool"+
			" applicationConfigurationUri:string packageLocationUri:string packageRegionAvailabilities:array multiplePackagesInPackageFile:bool releaseVersion:string"+
			" solutionIdentifier:string"+testDrive),
		"supplementalcontents": newKind([]string{"SupplementalContent"}, "targetRelease:string supportedEditions:array assets:array"),
		"cosellassets":         newKind([]string{"CosellAsset"}, "fileName:string type:string fileSasUri:string state:string="+fileStates),
		"coselllisting":        newKind([]string{"CosellListing"}, "offerPlatforms:array endCustomerSegments:array offerType:string solutionAreas:array contacts:array assetReferences:array"),
		"leadconfiguration": newKind([]string{
			"AzureTableLeadConfiguration", "AzureBlobLeadConfiguration", "DynamicsCustomerRelationshipManagementLeadConfiguration",
			"HttpsEndpointLeadConfiguration", "MarketoLeadConfiguration", "SalesForceLeadConfiguration",
		}, "connectionString:string containerName:string uri:string authentication:string userName:string password:string applicationID:string applicationKey:string"+
			" directoryID:string httpsEndpointUri:string serverID:string munchkinAccountID:string formID:string objectIdentifier:string"+
			" dailyDigestEmailContacts:array contactEmail:string"),
		"resellerconfiguration": newKind([]string{"ResellerConfiguration"}, "resellerChannelState:string=Disabled|PartialOptIn|OptOut|Enabled tenantIds:array"),
		"submission":            newKind([]string{"SubmissionCreationRequest"}, "targets:array resources:array variantResources:array publishOption:object extendedProperties:array"),
	}
}

func newKind(types []string, members string) *kind {
	k := &kind{types: types}
	for f := range strings.FieldsSeq(resourceTyped + members) {
		name, typ, _ := strings.Cut(f, ":")
		typ, values, _ := strings.Cut(typ, "=")
		one := field{name: name, typ: typ}
		if values != "" {
			one.values = strings.Split(values, "|")
		}
		k.members = append(k.members, one)
	}
	return k
}

// faults are the messages for members that do not fit, by their names.
type faults map[string][]string

func (f faults) add(name, message string) { f[name] = append(f[name], message) }

// read brings a request's object into the form in which the service answers: the
// spelling and order of names, and values in the spelling of their list. What does
// not fit is reported. The members id and @odata.etag are left out.
func (k *kind) read(in object) (object, faults) {
	bad := make(faults)
	out := make(object, 0, len(in))
	rest := in.clone()
	rest.del("id")
	rest.del("@odata.etag")
	for _, f := range k.members {
		i := rest.find(f.name)
		if i < 0 {
			continue
		}
		value, message := f.read(rest[i].value)
		if message != "" {
			bad.add(f.name, message)
		}
		out = append(out, member{f.name, value})
		rest = slices.Delete(rest, i, i+1)
	}
	if k.types != nil && !slices.Contains(k.types, out.text("resourceType")) {
		bad.add("resourceType", "The field resourceType is invalid.")
	}
	if out.text("resourceType") == "" && !slices.Contains(k.types, "") {
		bad.add("resourceType", "The resourceType field is required.")
	}
	return append(out, rest...), bad
}

func (f field) read(value json.RawMessage) (json.RawMessage, string) {
	wrong := "The field " + f.name + " is invalid."
	var ok bool
	switch f.typ {
	case "string":
		ok = value[0] == '"'
	case "bool":
		// One client sends booleans as strings, which the service takes.
		switch strings.ToLower(strings.Trim(string(value), `"`)) {
		case "true":
			return raw("true"), ""
		case "false":
			return raw("false"), ""
		}
	case "number":
		ok = value[0] == '-' || value[0] >= '0' && value[0] <= '9'
	case "array":
		ok = value[0] == '['
	case "object":
		ok = value[0] == '{'
	default:
		ok = true
	}
	if !ok {
		return value, wrong
	}
	if f.values == nil {
		return value, ""
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return value, wrong
	}
	for _, v := range f.values {
		if strings.EqualFold(v, text) {
			return encode(v), ""
		}
	}
	return value, wrong
}
