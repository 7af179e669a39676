package query_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

func TestCheckKnowsTheNames(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  []found
		fixed string
	}{
		{"SELECT ShopName, turnover FROM shopsales WHERE PIECES > 5 ORDER BY visits TIMESPAN lifetime", nil, ""},
		{"SELECT ShopName FROM ShopSale", one(query.CodeDataset, "ShopSale"), "SELECT ShopName FROM ShopSales"},
		{"SELECT Anything FROM Elsewhere", one(query.CodeDataset, "Elsewhere"), ""},
		{"SELECT ShopNmae FROM ShopSales", one(query.CodeColumn, "ShopNmae"), "SELECT ShopName FROM ShopSales"},
		{"SELECT shop_name FROM ShopSales", one(query.CodeColumn, "shop_name"), "SELECT ShopName FROM ShopSales"},
		{"SELECT Trunover FROM ShopSales", one(query.CodeColumn, "Trunover"), "SELECT Turnover FROM ShopSales"},
		{"SELECT Whatever FROM ShopSales", one(query.CodeColumn, "Whatever"), ""},
		{"SELECT Visitors FROM ShopSales", one(query.CodeColumn, "Visitors"), "SELECT Visits FROM ShopSales"},
		{"SELECT Referrer FROM ShopSales", one(query.CodeColumn, "Referrer"), ""}, // of another dataset
		{"SELECT ShopName FROM ShopSales WHERE Peices = 1 ORDER BY Sold0n", []found{{Code: query.CodeColumn, At: "Peices"}, {Code: query.CodeColumn, At: "Sold0n"}},
			"SELECT ShopName FROM ShopSales WHERE Pieces = 1 ORDER BY SoldOn"},
		{"SELECT listprice FROM ShopSales", doubt(query.CodeDisputed, "listprice"), ""},
		{"SELECT Tenent FROM ShopGuess TIMESPAN LAST_MONTH", []found{{query.CodeColumn, "Tenent", true}, {query.CodeTimespan, "LAST_MONTH", true}},
			"SELECT Tenant FROM ShopGuess TIMESPAN LAST_MONTH"},
		{"SELECT Anything FROM ShopSecret WHERE AtAll = 1", nil, ""},
		{"SELECT * FROM ShopVisits", one(query.CodeStar, "*"), "SELECT Page, Referrer, Visitors FROM ShopVisits"},
		{"SELECT Page FROM ShopVisits WHERE Page = Referrer", one(query.CodeRightSide, "Referrer"), ""},
		{"SELECT Page FROM ShopVisits WHERE Page = Home", one(query.CodeUnquoted, "Home"), "SELECT Page FROM ShopVisits WHERE Page = 'Home'"},
		{"SELECT Page, * FROM ShopVisits WHERE Pgae = 1", []found{{Code: query.CodeStar, At: "*"}, {Code: query.CodeColumn, At: "Pgae"}}, ""},
		{"SELECT `Pgae`, SUM(x), y.z.Page FROM ShopVisits", []found{{Code: query.CodeQuotedName, At: "`Pgae`"}, {Code: query.CodeFunction, At: "SUM(x)"}, {Code: query.CodeQualifiedName, At: "y.z.Page"}}, ""},
		{"SELECT " + strings.Repeat("x", 500) + " FROM ShopVisits", one(query.CodeColumn, strings.Repeat("x", 500)), ""},
		{"SELECT x FROM " + strings.Repeat("x", 500), one(query.CodeDataset, strings.Repeat("x", 500)), ""},
	} {
		t.Run(shortName(c.text), func(t *testing.T) {
			_, ps := query.Check(c.text, shop())
			sameProblems(t, c.text, ps, c.want)
			if c.fixed != "" && apply(c.text, ps) != c.fixed {
				t.Errorf("with the suggestion: %s", apply(c.text, ps))
			}
		})
	}
}

func shortName(s string) string { return s[:min(len(s), 60)] }

func TestMessagesNameWhatToDo(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"SELECT Referrer FROM ShopSales", "but ShopVisits has"},
		{"SELECT Visitors FROM ShopSales", "did you mean Visits? Or the dataset ShopVisits, which has Visitors?"},
		{"SELECT x FROM Elsewhere", "there are ShopSales, ShopVisits, ShopGuess, ShopSecret"},
		{"SELECT Page FROM ShopVisits WHERE Page = Referrer", "not with the column Referrer"},
		{"SELECT ShopName FROM ShopSales TIMESPAN TODAY", "only LAST_MONTH, LAST_6_MONTHS, LIFETIME"},
		{"SELECT ShopName FROM ShopSales WHERE IsNew = 1", "IsNew is 'Yes' or 'No'"},
		{"SELECT DISTINCT ShopName, Turnover FROM ShopSales", "metric Turnover"},
	} {
		_, ps := query.Check(c.text, shop())
		if len(ps) != 1 || !strings.Contains(ps[0].Message, c.want) {
			t.Errorf("%s\n%swant a message with %q", c.text, ps.Explain(c.text), c.want)
		}
	}
}

