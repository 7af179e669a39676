package entra

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pc "github.com/partnercenter-go/partnercenter"
)

const (
	signInTenant = "aaaaaaaa-1111-4222-8333-444444444444"
	signInApp    = "bbbbbbbb-1111-4222-8333-444444444444"
	signInHost   = "https://login.microsoftonline.com"
	signInBack   = "https://app.contoso.example/callback?a=b"
	signInUser   = "user@contoso.example"
	signInAdmin  = "admin@contoso.example"
)

func signInServer() *Server {
	return New(Config{
		Tenants: []Tenant{{ID: signInTenant}},
		Apps: []App{{
			ClientID: signInApp, PublicClient: true, Secrets: []AppSecret{{Value: pc.NewSecret("s")}},
			RedirectURIs: []string{signInBack, "http://localhost/here"},
		}},
		Users: []User{
			{UPN: signInUser, TenantID: signInTenant, Password: pc.NewSecret("p")},
			{UPN: signInAdmin, TenantID: signInTenant, Password: pc.NewSecret("p"), RequireMFA: true},
		},
		Resources: []Resource{{Audience: "https://api.example"}},
	})
}

// authorizeQuery is a request for a code; changes replace or, when empty, remove parameters.
func authorizeQuery(changes ...string) url.Values {
	q := url.Values{
		"client_id": {signInApp}, "redirect_uri": {signInBack}, "response_type": {"code"}, "state": {"st<>"},
		"scope": {"https://api.example/.default openid offline_access"},
	}
	for pair := range slices.Chunk(changes, 2) {
		q.Del(pair[0])
		if pair[1] != "" {
			q.Set(pair[0], pair[1])
		}
	}
	return q
}

// browse sends a request as a browser does.
func browse(s *Server, method, path string, v url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	var r *http.Request
	if method == http.MethodGet {
		r = httptest.NewRequest(method, signInHost+path+"?"+v.Encode(), http.NoBody) //nolint:noctx // httptest has its own
	} else {
		r = httptest.NewRequest(method, signInHost+path, strings.NewReader(v.Encode())) //nolint:noctx // httptest has its own
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	s.ServeHTTP(w, r)
	return w
}

var sessionField = regexp.MustCompile(`name="session" value="([^"]+)"`)

// submit sends the form of a page.
func submit(t *testing.T, s *Server, page string, fields ...string) *httptest.ResponseRecorder {
	t.Helper()
	m := sessionField.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no form in %s", page)
	}
	v := url.Values{"session": {m[1]}}
	for pair := range slices.Chunk(fields, 2) {
		v.Set(pair[0], pair[1])
	}
	return browse(s, http.MethodPost, "/"+signInTenant+"/login", v)
}

func authorizePath() string { return "/" + signInTenant + "/oauth2/v2.0/authorize" }

