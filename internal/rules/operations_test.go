package rules

import (
	"bytes"
	"go/ast"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// A function that sends a request says which, on a line like
//
//	//pc:operation GET /ScheduledReport/execution/{reportId}
//
// and for each operation at least one of them names the page that documents it. The
// fake serves these operations and no others. The ingestion API has as many as its
// schema says, which its own tests hold against the lines.
func TestEveryOperationIsDocumentedAndFaked(t *testing.T) {
	srv := pctest.NewServer(t)
	for _, api := range []struct {
		pkg, base, resource string
		tokens              partnercenter.TokenSource
		operations          int // of the documentation
	}{
		{"payouts", "https://api.partner.microsoft.com/v1.0", "https://api.partner.microsoft.com", srv.TokenSource(), 6},
		{"analytics", "https://api.partnercenter.microsoft.com/insights/v1.1/cmp", "https://api.partnercenter.microsoft.com", srv.AppOnlyTokenSource(), 12},
	} {
		t.Run(api.pkg, func(t *testing.T) {
			pages := operations(t, api.pkg)
			for op, page := range pages {
				if page == "" {
					t.Errorf("no function that sends %s names the page that documents it", op)
				}
			}
			if len(pages) != api.operations {
				t.Errorf("%d operations, the documentation has %d: %v", len(pages), api.operations, slices.Sorted(maps.Keys(pages)))
			}
			token, err := api.tokens.Token(t.Context(), partnercenter.TokenRequest{Resource: api.resource})
			if err != nil {
				t.Fatal(err)
			}
			served := func(op string) bool {
				method, path, _ := strings.Cut(op, " ")
				path = placeholder.ReplaceAllString(path, "5b0e7c1a-2d64-4f0b-9a37-0c1f5e8d7a21")
				return answered(t, srv, token, method, api.base+path)
			}
			for op := range pages {
				_, path, _ := strings.Cut(op, " ")
				for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
					_, known := pages[method+" "+path]
					if other := strings.HasSuffix(path, "/testQueryResult"); other && !known {
						continue // the id of a query, as far as the other methods go
					}
					if got := served(method + " " + path); got != known {
						t.Errorf("%s %s: the fake serves it: %t, the client sends it: %t", method, path, got, known)
					}
				}
			}
			if served("GET /nothing/of/the/kind") {
				t.Error("the fake serves what does not exist, so this test says nothing")
			}
		})
	}
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

// answered reports whether a server has an operation, be it to refuse the request.
func answered(t *testing.T, srv *pctest.Server, token partnercenter.Token, method, url string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
	resp, err := srv.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	switch resp.StatusCode {
	case http.StatusMethodNotAllowed:
		return false
	case http.StatusUnauthorized, http.StatusForbidden:
		t.Fatalf("%s %s: %d %s", method, url, resp.StatusCode, body)
	case http.StatusNotFound:
		return !bytes.Contains(body, []byte("Resource not found"))
	}
	return true
}

// operations lists the operations of a package's functions, each with a page that
// one of them names.
func operations(t *testing.T, name string) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, p := range modulePackages(t) {
		if p.path != name {
			continue
		}
		for _, f := range p.files {
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Doc == nil {
					continue
				}
				for _, c := range fn.Doc.List {
					if op, ok := strings.CutPrefix(c.Text, "//pc:operation "); ok {
						pages[op] = max(pages[op], learnPage.FindString(fn.Doc.Text()))
					}
				}
			}
		}
	}
	return pages
}

var learnPage = regexp.MustCompile(`https://learn\.microsoft\.com/\S+`)
