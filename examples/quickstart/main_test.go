package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter/payouts"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// childVariable makes the test binary behave as the program itself.
const childVariable = "QUICKSTART_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func noEnvironment(string) (string, bool) { return "", false }

// try runs the program in this process.
func try(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	code = run(t.Context(), args, noEnvironment, &out, &problems)
	return code, out.String(), problems.String()
}

// child prepares the program as a process of its own.
func child(ctx context.Context, env []string, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	cmd = exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append([]string{childVariable + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}, env...)
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// checkOneLine holds a failure to its promise.
func checkOneLine(t *testing.T, code int, stderr, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	last := lines[len(lines)-1]
	if code != exitFailed || !strings.HasPrefix(last, "quickstart: ") || !strings.Contains(last, want) {
		t.Errorf("exit code %d and\n%s\nwant 1 and a line about %q", code, stderr, want)
	}
	if n := strings.Count(stderr, "quickstart: "); n != 1 {
		t.Errorf("%d lines of complaint, want one:\n%s", n, stderr)
	}
}

// files lists what is in a directory, other than the fake's memory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "[^.]*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestTotalsAreThoseOfTheFake(t *testing.T) {
	dir := t.TempDir()
	code, stdout, stderr := try(t, "-rows", "700", "-out", dir, "-pace", "50ms")
	if code != exitOK {
		t.Fatalf("exit code %d:\n%s%s", code, stdout, stderr)
	}
	srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 700}))
	expected, err := srv.Payouts().ExpectedEarnings("")
	if err != nil {
		t.Fatal(err)
	}
	// Blanks and trailing zeros are for people.
	line := regexp.MustCompile(`\s+`).ReplaceAllString(regexp.MustCompile(`(\.\d*?)0+\s`).ReplaceAllString(stdout, "$1 "), " ")
	for _, g := range expected.Groups {
		want := strings.Join([]string{g.Month, g.Currency, g.Amount.String(), g.AmountUSD.String()}, " ")
		if !strings.Contains(strings.ReplaceAll(line, ". ", " "), want) {
			t.Errorf("the sum %q is missing in\n%s", want, stdout)
		}
	}
	payments, err := srv.Payouts().ExpectedPayments("")
	if err != nil || len(payments) == 0 {
		t.Fatalf("%d payments expected: %v", len(payments), err)
	}
	for _, p := range payments {
		if !strings.Contains(stdout, p.ID+"  "+p.Date.Format("2006-01-02")) {
			t.Errorf("payment %s is missing", p.ID)
		}
	}
	if !strings.Contains(stdout, "No credentials in the environment") || !strings.Contains(stdout, "PARTNERCENTER_TENANT_ID") {
		t.Error("the output does not say that the data is invented and how to get one's own")
	}
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("files left: %v", got)
	}
}

func TestOneKindAlone(t *testing.T) {
	for _, kind := range []payouts.Kind{payouts.Earnings, payouts.Payments} {
		dir := t.TempDir()
		code, stdout, stderr := try(t, "-rows", "100", "-out", dir, "-pace", "0s", "-kind", string(kind))
		if got := files(t, dir); code != exitOK || len(got) != 1 || !strings.HasPrefix(filepath.Base(got[0]), string(kind)) {
			t.Errorf("%s: exit code %d, files %v\n%s%s", kind, code, got, stdout, stderr)
		}
	}
}

func TestWrongFilter(t *testing.T) {
	for _, filter := range []string{"no such field eq", "programName eq 'open"} {
		dir := t.TempDir()
		code, _, stderr := try(t, "-out", dir, "-filter", filter)
		checkOneLine(t, code, stderr, "filter")
		if got := files(t, dir); len(got) != 0 {
			t.Errorf("files left: %v", got)
		}
	}
}

