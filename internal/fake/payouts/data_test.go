package payouts

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAmountsAreWrittenExactly(t *testing.T) {
	t.Parallel()
	for in, want := range map[micro]string{
		0: "0.00", 1: "0.000001", -1: "-0.000001", 1_500_000: "1.50", 1_234_567: "1.234567", -12_340_000: "-12.34", 100_000: "0.10", 123_456_789_012_345_678: "123456789012.345678",
	} {
		got := string(in.append([]byte(">")))
		if got != ">"+want {
			t.Errorf("%d: %s", in, got)
		}
		if !decimal.RequireFromString(want).Equal(in.Decimal()) {
			t.Errorf("%d: %s", in, in.Decimal())
		}
	}
	for _, tt := range []struct {
		m    micro
		n, d int64
		unit micro
		want micro
	}{{10, 1, 4, 1, 3}, {-10, 1, 4, 1, -3}, {9, 1, 4, 1, 2}, {-9, 1, 4, 1, -2}, {14_999, 1, 1, 10_000, 10_000}, {15_000, 1, 1, 10_000, 20_000}} {
		if got := mulDiv(tt.m, tt.n, tt.d, tt.unit); got != tt.want {
			t.Errorf("mulDiv(%d, %d, %d, %d) = %d", tt.m, tt.n, tt.d, tt.unit, got)
		}
	}
	var s sum
	want := decimal.Zero
	for range 5 {
		s.add(1 << 60)
		want = want.Add(micro(1 << 60).Decimal())
	}
	s.add(-7)
	if want = want.Add(micro(-7).Decimal()); !s.Decimal().Equal(want) {
		t.Errorf("sum %s, want %s", s.Decimal(), want)
	}
}

func TestIdentifiersAreDistinct(t *testing.T) {
	t.Parallel()
	s, err := newDataset(Data{Rows: 5000, FirstMonth: time.Date(2023, 11, 1, 0, 0, 0, 0, time.UTC), Months: 4}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]bool)
	months := make(map[string]int)
	s.each(func(e *earning) bool {
		ids[string(s.earningCols[0].cell(nil, e))] = true
		months[e.date().Format("2006-01")]++
		if e.date().Before(e.first) || !e.date().Before(e.first.AddDate(0, 1, 0)) {
			t.Errorf("row %d is dated %v", e.index, e.date())
		}
		return true
	})
	if len(ids) != 5000 || fmt.Sprint(months) != "map[2023-11:1250 2023-12:1250 2024-01:1250 2024-02:1250]" {
		t.Errorf("%d ids, months %v", len(ids), months)
	}
	payments := make(map[string]bool)
	for m := range 4 {
		for p := range s.programs {
			for q := range s.participants {
				payments[string(s.paymentID(nil, m, p, q))] = true
			}
		}
	}
	if len(payments) != 4*len(s.programs)*len(s.participants) {
		t.Errorf("%d payment ids", len(payments))
	}
	stopped := 0
	s.each(func(*earning) bool { stopped++; return stopped < 3 })
	if stopped != 3 {
		t.Errorf("it stopped after %d rows", stopped)
	}
}

