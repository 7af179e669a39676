package analytics

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

var number0 = decimal.Zero

func mustDecimal(s string) decimal.Decimal {
	d, err := decimal.NewFromString(s)
	if err != nil {
		panic(err)
	}
	return d
}

// all reads every row of ISVUsage plainly, so that results can be worked out here in
// another way than the server does.
func all(f *fixture) []map[string]string {
	columns := []string{"UsageDate", "OfferName", "OfferType", "SKU", "IsPrivateOffer", "CustomerCompanyName"}
	plain := f.day(strings.Join(columns, ", "), "")
	var out []map[string]string
	for _, r := range plain {
		m := map[string]string{}
		for i, c := range columns {
			m[c] = r[i]
		}
		out = append(out, m)
	}
	return out
}

func TestMetricsAreSummedOverGroups(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	// With the date and the offer, groups are small; summing those up must give
	// the groups of the offers alone.
	want := map[string]decimal.Decimal{}
	for _, r := range f.day("UsageDate, OfferName, CustomerId, RawUsage", "") {
		want[r[1]] = want[r[1]].Add(mustDecimal(r[3]))
	}
	got := f.day("OfferName, RawUsage", "ORDER BY RawUsage")
	if len(got) != len(want) || len(got) != 6 {
		t.Fatalf("%d groups of %d", len(got), len(want))
	}
	for _, r := range got {
		if !want[r[0]].Equal(mustDecimal(r[1])) {
			t.Errorf("%s: %s, want %s", r[0], r[1], want[r[0]])
		}
	}
	if !slices.IsSortedFunc(got, func(a, b []string) int { return mustDecimal(b[1]).Cmp(mustDecimal(a[1])) }) {
		t.Errorf("the default order is descending: %v", got)
	}
	half := mustDecimal(got[2][1])
	if rows := f.day("OfferName", "WHERE RawUsage >= "+half.String()); len(rows) != 3 {
		t.Errorf("conditions on metrics are about sums: %v", rows)
	}
	total := f.day("RawUsage", "")
	if len(total) != 1 || total[0][0] != sum(got, 1) {
		t.Errorf("in all %v, want %s", total, sum(got, 1))
	}
}

func TestConditionsAndOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	rows := all(f)
	if len(rows) < 2000 {
		t.Fatalf("%d rows", len(rows))
	}
	for where, keep := range map[string]func(map[string]string) bool{
		"OfferName = 'contoso SCAN'":             func(r map[string]string) bool { return r["OfferName"] == "Contoso Scan" },
		"OfferName != 'Contoso Scan'":            func(r map[string]string) bool { return r["OfferName"] != "Contoso Scan" },
		"OfferName LIKE '%s_an'":                 func(r map[string]string) bool { return r["OfferName"] == "Contoso Scan" },
		"offername NOT LIKE 'Test%'":             func(r map[string]string) bool { return r["OfferName"] != "Test Harness" },
		"OfferType IN ('SaaS', 'vm core image')": func(r map[string]string) bool { return r["OfferType"] == "SaaS" || r["OfferType"] == "vm core image" },
		"OfferType NOT IN ('SaaS')":              func(r map[string]string) bool { return r["OfferType"] != "SaaS" },
		"IsPrivateOffer = 1":                     func(r map[string]string) bool { return r["IsPrivateOffer"] == "1" },
		"IsPrivateOffer = '1.0'":                 func(r map[string]string) bool { return r["IsPrivateOffer"] == "1" },
		"IsPrivateOffer = 'True'":                func(map[string]string) bool { return false },
		"IsPrivateOffer != 'True'":               func(map[string]string) bool { return true },
		"UsageDate < 'never'":                    func(map[string]string) bool { return false },
		"CustomerCompanyName = ''":               func(r map[string]string) bool { return r["CustomerCompanyName"] == "" },
		"CustomerCompanyName = '************'":   func(r map[string]string) bool { return r["CustomerCompanyName"] == mask },
		"OfferName = 'x' AND OfferName = 'y'":    func(map[string]string) bool { return false },
		"OfferName >= 'T' AND OfferName<='test harness'": func(r map[string]string) bool {
			return r["OfferName"] == "Test Harness" || r["OfferName"] == `The "Big" Relay` && false
		},
		"SKU > 'scan'": func(r map[string]string) bool { return strings.ToLower(r["SKU"]) > "scan" },
	} {
		want := 0
		for _, r := range rows {
			if keep(r) {
				want++
			}
		}
		if got := len(f.day("UsageDate, OfferName, OfferType", "WHERE "+where)); got != want {
			t.Errorf("%s: %d rows, want %d", where, got, want)
		}
	}
	cut := f.day("UsageDate", "LIMIT 1")[0][0]
	if early, late := f.day("UsageDate", "WHERE UsageDate <= '"+cut+"'"), f.day("UsageDate", "WHERE UsageDate > '"+cut+"T00:00:00Z'"); len(early) != 4 || len(early)+len(late) != len(rows) {
		t.Errorf("%d and %d rows around %s", len(early), len(late), cut)
	}
	distinct := f.day("DISTINCT OfferName, SKU", "ORDER BY OfferName ASC, SKU")
	names := map[string]bool{}
	for _, r := range rows {
		names[r["OfferName"]] = true
	}
	want := slices.SortedFunc(maps.Keys(names), func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	var got []string
	for _, r := range distinct {
		got = append(got, r[0])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("distinct names (-want +got):\n%s", diff)
	}
	if rows := f.day("OfferName, UsageDate", "ORDER BY UsageDate DESC LIMIT 3"); len(rows) != 3 || rows[0][1] < rows[2][1] || rows[0][1] <= cut {
		t.Errorf("the latest: %v", rows)
	}
	if rows := f.day("OfferName", "ORDER BY SKU, RawUsage ASC LIMIT 99999999999999999999999"); len(rows) != 6 {
		t.Errorf("keys that are not selected: %v", rows)
	}
}