func TestBadFlags(t *testing.T) {
	for _, args := range [][]string{{"-kind", "x"}, {"-rows", "0"}, {"-rows", "x"}, {"-pace", "-1s"}, {"-out", ""}, {"more"}, {"-unknown"}} {
		code, stdout, stderr := try(t, args...)
		if code != exitUsage || stdout != "" || stderr == "" {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
	code, _, stderr := try(t, "-out", t.TempDir(), "-resume", "nonsense")
	checkOneLine(t, code, stderr, "not a token")
}

func TestHelpIsNoMistake(t *testing.T) {
	if code, _, help := try(t, "-help"); code != exitOK || !strings.Contains(help, "-resume") {
		t.Errorf("exit code %d, %q", code, help)
	}
}

func TestUnusableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := try(t, "-out", filepath.Join(file, "sub"))
	checkOneLine(t, code, stderr, "not a directory")
}

// service is the fake on real sockets, and the environment that leads there.
func service(t *testing.T) (*pctest.Server, []string) {
	t.Helper()
	srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 200}))
	loop, err := srv.Listen()
	if err != nil {
		t.Fatal(err)
	}
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: loop.CertPool, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(loop.APIURL, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	secure, ok := conn.(*tls.Conn)
	if !ok {
		t.Fatalf("%T is no TLS connection", conn)
	}
	var bundle bytes.Buffer
	for _, cert := range secure.ConnectionState().PeerCertificates {
		if err := pem.Encode(&bundle, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, bundle.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return srv, []string{
		"SSL_CERT_FILE=" + path,
		"PARTNERCENTER_ENDPOINT=" + loop.APIURL,
		"PARTNERCENTER_AUTHORITY=" + loop.LoginURL,
		"PARTNERCENTER_TENANT_ID=" + srv.TenantID(),
		"PARTNERCENTER_CLIENT_ID=" + srv.ClientID(),
		"PARTNERCENTER_USERNAME=" + srv.Username(),
	}
}

func needsCertFile(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE leads Go to a certificate on Linux; elsewhere this test has no way to trust the fake")
	}
}

func TestWithCredentialsOverTheNetwork(t *testing.T) {
	needsCertFile(t)
	srv, env := service(t)
	dir := t.TempDir()
	cmd, stdout, stderr := child(t.Context(), append(env, "PARTNERCENTER_PASSWORD="+srv.Password().Reveal()), "-out", dir)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	if strings.Contains(stdout.String(), "embedded fake") || !strings.Contains(stdout.String(), "TOTAL") {
		t.Errorf("stdout:\n%s", stdout)
	}
	if n := len(srv.Requests().To(pctest.Login).On("POST", "*/token")); n != 1 {
		t.Errorf("%d sign-ins, want 1", n)
	}
}

func TestWrongCredentials(t *testing.T) {
	needsCertFile(t)
	_, env := service(t)
	dir := t.TempDir()
	const password = "wrong-canary-password"
	cmd, stdout, stderr := child(t.Context(), append(env, "PARTNERCENTER_PASSWORD="+password), "-out", dir)
	_ = cmd.Run()
	checkOneLine(t, cmd.ProcessState.ExitCode(), stderr.String(), "50126")
	if strings.Contains(stdout.String()+stderr.String(), password) {
		t.Error("the password is printed")
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("files left: %v", got)
	}
	cmd, _, stderr = child(t.Context(), env, "-out", dir)
	_ = cmd.Run()
	checkOneLine(t, cmd.ProcessState.ExitCode(), stderr.String(), "PARTNERCENTER_PASSWORD")
}

func TestUnreachableHost(t *testing.T) {
	dir := t.TempDir()
	cmd, _, stderr := child(t.Context(), []string{"PARTNERCENTER_ACCESS_TOKEN=token", "PARTNERCENTER_ENDPOINT=https://127.0.0.1:1"}, "-out", dir)
	_ = cmd.Run()
	checkOneLine(t, cmd.ProcessState.ExitCode(), stderr.String(), "connection refused")
}

func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("needs root on Linux, to mount a small tmpfs")
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("mounting a small tmpfs is not allowed here: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() }) //nolint:noctx // the test's context has ended
	code, stdout, stderr := try(t, "-rows", "5000", "-out", dir, "-pace", "0s", "-kind", "earnings")
	checkOneLine(t, code, stderr, "no space left on device")
	for _, name := range files(t, dir) {
		if strings.HasSuffix(name, ".zip") {
			t.Errorf("%s lies under its final name", name)
		}
	}
	if !strings.Contains(stdout, "-resume") {
		t.Error("the output does not say how to go on once there is room")
	}
}

func TestInterruptedAndResumed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no interrupt that one process can send another")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "it's here")
	cmd, stdout, _ := child(ctx, nil, "-rows", "300", "-out", dir, "-pace", "6s")
	seen := &trigger{word: "Queued", fire: func() { _ = cmd.Process.Signal(syscall.SIGINT) }}
	cmd.Stderr = seen
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(seen.String(), "quickstart: interrupted") {
		t.Fatalf("exit code %d\n%s%s", code, stdout, seen)
	}
	_, command, ok := strings.Cut(stdout.String(), "go run ./examples/quickstart ")
	if !ok || strings.Count(command, "-resume") != 2 {
		t.Fatalf("no command to go on with:\n%s", stdout)
	}
	if strings.Contains(command, "sig=") {
		t.Errorf("the command holds a signature: %s", command)
	}
	// As a person would, through a shell.
	shell := exec.CommandContext(ctx, "sh", "-c", os.Args[0]+" "+strings.TrimSpace(command))
	shell.Env = []string{childVariable + "=1", "PATH=" + os.Getenv("PATH")}
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("TOTAL")) || len(files(t, dir)) != 2 {
		t.Errorf("files %v\n%s", files(t, dir), out)
	}
}

// trigger is a writer that does something when a word has passed.
type trigger struct {
	text  []byte
	word  string
	fire  func()
	fired bool
}

func (w *trigger) Write(p []byte) (int, error) {
	w.text = append(w.text, p...)
	if !w.fired && bytes.Contains(w.text, []byte(w.word)) {
		w.fired = true
		w.fire()
	}
	return len(p), nil
}

func (w *trigger) String() string { return string(w.text) }
