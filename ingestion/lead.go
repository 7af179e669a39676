package ingestion

import "github.com/partnercenter-go/partnercenter"

// LeadConfiguration is where the marketplace sends leads. It stands for a pointer
// to one of these, which a type switch tells apart: [AzureTableLeads],
// [AzureBlobLeads], [DynamicsLeads], [HTTPSEndpointLeads], [MarketoLeads],
// [SalesforceLeads], and [UnknownLeads] for whatever else the service has.
//
// The secrets of a configuration may be missing or masked when it is read. They
// are sent back as they came unless they are set.
type LeadConfiguration interface{ leadConfiguration() }

// AzureTableLeads sends leads to a table in Azure storage.
type AzureTableLeads struct {
	Object

	// ConnectionString holds the storage account's key.
	ConnectionString partnercenter.Secret `json:"connectionString,omitzero"`
	// ContactEmail is told of every lead.
	ContactEmail string `json:"contactEmail,omitzero"`
	// DailyDigestEmailContacts get a summary every day.
	DailyDigestEmailContacts []string `json:"dailyDigestEmailContacts,omitzero"`
}

// AzureBlobLeads sends leads to blobs in Azure storage.
type AzureBlobLeads struct {
	Object

	// ConnectionString holds the storage account's key.
	ConnectionString partnercenter.Secret `json:"connectionString,omitzero"`
	// ContainerName is the container.
	ContainerName string `json:"containerName,omitzero"`
	// ContactEmail is told of every lead.
	ContactEmail string `json:"contactEmail,omitzero"`
	// DailyDigestEmailContacts get a summary every day.
	DailyDigestEmailContacts []string `json:"dailyDigestEmailContacts,omitzero"`
}

// DynamicsLeads sends leads to Dynamics 365.
type DynamicsLeads struct {
	Object

	// URI is the instance.
	URI string `json:"uri,omitzero"`
	// Authentication is how the marketplace signs in, for example "AzureAD".
	Authentication string `json:"authentication,omitzero"`
	// UserName is the user, for sign-in by password.
	UserName string `json:"userName,omitzero"`
	// Password is the user's password.
	Password partnercenter.Secret `json:"password,omitzero"`
	// ApplicationID is the application, for sign-in by key.
	ApplicationID string `json:"applicationID,omitzero"`
	// ApplicationKey is the application's secret.
	ApplicationKey partnercenter.Secret `json:"applicationKey,omitzero"`
	// DirectoryID is the application's tenant.
	DirectoryID string `json:"directoryID,omitzero"`
	// ContactEmail is told of every lead.
	ContactEmail string `json:"contactEmail,omitzero"`
	// DailyDigestEmailContacts get a summary every day.
	DailyDigestEmailContacts []string `json:"dailyDigestEmailContacts,omitzero"`
}

// HTTPSEndpointLeads posts leads to an address.
type HTTPSEndpointLeads struct {
	Object

	// URI is the address, which usually holds a signature.
	URI partnercenter.Secret `json:"httpsEndpointUri,omitzero"`
	// ContactEmail is told of every lead.
	ContactEmail string `json:"contactEmail,omitzero"`
	// DailyDigestEmailContacts get a summary every day.
	DailyDigestEmailContacts []string `json:"dailyDigestEmailContacts,omitzero"`
}

// MarketoLeads sends leads to Marketo.
type MarketoLeads struct {
	Object

	// ServerID is the server.
	ServerID string `json:"serverID,omitzero"`
	// MunchkinAccountID is the account.
	MunchkinAccountID string `json:"munchkinAccountID,omitzero"`
	// FormID is the form.
	FormID string `json:"formID,omitzero"`
	// ContactEmail is told of every lead.
	ContactEmail string `json:"contactEmail,omitzero"`
	// DailyDigestEmailContacts get a summary every day.
	DailyDigestEmailContacts []string `json:"dailyDigestEmailContacts,omitzero"`
}

// SalesforceLeads sends leads to Salesforce.
type SalesforceLeads struct {
	Object

	// ObjectIdentifier is the organisation's id.
	ObjectIdentifier string `json:"objectIdentifier,omitzero"`
	// ContactEmail is told of every lead.
	ContactEmail string `json:"contactEmail,omitzero"`
	// DailyDigestEmailContacts get a summary every day.
	DailyDigestEmailContacts []string `json:"dailyDigestEmailContacts,omitzero"`
}

// UnknownLeads is a configuration of a type that this package does not know. Read
// it with [Object.Field], change it with [Object.With].
type UnknownLeads struct {
	Object

	// Type is the resourceType.
	Type string `json:"resourceType"`
	// ContactEmail is told of every lead.
	ContactEmail string `json:"contactEmail,omitzero"`
	// DailyDigestEmailContacts get a summary every day.
	DailyDigestEmailContacts []string `json:"dailyDigestEmailContacts,omitzero"`
}

func (*AzureTableLeads) leadConfiguration()    {}
func (*AzureBlobLeads) leadConfiguration()     {}
func (*DynamicsLeads) leadConfiguration()      {}
func (*HTTPSEndpointLeads) leadConfiguration() {}
func (*MarketoLeads) leadConfiguration()       {}
func (*SalesforceLeads) leadConfiguration()    {}
func (*UnknownLeads) leadConfiguration()       {}

func (*AzureTableLeads) resourceType() string { return "AzureTableLeadConfiguration" }
func (*AzureBlobLeads) resourceType() string  { return "AzureBlobLeadConfiguration" }
func (*DynamicsLeads) resourceType() string {
	return "DynamicsCustomerRelationshipManagementLeadConfiguration"
}
func (*HTTPSEndpointLeads) resourceType() string { return "HttpsEndpointLeadConfiguration" }
func (*MarketoLeads) resourceType() string       { return "MarketoLeadConfiguration" }
func (*SalesforceLeads) resourceType() string    { return "SalesForceLeadConfiguration" }

// newLeadConfiguration returns an empty configuration of the type that a
// resourceType names.
func newLeadConfiguration(kind string) LeadConfiguration {
	return known[LeadConfiguration](kind, &UnknownLeads{},
		&AzureTableLeads{}, &AzureBlobLeads{}, &DynamicsLeads{}, &HTTPSEndpointLeads{}, &MarketoLeads{}, &SalesforceLeads{},
	)
}

// LeadConfiguration returns where the marketplace sends the product's leads.
//
//pc:operation GET /products/{productID}/leadconfiguration
//pc:operation POST /products/{productID}/leadconfiguration
func (p ProductScope) LeadConfiguration() Singleton[LeadConfiguration] {
	return Singleton[LeadConfiguration]{p.at("leadconfiguration")}
}
