package ingestion_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

func TestAssetsForCertificationAreUploaded(t *testing.T) {
	t.Parallel()
	s := newUploadStage(t)
	contents := s.offer.SupplementalContents()
	instance, err := s.offer.Branches().Draft(t.Context(), ingestion.ModuleSupplementalContent, "")
	if err != nil {
		t.Fatal(err)
	}
	content, err := contents.Get(t.Context(), instance)
	if err != nil {
		t.Fatal(err)
	}
	content.Data.Assets = []ingestion.SupplementalAsset{{FileName: "a.pdf", Type: "Document"}, {FileName: "b.pdf", Type: "Document"}}
	if content, err = contents.Update(t.Context(), content); err != nil {
		t.Fatal(err)
	}
	s.ForgetRequests()
	last := content.Data.Assets[1]
	up, err := contents.UploadAsset(t.Context(), instance, last.AssetID, strings.NewReader("a document"), nil)
	if err != nil || up.Bytes != 10 || up.Resource.Data.Assets[1].FileName != "b.pdf" {
		t.Fatalf("%+v, %v", up, err)
	}
	if diff := cmp.Diff([]string{"GET /supplementalContents/{id}", "PUT /file/{id}"}, s.said()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if put := s.Requests().Where(func(r pctest.Request) bool { return r.Method == http.MethodPut }); len(put) != 1 || put[0].Path != "/file/"+last.AssetID && !strings.HasSuffix(put[0].Path, "/"+last.AssetID) {
		t.Errorf("the file went to %+v", put)
	}
	if _, err := contents.Commit(t.Context(), instance); err != nil {
		t.Fatal(err)
	}

	s.ForgetRequests()
	for name, c := range map[string]struct {
		err   error
		text  string
		class error
	}{
		"another asset": {second(contents.UploadAsset(t.Context(), instance, "1", strings.NewReader("x"), nil)), "no asset", partnercenter.ErrNotFound},
		"no instance":   {second(contents.UploadAsset(t.Context(), "i-1", last.AssetID, strings.NewReader("x"), nil)), "i-1", partnercenter.ErrNotFound},
		"no asset id":   {second(contents.UploadAsset(t.Context(), instance, "", strings.NewReader("x"), nil)), "asset id is empty", nil},
		"no content":    {second(contents.UploadAsset(t.Context(), instance, "1", nil, nil)), "content is nil", nil},
		"no client":     {second(ingestion.SupplementalContents{}.UploadAsset(t.Context(), instance, "1", strings.NewReader("x"), nil)), "no client", nil},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.text) || c.class != nil && !errors.Is(c.err, c.class) || strings.Contains(c.err.Error(), "sig=") {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if put := s.Requests().Where(func(r pctest.Request) bool { return r.Method == http.MethodPut }); len(put) > 0 {
		t.Errorf("files were sent: %+v", put)
	}
}

// What is addressed by its instance can be read, changed and written all the same.
func TestCosellListingsAreUpdated(t *testing.T) {
	t.Parallel()
	s := newUploadStage(t)
	instance, err := s.offer.Branches().Draft(t.Context(), ingestion.ModuleCosell, "")
	if err != nil {
		t.Fatal(err)
	}
	listings := s.offer.CosellListings()
	listing, err := listings.Draft(t.Context(), instance)
	if err != nil {
		t.Fatal(err)
	}
	listing.Data.OfferType = "Solution"
	if _, err := listings.Update(t.Context(), listing); err != nil {
		t.Fatal(err)
	}
	if listing, err = listings.Get(t.Context(), instance); err != nil || listing.Data.OfferType != "Solution" || listing.ID != instance {
		t.Errorf("%+v, %v", listing, err)
	}
}
