package pctest

import (
	"slices"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/payouts"
)

// Script is the story of one export.
type Script struct {
	// Kind is the kind of export that it is for; empty means any.
	Kind ExportKind
	// Steps are what its polls see, one after another; the last lasts for ever.
	// The answer to the POST is always Queued. Default: [Behavior.Steps].
	Steps []Step
	// File is the export's file, whatever it holds. Default: the rows of the
	// data that the filter selects.
	File []byte
	// FileName is the last segment of the link's path. Default: made of the
	// export's id, for the service's pattern is not known.
	FileName string
	// Layout says how the rows become a file. Default: [Behavior.Layout].
	Layout *Layout
	// Serving says how the file is served. Default: [Behavior.Serving].
	Serving *FileBehavior
}

func (s Script) internal() payouts.Script {
	out := payouts.Script{Kind: payouts.Kind(s.Kind), Steps: internalSteps(s.Steps), File: s.File, FileName: s.FileName}
	if s.Layout != nil {
		out.Layout = new(s.Layout.internal())
	}
	if s.Serving != nil {
		out.Blob = new(blob.Properties(*s.Serving))
	}
	return out
}

// Step is a stage in the life of an export. It lasts for a number of polls or for
// a time; as the last step, for ever.
type Step struct{ s payouts.Step }

// Queued waits in the queue for a number of polls.
func Queued(polls int) Step { return Reports("Queued", polls) }

// QueuedFor waits in the queue for a time.
func QueuedFor(d time.Duration) Step { return ReportsFor("Queued", d) }

// Processing is at work for a number of polls. Meanwhile, the export cannot be
// deleted.
func Processing(polls int) Step { return Reports("Processing", polls) }

// ProcessingFor is at work for a time.
func ProcessingFor(d time.Duration) Step { return ReportsFor("Processing", d) }

// Reports shows any status, also one that no documentation knows, for a number of
// polls.
func Reports(status string, polls int) Step {
	return Step{payouts.Step{Status: status, Polls: max(polls, 0)}}
}

// ReportsFor shows any status for a time.
func ReportsFor(status string, d time.Duration) Step {
	return Step{payouts.Step{Status: status, For: max(d, 0)}}
}

// CompletedWithoutLink is completed, but the link is still an empty string, for a
// number of polls.
func CompletedWithoutLink(polls int) Step {
	return Step{payouts.Step{Status: "Completed", Polls: max(polls, 0), Link: payouts.LinkEmpty}}
}

// CompletedWithNullLink is the same with null for a link.
func CompletedWithNullLink(polls int) Step {
	return Step{payouts.Step{Status: "Completed", Polls: max(polls, 0), Link: payouts.LinkNull}}
}

// Completed is done, with a link to the file.
func Completed() Step { return Step{payouts.Step{Status: "Completed"}} }

// Failed is over without a file.
func Failed() Step { return Step{payouts.Step{Status: "Failed"}} }

func internalSteps(steps []Step) []payouts.Step {
	out := make([]payouts.Step, len(steps))
	for i, s := range steps {
		out[i] = s.s
	}
	return out
}

// Container is what the rows of an export are packed in.
type Container int

// The containers.
const (
	// Zip is an archive with one or more texts, as the service makes it.
	Zip Container = iota
	// Plain is the text itself.
	Plain
	// Gzip is one gzip-compressed text.
	Gzip
)

// Layout says how the rows of an export become a file. The zero value is what the
// service does, as far as that is documented
// (https://learn.microsoft.com/partner-center/earnings-reports).
type Layout struct {
	// Container packs the rows.
	Container Container
	// BOM puts a byte order mark before every text.
	BOM bool
	// CRLF ends lines with CR LF.
	CRLF bool
	// SingleRows is the number of rows up to which an archive has one entry;
	// above, it has one per month. Default 50,000.
	SingleRows int
	// MonthRows is the number of rows above which a month is split. Default
	// 500,000.
	MonthRows int
	// EntryBytes is the largest size of an entry. Default 1 GB.
	EntryBytes int64
}

func (l Layout) internal() payouts.Layout {
	return payouts.Layout{
		Container: payouts.Container(l.Container), BOM: l.BOM, CRLF: l.CRLF,
		SingleRows: l.SingleRows, MonthRows: l.MonthRows, EntryBytes: l.EntryBytes,
	}
}

// FileBehavior says how the store serves a file. The zero value is a plain blob
// with its checksum.
type FileBehavior struct {
	// ContentType is the Content-Type. Default application/octet-stream.
	ContentType string
	// Gzip adds Content-Encoding: gzip. The file must be gzip data, as
	// [Script].File or through [Layout].Container.
	Gzip bool
	// NoMD5 offers no checksum, as for files that were written in blocks.
	NoMD5 bool
	// WrongMD5 offers a checksum that does not fit.
	WrongMD5 bool
	// IgnoreRange answers ranged requests with 200 and the whole file.
	IgnoreRange bool
	// NoETag leaves out ETag and Last-Modified.
	NoETag bool
}

// Envelope is the JSON around an export.
type Envelope int