func TestTimeSpans(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 31, 15, 0, 0, 0, time.UTC)
	for word, want := range map[string]string{
		"TODAY": "2026-05-31", "YESTERDAY": "2026-05-30", "LAST_7_DAYS": "2026-05-24", "LAST_365_DAYS": "2025-05-31", "LAST_MONTH": "2026-04-30",
		"LAST_3_MONTHS": "2026-02-28", "LAST_6_MONTHS": "2025-11-30", "LAST_1_YEAR": "2025-05-31", "LIFETIME": "0001-01-01",
	} {
		if w, ok := spanWindow(word, now); !ok || w.from.Format(time.DateOnly) != want {
			t.Errorf("%s begins %v, %v", word, w.from, ok)
		}
	}
	for _, word := range []string{"", "LAST_8_DAYS", "LAST_X_DAYS", "LAST_2_MONTHS"} {
		if _, ok := spanWindow(word, now); ok {
			t.Errorf("%q was understood", word)
		}
	}
	f := newFixture(t, nil)
	counts := map[string]int{}
	for _, span := range []string{"", "TIMESPAN LAST_MONTH", "TIMESPAN LAST_3_MONTHS", "TIMESPAN LAST_6_MONTHS", "TIMESPAN LAST_1_YEAR", "timespan lifetime"} {
		table, err := f.Expected(Marketplace, "SELECT UsageDate FROM ISVUsage "+span)
		if err != nil {
			t.Fatal(err)
		}
		counts[span] = len(table.Rows)
		w, _ := spanWindow(strings.ToUpper(strings.TrimPrefix(strings.ToUpper(span), "TIMESPAN ")), f.clock.Now())
		for _, r := range table.Rows {
			if span != "" && r[0] < w.from.Format(time.DateOnly) {
				t.Fatalf("%s holds %s", span, r[0])
			}
		}
	}
	if counts[""] != counts["TIMESPAN LAST_6_MONTHS"] || counts["TIMESPAN LAST_MONTH"] < 28*4-4 || counts["TIMESPAN LAST_MONTH"] >= counts["TIMESPAN LAST_3_MONTHS"] ||
		counts["TIMESPAN LAST_3_MONTHS"] >= counts[""] || counts[""] >= counts["TIMESPAN LAST_1_YEAR"] || counts["TIMESPAN LAST_1_YEAR"] >= counts["timespan lifetime"] {
		t.Errorf("rows %v", counts)
	}
}

func TestEveryDatasetHasRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Data = Data{RowsPerDay: 1, FirstDay: time.Now().AddDate(0, 0, -90)} })
	for _, d := range f.datasets {
		fields := slices.Concat(d.columns, d.disputed)
		if len(fields) == 0 {
			continue
		}
		if d.name == "ISVOfferRetention" { // its metrics have parentheses and cannot be selected
			if _, err := f.Expected(d.program, "SELECT OfferName, RevenueGenerated(USD) FROM ISVOfferRetention"); err == nil {
				t.Error("parentheses were taken")
			}
		} else {
			fields = append(fields, d.metrics...)
		}
		table, err := f.Expected(d.program, "SELECT "+strings.Join(names(fields), ",")+" FROM "+d.name+" TIMESPAN LIFETIME")
		if err != nil || len(table.Rows) < 88 || len(table.Columns) != len(fields) {
			t.Errorf("%s: %d rows, %v", d.name, len(table.Rows), err)
			continue
		}
		for i, c := range fields {
			values := map[string]bool{}
			for _, r := range table.Rows {
				values[r[i]] = true
				if _, ok := parseMoment(r[i]); c.kind.date() && !ok {
					t.Fatalf("%s.%s holds %q", d.name, c.name, r[i])
				}
			}
			if len(values) < 2 && c.name != "PayoutCurrencyPC" {
				t.Errorf("%s.%s has one value only: %v", d.name, c.name, values)
			}
		}
	}
}

