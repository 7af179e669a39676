package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

func (s *session) show(ctx context.Context) error {
	if s.cfg.offer != "" {
		return s.showOffer(ctx)
	}
	return s.showOffers(ctx)
}

// showOffers has one row for each offer.
func (s *session) showOffers(ctx context.Context) error {
	var filter ingestion.Filter
	if s.cfg.kind != "" {
		filter = ingestion.TypeIs(ingestion.ProductType(s.cfg.kind))
	}
	rows := [][]string{{"OFFER", "TYPE", "NAME", "PLANS", "NEWEST SUBMISSION", "STATE"}}
	for product, err := range s.client.Products().All(ctx, filter) {
		if err != nil {
			return err
		}
		row, err := s.row(ctx, product)
		if err != nil {
			return fmt.Errorf("offer %s: %w", product.Data.OfferID(), err)
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows[1:], slices.Compare)
	if err := s.print(rows); err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "\n%d offers\n", len(rows)-1)
	return nil
}

func (s *session) row(ctx context.Context, product *ingestion.Resource[ingestion.Product]) ([]string, error) {
	offer := s.client.Product(product.ID)
	var plans []string
	for plan, err := range offer.Variants().All(ctx) {
		if err != nil {
			return nil, err
		}
		if plan.ID != ingestion.TestDriveID {
			plans = append(plans, plan.Data.ExternalID)
		}
	}
	row := []string{product.Data.OfferID(), string(product.Data.Type), product.Data.Name, strings.Join(plans, ", ")}
	newest, err := offer.Submissions().Latest(ctx)
	switch {
	case errors.Is(err, partnercenter.ErrNotFound):
		return append(row, "none", ""), nil
	case err != nil:
		return nil, err
	}
	return append(row, newest.ID, newest.Status().Stage.String()), nil
}

// showOffer has a row for each plan, and one for each submission.
func (s *session) showOffer(ctx context.Context) error {
	product, err := s.client.Products().ByOfferID(ctx, s.cfg.offer)
	if err != nil {
		return err
	}
	offer := s.client.Product(product.ID)
	fmt.Fprintf(s.stdout, "%s (%s)\n\n", product.Data.Name, product.Data.Type)
	rows := [][]string{{"PLAN", "NAME", "KIND", "STATE"}}
	for plan, err := range offer.Variants().All(ctx) {
		if err != nil {
			return err
		}
		rows = append(rows, []string{plan.Data.ExternalID, plan.Data.FriendlyName, string(plan.Data.SubType), string(plan.Data.State)})
	}
	if err := s.print(rows); err != nil {
		return err
	}
	fmt.Fprintln(s.stdout)
	rows = [][]string{{"SUBMISSION", "RELEASE", "STATE", "MEANS"}}
	for submission, err := range offer.Submissions().All(ctx, ingestion.Filter{}) {
		if err != nil {
			return err
		}
		rows = append(rows, []string{
			submission.ID, fmt.Sprint(submission.ReleaseNumber), strings.TrimSpace(string(submission.State) + " " + string(submission.Substate)), submission.Status().Stage.String(),
		})
	}
	slices.SortFunc(rows[1:], slices.Compare)
	return s.print(rows)
}

func (s *session) print(rows [][]string) error {
	table := tabwriter.NewWriter(s.stdout, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	return table.Flush()
}
