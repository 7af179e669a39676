package pctest

import (
	"slices"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/analytics"
	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// ReportLayout says how the result of a query becomes a file. The zero value is
// what is known of the service: gzip, a header and LF.
type ReportLayout struct {
	// Plain stores the text as it is, not compressed.
	Plain bool
	// BOM puts a byte order mark before the text.
	BOM bool
	// CRLF ends lines with CR LF.
	CRLF bool
}

// AnalyticsBehavior says how the analytics service behaves. What no documentation
// settles, or where it contradicts itself, or where users have seen something else,
// can be had in each of the ways that a client should expect.
type AnalyticsBehavior struct {
	// Audiences are the token audiences accepted. Default
	// https://api.partnercenter.microsoft.com.
	Audiences []string
	// AnyToken accepts users' tokens for the marketplace and applications' for the
	// partner program. Default: they are answered with 403.
	AnyToken bool
	// RequireMFA answers tokens of users who have signed in without MFA with 401 and
	// code 900421, as announced for all APIs that take users' tokens.
	// [Server.TokenSource] has signed in with it.
	RequireMFA bool
	// OldVersion serves /insights/v1/cmp too.
	OldVersion bool

	// QueueTime is how long a report that executes now waits. Default 90 s.
	QueueTime time.Duration
	// RunTime is how long any run takes. Default 7 min: with the queue, the eight
	// and a half minutes that were seen.
	RunTime time.Duration
	// LinkLifetime is how long links work. Default seven days.
	LinkLifetime time.Duration
	// Retention is how long runs and their files are kept. Default 90 days.
	Retention time.Duration

	// MaxActiveReports is the quota of active reports. Default 50.
	MaxActiveReports int
	// MaxExecuteNow is the quota of immediate reports within an hour. Default 5.
	MaxExecuteNow int
	// MaxQueries is the quota of stored queries. Default 100.
	MaxQueries int
	// MinLead is how far away a start must be. Default 4 h.
	MinLead time.Duration
	// MinInterval and MaxInterval bound the interval of a report, in hours.
	// Default 4 and 2160; a MinInterval of 0 means that of the dataset.
	MinInterval, MaxInterval int
	// DateRanges replaces the time spans that all datasets publish.
	DateRanges []string
	// StrictNames refuses columns that the documentation uses although the list of
	// the dataset lacks them.
	StrictNames bool

	// TestRows is how many rows a tried query returns. Default 100; other pages of
	// the documentation say 10.
	TestRows int
	// TypedPreview writes numbers there as JSON numbers. Default: as strings.
	TypedPreview bool

	// RefuseLists answers ids and statuses joined by semicolons with 400.
	RefuseLists bool
	// BrokenStatusFilter finds nothing when asked for a status.
	BrokenStatusFilter bool
	// PlainFindsQueue finds runs of every status when not asked for one.
	PlainFindsQueue bool
	// ClosedWhenEnded refuses to update schedules that have ended.
	ClosedWhenEnded bool
	// KeepUsedQueries refuses to delete queries that reports use.
	KeepUsedQueries bool

	// PascalCase writes keys with capitals.
	PascalCase bool
	// PaddedKeys writes keys with a blank behind.
	PaddedKeys bool
	// LocalQueryTime writes the time of a query without Z.
	LocalQueryTime bool
	// BareEnvelope leaves nextLink and dataRedacted out, also for the partner
	// program; FullEnvelope shows them, also for the marketplace.
	BareEnvelope, FullEnvelope bool
	// PageSize splits listings into pages. Default: one page.
	PageSize int
	// ExtraFields adds members that no documentation mentions.
	ExtraFields bool
	// OmitText leaves the text of the query out of reports.
	OmitText bool
	// Redacted withholds amounts and personal columns, and says so.
	Redacted bool
	// FinishedStatus is shown in place of Completed, without a file.
	FinishedStatus string
	// NoLink shows Completed without a link.
	NoLink bool

	// NoCallbackExecuteNow calls nobody for reports that execute now.
	NoCallbackExecuteNow bool
	// CallbackTwice makes every call twice.
	CallbackTwice bool

	// Layout is how files are made.
	Layout ReportLayout
	// Serving is how they are served. Gzip is set by itself.
	Serving FileBehavior
}

func defaultAnalyticsBehavior() AnalyticsBehavior {
	return analyticsBehaviorOf(analytics.DefaultSettings())
}

func analyticsBehaviorOf(s analytics.Settings) AnalyticsBehavior {
	return AnalyticsBehavior{
		Audiences: slices.Clone(s.Audiences), AnyToken: s.AnyToken, RequireMFA: s.RequireMFA, OldVersion: s.OldVersion,
		QueueTime: s.QueueTime, RunTime: s.RunTime, LinkLifetime: s.LinkLifetime, Retention: s.Retention,
		MaxActiveReports: s.MaxActiveReports, MaxExecuteNow: s.MaxExecuteNow, MaxQueries: s.MaxQueries,
		MinLead: s.MinLead, MinInterval: s.MinInterval, MaxInterval: s.MaxInterval, DateRanges: slices.Clone(s.DateRanges), StrictNames: s.StrictNames,
		TestRows: s.TestRows, TypedPreview: s.TypedPreview,
		RefuseLists: s.RefuseLists, BrokenStatusFilter: s.BrokenStatusFilter, PlainFindsQueue: s.PlainFindsQueue,
		ClosedWhenEnded: s.ClosedWhenEnded, KeepUsedQueries: s.KeepUsedQueries,
		PascalCase: s.PascalCase, PaddedKeys: s.PaddedKeys, LocalQueryTime: s.LocalQueryTime,
		BareEnvelope: s.BareEnvelope, FullEnvelope: s.FullEnvelope, PageSize: s.PageSize, ExtraFields: s.ExtraFields,
		OmitText: s.OmitText, Redacted: s.Redacted, FinishedStatus: s.FinishedStatus, NoLink: s.NoLink,
		NoCallbackExecuteNow: s.NoCallbackExecuteNow, CallbackTwice: s.CallbackTwice,
		Layout: ReportLayout(s.Layout), Serving: FileBehavior(s.Blob),
	}
}

func (b *AnalyticsBehavior) settings() analytics.Settings {
	return analytics.Settings{
		Audiences: slices.Clone(b.Audiences), AnyToken: b.AnyToken, RequireMFA: b.RequireMFA, OldVersion: b.OldVersion,
		QueueTime: b.QueueTime, RunTime: b.RunTime, LinkLifetime: b.LinkLifetime, Retention: b.Retention,
		MaxActiveReports: b.MaxActiveReports, MaxExecuteNow: b.MaxExecuteNow, MaxQueries: b.MaxQueries,
		MinLead: b.MinLead, MinInterval: b.MinInterval, MaxInterval: b.MaxInterval, DateRanges: slices.Clone(b.DateRanges), StrictNames: b.StrictNames,
		TestRows: b.TestRows, TypedPreview: b.TypedPreview,
		RefuseLists: b.RefuseLists, BrokenStatusFilter: b.BrokenStatusFilter, PlainFindsQueue: b.PlainFindsQueue,
		ClosedWhenEnded: b.ClosedWhenEnded, KeepUsedQueries: b.KeepUsedQueries,
		PascalCase: b.PascalCase, PaddedKeys: b.PaddedKeys, LocalQueryTime: b.LocalQueryTime,
		BareEnvelope: b.BareEnvelope, FullEnvelope: b.FullEnvelope, PageSize: b.PageSize, ExtraFields: b.ExtraFields,
		OmitText: b.OmitText, Redacted: b.Redacted, FinishedStatus: b.FinishedStatus, NoLink: b.NoLink,
		NoCallbackExecuteNow: b.NoCallbackExecuteNow, CallbackTwice: b.CallbackTwice,
		Layout: analytics.Layout(b.Layout), Blob: blob.Properties(b.Serving),
	}
}
