package pctest

import (
	"slices"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/ingestion"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// SubmissionAnswer is how the service answers a request for a submission.
type SubmissionAnswer int

// The answers.
const (
	// AnswerCreated is 201 with the submission, as documented.
	AnswerCreated SubmissionAnswer = iota
	// AnswerAccepted is 202 with the submission, as users have seen.
	AnswerAccepted
	// AnswerLocation is 202 without a body: Location leads to the submission,
	// Retry-After says when to look.
	AnswerLocation
)

// IngestionBehavior says how the submission API behaves. What no documentation
// settles, or where it has changed over the years, can be had in each of the ways
// that a client should expect.
type IngestionBehavior struct {
	// Audiences are the token audiences accepted. Default
	// https://api.partner.microsoft.com.
	Audiences []string
	// RequireMFA answers tokens of users who have signed in without MFA with 401 and
	// code 900421, as announced for all APIs that take users' tokens; that this one
	// takes part is the fake's choice. [Server.TokenSource] has signed in with it.
	RequireMFA bool

	// PageSizes are the sizes of the pages of products, in turn, from 0 to 100;
	// after the last it begins again. Default: 1, 4, 5, 2, 1, 4, 5, 3, 2, which
	// was recorded in a small account.
	PageSizes []int
	// PageSizesOfOthers are those of all other collections. Default: one page.
	PageSizesOfOthers []int
	// EmptyLastPage links from the last items to a page without any.
	EmptyLastPage bool
	// DeadLastLink links from the last items to a page that answers 404.
	DeadLastLink bool
	// RefuseUnfiltered answers GET products without a filter with 400, as some
	// accounts have seen since April 2026.
	RefuseUnfiltered bool

	// ConflictStatus answers an outdated If-Match: 412, the default, or 409.
	ConflictStatus int
	// ErrorShape is the form of all errors of the API. Default: for each error the
	// one that was seen.
	ErrorShape *ErrorShape
	// RequirePublisherID refuses requests without a number in x-ms-publisherId, as
	// the service did for a time in June 2026.
	RequirePublisherID bool

	// BranchDelay is how long after a plan its branches and drafts appear.
	// Default: at once.
	BranchDelay time.Duration
	// TestDrive lets Azure applications have a plan testdrive, and virtual machines
	// enable test drives, as until 2024.
	TestDrive bool
	// TestDriveDelay is how long after the product that plan appears. Default 2 s.
	TestDriveDelay time.Duration
	// KeepInstances leaves drafts their instance ids when a submission is made.
	// Default: they get new ones, and the old ones cannot be submitted again.
	KeepInstances bool
	// ShowSecrets shows the secrets of lead configurations to readers. Default:
	// masked.
	ShowSecrets bool

	// LinkLifetime is how long links for uploads work. Default 24 h 15 min.
	LinkLifetime time.Duration
	// ReadLinkLifetime is how long those for reading do. Default 8 h 15 min.
	ReadLinkLifetime time.Duration
	// EchoUploadLink answers the PUT of an uploaded image with the link for uploads,
	// as in January 2023. Default: one for reading.
	EchoUploadLink bool
	// LinksForMalformedExpand understands $expand=$expand=FileSasUri, as in January
	// 2023. Default: ignored.
	LinksForMalformedExpand bool
	// PackageQueueTime is how long an uploaded package waits. Default 10 s.
	PackageQueueTime time.Duration
	// PackageTime is how long it is looked at. Default 50 s.
	PackageTime time.Duration
	// InstantPackages answers the PUT of an uploaded package with Processed, as it
	// always is for packages of Business Central.
	InstantPackages bool

	// Submissions is how requests for a submission are answered. Default 201.
	Submissions SubmissionAnswer
	// ToPreview is what happens to submissions until they are in preview. Default:
	// a minute of preparation, then the steps of the workflow, for nearly nine.
	ToPreview []SubmissionStep
	// ToLive is what happens to those that were promoted. Default: two and a half
	// hours of certification, half an hour of publishing.
	ToLive []SubmissionStep
	// AutoPromote honours isAutoPromote. Default: ignored, as users have seen.
	AutoPromote bool
	// KeepCancelled shows cancelled submissions as such. Default: they are gone.
	KeepCancelled bool
}

func defaultIngestionBehavior() IngestionBehavior {
	s := ingestion.DefaultSettings()
	return ingestionBehaviorOf(&s)
}

func ingestionBehaviorOf(s *ingestion.Settings) IngestionBehavior {
	b := IngestionBehavior{
		Audiences: slices.Clone(s.Audiences), RequireMFA: s.RequireMFA,
		PageSizes: slices.Clone(s.PageSizes), PageSizesOfOthers: slices.Clone(s.PageSizesOfOthers),
		EmptyLastPage: s.EmptyLastPage, DeadLastLink: s.DeadLastLink, RefuseUnfiltered: s.RefuseUnfiltered,
		ConflictStatus: s.ConflictStatus, RequirePublisherID: s.RequirePublisherID,
		BranchDelay: s.BranchDelay, TestDrive: s.TestDrive, TestDriveDelay: s.TestDriveDelay,
		KeepInstances: s.KeepInstances, ShowSecrets: s.ShowSecrets,
		LinkLifetime: s.LinkLifetime, ReadLinkLifetime: s.ReadLinkLifetime,
		EchoUploadLink: s.EchoUploadLink, LinksForMalformedExpand: s.LinksForMalformedExpand,
		PackageQueueTime: s.PackageQueue, PackageTime: s.PackageTime, InstantPackages: s.InstantPackages,
		Submissions: SubmissionAnswer(s.Submissions), ToPreview: submissionStepsOf(s.Steps), ToLive: submissionStepsOf(s.LiveSteps),
		AutoPromote: s.AutoPromote, KeepCancelled: s.KeepCancelled,
	}
	if s.ErrorShape != nil {
		b.ErrorShape = new(ErrorShape(*s.ErrorShape))
	}
	return b
}

func (b *IngestionBehavior) settings() ingestion.Settings {
	s := ingestion.Settings{
		Audiences: slices.Clone(b.Audiences), RequireMFA: b.RequireMFA,
		PageSizes: slices.Clone(b.PageSizes), PageSizesOfOthers: slices.Clone(b.PageSizesOfOthers),
		EmptyLastPage: b.EmptyLastPage, DeadLastLink: b.DeadLastLink, RefuseUnfiltered: b.RefuseUnfiltered,
		ConflictStatus: b.ConflictStatus, RequirePublisherID: b.RequirePublisherID,
		BranchDelay: b.BranchDelay, TestDrive: b.TestDrive, TestDriveDelay: b.TestDriveDelay,
		KeepInstances: b.KeepInstances, ShowSecrets: b.ShowSecrets,
		LinkLifetime: b.LinkLifetime, ReadLinkLifetime: b.ReadLinkLifetime,
		EchoUploadLink: b.EchoUploadLink, LinksForMalformedExpand: b.LinksForMalformedExpand,
		PackageQueue: b.PackageQueueTime, PackageTime: b.PackageTime, InstantPackages: b.InstantPackages,
		Submissions: ingestion.Accepted(b.Submissions), Steps: submissionSteps(b.ToPreview), LiveSteps: submissionSteps(b.ToLive),
		AutoPromote: b.AutoPromote, KeepCancelled: b.KeepCancelled,
	}
	if b.ErrorShape != nil {
		s.ErrorShape = new(kit.Shape)
		*s.ErrorShape = b.ErrorShape.internal()
	}
	return s
}
