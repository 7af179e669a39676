package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// cleanUpTime is how long the clean-up may take after an interruption.
const cleanUpTime = 30 * time.Second

// report is the whole job.
func (s *session) report(ctx context.Context) error {
	run, err := s.start(ctx)
	if err != nil {
		return err
	}
	execution, err := s.wait(ctx, run)
	if err != nil {
		return err
	}
	if err := s.download(ctx, run, execution); err != nil {
		return err
	}
	if err := s.show(ctx, execution); err != nil {
		return err
	}
	s.token = "" // nothing left to go on with
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	return run.CleanUp(ctx)
}

// start checks the query and runs it, or takes up an earlier run.
func (s *session) start(ctx context.Context) (run *analytics.Run, err error) {
	if s.cfg.resume != "" {
		run, err = s.client.ResumeRun(s.cfg.resume)
	} else {
		var text string
		if text, err = s.text(ctx); err != nil {
			return nil, err
		}
		fmt.Fprintf(s.stdout, "%s\n\n", text)
		run, err = s.client.Run(ctx, analytics.RunRequest{Query: text, Name: "analytics-report", Format: s.cfg.format})
	}
	if err != nil {
		return nil, err
	}
	s.token = run.ResumeToken()
	return run, s.remember()
}

// text is the query of the command line, or one over the dataset's first columns.
func (s *session) text(ctx context.Context) (string, error) {
	text := s.cfg.query
	if text == "" {
		dataset, err := s.client.Dataset(ctx, s.cfg.dataset)
		if err != nil {
			return "", fmt.Errorf("dataset %s: %w", s.cfg.dataset, err)
		}
		columns := dataset.Columns[:min(5, len(dataset.Columns))]
		for _, metric := range dataset.Metrics {
			if !strings.ContainsAny(metric, "()") { // listed, but refused in queries
				columns = append(slices.Clip(columns), metric)
				break
			}
		}
		q, err := query.Select(columns...).From(dataset.Name).Build()
		if err != nil {
			return "", err
		}
		text = q.String()
	}
	q, found, err := s.client.CheckQuery(ctx, text)
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		fmt.Fprintln(s.stderr, found.Explain(text))
	}
	if found.Err() != nil {
		return "", errors.New("the query has mistakes")
	}
	if s.cfg.timespan == "" {
		return text, nil
	}
	if q.Timespan() != "" {
		return "", errors.New("the query has a TIMESPAN already: leave out -timespan")
	}
	text += " TIMESPAN " + string(s.cfg.timespan)
	if _, found, err = s.client.CheckQuery(ctx, text); err != nil {
		return "", err
	}
	return text, found.Err()
}

// wait shows every change that a poll sees.
func (s *session) wait(ctx context.Context, run *analytics.Run) (analytics.Execution, error) {
	var opts *partnercenter.WaitOptions
	if s.fake != nil {
		opts = &partnercenter.WaitOptions{MinInterval: max(s.cfg.pace/8, 10*time.Millisecond), MaxInterval: time.Second}
	}
	p := progress{session: s, began: time.Now()}
	defer p.end()
	var last analytics.Execution
	for x, err := range run.Watch(ctx, opts) {
		if err != nil {
			return last, err
		}
		last = x
		p.show(string(x.Status))
	}
	return last, nil
}

func (s *session) download(ctx context.Context, run *analytics.Run, x analytics.Execution) error {
	result, err := run.DownloadFile(ctx, s.file(), nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "%s: %d bytes of run %s, sha256 %x...\n", result.Path, result.Bytes, x.ID, result.SHA256[:6])
	return analytics.UnpackFile(s.file(), s.file()) // for whatever opens it next
}

// sayHowToGoOn prints the command that continues this run.
func (s *session) sayHowToGoOn() {
	if s.token == "" {
		return
	}
	fmt.Fprintf(s.stdout, "\nThe report goes on without this program. To continue:\n\n  go run ./examples/analytics-report -program %s -format %s -out %s",
		s.cfg.program, s.cfg.format, shellQuote(s.file()))
	if s.fake != nil {
		fmt.Fprintf(s.stdout, " -pace %v", s.cfg.pace)
	}
	fmt.Fprintf(s.stdout, " -resume %s\n", shellQuote(s.token))
}

func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
