package ingestion

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// Submission is an attempt to publish a product. [Submission.Status] says what its
// states mean.
type Submission struct {
	Object

	// ID is a number with 19 digits, more than a float64 can hold.
	ID string `json:"id,omitzero"`
	// State and Substate say together where the submission stands.
	State SubmissionState `json:"state,omitzero"`
	// Substate says where within State.
	Substate SubmissionSubstate `json:"substate,omitzero"`
	// Targets are where the submission goes. It still says "Preview" when the
	// submission is live.
	Targets []TypeValue `json:"targets,omitzero"`
	// Resources are the instances of all modules of the product that the
	// submission publishes, also of those that were not named in the request.
	Resources []TypeValue `json:"resources,omitzero"`
	// VariantResources are those of its plans.
	VariantResources []VariantResource `json:"variantResources,omitzero"`
	// PublishOption comes with [ExpandPublishOption] only.
	PublishOption *PublishOption `json:"publishOption,omitzero"`
	// Published is when the preview, and later the live version, was complete; zero
	// before that.
	Published time.Time `json:"publishedTimeInUtc,omitzero"`
	// PendingUpdate is what the service does with the submission, or did last.
	PendingUpdate *PendingUpdate `json:"pendingUpdateInfo,omitzero"`
	// ExtendedProperties holds further pairs.
	ExtendedProperties []TypeValue `json:"extendedProperties,omitzero"`
	// ReleaseNumber counts the submissions of the product.
	ReleaseNumber int `json:"releaseNumber,omitzero"`
	// FriendlyName is "Submission" and the release number.
	FriendlyName string `json:"friendlyName,omitzero"`
	// AreResourcesReady says that all instances have been copied.
	AreResourcesReady bool `json:"areResourcesReady,omitzero"`
}

func (Submission) resourceType() string { return "Submission" }

// VariantResource is the instances of one plan.
type VariantResource struct {
	Object

	// VariantID is the plan.
	VariantID string `json:"variantID"`
	// Resources are its instances: the type is a [Module], the value an id.
	Resources []TypeValue `json:"resources"`
}

// PublishOption is when and how a submission is published.
type PublishOption struct {
	Object

	// ReleaseTime is when to publish.
	ReleaseTime time.Time `json:"releaseTimeInUtc,omitzero"`
	// IsManualPublish waits for the publisher.
	IsManualPublish bool `json:"isManualPublish"`
	// IsAutoPromote takes the preview live without asking. It has been seen to
	// have no effect.
	IsAutoPromote bool `json:"isAutoPromote"`
	// CertificationNotes are for the people who certify.
	CertificationNotes string `json:"certificationNotes,omitzero"`
}

// PendingUpdate is what the service does with a submission, or did last.
type PendingUpdate struct {
	Object

	// UpdateType is what is done.
	UpdateType UpdateType `json:"updateType,omitzero"`
	// Status is how far it is. It stays Completed after the end.
	Status UpdateStatus `json:"status,omitzero"`
	// Href is where to ask for it.
	Href string `json:"href,omitzero"`
	// FailureReason says why it failed.
	FailureReason string `json:"failureReason,omitzero"`
}

// UpdateType is what is done with a submission. More may appear.
type UpdateType string

// What is done with a submission.
const (
	// UpdateCreate makes it.
	UpdateCreate UpdateType = "Create"
	// UpdateSubmit submits it.
	UpdateSubmit UpdateType = "Submit"
	// UpdatePromote takes it from preview to live.
	UpdatePromote UpdateType = "Promote"
	// UpdateValidate validates it.
	UpdateValidate UpdateType = "Validate"
)

// UpdateStatus is how far an update is. More may appear.
type UpdateStatus string