func TestPagesOfASignIn(t *testing.T) {
	s := signInServer()
	w := browse(s, http.MethodGet, authorizePath(), authorizeQuery("login_hint", `"><b>`))
	if w.Code != 200 || !strings.Contains(w.Body.String(), "<title>Sign in<") || strings.Contains(w.Body.String(), `"><b>`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w = submit(t, s, w.Body.String(), "action", "password", "username", signInAdmin, "password", "x"); !strings.Contains(w.Body.String(), "is wrong") {
		t.Errorf("a wrong password: %s", w.Body)
	}
	first := w.Body.String()
	if w = submit(t, s, first, "action", "accept"); w.Code != 400 || !strings.Contains(w.Body.String(), "does not belong") {
		t.Errorf("consent before the password: %d %s", w.Code, w.Body)
	}
	w = submit(t, s, first, "action", "password", "username", signInAdmin, "password", "p")
	if !strings.Contains(w.Body.String(), "<title>Enter code<") {
		t.Fatalf("%s", w.Body)
	}
	second := w.Body.String()
	if w = submit(t, s, second, "action", "accept"); w.Code != 400 {
		t.Errorf("consent before the second factor: %d", w.Code)
	}
	if w = submit(t, s, second, "action", "code", "code", "1"); !strings.Contains(w.Body.String(), "code is wrong") {
		t.Errorf("a wrong code: %s", w.Body)
	}
	w = submit(t, s, second, "action", "code", "code", "123456")
	if !strings.Contains(w.Body.String(), "<title>Permissions requested<") {
		t.Fatalf("%s", w.Body)
	}
	consent := w.Body.String()
	w = submit(t, s, consent, "action", "accept")
	back, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusFound || back.Query().Get("state") != "st<>" || back.Query().Get("a") != "b" || back.Query().Get("code") == "" {
		t.Fatalf("%d to %v, %v", w.Code, back, err)
	}
	if w = submit(t, s, consent, "action", "accept"); w.Code != 400 {
		t.Errorf("a sign-in that is over: %d", w.Code)
	}
	// The next time nobody is asked for consent, unless the application wants it.
	for prompt, want := range map[string]int{"": http.StatusFound, "consent": http.StatusOK} {
		w = browse(s, http.MethodGet, authorizePath(), authorizeQuery("prompt", prompt))
		w = submit(t, s, w.Body.String(), "action", "password", "username", signInAdmin, "password", "p")
		if w = submit(t, s, w.Body.String(), "action", "code", "code", "123456"); w.Code != want {
			t.Errorf("prompt %q: %d, want %d", prompt, w.Code, want)
		}
	}
}

func TestWaysBackFromASignIn(t *testing.T) {
	s := signInServer()
	cancel := func(changes ...string) *httptest.ResponseRecorder {
		return submit(t, s, browse(s, http.MethodGet, authorizePath(), authorizeQuery(changes...)).Body.String(), "action", "cancel")
	}
	if to := cancel().Header().Get("Location"); !strings.HasPrefix(to, signInBack+"&error=access_denied&") || !strings.Contains(to, "AADSTS65004") {
		t.Errorf("query: %s", to)
	}
	if to := cancel("response_mode", "fragment").Header().Get("Location"); !strings.HasPrefix(to, signInBack+"#error=access_denied&") {
		t.Errorf("fragment: %s", to)
	}
	page := html.UnescapeString(cancel("response_mode", "form_post").Body.String())
	if !strings.Contains(page, `action="`+signInBack+`"`) || !strings.Contains(page, `name="error" value="access_denied"`) || !strings.Contains(page, `name="state" value="st<>"`) {
		t.Errorf("form_post: %s", page)
	}
	if to := cancel("redirect_uri", "http://localhost:8400/here").Header().Get("Location"); !strings.HasPrefix(to, "http://localhost:8400/here?error=") {
		t.Errorf("loopback: %s", to)
	}
	w := browse(s, http.MethodGet, authorizePath(), authorizeQuery("prompt", "none"))
	if to := w.Header().Get("Location"); !strings.Contains(to, "error=login_required") {
		t.Errorf("prompt none: %s", to)
	}
}

func TestSignInsThatAreShownAnErrorPage(t *testing.T) {
	s := signInServer()
	for _, c := range []struct {
		path    string
		changes []string
		code    string
	}{
		{"/nowhere.example/oauth2/v2.0/authorize", nil, "90002"},
		{"", []string{"client_id", "x"}, "700016"},
		{"", []string{"redirect_uri", "https://evil.example/"}, "50011"},
		{"", []string{"redirect_uri", "http://localhost:1/elsewhere"}, "50011"},
		{"", []string{"redirect_uri", "https://localhost/here"}, "50011"},
		{"", []string{"scope", "openid"}, "70011"},
		{"", []string{"response_type", "token"}, "700054"},
		{"", []string{"response_mode", "x"}, "900144"},
		{"", []string{"code_challenge", "x", "code_challenge_method", "S1"}, "9002313"},
	} {
		path := c.path
		if path == "" {
			path = authorizePath()
		}
		w := browse(s, http.MethodGet, path, authorizeQuery(c.changes...))
		if w.Code != 400 || !strings.Contains(w.Body.String(), "AADSTS"+c.code+":") || w.Header().Get("Location") != "" {
			t.Errorf("%s %v: %d %s", c.path, c.changes, w.Code, w.Body)
		}
		if _, err := s.Visit(signInHost+path+"?"+authorizeQuery(c.changes...).Encode(), Decision{UPN: signInUser}); err == nil || !strings.Contains(err.Error(), c.code) {
			t.Errorf("Visit %s %v: %v", c.path, c.changes, err)
		}
	}
	for _, u := range []string{"%", signInHost + "/x/y"} {
		if _, err := s.Visit(u, Decision{}); err == nil {
			t.Errorf("visited %q", u)
		}
	}
	if _, err := s.Visit(signInHost+authorizePath()+"?"+authorizeQuery().Encode(), Decision{UPN: "nobody"}); err == nil {
		t.Error("nobody signed in")
	}
}

// ask posts a form to the token endpoint and returns the AADSTS number, 0 for success.
func ask(t *testing.T, s *Server, endpoint string, form url.Values) (int, map[string]any) {
	t.Helper()
	w := browse(s, http.MethodPost, "/"+signInTenant+"/oauth2/v2.0/"+endpoint, form)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	if codes, ok := out["error_codes"].([]any); ok {
		n, _ := codes[0].(float64)
		return int(n), out
	}
	return 0, out
}

func TestCodesAreBoundToTheirRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signInServer()
		sum := sha256.Sum256([]byte("verifier"))
		challenge := base64.RawURLEncoding.EncodeToString(sum[:])
		code := func(changes ...string) string {
			back, err := s.Visit(signInHost+authorizePath()+"?"+authorizeQuery(changes...).Encode(), Decision{UPN: signInUser})
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(back)
			if err != nil {
				t.Fatal(err)
			}
			return u.Query().Get("code")
		}
		form := func(code string, more ...string) url.Values {
			v := url.Values{
				"grant_type": {"authorization_code"}, "client_id": {signInApp}, "code": {code}, "redirect_uri": {signInBack},
				"scope": {"https://api.example/.default openid offline_access"},
			}
			for pair := range slices.Chunk(more, 2) {
				v.Set(pair[0], pair[1])
			}
			return v
		}
		s256 := []string{"code_challenge", challenge, "code_challenge_method", "S256"}
		for name, c := range map[string]struct {
			form url.Values
			want int
		}{
			"unknown":          {form("x"), 70000},
			"another redirect": {form(code(), "redirect_uri", "http://localhost/here"), 500112},
			"no verifier":      {form(code(s256...)), 50148},
			"wrong verifier":   {form(code(s256...), "code_verifier", challenge), 501481},
			"right verifier":   {form(code(s256...), "code_verifier", "verifier"), 0},
			"plain":            {form(code("code_challenge", "v"), "code_verifier", "v"), 0},
			"no challenge":     {form(code()), 0},
		} {
			if got, _ := ask(t, s, "token", c.form); got != c.want {
				t.Errorf("%s: %d, want %d", name, got, c.want)
			}
		}
		one := code()
		if got, answer := ask(t, s, "token", form(one)); got != 0 || answer["refresh_token"] == nil || answer["id_token"] == nil {
			t.Errorf("%d %v", got, answer)
		}
		if got, _ := ask(t, s, "token", form(one)); got != 54005 {
			t.Errorf("again: %d", got)
		}
		if got, answer := ask(t, s, "token", form(code("scope", "https://api.example/.default"))); got != 0 || answer["refresh_token"] != nil {
			t.Errorf("without offline_access: %d %v", got, answer)
		}
		old := code()
		time.Sleep(10*time.Minute + time.Second)
		if got, _ := ask(t, s, "token", form(old)); got != 70008 {
			t.Errorf("old: %d", got)
		}
	})
}

