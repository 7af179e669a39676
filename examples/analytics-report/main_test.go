package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

func noEnvironment(string) (string, bool) { return "", false }

// try runs the program in this process, writing below dir.
func try(ctx context.Context, t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	args = append([]string{"-out", filepath.Join(dir, "result.csv"), "-pace", "40ms"}, args...)
	code = run(ctx, args, noEnvironment, &out, &problems)
	return code, out.String(), problems.String()
}

// count reads what lies on disk.
func count(t *testing.T, dir string) int {
	t.Helper()
	content, err := analytics.OpenFile(filepath.Join(dir, "result.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	n := 0
	for _, err := range analytics.Records(content, query.Dataset{}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestReports(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want []string // on the screen
		rows func(n int) bool
	}{
		"by default": {nil, []string{"No credentials in the environment", "FROM ISVUsage", "MarketplaceSubscriptionId", "20 of "}, func(n int) bool { return n > 100 }},
		"a query": {
			[]string{"-query", "SELECT OfferName, RawUsage FROM ISVUsage ORDER BY RawUsage", "-timespan", "LAST_MONTH", "-rows", "2"},
			[]string{"TIMESPAN LAST_MONTH", "OfferName", "RawUsage", "2 of 6 rows"}, func(n int) bool { return n == 6 },
		},
		"a dataset":         {[]string{"-dataset", "isvorder", "-format", "tsv", "-timespan", "LAST_3_MONTHS"}, []string{"FROM ISVOrder TIMESPAN LAST_3_MONTHS", "20 of "}, func(n int) bool { return n > 300 }},
		"the other program": {[]string{"-program", "mpn"}, []string{"FROM OfficeUsage", "20 of "}, func(n int) bool { return n > 100 }},
		"nothing found":     {[]string{"-query", "SELECT OfferName FROM ISVOrder WHERE OfferName = 'none'"}, []string{"no rows: filter matches nothing"}, func(n int) bool { return n == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			code, stdout, stderr := try(t.Context(), t, dir, tt.args...)
			if code != exitOK {
				t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
			}
			for _, want := range tt.want {
				if !strings.Contains(stdout, want) {
					t.Errorf("%q is missing in\n%s", want, stdout)
				}
			}
			if n := count(t, dir); !tt.rows(n) {
				t.Errorf("the file has %d rows", n)
			}
			if !strings.Contains(stderr, "report: Completed") || len(names(t, dir)) != 1 {
				t.Errorf("files %v\n%s", names(t, dir), stderr)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for _, tt := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "choose cmp or mpn", []string{"-program", "x"}},
		{exitUsage, "choose csv or tsv", []string{"-format", "x"}},
		{exitUsage, "either -query or -dataset", []string{"-query", "x", "-dataset", "y"}},
		{exitUsage, "-rows", []string{"-rows", "-1"}},
		{exitUsage, "-pace", []string{"-pace", "-1s"}},
		{exitUsage, "unexpected arguments", []string{"x"}},
		{exitUsage, "not defined", []string{"-unknown"}},
		{exitFailed, "dataset Nothing", []string{"-dataset", "Nothing"}},
		{exitFailed, "OfferName", []string{"-query", "SELECT OferName FROM ISVOrder"}}, // what to write instead
		{exitFailed, "leave out -timespan", []string{"-query", "SELECT OfferName FROM ISVOrder TIMESPAN LIFETIME", "-timespan", "LIFETIME"}},
		{exitFailed, "TODAY", []string{"-timespan", "TODAY"}},
		{exitFailed, "not a token", []string{"-resume", "nonsense"}},
	} {
		dir := t.TempDir()
		code, stdout, stderr := try(t.Context(), t, dir, tt.args...)
		if code != tt.code || !strings.Contains(stderr, tt.want) || len(names(t, dir)) != 0 || strings.Contains(stdout, "-resume") {
			t.Errorf("%v: exit code %d, files %v\n%s%s", tt.args, code, names(t, dir), stdout, stderr)
		}
	}
}

func TestInterruptedAndResumed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Minute, interrupt)
		code, stdout, stderr := try(ctx, t, dir, "-pace", "1h")
		if code != exitInterrupted || !strings.Contains(stderr, "interrupted") || strings.Contains(stdout, "sig=") {
			t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
		}
		_, token, ok := strings.Cut(stdout, "-resume '")
		token, _, _ = strings.Cut(token, "'")
		if !ok || len(names(t, dir)) != 1 {
			t.Fatalf("no command to go on with, files %v:\n%s", names(t, dir), stdout)
		}
		code, stdout, stderr = try(t.Context(), t, dir, "-pace", "1h", "-resume", token)
		if code != exitOK || count(t, dir) == 0 || len(names(t, dir)) != 1 || !strings.Contains(stderr, "report: Running") {
			t.Errorf("exit code %d, files %v\n%s%s", code, names(t, dir), stdout, stderr)
		}
	})
}