// How far an update is.
const (
	// UpdateRunning: under way.
	UpdateRunning UpdateStatus = "Running"
	// UpdateFailed: failed.
	UpdateFailed UpdateStatus = "Failed"
	// UpdateCompleted: done.
	UpdateCompleted UpdateStatus = "Completed"
	// UpdateCancelled: cancelled.
	UpdateCancelled UpdateStatus = "Cancelled"
	// UpdatePendingConfirmation: waits to be confirmed.
	UpdatePendingConfirmation UpdateStatus = "PendingConfirmation"
)

// SubmissionRequest asks for a submission.
type SubmissionRequest struct {
	Object

	// Targets are where it goes; see [ToPreview].
	Targets []TypeValue `json:"targets"`
	// Resources are the product's drafts: the type is a [Module], the value the id
	// that [Branches.Draft] returns. With modular publishing those that are not
	// named stay as they are.
	Resources []TypeValue `json:"resources"`
	// VariantResources are the drafts of its plans.
	VariantResources []VariantResource `json:"variantResources,omitzero"`
	// PublishOption is when and how.
	PublishOption *PublishOption `json:"publishOption,omitzero"`
	// ExtendedProperties holds further pairs.
	ExtendedProperties []TypeValue `json:"extendedProperties,omitzero"`
}

func (SubmissionRequest) resourceType() string { return "SubmissionCreationRequest" }

func (r SubmissionRequest) check() error {
	switch {
	case len(r.Targets) == 0:
		return errors.New("ingestion: the submission has no Targets; use ingestion.ToPreview()")
	case len(r.Resources) == 0 && len(r.VariantResources) == 0:
		return errors.New("ingestion: the submission has no Resources; name the drafts to publish, see Branches.Draft")
	}
	for _, list := range append([]VariantResource{{Resources: r.Resources}}, r.VariantResources...) {
		for _, resource := range list.Resources {
			if resource.Type == "" || resource.Value == "" {
				return fmt.Errorf("ingestion: a resource of the submission has no Type or no Value (%q, %q)", resource.Type, resource.Value)
			}
		}
	}
	return nil
}

// ToPreview is the target of every submission. It becomes live by being promoted.
func ToPreview() []TypeValue { return []TypeValue{{Type: "Scope", Value: "preview"}} }

// Submissions is the collection of a product's submissions.
//
//pc:operation GET /products/{productID}/submissions
//pc:operation POST /products/{productID}/submissions
//pc:operation GET /products/{productID}/submissions/{submissionID}
//pc:operation DELETE /products/{productID}/submissions/{submissionID}
//pc:operation POST /products/{productID}/submissions/{submissionID}/promote
//pc:operation GET /products/{productID}/submissions/{submissionID}/validations
//pc:operation GET /products/{productID}/submissions/{submissionID}/reports
//pc:operation GET /products/{productID}/submissions/{submissionID}/workflowdetails
type Submissions struct {
	Finder[Submission]
	Getter[Submission]

	plain endpoint
}

// Submissions returns the product's submissions. [ExpandPublishOption] adds their
// publish options.
func (p ProductScope) Submissions(expand ...Expand) Submissions {
	e := p.at("submissions", expand...)
	return Submissions{Finder[Submission]{e, subjectSubmissions}, Getter[Submission]{e}, p.at("submissions")}
}

// Create makes a submission, which begins at once: there is no separate step to
// submit it. While another one is under way the service refuses with
// [partnercenter.ErrConflict].
//
// The request is sent again only when the service surely did not see it; a 503 is
// no sign of that, since the service has been seen to make the submission all the
// same. After an error without a clear answer the submission may exist: look with
// [Submissions.Latest] before trying again, or let [ProductScope.Publish] do that.
// The service may accept the request without describing the submission; the result
// has only its ID then.
func (s Submissions) Create(ctx context.Context, r SubmissionRequest, opts ...partnercenter.CallOption) (Submission, error) {
	if s.plain.err != nil {
		return Submission{}, s.plain.err
	}
	body, err := newBody(r)
	if err != nil {
		return Submission{}, err
	}
	create := post(s.plain.path, body)
	create.doubt503 = true
	made, resp, err := fetch[Submission](ctx, s.plain, create, opts)
	if errors.Is(err, errNoBody) || err == nil && made.ID == "" {
		if made.ID = lastSegment(resp.Header.Get("Location")); made.ID == "" {
			return Submission{}, fmt.Errorf("POST %s: the submission was made (%d), but the service did not say under which id; look with Latest", s.plain.path, resp.StatusCode)
		}
		return made, nil
	}
	return made, err
}

