package main

import (
	"context"
	"errors"
	"fmt"
	"io"

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
	stdout io.Writer
}

const noCredentials = `No credentials in the environment: using the embedded fake, whose offers are invented.
For your own offers set PARTNERCENTER_TENANT_ID, PARTNERCENTER_CLIENT_ID and
PARTNERCENTER_CLIENT_SECRET of an application that is a manager in Partner Center,
or PARTNERCENTER_ACCESS_TOKEN.

`

// endpointVariable leads this program, not the SDK, to another server.
const endpointVariable = "PARTNERCENTER_ENDPOINT"

// connect makes the client: of the environment's credentials if there are any, of
// the embedded fake otherwise.
func connect(ctx context.Context, cfg config, lookup func(string) (string, bool), stdout io.Writer) (*session, error) {
	s := &session{cfg: cfg, stdout: stdout}
	source, err := auth.FromVariables(lookup, nil)
	if errors.Is(err, auth.ErrNoEnvironment) {
		fmt.Fprint(stdout, noCredentials)
		return s, s.connectFake(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.source = source
	endpoint, _ := lookup(endpointVariable)
	s.client, err = ingestion.New(source, &partnercenter.Options{Endpoint: endpoint, UserAgent: "offers"})
	return s, err
}

// connectFake starts a fake service inside this program.
func (s *session) connectFake(ctx context.Context) error {
	var err error
	if s.fake, err = pctest.New(); err != nil {
		return err
	}
	if s.client, err = ingestion.New(s.fake.AppOnlyTokenSource(), s.fake.Options()); err != nil {
		return err
	}
	backup := pctest.Product{Type: string(ingestion.AzureApplication), OfferID: "contoso-backup", Name: "Contoso Backup", Variants: []pctest.Variant{
		{ExternalID: "basic", FriendlyName: "Basic", SubType: "managed-application"}, {ExternalID: "pro", FriendlyName: "Professional", SubType: "managed-application"},
	}}
	monitor := pctest.Product{Type: string(ingestion.SaaS), OfferID: "contoso-monitor", Name: "Contoso Monitor", Variants: []pctest.Variant{{ExternalID: "team", FriendlyName: "Team"}}}
	draft := pctest.Product{Type: string(ingestion.AzureContainer), OfferID: "contoso-cache", Name: "Contoso Cache"}
	return errors.Join(
		s.invent(ctx, backup, pctest.InPreview()),
		s.invent(ctx, monitor, pctest.ValidationFailed(pctest.Finding{Code: "L-0012", Severity: "Error", Message: "The description is short.", Resource: "Listing"})),
		s.invent(ctx, draft),
	)
}

// invent adds an offer and, if there are steps, a submission of it.
func (s *session) invent(ctx context.Context, p pctest.Product, steps ...pctest.SubmissionStep) error {
	product, err := s.fake.Ingestion().AddProduct(p)
	if err != nil || len(steps) == 0 {
		return err
	}
	if err := s.fake.Ingestion().NextSubmission(pctest.SubmissionScript{ProductID: product.ID, ToPreview: steps}); err != nil {
		return err
	}
	publication, err := s.client.Product(product.ID).Publish(ingestion.PublishRequest{})
	if err != nil {
		return err
	}
	for range 2 { // look around, submit
		if _, _, err := publication.Poll(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) close() {
	if s.fake != nil {
		_ = s.fake.Close()
	}
	if s.source != nil {
		_ = s.source.Close()
	}
}
