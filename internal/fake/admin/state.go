package admin

import (
	"net/http"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// State is what GET /_pctest/state answers.
type State struct {
	// Now is the time by which exports, reports and submissions go, Wall the one
	// by which tokens and links do.
	Now  time.Time `json:"now"`
	Wall time.Time `json:"wall"`
	// Requests counts the requests so far.
	Requests int `json:"requests"`
	// ExportCount counts the exports of earnings and payments, deleted ones included;
	// Exports are the latest thousand of them, Reports those of analytics; the oldest
	// first.
	ExportCount int      `json:"exportCount"`
	Exports     []Export `json:"exports"`
	Queries     []Query  `json:"queries"`
	Reports     []Report `json:"reports"`
	// Products are the offers of the submission API.
	Products []Product `json:"products"`
	// Faults are those that wait for requests.
	Faults []Fault `json:"faults"`
	// Violations are what no correct client does.
	Violations []string `json:"violations"`
	// Problem is why the state could not be saved.
	Problem string `json:"problem,omitempty"`
}

// Export is an export of earnings or payments.
type Export struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind"`
	Status      string    `json:"status"`
	Filter      string    `json:"filter"`
	Format      string    `json:"format"`
	RequestedAt time.Time `json:"requestedAt"`
	Polls       int       `json:"polls"`
	Deleted     bool      `json:"deleted"`
}

// Query is a stored query.
type Query struct {
	ID      string `json:"id"`
	Program string `json:"program"`
	Name    string `json:"name"`
	Query   string `json:"query"`
}

// Report is a report of analytics.
type Report struct {
	ID         string      `json:"id"`
	Program    string      `json:"program"`
	Name       string      `json:"name"`
	Status     string      `json:"status"`
	Query      string      `json:"query"`
	ExecuteNow bool        `json:"executeNow"`
	CreatedAt  time.Time   `json:"createdAt"`
	Executions []Execution `json:"executions"`
}

// Execution is one run of a report.
type Execution struct {
	ID      string    `json:"id"`
	Status  string    `json:"status"`
	StartAt time.Time `json:"startAt"`
}

// Product is an offer.
type Product struct {
	ID          string       `json:"id"`
	OfferID     string       `json:"offerId"`
	Type        string       `json:"type"`
	Name        string       `json:"name"`
	Variants    int          `json:"variants"`
	Submissions []Submission `json:"submissions"`
}

// Submission is an attempt to publish.
type Submission struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Substate string `json:"substate"`
	Release  int    `json:"release"`
	Promoted bool   `json:"promoted"`
}

// Fault is a fault that waits for requests.
type Fault struct {
	ID    int       `json:"id"`
	Hits  int       `json:"hits"`
	Fault kit.Fault `json:"fault"`
}

// maxListed is how many exports are listed: the page asks every second.
const maxListed = 1000

func (s *Server) state(*http.Request) (any, error) {
	out := State{
		Now: s.cfg.Clock.Now(), Wall: s.cfg.Clock.Wall(), Requests: s.cfg.Recorder.Count(),
		Exports: []Export{}, Queries: []Query{}, Reports: []Report{}, Products: []Product{}, Faults: s.waiting(), Violations: s.cfg.Recorder.Violations(),
	}
	if out.Violations == nil {
		out.Violations = []string{}
	}
	if err := s.cfg.Problem(); err != nil {
		out.Problem = err.Error()
	}
	exports := s.cfg.Payouts.Exports()
	out.ExportCount = len(exports)
	for _, e := range exports[max(0, len(exports)-maxListed):] {
		out.Exports = append(out.Exports, Export{e.ID, string(e.Kind), e.Status, e.Filter, e.Format, e.Requested, e.Polls, e.Deleted})
	}
	for _, q := range s.cfg.Analytics.Queries() {
		out.Queries = append(out.Queries, Query{q.ID, q.Program, q.Name, q.Text})
	}
	for _, r := range s.cfg.Analytics.Reports() {
		report := Report{r.ID, r.Program, r.Name, r.Status, r.Text, r.ExecuteNow, r.Created, []Execution{}}
		for _, n := range r.Runs {
			report.Executions = append(report.Executions, Execution{n.ID, n.Status, n.Start})
		}
		out.Reports = append(out.Reports, report)
	}
	for _, p := range s.cfg.Ingestion.Products() {
		product := Product{p.ID, p.OfferID, p.Kind, p.Name, len(p.Variants), []Submission{}}
		for _, sub := range p.Submissions {
			product.Submissions = append(product.Submissions, Submission{sub.ID, sub.State, sub.Substate, sub.Release, sub.Promoted})
		}
		out.Products = append(out.Products, product)
	}
	return out, nil
}

func (s *Server) waiting() []Fault {
	list := s.cfg.Faults.List()
	out := make([]Fault, len(list))
	for i, f := range list {
		out[i] = Fault{f.ID, f.Hits, f.Fault}
	}
	return out
}
