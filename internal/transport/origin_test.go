package transport

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter"
)

func TestLinksAreResolvedAgainstTheHost(t *testing.T) {
	for _, tc := range []struct{ name, link, path, query string }{
		{"without slash", "v1.0/ingestion/products?$skipToken=abc", "/v1.0/ingestion/products", "$skipToken=abc"},
		{"with slash", "/v1.0/ingestion/products?$skipToken=abc", "/v1.0/ingestion/products", "$skipToken=abc"},
		{"absolute", testEndpoint + "/v1.0/x?a=b", "/v1.0/x", "a=b"},
		{"default port spelt out", testEndpoint + ":443/x", "/x", ""},
		{"upper case", "HTTPS://API.Example.TEST/x", "/x", ""},
		{"base64 in the query", "v1.0/x?$skipToken=a+b/c==", "/v1.0/x", "$skipToken=a+b/c=="},
		{"escaped query", "v1.0/x?%24skipToken=a%2Bb%3D", "/v1.0/x", "%24skipToken=a%2Bb%3D"},
		{"blanks in the query", "v1.0/x?$filter=a eq 1", "/v1.0/x", "$filter=a%20eq%201"},
		{"escaped slash in the path", "v1.0/a%2Fb/c", "/v1.0/a%2Fb/c", ""},
		{"dots stay on the host", "../../../x", "/x", ""},
		{"dots after slash", "/a/../../x", "/x", ""},
		{"backslashes are characters", `\\evil.test\x`, "/%5C%5Cevil.test%5Cx", ""},
		{"slash and backslash", `/\evil.test/x`, "/%5Cevil.test/x", ""},
		{"three slashes are a path", "///evil.test/x", "///evil.test/x", ""},
		{"fragment", "v1.0/x?a=b#c", "/v1.0/x", "a=b"},
		{"query only", "?a=b", "/", "a=b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wire := script(respond(200, ""))
			c := newClient(t, wire, partnercenter.Options{Endpoint: testEndpoint + "/base"})
			if _, err := c.Do(t.Context(), Request{Method: http.MethodGet, Link: tc.link}); err != nil {
				t.Fatal(err)
			}
			u := wire.requests()[0].URL
			if !sameOrigin(u, c.base) || u.EscapedPath() != tc.path || u.RawQuery != tc.query || u.Fragment != "" {
				t.Errorf("sent to %s", u)
			}
		})
	}
}

