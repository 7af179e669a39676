package ingestion_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

func listingText(tag, title string) string {
	return `{"resourceType":"AzureListing","title":"` + title + `","x":1,"@odata.etag":"\"` + tag + `\"","id":"l"}`
}

func TestIfMatchIsTheVersionThatWasRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		opts    []partnercenter.CallOption
		ifMatch string
		err     string
	}{
		"with its quotes":     {text: listingText("v1", "T"), ifMatch: `"v1"`},
		"overwritten":         {text: listingText("v1", "T"), opts: []partnercenter.CallOption{ingestion.Overwrite()}, ifMatch: "*"},
		"none":                {text: `{"id":"l"}`, err: "has no ETag"},
		"none but overwrite":  {text: `{"id":"l"}`, opts: []partnercenter.CallOption{ingestion.Overwrite()}, ifMatch: "*"},
		"one of one's choice": {text: listingText("v1", "T"), opts: []partnercenter.CallOption{partnercenter.WithHeader("If-Match", `"v0"`)}, ifMatch: `"v0"`},
		"no id":               {text: `{"@odata.etag":"\"v1\""}`, err: "the id is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answers(ok(listingText("v2", "T")))
			r, err := newClient(t, s).Product("p").Listings().Update(t.Context(), mustParse[ingestion.Listing](t, c.text), c.opts...)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || len(s.seen()) != 0 {
					t.Errorf("error %v after %d requests", err, len(s.seen()))
				}
				return
			}
			if err != nil || r.ETag != `"v2"` {
				t.Errorf("%v, %v", r, err)
			}
			if got := s.seen()[0].Header["If-Match"]; len(got) != 1 || got[0] != c.ifMatch {
				t.Errorf("If-Match %q", got)
			}
		})
	}
}

func TestKindsWithoutVersionsAreWrittenWithoutIfMatch(t *testing.T) {
	t.Parallel()
	s := answers(ok(`{"id":"v"}`))
	if _, err := newClient(t, s).Product("p").Variants().Update(t.Context(), mustParse[ingestion.Variant](t, `{"id":"v","friendlyName":"P"}`)); err != nil {
		t.Fatal(err)
	}
	if got, there := s.seen()[0].Header["If-Match"]; there {
		t.Errorf("If-Match %q", got)
	}
}

func TestTheVersionIsInTheHeaderWhereTheBodyHasNone(t *testing.T) {
	t.Parallel()
	s := answers(answer{status: 200, body: `{"id":"l"}`, header: map[string]string{"ETag": `"h"`}}, answer{status: 204, header: map[string]string{"ETag": `"n"`}}, answer{status: 204})
	listings := newClient(t, s).Product("p").Listings()
	r, err := listings.Get(t.Context(), "l")
	if err != nil || r.ETag != `"h"` {
		t.Fatalf("%v, %v", r, err)
	}
	r.Data.Title = "T"
	for _, want := range []string{`"n"`, ""} {
		stored, err := listings.Update(t.Context(), r)
		if err != nil || stored.ETag != want || stored.Data.Title != "T" || stored.ID != "l" {
			t.Errorf("answer without a body: %v, %v", stored, err)
		}
	}
}

func TestModifyBeginsAgainAfterAConflict(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusConflict, http.StatusPreconditionFailed} {
		s := answers(
			ok(listingText("v1", "A")), answer{status: status, body: `{"code":"Conflict","message":"changed"}`},
			ok(listingText("v2", "B")), ok(listingText("v3", "B!")),
		)
		var seen []string
		r, err := newClient(t, s).Product("p").Listings().Modify(t.Context(), "l", func(r *ingestion.Resource[ingestion.Listing]) error {
			seen = append(seen, r.Data.Title)
			r.Data.Title += "!"
			return nil
		})
		if err != nil || r.ETag != `"v3"` {
			t.Errorf("%d: %v, %v", status, r, err)
		}
		if diff := cmp.Diff([]string{"A", "B"}, seen); diff != "" {
			t.Errorf("%d: states seen (-want +got):\n%s", status, diff)
		}
		const at = "/products/p/listings/l"
		if diff := cmp.Diff([]string{"GET " + at, "PUT " + at, "GET " + at, "PUT " + at}, s.lines()); diff != "" {
			t.Errorf("%d: requests (-want +got):\n%s", status, diff)
		}
		last := s.seen()[3]
		if last.Header.Get("If-Match") != `"v2"` || last.Body != listingText("v2", "B!") {
			t.Errorf("%d: sent at last %s %s", status, last.Header.Get("If-Match"), last.Body)
		}
	}
}

