package ingestion

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// normal takes the names of ids out of a path and its case away.
func normal(operation string) string {
	return strings.ToLower(regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(operation, "{}"))
}

func TestOperationsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("PARTNERCENTER_SPEC")
	if folder == "" {
		t.Skip("PARTNERCENTER_SPEC is not set: it names the folder with ingestion-openapi.json")
	}
	text, err := os.ReadFile(filepath.Join(folder, "ingestion-openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	var want, have []string
	for path, methods := range document.Paths {
		for method := range methods {
			want = append(want, normal(method+" "+path))
		}
	}
	for _, o := range Operations() {
		have = append(have, normal(o))
	}
	slices.Sort(want)
	slices.Sort(have)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-document +fake)\n%s", diff)
	}
	if len(have) != 78 {
		t.Errorf("%d operations", len(have))
	}
}

// tour calls every operation, and remembers which ones have succeeded.
type tour struct {
	*rig

	hit map[string]bool
}

// call sends a request that must be answered with the status.
func (o *tour) call(want int, method, path, body string, header ...string) object {
	o.t.Helper()
	w := o.do(method, path, body, header...)
	if w.Code != want {
		o.t.Fatalf("%s %s: %d, not %d: %s", method, path, w.Code, want, w.Body)
	}
	for _, r := range o.s.routes {
		bare, _, _ := strings.Cut(path, "?")
		if _, ok := r.match(strings.Split(strings.Trim(bare, "/"), "/")); ok && r.method == method {
			o.hit[normal(method+" "+r.path)] = true
		}
	}
	out, _ := parseObject(w.Body.Bytes())
	return out
}

// draft returns the instance id of a draft.
func (o *tour) draft(product, module, variant string) string {
	o.t.Helper()
	for _, b := range o.call(200, http.MethodGet, "/products/"+product+"/branches/getByModule(module="+module+")", "").objects("value") {
		if b.text("variantID") == variant {
			return b.text("currentDraftInstanceID")
		}
	}
	o.t.Fatalf("no draft of %s", module)
	return ""
}

// update reads a resource, adds a member that nobody knows, and writes it back.
func (o *tour) update(path, id string) {
	o.t.Helper()
	before := o.call(200, http.MethodGet, path+"/"+id, "")
	before.set("badge", raw(`{"Gold":[1e400,"é<&"],"n":12345678901234567890}`))
	after := o.call(200, http.MethodPut, path+"/"+id, string(before.append(nil)), "If-Match", before.text("@odata.etag"))
	if after.text("@odata.etag") == before.text("@odata.etag") {
		o.t.Errorf("PUT %s: the etag has not changed", path)
	}
	again := o.call(200, http.MethodGet, path+"/"+id, "")
	for _, m := range before {
		if m.key != "@odata.etag" && string(again.get(m.key)) != string(m.value) && m.key != "fileSasUri" && m.key != "thumbnail" && m.key != "resourceType" {
			o.t.Errorf("PUT %s: %s was %s and is %s", path, m.key, m.value, again.get(m.key))
		}
	}
	if w := o.do(http.MethodPut, path+"/"+id, string(before.append(nil)), "If-Match", before.text("@odata.etag")); w.Code != 412 {
		o.t.Errorf("PUT %s with an old etag: %d", path, w.Code)
	}
}

