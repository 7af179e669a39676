package analytics_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// exampleClient talks to the service of these tests, which needs no account and
// writes files at once. Yours is made of a token source from package auth.
func exampleClient() *analytics.Client {
	s := newService()
	s.generation = 0
	s.datasets = []map[string]any{{
		"datasetName": "ISVUsage", "selectableColumns": []string{"OfferName", "UsageDate"}, "availableMetrics": []string{"RawUsage"},
		"availableDateRanges": []string{"LAST_MONTH", "LAST_6_MONTHS"}, "minimumRecurrenceInterval": 1,
	}}
	s.preview = func(string) []map[string]any { return []map[string]any{{"OfferName": "Contoso Scan"}} }
	client, err := analytics.New(source(), analytics.Marketplace, &partnercenter.Options{Transport: s})
	if err != nil {
		panic(err)
	}
	return client
}

// One call from the query to the rows. Everything that was made for it is deleted
// in the end.
func ExampleRunRows() {
	type Usage struct {
		Offer  string          `csv:"OfferName"`
		Amount decimal.Decimal `csv:"RawUsage"`
	}
	client := exampleClient()
	req := analytics.RunRequest{Query: "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH"}
	for row, err := range analytics.RunRows[Usage](context.Background(), client, req, nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row.Offer, row.Amount)
	}
	// Output:
	// Contoso Backup 12.5
	// Contoso Scan 0.16667
}

// The same in steps. The resume token lets another process go on with the run.
func ExampleClient_Run() {
	ctx := context.Background()
	client := exampleClient()
	run, err := client.Run(ctx, analytics.RunRequest{Query: "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH"})
	if err != nil {
		fmt.Println(err)
		return
	}
	token := run.ResumeToken() // write it down

	run, err = client.ResumeRun(token)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := run.CleanUp(ctx); err != nil {
			fmt.Println(err)
		}
	}()
	execution, err := run.Wait(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(execution.Status, execution.Location)
	content, err := run.Open(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = content.Close() }()
	for row, err := range analytics.Rows[analytics.ISVUsageRow](content, nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row.OfferName, row.RawUsage.Decimal)
	}
	// Output:
	// Completed [redacted]
	// Contoso Backup 12.5
	// Contoso Scan 0.16667
}

