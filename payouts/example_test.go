package payouts_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/payouts"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// exampleClient talks to a Partner Center of one's own, which needs no account.
// Yours is made of a token source from package auth.
func exampleClient() (client *payouts.Client, done func()) {
	srv, err := pctest.New(pctest.WithData(pctest.Data{
		Rows: 300, Months: 3, FirstMonth: payouts.Day(2024, time.January, 1), RepeatPercent: 10,
		Programs: []string{"Azure Marketplace"}, Currencies: []string{"EUR", "USD"},
	}))
	if err != nil {
		log.Fatal(err)
	}
	client, err = payouts.New(srv.TokenSource(), srv.Options())
	if err != nil {
		log.Fatal(err)
	}
	return client, func() { _ = srv.Close() }
}

// quickly is for the fake, which is done at once.
var quickly = &partnercenter.WaitOptions{MinInterval: time.Millisecond}

// The earnings of a month, from the request to exact totals.
func Example() {
	ctx := context.Background()
	client, done := exampleClient()
	defer done()

	poller, err := client.StartExport(ctx, payouts.ExportRequest{
		Kind:   payouts.Earnings,
		Filter: payouts.EarningForDate.Month(2024, time.January),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	export, err := poller.Wait(ctx, quickly)
	if err != nil {
		fmt.Println(err)
		return
	}
	content, err := client.Open(ctx, export, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = content.Close() }()
	var totals payouts.Totals
	for row, err := range payouts.EarningRows(content, nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := totals.Add(row); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, t := range totals.All() {
		fmt.Println(t.Program, t.Month, t.Amount, t.Currency, "of", t.Earnings, "earnings,", t.Repeats, "rows repeated")
	}
	// Output:
	// Azure Marketplace 2024-01 11470.884333 EUR of 48 earnings, 3 rows repeated
	// Azure Marketplace 2024-01 18037.579878 USD of 52 earnings, 3 rows repeated
}

// Every look at an export, and the token with which another process could go on.
func ExampleClient_ResumeExport() {
	ctx := context.Background()
	client, done := exampleClient()
	defer done()

	started, err := client.StartExport(ctx, payouts.ExportRequest{
		Kind:   payouts.Payments,
		Filter: payouts.PayoutStatusUpdateTS.Ge(payouts.Day(2024, time.January, 1)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	token := started.ResumeToken() // no secret: write it down

	poller, err := client.ResumeExport(token)
	if err != nil {
		fmt.Println(err)
		return
	}
	var last payouts.Status
	for export, err := range poller.Watch(ctx, quickly) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if !export.Status.Is(last) {
			fmt.Println(export.Status)
		}
		last = export.Status
	}
	// Output:
	// Processing
	// Completed
}

// The file appears under its name when it is whole; a download that was
// interrupted is resumed by the next.
func ExampleClient_DownloadFile() {
	ctx := context.Background()
	client, done := exampleClient()
	defer done()
	dir, err := os.MkdirTemp("", "exports")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()

	poller, err := client.StartExport(ctx, payouts.ExportRequest{
		Kind:   payouts.Payments,
		Filter: payouts.PayoutStatusUpdateTS.Ge(payouts.Day(2024, time.January, 1)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	export, err := poller.Wait(ctx, quickly)
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := client.DownloadFile(ctx, export, filepath.Join(dir, "payments.zip"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	content, err := payouts.OpenFile(result.Path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = content.Close() }()
	var totals payouts.PaymentTotals
	for row, err := range payouts.PaymentRows(content, nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		totals.Add(row)
	}
	for _, t := range totals.All() {
		fmt.Println(t.Program, t.Status, t.Amount, t.Currency, "in", t.Payments, "payments")
	}
	if err := client.DeleteExport(ctx, payouts.Payments, export.ID); err != nil {
		fmt.Println(err)
		return
	}
	// Output:
	// Azure Marketplace Sent 23926.76 EUR in 2 payments
	// Azure Marketplace Sent 37659.9 USD in 2 payments
}

func ExampleFilter() {
	filter := payouts.And(
		payouts.EarningForDate.Month(2024, time.January),
		payouts.PayableSubType.In("REBATE", "FEE"),
		payouts.ProgramName.Eq("Partner's choice"),
		payouts.EarningAmount.Ge(decimal.RequireFromString("0.01")),
		payouts.TextField("newField").Eq("a field that this package does not list"),
	)
	fmt.Println(filter)
	fmt.Println(payouts.PaymentID.Eq("12\n").Err())
	// Output:
	// earningForDate ge 2024-01-01 and earningForDate lt 2024-02-01 and (payableSubType eq 'REBATE' or payableSubType eq 'FEE') and programName eq 'Partner''s choice' and earningAmount ge 0.01 and newField eq 'a field that this package does not list'
	// payouts: filter field paymentId: the value "12\n" holds a control character
}
