package query_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

func TestBuildWritesEveryPart(t *testing.T) {
	q, err := query.Select("ShopName", "Turnover").Select("Pieces").Distinct().From("ShopSales").
		Where(query.Eq("a", "it's"), query.Ne("b", int8(-1)), query.Gt("c", 1.5), query.Ge("d", uint64(math.MaxUint64))).
		Where(query.Lt("e", decimal.RequireFromString("0.10")), query.Le("f", float32(0.1)), query.Like("g", "%x%"), query.NotLike("h", "y")).
		Where(query.In("i", 1, 2), query.NotIn("j", "k", "l"), query.Eq("m", query.LastMonth)).
		OrderBy(query.Desc("n"), query.Asc("o")).Limit(10).Timespan(query.LastMonth).Build()
	if err != nil {
		t.Fatal(err)
	}
	const want = "SELECT DISTINCT ShopName, Turnover, Pieces FROM ShopSales WHERE a = 'it''s' AND b != -1 AND c > 1.5 AND d >= 18446744073709551615 " +
		"AND e < 0.1 AND f <= 0.1 AND g LIKE '%x%' AND h NOT LIKE 'y' AND i IN (1, 2) AND j NOT IN ('k', 'l') AND m = 'LAST_MONTH' " +
		"ORDER BY n DESC, o ASC LIMIT 10 TIMESPAN LAST_MONTH"
	if got := q.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBuildWritesNumbersInFull(t *testing.T) {
	for _, c := range []struct {
		condition query.Condition
		want      string
	}{
		{query.Eq("a", 1e21), "a = 1000000000000000000000"},
		{query.Eq("a", 1e-7), "a = 0.0000001"},
		{query.Eq("a", 0.1), "a = 0.1"},
		{query.Eq("a", math.Copysign(0, -1)), "a = -0"},
		{query.Eq("a", decimal.New(5, 3)), "a = 5000"},
		{query.Eq("a", decimal.New(-5, -3)), "a = -0.005"},
		{query.Eq("a", int64(math.MinInt64)), "a = -9223372036854775808"},
		{query.Eq("a", query.Day(time.Date(2024, 1, 31, 23, 0, 0, 0, time.FixedZone("", -7200)))), "a = '2024-02-01'"},
		{query.Ge("a", query.Instant(time.Date(2024, 1, 31, 23, 0, 1, 5, time.FixedZone("", 3600)))), "a >= '2024-01-31T22:00:01Z'"},
	} {
		q, err := query.Select("a").From("b").Where(c.condition).Build()
		if err != nil {
			t.Errorf("%s: %v", c.want, err)
			continue
		}
		if got := q.Conditions()[0].String(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestBuildRefusesWhatNoTextAllows(t *testing.T) {
	ok := query.Select("a").From("b")
	for _, c := range []struct {
		b    query.Builder
		want string
	}{
		{query.Builder{}, "no columns"},
		{query.Select().From("b"), "no columns"},
		{query.Select("a", "*").From("b"), `column 2: "*" is no name`},
		{query.Select("a FROM x --").From("b"), "is no name"},
		{query.Select("Limit").From("b"), "is a keyword"},
		{query.Select("").From("b"), "column 1: the name is empty"},
		{query.Select("1a").From("b"), "is no name"},
		{query.Select("naïve").From("b"), "is no name"},
		{query.Select("Price(USD)").From("b"), "is no name"},
		{query.Select("a"), "0 datasets: call From once"},
		{ok.From("c"), "2 datasets: call From once"},
		{query.Select("a").From("x.b"), "dataset: "},
		{ok.Where(query.Condition{}), "condition 1: it is empty"},
		{ok.Where(query.Eq("a", 1), query.Eq("b c", 1)), `condition 2: "b c" is no name`},
		{ok.Where(query.In[string]("a")), "condition 1: a: the list is empty"},
		{ok.Where(query.NotIn("a", []int{}...)), "the list is empty"},
		{ok.Where(query.Eq("a", math.NaN())), "is no number"},
		{ok.Where(query.In("a", 1, math.Inf(-1))), "is no number"},
		{ok.Where(query.Eq("a", "\xff")), `condition 1: a: the text "\xff" is not UTF-8`},
		{ok.Where(query.Eq("a", decimal.New(1, 999999999))), "too long"},
		{ok.Where(query.Eq("a", decimal.New(1, -999999999))), "too long"},
		{ok.OrderBy(query.Order{}), "ORDER BY key 1: the name is empty"},
		{ok.OrderBy(query.Asc("a"), query.Desc("b; c")), "ORDER BY key 2"},
		{ok.Limit(0), "limit 0"},
		{ok.Limit(-1), "limit -1"},
		{ok.Timespan(""), `timespan "" is none of`},
		{ok.Timespan("LAST_MONTH LIMIT 5"), "is none of"},
	} {
		q, err := c.b.Build()
		if err == nil {
			t.Errorf("built %s, want an error with %q", q, c.want)
			continue
		}
		if q != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}

func TestBuildReportsAllMistakes(t *testing.T) {
	_, err := query.Select("*").Where(query.Eq("", 1)).Limit(0).Build()
	if err == nil || strings.Count(err.Error(), "query: ") != 4 {
		t.Errorf("got %v", err)
	}
}

func TestBuildersShareABeginning(t *testing.T) {
	base := query.Select("a").From("b").Where(query.Eq("c", 1)).OrderBy(query.Asc("d"))
	for _, more := range []string{"e", "f"} { // which leaves room behind the lists
		base = base.Select(more).Where(query.Eq(more, 1)).OrderBy(query.Asc(more))
	}
	// Appending to all of them in turn shows whether they share memory.
	x := base.Select("x").Where(query.Eq("x", 1)).OrderBy(query.Asc("x"))
	y := base.Select("y").Where(query.Eq("y", 1)).OrderBy(query.Asc("y")).Limit(1).Distinct().Timespan(query.Today)
	for _, c := range []struct {
		b    query.Builder
		want string
	}{
		{base, "SELECT a, e, f FROM b WHERE c = 1 AND e = 1 AND f = 1 ORDER BY d ASC, e ASC, f ASC"},
		{x, "SELECT a, e, f, x FROM b WHERE c = 1 AND e = 1 AND f = 1 AND x = 1 ORDER BY d ASC, e ASC, f ASC, x ASC"},
		{y, "SELECT DISTINCT a, e, f, y FROM b WHERE c = 1 AND e = 1 AND f = 1 AND y = 1 ORDER BY d ASC, e ASC, f ASC, y ASC LIMIT 1 TIMESPAN TODAY"},
	} {
		q, err := c.b.Build()
		if err != nil || q.String() != c.want {
			t.Errorf("got  %v, %v\nwant %s", q, err, c.want)
		}
	}
}

func TestBuiltQueriesCanBeChecked(t *testing.T) {
	q, err := query.Select("Pgae").From("ShopVisits").Where(query.Eq("Page", "it's")).Build()
	if err != nil {
		t.Fatal(err)
	}
	ps := q.Check(shop())
	sameProblems(t, q.String(), ps, one(query.CodeColumn, "Pgae"))
}

func TestConditionsOfAQueryCanBeUsedAgain(t *testing.T) {
	q, err := query.Parse("SELECT a FROM b WHERE c IN ('it''s', 'x') AND d NOT LIKE 'y%' ORDER BY e")
	if err != nil {
		t.Fatal(err)
	}
	again, err := query.Select(q.Columns()...).From(q.Dataset()).Where(q.Conditions()...).OrderBy(q.Orders()...).Build()
	if err != nil || again.String() != q.String() {
		t.Errorf("got %v, %v", again, err)
	}
}

func TestTimespans(t *testing.T) {
	if n := len(query.Timespans()); n != 13 {
		t.Errorf("%d words, want the 13 of the documentation", n)
	}
	for _, c := range []struct {
		word query.Timespan
		want bool
	}{{"last_7_days", true}, {query.Lifetime, true}, {"", false}, {"LAST_2_MONTHS", false}} {
		if got := c.word.Known(); got != c.want {
			t.Errorf("Timespan(%q).Known() = %t", c.word, got)
		}
	}
}
