package auth

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// callbackDesk is the HTTP side of a browser sign-in: it takes the one callback that belongs
// to the sign-in, and turns everything else away.
type callbackDesk struct {
	ctx      context.Context //nolint:containedctx // of the work for the callback, which no request's context may end
	consent  *Consent
	attempt  *Attempt
	redirect *url.URL

	taken chan struct{} // closed when the callback has been accepted
	done  chan struct{} // closed when what follows is set
	// signedIn and err are the outcome.
	signedIn SignedIn
	err      error

	mu        sync.Mutex
	closed    bool // accepted, or nobody waits any more
	strangers int
}

func newCallbackDesk(ctx context.Context, c *Consent, a *Attempt, redirect *url.URL) *callbackDesk {
	return &callbackDesk{ctx: ctx, consent: c, attempt: a, redirect: redirect, taken: make(chan struct{}), done: make(chan struct{})}
}

// serve answers on the listeners. The function that it returns ends that, once the answers
// that are under way have been read, or after two seconds.
func (d *callbackDesk) serve(listeners []net.Listener) (stop func()) {
	srv := &http.Server{
		Handler: d, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, MaxHeaderBytes: 64 << 10,
		// Browsers open connections that they do not use; that is nothing to report.
		ErrorLog: log.New(discard{}, "", 0),
	}
	srv.SetKeepAlivesEnabled(false)
	var running sync.WaitGroup
	for _, l := range listeners {
		running.Go(func() { _ = srv.Serve(l) }) // it ends with Shutdown or Close
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
		running.Wait()
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// close ends the waiting; false means that a callback has been accepted.
func (d *callbackDesk) close() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.closed = true
	return true
}

// foreign counts the callbacks that did not belong to the sign-in.
func (d *callbackDesk) foreign() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.strangers
}

// ServeHTTP answers the browser.
func (d *callbackDesk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := d.redirect.Path
	if path == "" {
		path = "/"
	}
	switch {
	case !strings.EqualFold(withPort(r.Host), d.redirect.Host):
		// Another site whose name leads here (DNS rebinding).
		show(w, http.StatusMisdirectedRequest, "This is not the page you are looking for", "Nothing is served under this name.")
		return
	case r.URL.Path != path:
		show(w, http.StatusNotFound, "Nothing here", "The sign-in returns to another address.")
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, POST")
		show(w, http.StatusMethodNotAllowed, "Nothing here", "The sign-in returns in another way.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	callback, err := r.URL.Query(), error(nil)
	if r.Method == http.MethodPost {
		err = r.ParseForm()
		callback = r.PostForm
	}
	if err == nil && len(callback) == 0 {
		show(w, http.StatusNotFound, "Nothing here", "Go on signing in at the other page.")
		return
	}
	if err == nil {
		_, err = d.consent.read(d.attempt, callback)
	}
	if err != nil && (errors.Is(err, ErrStateMismatch) || !isError(err)) {
		d.mu.Lock()
		d.strangers++
		d.mu.Unlock()
		show(w, http.StatusBadRequest, "Sign-in refused", "This answer does not belong to the sign-in that the program is waiting for. Go on at the page that it has opened, or start again.")
		return
	}
	if !d.close() {
		show(w, http.StatusConflict, "Sign-in is over", "The program has received an answer before, or waits no longer. This one was not used.")
		return
	}
	close(d.taken)
	d.signedIn, d.err = d.consent.Redeem(d.ctx, d.attempt, callback) //nolint:contextcheck // see the field
	close(d.done)
	if d.err != nil {
		show(w, http.StatusBadRequest, "Sign-in failed", d.err.Error())
		return
	}
	show(w, http.StatusOK, "Signed in", "You are signed in as "+d.signedIn.Username+". You can close this page and return to the program.")
}

// withPort adds the port that browsers leave out.
func withPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), "80")
}

func isError(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}

// show answers with a plain page that nobody keeps, frames or takes anything from.
func show(w http.ResponseWriter, status int, title, text string) {
	page := template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title>
<style>body{font-family:sans-serif;margin:4em auto;max-width:40em;padding:0 1em}</style></head>
<body><h1 id="title">{{.Title}}</h1><p id="text">{{.Text}}</p></body></html>
`))
	var b bytes.Buffer
	if err := page.Execute(&b, struct{ Title, Text string }{title, text}); err != nil {
		http.Error(w, title, status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
