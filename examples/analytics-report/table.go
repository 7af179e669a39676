package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// widest is the number of characters of a cell that the table shows.
const widest = 40

// show prints the first rows of the file, and why there are none.
func (s *session) show(ctx context.Context, x analytics.Execution) error {
	content, err := analytics.OpenFile(s.file())
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }() // it has been read to its end by then
	table := tabwriter.NewWriter(s.stdout, 0, 8, 2, ' ', 0)
	rows := 0
	for record, err := range analytics.Records(content, query.Dataset{}, nil) {
		if err != nil {
			return fmt.Errorf("%s: %w", s.file(), err)
		}
		if rows == 0 && s.cfg.rows > 0 {
			fmt.Fprintln(table, strings.Join(record.Columns(), "\t"))
		}
		if rows++; rows > s.cfg.rows {
			continue
		}
		cells := make([]string, 0, record.Len())
		for _, name := range record.Columns() {
			cell, _ := record.Text(name)
			cells = append(cells, short(cell))
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if rows > 0 {
		fmt.Fprintf(s.stdout, "\n%d of %d rows\n", min(rows, s.cfg.rows), rows)
		return nil
	}
	why, err := s.client.WhyEmpty(ctx, x)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "The result has no rows: %s.\n", why)
	return nil
}

// short makes a cell fit into a table: one line, and not too long.
func short(cell string) string {
	cell = strings.Join(strings.Fields(cell), " ")
	if utf8.RuneCountInString(cell) <= widest {
		return cell
	}
	return string([]rune(cell)[:widest-1]) + "…"
}

// progress shows where the run stands: on one line of a terminal that changes, or a
// line for every change elsewhere.
type progress struct {
	session *session
	began   time.Time
	last    string
	shown   bool
}

func (p *progress) show(status string) {
	if status == "" {
		status = "not listed yet"
	}
	f, ok := p.session.stderr.(*os.File)
	if ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(f, "\r\x1b[Kreport: %s, %v", status, time.Since(p.began).Round(time.Second))
		p.shown = true
	} else if status != p.last {
		fmt.Fprintf(p.session.stderr, "report: %s\n", status)
	}
	p.last = status
}

// end leaves the last status on a terminal.
func (p *progress) end() {
	if p.shown {
		fmt.Fprintln(p.session.stderr)
	}
}
