package analytics

import (
	"context"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// textProblems checks the grammar of a query.
func textProblems(text string) problems {
	_, list := query.Check(text, nil)
	var out problems
	for _, p := range list {
		out = append(out, Problem{Field: "Query", Message: p.Error(), Disputed: p.Severity != query.Error})
	}
	return out
}

// catalogAge is how long a list of datasets is good. They change rarely.
const catalogAge = time.Hour

// datasetCache keeps the program's datasets.
type datasetCache struct {
	mu      sync.Mutex
	catalog *query.Catalog
	fetched time.Time
}

// Catalog returns the program's datasets in the form that package query checks
// against: names from [Client.Datasets], at most an hour old, and types as far as
// the documentation has them.
func (c *Client) Catalog(ctx context.Context, opts ...partnercenter.CallOption) (*query.Catalog, error) {
	c.cache.mu.Lock()
	catalog, fetched := c.cache.catalog, c.cache.fetched
	c.cache.mu.Unlock()
	if catalog != nil && time.Since(fetched) < catalogAge {
		return catalog, nil
	}
	list, err := collect(c.Datasets(ctx, opts...))
	if err != nil {
		return nil, err
	}
	described := make([]query.Dataset, len(list))
	for i, d := range list {
		described[i] = query.Describe(d.Name, d.Columns, d.Metrics, d.DateRanges)
	}
	catalog = query.NewCatalog(described...)
	c.cache.mu.Lock()
	c.cache.catalog, c.cache.fetched = catalog, time.Now()
	c.cache.mu.Unlock()
	return catalog, nil
}

// CheckQuery checks a query against the program's datasets, see [Client.Catalog],
// before anything is stored or run: grammar, names, date ranges, values that no
// cell has. The error is of the service; what is wrong with the query is in the
// problems, whose Err method tells mistakes from doubts.
func (c *Client) CheckQuery(ctx context.Context, text string, opts ...partnercenter.CallOption) (*query.Query, query.Problems, error) {
	catalog, err := c.Catalog(ctx, opts...)
	if err != nil {
		return nil, nil, err
	}
	q, found := query.Check(text, catalog)
	return q, found, nil
}
