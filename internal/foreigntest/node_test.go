package foreigntest

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// installNode installs Microsoft's library as the tests of the fake authority pin it, and
// puts the scripts of these tests beside it.
func installNode(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			without(t, "this test runs Microsoft's client for Node: install "+program+" (Debian: apt-get install nodejs npm)")
		}
	}
	dir := t.TempDir()
	for _, from := range []string{filepath.Join("..", "fake", "entra", "testdata", "msalnode"), filepath.Join("testdata", "node")} {
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		without(t, "npm cannot install Microsoft's client for Node: "+err.Error()+"\n"+string(out))
	}
	return dir
}

func TestMSALNodeSignsInAtThePublicAuthority(t *testing.T) {
	t.Parallel()
	dir := installNode(t)
	e := startEmulator(t)
	settings, err := json.Marshal(map[string]string{
		"tenant": e.TenantID, "client_id": e.Clients[0].ClientID, "client_secret": e.Clients[0].ClientSecret,
		"username": e.Users[0].Username, "password": e.Users[0].Password, "refresh_token": e.RefreshToken,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--require", filepath.Join(dir, "resolve.cjs"), filepath.Join(dir, "payments.mjs"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_EXTRA_CA_CERTS=" + e.CAFile, "EMULATOR=" + e.Address, "SETTINGS=" + string(settings)}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, &problems)
	}
	var got struct {
		Datasets     int    `json:"datasets"`
		Cached       bool   `json:"cached"`
		Zip          bool   `json:"zip"`
		User         string `json:"user"`
		Tenant       string `json:"tenant"`
		PasswordUser string `json:"passwordUser"`
		Status       string `json:"status"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if got.Datasets == 0 || !got.Cached || got.User != e.Users[0].Username || got.PasswordUser != got.User || got.Tenant != e.TenantID || got.Status != "Completed" || !got.Zip {
		t.Errorf("the program has found %+v", got)
	}
	if s := e.look(newCurl(t, e)); len(s.Exports) != 1 {
		t.Errorf("%+v", s)
	}
}
