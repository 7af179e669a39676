package ingestion_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// changes returns what was asked for that changes something, and forgets it.
func (s *uploadStage) changes() []string {
	list := slices.DeleteFunc(s.said(), func(line string) bool {
		return strings.HasPrefix(line, "GET ") || strings.HasPrefix(line, "HEAD ")
	})
	s.ForgetRequests()
	return list
}

func TestPicturesAreUploadedOnce(t *testing.T) {
	t.Parallel()
	s := newUploadStage(t)
	logo, other := pngOf(t, 48, 48), append(pngOf(t, 48, 48), 0)
	images := s.offer.Images(s.listing)
	apply := func(data ingestion.ListingImage, content []byte, want ingestion.Action, changes ...string) string {
		t.Helper()
		a, err := images.Apply(t.Context(), data, bytes.NewReader(content), nil)
		if err != nil || a.Action != want || a.Resource == nil {
			t.Fatalf("%s, %v; want %s", a.Action, err, want)
		}
		if diff := cmp.Diff(changes, s.changes(), cmp.Transformer("empty", func(l []string) []string { return append([]string{}, l...) })); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		return a.Resource.ID
	}
	upload := []string{"POST /images", "PUT /file/{id}", "PUT /images/{id}"}
	small := ingestion.ListingImage{FileName: "small.png", Type: ingestion.LogoSmall}
	first := apply(small, logo, ingestion.Created, upload...)
	if again := apply(small, logo, ingestion.Unchanged); again != first {
		t.Errorf("the second time it is image %s, not %s", again, first)
	}
	small.Description = "our logo"
	if again := apply(small, logo, ingestion.Updated, "PUT /images/{id}"); again != first {
		t.Errorf("described, it is image %s, not %s", again, first)
	}
	apply(small, logo, ingestion.Unchanged)
	small.FileName = "other.png" // a listing has one small logo
	apply(small, other, ingestion.Updated, append([]string{"DELETE /images/{id}"}, upload...)...)
	apply(small, other, ingestion.Unchanged)
	// Screenshots are told apart by their names.
	apply(ingestion.ListingImage{FileName: "1.png", Type: ingestion.Screenshot}, logo, ingestion.Created, upload...)
	apply(ingestion.ListingImage{FileName: "2.png", Type: ingestion.Screenshot, Order: 1}, logo, ingestion.Created, upload...)
	apply(ingestion.ListingImage{FileName: "1.png", Type: ingestion.Screenshot}, logo, ingestion.Unchanged)
	// What an interrupted run has left is taken up.
	if _, err := images.Create(t.Context(), ingestion.ListingImage{FileName: "3.png", Type: ingestion.Screenshot, State: ingestion.FilePendingUpload}); err != nil {
		t.Fatal(err)
	}
	s.ForgetRequests()
	three := ingestion.ListingImage{FileName: "3.png", Type: ingestion.Screenshot, Description: "said later"}
	apply(three, logo, ingestion.Updated, append(upload[1:3:3], upload[2])...)
	apply(three, logo, ingestion.Unchanged)
	// So is a file that has arrived, but of which the service was not told.
	s.Inject(pctest.Answer(http.StatusBadRequest).On(http.MethodPut, "*/images/*"))
	four := ingestion.ListingImage{FileName: "4.png", Type: ingestion.Screenshot}
	if _, err := images.Upload(t.Context(), four, bytes.NewReader(logo), nil); err == nil {
		t.Fatal("no error")
	}
	s.ForgetRequests()
	apply(four, logo, ingestion.Updated, upload[1:]...)
	apply(four, logo, ingestion.Unchanged)
	// Of two in its place the one that is right stays.
	if _, err := images.Upload(t.Context(), small, bytes.NewReader(logo), nil); err != nil {
		t.Fatal(err)
	}
	s.ForgetRequests()
	apply(small, other, ingestion.Updated, "DELETE /images/{id}")
	apply(small, other, ingestion.Unchanged)
}