func TestModifyGivesUp(t *testing.T) {
	t.Parallel()
	conflict := answer{status: http.StatusConflict, body: `"busy"`}
	var script []answer
	for range 10 {
		script = append(script, ok(listingText("v", "A")), conflict)
	}
	s := answers(script...)
	_, err := newClient(t, s).Product("p").Listings().Modify(t.Context(), "l", func(r *ingestion.Resource[ingestion.Listing]) error {
		r.Data.Title = "B"
		return nil
	})
	if !errors.Is(err, partnercenter.ErrConflict) || !strings.Contains(err.Error(), "5 conflicts in a row") || len(s.seen()) != 10 {
		t.Errorf("%v after %d requests", err, len(s.seen()))
	}
}

func TestModifyStops(t *testing.T) {
	t.Parallel()
	own := errors.New("not today")
	title := func(text string) func(*ingestion.Resource[ingestion.Listing]) error {
		return func(r *ingestion.Resource[ingestion.Listing]) error { r.Data.Title = text; return nil }
	}
	for name, c := range map[string]struct {
		answers []answer
		change  func(*ingestion.Resource[ingestion.Listing]) error
		want    error // nil: none
		text    string
		sent    int
	}{
		"when nothing changes":        {[]answer{ok(listingText("v", "A"))}, title("A"), nil, "", 1},
		"when the change fails":       {[]answer{ok(listingText("v", "A"))}, func(*ingestion.Resource[ingestion.Listing]) error { return own }, own, "", 1},
		"when reading fails":          {[]answer{{status: 404}}, title("B"), partnercenter.ErrNotFound, "", 1},
		"when writing is refused":     {[]answer{ok(listingText("v", "A")), {status: 400, body: `"no"`}}, title("B"), nil, "400", 2},
		"when there is nothing to do": {[]answer{ok("{}")}, nil, nil, "is nil", 0},
		"when the first write did arrive after all": {
			[]answer{ok(listingText("v", "A")), {status: 500}, {status: 412}, ok(listingText("v2", "B"))}, title("B"), nil, "", 4,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answers(c.answers...)
			_, err := newClient(t, s).Product("p").Listings().Modify(t.Context(), "l", c.change)
			if c.want != nil && !errors.Is(err, c.want) || c.text != "" && (err == nil || !strings.Contains(err.Error(), c.text)) || c.want == nil && c.text == "" && err != nil {
				t.Errorf("error %v", err)
			}
			if len(s.seen()) != c.sent {
				t.Errorf("requests %q", s.lines())
			}
		})
	}
}

func TestSingletonsAreReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	const setup = `{"resourceType":"AzureProductSetup","sellingOption":"ListOnly","odd":{"a":1},"enableTestDrive":false}`
	changed := strings.Replace(setup, "ListOnly", "ListAndSell", 1)
	s := answers(ok(setup), ok(changed))
	r, err := newClient(t, s).Product("p").Setup().Modify(t.Context(), func(r *ingestion.Resource[ingestion.ProductSetup]) error {
		r.Data.SellingOption = ingestion.ListAndSell
		return nil
	})
	if err != nil || r.Data.SellingOption != ingestion.ListAndSell {
		t.Fatalf("%v, %v", r, err)
	}
	if body := s.seen()[1].Body; body != changed {
		t.Errorf("sent %s", body)
	}
	s = answers(answer{status: 204})
	r, err = newClient(t, s).Product("p").Setup().Set(t.Context(), ingestion.ProductSetup{TrialURI: "https://example.com"})
	if err != nil || r.Data.TrialURI != "https://example.com" {
		t.Errorf("answer without a body: %v, %v", r, err)
	}
	if _, err := newClient(t, s).Product("").Setup().Get(t.Context()); err == nil {
		t.Error("an empty product id was sent")
	}
	if _, err := newClient(t, s).Product("").Setup().Set(t.Context(), ingestion.ProductSetup{}); err == nil {
		t.Error("an empty product id was sent")
	}
	if _, err := newClient(t, s).Product("p").LeadConfiguration().Set(t.Context(), nil); err == nil {
		t.Error("no configuration was sent")
	}
	if len(s.seen()) != 1 {
		t.Errorf("requests %q", s.lines())
	}
}

