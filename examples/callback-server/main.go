// Command callback-server keeps an analytics report scheduled, is called by the
// service when a file is ready, and downloads it.
//
//	go run ./examples/callback-server -public https://hooks.example.com/pc -listen :8080 -out files
//
// It speaks plain HTTP: put it behind whatever ends TLS for the public address.
// With credentials in the environment it talks to Partner Center, without to a fake
// one inside this program, in which days pass within seconds.
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
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
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
	if err := serve(ctx, cfg, lookup, stdout); err != nil {
		fmt.Fprintf(stderr, "callback-server: %v\n", err)
		return exitFailed
	}
	return exitOK
}