func TestFilesOfOtherKindsAreUploadedOnce(t *testing.T) {
	t.Parallel()
	s := newUploadStage(t)
	documents, videos := s.offer.Assets(s.listing), s.offer.Videos(s.listing)
	for i, want := range []ingestion.Action{ingestion.Created, ingestion.Unchanged} {
		document, err := documents.Apply(t.Context(), ingestion.ListingAsset{FileName: "a.pdf", Type: "Document", FriendlyName: "A"}, strings.NewReader("%PDF"), nil)
		if err != nil || document.Action != want {
			t.Errorf("document, time %d: %s, %v", i, document.Action, err)
		}
		video, err := videos.Apply(t.Context(), ingestion.ListingVideo{StreamingURI: "https://video.example/1", Thumbnail: &ingestion.VideoThumbnail{FileName: "v.png", Title: "V"}}, strings.NewReader("png"), nil)
		if err != nil || video.Action != want {
			t.Errorf("video, time %d: %s, %v", i, video.Action, err)
		}
		if lines := s.changes(); i == 1 && len(lines) > 0 {
			t.Errorf("requests %q", lines)
		}
	}
	// Another type, another address: other things.
	document, err := documents.Apply(t.Context(), ingestion.ListingAsset{FileName: "a.pdf", Type: "Terms"}, strings.NewReader("%PDF"), nil)
	if err != nil || document.Action != ingestion.Created {
		t.Errorf("%s, %v", document.Action, err)
	}
	video, err := videos.Apply(t.Context(), ingestion.ListingVideo{StreamingURI: "https://video.example/2", Thumbnail: &ingestion.VideoThumbnail{FileName: "v.png"}}, strings.NewReader("png"), nil)
	if err != nil || video.Action != ingestion.Created {
		t.Errorf("%s, %v", video.Action, err)
	}
}

func TestMistakesInAppliedFiles(t *testing.T) {
	t.Parallel()
	s := newUploadStage(t)
	images := s.offer.Images(s.listing)
	small := ingestion.ListingImage{FileName: "s.png", Type: ingestion.LogoSmall}
	if _, err := images.Apply(t.Context(), small, bytes.NewReader(pngOf(t, 48, 48)), nil); err != nil {
		t.Fatal(err)
	}
	s.ForgetRequests()
	for name, err := range map[string]error{
		"no content":   second(images.Apply(t.Context(), small, nil, nil)),
		"wrong size":   second(images.Apply(t.Context(), small, bytes.NewReader(pngOf(t, 90, 90)), nil)),
		"no type":      second(images.Apply(t.Context(), ingestion.ListingImage{}, strings.NewReader("x"), nil)),
		"not seekable": second(images.Apply(t.Context(), small, unseekable{strings.NewReader("x")}, nil)),
		"no client":    second(ingestion.Packages{}.Apply(t.Context(), "", ingestion.Package{Type: "x", FileName: "x"}, strings.NewReader("x"), nil)),
		"no package":   second(s.offer.Packages().Apply(t.Context(), "", ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "a.zip"}, strings.NewReader("x"), nil)),
		"unnamed":      second(s.offer.Packages().Apply(t.Context(), "", ingestion.Package{}, strings.NewReader("x"), nil)),
		"unreadable":   second(images.Apply(t.Context(), small, seeker{iotest.ErrReader(io.ErrUnexpectedEOF)}, nil)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// The logo that was there is still there.
	if lines := s.changes(); len(lines) > 0 {
		t.Errorf("requests %q", lines)
	}
	for _, broken := range []string{"*/images", "*/file/*"} {
		s.Inject(pctest.Answer(http.StatusTeapot).On("", broken).Always())
		if _, err := images.Apply(t.Context(), small, bytes.NewReader(pngOf(t, 48, 48)), nil); err == nil {
			t.Errorf("%s broken: no error", broken)
		}
		s.ClearFaults()
	}
}

type unseekable struct{ io.Reader }

func (unseekable) Seek(int64, int) (int64, error) { return 0, io.ErrClosedPipe }

type seeker struct{ io.Reader }

func (seeker) Seek(int64, int) (int64, error) { return 0, nil }

// technical is the plan's configuration.
func technical(t *testing.T, o ingestion.ProductScope, planID string) *ingestion.ManagedApplicationConfiguration {
	t.Helper()
	instance, err := o.Branches().Draft(t.Context(), ingestion.ModulePackage, planID)
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.PackageConfigurations().Draft(t.Context(), instance)
	if err != nil {
		t.Fatal(err)
	}
	c, is := r.Data.(*ingestion.ManagedApplicationConfiguration)
	if !is {
		t.Fatalf("a %T", r.Data)
	}
	return c
}

func TestPackagesAreUploadedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newUploadStage(t)
		plan, err := s.offer.Variants().Apply(t.Context(), ingestion.Variant{ExternalID: "basic", FriendlyName: "Basic", SubType: ingestion.PlanManagedApplication})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.offer.PackageConfigurations().Apply(t.Context(), plan.Resource.ID, &ingestion.ManagedApplicationConfiguration{Version: "1.2.3"}); err != nil {
			t.Fatal(err)
		}
		s.ForgetRequests()
		packages := s.offer.Packages()
		app := ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"}
		apply := func(content []byte, want ingestion.Action, changes ...string) string {
			t.Helper()
			a, err := packages.Apply(t.Context(), plan.Resource.ID, app, bytes.NewReader(content), nil)
			if err != nil || a.Action != want || a.Resource.Data.State != ingestion.FileProcessed {
				t.Fatalf("%s, %v; want %s", a.Action, err, want)
			}
			if diff := cmp.Diff(changes, s.changes(), cmp.Transformer("empty", func(l []string) []string { return append([]string{}, l...) })); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			c := technical(t, s.offer, plan.Resource.ID)
			if len(c.PackageReferences) != 1 || c.PackageReferences[0].Value != a.Resource.ID || c.Version != "1.2.3" {
				t.Errorf("configuration %v", c)
			}
			s.ForgetRequests()
			return a.Resource.ID
		}
		refer := "PUT /packageconfigurations/{id}"
		upload := []string{"POST /packages", "PUT /file/{id}", "PUT /packages/{id}"}
		one, two, three := zipOf(t, 1600), zipOf(t, 3200), zipOf(t, 4800)
		first := apply(one, ingestion.Created, append(upload, refer)...)
		if again := apply(one, ingestion.Unchanged); again != first {
			t.Errorf("the second time it is package %s, not %s", again, first)
		}
		second := apply(two, ingestion.Created, append(upload, refer)...)
		// Back to a package that is there already.
		if again := apply(one, ingestion.Updated, refer); again != first || second == first {
			t.Errorf("package %s, not %s", again, first)
		}
		// An earlier run was killed before it waited for the package, or before it sent
		// the file.
		if _, err := packages.Upload(t.Context(), app, bytes.NewReader(three), &ingestion.UploadOptions{NoWait: true}); err != nil {
			t.Fatal(err)
		}
		s.ForgetRequests()
		apply(three, ingestion.Updated, refer)
		if _, err := packages.Create(t.Context(), app); err != nil {
			t.Fatal(err)
		}
		s.ForgetRequests()
		apply(zipOf(t, 6400), ingestion.Created, append(upload[1:], refer)...)
		// A package that is gone is no obstacle, nor are packages that cannot be listed.
		apply(one, ingestion.Updated, refer)
		if err := packages.Delete(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		s.ForgetRequests()
		s.Inject(pctest.Answer(http.StatusBadRequest).On(http.MethodGet, "*/packages").Always())
		apply(one, ingestion.Created, append(upload, refer)...)
	})
}

