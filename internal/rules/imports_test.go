package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const msal = "github.com/AzureAD/microsoft-authentication-library-for-go"

// layers lists, from the bottom up, what lives where. A package may import the
// layers below its own and what is in its own folder, but not its neighbours.
var layers = []struct {
	name    string
	folders []string // a folder stands for what is below it too
}{
	{name: "vocabulary", folders: []string{""}},
	{name: "machinery", folders: []string{"internal"}},
	{name: "fake", folders: []string{"internal/fake"}},
	{name: "API", folders: []string{"auth", "payouts", "analytics", "ingestion"}},
	{name: "fake for users", folders: []string{"pctest"}},
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range modulePackages(t) {
		for _, wrong := range wrongImports(p.path, imports(t, p)) {
			t.Error(wrong)
		}
	}
}

// imports lists what p itself imports.
func imports(t *testing.T, p pkg) []string {
	t.Helper()
	var all []string
	for _, f := range p.files {
		for _, spec := range f.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, to)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// wrongImports says which of the imports of the package at from break a rule.
func wrongImports(from string, imports []string) []string {
	var wrong []string
	layer, folder := place(from)
	if layer < 0 {
		return []string{fmt.Sprintf("%s has no place in the layers: add its folder to one of them", from)}
	}
	report := func(to, why string) {
		wrong = append(wrong, fmt.Sprintf("%s imports %s: %s", pkg{path: from}.name(), to, why))
	}
	for _, to := range imports {
		if to == msal || strings.HasPrefix(to, msal+"/") {
			if folder != "auth" {
				report(to, "MSAL lives in auth only")
			}
			continue
		}
		if to == "testing" && layers[layer].name != "fake for users" && !strings.HasSuffix(from, "test") {
			report(to, "what programs run does not test; packages for tests have names that end in test")
			continue
		}
		rest, ours := strings.CutPrefix(to, module)
		rest, ours = strings.TrimPrefix(rest, "/"), ours && (rest == "" || rest[0] == '/')
		if !ours {
			continue
		}
		below, other := place(rest)
		switch {
		case below < 0:
			report(to, "it has no place in the layers: add its folder to one of them")
		case below > layer:
			report(to, "imports point from "+layers[below].name+" to "+layers[layer].name+", never back")
		case below == layer && other != folder:
			report(to, "the packages of the layer "+layers[layer].name+" do not know each other")
		case layers[below].name == "fake" && layers[layer].name == "API" && !strings.HasSuffix(from, "test"):
			report(to, "what users run contains no fake")
		}
	}
	return wrong
}

// place finds the layer of a package and the folder it belongs to. The longest
// folder wins.
func place(p string) (layer int, folder string) {
	layer = -1
	for i, l := range layers {
		for _, f := range l.folders {
			if (p == f || f != "" && strings.HasPrefix(p, f+"/")) && len(f) >= len(folder) {
				layer, folder = i, f
			}
		}
	}
	return layer, folder
}

func TestWrongImportsAreFound(t *testing.T) {
	for _, c := range []struct {
		from, to string
		wrong    bool
	}{
		{"payouts", module, false},
		{"payouts", module + "/internal/transport", false},
		{"payouts", module + "/payouts/filter", false},
		{"payouts", module + "/analytics", true},
		{"payouts", module + "/auth", true},
		{"payouts", module + "/pctest", true},
		{"payouts", module + "/internal/fake/blob", true},
		{"payouts", module + "/nowhere", true},
		{"payouts", msal + "/apps/confidential", true},
		{"payouts", "testing", true},
		{"payouts", "encoding/json", false},
		{"payouts", module + "-fork/auth", false},
		{"auth", msal + "/apps/confidential", false},
		{"auth", module + "/payouts", true},
		{"analytics/query", module + "/analytics", false},
		{"internal/transport", module + "/internal/redact", false},
		{"internal/transport", module + "/internal/fake/blob", true},
		{"internal/transport", module + "/auth", true},
		{"internal/fake/payouts", module + "/internal/fake/kit", false},
		{"internal/fake/payouts", module + "/internal/redact", false},
		{"internal/fake/payouts", module + "/payouts", true},
		{"pctest", module + "/internal/fake/blob", false},
		{"pctest", module + "/payouts", false},
		{"pctest", "testing", false},
		{"auth/storetest", "testing", false},
		{"auth/internal/rotationtest", module + "/internal/fake/entra", false},
		{"", module + "/internal/transport", true},
		{"", "encoding/json", false},
		{"newcomer", "encoding/json", true},
	} {
		t.Run(c.from+" to "+c.to, func(t *testing.T) {
			got := wrongImports(c.from, []string{c.to})
			if (len(got) > 0) != c.wrong {
				t.Errorf("wrongImports = %q, want a complaint: %t", got, c.wrong)
			}
		})
	}
	if diff := cmp.Diff([]string{`partnercenter/payouts imports ` + module + `/auth: the packages of the layer API do not know each other`},
		wrongImports("payouts", []string{module + "/auth", "io"})); diff != "" {
		t.Errorf("complaint (-want +got):\n%s", diff)
	}
}