func TestCheckTimespan(t *testing.T) {
	for _, c := range []struct {
		dataset, word string
		want          []found
		suggestion    string
	}{
		{"ShopSales", "last_month", nil, ""},
		{"ShopSales", "LAST_7_DAYS", one(query.CodeTimespan, "LAST_7_DAYS"), ""}, // another window is another question
		{"ShopSales", "LAST_MONHT", one(query.CodeTimespan, "LAST_MONHT"), "LAST_MONTH"},
		{"ShopVisits", "LAST_7_DAYS", nil, ""}, // publishes no ranges
		{"ShopVisits", "LAST_7_DAY", one(query.CodeTimespan, "LAST_7_DAY"), "LAST_7_DAYS"},
		{"ShopVisits", "FOREVER", one(query.CodeTimespan, "FOREVER"), ""},
	} {
		text := "SELECT x FROM " + c.dataset + " TIMESPAN " + c.word
		if c.dataset == "ShopVisits" {
			text = strings.Replace(text, "x", "Page", 1)
		} else {
			text = strings.Replace(text, "x", "Pieces", 1)
		}
		_, ps := query.Check(text, shop())
		sameProblems(t, text, ps, c.want)
		if len(ps) == 1 && ps[0].Suggestion != c.suggestion {
			t.Errorf("%s: suggestion %q, want %q", text, ps[0].Suggestion, c.suggestion)
		}
	}
	custom := query.NewCatalog(query.Dataset{Name: "b", DateRanges: []query.Timespan{"LAST_2_YEARS"}})
	if _, ps := query.Check("SELECT a FROM b TIMESPAN last_2_years", custom); len(ps) > 0 {
		t.Errorf("a new word of the service was not accepted: %v", ps)
	}
	other := query.NewCatalog(query.Dataset{Name: "b", DateRanges: []query.Timespan{query.Last90Days}})
	if _, ps := query.Check("SELECT a FROM b TIMESPAN LAST_30_DAYS", other); len(ps) != 1 || ps[0].Suggestion != "" {
		t.Errorf("another window was suggested: %v", ps)
	}
}

func TestCheckWarnsOfValuesThatNoCellHas(t *testing.T) {
	for _, c := range []struct{ condition, at, suggestion string }{
		{"IsOpen = 1", "", ""}, {"IsOpen = '0'", "", ""}, {"IsOpen IN (0, 1)", "", ""},
		{"IsOpen = 'Yes'", "'Yes'", "'1'"}, {"IsOpen != 'false'", "'false'", "'0'"}, {"IsOpen = 2", "2", ""},
		{"IsNew = 'yes'", "", ""}, {"IsNew = 'True'", "'True'", "'Yes'"}, {"IsNew = 0", "0", "'No'"}, {"IsNew = 'maybe'", "'maybe'", ""},
		{"OnTrial = 'FALSE'", "", ""}, {"OnTrial = 1", "1", "'True'"}, {"OnTrial = 'N'", "'N'", "'False'"},
		{"Pieces = '100'", "", ""}, {"Pieces > -5", "", ""}, {"Pieces = 'many'", "'many'", ""}, {"Pieces = '1.'", "'1.'", ""}, {"Pieces LIKE '1%'", "", ""},
		{"UnitPrice < '0.5'", "", ""}, {"UnitPrice IN (1, 2)", "", ""}, {"UnitPrice = '1,5'", "'1,5'", ""}, {"UnitPrice = '-'", "'-'", ""}, {"Turnover = 'x'", "'x'", ""},
		{"SoldOn >= '2024-01-31'", "", ""}, {"SoldOn = '2024-02-30'", "'2024-02-30'", ""}, {"SoldOn = 20240131", "20240131", "'2024-01-31'"},
		{"SoldOn = 2024", "2024", ""}, {"SoldOn = 99999999", "99999999", ""}, {"SoldOn = '2024/01/31'", "'2024/01/31'", "'2024-01-31'"},
		{"SoldOn = '2024-1-3'", "'2024-1-3'", "'2024-01-03'"}, {"SoldOn = '31.01.2024'", "'31.01.2024'", ""},
		{"ChangedAt >= '2024-01-31T13:05:00Z'", "", ""}, {"ChangedAt >= '2024-01-31 13:05'", "", ""}, {"ChangedAt >= '2024-01-31T99:05'", "'2024-01-31T99:05'", ""},
		{"ChangedAt >= '2024-01-31Z'", "'2024-01-31Z'", ""}, {"ChangedAt >= '2024-01-31T1'", "'2024-01-31T1'", ""},
		{"ShopName = 5", "", ""}, {"CustomerId = 'x'", "", ""}, {"ShopKind = 'anything'", "", ""}, {"Remark = 1", "", ""},
	} {
		text := "SELECT ShopName FROM ShopSales WHERE " + c.condition
		q, ps := query.Check(text, shop())
		var want []found
		if c.at != "" {
			want = doubt(query.CodeDomain, c.at)
		}
		sameProblems(t, text, ps, want)
		if q == nil {
			t.Errorf("%s: a warning kept the query from being read", c.condition)
		}
		if len(ps) == 1 && ps[0].Suggestion != c.suggestion {
			t.Errorf("%s: suggestion %s, want %s", c.condition, ps[0].Suggestion, c.suggestion)
		}
	}
	// A value that is malformed has one problem, not two.
	text := "SELECT ShopName FROM ShopSales WHERE IsOpen = Yes AND ShopName LIKE “a”"
	_, ps := query.Check(text, shop())
	sameProblems(t, text, ps, []found{{Code: query.CodeUnquoted, At: "Yes"}, {Code: query.CodeQuotes, At: "“a”"}})
}

