package analytics

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// run is one execution of a report whose time has come. The exported fields are
// what a snapshot keeps.
type run struct {
	ID       string          `json:"id"`
	Queued   time.Time       `json:"queued"`
	Start    time.Time       `json:"start"`
	Done     time.Time       `json:"done"`
	Status   string          `json:"status"` // in place of Completed
	NoLink   bool            `json:"noLink"`
	Redacted bool            `json:"redacted"`
	Path     string          `json:"path"` // of the file
	Custom   []byte          `json:"custom"`
	Data     Data            `json:"data"`
	Layout   Layout          `json:"layout"`
	Blob     blob.Properties `json:"blob"`
	Called   bool            `json:"called"`
	Gone     bool            `json:"gone"`

	build sync.Mutex // held while the file is made
}

// status is where the run stands.
func (n *run) status(now time.Time) string {
	switch {
	case now.Before(n.Start):
		return "Pending"
	case now.Before(n.Done):
		return "Running"
	case n.Status != "":
		return n.Status
	}
	return "Completed"
}

// hasFile reports whether the run is done and has left a file.
func (n *run) hasFile(now time.Time) bool { return n.status(now) == "Completed" && !n.NoLink }

// allSpans are settings under which whatever was once accepted compiles.
func allSpans() *Settings {
	return &Settings{DateRanges: []string{
		"TODAY", "YESTERDAY", "LAST_7_DAYS", "LAST_14_DAYS", "LAST_30_DAYS", "LAST_90_DAYS", "LAST_180_DAYS", "LAST_365_DAYS",
		"LAST_MONTH", "LAST_3_MONTHS", "LAST_6_MONTHS", "LAST_1_YEAR", "LIFETIME",
	}}
}

// source copies what a file is made of, so that it can be read without the lock.
func (r *report) source() *report {
	return &report{Program: r.Program, Text: r.Text, Format: r.Format, From: r.From, To: r.To}
}

// result executes the report's query as of the start of the run.
func (s *Server) result(r *report, n *run) (Table, error) {
	p, err := allSpans().compile(s.datasets, r.Program, r.Text)
	if err != nil {
		return Table{}, err
	}
	return p.execute(n.Data, n.Start, p.window(n.Start, r.From, r.To), n.Redacted), nil
}

// makeFile puts the run's file into the store if it is not there. The lock is not
// held.
func (s *Server) makeFile(r *report, n *run) error {
	n.build.Lock()
	defer n.build.Unlock()
	s.mu.Lock()
	custom, props := n.Custom, n.Blob
	copied := r.source()
	s.mu.Unlock()
	if s.cfg.Blobs.Has(n.Path) {
		return nil
	}
	content := custom
	if content == nil {
		t, err := s.result(copied, n)
		if err != nil {
			return err
		}
		if content, err = n.Layout.encode(t, copied.Format); err != nil {
			return err
		}
		props.Gzip = !n.Layout.Plain
	}
	put := s.cfg.Blobs.Make
	if custom != nil {
		put = s.cfg.Blobs.Put
	}
	if err := put(n.Path, blob.Bytes(content), n.Done, props); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.Gone { // deleted meanwhile
		return s.cfg.Blobs.Delete(n.Path)
	}
	return nil
}

// dropFile removes a run's file. The lock is held.
func (s *Server) dropFile(n *run) {
	n.Gone = true
	_ = s.cfg.Blobs.Delete(n.Path) // in memory: cannot fail
}

// encode writes a table as the service writes files.
func (l Layout) encode(t Table, format string) ([]byte, error) {
	var out bytes.Buffer
	var to io.Writer = &out
	var zip *gzip.Writer
	if !l.Plain {
		zip = gzip.NewWriter(&out)
		to = zip
	}
	if l.BOM {
		if _, err := io.WriteString(to, "\ufeff"); err != nil {
			return nil, err
		}
	}
	w := csv.NewWriter(to)
	w.UseCRLF = l.CRLF
	if format == "tsv" {
		w.Comma = '\t'
	}
	if err := w.Write(t.Columns); err != nil {
		return nil, err
	}
	for _, cells := range t.Rows {
		if err := l.row(w, to, cells); err != nil {
			return nil, err
		}
	}
	if w.Flush(); w.Error() != nil {
		return nil, w.Error()
	}
	if zip != nil {
		if err := zip.Close(); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// row writes a row. One that is a single empty cell would be a blank line, which is
// no row to most who read it.
func (l Layout) row(w *csv.Writer, to io.Writer, cells []string) error {
	if len(cells) != 1 || cells[0] != "" {
		return w.Write(cells)
	}
	end := "\n"
	if l.CRLF {
		end = "\r\n"
	}
	w.Flush()
	_, err := io.WriteString(to, `""`+end)
	return errors.Join(w.Error(), err)
}

// quote writes a text as JSON.
func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string: cannot happen
	}
	return b
}
