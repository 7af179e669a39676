package analytics

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// offer is something that the invented publisher sells.
type offer struct{ name, kind, sku string }

func offers() []offer {
	return []offer{
		{"Contoso Backup, Pro", "SaaS", "backup-pro"},
		{"Contoso Scan", "vm core image", "scan-standard"},
		{`The "Big" Relay`, "Virtual Machine Licenses", "relay-8core"},
		{"Fabrikam Størage Ω", "Azure Applications", "storage-premium"},
		{"Test Harness", "SaaS", "harness-free"},
		{"Example Offer Name", "multisolution", "MICROSOFT 365 BUSINESS STANDARD"},
	}
}

// customer is somebody who buys.
type customer struct {
	name, first, last, city, state, country, code, currency, postal string
	// hidden customers are protected: their cells are masked. Those that have not
	// consented have blank cells.
	hidden, blank bool
}

func customers() []customer {
	return []customer{
		{name: "Adatum Corp", first: "Ada", last: "Moss", city: "Seattle", state: "WA", country: "United States", code: "US", currency: "USD", postal: "98101"},
		{name: "Bellows, Ltd", first: "Ben", last: "Ng", city: "Leeds", state: "West Yorkshire", country: "United Kingdom", code: "GB", currency: "GBP", postal: "LS1 4AP"},
		{name: "Königsberg AG", first: "Jürgen", last: "Roß", city: "Köln", state: "NRW", country: "Germany", code: "DE", currency: "EUR", postal: "50667"},
		{name: "Datum \"Nord\"", first: "Lise", last: "Dahl", city: "Oslo", state: "Oslo", country: "Norway", code: "NO", currency: "NOK", postal: "0150"},
		{name: "Proseware", first: "Aiko", last: "Sato", city: "Osaka", state: "Osaka", country: "Japan", code: "JP", currency: "JPY", postal: "530-0001"},
		{name: "Hidden Inc", country: "France", code: "FR", currency: "EUR", hidden: true},
		{name: "Silent GmbH", country: "Austria", code: "AT", currency: "EUR", blank: true},
	}
}

// mask stands in the cells of protected customers.
const mask = "************"

// personal lists what a role or a customer's protection takes away.
func personal(name string) bool {
	switch name {
	case "customername", "customercompanyname", "firstname", "lastname", "individualfirstname", "individuallastname", "email",
		"customeremail", "purchaseremail", "corpemail", "customercity", "customerpostalcode", "postalcode", "customerstate", "addressline1", "customertenantname":
		return true
	}
	return false
}

// words are the values of columns that hold one of a few, in lower case by name.
// Where the documentation lists them, these are they; others are invented.
func words(name string) []string {
	switch name {
	case "azurelicensetype", "saleschannel":
		return []string{"Cloud Solution Provider", "Enterprise", "Enterprise through Reseller", "Pay as You Go", "GTM"}
	case "marketplacelicensetype":
		return []string{"Billed through Azure", "Bring Your Own License", "Free", "Microsoft as Reseller"}
	case "orderstatus":
		return []string{"Active", "Active", "Active", "Canceled", "Expired", "Abandoned", "Warning"}
	case "orderaction":
		return []string{"Purchase", "Renewed", "Canceled"}
	case "skubillingtype", "freevspaidsku":
		return []string{"Paid", "Paid", "Free"}
	case "plantype":
		return []string{"managed application", "solution template"}
	case "customeraccess":
		return []string{"Full access", "Restricted access"}
	case "publisheraccess":
		return []string{"Enabled", "Disabled"}
	case "customertype":
		return []string{"individual", "organization"}
	case "site":
		return []string{"AZUREMARKETPLACE", "APPSOURCE"}
	case "payoutstatus":
		return []string{"Sent", "Unprocessed", "Upcoming", "Rejected", "Not eligible", "Reprocessed", "Unreconciled", "Uncollected"}
	case "billingmodel":
		return []string{"UsageBased", "SubscriptionBased"}
	case "deploymentstatus":
		return []string{"successful", "successful", "failed"}
	case "templatetype":
		return []string{"Managed app", "Solution template"}
	case "metercategory":
		return []string{"Azure DNS", "Storage", "Virtual Machines"}
	case "cloudinstancename":
		return []string{"AzureGlobal", "AzureChina"}
	case "referraldomain":
		return []string{"bing.example", "contoso.example", ""}
	case "country":
		return []string{"United States", "Germany", "Japan"}
	}
	return nil
}

