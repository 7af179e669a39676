package query_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// specFile reads a file of the wire specification, which is not part of the
// repository.
func specFile(t *testing.T, name string) []byte {
	t.Helper()
	dir := os.Getenv("PARTNERCENTER_SPEC")
	if dir == "" {
		t.Skip("PARTNERCENTER_SPEC names no folder with the wire specification")
	}
	raw, err := fs.ReadFile(os.DirFS(dir), name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// specDatasets reads the datasets of the specification, and its system queries.
func specDatasets(t *testing.T) (catalog *query.Catalog, systemQueries []string) {
	t.Helper()
	type column struct {
		Name string           `json:"name"`
		Type query.ColumnType `json:"type"`
	}
	var list struct {
		Programs map[string]struct {
			Datasets []struct {
				Name       string           `json:"name"`
				Columns    []column         `json:"columns"`
				Metrics    []column         `json:"metrics"`
				Disputed   []column         `json:"additionalColumns"`
				DateRanges []query.Timespan `json:"dateRanges"`
			} `json:"datasets"`
			SystemQueries []struct {
				Query string `json:"query"`
			} `json:"systemQueries"`
		} `json:"programs"`
	}
	described := func(list []column) []query.Column {
		var out []query.Column
		for _, c := range list {
			out = append(out, query.Column{Name: c.Name, Type: c.Type})
		}
		return out
	}
	if err := json.Unmarshal(specFile(t, "analytics-datasets.json"), &list); err != nil {
		t.Fatal(err)
	}
	var all []query.Dataset
	for _, p := range list.Programs {
		for _, d := range p.Datasets {
			all = append(all, query.Dataset{
				Name: d.Name, DateRanges: d.DateRanges,
				Columns: described(d.Columns), Metrics: described(d.Metrics), Disputed: described(d.Disputed),
			})
		}
		for _, q := range p.SystemQueries {
			systemQueries = append(systemQueries, q.Query)
		}
	}
	return query.NewCatalog(all...), systemQueries
}

// reasons maps what the specification gives as the reason of an invalid text to
// the codes with which the problem may be reported.
func reasons() map[string][]query.Code {
	return map[string][]query.Code{
		"star is not in the grammar": {query.CodeStar},
		"no GROUP BY":                {query.CodeFunction, query.CodeGrouping},
		"no functions (":             {query.CodeFunction},
		"at least one column":        {query.CodeEmptySelect},
		"FROM missing":               {query.CodeMissingFrom},
		"SELECT missing":             {query.CodeMissingSelect},
		"no schema prefix":           {query.CodeQualifiedName},
		"Incorrect column name":      {query.CodeColumn},
		"only AND joins conditions":  {query.CodeOr},
		"no parentheses around":      {query.CodeParentheses},
		"strings need single quotes": {query.CodeUnquoted},
		"typographic quotes":         {query.CodeQuotes},
		"opening quote missing":      {query.CodeUnquoted},
		"operator is =":              {query.CodeOperator},
		"BETWEEN not in the grammar": {query.CodeBetween},
		"IS NULL not in the grammar": {query.CodeIsNull},
		"NOT only inside":            {query.CodeNot},
		"empty list":                 {query.CodeEmptyList},
		"mixed list":                 {query.CodeMixedList},
		"right side must be":         {query.CodeRightSide},
		"LIMIT must be a positive":   {query.CodeLimit},
		"LIMIT takes digits only":    {query.CodeLimit},
		"clause order is":            {query.CodeClauseOrder},
		"TIMESPAN comes last":        {query.CodeClauseOrder},
		"direction is ASC or DESC":   {query.CodeDirection},
		"not in availableDateRanges": {query.CodeTimespan},
		"no literal dates":           {query.CodeTimespan},
		"one dataset only":           {query.CodeManyDatasets},
		"no subqueries":              {query.CodeSubquery},
		"no semicolon":               {query.CodeSemicolon},
	}
}

// Every line of the specification passes or fails as it is given there, with the
// reason that is given where this test knows its code. The file may be another one
// of the same form, with other lines and reasons.
func TestQueriesOfTheSpecification(t *testing.T) {
	catalog, _ := specDatasets(t)
	byReason := reasons()
	valid, passed, failed, matched, disputed := true, 0, 0, 0, 0
	for line := range strings.Lines(string(specFile(t, "analytics-queries.txt"))) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
			continue
		case strings.HasPrefix(line, "---"):
			valid = !strings.Contains(line, "invalid")
			continue
		}
		text, reason := line, ""
		if i := strings.LastIndex(line, " # "); i >= 0 && !valid { // the text may have one in a value
			text, reason = line[:i], line[i+3:]
		}
		q, ps := query.Check(text, catalog)
		switch {
		case valid:
			passed++
			if q == nil {
				t.Errorf("a valid query was refused:\n%s\n%s", text, ps.Explain(text))
			}
			continue
		case strings.Contains(reason, "accept or reject is unknown"):
			disputed++
			if q == nil || len(ps) == 0 || ps[0].Code != query.CodeDisputed {
				t.Errorf("what nobody knows is a warning:\n%s\n%s", text, ps.Explain(text))
			}
			continue
		}
		failed++
		if q != nil {
			t.Errorf("an invalid query passed, although: %s\n%s", reason, text)
			continue
		}
		want, known := codesFor(byReason, reason)
		if !known {
			t.Logf("the code of the reason %q is not known to this test; the text has %v", reason, codes(ps.Errors()))
			continue
		}
		matched++
		if got := codes(ps.Errors()); !containsAll(got, want) {
			t.Errorf("%s\nproblems %v, want %v among them because of %q\n%s", text, got, want, reason, ps.Explain(text))
		}
	}
	t.Logf("%d valid, %d invalid, %d of these with a known reason, %d in dispute", passed, failed, matched, disputed)
	if passed < 30 || failed < 30 || matched < 30 {
		t.Errorf("only %d valid and %d invalid texts were read, %d with a known reason", passed, failed, matched)
	}
}

