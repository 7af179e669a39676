package payouts

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// export is one export request. The exported fields are what a snapshot keeps.
type export struct {
	ID        string          `json:"id"`
	Kind      Kind            `json:"kind"`
	Filter    string          `json:"filter"` // "" is none
	Format    string          `json:"format"` // "csv" or "tsv"
	Requested time.Time       `json:"requested"`
	Started   time.Time       `json:"started"`   // of the processing; zero before
	RequestID string          `json:"requestID"` // ms-requestid of the POST
	Steps     []Step          `json:"steps"`
	Step      int             `json:"step"` // index of the current one
	Seen      int             `json:"seen"` // polls of it
	Since     time.Time       `json:"since"`
	Polls     int             `json:"polls"` // in all
	Deleted   bool            `json:"deleted"`
	Forced    bool            `json:"forced"` // put into its step by the test
	Custom    []byte          `json:"custom"`
	FileName  string          `json:"fileName"`
	Layout    Layout          `json:"layout"`
	Blob      blob.Properties `json:"blob"`
	IgnoreUnk bool            `json:"ignoreUnk"` // unknown filter fields were ignored
	Data      int             `json:"data"`      // index into the snapshot's list

	set      *dataset
	earnings func(*earning) bool
	payments func(*payment) bool

	build sync.Mutex // held while the file is made
}

// compile reads the filter and fills in the function that applies it. A filter
// that does not restrict the date gets the service's three years.
func (e *export) compile() error {
	var expr *Expr
	if e.Filter != "" {
		var err error
		if expr, err = ParseFilter(e.Filter); err != nil {
			return err
		}
	}
	var err error
	if e.Kind == Earnings {
		e.earnings, err = compileWindow(expr, earningSchema(), e.IgnoreUnk, e.Requested, (*earning).date, "earningfordate")
	} else {
		e.payments, err = compileWindow(expr, paymentSchema(), e.IgnoreUnk, e.Requested,
			func(p *payment) time.Time { return p.date }, "payoutstatusupdatets", "paymentdate")
	}
	return err
}

func compileWindow[T any](expr *Expr, s schema[T], ignore bool, now time.Time, date func(*T) time.Time, dateFields ...string) (func(*T) bool, error) {
	dated := false
	match := func(*T) bool { return true }
	if expr != nil {
		expr.fields(func(f string) {
			for _, d := range dateFields {
				dated = dated || strings.EqualFold(f, d)
			}
		})
		var err error
		if match, err = compile(expr, s, ignore); err != nil {
			return nil, err
		}
	}
	if dated {
		return match, nil
	}
	from := now.AddDate(-3, 0, 0)
	return func(row *T) bool { return !date(row).Before(from) && match(row) }, nil
}

// observe moves the export to where it stands now and returns its step. A poll
// counts as one look at the step. Until the first poll the export is in the
// Queued that the POST has reported, unless time moves it on.
func (e *export) observe(now time.Time, poll bool) Step {
	if !poll && e.Polls == 0 && !e.Forced && e.Steps[0].For == 0 {
		return Step{Status: "Queued"}
	}
	for e.Step < len(e.Steps)-1 {
		s := e.Steps[e.Step]
		if s.For > 0 {
			end := e.Since.Add(s.For)
			if now.Before(end) {
				break
			}
			e.next(end)
			continue
		}
		// Only polls use steps up: whoever else looks sees what the last one saw.
		if !poll || e.Seen < s.Polls {
			break
		}
		e.next(now)
	}
	s := e.Steps[e.Step]
	if poll {
		e.Seen++
		e.Polls++
	}
	if e.Started.IsZero() && !strings.EqualFold(s.Status, "Queued") {
		e.Started = e.Since
	}
	return s
}

func (e *export) next(now time.Time) {
	e.Step++
	e.Seen = 0
	e.Since = now
}

// finish puts the export into a last step of its own.
func (e *export) finish(s Step, now time.Time) {
	e.Steps = []Step{s}
	e.Step, e.Seen, e.Since, e.Forced = 0, 0, now, true
}

func (e *export) blobPath() string { return "/exports/" + e.fileName() }

func checkSteps(steps []Step) error {
	for i, s := range steps {
		if s.Polls < 0 || s.For < 0 {
			return fmt.Errorf("step %d of the export (%s) lasts a negative number of polls or time", i+1, s.Status)
		}
	}
	return nil
}
