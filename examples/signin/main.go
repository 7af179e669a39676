// Command signin lets a user sign in to Partner Center once, in the browser or with a
// device code, and saves the refresh token, so that programs can go on without the user.
//
//	go run ./examples/signin                        # browser, saved in a file
//	go run ./examples/signin -device -store keyring # another device, saved in the system's keyring
//	go run ./examples/signin -store redis://localhost:6379/0
//
// It needs PARTNERCENTER_TENANT_ID and PARTNERCENTER_CLIENT_ID in the environment, and
// PARTNERCENTER_CLIENT_SECRET if the application has one. For the browser the registration
// must list the redirect URI http://localhost; for a device code it must allow public client
// flows. See -help for what can be chosen.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// world is what the program touches besides its arguments; tests have their own.
type world struct {
	lookup    func(string) (string, bool)
	transport http.RoundTripper                         // nil: the network
	openURL   func(ctx context.Context, u string) error // nil: the system's browser
	stdout    io.Writer
	stderr    io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], world{lookup: os.LookupEnv, stdout: os.Stdout, stderr: os.Stderr}))
}

func run(ctx context.Context, args []string, w world) int {
	cfg, err := parseFlags(args, w.stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		return exitUsage
	}
	switch err := w.signIn(ctx, cfg); {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(w.stderr, "signin: interrupted")
		return exitInterrupted
	default:
		fmt.Fprintf(w.stderr, "signin: %v\n", err)
		return exitFailed
	}
}

// signIn is the program.
func (w world) signIn(ctx context.Context, cfg config) error {
	request, opts, err := w.request(cfg)
	if err != nil {
		return err
	}
	store, err := openStore(cfg.store)
	if err != nil {
		return err
	}
	defer store.close()
	request.Store = store.tokens

	var who auth.SignedIn
	if cfg.device {
		who, err = auth.SignInWithDeviceCode(ctx, request, w.show, opts)
	} else {
		fmt.Fprintln(w.stderr, "Waiting for the browser. If none opens, use -device.")
		who, err = auth.SignInWithBrowser(ctx, request, &auth.BrowserOptions{OpenURL: w.openURL, RedirectURI: cfg.redirect}, opts)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w.stdout, "%s has signed in to tenant %s.\nThe refresh token is saved in the %s under the key %q.\n", who.Username, who.TenantID, store.name, request.Key)
	if len(who.AMR) > 0 && !slices.Contains(who.AMR, "mfa") {
		fmt.Fprintln(w.stdout, "Warning: it was a sign-in without multifactor authentication, which Partner Center will refuse: "+auth.ExplainCode("900421"))
	}
	return w.tryOut(ctx, request, opts, store)
}

// request reads the application from the environment.
func (w world) request(cfg config) (auth.SignIn, *auth.Options, error) {
	get := func(name string) string { v, _ := w.lookup(name); return v }
	var missing []string
	for _, name := range []string{auth.EnvTenantID, auth.EnvClientID} {
		if get(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return auth.SignIn{}, nil, fmt.Errorf("the environment lacks %s", strings.Join(missing, " and "))
	}
	opts := &auth.Options{Authority: get(auth.EnvAuthority), Transport: w.transport}
	if name := get(auth.EnvCloud); name != "" {
		cloud, err := auth.CloudByName(name)
		if err != nil {
			return auth.SignIn{}, nil, err
		}
		opts.Cloud = &cloud
	}
	request := auth.SignIn{
		App:      auth.App{TenantID: get(auth.EnvTenantID), ClientID: get(auth.EnvClientID)},
		Key:      cfg.key,
		Resource: cfg.resource, LoginHint: cfg.hint, Prompt: auth.PromptSelectAccount, Replace: cfg.replace,
	}
	if request.Key == "" {
		request.Key = request.App.TenantID // where auth.FromEnvironment looks
	}
	if secret := get(auth.EnvClientSecret); secret != "" && !cfg.device { // device codes are for public clients
		request.App.Credential = auth.ClientSecret(partnercenter.NewSecret(secret))
	}
	return request, opts, nil
}

// show tells the user what to do with a device code.
func (w world) show(_ context.Context, code auth.DeviceCode) error {
	_, err := fmt.Fprintln(w.stderr, code.Message)
	return err
}

// tryOut does what the next program will do: it gets a token with what has been saved.
func (w world) tryOut(ctx context.Context, request auth.SignIn, opts *auth.Options, store *openedStore) error {
	source, err := auth.NewRefreshToken(request.App, request.Store, request.Key, opts)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	tok, err := source.Token(ctx, partnercenter.TokenRequest{Resource: request.Resource})
	if err != nil {
		return fmt.Errorf("the sign-in is saved, but using it has failed: %w", err)
	}
	fmt.Fprintf(w.stdout, "It works: an access token has come of it, good until %s.\n", tok.ExpiresOn.Local().Format("15:04"))
	if store.dir != "" {
		fmt.Fprintf(w.stdout, "Now set %s=%s", auth.EnvRefreshTokenStore, store.dir)
		if request.Key != request.App.TenantID { // where auth.FromEnvironment does not look by itself
			fmt.Fprintf(w.stdout, " and %s=%s", auth.EnvRefreshTokenKey, request.Key)
		}
		fmt.Fprintln(w.stdout, ", then go run ./examples/doctor.")
	}
	return nil
}
