// Command doctor finds out why signing in to Partner Center does not work, or that it
// does: for each API it looks at the token and asks the API what it thinks of it.
//
//	go run ./examples/doctor
//	go run ./examples/doctor -explain AADSTS7000222
//
// With credentials in the environment it examines those, without it shows how a report
// looks on a fake service inside this program. The report holds no tokens and names no
// user, so that it can be pasted into a ticket. See -help for what can be chosen.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1 // there is a problem, or no report
	exitUsage       = 2
	exitInterrupted = 130
)

const noCredentials = `No credentials in the environment: this is the report on a fake service.
For your own set PARTNERCENTER_TENANT_ID, PARTNERCENTER_CLIENT_ID and what proves them, such as
PARTNERCENTER_CLIENT_SECRET; the documentation of auth.FromEnvironment lists all variables.

`

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
	if cfg.explain != "" {
		return explain(cfg.explain, stdout, stderr)
	}
	healthy, err := examine(ctx, cfg, lookup, stdout, stderr)
	switch {
	case err == nil && healthy:
		return exitOK
	case err == nil:
		return exitFailed
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "doctor: interrupted")
		return exitInterrupted
	default:
		fmt.Fprintf(stderr, "doctor: %v\n", err)
		return exitFailed
	}
}

// explain says what a code means.
func explain(code string, stdout, stderr io.Writer) int {
	if text := auth.ExplainCode(code); text != "" {
		fmt.Fprintln(stdout, text)
		return exitOK
	}
	fmt.Fprintf(stderr, "doctor: nothing is known about %q here; for codes of Entra ID see https://login.microsoftonline.com/error\n", code)
	return exitFailed
}

// examine makes and prints the report.
func examine(ctx context.Context, cfg config, lookup func(string) (string, bool), stdout, stderr io.Writer) (healthy bool, err error) {
	source, transport, release, err := connect(&cfg, lookup, stderr)
	if err != nil {
		return false, err
	}
	defer release()
	d, err := auth.Diagnose(ctx, source, &auth.DiagnoseOptions{
		APIs: cfg.apis, TenantID: cfg.tenant, SkipProbe: cfg.skipProbe, ShowUser: cfg.showUser, Transport: transport,
	})
	if err != nil {
		return false, err
	}
	if cfg.json {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		return d.OK(), enc.Encode(d)
	}
	_, err = io.WriteString(stdout, d.String())
	return d.OK(), err
}

// connect finds the credentials of the environment, or else starts the fake.
func connect(cfg *config, lookup func(string) (string, bool), stderr io.Writer) (source auth.TokenSource, transport http.RoundTripper, release func(), err error) {
	s, err := auth.FromVariables(lookup, nil)
	if err == nil {
		return s, nil, func() { _ = s.Close() }, nil
	}
	if !errors.Is(err, auth.ErrNoEnvironment) {
		return nil, nil, nil, err
	}
	fmt.Fprint(stderr, noCredentials)
	fake, err := pctest.New()
	if err != nil {
		return nil, nil, nil, err
	}
	if cfg.apis == nil {
		cfg.apis = only("payouts") // the one whose answers are not made up
	}
	return fake.TokenSource(), fake.Transport(), func() { _ = fake.Close() }, nil
}
