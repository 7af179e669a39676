package payouts

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/tabular"
)

// EarningRow is one row of an earnings export. It has a field for every column
// that the documentation lists for the Default, Marketplace, Store and Growth
// reports, that its older editions listed, or that has been seen in files.
//
// No file has all columns, and the service promises nothing about their types.
// Hence numbers are not valid, times are zero and strings are empty where the
// cell is empty or the column absent. Times are UTC. Columns without field are in
// Extra.
//
// One earning may appear on several rows; [Totals] counts each once.
//
// See https://learn.microsoft.com/en-us/partner-center/earnings-default and, for
// the other reports, earnings-marketplace, earnings-store and earnings-growth
// beside it.
type EarningRow struct {
	// RowMeta says where the row came from and keeps unknown columns.
	partnercenter.RowMeta

	// The earning.

	// EarningID identifies the earning, also across reports. Summarized reports
	// do not have it.
	EarningID string `csv:"earningId"`
	// EarningType is the kind of earning: fee, rebate, co-op, sell and others.
	EarningType string `csv:"earningType"`
	// EarningAmount is what was earned, in TransactionCurrency. It may be negative.
	EarningAmount decimal.NullDecimal `csv:"earningAmount"`
	// EarningAmountUSD is EarningAmount in US dollars.
	EarningAmountUSD decimal.NullDecimal `csv:"earningAmountUSD"`
	// EarningAmountInLastPaymentCurrency is EarningAmount in LastPaymentCurrency.
	EarningAmountInLastPaymentCurrency decimal.NullDecimal `csv:"earningAmountInLastPaymentCurrency"`
	// LastPaymentCurrency is the currency of the latest payment to the partner,
	// empty before the first.
	LastPaymentCurrency string `csv:"lastPaymentCurrency"`
	// EarningDate is the day of the earning.
	EarningDate time.Time `csv:"earningDate"`
	// CalculationDate is when the earning was computed.
	CalculationDate time.Time `csv:"calculationDate"`
	// EarningExchangeRate is the rate behind EarningAmountUSD.
	EarningExchangeRate decimal.NullDecimal `csv:"earningExchangeRate"`
	// ExchangeRateDate is the day of EarningExchangeRate.
	ExchangeRateDate time.Time `csv:"exchangeRateDate"`
	// EarningRate is the incentive rate as the file writes it; see [EarningRow.Rate].
	EarningRate string `csv:"earningRate"`

	// The partner.

	// EarningParticipantID is the partner named in the transaction, which differs
	// from ParticipantID where several ids are enrolled as one.
	EarningParticipantID string `csv:"earningParticipantId"`
	// EarningParticipantName is the name that goes with EarningParticipantID.
	EarningParticipantName string `csv:"earningParticipantName"`
	// EarningParticipantIDType says what kind of id EarningParticipantID is.
	EarningParticipantIDType string `csv:"earningParticipantIdType"`
	// ParticipantID is the enrolled partner or seller who earns.
	ParticipantID string `csv:"participantId"`
	// ParticipantIDType says what kind of id ParticipantID is.
	ParticipantIDType string `csv:"participantIdType"`
	// ParticipantName is the name that goes with ParticipantID.
	ParticipantName string `csv:"participantName"`
	// PartnerCountryCode is where the partner is.
	PartnerCountryCode string `csv:"partnerCountryCode"`
	// PartnerAssociation is how the partner is tied to the customer, for example
	// as reseller.
	PartnerAssociation string `csv:"partnerAssociation"`
	// PartnerRole is what the partner does for the customer, for example transact
	// or deploy.
	PartnerRole string `csv:"partnerRole"`

	// The program and its rule.

	// ProgramName is the incentive or store program.
	ProgramName string `csv:"programName"`
	// ProgramCode is the short form of ProgramName.
	ProgramCode string `csv:"programCode"`
	// LicensingProgramName is the licensing program.
	LicensingProgramName string `csv:"licensingProgramName"`
	// ProgramOfferingLevel is the level within the program; older exports only.
	ProgramOfferingLevel string `csv:"programOfferingLevel"`
	// EngagementID is the engagement, for commerce incentives.
	EngagementID string `csv:"engagementId"`
	// EngagementName is the name that goes with EngagementID.
	EngagementName string `csv:"engagementName"`
	// Lever is the business rule that the earning follows from.
	Lever string `csv:"lever"`
	// SolutionArea is the field of business, for example Azure or Security.
	SolutionArea string `csv:"solutionArea"`
	// Workload is the service or workload.
	Workload string `csv:"workload"`
	// ClaimID is the number of a claim or of an association with the customer.
	ClaimID string `csv:"claimId"`
	// PlanID is the plan; older exports only.
	PlanID string `csv:"planId"`
	// FundCategory groups the funds of programs for device makers.
	FundCategory string `csv:"fundCategory"`
	// InstantRebateAmount is what was rebated at once, in programs for device makers.
	InstantRebateAmount decimal.NullDecimal `csv:"instantRebateAmount"`
	// RevenueClassification groups the revenue. Undocumented, seen in files.
	RevenueClassification string `csv:"revenueClassification"`
	// CategoryID groups the product. Undocumented, seen in files.
	CategoryID string `csv:"categoryId"`

	// What was measured.

	// Milestone is the milestone that was reached.
	Milestone string `csv:"milestone"`
	// BucketSize is the size class of a milestone.
	BucketSize string `csv:"bucketSize"`
	// Baseline is the value that had to be exceeded, in BaselineType.
	Baseline decimal.NullDecimal `csv:"baseline"`
	// BaselineType is the unit of Baseline, for example USD.
	BaselineType string `csv:"baselineType"`
	// CompensableUnits are the paid seats above the highest number so far.
	CompensableUnits decimal.NullDecimal `csv:"compensableUnits"`
	// Quantity is the billed quantity.
	Quantity decimal.NullDecimal `csv:"quantity"`
	// QuantityType is the unit of Quantity, for example Seats.
	QuantityType string `csv:"quantityType"`
	// QuantityAlt is a second quantity, where the rule needs one.
	QuantityAlt decimal.NullDecimal `csv:"quantityAlt"`
	// QuantityAltType is the unit of QuantityAlt.
	QuantityAltType string `csv:"quantityAltType"`
	// DesktopCount is the number of desktops of the agreement.
	DesktopCount decimal.NullDecimal `csv:"desktopCount"`
	// UserCount is the number of users of the agreement.
	UserCount decimal.NullDecimal `csv:"userCount"`

	// The transaction.

	// TransactionID identifies the transaction.
	TransactionID string `csv:"transactionId"`
	// TransactionDate is when it took place.
	TransactionDate time.Time `csv:"transactionDate"`
	// TransactionMonth is the month of the transaction or usage, as the file
	// writes it; Growth reports only.
	TransactionMonth string `csv:"transactionMonth"`
	// TransactionCurrency is the currency of TransactionAmount and EarningAmount.
	TransactionCurrency string `csv:"transactionCurrency"`
	// TransactionAmount is the amount that the earning is computed from.
	TransactionAmount decimal.NullDecimal `csv:"transactionAmount"`
	// TransactionAmountUSD is TransactionAmount in US dollars.
	TransactionAmountUSD decimal.NullDecimal `csv:"transactionAmountUSD"`
	// TotalTransactionAmountUSD is the transaction in US dollars; Growth reports only.
	TotalTransactionAmountUSD decimal.NullDecimal `csv:"totalTransactionAmountUSD"`
	// TransactionExchangeRate is the rate behind TransactionAmountUSD.
	TransactionExchangeRate decimal.NullDecimal `csv:"transactionExchangeRate"`
	// TransactionCountryCode is where it took place.
	TransactionCountryCode string `csv:"transactionCountryCode"`
	// TransactionPaymentMethod is how the customer paid.
	TransactionPaymentMethod string `csv:"transactionPaymentMethod"`
	// TransactionType is purchase, refund, reversal or chargeback.
	TransactionType string `csv:"transactionType"`

	// The payment.

	// PaymentID names the payment, as [PaymentRow.PaymentID] does; empty before.
	PaymentID string `csv:"paymentId"`
	// PaymentStatus is how far the payment is, for example Unprocessed or Sent.
	PaymentStatus string `csv:"paymentStatus"`
	// PaymentStatusDescription explains PaymentStatus.
	PaymentStatusDescription string `csv:"paymentStatusDescription"`
	// EstimatedPaymentMonth is the likely month of payment as text, or a remark
	// that there is none.
	EstimatedPaymentMonth string `csv:"estimatedPaymentMonth"`
	// MaturityMonth is documented beside EstimatedPaymentMonth with the same meaning.
	MaturityMonth string `csv:"Maturity month"`
	// ReasonCode says why an earning was adjusted.
	ReasonCode string `csv:"reasonCode"`
	// PaymentAmountWithoutTax is the payment before tax; older exports only.
	PaymentAmountWithoutTax decimal.NullDecimal `csv:"paymentAmountWOTax"`
	// PaymentCurrency is the currency of the payment; older exports only.
	PaymentCurrency string `csv:"paymentCurrency"`
	// PaymentExchangeRate is the rate of the payment; older exports only.
	PaymentExchangeRate decimal.NullDecimal `csv:"paymentExchangeRate"`

	// The customer.

	// CustomerID identifies the customer.
	CustomerID string `csv:"customerId"`
	// CustomerName is the customer's name, empty where it must not be shown.
	CustomerName string `csv:"customerName"`
	// CustomerTenantID is the customer's tenant.
	CustomerTenantID string `csv:"customerTenantId"`
	// TenantID is the tenant under its older column name.
	TenantID string `csv:"TenantID"`
	// CustomerEmail is the customer's address for mail.
	CustomerEmail string `csv:"customerEmail"`
	// CustomerCountry is where the customer is.
	CustomerCountry string `csv:"customerCountry"`
	// CustomerCity is the customer's city; older exports only.
	CustomerCity string `csv:"customerCity"`
	// CustomerState is the customer's state or province; older exports only.
	CustomerState string `csv:"customerState"`
	// CustomerZip is the customer's postal code; older exports only.
	CustomerZip string `csv:"customerZip"`

	// The product.

	// ProductID identifies the product.
	ProductID string `csv:"productId"`
	// ProductName is the product's name.
	ProductName string `csv:"productName"`
	// ProductType is the kind of product.
	ProductType string `csv:"productType"`
	// ParentProductID is the product that this one belongs to, itself if to none.
	ParentProductID string `csv:"parentProductId"`
	// ParentProductName is the name that goes with ParentProductID.
	ParentProductName string `csv:"parentProductName"`
	// SKUID is the sold variant of the product.
	SKUID string `csv:"skuId"`
	// PartNumber is the part number, often empty.
	PartNumber string `csv:"partNumber"`
	// ResourceID is the customer's resource, where the earning is tied to one.
	ResourceID string `csv:"resourceId"`

	// Order, invoice, subscription.

	// AssetID identifies what the customer has bought, line by line.
	AssetID string `csv:"assetId"`
	// OrderID identifies the order.
	OrderID string `csv:"orderId"`
	// LineItemID identifies the line within the order.
	LineItemID string `csv:"lineItemId"`
	// IsPrivateOffer tells private offers from public ones; nil if unknown.
	IsPrivateOffer *bool `csv:"isPrivateOffer"`
	// InvoiceNumber is the customer's invoice.
	InvoiceNumber string `csv:"invoiceNumber"`
	// InvoiceDate is the day of the invoice.
	InvoiceDate time.Time `csv:"invoiceDate"`
	// SubscriptionID identifies the subscription.
	SubscriptionID string `csv:"subscriptionId"`
	// SubscriptionStartDate is the first day of the subscription.
	SubscriptionStartDate time.Time `csv:"subscriptionStartDate"`
	// SubscriptionEndDate is the last day of the subscription.
	SubscriptionEndDate time.Time `csv:"subscriptionEndDate"`
	// PurchaseTypeCode is the code of the kind of purchase.
	PurchaseTypeCode string `csv:"purchaseTypeCode"`
	// PurchaseTypeName is the name that goes with PurchaseTypeCode.
	PurchaseTypeName string `csv:"purchaseTypeName"`
	// PurchaseOrderType is the kind of purchase order.
	PurchaseOrderType string `csv:"purchaseOrderType"`
	// PurchaseOrderCoverageStartDate is the first day that the order covers.
	PurchaseOrderCoverageStartDate time.Time `csv:"purchaseOrderCoverageStartDate"`
	// PurchaseOrderCoverageEndDate is the last day that the order covers.
	PurchaseOrderCoverageEndDate time.Time `csv:"purchaseOrderCoverageEndDate"`
	// ExternalReferenceID is a reference that direct-pay programs carry along.
	ExternalReferenceID string `csv:"externalReferenceId"`
	// ExternalReferenceIDLabel says what ExternalReferenceID is.
	ExternalReferenceIDLabel string `csv:"externalReferenceIdLabel"`

	// Those in between.

	// ResellerID identifies the reseller.
	ResellerID string `csv:"resellerId"`
	// ResellerName is the reseller's name.
	ResellerName string `csv:"resellerName"`
	// ResellerCountry is where the reseller is.
	ResellerCountry string `csv:"resellerCountry"`
	// DistributorID identifies the distributor.
	DistributorID string `csv:"distributorId"`
	// DistributorName is the distributor's name.
	DistributorName string `csv:"distributorName"`

	// The agreement.

	// AgreementNumber identifies the agreement with the customer.
	AgreementNumber string `csv:"agreementNumber"`
	// AgreementStartDate is its first day.
	AgreementStartDate time.Time `csv:"agreementStartDate"`
	// AgreementEndDate is its last day.
	AgreementEndDate time.Time `csv:"agreementEndDate"`
	// AgreementName is its name.
	AgreementName string `csv:"agreementName"`
	// AgreementType is its kind.
	AgreementType string `csv:"agreementType"`

	// Store and tax.

	// LocalProviderSeller is the seller of record.
	LocalProviderSeller string `csv:"localProviderSeller"`
	// StoreFee is what Microsoft keeps.
	StoreFee decimal.NullDecimal `csv:"storeFee"`
	// TaxRemitted is the tax that was paid to the authorities.
	TaxRemitted decimal.NullDecimal `csv:"taxRemitted"`
	// TaxRemitModel says who pays it to them.
	TaxRemitModel string `csv:"taxRemitModel"`
	// TaxCity is the city that the tax is due in.
	TaxCity string `csv:"taxCity"`
	// TaxState is the state or province that the tax is due in.
	TaxState string `csv:"taxState"`
	// TaxCountry is the country that the tax is due in.
	TaxCountry string `csv:"taxCountry"`
	// TaxZipCode is the postal code that the tax is due in.
	TaxZipCode string `csv:"taxZipCode"`
	// TPAN is the third-party ad network.
	TPAN string `csv:"tpan"`
}

var errRateUnit = errors.New("has no percent sign, so whether it is a fraction or a percentage cannot be told")

// Rate returns EarningRate as a fraction, 0.05 for "5%". The column's unit is not
// documented and "5%", "5" and "0.05" all have to be expected, so only rates that
// are certain are returned: those with a percent sign, and zero. Others are an
// error; a caller who knows the unit of the program parses EarningRate.
func (r *EarningRow) Rate() (decimal.Decimal, error) {
	text := strings.TrimSpace(r.EarningRate)
	number, percent := strings.CutSuffix(text, "%")
	rate, err := tabular.ParseDecimal(number)
	switch {
	case err != nil:
	case percent:
		return rate.Shift(-2), nil
	case rate.IsZero():
		return decimal.Zero, nil
	default:
		err = errRateUnit
	}
	return decimal.Zero, fmt.Errorf("earning rate %.64q %w", text, err)
}
