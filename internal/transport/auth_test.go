package transport

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

// issuer is a token source with the contract of auth.Cached: it keeps one token
// and replaces it when that very token is rejected.
type issuer struct {
	mu     sync.Mutex
	asked  []partnercenter.TokenRequest
	issued int
	life   time.Duration // 0: for ever
	until  time.Time
	err    error // of every refresh after the first token
}

func (s *issuer) name() string { return fmt.Sprintf("token-%d", s.issued) }

func (s *issuer) Token(_ context.Context, req partnercenter.TokenRequest) (partnercenter.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, req)
	rejected := !req.Rejected.IsZero() && req.Rejected.Reveal() == s.name()
	if s.issued == 0 || rejected || (s.life > 0 && !time.Now().Before(s.until)) {
		if s.issued > 0 && s.err != nil {
			return partnercenter.Token{}, s.err
		}
		s.issued++
		s.until = time.Now().Add(s.life)
	}
	return partnercenter.Token{Value: partnercenter.NewSecret(s.name()), ExpiresOn: s.until}, nil
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func TestTokenRequestCarriesResourceTenantAndHost(t *testing.T) {
	src := &issuer{}
	c := newClient(t, script(respond(200, "")), partnercenter.Options{TenantID: "contoso"}, src)
	if _, err := c.Do(t.Context(), get("/x")); err != nil {
		t.Fatal(err)
	}
	want := []partnercenter.TokenRequest{{Resource: testResource, TenantID: "contoso", Host: "api.example.test"}}
	if diff := cmp.Diff(want, src.asked); diff != "" {
		t.Error(diff)
	}
}

func TestTokenIsAskedForBeforeEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: 20 * time.Second}
		wire := script(func(req *http.Request) (*http.Response, error) {
			src.mu.Lock()
			defer src.mu.Unlock()
			switch {
			case bearer(req) != src.name() || !time.Now().Before(src.until):
				return respond(401, "expired")(req)
			case src.issued < 3:
				return respond(429, "", "Retry-After", "30")(req) // longer than the token lives
			}
			return respond(200, "done")(req)
		})
		c := newClient(t, wire, partnercenter.Options{}, src)
		resp, err := c.Do(t.Context(), get("/x"))
		if err != nil {
			t.Fatal(err)
		}
		if string(resp.Body) != "done" || len(src.asked) != 3 || wire.calls() != 3 {
			t.Errorf("%d token requests, %d requests", len(src.asked), wire.calls())
		}
		for i, r := range src.asked {
			if !r.Rejected.IsZero() {
				t.Errorf("request %d was forced", i)
			}
		}
	})
}

func TestUnauthorizedIsRefreshedAndRepeatedOnce(t *testing.T) {
	claims := `{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}`
	src := &issuer{}
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if bearer(r) != "token-2" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="", error="insufficient_claims", claims="`+base64.StdEncoding.EncodeToString([]byte(claims))+`"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		_, _ = w.Write(body)
	})
	var meta partnercenter.ResponseMeta
	c := s.client(t, partnercenter.Options{}, src)
	resp, err := c.Do(t.Context(), Request{Method: http.MethodPost, Path: "/x", Body: []byte("the body")}, partnercenter.WithResponse(&meta))
	if err != nil {
		t.Fatal(err)
	}
	if string(resp.Body) != "the body" || s.requests.Load() != 2 || meta.Attempts != 2 {
		t.Errorf("body %q after %d requests, Attempts %d", resp.Body, s.requests.Load(), meta.Attempts)
	}
	want := []partnercenter.TokenRequest{
		{Resource: testResource, Host: s.Listener.Addr().String()},
		{Resource: testResource, Host: s.Listener.Addr().String(), Claims: claims, Rejected: partnercenter.NewSecret("token-1")},
	}
	if diff := cmp.Diff(want, src.asked); diff != "" {
		t.Error(diff)
	}
}

func TestRepetitionAfter401SendsTheBodyAgain(t *testing.T) {
	wire := script(respond(401, ""), respond(503, ""), respond(200, ""))
	c := newClient(t, wire, partnercenter.Options{Retry: quick}, &issuer{})
	if _, err := c.Do(t.Context(), Request{Method: http.MethodPut, Path: "/x", Body: []byte("the body")}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"the body", "the body", "the body"}, wire.body); diff != "" {
		t.Error(diff)
	}
}

