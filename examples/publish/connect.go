package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// session is one run of the program.
type session struct {
	cfg    config
	client *ingestion.Client
	fake   *pctest.Server // nil with the real service
	source io.Closer
	token  string // of the publication under way
	stdout io.Writer
	stderr io.Writer
}

const noCredentials = `No credentials in the environment: using the embedded fake, whose offer is invented.
For your own offers set PARTNERCENTER_TENANT_ID, PARTNERCENTER_CLIENT_ID and
PARTNERCENTER_CLIENT_SECRET of an application that is a manager in Partner Center,
or PARTNERCENTER_ACCESS_TOKEN.

`

// endpointVariable leads this program, not the SDK, to another server.
const endpointVariable = "PARTNERCENTER_ENDPOINT"

// connect makes the client: of the environment's credentials if there are any, of
// the embedded fake otherwise.
func connect(cfg config, lookup func(string) (string, bool), stdout, stderr io.Writer) (*session, error) {
	s := &session{cfg: cfg, stdout: stdout, stderr: stderr}
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
	s.client, err = ingestion.New(source, &partnercenter.Options{Endpoint: endpoint, UserAgent: "publish"})
	return s, err
}

// fakeOffer is the offer that the embedded fake has.
const fakeOffer = "contoso-backup"

// connectFake starts a fake service inside this program. Its submissions survive
// the program's end in a file, as the real service's do on their own.
func (s *session) connectFake() error {
	opts := []pctest.Option{pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) {
		quarter, half := s.cfg.pace/4, s.cfg.pace/2
		b.ToPreview = []pctest.SubmissionStep{
			pctest.InDraft().For(quarter), pctest.Validating().For(quarter), pctest.CreatingPreview().For(quarter), pctest.SigningOff().For(quarter), pctest.InPreview(),
		}
		b.ToLive = []pctest.SubmissionStep{pctest.Certifying().For(half), pctest.GoingLive().For(half), pctest.InStore()}
		if s.cfg.fail {
			b.ToPreview = []pctest.SubmissionStep{pctest.InDraft().For(quarter), pctest.Validating().For(quarter), pctest.ValidationFailed(
				pctest.Finding{Code: "AVS0106", Severity: "Error", Message: "mainTemplate.json does not name its API versions.", Resource: "Package"},
				pctest.Finding{Code: "L-0012", Severity: "Warning", Message: "The description is short.", Resource: "Listing"},
			)}
		}
	})}
	restored := false
	if s.cfg.resume != "" {
		snapshot, err := os.ReadFile(s.fakeFile())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if restored = err == nil; restored {
			opts = append(opts, pctest.WithSnapshot(snapshot))
		}
	}
	var err error
	if s.fake, err = pctest.New(opts...); err != nil {
		return err
	}
	if !restored {
		_, err := s.fake.Ingestion().AddProduct(pctest.Product{
			Type: string(ingestion.AzureApplication), OfferID: fakeOffer, Name: "Contoso Backup",
			Variants: []pctest.Variant{{ExternalID: "basic", SubType: "managed-application"}, {ExternalID: "pro", SubType: "managed-application"}},
		})
		if err != nil {
			return err
		}
	}
	s.client, err = ingestion.New(s.fake.AppOnlyTokenSource(), s.fake.Options())
	return err
}

func (s *session) fakeFile() string { return s.cfg.tokenFile + ".fake.json" }

// remember writes the token down, and the fake's submissions.
func (s *session) remember(token string) error {
	s.token = token
	if err := replaceFile(s.cfg.tokenFile, []byte(token+"\n")); err != nil || s.fake == nil {
		return err
	}
	snapshot, err := s.fake.Snapshot()
	if err != nil {
		return err
	}
	return replaceFile(s.fakeFile(), snapshot)
}

// replaceFile writes a file that is the old one or the new one whenever the program
// is killed, and never a part of it.
func replaceFile(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// forget removes what is left of a publication that has ended.
func (s *session) forget() {
	if s.token == "" {
		return
	}
	s.token = ""
	_ = os.Remove(s.cfg.tokenFile)
	_ = os.Remove(s.fakeFile())
}

func (s *session) close() {
	if s.fake != nil {
		_ = s.fake.Close()
	}
	if s.source != nil {
		_ = s.source.Close()
	}
}
