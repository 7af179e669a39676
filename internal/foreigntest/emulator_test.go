package foreigntest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a program of a test may take.
const patience = 2 * time.Minute

// without skips the test, except where nothing may be skipped.
func without(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// build builds the emulator once for all tests.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "foreigntest")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "emulator")
	cmd := exec.Command("go", "build", "-o", binary, "./emulator")
	cmd.Dir = filepath.Join("..", "..", "examples")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", &buildError{err, out}
	}
	return binary, nil
})

type buildError struct {
	err error
	out []byte
}

func (e *buildError) Error() string { return e.err.Error() + "\n" + string(e.out) }

func TestMain(m *testing.M) {
	code := m.Run()
	if binary, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// emulator is the running program, as its line describes it.
type emulator struct {
	t            *testing.T
	BaseURL      string `json:"baseUrl"`
	Admin        string `json:"adminUrl"`
	Address      string `json:"address"`
	CAFile       string `json:"caFile"`
	TenantID     string `json:"tenantId"`
	TenantDomain string `json:"tenantDomain"`
	Clients      []struct {
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
	} `json:"clients"`
	Users []struct {
		Username string `json:"username"`
		Password string `json:"password"`
	} `json:"users"`
	RefreshToken string `json:"refreshToken"`
	line         []byte
	pid          int
}

// startEmulator starts the program on a free port. It is ended with the test as a process
// manager does it, and must end well.
func startEmulator(t *testing.T, args ...string) *emulator {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the emulator is ended with SIGTERM, which this system does not have")
	}
	binary, err := build()
	if err != nil {
		t.Fatalf("building the emulator: %v", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // the cleanup needs it
	cmd := exec.CommandContext(ctx, binary, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(patience, cancel)
		defer timer.Stop()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the emulator ends with %v", err)
		}
		if stderr.Len() > 0 {
			t.Logf("the emulator says:\n%s", &stderr)
		}
	})
	e := &emulator{t: t, pid: cmd.Process.Pid}
	if e.line, err = bufio.NewReader(out).ReadBytes('\n'); err != nil {
		t.Fatalf("the emulator does not start: %v", err)
	}
	if err := json.Unmarshal(e.line, e); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *emulator) port() string {
	e.t.Helper()
	_, port, err := net.SplitHostPort(e.Address)
	if err != nil {
		e.t.Fatal(err)
	}
	return port
}

// state is what a test looks at in the emulator's state.
type state struct {
	Exports []struct {
		ID      string `json:"id"`
		Status  string `json:"status"`
		Deleted bool   `json:"deleted"`
	} `json:"exports"`
	Queries []struct {
		Query string `json:"query"`
	} `json:"queries"`
	Reports []struct {
		Status     string `json:"status"`
		Executions []struct {
			Status string `json:"status"`
		} `json:"executions"`
	} `json:"reports"`
	Products []struct {
		OfferID     string `json:"offerId"`
		Submissions []struct {
			Substate string `json:"substate"`
		} `json:"submissions"`
	} `json:"products"`
	Violations []string `json:"violations"`
}

// look reads the state, and fails the test if the client has done what no client may do.
func (e *emulator) look(c *curl) state {
	e.t.Helper()
	var s state
	c.json(200, &s, e.Admin+"state")
	for _, v := range s.Violations {
		e.t.Error(v)
	}
	return s
}
