package payouts

import (
	"fmt"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// column is a column of a file: its name and how a cell is written, unquoted.
type column[T any] struct {
	name string
	cell func(b []byte, row *T) []byte
}

// pick returns the columns named, in that order and spelling; all if none are.
func pick[T any](what string, names []string, all []column[T]) ([]column[T], error) {
	if len(names) == 0 {
		return all, nil
	}
	known := make(map[string]column[T], len(all))
	for _, c := range all {
		known[columnKey(c.name)] = c
	}
	out := make([]column[T], len(names))
	for i, name := range names {
		c, ok := known[columnKey(name)]
		if !ok {
			return nil, fmt.Errorf("data: %s: %q is not a documented column", what, name)
		}
		c.name = name
		out[i] = c
	}
	return out, nil
}

func columnKey(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(name))
}

func text[T any](name string, f func(*T) string) column[T] {
	return column[T]{name, func(b []byte, row *T) []byte { return append(b, f(row)...) }}
}

func blank[T any](name string) column[T] {
	return column[T]{name, func(b []byte, _ *T) []byte { return b }}
}

func blanks[T any](names ...string) []column[T] {
	out := make([]column[T], len(names))
	for i, n := range names {
		out[i] = blank[T](n)
	}
	return out
}

func money[T any](name string, f func(*T) micro) column[T] {
	return column[T]{name, func(b []byte, row *T) []byte { return f(row).append(b) }}
}

func stamp[T any](name string, f func(*T) time.Time) column[T] {
	return column[T]{name, func(b []byte, row *T) []byte { return appendStamp(b, f(row)) }}
}

// appendStamp writes a time as the figures of the documentation show it; it is
// time.AppendFormat in a third of the time.
func appendStamp(b []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = append(appendInt(b, int64(year), 4), '-')
	b = append(appendInt(b, int64(month), 2), '-')
	b = append(appendInt(b, int64(day), 2), 'T')
	b = append(appendInt(b, int64(hour), 2), ':')
	b = append(appendInt(b, int64(minute), 2), ':')
	return append(appendInt(b, int64(second), 2), ".000Z"...)
}

func onlyIf[T any](cond func(*T) bool, c column[T]) column[T] {
	return column[T]{c.name, func(b []byte, row *T) []byte {
		if !cond(row) {
			return b
		}
		return c.cell(b, row)
	}}
}

// fixed writes n ten-thousandths.
func fixed[T any](name string, f func(*T) int64) column[T] {
	return column[T]{name, func(b []byte, row *T) []byte { return micro(f(row) * 100).append(b) }}
}

func numbered[T any](name, prefix string, f func(*T) int) column[T] {
	return column[T]{name, func(b []byte, row *T) []byte { return appendInt(append(b, prefix...), int64(f(row)), 1) }}
}

func guid[T any](name string, f func(*T) uint64) column[T] {
	return column[T]{name, func(b []byte, row *T) []byte { return appendGUID(b, f(row)) }}
}

// appendGUID writes an identifier that depends on n alone. Indexes below 2^62
// give different ones: the second half holds n itself.
func appendGUID(b []byte, n uint64) []byte {
	const digits = "0123456789abcdef"
	high, low := kit.Mix(n), n
	high = high&^0xf000 | 0x4000       // version 4
	low = low&^(uint64(3)<<62) | 2<<62 // variant
	for i := range 32 {
		switch i {
		case 8, 12, 16, 20:
			b = append(b, '-')
		}
		v := high
		if i >= 16 {
			v = low
		}
		b = append(b, digits[v>>(60-4*(i%16))&15])
	}
	return b
}

// Invented texts that put a reader to the test.
var (
	customerNames = [...]string{"Adventure Works", "Wide World Importers, Inc.", `Tailspin "Toys" Ltd`, "Müller & Söhne GmbH", "Fourth Coffee"}
	productNames  = [...]string{"Contoso Backup", "Contoso Backup,\nExtended", "Virtual Machine", "Office Suite; E3", "日本語パック"}
	countries     = [...]string{"US", "DE", "GB", "JP", "SE"}
)

