package analytics_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	querylang "github.com/partnercenter-go/partnercenter/analytics/query"
)

// rowTypes lists the generated types.
func rowTypes() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[analytics.ISVOrderRow](), reflect.TypeFor[analytics.ISVUsageRow](), reflect.TypeFor[analytics.ISVCustomerRow](),
		reflect.TypeFor[analytics.ISVMarketplaceInsightsRow](), reflect.TypeFor[analytics.ISVRevenueRow](), reflect.TypeFor[analytics.ISVOfferRetentionRow](),
		reflect.TypeFor[analytics.ISVQualityOfServiceRow](), reflect.TypeFor[analytics.ISVLicenseRow](), reflect.TypeFor[analytics.ISVVMImageVersionRow](),
		reflect.TypeFor[analytics.CustomersAndTenantsRow](), reflect.TypeFor[analytics.SeatsSubscriptionsAndRevenueRow](), reflect.TypeFor[analytics.AzureUsageRow](),
		reflect.TypeFor[analytics.MSLearnRow](), reflect.TypeFor[analytics.OfficeUsageRow](), reflect.TypeFor[analytics.ProfileRow](),
		reflect.TypeFor[analytics.TrainingCompletionsRow](), reflect.TypeFor[analytics.DynamicsUsageRow](), reflect.TypeFor[analytics.PowerBIUsageRow](),
		reflect.TypeFor[analytics.EMSUsageRow](), reflect.TypeFor[analytics.ResellerPerformanceRow](), reflect.TypeFor[analytics.CLASAgreementRenewalsPropensityRow](),
		reflect.TypeFor[analytics.CLASAzurePropensityRow](), reflect.TypeFor[analytics.CLASD365PropensityRow](), reflect.TypeFor[analytics.CLASM365PropensityRow](),
		reflect.TypeFor[analytics.TeamsUsage3PAppsRow](), reflect.TypeFor[analytics.TeamsUsageWorkloadRow](), reflect.TypeFor[analytics.TeamsUsageMeetingsAndCallsRow](),
		reflect.TypeFor[analytics.CloudProductsResellerPerformanceRow](), reflect.TypeFor[analytics.CLASSurfacePropensityRow](),
	}
}

// Every dataset with columns has a row type, with a field of the right type for
// every column and metric that a query can select, and no other fields.
func TestRowTypesAreThoseOfTheDatasets(t *testing.T) {
	byName := map[string]reflect.Type{}
	for _, typ := range rowTypes() {
		byName[strings.TrimSuffix(typ.Name(), "Row")] = typ
	}
	for _, d := range querylang.AllDocumented() {
		columns := map[string]querylang.ColumnType{}
		for _, c := range append(d.Columns, d.Metrics...) {
			// A name that no query can hold cannot be in a report.
			if _, err := querylang.Select(c.Name).From(d.Name).Build(); err == nil {
				columns[strings.ToLower(c.Name)] = c.Type
			}
		}
		typ, ok := byName[d.Name]
		if ok != (len(columns) > 0) {
			t.Errorf("%s has %d columns; its row type is in the list of this test: %t", d.Name, len(columns), ok)
		}
		if !ok {
			continue
		}
		delete(byName, d.Name)
		for f := range typ.Fields() {
			if f.Anonymous {
				continue
			}
			column := strings.ToLower(f.Tag.Get("csv"))
			kind, ok := columns[column]
			if !ok {
				t.Errorf("%s.%s is for %q, which is no column or has two fields", typ.Name(), f.Name, column)
			}
			delete(columns, column)
			if want := fieldType(kind); f.Type != want {
				t.Errorf("%s.%s is a %v; a column of type %s is a %v", typ.Name(), f.Name, f.Type, kind, want)
			}
		}
		for c := range columns {
			t.Errorf("%s has no field for %s", typ.Name(), c)
		}
		if f, ok := typ.FieldByName("RowMeta"); !ok || f.Type != reflect.TypeFor[partnercenter.RowMeta]() {
			t.Errorf("%s does not embed RowMeta", typ.Name())
		}
	}
	for name := range byName {
		t.Errorf("there is no dataset %s", name)
	}
}

func fieldType(t querylang.ColumnType) reflect.Type {
	switch t {
	case querylang.TypeInteger, querylang.TypeDecimal:
		return reflect.TypeFor[decimal.NullDecimal]()
	case querylang.TypeDate, querylang.TypeDateTime:
		return reflect.TypeFor[time.Time]()
	case querylang.TypeFlag, querylang.TypeYesNo, querylang.TypeBoolean:
		return reflect.TypeFor[analytics.Flag]()
	default:
		return reflect.TypeFor[string]()
	}
}

func TestRowTypesDecode(t *testing.T) {
	const file = "offername,OrderPurchaseDate,EventTimestamp,Quantity,BilledRevenue,IsPrivateOffer,IsNewCustomer,AutoRenew,ASSETID,BrandNew\n" +
		"\"Contoso Backup, Pro\",2026-01-14,2026-01-14T05:06:07Z,3,-1234.567890123456789,1,No,TRUE,a-1,x\n" +
		"Contoso Scan,,,,,,,NULL,,\n"
	content, err := analytics.OpenReaderAt("orders.csv", strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := content.Close(); err != nil {
			t.Error(err)
		}
	}()
	var got []analytics.ISVOrderRow
	for row, err := range analytics.Rows[analytics.ISVOrderRow](content, nil) {
		if err != nil {
			t.Fatal(err)
		}
		row.File = ""
		got = append(got, row)
	}
	number := func(s string) decimal.NullDecimal {
		return decimal.NewNullDecimal(decimal.RequireFromString(s))
	}
	want := []analytics.ISVOrderRow{
		{
			RowMeta:   partnercenter.RowMeta{Line: 2, Extra: map[string]string{"BrandNew": "x"}},
			OfferName: "Contoso Backup, Pro", AssetID: "a-1",
			OrderPurchaseDate: time.Date(2026, 1, 14, 0, 0, 0, 0, time.UTC), EventTimestamp: time.Date(2026, 1, 14, 5, 6, 7, 0, time.UTC),
			Quantity: number("3"), BilledRevenue: number("-1234.567890123456789"),
			IsPrivateOffer: "1", IsNewCustomer: "No", AutoRenew: "TRUE",
		},
		{
			RowMeta:   partnercenter.RowMeta{Line: 3, Extra: map[string]string{"BrandNew": ""}},
			OfferName: "Contoso Scan", AutoRenew: "NULL",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestFlag(t *testing.T) {
	for _, c := range []struct {
		flag      analytics.Flag
		value, ok bool
	}{
		{"1", true, true}, {"0", false, true}, {"Yes", true, true}, {"no", false, true}, {"TRUE", true, true}, {" False ", false, true},
		{"", false, false}, {"NULL", false, false}, {"************", false, false}, {"2", false, false},
	} {
		value, ok := c.flag.Bool()
		if value != c.value || ok != c.ok {
			t.Errorf("Flag(%q).Bool() = %t, %t", c.flag, value, ok)
		}
		if c.flag.True() != c.value {
			t.Errorf("Flag(%q).True() = %t", c.flag, c.flag.True())
		}
	}
}
