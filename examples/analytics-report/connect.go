package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// session is one run of the program.
type session struct {
	cfg    config
	client *analytics.Client
	fake   *pctest.Server // nil with the real service
	source io.Closer
	token  string // of the run under way
	stdout io.Writer
	stderr io.Writer
}

const noCredentials = `No credentials in the environment: using the embedded fake, whose data is invented.
For your own data set PARTNERCENTER_TENANT_ID, PARTNERCENTER_CLIENT_ID and
PARTNERCENTER_CLIENT_SECRET; for -program mpn, which wants a user, sign in with
go run ./examples/signin and set PARTNERCENTER_REFRESH_TOKEN_STORE in place of the
secret. Or set PARTNERCENTER_ACCESS_TOKEN.

`

// endpointVariable leads this program, not the SDK, to another server.
const endpointVariable = "PARTNERCENTER_ENDPOINT"

// connect makes the client: of the environment's credentials if there are any, of
// the embedded fake otherwise.
func connect(cfg config, lookup func(string) (string, bool), stdout, stderr io.Writer) (*session, error) {
	s := &session{cfg: cfg, stdout: stdout, stderr: stderr}
	// Minutes before there is anything to write.
	if err := os.MkdirAll(filepath.Dir(s.file()), 0o750); err != nil {
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
	s.client, err = analytics.New(source, cfg.program, &partnercenter.Options{Endpoint: endpoint, UserAgent: "analytics-report"})
	return s, err
}

// connectFake starts a fake service inside this program. Its reports survive the
// program's end in a file, as the real service's do on their own.
func (s *session) connectFake() error {
	third := s.cfg.pace / 3
	opts := []pctest.Option{pctest.WithAnalyticsBehavior(func(b *pctest.AnalyticsBehavior) {
		b.QueueTime, b.RunTime = third, s.cfg.pace-third
	})}
	if s.cfg.resume != "" {
		snapshot, err := os.ReadFile(s.fakeFile())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		opts = append(opts, pctest.WithSnapshot(snapshot))
	}
	var err error
	if s.fake, err = pctest.New(opts...); err != nil {
		return err
	}
	tokens := s.fake.AppOnlyTokenSource()
	if s.cfg.program == analytics.Partner {
		tokens = s.fake.TokenSource()
	}
	s.client, err = analytics.New(tokens, s.cfg.program, s.fake.Options())
	return err
}

func (s *session) fakeFile() string { return s.file() + ".fake.json" }

// file is where the result goes.
func (s *session) file() string {
	switch {
	case s.cfg.out != "":
		return s.cfg.out
	case s.cfg.dataset != "":
		return s.cfg.dataset + "." + string(s.cfg.format)
	}
	return "report." + string(s.cfg.format)
}

// remember writes the fake's reports down.
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

// close also forgets the fake's reports when there is nothing to go on with.
func (s *session) close() {
	if s.fake != nil {
		_ = s.fake.Close()
		if s.token == "" {
			_ = os.Remove(s.fakeFile())
		}
	}
	if s.source != nil {
		_ = s.source.Close()
	}
}
