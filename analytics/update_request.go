package analytics

import (
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// UpdateRequest is what a scheduled report is to become. Begin with
// [Report.Update], which fills in what it is.
type UpdateRequest struct {
	// Name is the report's name. Required.
	Name string
	// Description is free text of at most 256 characters.
	Description string
	// Start is when the report runs first from now on. Required, at least four
	// hours away.
	Start time.Time
	// End is the time after which no run starts. [Marketplace] only.
	End time.Time
	// Interval is the time between two runs, whole hours. Zero is not sent.
	Interval time.Duration
	// Count is the number of runs. Zero is not sent.
	Count int
	// Format of the files. Default [CSV] for [Marketplace], which requires one.
	Format Format
	// CallbackURL is called when a file is ready. The documentation of
	// [Marketplace] calls it required; an empty one is not sent.
	CallbackURL partnercenter.Secret
	// CallbackMethod is how it is called. Default: the service's, POST.
	CallbackMethod CallbackMethod
}

// Update returns the request that leaves the report as it is. Its start, which
// must be in the future, is the next run; change what is to change.
func (r Report) Update() UpdateRequest {
	u := UpdateRequest{
		Name: r.Name, Description: r.Description, Start: r.Start, End: r.End, Interval: r.Interval, Count: r.Count,
		Format: r.Format, CallbackURL: r.CallbackURL, CallbackMethod: r.CallbackMethod,
	}
	if earliest := time.Now().Add(MinStartLead + startMargin); r.Interval > 0 {
		u.Start = slotFrom(r.Start, r.Interval, earliest)
	}
	return u
}

func (u UpdateRequest) check(program Program, now time.Time) problems {
	var p problems
	p.checkName(u.Name, u.Description)
	p.checkStart(now, u.Start)
	if !u.End.IsZero() && program != Marketplace {
		p.disputed("EndTime", "is documented for the commercial marketplace only")
	}
	p.checkWindow("StartTime", "EndTime", u.Start, u.End)
	if u.Interval != 0 {
		p.checkInterval(u.Interval)
	}
	if u.Count < 0 {
		p.published("RecurrenceCount", "is %d, but must be positive", u.Count)
	}
	p.checkFormat(u.Format)
	p.checkCallback(u.CallbackURL, u.CallbackMethod)
	return p
}

// updateBody is the body of an update. The documentation writes the end of the
// schedule with a small letter here and nowhere else.
type updateBody struct {
	ReportName         string         `json:"ReportName"`
	Description        string         `json:"Description"` // also when empty: that is how it is removed
	StartTime          string         `json:"StartTime,omitzero"`
	RecurrenceInterval int            `json:"RecurrenceInterval,omitzero"`
	RecurrenceCount    int            `json:"RecurrenceCount,omitzero"`
	Format             Format         `json:"Format,omitzero"`
	CallbackURL        string         `json:"CallbackUrl,omitzero"`
	CallbackMethod     CallbackMethod `json:"CallbackMethod,omitzero"`
	EndTime            string         `json:"endTime,omitzero"`
}

func (u UpdateRequest) wire(program Program) updateBody {
	format := u.Format
	if program == Marketplace {
		format = format.wire()
	}
	return updateBody{
		ReportName: u.Name, Description: u.Description, StartTime: wire(u.Start), EndTime: wire(u.End),
		RecurrenceInterval: int(u.Interval / time.Hour), RecurrenceCount: u.Count,
		Format: format, CallbackURL: u.CallbackURL.Reveal(), CallbackMethod: u.CallbackMethod,
	}
}
