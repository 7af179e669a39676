package ingestion

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/redact"
)

// PublishError is a publication that failed, with everything that the service has
// said about it. For products of some kinds, Business Central apps among them, that
// is not much: the reason then stands in the portal only; see PortalURL.
//
// [partnercenter.Poller.Wait] and its like return it inside a
// [*partnercenter.OperationError]; errors.As finds it. A PublishError does not
// change and is safe for concurrent use.
type PublishError struct {
	// ProductID is the product's own id.
	ProductID string `json:"productID"`
	// Status is the last look at the submission: states, steps, validations and
	// reports. Its Submission has no ID if none was made. One that stood in the way
	// is there too.
	Status PublishStatus `json:"status"`
	// Step is the step that failed, or was under way; empty if unknown.
	Step string `json:"step,omitempty"`
	// Reason says in one sentence why it failed; empty if the submission itself
	// does not say. [PublishError.Findings] often says more.
	Reason string `json:"reason,omitempty"`
	// RequestID is the service's id of the request whose answer told of the
	// failure; quote it to support.
	RequestID string `json:"requestID,omitempty"`
	// CorrelationID ties that request to the service's traces.
	CorrelationID string `json:"correlationID,omitempty"`
	// PortalURL is the offer's page in Partner Center.
	PortalURL string `json:"portalURL"`
	// Err is the request that the service refused, a [*partnercenter.Error], or
	// [partnercenter.ErrConflict] when another submission stood in the way; nil if
	// the submission itself failed.
	Err error `json:"-"`
}

// Error returns one line.
func (e *PublishError) Error() string {
	var b strings.Builder
	b.WriteString("publishing product " + e.ProductID + " failed")
	if id := e.Status.Submission.ID; id != "" {
		fmt.Fprintf(&b, ": submission %s is %s", id, stateOf(e.Status.Submission))
	}
	if e.Step != "" {
		fmt.Fprintf(&b, " at step %q", e.Step)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	bad, first := 0, PublishFinding{}
	for _, f := range e.Findings() {
		if f.Kind == findingValidation && equalAny(f.Severity, string(SeverityError)) {
			if bad++; bad == 1 {
				first = f
			}
		}
	}
	switch {
	case bad > 0:
		fmt.Fprintf(&b, "; %s", first)
	case e.Reason == "":
		b.WriteString("; the API gives no reason")
	}
	if bad > 1 {
		fmt.Fprintf(&b, " and %d more", bad-1)
	}
	if e.RequestID != "" {
		b.WriteString("; request id " + e.RequestID)
	}
	b.WriteString("; see " + e.PortalURL)
	return strings.Join(strings.Fields(redact.Text(b.String())), " ")
}

// Unwrap returns Err.
func (e *PublishError) Unwrap() error { return e.Err }

// Findings lists what went wrong as the rows of a table, the failed steps first,
// then what the service refused, the validations and the reports.
func (e *PublishError) Findings() []PublishFinding {
	var rows []PublishFinding
	for _, w := range e.Status.Workflow {
		for _, step := range w.Steps {
			if step.State.Failed() {
				rows = append(rows, PublishFinding{Kind: findingStep, Severity: string(step.State), Where: w.TargetEnvironment, Text: step.Name})
			}
		}
	}
	if reason := e.Status.Submission.PendingUpdate; reason != nil && reason.FailureReason != "" {
		rows = append(rows, PublishFinding{Kind: findingSubmission, Severity: string(reason.Status), Where: string(reason.UpdateType), Text: reason.FailureReason})
	}
	rows = append(rows, refusals(e.Err)...)
	return append(rows, findingsOf(e.Status.Validations, e.Status.Reports)...)
}

// PublishFinding is one row of what is wrong with a publication. Everything in it
// can be printed.
type PublishFinding struct {
	// Kind is what said it: "step", "submission", "request", "validation" or
	// "report".
	Kind string `json:"kind"`
	// Severity is how bad it is, in the service's words, for example "Error".
	Severity string `json:"severity,omitempty"`
	// Code is the service's code, for example "Resell-20007".
	Code string `json:"code,omitempty"`
	// Where is the part of the offer, the field or the environment.
	Where string `json:"where,omitempty"`
	// Text says what is wrong.
	Text string `json:"text,omitempty"`
}

// What findings are.
const (
	findingStep       = "step"
	findingSubmission = "submission"
	findingRequest    = "request"
	findingValidation = "validation"
	findingReport     = "report"
)

// String returns the row in one line.
func (f PublishFinding) String() string {
	s := strings.Join(strings.Fields(f.Kind+" "+f.Severity+" "+f.Code), " ")
	if f.Where != "" {
		s += " (" + f.Where + ")"
	}
	if f.Text != "" {
		s += ": " + f.Text
	}
	return strings.Join(strings.Fields(s), " ")
}

// findingsOf makes rows of validations and reports. Links to reports grant access,
// so they stay in the reports.
func findingsOf(validations []ValidationItem, reports []CertificationReport) []PublishFinding {
	var rows []PublishFinding
	for _, v := range validations {
		rows = append(rows, PublishFinding{
			Kind: findingValidation, Severity: string(v.Severity), Code: redact.Text(v.ErrorCode),
			Where: redact.Text(v.Resource), Text: redact.Text(v.Message),
		})
	}
	for _, r := range reports {
		row := PublishFinding{Kind: findingReport, Severity: string(r.Status), Text: "no file"}
		if !r.FileURI.IsZero() {
			row.Text = "a file, see Reports"
		}
		if !r.Time.IsZero() {
			row.Text += ", made " + when(r.Time)
		}
		rows = append(rows, row)
	}
	return rows
}

// refusals makes rows of what the service said to a request.
func refusals(err error) []PublishFinding {
	e, ok := errors.AsType[*partnercenter.Error](err)
	if !ok {
		return nil
	}
	rows := []PublishFinding{{Kind: findingRequest, Severity: fmt.Sprint(e.StatusCode), Code: e.Code, Where: e.Target, Text: e.Message}}
	for _, d := range e.Details {
		rows = append(rows, PublishFinding{Kind: findingRequest, Code: d.Code, Where: d.Target, Text: d.Message})
	}
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		for _, text := range e.Fields[field] {
			rows = append(rows, PublishFinding{Kind: findingRequest, Where: field, Text: text})
		}
	}
	for i := range rows {
		rows[i].Code, rows[i].Where, rows[i].Text = redact.Text(rows[i].Code), redact.Text(rows[i].Where), redact.Text(rows[i].Text)
	}
	return rows
}
