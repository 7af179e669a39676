package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/partnercenter-go/partnercenter"

// root is the module's folder as seen from this one, where tests run.
const root = "../.."

// pkg is one package of this module, without its tests.
type pkg struct {
	path  string // relative to the module, "" for its root
	fset  *token.FileSet
	files []*ast.File
}

// modulePackages parses every package of this module. Nested modules are others'.
func modulePackages(t *testing.T) []pkg {
	t.Helper()
	gomod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil || !strings.HasPrefix(string(gomod), "module "+module+"\n") {
		t.Fatalf("%s is not the root of %s (%v)", root, module, err)
	}
	found := map[string]*pkg{}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != root && notOurs(name) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		rel = strings.TrimPrefix(filepath.ToSlash(rel), ".")
		p := found[rel]
		if p == nil {
			p = &pkg{path: rel, fset: token.NewFileSet()}
			found[rel] = p
		}
		file, err := parser.ParseFile(p.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		p.files = append(p.files, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	packages := make([]pkg, 0, len(found))
	for _, p := range found {
		packages = append(packages, *p)
	}
	slices.SortFunc(packages, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	if len(packages) == 0 || packages[0].path != "" {
		t.Fatalf("the root package was not found among %d packages", len(packages))
	}
	return packages
}

// notOurs says whether the go command skips the folder too.
func notOurs(dir string) bool {
	base := filepath.Base(dir)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// internal says whether nobody outside the module can import the package.
func (p pkg) internal() bool { return slices.Contains(strings.Split(p.path, "/"), "internal") }

// name is what to call the package in messages.
func (p pkg) name() string { return path.Join(path.Base(module), p.path) }