func TestUnauthorizedIsNeverALoop(t *testing.T) {
	src := &issuer{}
	wire := script(respond(401, ""))
	c := newClient(t, wire, partnercenter.Options{Retry: quick}, src)
	_, err := c.Do(t.Context(), get("/x"))
	wantStatus(t, err, 401)
	if wire.calls() != 2 || src.issued != 2 || !errors.Is(err, partnercenter.ErrUnauthorized) {
		t.Errorf("%d requests, %d tokens", wire.calls(), src.issued)
	}

	// Also not when the attempts in between were repeated for another reason.
	src, wire = &issuer{}, script(respond(401, ""), respond(503, ""), respond(401, ""))
	c = newClient(t, wire, partnercenter.Options{Retry: quick}, src)
	_, err = c.Do(t.Context(), get("/x"))
	wantStatus(t, err, 401)
	if wire.calls() != 3 || src.issued != 2 {
		t.Errorf("%d requests, %d tokens", wire.calls(), src.issued)
	}
}

func TestConcurrentUnauthorizedCostOneRefresh(t *testing.T) {
	const callers = 64
	src := &issuer{}
	var gate sync.WaitGroup
	gate.Add(callers)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if bearer(r) == "token-1" {
			gate.Done()
			gate.Wait() // all callers hold the first token before any is told
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	c := s.client(t, partnercenter.Options{}, src)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if _, err := c.Do(t.Context(), get("/x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if src.issued != 2 || s.requests.Load() != 2*callers {
		t.Errorf("%d tokens, %d requests", src.issued, s.requests.Load())
	}
}

func TestStaticTokenIsNotRepeated(t *testing.T) {
	wire := script(respond(401, `{"statusCode":401,"message":"Unauthorized"}`))
	_, err := newClient(t, wire, partnercenter.Options{}).Do(t.Context(), get("/x"))
	e := wantError(t, err, 401)
	if wire.calls() != 1 || e.Err != nil || e.Message != "Unauthorized" {
		t.Errorf("%d requests, %#v", wire.calls(), e)
	}
}

// A complaint that a new token of the same kind cannot answer is no reason to
// fetch one, in whatever shape it comes.
func TestNoRefreshWhenItCannotHelp(t *testing.T) {
	shapes := map[string]func(text string) (body string, header []string){
		"gateway": func(s string) (string, []string) {
			return fmt.Sprintf(`{"statusCode":401,"message":"Unauthorized: %s"}`, s), nil
		},
		"error object": func(s string) (string, []string) {
			return fmt.Sprintf(`{"error":{"code":"unauthenticated","message":"%s"}}`, s), nil
		},
		"inner error": func(s string) (string, []string) {
			return fmt.Sprintf(`{"error":{"code":"x","message":"y","innerError":{"code":"z","message":"%s"}}}`, s), nil
		},
		"rest": func(s string) (string, []string) {
			return fmt.Sprintf(`{"code":"1","description":"%s","data":[],"source":"PartnerFD"}`, s), nil
		},
		"envelope": func(s string) (string, []string) {
			return fmt.Sprintf(`{"value":[],"message":"%s","statusCode":401}`, s), nil
		},
		"entra": func(s string) (string, []string) {
			return fmt.Sprintf(`{"error":"invalid_token","error_description":"%s"}`, s), nil
		},
		"problem": func(s string) (string, []string) {
			return fmt.Sprintf(`{"title":"Unauthorized","detail":"%s"}`, s), nil
		},
		"text":            func(s string) (string, []string) { return s, nil },
		"JSON string":     func(s string) (string, []string) { return `"` + s + `"`, nil },
		"array":           func(s string) (string, []string) { return fmt.Sprintf(`[{"message":"%s"}]`, s), nil },
		"unknown members": func(s string) (string, []string) { return fmt.Sprintf(`{"why":"%s"}`, s), nil },
		"HTML":            func(s string) (string, []string) { return "<html><head><title>" + s + "</title></head></html>", nil },
		"XML": func(s string) (string, []string) {
			return "<Error><Code>A</Code><Message>" + s + "</Message></Error>", nil
		},
		"challenge": func(s string) (string, []string) {
			return "", []string{"WWW-Authenticate", `Bearer error="invalid_token", error_description="` + s + `"`}
		},
	}
	for text, advice := range map[string]string{
		"Invalid Authorization header, incorrect audience":    testResource,
		"The audience 'x' is invalid (900420)":                testResource,
		"MFA required":                                        "multi-factor",
		"you must use multi-factor authentication":            "multi-factor",
		"error 900421":                                        "multi-factor",
		"The caller has no role for this":                     "role",
		"Authorization header token missing user information": "stands for a user",
	} {
		for shape, make := range shapes {
			t.Run(shape+"/"+text, func(t *testing.T) {
				src := &issuer{}
				body, header := make(text)
				wire := script(respond(401, body, header...))
				_, err := newClient(t, wire, partnercenter.Options{Retry: quick}, src).Do(t.Context(), get("/x"))
				e := wantError(t, err, 401)
				if wire.calls() != 1 || len(src.asked) != 1 {
					t.Errorf("%d requests, %d token requests, want one each", wire.calls(), len(src.asked))
				}
				if !strings.Contains(e.Advice, advice) {
					t.Errorf("advice %q does not mention %q", e.Advice, advice)
				}
				if mfa := advice == "multi-factor"; errors.Is(err, partnercenter.ErrInteractionRequired) != mfa {
					t.Errorf("matches ErrInteractionRequired: %t, want %t", !mfa, mfa)
				}
			})
		}
	}
	t.Run("code", func(t *testing.T) {
		for _, body := range []string{
			`{"code":"900421","description":"x","data":[],"source":"y"}`, `{"code":900421,"description":"x"}`,
			`{"error":{"code":"900421"}}`, `{"error":{"code":"x","innererror":{"code":900421}}}`,
		} {
			src := &issuer{}
			wire := script(respond(401, body))
			_, err := newClient(t, wire, partnercenter.Options{}, src).Do(t.Context(), get("/x"))
			if e := wantError(t, err, 401); wire.calls() != 1 || !strings.Contains(e.Advice, "multi-factor") || !errors.Is(err, partnercenter.ErrInteractionRequired) {
				t.Errorf("%s: %d requests, advice %q, error %v", body, wire.calls(), e.Advice, err)
			}
		}
	})
	t.Run("status line", func(t *testing.T) {
		src := &issuer{}
		wire := script(func(req *http.Request) (*http.Response, error) {
			resp, err := respond(401, "", "WWW-Authenticate", `Bearer error="invalid_token"`)(req)
			resp.Status = "401 Unauthorized - MFA required"
			return resp, err
		})
		_, err := newClient(t, wire, partnercenter.Options{}, src).Do(t.Context(), get("/x"))
		if e := wantError(t, err, 401); wire.calls() != 1 || !strings.Contains(e.Advice, "multi-factor") {
			t.Errorf("%d requests, advice %q", wire.calls(), e.Advice)
		}
	})
}

// Pages of gateways speak of roles in their markup, which is not a complaint.
func TestRefreshIsNotHeldUpByLookalikes(t *testing.T) {
	for _, body := range []string{
		"", "{}", "[]", `"Unauthorized"`, `{"statusCode":401,"message":"Unauthorized: Invalid Authorization header"}`,
		`<html><head><title>401</title></head><body><div role="main">Sign in</div></body></html>`,
		`{"message":"the token is controlled by another party"}`,
	} {
		src := &issuer{}
		wire := script(respond(401, body), respond(200, ""))
		if _, err := newClient(t, wire, partnercenter.Options{}, src).Do(t.Context(), get("/x")); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestRefreshThatFailsIsTheCauseOfThe401(t *testing.T) {
	down := &sourceError{code: "AADSTS70043"}
	src := &issuer{err: down}
	wire := script(respond(401, `{"statusCode":401,"message":"Unauthorized"}`))
	_, err := newClient(t, wire, partnercenter.Options{Retry: quick}, src).Do(t.Context(), get("/x"))
	e := wantError(t, err, 401)
	if got, ok := errors.AsType[*sourceError](err); !ok || got != down || wire.calls() != 1 {
		t.Errorf("%d requests, %v: want the source's own error", wire.calls(), err)
	}
	wantText(t, err, "401 Unauthorized", "getting a new token", "AADSTS70043")
	if e.Message != "Unauthorized" {
		t.Errorf("message %q", e.Message)
	}
}

func TestRefreshThatReturnsAnUnusableTokenIsTheCauseOfThe401(t *testing.T) {
	for _, bad := range []string{"", "two words"} {
		asked := 0
		src := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
			if asked++; asked == 1 {
				return partnercenter.Token{Value: partnercenter.NewSecret("good")}, nil
			}
			return partnercenter.Token{Value: partnercenter.NewSecret(bad)}, nil
		})
		wire := script(respond(401, ""))
		_, err := newClient(t, wire, partnercenter.Options{}, src).Do(t.Context(), get("/x"))
		if wantStatus(t, err, 401); wire.calls() != 1 {
			t.Errorf("%d requests", wire.calls())
		}
		wantText(t, err, "getting a new token")
	}
}

type sourceError struct{ code string }

func (e *sourceError) Error() string { return e.code + ": the grant has expired" }

func TestTokenSourceErrorIsFinalAndKeepsItsType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		want := &sourceError{code: "AADSTS700082"}
		src := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
			asked++
			return partnercenter.Token{}, want
		})
		wire := script(respond(200, ""))
		start := time.Now()
		var meta partnercenter.ResponseMeta
		_, err := newClient(t, wire, partnercenter.Options{}, src).Do(t.Context(), get("/x"), partnercenter.WithResponse(&meta))
		if got, ok := errors.AsType[*sourceError](err); !ok || got != want {
			t.Errorf("got %T %v", err, err)
		}
		if _, ok := errors.AsType[*partnercenter.Error](err); ok {
			t.Error("a failure of the token source is not an answer of the service")
		}
		if asked != 1 || wire.calls() != 0 || time.Since(start) != 0 || meta.Attempts != 0 || meta.StatusCode != 0 {
			t.Errorf("asked %d times, %d requests, %v, %+v", asked, wire.calls(), time.Since(start), meta)
		}
		wantText(t, err, "GET /v1.0/x", "getting a token", "AADSTS700082")
	})
}

