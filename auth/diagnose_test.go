package auth_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// onlyPayouts is the one API that pctest serves.
func onlyPayouts() []auth.API { return auth.PartnerAPIs()[:1] }

func diagnose(t *testing.T, src auth.TokenSource, opts auth.DiagnoseOptions) *auth.Diagnosis {
	t.Helper()
	d, err := auth.Diagnose(t.Context(), src, &opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// findings returns the findings on the only API, one line each.
func findings(d *auth.Diagnosis) []string {
	var all []string
	for _, f := range d.APIs[0].Findings {
		all = append(all, f.Severity.String()+": "+f.Text+" | "+f.Advice)
	}
	return all
}

// expectFinding checks that there is exactly one finding of the severity, and that it has the words.
func expectFinding(t *testing.T, d *auth.Diagnosis, s auth.Severity, words ...string) {
	t.Helper()
	var of []string
	for i, f := range d.APIs[0].Findings {
		if f.Severity == s {
			of = append(of, findings(d)[i])
		}
	}
	if len(of) != 1 {
		t.Errorf("%d findings are a %v, want 1, in:\n%s", len(of), s, strings.Join(findings(d), "\n"))
		return
	}
	for _, w := range words {
		if !strings.Contains(of[0], w) {
			t.Errorf("%q lacks %q", of[0], w)
		}
	}
	if d.OK() != (s != auth.Problem) {
		t.Errorf("OK is %t with a %v", d.OK(), s)
	}
}

func TestDiagnosisOfAGoodToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		var seen string
		d := diagnose(t, srv.TokenSource(), auth.DiagnoseOptions{
			APIs: onlyPayouts(), TenantID: srv.TenantID(),
			Transport: apiFunc(func(r *http.Request) (*http.Response, error) {
				seen = r.Method + " " + r.URL.String() + " " + r.Header.Get("ValidateMfa")
				return srv.Transport().RoundTrip(r)
			}),
		})
		if len(d.APIs[0].Findings) != 0 || !d.OK() {
			t.Errorf("findings:\n%s", strings.Join(findings(d), "\n"))
		}
		if want := "GET https://api.partner.microsoft.com/v1.0/payouts/payments/00000000-0000-0000-0000-000000000000 true"; seen != want {
			t.Errorf("asked %q, want %q", seen, want)
		}
		p := d.APIs[0].Probe
		report := strings.NewReplacer(p.RequestID, "REQUEST", p.CorrelationID, "CORRELATION").Replace(d.String())
		want := `sign-in report of 2000-01-01 00:00:00Z

payouts, https://api.partner.microsoft.com
  expects  a token that stands for a user, from a sign-in with multifactor authentication; the delegated permission user_impersonation, and a user who sees earnings in Partner Center
  token    stands for a user; application ` + srv.ClientID() + `; tenant ` + srv.TenantID() + `; audience https://api.partner.microsoft.com; version 1.0
           scopes user_impersonation; amr pwd, mfa
           issued 2000-01-01 00:00:00Z; expires 2000-01-01 00:59:59Z (in 59m59s)
  probe    GET /v1.0/payouts/payments/00000000-0000-0000-0000-000000000000: 404 Not Found; multifactor proven true; request id REQUEST; correlation id CORRELATION
  result   fine
`
		if diff := cmp.Diff(want, report); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
	})
}

func TestDiagnosisNamesNobodyAndShowsNoToken(t *testing.T) {
	srv := pctest.NewServer(t)
	tok := get(t, srv.TokenSource(), auth.TokenRequest{})
	src := auth.Static(tok)
	opts := auth.DiagnoseOptions{APIs: onlyPayouts(), Transport: srv.Transport()}
	d := diagnose(t, src, opts)
	for _, text := range reportTexts(t, d) {
		for _, canary := range []string{tok.Value.Reveal(), strings.Split(tok.Value.Reveal(), ".")[1], srv.Username(), "finance"} {
			if strings.Contains(text, canary) {
				t.Errorf("%q is in %s", canary, text)
			}
		}
	}
	if d.APIs[0].Token.ObjectID != "" {
		t.Error("the user's object ID is shown")
	}
	opts.ShowUser = true
	d = diagnose(t, src, opts)
	if !strings.Contains(d.String(), srv.Username()) || d.APIs[0].Token.ObjectID == "" {
		t.Errorf("the user was asked for and is not in\n%s", d)
	}
}

