package ingestion_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

// Call options hold for every request that an upload makes of the API, and for none
// that it makes of the store.
func TestUploadsTakeCallOptions(t *testing.T) {
	t.Parallel()
	app := ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"}
	logo := ingestion.ListingImage{Type: ingestion.LogoSmall, FileName: "logo.png"}
	type stage struct {
		*uploadStage

		plan, instance, asset string
	}
	for name, verb := range map[string]func(*testing.T, stage, ...partnercenter.CallOption) error{
		"Upload": func(t *testing.T, s stage, calls ...partnercenter.CallOption) error {
			_, err := s.offer.Packages().Upload(t.Context(), app, bytes.NewReader(zipOf(t, 160)), nil, calls...)
			return err
		},
		"UploadFile": func(t *testing.T, s stage, calls ...partnercenter.CallOption) error {
			path := writeFile(t, zipOf(t, 160))
			_, err := s.offer.Packages().UploadFile(t.Context(), app, path, nil, calls...)
			return err
		},
		"UploadTo": func(t *testing.T, s stage, calls ...partnercenter.CallOption) error {
			r, err := s.offer.Packages().Create(t.Context(), app, calls...)
			if err != nil {
				return err
			}
			r.Data.FileSASURI = partnercenter.Secret{} // it is asked for
			_, err = s.offer.Packages().UploadTo(t.Context(), r, bytes.NewReader(zipOf(t, 160)), nil, calls...)
			return err
		},
		"Processing": func(t *testing.T, s stage, calls ...partnercenter.CallOption) error {
			up, err := s.offer.Packages().Upload(t.Context(), app, bytes.NewReader(zipOf(t, 160)), nil, calls...)
			if err != nil {
				return err
			}
			_, err = s.offer.Packages().Processing(up.Resource.ID, calls...).Wait(t.Context(), nil)
			return err
		},
		"Holds": func(t *testing.T, s stage, calls ...partnercenter.CallOption) error {
			r, err := s.offer.Packages().Create(t.Context(), app, calls...)
			if err != nil {
				return err
			}
			r.Data.FileSASURI = partnercenter.Secret{}
			_, err = s.offer.Packages().Holds(t.Context(), r, bytes.NewReader(zipOf(t, 160)), calls...)
			return err
		},
		"Apply to a package": func(t *testing.T, s stage, calls ...partnercenter.CallOption) error {
			for range 2 {
				if _, err := s.offer.Packages().Apply(t.Context(), s.plan, app, bytes.NewReader(zipOf(t, 160)), nil, calls...); err != nil {
					return err
				}
			}
			return nil
		},
		"Apply to a picture": func(t *testing.T, s stage, calls ...partnercenter.CallOption) error {
			for i := range 2 { // the second one takes the first one's place
				picture := append(pngOf(t, 48, 48), make([]byte, i)...)
				if _, err := s.offer.Images(s.listing).Apply(t.Context(), logo, bytes.NewReader(picture), nil, calls...); err != nil {
					return err
				}
			}
			return nil
		},
		"UploadAsset": func(t *testing.T, s stage, calls ...partnercenter.CallOption) error {
			_, err := s.offer.SupplementalContents().UploadAsset(t.Context(), s.instance, s.asset, strings.NewReader("a document"), nil, calls...)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := stage{uploadStage: newUploadStage(t)}
				plan, err := s.offer.Variants().Apply(t.Context(), ingestion.Variant{ExternalID: "basic", FriendlyName: "Basic", SubType: ingestion.PlanManagedApplication})
				if err != nil {
					t.Fatal(err)
				}
				s.plan = plan.Resource.ID
				if s.instance, err = s.offer.Branches().Draft(t.Context(), ingestion.ModuleSupplementalContent, ""); err != nil {
					t.Fatal(err)
				}
				content, err := s.offer.SupplementalContents().Modify(t.Context(), s.instance, func(r *ingestion.Resource[ingestion.SupplementalContent]) error {
					r.Data.Assets = []ingestion.SupplementalAsset{{FileName: "a.pdf", Type: "Document"}}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				s.asset = content.Data.Assets[0].AssetID
				s.ForgetRequests()
				var meta partnercenter.ResponseMeta
				if err := verb(t, s, partnercenter.WithHeader("X-Trace", "one"), partnercenter.WithResponse(&meta)); err != nil {
					t.Fatal(err)
				}
				seen := 0
				for _, r := range s.Requests() {
					switch trace := r.Header.Get("X-Trace"); {
					case r.Service == "login":
					case r.Service == "blob" && trace != "":
						t.Errorf("%s %s told the store", r.Method, r.Path)
					case r.Service != "blob" && trace != "one":
						t.Errorf("%s %s without the option", r.Method, r.Path)
					case r.Service != "blob":
						seen++
					}
				}
				if seen == 0 || meta.StatusCode == 0 {
					t.Errorf("%d requests, answer %+v", seen, meta)
				}
			})
		})
	}
}

func writeFile(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.zip")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