// earningColumns lists the documented columns: the original order first, then
// what was added over the years.
//
//nolint:funlen // a table
func earningColumns() []column[earning] {
	type e = earning
	sent := (*e).paid
	known := func(r *e) bool { return r.chance(1, 100) >= r.set.BlankPercent }
	txDate := func(r *e) time.Time { return r.first.AddDate(0, 0, r.day) }
	nextMonth := func(r *e) time.Time { return r.first.AddDate(0, 1, 9).Add(time.Hour + 2*time.Minute + 3*time.Second) }
	customer := func(r *e) int { return r.chance(2, 500) }
	marketplace := func(r *e) bool { return r.prog().daily }
	product := func(r *e) string { return productNames[r.chance(3, len(productNames))] }
	cols := []column[e]{
		guid("earningId", func(r *e) uint64 { return kit.Mix(r.set.Seed)<<40 ^ uint64(r.index) }), //nolint:gosec // not negative
		text("participantId", func(r *e) string { return r.part().id }),
		text("participantIdType", func(*e) string { return "MPN" }),
		text("participantName", func(r *e) string { return r.part().name }),
		text("partnerCountryCode", func(r *e) string { return r.part().country }),
		text("programName", func(r *e) string { return r.prog().name }),
		numbered("transactionId", "T-", func(r *e) int { return 100_000 + r.index }),
		text("transactionCurrency", func(r *e) string { return r.set.currencies[r.currency].code }),
		stamp("transactionDate", txDate),
		fixed("transactionExchangeRate", func(r *e) int64 { return r.set.currencies[r.currency].rate }),
		money("transactionAmount", func(r *e) micro { return r.amount }),
		money("transactionAmountUSD", func(r *e) micro { return mulDiv(r.amount, r.set.currencies[r.currency].rate, 10000, 1) }),
		text("lever", func(r *e) string { return r.prog().lever }),
		fixed("earningRate", func(r *e) int64 { return r.bps }),
		numbered("quantity", "", func(r *e) int { return 1 + r.chance(4, 50) }),
		text("quantityType", func(*e) string { return "Seats" }),
		text("earningType", func(r *e) string { return r.kind }),
		money("earningAmount", func(r *e) micro { return r.earned }),
		money("earningAmountUSD", func(r *e) micro { return r.earnedUSD }),
		stamp("earningDate", (*e).date),
		stamp("calculationDate", nextMonth),
		fixed("earningExchangeRate", func(r *e) int64 { return r.set.currencies[r.currency].rate }),
		{"exchangeRateDate", func(b []byte, r *e) []byte { return r.date().AppendFormat(b, time.DateOnly) }},
		onlyIf(sent, money("paymentAmountWOTax", func(r *e) micro { return r.earnedPay })),
		onlyIf(sent, text("paymentCurrency", func(r *e) string { return r.part().payTo })),
		blank[e]("paymentExchangeRate"),
		blank[e]("claimId"),
		blank[e]("planId"),
		{"paymentId", func(b []byte, r *e) []byte { return r.paymentID(b) }},
		text("paymentStatus", func(r *e) string { return r.status }),
		text("paymentStatusDescription", func(r *e) string { return r.description }),
		onlyIf(known, guid("customerId", func(r *e) uint64 { return 1<<60 ^ uint64(customer(r)) })), //nolint:gosec // not negative
		onlyIf(known, text("customerName", func(r *e) string { return customerNames[customer(r)%len(customerNames)] })),
		blank[e]("partNumber"),
		text("productName", product),
		numbered("productId", "DZH318Z0", func(r *e) int { return 1000 + r.chance(3, len(productNames)) }),
		numbered("parentProductId", "DZH318Z0", func(r *e) int { return 1000 + r.chance(3, len(productNames)) }),
		text("parentProductName", product),
		text("productType", func(*e) string { return "SaaS" }),
		numbered("invoiceNumber", "G0", func(r *e) int { return 10_000_000 + r.month*1000 + customer(r) }),
		guid("subscriptionId", func(r *e) uint64 { return 2<<60 ^ uint64(customer(r)) }), //nolint:gosec // not negative
		stamp("subscriptionStartDate", func(r *e) time.Time { return r.first }),
		stamp("subscriptionEndDate", func(r *e) time.Time { return r.first.AddDate(1, 0, -1) }),
	}
	cols = append(cols, blanks[e]("resellerId", "resellerName", "distributorId", "distributorName",
		"agreementNumber", "agreementStartDate", "agreementEndDate")...)
	cols = append(cols,
		text("workload", func(r *e) string { return r.prog().workload }),
		text("transactionType", func(r *e) string {
			if r.refund {
				return "refund"
			}
			return "purchase"
		}),
		blank[e]("localProviderSeller"),
		onlyIf(marketplace, money("taxRemitted", func(*e) micro { return 0 })),
		onlyIf(marketplace, text("taxRemitModel", func(*e) string { return "Microsoft" })),
		onlyIf(marketplace, money("storeFee", func(r *e) micro { return mulDiv(r.amount, 3, 100, 1e4) })),
		text("transactionPaymentMethod", func(*e) string { return "Invoice" }),
		blank[e]("tpan"),
		onlyIf(known, text("customerCountry", func(r *e) string { return countries[customer(r)%len(countries)] })),
	)
	cols = append(cols, blanks[e]("customerCity", "customerState", "customerZip", "purchaseTypeCode", "purchaseOrderType",
		"purchaseOrderCoverageStartDate", "purchaseOrderCoverageEndDate", "programOfferingLevel")...)
	cols = append(cols,
		onlyIf(known, guid("TenantID", func(r *e) uint64 { return 3<<60 ^ uint64(customer(r)) })), //nolint:gosec // not negative
		numbered("externalReferenceId", "", func(r *e) int { return 500_000 + r.index }),
		text("externalReferenceIdLabel", func(*e) string { return "Order" }),

		// Seen in files of 2020.
		text("transactionCountryCode", func(r *e) string { return countries[customer(r)%len(countries)] }),
		blank[e]("licensingProgramName"), blank[e]("taxCountry"), blank[e]("taxState"), blank[e]("taxCity"), blank[e]("taxZipCode"),
		text("programCode", func(r *e) string { return r.prog().code }),
		onlyIf(sent, money("earningAmountInLastPaymentCurrency", func(r *e) micro { return r.earnedPay })),
		onlyIf(sent, text("lastPaymentCurrency", func(r *e) string { return r.part().payTo })),
		blank[e]("assetId"),
		numbered("orderId", "", func(r *e) int { return 700_000 + r.index/3 }),
		numbered("lineItemId", "", func(r *e) int { return 1 + r.index%3 }),
		blank[e]("resellerCountry"), blank[e]("customerEmail"), blank[e]("skuId"),
		onlyIf(known, guid("customerTenantId", func(r *e) uint64 { return 3<<60 ^ uint64(customer(r)) })), //nolint:gosec // not negative
		column[e]{"invoiceDate", func(b []byte, r *e) []byte { return r.first.AddDate(0, 1, 4).AppendFormat(b, time.DateOnly) }},
		blank[e]("instantRebateAmount"),

		// The newer default set.
		text("earningParticipantId", func(r *e) string { return r.part().id }),
		text("earningParticipantName", func(r *e) string { return r.part().name }),
		text("earningParticipantIdType", func(*e) string { return "MPN" }),
		text("partnerAssociation", func(*e) string { return "Reseller" }),
		text("partnerRole", func(*e) string { return "transact" }),
		onlyIf(func(r *e) bool { return r.prog().engagement != "" }, numbered("engagementId", "", func(r *e) int { return 40 + r.program })),
		text("engagementName", func(r *e) string { return r.prog().engagement }),
		text("solutionArea", func(*e) string { return "Azure" }),
	)
	cols = append(cols, blanks[e]("milestone", "bucketSize", "baseline", "baselineType", "compensableUnits",
		"quantityAlt", "quantityAltType")...)
	return append(cols,
		column[e]{"estimatedPaymentMonth", func(b []byte, r *e) []byte {
			if r.kind == "Co-op" {
				return append(b, "Not applicable"...)
			}
			return r.set.paymentDate(r.month).AppendFormat(b, "January 2006")
		}},
		onlyIf(func(r *e) bool { return r.refund }, text("reasonCode", func(*e) string { return "Previous period earnings" })),
		text("isPrivateOffer", func(r *e) string {
			if r.chance(5, 10) == 0 {
				return "True"
			}
			return "False"
		}),
		blank[e]("resourceId"), blank[e]("agreementName"), blank[e]("agreementType"), blank[e]("desktopCount"), blank[e]("userCount"),
		blank[e]("purchaseTypeName"), blank[e]("fundCategory"), blank[e]("revenueClassification"), blank[e]("categoryId"),
	)
}

