package analytics

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// Script is what will happen to one run.
type Script struct {
	// ReportName restricts the script to runs of reports of that name; empty
	// means any.
	ReportName string
	// QueueTime (of ExecuteNow reports) and RunTime replace those of [Settings]
	// if they are not nil.
	QueueTime, RunTime *time.Duration
	// Status replaces Completed, unless it is empty; such a run has no file.
	Status string
	// NoLink leaves the link null although the run is completed.
	NoLink bool
	// File is the stored file; nil means the result of the query. It is served as
	// it is: set Gzip of Blob if it is compressed.
	File []byte
	// Layout and Blob replace those of [Settings].
	Layout *Layout
	Blob   *blob.Properties
}

// Next appends a script: the next run that it fits follows it.
func (s *Server) Next(script Script) error {
	for _, d := range []*time.Duration{script.QueueTime, script.RunTime} {
		if d != nil && *d < 0 {
			return fmt.Errorf("a run cannot last %v", *d)
		}
	}
	script.File = slices.Clone(script.File)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = append(s.scripts, script)
	return nil
}

// follow applies the first script that fits. The lock is held.
func (s *Server) follow(r *report, n *run) {
	i := slices.IndexFunc(s.scripts, func(c Script) bool { return c.ReportName == "" || strings.EqualFold(c.ReportName, r.Name) })
	if i < 0 {
		return
	}
	c := s.scripts[i]
	s.scripts = slices.Delete(s.scripts, i, i+1)
	length := n.Done.Sub(n.Start)
	if c.QueueTime != nil && r.ExecuteNow {
		n.Start = n.Queued.Add(*c.QueueTime)
	}
	if c.RunTime != nil {
		length = *c.RunTime
	}
	n.Done = n.Start.Add(length)
	if c.Status != "" {
		n.Status = c.Status
	}
	n.NoLink = n.NoLink || c.NoLink
	n.Custom = c.File
	if c.Layout != nil {
		n.Layout = *c.Layout
	}
	if c.Blob != nil {
		n.Blob = *c.Blob
	}
}

// Settings returns the current settings.
func (s *Server) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings.clone()
}

// Configure changes the settings, from the next request on.
func (s *Server) Configure(change func(*Settings)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.settings.clone()
	change(&next)
	if err := next.check(); err != nil {
		return err
	}
	s.settings = next.clone()
	return nil
}

// Data returns the description of the data with its defaults filled in.
func (s *Server) Data() Data {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

// SetData replaces the data for runs that begin from now on.
func (s *Server) SetData(d Data) error {
	d, err := d.normalize(s.cfg.Clock.Now())
	if err != nil {
		return err
	}
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.reports {
		s.advance(r, now) // what has begun has the old data
	}
	s.data = d
	return nil
}

// QueryInfo describes a stored query that is not the system's.
type QueryInfo struct {
	Program, ID, Name, Description, Text string
	Created                              time.Time
}

// Queries lists the stored queries, the system's left out, oldest first.
func (s *Server) Queries() []QueryInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []QueryInfo
	for _, q := range s.queries {
		out = append(out, QueryInfo{q.Program, q.ID, q.Name, q.Description, q.Text, q.Created})
	}
	return out
}

// ReportInfo describes a report.
type ReportInfo struct {
	Program, ID, Name, QueryID, Text, Status, Format string
	ExecuteNow                                       bool
	Created, Start                                   time.Time
	Interval                                         time.Duration
	Count, Remaining                                 int
	Runs                                             []RunInfo
}

// RunInfo describes one run of a report.
type RunInfo struct {
	ID, Status       string
	Start, Generated time.Time
}

// Reports lists the reports, oldest first.
func (s *Server) Reports() []ReportInfo {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]ReportInfo, len(s.reports))
	for i, r := range s.reports {
		s.advance(r, now)
		out[i] = ReportInfo{
			Program: r.Program, ID: r.ID, Name: r.Name, QueryID: r.QueryID, Text: r.Text, Status: r.status(now), Format: r.Format,
			ExecuteNow: r.ExecuteNow, Created: r.Created, Start: r.Start, Interval: r.every(), Count: r.Count, Remaining: max(r.Count-r.Used, 0),
		}
		for _, n := range r.Runs {
			info := RunInfo{ID: n.ID, Status: n.status(now), Start: n.Start}
			if !now.Before(n.Done) {
				info.Generated = n.Done
			}
			out[i].Runs = append(out[i].Runs, info)
		}
	}
	return out
}

