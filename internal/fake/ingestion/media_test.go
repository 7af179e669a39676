package ingestion

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// uploads posts a resource with a file, uploads that, and says that it is there.
func (r *rig) uploads(path, body, content string) object {
	r.t.Helper()
	posted := r.json(http.MethodPost, path, body)
	part := posted
	if thumbnail := posted.object("thumbnail"); thumbnail != nil {
		part = thumbnail
	}
	if part.text("state") != pendingUpload {
		r.t.Errorf("POST %s: %s", path, posted.append(nil))
	}
	if w := r.do(http.MethodPut, part.text("fileSasUri"), content); w.Code != 201 {
		r.t.Fatalf("upload: %d %s", w.Code, w.Body)
	}
	part.set("state", uploaded)
	if posted.has("thumbnail") {
		posted.set("thumbnail", part)
	} else {
		posted = part
	}
	return r.json(http.MethodPut, path+"/"+posted.text("id"), string(posted.append(nil)), "If-Match", posted.text("@odata.etag"))
}

func (r *rig) listing(product string) string {
	r.t.Helper()
	l := r.one("/products/" + product + "/listings/getByInstanceID(instanceID=" + r.instance(product, "Listing", "") + ")")
	return "/products/" + product + "/listings/" + l.text("id")
}

func TestImagesAreLookedAt(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, _ := r.seeded()
	images := r.listing(p) + "/images"
	for _, c := range []struct{ kind, content, want string }{
		{"AzureLogoSmall", picture("AzureLogoSmall", 0), uploaded},
		{"AzureLogoMedium", picture("AzureLogoMedium", 0), uploaded},
		{"AzureLogoLarge", picture("AzureLogoLarge", 47334), uploaded},
		{"AzureLogoWide", picture("AzureLogoWide", 0), uploaded},
		{"AzureLogoSmall", picture("AzureLogoLarge", 0), processFailed},
		{"AzureLogoSmall", "no image", processFailed},
		{"AzureLogoSmall", "", processFailed},
		{"Image", "a screenshot", uploaded},
	} {
		got := r.uploads(images, `{"resourceType":"ListingImage","fileName":"l.png","type":"`+c.kind+`","state":"PendingUpload","order":0}`, c.content)
		if got.text("state") != c.want {
			t.Errorf("%s: %s, not %s", c.kind, got.text("state"), c.want)
		}
		r.clock.Advance(time.Hour)
		again := r.json(http.MethodGet, images+"/"+got.text("id"), "")
		if again.text("state") != c.want || again.has("fileSasUri") {
			t.Errorf("%s: later %s", c.kind, again.append(nil))
		}
	}
}

func TestVideosAndAssets(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, _ := r.seeded()
	at := r.listing(p)
	video := r.uploads(at+"/videos", `{"resourceType":"ListingVideo","streamingUri":"https://v.example/1","thumbnail":{"fileName":"t.png","title":"T"}}`, "png")
	if got := video.object("thumbnail"); got.text("state") != uploaded || got.text("title") != "T" || video.has("fileSasUri") {
		t.Errorf("%s", video.append(nil))
	}
	if plain := r.json(http.MethodPost, at+"/videos", `{"resourceType":"ListingVideo","streamingUri":"https://v.example/2"}`); plain.has("thumbnail") || plain.has("fileSasUri") {
		t.Errorf("%s", plain.append(nil))
	}
	if asset := r.uploads(at+"/assets", `{"resourceType":"ListingAsset","fileName":"d.pdf"}`, "pdf"); asset.text("state") != uploaded {
		t.Errorf("%s", asset.append(nil))
	}
	own := r.json(http.MethodPost, at+"/assets", `{"resourceType":"ListingAsset","fileName":"d.pdf","publisherDefinedSasUri":"https://own.example/x?sig=1"}`)
	own.set("state", uploaded)
	r.json(http.MethodPut, at+"/assets/"+own.text("id"), string(own.append(nil)))
}

