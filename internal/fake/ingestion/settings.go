package ingestion

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Accepted is how the service answers a request for a submission.
type Accepted int

// The ways to accept a submission.
const (
	// Created is 201 with the submission, as documented.
	Created Accepted = iota
	// AcceptedWithBody is 202 with the submission.
	AcceptedWithBody
	// AcceptedWithLocation is 202 without a body: Location leads to the
	// submission, Retry-After says when to look.
	AcceptedWithLocation
)

// Settings say how the service behaves. The zero value is not useful: begin with
// DefaultSettings.
type Settings struct {
	// Audiences are the token audiences accepted.
	Audiences []string
	// RequireMFA answers tokens of users who have signed in without MFA with 401 and
	// code 900421.
	RequireMFA bool

	// PageSizes are the sizes of the pages of products, in turn; after the last
	// it begins again. PageSizesOfOthers are those of all other collections; none
	// means a single page.
	PageSizes, PageSizesOfOthers []int
	// EmptyLastPage links from the last items to an empty page.
	EmptyLastPage bool
	// DeadLastLink links from the last items to a page that answers 404.
	DeadLastLink bool
	// RefuseUnfiltered answers GET products without a filter with 400.
	RefuseUnfiltered bool

	// ConflictStatus is the status for an outdated If-Match: 412 or 409.
	ConflictStatus int
	// ErrorShape is the form of all errors; nil means the one seen for each.
	ErrorShape *kit.Shape
	// RequirePublisherID refuses requests without a positive number in the header
	// x-ms-publisherId, as the service did in June 2026.
	RequirePublisherID bool

	// BranchDelay is how long after a plan its branches and drafts appear.
	BranchDelay time.Duration
	// TestDrive lets Azure applications have a plan testdrive, and virtual
	// machines enable test drives, as until 2024. TestDriveDelay is how long after
	// the product the plan appears.
	TestDrive      bool
	TestDriveDelay time.Duration
	// KeepInstances leaves drafts their instance ids when a submission is made.
	KeepInstances bool
	// ShowSecrets shows the secrets of lead configurations to readers.
	ShowSecrets bool

	// LinkLifetime is how long links for uploads work, ReadLinkLifetime how long
	// those for reading do.
	LinkLifetime, ReadLinkLifetime time.Duration
	// EchoUploadLink answers the PUT of an uploaded image with the link for
	// uploads, as in January 2023. Since then it is one for reading that begins
	// with a timestamp without a name.
	EchoUploadLink bool
	// LinksForMalformedExpand understands $expand=$expand=FileSasUri, as in January
	// 2023.
	LinksForMalformedExpand bool
	// PackageQueue and PackageTime are how long a package waits, and is looked at.
	PackageQueue, PackageTime time.Duration
	// InstantPackages answers the PUT of an uploaded package with Processed. Those
	// of Business Central always are.
	InstantPackages bool

	// Submissions is how requests for a submission are answered.
	Submissions Accepted
	// Steps and LiveSteps are the story of a submission to preview, and from there
	// to live.
	Steps, LiveSteps []Step
	// AutoPromote honours the publish option of that name.
	AutoPromote bool
	// KeepCancelled shows cancelled submissions as such; else they are gone.
	KeepCancelled bool
}

// DefaultSettings returns the behaviour that the sources show.
func DefaultSettings() Settings {
	return Settings{
		Audiences:        []string{"https://api.partner.microsoft.com"},
		PageSizes:        []int{1, 4, 5, 2, 1, 4, 5, 3, 2}, // recorded in 2025
		ConflictStatus:   412,
		LinkLifetime:     24*time.Hour + 15*time.Minute,
		ReadLinkLifetime: 8*time.Hour + 15*time.Minute,
		PackageQueue:     10 * time.Second,
		PackageTime:      50 * time.Second,
		TestDriveDelay:   2 * time.Second,
		// As seen with Business Central in 2022.
		Steps: []Step{
			Prepare(time.Minute),
			Run(PhaseValidation, 3*time.Minute+15*time.Second),
			Run(PhasePreview, 5*time.Minute+20*time.Second),
			Run(PhaseSignoff, 3*time.Second),
			Ready(),
		},
		LiveSteps: []Step{
			Run(PhaseCertification, 2*time.Hour+30*time.Minute),
			Run(PhasePublish, 30*time.Minute),
			Live(),
		},
	}
}

func (s *Settings) clone() Settings {
	out := *s
	out.Audiences = slices.Clone(s.Audiences)
	out.PageSizes, out.PageSizesOfOthers = slices.Clone(s.PageSizes), slices.Clone(s.PageSizesOfOthers)
	out.Steps, out.LiveSteps = slices.Clone(s.Steps), slices.Clone(s.LiveSteps)
	if s.ErrorShape != nil {
		out.ErrorShape = new(*s.ErrorShape)
	}
	return out
}

func (s *Settings) check() error {
	if s.ConflictStatus != 409 && s.ConflictStatus != 412 {
		return fmt.Errorf("ingestion: a conflict is answered with 409 or 412, not with %d", s.ConflictStatus)
	}
	for _, sizes := range [][]int{s.PageSizes, s.PageSizesOfOthers} {
		if len(sizes) > 0 && slices.Max(sizes) == 0 || slices.ContainsFunc(sizes, func(n int) bool { return n < 0 || n > maxPage }) {
			return fmt.Errorf("ingestion: pages hold 0 to %d items, and not all of them 0", maxPage)
		}
	}
	for _, d := range []time.Duration{s.BranchDelay, s.TestDriveDelay, s.LinkLifetime, s.ReadLinkLifetime, s.PackageQueue, s.PackageTime} {
		if d < 0 {
			return errors.New("ingestion: times must not be negative")
		}
	}
	for _, steps := range [][]Step{s.Steps, s.LiveSteps} {
		if err := checkSteps(steps); err != nil {
			return err
		}
	}
	if len(s.Steps) == 0 || len(s.LiveSteps) == 0 {
		return errors.New("ingestion: a submission needs steps to preview and to live")
	}
	return nil
}
