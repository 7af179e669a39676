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
)

func noEnvironment(string) (string, bool) { return "", false }

// try runs the program in this process, keeping its files below dir.
func try(ctx context.Context, t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	args = append([]string{"-token-file", filepath.Join(dir, "token"), "-pace", "40ms"}, args...)
	code = run(ctx, args, noEnvironment, &out, &problems)
	return code, out.String(), problems.String()
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

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

func TestPublishes(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []string
		not  string
	}{
		"to preview": {nil, []string{
			"No credentials in the environment", "Contoso Backup (AzureApplication):", "submit Listing, draft", "submit Package of plan basic, draft", "wait for the preview",
			"submitted", "Preview: Automated validation: InProgress", "is in preview; -live takes it to customers",
		}, "promoted"},
		"to live": {[]string{"-live"}, []string{"promote the preview to live", "the preview is there; promoted to live", "Live: Certification: InProgress", "is live."}, "preview;"},
		"a part":  {[]string{"-modules", "Listing,Property,ResellerConfiguration", "-plans", "pro", "-notes", "none"}, []string{"submit Listing of plan pro", "is in preview"}, "submit Availability"},
		"no plan": {[]string{"-plans", "-", "-modules", "Listing, ResellerConfiguration"}, []string{"submit Listing, draft", "is in preview"}, "of plan"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				code, stdout, stderr := try(t.Context(), t, dir, append([]string{"-pace", "1h"}, c.args...)...)
				if code != exitOK || len(names(t, dir)) != 0 {
					t.Fatalf("exit code %d, files %v\n%s%s", code, names(t, dir), stdout, stderr)
				}
				contains(t, stdout, c.want...)
				if strings.Contains(stdout, c.not) {
					t.Errorf("%q is there:\n%s", c.not, stdout)
				}
			})
		})
	}
}

func TestDryRun(t *testing.T) {
	dir := t.TempDir()
	code, stdout, stderr := try(t.Context(), t, dir, "-dry-run", "-live")
	if code != exitOK || strings.Contains(stdout, "submitted") || len(names(t, dir)) != 0 {
		t.Errorf("exit code %d, files %v\n%s%s", code, names(t, dir), stdout, stderr)
	}
	contains(t, stdout, "  1. submit Availability, draft", "promote the preview to live", "wait until it is live")
}

// Never green on failure: the exit code is 1, and the reasons are on the screen.
func TestRefusedOffer(t *testing.T) {
	dir := t.TempDir()
	code, stdout, stderr := try(t.Context(), t, dir, "-fail", "-live")
	if code != exitFailed || len(names(t, dir)) != 0 || strings.Contains(stdout, "-resume") {
		t.Errorf("exit code %d, files %v\n%s", code, names(t, dir), stdout)
	}
	contains(t, stderr, "WHAT        SEVERITY", "step        Failed", "validation  Error", "AVS0106  Package", "does not name its API versions",
		`at step "Automated validation"`, "https://partner.microsoft.com/dashboard/commercial-marketplace/offers/")
	// The step may fail between the look at the submission and that at its steps.
	if !strings.Contains(stderr, "is InProgress Failed at step") && !strings.Contains(stderr, "is InProgress Submitted at step") {
		t.Errorf("the state is missing in\n%s", stderr)
	}
	if last := stderr[strings.LastIndex(strings.TrimRight(stderr, "\n"), "\n")+1:]; !strings.HasPrefix(last, "publish: ") {
		t.Errorf("the last line is %q", last)
	}
}

