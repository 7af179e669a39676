package analytics

import (
	"context"
	"fmt"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// EmptyReason is why a report's file has a header and no rows.
type EmptyReason string

// The reasons, as far as the API lets one know.
const (
	// EmptyUnknown: it cannot be told.
	EmptyUnknown EmptyReason = "unknown"
	// EmptyFilter: there are rows in the window, and the conditions of WHERE match
	// none of them. A value that a column never has, such as 'Yes' where it has 1,
	// is a frequent cause.
	EmptyFilter EmptyReason = "filter matches nothing"
	// EmptyWindow: there were no rows in the window, whatever the conditions. Data
	// arrives with a delay of days, and monthly rows are keyed to the first of the
	// month, which LAST_MONTH may not reach.
	EmptyWindow EmptyReason = "no data in the window"
	// EmptyRedacted: the service withholds data because the caller lacks a role.
	EmptyRedacted EmptyReason = "redacted for this role"
)

// WhyEmpty finds out why the file of a run has no rows. It looks at the report,
// which must still exist, and has the service try the query without its
// conditions.
//
// https://learn.microsoft.com/partner-center/insights/insights-data-frequency
func (c *Client) WhyEmpty(ctx context.Context, x Execution, opts ...partnercenter.CallOption) (EmptyReason, error) {
	if x.Redacted {
		return EmptyRedacted, nil
	}
	report, err := c.Report(ctx, x.ReportID, opts...)
	if err != nil {
		return EmptyUnknown, err
	}
	text, err := c.queryText(ctx, report, opts)
	if err != nil {
		return EmptyUnknown, err
	}
	q, err := query.Parse(text)
	if err != nil {
		return EmptyUnknown, nil //nolint:nilerr // the service has run it, so it is no mistake, just not understood here
	}
	window := !report.QueryStart.IsZero() || !report.QueryEnd.IsZero()
	if window && c.program != Partner {
		return EmptyUnknown, nil // a trial with a window of its own is documented for the other program only
	}
	preview, err := c.TestQuery(ctx, PreviewRequest{Query: probe(q), Start: report.QueryStart, End: report.QueryEnd}, opts...)
	switch {
	case err != nil:
		return EmptyUnknown, fmt.Errorf("trying the query without its conditions: %w", err)
	case preview.Redacted:
		return EmptyRedacted, nil
	case len(preview.Rows) > 0 && len(q.Conditions()) > 0:
		return EmptyFilter, nil
	}
	return EmptyWindow, nil // also when rows have arrived since
}

// queryText returns the text of a report's query.
func (c *Client) queryText(ctx context.Context, r Report, opts []partnercenter.CallOption) (string, error) {
	if strings.TrimSpace(r.Query) != "" {
		return r.Query, nil
	}
	q, err := c.Query(ctx, r.QueryID, opts...)
	return q.Text, err
}

// probe is the query without conditions and order, for one row.
func probe(q *query.Query) string {
	text := "SELECT " + strings.Join(q.Columns(), ", ") + " FROM " + q.Dataset() + " LIMIT 1"
	if span := q.Timespan(); span != "" {
		text += " TIMESPAN " + string(span)
	}
	return text
}