// reportTexts are the forms in which a diagnosis leaves the program.
func reportTexts(t *testing.T, d *auth.Diagnosis) []string {
	t.Helper()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return []string{d.String(), string(b), fmt.Sprintf("%+v", *d), fmt.Sprintf("%#v", *d)}
}

func TestDiagnosisOfAnApplicationsToken(t *testing.T) {
	srv := pctest.NewServer(t)
	opts := auth.DiagnoseOptions{APIs: onlyPayouts(), Transport: srv.Transport()}

	d := diagnose(t, srv.AppOnlyTokenSource(), opts)
	expectFinding(t, d, auth.Note, "documented for the tokens of users", "accepted that of the application")
	if got := d.APIs[0].Token.Caller; got != auth.AppCaller {
		t.Errorf("the token's caller is %v", got)
	}

	srv.Payouts().Configure(func(b *pctest.Behavior) { b.RefuseAppOnly = true })
	expectFinding(t, diagnose(t, srv.AppOnlyTokenSource(), opts), auth.Problem, "400", "missing user information", "stands for a user")

	opts.SkipProbe = true
	d = diagnose(t, srv.AppOnlyTokenSource(), opts)
	expectFinding(t, d, auth.Warning, "application's own", "authorization code or device code")
	if d.APIs[0].Probe != nil {
		t.Error("the API was asked although that was to be left out")
	}
}

func TestDiagnosisOfASignInWithoutMFA(t *testing.T) {
	srv := pctest.NewServer(t)
	src := usernamePassword(t, auth.App{TenantID: srv.TenantID(), ClientID: srv.ClientID()},
		auth.UserPassword{Username: srv.Username(), Password: srv.Password()}, &auth.Options{Transport: srv.Transport()})
	opts := auth.DiagnoseOptions{APIs: onlyPayouts(), Transport: srv.Transport()}

	d := diagnose(t, src, opts)
	expectFinding(t, d, auth.Problem, "the API says", "does not prove multifactor", "sign in again")
	if want := "password of [user] through application " + srv.ClientID(); d.Source != want {
		t.Errorf("the source is %q, want %q", d.Source, want)
	}
	srv.Payouts().Configure(func(b *pctest.Behavior) { b.RequireMFA = true })
	expectFinding(t, diagnose(t, src, opts), auth.Problem, "401", "900421", "sign in again")
	opts.SkipProbe = true
	expectFinding(t, diagnose(t, src, opts), auth.Problem, "amr claim has only pwd", "sign in again")
}

func TestDiagnosisOfAMissingToken(t *testing.T) {
	srv := pctest.NewServer(t)
	src := usernamePassword(t, auth.App{TenantID: srv.TenantID(), ClientID: srv.ClientID()},
		auth.UserPassword{Username: "no.one+1@contoso.example", Password: srv.Password()}, &auth.Options{Transport: srv.Transport()})
	d := diagnose(t, src, auth.DiagnoseOptions{Transport: srv.Transport()})
	expectFinding(t, d, auth.Problem, "no token", "AADSTS50034", "no such user")
	if strings.Count(findings(d)[0], "no such user") != 1 {
		t.Errorf("advice is given twice: %s", findings(d)[0])
	}
	for _, text := range reportTexts(t, d) {
		if strings.Contains(text, "no.one") || strings.Contains(text, srv.Password().Reveal()) {
			t.Errorf("the user or the password is in %s", text)
		}
	}
	if len(d.APIs) != len(auth.PartnerAPIs()) {
		t.Errorf("%d APIs were looked at, want all %d", len(d.APIs), len(auth.PartnerAPIs()))
	}
}

