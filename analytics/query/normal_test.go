package query_test

import (
	"testing"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

func TestEqual(t *testing.T) {
	const s = "SELECT a, b FROM c"
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{s, "select\n A ,B\tfrom C", true},
		{s, "SELECT b, a FROM c", false}, // columns of the report change places
		{s, "SELECT DISTINCT a, b FROM c", false},
		{s, "SELECT a, b FROM d", false},
		{s, s + " TIMESPAN LAST_6_MONTHS", true}, // the default
		{s, s + " TIMESPAN LAST_MONTH", false},
		{s + " TIMESPAN LAST_MONTH", s + " timespan last_month", true},
		{s + " TIMESPAN LAST_1_YEAR", s + " TIMESPAN LAST_365_DAYS", false},
		{s, s + " LIMIT 5", false},
		{s + " LIMIT 5", s + " LIMIT 05", true},
		{s + " WHERE a = 'X' AND b > 1", s + " WHERE B > 1 and A = 'x' AND a='X'", true},
		{s + " WHERE a = 'x'", s + " WHERE a = 'y'", false},
		{s + " WHERE a = 'x'", s + " WHERE b = 'x'", false},
		{s + " WHERE a = 1", s + " WHERE a != 1", false},
		{s + " WHERE a = 1", s + " WHERE a = '1'", true},
		{s + " WHERE a = 1.50", s + " WHERE a = 1.5", false}, // may be versions, as text
		{s + " WHERE a = ' x'", s + " WHERE a = 'x'", false},
		{s + " WHERE a = 'É'", s + " WHERE a = 'é'", false}, // nothing says which case rules the service has
		{s + " WHERE a IN ('x', 'y')", s + " WHERE a IN ('Y', 'x', 'Y')", true},
		{s + " WHERE a IN (1, 2)", s + " WHERE a IN ('2', '1')", true},
		{s + " WHERE a IN ('x')", s + " WHERE a = 'x'", true},
		{s + " WHERE a NOT IN ('x')", s + " WHERE a != 'x'", true},
		{s + " WHERE a NOT IN ('x')", s + " WHERE a = 'x'", false},
		{s + " WHERE a IN ('x', 'y')", s + " WHERE a NOT IN ('x', 'y')", false},
		{s + " WHERE a IN ('x', 'y')", s + " WHERE a IN ('x, y')", false},
		{s + " WHERE a IN ('x', 'y')", s + " WHERE a IN ('x'', ''y')", false},
		{s + " WHERE a LIKE 'x'", s + " WHERE a = 'x'", false},
		{s + " ORDER BY a", s + " ORDER BY A desc", true},
		{s + " ORDER BY a", s + " ORDER BY a ASC", false},
		{s + " ORDER BY a, b", s + " ORDER BY b, a", false},
		{s + " ORDER BY a, b, a ASC", s + " ORDER BY a, b", true}, // the second a decides nothing
		{s + " ORDER BY a", s, false},
		{"no query", "  no query\n", true},
		{"no query", "no  query", false},
		{"no query", s, false},
		{s, "no query", false},
		{"", "", true},
	} {
		if got := query.Equal(c.a, c.b); got != c.want {
			t.Errorf("Equal(%q, %q) = %t", c.a, c.b, got)
		}
		if got := query.Equal(c.b, c.a); got != c.want {
			t.Errorf("Equal(%q, %q) = %t", c.b, c.a, got)
		}
	}
}

func TestQueryEqualHandlesNil(t *testing.T) {
	var none *query.Query
	q, err := query.Parse("SELECT a FROM b")
	if err != nil {
		t.Fatal(err)
	}
	same := q
	if none.Equal(q) || q.Equal(none) || !none.Equal(nil) || !q.Equal(same) {
		t.Error("a nil query equals nil and nothing else")
	}
}

func TestNormalIsWellFormedAndItsOwnNormalForm(t *testing.T) {
	q, err := query.Parse("SELECT Aa FROM Bb WHERE Z = 'it''S' AND C IN (2, 1) ORDER BY E LIMIT 3 TIMESPAN today")
	if err != nil {
		t.Fatal(err)
	}
	const want = "SELECT aa FROM bb WHERE c IN ('1', '2') AND z = 'it''s' ORDER BY e DESC LIMIT 3 TIMESPAN TODAY"
	if got := q.Normal(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	again, err := query.Parse(want)
	if err != nil || again.Normal() != want || !again.Equal(q) {
		t.Errorf("the normal form of the normal form is %q, %v", again.Normal(), err)
	}
}