func TestForeignLinksAreRefused(t *testing.T) {
	for name, link := range map[string]string{
		"other host":             "https://evil.test/x",
		"other port":             testEndpoint + ":8443/x",
		"other scheme":           "http://api.example.test/x",
		"other scheme, own port": "http://api.example.test:443/x",
		"without scheme":         "//evil.test/x",
		"host as user name":      "https://api.example.test@evil.test/x",
		"user name":              "https://pass@api.example.test/x",
		"opaque":                 "https:evil.test/x",
		"opaque with own host":   "https:api.example.test",
		"scheme without host":    "https:///x",
		"longer host":            "https://api.example.test.evil.test/x",
		"trailing dot":           "https://api.example.test./x",
		"backslash before host":  `https:\\evil.test\x`,
		"other scheme, no slash": "ftp:x",
		"javascript":             "javascript:alert(1)",
		"control character":      "https://api.example.test/\x00",
		"not a URL":              "%zz",
	} {
		t.Run(name, func(t *testing.T) {
			src := &issuer{}
			wire := script(respond(200, ""))
			_, err := newClient(t, wire, partnercenter.Options{}, src).Do(t.Context(), Request{Method: http.MethodGet, Link: link})
			if err == nil || wire.calls() != 0 || len(src.asked) != 0 {
				t.Fatalf("%d requests, %d tokens, %v", wire.calls(), len(src.asked), err)
			}
			if strings.Contains(err.Error(), "pass") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// Redirects are followed by net/http, which would carry headers along.
func TestRedirects(t *testing.T) {
	foreign := newServer(t, func(http.ResponseWriter, *http.Request) {})
	plain := strings.Replace(foreign.URL, "https://", "http://", 1)
	var own *server
	own = newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Authorization", "Bearer of the answer")
		switch r.URL.Path {
		case "/v1.0/done":
			if bearer(r) != testToken {
				w.WriteHeader(http.StatusUnauthorized)
			}
		case "/v1.0/loop":
			http.Redirect(w, r, "/v1.0/loop", http.StatusFound)
		default:
			status, _ := strconv.Atoi(r.URL.Query().Get("status"))
			w.Header().Set("Location", strings.ReplaceAll(r.URL.Query().Get("to"), "OWN", own.URL))
			w.WriteHeader(status)
		}
	})
	// The transport trusts both servers: only the guard stands in between.
	c := own.client(t, partnercenter.Options{Retry: quick})
	for _, tc := range []struct {
		name, method, to string
		status           int
		wantErr          string
	}{
		{"same origin", http.MethodGet, "/v1.0/done", 302, ""},
		{"same origin, absolute", http.MethodGet, "OWN/v1.0/done", 307, ""},
		{"same origin, HEAD", http.MethodHead, "/v1.0/done", 301, ""},
		{"other origin", http.MethodGet, foreign.URL + "/steal?sig=abc", 302, "redirect: refusing to send credentials"},
		{"other origin, 308", http.MethodGet, foreign.URL, 308, "redirect: refusing to send credentials"},
		{"other origin without scheme", http.MethodGet, strings.TrimPrefix(foreign.URL, "https:") + "/x", 302, "redirect: refusing to send credentials"},
		{"plain http", http.MethodGet, plain, 302, "redirect: refusing to send credentials"},
		{"user name", http.MethodGet, strings.Replace("OWN/v1.0/done", "OWN", "https://u:p@"+strings.TrimPrefix(own.URL, "https://"), 1), 302, "user name"},
		{"loop", http.MethodGet, "/v1.0/loop", 302, "stopped after 5 redirects"},
		{"POST, 302", http.MethodPost, "/v1.0/done", 302, "redirects a POST"},
		{"POST, 303", http.MethodPost, "/v1.0/done", 303, "redirects a POST"},
		{"POST, 307", http.MethodPost, "/v1.0/done", 307, "redirects a POST"},
		{"PUT, 308", http.MethodPut, "/v1.0/done", 308, "redirects a PUT"},
		{"DELETE to another origin", http.MethodDelete, foreign.URL, 307, "redirects a DELETE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			own.requests.Store(0)
			query := url.Values{"to": {tc.to}, "status": {strconv.Itoa(tc.status)}}
			_, err := c.Do(t.Context(), Request{Method: tc.method, Path: "/from", Query: query.Encode()})
			if tc.wantErr == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantText(t, err, tc.wantErr, tc.method+" /v1.0/from")
			if strings.Contains(err.Error(), "abc") || strings.Contains(err.Error(), "?") {
				t.Errorf("the error shows the query: %v", err)
			}
			want := int64(1)
			if tc.name == "loop" {
				want += maxRedirects
			}
			if got := own.requests.Load(); got != want {
				t.Errorf("%d requests, want %d", got, want)
			}
		})
	}
	if n := foreign.requests.Load() + foreign.connections.Load(); n != 0 {
		t.Errorf("the foreign server was contacted %d times", n)
	}
}

// The guard stands behind the redirect check: also a request that comes from
// elsewhere than this package's own code does not leave the origin.
func TestGuardStandsAlone(t *testing.T) {
	wire := script(respond(200, ""))
	c := newClient(t, wire, partnercenter.Options{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://evil.test/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.guardOrigin(wire.RoundTrip)(req)
	if resp != nil {
		_ = resp.Body.Close()
	}
	if _, ok := errors.AsType[*localError](err); !ok || wire.calls() != 0 {
		t.Errorf("%d requests, %v", wire.calls(), err)
	}
}

// 301 without Location is how one operation of the submission API answers.
func TestRedirectStatusWithoutLocationIsAnError(t *testing.T) {
	_, err := newClient(t, script(respond(301, `"The package has moved. {\"ToId\":\"42\",\"Name\":\"n\"}"`)), partnercenter.Options{}).Do(t.Context(), get("/x"))
	e := wantError(t, err, 301)
	if e.Message != "The package has moved." || !strings.Contains(string(e.Body), "ToId") {
		t.Errorf("got %q %s", e.Message, e.Body)
	}
}

func TestPlainHTTPIsForLoopbackOnly(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"http://127.0.0.1:8080":    true,
		"http://localhost":         true,
		"http://[::1]:1":           true,
		"http://LOCALHOST/":        true,
		"http://api.example.test":  false,
		"http://10.0.0.1":          false,
		"http://127.0.0.1.nip.io":  false,
		"https://api.example.test": true,
	} {
		_, err := New(static("t"), &partnercenter.Options{Endpoint: endpoint}, testDefaults)
		if (err == nil) != ok {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

func FuzzResolveLink(f *testing.F) {
	for _, link := range []string{
		"v1.0/ingestion/products?$skipToken=eyJ", "/x", "//evil.test", "///evil.test", `\\evil.test`, `/\evil.test`, "https:evil.test",
		"https://api.example.test/x", "https://api.example.test@evil.test/", "https://u:p@api.example.test", "../../x", "?a=b c", "#f", "%2f%2fevil.test",
		"https://api.example.test:443/x", "HTTPS://API.EXAMPLE.TEST", "http://api.example.test", "%2e%2e/x", "/..//evil.test/x", ".//evil.test", "",
	} {
		f.Add(link)
	}
	c, err := New(static("t"), &partnercenter.Options{Transport: script(respond(200, ""))}, testDefaults)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, link string) {
		u, err := c.resolveLink(link)
		if err != nil {
			return
		}
		if !sameOrigin(u, c.base) || u.User != nil || u.Opaque != "" || strings.Contains(u.RawQuery, " ") {
			t.Errorf("%q becomes %q", link, u)
		}
		// What goes over the wire as text must mean the same to its reader.
		again, err := url.Parse(u.String())
		if err != nil || !sameOrigin(again, c.base) {
			t.Errorf("%q becomes %q, read again as %q, %v", link, u, again, err)
		}
		if target := u.RequestURI(); !strings.HasPrefix(target, "/") {
			t.Errorf("%q is requested as %q", link, target)
		}
	})
}
