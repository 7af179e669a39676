package ingestion

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An answer without a body says so, and has no content type.
func TestNoContent(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, v := r.seeded()
	w := r.do(http.MethodDelete, "/products/"+p+"/variants/"+v, "")
	if w.Code != 204 || w.Header().Get("Content-Length") != "0" || w.Header().Get("Content-Type") != "" || w.Body.Len() != 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := r.do(http.MethodDelete, "/products/"+p+"/variants/"+v, ""); w.Code != 404 {
		t.Errorf("again: %d", w.Code)
	}
	for _, b := range r.json(http.MethodGet, "/products/"+p+"/branches/getByModule(module=Listing)", "").objects("value") {
		if b.has("variantID") {
			t.Errorf("a draft of the plan is left: %s", b.append(nil))
		}
	}
}

// Collections that are not known to have pages can be given some.
func TestPagesOfOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings) { s.PageSizesOfOthers, s.EmptyLastPage = []int{2, 0, 1}, true })
	p, _ := r.seeded()
	for _, id := range []string{"b", "c", "d"} {
		r.json(http.MethodPost, "/products/"+p+"/variants", `{"resourceType":"AzureSkuVariant","friendlyName":"x","externalID":"`+id+`"}`)
	}
	var sizes []int
	seen := ""
	for next := "/products/" + p + "/variants"; ; {
		page := r.json(http.MethodGet, next, "")
		sizes = append(sizes, len(page.objects("value")))
		for _, v := range page.objects("value") {
			seen += v.text("externalID") + " "
		}
		link := page.text("nextLink")
		if link == "" {
			break
		}
		if !strings.HasPrefix(link, "v1.0/ingestion/products/"+p+"/variants?$skipToken=") {
			t.Fatalf("link %s", link)
		}
		next = apiHost + "/" + link
	}
	if diff := cmp.Diff([]int{2, 0, 1, 1, 0}, sizes); diff != "" || seen != "basic b c d " {
		t.Error(diff, seen)
	}
	if w := r.do(http.MethodGet, "/products/"+p+"/variants?$skipToken=x", ""); w.Code != 400 {
		t.Errorf("%d", w.Code)
	}
}

// Material for certification gets an id and a link for every file.
func TestSupplementalFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, _ := r.seeded()
	at := "/products/" + p + "/supplementalContents/" + r.instance(p, "SupplementalContent", "")
	got := r.json(http.MethodPut, at, `{"resourceType":"SupplementalContent","targetRelease":"1","assets":[{"fileName":"a.docx","type":"Doc"}]}`)
	assets := got.objects("assets")
	if len(assets) != 1 || assets[0].text("assetID") == "" {
		t.Fatalf("%s", got.append(nil))
	}
	if w := r.do(http.MethodPut, assets[0].text("fileSasUri"), "doc"); w.Code != 201 {
		t.Errorf("upload: %d", w.Code)
	}
	if again := r.json(http.MethodPost, at+"/commit", ""); again.objects("assets")[0].text("assetID") != assets[0].text("assetID") {
		t.Errorf("%s", again.append(nil))
	}
}

// Every type of product has the package configuration that goes with it.
func TestConfigurationsByProduct(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings) { s.TestDrive, s.TestDriveDelay = true, 0 })
	for kind, want := range map[string]string{
		application: "AzureApplicationPackageConfiguration AzureResourceManagerTestDrivePackageConfiguration AzureSolutionTemplatePackageConfiguration ",
		central:     "Dynamics365BusinessCentralPackageConfiguration ", engagement: "Dynamics365CustomerEngagementPackageConfiguration ",
		operations: "Dynamics365OperationsPackageConfiguration ", "SoftwareAsAService": "",
	} {
		p := r.json(http.MethodPost, "/products", `{"resourceType":"`+kind+`","name":"n"}`).text("id")
		r.json(http.MethodPost, "/products/"+p+"/variants", `{"resourceType":"AzureSkuVariant","friendlyName":"x","externalID":"x"}`)
		got := ""
		for _, b := range r.json(http.MethodGet, "/products/"+p+"/branches/getByModule(module=Package)", "").objects("value") {
			for _, c := range r.json(http.MethodGet, "/products/"+p+"/packageConfigurations/getByInstanceID(instanceID="+b.text("currentDraftInstanceID")+")", "").objects("value") {
				got += c.text("resourceType") + " "
			}
		}
		if got != want {
			t.Errorf("%s: %q", kind, got)
		}
		setup := r.json(http.MethodGet, "/products/"+p+"/setup", "")
		if (kind == central) != (setup.text("packageType") == "AddOn") {
			t.Errorf("%s: %s", kind, setup.append(nil))
		}
	}
}

// A newer submission takes the place of a preview, and steps can be forced.
func TestSupersededPreview(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings) { s.Steps = []Step{Ready()} })
	p, _ := r.seeded()
	at := "/products/" + p + "/submissions/"
	old := r.submit(p).text("id")
	fresh := r.submit(p).text("id")
	if w := r.do(http.MethodPost, at+old+"/promote", ""); w.Code != 409 {
		t.Errorf("promoting a superseded preview: %d", w.Code)
	}
	if w := r.do(http.MethodPost, at+fresh+"/promote", "[]"); w.Code != 400 {
		t.Errorf("promoting with nonsense: %d", w.Code)
	}
	if err := r.s.Finish(p, fresh, Step{State: inProgress, Substate: failed}); err != nil {
		t.Fatal(err)
	}
	if got := r.json(http.MethodGet, at+fresh, ""); got.text("substate") != failed {
		t.Errorf("%s", got.append(nil))
	}
	info, ok := r.s.Product("my-offer")
	if !ok || len(r.s.Products()) != 1 || len(info.Submissions) != 2 || info.Submissions[1].Substate != failed {
		t.Errorf("%+v", info)
	}
	if w := r.do(http.MethodDelete, at+fresh, ""); w.Code != 204 {
		t.Errorf("removing what has failed: %d", w.Code)
	}
	if w := r.do(http.MethodPost, at+old+"/promote", ""); w.Code != 200 {
		t.Errorf("promoting what nothing has superseded: %d", w.Code)
	}
	if info, _ = r.s.Product(p); len(info.Submissions) != 1 || !info.Submissions[0].Promoted {
		t.Errorf("%+v", info)
	}
}