func TestDiagnosisAsksOnceForEachResource(t *testing.T) {
	var asked []string
	src := auth.TokenSourceFunc(func(_ context.Context, r auth.TokenRequest) (auth.Token, error) {
		asked = append(asked, r.Resource+" "+r.TenantID)
		return auth.Token{}, errors.New("no")
	})
	diagnose(t, src, auth.DiagnoseOptions{TenantID: otherTenant})
	want := []string{"https://api.partner.microsoft.com " + otherTenant, "https://api.partnercenter.microsoft.com " + otherTenant}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

// The doctor sends tokens too, and not to strangers either.
func TestDiagnosisOfAStrangeEndpoint(t *testing.T) {
	src := clientCredentials(t, confidentialApp(), local(entra.New(directory())))
	apis := auth.PartnerAPIs()[:1]
	apis[0].Endpoint = "https://api.partner.rnicrosoft.com"
	sent := 0
	d := diagnose(t, src, auth.DiagnoseOptions{APIs: apis, Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		sent++
		return nil, errors.New("unreachable")
	})})
	if f := d.APIs[0].Findings; sent != 0 || len(f) != 1 || f[0].Severity != auth.Problem || !strings.Contains(f[0].Text, "api.partner.rnicrosoft.com") || !strings.Contains(f[0].Advice, "Cloud.Hosts") {
		t.Errorf("%d requests, findings %+v", sent, f)
	}
}

// unverified makes a token that says what is given; nobody verifies it here.
func unverified(claims map[string]any) auth.Token {
	b, _ := json.Marshal(claims)
	enc := base64.RawURLEncoding.EncodeToString
	return auth.Token{Value: pc.NewSecret(enc([]byte(`{"alg":"RS256"}`)) + "." + enc(b) + "." + enc([]byte("signature")))}
}

// goodToken are the claims of a token that nothing is wrong with.
func goodToken(change ...func(map[string]any)) auth.Token {
	return goodTokenAt(time.Now(), change...)
}

func goodTokenAt(now time.Time, change ...func(map[string]any)) auth.Token {
	claims := map[string]any{
		"aud": "https://api.partner.microsoft.com", "tid": tenantID, "appid": clientID, "idtyp": "user", "scp": "user_impersonation",
		"upn": upn, "oid": "00000000-aaaa-4bbb-8ccc-000000000000", "amr": []string{"pwd", "mfa"}, "ver": "1.0",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for _, c := range change {
		c(claims)
	}
	return unverified(claims)
}

func claim(name string, value any) func(map[string]any) {
	return func(m map[string]any) { m[name] = value }
}

func TestDiagnosisOfWhatTokensSay(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when bubbles begin
	good := func(change ...func(map[string]any)) auth.Token { return goodTokenAt(now, change...) }
	for name, c := range map[string]struct {
		token    auth.Token
		tenant   string
		severity auth.Severity
		words    []string
	}{
		"an opaque token":       {auth.Token{Value: pc.NewSecret("opaque"), ExpiresOn: now.Add(time.Hour)}, "", auth.Note, []string{"not a JSON Web Token"}},
		"of no known end":       {good(claim("exp", nil)), "", auth.Note, []string{"nobody knows when"}},
		"for another API":       {good(claim("aud", "https://management.azure.com")), "", auth.Problem, []string{"900420", "management.azure.com", "Request the token for https://api.partner.microsoft.com"}},
		"for the retired Graph": {good(claim("aud", "https://graph.windows.net/")), "", auth.Problem, []string{"900420", "no longer"}},
		"from another tenant":   {good(), otherTenant, auth.Problem, []string{tenantID, otherTenant}},
		"of an application":     {good(claim("idtyp", "app"), claim("scp", nil), claim("upn", nil), claim("amr", nil)), "", auth.Warning, []string{"application's own"}},
		"without MFA":           {good(claim("amr", []string{"pwd", "rsa"})), "", auth.Problem, []string{"pwd, rsa", "multifactor"}},
		"silent on MFA":         {good(claim("amr", nil)), "", auth.Note, []string{"does not say how the user signed in"}},
		"expired":               {good(claim("exp", now.Add(-time.Minute).Unix())), "", auth.Problem, []string{"expired on"}},
		"soon expired":          {good(claim("exp", now.Add(2*time.Minute).Unix())), "", auth.Warning, []string{"expires in 2m0s"}},
		"not yet valid":         {good(claim("nbf", now.Add(20*time.Minute).Unix())), "", auth.Problem, []string{"clock", "20m0s slow", "NTP"}},
		"of disputed end":       {auth.Token{Value: good().Value, ExpiresOn: now.Add(3 * time.Hour)}, "", auth.Warning, []string{"the token itself says"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := diagnose(t, auth.Static(c.token), auth.DiagnoseOptions{APIs: onlyPayouts(), TenantID: c.tenant, SkipProbe: true})
				expectFinding(t, d, c.severity, c.words...)
			})
		})
	}
}

