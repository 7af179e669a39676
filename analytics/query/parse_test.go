package query_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

func TestParseUnderstandsEveryPart(t *testing.T) {
	q, err := query.Parse("\tselect distinct shop_name,Pieces\r\nFROM ShopSales where a='x' and B!=-2.50 AND c>1 AND d>=1 AND e<1 AND f<=1 " +
		"AND g like '%y%' AND h Not Like 'z' AND i in(1,2) AND j NOT IN ( 'it''s' , 'b' ) order by k,l asc, m DESC limit 007 timespan last_month\n")
	if err != nil {
		t.Fatal(err)
	}
	type condition struct {
		Column string
		Op     query.Op
		Values []string
	}
	var where []condition
	for _, c := range q.Conditions() {
		got := condition{Column: c.Column(), Op: c.Op()}
		for _, v := range c.Values() {
			got.Values = append(got.Values, v.String())
		}
		where = append(where, got)
	}
	wantWhere := []condition{
		{"a", query.OpEq, []string{"'x'"}},
		{"B", query.OpNe, []string{"-2.50"}},
		{"c", query.OpGt, []string{"1"}},
		{"d", query.OpGe, []string{"1"}},
		{"e", query.OpLt, []string{"1"}},
		{"f", query.OpLe, []string{"1"}},
		{"g", query.OpLike, []string{"'%y%'"}},
		{"h", query.OpNotLike, []string{"'z'"}},
		{"i", query.OpIn, []string{"1", "2"}},
		{"j", query.OpNotIn, []string{"'it''s'", "'b'"}},
	}
	if diff := cmp.Diff(wantWhere, where); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if got := q.Conditions()[9].Values()[0]; got.Text != "it's" || !got.Quoted {
		t.Errorf("the doubled quote was read as %+v", got)
	}
	if diff := cmp.Diff([]string{"shop_name", "Pieces"}, q.Columns()); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	var order []string
	for _, o := range q.Orders() {
		order = append(order, o.Column()+" "+string(o.Direction())+"|"+o.String())
	}
	if diff := cmp.Diff([]string{"k |k", "l ASC|l ASC", "m DESC|m DESC"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if o := q.Orders(); !o[0].Descending() || o[1].Descending() || !o[2].Descending() {
		t.Error("the default direction is descending, and ASC alone is not")
	}
	if !q.Distinct() || q.Dataset() != "ShopSales" || q.Limit() != 7 || q.Timespan() != "last_month" {
		t.Errorf("got distinct %t, dataset %q, limit %d, timespan %q", q.Distinct(), q.Dataset(), q.Limit(), q.Timespan())
	}
	const printed = "SELECT DISTINCT shop_name, Pieces FROM ShopSales WHERE a = 'x' AND B != -2.50 AND c > 1 AND d >= 1 AND e < 1 AND f <= 1 " +
		"AND g LIKE '%y%' AND h NOT LIKE 'z' AND i IN (1, 2) AND j NOT IN ('it''s', 'b') ORDER BY k, l ASC, m DESC LIMIT 7 TIMESPAN last_month"
	if got := q.String(); got != printed {
		t.Errorf("printed\n%s\nwant\n%s", got, printed)
	}
}

func TestParseTakesWhatIsAllowed(t *testing.T) {
	for _, text := range []string{
		"SELECT a FROM b",
		"SELECT a,b,c FROM d",
		"SELECT or, between, null, group FROM having", // no keywords of this language
		"SELECT a FROM b WHERE a='O(1), <b> ;-- \" ’ * AND OR \n FROM'",
		"SELECT a FROM b WHERE a=''",
		"SELECT a FROM b WHERE a='100' AND a=100",
		"SELECT a FROM b ORDER BY notSelected",
		"SELECT a FROM b TIMESPAN SOME_NEW_WORD", // the service may add words
		"SELECT _ FROM _1",
	} {
		if _, err := query.Parse(text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

// Every mistake is found, alone, at its place; when fixed is given, the suggestion
// makes that text of it, which is free of mistakes.
func TestParseExplainsMistakes(t *testing.T) {
	const s = "SELECT a FROM b"
	for _, c := range []struct {
		text  string
		want  []found
		fixed string
	}{
		{"", one(query.CodeEmpty, ""), ""},
		{" \n\t", one(query.CodeEmpty, ""), ""},
		{"DROP TABLE b", one(query.CodeMissingSelect, "DROP"), ""},
		{"'a' FROM b", one(query.CodeMissingSelect, "'a'"), ""},
		{"a FROM b", one(query.CodeMissingSelect, "a"), s},
		{"a, c FROM b", one(query.CodeMissingSelect, "a"), "SELECT a, c FROM b"},
		{"SELCT a FROM b", one(query.CodeSyntax, "SELCT"), s},
		{"SELECT FROM b", one(query.CodeEmptySelect, "FROM"), ""},
		{"SELECT", []found{{Code: query.CodeEmptySelect}, {Code: query.CodeMissingFrom}}, ""},
		{"SELECT a, FROM b", one(query.CodeSyntax, "FROM"), ""},
		{"SELECT a c FROM b", one(query.CodeAlias, "c"), "SELECT a , c FROM b"},
		{"SELECT a AS c FROM b", one(query.CodeAlias, "AS"), ""},
		{"SELECT a AS 'c d', e FROM b", one(query.CodeAlias, "AS"), ""},
		{"SELECT * FROM b", one(query.CodeStar, "*"), ""},
		{"SELECT b.* FROM b", []found{{Code: query.CodeQualifiedName, At: "b."}, {Code: query.CodeSyntax, At: "*"}}, ""},
		{"SELECT b.a FROM b", one(query.CodeQualifiedName, "b.a"), s},
		{"SELECT SUM(a) FROM b", one(query.CodeFunction, "SUM(a)"), ""},
		{"SELECT COUNT(DISTINCT (a)) FROM b", one(query.CodeFunction, "COUNT(DISTINCT (a))"), ""},
		{"SELECT Price(USD), c FROM b", one(query.CodeFunction, "Price(USD)"), ""},
		{"SELECT SUM(a FROM b", one(query.CodeFunction, "SUM(a"), ""},
		{"SELECT a + c, d FROM b", one(query.CodeSyntax, "+"), ""},
		{"SELECT 1 FROM b", one(query.CodeSyntax, "1"), ""},
		{"SELECT LIMIT FROM b", []found{{Code: query.CodeEmptySelect, At: "LIMIT"}, {Code: query.CodeMissingFrom, At: "LIMIT"}, {Code: query.CodeLimit, At: "FROM"}, {Code: query.CodeRepeatedClause, At: "FROM"}}, ""},
		{"SELECT TOP 5 a FROM b", one(query.CodeSyntax, "TOP"), ""},
		{"SELECT [a] FROM b", one(query.CodeQuotedName, "[a]"), s},
		{"SELECT [a b] FROM b", one(query.CodeQuotedName, "[a b]"), ""},
		{"SELECT [a FROM b", []found{{Code: query.CodeSyntax, At: "["}}, ""},
		{`SELECT "a" FROM b`, one(query.CodeQuotedName, `"a"`), s},
		{"SELECT `a` FROM b", one(query.CodeQuotedName, "`a`"), s},
		{"SELECT оrder FROM b", one(query.CodeEncoding, "оrder"), ""}, // a Cyrillic o
		{"SELECT a b", one(query.CodeMissingFrom, "b"), "SELECT a FROM b"},
		{"SELECT a b LIMIT 5", one(query.CodeMissingFrom, "b"), "SELECT a FROM b LIMIT 5"},
		{"SELECT a FORM b", one(query.CodeSyntax, "FORM"), s},
		{"SELECT a WHERE c = 1", one(query.CodeMissingFrom, "WHERE"), ""},
		{"SELECT a FROM", one(query.CodeSyntax, ""), ""},
		{"SELECT a FROM WHERE c = 1", one(query.CodeSyntax, "WHERE"), ""},
		{"SELECT a FROM 5 WHERE c = 1", one(query.CodeSyntax, "5"), ""},
		{"SELECT a FROM x.y.b", one(query.CodeQualifiedName, "x.y.b"), s},
		{"SELECT a FROM b, c", one(query.CodeManyDatasets, ","), ""},
		{"SELECT a FROM b JOIN c ON a = d", one(query.CodeManyDatasets, "JOIN"), ""},
		{"SELECT a FROM b UNION SELECT a FROM c", []found{{Code: query.CodeManyDatasets, At: "UNION"}, {Code: query.CodeRepeatedClause, At: "FROM"}}, ""},
		{"SELECT a FROM b AS c WHERE a = 1", one(query.CodeAlias, "AS"), ""},
		{"SELECT a FROM b c WHERE a = 1", one(query.CodeAlias, "c"), ""},
		{"SELECT a FROM (SELECT a FROM b) LIMIT 1", one(query.CodeSubquery, "(SELECT a FROM b)"), ""},
		{"SELECT a FROM (SELECT a FROM b", one(query.CodeSubquery, "(SELECT a FROM b"), ""},
		{s + " GROUP BY a", one(query.CodeGrouping, "GROUP"), ""},
		{s + " OFFSET 5", one(query.CodeSyntax, "OFFSET"), ""},
		{s + " AND a = 1", one(query.CodeSyntax, "AND"), ""},
		{s + " 5", one(query.CodeSyntax, "5"), ""},
		{s + ")", one(query.CodeParentheses, ")"), ""},
		{s + ";", one(query.CodeSemicolon, ";"), ""},
		{s + "; DROP TABLE b; *", one(query.CodeSemicolon, ";"), ""},
		{s + " -- all of it", one(query.CodeComment, "-- all of it"), ""},
		{"SELECT /* this */ a FROM b", one(query.CodeComment, "/* this */"), ""},
		{s + " /* never closed", one(query.CodeComment, "/* never closed"), ""},

		{s + " WHER a = 1", one(query.CodeSyntax, "WHER"), s + " WHERE a = 1"},
		{s + " WHERE", one(query.CodeSyntax, ""), ""},
		{s + " WHERE LIMIT 1", one(query.CodeSyntax, "LIMIT"), ""},
		{s + " WHERE a = 1 AND", one(query.CodeSyntax, ""), ""},
		{s + " WHERE a = 1 OR c = 2", one(query.CodeOr, "OR"), ""},
		{s + " WHERE a = 1 OR a = 'x'", one(query.CodeOr, "OR"), ""},
		{s + " WHERE a = 1 OR a > 2", one(query.CodeOr, "OR"), ""},
		{s + " WHERE a = 1 or A = 2 OR a IN (3, 4)", one(query.CodeOr, "a = 1 or A = 2 OR a IN (3, 4)"), s + " WHERE a IN (1, 2, 3, 4)"},
		{s + " WHERE a = 1 || a = 2", one(query.CodeOr, "a = 1 || a = 2"), s + " WHERE a IN (1, 2)"},
		{s + " WHERE a = 1 AND a = 2 OR a = 3", one(query.CodeOr, "OR"), ""}, // IN would mean something else
		{s + " WHERE NOT a = 1 OR a = 3", []found{{Code: query.CodeNot, At: "NOT"}, {Code: query.CodeOr, At: "OR"}}, ""},
		{s + " WHERE a = 1 OR a ! 2 OR a = 3", []found{{Code: query.CodeOr, At: "OR"}, {Code: query.CodeOperator, At: "!"}}, ""},
		{s + " WHERE a = 1 && c = 2", one(query.CodeSyntax, "&&"), s + " WHERE a = 1  AND  c = 2"},
		{s + " WHERE a = 1, c = 2", one(query.CodeSyntax, ","), s + " WHERE a = 1 AND  c = 2"},
		{s + " WHERE (a = 1) AND ((c = 2))", []found{{Code: query.CodeParentheses, At: "("}, {Code: query.CodeParentheses, At: "("}}, ""},
		{s + " WHERE (a = 1 AND c = 2", one(query.CodeParentheses, "("), ""},
		{s + " WHERE a = 1)", one(query.CodeParentheses, ")"), ""},
		{s + " WHERE a BETWEEN 1 AND 5 AND c = 1", one(query.CodeBetween, "a BETWEEN 1 AND 5"), s + " WHERE a >= 1 AND a <= 5 AND c = 1"},
		{s + " WHERE a BETWEEN 1", one(query.CodeBetween, "BETWEEN"), ""},
		{s + " WHERE a NOT BETWEEN 1 AND 5", one(query.CodeNot, "NOT"), ""},
		{s + " WHERE a IS NULL AND c = 1", one(query.CodeIsNull, "a IS NULL"), ""},
		{s + " WHERE a IS NOT NULL", one(query.CodeIsNull, "a IS NOT NULL"), ""},
		{s + " WHERE a = NULL", one(query.CodeIsNull, "NULL"), ""},
		{s + " WHERE a IS 1", one(query.CodeOperator, "IS"), s + " WHERE a = 1"},
		{s + " WHERE a IS NOT 1", one(query.CodeOperator, "IS NOT"), s + " WHERE a != 1"},
		{s + " WHERE NOT a = 1", one(query.CodeNot, "NOT"), ""},
		{s + " WHERE NOT (a = 1)", []found{{Code: query.CodeNot, At: "NOT"}, {Code: query.CodeParentheses, At: "("}}, ""},
		{s + " WHERE a == 1", one(query.CodeOperator, "=="), s + " WHERE a = 1"},
		{s + " WHERE a <> 1", one(query.CodeOperator, "<>"), s + " WHERE a != 1"},
		{s + " WHERE a=>1", one(query.CodeOperator, "=>"), s + " WHERE a>=1"},
		{s + " WHERE a =< 1", one(query.CodeOperator, "=<"), s + " WHERE a <= 1"},
		{s + " WHERE a ≥ 1", one(query.CodeOperator, "≥"), s + " WHERE a >= 1"},
		{s + " WHERE a ≠ 1", one(query.CodeOperator, "≠"), s + " WHERE a != 1"},
		{s + " WHERE a ! 1", one(query.CodeOperator, "!"), ""},
		{s + " WHERE a ~ 1", one(query.CodeOperator, "~"), ""},
		{s + " WHERE a CONTAINS 'x'", one(query.CodeOperator, "CONTAINS"), s + " WHERE a LIKE 'x'"},
		{s + " WHERE a 'x'", one(query.CodeOperator, "'x'"), ""},
		{s + " WHERE a", one(query.CodeOperator, ""), ""},
		{s + " WHERE 'a' = 1", one(query.CodeQuotedName, "'a'"), s + " WHERE a = 1"},
		{s + " WHERE 1 = a", one(query.CodeSyntax, "1"), ""},
		{s + " WHERE a =", one(query.CodeSyntax, ""), ""},
		{s + " WHERE a = )", []found{{Code: query.CodeSyntax, At: ")"}, {Code: query.CodeParentheses, At: ")"}}, ""},
		{s + " WHERE a = (SELECT x FROM y) AND c = 1", one(query.CodeSubquery, "(SELECT x FROM y)"), ""},
		{s + " WHERE (SELECT x FROM y) = 1 AND c = 1", one(query.CodeSubquery, "(SELECT x FROM y)"), ""},

		{s + " WHERE a = Active", one(query.CodeUnquoted, "Active"), s + " WHERE a = 'Active'"},
		{s + " WHERE a = Two Words 3 AND c = 1", one(query.CodeUnquoted, "Two Words 3"), s + " WHERE a = 'Two Words 3' AND c = 1"},
		{s + " WHERE a = me@example.com", one(query.CodeUnquoted, "me@example.com"), s + " WHERE a = 'me@example.com'"},
		{s + " WHERE a = 5f0e-11", one(query.CodeUnquoted, "5f0e-11"), s + " WHERE a = '5f0e-11'"},
		{s + " WHERE a = 12345678-aaaa", one(query.CodeUnquoted, "12345678-aaaa"), s + " WHERE a = '12345678-aaaa'"},
		{s + " WHERE a > 2024-01-31 AND c = 1", one(query.CodeUnquoted, "2024-01-31"), s + " WHERE a > '2024-01-31' AND c = 1"},
		{s + " WHERE a IN (x y, z)", []found{{Code: query.CodeUnquoted, At: "x y"}, {Code: query.CodeUnquoted, At: "z"}}, s + " WHERE a IN ('x y', 'z')"},
		{s + " WHERE a = Active AND c LIKE 'x'", one(query.CodeUnquoted, "Active"), s + " WHERE a = 'Active' AND c LIKE 'x'"},
		{s + " WHERE a = Two Words'", one(query.CodeUnquoted, "Two Words'"), s + " WHERE a = 'Two Words'"},
		{s + " WHERE a = Active OR a = Warning", []found{{Code: query.CodeOr, At: "a = Active OR a = Warning"}, {Code: query.CodeUnquoted, At: "Active"}, {Code: query.CodeUnquoted, At: "Warning"}}, ""},
		{s + " WHERE a = ‘Active’", one(query.CodeQuotes, "‘Active’"), s + " WHERE a = 'Active'"},
		{s + " WHERE a = “It's”", one(query.CodeQuotes, "“It's”"), s + " WHERE a = 'It''s'"},
		{s + ` WHERE a = "Active"`, one(query.CodeQuotes, `"Active"`), s + " WHERE a = 'Active'"},
		{s + " WHERE a = `Active`", one(query.CodeQuotes, "`Active`"), s + " WHERE a = 'Active'"},
		{s + " WHERE a = 'Active’ LIMIT 5", one(query.CodeQuotes, "'Active’"), s + " WHERE a = 'Active' LIMIT 5"},
		{s + " WHERE a = 'Ann’s Shop’ LIMIT 5", one(query.CodeQuotes, "'Ann’s Shop’"), s + " WHERE a = 'Ann’s Shop' LIMIT 5"},
		{s + " WHERE a = 'Active LIMIT 5", one(query.CodeUnterminated, "'"), ""},
		{s + ` WHERE a = "Active LIMIT 5`, one(query.CodeUnterminated, `"`), ""},
		{s + " WHERE a = –5", one(query.CodeNumber, "–5"), s + " WHERE a = -5"},
		{s + " WHERE a = +5", one(query.CodeNumber, "+5"), s + " WHERE a = 5"},
		{s + " WHERE a = .5", one(query.CodeNumber, ".5"), s + " WHERE a = 0.5"},
		{s + " WHERE a = 5.", one(query.CodeNumber, "5."), ""},
		{s + " WHERE a = 1.2.3", one(query.CodeNumber, "1.2.3"), ""},
		{s + " WHERE a = 1e5", one(query.CodeNumber, "1e5"), ""},
		{s + " WHERE a = -2024-01-01", one(query.CodeNumber, "-2024-01-01"), ""},
		{s + " WHERE a IN ()", one(query.CodeEmptyList, "()"), ""},
		{s + " WHERE a IN 1", one(query.CodeList, "1"), s + " WHERE a IN (1)"},
		{s + " WHERE a IN 'x', 'y' LIMIT 1", one(query.CodeList, "'x', 'y'"), s + " WHERE a IN ('x', 'y') LIMIT 1"},
		{s + " WHERE a IN (1 2)", one(query.CodeList, "2"), s + " WHERE a IN (1 , 2)"},
		{s + " WHERE a IN (1, 2", one(query.CodeList, "(1, 2"), ""},
		{s + " WHERE a IN (1, )", one(query.CodeSyntax, ")"), ""},
		{s + " WHERE a IN (SELECT x FROM y)", one(query.CodeSubquery, "(SELECT x FROM y)"), ""},
		{s + " WHERE a = (1, 2)", one(query.CodeList, "("), ""},
		{s + " WHERE a IN ('x', 1)", one(query.CodeMixedList, "1"), s + " WHERE a IN ('x', '1')"},
		{s + " WHERE a IN (1, 'x')", one(query.CodeMixedList, "'x'"), ""},

		{s + " ORDER BY", one(query.CodeSyntax, ""), ""},
		{s + " ORDER a", one(query.CodeSyntax, "a"), ""},
		{s + " ORDER BY 1", one(query.CodeSyntax, "1"), ""},
		{s + " ORDER BY a UP, c DOWN", []found{{Code: query.CodeDirection, At: "UP"}, {Code: query.CodeDirection, At: "DOWN"}}, s + " ORDER BY a ASC, c DESC"},
		{s + " ORDER BY a NULLS LAST, c", one(query.CodeDirection, "NULLS"), ""},
		{s + " ORDER BY a LIMTI 5", one(query.CodeSyntax, "LIMTI"), s + " ORDER BY a LIMIT 5"},
		{s + " LIMIT", one(query.CodeLimit, ""), ""},
		{s + " LIMIT 0", one(query.CodeLimit, "0"), ""},
		{s + " LIMIT -5", one(query.CodeLimit, "-5"), ""},
		{s + " LIMIT 1.5", one(query.CodeLimit, "1.5"), ""},
		{s + " LIMIT -99999999999999999999", one(query.CodeLimit, "-99999999999999999999"), ""},
		{s + " LIMIT ALL", one(query.CodeLimit, "ALL"), ""},
		{s + " LIMIT '10'", one(query.CodeLimit, "'10'"), s + " LIMIT 10"},
		{s + " LIMIT 10, 20", one(query.CodeSyntax, ","), ""},
		{s + " TIMESPAN", one(query.CodeTimespan, ""), ""},
		{s + " TIMESPAN '2024-01-01'", one(query.CodeTimespan, "'2024-01-01'"), ""},
		{s + " TIMESPAN 2024-01-01", one(query.CodeTimespan, "2024-01-01"), ""},
		{s + " TIMESPAN 6", one(query.CodeTimespan, "6"), ""},
		{s + " TIMESPAN (LAST_MONTH)", []found{{Code: query.CodeTimespan, At: "("}, {Code: query.CodeSyntax, At: "LAST_MONTH"}}, ""},
		{s + " TIMESPAN Last 6 Months", one(query.CodeTimespan, "Last 6 Months"), s + " TIMESPAN LAST_6_MONTHS"},
		{s + " TIMESPAN last-month", one(query.CodeTimespan, "last-month"), s + " TIMESPAN LAST_MONTH"},
		{s + " TIMESPAN LAST_MОNTH", one(query.CodeEncoding, "LAST_MОNTH"), ""}, // a Cyrillic O
		{s + " TIMESPAN LAST_MONTH now", one(query.CodeSyntax, "now"), ""},
		{s + " LIMIT 1 ORDER BY a", one(query.CodeClauseOrder, "ORDER"), ""},
		{s + " TIMESPAN LAST_MONTH LIMIT 1", one(query.CodeClauseOrder, "LIMIT"), ""},
		{s + " LIMIT 1 WHERE a = 1", one(query.CodeClauseOrder, "WHERE"), ""},
		{s + " LIMIT 1 LIMIT 2", one(query.CodeRepeatedClause, "LIMIT"), ""},
		{s + " FROM c", one(query.CodeRepeatedClause, "FROM"), ""},

		{"SELECT a\xffb FROM b", one(query.CodeEncoding, "\xff"), ""},
		{"SELECT a\u200b FROM b", one(query.CodeEncoding, "\u200b"), ""},
		{"SELECT a\u00a0\u200b\u200c FROM b", one(query.CodeEncoding, "\u200b"), ""},
		{"\ufeffSELECT a FROM b", one(query.CodeEncoding, "\ufeff"), ""},
	} {
		t.Run(c.text, func(t *testing.T) {
			_, err := query.Parse(c.text)
			ps, ok := errors.AsType[query.Problems](err)
			if !ok {
				t.Fatalf("Parse returned %v, want Problems", err)
			}
			sameProblems(t, c.text, ps, c.want)
			if c.fixed == "" {
				return
			}
			if diff := cmp.Diff(c.fixed, apply(c.text, ps)); diff != "" {
				t.Errorf("with the suggestion (-want +got):\n%s", diff)
			}
			if _, err := query.Parse(c.fixed); err != nil {
				t.Errorf("the suggestion is wrong too: %v", err)
			}
		})
	}
}

func TestParseDoubts(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  []found
		fixed string
	}{
		{"SELECT\u00a0a FROM b", doubt(query.CodeEncoding, "\u00a0"), "SELECT a FROM b"},
		{"SELECT a FROM b WHERE a = 'it''s'", doubt(query.CodeQuoteInText, "'it''s'"), ""},
	} {
		q, ps := query.Check(c.text, nil)
		if q == nil || ps.Err() != nil {
			t.Errorf("%s: warnings kept the query from being read", c.text)
		}
		sameProblems(t, c.text, ps, c.want)
		if c.fixed != "" && apply(c.text, ps) != c.fixed {
			t.Errorf("%s: with the suggestion %q", c.text, apply(c.text, ps))
		}
		if _, err := query.Parse(c.text); err != nil {
			t.Errorf("%s: Parse: %v", c.text, err)
		}
	}
}

func TestSeveralMistakesAreAllFound(t *testing.T) {
	const text = "SELECT *, SUM(x)\nFROM b\nWHERE a == “x”\n  AND c = Active\nORDER BY d UP\nLIMIT 0"
	_, err := query.Parse(text)
	ps, ok := errors.AsType[query.Problems](err)
	if !ok {
		t.Fatal(err)
	}
	sameProblems(t, text, ps, []found{
		{Code: query.CodeStar, At: "*"}, {Code: query.CodeFunction, At: "SUM(x)"}, {Code: query.CodeOperator, At: "=="},
		{Code: query.CodeQuotes, At: "“x”"}, {Code: query.CodeUnquoted, At: "Active"}, {Code: query.CodeDirection, At: "UP"}, {Code: query.CodeLimit, At: "0"},
	})
	var places [][2]int
	for _, p := range ps {
		places = append(places, [2]int{p.Line, p.Column})
	}
	want := [][2]int{{1, 8}, {1, 11}, {3, 9}, {3, 12}, {4, 11}, {5, 12}, {6, 7}}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("lines and columns (-want +got):\n%s", diff)
	}
}

func TestColumnsAreCountedInCharacters(t *testing.T) {
	const text = "SELECT a FROM b WHERE a = 'äöü€😀' OR c = 1"
	_, err := query.Parse(text)
	p, ok := errors.AsType[query.Problem](err)
	if !ok || p.Column != 35 || p.Offset != strings.Index(text, "OR") {
		t.Errorf("got %+v", p)
	}
}

func TestTheListOfProblemsHasAnEnd(t *testing.T) {
	_, ps := query.Check("SELECT "+strings.Repeat("a x, ", 1000)+"a FROM b", nil)
	if len(ps) != 50 || ps[49].Code != query.CodeTooMany {
		t.Errorf("got %d problems, the last one %q", len(ps), ps[len(ps)-1].Code)
	}
	if _, ps = query.Check("SELECT "+strings.Repeat("a x, ", 49)+"* FROM ShopVisits", shop()); ps[49].Suggestion != "" {
		t.Errorf("the problem that stands for the others suggests %q", ps[49].Suggestion)
	}
	_, ps = query.Check("SELECT "+strings.Repeat("a x, ", 49)+"a FROM ShopVisits WHERE Page = Referrer", shop())
	if len(ps) != 50 || ps[49].Code != query.CodeTooMany {
		t.Errorf("the last problem is %+v", ps[49])
	}
	_, ps = query.Check("SELECT "+strings.Repeat("nosuch, ", 1000)+"Page FROM ShopVisits", shop())
	if len(ps) != 50 || ps[49].Code != query.CodeTooMany {
		t.Errorf("got %d problems, the last one %q", len(ps), ps[len(ps)-1].Code)
	}
}

func TestNilAndZeroQueriesAreEmpty(t *testing.T) {
	for _, q := range []*query.Query{nil, {}} {
		if q.String() != "" || q.Normal() != "" || q.Distinct() || q.Limit() != 0 || q.Dataset() != "" || q.Timespan() != "" ||
			len(q.Columns())+len(q.Conditions())+len(q.Orders())+len(q.Check(shop())) > 0 {
			t.Errorf("%v has content", q)
		}
	}
}

func TestQueriesCannotBeChangedThroughWhatTheyReturn(t *testing.T) {
	const text = "SELECT a FROM b WHERE c IN (1, 2) ORDER BY d ASC"
	q, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	q.Columns()[0] = "x"
	q.Conditions()[0].Values()[0] = query.Literal{Text: "x"}
	q.Conditions()[0] = query.Eq("x", 1)
	q.Orders()[0] = query.Desc("x")
	if got := q.String(); got != text {
		t.Errorf("now %s", got)
	}
}
