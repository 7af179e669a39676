package pctest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/payouts"
	"github.com/partnercenter-go/partnercenter/pctest"
)

const sinceMarch = "earningForDate ge 2024-03-01 and programName eq 'Azure Marketplace'"

// monthEnd stands for a program of yours that uses this module: it adds up what the
// marketplace has earned since the first of March. The examples below are how one tests that it copes.
func monthEnd(ctx context.Context, client *payouts.Client) (decimal.Decimal, error) {
	poller, err := client.StartExport(ctx, payouts.ExportRequest{
		Kind: payouts.Earnings, Filter: payouts.RawFilter(sinceMarch),
	})
	if err != nil {
		return decimal.Zero, fmt.Errorf("starting the export: %w", err)
	}
	export, err := poller.Wait(ctx, quickly)
	if err != nil {
		return decimal.Zero, fmt.Errorf("making the export: %w", err)
	}
	content, err := client.Open(ctx, export, nil)
	if err != nil {
		return decimal.Zero, err
	}
	defer func() { _ = content.Close() }()
	total := decimal.Zero
	for row, err := range payouts.EarningRows(content, nil) {
		if err != nil {
			return decimal.Zero, err
		}
		total = total.Add(row.EarningAmountUSD.Decimal)
	}
	return total, nil
}

// A server for a program under test, and what a correct program must find.
func ownServer() (*pctest.Server, *payouts.Client, decimal.Decimal) {
	srv, err := pctest.New(spring2024)
	check(err)
	opts := srv.Options()
	opts.Retry.MinDelay = time.Millisecond
	client, err := payouts.New(srv.TokenSource(), opts)
	check(err)
	expected, err := srv.Payouts().ExpectedEarnings(sinceMarch)
	check(err)
	want := decimal.Zero
	for _, g := range expected.Groups {
		want = want.Add(g.AmountUSD)
	}
	return srv, client, want
}

// The service is busy, loses an answer and breaks off a download: the sum must be right
// all the same, and nothing must have been started twice.
func Example_retries() {
	srv, client, want := ownServer()
	defer func() { check(srv.Close()) }()
	faults := []*pctest.Injected{
		srv.Inject(pctest.Answer(429).RetryAfter(time.Millisecond).On("POST", "/v1.0/payouts/*")),
		srv.Inject(pctest.Answer(503).On("GET", "/v1.0/payouts/*").Times(2)),
		srv.Inject(pctest.Reset().On("GET", "/v1.0/payouts/*")),
		srv.Inject(pctest.CutAfter(5000).At(pctest.Blob)),
	}

	got, err := monthEnd(context.Background(), client)
	fmt.Println("error:", err)
	fmt.Println("right to the last digit:", got.Equal(want))
	for _, f := range faults {
		fmt.Print(f.Hits(), " ")
	}
	fmt.Println("faults were met, and exports started:", len(srv.Payouts().Exports()))
	// Output:
	// error: <nil>
	// right to the last digit: true
	// 1 2 1 1 faults were met, and exports started: 1
}

// Between two runs the token expires by the server's clock, which the client cannot know;
// and the link to the file does, before it was used.
func Example_expiry() {
	srv, client, want := ownServer()
	defer func() { check(srv.Close()) }()
	_, err := monthEnd(context.Background(), client)
	check(err)
	srv.Advance(2 * time.Hour)
	srv.ForgetRequests()
	link := srv.Inject(pctest.ExpiredLink())

	got, err := monthEnd(context.Background(), client)
	fmt.Println("error:", err)
	fmt.Println("right to the last digit:", got.Equal(want))
	fmt.Println("refused tokens:", len(srv.Requests().To(pctest.API).Answered(401)), "expired links:", link.Hits())
	// Output:
	// error: <nil>
	// right to the last digit: true
	// refused tokens: 1 expired links: 1
}

// The export fails, or may not be made at all: the program must say so, and which.
func Example_failures() {
	srv, client, _ := ownServer()
	defer func() { check(srv.Close()) }()

	srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{pctest.Processing(1), pctest.Failed()}})
	_, err := monthEnd(context.Background(), client)
	var failed *partnercenter.OperationError
	fmt.Println("the service has failed:", errors.As(err, &failed))

	srv.Payouts().Configure(func(b *pctest.Behavior) { b.Audiences = []string{"https://another.example"} })
	_, err = monthEnd(context.Background(), client)
	var refused *partnercenter.Error
	fmt.Println("the service has refused:", errors.As(err, &refused) && refused.StatusCode == 401)
	fmt.Println(len(srv.Requests().On("POST", "/v1.0/payouts/*").Answered(401)), "request was refused")
	// Output:
	// the service has failed: true
	// the service has refused: true
	// 1 request was refused
}