func TestTokenThatCannotBeSentIsRefused(t *testing.T) {
	for token, text := range map[string]string{
		"":           "empty token",
		"abc\n":      "line break",
		"Bearer abc": "without \"Bearer\"",
		"abc\x7f":    "no token has",
		"tökén":      "no token has",
	} {
		wire := script(respond(200, ""))
		_, err := newClient(t, wire, partnercenter.Options{Retry: quick}, static(token)).Do(t.Context(), get("/x"))
		wantText(t, err, text)
		if token != "" && strings.Contains(err.Error(), strings.TrimSpace(token)) {
			t.Errorf("the error shows the token: %v", err)
		}
		if wire.calls() != 0 {
			t.Errorf("%q was sent", token)
		}
	}
}

func TestTokenSourceWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := partnercenter.TokenSourceFunc(func(ctx context.Context, _ partnercenter.TokenRequest) (partnercenter.Token, error) {
			<-ctx.Done()
			return partnercenter.Token{}, ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := newClient(t, script(respond(200, "")), partnercenter.Options{}, src).Do(ctx, get("/x"))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestChallengeClaims(t *testing.T) {
	text := `{"access_token":{"acrs":{"essential":true,"value":"c1>?~"}}}`
	for name, tc := range map[string]struct {
		challenges []string
		want       string
	}{
		"none":             {[]string{`Bearer realm="x"`}, ""},
		"padded":           {[]string{`Bearer claims="` + base64.StdEncoding.EncodeToString([]byte(text)) + `"`}, text},
		"url alphabet":     {[]string{`Bearer error="insufficient_claims", claims="` + base64.RawURLEncoding.EncodeToString([]byte(text)) + `"`}, text},
		"second challenge": {[]string{`Basic realm="x"`, `Bearer claims="` + base64.StdEncoding.EncodeToString([]byte(text)) + `"`}, text},
		"not closed":       {[]string{`Bearer claims="eyJh`}, ""},
		"not base64":       {[]string{`Bearer claims="%%%"`}, ""},
		"not an object":    {[]string{`Bearer claims="` + base64.StdEncoding.EncodeToString([]byte(`[1]`)) + `"`}, ""},
	} {
		if got := challengeClaims(http.Header{"Www-Authenticate": tc.challenges}); got != tc.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestClaimsThatCouldNotBeMetAreInTheError(t *testing.T) {
	claims := `{"access_token":{"nbf":{"essential":true}}}`
	challenge := `Bearer error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(claims)) + `"`
	_, err := newClient(t, script(respond(401, "", "WWW-Authenticate", challenge)), partnercenter.Options{}).Do(t.Context(), get("/x"))
	e := wantError(t, err, 401)
	if e.Claims != claims || !strings.Contains(e.Advice, "claims") || !errors.Is(err, partnercenter.ErrInteractionRequired) {
		t.Errorf("claims %q, advice %q, error %v", e.Claims, e.Advice, err)
	}

	// A source that tries and fails says itself what is missing.
	for _, cause := range []error{errors.New("Entra ID is down"), partnercenter.ErrInteractionRequired} {
		src := &issuer{err: cause}
		_, err := newClient(t, script(respond(401, "", "WWW-Authenticate", challenge)), partnercenter.Options{}, src).Do(t.Context(), get("/x"))
		e := wantError(t, err, 401)
		if e.Claims != claims || !errors.Is(err, cause) || errors.Is(err, partnercenter.ErrInteractionRequired) != errors.Is(cause, partnercenter.ErrInteractionRequired) {
			t.Errorf("claims %q, error %v", e.Claims, err)
		}
	}

	// A challenge that comes with the demand for MFA is kept for the sign-in.
	_, err = newClient(t, script(respond(401, `{"code":"900421"}`, "WWW-Authenticate", challenge)), partnercenter.Options{}, &issuer{}).Do(t.Context(), get("/x"))
	if e := wantError(t, err, 401); e.Claims != claims || !errors.Is(err, partnercenter.ErrInteractionRequired) {
		t.Errorf("claims %q, error %v", e.Claims, err)
	}
}

// Where a token goes is what a source may refuse it for, however the endpoint is written.
func TestSourceIsToldTheHost(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://API.Partner.Microsoft.com":     "api.partner.microsoft.com",
		"https://api.partner.microsoft.com:443": "api.partner.microsoft.com",
		"https://api.partner.microsoft.com:/x/": "api.partner.microsoft.com",
		"https://gateway.example:8443/partner":  "gateway.example:8443",
		"http://127.0.0.1:80":                   "127.0.0.1",
		"http://127.0.0.1:443":                  "127.0.0.1:443",
		"http://[::1]:8080":                     "[::1]:8080",
	} {
		src := &issuer{}
		if _, err := newClient(t, script(respond(200, "")), partnercenter.Options{Endpoint: endpoint}, src).Do(t.Context(), get("/x")); err != nil {
			t.Fatal(err)
		}
		if got := src.asked[0].Host; got != want {
			t.Errorf("%s: host %q, want %q", endpoint, got, want)
		}
	}
}

func TestHostThatTheSourceRefusesIsNotAsked(t *testing.T) {
	refused := errors.New("no token for that host")
	wire := script(respond(200, ""))
	_, err := newClient(t, wire, partnercenter.Options{Retry: quick}, partnercenter.TokenSourceFunc(func(_ context.Context, req partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{}, fmt.Errorf("%w: %s", refused, req.Host)
	})).Do(t.Context(), get("/x"))
	if !errors.Is(err, refused) || wire.calls() != 0 {
		t.Errorf("%d requests, error %v", wire.calls(), err)
	}
}

func TestAdviceOnForbiddenAndAppOnlyTokens(t *testing.T) {
	for _, tc := range []struct {
		status       int
		body, advice string
	}{
		{403, "", "Account settings"},
		{400, "Authorization header token missing user information", "app-only"},
		{400, `{"message":"Invalid QueryID"}`, ""},
		{404, "the role is unknown", ""},
		{401, "", ""},
	} {
		_, err := newClient(t, script(respond(tc.status, tc.body)), partnercenter.Options{}).Do(t.Context(), get("/x"))
		e := wantError(t, err, tc.status)
		if (tc.advice == "") != (e.Advice == "") || !strings.Contains(e.Advice, tc.advice) {
			t.Errorf("%d %s: advice %q", tc.status, tc.body, e.Advice)
		}
	}
}