// Clients that keep to the protocol say what they want once, when the flow begins.
func TestSecondLegNeedNotSayWhatTheFirstHasSaid(t *testing.T) {
	t.Parallel()
	s := signInServer()
	first := authorizeQuery("nonce", "n-0")
	back, err := s.Visit(signInHost+authorizePath()+"?"+first.Encode(), Decision{UPN: signInUser})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	_, device := ask(t, s, "devicecode", url.Values{"client_id": {signInApp}, "scope": first["scope"]})
	code, _ := device["device_code"].(string)
	user, _ := device["user_code"].(string)
	if err := s.ApproveDevice(user, signInUser); err != nil {
		t.Fatal(err)
	}
	for nonce, form := range map[string]url.Values{
		"n-0": {"grant_type": {"authorization_code"}, "client_id": {signInApp}, "code": u.Query()["code"], "redirect_uri": {signInBack}},
		"":    {"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {signInApp}, "device_code": {code}},
	} {
		status, answer := ask(t, s, "token", form)
		token, _ := answer["access_token"].(string)
		if claims, ok := s.Check(token); status != 0 || !ok || claims.Audience != "https://api.example" || answer["refresh_token"] == nil {
			t.Errorf("%s: %d, the token is for %q, %v", form["grant_type"], status, claims.Audience, answer["refresh_token"] != nil)
		}
		id, _ := answer["id_token"].(string)
		parts := strings.Split(id, ".")
		if len(parts) != 3 {
			t.Fatalf("%s: the id token is %q", form["grant_type"], id)
		}
		b, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Nonce string `json:"nonce"`
		}
		if err := json.Unmarshal(b, &claims); err != nil || claims.Nonce != nonce {
			t.Errorf("%s: the nonce is %q, %v", form["grant_type"], claims.Nonce, err)
		}
	}
	for want, form := range map[int]url.Values{
		70000: {"grant_type": {"authorization_code"}, "client_id": {signInApp}, "code": {"x"}, "redirect_uri": {signInBack}},
		70018: {"grant_type": {"device_code"}, "client_id": {signInApp}, "device_code": {"x"}},
	} {
		if got, _ := ask(t, s, "token", form); got != want {
			t.Errorf("an unknown code: %d, want %d", got, want)
		}
	}
}

