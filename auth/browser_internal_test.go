package auth

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommandThatOpensTheBrowser(t *testing.T) {
	const u = "https://login.example/authorize?a=b&c=d"
	for system, want := range map[string][]string{
		"linux":   {"xdg-open", u},
		"freebsd": {"xdg-open", u},
		"darwin":  {"open", u},
		"windows": {"rundll32", "url.dll,FileProtocolHandler", u},
	} {
		name, args := browserCommand(system, u)
		if diff := cmp.Diff(want, append([]string{name}, args...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", system, diff)
		}
	}
}

func TestBrowserIsStartedAndNotWaitedFor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the command that stands in for the browser is a shell script")
	}
	mkfifo, err := exec.LookPath("mkfifo")
	if err != nil {
		t.Skip("mkfifo is not installed")
	}
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if out, err := exec.CommandContext(t.Context(), mkfifo, pipe).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// It writes when somebody reads, which is after the call.
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\necho \"$#:$1\" > "+pipe+"\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	const u = "https://login.example/authorize?a=b&c=$(d);e"
	if err := openInBrowser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(pipe)
	if err != nil {
		t.Fatal(err)
	}
	if want := "1:" + u + "\n"; string(got) != want {
		t.Errorf("the browser was given %q, want %q", got, want)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := openInBrowser(canceled, u); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/nowhere/sh\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	if err := openInBrowser(t.Context(), u); !errors.Is(err, errNoBrowser) {
		t.Errorf("a command that cannot be started: %v", err)
	}
}

func TestNoCommandToOpenABrowserWith(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := openInBrowser(t.Context(), "https://login.example/"); !errors.Is(err, errNoBrowser) || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("got %v", err)
	}
	for _, u := range []string{"", "http://login.example/", "-h", "file:///etc/passwd", "javascript:alert(1)"} {
		if err := openInBrowser(t.Context(), u); err == nil || errors.Is(err, errNoBrowser) {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestDefaultPortsOfBrowsers(t *testing.T) {
	for given, want := range map[string]string{
		"localhost": "localhost:80", "localhost:8400": "localhost:8400", "[::1]": "[::1]:80", "[::1]:8400": "[::1]:8400", "": ":80",
	} {
		if got := withPort(given); got != want {
			t.Errorf("withPort(%q) = %q, want %q", given, got, want)
		}
	}
}
