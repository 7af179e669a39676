package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/payouts"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// session is one run of the program.
type session struct {
	cfg    config
	client *payouts.Client
	fake   *pctest.Server // nil with the real service
	source io.Closer
	tokens []string // of the exports under way
	stdout io.Writer
	screen *screen
}

const noCredentials = `No credentials in the environment: using the embedded fake, whose data is invented.
For your own data sign in with go run ./examples/signin and set PARTNERCENTER_TENANT_ID,
PARTNERCENTER_CLIENT_ID and PARTNERCENTER_REFRESH_TOKEN_STORE, or set PARTNERCENTER_ACCESS_TOKEN;
the README says what to register.

`

// endpointVariable leads this program, not the SDK, to another server.
const endpointVariable = "PARTNERCENTER_ENDPOINT"

// connect makes the client: of the environment's credentials if there are any, of
// the embedded fake otherwise.
func connect(cfg config, lookup func(string) (string, bool), stdout io.Writer, screen *screen) (*session, error) {
	s := &session{cfg: cfg, stdout: stdout, screen: screen}
	if err := os.MkdirAll(cfg.out, 0o750); err != nil {
		return nil, err
	}
	source, err := auth.FromVariables(lookup, nil)
	if errors.Is(err, auth.ErrNoEnvironment) {
		fmt.Fprint(stdout, noCredentials)
		return s, s.connectFake()
	}
	if err != nil {
		return nil, err
	}
	s.source = source
	endpoint, _ := lookup(endpointVariable)
	s.client, err = payouts.New(source, &partnercenter.Options{Endpoint: endpoint, UserAgent: "quickstart"})
	return s, err
}

// connectFake starts a fake service inside this program. Its exports survive the
// program's end in a file, as the real service's do on their own.
func (s *session) connectFake() error {
	third := s.cfg.pace / 3
	opts := []pctest.Option{
		pctest.WithData(pctest.Data{Rows: s.cfg.rows}),
		pctest.WithBehavior(func(b *pctest.Behavior) {
			b.Steps = []pctest.Step{pctest.QueuedFor(third), pctest.ProcessingFor(s.cfg.pace - third), pctest.Completed()}
		}),
	}
	switch snapshot, err := os.ReadFile(s.fakeFile()); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case len(s.cfg.resume) > 0:
		opts = append(opts, pctest.WithSnapshot(snapshot))
	}
	var err error
	if s.fake, err = pctest.New(opts...); err != nil {
		return err
	}
	s.client, err = payouts.New(s.fake.TokenSource(), s.fake.Options())
	return err
}

func (s *session) fakeFile() string { return filepath.Join(s.cfg.out, ".fake.json") }

// remember writes the fake's exports down.
func (s *session) remember() error {
	if s.fake == nil {
		return nil
	}
	snapshot, err := s.fake.Snapshot()
	if err != nil {
		return err
	}
	return os.WriteFile(s.fakeFile(), snapshot, 0o600)
}

func (s *session) close() {
	if s.fake != nil {
		_ = s.fake.Close()
	}
	if s.source != nil {
		_ = s.source.Close()
	}
}

// firstMoment is the start of the period exported by default.
func firstMoment(now time.Time) time.Time {
	return payouts.Day(now.UTC().Year(), now.UTC().Month()-6, 1)
}