func TestPackagesThatCannotBeApplied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newUploadStage(t)
		plan, err := s.offer.Variants().Apply(t.Context(), ingestion.Variant{ExternalID: "basic", FriendlyName: "Basic", SubType: ingestion.PlanManagedApplication})
		if err != nil {
			t.Fatal(err)
		}
		packages, configurations := s.offer.Packages(), s.offer.PackageConfigurations()
		app := ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"}
		content := zipOf(t, 1600)
		apply := func() error {
			began := time.Now()
			_, err := packages.Apply(t.Context(), plan.Resource.ID, app, bytes.NewReader(content), nil)
			if time.Since(began) > 15*time.Minute {
				t.Errorf("it took %v", time.Since(began))
			}
			return err
		}
		if err := s.Ingestion().NextPackage(pctest.PackageScript{Failures: []pctest.Finding{{Code: "P-1", Message: "no pid", Severity: "Error"}}}); err != nil {
			t.Fatal(err)
		}
		if err := apply(); err == nil || !strings.Contains(err.Error(), "no pid") {
			t.Errorf("%v", err)
		}
		if c := technical(t, s.offer, plan.Resource.ID); len(c.PackageReferences) > 0 {
			t.Errorf("a package that failed is referred to: %v", c.PackageReferences)
		}
		for _, broken := range []string{"*/branches/*", "*/packageConfigurations/*", "*/packages", "*/packages/*"} {
			s.Inject(pctest.Answer(http.StatusTeapot).On("", broken).Always())
			err := apply()
			if s.ClearFaults(); err == nil {
				t.Errorf("%s broken: no error", broken)
			}
		}
		if err := apply(); err != nil {
			t.Fatal(err)
		}
		// What is referred to cannot be looked at.
		s.Inject(pctest.Answer(http.StatusForbidden).On(http.MethodGet, "*/packages/*").Always())
		if err := apply(); err == nil {
			t.Error("no error")
		}
		s.ClearFaults()
		other, err := packages.Upload(t.Context(), app, bytes.NewReader(content), nil)
		if err != nil {
			t.Fatal(err)
		}
		references := technical(t, s.offer, plan.Resource.ID).PackageReferences
		references = append(references, ingestion.TypeValue{Type: string(ingestion.ApplicationPackage), Value: other.Resource.ID})
		if _, err := configurations.Apply(t.Context(), plan.Resource.ID, &ingestion.ManagedApplicationConfiguration{PackageReferences: references}); err != nil {
			t.Fatal(err)
		}
		if err := apply(); err == nil || !strings.Contains(err.Error(), "several packages") {
			t.Errorf("%v", err)
		}
	})
}
