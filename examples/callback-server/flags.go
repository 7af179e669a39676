package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// config is what the command line says.
type config struct {
	listen, public string
	name, query    string
	every          time.Duration
	runs           int
	out            string
	files          int
	pace           time.Duration
}

func parseFlags(args []string, stderr io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("callback-server", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&cfg.listen, "listen", "127.0.0.1:0", "`address` to serve on")
	fs.StringVar(&cfg.public, "public", "", "`URL` under which the service reaches this server; the embedded fake needs none")
	fs.StringVar(&cfg.name, "name", "callback-server", "name of the schedule")
	fs.StringVar(&cfg.query, "query", "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH", "`text` of the query")
	fs.DurationVar(&cfg.every, "every", 24*time.Hour, "time between two runs")
	fs.IntVar(&cfg.runs, "runs", 30, "number of runs to order; the next start of the program orders more when few are left")
	fs.StringVar(&cfg.out, "out", "files", "`directory` for the files and for the secret of the callback URL")
	fs.IntVar(&cfg.files, "files", 0, "end after so many files; 0: serve until interrupted")
	fs.DurationVar(&cfg.pace, "pace", time.Second, "how long a day lasts in the embedded fake")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	var err error
	switch {
	case fs.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case cfg.out == "":
		err = errors.New("-out must name a directory")
	case cfg.files < 0 || cfg.runs < 1 || cfg.pace <= 0:
		err = errors.New("-files, -runs and -pace must make sense: 0 or more, 1 or more, above 0")
	}
	if err != nil {
		fmt.Fprintf(stderr, "callback-server: %v\n", err)
	}
	return cfg, err
}