// A user with nothing but a browser enters the code and signs in, in spite of some slips.
func TestPagesOfADevice(t *testing.T) {
	s := signInServer()
	begin := func() (verify, user string, redeem func() (int, map[string]any)) {
		status, answer := ask(t, s, "devicecode", url.Values{"client_id": {signInApp}, "scope": {"https://api.example/.default"}})
		if status != 0 {
			t.Fatalf("%d %v", status, answer)
		}
		code, _ := answer["device_code"].(string)
		user, _ = answer["user_code"].(string)
		verify, _ = answer["verification_uri"].(string)
		return strings.TrimPrefix(verify, signInHost), user, func() (int, map[string]any) {
			return ask(t, s, "token", url.Values{"grant_type": {"device_code"}, "client_id": {signInApp}, "device_code": {code}, "scope": {"https://api.example/.default"}})
		}
	}
	verify, user, redeem := begin()
	if w := browse(s, http.MethodGet, verify, nil); w.Code != 200 || !strings.Contains(w.Body.String(), `name="user_code"`) {
		t.Fatalf("the page for the code: %d %s", w.Code, w.Body)
	}
	if w := browse(s, http.MethodPost, verify, url.Values{"user_code": {"x"}}); !strings.Contains(w.Body.String(), "No device waits") || !strings.Contains(w.Body.String(), `name="user_code"`) {
		t.Errorf("a wrong code: %s", w.Body)
	}
	w := browse(s, http.MethodPost, verify, url.Values{"user_code": {" " + strings.ToLower(user) + " "}})
	w = submit(t, s, w.Body.String(), "action", "password", "username", signInAdmin, "password", "p")
	w = submit(t, s, w.Body.String(), "action", "code", "code", DefaultMFACode)
	if !strings.Contains(w.Body.String(), signInApp) {
		t.Fatalf("no question whether the user wants that: %s", w.Body)
	}
	if w = submit(t, s, w.Body.String(), "action", "accept"); w.Code != 200 || !strings.Contains(w.Body.String(), "You have signed in") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	status, answer := redeem()
	token, _ := answer["access_token"].(string)
	if claims, ok := s.Check(token); status != 0 || !ok || claims.UPN != signInAdmin || !slices.Contains(claims.AMR, "mfa") {
		t.Errorf("%d: the token is %v for %+v", status, ok, claims)
	}
	if w := browse(s, http.MethodPost, verify, url.Values{"user_code": {user}}); !strings.Contains(w.Body.String(), "No device waits") {
		t.Errorf("the code is good twice: %s", w.Body)
	}

	verify, user, redeem = begin()
	w = browse(s, http.MethodPost, verify, url.Values{"user_code": {user}})
	if w = submit(t, s, w.Body.String(), "action", "cancel"); !strings.Contains(w.Body.String(), "declined") {
		t.Errorf("declined: %s", w.Body)
	}
	if status, _ := redeem(); status != 70017 {
		t.Errorf("the device is told %d", status)
	}
}

