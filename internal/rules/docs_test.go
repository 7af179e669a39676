package rules

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryExportedNameIsDocumented(t *testing.T) {
	for _, p := range modulePackages(t) {
		if p.internal() {
			continue
		}
		for _, missing := range undocumented(p) {
			t.Errorf("%s: %s", p.name(), missing)
		}
	}
}

// undocumented lists the exported names of p that lack a comment, each with its
// position: packages, functions, types, methods, constants, variables, fields of
// structs and methods of interfaces.
func undocumented(p pkg) []string {
	c := &docCheck{fset: p.fset}
	if !slices.ContainsFunc(p.files, func(f *ast.File) bool { return says(f.Doc) }) {
		c.report(p.files[0].Package, "package "+p.files[0].Name.Name)
	}
	for _, f := range p.files {
		if f.Name.Name == "main" {
			continue // a program exports nothing
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				c.function(d)
			case *ast.GenDecl:
				c.group(d)
			}
		}
	}
	return c.missing
}

type docCheck struct {
	fset    *token.FileSet
	missing []string
}

func (c *docCheck) report(at token.Pos, name string) {
	c.missing = append(c.missing, fmt.Sprintf("%s: %s has no doc comment", c.fset.Position(at), name))
}

func (c *docCheck) function(d *ast.FuncDecl) {
	name := d.Name.Name
	if d.Recv != nil {
		receiver := receiverName(d.Recv.List[0].Type)
		if !ast.IsExported(receiver) {
			return // its documentation is that of the interface it implements
		}
		name = receiver + "." + name
	}
	if d.Name.IsExported() && !says(d.Doc) {
		c.report(d.Pos(), name)
	}
}

func receiverName(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func (c *docCheck) group(d *ast.GenDecl) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if !s.Name.IsExported() {
				continue
			}
			if !says(s.Doc) && (d.Lparen.IsValid() || !says(d.Doc)) {
				c.report(s.Pos(), s.Name.Name)
			}
			c.members(s.Name.Name, s.Type)
		case *ast.ValueSpec:
			// The comment of a whole group does not say what each name is.
			if says(s.Doc) || says(s.Comment) || !d.Lparen.IsValid() && says(d.Doc) {
				continue
			}
			for _, n := range s.Names {
				if n.IsExported() {
					c.report(n.Pos(), n.Name)
				}
			}
		}
	}
}

// members checks the fields of a struct and the methods of an interface. Fields on
// consecutive lines may share the comment above the first of them.
func (c *docCheck) members(owner string, e ast.Expr) {
	var list *ast.FieldList
	switch x := e.(type) {
	case *ast.StructType:
		list = x.Fields
	case *ast.InterfaceType:
		list = x.Methods
	default:
		return
	}
	covered, lastLine := false, 0
	for _, f := range list.List {
		line := c.fset.Position(f.Pos()).Line
		covered = says(f.Doc) || covered && line == lastLine+1
		lastLine = c.fset.Position(f.End()).Line
		if covered || says(f.Comment) {
			continue
		}
		for _, n := range f.Names { // embedded ones are documented where they come from
			if n.IsExported() {
				c.report(n.Pos(), owner+"."+n.Name)
			}
		}
		if s, ok := f.Type.(*ast.StructType); ok && len(f.Names) > 0 {
			c.members(owner+"."+f.Names[0].Name, s)
		}
	}
}

// says reports whether the comment has words of its own, which a directive for a
// linter has not.
func says(g *ast.CommentGroup) bool { return len(strings.Fields(g.Text())) > 1 }

// Without this test a checker that finds nothing would pass for ever.
func TestUndocumentedFindsWhatIsMissing(t *testing.T) {
	const source = `package p

func Bare() {}

// Fine does something.
func Fine() {}

//nolint:unused // a directive is no documentation
func Directive() {}

func private() {}

// T is a type.
type T[K any] struct {
	A int
	// B and C belong together.
	B int
	C int

	D int
	E int // has its own comment
	f int
}

func (t *T[K]) Method() {}

func (p hidden) Method() {}

type hidden struct{ A int }

// Group comments do not count for types either.
type (
	U struct{}
	// V is one.
	V interface {
		Do()
		// Say is documented.
		Say()
	}
)

// Kinds of things.
const (
	One = 1
	// Two is two.
	Two = 2
	Three = 3 // Three is three.
)

// Alone is fine.
var Alone = 1

var X, Y = 1, 2
`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "p.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range undocumented(pkg{fset: fset, files: []*ast.File{f}}) {
		_, m, _ = strings.Cut(m, ": ")
		got = append(got, strings.TrimSuffix(m, " has no doc comment"))
	}
	want := []string{"package p", "Bare", "Directive", "T.A", "T.D", "T.Method", "U", "V.Do", "One", "X", "Y"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("undocumented names (-want +got):\n%s", diff)
	}
}
