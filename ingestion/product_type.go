package ingestion

// ProductType is the kind of a product. More kinds may appear.
type ProductType string

// Kinds of offers in the commercial marketplace.
const (
	// AzureApplication is a managed application or a solution template.
	AzureApplication ProductType = "AzureApplication"
	// AzureContainer is a container offer.
	AzureContainer ProductType = "AzureContainer"
	// AzureVirtualMachine is a virtual machine offer.
	AzureVirtualMachine ProductType = "AzureThirdPartyVirtualMachine"
	// SaaS is software as a service. The published schema does not list it.
	SaaS ProductType = "SoftwareAsAService"
	// Dynamics365BusinessCentral is an app for Business Central.
	Dynamics365BusinessCentral ProductType = "AzureDynamics365BusinessCentral"
	// Dynamics365CustomerEngagement is an app for Dynamics 365 and Power Apps.
	Dynamics365CustomerEngagement ProductType = "AzureDynamics365ForCustomerEngagement"
	// Dynamics365Operations is an app for Dynamics 365 Operations.
	Dynamics365Operations ProductType = "AzureDynamics365ForOperations"
	// AzureDeveloperService is a developer service.
	AzureDeveloperService ProductType = "AzureDeveloperService"
	// VisualStudioExtension is an extension for Visual Studio.
	VisualStudioExtension ProductType = "AzureVisualStudioExtension"
	// ConsultingService is a consulting service.
	ConsultingService ProductType = "AzureConsultingService"
	// IoTEdgeModule is a module for IoT Edge.
	IoTEdgeModule ProductType = "AzureIoTEdgeModule"
	// ManagedService is a managed service.
	ManagedService ProductType = "AzureManagedService"
	// PowerBIApp is an app for Power BI.
	PowerBIApp ProductType = "AzurePowerBIApp"
	// PowerBIVisual is a visual for Power BI.
	PowerBIVisual ProductType = "AzurePowerBIVisual"
)

// Kinds of products in the Microsoft Store, which answer under the same address
// but have endpoints of their own that this package does not cover.
const (
	// StoreApplication is an app or game.
	StoreApplication ProductType = "Application"
	// StoreAvatarItem is an avatar item.
	StoreAvatarItem ProductType = "AvatarItem"
	// StoreBundle is a bundle.
	StoreBundle ProductType = "Bundle"
	// StoreConsumable is a consumable add-on.
	StoreConsumable ProductType = "Consumable"
	// StoreDurable is a durable add-on.
	StoreDurable ProductType = "Durable"
	// StoreDurableWithBits is a durable add-on with a package.
	StoreDurableWithBits ProductType = "DurableWithBits"
	// StoreInternetOfThings is a product for Windows IoT.
	StoreInternetOfThings ProductType = "InternetOfThings"
	// StoreManagedConsumable is a consumable add-on whose balance the Store keeps.
	StoreManagedConsumable ProductType = "ManagedConsumable"
	// StoreSeasonPass is a season pass.
	StoreSeasonPass ProductType = "SeasonPass"
	// StoreSubscription is a subscription add-on.
	StoreSubscription ProductType = "Subscription"
)