func TestMistakes(t *testing.T) {
	for _, tt := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "unexpected arguments", []string{"x"}},
		{exitUsage, "-offer", []string{"-offer", ""}},
		{exitUsage, "-token-file", []string{"-token-file", ""}},
		{exitUsage, "-pace", []string{"-pace", "-1s"}},
		{exitUsage, "either -dry-run or -resume", []string{"-dry-run", "-resume", "x"}},
		{exitUsage, "no such file", []string{"-resume", "@missing"}},
		{exitUsage, "not defined", []string{"-unknown"}},
		{exitFailed, `offer id "none"`, []string{"-offer", "none"}},
		{exitFailed, "InFlight", []string{"-in-flight", "shoot"}},
		{exitFailed, `no plan "none"`, []string{"-plans", "none"}},
		{exitFailed, "not a token", []string{"-resume", "nonsense"}},
	} {
		dir := t.TempDir()
		code, stdout, stderr := try(t.Context(), t, dir, tt.args...)
		if code != tt.code || !strings.Contains(stderr, tt.want) || len(names(t, dir)) != 0 || strings.Contains(stdout, "To continue") {
			t.Errorf("%v: exit code %d, files %v\n%s%s", tt.args, code, names(t, dir), stdout, stderr)
		}
	}
}

func TestTokenFileThatCannotBeWritten(t *testing.T) {
	code, _, stderr := try(t.Context(), t, filepath.Join(t.TempDir(), "missing"))
	if code != exitFailed || !strings.Contains(stderr, "no such file") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "token", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := try(t.Context(), t, dir); code != exitFailed || !strings.Contains(stderr, "token") || len(names(t, dir)) != 1 {
		t.Errorf("exit code %d, files %v: %s", code, names(t, dir), stderr)
	}
}

// Killed at any time, the program goes on where it was, with the printed token or
// with the file.
func TestInterruptedAndResumed(t *testing.T) {
	for _, after := range []time.Duration{0, time.Minute, 25 * time.Minute, 55 * time.Minute, 70 * time.Minute, 100 * time.Minute} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			time.AfterFunc(after+time.Nanosecond, interrupt)
			code, stdout, stderr := try(ctx, t, dir, "-pace", "1h", "-live", "-notes", "secret-4711")
			if code != exitInterrupted || !strings.Contains(stderr, "interrupted") || strings.Contains(stdout, "4711") {
				t.Fatalf("after %v: exit code %d\n%s%s", after, code, stdout, stderr)
			}
			_, token, ok := strings.Cut(stdout, "-resume '")
			token, _, _ = strings.Cut(token, "'")
			kept, err := os.ReadFile(filepath.Join(dir, "token"))
			if !ok || err != nil || strings.TrimSpace(string(kept)) != token {
				t.Fatalf("after %v: token %q, file %q, %v:\n%s", after, token, kept, err, stdout)
			}
			if after > 30*time.Minute {
				token = "@" + filepath.Join(dir, "token")
			}
			code, stdout, stderr = try(t.Context(), t, dir, "-pace", "1h", "-notes", "secret-4711", "-resume", token)
			if code != exitOK || !strings.Contains(stdout, "is live.") || len(names(t, dir)) != 0 {
				t.Errorf("after %v: exit code %d, files %v\n%s%s", after, code, names(t, dir), stdout, stderr)
			}
		})
	}
}

// With credentials it is the real service that is asked, or the one that the
// environment names.
func TestCredentialsInTheEnvironment(t *testing.T) {
	for endpoint, want := range map[string]string{"ftp://api.example": "ftp", "http://127.0.0.1:1": "interrupted"} {
		var out, problems bytes.Buffer
		environment := func(key string) (string, bool) {
			value, ok := map[string]string{"PARTNERCENTER_ACCESS_TOKEN": "t0ken", endpointVariable: endpoint}[key]
			return value, ok
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nobody is there to answer
		if endpoint == "ftp://api.example" {
			ctx = t.Context()
		}
		code := run(ctx, []string{"-token-file", filepath.Join(t.TempDir(), "token")}, environment, &out, &problems)
		if code == exitOK || !strings.Contains(problems.String(), want) || strings.Contains(out.String(), "No credentials") || strings.Contains(problems.String(), "t0ken") || strings.Count(problems.String(), "\n") != 1 {
			t.Errorf("%s: exit code %d, want a line about %s:\n%s%s", endpoint, code, want, out.String(), problems.String())
		}
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	if code, _, help := try(t.Context(), t, t.TempDir(), "-help"); code != exitOK || !strings.Contains(help, "-dry-run") {
		t.Errorf("exit code %d, %q", code, help)
	}
}
