package redact

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const jwt = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2FwaSJ9.c2lnbmF0dXJl-_"

func TestSecretsAreTakenOut(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"token":                      {"token " + jwt + " refused", "token [redacted] refused"},
		"token, cut":                 {"token " + jwt[:30], "token [redacted]"},
		"five parts":                 {jwt + ".a.b end", "[redacted] end"},
		"opaque bearer":              {"Authorization: Bearer 0.AXoAbcdefghijklmnop+/= end", "Authorization: Bearer [redacted] end"},
		"bearer, JSON escapes":       {`"bearer abcdefghijklmnop\u002Bqrs\/tuv"`, `"bearer [redacted]"`},
		"SAS link":                   {"https://x.blob.example.test/c/f.zip?sv=1&sig=a%2Bb%2Fc%3D&se=2", "https://x.blob.example.test/c/f.zip?sv=1&sig=[redacted]&se=2"},
		"SAS link, signature first":  {"https://x.example.test/f?SIG=abc&se=2", "https://x.example.test/f?SIG=[redacted]&se=2"},
		"SAS link in JSON":           {`{"url":"https://x.example.test/f?se=2\u0026sig=a%2Bb\u0026sp=r"}`, `{"url":"https://x.example.test/f?se=2&sig=[redacted]&sp=r"}`},
		"SAS link, equals escaped":   {`"f?sig\u003Dabc\u002Bdef"`, `"f?sig=[redacted]"`},
		"SAS link in HTML":           {`<a href="f?se=2&amp;sig=abc&amp;sp=r">`, `<a href="f?se=2&amp;sig=[redacted]&amp;sp=r">`},
		"SAS link in a query":        {"/login?to=https%3A%2F%2Fx%3Fse%3D2%26sig%3Dabc", "/login?to=https%3A%2F%2Fx%3Fse%3D2%26sig%3D[redacted]"},
		"SAS link in a query, twice": {"to=x%253Fse%253D2%2526sig%253Dabc", "to=x%253Fse%253D2%2526sig%253D[redacted]"},
		"form":                       {"grant_type=refresh_token&refresh_token=0.AX-y&client_secret=a~b.c&scope=x", "grant_type=refresh_token&refresh_token=[redacted]&client_secret=[redacted]&scope=x"},
		"password form":              {"username=me&password=p%40ss w", "username=me&password=[redacted] w"},
		"JSON members":               {`{"access_token": "abc", "refreshToken":"d\"e\\", "password":"","x":"y"}`, `{"access_token": "[redacted]", "refreshToken":"[redacted]", "password":"[redacted]","x":"y"}`},
		"JSON member, line broken":   {"{\"clientSecret\"\n:\n\"a\\u002Bb\"}", "{\"clientSecret\"\n:\n\"[redacted]\"}"},
		"JSON in JSON":               {`"fault {\"device_code\":\"ab\\\"c\\u002Bd\",\"x\":\"y\"}"`, `"fault {\"device_code\":\"[redacted]\",\"x\":\"y\"}"`},
		"lead configuration":         {`{"ConnectionString":"a;AccountKey=b==","applicationKey":"c","azureActiveDirectoryApplicationKey": "d","httpsEndpointUri":"https://x/?code=e"}`, `{"ConnectionString":"[redacted]","applicationKey":"[redacted]","azureActiveDirectoryApplicationKey": "[redacted]","httpsEndpointUri":"[redacted]"}`},
		"callback":                   {`{"CallbackUrl": "https://x/?code=e", "callbackMethod":"GET","callbackUrl":null}`, `{"CallbackUrl": "[redacted]", "callbackMethod":"GET","callbackUrl":null}`},
		"account key in prose":       {`cannot parse "AccountName=x;AccountKey=ab+/c=="`, `cannot parse "AccountName=x;AccountKey=[redacted]"`},
		"proxy":                      {`proxyconnect: parse "http://user:pa55@proxy:80"`, `proxyconnect: parse "http://user:[redacted]@proxy:80"`},
		"prose about bearer":         {"Bearer token required", "Bearer token required"},
		"prose about passwords":      {`the password is "wrong", design=1`, `the password is "wrong", design=1`},
		"ids":                        {"request 1b4e28ba-2fa1-11d2-883f-0016d3cca427 at https://host:443/a@b", "request 1b4e28ba-2fa1-11d2-883f-0016d3cca427 at https://host:443/a@b"},
		"eyJ in short words":         {"eyJab", "eyJab"},
		"everything escaped":         {`{"\u0073ig":"\u0061bc","x":"Be\u0061rer\u0020abcdefghijklmnopq\\u002Br"}`, `{"sig":"[redacted]","x":"Bearer [redacted]"}`},
		"escapes without secrets":    {`{"path":"a\/b\u0026c\\u0026\u0022\u005c\u00fc"}`, `{"path":"a\/b\u0026c\\u0026\u0022\u005c\u00fc"}`},
		"escapes next to a secret":   {`{"a":"\u0022\u005C\u00fc\"","sig":"x"}`, `{"a":"\u0022\u005C\u00fc\"","sig":"[redacted]"}`},
		"nothing":                    {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Text(tc.in)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if again := Text(got); again != got {
				t.Errorf("a second look changes it to %s", again)
			}
		})
	}
}