func TestCheckWarnsOfWhatHasNoEffect(t *testing.T) {
	for _, c := range []struct {
		text string
		want []found
	}{
		{"SELECT ShopName, Pieces, shopname FROM ShopSales", doubt(query.CodeRepeatedColumn, "shopname")},
		{"SELECT DISTINCT ShopName FROM ShopSales", nil},
		{"SELECT DISTINCT ShopName, Visits, Pieces FROM ShopSales", doubt(query.CodeDistinct, "ShopName, Visits, Pieces")},
		{"SELECT Page FROM ShopVisits LIMIT 1000000000", nil},
		{"SELECT Page FROM ShopVisits LIMIT 1000000001", doubt(query.CodeLimit, "1000000001")},
		{"SELECT Page FROM ShopVisits LIMIT 99999999999999999999", doubt(query.CodeLimit, "99999999999999999999")},
		{"SELECT Page FROM ShopVisits WHERE Page LIKE 'a%'", nil},
		{"SELECT Page FROM ShopVisits WHERE Page LIKE 'a'", doubt(query.CodePattern, "'a'")},
		{"SELECT Page FROM ShopVisits WHERE Page NOT LIKE 'a'", doubt(query.CodePattern, "'a'")},
		{"SELECT Page FROM ShopVisits WHERE Page NOT LIKE 'a_%'", doubt(query.CodePattern, "'a_%'")},
		{"SELECT Page FROM ShopVisits WHERE Page LIKE 5", doubt(query.CodePattern, "5")},
	} {
		_, ps := query.Check(c.text, shop())
		sameProblems(t, c.text, ps, c.want)
	}
	// Repetitions are found in long lists too.
	long := "SELECT " + longList(40) + ", C29, c3 FROM b"
	_, ps := query.Check(long, nil)
	sameProblems(t, long, ps, []found{{query.CodeRepeatedColumn, "C29", true}, {query.CodeRepeatedColumn, "c3", true}})
}

func longList(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "c" + strings.Repeat("1", i/10) + string(rune('0'+i%10))
	}
	names[n-1], names[3] = "c29", "c3"
	return strings.Join(names, ", ")
}

func TestCheckWithoutCatalogChecksTheTextOnly(t *testing.T) {
	for _, catalog := range []*query.Catalog{nil, query.NewCatalog()} {
		if q, ps := query.Check("SELECT anything FROM anywhere TIMESPAN today", catalog); q == nil || len(ps) > 0 {
			t.Errorf("got %v", ps)
		}
		if q, ps := query.Check("SELECT * FROM anywhere", catalog); q != nil || ps.Err() == nil {
			t.Error("SELECT * passed")
		}
		if _, ps := query.Check("SELECT a FROM b TIMESPAN SOMETIME", catalog); ps.Err() == nil {
			t.Error("an unknown TIMESPAN passed")
		}
	}
}

