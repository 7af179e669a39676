package payouts

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
)

// PaymentRow is one row of a payments export. It has a field for every column of
// the older and the newer documentation.
//
// No file has all columns, and the service promises nothing about their types.
// Hence numbers are not valid, times are zero and strings are empty where the
// cell is empty or the column absent. Columns without field are in Extra.
//
// See https://learn.microsoft.com/en-us/partner-center/earnings-payments.
type PaymentRow struct {
	// RowMeta says where the row came from and keeps unknown columns.
	partnercenter.RowMeta

	// ParticipantID is the partner or seller who is paid.
	ParticipantID string `csv:"participantID"`
	// ParticipantIDType says what kind of id ParticipantID is.
	ParticipantIDType string `csv:"participantIDType"`
	// ParticipantName is the name that goes with ParticipantID.
	ParticipantName string `csv:"participantName"`
	// ProgramName is the incentive or store program that pays.
	ProgramName string `csv:"programName"`

	// Earned is what the payment is based on, in the currency that is paid or, in
	// newer exports, in EarnedCurrencyCode.
	Earned decimal.NullDecimal `csv:"earned"`
	// EarnedUSD is Earned in US dollars.
	EarnedUSD decimal.NullDecimal `csv:"earnedUSD"`
	// EarnedCurrencyCode is the currency of Earned; newer exports only.
	EarnedCurrencyCode string `csv:"earnedCurrencyCode"`
	// WithheldTax is the tax kept back, in the currency that is paid.
	WithheldTax decimal.NullDecimal `csv:"withheldTax"`
	// SalesTax is the tax paid on top; incentives only.
	SalesTax decimal.NullDecimal `csv:"salesTax"`
	// ServiceFeeTax is the tax on Microsoft's fee; store and marketplace only.
	ServiceFeeTax decimal.NullDecimal `csv:"serviceFeeTax"`
	// TotalPayment is what is paid: with sales tax, without withheld tax.
	TotalPayment decimal.NullDecimal `csv:"totalPayment"`
	// CurrencyCode is the currency that is paid; older exports only. See
	// [PaymentRow.Currency].
	CurrencyCode string `csv:"currencyCode"`
	// PaymentCurrencyCode is the currency that is paid; newer exports only. See
	// [PaymentRow.Currency].
	PaymentCurrencyCode string `csv:"paymentCurrencyCode"`

	// PaymentID identifies the payment, on the bank statement and in
	// [EarningRow.PaymentID].
	PaymentID string `csv:"paymentID"`
	// PaymentMethod is how it is paid, for example by bank transfer.
	PaymentMethod string `csv:"paymentMethod"`
	// PaymentStatus is how far it is, for example Sent.
	PaymentStatus string `csv:"paymentStatus"`
	// PaymentStatusDescription explains PaymentStatus.
	PaymentStatusDescription string `csv:"paymentStatusDescription"`
	// PaymentDate is when it was sent, in UTC.
	PaymentDate time.Time `csv:"paymentDate"`
	// CIReferenceNumber refers to the tax invoice; newer exports only.
	CIReferenceNumber string `csv:"CIReferenceNumber"`
}

// Currency is the currency of TotalPayment, from whichever column has it.
func (r *PaymentRow) Currency() string {
	if r.PaymentCurrencyCode != "" {
		return r.PaymentCurrencyCode
	}
	return r.CurrencyCode
}