func TestKnownSecretsAreTakenOutHoweverSpelt(t *testing.T) {
	const secret = `p+q/r=s "t"\u&~ü` //nolint:gosec // invented
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, spelt := range map[string]string{
		"plain":            secret,
		"query":            url.QueryEscape(secret),
		"path":             url.PathEscape(secret),
		"query, twice":     url.QueryEscape(url.QueryEscape(secret)),
		"lower-case hex":   strings.ToLower(url.PathEscape(secret)),
		"JSON":             strings.Trim(string(quoted), `"`),
		"JSON with slash":  `p+q\/r=s \"t\"\\u&~ü`,
		"JSON all escapes": `p\u002Bq\u002fr\u003Ds\u0020\u0022t\u0022\u005Cu\u0026~ü`,
	} {
		if got := Text("<"+spelt+">", secret); got != "<[redacted]>" {
			t.Errorf("%s: %s becomes %s", name, spelt, got)
		}
	}
	if got := Text("abc abcd", "abc", "", "abcd"); got != "abc [redacted]" {
		t.Errorf("got %q", got)
	}
	if got := Text("a\xffbc+", "\xff\xfe+"); got != "a\xffbc+" {
		t.Errorf("got %q", got)
	}
}

func TestBytesAndHeaderAreCopies(t *testing.T) {
	in := []byte("no secret")
	out := Bytes(in)
	in[0] = 'X'
	if string(out) != "no secret" || Bytes(nil) != nil {
		t.Errorf("got %q", out)
	}
	h := http.Header{"Location": {"https://x.example.test/?sig=abc", "b"}, "X-Known": {"hush-hush"}}
	want := http.Header{"Location": {"https://x.example.test/?sig=[redacted]", "b"}, "X-Known": {"[redacted]"}}
	if diff := cmp.Diff(want, Header(h, "hush-hush")); diff != "" {
		t.Error(diff)
	}
	if h.Get("X-Known") != "hush-hush" || Header(nil) != nil {
		t.Error("the original changed")
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{jwt, "Bearer " + jwt, `{"password":"x"}`, `\"sig\":\"a\\\"`, "a?sig=b&c", `\u0026sig\u003db`, "http://u:p@h", "bearer\n\nabcdefghijklmnopq"} {
		f.Add(s, "secret+/=")
	}
	f.Add("x", `a known secret with \/ in it`)
	f.Fuzz(func(t *testing.T, s, known string) {
		got := Text(s+known, known)
		if len(known) >= 4 && !strings.Contains(Mark, known) && strings.Contains(got, known) && !strings.Contains(strings.ReplaceAll(s+known, known, Mark), known) {
			t.Errorf("%q is still there: %q", known, got)
		}
		if again := Text(got); again != got {
			t.Errorf("not stable: %q, then %q", got, again)
		}
	})
}

func BenchmarkText(b *testing.B) {
	for name, s := range map[string]string{
		"prose": strings.Repeat(`{"code":"x","message":"y = z & so on"},`, 100),
		"names": strings.Repeat("The quick brown fox signs a contract with \"passwords\". ", 100),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				Text(s)
			}
		})
	}
}
