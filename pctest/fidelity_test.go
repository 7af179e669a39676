package pctest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// These tests prove statements of the ledger that no other test is about.

// document is a decoded answer.
type document map[string]any

func (d document) text(name string) string { s, _ := d[name].(string); return s }

// values are the elements of a listing.
func (d document) values() []document {
	var out []document
	values, _ := d["value"].([]any)
	for _, v := range values {
		o, _ := v.(map[string]any)
		out = append(out, o)
	}
	return out
}

// send sends an object of JSON to the submission API and decodes what comes back.
func (c *caller) send(method, path, body string, header ...string) (answer, document) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+"/v1.0/ingestion"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var out document
	if len(b) > 0 && b[0] == '{' {
		if err := json.Unmarshal(b, &out); err != nil {
			c.t.Fatalf("%v in %s", err, b)
		}
	}
	return answer{resp.Status, resp.StatusCode, resp.Header, resp.ContentLength}, out
}

// draft returns the id of a product's draft.
func (c *caller) draft(product, module string) string {
	c.t.Helper()
	_, list := c.send("GET", "/products/"+product+"/branches/getByModule(module="+module+")", "")
	for _, b := range list.values() {
		if b.text("variantID") == "" {
			return b.text("currentDraftInstanceID")
		}
	}
	c.t.Fatalf("there is no draft of %s in %v", module, list)
	return ""
}

// listing returns the listing of a product.
func (c *caller) listing(product string) document {
	c.t.Helper()
	_, found := c.send("GET", "/products/"+product+"/listings/getByInstanceID(instanceID="+c.draft(product, "Listing")+")", "")
	if len(found.values()) != 1 {
		c.t.Fatalf("%v", found)
	}
	return found.values()[0]
}

func TestExpiredTokensAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		c := newCaller(t, srv)
		time.Sleep(time.Hour)
		for _, host := range []string{"https://api.partner.microsoft.com/v1.0/payouts/payments/x", "https://api.partner.microsoft.com/v1.0/ingestion/products"} {
			resp, body, err := c.try(t.Context(), "GET", host, "Authorization", "Bearer "+c.token.Reveal())
			if err != nil || resp.StatusCode != 401 {
				t.Errorf("%s: %s %s %v", host, resp.Status, body, err)
			}
		}
	})
}

func TestEnvelopesMayLackMembers(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	token, err := srv.TokenSource().Token(t.Context(), partnercenter.TokenRequest{Resource: "https://api.partnercenter.microsoft.com"})
	if err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, srv)
	for _, bare := range []bool{false, true} {
		if err := srv.Analytics().Configure(func(b *pctest.AnalyticsBehavior) { b.BareEnvelope = bare }); err != nil {
			t.Fatal(err)
		}
		_, body, err := c.try(t.Context(), "GET", "https://api.partnercenter.microsoft.com/insights/v1/mpn/ScheduledDataset", "Authorization", "Bearer "+token.Value.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{`"nextLink":`, `"dataRedacted":`} {
			if strings.Contains(string(body), name) == bare {
				t.Errorf("bare %v: %s is in the answer: %v", bare, name, !bare)
			}
		}
	}
}

func TestPagesHoldAHundredAtMost(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t, pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) { b.PageSizes = nil }))
	for i := range 130 {
		if _, err := srv.Ingestion().AddProduct(pctest.Product{Type: "AzureContainer", OfferID: fmt.Sprint("offer-", i)}); err != nil {
			t.Fatal(err)
		}
	}
	_, page := newCaller(t, srv).send("GET", "/products", "")
	if n := len(page.values()); n != 100 || page.text("nextLink") == "" {
		t.Errorf("a page of %d, and then %q", n, page.text("nextLink"))
	}
}

func TestSetupIsReplacedByPosting(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c, at := newCaller(t, srv), "/products/"+seed(t, srv).ID+"/setup"
	for _, option := range []string{"ListAndSell", "ListingOnly"} {
		resp, made := c.send("POST", at, `{"resourceType": "AzureProductSetup", "sellingOption": "`+option+`"}`)
		_, kept := c.send("GET", at, "")
		if resp.StatusCode != 200 || made.text("sellingOption") != option || kept.text("sellingOption") != option {
			t.Errorf("%s: %v, %v", resp.Status, made, kept)
		}
	}
}

func TestListingsAreReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c, product := newCaller(t, srv), seed(t, srv).ID
	old := c.listing(product)
	path := "/products/" + product + "/listings/" + old.text("id")
	for _, body := range []string{`{"resourceType": "AzureListing", "title": "T", "summary": "S", "keywords": ["k"]}`, `{"resourceType": "AzureListing", "title": "T"}`} {
		if resp, got := c.send("PUT", path, body); resp.StatusCode != 200 {
			t.Fatalf("%s %v", resp.Status, got)
		}
	}
	_, got := c.send("GET", path, "")
	if got["summary"] != nil || got["keywords"] != nil || got.text("title") != "T" || got.text("languageCode") != "en-us" || got.text("id") != old.text("id") {
		t.Errorf("left is %v", got)
	}
}

func TestAnAsteriskMatchesEverywhere(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c, product := newCaller(t, srv), seed(t, srv).ID
	listing := c.listing(product)
	at := "/products/" + product
	_, pack := c.send("POST", at+"/packages", `{"resourceType": "AzureApplicationPackage", "fileName": "a.zip"}`, "If-Match", "*")
	for _, tt := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", at, "", 200},
		{"GET", at + "/listings/" + listing.text("id"), "", 200},
		{"PUT", at + "/listings/" + listing.text("id"), `{"resourceType": "AzureListing", "title": "T"}`, 200},
		{"POST", at + "/setup", `{"resourceType": "AzureProductSetup"}`, 200},
		{"DELETE", at + "/packages/" + pack.text("id"), "", 204},
	} {
		if resp, got := c.send(tt.method, tt.path, tt.body, "If-Match", "*"); resp.StatusCode != tt.want {
			t.Errorf("%s %s: %s %v", tt.method, tt.path, resp.Status, got)
		}
	}
}

func TestNoContentHasNoType(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	lo, err := srv.ListenPlain() // net/http decides what is sent
	if err != nil {
		t.Fatal(err)
	}
	c, product := newCaller(t, srv), seed(t, srv).ID
	c.http, c.base = lo.Client(), lo.APIURL
	resp, _ := c.send("DELETE", "/products/"+product, "")
	if resp.StatusCode != 204 || resp.Header.Get("Content-Type") != "" || resp.ContentLength != 0 || resp.Header.Get("Request-Id") == "" {
		t.Errorf("%s %v, length %d", resp.Status, resp.Header, resp.ContentLength)
	}
}

func TestSubmissionAPIBelowAnyBasePath(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	product := seed(t, srv).ID
	o := serveOrigin(t, srv, pctest.AdminOff)
	c := newCaller(t, srv)
	c.http = o.direct
	for _, base := range []string{o.url, o.url + "/api.partner.microsoft.com"} {
		c.base = base
		if resp, got := c.send("GET", "/products/"+product, ""); resp.StatusCode != 200 || got.text("id") != product {
			t.Errorf("%s: %s %v", base, resp.Status, got)
		}
	}
}

func TestProductsHaveTheirDraftsAtOnce(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t, pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) { b.BranchDelay = time.Hour }))
	c := newCaller(t, srv)
	_, product := c.send("POST", "/products", `{"resourceType": "AzureApplication", "name": "n"}`)
	ids := make(map[string]bool)
	for _, module := range []string{"Availability", "Listing", "Package", "Property", "ResellerConfiguration"} {
		ids[c.draft(product.text("id"), module)] = true
	}
	if len(ids) != 5 || ids[""] {
		t.Errorf("the drafts are %v", ids)
	}
}

func TestASecondSubmissionIsAnInvalidState(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c, product := newCaller(t, srv), seed(t, srv).ID
	body := func() string {
		b, err := json.Marshal(map[string]any{
			"resourceType": "SubmissionCreationRequest", "targets": []map[string]string{{"type": "Scope", "value": "preview"}},
			"resources": []map[string]string{
				{"type": "Listing", "value": c.draft(product, "Listing")},
				{"type": "ResellerConfiguration", "value": c.draft(product, "ResellerConfiguration")},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var got []string
	for range 2 {
		resp, answer := c.send("POST", "/products/"+product+"/submissions", body())
		got = append(got, fmt.Sprint(resp.StatusCode, " ", answer.text("code"), " ", answer.text("source")))
	}
	if d := cmp.Diff([]string{"201  ", "409 InvalidState Ingestion Api"}, got); d != "" {
		t.Error(d)
	}
}
