// Command offers shows the offers of an account, their plans and their newest
// submissions as a table.
//
//	go run ./examples/offers
//	go run ./examples/offers -type AzureApplication
//	go run ./examples/offers -offer my-offer
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

// config is what the command line says.
type config struct {
	kind  string
	offer string
}

// run is main with everything it touches as arguments, for tests.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	var cfg config
	fs := flag.NewFlagSet("offers", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&cfg.kind, "type", "", "show offers of this `type` only, for example AzureApplication; some accounts can list theirs in no other way")
	fs.StringVar(&cfg.offer, "offer", "", "show the plans and submissions of the offer with this `id`")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	if fs.NArg() > 0 || cfg.kind != "" && cfg.offer != "" {
		fmt.Fprintln(stderr, "offers: choose either -type or -offer, and nothing else")
		return exitUsage
	}
	s, err := connect(ctx, cfg, lookup, stdout)
	if err == nil {
		defer s.close()
		err = s.show(ctx)
	}
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "offers: interrupted")
		return exitInterrupted
	default:
		fmt.Fprintf(stderr, "offers: %v\n", err)
		return exitFailed
	}
}
