package pctest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// ledgerSections are the parts of the specifications that say what a fake must do.
func ledgerSections() []string {
	return []string{"payouts 11", "analytics 15.1", "ingestion 10", "ingestion 13"}
}

// ledgerFolders say where the tests of a package are.
func ledgerFolders() map[string]string {
	out := map[string]string{"pctest": "."}
	for _, name := range []string{"payouts", "analytics", "ingestion", "blob", "entra", "kit"} {
		out[name] = filepath.Join("..", "internal", "fake", name)
	}
	return out
}

// Every statement has a test, and every test that the ledger names exists.
func TestLedger(t *testing.T) {
	t.Parallel()
	exists := make(map[string]bool)
	for name, folder := range ledgerFolders() {
		for _, test := range testsIn(t, folder) {
			exists[name+"."+test] = true
		}
	}
	claims := make(map[string]bool)
	for _, c := range ledger() {
		key := c.section + " " + c.hash
		if claims[key] {
			t.Errorf("%s stands in the ledger twice", key)
		}
		claims[key] = true
		if len(c.tests) == 0 || c.about == "" {
			t.Errorf("%s: no test proves it", key)
		}
		for _, test := range c.tests {
			if !exists[test] {
				t.Errorf("%s (%s): there is no test %s", key, c.about, test)
			}
		}
	}

	dir := os.Getenv("PARTNERCENTER_SPEC")
	if dir == "" {
		t.Skip("PARTNERCENTER_SPEC names no folder with the wire specification")
	}
	stated := make(map[string]bool)
	for _, section := range ledgerSections() {
		file, number, _ := strings.Cut(section, " ")
		text, err := os.ReadFile(filepath.Join(dir, file+".md"))
		if err != nil {
			t.Fatal(err)
		}
		list := statements(string(text), number)
		if len(list) == 0 {
			t.Errorf("section %s says nothing", section)
		}
		for _, s := range list {
			sum := sha256.Sum256([]byte(s))
			key := section + " " + hex.EncodeToString(sum[:4])
			stated[key] = true
			if !claims[key] {
				t.Errorf("no test is named for %s: %s", key, s)
			}
		}
	}
	for key := range claims {
		if !stated[key] {
			t.Errorf("%s is not in the specification any more", key)
		}
	}
}

// testsIn lists the functions that go test runs in a folder.
func testsIn(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" {
				out = append(out, f.Name.Name)
			}
		}
	}
	return out
}

// statements splits a section into what it states: its points, and those at the ends of
// sentences and at semicolons outside quotes and brackets.
func statements(text, number string) []string {
	heading := regexp.MustCompile(`^#+ ([0-9.]+?)\.? `)
	point := regexp.MustCompile(`^(- |[0-9]+\. )`)
	var points []string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			inside = m[1] == number
			continue
		}
		switch {
		case !inside:
		case point.MatchString(line):
			points = append(points, point.ReplaceAllString(line, ""))
		case strings.HasPrefix(line, "  ") && len(points) > 0:
			points[len(points)-1] += " " + strings.TrimSpace(line)
		}
	}
	var out []string
	for _, p := range points {
		for _, s := range clauses(p) {
			if s = strings.TrimSpace(strings.TrimRight(strings.TrimSpace(s), ".")); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

func clauses(p string) []string {
	var out []string
	start, depth, quoted := 0, 0, false
	for i := 0; i < len(p); {
		r, size := utf8.DecodeRuneInString(p[i:])
		end := i + size
		switch {
		case r == '`':
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("([{", r):
			depth++
		case strings.ContainsRune(")]}", r):
			depth = max(depth-1, 0)
		case depth == 0 && (r == ';' || r == '.') && strings.HasPrefix(p[end:], " "):
			out = append(out, p[start:i])
			start = end + 1
		}
		i = end
	}
	return append(out, p[start:])
}

func TestStatementsAreFound(t *testing.T) {
	t.Parallel()
	const text = "## 1. One\n- a; b. C\n## 1.1 Two\n\n- `x; y` (p; q)\n  more. End.\n2. last\n## 2 Three\n- no\n"
	if got := strings.Join(statements(text, "1.1"), "|"); got != "`x; y` (p; q) more|End|last" {
		t.Errorf("%q", got)
	}
	if got := strings.Join(statements(text, "1"), "|"); got != "a|b|C" {
		t.Errorf("%q", got)
	}
}