func TestPOSTIsNotRepeatedBlindly(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 502, 503, 504} {
		s := answers(answer{status: status})
		p := newClient(t, s).Product("p")
		calls := []error{}
		_, err := p.Variants().Create(t.Context(), ingestion.Variant{ExternalID: "a", FriendlyName: "A"})
		calls = append(calls, err)
		_, err = p.Submissions().Promote(t.Context(), "s")
		calls = append(calls, err)
		_, err = p.ResellerConfiguration().Set(t.Context(), ingestion.ResellerConfiguration{})
		calls = append(calls, err)
		for i, err := range calls {
			if !errors.Is(err, partnercenter.ErrServer) {
				t.Errorf("%d, call %d: %v", status, i, err)
			}
		}
		if len(s.seen()) != len(calls) {
			t.Errorf("%d: requests %q", status, s.lines())
		}
	}
}

func TestCreateTakesTheIdFromWhereItIs(t *testing.T) {
	t.Parallel()
	const location = "https://api.partner.microsoft.com/v1.0/ingestion/products/p/variants/v-9/?x"
	data := ingestion.Variant{ExternalID: "a", FriendlyName: "A"}
	r, err := newClient(t, answers(answer{status: 202, header: map[string]string{"Location": location}})).Product("p").Variants().Create(t.Context(), data)
	if err != nil || r.ID != "v-9" || r.Data.ExternalID != "a" {
		t.Errorf("%v, %v", r, err)
	}
	_, err = newClient(t, answers(answer{status: 201})).Product("p").Variants().Create(t.Context(), data)
	if err == nil || !strings.Contains(err.Error(), "the resource was made (201)") {
		t.Errorf("%v", err)
	}
	_, err = newClient(t, answers(ok(`[1]`))).Product("p").Variants().Create(t.Context(), data)
	if err == nil || !strings.Contains(err.Error(), "JSON object") {
		t.Errorf("%v", err)
	}
}

func TestACopyIsMadeWithoutIdentity(t *testing.T) {
	t.Parallel()
	original := mustParse[ingestion.Variant](t, `{"resourceType":"AzureSkuVariant","externalID":"a","friendlyName":"A","odd":1,"@odata.etag":"\"1\"","ID":"v"}`)
	original.Data.ExternalID = "b"
	s := answers(answer{status: 201, body: `{"id":"w"}`})
	if _, err := newClient(t, s).Product("p").Variants().Create(t.Context(), original.Data); err != nil {
		t.Fatal(err)
	}
	if got, want := s.seen()[0].Body, `{"resourceType":"AzureSkuVariant","externalID":"b","friendlyName":"A","odd":1}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestDeletingWhatIsNotThere(t *testing.T) {
	t.Parallel()
	packages := newClient(t, answers(answer{status: 404})).Product("p").Packages()
	if err := packages.Delete(t.Context(), "x"); !errors.Is(err, partnercenter.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := packages.DeleteIfExists(t.Context(), "x"); err != nil {
		t.Errorf("%v", err)
	}
	if err := newClient(t, answers(answer{status: 403})).Product("p").Packages().DeleteIfExists(t.Context(), "x"); !errors.Is(err, partnercenter.ErrForbidden) {
		t.Errorf("%v", err)
	}
}
