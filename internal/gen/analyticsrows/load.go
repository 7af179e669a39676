package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// column is what the list says about a column or metric.
type column struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Inferred bool   `json:"inferred"`
}

// dataset is what the list says about a dataset.
type dataset struct {
	Name               string   `json:"name"`
	ReportName         string   `json:"reportName"`
	Columns            []column `json:"columns"`
	Metrics            []column `json:"metrics"`
	AdditionalColumns  []column `json:"additionalColumns"`
	DateRanges         []string `json:"dateRanges"`
	DateRangesInferred bool     `json:"dateRangesInferred"`

	page string // where Microsoft documents its columns
}

// deduced reports that no source lists the columns.
func (d dataset) deduced() bool {
	for _, c := range append(d.Columns, d.Metrics...) {
		if !c.Inferred {
			return false
		}
	}
	return true
}

// programs are the keys of the list, in the order of the output.
var programs = [...]struct{ key, page string }{
	{"cmp", "https://learn.microsoft.com/partner-center/insights/analytics-make-your-first-api-call"},
	{"mpn", "https://learn.microsoft.com/partner-center/insights/insights-data-definitions"},
}

// load reads the list.
func load(file string) ([]dataset, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the file that the caller names
	if err != nil {
		return nil, err
	}
	var list struct {
		Programs map[string]struct {
			Datasets []dataset `json:"datasets"`
		} `json:"programs"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var all []dataset
	seen := map[string]bool{}
	for _, p := range programs {
		for _, d := range list.Programs[p.key].Datasets {
			key := strings.ToLower(d.Name)
			if seen[key] {
				return nil, fmt.Errorf("%s: there are two datasets %s", file, d.Name)
			}
			seen[key] = true
			d.page = p.page
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: there are no datasets in programs.cmp and programs.mpn", file)
	}
	return all, nil
}
