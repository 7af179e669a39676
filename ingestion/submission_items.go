package ingestion

import (
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// ValidationItem is something that the service found wrong, or worth saying.
type ValidationItem struct {
	Object

	// ErrorCode is the code, for example "Resell-20007".
	ErrorCode string `json:"errorCode,omitzero"`
	// Severity says how bad it is.
	Severity Severity `json:"severity,omitzero"`
	// Message says what it is.
	Message string `json:"message,omitzero"`
	// Resource is the part that it is about.
	Resource string `json:"resource,omitzero"`
}

// Severity says how bad something is. More values may appear.
type Severity string

// How bad something is.
const (
	// SeverityInformational: not bad.
	SeverityInformational Severity = "Informational"
	// SeverityWarning: does not stop the submission.
	SeverityWarning Severity = "Warning"
	// SeverityError: stops the submission.
	SeverityError Severity = "Error"
)

// CertificationReport is the outcome of a certification.
type CertificationReport struct {
	Object

	// Time is when the report was made.
	Time time.Time `json:"reportTimeInUtc,omitzero"`
	// Status is the outcome.
	Status CertificationStatus `json:"status,omitzero"`
	// FileURI is where the report lies. It may grant access to whoever has it.
	FileURI partnercenter.Secret `json:"fileUri,omitzero"`
}

// CertificationStatus is the outcome of a certification. More may appear.
type CertificationStatus string

// Outcomes of a certification.
const (
	// CertificationPending: not finished.
	CertificationPending CertificationStatus = "Pending"
	// CertificationFailed: failed.
	CertificationFailed CertificationStatus = "Failed"
	// CertificationPassed: passed.
	CertificationPassed CertificationStatus = "Passed"
	// CertificationPassedWithNotes: passed, with something to read.
	CertificationPassedWithNotes CertificationStatus = "PassedWithNotes"
	// CertificationUnknown: the service does not know.
	CertificationUnknown CertificationStatus = "Unknown"
)

// WorkflowDetail is the way of a submission to one environment.
type WorkflowDetail struct {
	Object

	// Type is "Push" as far as has been seen.
	Type string `json:"type,omitzero"`
	// State is how far the whole is.
	State WorkflowState `json:"state,omitzero"`
	// TargetEnvironment is "Preview" or "Live".
	TargetEnvironment string `json:"targetEnvironment,omitzero"`
	// Steps are the single steps, for example "Automated validation".
	Steps []WorkflowStep `json:"workflowSteps,omitzero"`
	// Started is when it began; zero before that.
	Started time.Time `json:"startDateTimeInUtc,omitzero"`
	// Completed is when it ended; zero before that.
	Completed time.Time `json:"completeDateTimeInUtc,omitzero"`
}

// WorkflowStep is a step of a [WorkflowDetail].
type WorkflowStep struct {
	Object

	// Name is the step's name.
	Name string `json:"name,omitzero"`
	// State is how far it is.
	State WorkflowState `json:"state,omitzero"`
	// Started is when it began; zero before that.
	Started time.Time `json:"startDateTimeInUtc,omitzero"`
	// Completed is when it ended; zero before that.
	Completed time.Time `json:"completeDateTimeInUtc,omitzero"`
}

// WorkflowState is how far a step is. All values but these mean that it failed, by
// what is known; see [WorkflowState.Failed].
type WorkflowState string

// How far a step is.
const (
	// WorkflowNotStarted: not begun.
	WorkflowNotStarted WorkflowState = "NotStarted"
	// WorkflowInProgress: under way.
	WorkflowInProgress WorkflowState = "InProgress"
	// WorkflowSuccess: done.
	WorkflowSuccess WorkflowState = "Success"
)

// Failed reports whether the step failed, which is what every value but those that
// are known and the empty one is taken for.
func (s WorkflowState) Failed() bool {
	return s != "" && !equalAny(string(s), string(WorkflowNotStarted), string(WorkflowInProgress), string(WorkflowSuccess))
}
