package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

// leaks finds planted secrets in text, plain or encoded.
type leaks struct {
	mu     sync.Mutex
	values []string
}

func (l *leaks) plant(values ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range values {
		if v != "" {
			l.values = append(l.values, v)
		}
	}
}

func (l *leaks) check(t *testing.T, where, text string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.values {
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{v, url.QueryEscape(v), url.PathEscape(v), strings.Trim(string(j), `"`)} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows a secret (%.12s...): %.600s", where, v, text)
			}
		}
	}
	// Tokens that nobody has planted.
	if strings.Contains(text, "eyJ") || strings.Contains(text, "0.rt-") {
		t.Errorf("%s shows a token: %.600s", where, text)
	}
}

// printings is every way in which a value becomes text.
func printings(t *testing.T, v any) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out[verb] = fmt.Sprintf(verb, v)
	}
	b, err := json.Marshal(v)
	out["json"] = string(b) + fmt.Sprint(err)
	var text, js bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&js, nil)).Info("x", "v", v)
	out["slog text"], out["slog json"] = text.String(), js.String()
	if e, ok := v.(error); ok {
		for err := e; err != nil; err = errors.Unwrap(err) {
			out["chain "+fmt.Sprintf("%T", err)] = err.Error()
		}
	}
	return out
}

func TestNothingPrintsASecret(t *testing.T) {
	var l leaks
	l.plant(secret, passphrase)

	var logged bytes.Buffer
	var logMu sync.Mutex
	logger := slog.New(slog.NewJSONHandler(lockedWriter{&logMu, &logged}, &slog.HandlerOptions{Level: slog.LevelDebug}))

	echo := func(f func(form url.Values) (int, string)) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost {
					next.ServeHTTP(w, r)
					return
				}
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				form, err := url.ParseQuery(string(body))
				if err != nil {
					return
				}
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("x-ms-request-id", form.Get("client_secret"))
				status, text := f(form)
				w.WriteHeader(status)
				_, _ = io.WriteString(w, text)
			})
		}
	}
	quoted := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"
	l.plant(jwt, "opaque-access-canary", "opaque-refresh-canary")
	scenarios := map[string]func(http.Handler) http.Handler{
		"success": func(h http.Handler) http.Handler { return h },
		"the answer repeats the secrets": echo(func(f url.Values) (int, string) {
			all := "secret " + f.Get("client_secret") + " password " + f.Get("password") + " form " + f.Encode() + " token " + jwt
			return 400, `{"error":` + quoted("invalid_grant "+f.Get("client_secret")) + `,"suberror":` + quoted(f.Get("password")) +
				`,"error_description":` + quoted("AADSTS50126: "+all) + `,"claims":` + quoted(all) +
				`,"trace_id":` + quoted(f.Get("password")+f.Get("client_secret")) + `,"correlation_id":` + quoted(f.Get("client_secret")) + `}`
		}),
		"a page repeats the secrets": echo(func(f url.Values) (int, string) { return 502, "<html>" + f.Encode() }),
		"success that cannot be read": echo(func(url.Values) (int, string) {
			return 200, `{"access_token":"` + jwt + `","refresh_token":"opaque-refresh-canary","expires_in":"x"}`
		}),
		"success cut short": echo(func(url.Values) (int, string) {
			return 200, `{"access_token":"opaque-access-canary","refresh_token":"op`
		}),
		"success without the end": echo(func(url.Values) (int, string) { return 200, `{"access_token":"opaque-access-canary"}` }),
		"declined scopes": echo(func(f url.Values) (int, string) {
			return 200, `{"access_token":"opaque-access-canary","refresh_token":"opaque-refresh-canary","expires_in":60,"scope":` + quoted("x"+f.Get("client_secret")) + `}`
		}),
		"error under 200 with tokens": echo(func(url.Values) (int, string) {
			return 200, `{"error":"opaque-access-canary","access_token":"opaque-access-canary","error_description":"opaque-access-canary ` + jwt + `"}`
		}),
	}
	for name, wrap := range scenarios {
		t.Run(name, func(t *testing.T) {
			srv := listen(t, directory(), wrap)
			opts := *srv.opts
			opts.Logger, opts.MaxRetries = logger, -1
			inner := opts.Transport
			broken := false
			opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				if !broken || r.Method != http.MethodPost {
					return inner.RoundTrip(r)
				}
				body, err := io.ReadAll(r.Body)
				return nil, fmt.Errorf("a transport that says too much: %s %w", body, err)
			})
			app := confidentialApp()
			for label, s := range map[string]*auth.Source{
				"client secret": clientCredentials(t, app, &opts),
				"password":      usernamePassword(t, app, user(), &opts),
			} {
				for _, breakIt := range []bool{false, true} {
					broken = breakIt
					tok, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource, Rejected: pc.NewSecret("opaque-access-canary")})
					l.plant(tok.Value.Reveal())
					if (err == nil) != (name == "success") { // the second time from memory
						t.Errorf("%s: error is %v", label, err)
					}
					for _, v := range []any{err, s, tok, opts, &opts, app, user(), []any{err, s, app}} {
						for how, text := range printings(t, v) {
							l.check(t, fmt.Sprintf("%s: %T as %s", label, v, how), text)
						}
					}
				}
			}
			for _, r := range srv.Requests() {
				for how, text := range printings(t, r) {
					l.check(t, "the fake's recorder as "+how, text)
				}
			}
			logMu.Lock()
			defer logMu.Unlock()
			l.check(t, "the log", logged.String())
			if name == "success" && !strings.Contains(logged.String(), "token obtained") {
				t.Error("nothing was logged, so nothing was tested")
			}
		})
	}
}

