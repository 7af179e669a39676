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

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/pctest"
)

func noEnvironment(string) (string, bool) { return "", false }

func try(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, problems bytes.Buffer
	code = run(ctx, args, noEnvironment, &out, &problems)
	return code, out.String(), problems.String()
}

func TestFilesComeByThemselves(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := t.TempDir()
	key := ""
	for range 2 { // the second time with the same secret
		code, stdout, stderr := try(ctx, "-out", dir, "-files", "3", "-pace", "100ms")
		if code != exitOK || strings.Count(stdout, "6 rows") < 3 || !strings.Contains(stdout, "schedule callback-server: created") {
			t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
		}
		text, err := os.ReadFile(filepath.Join(dir, ".callback-secret"))
		if err != nil || len(text) < 20 || key != "" && key != string(text) {
			t.Errorf("secret of %d characters, %v", len(text), err)
		}
		key = string(text)
		if strings.Contains(stdout+stderr, strings.TrimSpace(key)) {
			t.Error("the secret is printed")
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(found) < 3 {
		t.Errorf("files %v, %v", found, err)
	}
}

// What became ready while the program was down is fetched, and nothing twice.
func TestCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		client, err := analytics.New(srv.AppOnlyTokenSource(), analytics.Marketplace, srv.Options())
		if err != nil {
			t.Fatal(err)
		}
		applied, err := client.Apply(t.Context(), analytics.Schedule{
			Name: "s", Query: "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH", Interval: 24 * time.Hour, Count: 30,
		})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for i, want := range []int{3, 3} { // two days up, three days down
			var out bytes.Buffer
			in := &inbox{client: client, dir: dir, stdout: &out}
			receiver, err := analytics.NewReceiver(client, in.take, in.options(partnercenter.Secret{}))
			if err != nil {
				t.Fatal(err)
			}
			receiver.Watch(applied.Report.ID)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(55-54*i)*time.Hour)
			if err := receiver.Run(ctx); err != nil {
				t.Error(err)
			}
			cancel()
			if got := strings.Count(out.String(), " rows\n"); got != want {
				t.Errorf("run %d: %d files, want %d\n%s", i+1, got, want, &out)
			}
			time.Sleep(72 * time.Hour)
		}
	})
}

func TestInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out := &waiter{want: "created", found: interrupt}
	var problems bytes.Buffer
	if code := run(ctx, []string{"-out", t.TempDir(), "-pace", "1h"}, noEnvironment, out, &problems); code != exitOK || ctx.Err() == nil {
		t.Errorf("exit code %d\n%s%s", code, &out.text, &problems)
	}
}

// waiter calls a function when a text has been written.
type waiter struct {
	want  string
	found func()
	text  bytes.Buffer
}

func (w *waiter) Write(p []byte) (int, error) {
	n, err := w.text.Write(p)
	if strings.Contains(w.text.String(), w.want) {
		w.found()
	}
	return n, err
}

func TestMistakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "unexpected argument", []string{"x"}}, {exitUsage, "-out", []string{"-out", ""}}, {exitUsage, "-pace", []string{"-pace", "0s"}},
		{exitUsage, "not defined", []string{"-x"}},
		{exitFailed, "not a directory", []string{"-out", filepath.Join(file, "sub")}},
		{exitFailed, "listen", []string{"-listen", "nowhere:x"}},
		{exitFailed, "write FROM ISVOrder", []string{"-query", "SELECT OfferName ISVOrder"}},
	} {
		args := tt.args
		if tt.args[0] != "-out" {
			args = append([]string{"-out", t.TempDir()}, args...)
		}
		if code, stdout, stderr := try(t.Context(), args...); code != tt.code || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"PARTNERCENTER_ACCESS_TOKEN": "t"}[name]
		return v, ok
	}
	var out, problems bytes.Buffer
	if code := run(t.Context(), []string{"-out", t.TempDir()}, lookup, &out, &problems); code != exitFailed || !strings.Contains(problems.String(), "-public") {
		t.Errorf("exit code %d: %s", code, &problems)
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	if code, _, help := try(t.Context(), "-help"); code != exitOK || !strings.Contains(help, "-pace") {
		t.Errorf("exit code %d, %q", code, help)
	}
}
