package rules

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whoever shares a value between goroutines must know whether that is allowed. Of plain
// data, which has exported fields only, everybody knows.
func TestTypesWithHiddenStateSayWhetherTheyMayBeShared(t *testing.T) {
	for _, p := range modulePackages(t) {
		if p.internal() {
			continue
		}
		for _, silent := range silentAboutConcurrency(p) {
			t.Errorf("%s: %s", p.name(), silent)
		}
	}
}

// concurrency matches a comment that says something about it.
var concurrency = regexp.MustCompile(`(?i)concurren|goroutine`)

// allConcurrent matches the comment of a package that says it for all its types.
var allConcurrent = regexp.MustCompile(`(?s)\b(All|Everything|Every|all)\b[^.]*safe\s+for\s+concurrent\s+use`)

// silentAboutConcurrency lists the exported structs of p that have both methods and
// unexported fields, but neither a comment of their own about concurrency nor a package
// whose comment speaks for all of them.
func silentAboutConcurrency(p pkg) []string {
	if slices.ContainsFunc(p.files, func(f *ast.File) bool { return f.Doc != nil && allConcurrent.MatchString(f.Doc.Text()) }) {
		return nil
	}
	methods := map[string]bool{}
	for _, f := range p.files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && fn.Name.IsExported() {
				methods[receiverName(fn.Recv.List[0].Type)] = true
			}
		}
	}
	var silent []string
	for _, f := range p.files {
		for _, d := range f.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range group.Specs {
				t, ok := s.(*ast.TypeSpec)
				if !ok || !t.Name.IsExported() || !methods[t.Name.Name] || !hidesState(t.Type) {
					continue
				}
				if !concurrency.MatchString(t.Doc.Text() + group.Doc.Text()) {
					silent = append(silent, fmt.Sprintf("%s: %s does not say whether it is safe for concurrent use", p.fset.Position(t.Pos()), t.Name.Name))
				}
			}
		}
	}
	return silent
}

// hidesState reports whether a type is a struct with unexported fields.
func hidesState(e ast.Expr) bool {
	s, ok := e.(*ast.StructType)
	return ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool {
		return slices.ContainsFunc(f.Names, func(n *ast.Ident) bool { return !n.IsExported() && n.Name != "_" })
	})
}

func TestSilenceAboutConcurrencyIsFound(t *testing.T) {
	const source = `package p

// Silent hides something.
type Silent struct{ n int }

// Do does.
func (s *Silent) Do() {}

// Spoken is not safe for concurrent use.
type Spoken struct{ n int }

// Do does.
func (s *Spoken) Do() {}

// Plain is data.
type Plain struct{ N int }

// Do does.
func (p Plain) Do() {}

// Inert does nothing.
type Inert struct{ n int }

type hidden struct{ n int }

func (h hidden) Do() {}
`
	for _, tc := range []struct {
		doc  string
		want []string
	}{
		{"", []string{"Silent"}},
		{"// Package p has values only. All are safe for concurrent use.\n", nil},
	} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "p.go", tc.doc+source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range silentAboutConcurrency(pkg{fset: fset, files: []*ast.File{f}}) {
			got = append(got, regexp.MustCompile(`: (\w+) does not`).FindStringSubmatch(s)[1])
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("silent types (-want +got):\n%s", diff)
		}
	}
}
