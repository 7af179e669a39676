package pctest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter/pctest"
)

// TestFiltersSelectTheRowsOfTheFile applies each documented field to the whole
// file with code of its own, and compares that with what the server exports.
func TestFiltersSelectTheRowsOfTheFile(t *testing.T) {
	t.Parallel()
	date := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	amount := decimal.RequireFromString
	equal := func(column, value string) func(map[string]string) bool {
		return func(r map[string]string) bool { return strings.EqualFold(r[column], value) }
	}
	feb := time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)
	data := spring()
	data.EarningColumns = []string{"earningId", "earningDate", "participantId", "programName", "earningType", "paymentId", "lever",
		"paymentStatus", "transactionAmount", "earningAmount", "engagementName"}
	srv := pctest.NewServer(t, pctest.WithData(data), pctest.WithBehavior(func(b *pctest.Behavior) { b.Layout.Container = pctest.Plain }))
	c := newCaller(t, srv)
	for kind, tt := range map[pctest.ExportKind]struct {
		all  string
		id   string
		want map[string]func(map[string]string) bool
	}{
		pctest.Earnings: {since2024, "earningid", map[string]func(map[string]string) bool{
			"earningForDate lt 2024-02-01":                     func(r map[string]string) bool { return date(r["earningdate"]).Before(feb) },
			"enrollmentParticipantId eq '7654321'":             equal("participantid", "7654321"),
			"programName eq 'CSP Indirect Provider'":           equal("programname", "CSP Indirect Provider"),
			"payableSubType eq 'COOP'":                         equal("earningtype", "co-op"),
			"payableSubType eq 'SELL'":                         equal("earningtype", "sell"),
			"paymentId eq '000006510000'":                      equal("paymentid", "000006510000"),
			"paymentId eq 6510000":                             equal("paymentid", "000006510000"),
			"leverCode eq 'Azure Market Place: Core Standard'": equal("lever", "Azure Market Place: Core Standard"),
			"payoutStatus eq 'SENT'":                           equal("paymentstatus", "Sent"),
			"transactionAmount ge 4000.5": func(r map[string]string) bool {
				return amount(r["transactionamount"]).GreaterThanOrEqual(amount("4000.5"))
			},
			"earningAmount le -10": func(r map[string]string) bool { return amount(r["earningamount"]).LessThanOrEqual(amount("-10")) },
			"engagementName='Azure CSP motion incentives - Indirect Provider'": equal("engagementname", "Azure CSP motion incentives - Indirect Provider"),
		}},
		pctest.Payments: {"payoutStatusUpdateTS ge 2024-01-01", "paymentid", map[string]func(map[string]string) bool{
			"payoutStatusUpdateTS le 2024-04-15T00:00:00Z": func(r map[string]string) bool { return !date(r["paymentdate"]).After(date("2024-04-15T00:00:00Z")) },
			"paymentDate gt 2024-04-15":                    func(r map[string]string) bool { return date(r["paymentdate"]).After(date("2024-04-15T00:00:00Z")) },
			"enrollmentParticipantId=1234567":              equal("participantid", "1234567"),
			"programName eq 'Azure Marketplace'":           equal("programname", "Azure Marketplace"),
			"payoutOrderType='SELL'":                       equal("programname", "Azure Marketplace"),
			"paymentId eq '000006510000'":                  equal("paymentid", "000006510000"),
			"paymentAmount ge 5000":                        func(r map[string]string) bool { return amount(r["totalpayment"]).GreaterThanOrEqual(amount("5000")) },
		}},
	} {
		export := func(filter string) []map[string]string {
			list, _ := rows(t, c.export(kind, query(filter)), ',')
			return list
		}
		ids := func(list []map[string]string, keep func(map[string]string) bool) []string {
			var out []string
			for _, r := range list {
				if keep(r) {
					out = append(out, r[tt.id])
				}
			}
			return out
		}
		every := func(map[string]string) bool { return true }
		whole := export(tt.all)
		for filter, keep := range tt.want {
			want, got := ids(whole, keep), ids(export(tt.all+" and "+filter), every)
			if len(want) == 0 || len(want) == len(whole) {
				t.Errorf("%s selects %d of %d rows: that proves nothing", filter, len(want), len(whole))
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%.500s", filter, diff)
			}
		}
	}
}

func TestDataSaysWhatItsDefaultsAre(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	d := srv.Payouts().Data()
	now := time.Now().UTC()
	want := pctest.Data{
		Rows: 1000, Months: 6, FirstMonth: time.Date(now.Year(), now.Month()-6, 1, 0, 0, 0, 0, time.UTC),
		Programs:   []string{"Microsoft Commerce Incentives", "Azure Marketplace", "CSP Direct Bill Partner", "CSP Indirect Provider"},
		Currencies: []string{"EUR", "USD", "GBP", "JPY"}, RefundPercent: 4, BlankPercent: 8,
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	d.Programs[0] = "changed"
	if srv.Payouts().Data().Programs[0] == "changed" {
		t.Error("the description can be changed from outside")
	}
}

func TestOtherProgramsAndCurrencies(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 100, Programs: []string{"Xbox"}, Currencies: []string{"SEK", "CHF"}}))
	got, err := srv.Payouts().ExpectedEarnings("programName eq 'Xbox' and payableSubType='FEE'")
	if err != nil {
		t.Fatal(err)
	}
	if got.Earnings != 100 || got.Groups[0].Currency != "CHF" || got.Groups[0].Amount.Equal(got.Groups[0].AmountUSD) {
		t.Errorf("%+v", got)
	}
}

func TestGzipEncodedFilesAreDecodedForThoseWhoDoNotAsk(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 10}), pctest.WithBehavior(func(b *pctest.Behavior) {
		b.Layout.Container, b.Serving.Gzip = pctest.Gzip, true
	}))
	c := newCaller(t, srv)
	link := c.link(pctest.Earnings, c.start(pctest.Earnings, ""))
	if resp, body := c.download(link); resp.ContentLength != -1 || !strings.HasPrefix(string(body), "earningId,") {
		t.Errorf("%d bytes: %.20q", resp.ContentLength, body)
	}
	if resp, body := c.download(link, "Accept-Encoding", "identity"); resp.Header.Get("Content-Encoding") != "gzip" || !strings.HasPrefix(string(body), "\x1f\x8b") {
		t.Errorf("as stored: %v %.20q", resp.Header, body)
	}
}
