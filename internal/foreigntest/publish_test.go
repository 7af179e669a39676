package foreigntest

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"image"
	"image/png"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
)

const ingestionAPI = "https://api.partner.microsoft.com/v1.0/ingestion/"

// resource is an object of the submission API.
type resource map[string]any

func (r resource) text(name string) string { s, _ := r[name].(string); return s }

// with returns a copy with other members, given as JSON, as it is sent back.
func (r resource) with(t *testing.T, changes string) string {
	t.Helper()
	out := maps.Clone(r)
	if err := json.Unmarshal([]byte(changes), &out); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// publisher walks through the submission API with curl.
type publisher struct {
	*curl
	product string
}

func (p *publisher) at(path string) string {
	return ingestionAPI + "products/" + p.product + "/" + path
}

func (p *publisher) one(status int, method, path, body string, more ...string) resource {
	p.t.Helper()
	out := resource{}
	p.send(status, &out, method, p.at(path), body, more...)
	return out
}

// list gets a collection.
func (p *publisher) list(path string) []resource {
	p.t.Helper()
	var out struct {
		Value []resource `json:"value"`
	}
	p.json(200, &out, p.at(path))
	return out.Value
}

// draft returns the id of the draft of a module, of the product or of a plan.
func (p *publisher) draft(module, variant string) string {
	p.t.Helper()
	for _, b := range p.list("branches/getByModule(module=" + module + ")") {
		if b.text("variantID") == variant {
			return b.text("currentDraftInstanceID")
		}
	}
	p.t.Fatalf("there is no draft of %s %s", module, variant)
	return ""
}

// change reads the only resource of a draft and puts it back changed.
func (p *publisher) change(collection, instance, changes string) resource {
	p.t.Helper()
	list := p.list(collection + "/getByInstanceID(instanceID=" + instance + ")")
	if len(list) != 1 {
		p.t.Fatalf("%d %s", len(list), collection)
	}
	old := list[0]
	return p.one(200, "PUT", strings.ToLower(collection)+"/"+old.text("id"), old.with(p.t, changes), "-H", "If-Match: "+old.text("@odata.etag"))
}

// logo makes a picture of the size that a large logo must have.
func logo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "large.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, image.NewGray(image.Rect(0, 0, 216, 216))); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// bundle makes the package of an application.
func bundle(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"mainTemplate.json", "createUiDefinition.json"} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("{} "), 20_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// azblobUpload uploads with Microsoft's storage client, in blocks.
func (e *emulator) azblobUpload(link string, content []byte) {
	e.t.Helper()
	ca, err := os.ReadFile(e.CAFile)
	if err != nil {
		e.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) { // the name resolution
			return new(net.Dialer).DialContext(ctx, network, e.Address)
		},
	}
	defer transport.CloseIdleConnections()
	client, err := blockblob.NewClientWithNoCredential(link, &blockblob.ClientOptions{ClientOptions: policy.ClientOptions{Transport: &http.Client{Transport: transport}}})
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := client.UploadBuffer(e.t.Context(), content, &blockblob.UploadBufferOptions{BlockSize: 16 << 10, Concurrency: 4}); err != nil {
		e.t.Fatalf("azblob: %v", err)
	}
}