func TestDataIsAddedAndReplaced(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	before := f.day("UsageDate, OfferName, SKU", "")
	f.clock.Advance(48 * time.Hour)
	after := f.day("UsageDate, OfferName, SKU", "")
	if len(after) != len(before)+8 || !cmp.Equal(after[:len(before)], before) {
		t.Errorf("%d rows became %d", len(before), len(after))
	}
	if err := f.SetData(Data{Seed: 1, RowsPerDay: 1, FirstDay: f.clock.Now().AddDate(0, 0, -10), Latency: 48 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	if rows := f.day("UsageDate", ""); len(rows) != 8 || f.Data().RowsPerDay != 1 {
		t.Errorf("%d rows", len(rows))
	}
	for _, d := range []Data{{RowsPerDay: 1 << 30}, {Latency: -1}, {FirstDay: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)}} {
		if f.SetData(d) == nil {
			t.Errorf("%+v was taken", d)
		}
	}
	if f.SetData(Data{RowsPerDay: -1}) != nil || len(f.day("UsageDate", "")) != 0 {
		t.Error("there are rows")
	}
}

func TestRedactionAndStrictNames(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Settings.Redacted, c.Settings.StrictNames = true, true })
	table, err := f.Expected(Marketplace, "SELECT CustomerCompanyName, BilledRevenue, OfferName FROM ISVOrder")
	if err != nil || len(table.Rows) == 0 || table.Rows[0][0] != "" || table.Rows[0][1] != "" || table.Rows[0][2] == "" {
		t.Errorf("%v, %v", table.Rows[:min(len(table.Rows), 2)], err)
	}
	if r := f.do("GET", cmpBase+"ScheduledDataset", ""); !strings.Contains(r.body, `"dataRedacted":true`) {
		t.Error("the envelope does not say so")
	}
	if _, err := f.Expected(Marketplace, "SELECT OrderId FROM ISVOrder"); err == nil {
		t.Error("OrderId was taken")
	}
}

func TestMistakesNameTheirPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SELECT a FROM b WHERE c = 'x":        "the text is not closed at position 27",
		"SELECT a FROM b LIMIT 0":             "LIMIT needs a positive whole number",
		"SELECT a FROM b LIMIT 1.5":           "LIMIT needs a positive whole number",
		"SELECT a FROM b WHERE c = 1.":        "digits expected",
		"SELECT a FROM b WHERE c = 1x":        "is no number",
		"SELECT a FROM b WHERE c LIKE":        "expected instead of the end",
		"SELECT a FROM b WHERE c NOT = 1":     "an operator expected",
		"SELECT a FROM b WHERE c IN 1":        "( expected",
		"SELECT a FROM b WHERE c IN (1":       ") expected",
		"SELECT a FROM b WHERE c IN (1, 'x')": "either numbers or texts",
		"SELECT a FROM b ORDER c":             "BY expected",
		"SELECT a FROM b ORDER BY":            "the name of a column expected",
		"SELECT a FROM b TIMESPAN 'x'":        "a time span such as LAST_MONTH",
		"SELECT a b":                          "FROM expected instead of b at position 10",
		"SELECT a FROM b;":                    `unexpected character ';'`,
		"SELECT a FROM b WHERE c = ‘x’":       "unexpected character '‘'",
		"SELECT a FROM b trailing":            "unexpected trailing",
		strings.Repeat("x", maxQuery+1):       "the text is too long",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "Invalid query: ") {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	st, err := parse("SELECT a FROM b WHERE c = 'it''s'")
	if err != nil || st.where[0].values[0].text != "it's" {
		t.Errorf("%+v, %v", st, err)
	}
}

// FuzzParse holds the parser to its promise not to fall over.
func FuzzParse(f *testing.F) {
	for _, text := range []string{usage, "select distinct a, b from c where d not in ('x', 'y') and e >= -1.5 order by a asc limit 3 timespan last_month", "SELECT 'x", "(-"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if st, err := parse(text); (st == nil) == (err == nil) {
			t.Errorf("%q: %v, %v", text, st, err)
		}
	})
}
