package ingestion_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/ingestion"
)

type recorded struct {
	Request struct {
		Method string  `json:"method"`
		URL    string  `json:"url"`
		Body   *string `json:"body"`
	} `json:"request"`
	Response struct {
		Status int     `json:"status"`
		Body   *string `json:"body"`
	} `json:"response"`
}

// bodyKinds says, by path, what the bodies of an endpoint are.
func bodyKinds() map[string]func(*testing.T, []byte) (string, []string) {
	return map[string]func(*testing.T, []byte) (string, []string){
		`/products(/[^/]+)?$`:             through[ingestion.Product],
		`/setup$`:                         through[ingestion.ProductSetup],
		`/listings/[^/]+$`:                through[ingestion.Listing],
		`/images(/[^/]+)?$`:               through[ingestion.ListingImage],
		`/variants(/[^/]+)?$`:             through[ingestion.Variant],
		`/packages(/[^/]+)?$`:             through[ingestion.Package],
		`/packageconfigurations/[^/]+$`:   through[ingestion.PackageConfiguration],
		`/properties/[^/]+$`:              through[ingestion.Property],
		`/productavailabilities/[^/]+$`:   through[ingestion.ProductAvailability],
		`/featureavailabilities/[^/]+$`:   through[ingestion.FeatureAvailability],
		`/resellerconfiguration$`:         through[ingestion.ResellerConfiguration],
		`/leadconfiguration$`:             through[ingestion.LeadConfiguration],
		`/branches/getbymodule\([^/]+$`:   branchThrough,
		`/submissions(/[^/]+)?$`:          submissionThrough,
		`/supplementalcontents/[^/]+$`:    through[ingestion.SupplementalContent],
		`/(videos)(/[^/]+)?$`:             through[ingestion.ListingVideo],
		`/listings/[^/]+/assets(/[^/]+)?`: through[ingestion.ListingAsset],
	}
}

// through sends a body through a resource and back.
func through[T any](t *testing.T, raw []byte) (string, []string) {
	t.Helper()
	r := mustParse[T](t, string(raw))
	return wire(t, r), ingestion.MisfitsForTest(r)
}

func branchThrough(t *testing.T, raw []byte) (string, []string) {
	t.Helper()
	return plainThrough[ingestion.Branch](t, raw)
}

func submissionThrough(t *testing.T, raw []byte) (string, []string) {
	t.Helper()
	return plainThrough[ingestion.Submission](t, raw)
}

func plainThrough[E any](t *testing.T, raw []byte) (string, []string) {
	t.Helper()
	item, err := ingestion.DecodeForTest[E](raw)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ingestion.EncodeForTest(item)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), nil
}

// What the service and a client of it have really sent must survive byte for byte.
func TestRecordedBodiesSurviveTheRoundTrip(t *testing.T) {
	t.Parallel()
	if os.Getenv("PARTNERCENTER_SPEC") == "" {
		t.Skip("PARTNERCENTER_SPEC is not set: it names the folder with recordings/")
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv("PARTNERCENTER_SPEC"), "recordings", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings (%v)", err)
	}
	bodies := 0
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			var all []recorded
			if err := json.Unmarshal(specFile(t, "recordings/"+name), &all); err != nil {
				t.Fatal(err)
			}
			for _, r := range all {
				if !strings.Contains(r.Request.URL, "/ingestion/") {
					continue // a file on its way to the blob store
				}
				for _, body := range []*string{r.Request.Body, r.Response.Body} {
					if body == nil || !strings.HasPrefix(*body, "{") {
						continue // nothing, or an error's text
					}
					bodies++
					survives(t, r.Request.URL, *body)
				}
			}
		})
	}
	if bodies == 0 {
		t.Error("no bodies were found")
	}
}

func survives(t *testing.T, url, body string) {
	t.Helper()
	path, _, _ := strings.Cut(url, "?")
	path = strings.ToLower(path)
	path = regexp.MustCompile(`getbyinstanceid\([^/]*$`).ReplaceAllString(path, "i")
	for pattern, kind := range bodyKinds() {
		if !regexp.MustCompile(pattern).MatchString(path) {
			continue
		}
		items := []json.RawMessage{json.RawMessage(body)}
		var list struct {
			Value []json.RawMessage `json:"value"`
		}
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatal(err)
		}
		if list.Value != nil {
			items = list.Value
		}
		for _, item := range items {
			back, misfits := kind(t, item)
			if diff := cmp.Diff(compact(t, string(item)), compact(t, back)); diff != "" {
				t.Errorf("%s (-sent +back):\n%s", path, diff)
			}
			if len(misfits) > 0 {
				t.Errorf("%s: members that do not fit their fields: %q", path, misfits)
			}
		}
		return
	}
	t.Errorf("%s is not known to this test", path)
}