// cell makes the text of a cell.
func (r *row) cell(f field) string {
	name := strings.ToLower(f.name)
	if personal(name) {
		switch {
		case r.customer.hidden:
			return mask
		case r.customer.blank:
			return ""
		}
	}
	switch f.kind {
	case kindDate:
		return r.instant(f.column).Format("2006-01-02")
	case kindDatetime:
		return r.instant(f.column).Format(wireTime)
	case kindInteger, kindDecimal:
		return r.number(f).String()
	case kindFlag01:
		return []string{"0", "1"}[pick(r.seed, name, 2)]
	case kindYesno:
		return []string{"No", "Yes"}[pick(r.seed, name, 2)]
	case kindBoolean:
		return []string{"False", "True"}[pick(r.seed, name, 2)]
	case kindGUID:
		return r.guid(name)
	default:
		return r.text(f.name, name)
	}
}

// number makes an exact number. Integers may be negative where they are changes.
func (r *row) number(f field) decimal.Decimal {
	name := strings.ToLower(f.name)
	h := hash(r.seed, name)
	if f.kind == kindInteger {
		n := int64(h % 100)
		if strings.HasSuffix(name, "changed") {
			n -= 50
		}
		return decimal.NewFromInt(n)
	}
	// Five places, as usage has them; some whole, some zero.
	switch h % 8 {
	case 0:
		return decimal.Zero
	case 1:
		return decimal.NewFromInt(int64((h >> 8) % 300_000))
	}
	return decimal.New(int64((h>>8)%50_000_000), -5)
}

// guid makes the ids: the customer's and the offer's repeat, others are drawn from
// a few dozen.
func (r *row) guid(name string) string {
	switch {
	case strings.HasPrefix(name, "customer"):
		return kit.GUID(1, name, hash(0, r.customer.name))
	case name == "marketplacesubscriptionid" && r.offer.kind == "SaaS":
		return "00000000-0000-0000-0000-000000000000"
	}
	return kit.GUID(1, name, uint64(pick(r.seed, name, 40))) //nolint:gosec // small
}

func (r *row) text(spelt, name string) string {
	c, o := r.customer, r.offer
	switch name {
	case "offername", "productdisplayname", "privateoffername":
		return o.name
	case "offertype":
		return o.kind
	case "sku", "skuid", "skuname", "planid":
		return o.sku
	case "offerid", "productid":
		return fmt.Sprintf("contoso.%08x", uint32(hash(0, o.name))) //nolint:gosec // low bits wanted
	case "customername", "customercompanyname", "customertenantname":
		return c.name
	case "firstname", "individualfirstname":
		return c.first
	case "lastname", "individuallastname":
		return c.last
	case "email", "customeremail", "purchaseremail", "corpemail":
		return strings.ToLower(c.first) + "@" + strings.ToLower(c.code) + ".example"
	case "customercity", "city":
		return c.city
	case "customerstate", "state":
		return c.state
	case "customerpostalcode", "postalcode":
		return c.postal
	case "customercountry", "customercountryname", "customercountryregion", "countryname", "customermarket":
		return c.country
	case "customercountrycode":
		return c.code
	case "currency", "customercurrencycc", "customercurrencycode", "earningcurrencycode":
		return c.currency
	case "payoutcurrencypc":
		return "USD"
	case "customerid", "customertpid":
		return strconv.FormatUint(hash(0, c.name)%10_000_000, 10)
	case "purchaserecordid", "purchaserecordlineitemid", "lineitemid", "orderid":
		return fmt.Sprintf("%s-%012x", spelt[:1], hash(r.seed, name)&0xffffffffffff)
	}
	if list := words(name); list != nil {
		return list[pick(r.seed, name, len(list))]
	}
	return fmt.Sprintf("%s %d", spelt, 1+pick(r.seed, name, 7))
}
