package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/payouts"
)

func noEnvironment(string) (string, bool) { return "", false }

// environment is one with these variables.
func environment(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func try(ctx context.Context, lookup func(string) (string, bool), args ...string) (code int, stdout, stderr string) {
	var out, problems bytes.Buffer
	code = run(ctx, args, lookup, &out, &problems)
	return code, out.String(), problems.String()
}

func TestWithoutCredentialsTheFakeIsFine(t *testing.T) {
	code, out, problems := try(t.Context(), noEnvironment)
	if code != exitOK || !strings.Contains(out, "multifactor proven true") || !strings.Contains(out, "result   fine") || !strings.Contains(problems, "No credentials") {
		t.Errorf("exit code %d\n%s%s", code, out, problems)
	}
}

func TestJSONIsAllThatIsPrinted(t *testing.T) {
	code, out, _ := try(t.Context(), noEnvironment, "-json", "-api", "payouts")
	var d struct {
		APIs []struct {
			API struct {
				Name string `json:"name"`
			} `json:"api"`
		} `json:"apis"`
	}
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != exitOK || len(d.APIs) != 1 || d.APIs[0].API.Name != "payouts" {
		t.Errorf("exit code %d, error %v\n%s", code, err, out)
	}
}

// badToken is a token for another API, of a user without a second factor.
func badToken() string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256"}`)) + "." +
		enc([]byte(`{"aud":"https://graph.windows.net","upn":"someone@contoso.example","amr":["pwd"],"exp":4102444800}`)) + "." + enc([]byte("canary"))
}

func TestProblemsAreFoundAndNobodyIsNamed(t *testing.T) {
	code, out, problems := try(t.Context(), environment(auth.EnvAccessToken, badToken()), "-no-probe", "-api", "analytics")
	if code != exitFailed || !strings.Contains(out, "900420") || !strings.Contains(out, "amr claim has only pwd") || problems != "" {
		t.Errorf("exit code %d\n%s%s", code, out, problems)
	}
	if strings.Contains(out, "someone") || strings.Contains(out, badToken()) {
		t.Errorf("the report cannot be given away:\n%s", out)
	}
	_, out, _ = try(t.Context(), environment(auth.EnvAccessToken, badToken()), "-no-probe", "-show-user")
	if !strings.Contains(out, "someone@contoso.example") {
		t.Errorf("the user was asked for:\n%s", out)
	}
}

func TestCodesAreExplained(t *testing.T) {
	if code, out, _ := try(t.Context(), noEnvironment, "-explain", "900421"); code != exitOK || !strings.Contains(out, "multifactor") {
		t.Errorf("exit code %d, %q", code, out)
	}
	if code, _, problems := try(t.Context(), noEnvironment, "-explain", "nonsense"); code != exitFailed || !strings.HasPrefix(problems, "doctor: ") {
		t.Errorf("exit code %d, %q", code, problems)
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	if code, _, help := try(t.Context(), noEnvironment, "-help"); code != exitOK || !strings.Contains(help, "-explain") {
		t.Errorf("exit code %d, %q", code, help)
	}
}

func TestMistakesAreOneClearMessage(t *testing.T) {
	for name, c := range map[string]struct {
		lookup func(string) (string, bool)
		args   []string
		code   int
		want   string
	}{
		"an unknown API":   {noEnvironment, []string{"-api", "orders"}, exitUsage, "payouts, analytics or ingestion"},
		"an argument":      {noEnvironment, []string{"please"}, exitUsage, "unexpected arguments"},
		"half an identity": {environment(auth.EnvTenantID, "contoso.example"), nil, exitFailed, auth.EnvTenantID},
	} {
		code, out, problems := try(t.Context(), c.lookup, c.args...)
		if code != c.code || out != "" || !strings.Contains(problems, c.want) {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, problems)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code, _, problems := try(ctx, noEnvironment); code != exitInterrupted {
		t.Errorf("interrupted: exit code %d, %q", code, problems)
	}
}

// The doctor knows the APIs by a table of its own, because the packages do not know each
// other.
func TestTableOfAPIsAgreesWithThePackages(t *testing.T) {
	want := map[string][2]string{
		"payouts":                 {payouts.DefaultEndpoint, payouts.DefaultResource},
		"analytics (marketplace)": {analytics.DefaultEndpoint, analytics.DefaultResource},
		"analytics (partner)":     {analytics.DefaultEndpoint, analytics.DefaultResource},
		"ingestion":               {ingestion.DefaultEndpoint, ingestion.DefaultResource},
	}
	for _, a := range auth.PartnerAPIs() {
		if got := [2]string{a.Endpoint, a.Resource}; got != want[a.Name] {
			t.Errorf("%s: %v, want %v", a.Name, got, want[a.Name])
		}
		delete(want, a.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
