package foreigntest

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// findPython returns a Python that has requests, preferably the system's.
func findPython(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if path, err := exec.LookPath(name); err == nil && exec.CommandContext(t.Context(), path, "-c", "import requests, urllib3").Run() == nil {
			return path
		}
	}
	without(t, "this test runs Python with requests: install them (Debian: apt-get install python3-requests)")
	return ""
}

// python runs a script and decodes what it prints.
func (e *emulator) python(script string, into any) {
	e.t.Helper()
	program := findPython(e.t)
	settings, err := json.Marshal(map[string]string{
		"tenant": e.TenantID, "client_id": e.Clients[0].ClientID, "client_secret": e.Clients[0].ClientSecret,
		"username": e.Users[0].Username, "password": e.Users[0].Password, "refresh_token": e.RefreshToken,
		"dataset": "AzureUsage", "timespan": "LAST_3_MONTHS",
	})
	if err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(e.t.Context(), patience)
	defer cancel()
	dir := filepath.Join("testdata", "python")
	cmd := exec.CommandContext(ctx, program, filepath.Join(dir, script))
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PYTHONPATH=" + dir, "PYTHONDONTWRITEBYTECODE=1",
		"REQUESTS_CA_BUNDLE=" + e.CAFile, "EMULATOR=" + e.Address, "SETTINGS=" + string(settings),
	}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		e.t.Fatalf("%s: %v\n%s", script, err, &problems)
	}
	if err := json.Unmarshal(out, into); err != nil {
		e.t.Fatalf("%s: %v in %s", script, err, out)
	}
}

func TestPythonRunsAPartnerReport(t *testing.T) {
	t.Parallel()
	findPython(t)
	// Eight and a half minutes are less than a second.
	e := startEmulator(t, "-speed", "1000")
	var got struct {
		Columns, Header []string
		Rows, Waited    int
		Encoding        string
		Status          string
	}
	e.python("partner_report.py", &got)
	if !slices.Equal(got.Columns, got.Header) || len(got.Columns) != 3 || got.Rows == 0 || got.Encoding != "gzip" || got.Status != "Completed" {
		t.Errorf("the script has found %+v", got)
	}
	if got.Waited == 0 {
		t.Error("the report was there at once, so that nothing was waited for")
	}
	c := newCurl(t, e)
	if s := e.look(c); len(s.Queries) != 1 || len(s.Reports) != 0 {
		t.Errorf("the script has left %+v", s)
	}
}

func TestPythonExportsEarningsInBadWeather(t *testing.T) {
	t.Parallel()
	findPython(t)
	faults := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(faults, []byte(`[
		{"host": "api.partner.microsoft.com", "method": "GET", "drop": "reset"},
		{"host": "api.partner.microsoft.com", "method": "GET", "times": 2, "status": 503},
		{"host": "api.partner.microsoft.com", "method": "GET", "status": 429, "retryAfter": "1s"},
		{"host": "*.blob.core.windows.net", "cutAfter": 2000},
		{"host": "*.blob.core.windows.net", "cutAfter": 3000}
	]`), 0o600); err != nil {
		t.Fatal(err)
	}
	e := startEmulator(t, "-speed", "86400", "-faults", faults, "-rows", "700")
	var got struct{ Rows, Bytes, Breaks int }
	e.python("earnings.py", &got)
	if got.Rows < 600 || got.Rows > 700 || got.Breaks != 2 {
		t.Errorf("the script has found %+v", got)
	}
	if s := e.look(newCurl(t, e)); len(s.Exports) != 1 || s.Exports[0].Status != "Completed" {
		t.Errorf("%+v", s)
	}
}
