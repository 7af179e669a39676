package pctest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/payouts"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// quickly keeps the examples from waiting between polls; in tests,
// testing/synctest makes every wait short.
var quickly = &partnercenter.WaitOptions{MinInterval: time.Millisecond}

// spring2024 keeps the examples' output from changing with the calendar.
var spring2024 = pctest.WithData(pctest.Data{Rows: 500, Months: 3, FirstMonth: time.Date(2024, time.March, 1, 0, 0, 0, 0, time.UTC)})

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// An export from request to rows. In a test, NewServer(t) takes the place of New
// and closes itself.
func Example() {
	ctx := context.Background()
	srv, err := pctest.New(spring2024)
	check(err)
	defer func() { check(srv.Close()) }()

	client, err := payouts.New(srv.TokenSource(), srv.Options())
	check(err)
	poller, err := client.StartExport(ctx, payouts.ExportRequest{
		Kind:   payouts.Earnings,
		Filter: payouts.RawFilter("earningForDate ge 2024-03-01 and programName eq 'Azure Marketplace'"),
	})
	check(err)
	export, err := poller.Wait(ctx, quickly)
	check(err)
	content, err := client.Open(ctx, export, nil)
	check(err)
	defer func() { check(content.Close()) }()
	rows := 0
	for _, err := range payouts.EarningRows(content, nil) {
		check(err)
		rows++
	}

	want, err := srv.Payouts().ExpectedEarnings(export.Filter)
	check(err)
	fmt.Println("all rows were read:", rows == want.Rows)
	fmt.Println(want.Groups[0].Program, want.Groups[0].Month, want.Groups[0].Amount, want.Groups[0].Currency)
	// Output:
	// all rows were read: true
	// Azure Marketplace 2024-03 1693.301726 EUR
}

// Faults happen to the requests they are meant for, and the client must cope.
func ExampleServer_Inject() {
	ctx := context.Background()
	srv, err := pctest.New(spring2024)
	check(err)
	defer func() { check(srv.Close()) }()
	opts := srv.Options()
	opts.Retry.MinDelay = time.Millisecond
	client, err := payouts.New(srv.TokenSource(), opts)
	check(err)

	busy := srv.Inject(pctest.Answer(503).On("GET", "/v1.0/payouts/*").Times(2))
	cut := srv.Inject(pctest.CutAfter(10_000).At(pctest.Blob))
	expired := srv.Inject(pctest.ExpiredLink())

	poller, err := client.StartExport(ctx, payouts.ExportRequest{Kind: payouts.Earnings, Filter: payouts.RawFilter("earningForDate ge 2024-03-01")})
	check(err)
	export, err := poller.Wait(ctx, quickly)
	check(err)
	content, err := client.Open(ctx, export, nil)
	check(err)
	defer func() { check(content.Close()) }()
	rows := 0
	for _, err := range payouts.EarningRows(content, nil) {
		check(err)
		rows++
	}
	fmt.Println(rows, "rows, although the API was busy", busy.Hits(), "times, the download broke off", cut.Hits(), "time and its link had expired", expired.Hits(), "time")
	// Output: 500 rows, although the API was busy 2 times, the download broke off 1 time and its link had expired 1 time
}

// A script tells the story of one export; here it fails in the end.
func ExamplePayouts_NextExport() {
	ctx := context.Background()
	srv, err := pctest.New()
	check(err)
	defer func() { check(srv.Close()) }()
	srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{
		pctest.Queued(1),
		pctest.Reports("Archiving", 1), // a status that nobody has heard of
		pctest.Processing(1),
		pctest.Failed(),
	}})

	client, err := payouts.New(srv.TokenSource(), srv.Options())
	check(err)
	poller, err := client.StartExport(ctx, payouts.ExportRequest{Kind: payouts.Payments})
	check(err)
	for export, err := range poller.Watch(ctx, quickly) {
		var failed *partnercenter.OperationError
		fmt.Println(export.Status, errors.As(err, &failed))
	}
	// Output:
	// Queued false
	// Archiving false
	// Processing false
	// Failed true
}

// Every request is recorded, without its secrets.
func ExampleServer_Requests() {
	ctx := context.Background()
	srv, err := pctest.New()
	check(err)
	defer func() { check(srv.Close()) }()
	client, err := payouts.New(srv.TokenSource(), srv.Options())
	check(err)
	_, err = client.StartExport(ctx, payouts.ExportRequest{Kind: payouts.Payments, Filter: payouts.RawFilter("paymentAmount ge 100"), IdempotencyKey: "8d0a7e0e-3a39-4c0e-9d0c-0c5b7a3f2b11"})
	check(err)

	for _, q := range srv.Requests().To(pctest.API).On("POST", "*") {
		fmt.Println(q.Method, q.Path, q.Status)
		fmt.Println(q.Query.Get("$filter"))
		fmt.Println(q.Header.Get("ms-requestid"))
		fmt.Println(q.Header.Get("Authorization"))
	}
	// Output:
	// POST /v1.0/payouts/payments 202
	// paymentAmount ge 100
	// 8d0a7e0e-3a39-4c0e-9d0c-0c5b7a3f2b11
	// Bearer [redacted]
}

// A token that is revoked, or expires by the server's clock, must be replaced by
// the client.
func ExampleServer_Advance() {
	ctx := context.Background()
	srv, err := pctest.New()
	check(err)
	defer func() { check(srv.Close()) }()
	client, err := payouts.New(srv.TokenSource(), srv.Options())
	check(err)
	poller, err := client.StartExport(ctx, payouts.ExportRequest{Kind: payouts.Payments})
	check(err)

	srv.Advance(2 * time.Hour) // to the client, it is still the same minute
	_, err = poller.Wait(ctx, quickly)
	fmt.Println("error:", err)
	fmt.Println("refused once:", len(srv.Requests().Answered(401)) == 1)
	// Output:
	// error: <nil>
	// refused once: true
}

// Listen is for clients that need real sockets.
func ExampleServer_Listen() {
	ctx := context.Background()
	srv, err := pctest.New()
	check(err)
	defer func() { check(srv.Close()) }()
	lo, err := srv.Listen()
	check(err)

	client, err := payouts.New(srv.TokenSource(), lo.Options())
	check(err)
	_, err = client.StartExport(ctx, payouts.ExportRequest{Kind: payouts.Earnings})
	fmt.Println("over TLS on 127.0.0.1:", err)
	// Output: over TLS on 127.0.0.1: <nil>
}

// A snapshot carries the exports into another process, where a resume token finds
// them.
func ExampleServer_Snapshot() {
	ctx := context.Background()
	first, err := pctest.New()
	check(err)
	client, err := payouts.New(first.TokenSource(), first.Options())
	check(err)
	poller, err := client.StartExport(ctx, payouts.ExportRequest{Kind: payouts.Payments})
	check(err)
	token := poller.ResumeToken()
	snapshot, err := first.Snapshot()
	check(err)
	check(first.Close())

	next, err := pctest.New(pctest.WithSnapshot(snapshot))
	check(err)
	defer func() { check(next.Close()) }()
	client, err = payouts.New(next.TokenSource(), next.Options())
	check(err)
	poller, err = client.ResumeExport(token)
	check(err)
	export, err := poller.Wait(ctx, quickly)
	check(err)
	fmt.Println(export.Status)
	// Output: Completed
}
