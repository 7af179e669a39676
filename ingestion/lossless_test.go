package ingestion_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

// change runs an edit on a resource and returns what would be sent.
func change[T any](t *testing.T, text string, edit func(*ingestion.Resource[T])) string {
	t.Helper()
	r := mustParse[T](t, text)
	edit(r)
	return wire(t, r)
}

func TestOneChangeLeavesEverythingElse(t *testing.T) {
	t.Parallel()
	const listing = `{"zz":[1.10,{"b":1,"a":2}],"resourceType":"AzureListing","Title":"Old","big":12345678901234567890.10,` +
		`"listingUris":[],"listingContacts":[{"x":1e3,"type":"Engineering","email":"a@example.com","phone":null},{"type":"Other","q":true}],` +
		`"gettingStartedInstructions":"","languageCode":"en-us","summary":"a \u003cb\u003e","@odata.etag":` + etag + `,"ID":"l-1"}`
	type l = *ingestion.Resource[ingestion.Listing]
	for name, c := range map[string]struct {
		edit     func(l)
		from, to string // the one difference
	}{
		"nothing":                 {func(l) {}, "", ""},
		"a text":                  {func(r l) { r.Data.Title = "New & <b>" }, `"Title":"Old"`, `"Title":"New & <b>"`},
		"a text to nothing":       {func(r l) { r.Data.Summary = "" }, `"summary":"a \u003cb\u003e"`, `"summary":""`},
		"a member of an element":  {func(r l) { r.Data.Contacts[0].Email = "b@example.com" }, `"email":"a@example.com"`, `"email":"b@example.com"`},
		"a null":                  {func(r l) { r.Data.Contacts[0].Phone = "1" }, `"phone":null`, `"phone":"1"`},
		"an element more":         {func(r l) { r.Data.Contacts = append(r.Data.Contacts, ingestion.ListingContact{Name: "N"}) }, `"q":true}]`, `"q":true},{"name":"N"}]`},
		"an element less":         {func(r l) { r.Data.Contacts = r.Data.Contacts[1:] }, `{"x":1e3,"type":"Engineering","email":"a@example.com","phone":null},`, ``},
		"a list to nothing":       {func(r l) { r.Data.Contacts = nil }, `[{"x":1e3,"type":"Engineering","email":"a@example.com","phone":null},{"type":"Other","q":true}]`, `[]`},
		"a member that is new":    {func(r l) { r.Data.Keywords = []string{"k"} }, `"ID":"l-1"}`, `"ID":"l-1","keywords":["k"]}`},
		"nil for an empty list":   {func(r l) { r.Data.URIs = nil }, "", ""},
		"the version":             {func(r l) { r.ETag = `"v2"` }, etag, `"\"v2\""`},
		"an unknown member":       {func(r l) { r.Data.Object, _ = r.Data.With("zz", "now known") }, `[1.10,{"b":1,"a":2}]`, `"now known"`},
		"an unknown member less":  {func(r l) { r.Data.Object = r.Data.Without("BIG") }, `"big":12345678901234567890.10,`, ``},
		"unknown in an element":   {func(r l) { r.Data.Contacts[1].Object, _ = r.Data.Contacts[1].With("q", nil) }, `"q":true`, `"q":null`},
		"an explicit null":        {func(r l) { r.Data.Object, _ = r.Data.With("keywords", nil) }, `"ID":"l-1"}`, `"ID":"l-1","keywords":null}`},
		"a field beats With":      {func(r l) { r.Data.Object, _ = r.Data.With("title", "X") }, "", ""},
		"a field beats Without":   {func(r l) { r.Data.Object = r.Data.Without("languageCode") }, `"languageCode":"en-us",`, ``},
		"a changed boolean":       {func(r l) { r.Data.AllowOnlyManagedDiskDeployments = true }, `"ID":"l-1"}`, `"ID":"l-1","allowOnlyManagedDiskDeployments":true}`},
		"an element from outside": {func(r l) { r.Data.Contacts[0] = r.Data.Contacts[1] }, `{"x":1e3,"type":"Engineering","email":"a@example.com","phone":null}`, `{"type":"Other","q":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := listing
			if c.from != "" {
				if strings.Count(listing, c.from) != 1 {
					t.Fatalf("the test is wrong: %q is there %d times", c.from, strings.Count(listing, c.from))
				}
				want = strings.Replace(listing, c.from, c.to, 1)
			}
			got := change(t, listing, c.edit)
			if name == "a field beats Without" {
				// It comes back, because the field still has it, but at the end.
				want = strings.Replace(want, `"ID":"l-1"}`, `"ID":"l-1","languageCode":"en-us"}`, 1)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChangesOfEveryKindOfField(t *testing.T) {
	t.Parallel()
	const text = `{"id":"f","@odata.etag":"\"1\"","isHidden":true,"trial":{"type":"TimedAccess","duration":30,"odd":0,` +
		`"dateTimeRange":{"startAt":{"dateTimeInUtc":"2024-01-02T03:04:05","localizePerMarket":true}}},` +
		`"priceSchedules":[{"isBaseSchedule":false,"schedules":[{"retailPrice":{"openPrice":10.50,"currencyCode":"USD"},"priceCadence":{"type":"Month","value":1}}]}],` +
		`"customMeters":[{"priceInUsd":"0.10","ID":"m"}]}`
	type f = *ingestion.Resource[ingestion.FeatureAvailability]
	for name, c := range map[string]struct {
		edit     func(f)
		from, to string
	}{
		"a price": {func(r f) {
			r.Data.PriceSchedules[0].Schedules[0].RetailPrice.OpenPrice = new(decimal.RequireFromString("10.60"))
		}, `10.50`, `10.6`},
		"the same price": {func(r f) {
			r.Data.PriceSchedules[0].Schedules[0].RetailPrice.OpenPrice = new(decimal.RequireFromString("10.5"))
		}, ``, ``},
		"a price of nothing": {func(r f) { r.Data.PriceSchedules[0].Schedules[0].RetailPrice.OpenPrice = new(decimal.Decimal{}) }, `10.50`, `0`},
		"no price":           {func(r f) { r.Data.PriceSchedules[0].Schedules[0].RetailPrice.OpenPrice = nil }, `"openPrice":10.50,`, ``},
		"a number":           {func(r f) { r.Data.Trial.Duration = 31 }, `"duration":30`, `"duration":31`},
		"a number to zero":   {func(r f) { r.Data.Trial.Duration = 0 }, `"duration":30`, `"duration":0`},
		"a boolean to false": {func(r f) { r.Data.IsHidden = false }, `"isHidden":true`, `"isHidden":false`},
		"a time":             {func(r f) { r.Data.Trial.DateTimeRange.StartAt.Time = time.Date(2025, 1, 1, 0, 0, 0, 5e8, time.UTC) }, `2024-01-02T03:04:05`, `2025-01-01T00:00:00.5Z`},
		"the same time": {func(r f) {
			r.Data.Trial.DateTimeRange.StartAt.Time = time.Date(2024, 1, 2, 4, 4, 5, 0, time.FixedZone("", 3600))
		}, ``, ``},
		"no time":              {func(r f) { r.Data.Trial.DateTimeRange.StartAt.Time = time.Time{} }, `"dateTimeInUtc":"2024-01-02T03:04:05",`, ``},
		"an object to nothing": {func(r f) { r.Data.Trial.DateTimeRange = nil }, `,"dateTimeRange":{"startAt":{"dateTimeInUtc":"2024-01-02T03:04:05","localizePerMarket":true}}`, ``},
		"a new object":         {func(r f) { r.Data.Trial.DateTimeRange.EndAt = &ingestion.LocalizedTime{LocalizePerMarket: true} }, `"localizePerMarket":true}}`, `"localizePerMarket":true},"endAt":{"localizePerMarket":true}}`},
		"an enum of one's own": {func(r f) { r.Data.Trial.Type = "Endless" }, `TimedAccess`, `Endless`},
		"a number as a text":   {func(r f) { r.Data.CustomMeters[0].PriceInUSD = new(decimal.RequireFromString("0.2")) }, `"0.10"`, `0.2`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.from != "" && strings.Count(text, c.from) != 1 {
				t.Fatalf("the test is wrong: %q is there %d times", c.from, strings.Count(text, c.from))
			}
			if diff := cmp.Diff(strings.Replace(text, c.from, c.to, 1), change(t, text, c.edit)); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMembersOfAnotherKindAreKeptAndNamed(t *testing.T) {
	t.Parallel()
	const text = `{"id":7,"@odata.etag":"\"1\"","title":{"en":"T"},"keywords":"one","allowOnlyManagedDiskDeployments":1,"listingContacts":[1],"summary":12,"languageCode":true}`
	r := mustParse[ingestion.Listing](t, text)
	if r.ID != "7" || r.Data.Title != "" || r.Data.Summary != "12" || r.Data.LanguageCode != "true" || r.Data.Keywords != nil || r.Data.Contacts != nil {
		t.Errorf("%+v", r)
	}
	if diff := cmp.Diff([]string{"title", "keywords", "listingContacts", "allowOnlyManagedDiskDeployments"}, r.Data.Misfits()); diff != "" {
		t.Errorf("misfits (-want +got):\n%s", diff)
	}
	if got := wire(t, r); got != text {
		t.Errorf("sent %s", got)
	}
	r.Data.Title = "T"
	if got := wire(t, r); got != strings.Replace(text, `{"en":"T"}`, `"T"`, 1) {
		t.Errorf("sent after the change %s", got)
	}
	// Adding to a list of another kind would lose it.
	r.Data.Contacts = append(r.Data.Contacts, ingestion.ListingContact{Name: "n"})
	if raw, err := ingestion.Wire(r); err == nil || !strings.Contains(err.Error(), "listingContacts") {
		t.Errorf("sent %s, %v", raw, err)
	}
	r.Data.Object = r.Data.Without("listingContacts")
	if got := wire(t, r); !strings.HasSuffix(got, `"languageCode":true,"listingContacts":[{"name":"n"}]}`) {
		t.Errorf("sent on purpose %s", got)
	}
	audience := mustParse[ingestion.ProductAvailability](t, `{"audiences":[["s-1"]]}`) // as the published schema has it
	audience.Data.Audiences = append(audience.Data.Audiences, ingestion.AudienceGroup{Type: "t", Values: []string{"s-2"}})
	if raw, err := ingestion.Wire(audience); err == nil || !strings.Contains(err.Error(), "audiences") {
		t.Errorf("sent %s, %v", raw, err)
	}
	if misfits := mustParse[ingestion.Listing](t, `{"title":"T"}`).Data.Misfits(); misfits != nil {
		t.Errorf("misfits of what fits: %q", misfits)
	}
}

func TestOddNumbersAndTimesDoNotFit(t *testing.T) {
	t.Parallel()
	price := mustParse[ingestion.FeatureAvailability](t, `{"customMeters":[{"priceInUsd":1e999999999},{"priceInUsd":1e101},{"priceInUsd":1e-101},{"priceInUsd":true},{"priceInUsd":{}}]}`)
	for i, m := range price.Data.CustomMeters {
		if m.PriceInUSD != nil || len(m.Misfits()) != 1 {
			t.Errorf("meter %d: %v, misfits %q", i, m.PriceInUSD, m.Misfits())
		}
	}
	price.Data.CustomMeters[0].PriceInUSD = new(decimal.New(1, 1000))
	if _, err := ingestion.Wire(price); err == nil || !strings.Contains(err.Error(), "exponent") {
		t.Errorf("a number of a thousand digits: %v", err)
	}
	for text, want := range map[string]time.Time{
		`"0001-01-01T00:00:00"`:         {},
		`"1601-01-01T00:00:00Z"`:        {},
		`""`:                            {},
		`null`:                          {},
		`"2024-05-06T07:08:09.1234567"`: time.Date(2024, 5, 6, 7, 8, 9, 123456700, time.UTC),
		`"2024-05-06T09:08:09+02:00"`:   time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC),
		`"2024-05-06"`:                  time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC),
	} {
		s, err := ingestion.DecodeForTest[ingestion.Submission]([]byte(`{"publishedTimeInUtc":` + text + `}`))
		if err != nil || !s.Published.Equal(want) || len(s.Misfits()) > 0 {
			t.Errorf("%s: %v, misfits %q, %v", text, s.Published, s.Misfits(), err)
		}
	}
	for _, text := range []string{`"soon"`, `[]`} {
		s, err := ingestion.DecodeForTest[ingestion.Submission]([]byte(`{"publishedTimeInUtc":` + text + `}`))
		if err != nil || !s.Published.IsZero() || len(s.Misfits()) != 1 {
			t.Errorf("%s: %v, misfits %q, %v", text, s.Published, s.Misfits(), err)
		}
	}
}

func TestDoubledMembers(t *testing.T) {
	t.Parallel()
	const text = `{"title":"1","x":1,"title":"2","Title":"3","x":2}`
	r := mustParse[ingestion.Listing](t, text)
	if r.Data.Title != "2" {
		t.Errorf("title %q: the last one with the very name counts", r.Data.Title)
	}
	if got := wire(t, r); got != text {
		t.Errorf("sent %s", got)
	}
	r.Data.Title = "4"
	if got, want := wire(t, r), `{"x":1,"title":"4","Title":"3","x":2}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestNullInPlaceOfAnObject(t *testing.T) {
	t.Parallel()
	const text = `{"listingContacts":[null,{"name":"n"}]}`
	r := mustParse[ingestion.Listing](t, text)
	if got := wire(t, r); got != text {
		t.Errorf("sent %s", got)
	}
	r.Data.Contacts[1].Name = "m"
	if got := wire(t, r); got != strings.Replace(text, `"n"`, `"m"`, 1) {
		t.Errorf("sent after a change beside it %s", got)
	}
	r.Data.Contacts[0].Name = "o"
	if got, want := wire(t, r), `{"listingContacts":[{"name":"o"},{"name":"m"}]}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

// What stays in a list of texts or in a map keeps its text beside what is changed.
func TestOddValuesStayBesideAChange(t *testing.T) {
	t.Parallel()
	const categories = `{"web":null,"Web":["x",1.0],"media":["a",null],"media":["b",2]}`
	const text = `{"industries":[7,null,"a\u0026b","\ud800"],"leveledCategories":` + categories + `}`
	for name, c := range map[string]struct {
		edit func(*ingestion.Property)
		want string
	}{
		"nothing":           {func(*ingestion.Property) {}, text},
		"a text more":       {func(p *ingestion.Property) { p.Industries = append(p.Industries, "", "c") }, strings.Replace(text, `"\ud800"]`, `"\ud800","","c"]`, 1)},
		"a text less":       {func(p *ingestion.Property) { p.Industries = p.Industries[1:] }, strings.Replace(text, `[7,null,`, `["",`, 1)},
		"another text":      {func(p *ingestion.Property) { p.Industries[2] = "c" }, strings.Replace(text, `"a\u0026b"`, `"c"`, 1)},
		"a category more":   {func(p *ingestion.Property) { p.LeveledCategories["new"] = []string{"n"} }, strings.Replace(text, `"media":["a",null],"media":["b",2]`, `"media":["b",2],"new":["n"]`, 1)},
		"a category less":   {func(p *ingestion.Property) { delete(p.LeveledCategories, "Web") }, strings.Replace(text, `"Web":["x",1.0],"media":["a",null],"media":["b",2]`, `"media":["b",2]`, 1)},
		"a subcategory":     {func(p *ingestion.Property) { p.LeveledCategories["Web"][0] = "y" }, strings.Replace(text, `["x",1.0],"media":["a",null],"media":["b",2]`, `["y",1.0],"media":["b",2]`, 1)},
		"no text":           {func(p *ingestion.Property) { p.Industries = nil }, strings.Replace(text, `[7,null,"a\u0026b","\ud800"]`, `[]`, 1)},
		"no category":       {func(p *ingestion.Property) { p.LeveledCategories = nil }, strings.Replace(text, categories, `{}`, 1)},
		"a map of its own":  {func(p *ingestion.Property) { p.LeveledIndustries = map[string][]string{"b": nil, "a": {"x"}} }, strings.TrimSuffix(text, "}") + `,"leveledIndustries":{"a":["x"],"b":[]}}`},
		"another for a nil": {func(p *ingestion.Property) { p.LeveledCategories["web"] = []string{"w"} }, strings.Replace(text, `"web":null,"Web":["x",1.0],"media":["a",null],"media":["b",2]`, `"web":["w"],"Web":["x",1.0],"media":["b",2]`, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := mustParse[ingestion.Property](t, text)
			c.edit(&r.Data)
			if diff := cmp.Diff(c.want, wire(t, r)); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResourcesOfTheirTypes(t *testing.T) {
	t.Parallel()
	r := mustParse[ingestion.PackageConfiguration](t, `{"resourceType":"azureManagedApplicationPackageConfiguration","version":"1","id":"c"}`)
	c, ok := r.Data.(*ingestion.ManagedApplicationConfiguration)
	if !ok {
		t.Fatalf("a %T", r.Data)
	}
	c.Version = "2"
	c.PackageReferences = []ingestion.TypeValue{{Type: string(ingestion.ApplicationPackage), Value: "p"}}
	if got, want := wire(t, r), `{"resourceType":"azureManagedApplicationPackageConfiguration","version":"2","id":"c","packageReferences":[{"type":"AzureApplicationPackage","value":"p"}]}`; got != want {
		t.Errorf("sent %s", got)
	}
	const odd = `{"resourceType":"NewLeadConfiguration","apiToken":"s","id":"x","contactEmail":"a@example.com"}`
	leads := mustParse[ingestion.LeadConfiguration](t, odd)
	unknown, ok := leads.Data.(*ingestion.UnknownLeads)
	if !ok || unknown.Type != "NewLeadConfiguration" || unknown.ContactEmail != "a@example.com" {
		t.Fatalf("a %T, %+v", leads.Data, leads.Data)
	}
	if got := wire(t, leads); got != odd {
		t.Errorf("sent %s", got)
	}
	if got, want := mustParse[ingestion.PackageConfiguration](t, `{}`).Data, (*ingestion.UnknownConfiguration)(nil); cmp.Diff(typeOf(want), typeOf(got)) != "" {
		t.Errorf("without resourceType: a %T", got)
	}
}

func TestResourcesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`null`, `[]`, `"x"`, `{"a":`} {
		if err := new(ingestion.Resource[ingestion.Listing]).UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s was read", text)
		}
	}
	if err := json.Unmarshal([]byte(`{}`), new(ingestion.Resource[int])); err == nil {
		t.Error("a number was taken for a resource")
	}
	if err := json.Unmarshal([]byte(`{}`), new(ingestion.Resource[any])); err == nil {
		t.Error("anything was taken for a resource")
	}
	if _, err := ingestion.Wire(&ingestion.Resource[int]{}); err == nil {
		t.Error("a number was sent as a resource")
	}
	if _, err := ingestion.Wire(&ingestion.Resource[ingestion.LeadConfiguration]{}); err == nil {
		t.Error("nothing was sent as a resource")
	}
	if _, err := ingestion.Wire[ingestion.Listing](nil); err == nil {
		t.Error("nil was sent as a resource")
	}
	if _, err := (ingestion.Object{}).With("", 1); err == nil {
		t.Error("a member without a name was set")
	}
	if _, err := (ingestion.Object{}).With("x", func() {}); err == nil {
		t.Error("a function was set")
	}
}

func TestObjectGivesAccessToWhatIsUnknown(t *testing.T) {
	t.Parallel()
	r := mustParse[ingestion.Listing](t, `{"b":[1, 2],"A":null,"id":"x"}`)
	if diff := cmp.Diff([]string{"b", "A", "id"}, r.Data.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if raw, ok := r.Data.Field("B"); !ok || string(raw) != "[1, 2]" {
		t.Errorf("B: %s, %t", raw, ok)
	}
	if raw, ok := r.Data.Field("c"); ok {
		t.Errorf("c: %s", raw)
	}
	same, other := mustParse[ingestion.Listing](t, `{"b":[1, 2],"A":null,"id":"x"}`), mustParse[ingestion.Listing](t, `{}`)
	if !cmp.Equal(r, same) || cmp.Equal(r, other) {
		t.Error("equality")
	}
	o, err := (ingestion.Object{}).With("x", 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := wire(t, &ingestion.Resource[ingestion.CosellAsset]{Data: ingestion.CosellAsset{Object: o, Type: "T"}}); got != `{"resourceType":"CosellAsset","x":1,"type":"T"}` {
		t.Errorf("sent %s", got)
	}
}

func TestEncodingJSONKeepsAllButSecrets(t *testing.T) {
	t.Parallel()
	const text = `{"resourceType":"ListingImage","fileSasUri":"https://blob.example/f?sig=AbC","new":{"password":"p","list":["https://blob.example/?sv=1&sig=AbC%2b"],"n":1.0},"order":0,"id":"i"}`
	const shown = `{"resourceType":"ListingImage","fileSasUri":"[redacted]","new":{"password":"[redacted]","list":["https://blob.example/?sv=1\u0026sig=[redacted]"],"n":1.0},"order":0,"id":"i"}`
	r := mustParse[ingestion.ListingImage](t, text)
	got, err := json.Marshal(r)
	if err != nil || string(got) != shown {
		t.Errorf("%s, %v", got, err)
	}
	back := mustParse[ingestion.ListingImage](t, string(got))
	if again, err := json.Marshal(back); err != nil || string(again) != shown {
		t.Errorf("printed twice: %s, %v", again, err)
	}
	for _, text := range []string{
		string(got), `{"fileSasUri":"https://x/?sig=[redacted]"}`, `{"new":[{"a":"https://x/?sig=[redacted]"}]}`, `{"new":{"Password":"[redacted]"}}`, `{"new":"[redacted]"}`,
	} {
		if raw, err := ingestion.Wire(mustParse[ingestion.ListingImage](t, text)); err == nil || !strings.Contains(err.Error(), "placeholder") {
			t.Errorf("a placeholder was sent: %s, %v", raw, err)
		}
	}
	if _, err := ingestion.Wire(mustParse[ingestion.ListingImage](t, `{"description":"names are [redacted] here"}`)); err != nil {
		t.Errorf("prose was refused: %v", err)
	}
	fresh := &ingestion.Resource[ingestion.ListingImage]{Data: ingestion.ListingImage{FileSASURI: partnercenter.NewSecret("[redacted]")}}
	if _, err := ingestion.Wire(fresh); err == nil || !strings.Contains(err.Error(), "placeholder") {
		t.Errorf("a placeholder was sent: %v", err)
	}
}