// olderPaymentColumns is how many of paymentColumns were documented until 2023.
const olderPaymentColumns = 16

// paymentColumns lists the older documented set, in its order, and the columns
// that came later.
func paymentColumns() []column[payment] {
	type p = payment
	payTo := func(r *p) string { return r.part().payTo }
	return []column[p]{
		text("participantID", func(r *p) string { return r.part().id }),
		text("participantIDType", func(*p) string { return "MPN" }),
		text("participantName", func(r *p) string { return r.part().name }),
		text("programName", func(r *p) string { return r.prog().name }),
		money("earned", func(r *p) micro { return r.earned }),
		money("earnedUSD", func(r *p) micro { return r.earnedUSD }),
		money("withheldTax", func(r *p) micro { return r.withheld }),
		money("salesTax", func(r *p) micro { return r.salesTax }),
		money("serviceFeeTax", func(r *p) micro { return r.serviceFee }),
		money("totalPayment", (*p).total),
		text("currencyCode", payTo),
		text("paymentMethod", func(*p) string { return "Electronic bank transfer" }),
		text("paymentID", func(r *p) string { return r.id }),
		text("paymentStatus", func(*p) string { return "Sent" }),
		text("paymentStatusDescription", func(*p) string { return "Payment has been sent to your bank" }),
		stamp("paymentDate", func(r *p) time.Time { return r.date }),

		text("CIReferenceNumber", func(r *p) string { return "CI" + r.id }),
		text("earnedCurrencyCode", payTo),
		text("paymentCurrencyCode", payTo),
	}
}
