package ingestion

import "github.com/partnercenter-go/partnercenter"

// ResourceManagerTestDrive configures a test drive that deploys a template.
type ResourceManagerTestDrive struct {
	Object

	// ApplicationID is the application that the test drive acts as.
	ApplicationID string `json:"azureActiveDirectoryApplicationID,omitzero"`
	// ApplicationKey is its secret.
	ApplicationKey partnercenter.Secret `json:"azureActiveDirectoryApplicationKey,omitzero"`
	// TenantID is its tenant.
	TenantID string `json:"azureActiveDirectoryTenantID,omitzero"`
	// Duration is how long a test drive lasts, in hours.
	Duration int `json:"testDriveDuration,omitzero"`
	// Regions are the Azure regions to deploy to.
	Regions []string `json:"regions,omitzero"`
	// HotInstances are ready at any time, in each region.
	HotInstances int `json:"hotInstances,omitzero"`
	// WarmInstances are deployed and stopped, in each region.
	WarmInstances int `json:"warmInstances,omitzero"`
	// ColdInstances can be deployed at a time, in each region.
	ColdInstances int `json:"coldInstances,omitzero"`
	// SubscriptionID is the Azure subscription to deploy to.
	SubscriptionID string `json:"azureSubscriptionID,omitzero"`
}

// BusinessCentralTestDrive configures a test drive of a Business Central app.
type BusinessCentralTestDrive struct {
	Object

	// ApplicationID is the application that the test drive acts as.
	ApplicationID string `json:"azureActiveDirectoryApplicationID,omitzero"`
	// ApplicationKey is its secret.
	ApplicationKey partnercenter.Secret `json:"azureActiveDirectoryApplicationKey,omitzero"`
	// TenantID is its tenant.
	TenantID string `json:"azureActiveDirectoryTenantID,omitzero"`
	// Duration is how long a test drive lasts, in hours.
	Duration int `json:"testDriveDuration,omitzero"`
	// TenantName is the name of the tenant.
	TenantName string `json:"azureActiveDirectoryTenantName,omitzero"`
	// MaxConcurrent is how many test drives may run at a time.
	MaxConcurrent int `json:"maxConcurrentTestDrives,omitzero"`
	// InstanceURI is where test drives run.
	InstanceURI string `json:"instanceUri,omitzero"`
	// RoleName is the role that a customer gets.
	RoleName string `json:"roleName,omitzero"`
}

// CustomerEngagementTestDrive configures a test drive of an app for Dynamics 365
// and Power Apps.
type CustomerEngagementTestDrive struct {
	Object

	// ApplicationID is the application that the test drive acts as.
	ApplicationID string `json:"azureActiveDirectoryApplicationID,omitzero"`
	// ApplicationKey is its secret.
	ApplicationKey partnercenter.Secret `json:"azureActiveDirectoryApplicationKey,omitzero"`
	// TenantID is its tenant.
	TenantID string `json:"azureActiveDirectoryTenantID,omitzero"`
	// Duration is how long a test drive lasts, in hours.
	Duration int `json:"testDriveDuration,omitzero"`
	// TenantName is the name of the tenant.
	TenantName string `json:"azureActiveDirectoryTenantName,omitzero"`
	// MaxConcurrent is how many test drives may run at a time.
	MaxConcurrent int `json:"maxConcurrentTestDrives,omitzero"`
	// InstanceURI is where test drives run.
	InstanceURI string `json:"instanceUri,omitzero"`
	// RoleName is the role that a customer gets.
	RoleName string `json:"roleName,omitzero"`
	// InstanceWebAPIURI is the web API of the instance.
	InstanceWebAPIURI string `json:"instanceWebApiUri,omitzero"`
}

// OperationsTestDrive configures a test drive of an app for Dynamics 365
// Operations.
type OperationsTestDrive struct {
	Object

	// ApplicationID is the application that the test drive acts as.
	ApplicationID string `json:"azureActiveDirectoryApplicationID,omitzero"`
	// ApplicationKey is its secret.
	ApplicationKey partnercenter.Secret `json:"azureActiveDirectoryApplicationKey,omitzero"`
	// TenantID is its tenant.
	TenantID string `json:"azureActiveDirectoryTenantID,omitzero"`
	// Duration is how long a test drive lasts, in hours.
	Duration int `json:"testDriveDuration,omitzero"`
	// TenantName is the name of the tenant.
	TenantName string `json:"azureActiveDirectoryTenantName,omitzero"`
	// MaxConcurrent is how many test drives may run at a time.
	MaxConcurrent int `json:"maxConcurrentTestDrives,omitzero"`
	// InstanceURI is where test drives run.
	InstanceURI string `json:"instanceUri,omitzero"`
	// RoleName is the role that a customer gets.
	RoleName string `json:"roleName,omitzero"`
	// TrialLegalEntity is the company that a customer works in.
	TrialLegalEntity string `json:"trialLegalEntity,omitzero"`
}

func (*ResourceManagerTestDrive) packageConfiguration()    {}
func (*BusinessCentralTestDrive) packageConfiguration()    {}
func (*CustomerEngagementTestDrive) packageConfiguration() {}
func (*OperationsTestDrive) packageConfiguration()         {}

func (*ResourceManagerTestDrive) resourceType() string {
	return "AzureResourceManagerTestDrivePackageConfiguration"
}
func (*BusinessCentralTestDrive) resourceType() string {
	return "Dynamics365BusinessCentralTestDrivePackageConfiguration"
}
func (*CustomerEngagementTestDrive) resourceType() string {
	return "Dynamics365CustomerEngagementTestDrivePackageConfiguration"
}
func (*OperationsTestDrive) resourceType() string {
	return "Dynamics365OperationsTestDrivePackageConfiguration"
}
