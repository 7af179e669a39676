package bench

import (
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// twentyColumns is a query as finance departments write them: 20 columns, of which
// two are metrics, and every clause.
const twentyColumns = `SELECT MarketplaceSubscriptionId, MonthStartDate, OfferType, AzureLicenseType, MarketplaceLicenseType, SKU, CustomerCountry,
	IsPreviewSKU, SKUBillingType, VMSize, CloudInstanceName, OfferName, IsPrivateOffer, CustomerName, CustomerCompanyName, UsageDate,
	CustomerId, BillingAccountId, NormalizedUsage, EstimatedExtendedChargePC
FROM ISVUsage
WHERE SKUBillingType = 'Paid' AND OfferType IN ('SaaS', 'Azure Applications', 'vm core image') AND NormalizedUsage > 0.5
ORDER BY UsageDate DESC, OfferName ASC LIMIT 100000 TIMESPAN LAST_6_MONTHS`

// BenchmarkQueryCheck reads and checks a query of 20 columns against all documented
// datasets (goal: at most 25 µs), and one with mistakes, whose names are compared
// with all of the dataset's.
func BenchmarkQueryCheck(b *testing.B) {
	catalog := query.NewCatalog(query.AllDocumented()...)
	for _, c := range []struct {
		name, text string
		errors     int
	}{
		{"valid", twentyColumns, 0},
		{"mistakes", strings.NewReplacer("SKUBillingType", "SKUBilingType", "UsageDate", "UsageDat").Replace(twentyColumns), 4},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ps := query.Check(c.text, catalog); len(ps) != c.errors {
					b.Fatalf("%d problems: %v", len(ps), ps)
				}
			}
		})
	}
}

// BenchmarkQueryParse only reads the same query, and BenchmarkQueryEqual compares it
// with another text of it.
func BenchmarkQueryParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := query.Parse(twentyColumns); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQueryEqual compares two texts of one query.
func BenchmarkQueryEqual(b *testing.B) {
	other := strings.ToLower(twentyColumns)
	b.ReportAllocs()
	for b.Loop() {
		if !query.Equal(twentyColumns, other) {
			b.Fatal("the texts differ")
		}
	}
}