func TestGoodTokensGiveNoFindings(t *testing.T) {
	for name, c := range map[string]struct {
		token  auth.Token
		tenant string
	}{
		"of version 1":             {goodToken(), tenantID},
		"with the API's own ID":    {goodToken(claim("aud", "4990CFFE-04e8-4e8b-808a-1175604b879f")), ""},
		"with a slash at the end":  {goodToken(claim("aud", "https://api.partner.microsoft.com/")), ""},
		"of a tenant by its name":  {goodToken(), "contoso.example"},
		"with times as texts":      {goodToken(claim("exp", fmt.Sprint(time.Now().Add(time.Hour).Unix()))), ""},
		"with one method as text":  {goodToken(claim("amr", "mfa")), ""},
		"with oddities elsewhere":  {goodToken(claim("roles", 7), claim("appid", []int{1}), claim("iat", "yesterday")), ""},
		"with another application": {goodToken(claim("appid", nil), claim("azp", clientID)), ""},
	} {
		d := diagnose(t, auth.Static(c.token), auth.DiagnoseOptions{APIs: onlyPayouts(), TenantID: c.tenant, SkipProbe: true})
		if len(d.APIs[0].Findings) > 0 {
			t.Errorf("%s: %s", name, strings.Join(findings(d), "\n"))
		}
		if got := d.APIs[0].Token.Caller; got != auth.UserCaller {
			t.Errorf("%s: caller %v, want user", name, got)
		}
	}
}

func TestCallersAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]any
		want   auth.Caller
	}{
		"by the claim that says so":      {map[string]any{"idtyp": "app", "scp": "x"}, auth.AppCaller},
		"by roles without permissions":   {map[string]any{"roles": []string{"Reports.Read"}}, auth.AppCaller},
		"by the subject":                 {map[string]any{"oid": "1", "sub": "1"}, auth.AppCaller},
		"by delegated permissions":       {map[string]any{"scp": "x", "roles": []string{"r"}, "oid": "1", "sub": "1"}, auth.UserCaller},
		"by the name":                    {map[string]any{"unique_name": "a@b.example"}, auth.UserCaller},
		"by the sign-in":                 {map[string]any{"amr": []string{"mfa"}}, auth.UserCaller},
		"not at all":                     {map[string]any{"oid": "1", "sub": "2"}, auth.AnyCaller},
		"not by claims of another shape": {map[string]any{"idtyp": 1, "scp": []string{"x"}}, auth.AnyCaller},
	} {
		d := diagnose(t, auth.Static(unverified(c.claims)), auth.DiagnoseOptions{APIs: onlyPayouts(), SkipProbe: true})
		if got := d.APIs[0].Token.Caller; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// apiFunc is a transport made of a function.
type apiFunc func(*http.Request) (*http.Response, error)

func (f apiFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// apiAnswering is an API that gives one answer to everything.
func apiAnswering(status int, body string, header ...string) apiFunc {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}
		for i := 0; i+1 < len(header); i += 2 {
			h[header[i]] = []string{header[i+1]}
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func TestDiagnosisOfWhatTheAPIAnswers(t *testing.T) {
	clock := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		api      apiFunc
		token    auth.Token
		severity auth.Severity
		words    []string
	}{
		"wrong audience": {
			apiAnswering(401, `{"code":"900420","message":"The audience in the token is not supported"}`), goodToken(),
			auth.Problem, []string{"401", "900420", "audience", "https://api.partnercenter.microsoft.com for analytics"},
		},
		"no MFA": {
			apiAnswering(401, `{"error":{"code":"900421","message":"for `+upn+`"}}`), goodToken(),
			auth.Problem, []string{"900421", "for [user]", "multifactor"},
		},
		"judged not to have MFA": {
			apiAnswering(404, ``, "isMfaCompliant", "False"), goodToken(),
			auth.Problem, []string{"the API says", "multifactor"},
		},
		"judged to have it after all": {
			apiAnswering(200, `{}`, "ismfacompliant", "TRUE"), goodToken(claim("amr", []string{"pwd"})),
			auth.Note, []string{"although its amr claim (pwd)"},
		},
		"no permission":   {apiAnswering(403, `{"code":"403","message":"no"}`), goodToken(), auth.Problem, []string{"403", "role"}},
		"a plain refusal": {apiAnswering(401, ``), goodToken(), auth.Problem, []string{"401 Unauthorized", "user_impersonation"}},
		"busy":            {apiAnswering(429, ``, "Retry-After", "3600"), goodToken(), auth.Warning, []string{"429", "later"}},
		"broken":          {apiAnswering(500, ``, "Retry-After", "3600"), goodToken(), auth.Warning, []string{"500", "later"}},
		"something else":  {apiAnswering(409, ``), goodToken(), auth.Warning, []string{"409", "says nothing about the token"}},
		"a redirect":      {apiAnswering(302, ``, "Location", "https://elsewhere.example/"), goodToken(), auth.Warning, []string{"elsewhere.example"}},
		"nothing": {
			func(*http.Request) (*http.Response, error) { return nil, errors.New("no route for " + upn) }, goodToken(),
			auth.Problem, []string{"no answer", "no route for [user]", "network"},
		},
		"a token that cannot be sent": {apiAnswering(200, ``), auth.Token{Value: pc.NewSecret("Bearer x"), ExpiresOn: time.Now().Add(time.Hour)}, auth.Problem, []string{"without \"Bearer\""}},
		"with a clock that is ahead":  {apiAnswering(200, `{}`, "Date", clock(10*time.Minute)), goodToken(), auth.Problem, []string{"slow", "NTP"}},
		"with a clock that is behind": {apiAnswering(200, `{}`, "Date", clock(-10*time.Minute)), goodToken(), auth.Problem, []string{"fast", "NTP"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := diagnose(t, auth.Static(c.token), auth.DiagnoseOptions{APIs: onlyPayouts(), Transport: c.api})
			expectFinding(t, d, c.severity, c.words...)
			for _, text := range reportTexts(t, d) {
				if strings.Contains(text, upn) {
					t.Errorf("the user is in %s", text)
				}
			}
		})
	}
}

func TestDiagnosisEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src := auth.TokenSourceFunc(func(context.Context, auth.TokenRequest) (auth.Token, error) {
		cancel()
		return auth.Token{}, context.Canceled
	})
	if d, err := auth.Diagnose(ctx, src, nil); d != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("diagnosis %v, error %v", d, err)
	}
}

