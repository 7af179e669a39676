package analytics_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

// secrets are compared by what they hide.
var compareSecrets = cmp.Comparer(func(a, b partnercenter.Secret) bool { return a.Equal(b) })

func answering(t *testing.T, body string) *analytics.Client {
	t.Helper()
	c, err := analytics.New(source(), analytics.Marketplace, &partnercenter.Options{Transport: &recorder{answer: body}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func utc(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDatasetsDecode(t *testing.T) {
	for name, body := range map[string]string{
		"as documented": `{"value":[{"datasetName":"ISVOrder","selectableColumns":["AssetId","OfferName"],"availableMetrics":["Units"],
			"availableDateRanges":["LAST_MONTH","LIFETIME"],"minimumRecurrenceInterval":1,"newMember":{"a":1}}],"totalCount":1,"message":"Dataset fetched successfully","statusCode":200}`,
		"stray blanks and capitals": `{"Value":[{" DatasetName ":" ISVOrder ","SelectableColumns":["AssetId "," OfferName"],"AVAILABLEMETRICS":["Units"],
			"AvailableDateRanges":["LAST_MONTH","LIFETIME"],"MinimumRecurrenceInterval":"1","newMember":{"a":1}}],"TotalCount":"1","StatusCode":"200"}`,
		"a bare list": `[{"datasetName":"ISVOrder","selectableColumns":["AssetId","OfferName"],"availableMetrics":["Units"],
			"availableDateRanges":["LAST_MONTH","LIFETIME"],"minimumRecurrenceInterval":1.0,"newMember":{"a":1}}]`,
		"a bare item with byte order mark": "\ufeff" + `{"datasetName":"ISVOrder","selectableColumns":["AssetId","OfferName"],"availableMetrics":["Units"],
			"availableDateRanges":["LAST_MONTH","LIFETIME"],"minimumRecurrenceInterval":1,"newMember":{"a":1}}`,
		"one item as value": `{"value":{"datasetName":"ISVOrder","selectableColumns":["AssetId","OfferName"],"availableMetrics":["Units"],
			"availableDateRanges":["LAST_MONTH","LIFETIME"],"minimumRecurrenceInterval":1,"newMember":{"a":1}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answering(t, body).Dataset(t.Context(), "isvorder")
			if err != nil {
				t.Fatal(err)
			}
			want := analytics.Dataset{
				Name: "ISVOrder", Columns: []string{"AssetId", "OfferName"}, Metrics: []string{"Units"}, DateRanges: []string{"LAST_MONTH", "LIFETIME"},
				MinimumInterval: time.Hour, Extra: map[string]json.RawMessage{"newMember": json.RawMessage(`{"a":1}`)},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("dataset (-want +got):\n%s", diff)
			}
		})
	}
	got, err := collect(answering(t, `{"value":[{"datasetName":"X"}]}`).Datasets(t.Context()))
	if err != nil || len(got) != 1 || got[0].MinimumInterval != 0 || got[0].Columns != nil || got[0].Extra != nil {
		t.Errorf("a dataset with nothing but its name: %+v, %v", got, err)
	}
}

func TestQueriesDecode(t *testing.T) {
	want := analytics.Query{
		ID: "vq-1", Name: "PaidUsage", Description: "d", Text: "SELECT a\r\nFROM b", Type: analytics.UserDefined, User: "142300001",
		CreatedAt: utc("2026-02-03T05:38:34Z"),
	}
	modified := want
	modified.ModifiedAt = utc("2026-02-04T05:38:34Z")
	for _, tc := range []struct {
		name, body string
		want       analytics.Query
	}{
		{"time without zone, nothing modified", `{"value":[{"queryId":"vq-1 ","name":"PaidUsage","description":"d","query":"SELECT a\r\nFROM b","type":"userDefined","user":"142300001",
			"createdTime":"2026-02-03T05:38:34","modifiedTime":null}]}`, want},
		{"time with zone, member left out", `{"value":[{"queryId":"vq-1","name":"PaidUsage","description":"d","query":"SELECT a\r\nFROM b","type":"userDefined","user":142300001,
			"createdTime":"2026-02-03T05:38:34Z"}]}`, want},
		{"fraction and offset", `{"value":[{"QueryId":"vq-1","Name":"PaidUsage","Description":"d","Query":"SELECT a\r\nFROM b","Type":"userDefined","User":"142300001",
			"CreatedTime":"2026-02-03T06:38:34.000+01:00","ModifiedTime":"2026-02-04T05:38:34"}]}`, modified},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := collect(answering(t, tc.body).Queries(t.Context(), analytics.QueriesRequest{}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]analytics.Query{tc.want}, got); diff != "" {
				t.Errorf("queries (-want +got):\n%s", diff)
			}
			if !got[0].Type.Is("USERDEFINED") || got[0].Type.Is(analytics.System) {
				t.Error("types compare wrong")
			}
		})
	}
}

// The payload of section 7 in version v1, where it was captured, and in v1.1.
func TestReportsDecode(t *testing.T) {
	callback := partnercenter.NewSecret("https://hooks.example.com/pc")
	for _, tc := range []struct {
		name, body string
		want       analytics.Report
	}{
		{"scheduled", `{"reportId":"r-1","reportName":"PaidUsageDaily","description":"Paid usage","queryId":"q-1","query":"SELECT ...","user":"142300001","createdTime":"2026-02-03T05:46:00Z",
			"modifiedTime":null,"executeNow":false,"queryStartTime":null,"queryEndTime":null,"startTime":"2026-02-04T06:00:00Z","reportStatus":"Active","recurrenceInterval":24,"recurrenceCount":30,
			"callbackUrl":"https://hooks.example.com/pc","callbackMethod":"GET","format":"csv"}`,
			analytics.Report{
				ID: "r-1", Name: "PaidUsageDaily", Description: "Paid usage", QueryID: "q-1", Query: "SELECT ...", User: "142300001", Status: analytics.ReportActive,
				CreatedAt: utc("2026-02-03T05:46:00Z"), Start: utc("2026-02-04T06:00:00Z"), Interval: 24 * time.Hour, Count: 30,
				CallbackURL: callback, CallbackMethod: analytics.CallbackGET, Format: analytics.CSV,
			}},
		{"executed at once", `{"reportId":"r-1","reportName":"x","queryId":"q-1","createdTime":"2026-02-03T05:46:00Z","executeNow":true,"queryStartTime":"2026-01-01T00:00:00Z","queryEndTime":"2026-02-01T00:00:00Z",
			"startTime":"2026-02-03T05:46:00Z","reportStatus":"Inactive","recurrenceInterval":-1,"recurrenceCount":1,"callbackUrl":null,"callbackMethod":null,"format":"tsv"}`,
			analytics.Report{
				ID: "r-1", Name: "x", QueryID: "q-1", Status: analytics.ReportInactive, CreatedAt: utc("2026-02-03T05:46:00Z"), ExecuteNow: true,
				QueryStart: utc("2026-01-01T00:00:00Z"), QueryEnd: utc("2026-02-01T00:00:00Z"), Start: utc("2026-02-03T05:46:00Z"), Count: 1, Format: analytics.TSV,
			}},
		{"version v1.1, mixed capitals, and a member of 2021", `{"ReportId ":" r-1","ReportName":"x","QueryId":"q-1","StartTime":"2026-02-04T06:00:00","endTime":"2026-03-04T06:00:00Z","totalRecurrenceCount":"30",
			"nextExecutionStartTime":"2026-02-05T06:00:00Z"," RecurrenceCount":"29","RecurrenceInterval":"24","ReportStatus":"active","isPublicInOrg":false}`,
			analytics.Report{
				ID: "r-1", Name: "x", QueryID: "q-1", Status: "active", Start: utc("2026-02-04T06:00:00Z"), End: utc("2026-03-04T06:00:00Z"), NextRun: utc("2026-02-05T06:00:00Z"),
				Interval: 24 * time.Hour, Count: 29, TotalCount: 30, Extra: map[string]json.RawMessage{"isPublicInOrg": json.RawMessage("false")},
			}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := answering(t, `{"value":[`+tc.body+`],"totalCount":1,"message":null,"statusCode":200}`).Report(t.Context(), "R-1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, compareSecrets); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExecutionsDecode(t *testing.T) {
	link := "https://acct.blob.core.windows.net/programmatic-export/x_1.csv?sv=2018-03-28&sr=b&sig=c2ln&se=2026-02-11T06%3A23%3A12Z&sp=r"
	body := `{"value":[{"executionId":"e-1","reportId":"r-1","recurrenceInterval":24,"recurrenceCount":29,"callbackUrl":null,"CallbackMethod":null,"format":"csv","executionStatus":"Completed",
		"reportLocation":"https://acct.blob.core.windows.net/programmatic-export/x_1.csv?sig=leak","reportAccessSecureLink":"` + link + `","reportExpiryTime":null,"reportGeneratedTime":"2026-02-04T06:20:48Z",
		"oddLink":"https://acct.blob.core.windows.net/?sig=abcdefg"}],"totalCount":1,"message":null,"statusCode":200,"dataRedacted":true}`
	got, err := collect(answering(t, body).Executions(t.Context(), analytics.ExecutionsRequest{ReportIDs: []string{"r-1"}}))
	if err != nil {
		t.Fatal(err)
	}
	want := []analytics.Execution{{
		ID: "e-1", ReportID: "r-1", Status: analytics.ExecutionCompleted, GeneratedAt: utc("2026-02-04T06:20:48Z"), Location: partnercenter.NewSecret(link),
		ExpiresAt: utc("2026-02-11T06:23:12Z"), Blob: "https://acct.blob.core.windows.net/programmatic-export/x_1.csv", Format: analytics.CSV,
		Interval: 24 * time.Hour, Count: 29, Redacted: true,
		Extra: map[string]json.RawMessage{"oddLink": json.RawMessage(`"https://acct.blob.core.windows.net/?sig=[redacted]"`)},
	}}
	if diff := cmp.Diff(want, got, compareSecrets); diff != "" {
		t.Errorf("executions (-want +got):\n%s", diff)
	}
	if text := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(text, "c2ln") {
		t.Error("the link's signature prints")
	}

	got, err = collect(answering(t, `{"value":[{"executionId":"e-1","executionStatus":"pending","reportExpiryTime":"2026-02-11T06:23:12Z","reportAccessSecureLink":"%zz"}]}`).
		Executions(t.Context(), analytics.ExecutionsRequest{ReportIDs: []string{" r-1 "}}))
	if err != nil {
		t.Fatal(err)
	}
	if x := got[0]; x.ReportID != "r-1" || !x.Status.Is(analytics.ExecutionPending) || !x.ExpiresAt.Equal(utc("2026-02-11T06:23:12Z")) {
		t.Errorf("a run that does not name its report: %+v", x)
	}
}

func TestPreviewKeepsOrderAndNumbers(t *testing.T) {
	body := `{"value":[{"Zeta":"x","Alpha":12345678901234567.10,"Flag":true,"None":null,"Odd":{"a":[1]}},{"Zeta":"y"}],"dataRedacted":true}`
	got, err := answering(t, body).TestQuery(t.Context(), analytics.PreviewRequest{QueryID: "q"})
	if err != nil {
		t.Fatal(err)
	}
	want := analytics.Preview{
		Columns: []string{"Zeta", "Alpha", "Flag", "None", "Odd"},
		Rows: []map[string]string{
			{"Zeta": "x", "Alpha": "12345678901234567.10", "Flag": "true", "Odd": `{"a":[1]}`},
			{"Zeta": "y"},
		},
		Redacted: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("preview (-want +got):\n%s", diff)
	}
	if _, err := answering(t, `{"value":["x"]}`).TestQuery(t.Context(), analytics.PreviewRequest{QueryID: "q"}); err == nil || !strings.Contains(err.Error(), "row 1") {
		t.Errorf("a row that is no object: %v", err)
	}
}

func TestAnswersThatMakeNoSenseAreErrors(t *testing.T) {
	for _, body := range []string{"", "<html>", "7", `"text"`, `{"value":7}`, `{"value":["x"]}`, `{"value":[null]}`, "null"} {
		if got, err := collect(answering(t, body).Reports(t.Context(), analytics.ReportsRequest{})); err == nil {
			t.Errorf("%q: %+v without an error", body, got)
		}
	}
}

// A thing that was created is not lost because its answer cannot be read: the error
// says that it exists.
func TestAcceptedWithoutAnID(t *testing.T) {
	for _, body := range []string{`{"value":[],"statusCode":200}`, `{"value":[{"name":"x"}]}`, "", "\r\n"} {
		_, err := answering(t, body).CreateQuery(t.Context(), analytics.QueryRequest{Name: "n", Text: "SELECT a FROM b"})
		if err == nil || !strings.Contains(err.Error(), "the query was accepted") {
			t.Errorf("query, %s: %v", body, err)
		}
		_, err = answering(t, body).CreateReport(t.Context(), analytics.ReportRequest{Name: "n", QueryID: "q", ExecuteNow: true})
		if err == nil || !strings.Contains(err.Error(), "the report was accepted") {
			t.Errorf("report, %s: %v", body, err)
		}
	}
	for _, body := range []string{`{"value":[],"statusCode":200}`, "", "\r\n"} {
		c := answering(t, body)
		if r, err := c.DeleteReport(t.Context(), "r-1"); err != nil || r.ID != "r-1" {
			t.Errorf("deleting with the answer %q: %+v, %v", body, r, err)
		}
		if q, err := c.DeleteQuery(t.Context(), "q-1"); err != nil || q.ID != "q-1" {
			t.Errorf("deleting with the answer %q: %+v, %v", body, q, err)
		}
		if r, err := c.PauseReport(t.Context(), "r-1"); err != nil || r.ID != "r-1" {
			t.Errorf("pausing with the answer %q: %+v, %v", body, r, err)
		}
	}
}

// The status of the envelope repeats that of the answer. Where it does not, a
// failure must not look like an empty list.
func TestStatusInTheEnvelopeCounts(t *testing.T) {
	_, err := collect(answering(t, `{"value":[],"totalCount":0,"message":"Service unavailable","statusCode":500}`).Reports(t.Context(), analytics.ReportsRequest{}))
	if !errorsIs(err, partnercenter.ErrServer) || !strings.Contains(err.Error(), "Service unavailable") {
		t.Errorf("error %v, want a server error", err)
	}
	got, err := collect(answering(t, `{"value":[],"totalCount":0,"message":"No item found with given filters","statusCode":404}`).Reports(t.Context(), analytics.ReportsRequest{}))
	if err != nil || len(got) != 0 {
		t.Errorf("404 in the envelope: %v, %v", got, err)
	}
}
