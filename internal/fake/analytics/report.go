package analytics

import (
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// report is a query that runs once or on a schedule. The exported fields are what
// a snapshot keeps.
type report struct {
	Program     string    `json:"program"`
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	QueryID     string    `json:"queryID"`
	Text        string    `json:"text"` // a copy: the query may be deleted
	Format      string    `json:"format"`
	Callback    string    `json:"callback"`
	Method      string    `json:"method"`
	ExecuteNow  bool      `json:"executeNow"`
	From        time.Time `json:"from"` // in place of the query's time span
	To          time.Time `json:"to"`
	Created     time.Time `json:"created"`
	Modified    time.Time `json:"modified"`
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	Interval    int       `json:"interval"` // hours
	Count       int       `json:"count"`    // slots of the plan, 0: without end
	Used        int       `json:"used"`     // slots that have passed
	Paused      bool      `json:"paused"`
	Numbered    uint64    `json:"numbered"` // runs so far
	Runs        []*run    `json:"runs"`
}

// next returns the next slot of the plan.
func (r *report) next() (slot time.Time, ok bool) {
	if r.ExecuteNow || r.Count > 0 && r.Used >= r.Count {
		return time.Time{}, false
	}
	slot = r.Start.Add(time.Duration(r.Used) * r.every())
	return slot, r.End.IsZero() || !slot.After(r.End)
}

func (r *report) every() time.Duration { return time.Duration(r.Interval) * time.Hour }

// status follows the state machine: active until the last run is done.
func (r *report) status(now time.Time) string {
	_, more := r.next()
	switch {
	case r.ExecuteNow:
		return "Inactive"
	case more && r.Paused:
		return "Paused"
	case more, len(r.Runs) > 0 && r.Runs[len(r.Runs)-1].Done.After(now):
		return "Active"
	}
	return "Inactive"
}

// advance makes runs of the slots whose time has come. One that falls into a pause
// is lost and counts as passed: the fake's choice. What is older than the retention
// is forgotten, its file included. The lock is held.
func (s *Server) advance(r *report, now time.Time) {
	for {
		slot, ok := r.next()
		if !ok || slot.After(now) {
			break
		}
		r.Used++
		if r.Paused {
			r.Numbered++ // the id that it was announced with
			continue
		}
		s.addRun(r, slot, slot)
	}
	for len(r.Runs) > 0 && r.Runs[0].Done.Before(now.Add(-s.settings.Retention)) {
		s.dropFile(r.Runs[0])
		r.Runs = r.Runs[1:]
	}
}

// addRun appends a run that is queued and starts at the given times. The lock is
// held.
func (s *Server) addRun(r *report, queued, start time.Time) {
	n := &run{
		ID: runID(s.cfg.Seed, r.ID, r.Numbered), Queued: queued, Start: start, Done: start.Add(s.settings.RunTime),
		Data: s.data, Status: s.settings.FinishedStatus, NoLink: s.settings.NoLink, Redacted: s.settings.Redacted,
		Layout: s.settings.Layout, Blob: s.settings.Blob,
		Path: "/programmatic-export/" + r.Name + "_" + kit.GUID(s.cfg.Seed, "file", s.counters.Runs) + "." + r.Format,
	}
	r.Numbered++
	s.counters.Runs++
	s.follow(r, n)
	r.Runs = append(r.Runs, n)
}

// runID is known before the run is: a slot to come is listed as pending.
func runID(seed uint64, reportID string, n uint64) string {
	return kit.GUID(seed, "run of "+reportID, n)
}

// reportByID finds a report. The lock is held.
func (s *Server) reportByID(program, id string) *report {
	id = strings.TrimSpace(id)
	for _, r := range s.reports {
		if r.Program == program && strings.EqualFold(r.ID, id) {
			return r
		}
	}
	return nil
}

// item writes a report. The names of the members that v1.1 has added are not
// published; these are guesses.
func (r *report) item(x *exchange, user string) item {
	interval, count := r.Interval, any(r.Count)
	switch {
	case r.ExecuteNow:
		interval, count = -1, 1
	case r.Count == 0:
		count = nil
	case x.remaining():
		count = r.Count - r.Used
	}
	it := item{
		"reportId": r.ID, "reportName": r.Name, "description": r.Description, "queryId": r.QueryID, "query": r.Text, "user": user,
		"createdTime": stamp(r.Created), "modifiedTime": stamp(r.Modified), "executeNow": r.ExecuteNow,
		"queryStartTime": stamp(r.From), "queryEndTime": stamp(r.To), "startTime": stamp(r.Start), "reportStatus": r.status(x.now),
		"recurrenceInterval": interval, "recurrenceCount": count, "callbackUrl": orNull(r.Callback), "callbackMethod": orNull(r.Method),
		"format": r.Format,
	}
	if x.settings.OmitText {
		delete(it, "query")
	}
	if x.remaining() && !r.ExecuteNow {
		it["endTime"], it["nextExecutionStartTime"] = stamp(r.End), nil
		if slot, ok := r.next(); ok {
			it["nextExecutionStartTime"] = stamp(slot)
		}
		it["totalRecurrenceCount"] = r.Count
	}
	return it
}

// remaining reports whether the version counts down the number of runs.
func (x *exchange) remaining() bool { return x.program == Marketplace && !x.old }
