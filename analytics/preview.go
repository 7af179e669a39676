package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// PreviewRequest is a query to be tried out.
type PreviewRequest struct {
	// Query is the text of a query. Either Query or QueryID is required.
	Query string
	// QueryID is the id of a stored query.
	QueryID string
	// Start and End replace the time span of the query. Documented for [Partner]
	// only.
	Start, End time.Time
}

// Preview is the beginning of a query's result.
type Preview struct {
	// Columns are the names of the columns, in the order of the first row; nil
	// without rows.
	Columns []string
	// Rows are the rows, as text under the column's name: the types of the cells
	// are not documented. A cell that is null is missing from its row.
	Rows []map[string]string
	// Redacted is set when the service says that it withholds data because the
	// caller lacks a role.
	Redacted bool
}

// TestQuery has the service run a query at once and return the first rows: 10 or
// 100, the documentation says both. It refuses queries that take longer than 100
// seconds and still work as a report; an AttemptTimeout of one's own should leave
// room for that. It is a preview; use [Client.Run] for data.
//
// https://learn.microsoft.com/partner-center/insights/analytics-api-try-report-queries
//
//pc:operation GET /ScheduledQueries/testQueryResult
func (c *Client) TestQuery(ctx context.Context, req PreviewRequest, opts ...partnercenter.CallOption) (Preview, error) {
	var found problems
	text, id := strings.TrimSpace(req.Query) != "", strings.TrimSpace(req.QueryID)
	if text == (id != "") {
		found.must("exportQuery", "or queryId is required, and only one of them")
	}
	if text {
		found = append(found, textProblems(req.Query)...)
	}
	found.checkWindow("startTime", "endTime", req.Start, req.End)
	if c.program != Partner && (!req.Start.IsZero() || !req.End.IsZero()) {
		found.disputed("startTime", "and endTime are documented for the partner program only")
	}
	if err := c.judge(ctx, "test query", found); err != nil {
		return Preview{}, err
	}
	k := call{method: http.MethodGet, path: []string{resourceQueries, "testQueryResult"}}
	for _, p := range [][2]string{{"exportQuery", req.Query}, {"queryId", id}, {"startTime", wire(req.Start)}, {"endTime", wire(req.End)}} {
		if strings.TrimSpace(p[1]) != "" {
			k.query = append(k.query, p[0], p[1])
		}
	}
	e, err := c.send(ctx, k, opts...)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Redacted: e.redacted}
	for i, raw := range e.items {
		columns, row, err := previewRow(raw)
		if err != nil {
			return Preview{}, fmt.Errorf("analytics: row %d of the preview: %w", i+1, err)
		}
		if i == 0 {
			p.Columns = columns
		}
		p.Rows = append(p.Rows, row)
	}
	return p, nil
}

// previewRow reads an object with its members in order.
func previewRow(raw json.RawMessage) (columns []string, row map[string]string, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, fmt.Errorf("not a JSON object")
	}
	row = make(map[string]string)
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		name, _ := t.(string) // a member's name is nothing else
		name = strings.TrimSpace(name)
		var cell json.RawMessage
		if err := dec.Decode(&cell); err != nil {
			return nil, nil, err
		}
		columns = append(columns, name)
		switch {
		case string(cell) == "null":
		case cell[0] == '{', cell[0] == '[':
			row[name] = string(cell) // not known to happen, and not to be lost
		default:
			row[name] = scalar(cell)
		}
	}
	return columns, row, nil
}