func TestAllDocumentedColumnsAreThere(t *testing.T) {
	t.Parallel()
	has := func(cols []string, name string) bool {
		for _, c := range cols {
			if strings.EqualFold(c, name) {
				return true
			}
		}
		return false
	}
	var earnings, payments []string
	for _, c := range earningColumns() {
		if has(earnings, c.name) {
			t.Errorf("column %s stands there twice", c.name)
		}
		earnings = append(earnings, c.name)
	}
	for _, c := range paymentColumns() {
		payments = append(payments, c.name)
	}
	const base = `earningId,participantId,participantIdType,participantName,partnerCountryCode,programName,transactionId,transactionCurrency,
transactionDate,transactionExchangeRate,transactionAmount,transactionAmountUSD,lever,earningRate,quantity,quantityType,earningType,
earningAmount,earningAmountUSD,earningDate,calculationDate,earningExchangeRate,exchangeRateDate,paymentAmountWOTax,paymentCurrency,
paymentExchangeRate,claimId,planId,paymentId,paymentStatus,paymentStatusDescription,customerId,customerName,partNumber,productName,
productId,parentProductId,parentProductName,productType,invoiceNumber,subscriptionId,subscriptionStartDate,subscriptionEndDate,
resellerId,resellerName,distributorId,distributorName,agreementNumber,agreementStartDate,agreementEndDate,workload,transactionType,
localProviderSeller,taxRemitted,taxRemitModel,storeFee,transactionPaymentMethod,tpan,customerCountry,customerCity,customerState,
customerZip,purchaseTypeCode,purchaseOrderType,purchaseOrderCoverageStartDate,purchaseOrderCoverageEndDate,programOfferingLevel,
TenantID,externalReferenceId,externalReferenceIdLabel`
	if got := strings.Join(earnings, ","); !strings.HasPrefix(got, strings.ReplaceAll(base, "\n", "")) {
		t.Errorf("the file does not begin with the original columns: %s", got)
	}
	for c := range strings.SplitSeq("licensingProgramName,earningAmountInLastPaymentCurrency,lastPaymentCurrency,assetId,skuId,customerTenantId,partnerRole,engagementName,baseline,estimatedPaymentMonth,isPrivateOffer,reasonCode,revenueClassification", ",") {
		if !has(earnings, c) {
			t.Errorf("column %s is missing", c)
		}
	}
	s, err := newDataset(Data{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.paymentCols) != olderPaymentColumns || len(s.earningCols) != len(earnings) {
		t.Errorf("by default, files have %d and %d columns", len(s.earningCols), len(s.paymentCols))
	}
	if got := strings.Join(payments[:olderPaymentColumns], ","); got != "participantID,participantIDType,participantName,programName,earned,earnedUSD,withheldTax,salesTax,serviceFeeTax,totalPayment,currencyCode,paymentMethod,paymentID,paymentStatus,paymentStatusDescription,paymentDate" {
		t.Errorf("payments begin with %s", got)
	}
}

func TestQuoting(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		comma    byte
		in, want string
	}{
		{',', "plain", "plain"}, {',', "a,b", `"a,b"`}, {'\t', "a,b", "a,b"}, {'\t', "a\tb", "\"a\tb\""},
		{',', `a"b`, `"a""b"`}, {',', "a\nb", "\"a\nb\""}, {',', "a\rb", "\"a\rb\""}, {',', " a", `" a"`}, {',', "", ""},
	} {
		var b bytes.Buffer
		tab := &table[string]{w: &b, cols: []column[string]{text("x", func(s *string) string { return *s }), blank[string]("y")}, d: dialect{comma: tt.comma}}
		if err := tab.row(&tt.in); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != tt.want+string(tt.comma)+"\n" || tab.size(&tt.in) != int64(len(got)) {
			t.Errorf("%q: %q", tt.in, got)
		}
	}
}

func TestFilesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	set, err := newDataset(Data{Rows: 100}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []Kind{Earnings, Payments} {
		for _, container := range []Container{Zip, Plain, GzipFile} {
			e := &export{ID: "x", Kind: kind, Format: "csv", set: set, Requested: time.Now(), Layout: Layout{Container: container}}
			if err := e.compile(); err != nil {
				t.Fatal(err)
			}
			if _, err := e.file(t.TempDir()+"/missing", 1); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s in container %d: %v", kind, container, err)
			}
		}
	}
}

func TestOperationsAreTheSixDocumentedOnes(t *testing.T) {
	t.Parallel()
	if got := strings.Join(Operations(), "\n"); got != `POST /payouts/transactionhistory
GET /payouts/transactionhistory/{requestId}
DELETE /payouts/transactionhistory/{requestId}
POST /payouts/payments
GET /payouts/payments/{requestId}
DELETE /payouts/payments/{requestId}` {
		t.Errorf("operations:\n%s", got)
	}
}
