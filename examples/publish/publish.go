package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

// publish is the whole job.
func (s *session) publish(ctx context.Context) error {
	p, err := s.begin(ctx)
	if err != nil || s.cfg.dryRun {
		return err
	}
	if err := s.remember(p.ResumeToken()); err != nil {
		return err
	}
	last, err := s.follow(ctx, p)
	if _, failed := errors.AsType[*partnercenter.OperationError](err); failed {
		s.forget() // there is nothing to go on with
	}
	if err != nil {
		return err
	}
	s.forget()
	fmt.Fprintf(s.stdout, "\nSubmission %s is %s.\n", last.Submission.ID, inWords(last.Stage))
	return nil
}

func inWords(stage ingestion.Stage) string {
	if stage == ingestion.StagePreview {
		return "in preview; -live takes it to customers"
	}
	return stage.String()
}

// begin makes a publication and shows its steps, or takes up an earlier one.
func (s *session) begin(ctx context.Context) (*ingestion.Publication, error) {
	if s.cfg.resume != "" {
		return s.client.ResumePublish(s.cfg.resume, s.cfg.option())
	}
	product, err := s.client.Products().ByOfferID(ctx, s.cfg.offer)
	if err != nil {
		return nil, err
	}
	p, err := s.client.Product(product.ID).Publish(s.cfg.request())
	if err != nil {
		return nil, err
	}
	plan, err := p.Plan(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.stdout, "%s (%s):\n", plan.Product.Data.Name, plan.Product.Data.Type)
	for i, step := range plan.Steps {
		fmt.Fprintf(s.stdout, "%3d. %s\n", i+1, step)
	}
	fmt.Fprintln(s.stdout)
	return p, nil
}

// follow shows everything that changes and keeps the token of the latest state.
func (s *session) follow(ctx context.Context, p *ingestion.Publication) (ingestion.PublishStatus, error) {
	var opts *partnercenter.WaitOptions
	if s.fake != nil {
		opts = &partnercenter.WaitOptions{MinInterval: max(s.cfg.pace/20, 10*time.Millisecond), MaxInterval: time.Second}
	}
	began := time.Now()
	var last ingestion.PublishStatus
	for status, err := range p.Watch(ctx, opts) {
		if err != nil {
			return status, err
		}
		last = status
		for _, line := range status.Changes {
			fmt.Fprintf(s.stdout, "%6s  %s\n", time.Since(began).Round(time.Second), line)
		}
		if err := s.remember(p.ResumeToken()); err != nil {
			return status, err
		}
	}
	return last, nil
}

// explain shows the reasons of a failure: as a table if the service has given some,
// and in a line.
func (s *session) explain(err error) {
	failed, ok := errors.AsType[*ingestion.PublishError](err)
	if !ok {
		fmt.Fprintf(s.stderr, "publish: %v\n", err)
		return
	}
	defer fmt.Fprintf(s.stderr, "publish: %v\n", failed)
	if len(failed.Findings()) == 0 {
		return
	}
	table := tabwriter.NewWriter(s.stderr, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "\nWHAT\tSEVERITY\tCODE\tWHERE\tTEXT")
	for _, f := range failed.Findings() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", f.Kind, f.Severity, f.Code, f.Where, strings.Join(strings.Fields(f.Text), " "))
	}
	_ = table.Flush()
	fmt.Fprintln(s.stderr)
}

// sayHowToGoOn prints the command that continues this publication.
func (s *session) sayHowToGoOn() {
	if s.token == "" {
		return
	}
	fmt.Fprintf(s.stdout, "\nThe service goes on without this program. To continue:\n\n  go run ./examples/publish -token-file %s", shellQuote(s.cfg.tokenFile))
	if s.fake != nil {
		fmt.Fprintf(s.stdout, " -pace %v", s.cfg.pace)
	}
	if s.cfg.notes != "" {
		fmt.Fprint(s.stdout, " -notes ...")
	}
	fmt.Fprintf(s.stdout, " -resume %s\n", shellQuote(s.token))
}

func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