// The links are like those recorded, and do what they permit.
func TestLinks(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, _ := r.seeded()
	images := r.listing(p) + "/images"
	posted := r.json(http.MethodPost, images, `{"resourceType":"ListingImage","fileName":"l.png","type":"Image"}`)
	link := posted.text("fileSasUri")
	if !regexp.MustCompile(`^https://ingestionpackagesprod1\.blob\.core\.windows\.net/file/[0-9]{19}\?sv=2018-03-28&sr=b&sig=[^&]+&se=[^&]+&sp=rwl$`).MatchString(link) {
		t.Errorf("link %s", link)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	expires, err := time.Parse(time.RFC3339, u.Query().Get("se"))
	if left := expires.Sub(r.clock.Now()); err != nil || left < 24*hour || left > 25*hour {
		t.Errorf("it expires %v", expires)
	}
	if w := r.do(http.MethodPut, link, "x", "X-Ms-Blob-Type", ""); w.Code != 400 {
		t.Errorf("without x-ms-blob-type: %d", w.Code)
	}
	if w := r.do(http.MethodPut, link, "x", "Authorization", "Bearer good"); w.Code != 403 {
		t.Errorf("with a token: %d", w.Code)
	}
	r.clock.Advance(25 * hour)
	if w := r.do(http.MethodPut, link, "x"); w.Code != 403 {
		t.Errorf("expired: %d", w.Code)
	}
	fresh := r.json(http.MethodGet, images+"/"+posted.text("id")+"?$expand=FileSasUri", "")
	if w := r.do(http.MethodPut, fresh.text("fileSasUri"), "x"); w.Code != 201 {
		t.Errorf("fresh: %d %s", w.Code, w.Body)
	}
	fresh.set("state", uploaded)
	put := r.json(http.MethodPut, images+"/"+posted.text("id"), string(fresh.append(nil)))
	read := put.text("fileSasUri")
	if !regexp.MustCompile(`\?[0-9]{2}%2f[0-9]{2}%2f[0-9]{4}\+[0-9]{2}%3a[0-9]{2}%3a[0-9]{2}&sv=.*&sp=rl$`).MatchString(read) {
		t.Errorf("link %s", read)
	}
	if w := r.do(http.MethodGet, read, ""); w.Code != 200 || w.Body.String() != "x" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := r.do(http.MethodPut, read, "y"); w.Code != 403 {
		t.Errorf("a link for reading: %d", w.Code)
	}
	for _, c := range []struct {
		query string
		old   bool
		want  bool
	}{
		{"", false, false}, {"?$expand=FileSasUri", false, true}, {"?%24EXPAND=filesasuri", false, true},
		{"?%24expand=%24expand%3DFileSasUri", false, false}, {"?%24expand=%24expand%3DFileSasUri", true, true},
	} {
		if err := r.s.Configure(func(s *Settings) { s.LinksForMalformedExpand = c.old }); err != nil {
			t.Fatal(err)
		}
		if got := r.one(images + c.query); got.has("fileSasUri") != c.want {
			t.Errorf("%s: %s", c.query, got.append(nil))
		}
	}
}

func TestPackagesAreProcessed(t *testing.T) {
	t.Parallel()
	short := time.Second
	for name, c := range map[string]struct {
		kind, content string
		change        func(*Settings)
		script        *PackageScript
		states        string // at once, and every 20 s
		found         string
	}{
		"managed application": {content: archive(t), states: "Uploaded InProcessing InProcessing Processed"},
		"no archive":          {content: "PK", states: "Uploaded InProcessing InProcessing ProcessFailed", found: "PackageInvalid"},
		"at once":             {content: archive(t), change: func(s *Settings) { s.InstantPackages = true }, states: "Processed Processed Processed Processed"},
		"Business Central":    {kind: "Dynamics365BusinessCentralAddOnExtensionPackage", content: "NAVX", states: "Processed Processed Processed Processed"},
		"by script": {
			content: archive(t), states: "Uploaded ProcessFailed ProcessFailed ProcessFailed", found: "Pid-1",
			script: &PackageScript{FileName: "APP.zip", Queue: &short, Time: &short, Failures: []Finding{{"Pid-1", "Error", "no pid", "mainTemplate.json"}}},
		},
		"by another's script": {
			content: archive(t), states: "Uploaded InProcessing InProcessing Processed",
			script: &PackageScript{FileName: "other.zip", Failures: []Finding{{}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.change)
			p, _ := r.seeded()
			if c.script != nil {
				if err := r.s.NextPackage(*c.script); err != nil {
					t.Fatal(err)
				}
			}
			if c.kind == "" {
				c.kind = "AzureApplicationPackage"
			}
			at := "/products/" + p + "/packages"
			put := r.uploads(at, `{"resourceType":"`+c.kind+`","fileName":"app.zip"}`, c.content)
			if put.text("resourceType") != c.kind {
				t.Errorf("%s", put.append(nil))
			}
			states := []string{put.text("state")}
			var got object
			for range 3 {
				r.clock.Advance(20 * time.Second)
				got = r.json(http.MethodGet, at+"/"+put.text("id"), "")
				states = append(states, got.text("state"))
			}
			if s := strings.Join(states, " "); s != c.states {
				t.Errorf("%s, not %s", s, c.states)
			}
			if got.text("resourceType") != "" || !got.has("resourceType") {
				t.Errorf("readers see the type: %s", got.append(nil))
			}
			found := ""
			for _, i := range got.objects("validationItems") {
				found += i.text("errorCode")
			}
			if found != c.found {
				t.Errorf("found %q", found)
			}
			// What was read can be sent back, and changes nothing.
			again := r.json(http.MethodPut, at+"/"+put.text("id"), string(got.append(nil)))
			if again.text("resourceType") != c.kind || again.text("state") != got.text("state") {
				t.Errorf("%s", again.append(nil))
			}
		})
	}
}

func TestPackagesMove(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, _ := r.seeded()
	at := "/products/" + p + "/packages"
	old := r.json(http.MethodPost, at, `{"resourceType":"AzureApplicationPackage","fileName":"a.zip"}`).text("id")
	to, err := r.s.MovePackage(p, old)
	if err != nil {
		t.Fatal(err)
	}
	w := r.do(http.MethodGet, at+"/"+old, "")
	if w.Code != 301 || w.Header().Get("Location") != "" || !strings.Contains(w.Body.String(), `\"ToId\":\"`+to+`\"`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if got := r.json(http.MethodGet, at+"/"+to, ""); got.text("fileName") != "a.zip" {
		t.Errorf("%s", got.append(nil))
	}
	if _, err := r.s.MovePackage(p, "x"); err == nil {
		t.Error("a package that is not there has moved")
	}
	if _, err := r.s.MovePackage("x", to); err == nil {
		t.Error("a package of no product has moved")
	}
}

// A configuration can be read by the id of its draft, too.
func TestConfigurationByInstance(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, v := r.seeded()
	instance := r.instance(p, "Package", v)
	one := r.one("/products/" + p + "/packageConfigurations/getByInstanceID(instanceID=" + instance + ")")
	for _, id := range []string{instance, one.text("id")} {
		if got := r.json(http.MethodGet, "/products/"+p+"/packageConfigurations/"+id, ""); string(got.append(nil)) != string(one.append(nil)) {
			t.Errorf("%s", got.append(nil))
		}
	}
}
