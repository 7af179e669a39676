package ingestion_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// centralOffer is a Business Central app on a fake.
func centralOffer(t *testing.T) (*pctest.Server, ingestion.ProductScope) {
	t.Helper()
	srv := pctest.NewServer(t)
	product, err := srv.Ingestion().AddProduct(pctest.Product{Type: string(ingestion.Dynamics365BusinessCentral), OfferID: "my-app"})
	if err != nil {
		t.Fatal(err)
	}
	client, err := ingestion.New(srv.AppOnlyTokenSource(), srv.Options())
	if err != nil {
		t.Fatal(err)
	}
	return srv, client.Product(product.ID)
}

// puts counts the requests that changed something.
func puts(srv *pctest.Server) int {
	return len(srv.Requests().Where(func(r pctest.Request) bool { return r.Method == "PUT" || r.Method == "POST" && r.Service != "login" }))
}

func TestVersionsAreRaisedAndNeverLowered(t *testing.T) {
	t.Parallel()
	srv, offer := centralOffer(t)
	if _, err := offer.Properties().Apply(t.Context(), ingestion.Property{SubmissionVersion: "kept"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		version string
		want    ingestion.Action
		refused string
	}{
		{"1.9.0.0", ingestion.Updated, ""},
		{"1.9.0.0", ingestion.Unchanged, ""},
		{"1.10", ingestion.Updated, ""}, // as numbers, not as text
		{"1.9.99.99", "", "lower than 1.10"},
		{"1.10.0.1", ingestion.Updated, ""},
		{"1.10.0.0", "", "lower than 1.10.0.1"},
		{"2.0.0.0", ingestion.Updated, ""},
		{"", "", "no version"},
		{"3.0.0.0.0", "", "no version"},
		{"v3", "", "no version"},
		{"3.-1", "", "no version"},
	} {
		srv.ForgetRequests()
		a, err := offer.Properties().ApplyAppVersion(t.Context(), tt.version)
		if tt.refused != "" {
			if err == nil || !strings.Contains(err.Error(), tt.refused) || puts(srv) != 0 {
				t.Errorf("%q: %v, and %d changes", tt.version, err, puts(srv))
			}
			continue
		}
		if err != nil || a.Action != tt.want || a.Resource.Data.AppVersion != tt.version || a.Resource.Data.SubmissionVersion != "kept" {
			t.Errorf("%q: %+v, %v", tt.version, a, err)
		}
		if n := puts(srv); n != len(a.Changes) {
			t.Errorf("%q: %d changes", tt.version, n)
		}
	}
	if _, err := offer.Properties().Apply(t.Context(), ingestion.Property{AppVersion: "spring"}); err != nil {
		t.Fatal(err)
	}
	if _, err := offer.Properties().ApplyAppVersion(t.Context(), "3.0"); err == nil || !strings.Contains(err.Error(), "cannot be compared") {
		t.Errorf("%v", err)
	}
	if _, err := (ingestion.Properties{}).ApplyAppVersion(t.Context(), "3.0"); err == nil {
		t.Error("a handle of no client: no error")
	}
}

// An app that only connects to Business Central has no packages.
func TestConnectAppsTakeNoPackages(t *testing.T) {
	t.Parallel()
	srv, offer := centralOffer(t)
	app := ingestion.Package{Type: ingestion.BusinessCentralExtension, FileName: "my.app"}
	apply := func() (ingestion.Action, error) {
		a, err := offer.Packages().Apply(t.Context(), "", app, bytes.NewReader([]byte("an app")), nil)
		return a.Action, err
	}
	if action, err := apply(); err != nil || action != ingestion.Created {
		t.Fatalf("%s, %v", action, err)
	}
	if _, err := offer.Setup().Apply(t.Context(), ingestion.ProductSetup{PackageType: ingestion.BusinessCentralConnect}); err != nil {
		t.Fatal(err)
	}
	srv.ForgetRequests()
	if _, err := apply(); err == nil || !strings.Contains(err.Error(), "Connect") || puts(srv) != 0 {
		t.Errorf("%v, and %d changes", err, puts(srv))
	}
	srv.Inject(pctest.Answer(418).On("GET", "*/setup").Always())
	if _, err := apply(); err == nil || strings.Contains(err.Error(), "Connect") {
		t.Errorf("%v", err)
	}
}
