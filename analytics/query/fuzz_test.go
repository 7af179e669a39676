package query_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// seeds are texts from which the fuzzer begins: every construct and every mistake.
func seeds(f *testing.F) {
	f.Helper()
	for _, s := range []string{
		"SELECT DISTINCT a, b FROM c WHERE d = 'it''s' AND e NOT IN (1, -2.5) AND f LIKE '%x_' ORDER BY g ASC, h DESC, i LIMIT 10 TIMESPAN LAST_MONTH",
		"SELECT ShopName,Turnover FROM ShopSales WHERE IsOpen='Yes' AND SoldOn >= '2024/01/31' OR IsOpen = 2 TIMESPAN TODAY",
		"SELECT *, SUM(x) AS y FROM a.b JOIN c WHERE (d BETWEEN 1 AND 2) OR NOT e IS NOT NULL GROUP BY f; DROP",
		"SELECT [a] `b` \"c\" FROM ‘d’ WHERE e == “f” && g <> 2024-01-01 -- h\n/* i */",
		"SELECT a FROM b WHERE c = Two Words' AND d IN 'x', 'y' AND e IN (x, 'y', 1 2",
		"SELCT a FORM b WHER c ORDER d UP LIMIT -1.5 TIMESPAN last 6 months",
		"\ufeffSELECT\u00a0a\u200b FROM b WHERE c = 'x’ AND d = –5 AND e = .5 AND f = +1",
		"SELECT a FROM b WHERE c IN ((((", "SELECT a FROM (((SELECT", "a\xff", "",
	} {
		f.Add(s)
	}
	if dir := os.Getenv("PARTNERCENTER_SPEC"); dir != "" {
		raw, err := fs.ReadFile(os.DirFS(dir), "analytics-queries.txt")
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			f.Add(line)
		}
	}
}

// same compares queries part by part, without their places in the text.
func same(t *testing.T, a, b *query.Query) {
	t.Helper()
	type parts struct {
		Distinct   bool
		Columns    []string
		Dataset    string
		Conditions []string
		Values     [][]string
		Quoted     [][]bool
		Orders     []string
		Limit      int64
		Timespan   query.Timespan
	}
	of := func(q *query.Query) parts {
		p := parts{Distinct: q.Distinct(), Columns: q.Columns(), Dataset: q.Dataset(), Limit: q.Limit(), Timespan: q.Timespan()}
		for _, c := range q.Conditions() {
			p.Conditions = append(p.Conditions, c.Column()+" "+string(c.Op()))
			var values []string
			var quoted []bool
			for _, v := range c.Values() {
				values, quoted = append(values, v.Text), append(quoted, v.Quoted)
			}
			p.Values, p.Quoted = append(p.Values, values), append(p.Quoted, quoted)
		}
		for _, o := range q.Orders() {
			p.Orders = append(p.Orders, o.Column()+" "+string(o.Direction()))
		}
		return p
	}
	if diff := cmp.Diff(of(a), of(b)); diff != "" {
		t.Errorf("the queries differ:\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	seeds(f)
	catalog := shop()
	f.Fuzz(func(t *testing.T, text string) {
		q, err := query.Parse(text)
		checked, ps := query.Check(text, catalog)
		_ = ps.Explain(text)
		for i, p := range ps {
			if p.Offset < 0 || p.End < p.Offset || p.End > len(text) || p.Line < 1 || p.Column < 1 || p.Code == "" || p.Message == "" ||
				p.Severity != query.Error && p.Severity != query.Warning {
				t.Fatalf("problem %d is %+v, in a text of %d bytes", i, p, len(text))
			}
			if i > 0 && p.Offset < ps[i-1].Offset {
				t.Fatalf("problem %d stands before the one before it", i)
			}
			if utf8.ValidString(text) && !utf8.ValidString(p.Message+p.Suggestion) {
				t.Fatalf("problem %d cuts a character in two: %+q, %+q", i, p.Message, p.Suggestion)
			}
		}
		if len(ps) > 50 {
			t.Fatalf("%d problems", len(ps))
		}
		if (checked == nil) != (ps.Err() != nil) {
			t.Fatalf("Check returned %v and %v", checked, ps)
		}
		if err != nil {
			if list, ok := errors.AsType[query.Problems](err); q != nil || !ok || len(list.Errors()) == 0 {
				t.Fatalf("Parse returned %v and %v", q, err)
			}
			return
		}
		printed := q.String()
		again, err := query.Parse(printed)
		if err != nil {
			t.Fatalf("%q was printed as %q: %v", text, printed, err)
		}
		same(t, q, again)
		if again.String() != printed {
			t.Fatalf("%q prints as %q", printed, again.String())
		}
		if !q.Equal(again) || !query.Equal(text, printed) {
			t.Fatalf("%q does not equal %q", printed, text)
		}
		normal, err := query.Parse(q.Normal())
		if err != nil || normal.Normal() != q.Normal() {
			t.Fatalf("the normal form %q of %q: %v", q.Normal(), text, err)
		}
	})
}

// Whatever a builder is given, it refuses it or makes a text that says just that.
func FuzzBuild(f *testing.F) {
	f.Add("ShopName", "ShopSales", "a", "it's", int64(1), 0.5, "LAST_MONTH")
	f.Add("a, b", "c WHERE d = 1", "e' OR '1", "' OR ''='", int64(-1), -1e300, "LAST_MONTH LIMIT 5")
	f.Add("from", "é", "", "\xff", int64(0), 5e-324, "")
	f.Fuzz(func(t *testing.T, column, dataset, other, value string, n int64, x float64, timespan string) {
		b := query.Select(column, other).From(dataset).
			Where(query.Eq(other, value), query.In(column, n, 0), query.Gt(column, x), query.NotLike(other, value), query.NotIn(other, value, value)).
			OrderBy(query.Asc(column), query.Desc(other)).Limit(n).Timespan(query.Timespan(timespan))
		q, err := b.Build()
		if err != nil {
			if q != nil {
				t.Fatalf("both a query and %v", err)
			}
			return
		}
		if got := q.Columns(); got[0] != column || got[1] != other || q.Dataset() != dataset || q.Limit() != n || string(q.Timespan()) != timespan {
			t.Fatalf("built %s", q)
		}
		where := q.Conditions()
		if len(where) != 5 || where[0].Values()[0].Text != value || where[3].Values()[0].Text != value || len(where[4].Values()) != 2 {
			t.Fatalf("built %s", q)
		}
		again, err := query.Parse(q.String())
		if err != nil {
			t.Fatalf("built %s: %v", q, err)
		}
		same(t, q, again)
	})
}
