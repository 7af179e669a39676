package postgresstore_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a real PostgreSQL server.
type server struct {
	dir  string // of the data
	port string
	args []string

	process *os.Process
	exited  chan struct{} // closed when the process has ended
}

// programs returns the paths of initdb and postgres, which Debian keeps off the PATH.
func programs(t *testing.T) (initdb, postgres string) {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		postgres = found[len(found)-1]
	} else if postgres, err = exec.LookPath("postgres"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("PostgreSQL is missing; CI must install the Debian package postgresql")
		}
		t.Skip("this test needs PostgreSQL (Debian: apt-get install postgresql)")
	}
	return filepath.Join(filepath.Dir(postgres), "initdb"), postgres
}

// newServer makes the files of a server. It ends with the test if it is started.
func newServer(t *testing.T, args ...string) *server {
	t.Helper()
	initdb, _ := programs(t)
	s := &server{dir: filepath.Join(t.TempDir(), "data"), args: args}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), initdb, "-D", s.dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	asServer(t, cmd, s.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	t.Cleanup(func() { s.stop(os.Interrupt) })
	return s
}

// startServer starts a server on a free port of the loopback address, with settings such
// as "-c", "synchronous_commit=off".
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	s := newServer(t, args...)
	s.start(t)
	return s
}

// start starts the server's process and waits until it answers.
func (s *server) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, postgres := programs(t)
	for { // the free port can be gone by the time it is used, and a crash takes a moment
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if _, s.port, err = net.SplitHostPort(l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		log, err := os.Create(s.dir + ".log")
		if err != nil {
			t.Fatal(err)
		}
		args := append([]string{"-D", s.dir, "-p", s.port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200"}, s.args...)
		cmd := exec.Command(postgres, args...) //nolint:noctx // it ends with the test
		asServer(t, cmd, s.dir)
		cmd.Stdout, cmd.Stderr = log, log
		err = cmd.Start()
		_ = log.Close()
		if err != nil {
			t.Fatal(err)
		}
		s.process, s.exited = cmd.Process, make(chan struct{})
		go func(exited chan struct{}) {
			defer close(exited)
			_ = cmd.Wait() // how it ended does not matter
		}(s.exited)
		if s.answers(ctx) {
			return
		}
		s.stop(os.Kill)
		if ctx.Err() != nil {
			text, _ := os.ReadFile(log.Name()) // only to show
			t.Fatalf("PostgreSQL does not answer: %s", text)
		}
	}
}

// answers waits until the server answers or has ended.
func (s *server) answers(ctx context.Context) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := pgx.Connect(ctx, s.url()); err == nil {
			_ = conn.Close(ctx)
			return true
		}
		select {
		case <-s.exited:
			return false
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// stop ends the server, in order with os.Interrupt, at once with os.Kill.
func (s *server) stop(signal os.Signal) {
	if s.process != nil {
		_ = s.process.Signal(signal) // it may have ended
		<-s.exited
	}
}

func (s *server) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%s/postgres?sslmode=disable", s.port)
}

// connect opens a pool.
func connect(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
