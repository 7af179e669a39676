package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/partnercenter-go/partnercenter/internal/header"
)

// maxAnswer bounds what is read of an answer. The largest there is, instance discovery,
// has some 10 KB.
const maxAnswer = 1 << 20

// wire is the HTTP client under MSAL. It sends every request of an exchange with one
// correlation id, only to the authority, repeats what may be repeated, and turns every
// failure into an [*Error] before MSAL can wrap it into one of its own, which would hold
// the request with its secrets.
type wire struct {
	settings
	// federated permits the requests to a user's own sign-in server, which the
	// username/password flow needs for accounts that live there.
	federated bool
	retry     *retryablehttp.Client
	agent     string
}

func newWire(s settings, federated bool) *wire {
	w := &wire{settings: s, federated: federated, agent: header.UserAgent(s.UserAgent)}
	w.retry = &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport: whole{s.Transport},
			Timeout:   s.Timeout * 2 / 5,
			// A redirect would carry the form with the secrets elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     s.MaxRetries,
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		// Logger stays nil: it would print URLs, and those of home realm
		// discovery hold the user's name.
		RequestLogHook:  nil,
		ResponseLogHook: nil,
	}
	return w
}

// CloseIdleConnections does nothing: the connections are shared with others.
func (w *wire) CloseIdleConnections() {}

// Do sends one request of MSAL's. Its errors are safe to print.
func (w *wire) Do(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	form, err := readForm(req)
	if err != nil {
		return nil, err
	}
	if err := w.allowed(req.URL, form != nil); err != nil {
		return nil, err
	}
	ctx := req.Context()
	switch {
	case form.Get("grant_type") == grantCode:
		// A code works once, and a second attempt with it ends the first one's tokens.
		ctx = sendAtMostOnce(ctx)
	case form != nil && x.once:
		ctx = sendOnce(ctx)
	}
	out := req.Clone(ctx)
	out.Header.Set("User-Agent", w.agent)
	out.Header.Set("client-request-id", x.correlationID)
	if form != nil {
		if err := w.prepareForm(x, out, form); err != nil {
			return nil, err
		}
	}
	rr, err := retryablehttp.FromRequest(out)
	if err != nil {
		return nil, fmt.Errorf("preparing the request: %w", err)
	}
	start := time.Now()
	resp, err := w.retry.Do(rr)
	w.log(req, resp, err, time.Since(start), x)
	if err != nil {
		return nil, noAnswer(req, err, x)
	}
	body, err := io.ReadAll(resp.Body) // whole has read it already
	_ = resp.Body.Close()
	if err != nil {
		return nil, noAnswer(req, err, x)
	}
	if err := x.inspect(req, form, resp, body); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// prepareForm notes the secrets of a form, completes it and makes it the body.
func (w *wire) prepareForm(x *exchange, out *http.Request, form url.Values) error {
	if x.authenticate != nil && form.Get("grant_type") == "password" {
		if err := x.authenticate(out.Context(), out.URL.String(), form); err != nil {
			return err
		}
	}
	for name, values := range form {
		if secretField(name) {
			x.know(values...)
		}
	}
	enc := []byte(form.Encode())
	out.ContentLength = int64(len(enc))
	out.Body = io.NopCloser(bytes.NewReader(enc))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(enc)), nil }
	return nil
}

// secretField lists the form fields whose values are secrets.
func secretField(name string) bool {
	switch name {
	case "client_secret", "password", "client_assertion", "assertion", "refresh_token", "code", "code_verifier", "device_code":
		return true
	}
	return false
}

// readForm takes the form out of a request; nil if it has none.
func readForm(req *http.Request) (url.Values, error) {
	ct := req.Header.Get("Content-Type")
	if req.Body == nil || !strings.HasPrefix(ct, "application/x-www-form-urlencoded") {
		return nil, nil
	}
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the form: %w", err)
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		// The text of the error quotes a part of the form.
		return nil, errors.New("reading the form: it is not form-encoded")
	}
	return form, nil
}

