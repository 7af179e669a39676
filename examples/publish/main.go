// Command publish publishes an offer: it shows what it is going to do, submits the
// drafts, follows them to preview and, with -live, to customers, and ends with exit
// code 1 and a table of reasons when the service does not take them.
//
//	go run ./examples/publish -dry-run
//	go run ./examples/publish -live
//	go run ./examples/publish -fail
//
// A pipeline keeps -token-file and passes -resume with it when its job was killed:
//
//	go run ./examples/publish -resume @publish.token
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
		fmt.Fprintf(stderr, "publish: %v\n", err)
		return exitFailed
	}
	defer s.close()
	switch err := s.publish(ctx); {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "publish: interrupted")
		s.sayHowToGoOn()
		return exitInterrupted
	default:
		s.explain(err)
		s.sayHowToGoOn()
		return exitFailed
	}
}
