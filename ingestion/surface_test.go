package ingestion_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/ingestion"
)

// What the service cannot do must not compile: a handle has the verbs of its
// resource and no others.
func TestHandlesHaveTheVerbsOfTheirResources(t *testing.T) {
	t.Parallel()
	const upload = "Holds Processing Upload UploadFile UploadTo"
	const drafts, del, update = "Draft ForInstance InstancePage", "Delete DeleteIfExists", "Get Modify Update"
	for _, c := range []struct {
		handle any
		want   []string
	}{
		{ingestion.Products{}, []string{"All Apply ByOfferID Create", del, "Get Page"}},
		{ingestion.Branches{}, []string{"All Draft Page"}},
		{ingestion.ProductAvailabilities{}, []string{"All Apply Create", drafts, "Page", update}},
		{ingestion.FeatureAvailabilities{}, []string{"Apply", drafts, update}},
		{ingestion.Properties{}, []string{"All Apply ApplyAppVersion Create", drafts, "Page", update}},
		{ingestion.Listings{}, []string{"Apply CreateForInstance", del, drafts, update}},
		{ingestion.Media[ingestion.ListingImage]{}, []string{"All Apply Create", del, "Page", update, upload}},
		{ingestion.Packages{}, []string{"All Apply Create", del, "Page", update, upload}},
		{ingestion.PackageConfigurations{}, []string{"Apply", drafts, update}},
		{ingestion.Variants{}, []string{"All Apply ByPlanID Create", del, "Page", update}},
		{ingestion.Submissions{}, []string{"All Cancel Create Get Latest Page Promote Reports Validations WorkflowDetails"}},
		{ingestion.SupplementalContents{}, []string{"Commit", drafts, update, "UploadAsset"}},
		{ingestion.CosellAssets{}, []string{"All Create", del, drafts, "Page", update, upload}},
		{ingestion.CosellListings{}, []string{drafts, update}},
		{ingestion.Singleton[ingestion.ProductSetup]{}, []string{"Apply Get Modify Set"}},
	} {
		want := map[string]bool{}
		for name := range strings.FieldsSeq(strings.Join(c.want, " ")) {
			want[name] = true
		}
		got := map[string]bool{}
		for m := range reflect.TypeOf(c.handle).Methods() {
			got[m.Name] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("verbs of %T (-want +got):\n%s", c.handle, diff)
		}
	}
}
