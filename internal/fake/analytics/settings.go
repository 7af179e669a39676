package analytics

import (
	"errors"
	"slices"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// Settings say how the service behaves. [DefaultSettings] are those of the
// documentation; the switches are what users of the API have seen, or what the
// documentation contradicts itself about.
type Settings struct {
	// Audiences are the token audiences that are accepted.
	Audiences []string
	// AnyToken accepts the tokens of users for the marketplace and those of
	// applications for the partner program.
	AnyToken bool
	// RequireMFA answers tokens of users who have signed in without MFA with 401 and
	// code 900421. That the announcement means this API, too, is the fake's choice.
	RequireMFA bool
	// OldVersion serves /insights/v1/cmp too, where RecurrenceCount is optional.
	OldVersion bool

	// QueueTime is how long an ExecuteNow report waits, RunTime how long any
	// report is generated. By default they add up to the eight and a half minutes
	// that were seen once.
	QueueTime, RunTime time.Duration
	// LinkLifetime is how long a link to a file works.
	LinkLifetime time.Duration
	// Retention is how long executions and their files are kept.
	Retention time.Duration

	// MaxActiveReports, MaxExecuteNow (within an hour) and MaxQueries are the
	// quotas.
	MaxActiveReports, MaxExecuteNow, MaxQueries int
	// MinLead is how far away a StartTime must be.
	MinLead time.Duration
	// MinInterval and MaxInterval bound RecurrenceInterval, in hours. With a
	// MinInterval of zero it is the dataset's own minimum.
	MinInterval, MaxInterval int
	// DateRanges replaces what datasets publish as time spans.
	DateRanges []string
	// StrictNames refuses names that the documentation uses although the
	// dataset's list lacks them, OrderId of ISVOrder for example.
	StrictNames bool

	// TestRows is how many rows testQueryResult returns: 100 or, by other pages
	// of the documentation, 10.
	TestRows int
	// TypedPreview writes the cells of numeric columns as JSON numbers there.
	TypedPreview bool

	// RefuseLists answers ids and statuses joined by semicolons with 400.
	RefuseLists bool
	// BrokenStatusFilter finds nothing when executionStatus is given.
	BrokenStatusFilter bool
	// PlainFindsQueue answers executions without executionStatus with those of
	// every status.
	PlainFindsQueue bool
	// ClosedWhenEnded refuses to update a schedule that has ended.
	ClosedWhenEnded bool
	// KeepUsedQueries refuses to delete a query that a report uses.
	KeepUsedQueries bool

	// PascalCase writes the keys of answers with capitals.
	PascalCase bool
	// PaddedKeys writes them with a blank behind, as the schema blocks of the
	// documentation print some.
	PaddedKeys bool
	// LocalQueryTime writes createdTime of queries without Z.
	LocalQueryTime bool
	// BareEnvelope leaves nextLink and dataRedacted out where they are shown by
	// default, in the partner program; FullEnvelope shows them for the
	// marketplace too.
	BareEnvelope, FullEnvelope bool
	// PageSize splits listings into pages that nextLink leads through; 0 does
	// not, as nobody has seen a link.
	PageSize int
	// ExtraFields adds members that no documentation mentions.
	ExtraFields bool
	// OmitText leaves the query's text out of reports.
	OmitText bool
	// Redacted withholds amounts and personal columns, as for viewers without the
	// executive's role, and says so in dataRedacted.
	Redacted bool
	// FinishedStatus replaces Completed; such executions have no file, as a
	// failed one presumably.
	FinishedStatus string
	// NoLink leaves the link of completed executions null.
	NoLink bool

	// NoCallbackExecuteNow makes no calls for ExecuteNow reports.
	NoCallbackExecuteNow bool
	// CallbackTwice makes every call twice.
	CallbackTwice bool

	// Layout is how files are made, Blob how they are served beyond that.
	Layout Layout
	Blob   blob.Properties
}

// Layout says how the result of a query becomes a file. The zero value is gzip,
// LF, no byte order mark, and quotes where they are needed.
type Layout struct {
	// Plain stores the text as it is, not compressed.
	Plain bool `json:"plain"`
	// BOM puts a byte order mark before the text.
	BOM bool `json:"bom"`
	// CRLF ends lines with CR LF.
	CRLF bool `json:"crlf"`
}

// DefaultSettings returns the documented behaviour.
func DefaultSettings() Settings {
	return Settings{
		Audiences:    []string{"https://api.partnercenter.microsoft.com"},
		QueueTime:    90 * time.Second,
		RunTime:      7 * time.Minute,
		LinkLifetime: 7 * 24 * time.Hour,
		Retention:    90 * 24 * time.Hour,

		MaxActiveReports: 50, MaxExecuteNow: 5, MaxQueries: 100,
		MinLead:     4 * time.Hour,
		MinInterval: 4, MaxInterval: 2160,
		TestRows: 100,
	}
}

func (s *Settings) clone() Settings {
	out := *s
	out.Audiences, out.DateRanges = slices.Clone(s.Audiences), slices.Clone(s.DateRanges)
	return out
}

func (s *Settings) check() error {
	if s.QueueTime < 0 || s.RunTime < 0 || s.LinkLifetime <= 0 || s.Retention <= 0 || s.MinLead < 0 {
		return errors.New("analytics: times must not be negative, and links and executions must last")
	}
	if s.TestRows < 1 || s.PageSize < 0 || s.MinInterval < 0 || s.MaxInterval < s.MinInterval {
		return errors.New("analytics: TestRows must be positive, PageSize and intervals must make sense")
	}
	return nil
}
