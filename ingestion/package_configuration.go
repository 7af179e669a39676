package ingestion

// PackageConfiguration is the technical configuration of a product or plan. It
// stands for a pointer to one of these, which a type switch tells apart:
// [ManagedApplicationConfiguration], [SolutionTemplateConfiguration],
// [ApplicationConfiguration], [BusinessCentralConfiguration],
// [CustomerEngagementConfiguration], [OperationsConfiguration], the test drives
// [ResourceManagerTestDrive], [BusinessCentralTestDrive],
// [CustomerEngagementTestDrive] and [OperationsTestDrive], and
// [UnknownConfiguration] for whatever else the service has:
//
//	switch c := r.Data.(type) {
//	case *ingestion.ManagedApplicationConfiguration:
//		c.Version = "1.2.0"
//	}
type PackageConfiguration interface{ packageConfiguration() }

// RoleAuthorization lets a principal of the publisher act on a customer's
// resources.
type RoleAuthorization struct {
	Object

	// PrincipalID is the object id of a user, group or application.
	PrincipalID string `json:"principalID,omitzero"`
	// RoleDefinitionID is a role: its GUID, or the name "Owner" or "Contributor".
	RoleDefinitionID string `json:"roleDefinitionID,omitzero"`
}

// AzurePolicy is a policy that a managed application brings along.
type AzurePolicy struct {
	Object

	// PolicyName is the policy's name.
	PolicyName string `json:"policyName,omitzero"`
	// PolicyDefinitionID is the policy's definition.
	PolicyDefinitionID string `json:"policyDefinitionID,omitzero"`
	// PolicyParameters are its parameters, as JSON text.
	PolicyParameters string `json:"policyParameters,omitzero"`
	// PolicySKU is its SKU.
	PolicySKU string `json:"policySku,omitzero"`
}

// ManagedApplicationConfiguration configures a plan of a managed application.
type ManagedApplicationConfiguration struct {
	Object

	// Version is the package's version, for example "1.0.0".
	Version string `json:"version,omitzero"`
	// AllowJITAccess lets the publisher ask for access when needed.
	AllowJITAccess bool `json:"allowJitAccess,omitzero"`
	// CanEnableCustomerActions lets AllowedCustomerActions count.
	CanEnableCustomerActions bool `json:"canEnableCustomerActions,omitzero"`
	// AllowedCustomerActions are the actions that customers may use: one to an
	// item, or several in one item with semicolons between them.
	AllowedCustomerActions []string `json:"allowedCustomerActions,omitzero"`
	// AllowedDataActions are the data actions that customers may use. The
	// published schema does not list it.
	AllowedDataActions []string `json:"allowedDataActions,omitzero"`
	// PublicAzureTenantID is the publisher's tenant.
	PublicAzureTenantID string `json:"publicAzureTenantID,omitzero"`
	// PublicAzureAuthorizations are the publisher's principals.
	PublicAzureAuthorizations []RoleAuthorization `json:"publicAzureAuthorizations,omitzero"`
	// AzureGovernmentTenantID is the publisher's tenant in Azure Government.
	AzureGovernmentTenantID string `json:"azureGovernmentTenantID,omitzero"`
	// AzureGovernmentAuthorizations are the publisher's principals there.
	AzureGovernmentAuthorizations []RoleAuthorization `json:"azureGovernmentAuthorizations,omitzero"`
	// Policies are the policies that the application brings along.
	Policies []AzurePolicy `json:"policies,omitzero"`
	// PackageReferences names the package: type [ApplicationPackage], value its id.
	PackageReferences []TypeValue `json:"packageReferences,omitzero"`
	// DeploymentMode is what happens to resources that the template no longer has.
	// The published schema does not list it.
	DeploymentMode DeploymentMode `json:"deploymentMode,omitzero"`
	// PublisherManagementMode says who manages the application. The published
	// schema does not list it.
	PublisherManagementMode string `json:"publisherManagementMode,omitzero"`
	// CustomerAccessEnableState says whether customers have access. The published
	// schema does not list it.
	CustomerAccessEnableState string `json:"customerAccessEnableState,omitzero"`
}

// DeploymentMode is how a template is deployed. More modes may appear.
type DeploymentMode string

// Ways to deploy a template.
const (
	// DeployIncremental leaves resources that are not in the template.
	DeployIncremental DeploymentMode = "Incremental"
	// DeployComplete removes them.
	DeployComplete DeploymentMode = "Complete"
)

// SolutionTemplateConfiguration configures a plan of a solution template.
type SolutionTemplateConfiguration struct {
	Object

	// Version is the package's version, for example "1.0.0".
	Version string `json:"version,omitzero"`
	// PackageReferences names the package: type [ApplicationPackage], value its id.
	PackageReferences []TypeValue `json:"packageReferences,omitzero"`
}

// ApplicationConfiguration configures an Azure application as a whole, for metered
// billing.
type ApplicationConfiguration struct {
	Object

	// TenantID is the tenant of the application that reports usage.
	TenantID string `json:"azureActiveDirectoryTenantID,omitzero"`
	// ApplicationID is that application.
	ApplicationID string `json:"azureActiveDirectoryApplicationID,omitzero"`
}

// UnknownConfiguration is a configuration of a type that this package does not
// know. Read it with [Object.Field], change it with [Object.With].
type UnknownConfiguration struct {
	Object

	// Type is the resourceType.
	Type string `json:"resourceType"`
}

func (*ManagedApplicationConfiguration) packageConfiguration() {}
func (*SolutionTemplateConfiguration) packageConfiguration()   {}
func (*ApplicationConfiguration) packageConfiguration()        {}
func (*UnknownConfiguration) packageConfiguration()            {}

func (*ManagedApplicationConfiguration) resourceType() string {
	return "AzureManagedApplicationPackageConfiguration"
}
func (*SolutionTemplateConfiguration) resourceType() string {
	return "AzureSolutionTemplatePackageConfiguration"
}
func (*ApplicationConfiguration) resourceType() string { return "AzureApplicationPackageConfiguration" }

// newPackageConfiguration returns an empty configuration of the type that a
// resourceType names.
func newPackageConfiguration(kind string) PackageConfiguration {
	return known[PackageConfiguration](kind, &UnknownConfiguration{},
		&ManagedApplicationConfiguration{}, &SolutionTemplateConfiguration{}, &ApplicationConfiguration{},
		&BusinessCentralConfiguration{}, &CustomerEngagementConfiguration{}, &OperationsConfiguration{},
		&ResourceManagerTestDrive{}, &BusinessCentralTestDrive{}, &CustomerEngagementTestDrive{}, &OperationsTestDrive{},
	)
}

// PackageConfigurations is the collection of technical configurations.
//
//pc:operation GET /products/{productID}/packageconfigurations/{packageConfigurationID}
//pc:operation PUT /products/{productID}/packageconfigurations/{packageConfigurationID}
//pc:operation GET /products/{productID}/packageConfigurations/getByInstanceID(instanceID={instanceID})
type PackageConfigurations struct {
	Updater[PackageConfiguration]
	Drafts[*Resource[PackageConfiguration]]
}

// PackageConfigurations returns the technical configurations of the product and
// its plans. The draft belongs to [ModulePackage].
func (p ProductScope) PackageConfigurations() PackageConfigurations {
	return PackageConfigurations{
		updater[PackageConfiguration](p.at("packageconfigurations"), true),
		drafts[*Resource[PackageConfiguration]](p, "packageConfigurations"),
	}
}