func TestTextsOfMSALAreRedacted(t *testing.T) {
	srv := listen(t, directory(), nil)
	srv.Inject(entra.Fault{Endpoint: entra.OIDC, Set: map[string]any{"issuer": "https://other.example/eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ/" + strings.Repeat("x", 1000)}})
	e := refused(t, clientCredentials(t, confidentialApp(), srv.opts), auth.TokenRequest{})
	var l leaks
	l.check(t, "the error", e.Error())
	if !strings.Contains(e.Error(), "issuer") || len(e.Error()) > 1000 {
		t.Errorf("got %d bytes: %v", len(e.Error()), e)
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestFailedRenewalIsLoggedOnceWithoutSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		src := &scripted{next: func(_ context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
			if n > 1 {
				return auth.Token{}, &auth.Error{Kind: auth.KindBadClientCredential, STSCodes: []int{7000222}}
			}
			return token(n, time.Hour), nil
		}}
		s := closing(t, auth.Cached(src, &auth.Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))}))
		get(t, s, auth.TokenRequest{})
		time.Sleep(45 * time.Minute)
		get(t, s, auth.TokenRequest{})
		synctest.Wait()
		text := logged.String()
		for _, part := range []string{"level=WARN", "7000222", "next_attempt_in=30s", "resource=" + resource} {
			if !strings.Contains(text, part) {
				t.Errorf("the log lacks %q: %s", part, text)
			}
		}
		if n := strings.Count(text, "\n"); n != 1 {
			t.Errorf("%d records, want 1", n)
		}
		var l leaks
		l.plant("token-1")
		l.check(t, "the log", text)
	})
}

// A logger that itself needs a token, such as one that ships records to an API, must not
// meet a lock.
func TestLoggerMayAskForTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *auth.Source
		asked := 0
		opts := &auth.Options{Logger: slog.New(handlerFunc(func() {
			if asked++; asked > 3 {
				return
			}
			_, _ = s.Token(t.Context(), auth.TokenRequest{Resource: resource, Rejected: pc.NewSecret("token-1")})
		}))}
		src := &scripted{next: func(_ context.Context, n int, _ auth.TokenRequest) (auth.Token, error) {
			if n == 2 {
				return auth.Token{}, errors.New("down")
			}
			return token(n, time.Hour), nil
		}}
		s = closing(t, auth.Cached(src, opts))
		get(t, s, auth.TokenRequest{})
		time.Sleep(45 * time.Minute)
		get(t, s, auth.TokenRequest{})
		synctest.Wait()
		if asked < 2 {
			t.Errorf("the logger was called %d times", asked)
		}
	})
}

type handlerFunc func()

func (handlerFunc) Enabled(context.Context, slog.Level) bool    { return true }
func (f handlerFunc) Handle(context.Context, slog.Record) error { f(); return nil }
func (f handlerFunc) WithAttrs([]slog.Attr) slog.Handler        { return f }
func (f handlerFunc) WithGroup(string) slog.Handler             { return f }

func TestRecorderOfTheFakeKeepsNoSecret(t *testing.T) {
	srv := entra.New(directory())
	s := usernamePassword(t, confidentialApp(), user(), local(srv))
	get(t, s, auth.TokenRequest{})
	text := fmt.Sprintf("%+v", srv.Requests())
	var l leaks
	l.plant(secret, passphrase)
	l.check(t, "the recorder", text)
	if !strings.Contains(text, "client_secret:[[redacted]]") || !strings.Contains(text, upn) {
		t.Errorf("the recorder does not show what was sent: %s", text)
	}
}
