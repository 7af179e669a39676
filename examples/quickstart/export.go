package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/payouts"
)

// exportAndReport is the whole job.
func (s *session) exportAndReport(ctx context.Context) error {
	pollers, err := s.pollers(ctx)
	if err != nil {
		return err
	}
	var r report
	for _, poller := range pollers {
		export, err := s.wait(ctx, poller)
		if err != nil {
			return err
		}
		path, err := s.download(ctx, export)
		if err != nil {
			return err
		}
		if err := r.read(export.Kind, path); err != nil {
			return err
		}
	}
	r.print(s.stdout)
	s.tokens = nil // nothing left to go on with
	return nil
}

// pollers starts the exports, or takes up those of an earlier run.
func (s *session) pollers(ctx context.Context) ([]*partnercenter.Poller[payouts.Export], error) {
	var all []*partnercenter.Poller[payouts.Export]
	add := func(p *partnercenter.Poller[payouts.Export]) {
		all = append(all, p)
		s.tokens = append(s.tokens, p.ResumeToken())
	}
	for _, token := range s.cfg.resume {
		poller, err := s.client.ResumeExport(token)
		if err != nil {
			return nil, err
		}
		add(poller)
	}
	if len(all) > 0 {
		return all, nil
	}
	for _, kind := range s.cfg.kinds {
		poller, err := s.client.StartExport(ctx, payouts.ExportRequest{Kind: kind, Filter: s.filter(kind)})
		if err != nil {
			return nil, fmt.Errorf("starting the %s export: %w", kind, err)
		}
		add(poller)
		if err := s.remember(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// filter is that of the command line or the last six full months.
func (s *session) filter(kind payouts.Kind) payouts.Filter {
	if s.cfg.filter != "" && kind == s.cfg.kinds[0] {
		return payouts.RawFilter(s.cfg.filter)
	}
	now := time.Now().UTC()
	from, to := firstMoment(now), payouts.Day(now.Year(), now.Month(), 0)
	if kind == payouts.Payments {
		return payouts.PayoutStatusUpdateTS.Ge(from)
	}
	return payouts.EarningForDate.Between(from, to)
}

// wait shows every look at the export.
func (s *session) wait(ctx context.Context, poller *partnercenter.Poller[payouts.Export]) (payouts.Export, error) {
	var opts *partnercenter.WaitOptions
	if s.fake != nil {
		opts = &partnercenter.WaitOptions{MinInterval: max(s.cfg.pace/8, 10*time.Millisecond), MaxInterval: time.Second}
	}
	line := s.screen.status(poller.Operation().Params["kind"] + " export " + poller.Operation().ID)
	var export payouts.Export
	for seen, err := range poller.Watch(ctx, opts) {
		if err != nil {
			line.end("")
			return export, err
		}
		export = seen
		line.show(string(export.Status))
	}
	line.end(string(export.Status))
	return export, nil
}

// download fetches the file; a part that an earlier run has left is not fetched again.
func (s *session) download(ctx context.Context, export payouts.Export) (string, error) {
	id, _, _ := strings.Cut(export.ID, "-")
	path := filepath.Join(s.cfg.out, fmt.Sprintf("%s-%s.zip", export.Kind, filepath.Base(id)))
	bar := s.screen.bytes(filepath.Base(path))
	result, err := s.client.DownloadFile(ctx, export, path, &partnercenter.DownloadOptions{Progress: bar.show})
	if err != nil {
		bar.end("")
		return "", err
	}
	done := fmt.Sprintf("%d bytes, sha256 %x...", result.Bytes, result.SHA256[:6])
	if result.MD5Verified {
		done += ", checksum of the store verified"
	}
	if result.Resumed > 0 {
		done += fmt.Sprintf(", %d bytes were there already", result.Resumed)
	}
	bar.end(done)
	return path, nil
}

// sayHowToGoOn prints the command that continues this run.
func (s *session) sayHowToGoOn() {
	if len(s.tokens) == 0 {
		return
	}
	fmt.Fprintf(s.stdout, "\nThe exports go on without this program. To continue:\n\n  go run ./examples/quickstart -out %s", shellQuote(s.cfg.out))
	if s.fake != nil {
		fmt.Fprintf(s.stdout, " -rows %d -pace %v", s.cfg.rows, s.cfg.pace)
	}
	for _, token := range s.tokens {
		fmt.Fprintf(s.stdout, " -resume %s", shellQuote(token))
	}
	fmt.Fprintln(s.stdout)
}

func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