func archive(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create("mainTemplate.json"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// One call of each operation, in the order of a publisher's work.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	o := &tour{rig: newRig(t, nil), hit: make(map[string]bool)}
	p := o.call(201, http.MethodPost, "/products", `{"resourceType":"AzureApplication","name":"n","externalIds":[{"type":"AzureOfferID","value":"o"}],"ID":"x"}`).text("id")
	at := "/products/" + p
	o.call(200, http.MethodGet, "/products", "")
	o.call(200, http.MethodGet, at, "")
	o.call(200, http.MethodPost, at+"/setup", string(o.call(200, http.MethodGet, at+"/setup", "").append(nil)))
	v := o.call(201, http.MethodPost, at+"/variants", `{"resourceType":"AzureSkuVariant","friendlyName":"Plan","externalID":"plan","SubType":"managed-application"}`).text("id")
	o.call(200, http.MethodGet, at+"/variants", "")
	o.update(at+"/variants", v)

	for _, c := range []struct{ collection, functions, module, variant string }{
		{"properties", "properties", "Property", ""},
		{"productavailabilities", "productAvailabilities", "Availability", ""},
		{"featureavailabilities", "featureAvailabilities", "Availability", v},
		{"listings", "listings", "Listing", ""},
		{"packageconfigurations", "packageConfigurations", "Package", v},
		{"cosellListing", "cosellListing", "Cosell", ""},
		{"supplementalContents", "supplementalcontents", "SupplementalContent", ""},
	} {
		instance := o.draft(p, c.module, c.variant)
		list := o.call(200, http.MethodGet, at+"/"+c.functions+"/getByInstanceID(instanceID="+instance+")", "").objects("value")
		if len(list) != 1 {
			t.Fatalf("%s: %d drafts", c.collection, len(list))
		}
		id := list[0].text("id")
		if c.module == "Cosell" || c.module == "SupplementalContent" {
			id = instance
		}
		o.update(at+"/"+c.collection, id)
		if c.module == "SupplementalContent" {
			o.call(200, http.MethodPost, at+"/supplementalContents/"+instance+"/commit", "")
		}
	}
	o.call(200, http.MethodGet, at+"/properties", "")
	o.call(200, http.MethodPost, at+"/properties", `{"resourceType":"AzureProperty"}`)
	o.call(200, http.MethodGet, at+"/productavailabilities", "")
	o.call(201, http.MethodPost, at+"/productavailabilities", `{"resourceType":"ProductAvailability"}`)

	listings := at + "/listings"
	german := o.call(201, http.MethodPost, listings+"/createWithInstanceID(instanceID="+o.draft(p, "Listing", "")+")", `{"resourceType":"AzureListing","languageCode":"de-de"}`).text("id")
	for name, body := range map[string]string{
		"images": `{"resourceType":"ListingImage","fileName":"l.png","type":"AzureLogoSmall","order":0}`,
		"videos": `{"resourceType":"ListingVideo","streamingUri":"https://v.example/1","thumbnail":{"fileName":"t.png"}}`,
		"assets": `{"resourceType":"ListingAsset","fileName":"d.pdf","type":"Document"}`,
	} {
		path := listings + "/" + german + "/" + name
		id := o.call(201, http.MethodPost, path, body).text("id")
		o.call(200, http.MethodGet, path, "")
		o.update(path, id)
		o.call(204, http.MethodDelete, path+"/"+id, "")
		o.call(404, http.MethodGet, path+"/"+id, "")
	}
	o.call(204, http.MethodDelete, listings+"/"+german, "")

	asset := o.call(200, http.MethodPost, at+"/cosellAssets", `{"resourceType":"CosellAsset","fileName":"c.pdf"}`).text("id")
	o.call(200, http.MethodGet, at+"/cosellAssets", "")
	o.call(200, http.MethodGet, at+"/cosellAssets/getByInstanceID(instanceID="+o.draft(p, "Cosell", "")+")", "")
	o.update(at+"/cosellAssets", asset)
	o.call(204, http.MethodDelete, at+"/cosellAssets/"+asset, "")

	pack := o.call(201, http.MethodPost, at+"/packages", `{"resourceType":"AzureApplicationPackage","fileName":"app.zip"}`)
	if w := o.do(http.MethodPut, pack.text("fileSasUri"), archive(t)); w.Code != 201 {
		t.Fatalf("upload: %d %s", w.Code, w.Body)
	}
	o.call(200, http.MethodGet, at+"/packages", "")
	o.update(at+"/packages", pack.text("id"))
	o.call(204, http.MethodDelete, at+"/packages/"+pack.text("id"), "")

	o.call(404, http.MethodGet, at+"/leadconfiguration", "")
	o.call(200, http.MethodPost, at+"/leadconfiguration", `{"resourceType":"AzureTableLeadConfiguration","connectionString":"k"}`)
	o.call(200, http.MethodGet, at+"/leadconfiguration", "")
	o.call(200, http.MethodPost, at+"/resellerConfiguration", string(o.call(200, http.MethodGet, at+"/resellerConfiguration", "").append(nil)))

	body := submissionBody(o.draft(p, "Listing", ""), o.draft(p, "ResellerConfiguration", ""))
	sub := o.call(201, http.MethodPost, at+"/submissions", body).text("id")
	o.call(200, http.MethodGet, at+"/submissions", "")
	o.clock.Advance(hour)
	for _, what := range []string{"", "/validations", "/reports", "/workflowdetails"} {
		o.call(200, http.MethodGet, at+"/submissions/"+sub+what, "")
	}
	o.call(200, http.MethodPost, at+"/submissions/"+sub+"/promote", "{}")
	o.clock.Advance(24 * hour)
	body = submissionBody(o.draft(p, "Listing", ""), o.draft(p, "ResellerConfiguration", ""))
	o.call(204, http.MethodDelete, at+"/submissions/"+o.call(201, http.MethodPost, at+"/submissions", body).text("id"), "")

	second := o.call(201, http.MethodPost, "/products", `{"resourceType":"AzureContainer","name":"n2"}`).text("id")
	plan := o.call(201, http.MethodPost, "/products/"+second+"/variants", `{"resourceType":"AzureSkuVariant","friendlyName":"P","externalID":"p"}`).text("id")
	o.call(204, http.MethodDelete, "/products/"+second+"/variants/"+plan, "")
	o.call(204, http.MethodDelete, "/products/"+second, "")
	o.call(404, http.MethodGet, "/products/"+second, "")

	for _, r := range o.s.routes {
		if !o.hit[normal(r.method+" "+r.path)] {
			t.Errorf("%s %s was not called", r.method, r.path)
		}
	}
}

func submissionBody(listing, reseller string) string {
	return `{"resourceType":"SubmissionCreationRequest","targets":[{"type":"Scope","value":"preview"}],"resources":[{"type":"Listing","value":"` +
		listing + `"},{"type":"ResellerConfiguration","value":"` + reseller + `"}],"extendedProperties":[]}`
}
