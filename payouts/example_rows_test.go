package payouts_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/payouts"
)

// openText stands in for [payouts.OpenFile] and [payouts.Client.Open].
func openText(text string) *partnercenter.Content {
	c, err := payouts.OpenReaderAt("2024-01_1.csv", strings.NewReader(text), int64(len(text)))
	if err != nil {
		panic(err)
	}
	return c
}

// openArchive does so for an archive.
func openArchive(files map[string]string) *partnercenter.Content {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	c, err := payouts.OpenReaderAt("export.zip", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		panic(err)
	}
	return c
}

func ExampleEarningRows() {
	content := openText(`earningId,programName,earningAmount,transactionCurrency,earningDate,lotNumber
E-1,Example Incentives,10.10,EUR,2024-01-31T00:00:00.000Z,L7
E-2,Example Incentives,-0.30,EUR,2024-01-31T00:00:00.000Z,L8
`)
	defer func() { _ = content.Close() }()

	for row, err := range payouts.EarningRows(content, nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row.EarningID, row.EarningAmount.Decimal.StringFixed(2), row.TransactionCurrency,
			row.EarningDate.Format(time.DateOnly), row.Extra["lotNumber"])
	}
	// Output:
	// E-1 10.10 EUR 2024-01-31 L7
	// E-2 -0.30 EUR 2024-01-31 L8
}

func ExampleEarningRows_tolerant() {
	content := openText(`earningId,earningAmount
E-1,10.10
E-2,n/a
E-3,5
`)
	defer func() { _ = content.Close() }()

	for row, err := range payouts.EarningRows(content, &partnercenter.RowOptions{Tolerant: true}) {
		if bad, ok := errors.AsType[*partnercenter.RowError](err); ok {
			fmt.Println("line", bad.Line, bad.Cells[0].Column, bad.Cells[0].Text)
		} else if err != nil {
			fmt.Println(err) // the file itself is damaged
			return
		}
		fmt.Println(row.EarningID, row.EarningAmount.Valid)
	}
	// Output:
	// E-1 true
	// line 3 earningAmount n/a
	// E-2 false
	// E-3 true
}

func ExamplePaymentRows() {
	content := openText(`paymentID,totalPayment,currencyCode,paymentStatus,paymentDate
000011112222,11.90,EUR,Sent,2024-03-15T00:00:00.000Z
`)
	defer func() { _ = content.Close() }()

	for row, err := range payouts.PaymentRows(content, nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row.PaymentID, row.TotalPayment.Decimal.StringFixed(2), row.Currency(), row.PaymentStatus)
	}
	// Output: 000011112222 11.90 EUR Sent
}

// A struct of your own has the columns that you need, and its Strict option tells
// when one of them is gone.
func ExampleRows() {
	type sale struct {
		Product string          `csv:"productName"`
		Amount  decimal.Decimal `csv:"transactionAmount"`
	}
	content := openText("Product Name\tTransaction Amount\nExample Backup\t200.00\n")
	defer func() { _ = content.Close() }()

	for row, err := range payouts.Rows[sale](content, &partnercenter.RowOptions{Strict: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row.Product, row.Amount)
	}
	// Output: Example Backup 200
}

func ExampleTotals() {
	content := openText(`earningId,programName,earningAmount,earningAmountUSD,transactionCurrency,earningDate,paymentId
E-1,Example Incentives,10.10,11.00,EUR,2024-01-31,000011112222
E-1,Example Incentives,10.10,11.00,EUR,2024-01-31,000011112222
E-2,Example Incentives,0.20,0.22,EUR,2024-01-31,000011112222
E-3,Example Store,5,5,USD,2024-02-29,
`)
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
		fmt.Println(t.Program, t.Month, t.Amount.StringFixed(2), t.Currency, "in", t.Earnings, "earnings,", t.Repeats, "rows repeated")
	}
	// Output:
	// Example Incentives 2024-01 10.30 EUR in 2 earnings, 1 rows repeated
	// Example Store 2024-02 5.00 USD in 1 earnings, 0 rows repeated
}

func ExampleMatchPayments() {
	var earnings payouts.Totals
	for _, row := range []payouts.EarningRow{
		{EarningID: "E-1", PaymentID: "000011112222", TransactionCurrency: "EUR", EarningAmount: decimal.NewNullDecimal(decimal.RequireFromString("10.10"))},
		{EarningID: "E-2", PaymentID: "000011112222", TransactionCurrency: "EUR", EarningAmount: decimal.NewNullDecimal(decimal.RequireFromString("0.20"))},
		{EarningID: "E-3", TransactionCurrency: "EUR", EarningAmount: decimal.NewNullDecimal(decimal.RequireFromString("5"))},
	} {
		if err := earnings.Add(row); err != nil {
			fmt.Println(err)
			return
		}
	}
	var payments payouts.PaymentTotals
	payments.Add(payouts.PaymentRow{
		PaymentID: "000011112222", PaymentStatus: "Sent", PaymentCurrencyCode: "EUR",
		TotalPayment: decimal.NewNullDecimal(decimal.RequireFromString("12.26")),
	})

	for _, m := range payouts.MatchPayments(&earnings, &payments) {
		fmt.Printf("payment %q\n", m.PaymentID)
		for _, p := range m.Payments {
			fmt.Println("  paid", p.Amount, p.Currency, p.Status)
		}
		for _, e := range m.Earnings {
			fmt.Println("  earned", e.Amount, e.Currency, "in", e.Earnings, "earnings")
		}
	}
	// Output:
	// payment "000011112222"
	//   paid 12.26 EUR Sent
	//   earned 10.3 EUR in 2 earnings
	// payment ""
	//   earned 5 EUR in 1 earnings
}

func ExampleEarningRows_interleave() {
	content := openArchive(map[string]string{
		"2024-01_1.csv": "earningId,earningAmount\nE-1,10.10\nE-2,0.30\n",
		"2024-02_2.csv": "earningId,earningAmount\nE-3,5.00\n",
	})
	defer func() { _ = content.Close() }()
	content.Limits.MaxBytes = 100 << 30 // refuse what inflates to more than 100 GiB

	earned := map[string]decimal.Decimal{}
	for row, err := range payouts.EarningRows(content, &partnercenter.RowOptions{Interleave: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		earned[row.File] = earned[row.File].Add(row.EarningAmount.Decimal)
	}
	fmt.Println(earned["2024-01_1.csv"], earned["2024-02_2.csv"])
	// Output: 10.4 5
}