// What nobody finishes does not pile up.
func TestUnfinishedSignInsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signInServer()
		for range 20 {
			for range 100 {
				browse(s, http.MethodGet, authorizePath(), authorizeQuery())
				ask(t, s, "devicecode", url.Values{"client_id": {signInApp}, "scope": {"https://api.example/.default"}})
				if _, err := s.Visit(signInHost+authorizePath()+"?"+authorizeQuery().Encode(), Decision{UPN: signInUser}); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(24 * time.Hour)
		}
		if len(s.signIns) > 1500 || len(s.devices) > 1500 || len(s.codes) > 1500 {
			t.Errorf("%d sign-ins, %d devices and %d codes are remembered", len(s.signIns), len(s.devices), len(s.codes))
		}
	})
}

// Every redemption makes one more token, and the old one stays good: a client that comes
// every minute for months must not fill the server.
func TestOldRefreshTokensAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signInServer()
		latest := ""
		for range maxRefreshTokens * 3 / 2 {
			token, err := s.IssueRefreshToken(signInApp, signInUser, nil)
			if err != nil {
				t.Fatal(err)
			}
			latest = token
			time.Sleep(time.Second)
		}
		if n := len(s.refreshTokens); n > maxRefreshTokens {
			t.Errorf("%d refresh tokens are remembered", n)
		}
		status, _ := ask(t, s, "token", url.Values{"grant_type": {"refresh_token"}, "client_id": {signInApp}, "refresh_token": {latest}, "scope": {"https://api.example/.default"}})
		if status != 0 {
			t.Errorf("the latest is answered with %d", status)
		}
	})
}

func TestDeviceCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signInServer()
		begin := func() (poll func() int, user string) {
			status, answer := ask(t, s, "devicecode", url.Values{"client_id": {signInApp}, "scope": {"https://api.example/.default offline_access"}})
			if status != 0 || answer["interval"] != 5.0 || answer["expires_in"] != 900.0 {
				t.Fatalf("%d %v", status, answer)
			}
			code, _ := answer["device_code"].(string)
			user, _ = answer["user_code"].(string)
			return func() int {
				got, _ := ask(t, s, "token", url.Values{
					"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {signInApp}, "device_code": {code},
					"scope": {"https://api.example/.default offline_access"},
				})
				return got
			}, user
		}
		poll, user := begin()
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{time.Second, 70016}, {4 * time.Second, 70021}, {9 * time.Second, 70021}, {15 * time.Second, 70016}} {
			time.Sleep(step.after)
			if got := poll(); got != step.want {
				t.Errorf("after %v: %d, want %d", step.after, got, step.want)
			}
		}
		if err := s.ApproveDevice(user, "nobody"); err == nil {
			t.Error("approved by nobody")
		}
		if err := s.ApproveDevice(user, signInAdmin); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{0, 54005} {
			time.Sleep(time.Minute)
			if got := poll(); got != want {
				t.Errorf("approved: %d, want %d", got, want)
			}
		}
		poll, user = begin()
		if err := s.DeclineDevice(user); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := poll(); got != 70017 {
			t.Errorf("declined: %d", got)
		}
		poll, user = begin()
		time.Sleep(time.Hour)
		if got := poll(); got != 70020 || s.ApproveDevice(user, signInUser) == nil {
			t.Errorf("expired: %d", got)
		}
		if got, _ := ask(t, s, "token", url.Values{"grant_type": {"device_code"}, "client_id": {signInApp}, "device_code": {"x"}, "scope": {"https://api.example/.default"}}); got != 70018 {
			t.Errorf("unknown: %d", got)
		}
		for want, form := range map[int]url.Values{
			700016: {"client_id": {"x"}, "scope": {"https://api.example/.default"}},
			70011:  {"client_id": {signInApp}},
		} {
			if got, _ := ask(t, s, "devicecode", form); got != want {
				t.Errorf("%d, want %d", got, want)
			}
		}
	})
}

