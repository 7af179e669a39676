package payouts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// Settings returns the current settings.
func (s *Server) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

// Configure changes the settings, from the next request on.
func (s *Server) Configure(change func(*Settings)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.settings
	next.Steps = slices.Clone(next.Steps)
	next.Audiences = slices.Clone(next.Audiences)
	change(&next)
	if err := checkSteps(next.Steps); err != nil {
		return err
	}
	next.normalize()
	s.settings = next
	return nil
}

// SetData replaces the synthetic data for exports started from now on.
func (s *Server) SetData(d Data) error {
	set, err := newDataset(d, s.cfg.Clock.Now())
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = set
	return nil
}

// Data returns the description of the data with its defaults filled in.
func (s *Server) Data() Data {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.set.Data
	d.Programs, d.Currencies = slices.Clone(d.Programs), slices.Clone(d.Currencies)
	d.EarningColumns, d.PaymentColumns = slices.Clone(d.EarningColumns), slices.Clone(d.PaymentColumns)
	return d
}

// Next appends a script: the next export that it fits follows it.
func (s *Server) Next(script Script) error {
	if err := checkSteps(script.Steps); err != nil {
		return err
	}
	script.Steps, script.File = slices.Clone(script.Steps), slices.Clone(script.File)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = append(s.scripts, script)
	return nil
}

// Info describes an export.
type Info struct {
	ID        string
	Kind      Kind
	Filter    string
	Format    string
	Status    string
	Requested time.Time
	RequestID string
	Polls     int
	Deleted   bool
}

// Exports lists all exports, deleted ones too, in the order they were started.
func (s *Server) Exports() []Info {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Info, len(s.order))
	for i, e := range s.order {
		status := e.observe(now, false).Status
		out[i] = Info{e.ID, e.Kind, e.Filter, e.Format, status, e.Requested, e.RequestID, e.Polls, e.Deleted}
	}
	return out
}

// Finish ends an export: from now on GET reports the step.
func (s *Server) Finish(id string, step Step) error {
	if err := checkSteps([]Step{step}); err != nil {
		return err
	}
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.byID(id)
	if err != nil {
		return err
	}
	e.finish(step, now)
	return nil
}

// Reset forgets the exports, their files and the scripts. Settings and data stay, and
// ids are not used again.
func (s *Server) Reset() error {
	s.mu.Lock()
	old := s.order
	s.exports, s.order, s.scripts, s.deleted = make(map[string]*export), nil, nil, 0
	s.mu.Unlock()
	var errs []error
	for _, e := range old {
		errs = append(errs, s.cfg.Blobs.Delete(e.blobPath()))
	}
	return errors.Join(errs...)
}

// Provide makes the file of a completed export again that another server has given a
// link to, if the path is that of one.
func (s *Server) Provide(path string) error {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	i := slices.IndexFunc(s.order, func(e *export) bool { return !e.Deleted && e.blobPath() == path })
	if i < 0 {
		s.mu.Unlock()
		return nil
	}
	e := s.order[i]
	step := e.observe(now, false)
	s.mu.Unlock()
	if !strings.EqualFold(step.Status, "Completed") {
		return nil
	}
	return s.makeFile(e)
}

// ReplaceFile changes the file of an export, also while it is being downloaded:
// its ETag changes with it.
func (s *Server) ReplaceFile(id string, file []byte) error {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	e, err := s.byID(id)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	s.mu.Unlock()
	e.build.Lock()
	defer e.build.Unlock()
	file = slices.Clone(file)
	s.mu.Lock()
	e.Custom = file
	props := e.Blob
	s.mu.Unlock()
	return s.cfg.Blobs.Put(e.blobPath(), blob.Bytes(file), now, props)
}

// ExpireLinks makes the links to an export's file worthless; an empty id means
// those of all exports.
func (s *Server) ExpireLinks(id string) error {
	if id == "" {
		s.cfg.Blobs.ExpireLinks("")
		return nil
	}
	s.mu.Lock()
	e, err := s.byID(id)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.cfg.Blobs.ExpireLinks(e.blobPath())
	return nil
}

// ConfigureBlob changes how an export's file is served, from the next request on.
func (s *Server) ConfigureBlob(id string, change func(*blob.Properties)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.byID(id)
	if err != nil {
		return err
	}
	change(&e.Blob)
	s.cfg.Blobs.SetProperties(e.blobPath(), func(p *blob.Properties) { *p = e.Blob })
	return nil
}

func (s *Server) byID(id string) (*export, error) {
	e := s.exports[id]
	if e == nil || e.Deleted {
		return nil, fmt.Errorf("there is no export %q", id)
	}
	return e, nil
}
