package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter"
)

// The canaries: an opaque token with characters that every encoding spells
// differently, a token in the usual form, a signature, and secret form fields.
const (
	canaryToken    = "0.canary+token/with=specials~1" //nolint:gosec // invented
	canaryRefresh  = "0.canary-second+token/2=="
	canaryJWT      = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOjF9.Y2FuYXJ5LXNpZw"
	canarySig      = "cAnArY%2Bsignature%3D"
	canaryPassword = "canary-password"
	canarySecret   = "canary~secret"
	canaryLink     = "https://acc.blob.example.test/c/f.zip?sv=2022-11-02&sig=" + canarySig + "&se=2026-01-01"
)

// canaries are what no output may contain: each one whole and its telling part.
var canaries = []string{
	canaryToken, canaryRefresh, canaryJWT, canarySig, canaryPassword, canarySecret,
	"canary", "cAnArY", "Y2FuYXJ5", "eyJjYW5",
}

// outputs prints a value in every way that a program might.
func outputs(v any) map[string]string {
	out := map[string]string{
		"%v": fmt.Sprintf("%v", v), "%+v": fmt.Sprintf("%+v", v), "%#v": fmt.Sprintf("%#v", v),
		"%s": fmt.Sprintf("%s", v), "%q": fmt.Sprintf("%q", v),
	}
	if b, err := json.Marshal(v); err == nil {
		out["json"] = string(b)
	}
	var text, jsonLog bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v)
	slog.New(slog.NewJSONHandler(&jsonLog, nil)).Info("m", "v", v)
	out["slog text"], out["slog JSON"] = text.String(), jsonLog.String()
	return out
}

func wantNoCanary(tb testing.TB, where, text string) {
	tb.Helper()
	for _, c := range canaries {
		if strings.Contains(text, c) {
			at := strings.Index(text, c)
			tb.Errorf("%s holds %q: ...%s...", where, c, text[max(0, at-60):min(len(text), at+60)])
			return
		}
	}
}

// wantNoCanaries looks at everything that can be printed of an error, and of what
// is below it.
func wantNoCanaries(tb testing.TB, err error) {
	tb.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for how, text := range outputs(e) {
			wantNoCanary(tb, fmt.Sprintf("%T as %s", e, how), text)
		}
	}
	if e, ok := errors.AsType[*partnercenter.Error](err); ok {
		for how, text := range outputs(*e) {
			wantNoCanary(tb, "the error's value as "+how, text)
		}
		wantNoCanary(tb, "Body", string(e.Body))
		wantNoCanary(tb, "Header", fmt.Sprint(e.Header))
		wantNoCanary(tb, "Fields and Details", fmt.Sprint(e.Fields, e.Details))
	}
}

// escapeAll writes every character that is not a letter or digit as \u00XX, as
// some JSON writers do with the special ones.
func escapeAll(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	return b.String()
}

// hostile is what the worst of services says about a request that carried the
// token: bodies of every shape with all the canaries in them, and headers.
func hostile(tb testing.TB, token string) (bodies map[string]string, headers []string) {
	tb.Helper()
	marshal := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			tb.Fatal(err)
		}
		return string(b)
	}
	form := secretForm()
	prose := "Refused Bearer " + token + " also known as " + token + " and " + canaryJWT + " for " + canaryLink + " after " + form
	quoted := marshal(prose)
	members := marshal(map[string]string{
		"access_token": canaryJWT, "refresh_token": canaryRefresh, "client_secret": canarySecret, "password": canaryPassword, "sig": canarySig,
	})
	return map[string]string{
			"text":             prose,
			"JSON string":      quoted,
			"gateway":          `{"statusCode":400,"message":` + quoted + `}`,
			"escaped":          `{"statusCode":400,"message":"` + escapeAll(prose) + `"}`,
			"error object":     `{"error":{"code":` + quoted + `,"target":` + quoted + `,"innererror":{"code":` + quoted + `,"message":` + quoted + `}}}`,
			"fields":           `{"errors":{` + quoted + `:[` + quoted + `]},"requestId":` + quoted + `,"correlationId":` + quoted + `}`,
			"members":          members,
			"members in text":  marshal("ICH50400 - Failed. " + members),
			"HTML":             "<html><title>" + html.EscapeString(prose) + "</title></html>",
			"XML":              "<Error><Code>A</Code><Message>" + html.EscapeString(prose) + "</Message></Error>",
			"percent-encoded":  url.QueryEscape(prose),
			"list":             "[" + quoted + "]",
			"cut JSON":         `{"message":` + quoted[:len(quoted)-1],
			"array of members": "[" + members + "]",
		}, []string{
			"Location", canaryLink, "X-Echo", "Bearer " + token, "Set-Cookie", "id_token=" + canaryJWT,
			"WWW-Authenticate", `Bearer error="invalid_token", error_description="` + token + `"`,
			"Request-ID", token, "ms-correlationid", token,
		}
}

func secretForm() string {
	return url.Values{
		"client_secret": {canarySecret}, "password": {canaryPassword}, "refresh_token": {canaryRefresh}, "assertion": {canaryJWT},
	}.Encode()
}

