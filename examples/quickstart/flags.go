package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/payouts"
)

// config is what the command line says.
type config struct {
	out    string
	kinds  []payouts.Kind
	filter string
	resume []string
	rows   int
	pace   time.Duration
}

func parseFlags(args []string, stderr io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&cfg.out, "out", "exports", "`directory` for the downloaded files")
	kind := fs.String("kind", "both", "what to export: earnings, payments or both")
	fs.StringVar(&cfg.filter, "filter", "", "`text` of the earnings filter, or of the payments filter with -kind payments;\ndefault: the last six full months")
	fs.Func("resume", "go on with the export of a `token` that an earlier run has printed; may be repeated", func(token string) error {
		cfg.resume = append(cfg.resume, token)
		return nil
	})
	fs.IntVar(&cfg.rows, "rows", 5000, "number of earnings that the embedded fake has")
	fs.DurationVar(&cfg.pace, "pace", 2*time.Second, "how long an export takes the embedded fake")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	err := cfg.check(*kind, fs.Args())
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
	}
	return cfg, err
}

func (cfg *config) check(kind string, rest []string) error {
	switch kind {
	case "both":
		cfg.kinds = []payouts.Kind{payouts.Earnings, payouts.Payments}
	case string(payouts.Earnings), string(payouts.Payments):
		cfg.kinds = []payouts.Kind{payouts.Kind(kind)}
	default:
		return fmt.Errorf("-kind %q: choose earnings, payments or both", kind)
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected arguments: %s", strings.Join(rest, " "))
	case cfg.rows < 1:
		return errors.New("-rows must be at least 1")
	case cfg.pace < 0:
		return errors.New("-pace must not be negative")
	case cfg.out == "":
		return errors.New("-out must name a directory")
	}
	return nil
}
