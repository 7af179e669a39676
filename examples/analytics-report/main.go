// Command analytics-report runs an analytics query: it checks the query, has the
// service execute it, downloads the file and shows its first rows.
//
//	go run ./examples/analytics-report -dataset ISVUsage
//	go run ./examples/analytics-report -query "SELECT OfferName, RawUsage FROM ISVUsage ORDER BY RawUsage" -timespan LAST_MONTH
//
// With credentials in the environment it talks to Partner Center, without to a
// fake one inside this program. See -help for what can be chosen.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

// run is main with everything it touches as arguments, for tests.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		return exitUsage
	}
	s, err := connect(cfg, lookup, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "analytics-report: %v\n", err)
		return exitFailed
	}
	defer s.close()
	switch err := s.report(ctx); {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "analytics-report: interrupted")
		s.sayHowToGoOn()
		return exitInterrupted
	default:
		fmt.Fprintf(stderr, "analytics-report: %v\n", err)
		s.sayHowToGoOn()
		return exitFailed
	}
}
