package payouts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter/payouts"
)

func TestFilterText(t *testing.T) {
	amount := decimal.RequireFromString
	for _, tc := range []struct {
		name   string
		filter payouts.Filter
		want   string
	}{
		{"zero", payouts.Filter{}, ""},
		{"text", payouts.ProgramName.Eq("Azure Marketplace"), "programName eq 'Azure Marketplace'"},
		{"embedded quote is doubled", payouts.ProgramName.Eq("O'Neill's"), "programName eq 'O''Neill''s'"},
		{"quote alone", payouts.ProgramName.Eq("'"), "programName eq ''''"},
		{"empty text", payouts.PaymentID.Eq(""), "paymentId eq ''"},
		{"number-like ids are quoted", payouts.EnrollmentParticipantID.Eq("1234567"), "enrollmentParticipantId eq '1234567'"},
		{"date", payouts.EarningForDate.Ge(payouts.Day(2024, time.January, 1)), "earningForDate ge 2024-01-01"},
		{"month", payouts.EarningForDate.Month(2024, time.February), "earningForDate ge 2024-02-01 and earningForDate lt 2024-03-01"},
		{"december", payouts.EarningForDate.Month(2023, time.December), "earningForDate ge 2023-12-01 and earningForDate lt 2024-01-01"},
		{"the month before January", payouts.EarningForDate.Month(2024, time.January-1), "earningForDate ge 2023-12-01 and earningForDate lt 2024-01-01"},
		{"lt", payouts.PayoutStatusUpdateTS.Lt(payouts.Day(2024, 7, 1)), "payoutStatusUpdateTS lt 2024-07-01"},
		{"instant in another zone", payouts.PayoutStatusUpdateTS.Ge(time.Date(2024, 1, 2, 1, 30, 0, 0, time.FixedZone("", 3600))), "payoutStatusUpdateTS ge 2024-01-02T00:30:00Z"},
		{"milliseconds", payouts.PayoutStatusUpdateTS.Le(time.Date(2024, 1, 2, 3, 4, 5, 60e6, time.UTC)), "payoutStatusUpdateTS le 2024-01-02T03:04:05.06Z"},
		{"midnight elsewhere is not a date", payouts.EarningForDate.Eq(time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("", 7200))), "earningForDate eq 2023-12-31T22:00:00Z"},
		{"decimal", payouts.EarningAmount.Ge(amount("-0.10")), "earningAmount ge -0.1"},
		{"decimal without exponent", payouts.TransactionAmount.Le(amount("1e3")), "transactionAmount le 1000"},
		{"decimal equality", payouts.PaymentAmount.Eq(amount("12345678901234567890.12")), "paymentAmount eq 12345678901234567890.12"},
		{"in", payouts.PayableSubType.In("REBATE", "FEE"), "payableSubType eq 'REBATE' or payableSubType eq 'FEE'"},
		{"in one", payouts.PayableSubType.In("REBATE"), "payableSubType eq 'REBATE'"},
		{"or inside and", payouts.And(payouts.PayableSubType.In("REBATE", "FEE"), payouts.PayoutStatus.Eq("SENT")),
			"(payableSubType eq 'REBATE' or payableSubType eq 'FEE') and payoutStatus eq 'SENT'"},
		{"and inside or", payouts.Or(payouts.EarningForDate.Month(2024, 1), payouts.PaymentID.Eq("7")),
			"(earningForDate ge 2024-01-01 and earningForDate lt 2024-02-01) or paymentId eq '7'"},
		{"same operator needs no parentheses", payouts.And(payouts.And(payouts.PaymentID.Eq("1"), payouts.PaymentID.Eq("2")), payouts.PaymentID.Eq("3")),
			"paymentId eq '1' and paymentId eq '2' and paymentId eq '3'"},
		{"zero filters are left out", payouts.And(payouts.Filter{}, payouts.PaymentID.Eq("1"), payouts.Or()), "paymentId eq '1'"},
		{"unknown field", payouts.TextField("newField").Eq("x"), "newField eq 'x'"},
		{"raw text as it is", payouts.RawFilter("paymentId='7' or  paymentId='8'"), "paymentId='7' or  paymentId='8'"},
		{"raw text alone in and", payouts.And(payouts.RawFilter("a eq 1 or b eq 2")), "a eq 1 or b eq 2"},
		{"raw text in company is parenthesised", payouts.And(payouts.RawFilter("a eq 1 or b eq 2"), payouts.PaymentID.Eq("1")), "(a eq 1 or b eq 2) and paymentId eq '1'"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.filter.Err(); err != nil {
				t.Fatal(err)
			}
			if got := tc.filter.String(); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if tc.filter.IsZero() != (tc.want == "") {
				t.Errorf("IsZero = %v for %q", tc.filter.IsZero(), tc.want)
			}
		})
	}
}

func TestFilterMistakesAreNamed(t *testing.T) {
	for _, tc := range []struct {
		name   string
		filter payouts.Filter
		want   string
	}{
		{"control character", payouts.ProgramName.Eq("a\nb"), "control character"},
		{"field name", payouts.TextField("a b").Eq("x"), "not a filter field"},
		{"empty field name", payouts.TextField("").Eq("x"), "not a filter field"},
		{"digit first", payouts.AmountField("1a").Ge(decimal.Zero), "not a filter field"},
		{"no values", payouts.ProgramName.In(), "at least one value"},
		{"zero time", payouts.EarningForDate.Ge(time.Time{}), "not a usable time"},
		{"far time", payouts.EarningForDate.Ge(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), "not a usable time"},
		{"backward range", payouts.EarningForDate.Between(payouts.Day(2024, 2, 1), payouts.Day(2024, 1, 1)), "ends (2024-01-01) before it begins (2024-02-01)"},
		{"absurd amount", payouts.EarningAmount.Ge(decimal.New(1, 1<<30)), "out of range"},
		{"mistake inside and", payouts.And(payouts.PaymentID.Eq("1"), payouts.ProgramName.In()), "at least one value"},
		{"leading $filter", payouts.RawFilter("?$filter=paymentId eq '1'"), "without the leading $filter="},
		{"open quote", payouts.RawFilter("paymentId eq 'x"), "' without its counterpart"},
		{"open parenthesis", payouts.RawFilter("(paymentId eq 'x'"), "( without its )"},
		{"closing parenthesis", payouts.RawFilter("paymentId eq 'x')"), ") without its ("},
		{"typographic quotes", payouts.RawFilter("paymentId eq ‘x’"), "plain ones"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.filter.Err()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one about %q", err, tc.want)
			}
			if tc.filter.IsZero() {
				t.Error("a filter with a mistake counts as none, so the mistake would be dropped")
			}
		})
	}
}

func TestRawFilterKeepsQuotesInsideText(t *testing.T) {
	for _, text := range []string{"programName eq 'a ’ (b'", "programName eq 'it''s ('"} {
		if err := payouts.RawFilter(text).Err(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
