package pctest_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter/pctest"
)

// rows reads a zip or plain export: cells by lower-case column, and the entries'
// names and row counts.
func rows(t testing.TB, file []byte, comma rune) (out []map[string]string, entries map[string]int) {
	t.Helper()
	entries = make(map[string]int)
	read := func(name string, r io.Reader) {
		cr := csv.NewReader(r)
		cr.Comma = comma
		records, err := cr.ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, rec := range records[1:] {
			row := make(map[string]string)
			for i, c := range records[0] {
				row[strings.ToLower(c)] = rec[i]
			}
			out = append(out, row)
		}
		entries[name] = len(records) - 1
	}
	if !bytes.HasPrefix(file, []byte("PK")) {
		read("", bytes.NewReader(file))
		return out, entries
	}
	zr, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range zr.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		read(f.Name, r)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out, entries
}

// spring is data whose months do not depend on today.
func spring() pctest.Data {
	return pctest.Data{Rows: 1200, FirstMonth: time.Date(2024, 1, 9, 0, 0, 0, 0, time.UTC), Months: 5, RepeatPercent: 7}
}

const since2024 = "earningForDate ge 2024-01-01"

func query(filter string, more ...string) string {
	v := url.Values{"$filter": {filter}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return "?" + v.Encode()
}

func TestExportedRowsAddUpToTheExpectedTotals(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{
		since2024,
		"earningForDate ge 2024-02-01 and earningForDate lt 2024-04-01 and (payableSubType eq 'SELL' or payableSubType eq 'COOP')",
		since2024 + " and earningAmount le 0",
		since2024 + " and enrollmentParticipantId=1234567",
		since2024 + " and programName eq 'nobody''s'",
	} {
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			srv := pctest.NewServer(t, pctest.WithData(spring()))
			want, err := srv.Payouts().ExpectedEarnings(filter)
			if err != nil {
				t.Fatal(err)
			}
			list, _ := rows(t, newCaller(t, srv).export(pctest.Earnings, query(filter)), ',')
			if len(list) != want.Rows {
				t.Errorf("%d rows, want %d", len(list), want.Rows)
			}
			type key struct{ program, month, currency string }
			got := make(map[key]pctest.EarningTotal)
			seen := make(map[string]bool)
			for _, r := range list {
				if seen[r["earningid"]] {
					continue
				}
				seen[r["earningid"]] = true
				k := key{r["programname"], r["earningdate"][:7], r["transactioncurrency"]}
				g := got[k]
				g.Program, g.Month, g.Currency = k.program, k.month, k.currency
				g.Amount = g.Amount.Add(decimal.RequireFromString(r["earningamount"]))
				g.AmountUSD = g.AmountUSD.Add(decimal.RequireFromString(r["earningamountusd"]))
				g.Earnings++
				got[k] = g
			}
			if len(seen) != want.Earnings {
				t.Errorf("%d distinct earnings, want %d", len(seen), want.Earnings)
			}
			wantGroups := make(map[key]pctest.EarningTotal)
			for _, g := range want.Groups {
				wantGroups[key{g.Program, g.Month, g.Currency}] = g
			}
			if diff := cmp.Diff(wantGroups, got); diff != "" {
				t.Errorf("totals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPaymentsAgreeWithTheEarningsToTheLastDigit(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t, pctest.WithData(spring()))
	c := newCaller(t, srv)
	earnings, _ := rows(t, c.export(pctest.Earnings, query(since2024)), ',')
	payments, _ := rows(t, c.export(pctest.Payments, query("payoutStatusUpdateTS ge 2024-01-01")), ',')

	type sum struct{ earned, usd decimal.Decimal }
	sums := make(map[string]sum)
	seen := make(map[string]bool)
	unpaid, repeated := 0, 0
	for _, r := range earnings {
		if seen[r["earningid"]] {
			repeated++
			continue
		}
		seen[r["earningid"]] = true
		id := r["paymentid"]
		if (id != "") != (r["paymentstatus"] == "Sent") || (id == "") != (r["earningamountinlastpaymentcurrency"] == "") {
			t.Fatalf("payment %q with status %q and amount %q", id, r["paymentstatus"], r["earningamountinlastpaymentcurrency"])
		}
		if id == "" {
			unpaid++
			continue
		}
		s := sums[id]
		s.earned = s.earned.Add(decimal.RequireFromString(r["earningamountinlastpaymentcurrency"]))
		s.usd = s.usd.Add(decimal.RequireFromString(r["earningamountusd"]))
		sums[id] = s
	}
	if unpaid == 0 || repeated == 0 || len(sums) == 0 {
		t.Fatalf("%d unpaid, %d repeated, %d payments: the data shows too little", unpaid, repeated, len(sums))
	}
	if len(payments) != len(sums) {
		t.Errorf("%d payments, the earnings name %d", len(payments), len(sums))
	}
	expected, err := srv.Payouts().ExpectedPayments("payoutStatusUpdateTS ge 2024-01-01")
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range payments {
		id := p["paymentid"]
		if len(id) != 12 || id[0] != '0' || p["paymentstatus"] != "Sent" {
			t.Errorf("payment %q has status %q", id, p["paymentstatus"])
		}
		for _, v := range []struct {
			what string
			a, b decimal.Decimal
		}{
			{"earned", decimal.RequireFromString(p["earned"]), sums[id].earned},
			{"earnedUSD", decimal.RequireFromString(p["earnedusd"]), sums[id].usd},
			{"expected earned", expected[i].Earned, sums[id].earned},
			{"expected USD", expected[i].EarnedUSD, sums[id].usd},
			{"total", decimal.RequireFromString(p["totalpayment"]), expected[i].Total},
		} {
			if !v.a.Equal(v.b) {
				t.Errorf("payment %s, %s: %s is not %s", id, v.what, v.a, v.b)
			}
		}
		if expected[i].ID != id {
			t.Errorf("payment %d is %s, expected %s", i, id, expected[i].ID)
		}
	}
}

func TestTheSameDescriptionGivesTheSameFile(t *testing.T) {
	t.Parallel()
	file := func(d pctest.Data) []byte {
		srv := pctest.NewServer(t, pctest.WithData(d), pctest.WithBehavior(func(b *pctest.Behavior) { b.Layout.Container = pctest.Plain }))
		return newCaller(t, srv).export(pctest.Earnings, query(since2024))
	}
	one, other := spring(), spring()
	other.Seed = 7
	if !bytes.Equal(file(one), file(one)) {
		t.Error("two servers disagree")
	}
	if bytes.Equal(file(one), file(other)) {
		t.Error("the seed does not matter")
	}
}

func TestAwkwardTextsSurviveTheRoundTrip(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t, pctest.WithData(spring()))
	list, _ := rows(t, newCaller(t, srv).export(pctest.Earnings, query(since2024)), ',')
	found := make(map[string]bool)
	negative, blank := 0, 0
	for _, r := range list {
		found[r["customername"]], found[r["productname"]], found[r["participantname"]] = true, true, true
		if strings.HasPrefix(r["earningamount"], "-") {
			negative++
			if r["transactiontype"] != "refund" {
				t.Errorf("a negative %s", r["transactiontype"])
			}
		}
		if r["customername"] == "" {
			blank++
		}
	}
	for _, want := range []string{"Wide World Importers, Inc.", `Tailspin "Toys" Ltd`, "Contoso Backup,\nExtended", "日本語パック", "Contoso, Ltd.", ""} {
		if !found[want] {
			t.Errorf("no row has %q", want)
		}
	}
	if negative == 0 || blank == 0 {
		t.Errorf("%d negative amounts, %d blank customers", negative, blank)
	}
}

func TestArchivesAreSplitByTheDocumentedRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		layout pctest.Layout
		want   []string
	}{
		{"few rows: one file", pctest.Layout{SingleRows: 300}, []string{"2024-01_1.csv"}},
		{"more: one per month", pctest.Layout{SingleRows: 299}, []string{"2024-01_1.csv", "2024-02_2.csv", "2024-03_3.csv"}},
		{"many in a month: several, counted through", pctest.Layout{SingleRows: 299, MonthRows: 60},
			[]string{"2024-01_1.csv", "2024-01_2.csv", "2024-02_3.csv", "2024-02_4.csv", "2024-03_5.csv", "2024-03_6.csv"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := pctest.Data{Rows: 300, Months: 3, FirstMonth: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
			srv := pctest.NewServer(t, pctest.WithData(d), pctest.WithBehavior(func(b *pctest.Behavior) { b.Layout = tt.layout }))
			list, entries := rows(t, newCaller(t, srv).export(pctest.Earnings, query(since2024)), ',')
			if len(list) != 300 {
				t.Errorf("%d rows", len(list))
			}
			var names []string
			for n, count := range entries {
				names = append(names, n)
				if tt.layout.MonthRows > 0 && count > tt.layout.MonthRows {
					t.Errorf("%s has %d rows", n, count)
				}
			}
			slices.Sort(names)
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEntriesStayBelowTheirSizeLimit(t *testing.T) {
	t.Parallel()
	const limit = 200_000
	srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 900}),
		pctest.WithBehavior(func(b *pctest.Behavior) { b.Layout.EntryBytes = limit }))
	file := newCaller(t, srv).export(pctest.Earnings, "")
	zr, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if len(zr.File) < 2 {
		t.Fatalf("%d entries", len(zr.File))
	}
	for _, f := range zr.File {
		if f.UncompressedSize64 > limit {
			t.Errorf("%s has %d bytes", f.Name, f.UncompressedSize64)
		}
	}
	if list, _ := rows(t, file, ','); len(list) != 900 {
		t.Errorf("%d rows", len(list))
	}
}

func TestLayoutsAndFormats(t *testing.T) {
	t.Parallel()
	d := pctest.Data{Rows: 50, FirstMonth: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
	get := func(t *testing.T, l pctest.Layout, more ...string) []byte {
		t.Helper()
		srv := pctest.NewServer(t, pctest.WithData(d))
		srv.Payouts().NextExport(pctest.Script{Kind: pctest.Earnings, Layout: &l})
		return newCaller(t, srv).export(pctest.Earnings, query(since2024, more...))
	}
	plain := get(t, pctest.Layout{Container: pctest.Plain})
	if !bytes.HasPrefix(plain, []byte("earningId,participantId,")) {
		t.Errorf("plain text begins %.40q", plain)
	}
	if bom := get(t, pctest.Layout{Container: pctest.Plain, BOM: true}); !bytes.Equal(bom, append([]byte("\xef\xbb\xbf"), plain...)) {
		t.Error("the mark is not in front of the same text")
	}
	crlf := get(t, pctest.Layout{Container: pctest.Plain, CRLF: true})
	if bytes.Count(crlf, []byte("\r\n")) != 51 {
		t.Errorf("%d line ends of two characters", bytes.Count(crlf, []byte("\r\n")))
	}
	zr, err := gzip.NewReader(bytes.NewReader(get(t, pctest.Layout{Container: pctest.Gzip})))
	if err != nil {
		t.Fatal(err)
	}
	if unzipped, err := io.ReadAll(zr); err != nil || !bytes.Equal(unzipped, plain) {
		t.Errorf("the unpacked text differs: %v", err)
	}
	for _, format := range []string{"tsv", ".tsv", "TSV"} {
		tsv := get(t, pctest.Layout{Container: pctest.Plain}, "FileFormat", format)
		list, _ := rows(t, tsv, '\t')
		want, _ := rows(t, plain, ',')
		if diff := cmp.Diff(want, list); diff != "" {
			t.Errorf("%s (-csv +tsv):\n%s", format, diff)
		}
	}
	if _, entries := rows(t, get(t, pctest.Layout{}, "fileformat", "tsv"), '\t'); entries["2024-01_1.tsv"] != 50 {
		t.Errorf("entries %v", entries)
	}
}

func TestColumnsCanBeChosenInTheOddestSpelling(t *testing.T) {
	t.Parallel()
	d := pctest.Data{Rows: 5, EarningColumns: []string{"EarningID", "Program Name", "earning_amount"}, PaymentColumns: []string{"paymentID", "CIReferenceNumber"}}
	srv := pctest.NewServer(t, pctest.WithData(d), pctest.WithBehavior(func(b *pctest.Behavior) { b.Layout.Container = pctest.Plain }))
	file := newCaller(t, srv).export(pctest.Earnings, "")
	if !bytes.HasPrefix(file, []byte("EarningID,Program Name,earning_amount\n")) {
		t.Errorf("the header is %.60q", file)
	}
}

func TestNoRowsStillMakeAFileWithAHeader(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: -1}))
	c := newCaller(t, srv)
	for _, kind := range []pctest.ExportKind{pctest.Earnings, pctest.Payments} {
		list, entries := rows(t, c.export(kind, ""), ',')
		if len(list) != 0 || len(entries) != 1 {
			t.Errorf("%s: %d rows in %d entries", kind, len(list), len(entries))
		}
	}
}

func TestWithoutADateTheLastThreeYearsCount(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 100, FirstMonth: time.Now().AddDate(-4, 0, 0), Months: 2}))
	for filter, want := range map[string]int{"": 0, "programName ne 'x'": 0, "earningForDate ge 2000-01-01": 100, "EarningForDate ge 2000-01-01": 100} {
		got, err := srv.Payouts().ExpectedEarnings(filter)
		if err != nil {
			t.Fatal(err)
		}
		if got.Earnings != want {
			t.Errorf("filter %q: %d earnings, want %d", filter, got.Earnings, want)
		}
	}
}

func TestALargeFileLivesOnDiskAndIsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv, err := pctest.New(pctest.WithTempDir(dir), pctest.WithData(pctest.Data{Rows: 500}), pctest.WithMemoryLimit(100_000),
		pctest.WithBehavior(func(b *pctest.Behavior) { b.Layout.Container = pctest.Plain }))
	if err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, srv)
	id := c.start(pctest.Earnings, "")
	link := c.link(pctest.Earnings, id)
	if n := len(files(t, dir)); n != 1 {
		t.Fatalf("%d temporary files", n)
	}
	resp, body := c.download(link)
	if len(body) < 200_000 || resp.ContentLength != int64(len(body)) {
		t.Errorf("%d of %d bytes", len(body), resp.ContentLength)
	}
	if resp, body := c.do(t.Context(), http.MethodDelete, "/v1.0/payouts/transactionhistory/"+id); resp.StatusCode != http.StatusOK {
		t.Errorf("DELETE: %s: %s", resp.Status, body)
	}
	if n := len(files(t, dir)); n != 0 {
		t.Errorf("%d temporary files after the deletion", n)
	}
	c.link(pctest.Earnings, c.start(pctest.Earnings, ""))
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if n := len(files(t, dir)); n != 0 {
		t.Errorf("%d temporary files after Close", n)
	}
	if _, _, err := c.try(t.Context(), http.MethodGet, link); err == nil {
		t.Error("a closed server answers")
	}
	if err := srv.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}
