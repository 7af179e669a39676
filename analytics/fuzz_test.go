package analytics_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

// Whatever a 2xx answer holds, reading it ends, in items or in an error.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", "{}", `{"value":null}`, `{"value":[null]}`, `{"value":{}}`, `{"value":[{}],"statusCode":"400"}`, `[1]`, "\ufeff{}",
		`{"value":[{"executionId":"x","reportId":" r ","executionStatus":"Completed","reportAccessSecureLink":"https://h/b?se=2026-02-11T06%3A23%3A12Z&sig=abcdefgh","reportGeneratedTime":"2026-02-04T06:20:48Z"}]}`,
		`{"Value":[{"ReportId":"r","RecurrenceInterval":1e300,"StartTime":"0000-01-01T00:00:00Z","x":"https://h/b?sig=abcdefgh"}],"NextLink":"\\","totalCount":-1}`,
		`{"value":[{"datasetName":1,"selectableColumns":["a",2,null,{}],"minimumRecurrenceInterval":-1}]}`,
		`{"value":[{"a":{"b":[1]},"a":2," c ":null}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := newService()
		s.fail = func(*http.Request) *http.Response { return answer(http.StatusOK, body) }
		c, err := analytics.New(source(), analytics.Marketplace, &partnercenter.Options{Transport: s, Retry: partnercenter.RetryOptions{MaxRetries: -1}})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		var printed []any
		for x, err := range c.Datasets(ctx) {
			printed = append(printed, x, err)
		}
		for x, err := range c.Queries(ctx, analytics.QueriesRequest{}) {
			printed = append(printed, x, err)
		}
		for x, err := range c.Reports(ctx, analytics.ReportsRequest{}) {
			printed = append(printed, x, err, x.Update())
		}
		for x, err := range c.Executions(ctx, analytics.ExecutionsRequest{ReportIDs: []string{"r"}}) {
			printed = append(printed, x, err)
		}
		if _, err := c.Slots(ctx, "r"); err != nil {
			printed = append(printed, err)
		}
		preview, err := c.TestQuery(ctx, analytics.PreviewRequest{QueryID: "q"})
		if err == nil && len(preview.Rows) > 0 && len(preview.Columns) < len(preview.Rows[0]) {
			t.Errorf("%d columns, %d cells", len(preview.Columns), len(preview.Rows[0]))
		}
		p, err := c.AwaitExecution("r", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if x, _, err := p.Poll(ctx); err == nil {
			printed = append(printed, x)
		}
		for _, v := range printed {
			_ = fmt.Sprintf("%+v", v)
		}
	})
}