// allowed keeps credentials at the authority. MSAL posts them to whatever host the
// OpenID Connect document names. Microsoft's own sign-in hosts stand for each other.
func (w *wire) allowed(u *url.URL, form bool) error {
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme != "https":
	case host == w.host, publicCloud(host) && publicCloud(w.host):
		return nil
	case w.federated && !form:
		return nil // WS-Trust, at the server of the user's organisation
	}
	return &Error{
		Kind:        KindBadAnswer,
		Description: fmt.Sprintf("the authority %s directed the request to %s://%s, where no credentials are sent", w.host, tidy(u.Scheme, 16, nil), tidy(u.Host, 128, nil)),
		Advice:      KindBadAnswer.advice(),
	}
}

// inspect looks at an answer: it notes the secrets in it and returns an error for
// everything that is no success.
func (x *exchange) inspect(req *http.Request, form url.Values, resp *http.Response, body []byte) error {
	var answer struct {
		Error        string `json:"error"`
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		IDToken      string `json:"id_token"`
		DeviceCode   string `json:"device_code"`
		AccountType  string `json:"account_type"`
	}
	// What cannot be read is MSAL's to complain about, or not JSON at all (WS-Trust).
	_ = json.Unmarshal(body, &answer)
	x.know(answer.AccessToken, answer.RefreshToken, answer.IDToken, answer.DeviceCode)
	if answer.AccountType != "" && strings.HasPrefix(req.URL.Path, "/common/UserRealm/") {
		x.seen(tidy(answer.AccountType, 64, nil))
	}
	success := resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated
	if success && (form == nil || answer.Error == "") {
		if form != nil {
			x.brought(answer.RefreshToken)
		}
		return nil
	}
	e := classify(resp, body, form.Get("grant_type"), x.known())
	if e.CorrelationID == "" {
		e.CorrelationID = x.correlationID
	}
	return e
}

// noAnswer describes a request that got no answer. The URL is left out: that of home
// realm discovery holds the user's name, and none holds anything that helps.
func noAnswer(req *http.Request, err error, x *exchange) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	kind, advice := KindTransient, "Check the network, the proxy and the authority's host name."
	if untrusted(err) {
		kind, advice = KindBadAnswer, "The server's certificate is not trusted: check the authority, and whether a proxy opens TLS connections."
	}
	if errors.Is(err, errTooLong) {
		kind, advice = KindBadAnswer, KindBadAnswer.advice()
	}
	c := scrubbed(err, x.known()...)
	return &Error{
		Kind:          kind,
		Description:   fmt.Sprintf("no answer from %s: %v", tidy(req.URL.Host, 128, nil), c),
		Advice:        advice,
		CorrelationID: x.correlationID,
		Err:           c,
	}
}

// log writes one record per request, not per attempt: repetitions are inside.
func (w *wire) log(req *http.Request, resp *http.Response, err error, took time.Duration, x *exchange) {
	ctx := req.Context()
	if !w.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []any{
		"method", req.Method, "host", tidy(req.URL.Host, 128, nil), "endpoint", endpointName(req.URL.Path),
		"duration", took, "correlation_id", x.correlationID,
	}
	if err != nil {
		attrs = append(attrs, "error", noAnswer(req, err, x))
	} else {
		attrs = append(attrs, "status", resp.StatusCode)
	}
	w.Logger.DebugContext(ctx, "token service request", attrs...)
}

// endpointName names what a path asks for, without the user's name in it.
func endpointName(path string) string {
	switch {
	case strings.HasPrefix(path, "/common/UserRealm/"):
		return "user realm"
	case strings.HasSuffix(path, "/openid-configuration"):
		return "openid configuration"
	case strings.HasSuffix(path, "/discovery/instance"):
		return "instance discovery"
	case strings.HasSuffix(path, "/token"):
		return "token"
	case strings.HasSuffix(path, "/devicecode"):
		return "device code"
	default:
		return "other"
	}
}

// whole reads answers to their end inside the round trip, so that a cut answer counts as
// a lost connection and is repeated. It also hides the transport's
// CloseIdleConnections, which the retrying client calls after each failure although the
// connections are not its own.
type whole struct{ next http.RoundTripper }

// errTooLong ends the reading of an answer that no token service would give.
var errTooLong = errors.New("the answer is longer than 1 MiB")

// RoundTrip implements [http.RoundTripper].
func (t whole) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		// Tokens are fetched by goroutines of ours, where a panic ends the program.
		return nil, fmt.Errorf("Options.Transport (%T) returned neither an answer nor an error", t.next)
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close()
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case len(body) > maxAnswer:
		return nil, errTooLong
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