func TestDiagnoseChecksItsArguments(t *testing.T) {
	src := auth.Static(goodToken())
	for name, c := range map[string]struct {
		src  auth.TokenSource
		apis []auth.API
		want string
	}{
		"no source":         {nil, nil, "nil source"},
		"no resource":       {src, []auth.API{{Name: "mine"}}, `"mine" has no Resource`},
		"no endpoint":       {src, []auth.API{{Resource: resource, ProbePath: "/x"}}, "no Endpoint"},
		"no path":           {src, []auth.API{{Resource: resource, Endpoint: resource, ProbePath: "x"}}, "slash"},
		"a URL for a path":  {src, []auth.API{{Resource: resource, Endpoint: resource, ProbePath: "//elsewhere.example/x"}}, "not a path"},
		"an unusable place": {src, []auth.API{{Resource: resource, Endpoint: "http://elsewhere.example", ProbePath: "/x"}}, ""},
	} {
		d, err := auth.Diagnose(t.Context(), c.src, &auth.DiagnoseOptions{APIs: c.apis})
		switch {
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		case c.want == "" && (err != nil || d.OK() || d.APIs[0].Probe.Status != 0):
			t.Errorf("%s: a token goes out over plain http: %v, %v", name, d, err)
		}
	}
}

func TestFindingsAreSortedByGravity(t *testing.T) {
	d := diagnose(t, auth.Static(goodToken(claim("aud", "x"), claim("amr", nil), claim("exp", time.Now().Add(time.Minute).Unix()))), auth.DiagnoseOptions{APIs: onlyPayouts(), SkipProbe: true})
	var got []auth.Severity
	for _, f := range d.APIs[0].Findings {
		got = append(got, f.Severity)
	}
	if want := []auth.Severity{auth.Problem, auth.Warning, auth.Note}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestJSONOfADiagnosisUsesWords(t *testing.T) {
	d := diagnose(t, auth.Static(goodToken(claim("aud", "x"))), auth.DiagnoseOptions{APIs: onlyPayouts(), SkipProbe: true})
	text := reportTexts(t, d)[1]
	for _, want := range []string{`"severity":"problem"`, `"caller":"user"`, `"findings":[`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
}

func TestCodesAreExplained(t *testing.T) {
	for code, want := range map[string]string{
		"AADSTS7000222": "expired", "7000215": "value", "aadsts50076\n": "Multifactor", "900420": "audience", "AADSTS900421": "multifactor",
	} {
		if got := auth.ExplainCode(code); !strings.Contains(got, want) {
			t.Errorf("%q is explained as %q, want %q in it", code, got, want)
		}
	}
	for _, code := range []string{"", "AADSTS", "1", "AADSTS99999999999999999999", "hello"} {
		if got := auth.ExplainCode(code); got != "" {
			t.Errorf("%q is explained as %q", code, got)
		}
	}
}

func TestErrorsAreExplained(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"of sign-in":              {fmt.Errorf("w: %w", &auth.Error{Kind: auth.KindWrongCloud, Advice: "own advice"}), "own advice"},
		"of sign-in, by number":   {&auth.Error{STSCodes: []int{1, 7000222}}, "expired"},
		"of sign-in, by kind":     {&auth.Error{Kind: auth.KindTransient}, "again later"},
		"of an API, by code":      {&pc.Error{Code: "900421"}, "multifactor"},
		"of an API, by advice":    {&pc.Error{Code: "x", Advice: "own advice"}, "own advice"},
		"of others, by number":    {errors.New("x AADSTS700016: y"), "App.ClientID"},
		"of others, of the gates": {errors.New("error 900420"), "audience"},
		"of others":               {errors.New("whatever"), ""},
		"none":                    {nil, ""},
	} {
		if got := auth.Explain(c.err); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q, want %q in it", name, got, c.want)
		}
	}
}

func FuzzDiagnose(f *testing.F) {
	f.Add([]byte(`{"aud":"x","exp":1,"amr":["a"],"upn":"a@b.example"}`))
	f.Add([]byte(`{"aud":[1],"exp":1e99,"amr":null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		value := "a." + base64.RawURLEncoding.EncodeToString(payload) + ".b"
		d, err := auth.Diagnose(t.Context(), auth.Static(auth.Token{Value: pc.NewSecret(value)}), &auth.DiagnoseOptions{SkipProbe: true})
		if err != nil {
			t.Fatal(err)
		}
		text := d.String()
		if strings.Contains(text, value) {
			t.Error("the token is in the report")
		}
		if _, err := json.Marshal(d); err != nil {
			t.Errorf("the report is no JSON: %v", err)
		}
	})
}
