package query_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

func TestProblemsAsErrors(t *testing.T) {
	warning := query.Problem{Code: query.CodeDomain, Severity: query.Warning, Line: 1, Column: 2, Message: "doubtful"}
	mistake := query.Problem{Code: query.CodeStar, Severity: query.Error, Line: 3, Column: 4, Message: "wrong", Suggestion: "a, b"}
	other := query.Problem{Code: query.CodeLimit, Severity: query.Error, Line: 5, Column: 6, Message: "bad"}
	for _, c := range []struct {
		ps   query.Problems
		text string
		err  bool
	}{
		{nil, "query: no problems", false},
		{query.Problems{warning}, "query:1:2: doubtful (warning)", false},
		{query.Problems{mistake}, "query:3:4: wrong; write a, b", true},
		{query.Problems{warning, mistake, other}, "query:3:4: wrong; write a, b (and 2 more)", true},
		{query.Problems{warning, warning}, "query:1:2: doubtful (warning) (and 1 more)", false},
	} {
		if got := c.ps.Error(); got != c.text {
			t.Errorf("got %q, want %q", got, c.text)
		}
		if got := c.ps.Err(); (got != nil) != c.err {
			t.Errorf("%v: Err() = %v", c.ps, got)
		}
	}
	all := query.Problems{warning, mistake, other}
	if diff := cmp.Diff(query.Problems{mistake, other}, all.Errors()); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(query.Problems{warning}, all.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if first, ok := errors.AsType[query.Problem](all.Err()); !ok || first != warning {
		t.Errorf("the first problem of the list is %+v", first)
	}
	if got := query.Warning.String() + query.Error.String() + query.Severity(7).String(); got != "warningerrorSeverity(7)" {
		t.Errorf("severities print as %s", got)
	}
}

func TestErrorsStayShort(t *testing.T) {
	long := strings.Repeat("abc ", 10_000)
	for _, text := range []string{
		"SELECT " + strings.ReplaceAll(long, " ", ", ") + "a FROM",
		"SELECT a FROM b WHERE a = " + long + " AND",
		"SELECT a FROM b WHERE a =! '" + long + "'",
		"SELECT a FROM b TIMESPAN " + strings.ReplaceAll(long, " ", "_"),
		"SELECT a FROM " + strings.ReplaceAll(long, " ", "_"),
		"SELECT " + strings.ReplaceAll(long, " ", "_") + " FROM ShopVisits",
		strings.Repeat("=", 100_000),
		"SELECT a FROM b WHERE a " + strings.Repeat("=", 100_000),
		"SELECT a FROM b LIMIT " + strings.Repeat("9", 100_000),
	} {
		_, ps := query.Check(text, shop())
		if ps.Err() == nil {
			t.Errorf("%.60s...: no error", text)
			continue
		}
		if n := len(ps.Error()); n > 1000 {
			t.Errorf("%.60s...: a message of %d bytes: %.200s...", text, n, ps.Error())
		}
	}
}

func TestExplainPointsAtThePlace(t *testing.T) {
	const text = "SELECT a\n\tFROM b WHERE ä = “x” OR c = 'some text that is long enough to be cut off at its end, because lines have an end' TIMESPAN LAST_MONTH"
	_, err := query.Parse(text)
	ps, ok := errors.AsType[query.Problems](err)
	if !ok {
		t.Fatal(err)
	}
	const want = `2:15: error: names have ASCII letters only, but the ä (U+00E4) in "ä" is another character
   FROM b WHERE ä = “x” OR c = 'some text that is long enough to be...
                ^

2:19: error: text stands between straight single quotes ('), as typed on a keyboard
   FROM b WHERE ä = “x” OR c = 'some text that is long enough to be cut o...
                    ^^^
  write: 'x'

2:23: error: conditions are joined by AND only: use IN for several values of one column, or one query for each condition
   FROM b WHERE ä = “x” OR c = 'some text that is long enough to be cut off ...
                        ^^
`
	if diff := cmp.Diff(want, ps.Explain(text)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	long := "SELECT " + strings.Repeat("long_name, ", 20) + "* FROM b"
	_, ps = query.Check(long, nil)
	_, excerpt, _ := strings.Cut(ps[len(ps)-1].Error()+"\n"+ps[len(ps)-1:].Explain(long), "\n")
	lines := strings.Split(excerpt, "\n")
	if len(lines) < 3 || lines[1][strings.IndexByte(lines[2], '^')] != '*' || !strings.HasPrefix(lines[1], "  ...") {
		t.Errorf("the caret is elsewhere:\n%s", excerpt)
	}
}

// Explain goes to terminals, and the text may come from anywhere.
func TestExplainPrintsNoControlCharacters(t *testing.T) {
	for _, text := range []string{"SELECT a\x1b[31m FROM b", "SELECT a FROM b WHERE a = x\x1b\u200b\x07y", "SELECT \xff\x1b[0m", "SELECT a FROM b WHERE a = “\x1b[31m”"} {
		_, ps := query.Check(text, nil)
		out := ps.Explain(text)
		if strings.ContainsFunc(out, func(r rune) bool { return r < ' ' && r != '\n' || r == '\u200b' }) {
			t.Errorf("%q: %q", text, out)
		}
	}
}

// A list of problems that belongs to another text is no reason to panic.
func TestExplainSurvivesTheWrongText(t *testing.T) {
	_, ps := query.Check("SELECT a FROM b WHERE a == 1", nil)
	for _, text := range []string{"", "x", "€€€€€€€€€€€€€€€"} {
		if ps.Explain(text) == "" {
			t.Error("nothing was explained")
		}
	}
	out := query.Problems{{Offset: -5, End: -9}}.Explain("abc")
	if !strings.Contains(out, "abc") {
		t.Errorf("got %q", out)
	}
}
