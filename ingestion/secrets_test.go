package ingestion_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

const canary = "C4NARY-0123456789abcdef"

// secretBodies are answers with a secret in every place that can have one.
func secretBodies() map[string]func(*testing.T) any {
	lead := func(members string) func(*testing.T) any {
		return func(t *testing.T) any { return mustParse[ingestion.LeadConfiguration](t, "{"+members+"}") }
	}
	return map[string]func(*testing.T) any{
		"table":    lead(`"resourceType":"AzureTableLeadConfiguration","connectionString":"AccountKey=` + canary + `"`),
		"blob":     lead(`"resourceType":"AzureBlobLeadConfiguration","ConnectionString":"` + canary + `"`),
		"dynamics": lead(`"resourceType":"DynamicsCustomerRelationshipManagementLeadConfiguration","password":"` + canary + `","applicationKey":"` + canary + `"`),
		"https":    lead(`"resourceType":"HttpsEndpointLeadConfiguration","httpsEndpointUri":"https://x.example/` + canary + `"`),
		"unknown":  lead(`"resourceType":"New","clientSecret":"` + canary + `","a":[{"sharedAccessKey":"` + canary + `"},"https://x/?sig=` + canary + `"],"storageAccountKey":"` + canary + `"`),
		"image": func(t *testing.T) any {
			return mustParse[ingestion.ListingImage](t, `{"fileSasUri":"https://x/?a=`+canary+`"}`)
		},
		"asset": func(t *testing.T) any {
			return mustParse[ingestion.ListingAsset](t, `{"publisherDefinedSasUri":"`+canary+`"}`)
		},
		"video": func(t *testing.T) any {
			return mustParse[ingestion.ListingVideo](t, `{"fileSasUri":"`+canary+`","thumbnail":{"fileSasUri":"`+canary+`","publisherDefinedSasUri":"`+canary+`"}}`)
		},
		"package": func(t *testing.T) any { return mustParse[ingestion.Package](t, `{"fileSasUri":"`+canary+`"}`) },
		"content": func(t *testing.T) any {
			return mustParse[ingestion.SupplementalContent](t, `{"assets":[{"fileSasUri":"`+canary+`"}]}`)
		},
		"cosell": func(t *testing.T) any { return mustParse[ingestion.CosellAsset](t, `{"fileSasUri":"`+canary+`"}`) },
		"config": func(t *testing.T) any {
			return mustParse[ingestion.PackageConfiguration](t, `{"resourceType":"Dynamics365CustomerEngagementPackageConfiguration","packageLocationUri":"https://x/`+canary+`"}`)
		},
		"test drive": func(t *testing.T) any {
			return mustParse[ingestion.PackageConfiguration](t, `{"resourceType":"AzureResourceManagerTestDrivePackageConfiguration","azureActiveDirectoryApplicationKey":"`+canary+`"}`)
		},
		"report": func(t *testing.T) any {
			r, err := ingestion.DecodeForTest[ingestion.CertificationReport]([]byte(`{"fileUri":"` + canary + `","other":"` + canary + `"}`))
			if err != nil {
				t.Fatal(err)
			}
			return r
		},
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	for name, make := range secretBodies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := make(t)
			var logs bytes.Buffer
			slog.New(slog.NewJSONHandler(&logs, nil)).Info("x", "v", v)
			slog.New(slog.NewTextHandler(&logs, nil)).Info("x", "v", v)
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			data := reflect.Indirect(reflect.ValueOf(v))
			for _, text := range []string{
				string(raw), logs.String(), fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s %q %x", v, v, v),
				fmt.Sprintf("%+v %#v", data.Interface(), data.Interface()),
			} {
				for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%d", []byte(canary))} {
					if strings.Contains(text, strings.Trim(form, "[]")) {
						t.Errorf("the secret is printed: %s", text)
					}
				}
			}
			if w, ok := v.(interface{ WireForTest() ([]byte, error) }); ok {
				if raw, err := w.WireForTest(); err != nil || !strings.Contains(string(raw), canary) {
					t.Errorf("the secret is not sent: %s, %v", raw, err)
				}
			}
		})
	}
}

// Errors that quote what the service says must not quote what was sent to it.
func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	s := answers(answer{status: 400, body: `{"code":"x","message":"bad connection string AccountKey; see https://x/?sig=` + canary + `","data":{"password":"` + canary + `"}}`})
	client, err := ingestion.New(source(), &partnercenter.Options{Transport: s, Logger: slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Product("p").LeadConfiguration().Set(t.Context(), &ingestion.AzureBlobLeads{ConnectionString: partnercenter.NewSecret("AccountKey=" + canary)})
	if err == nil {
		t.Fatal("no error")
	}
	if !strings.Contains(s.seen()[0].Body, "AccountKey="+canary) {
		t.Errorf("sent %s", s.seen()[0].Body)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), logs.String()} {
		if strings.Contains(text, canary) {
			t.Errorf("the secret is printed: %s", text)
		}
	}
}

func TestSecretsSurviveAChangeBesideThem(t *testing.T) {
	t.Parallel()
	const text = `{"resourceType":"AzureBlobLeadConfiguration","connectionString":"***","containerName":"a"}`
	r := mustParse[ingestion.LeadConfiguration](t, text)
	leads, ok := r.Data.(*ingestion.AzureBlobLeads)
	if !ok {
		t.Fatalf("a %T", r.Data)
	}
	leads.ContainerName = "b"
	if got := wire(t, r); got != strings.Replace(text, `"a"`, `"b"`, 1) {
		t.Errorf("sent %s", got)
	}
	leads.ConnectionString = partnercenter.NewSecret(`k"<&`)
	if got := wire(t, r); !strings.Contains(got, `"connectionString":"k\"<&"`) {
		t.Errorf("sent %s", got)
	}
	leads.ConnectionString = partnercenter.Secret{}
	if got := wire(t, r); !strings.Contains(got, `"connectionString":""`) {
		t.Errorf("sent %s", got)
	}
}
