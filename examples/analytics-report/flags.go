package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// config is what the command line says.
type config struct {
	program  analytics.Program
	dataset  string
	query    string
	timespan query.Timespan
	format   analytics.Format
	out      string
	rows     int
	resume   string
	pace     time.Duration
}

func parseFlags(args []string, stderr io.Writer) (config, error) {
	cfg := config{program: analytics.Marketplace}
	fs := flag.NewFlagSet("analytics-report", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar((*string)(&cfg.program), "program", string(analytics.Marketplace), "cmp for the commercial marketplace, mpn for partner insights")
	fs.StringVar(&cfg.dataset, "dataset", "", "`name` of a dataset whose first columns to report; default ISVUsage or OfficeUsage")
	fs.StringVar(&cfg.query, "query", "", "`text` of a query, in place of -dataset")
	fs.StringVar((*string)(&cfg.timespan), "timespan", "", "`word` such as LAST_MONTH, in place of the query's own")
	fs.StringVar((*string)(&cfg.format), "format", string(analytics.CSV), "csv or tsv")
	fs.StringVar(&cfg.out, "out", "", "`file` to download to; default: the dataset's name")
	fs.IntVar(&cfg.rows, "rows", 20, "number of rows to show; the file has all")
	fs.StringVar(&cfg.resume, "resume", "", "go on with the run of a `token` that an earlier run has printed")
	fs.DurationVar(&cfg.pace, "pace", 2*time.Second, "how long a report takes the embedded fake")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	err := cfg.check(fs.Args())
	if err != nil {
		fmt.Fprintf(stderr, "analytics-report: %v\n", err)
	}
	return cfg, err
}

func (cfg *config) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected arguments: %s", strings.Join(rest, " "))
	case cfg.program != analytics.Marketplace && cfg.program != analytics.Partner:
		return fmt.Errorf("-program %q: choose cmp or mpn", cfg.program)
	case !cfg.format.Is(analytics.CSV) && !cfg.format.Is(analytics.TSV):
		return fmt.Errorf("-format %q: choose csv or tsv", cfg.format)
	case cfg.query != "" && cfg.dataset != "":
		return errors.New("choose either -query or -dataset")
	case cfg.rows < 0:
		return errors.New("-rows must not be negative")
	case cfg.pace < 0:
		return errors.New("-pace must not be negative")
	}
	if cfg.dataset == "" && cfg.query == "" {
		cfg.dataset = map[analytics.Program]string{analytics.Marketplace: "ISVUsage", analytics.Partner: "OfficeUsage"}[cfg.program]
	}
	return nil
}
