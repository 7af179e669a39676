package ingestion_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

// printed is everything that can be made of a value by printing it.
func printed(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	fmt.Fprintf(&b, "%v\n%+v\n%#v\n%s\n", v, v, v, v)
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(raw)
	return b.String()
}

// A publication that fails tells everything but what somebody could sign in with.
func TestPublicationsPrintNoSecrets(t *testing.T) {
	t.Parallel()
	const link = "https://x.example/f?sv=1&sig=" + canary
	refusal := answer{status: 400, body: `{"code":"x","message":"see ` + link + `","target":"` + link + `","details":[{"code":"` + link + `","message":"` + link + `"}],"data":{"f":["` + link + `"]}}`}
	for name, prepare := range map[string]func(*desk){
		"failed": func(d *desk) {
			d.set(getSubmission, ok(`{"id":"2","state":"InProgress","substate":"Failed","pendingUpdateInfo":{"updateType":"Submit","status":"Failed","href":"`+link+`","failureReason":"see `+link+`","new":"`+canary+`"},"secretThing":"`+canary+`"}`))
			d.set(workflow, listing(steps(link, "Failed", link+"=Failed")))
			d.set(validations, listing(`{"errorCode":"`+link+`","severity":"Error","message":"see `+link+`","resource":"`+link+`"}`))
			d.set(reports, listing(`{"status":"Failed","fileUri":"`+link+`"}`))
		},
		"refused": func(d *desk) { d.set(postSubmission, refusal) },
		"in the way": func(d *desk) {
			d.set(getSubmissions, listing(`{"id":"1","state":"InProgress","substate":"Submitted","pendingUpdateInfo":{"href":"`+link+`"}}`))
		},
		"not promoted":  func(d *desk) { d.at("Published/ReadyToPublish").set(promote, refusal) },
		"not looked at": func(d *desk) { d.set(getSubmission, refusal) },
		"incomplete":    func(d *desk) { d.at("InProgress/Failed").set(validations, refusal) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logs bytes.Buffer
				d := newDesk()
				prepare(d)
				client, err := ingestion.New(source(), &partnercenter.Options{Transport: d, Logger: slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))})
				if err != nil {
					t.Fatal(err)
				}
				p, err := client.Product("p").Publish(ingestion.PublishRequest{Goal: ingestion.GoalLive})
				if err != nil {
					t.Fatal(err)
				}
				if name == "in the way" || name == "failed" {
					plan, err := p.Plan(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					logs.WriteString(printed(t, plan))
				}
				var failed error
				for s, err := range p.Watch(t.Context(), nil) {
					logs.WriteString(printed(t, s) + fmt.Sprint(s.Changes, s.Incomplete) + p.ResumeToken())
					failed = err
				}
				if failed == nil {
					t.Fatal("no error")
				}
				for err := failed; err != nil; {
					logs.WriteString(printed(t, err) + err.Error())
					if e, is := err.(*ingestion.PublishError); is { //nolint:errorlint // every layer is looked at
						logs.WriteString(fmt.Sprintf("%+v", e.Findings()) + printed(t, e.Status))
					}
					inner, wraps := err.(interface{ Unwrap() error })
					if !wraps {
						break
					}
					err = inner.Unwrap()
				}
				if i := strings.Index(logs.String(), canary); i >= 0 {
					t.Errorf("the secret is printed: ...%s", logs.String()[max(0, i-300):i+len(canary)])
				}
			})
		})
	}
}

// The secrets of lead configurations, which are applied like everything else.
func TestApplyPrintsNoSecrets(t *testing.T) {
	t.Parallel()
	secret := partnercenter.NewSecret("AccountKey=" + canary)
	for name, c := range map[string]struct {
		stored string
		want   ingestion.LeadConfiguration
	}{
		"table":           {`{"resourceType":"AzureTableLeadConfiguration","connectionString":"***"}`, &ingestion.AzureTableLeads{ConnectionString: secret}},
		"blob":            {`{"resourceType":"AzureBlobLeadConfiguration"}`, &ingestion.AzureBlobLeads{ConnectionString: secret}},
		"dynamics":        {`{"resourceType":"DynamicsCustomerRelationshipManagementLeadConfiguration","password":"` + canary + `old"}`, &ingestion.DynamicsLeads{Password: secret, ApplicationKey: secret}},
		"https":           {`{"resourceType":"HttpsEndpointLeadConfiguration"}`, &ingestion.HTTPSEndpointLeads{URI: secret}},
		"of another type": {`{"resourceType":"MarketoLeadConfiguration","clientSecret":"` + canary + `"}`, &ingestion.HTTPSEndpointLeads{URI: secret}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, a := range []answer{ok(echo), {status: 400, body: `"bad ` + canary[:0] + `?sig=` + canary + `"`}} {
				var logs bytes.Buffer
				d := newDesk().set("GET /leadconfiguration", ok(c.stored)).set("POST /leadconfiguration", a)
				client, err := ingestion.New(source(), &partnercenter.Options{Transport: d, Logger: slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))})
				if err != nil {
					t.Fatal(err)
				}
				applied, err := client.Product("p").LeadConfiguration().Apply(t.Context(), c.want)
				logs.WriteString(printed(t, applied) + printed(t, applied.Resource))
				if err != nil {
					logs.WriteString(printed(t, err) + err.Error())
				} else if len(d.bodies) != 1 || !strings.Contains(d.bodies[0], "AccountKey="+canary) {
					t.Errorf("sent %q", d.bodies)
				}
				if i := strings.Index(logs.String(), canary); i >= 0 {
					t.Errorf("the secret is printed: ...%s", logs.String()[max(0, i-300):i+len(canary)])
				}
			}
		})
	}
}