// The envelopes. The service documents the first.
const (
	// EnvelopeList: {"value": [export], "nextLink": null, "totalCount": 1}.
	EnvelopeList Envelope = iota
	// EnvelopeObject: the export itself.
	EnvelopeObject
	// EnvelopeArray: [export].
	EnvelopeArray
	// EnvelopeEmpty: a list of none.
	EnvelopeEmpty
)

// Behavior says how the payouts service behaves. What no documentation settles can
// be had in each of the ways that a client should expect.
type Behavior struct {
	// Steps are the life of exports that have no [Script]. Default: one poll
	// sees Processing, the next Completed.
	Steps []Step
	// Audiences are the token audiences accepted; tokens for others get the
	// answer that users have reported. Default https://api.partner.microsoft.com.
	Audiences []string
	// RefuseAppOnly answers tokens without a user with 400 and the message that
	// one user has reported. Default: they are accepted.
	RefuseAppOnly bool
	// RequireMFA answers tokens of users that have signed in without MFA with
	// 401 and code 900421. [Server.TokenSource] has signed in with it.
	RequireMFA bool
	// IgnoreUnknownFields takes comparisons with unknown filter fields as true.
	// Default: they are answered with 400.
	IgnoreUnknownFields bool
	// Deduplicate answers a POST that repeats an ms-requestid with the first
	// export. Default: each POST makes a new one.
	Deduplicate bool
	// LinkLifetime is how long links work. Default 12 h, the fake's choice.
	LinkLifetime time.Duration
	// RetryAfter is sent with exports that are not finished. Default: none.
	RetryAfter time.Duration
	// CreateStatus answers a POST. Default 202.
	CreateStatus int
	// DeleteStatus answers a DELETE. Default 200.
	DeleteStatus int
	// BusyStatus answers a DELETE during Processing. Default 400, the fake's
	// choice.
	BusyStatus int
	// AuthShape is the form of 401 answers. Default [ShapeGateway].
	AuthShape ErrorShape
	// ErrorShape is the form of other errors. Default [ShapeNested], the fake's
	// choice.
	ErrorShape ErrorShape
	// Envelope is the JSON around exports.
	Envelope Envelope
	// CapitalKeys writes Value and Status with capitals.
	CapitalKeys bool
	// UpperStatus writes statuses in upper case.
	UpperStatus bool
	// ExtraFields adds fields that no documentation mentions.
	ExtraFields bool
	// NullLink writes null instead of an empty link.
	NullLink bool
	// NoNextLink leaves out nextLink and totalCount.
	NoNextLink bool
	// NoLocation leaves out the Location header of the answer to a POST.
	NoLocation bool
	// Layout is how files are made.
	Layout Layout
	// Serving is how they are served.
	Serving FileBehavior
}

func defaultBehavior() Behavior { return behaviorOf(payouts.DefaultSettings()) }

func behaviorOf(s payouts.Settings) Behavior {
	steps := make([]Step, len(s.Steps))
	for i, v := range s.Steps {
		steps[i] = Step{v}
	}
	return Behavior{
		Steps: steps, Audiences: slices.Clone(s.Audiences), RefuseAppOnly: s.RefuseAppOnly, RequireMFA: s.RequireMFA,
		IgnoreUnknownFields: s.IgnoreUnknownFields, Deduplicate: s.Deduplicate, LinkLifetime: s.LinkLifetime, RetryAfter: s.RetryAfter,
		CreateStatus: s.CreateStatus, DeleteStatus: s.DeleteStatus, BusyStatus: s.BusyStatus,
		AuthShape: ErrorShape(s.AuthShape), ErrorShape: ErrorShape(s.ErrorShape), Envelope: Envelope(s.Envelope),
		CapitalKeys: s.CapitalKeys, UpperStatus: s.UpperStatus, ExtraFields: s.ExtraFields, NullLink: s.NullLink,
		NoNextLink: s.NoNextLink, NoLocation: s.NoLocation,
		Layout: Layout{
			Container: Container(s.Layout.Container), BOM: s.Layout.BOM, CRLF: s.Layout.CRLF,
			SingleRows: s.Layout.SingleRows, MonthRows: s.Layout.MonthRows, EntryBytes: s.Layout.EntryBytes,
		},
		Serving: FileBehavior(s.Blob),
	}
}

func (b *Behavior) settings() payouts.Settings {
	return payouts.Settings{
		Steps: internalSteps(b.Steps), Audiences: slices.Clone(b.Audiences), RefuseAppOnly: b.RefuseAppOnly, RequireMFA: b.RequireMFA,
		IgnoreUnknownFields: b.IgnoreUnknownFields, Deduplicate: b.Deduplicate, LinkLifetime: b.LinkLifetime, RetryAfter: b.RetryAfter,
		CreateStatus: b.CreateStatus, DeleteStatus: b.DeleteStatus, BusyStatus: b.BusyStatus,
		AuthShape: b.AuthShape.internal(), ErrorShape: b.ErrorShape.internal(), Envelope: payouts.Envelope(b.Envelope),
		CapitalKeys: b.CapitalKeys, UpperStatus: b.UpperStatus, ExtraFields: b.ExtraFields, NullLink: b.NullLink,
		NoNextLink: b.NoNextLink, NoLocation: b.NoLocation,
		Layout: b.Layout.internal(), Blob: blob.Properties(b.Serving),
	}
}