// An offer from nothing to live, as the tools of publishers do it one after another:
// https://learn.microsoft.com/partner-center/marketplace-offers/submission-api-onboard.
func TestCurlAndAzblobPublishAnOffer(t *testing.T) {
	t.Parallel()
	p := &publisher{curl: newCurl(t, startEmulator(t))}
	p.signIn("v2.0/", "grant_type=client_credentials", "scope=https://api.partner.microsoft.com/.default")

	product := resource{}
	p.send(201, &product, "POST", ingestionAPI+"products",
		`{"resourceType": "AzureApplication", "name": "Walk", "externalIDs": [{"type": "AzureOfferId", "value": "walk-through"}], "isModularPublishing": true}`)
	p.product = product.text("id")
	var found struct {
		Value []resource `json:"value"`
	}
	p.json(200, &found, "-G", "--data-urlencode", "$filter=ExternalIDs/Any(i:i/Type eq 'AzureOfferId' and i/Value eq 'walk-through')", ingestionAPI+"products")
	if len(found.Value) != 1 || found.Value[0].text("id") != p.product {
		t.Fatalf("the product is found as %v", found.Value)
	}

	p.change("properties", p.draft("Property", ""), `{"appVersion": "1.0.0", "useEnterpriseContract": true, "leveledCategories": {"compute-azure-apps": []}}`)
	listing := p.change("listings", p.draft("Listing", ""), `{"title": "Walk", "summary": "A walk", "description": "<p>Through</p>", "publisherName": "contoso"}`)

	// A logo, with curl.
	image := p.one(201, "POST", "listings/"+listing.text("id")+"/images", `{"resourceType": "ListingImage", "fileName": "large.png", "type": "AzureLogoLarge", "state": "PendingUpload", "order": 0}`)
	if status, _, body := p.download(image.text("fileSasUri"), "-X", "PUT", "-H", "x-ms-blob-type: BlockBlob", "-H", "Content-Type: image/png", "--data-binary", "@"+logo(t)); status != 201 {
		t.Fatalf("the upload is answered with %d %s", status, body)
	}
	image = p.one(200, "PUT", "listings/"+listing.text("id")+"/images/"+image.text("id"), image.with(t, `{"state": "Uploaded"}`), "-H", "If-Match: "+image.text("@odata.etag"))
	if image.text("state") != "Uploaded" {
		t.Errorf("the image is %v", image)
	}

	p.change("productAvailabilities", p.draft("Availability", ""), `{"visibility": "Public", "audiences": [{"Type": "PreviewMarketplaceGroup", "Values": ["00000000-0000-4000-8000-000000000001"]}]}`)
	p.one(200, "POST", "resellerConfiguration", `{"resourceType": "ResellerConfiguration", "resellerChannelState": "Enabled", "tenantIds": []}`)
	plan := p.one(201, "POST", "variants", `{"resourceType": "AzureSkuVariant", "state": "Active", "friendlyName": "Basic", "externalID": "basic", "cloudAvailabilities": ["public-azure"], "SubType": "solution-template"}`).text("id")
	p.change("listings", p.draft("Listing", plan), `{"title": "Basic", "shortDescription": "The plan"}`)

	// The package, with azblob.
	pkg := p.one(201, "POST", "packages", `{"resourceType": "AzureApplicationPackage", "fileName": "app.zip"}`)
	p.azblobUpload(pkg.text("fileSasUri"), bundle(t))
	p.one(200, "PUT", "packages/"+pkg.text("id"), pkg.with(t, `{"state": "Uploaded"}`))
	p.advance("15m")
	seen := resource{}
	if p.json(200, &seen, p.at("packages/"+pkg.text("id"))); seen.text("state") != "Processed" {
		t.Fatalf("the package is %v", seen)
	}
	p.change("packageConfigurations", p.draft("Package", plan), `{"version": "1.0.0", "packageReferences": [{"type": "AzureApplicationPackage", "value": "`+pkg.text("id")+`"}]}`)

	var resources, ofPlan []map[string]string
	for _, module := range []string{"Availability", "Property", "Package", "Listing"} {
		resources = append(resources, map[string]string{"type": module, "value": p.draft(module, "")})
		if module != "Property" {
			ofPlan = append(ofPlan, map[string]string{"type": module, "value": p.draft(module, plan)})
		}
	}
	resources = append(resources, map[string]string{"type": "ResellerConfiguration", "value": p.draft("ResellerConfiguration", "")})
	body, err := json.Marshal(map[string]any{
		"resourceType": "SubmissionCreationRequest", "targets": []map[string]string{{"type": "Scope", "value": "preview"}},
		"resources": resources, "variantResources": []map[string]any{{"variantID": plan, "resources": ofPlan}},
	})
	if err != nil {
		t.Fatal(err)
	}
	submission := p.one(201, "POST", "submissions", string(body)).text("id")
	// It runs its course by the clock, and is published with the operator's help.
	if p.json(200, &seen, p.at("submissions/"+submission)); seen.text("substate") != "InDraft" {
		t.Errorf("the submission is %v", seen)
	}
	p.want(409, "-X", "POST", "-H", "Content-Type: application/json", "-d", "{}", p.at("submissions/"+submission+"/promote"))
	p.advance("15m")
	if p.json(200, &seen, p.at("submissions/"+submission)); seen.text("substate") != "ReadyToPublish" {
		t.Fatalf("the submission is %v", seen)
	}
	p.send(200, &seen, "POST", p.at("submissions/"+submission+"/promote"), "{}")
	p.want(200, "-X", "POST", p.Admin+"submissions/"+submission+"/finish")
	if p.json(200, &seen, p.at("submissions/"+submission)); seen.text("substate") != "InStore" {
		t.Errorf("the submission is %v", seen)
	}
	bare := &curl{emulator: p.emulator, resolve: p.resolve}
	if s := p.look(bare); len(s.Products) != 1 || s.Products[0].OfferID != "walk-through" || s.Products[0].Submissions[0].Substate != "InStore" {
		t.Errorf("%+v", s)
	}
	p.want(409, "-X", "DELETE", p.at("variants/"+plan)) // it is live
}
