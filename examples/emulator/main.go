// Command emulator is a Partner Center on your laptop: it serves the token endpoint, the
// APIs and the blob store of package pctest over TLS, for clients in any language.
//
//	go run ./examples/emulator
//	go run ./examples/emulator -addr 127.0.0.1:443 -dir ~/.partnercenter -speed 8640
//
// When it serves, it prints one line of JSON: where it is, which certificate authority to
// trust, and with which tenant, application, user and refresh token to sign in. A client
// that cannot be configured works unmodified when its name resolution leads to the
// emulator and its port is 443:
//
//	curl --cacert ca.pem --connect-to ::127.0.0.1:8443 https://api.partner.microsoft.com/v1.0/payouts/...
//
// One that can takes the base URL of the line for all services, or puts the service's
// host name in front of the path. At /_pctest/ there is a page on which one sees what
// clients do and lets things go wrong, and the API behind it; package pctest describes
// both. See -help for what can be chosen.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with everything it touches as arguments, for tests.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err == nil:
		err = serve(ctx, cfg, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "emulator: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		return exitFailed
	}
	return exitOK
}
