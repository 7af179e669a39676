package rules

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// What the README shows compiles, apart from the imports and the variables that it
// leaves to the reader. Nothing else would notice a name that has changed.
func TestTheREADMECompiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := goBlocks(string(text))
	if len(blocks) < 8 {
		t.Fatalf("only %d blocks of Go were found", len(blocks))
	}
	imports := compiled(t)
	for _, b := range blocks {
		for _, err := range mistakes(b, imports, given) {
			t.Errorf("README.md:%d: %v\n%s", b.line, err, b.code)
		}
	}
}

// The same for the code in doc comments, as far as it goes without the variables
// that come from elsewhere.
func TestCodeInDocCommentsCompiles(t *testing.T) {
	imports := compiled(t)
	checked := 0
	for _, p := range modulePackages(t) {
		if p.internal() {
			continue
		}
		for _, f := range p.files {
			for _, group := range docs(f) {
				for _, content := range new(comment.Parser).Parse(group.Text()).Content {
					code, ok := content.(*comment.Code)
					if !ok || !strings.Contains(code.Text, ":=") {
						continue // a query, a table
					}
					checked++
					for _, err := range mistakes(block{code: code.Text}, imports, "") {
						if !elsewhere.MatchString(err.Error()) {
							t.Errorf("%s: %v\n%s", p.fset.Position(group.Pos()), err, code.Text)
						}
					}
				}
			}
		}
	}
	if checked < 12 {
		t.Errorf("only %d pieces of code were found", checked)
	}
}

// elsewhere matches the complaint about a variable, or the reader's row type.
var elsewhere = regexp.MustCompile(`undefined: ([a-z]\w*|Usage)$`)

// Names in its sentences exist, too.
func TestTheREADMENamesWhatExists(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]map[string]bool{}
	for _, p := range modulePackages(t) {
		if !p.internal() {
			known[p.files[0].Name.Name] = exported(p)
		}
	}
	found := named.FindAllStringSubmatch(string(text), -1)
	checked := 0
	for _, m := range found {
		if names, ours := known[m[1]]; ours {
			checked++
			if !names[m[2]] {
				t.Errorf("README.md: %s.%s does not exist", m[1], m[2])
			}
		}
	}
	if checked < 15 {
		t.Errorf("only %d names were found", checked)
	}
}

// And so do the names in messages: advice to call what does not exist is worse than none.
func TestMessagesNameWhatExists(t *testing.T) {
	packages := modulePackages(t)
	known := map[string]map[string]bool{}
	for _, p := range packages {
		if !p.internal() {
			known[p.files[0].Name.Name] = exported(p)
		}
	}
	checked := 0
	for _, p := range packages {
		for _, f := range p.files {
			ast.Inspect(f, func(n ast.Node) bool {
				text, ok := n.(*ast.BasicLit)
				if !ok || text.Kind != token.STRING {
					return true
				}
				for _, m := range named.FindAllStringSubmatch(text.Value, -1) {
					if names, ours := known[m[1]]; ours {
						checked++
						if !names[m[2]] {
							t.Errorf("%s: %s.%s does not exist", p.fset.Position(text.Pos()), m[1], m[2])
						}
					}
				}
				return true
			})
		}
	}
	if checked < 5 {
		t.Errorf("only %d names were found", checked)
	}
}

// named matches a name with its package.
var named = regexp.MustCompile(`\b([a-z]+)\.([A-Z]\w*)`)

// block is a piece of Go in a text.
type block struct {
	line int // of its beginning
	code string
}

var fence = regexp.MustCompile("(?s)```go\n(.*?)```")

func goBlocks(text string) []block {
	var blocks []block
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		blocks = append(blocks, block{line: 1 + strings.Count(text[:at[2]], "\n"), code: text[at[2]:at[3]]})
	}
	return blocks
}

// imported are the packages whose names the README uses.
var imported = []string{
	"context", "errors", "fmt", "os", "testing", "time",
	"github.com/shopspring/decimal",
	module, module + "/auth", module + "/payouts", module + "/analytics", module + "/analytics/query", module + "/ingestion", module + "/pctest",
}

// given are the variables that the README takes from what it has shown before.
const given = `
var (
	ctx     context.Context
	err     error
	source  partnercenter.TokenSource
	client  *payouts.Client
	export  payouts.Export
	content *partnercenter.Content
	show    func(done, total int64)
	offer   ingestion.ProductScope
	save    func(resumeToken string)
)
`

// mistakes type-checks a block as the body of a function, or as declarations where
// it begins with one. What a function's body leaves open is written "{ ... }".
func mistakes(b block, imports types.Importer, given string) []error {
	var src strings.Builder
	src.WriteString("package readme\n")
	for _, path := range imported {
		fmt.Fprintf(&src, "import %q\n", path)
	}
	src.WriteString(given)
	code := strings.ReplaceAll(b.code, "{ ... }", "{}")
	if strings.HasPrefix(code, "func ") {
		src.WriteString(code)
	} else {
		fmt.Fprintf(&src, "func _() error {\n%s\nreturn nil\n}\n", code)
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "README", src.String(), parser.SkipObjectResolution)
	if err != nil {
		return []error{err}
	}
	var found []error
	config := types.Config{
		Importer: imports,
		Error: func(err error) {
			// Variables and imports that are not used.
			if e, ok := errors.AsType[types.Error](err); ok && e.Soft {
				return
			}
			found = append(found, err)
		},
	}
	_, _ = config.Check("readme", fset, []*ast.File{file}, nil) // its errors have been collected
	return found
}

// compiled imports what the compiler has made of the packages.
func compiled(t *testing.T) types.Importer {
	t.Helper()
	imports, err := exports()
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

// exports asks the go command where the compiled packages are, which it has made
// already for the sake of other tests, and reads each of them once.
var exports = sync.OnceValues(func() (types.Importer, error) {
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}, imported...)
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Dir = root
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, complaints.String())
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		name, ok := files[path]
		if !ok || name == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(name)
	}), nil
})

func TestMistakesInTheREADMEAreFound(t *testing.T) {
	imports := compiled(t)
	for _, tc := range []struct {
		code  string
		wrong bool
	}{
		{"client, err := payouts.New(source, nil)", false},
		{"for row, err := range payouts.EarningRows(content, nil) { ... }", false},
		{"if err != nil {\n\treturn err\n}", false},
		{"func TestX(t *testing.T) {\n\tt.Log(1)\n}", false},
		{"client, err := payouts.New(source)", true},
		{"x := payouts.NoSuchName", true},
		{"x := 1 +", true},
		{"nowhere()", true},
	} {
		if got := mistakes(block{code: tc.code}, imports, given); (len(got) > 0) != tc.wrong {
			t.Errorf("%s: %v", tc.code, got)
		}
	}
	got := goBlocks("a\n```console\nb\n```\n```go\nc\nd\n```\n")
	if len(got) != 1 || got[0].line != 6 || got[0].code != "c\nd\n" {
		t.Errorf("blocks %+v", got)
	}
}