// Calls lists the calls to callback URLs that have ended, in that order.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// CallAgain calls a report's callback URL once more, as for its latest run.
func (s *Server) CallAgain(reportID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.reports {
		if !strings.EqualFold(r.ID, reportID) {
			continue
		}
		if r.Callback == "" || s.cfg.Callbacks == nil || s.caller.closed {
			return fmt.Errorf("report %s: there is nobody to call", reportID)
		}
		id := ""
		if len(r.Runs) > 0 {
			id = r.Runs[len(r.Runs)-1].ID
		}
		s.start(r, id)
		return nil
	}
	return fmt.Errorf("there is no report %q", reportID)
}

// Expected executes a query on the current data as of now.
func (s *Server) Expected(program, text string) (Table, error) {
	now := s.cfg.Clock.Now()
	settings := s.Settings()
	p, err := settings.compile(s.datasets, program, text)
	if err != nil {
		return Table{}, err
	}
	return p.execute(s.Data(), now, p.window(now, time.Time{}, time.Time{}), settings.Redacted), nil
}

// ExpectedRun returns the rows that the file of a run holds.
func (s *Server) ExpectedRun(id string) (Table, error) {
	s.mu.Lock()
	r, n := s.runByID(id)
	if n == nil {
		s.mu.Unlock()
		return Table{}, fmt.Errorf("there is no run %q", id)
	}
	copied := r.source()
	s.mu.Unlock()
	return s.result(copied, n)
}

// runByID finds a run whose time has come. The lock is held.
func (s *Server) runByID(id string) (*report, *run) {
	now := s.cfg.Clock.Now()
	for _, r := range s.reports {
		s.advance(r, now)
		for _, n := range r.Runs {
			if strings.EqualFold(n.ID, id) {
				return r, n
			}
		}
	}
	return nil, nil
}

// Finish ends a run now: with its file if the status is Completed, without one
// otherwise.
func (s *Server) Finish(id, status string) error {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	_, n := s.runByID(id)
	if n == nil {
		return fmt.Errorf("there is no run %q whose time has come", id)
	}
	if n.Start.After(now) {
		n.Start = now
	}
	if n.Done.After(now) {
		n.Done = now
	}
	n.Status = status
	if status == "Completed" {
		n.Status = ""
	}
	s.arm()
	return nil
}

// Reset forgets queries, reports, their files and the scripts. Settings and data
// stay, and ids are not used again.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.reports {
		for _, n := range r.Runs {
			s.dropFile(n)
		}
	}
	s.queries, s.reports, s.scripts, s.calls = nil, nil, nil, nil
	clear(s.immediate)
	s.arm()
}

// Provide makes the file of a run again that another server has given a link to, if
// the path is that of one.
func (s *Server) Provide(path string) error {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	for _, r := range s.reports {
		for _, n := range r.Runs {
			if n.Path == path && n.hasFile(now) {
				s.mu.Unlock()
				return s.makeFile(r, n)
			}
		}
	}
	s.mu.Unlock()
	return nil
}

// ExpireLinks makes the links to a run's file worthless; an empty id means those of
// all runs.
func (s *Server) ExpireLinks(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != "" {
		_, n := s.runByID(id)
		if n == nil {
			return fmt.Errorf("there is no run %q", id)
		}
		s.cfg.Blobs.ExpireLinks(n.Path)
		return nil
	}
	for _, r := range s.reports {
		for _, n := range r.Runs {
			s.cfg.Blobs.ExpireLinks(n.Path)
		}
	}
	return nil
}

// ReplaceFile changes the file of a run, also while it is being downloaded.
func (s *Server) ReplaceFile(id string, file []byte, props blob.Properties) error {
	s.mu.Lock()
	_, n := s.runByID(id)
	s.mu.Unlock()
	if n == nil {
		return fmt.Errorf("there is no run %q", id)
	}
	n.build.Lock()
	defer n.build.Unlock()
	file = slices.Clone(file)
	s.mu.Lock()
	n.Custom, n.Blob = file, props
	s.mu.Unlock()
	return s.cfg.Blobs.Put(n.Path, blob.Bytes(file), s.cfg.Clock.Now(), props)
}
