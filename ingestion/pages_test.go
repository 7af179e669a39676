package ingestion_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

func productsPage(next string, ids ...string) answer {
	items := make([]string, len(ids))
	for i, id := range ids {
		items[i] = fmt.Sprintf(`{"resourceType":"AzureApplication","id":%q}`, id)
	}
	link := ""
	if next != "" {
		link = fmt.Sprintf(`"nextLink":%q,`, next)
	}
	return ok("{" + link + `"value":[` + strings.Join(items, ",") + "]}")
}

func productIDs(products []*ingestion.Resource[ingestion.Product]) string {
	ids := make([]string, len(products))
	for i, p := range products {
		ids[i] = p.ID
	}
	return strings.Join(ids, " ")
}

func TestPagesAreTurnedAsTheServiceLinksThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more    []ingestion.Option
		answers []answer
		ids     string
		lines   []string
		err     string
	}{
		"relative to the host, dollar as it is, equals signs and all": {
			answers: []answer{productsPage("v1.0/ingestion/products?$skipToken=eyJ+/a=="), productsPage("", "b")},
			ids:     "b", lines: []string{"GET /products", "GET /products?$skipToken=eyJ+/a=="},
		},
		"short and empty pages in the middle": {
			answers: []answer{productsPage("v1.0/ingestion/products?$skipToken=1", "a"), productsPage("v1.0/ingestion/products?$skipToken=2"), productsPage("v1.0/ingestion/products?$skipToken=3", "b", "c"), productsPage("")},
			ids:     "a b c", lines: []string{"GET /products", "GET /products?$skipToken=1", "GET /products?$skipToken=2", "GET /products?$skipToken=3"},
		},
		"the schema's name for the link, and an absolute one": {
			answers: []answer{ok(`{"value":[{"id":"a"}],"@odata.nextLink":"https://api.partner.microsoft.com/v1.0/ingestion/products?$skipToken=1"}`), ok(`{"value":null,"nextLink":null}`)},
			ids:     "a", lines: []string{"GET /products", "GET /products?$skipToken=1"},
		},
		"a link to nothing ends quietly": {
			answers: []answer{productsPage("v1.0/ingestion/products?$skipToken=1", "a"), {status: 404, body: `"gone"`}},
			ids:     "a", lines: []string{"GET /products", "GET /products?$skipToken=1"},
		},
		"a link to nothing, strictly": {
			more:    []ingestion.Option{ingestion.WithStrictPaging()},
			answers: []answer{productsPage("v1.0/ingestion/products?$skipToken=1", "a"), {status: 404, body: `"gone"`}},
			ids:     "a", err: "404", lines: []string{"GET /products", "GET /products?$skipToken=1"},
		},
		"nothing at all is an error": {answers: []answer{{status: 404}}, err: "404", lines: []string{"GET /products"}},
		"a loop of one": {
			answers: []answer{productsPage("v1.0/ingestion/products?$skipToken=1", "a")},
			ids:     "a a", err: "leads back", lines: []string{"GET /products", "GET /products?$skipToken=1"},
		},
		"a loop of two": {
			answers: []answer{productsPage("v1.0/ingestion/x?1"), productsPage("v1.0/ingestion/x?2"), productsPage("v1.0/ingestion/x?1", "a")},
			ids:     "a", err: "leads back", lines: []string{"GET /products", "GET /x?1", "GET /x?2"},
		},
		"another host":      {answers: []answer{productsPage("https://evil.example/v1.0/ingestion/products?$skipToken=1", "a")}, ids: "a", err: "refusing to send credentials", lines: []string{"GET /products"}},
		"a link of no kind": {answers: []answer{ok(`{"nextLink":7,"value":[]}`)}, err: "nextLink is not a string", lines: []string{"GET /products"}},
		"no listing":        {answers: []answer{ok(`{"id":"a"}`)}, err: "no value member", lines: []string{"GET /products"}},
		"no array":          {answers: []answer{ok(`{"value":{}}`)}, err: "value is not an array", lines: []string{"GET /products"}},
		"no object":         {answers: []answer{ok(`[]`)}, err: "not a JSON object", lines: []string{"GET /products"}},
		"no item":           {answers: []answer{ok(`{"value":[{"id":"a"},7]}`)}, err: "item 1", lines: []string{"GET /products"}},
		"a byte order mark": {answers: []answer{ok("\ufeff" + `{"value":[{"id":"a"}]}`)}, ids: "a", lines: []string{"GET /products"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answers(c.answers...)
			got, err := collect(newClient(t, s, c.more...).Products().All(t.Context(), ingestion.Filter{}))
			if ids := productIDs(got); ids != c.ids {
				t.Errorf("products %q, want %q", ids, c.ids)
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			lines := s.lines()
			if diff := cmp.Diff(c.lines, lines); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTurningPagesByHand(t *testing.T) {
	t.Parallel()
	s := answers(productsPage("v1.0/ingestion/products?$skipToken=1", "a"), productsPage("", "b"))
	products := newClient(t, s).Products()
	filter := ingestion.TypeIs(ingestion.SaaS)
	first, err := products.Page(t.Context(), filter, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := products.Page(t.Context(), filter, first.Next)
	if err != nil {
		t.Fatal(err)
	}
	if productIDs(first.Items)+productIDs(second.Items) != "ab" || second.Next != "" {
		t.Errorf("%v, %v", first, second)
	}
	want := []string{"GET /products?$filter=resourceType%20eq%20%27SoftwareAsAService%27", "GET /products?$skipToken=1"}
	if diff := cmp.Diff(want, s.lines()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestListingsCanBeReadTwiceAndLeftEarly(t *testing.T) {
	t.Parallel()
	s := answers(ok(`{"nextLink":"v1.0/ingestion/x","value":[{"errorCode":"1"},{"errorCode":"2"}]}`))
	items := newClient(t, s).Product("p").Submissions().Validations("s").All(t.Context())
	for range 2 {
		for item, err := range items {
			if err != nil || item.ErrorCode != "1" {
				t.Errorf("%v, %v", item, err)
			}
			break
		}
	}
	if diff := cmp.Diff([]string{"GET /products/p/submissions/s/validations", "GET /products/p/submissions/s/validations"}, s.lines()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestDraftsOfAnInstance(t *testing.T) {
	t.Parallel()
	one, other := `{"id":"a"}`, `{"id":"b"}`
	for _, c := range []struct {
		body, id, err string
		missing       bool
	}{
		{body: listOf(one), id: "a"},
		{body: listOf(one + "," + other), err: "2 things belong to instance i"},
		{body: listOf(""), err: "nothing belongs to instance i", missing: true},
	} {
		r, err := newClient(t, answers(ok(c.body))).Product("p").Listings().Draft(t.Context(), "i")
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || errors.Is(err, partnercenter.ErrNotFound) != c.missing {
				t.Errorf("%s: %v", c.body, err)
			}
		} else if err != nil || r.ID != c.id {
			t.Errorf("%s: %v, %v", c.body, r, err)
		}
	}
	if _, err := newClient(t, answers(answer{status: 403})).Product("p").Listings().Draft(t.Context(), "i"); !errors.Is(err, partnercenter.ErrForbidden) {
		t.Errorf("refused: %v", err)
	}
}

func TestBranchesLeadToTheRightDraft(t *testing.T) {
	t.Parallel()
	const body = `{"value":[{"variantID":"testdrive","currentDraftInstanceID":"t","type":"Main"},{"currentDraftInstanceID":"x","type":"Private"},` +
		`{"currentDraftInstanceID":"p","type":"Main"},{"variantID":"V-1","currentDraftInstanceID":"2152924500012534075"},{"variantID":"v-2"}]}`
	for variant, want := range map[string]string{"": "p", "v-1": "2152924500012534075", ingestion.TestDriveID: "t", "v-2": "", "v-3": ""} {
		id, err := newClient(t, answers(ok(body))).Product("p").Branches().Draft(t.Context(), ingestion.ModuleAvailability, variant)
		if id != want || errors.Is(err, partnercenter.ErrNotFound) != (want == "") {
			t.Errorf("draft of %q: %q, %v", variant, id, err)
		}
	}
	if _, err := newClient(t, answers(answer{status: 403})).Product("p").Branches().Draft(t.Context(), "Listing", ""); !errors.Is(err, partnercenter.ErrForbidden) {
		t.Errorf("refused: %v", err)
	}
}