// The same for more texts, against the documented datasets, wherever there is no
// specification at hand.
func TestMoreQueries(t *testing.T) {
	catalog := query.NewCatalog(query.AllDocumented()...)
	raw, err := os.ReadFile("testdata/queries.txt")
	if err != nil {
		t.Fatal(err)
	}
	valid, judged := true, map[bool]int{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		switch {
		case line[0] == '#':
			continue
		case strings.HasPrefix(line, "---"):
			valid = false
			continue
		}
		text := line
		if i := strings.LastIndex(line, " # "); !valid {
			text = line[:i]
		}
		q, ps := query.Check(text, catalog)
		if (q != nil) != valid {
			t.Errorf("valid: %t\n%s\n%s", valid, text, ps.Explain(text))
		}
		judged[valid]++
	}
	if judged[true] < 25 || judged[false] < 70 {
		t.Errorf("judged %v", judged)
	}
}

func codesFor(byReason map[string][]query.Code, reason string) ([]query.Code, bool) {
	for phrase, c := range byReason {
		if strings.Contains(reason+"(", phrase) {
			return c, true
		}
	}
	return nil, false
}

func codes(ps query.Problems) []query.Code {
	var out []query.Code
	for _, p := range ps {
		out = append(out, p.Code)
	}
	return out
}

// containsAll reports whether all codes of part are among those of all.
func containsAll(all, part []query.Code) bool {
	for _, code := range part {
		if !slices.Contains(all, code) {
			return false
		}
	}
	return true
}

// The service runs these itself, so nothing in them can be wrong.
func TestSystemQueriesPass(t *testing.T) {
	catalog, texts := specDatasets(t)
	if len(texts) < 20 {
		t.Fatalf("only %d system queries were read", len(texts))
	}
	for _, text := range texts {
		for name, c := range map[string]*query.Catalog{"specification": catalog, "documented": query.NewCatalog(query.AllDocumented()...)} {
			if q, ps := query.Check(text, c); q == nil {
				t.Errorf("against the %s:\n%s", name, ps.Errors().Explain(text))
			}
		}
	}
}
