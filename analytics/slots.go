package analytics

import (
	"context"
	"slices"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// Retention is how long the service keeps the runs of a report and their files.
const Retention = 90 * 24 * time.Hour

// SlotState is what has become of a time at which a report was to run.
type SlotState string

// The states.
const (
	// SlotReady: there is a file.
	SlotReady SlotState = "ready"
	// SlotPending: its time has come, and a file may still follow.
	SlotPending SlotState = "pending"
	// SlotMissed: its time has passed without a file. The report was paused, was
	// being renewed, or the run has failed, which the service does not tell.
	SlotMissed SlotState = "missed"
)

// Slot is a time at which a report was to run.
type Slot struct {
	// Time is when the run was due, in UTC.
	Time time.Time
	// State is what has become of it.
	State SlotState
	// Execution is the run; without ID if there is none.
	Execution Execution
}

// Slots lists the times of the last 90 days at which a scheduled report was due,
// the oldest first, each with the run that belongs to it. A run does not say for
// which time it was made; it is taken to be the last one before the file was
// written. Several runs may share a time after the schedule has been changed.
//
//pc:operation GET /ScheduledReport
//pc:operation GET /ScheduledReport/execution/{reportId}
func (c *Client) Slots(ctx context.Context, reportID string, opts ...partnercenter.CallOption) ([]Slot, error) {
	report, err := c.Report(ctx, reportID, opts...)
	if err != nil {
		return nil, err
	}
	return c.slots(ctx, report, opts...)
}

func (c *Client) slots(ctx context.Context, report Report, opts ...partnercenter.CallOption) ([]Slot, error) {
	runs, err := c.completed(ctx, report.ID, opts...)
	if err != nil {
		return nil, err
	}
	return slots(report, runs, time.Now().UTC()), nil
}

// slots lays runs, which are in the order of their time, on the report's grid.
func slots(r Report, runs []Execution, now time.Time) []Slot {
	var out []Slot
	if r.once() {
		for _, x := range runs {
			out = append(out, Slot{Time: r.Start, State: SlotReady, Execution: x})
		}
		return out
	}
	if r.Start.IsZero() { // no grid
		for _, x := range runs {
			out = append(out, Slot{Time: x.GeneratedAt, State: SlotReady, Execution: x})
		}
		return out
	}
	taken := map[time.Time]bool{}
	for i, x := range runs {
		at := slotBefore(r.Start, r.Interval, x.GeneratedAt)
		if x.GeneratedAt.IsZero() {
			at = slotBefore(r.Start, r.Interval, now)
		}
		// The first of two files between two runs is one that came late.
		earlier := at.Add(-r.Interval)
		if i+1 < len(runs) && slotBefore(r.Start, r.Interval, runs[i+1].GeneratedAt).Equal(at) && !taken[earlier] && i > 0 {
			at = earlier
		}
		taken[at] = true
		out = append(out, Slot{Time: at, State: SlotReady, Execution: x})
	}
	first := r.Start
	if len(out) > 0 && out[0].Time.Before(first) {
		first = out[0].Time // the start has moved when the schedule was renewed
	}
	if oldest := now.Add(-Retention); first.Before(oldest) {
		first = slotFrom(slotBefore(r.Start, r.Interval, first), r.Interval, oldest)
	}
	last := now
	switch {
	case !r.Status.Is(ReportInactive):
	case r.TotalCount > 0:
		last = r.Start.Add(min(time.Duration(r.TotalCount-1), now.Sub(r.Start)/r.Interval) * r.Interval)
	case len(runs) > 0:
		last = out[len(out)-1].Time // when else it has ended is not known
	}
	for t := first; !t.After(last); t = t.Add(r.Interval) {
		if !taken[t] {
			out = append(out, Slot{Time: t, State: missing(t, r, now)})
		}
	}
	slices.SortStableFunc(out, func(a, b Slot) int { return a.Time.Compare(b.Time) })
	return out
}

// missing tells a run that may still deliver from one that has not: it is the
// latest, and no older than any wait.
func missing(t time.Time, r Report, now time.Time) SlotState {
	if r.Status.Is(ReportActive) && t.Add(r.Interval).After(now) && now.Sub(t) < awaitTimeout {
		return SlotPending
	}
	return SlotMissed
}
