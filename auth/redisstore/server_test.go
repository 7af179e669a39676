package redisstore_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a real Redis server.
type server struct {
	addr   string
	dir    string
	args   []string
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
}

// startServer starts a Redis server on a free port, with settings such as "--appendonly",
// "yes". It ends with the test.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is missing; CI must install the Debian package redis-server")
		}
		t.Skip("this test needs redis-server (Debian: apt-get install redis-server)")
	}
	s := &server{dir: t.TempDir(), args: args}
	// The free port can be gone by the time it is used, and in a cluster the one that
	// is 10,000 higher must be free, too, if there is such a port at all.
	for try := 0; ; try++ {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.addr = l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		err = s.start(t)
		if err == nil {
			break
		}
		if try == 30 {
			t.Fatal(err)
		}
	}
	t.Cleanup(s.kill)
	return s
}

// start starts the server's process and waits until it answers.
func (s *server) start(t *testing.T) error {
	t.Helper()
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	args := append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--save", "", "--daemonize", "no"}, s.args...)
	s.cmd = exec.Command("redis-server", args...) //nolint:noctx // it outlives calls and ends with the test
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		defer close(exited)
		_ = cmd.Wait() // how it ended does not matter
	}(s.cmd, s.exited)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1})
	defer func() { _ = c.Close() }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := c.Ping(ctx).Err(); err == nil {
			return nil
		}
		select {
		case <-s.exited:
			text, _ := os.ReadFile(log.Name()) // only to show
			return fmt.Errorf("redis-server has ended: %s", text)
		case <-ctx.Done():
			s.kill()
			text, _ := os.ReadFile(log.Name()) // only to show
			return fmt.Errorf("redis-server does not answer: %s", text)
		case <-tick.C:
		}
	}
}

// kill ends the server at once, as a crash does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.exited
}

// client connects to a server.
func client(t *testing.T, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}
