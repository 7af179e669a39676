package analytics

import (
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// Schedule describes a report that is to run again and again: the state that
// [Client.Apply] brings about.
type Schedule struct {
	// Name is the name of the report and identifies the schedule: all scheduled
	// reports of this name are taken to be its own. Required, see
	// [ReportRequest.Name].
	Name string
	// Description is free text of at most 256 characters.
	Description string
	// Query is the text of the query, which is stored when there is need. Either
	// Query or QueryID is required.
	Query string
	// QueryID is the id of a stored query, own or system.
	QueryID string
	// Start is the time of one of the runs, past or future: with the interval it
	// makes the grid on which runs take place. A schedule that is new begins at
	// the first time of the grid that is far enough away, and not before Start.
	// Default: the first full hour that is far enough away, four hours or more,
	// for a new schedule, and the grid that it has for one that is there.
	Start time.Time
	// Interval is the time between two runs, whole hours. Required.
	Interval time.Duration
	// Count is for how many runs the schedule is made at a time; it is renewed
	// before they run out. [Marketplace] requires it, with an upper limit that is
	// not published. Zero means without end and is for [Partner].
	Count int
	// RenewBelow is how few runs may be left. Default: a quarter of Count, and two
	// at least.
	RenewBelow int
	// Format of the files. Default [CSV].
	Format Format
	// CallbackURL is called when a file is ready; see [Receiver]. Default: none.
	CallbackURL partnercenter.Secret
	// CallbackMethod is how it is called. Default: the service's, POST. Where the
	// service does not tell how it calls, as in older examples, another method is
	// no change of its own; it goes along with other changes.
	CallbackMethod CallbackMethod
	// Paused stops the schedule for the time being. A schedule without it is
	// resumed if somebody has paused it.
	Paused bool
}

// startMargin is added to the lead that the service demands, for clocks that
// differ and for the time that the request takes.
const startMargin = 5 * time.Minute

// earliestStart is the first time at which a new or changed schedule may begin.
func earliestStart(now time.Time) time.Time {
	return now.Add(MinStartLead + startMargin).UTC().Truncate(time.Second).Add(time.Second)
}

// slotFrom returns the first time of a grid that is not before earliest. The grid
// begins at the anchor.
func slotFrom(anchor time.Time, interval time.Duration, earliest time.Time) time.Time {
	if interval <= 0 || !earliest.After(anchor) {
		return anchor
	}
	if at := slotBefore(anchor, interval, earliest); at.Before(earliest) {
		return at.Add(interval)
	}
	return earliest
}

// slotBefore returns the last time of a grid that is not after t. The grid reaches
// to both sides of the anchor, which may be farther away than a duration can tell.
func slotBefore(anchor time.Time, interval time.Duration, t time.Time) time.Time {
	return t.Add(-offset(anchor, interval, t))
}

// offset is how far t lies behind the last time of a grid before it.
func offset(anchor time.Time, interval time.Duration, t time.Time) time.Duration {
	// Of whole seconds and of what is beyond them, both modulo the interval, which
	// has whole seconds.
	apart := time.Duration((t.Unix()-anchor.Unix())%max(int64(interval/time.Second), 1)) * time.Second
	apart += time.Duration(t.Nanosecond() - anchor.Nanosecond())
	if apart < 0 {
		apart += interval
	}
	return apart
}

// sameGrid reports whether two times lie on one grid.
func sameGrid(a, b time.Time, interval time.Duration) bool {
	return interval > 0 && offset(a, interval, b) == 0
}

// check looks at what can be known without the service.
func (s Schedule) check(program Program, now time.Time) problems {
	var p problems
	p.checkName(s.Name, s.Description)
	text, id := strings.TrimSpace(s.Query) != "", strings.TrimSpace(s.QueryID) != ""
	switch {
	case text == id:
		p.must("Query", "or QueryID is required, and only one of them")
	case text:
		p = append(p, textProblems(s.Query)...)
	}
	p.checkTime("StartTime", s.Start)
	if s.Interval == 0 {
		p.must("RecurrenceInterval", "is required")
	} else {
		p.checkInterval(s.Interval)
	}
	// What is looked at again with the request itself, whose warnings are enough.
	for _, found := range s.request("-", earliestStart(now).Add(time.Hour)).check(program, now) {
		switch {
		case found.Field == "RecurrenceInterval", found.Field == "ReportName", found.Field == "Description", found.Disputed:
		default:
			p = append(p, found)
		}
	}
	if s.RenewBelow < 0 || s.Count > 0 && s.RenewBelow >= s.Count {
		p.must("RenewBelow", "is %d, but must lie between 0 and Count, %d", s.RenewBelow, s.Count)
	}
	return p
}

// request is the report that carries out the schedule from start on.
func (s Schedule) request(queryID string, start time.Time) ReportRequest {
	return ReportRequest{
		Name: s.Name, Description: s.Description, QueryID: queryID,
		Start: start, Interval: s.Interval, Count: s.Count,
		Format: s.Format, CallbackURL: s.CallbackURL, CallbackMethod: s.CallbackMethod,
	}
}

// update changes a report into the one that carries out the schedule. Defaults are
// spelled out, since the service presumably keeps what a request leaves out.
func (s Schedule) update(start time.Time) UpdateRequest {
	u := UpdateRequest{
		Name: s.Name, Description: s.Description, Start: start, Interval: s.Interval, Count: s.Count,
		Format: s.Format.wire(), CallbackURL: s.CallbackURL, CallbackMethod: s.CallbackMethod,
	}
	if !s.CallbackURL.IsZero() {
		u.CallbackMethod = s.CallbackMethod.wire()
	}
	return u
}

// renewBelow fills in the default.
func (s Schedule) renewBelow() int {
	if s.RenewBelow > 0 {
		return s.RenewBelow
	}
	return min(max(s.Count/4, 2), s.Count-1)
}

// owns reports whether a report carries the schedule's name and recurs.
func (s Schedule) owns(r Report) bool { return !r.once() && strings.EqualFold(r.Name, s.Name) }

// runs reports whether the text, or the id, of a report's query is that of the
// schedule.
func (s Schedule) runs(r Report, text string) bool {
	if id := strings.TrimSpace(s.QueryID); id != "" {
		return strings.EqualFold(r.QueryID, id)
	}
	return query.Equal(text, s.Query)
}

// differences names the fields in which a report is not what the schedule asks
// for, apart from its query and its number of runs.
func (s Schedule) differences(r Report, now time.Time) []string {
	var out []string
	differs := func(field string, does bool) {
		if does {
			out = append(out, field)
		}
	}
	differs("Description", r.Description != s.Description)
	differs("RecurrenceInterval", r.Interval != s.Interval)
	// A start that is still to come is meant literally.
	later := s.Start.After(now) && r.Start.After(now) && s.Start.After(r.Start)
	differs("StartTime", !s.Start.IsZero() && (!sameGrid(s.Start, r.Start, s.Interval) || later))
	differs("Format", !r.Format.wire().Is(s.Format.wire()))
	differs("CallbackUrl", !r.CallbackURL.Equal(s.CallbackURL))
	// Older answers leave the method out. That must not be a difference, or it would
	// be one for ever, and each change moves the next run.
	differs("CallbackMethod", !s.CallbackURL.IsZero() && r.CallbackMethod != "" && !r.CallbackMethod.Is(s.CallbackMethod.wire()))
	return out
}

// wire fills in the service's default.
func (m CallbackMethod) wire() CallbackMethod {
	if m == "" {
		return CallbackPOST
	}
	return m
}

// remaining estimates how many runs a report has left. Version v1.1 is said to
// count down the number that it returns, which nobody has seen; so what the
// calendar says counts as well, and the smaller of both.
func (s Schedule) remaining(r Report, now time.Time) int {
	if r.Status.Is(ReportInactive) {
		return 0
	}
	total := r.TotalCount
	if total <= 0 {
		total = max(r.Count, s.Count)
	}
	left := total
	if now.After(r.Start) && r.Interval > 0 {
		left -= int(now.Sub(r.Start)/r.Interval) + 1
	}
	if r.Count > 0 {
		left = min(left, r.Count)
	}
	return max(left, 0)
}
