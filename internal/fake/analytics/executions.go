package analytics

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// seen is an execution as a listing finds it: a run, or the next slot of a plan,
// which is listed as pending before there is one.
type seen struct {
	report *report
	run    *run // nil for a slot to come
	id     string
	status string
	order  time.Time
}

func (s *Server) getExecutions(x *exchange) {
	ids, ok := x.several(x.id)
	executions, ok2 := x.several(x.query("executionId"))
	statuses, ok3 := x.several(x.query("executionStatus"))
	if !ok || !ok2 || !ok3 {
		x.refuse(http.StatusBadRequest, "Invalid reportId, executionId or executionStatus")
		return
	}
	filtered := len(statuses) > 0
	if !filtered && !x.settings.PlainFindsQueue {
		statuses = []string{"Completed"}
	}
	found, known := s.find(x, ids, func(v seen) bool {
		return (len(executions) == 0 || contains(executions, v.id)) && (len(statuses) == 0 || contains(statuses, v.status))
	})
	switch {
	case !known:
		x.refuse(http.StatusNotFound, textNoItem)
		return
	case len(found) == 0, filtered && x.settings.BrokenStatusFilter:
		x.refuse(http.StatusNotFound, textNoRuns)
		return
	}
	if x.flag("getLatestExecution", true) {
		found = found[:1]
	}
	// The order of several is not documented, so nothing may depend on it.
	slices.SortFunc(found, func(a, b seen) int { return strings.Compare(a.id, b.id) })
	items := make([]item, len(found))
	for i, v := range found {
		var err error
		if items[i], err = s.execution(x, v); err != nil {
			x.refuse(http.StatusInternalServerError, err.Error())
			return
		}
	}
	x.list(items, nil)
}

// find returns the executions of reports that a filter keeps, the newest first,
// and whether any of the reports exists.
func (s *Server) find(x *exchange, ids []string, keep func(seen) bool) (found []seen, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		r := s.reportByID(x.program, id)
		if r == nil {
			continue
		}
		known = true
		s.advance(r, x.now)
		all := make([]seen, 0, len(r.Runs)+1)
		for _, n := range r.Runs {
			all = append(all, seen{r, n, n.ID, n.status(x.now), n.Start})
		}
		if slot, ok := r.next(); ok {
			status := "Pending"
			if r.Paused {
				status = "Paused"
			}
			all = append(all, seen{r, nil, runID(s.cfg.Seed, r.ID, r.Numbered), status, slot})
		}
		for _, v := range all {
			if keep(v) {
				found = append(found, v)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b seen) int { return b.order.Compare(a.order) })
	return found, known
}

// execution writes one, with a fresh link if there is a file.
func (s *Server) execution(x *exchange, v seen) (item, error) {
	var location, link, generated any
	if v.run != nil && v.run.hasFile(x.now) {
		if err := s.makeFile(v.report, v.run); err != nil {
			return nil, err
		}
		signed := s.cfg.Blobs.Link(s.cfg.BlobBase(x.r), v.run.Path, x.settings.LinkLifetime)
		plain, _, _ := strings.Cut(signed, "?")
		location, link = plain, signed
	}
	if v.run != nil && !x.now.Before(v.run.Done) {
		generated = stamp(v.run.Done)
	}
	s.mu.Lock()
	report := v.report.item(x, "")
	s.mu.Unlock()
	it := item{
		"executionId": v.id, "reportId": report["reportId"], "recurrenceInterval": report["recurrenceInterval"],
		"recurrenceCount": report["recurrenceCount"], "callbackUrl": nil, "callbackMethod": nil, "format": report["format"],
		"executionStatus": v.status, "reportLocation": location, "reportAccessSecureLink": link, "reportExpiryTime": nil,
		"reportGeneratedTime": generated,
	}
	for _, name := range []string{"endTime", "nextExecutionStartTime"} {
		if v, ok := report[name]; ok {
			it[name] = v
		}
	}
	return it, nil
}
