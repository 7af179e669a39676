package azuritetest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"testing"
	"time"
)

// patience is how long the emulator may take to listen.
const patience = 2 * time.Minute

// Server is a running Azurite. It is safe for concurrent use.
type Server struct {
	// URL is the address of the emulator's account, without a slash at the end.
	URL string
}

// Start runs Azurite on a free loopback port until the test ends. What it stores
// it keeps in memory. Without Azurite the test is skipped; with CI=true it fails.
func Start(tb testing.TB) *Server {
	tb.Helper()
	program, err := exec.LookPath("azurite-blob")
	if err != nil {
		const message = "this test needs Azurite (npm install -g azurite, at the version that .ci/run names)"
		if os.Getenv("CI") == "true" { //nolint:forbidigo // a helper of tests, where the environment may decide
			tb.Fatal(message)
		}
		tb.Skip(message)
	}
	// The emulator must outlive the test's own context, which ends before cleanup.
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	cmd := exec.CommandContext(ctx, program, //nolint:gosec // the program that the test asks for
		"--silent", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck",
		"--blobHost", "127.0.0.1", "--blobPort", "0")
	cmd.Dir = tb.TempDir()
	out := &output{listens: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		cancel()
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its error is the end that the test brings about
	}()
	tb.Cleanup(func() {
		cancel()
		<-ended
	})
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case address := <-out.listens:
		return &Server{URL: address + "/" + account}
	case <-ended:
		tb.Fatalf("azurite-blob has ended: %s", out)
	case <-timer.C:
		tb.Fatalf("azurite-blob does not listen after %v: %s", patience, out)
	}
	return nil
}

// listening is what Azurite prints when it is ready.
var listening = regexp.MustCompile(`successfully listens on (http://127\.0\.0\.1:\d+)`)

// output collects what the emulator prints and looks for its address there.
type output struct {
	listens chan string

	mu    sync.Mutex
	text  bytes.Buffer
	found bool
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	if m := listening.FindSubmatch(o.text.Bytes()); m != nil && !o.found {
		o.found = true
		o.listens <- string(m[1])
	}
	return n, err
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