func TestNoSecretIsEverPrinted(t *testing.T) {
	steps := map[string]step{
		"redirect to garbage": respond(302, "", "Location", "https://%zz/?sig="+canarySig),
		"URL error":           fail(&url.Error{Op: "Get", URL: canaryLink, Err: io.ErrUnexpectedEOF}),
		"connection error": func(req *http.Request) (*http.Response, error) {
			bodies, _ := hostile(t, bearer(req))
			return nil, errors.New("write: " + bodies["text"])
		},
		"URL error within": func(req *http.Request) (*http.Response, error) {
			bodies, _ := hostile(t, bearer(req))
			return nil, fmt.Errorf("proxy: %w", &url.Error{Op: "Get", URL: canaryLink, Err: errors.New(bodies["text"])})
		},
		"broken body": func(req *http.Request) (*http.Response, error) {
			bodies, headers := hostile(t, bearer(req))
			resp, err := respond(200, "", headers...)(req)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(bodies["text"]), broken{errors.New(bodies["text"])}))
			return resp, err
		},
	}
	add := func(status int, shape string) {
		steps[fmt.Sprint(status, " ", shape)] = func(req *http.Request) (*http.Response, error) {
			bodies, headers := hostile(t, bearer(req))
			return respond(status, bodies[shape], headers...)(req)
		}
	}
	shapes, _ := hostile(t, "")
	for shape := range shapes {
		for _, status := range []int{400, 401, 503} {
			add(status, shape)
		}
	}
	add(200, "text") // which is not JSON
	add(302, "text")

	sources := map[string]func() partnercenter.TokenSource{
		"static": func() partnercenter.TokenSource { return static(canaryToken) },
		"refreshed": func() partnercenter.TokenSource {
			return partnercenter.TokenSourceFunc(func(_ context.Context, r partnercenter.TokenRequest) (partnercenter.Token, error) {
				if r.Rejected.IsZero() {
					return partnercenter.Token{Value: partnercenter.NewSecret(canaryToken)}, nil
				}
				return partnercenter.Token{Value: partnercenter.NewSecret(canaryRefresh)}, nil
			})
		},
		"refresh fails": func() partnercenter.TokenSource {
			return partnercenter.TokenSourceFunc(func(_ context.Context, r partnercenter.TokenRequest) (partnercenter.Token, error) {
				if r.Rejected.IsZero() {
					return partnercenter.Token{Value: partnercenter.NewSecret(canaryToken)}, nil
				}
				return partnercenter.Token{}, errors.New("the endpoint said " + canaryToken + " and " + secretForm())
			})
		},
	}
	for step, send := range steps {
		for name, source := range sources {
			if name != "static" && !strings.HasPrefix(step, "401") {
				continue // refreshed by nothing else
			}
			t.Run(step+"/"+name, func(t *testing.T) {
				var logs lockedBuffer
				handlers := slog.NewMultiHandler(
					slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}),
					slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
				wire := script(send)
				c := newClient(t, wire, partnercenter.Options{Logger: slog.New(handlers), Retry: quick}, source())
				var meta partnercenter.ResponseMeta
				var out struct{}
				err := c.JSON(t.Context(), Request{Method: http.MethodGet, Path: "/x", Query: "sig=" + canarySig}, &out, partnercenter.WithResponse(&meta))
				if err == nil {
					t.Fatal("no error")
				}
				if name == "refreshed" && step == "401 text" && wire.calls() != 2 {
					t.Errorf("%d requests: the second token was never at risk", wire.calls())
				}
				wantNoCanaries(t, err)
				wantNoCanary(t, "the log", logs.String())
				if !strings.Contains(logs.String(), "level=DEBUG") {
					t.Error("nothing was logged: the test proves nothing")
				}
				for how, text := range outputs(meta) {
					wantNoCanary(t, "the metadata as "+how, text)
				}
				if step == "401 text" {
					for how, text := range outputs(c) {
						wantNoCanary(t, "the client as "+how, text)
					}
				}
			})
		}
	}
}

func TestNoSecretIsPrintedWhenTheTokenSourceFails(t *testing.T) {
	src := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{}, errors.New("refresh_token=" + canaryToken + "&client_secret=" + canarySecret + " was refused: " + canaryJWT)
	})
	_, err := newClient(t, script(respond(200, "")), partnercenter.Options{}, src).Do(t.Context(), get("/x"))
	wantText(t, err, "getting a token", "was refused")
	wantNoCanaries(t, err)
}

func TestNoSecretIsPrintedOfLinks(t *testing.T) {
	c := newClient(t, script(respond(200, "")), partnercenter.Options{})
	for _, link := range []string{
		"https://acc.blob.example.test/f?sig=" + canarySig, "https://u:" + canaryPassword + "@api.example.test/",
		"https://%zz/?sig=" + canarySig, "//evil.test/?sig=" + canarySig, "https:f?sig=" + canarySig,
	} {
		_, err := c.Do(t.Context(), Request{Method: http.MethodGet, Link: link})
		if err == nil {
			t.Errorf("%s was followed", link)
			continue
		}
		wantNoCanaries(t, err)
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