func TestQueriesCanBeCheckedAgain(t *testing.T) {
	const text = "SELECT\n  Pgae FROM ShopVisits"
	q, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	ps := q.Check(shop())
	sameProblems(t, text, ps, one(query.CodeColumn, "Pgae"))
	if len(ps) == 1 && (ps[0].Line != 2 || ps[0].Column != 3) {
		t.Errorf("at %d:%d, want 2:3", ps[0].Line, ps[0].Column)
	}
}

func TestCatalog(t *testing.T) {
	columns := []query.Column{{Name: "Both"}, {Name: "Old"}}
	c := query.NewCatalog(
		query.Dataset{Name: "Twice", Columns: []query.Column{{Name: "First"}}},
		query.Dataset{Name: "TWICE", Columns: columns, Metrics: []query.Column{{Name: "both"}, {Name: "old2"}}, Disputed: []query.Column{{Name: "OLD"}, {Name: "OLD2"}}},
	)
	columns[0].Name = "Changed"
	d, ok := c.Dataset("twice")
	if !ok || d.Name != "TWICE" || d.Columns[0].Name != "Both" {
		t.Errorf("got %+v, %t", d, ok)
	}
	d.Columns[0].Name = "Changed"
	if again := c.Datasets(); len(again) != 1 || again[0].Columns[0].Name != "Both" {
		t.Errorf("got %+v", again)
	}
	if _, ok := c.Dataset("other"); ok {
		t.Error("found a dataset that is not there")
	}
	if _, ps := query.Check("SELECT DISTINCT Both, Old FROM Twice", c); len(ps) > 0 {
		t.Errorf("a column that is also metric, or also in dispute, is a column: %v", ps)
	}
	if _, ps := query.Check("SELECT DISTINCT Old2 FROM Twice", c); len(ps) != 1 || ps[0].Code != query.CodeDistinct {
		t.Errorf("a metric that is also in dispute is a metric: %v", ps)
	}
	var none *query.Catalog
	if _, ok := none.Dataset("x"); ok || none.Datasets() != nil {
		t.Error("the nil catalog has datasets")
	}
}

func TestDescribeAddsTypesAndDisputes(t *testing.T) {
	got := query.Describe("isvorder", []string{"OFFERNAME", "Quantity", "IsTrial", "Brandnew"}, []string{"SalesNotes"}, []string{"LIFETIME"})
	if diff := cmp.Diff(query.Dataset{
		Name: "isvorder",
		Columns: []query.Column{
			{Name: "OFFERNAME", Type: query.TypeString}, {Name: "Quantity", Type: query.TypeInteger},
			{Name: "IsTrial", Type: query.TypeBoolean}, {Name: "Brandnew"},
		},
		Metrics:    []query.Column{{Name: "SalesNotes", Type: query.TypeString}},
		DateRanges: []query.Timespan{query.Lifetime},
		Disputed:   []query.Column{{Name: "OrderId", Type: query.TypeGUID}, {Name: "OrderQuantity", Type: query.TypeInteger}, {Name: "CustomerName", Type: query.TypeString}},
	}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	other := query.Describe("Unheard", []string{"a"}, nil, nil)
	if diff := cmp.Diff(query.Dataset{Name: "Unheard", Columns: []query.Column{{Name: "a"}}, Metrics: []query.Column{}}, other); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDocumentedDatasets(t *testing.T) {
	all := query.AllDocumented()
	seen := map[string]bool{}
	uncertain := 0
	for _, d := range all {
		if seen[strings.ToLower(d.Name)] {
			t.Errorf("%s is there twice", d.Name)
		}
		seen[strings.ToLower(d.Name)] = true
		if d.Uncertain {
			uncertain++
		} else if len(d.Columns) == 0 {
			t.Errorf("%s has no columns and is not uncertain", d.Name)
		}
	}
	if len(all) != 31 || !strings.HasPrefix(all[0].Name, "ISV") || !strings.HasPrefix(all[8].Name, "ISV") || strings.HasPrefix(all[9].Name, "ISV") {
		t.Errorf("%d datasets, the first %s; want the nine of the marketplace and then 22", len(all), all[0].Name)
	}
	if uncertain != 5 {
		t.Errorf("%d datasets are uncertain", uncertain)
	}
	if _, ok := query.Documented("nowhere"); ok {
		t.Error("an unknown dataset is documented")
	}
	a, _ := query.Documented("ISVUSAGE")
	a.Columns[0].Name = "changed"
	if b, _ := query.Documented("isvusage"); b.Columns[0].Name == "changed" {
		t.Error("callers share one description")
	}
}
