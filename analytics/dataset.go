package analytics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// Dataset is a table that queries can read.
type Dataset struct {
	// Name stands behind FROM.
	Name string
	// Columns may be selected, compared and ordered by.
	Columns []string
	// Metrics may be used like columns. One that is selected is aggregated over
	// the other selected columns.
	Metrics []string
	// DateRanges are the words that may stand behind TIMESPAN.
	DateRanges []string
	// MinimumInterval is the shortest interval of a scheduled report; zero if the
	// service did not say.
	MinimumInterval time.Duration
	// Extra holds the members that this SDK does not know; nil if there are none.
	Extra map[string]json.RawMessage
}

func decodeDataset(_ envelope, o object) Dataset {
	return Dataset{
		Name:            o.id("datasetname"),
		Columns:         o.names("selectablecolumns"),
		Metrics:         o.names("availablemetrics"),
		DateRanges:      o.names("availabledateranges"),
		MinimumInterval: o.hours("minimumrecurrenceinterval"),
		Extra:           o.rest(),
	}
}

// Datasets lists the program's datasets with their columns, as they are now: they
// change without notice.
//
// https://learn.microsoft.com/partner-center/insights/analytics-api-get-all-datasets
//
//pc:operation GET /ScheduledDataset
func (c *Client) Datasets(ctx context.Context, opts ...partnercenter.CallOption) iter.Seq2[Dataset, error] {
	return all(func(next string) (partnercenter.Page[Dataset], error) { return c.DatasetsPage(ctx, next, opts...) })
}

// DatasetsPage is one page of [Client.Datasets]: the first one for an empty next.
func (c *Client) DatasetsPage(ctx context.Context, next string, opts ...partnercenter.CallOption) (partnercenter.Page[Dataset], error) {
	return page(ctx, c, call{path: []string{resourceDatasets}}, next, decodeDataset, opts)
}

// Dataset describes one dataset. It returns [partnercenter.ErrNotFound] when the
// program has none of that name.
//
//pc:operation GET /ScheduledDataset
func (c *Client) Dataset(ctx context.Context, name string, opts ...partnercenter.CallOption) (Dataset, error) {
	if name = strings.TrimSpace(name); name == "" {
		return Dataset{}, errors.New("analytics: the dataset's name is empty")
	}
	r := call{path: []string{resourceDatasets}, query: []string{"datasetName", name}}
	list := all(func(next string) (partnercenter.Page[Dataset], error) {
		return page(ctx, c, r, next, decodeDataset, opts)
	})
	for d, err := range list {
		if err != nil || strings.EqualFold(d.Name, name) {
			return d, err
		}
	}
	return Dataset{}, notFound("dataset", name)
}

// notFound is the error of a lookup whose answer was a list without the thing.
func notFound(kind, name string) error {
	return fmt.Errorf("analytics: %s %q: %w", kind, name, partnercenter.ErrNotFound)
}
