package payouts

import (
	"net/http"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Kind is a family of exports, spelt as in the path.
type Kind string

// The kinds of exports.
const (
	Earnings Kind = "transactionhistory"
	Payments Kind = "payments"
)

// LinkMode says what a completed export has in blobLocation.
type LinkMode int

// The link modes.
const (
	// LinkGiven: a pre-signed link.
	LinkGiven LinkMode = iota
	// LinkEmpty: an empty string.
	LinkEmpty
	// LinkNull: null.
	LinkNull
)

// Step is a stage in an export's life. It lasts for a number of GETs, or for a
// time on the fake's clock; the last step lasts for ever.
type Step struct {
	// Status is what GET reports.
	Status string `json:"status"`
	// Polls is how many GETs see this step. It counts when For is zero.
	Polls int `json:"polls,omitempty"`
	// For is how long the step lasts.
	For time.Duration `json:"for,omitempty"`
	// Link says what blobLocation is while the status is Completed; before, it
	// is empty.
	Link LinkMode `json:"link,omitempty"`
}

// Script is what will happen to an export.
type Script struct {
	// Kind restricts the script to exports of that kind; empty means any.
	Kind Kind
	// Steps are the export's life. Empty means that of [Settings].
	Steps []Step
	// File is the export's file; nil means the synthetic rows that the filter
	// selects.
	File []byte
	// FileName is the last segment of the link's path. Empty means one made of
	// the export's id.
	FileName string
	// Layout replaces that of [Settings].
	Layout *Layout
	// Blob replaces that of [Settings].
	Blob *blob.Properties
}

// Envelope is the JSON around an export.
type Envelope int

// The envelopes. The service documents EnvelopeList; clients are advised to
// tolerate the others.
const (
	// EnvelopeList: {"value": [export], "nextLink": null, "totalCount": 1}.
	EnvelopeList Envelope = iota
	// EnvelopeObject: the export itself.
	EnvelopeObject
	// EnvelopeArray: [export].
	EnvelopeArray
	// EnvelopeEmpty: {"value": [], "nextLink": null, "totalCount": 0}.
	EnvelopeEmpty
)

// Settings say how the service behaves. [DefaultSettings] are those of the
// documentation.
type Settings struct {
	// Steps are the life of exports without a script of their own.
	Steps []Step
	// Audiences are the token audiences that are accepted.
	Audiences []string
	// RefuseAppOnly answers app-only tokens with 400, as one user reports.
	RefuseAppOnly bool
	// RequireMFA answers user tokens whose amr claim lacks "mfa" with 401 and
	// code 900421.
	RequireMFA bool
	// IgnoreUnknownFields makes comparisons with unknown fields true, instead
	// of answering 400. Which of both the service does is not documented.
	IgnoreUnknownFields bool
	// Deduplicate answers a repeated ms-requestid with the first export.
	Deduplicate bool
	// LinkLifetime is how long a link works. The service does not publish it.
	LinkLifetime time.Duration
	// RetryAfter, if not zero, is sent with exports that are not finished.
	RetryAfter time.Duration
	// CreateStatus answers a POST.
	CreateStatus int
	// DeleteStatus answers a DELETE.
	DeleteStatus int
	// BusyStatus answers a DELETE while the export is processing.
	BusyStatus int
	// AuthShape is the form of 401 bodies, ErrorShape that of all others.
	AuthShape, ErrorShape kit.Shape
	// Envelope is the JSON around exports.
	Envelope Envelope
	// CapitalKeys writes Value and Status with capitals, as the prose tables of
	// the documentation do.
	CapitalKeys bool
	// UpperStatus writes the status in upper case.
	UpperStatus bool
	// ExtraFields adds fields that no documentation mentions.
	ExtraFields bool
	// NullLink writes an absent link as null.
	NullLink bool
	// NoNextLink leaves nextLink and totalCount out.
	NoNextLink bool
	// NoLocation leaves the Location header out of the answer to a POST.
	NoLocation bool
	// Layout is how files are made.
	Layout Layout
	// Blob is how they are served.
	Blob blob.Properties
}

// DefaultSettings returns the documented behaviour. What is not documented, and
// the fake's choice: an export needs two polls, links live twelve hours, and
// errors of the service itself have the nested shape.
func DefaultSettings() Settings {
	return Settings{
		Steps:        []Step{{Status: "Processing", Polls: 1}, {Status: "Completed"}},
		Audiences:    []string{"https://api.partner.microsoft.com"},
		LinkLifetime: 12 * time.Hour,
		CreateStatus: http.StatusAccepted,
		DeleteStatus: http.StatusOK,
		BusyStatus:   http.StatusBadRequest,
		AuthShape:    kit.ShapeGateway,
		ErrorShape:   kit.ShapeNested,
	}
}

// normalize replaces statuses that cannot be sent.
func (s *Settings) normalize() {
	def := DefaultSettings()
	for _, p := range []struct{ status, fallback *int }{
		{&s.CreateStatus, &def.CreateStatus}, {&s.DeleteStatus, &def.DeleteStatus}, {&s.BusyStatus, &def.BusyStatus},
	} {
		if *p.status < 200 || *p.status > 599 {
			*p.status = *p.fallback
		}
	}
}