// Columns that are known at run time only, with the types that the documentation
// gives them.
func ExampleRecords() {
	file := "OfferName,UsageDate,RawUsage\nContoso Scan,2026-01-15,0.16667\n"
	content, err := analytics.OpenReaderAt("usage.csv", strings.NewReader(file), int64(len(file)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = content.Close() }()
	dataset, _ := query.Documented("ISVUsage")
	for record, err := range analytics.Records(content, dataset, nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for name, value := range record.All() {
			fmt.Printf("%s: %T %v\n", name, value, value)
		}
	}
	// Output:
	// OfferName: string Contoso Scan
	// UsageDate: time.Time 2026-01-15 00:00:00 +0000 UTC
	// RawUsage: decimal.Decimal 0.16667
}

// A schedule is described, not programmed: applying it again changes nothing.
func ExampleClient_Apply() {
	ctx := context.Background()
	client := exampleClient()
	daily := analytics.Schedule{
		Name:     "DailyUsage",
		Query:    "SELECT OfferName, UsageDate, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH",
		Interval: 24 * time.Hour,
		Count:    90,
	}
	for range 2 {
		applied, err := client.Apply(ctx, daily)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(applied.Action, applied.Report.Status, applied.Remaining)
	}
	// Output:
	// created Active 90
	// unchanged Active 90
}

// The names of a query are checked against the datasets before anything is stored.
func ExampleClient_CheckQuery() {
	const text = "SELECT OfferNam, RawUsage FROM ISVUsage"
	_, problems, err := exampleClient().CheckQuery(context.Background(), text)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range problems {
		fmt.Println(p.Line, p.Column, p.Code, p.Suggestion)
	}
	// Output:
	// 1 8 column OfferName
}

// A request that breaks a published rule is refused before it is sent.
func ExampleClient_CreateReport() {
	_, err := exampleClient().CreateReport(context.Background(), analytics.ReportRequest{
		Name: "usage;daily", QueryID: "query-1", ExecuteNow: true, Format: "xlsx",
	})
	if e, ok := errors.AsType[*analytics.RequestError](err); ok {
		for _, p := range e.Problems {
			fmt.Println(p)
		}
	}
	// Output:
	// ReportName: must not contain a semicolon
	// Format: is "xlsx", but reports are written as csv or tsv
}

// Quotas are kinds of errors.
func ExampleClient_CreateQuery() {
	ctx := context.Background()
	client := exampleClient()
	for i := range analytics.MaxQueries + 1 {
		_, err := client.CreateQuery(ctx, analytics.QueryRequest{Name: fmt.Sprint("query", i), Text: "SELECT OfferName FROM ISVUsage"})
		if errors.Is(err, analytics.ErrQueryQuota) {
			fmt.Println("after", i, "queries: delete some first")
		}
	}
	// Output:
	// after 100 queries: delete some first
}

// Why is there nothing in the file?
func ExampleClient_WhyEmpty() {
	ctx := context.Background()
	client := exampleClient()
	run, err := client.Run(ctx, analytics.RunRequest{Query: "SELECT OfferName FROM ISVUsage WHERE OfferName = 'Nobody'"})
	if err != nil {
		fmt.Println(err)
		return
	}
	execution, err := run.Wait(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.WhyEmpty(ctx, execution))
	// Output:
	// filter matches nothing <nil>
}

// A receiver is told by the service when a file is ready, and hands it over.
func ExampleReceiver() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	client := exampleClient()
	run, err := client.Run(ctx, analytics.RunRequest{Query: "SELECT OfferName FROM ISVUsage"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ready := make(chan analytics.Execution)
	receiver, err := analytics.NewReceiver(client, analytics.ToChannel(ready), &analytics.ReceiverOptions{
		Secret: partnercenter.NewSecret("keep-this-in-your-vault"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error)
	go func() { done <- receiver.Run(ctx) }()

	// The service calls the URL that reports were given: receiver.URL(...).
	w := httptest.NewRecorder()
	receiver.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/keep-this-in-your-vault/"+run.ReportID(), nil))
	execution := <-ready
	fmt.Println(w.Code, execution.Status)
	stop()
	fmt.Println(<-done)
	// Output:
	// 200 Completed
	// <nil>
}

// A report that runs once, and the next file of it: the wait can be taken up in
// another process, see ResumeAwait.
func ExampleClient_AwaitExecution() {
	ctx := context.Background()
	client := exampleClient()
	query, err := client.CreateQuery(ctx, analytics.QueryRequest{Name: "Usage", Text: "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH"})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := client.CreateReport(ctx, analytics.ReportRequest{Name: "Usage", QueryID: query.ID, ExecuteNow: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	poller, err := client.AwaitExecution(report.ID, time.Time{})
	if err != nil {
		fmt.Println(err)
		return
	}
	execution, err := poller.Wait(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(execution.Status, execution.Format)
	// Output: Completed csv
}

// Everything that a report has written and that is not in the folder yet. Files lie
// there as the service stores them; the last step is for programs that do not know
// gzip.
func ExampleClient_Fetch() {
	ctx := context.Background()
	client := exampleClient()
	dir, err := os.MkdirTemp("", "reports")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	query, err := client.CreateQuery(ctx, analytics.QueryRequest{Name: "Usage", Text: "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH"})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := client.CreateReport(ctx, analytics.ReportRequest{Name: "Usage", QueryID: query.ID, ExecuteNow: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		for file, err := range client.Fetch(ctx, report.ID, dir, nil) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println("new:", file.New)
			if file.New {
				if err := analytics.UnpackFile(file.Path, file.Path); err != nil {
					fmt.Println(err)
					return
				}
			}
		}
	}
	// Output:
	// new: true
	// new: false
}

// The first rows of a query, without a report. It is a preview and no substitute.
func ExampleClient_TestQuery() {
	preview, err := exampleClient().TestQuery(context.Background(), analytics.PreviewRequest{Query: "SELECT OfferName FROM ISVUsage"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(preview.Columns, preview.Rows)
	// Output: [OfferName] [map[OfferName:Contoso Scan]]
}

// What earlier programs have left behind, apart from the schedules that are still
// wanted.
func ExampleClient_Orphans() {
	ctx := context.Background()
	client := exampleClient()
	usage := analytics.Schedule{Name: "Usage", Query: "SELECT OfferName, RawUsage FROM ISVUsage", Interval: 24 * time.Hour, Count: 30}
	old := analytics.Schedule{Name: "Old", Query: "SELECT OfferName FROM ISVUsage", Interval: 24 * time.Hour, Count: 30}
	for _, s := range []analytics.Schedule{usage, old} {
		if _, err := client.Apply(ctx, s); err != nil {
			fmt.Println(err)
			return
		}
	}
	orphans, err := client.Orphans(ctx, []analytics.Schedule{usage})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range orphans.Reports {
		fmt.Println("report", r.Name)
	}
	for _, q := range orphans.Queries {
		fmt.Println("query", q.Name)
	}
	if err := client.DeleteOrphans(ctx, orphans); err != nil {
		fmt.Println(err)
	}
	// Output:
	// report Old
	// query Old
}
