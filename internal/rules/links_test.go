package rules

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A link such as [Type] that leads nowhere is shown as plain brackets and no tool
// complains, so a renamed type leaves dead links behind.
func TestDocLinksLeadToNamesThatExist(t *testing.T) {
	packages := modulePackages(t)
	known := map[string]map[string]bool{} // package name -> its exported names
	for _, p := range packages {
		if !p.internal() {
			known[p.files[0].Name.Name] = exported(p)
		}
	}
	for _, p := range packages {
		if p.internal() {
			continue
		}
		for _, dead := range deadLinks(p, known) {
			t.Errorf("%s: %s", p.name(), dead)
		}
	}
}

// deadLinks lists the links in the doc comments of p to names of this module that
// do not exist. Links to other modules' packages are not looked at.
func deadLinks(p pkg, known map[string]map[string]bool) []string {
	own := exported(p)
	// Every bracketed name counts as a link here; go doc itself drops those that
	// lead nowhere.
	parser := comment.Parser{
		LookupSym: func(string, string) bool { return true },
		LookupPackage: func(name string) (string, bool) {
			_, ok := known[name]
			return name, ok
		},
	}
	var dead []string
	for _, f := range p.files {
		for _, group := range docs(f) {
			for _, link := range links(parser.Parse(group.Text()).Content) {
				names := own
				if link.ImportPath != "" {
					names = known[link.ImportPath]
				}
				name := strings.TrimPrefix(link.Recv+"."+link.Name, ".")
				if link.Name != "" && names != nil && !names[name] {
					text := strings.TrimPrefix(link.ImportPath+"."+name, ".")
					dead = append(dead, fmt.Sprintf("%s: [%s] leads nowhere", p.fset.Position(group.Pos()), text))
				}
			}
		}
	}
	return dead
}

// docs lists the comments of f that document something.
func docs(f *ast.File) []*ast.CommentGroup {
	var all []*ast.CommentGroup
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.File:
			all = append(all, n.Doc)
		case *ast.GenDecl:
			all = append(all, n.Doc)
		case *ast.FuncDecl:
			all = append(all, n.Doc)
			return false // what is inside is no documentation
		case *ast.TypeSpec:
			all = append(all, n.Doc, n.Comment)
		case *ast.ValueSpec:
			all = append(all, n.Doc, n.Comment)
		case *ast.Field:
			all = append(all, n.Doc, n.Comment)
		}
		return true
	})
	return slices.DeleteFunc(all, func(g *ast.CommentGroup) bool { return g == nil })
}

// links collects the links to names from a parsed comment.
func links(blocks []comment.Block) []*comment.DocLink {
	var found []*comment.DocLink
	collect := func(texts []comment.Text) {
		for _, t := range texts {
			if l, ok := t.(*comment.DocLink); ok {
				found = append(found, l)
			}
		}
	}
	for _, b := range blocks {
		switch b := b.(type) {
		case *comment.Paragraph:
			collect(b.Text)
		case *comment.Heading:
			collect(b.Text)
		case *comment.List:
			for _, item := range b.Items {
				found = append(found, links(item.Content)...)
			}
		}
	}
	return found
}

// exported lists the exported names of p: N for what is declared, T.N for methods
// and fields.
func exported(p pkg) map[string]bool {
	names := map[string]bool{}
	for _, f := range p.files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil {
					names[receiverName(d.Recv.List[0].Type)+"."+d.Name.Name] = true
				} else {
					names[d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					maps.Insert(names, maps.All(declared(s)))
				}
			}
		}
	}
	maps.DeleteFunc(names, func(n string, _ bool) bool {
		return slices.ContainsFunc(strings.Split(n, "."), func(part string) bool { return !ast.IsExported(part) })
	})
	return names
}

func declared(s ast.Spec) map[string]bool {
	names := map[string]bool{}
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			names[n.Name] = true
		}
	case *ast.TypeSpec:
		names[s.Name.Name] = true
		var members *ast.FieldList
		switch x := s.Type.(type) {
		case *ast.StructType:
			members = x.Fields
		case *ast.InterfaceType:
			members = x.Methods
		default:
			return names
		}
		for _, f := range members.List {
			for _, n := range f.Names {
				names[s.Name.Name+"."+n.Name] = true
			}
		}
	}
	return names
}

func TestDeadLinksAreFound(t *testing.T) {
	const source = `// Package p has [T], [*T], [T.F], [T.M], [T.Gone] and [Gone], also [p.T],
// [p.Gone], [elsewhere.Gone], a [list] and [RFC 3339].
//
//   - in a list: [Item]
//
// And:
//
//	in code: Do(opts ...[Option])
package p

// T is a type.
type T struct {
	F int // is [Field]
}

// M is [V].
func (T) M() {
	// is [Inside]
}

// V is a value.
var V = 1
`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "p.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	p := pkg{fset: fset, files: []*ast.File{f}}
	var got []string
	for _, d := range deadLinks(p, map[string]map[string]bool{"p": exported(p)}) {
		got = append(got, strings.Fields(d)[1])
	}
	if diff := cmp.Diff([]string{"[T.Gone]", "[Gone]", "[p.Gone]", "[Item]", "[Field]"}, got); diff != "" {
		t.Errorf("dead links (-want +got):\n%s", diff)
	}
	if want := []string{"T", "T.F", "T.M", "V"}; !slices.Equal(slices.Sorted(maps.Keys(exported(p))), want) {
		t.Errorf("exported names %v, want %v", slices.Sorted(maps.Keys(exported(p))), want)
	}
}
