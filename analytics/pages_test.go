package analytics_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/analytics"
)

// paged answers with the pages of a listing; each links to the next one as told.
func paged(t *testing.T, pages map[string]string) (*service, *analytics.Client) {
	t.Helper()
	s := newService()
	s.fail = func(req *http.Request) *http.Response {
		return answer(http.StatusOK, pages[req.URL.RawQuery])
	}
	return s, s.client(t, analytics.Marketplace)
}

func pageOf(next string, ids ...string) string {
	var items []string
	for _, id := range ids {
		items = append(items, fmt.Sprintf(`{"reportId":%q}`, id))
	}
	return fmt.Sprintf(`{"value":[%s],"nextLink":%q,"totalCount":%d,"statusCode":200}`, strings.Join(items, ","), next, len(ids))
}

func TestListingsTurnPages(t *testing.T) {
	const base = "/insights/v1.1/cmp/ScheduledReport"
	s, c := paged(t, map[string]string{
		"reportName=x":        pageOf("https://api.partnercenter.microsoft.com"+base+"?page=2&$skip=1", "a", "b"),
		"page=2&$skip=1":      pageOf(base + "?page=3"), // empty, and not the end
		"page=3":              pageOf("insights/v1.1/cmp/ScheduledReport?page=4", "c"),
		"page=4":              pageOf("", "d"),
		"reportName=absolute": pageOf("https://evil.example/x", "a"),
		"reportName=loop":     pageOf("?reportName=loop&again", "a"),
	})
	seq := c.Reports(t.Context(), analytics.ReportsRequest{Name: "x"})
	for range 2 { // a sequence can be ranged over again
		got, err := collect(seq)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, r := range got {
			ids = append(ids, r.ID)
		}
		if diff := cmp.Diff([]string{"a", "b", "c", "d"}, ids); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
	}
	if n := len(s.log()); n != 8 {
		t.Errorf("%d requests for two times four pages", n)
	}
	for _, err := range seq {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if n := len(s.log()); n != 1 {
		t.Errorf("%d requests for a loop that ends at the first item", n)
	}

	p, err := c.ReportsPage(t.Context(), analytics.ReportsRequest{Name: "x"}, "")
	if err != nil || len(p.Items) != 2 || p.Total != 2 || p.Next == "" {
		t.Fatalf("first page %+v, %v", p, err)
	}
	if p, err = c.ReportsPage(t.Context(), analytics.ReportsRequest{Name: "x"}, p.Next); err != nil || len(p.Items) != 0 || p.Next == "" {
		t.Errorf("second page %+v, %v", p, err)
	}

	s.log()
	got, err := collect(c.Reports(t.Context(), analytics.ReportsRequest{Name: "absolute"}))
	if err == nil || len(got) != 1 || len(s.log()) != 1 || !strings.Contains(err.Error(), "refusing to send credentials") {
		t.Errorf("a link to another host: %v, %v", got, err)
	}
}

func TestAListingThatTurnsInCirclesIsAnError(t *testing.T) {
	_, c := paged(t, map[string]string{
		"":  pageOf("/insights/v1.1/cmp/ScheduledReport?b", "a"),
		"b": pageOf("/insights/v1.1/cmp/ScheduledReport?c", "b"),
		"c": pageOf("/insights/v1.1/cmp/ScheduledReport?b", "c"),
	})
	got, err := collect(c.Reports(t.Context(), analytics.ReportsRequest{}))
	if err == nil || len(got) != 3 || !strings.Contains(err.Error(), "leads back") {
		t.Errorf("%v, %v", got, err)
	}
}
