package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func noEnvironment(string) (string, bool) { return "", false }

func try(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, problems bytes.Buffer
	code = run(ctx, args, noEnvironment, &out, &problems)
	return code, out.String(), problems.String()
}

func TestTables(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []string // rows, with single blanks
	}{
		"all offers": {nil, []string{
			"OFFER TYPE NAME PLANS NEWEST SUBMISSION STATE", "contoso-backup AzureApplication Contoso Backup basic, pro 11",
			" preview", " failed", "contoso-cache AzureContainer Contoso Cache none", "3 offers",
		}},
		"of one type": {[]string{"-type", "SoftwareAsAService"}, []string{"contoso-monitor SoftwareAsAService", "\n1 offers"}},
		"of none":     {[]string{"-type", "Durable"}, []string{"\n0 offers"}},
		"one offer": {[]string{"-offer", "contoso-backup"}, []string{
			"Contoso Backup (AzureApplication)", "PLAN NAME KIND STATE", "pro Professional managed-application Active", "SUBMISSION RELEASE STATE MEANS", "1 Published ReadyToPublish preview",
		}},
	} {
		code, stdout, stderr := try(t.Context(), c.args...)
		if code != exitOK || stderr != "" {
			t.Errorf("%s: exit code %d: %s", name, code, stderr)
		}
		var lines []string
		for line := range strings.SplitSeq(stdout, "\n") {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		stdout = strings.Join(lines, "\n")
		for _, want := range c.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: %q is missing in\n%s", name, want, stdout)
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		ctx  context.Context
		code int
		want string
		args []string
	}{
		{t.Context(), exitUsage, "either -type or -offer", []string{"-type", "x", "-offer", "y"}},
		{t.Context(), exitUsage, "nothing else", []string{"x"}},
		{t.Context(), exitUsage, "not defined", []string{"-unknown"}},
		{t.Context(), exitFailed, `no product has the offer id "none"`, []string{"-offer", "none"}},
		{ended, exitInterrupted, "interrupted", nil},
	} {
		code, _, stderr := try(c.ctx, c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d: %s", c.args, code, stderr)
		}
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
		code := run(ctx, []string{}, environment, &out, &problems)
		if code == exitOK || !strings.Contains(problems.String(), want) || strings.Contains(out.String(), "No credentials") || strings.Contains(problems.String(), "t0ken") || strings.Count(problems.String(), "\n") != 1 {
			t.Errorf("%s: exit code %d, want a line about %s:\n%s%s", endpoint, code, want, out.String(), problems.String())
		}
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	if code, _, help := try(t.Context(), "-help"); code != exitOK || !strings.Contains(help, "-offer") {
		t.Errorf("exit code %d, %q", code, help)
	}
}