// Cancel ends a submission that is in progress, or removes one that has failed. It
// is gone then.
func (s Submissions) Cancel(ctx context.Context, id string, opts ...partnercenter.CallOption) error {
	return Deleter{s.plain}.Delete(ctx, id, opts...)
}

// Promote takes a submission from preview to live, which begins its certification
// and cannot be undone. The request is sent again only when the service surely did
// not see it. A service that answers without a body gives a zero WorkflowDetail.
func (s Submissions) Promote(ctx context.Context, id string, opts ...partnercenter.CallOption) (WorkflowDetail, error) {
	path, err := s.plain.item("submission id", id)
	if err != nil {
		return WorkflowDetail{}, err
	}
	resp, err := s.plain.do(ctx, call{method: http.MethodPost, path: path + "/promote", doubt503: true}, opts)
	if err != nil || len(bytes.TrimSpace(resp.Body)) == 0 {
		return WorkflowDetail{}, err
	}
	detail, err := decodeItem[WorkflowDetail](trimMark(resp.Body))
	if err != nil {
		return WorkflowDetail{}, nil //nolint:nilerr // it has been promoted; what the answer says is an extra
	}
	return detail, nil
}

// Validations returns what the service found wrong with a submission.
func (s Submissions) Validations(id string) Lister[ValidationItem] {
	return Lister[ValidationItem]{s.plain.under("submission id", id, "validations")}
}

// Reports returns the reports of a submission's certification.
func (s Submissions) Reports(id string) Lister[CertificationReport] {
	return Lister[CertificationReport]{s.plain.under("submission id", id, "reports")}
}

// WorkflowDetails returns the steps of a submission: one entry for the way to
// preview, one for the way to live.
func (s Submissions) WorkflowDetails(id string) Lister[WorkflowDetail] {
	return Lister[WorkflowDetail]{s.plain.under("submission id", id, "workflowdetails")}
}

// Latest returns the newest submission; see [LatestSubmission]. If there is none,
// the error matches [partnercenter.ErrNotFound].
func (s Submissions) Latest(ctx context.Context, opts ...partnercenter.CallOption) (Submission, error) {
	latest, found, err := latestOf(s.All(ctx, Filter{}, opts...))
	if err == nil && !found {
		err = fmt.Errorf("ingestion: the product has no submissions: %w", partnercenter.ErrNotFound)
	}
	return latest, err
}

// LatestSubmission returns the submission with the highest release number, and of
// several such the one with the highest id; false if there is none. The order in
// which the service lists submissions means nothing.
func LatestSubmission(submissions ...Submission) (Submission, bool) {
	latest, found, _ := latestOf(func(yield func(Submission, error) bool) {
		for _, s := range submissions {
			if !yield(s, nil) {
				return
			}
		}
	})
	return latest, found
}

func latestOf(submissions iter.Seq2[Submission, error]) (latest Submission, found bool, err error) {
	for s, err := range submissions {
		if err != nil {
			return Submission{}, false, err
		}
		if !found || later(s, latest) {
			latest, found = s, true
		}
	}
	return latest, found, nil
}

// later compares ids as numbers of any length.
func later(a, b Submission) bool {
	if a.ReleaseNumber != b.ReleaseNumber {
		return a.ReleaseNumber > b.ReleaseNumber
	}
	x, y := strings.TrimLeft(a.ID, "0"), strings.TrimLeft(b.ID, "0")
	if len(x) != len(y) {
		return len(x) > len(y)
	}
	return x > y
}