func TestClientAssertionsAreVerified(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	const endpoint = signInHost + "/" + signInTenant + "/oauth2/v2.0/token"
	now := time.Now().Unix()
	forge := func(header, claims map[string]any) string {
		h := map[string]any{"alg": "PS256", "typ": "JWT", "x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}
		c := map[string]any{"aud": endpoint, "iss": signInApp, "sub": signInApp, "jti": "1", "nbf": now, "exp": now + 600}
		maps.Copy(h, header)
		maps.Copy(c, claims)
		part := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return base64.RawURLEncoding.EncodeToString(b)
		}
		text := part(h) + "." + part(c)
		digest := sha256.Sum256([]byte(text))
		sig, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + base64.RawURLEncoding.EncodeToString(sig)
	}
	good := forge(nil, nil)
	type m = map[string]any
	for name, c := range map[string]struct {
		assertion string
		change    func(url.Values)
		want      int
	}{
		"good":                {good, nil, 0},
		"altered":             {good[:len(good)-8] + "AAAAAAAA", nil, 700027},
		"two parts":           {"a.b", nil, 50027},
		"no base64":           {"!.b.c", nil, 50027},
		"no JSON":             {"aaaa.b.c", nil, 50027},
		"no type":             {good, func(v url.Values) { v.Del("client_assertion_type") }, 50027},
		"with a secret":       {good, func(v url.Values) { v.Set("client_secret", "s") }, 90014},
		"expired":             {forge(nil, m{"exp": now - 600}), nil, 700024},
		"not yet":             {forge(nil, m{"nbf": now + 600, "exp": now + 900}), nil, 700024},
		"too long":            {forge(nil, m{"exp": now + 90000}), nil, 700024},
		"audience":            {forge(nil, m{"aud": signInHost}), nil, 700023},
		"subject":             {forge(nil, m{"sub": "x"}), nil, 700021},
		"issuer":              {forge(nil, m{"iss": "https://x.example"}), nil, 700211},
		"another algorithm":   {forge(m{"alg": "none"}, nil), nil, 700027},
		"unknown certificate": {forge(m{"x5t#S256": "AAAA"}, nil), nil, 700027},
		"broken thumbprint":   {forge(m{"x5t#S256": "!"}, nil), nil, 700027},
		"broken chain":        {forge(m{"x5t#S256": "AAAA", "x5c": []string{"AAAA"}}, nil), nil, 700027},
		"chain of another":    {forge(m{"x5t#S256": "AAAA", "x5c": [][]byte{der}}, nil), nil, 700027},
	} {
		s := signInServer()
		s.SetApp(App{ClientID: signInApp, Certificates: []*x509.Certificate{cert}, Secrets: []AppSecret{{Value: pc.NewSecret("s")}}})
		form := url.Values{
			"grant_type": {"client_credentials"}, "client_id": {signInApp}, "scope": {"https://api.example/.default"},
			"client_assertion": {c.assertion}, "client_assertion_type": {jwtBearer},
		}
		if c.change != nil {
			c.change(form)
		}
		if got, answer := ask(t, s, "token", form); got != c.want {
			t.Errorf("%s: %d, want %d: %v", name, got, c.want, answer["error_description"])
		}
	}
}
