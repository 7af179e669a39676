package query_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// shop is an invented list of datasets with a column of every type.
func shop() *query.Catalog {
	return query.NewCatalog(
		query.Dataset{
			Name: "ShopSales",
			Columns: []query.Column{
				{Name: "ShopName", Type: query.TypeString}, {Name: "ShopKind", Type: query.TypeEnum},
				{Name: "CustomerId", Type: query.TypeGUID}, {Name: "Pieces", Type: query.TypeInteger},
				{Name: "UnitPrice", Type: query.TypeDecimal}, {Name: "SoldOn", Type: query.TypeDate},
				{Name: "ChangedAt", Type: query.TypeDateTime}, {Name: "IsOpen", Type: query.TypeFlag},
				{Name: "IsNew", Type: query.TypeYesNo}, {Name: "OnTrial", Type: query.TypeBoolean},
				{Name: "Remark"}, {Name: "Discount(USD)", Type: query.TypeDecimal},
			},
			Metrics:    []query.Column{{Name: "Turnover", Type: query.TypeDecimal}, {Name: "Visits", Type: query.TypeInteger}},
			DateRanges: []query.Timespan{query.LastMonth, query.Last6Months, query.Lifetime},
			Disputed:   []query.Column{{Name: "ListPrice", Type: query.TypeDecimal}},
		},
		query.Dataset{
			Name:    "ShopVisits",
			Columns: []query.Column{{Name: "Page"}, {Name: "Referrer"}},
			Metrics: []query.Column{{Name: "Visitors", Type: query.TypeInteger}},
		},
		query.Dataset{
			Name: "ShopGuess", Uncertain: true,
			Columns: []query.Column{{Name: "Tenant"}}, DateRanges: []query.Timespan{query.Lifetime},
		},
		query.Dataset{Name: "ShopSecret"},
	)
}

// found is what a test says about a problem: its code, W for a warning, and the
// part of the text that it is about.
type found struct {
	Code query.Code
	At   string
	Warn bool
}

func foundIn(text string, ps query.Problems) []found {
	var out []found
	for _, p := range ps {
		out = append(out, found{p.Code, text[p.Offset:p.End], p.Severity == query.Warning})
	}
	return out
}

func sameProblems(t *testing.T, text string, ps query.Problems, want []found) {
	t.Helper()
	if diff := cmp.Diff(want, foundIn(text, ps)); diff != "" {
		t.Errorf("problems (-want +got):\n%s%s", diff, ps.Explain(text))
	}
}

// apply writes every suggestion into the text.
func apply(text string, ps query.Problems) string {
	for _, p := range slices.Backward(ps) {
		if p.Suggestion != "" {
			text = text[:p.Offset] + p.Suggestion + text[p.End:]
		}
	}
	return text
}

// one makes a list of one error.
func one(code query.Code, at string) []found { return []found{{Code: code, At: at}} }

// doubt makes a list of one warning.
func doubt(code query.Code, at string) []found { return []found{{Code: code, At: at, Warn: true}} }

func TestApplyIsWhatTheTestsTakeItFor(t *testing.T) {
	got := apply("a bb c", query.Problems{{Offset: 0, End: 1, Suggestion: "x"}, {Offset: 2, End: 4}, {Offset: 5, End: 6, Suggestion: "yy"}})
	if want := "x bb yy"; got != want {
		t.Errorf("apply = %q, want %q", got, want)
	}
	if !strings.Contains(got, "bb") {
		t.Error("a problem without suggestion changed the text")
	}
}
