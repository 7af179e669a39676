// Command analyticsrows writes the row types of package analytics, and the dataset
// descriptions of package query, from a list of datasets in JSON. The list itself
// is not part of this repository: what is taken over are names and types.
package main

//go:generate go run . -spec $PARTNERCENTER_SPEC/analytics-datasets.json -rows ../../../analytics/rows_gen.go -datasets ../../../analytics/query/documented_gen.go

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "analyticsrows:", err)
		os.Exit(1)
	}
}

func run(args []string, usage io.Writer) error {
	flags := flag.NewFlagSet("analyticsrows", flag.ContinueOnError)
	flags.SetOutput(usage)
	spec := flags.String("spec", "", "the list of datasets, a JSON `file`")
	rows := flags.String("rows", "", "the Go `file` to write row types to")
	datasets := flags.String("datasets", "", "the Go `file` to write dataset descriptions to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *spec == "" || *rows == "" || *datasets == "" {
		return fmt.Errorf("-spec, -rows and -datasets are all needed")
	}
	list, err := load(*spec)
	if err != nil {
		return err
	}
	rowTypes, err := renderRows(list)
	if err != nil {
		return err
	}
	descriptions, err := renderDatasets(list)
	if err != nil {
		return err
	}
	return cmp.Or(
		os.WriteFile(*rows, rowTypes, 0o644),         //nolint:gosec // source files are for everybody to read
		os.WriteFile(*datasets, descriptions, 0o644), //nolint:gosec // likewise
	)
}
