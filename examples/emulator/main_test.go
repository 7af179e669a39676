package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// emulator is the program, running inside the test.
type emulator struct {
	ready
	t      *testing.T
	client *http.Client
	stop   context.CancelFunc
	code   chan int
	stderr *bytes.Buffer // to be read after stop
}

func start(t *testing.T, args ...string) *emulator {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	e := &emulator{t: t, stop: cancel, code: make(chan int, 1), stderr: new(bytes.Buffer)}
	go func() {
		e.code <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), in, e.stderr)
		_ = in.Close()
	}()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("no line: %v, exit code %d: %s", err, <-e.code, e.stderr)
	}
	if err := json.Unmarshal(line, &e.ready); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	ca, err := os.ReadFile(e.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatalf("%s is no certificate", e.CAFile)
	}
	e.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		// Every name leads to the emulator.
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, e.Address)
		},
	}}
	t.Cleanup(func() { e.end() })
	return e
}

// end ends the program as SIGTERM does.
func (e *emulator) end() {
	e.t.Helper()
	e.client.CloseIdleConnections()
	e.stop()
	select {
	case code := <-e.code:
		if code != exitOK {
			e.t.Errorf("exit code %d: %s", code, e.stderr)
		}
		e.code <- code // for whoever ends it again
	case <-time.After(time.Minute):
		e.t.Fatal("the program does not end")
	}
}

func (e *emulator) send(method, address string, form url.Values, token string) (int, []byte) {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		e.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return resp.StatusCode, body
}

// signIn redeems the refresh token of the line.
func (e *emulator) signIn() string {
	e.t.Helper()
	status, body := e.send("POST", "https://login.microsoftonline.com/"+e.TenantID+"/oauth2/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {e.RefreshToken}, "resource": {"https://api.partner.microsoft.com"},
		"client_id": {e.Clients[0].ClientID}, "client_secret": {e.Clients[0].ClientSecret},
	}, "")
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &token); err != nil || status != 200 {
		e.t.Fatalf("%d %s", status, body)
	}
	return token.Access
}

const payments = "https://api.partner.microsoft.com/v1.0/payouts/payments"

func (e *emulator) export(token string) (id, status string) {
	e.t.Helper()
	code, body := e.send("POST", payments, nil, token)
	if code != 202 {
		e.t.Fatalf("%d %s", code, body)
	}
	return e.parse(body)
}

func (e *emulator) parse(body []byte) (id, status string) {
	e.t.Helper()
	var list struct {
		Value []struct {
			ID     string `json:"requestId"`
			Status string `json:"status"`
		} `json:"value"`
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list.Value) != 1 {
		e.t.Fatalf("%v in %s", err, body)
	}
	return list.Value[0].ID, list.Value[0].Status
}

func TestServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	e := start(t)
	if e.TenantDomain != "contoso.example" || len(e.Users) != 2 || e.Users[0].Password == "" || len(e.Hosts) != 4 || e.Admin != e.BaseURL+"/_pctest/" {
		t.Errorf("the line is %+v", e.ready)
	}
	if id, status := e.export(e.signIn()); id == "" || status != "Queued" {
		t.Errorf("the export %q is %s", id, status)
	}
	if status, _ := e.send("GET", e.Admin+"state", nil, ""); status != 200 {
		t.Errorf("the admin API answers %d", status)
	}
	for name, base := range e.BaseURLs {
		if status, body := e.send("GET", base+"/nothing", nil, ""); status == 200 || bytes.Contains(body, []byte("No service")) {
			t.Errorf("%s leads nowhere: %d %s", name, status, body)
		}
	}
	e.end()
	if _, err := os.Stat(e.CAFile); !os.IsNotExist(err) {
		t.Errorf("the temporary file is left: %v", err)
	}
}

func TestDirectoryKeepsTheState(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	first := start(t, "-dir", dir, "-seed", "5", "-speed", "8640")
	token := first.signIn()
	id, _ := first.export(token)
	first.end()

	next := start(t, "-dir", dir)
	if next.Clients[0].ClientID != first.Clients[0].ClientID || next.Clients[0].ClientSecret != first.Clients[0].ClientSecret || next.TenantID != first.TenantID || next.CAFile != first.CAFile {
		t.Errorf("%+v is not %+v", next.ready, first.ready)
	}
	code, body := next.send("GET", payments+"/"+id, nil, token)
	if code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	if got, _ := next.parse(body); got != id {
		t.Errorf("the export is %s", got)
	}
}

func TestFlagsReachTheServer(t *testing.T) {
	t.Parallel()
	faults := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(faults, []byte(`[{"method": "POST", "path": "/v1.0/payouts/*", "status": 429, "retryAfter": "7s"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, "-faults", faults, "-mfa", "-admin", "off", "-rows", "0", "-export-time", "1000h")
	token := e.signIn()
	if code, body := e.send("POST", payments, nil, token); code != 429 {
		t.Errorf("the fault is answered with %d %s", code, body)
	}
	id, _ := e.export(token)
	if code, body := e.send("GET", payments+"/"+id, nil, token); code != 200 || !bytes.Contains(body, []byte(`"Queued"`)) {
		t.Errorf("%d %s", code, body)
	}
	if e.Admin != "" {
		t.Errorf("the line tells of the admin API: %s", e.Admin)
	}
	if code, _ := e.send("GET", e.BaseURL+"/_pctest/state", nil, ""); code != 403 {
		t.Errorf("the admin API answers %d", code)
	}
	// The password grant cannot do what is enforced here.
	code, body := e.send("POST", "https://login.microsoftonline.com/contoso.example/oauth2/token", url.Values{
		"grant_type": {"password"}, "username": {e.Users[0].Username}, "password": {e.Users[0].Password},
		"resource": {"https://api.partner.microsoft.com"}, "client_id": {e.Clients[0].ClientID},
	}, "")
	var weak struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &weak); err != nil || code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	if code, body := e.send("POST", payments, nil, weak.Access); code != 401 || !bytes.Contains(body, []byte("900421")) {
		t.Errorf("without a second factor: %d %s", code, body)
	}
	if code, body := e.send("GET", "https://api.partner.microsoft.com/v1.0/ingestion/products", nil, weak.Access); code != 401 || !bytes.Contains(body, []byte("900421")) {
		t.Errorf("products without a second factor: %d %s", code, body)
	}
}

func TestMistakesAreOneLine(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(`{"stauts": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	used := start(t, "-dir", filepath.Join(t.TempDir(), "used"))
	for want, args := range map[string][]string{
		"address already in use": {"-addr", taken.Addr().String()},
		"not defined: -nothing":  {"-nothing"},
		"unexpected arguments":   {"more"},
		"host:port":              {"-addr", "8443"},
		"-speed":                 {"-speed", "0"},
		"-rows":                  {"-rows", "-1"},
		"-export-time":           {"-export-time", "-5s"},
		"-admin":                 {"-admin", "somewhere"},
		"no such file":           {"-faults", file + "x"},
		"stauts":                 {"-faults", file},
		"not a directory":        {"-addr", "127.0.0.1:0", "-dir", file},
		"another process":        {"-addr", "127.0.0.1:0", "-dir", filepath.Dir(used.CAFile)},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != exitFailed {
			t.Errorf("%v: exit code %d", args, code)
		}
		if line := stderr.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, want) || stdout.Len() > 0 {
			t.Errorf("%v: %q and %q, want %q", args, line, stdout.String(), want)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-help"}, &stdout, &stderr); code != exitOK || !strings.Contains(stdout.String(), "-faults") || stderr.Len() > 0 {
		t.Errorf("-help: exit code %d, %q", code, stderr.String())
	}
}
