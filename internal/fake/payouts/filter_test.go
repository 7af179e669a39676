package payouts

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFiltersAreReadAsTheGrammarSays(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		// Both styles, and what a canonical form of them is.
		"a eq 'x'":                      "a eq 'x'",
		"a='x'":                         "a eq 'x'",
		"a = 'x'":                       "a eq 'x'",
		"  a  ge  2024-01-01  ":         "a ge 2024-01-01",
		"a lt 2024-01-01T00:00:00Z":     "a lt 2024-01-01T00:00:00Z",
		"a le 2024-01-01T01:02:03.456Z": "a le 2024-01-01T01:02:03.456Z",
		"a gt -1.50":                    "a gt -1.50",
		"a ne +7":                       "a ne +7",
		"a eq 'it''s'":                  "a eq 'it''s'",
		"a eq ''":                       "a eq ''",
		"a eq '(or) and'":               "a eq '(or) and'",
		"a eq 'x' or b=1 and c=2":       "a eq 'x' or b eq 1 and c eq 2",
		"(a=1 or b=2) and c=3":          "(a eq 1 or b eq 2) and c eq 3",
		"((a=1))":                       "a eq 1",
		"a=1 and (b=2 and c=3)":         "a eq 1 and (b eq 2 and c eq 3)",
		"(a eq 'x')and(b eq 'y')":       "a eq 'x' and b eq 'y'",
		"and eq 1 and or eq 2":          "and eq 1 and or eq 2",
		"a_1 eq 007":                    "a_1 eq 007",
	} {
		e, err := ParseFilter(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := e.String(); got != want {
			t.Errorf("%s: read as %s", in, got)
		}
	}
}

func TestFiltersThatAreNone(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                               "a field name expected at the end",
		"a":                              "an operator",
		"a eq":                           "a space after the operator",
		"a eq ":                          "a value expected at the end",
		"a eq 'x":                        "the quote at position 6 is not closed",
		"a eq ‘x’":                       "a quoted text",
		"a EQ 1":                         "an operator",
		"a eq 1 AND b eq 2":              "'and', 'or' or the end expected at position 8",
		"a eq 1 b eq 2":                  "'and', 'or' or the end",
		"a eq 1 and":                     "a field name",
		"(a eq 1":                        "')' expected at the end",
		"a eq 1)":                        "'and', 'or' or the end",
		"1 eq 1":                         "a field name",
		"a eq 2024-13-01":                "a date",
		"a eq 2024-01-01T1":              "a quoted text",
		"a eq 2024-01-01T01:02:03+01:00": "a quoted text",
		"a eq 1e3":                       "a quoted text",
		"a eq .5":                        "a quoted text",
		"a eq x":                         "a quoted text",
		"a'x'":                           "an operator",
		"aeq 1":                          "an operator",
		"a like 'x'":                     "an operator",
		"not a eq 1":                     "an operator",
		"a eq 'x' ; drop":                "'and', 'or' or the end",
		strings.Repeat("(", 100) + "a=1" + strings.Repeat(")", 100): "more than 64 nested parentheses",
		strings.Repeat("a", maxFilterLength+1):                      "longer than 16384 bytes",
	} {
		if e, err := ParseFilter(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, %v", in, e, err)
		}
	}
}

func TestFiltersSelect(t *testing.T) {
	t.Parallel()
	type row struct {
		s string
		d time.Time
		m micro
	}
	s := schema[row]{
		"s": {text: func(r *row) string { return r.s }},
		"d": {when: func(r *row) time.Time { return r.d }},
		"m": {amount: func(r *row) micro { return r.m }},
	}
	rows := []row{
		{"Sent", time.Date(2024, 1, 31, 0, 0, 0, 0, time.UTC), 1_500_000},
		{"0012", time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC), -1},
		{"", time.Date(2024, 2, 1, 13, 0, 0, 0, time.UTC), 0},
	}
	for filter, want := range map[string][]bool{
		"s eq 'SENT'":               {true, false, false},
		"s ne 'SENT'":               {false, true, true},
		"S='sent' or s=12":          {true, true, false},
		"s eq 0":                    {false, false, false},
		"d le 2024-01-31":           {true, false, false},
		"d lt 2024-02-01":           {true, false, false},
		"d ge 2024-02-01":           {false, true, true},
		"d gt 2024-02-01":           {false, false, true},
		"d eq 2024-02-01T13:00:00Z": {false, false, true},
		"m ge 1.5":                  {true, false, false},
		"m lt 0":                    {false, true, false},
		"m ne 0.000":                {true, true, false},
		"m gt -0.0000005":           {true, false, true},
		"m le 99999999999999999999": {true, true, true},
		// "and" binds tighter: with the other reading the first row is out.
		"s='sent' or m=0 and d gt 2024-02-01":   {true, false, true},
		"(s='sent' or m=0) and d gt 2024-02-01": {false, false, true},
	} {
		e, err := ParseFilter(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		f, err := compile(e, s, false)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		var got []bool
		for i := range rows {
			got = append(got, f(&rows[i]))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
	}
	for filter, want := range map[string]string{
		"x eq 1":            "there is no field x",
		"s ge 'a'":          "cannot be compared with ge",
		"s eq 2024-01-01":   "compared with a quoted text",
		"s eq -1":           "compared with a quoted text",
		"d eq '2024-01-01'": "compared with a date",
		"d eq 2024":         "compared with a date",
		"m eq '1'":          "compared with a number",
		"m=1 and (x=1)":     "there is no field x",
	} {
		e, err := ParseFilter(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if _, err := compile(e, s, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", filter, err)
		}
	}
	e, _ := ParseFilter("x eq 1 and m ge 0")
	f, err := compile(e, s, true)
	if err != nil || !f(&rows[0]) || f(&rows[1]) {
		t.Errorf("ignoring unknown fields: %v", err)
	}
}

// TestEveryDocumentedFieldCanBeUsed walks the field tables of the API's pages.
func TestEveryDocumentedFieldCanBeUsed(t *testing.T) {
	t.Parallel()
	check := func(kind Kind, field, literal string) {
		e := &export{Kind: kind, Filter: field + literal, Requested: time.Now()}
		if err := e.compile(); err != nil {
			t.Errorf("%s: %v", e.Filter, err)
		}
	}
	for _, f := range []string{"enrollmentParticipantId", "programName", "payableSubType", "paymentId", "leverCode", "payoutStatus", "engagementName"} {
		check(Earnings, f, " eq 'x'")
	}
	for _, f := range []string{"enrollmentParticipantId", "programName", "payoutOrderType", "paymentId"} {
		check(Payments, f, "='x'")
	}
	check(Earnings, "earningForDate", " ge 2024-01-01")
	check(Earnings, "transactionAmount", " ge 1.5")
	check(Earnings, "earningAmount", " le 1")
	check(Payments, "payoutStatusUpdateTS", " ge 2024-01-01")
	check(Payments, "paymentDate", " le 2024-01-01")
	check(Payments, "paymentAmount", " le 1")
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{"a eq 'x'", "a='it''s' or (b ge 2024-01-01 and c lt 1.5)", "a eq 2024-01-01T00:00:00Z", "((a=1))", "a eq '", "and eq 1 and or eq 2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseFilter(s)
		if err != nil {
			return
		}
		again, err := ParseFilter(e.String())
		if err != nil {
			t.Fatalf("%q was read as %q, which is none: %v", s, e, err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Errorf("%q (-first +again):\n%s", s, diff)
		}
		if _, err := compile(e, earningSchema(), true); err == nil {
			e.fields(func(string) {})
		}
	})
}
