package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/analytics/query"
	"github.com/partnercenter-go/partnercenter/pctest"
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
			if text, err := os.ReadFile(filepath.Join(dir, "result.csv")); err != nil || !bytes.Contains(text, []byte("\n")) || !utf8.Valid(text) {
				t.Errorf("the file is no text: %.20q, %v", text, err)
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

// checkOneLine holds a failure to its promise.
func checkOneLine(t *testing.T, code int, stderr, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	last := lines[len(lines)-1]
	if code != exitFailed || !strings.HasPrefix(last, "analytics-report: ") || !strings.Contains(last, want) || strings.Count(stderr, "analytics-report: ") != 1 {
		t.Errorf("exit code %d and\n%s\nwant 1 and a line about %q", code, stderr, want)
	}
}

// service runs the program in this process with credentials and an endpoint.
func service(t *testing.T, endpoint, token, dir string) (code int, stdout, stderr string) {
	t.Helper()
	env := map[string]string{"PARTNERCENTER_ACCESS_TOKEN": token, endpointVariable: endpoint}
	var out, problems bytes.Buffer
	code = run(t.Context(), []string{"-out", filepath.Join(dir, "result.csv")},
		func(name string) (string, bool) { v, ok := env[name]; return v, ok }, &out, &problems)
	return code, out.String(), problems.String()
}

func TestWrongCredentials(t *testing.T) {
	const token = "canary-token-0123456789"
	srv := pctest.NewServer(t)
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := r.Clone(r.Context())
		out.RequestURI, out.URL.Scheme, out.URL.Host, out.Host = "", "https", "api.partnercenter.microsoft.com", ""
		resp, err := srv.Transport().RoundTrip(out)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = resp.Body.Close() }() // of the fake
		w.WriteHeader(resp.StatusCode)
		if _, err := io.Copy(w, resp.Body); err != nil {
			t.Error(err)
		}
	}))
	defer loop.Close()
	dir := t.TempDir()
	code, stdout, stderr := service(t, loop.URL, token, dir)
	checkOneLine(t, code, stderr, "401 Unauthorized")
	if strings.Contains(stdout+stderr, token) || strings.Contains(stdout, "-resume") || len(names(t, dir)) != 0 {
		t.Errorf("files %v\n%s%s", names(t, dir), stdout, stderr)
	}
}

func TestUnreachableHost(t *testing.T) {
	dir := t.TempDir()
	code, stdout, stderr := service(t, "https://127.0.0.1:1", "token", dir)
	checkOneLine(t, code, stderr, "connection refused")
	if strings.Contains(stdout, "-resume") || len(names(t, dir)) != 0 {
		t.Errorf("files %v\n%s%s", names(t, dir), stdout, stderr)
	}
}

// A folder that cannot be made is noticed before the report runs, and one that is
// missing is made.
func TestOutputFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := try(t.Context(), t, dir, "-out", filepath.Join(dir, "file", "x.csv"))
	checkOneLine(t, code, stderr, "not a directory")
	if strings.Contains(stdout, "SELECT") {
		t.Errorf("it has run a query:\n%s", stdout)
	}
	path := filepath.Join(dir, "new", "folder", "x.csv")
	if code, stdout, stderr = try(t.Context(), t, dir, "-out", path); code != exitOK {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("needs root on Linux, to mount a small tmpfs")
	}
	dir := t.TempDir()
	mount := func(size string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", size, "tmpfs", dir).CombinedOutput()
		if err != nil {
			t.Skipf("mounting a small tmpfs is not allowed here: %v %s", err, out)
		}
	}
	mount("size=8k")
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() }) //nolint:noctx // the test's context has ended
	code, stdout, stderr := try(t.Context(), t, dir, "-query", "SELECT OfferName, SKU, AssetId, OrderStatus, PurchaseRecordId FROM ISVOrder TIMESPAN LIFETIME")
	checkOneLine(t, code, stderr, "no space left on device")
	if _, err := os.Stat(filepath.Join(dir, "result.csv")); err == nil {
		t.Error("half a file lies under its final name")
	}
	_, token, ok := strings.Cut(stdout, "-resume '")
	token, _, _ = strings.Cut(token, "'")
	if !ok {
		t.Fatalf("the output does not say how to go on:\n%s", stdout)
	}
	mount("remount,size=8m")
	if code, stdout, stderr = try(t.Context(), t, dir, "-resume", token); code != exitOK || count(t, dir) == 0 {
		t.Errorf("with more room: exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	if code, _, help := try(t.Context(), t, t.TempDir(), "-help"); code != exitOK || !strings.Contains(help, "-out") {
		t.Errorf("exit code %d, %q", code, help)
	}
}
