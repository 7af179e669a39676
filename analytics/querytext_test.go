package analytics_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

func TestQueriesAreCheckedAgainstTheDatasets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.datasets = []map[string]any{{
			"datasetName": "ISVUsage", "selectableColumns": []string{"OfferName", "UsageDate"}, "availableMetrics": []string{"RawUsage"},
			"availableDateRanges": []string{"LAST_MONTH", "LIFETIME"}, "minimumRecurrenceInterval": 1,
		}}
		c := s.client(t, analytics.Marketplace)
		q, found, err := c.CheckQuery(t.Context(), usageQuery)
		if err != nil || found.Err() != nil || q == nil || q.Dataset() != "ISVUsage" {
			t.Errorf("%v, %v, %v", q, found, err)
		}
		for text, want := range map[string]query.Code{
			"SELECT OfferNam FROM ISVUsage":                        query.CodeColumn,
			"SELECT OfferName FROM ISVUsages":                      query.CodeDataset,
			"SELECT OfferName FROM ISVUsage TIMESPAN LAST_90_DAYS": query.CodeTimespan,
		} {
			_, found, err := c.CheckQuery(t.Context(), text)
			if err != nil || found.Err() == nil || len(found) != 1 || found[0].Code != want {
				t.Errorf("%s: %v, %v, want %s", text, found, err, want)
			}
		}
		if n := len(s.log()); n != 1 {
			t.Errorf("the datasets were asked for %d times", n)
		}
		time.Sleep(2 * time.Hour)
		catalog, err := c.Catalog(t.Context())
		if err != nil || len(s.log()) != 1 {
			t.Errorf("an old list is not replaced: %v", err)
		}
		if d, ok := catalog.Dataset("isvusage"); !ok || len(d.Columns) != 2 || len(d.Metrics) != 1 || len(d.DateRanges) != 2 {
			t.Errorf("dataset %+v", d)
		}
		time.Sleep(2 * time.Hour)
		s.fail = func(*http.Request) *http.Response { return answer(http.StatusForbidden, "") }
		if _, _, err := c.CheckQuery(t.Context(), usageQuery); !errors.Is(err, partnercenter.ErrForbidden) {
			t.Errorf("error %v", err)
		}
	})
}

// Doubts about a query are warnings.
func TestDoubtfulQueriesAreSent(t *testing.T) {
	s := newService()
	var warned []string
	c := s.client(t, analytics.Marketplace, analytics.WithWarnings(func(_ string, p analytics.Problem) { warned = append(warned, p.String()) }))
	if _, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "n", Text: "SELECT OfferName, OfferName FROM ISVUsage"}); err != nil {
		t.Fatal(err)
	}
	if len(warned) != 1 || !strings.HasPrefix(warned[0], "Query: ") {
		t.Errorf("warnings %q", warned)
	}
	strict := s.client(t, analytics.Marketplace, analytics.WithChecks(analytics.CheckStrict))
	if _, err := strict.CreateQuery(t.Context(), analytics.QueryRequest{Name: "n", Text: "SELECT OfferName, OfferName FROM ISVUsage"}); err == nil {
		t.Error("strict checks let it pass")
	}
}
