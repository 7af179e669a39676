package analytics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// QueryType tells the service's own queries from the user's. Other values than
// the constants may appear.
type QueryType string

// The documented types.
const (
	// UserDefined: made with [Client.CreateQuery].
	UserDefined QueryType = "userDefined"
	// System: predefined by the service; it cannot be deleted.
	System QueryType = "system"
)

// Is compares two types without regard to case.
func (t QueryType) Is(other QueryType) bool { return strings.EqualFold(string(t), string(other)) }

// Query is a stored query.
type Query struct {
	// ID is the service's id of the query.
	ID string
	// Name is its friendly name, which need not be unique.
	Name string
	// Description is whatever its author has written.
	Description string
	// Text is the query itself, as it was sent.
	Text string
	// Type tells who has made it.
	Type QueryType
	// User is the author: a number for an application, a user principal name.
	User string
	// CreatedAt is when it was made, in UTC.
	CreatedAt time.Time
	// ModifiedAt is when it was changed, in UTC; zero if it never was.
	ModifiedAt time.Time
	// Extra holds the members that this SDK does not know; nil if there are none.
	Extra map[string]json.RawMessage
}

func decodeQuery(_ envelope, o object) Query {
	return Query{
		ID:          o.id("queryid"),
		Name:        o.id("name", "queryname"),
		Description: o.text("description"),
		Text:        o.text("query"),
		Type:        QueryType(o.id("type")),
		User:        o.id("user"),
		CreatedAt:   o.instant("createdtime"),
		ModifiedAt:  o.instant("modifiedtime"),
		Extra:       o.rest(),
	}
}

// QueryRequest is a query to be stored.
type QueryRequest struct {
	// Name is a friendly name. Required.
	Name string
	// Description is free text.
	Description string
	// Text is the query. Required. Its grammar is checked before the request as
	// the client's [Checks] say; whether the names in it exist is for
	// [Client.CheckQuery] and the service to tell.
	Text string
}

// CreateQuery stores a query. The request is not repeated when its answer is lost,
// because that might store it twice; [Client.Queries] tells what has happened.
// A hundred queries are allowed: [ErrQueryQuota].
//
// https://learn.microsoft.com/partner-center/insights/analytics-programmatic-access
//
//pc:operation POST /ScheduledQueries
func (c *Client) CreateQuery(ctx context.Context, req QueryRequest, opts ...partnercenter.CallOption) (Query, error) {
	var found problems
	if strings.TrimSpace(req.Name) == "" {
		found.published("Name", "is required: the service refuses a query without a name")
	}
	if strings.TrimSpace(req.Text) == "" {
		found.published("Query", "is required: pass the text of a query")
	} else {
		found = append(found, textProblems(req.Text)...)
	}
	if err := c.judge(ctx, "create query", found); err != nil {
		return Query{}, err
	}
	body := struct {
		Name        string `json:"Name"`
		Description string `json:"Description,omitzero"`
		Query       string `json:"Query"`
	}{req.Name, req.Description, req.Text}
	e, err := c.send(ctx, call{method: http.MethodPost, path: []string{resourceQueries}, body: body}, opts...)
	if err != nil {
		return Query{}, err
	}
	q, err := one(e, func(o object) Query { return decodeQuery(e, o) })
	if err == nil && q.ID == "" {
		err = errors.New("the answer names no id")
	}
	if err != nil {
		return q, &transport.AnswerError{Err: fmt.Errorf("analytics: the query was accepted, but %w; look for it with Queries", err)}
	}
	return q, nil
}

// QueryScope selects whose queries are listed.
type QueryScope int

// The scopes.
const (
	// AnyQueries lists the user's queries and the system's, which is what the
	// service does by default.
	AnyQueries QueryScope = iota
	// OwnQueries leaves the system's queries out.
	OwnQueries
	// SystemQueries lists the system's queries only.
	SystemQueries
)

// QueriesRequest narrows a listing of queries. The zero value lists all.
type QueriesRequest struct {
	// ID selects one query.
	ID string
	// Name selects queries by name. How the service compares names is not
	// documented.
	Name string
	// Scope selects whose queries are listed. Default [AnyQueries].
	Scope QueryScope
}

func (r QueriesRequest) call() (call, error) {
	k := call{path: []string{resourceQueries}}
	add := func(name, value string) {
		if value != "" {
			k.query = append(k.query, name, value)
		}
	}
	add("queryId", strings.TrimSpace(r.ID))
	add("queryName", r.Name)
	switch r.Scope {
	case AnyQueries:
	case OwnQueries:
		add("includeSystemQueries", "false")
	case SystemQueries:
		add("includeOnlySystemQueries", "true")
	default:
		return call{}, fmt.Errorf("analytics: unknown query scope %d: use AnyQueries, OwnQueries or SystemQueries", r.Scope)
	}
	return k, nil
}

// Queries lists stored queries. A filter that matches nothing yields nothing: the
// 404 with which the service answers it is not an error here.
//
// https://learn.microsoft.com/partner-center/insights/analytics-api-get-report-queries
//
//pc:operation GET /ScheduledQueries
func (c *Client) Queries(ctx context.Context, req QueriesRequest, opts ...partnercenter.CallOption) iter.Seq2[Query, error] {
	return all(func(next string) (partnercenter.Page[Query], error) { return c.QueriesPage(ctx, req, next, opts...) })
}

// QueriesPage is one page of [Client.Queries]: the first one for an empty next.
func (c *Client) QueriesPage(ctx context.Context, req QueriesRequest, next string, opts ...partnercenter.CallOption) (partnercenter.Page[Query], error) {
	r, err := req.call()
	if err != nil {
		return partnercenter.Page[Query]{}, err
	}
	return page(ctx, c, r, next, decodeQuery, opts)
}

// Query looks at one query. It returns [partnercenter.ErrNotFound] when there is
// none of that id.
//
//pc:operation GET /ScheduledQueries
func (c *Client) Query(ctx context.Context, id string, opts ...partnercenter.CallOption) (Query, error) {
	if id = strings.TrimSpace(id); id == "" {
		return Query{}, errors.New("analytics: the query's id is empty")
	}
	for q, err := range c.Queries(ctx, QueriesRequest{ID: id}, opts...) {
		if err != nil || strings.EqualFold(q.ID, id) {
			return q, err
		}
	}
	return Query{}, notFound("query", id)
}

// DeleteQuery deletes a query of the user's own and returns what it was. Whether
// the service allows it while a report uses the query is not documented.
//
// https://learn.microsoft.com/partner-center/insights/analytics-api-delete-report-queries
//
//pc:operation DELETE /ScheduledQueries/{queryId}
func (c *Client) DeleteQuery(ctx context.Context, id string, opts ...partnercenter.CallOption) (Query, error) {
	if id = strings.TrimSpace(id); id == "" {
		return Query{}, errors.New("analytics: the query's id is empty")
	}
	e, err := c.send(ctx, call{method: http.MethodDelete, path: []string{resourceQueries, id}}, opts...)
	if transport.DeletedEarlier(err) {
		return Query{ID: id}, nil
	}
	if err != nil {
		return Query{}, err
	}
	q, err := one(e, func(o object) Query { return decodeQuery(e, o) })
	if err != nil || q.ID == "" {
		q.ID = id // the answer's body is a courtesy
	}
	return q, nil
}
