package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// defaultRedirect is where the browser returns to. Registrations of the platform "Mobile and
// desktop applications" with this redirect URI accept any port.
const defaultRedirect = "http://localhost"

// browserTimeout is how long a user may take by default.
const browserTimeout = 5 * time.Minute

// BrowserOptions tunes [SignInWithBrowser]. The zero value, and a nil pointer, mean the
// defaults that each field describes.
type BrowserOptions struct {
	// RedirectURI is where the browser returns to: http, a loopback host, an optional
	// port and path. Without a port a free one is taken, which registrations permit for
	// the host name localhost. Default: "http://localhost".
	RedirectURI string
	// OpenURL shows a page to the user. Default: the system's browser, started by
	// xdg-open, open or rundll32. The URL holds no secret, but it is for this user only.
	OpenURL func(ctx context.Context, url string) error
	// Timeout is how long the user may take, from the opening of the browser on.
	// Default 5 min, at most 15 min.
	Timeout time.Duration
}

// SignInWithBrowser lets the user at this machine sign in: it listens on loopback as RFC
// 8252 (https://www.rfc-editor.org/rfc/rfc8252) describes, opens the sign-in page in the
// browser, waits for the browser to return, redeems the code, saves the refresh token, and
// only then shows the user that it has worked.
//
// Callbacks that do not belong to the sign-in are refused and do not end it; after the one
// that does, no other is accepted. The listener is closed when the function returns. The
// errors are those of [Consent.Redeem]; one that matches [ErrSignInExpired] means that the
// user did not come back in time. When ctx ends, so does the waiting; a code that has
// arrived by then is redeemed and saved nevertheless.
//
// Without a browser on the machine use [SignInWithDeviceCode].
func SignInWithBrowser(ctx context.Context, signIn SignIn, browser *BrowserOptions, opts *Options) (SignedIn, error) {
	var b BrowserOptions
	if browser != nil {
		b = *browser
	}
	if b.Timeout < 0 || b.Timeout > attemptLifetime {
		return SignedIn{}, fmt.Errorf("auth: BrowserOptions.Timeout is %v, possible is more than 0 and at most %v", b.Timeout, attemptLifetime)
	}
	if b.Timeout == 0 {
		b.Timeout = browserTimeout
	}
	if b.OpenURL == nil {
		b.OpenURL = openInBrowser
	}
	redirect, err := loopbackRedirect(b.RedirectURI)
	if err != nil {
		return SignedIn{}, err
	}
	// The check of everything else, before a port is opened.
	if _, err := NewConsent(signIn, redirect.String(), opts); err != nil {
		return SignedIn{}, err
	}
	listeners, err := listenLoopback(ctx, redirect)
	if err != nil {
		return SignedIn{}, err
	}
	c, err := NewConsent(signIn, redirect.String(), opts) // now with the port
	if err != nil {
		closeAll(listeners)
		return SignedIn{}, err
	}
	return c.wait(ctx, listeners, redirect, b)
}

// loopbackRedirect checks the redirect URI of a program.
func loopbackRedirect(uri string) (*url.URL, error) {
	if uri == "" {
		uri = defaultRedirect
	}
	if err := validRedirect(uri); err != nil {
		return nil, err
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return nil, fmt.Errorf("auth: BrowserOptions.RedirectURI: %w", scrubbed(err))
	case u.Scheme != "http":
		return nil, fmt.Errorf("auth: BrowserOptions.RedirectURI %q is not http on loopback; a web application uses NewConsent", uri)
	case u.RawQuery != "":
		return nil, fmt.Errorf("auth: BrowserOptions.RedirectURI %q has a query", uri)
	}
	return u, nil
}

// listenLoopback opens the port of a redirect URI, and writes it into the URI if it was free
// to choose. The name localhost may mean either family to the browser, and nobody else
// should get the callback, so both are taken where there are both.
func listenLoopback(ctx context.Context, redirect *url.URL) ([]net.Listener, error) {
	host, port := redirect.Hostname(), redirect.Port()
	if port == "" {
		port = "0"
	}
	hosts := []string{host}
	if strings.EqualFold(host, "localhost") {
		hosts = []string{"127.0.0.1", "::1"}
	}
	var lc net.ListenConfig
	first, err := lc.Listen(ctx, "tcp", net.JoinHostPort(hosts[0], port))
	if err != nil && len(hosts) > 1 { // a machine without IPv4
		hosts = hosts[1:]
		first, err = lc.Listen(ctx, "tcp", net.JoinHostPort(hosts[0], port))
	}
	if err != nil {
		return nil, fmt.Errorf("auth: listening for the browser's return: %w", err)
	}
	out := []net.Listener{first}
	if addr, ok := first.Addr().(*net.TCPAddr); ok {
		port = strconv.Itoa(addr.Port)
	}
	for _, h := range hosts[1:] {
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(h, port))
		if err == nil {
			out = append(out, l)
		}
	}
	redirect.Host = net.JoinHostPort(host, port)
	return out, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// wait serves the browser until the sign-in has come to its end.
func (c *Consent) wait(ctx context.Context, listeners []net.Listener, redirect *url.URL, b BrowserOptions) (SignedIn, error) {
	a, err := c.Begin(ctx)
	if err != nil {
		closeAll(listeners)
		return SignedIn{}, err
	}
	// From here on it is the user who takes the time.
	waiting, cancel := context.WithTimeout(ctx, b.Timeout)
	defer cancel()
	// The work for a callback must not end with the browser's connection.
	desk := newCallbackDesk(context.WithoutCancel(ctx), c, a, redirect)
	stop := desk.serve(listeners) //nolint:contextcheck // the listeners are closed in order also when ctx has ended
	defer stop()
	// A browser that complains after the callback has arrived has done its work: what counts
	// is what becomes of the callback.
	if err := b.OpenURL(waiting, a.URL()); err != nil && desk.close() {
		return SignedIn{}, fmt.Errorf("auth: opening the browser: %w; on a machine without one use SignInWithDeviceCode", scrubbed(err, a.state.Reveal()))
	}
	select {
	case <-desk.taken:
		<-desk.done // bounded by the time limits of Redeem
		return desk.signedIn, desk.err
	case <-waiting.Done():
	}
	if !desk.close() {
		<-desk.done // the callback arrived at the last moment
		return desk.signedIn, desk.err
	}
	if ctx.Err() != nil {
		return SignedIn{}, fmt.Errorf("auth: waiting for the user to sign in: %w", context.Cause(ctx))
	}
	e := &Error{Kind: KindSignInExpired, Description: fmt.Sprintf("the user did not come back from the sign-in page within %v", b.Timeout)}
	if foreign := desk.foreign(); foreign > 0 {
		e.Description += fmt.Sprintf("; %d callbacks did not belong to the sign-in", foreign)
		e.Err = ErrStateMismatch
	}
	return SignedIn{}, c.told(e)
}

// errNoBrowser says that there is nothing to open a page with.
var errNoBrowser = errors.New("there is no command to open a browser with")
