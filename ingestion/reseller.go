package ingestion

// ResellerConfiguration is which resellers may sell a product. A submission of an
// Azure application fails without one.
type ResellerConfiguration struct {
	Object

	// ChannelState says which resellers may sell.
	ChannelState ResellerState `json:"resellerChannelState,omitzero"`
	// TenantIDs are the resellers of [ResellersSome].
	TenantIDs []string `json:"tenantIds,omitzero"`
}

func (ResellerConfiguration) resourceType() string { return "ResellerConfiguration" }

// ResellerState says which resellers may sell. More states may appear.
type ResellerState string

// Which resellers may sell.
const (
	// ResellersNone: none.
	ResellersNone ResellerState = "Disabled"
	// ResellersSome: those named.
	ResellersSome ResellerState = "PartialOptIn"
	// ResellersOptOut: the publisher has opted out.
	ResellersOptOut ResellerState = "OptOut"
	// ResellersAll: all of them. The service refuses the older word "OptIn".
	ResellersAll ResellerState = "Enabled"
)

// ResellerConfiguration returns which resellers may sell the product.
//
//pc:operation GET /products/{productID}/resellerConfiguration
//pc:operation POST /products/{productID}/resellerConfiguration
func (p ProductScope) ResellerConfiguration() Singleton[ResellerConfiguration] {
	return Singleton[ResellerConfiguration]{p.at("resellerConfiguration")}
}
