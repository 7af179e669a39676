package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// service is Partner Center, or the fake of it inside this program.
type service struct {
	client *analytics.Client
	fake   *pctest.Server // nil with the real one
	source io.Closer
	calls  *http.Transport // of the fake
}

// forever is how long the fake's tokens live, since a token that is used a moment
// after it was fetched may be some days old.
const forever = 10 * 365 * 24 * time.Hour

const noCredentials = `No credentials in the environment: using the embedded fake, whose data is invented.
For your own data set PARTNERCENTER_TENANT_ID, PARTNERCENTER_CLIENT_ID and
PARTNERCENTER_CLIENT_SECRET, and give -public.

`

func connect(cfg config, lookup func(string) (string, bool), stdout io.Writer) (*service, error) {
	s := &service{}
	source, err := auth.FromVariables(lookup, nil)
	switch {
	case errors.Is(err, auth.ErrNoEnvironment):
		fmt.Fprint(stdout, noCredentials)
		s.calls = &http.Transport{}
		if s.fake, err = pctest.New(pctest.WithCallbacks(s.calls), pctest.WithTokenLifetime(forever)); err != nil {
			return nil, err
		}
		s.client, err = analytics.New(s.fake.AppOnlyTokenSource(), analytics.Marketplace, s.fake.Options())
		return s, err
	case err != nil:
		return nil, err
	case cfg.public == "":
		_ = source.Close()
		return nil, errors.New("-public is needed: the URL under which Partner Center reaches this server")
	}
	s.source = source
	endpoint, _ := lookup("PARTNERCENTER_ENDPOINT")
	s.client, err = analytics.New(source, analytics.Marketplace, &partnercenter.Options{Endpoint: endpoint, UserAgent: "callback-server"})
	return s, err
}

func (s *service) close() {
	if s.fake != nil {
		_ = s.fake.Close()
		s.calls.CloseIdleConnections()
	}
	if s.source != nil {
		_ = s.source.Close()
	}
}

// hurry lets the fake's days pass.
func (s *service) hurry(ctx context.Context, pace time.Duration) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.fake.Advance(24 * time.Hour)
		}
	}
}

// secret is the part of the callback URL that nobody can guess. It is kept, since
// the reports at the service hold it.
func secret(dir string) (partnercenter.Secret, error) {
	path := filepath.Join(dir, ".callback-secret")
	switch text, err := os.ReadFile(path); {
	case err == nil:
		return partnercenter.NewSecret(strings.TrimSpace(string(text))), nil
	case !errors.Is(err, fs.ErrNotExist):
		return partnercenter.Secret{}, err
	}
	fresh := rand.Text()
	return partnercenter.NewSecret(fresh), os.WriteFile(path, []byte(fresh+"\n"), 0o600)
}
