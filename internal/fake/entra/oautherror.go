package entra

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// OAuthError is the body of a refusal.
type OAuthError struct {
	// Code is the OAuth error, for example "invalid_grant".
	Code string
	// STS is the AADSTS number.
	STS int
	// SubCode is the suberror field.
	SubCode string
	// Text is the description after the number.
	Text string
	// Claims is the claims challenge, JSON text.
	Claims string
	// Status is the HTTP status. Default 401 for invalid_client, else 400.
	Status int
}

// response turns the refusal into an answer with fresh ids, unless the client has
// sent a correlation id, which comes back.
func (e OAuthError) response(now time.Time, correlationID string) response {
	if correlationID == "" {
		correlationID = uuid.NewString()
	}
	status := e.Status
	switch {
	case status != 0:
	case e.Code == "invalid_client":
		status = http.StatusUnauthorized
	default:
		status = http.StatusBadRequest
	}
	stamp := now.UTC().Format("2006-01-02 15:04:05Z")
	trace := uuid.NewString()
	fields := map[string]any{
		"error": e.Code,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			e.STS, e.Text, trace, correlationID, stamp),
		"error_codes":    []int{e.STS},
		"timestamp":      stamp,
		"trace_id":       trace,
		"correlation_id": correlationID,
		"error_uri":      fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", e.STS),
	}
	if e.SubCode != "" {
		fields["suberror"] = e.SubCode
	}
	if e.Claims != "" {
		fields["claims"] = e.Claims
	}
	return response{status: status, fields: fields}
}
