package auth

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/header"
	"github.com/partnercenter-go/partnercenter/internal/redact"
)

// refusal is the body of an answer that is no success.
type refusal struct {
	Error         string    `json:"error"`
	SubError      string    `json:"suberror"`
	Description   string    `json:"error_description"`
	Codes         looseInts `json:"error_codes"`
	Claims        string    `json:"claims"`
	TraceID       string    `json:"trace_id"`
	CorrelationID string    `json:"correlation_id"`
}

// looseInts reads a list of numbers of which some may be texts, so that one odd member
// does not cost the rest of the error.
type looseInts []int

// UnmarshalJSON implements [json.Unmarshaler].
func (l *looseInts) UnmarshalJSON(b []byte) error {
	var items []any
	if err := json.Unmarshal(b, &items); err != nil {
		*l = nil   // not a list: there are no codes
		return nil //nolint:nilerr // the codes are for people, the rest of the error counts
	}
	for _, it := range items {
		switch v := it.(type) {
		case float64:
			*l = append(*l, int(v))
		case string:
			if n, err := strconv.Atoi(v); err == nil {
				*l = append(*l, n)
			}
		}
	}
	return nil
}

// stsNumber finds numbers in descriptions of answers that list none.
var stsNumber = regexp.MustCompile(`AADSTS(\d{3,9})`)

// trailer is what follows the text of a description: ids and a time stamp, which the
// error has in fields of their own.
var trailer = regexp.MustCompile(`(?is)[\s.]*\bTrace ID: .*$`)

// prefix repeats the first number in front of the text.
var prefix = regexp.MustCompile(`^AADSTS\d+:\s*`)

// classify turns an answer that is no success into an [*Error]. The secrets are removed
// from its texts.
func classify(resp *http.Response, body []byte, grant string, secrets []string) *Error {
	r := parseRefusal(body)
	e := &Error{
		Status:        resp.StatusCode,
		Code:          tidy(r.Error, 128, secrets),
		SubCode:       tidy(r.SubError, 128, secrets),
		TraceID:       tidy(cmp.Or(r.TraceID, resp.Header.Get("x-ms-request-id")), 64, secrets),
		Claims:        tidy(r.Claims, 4096, secrets),
		CorrelationID: tidy(r.CorrelationID, 64, secrets),
		STSCodes:      slices.Clone(r.Codes),
	}
	if len(e.STSCodes) == 0 {
		e.STSCodes = numbersIn(r.Description)
	}
	e.Description = tidy(prefix.ReplaceAllString(trailer.ReplaceAllString(r.Description, ""), ""), 500, secrets)
	if e.Description == "" && r.Error == "" {
		e.Description = describeForeign(resp)
	}
	e.RetryAfter, _ = header.RetryAfter(resp.Header, time.Now())
	e.Kind = kindOf(e, grant)
	e.Advice = e.advice()
	return e
}

func parseRefusal(body []byte) refusal {
	var r refusal
	err := json.Unmarshal(body, &r)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !odd {
		return refusal{} // HTML of a gateway, or nothing; the status has to do
	}
	return r // a field of another type than it should have is left out
}

// describeForeign describes an answer that no token endpoint would give.
func describeForeign(resp *http.Response) string {
	what := "an answer that is not an OAuth error"
	if ct, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); ct != "" && len(ct) < 64 {
		what += " (" + oneLine(ct) + ")"
	}
	if text := http.StatusText(resp.StatusCode); text != "" {
		return text + ": " + what
	}
	return what
}

// What answers are about, when it makes a difference: grant types, and the sign-in page.
const (
	grantCode      = "authorization_code"
	grantDevice    = "device_code"
	grantAuthorize = "authorize"
)

// kindOf follows what Microsoft asks of clients: act on the error, the suberror and the
// status, and keep the numbers for people. Numbers decide only where one error stands
// for several situations that need different things done.
func kindOf(e *Error, grant string) Kind {
	switch {
	case e.HasSTSCode(90038, 900432):
		return KindWrongCloud
	case e.Status == http.StatusTooManyRequests, e.Status >= 500, e.Status == http.StatusRequestTimeout,
		e.Code == "temporarily_unavailable", e.Code == "server_error",
		e.HasSTSCode(90033, 90024, 50033, 90055):
		return KindTransient
	}
	switch e.Code {
	case "interaction_required", "login_required", "consent_required":
		return KindInteractionRequired
	case "invalid_grant":
		return kindOfGrant(e, grant)
	case "invalid_client":
		return KindBadClientCredential
	case "unauthorized_client", "invalid_resource", "invalid_scope", "invalid_tenant", "invalid_instance",
		"invalid_request", "unsupported_grant_type", "invalid_target":
		return KindBadConfiguration
	case "access_denied":
		if grant == grantAuthorize || grant == grantDevice {
			return KindDenied
		}
		return KindBadConfiguration
	case "authorization_declined":
		return KindDenied
	case "expired_token", "code_expired", "bad_verification_code":
		return KindSignInExpired
	case "":
		// Nobody at Entra ID wrote this.
		if e.Status == http.StatusNotFound {
			return KindBadConfiguration
		}
		return KindBadAnswer
	default:
		return KindUnknown
	}
}

// kindOfGrant tells the meanings of invalid_grant apart.
func kindOfGrant(e *Error, grant string) Kind {
	switch {
	case e.HasSTSCode(54005):
		return KindCodeReplayed
	case e.HasSTSCode(50126, 50053, 50034, 50055, 50057):
		return KindBadUserCredential
	case e.Claims != "", e.HasSTSCode(50076, 50078, 50079, 50074, 65001, 53003):
		return KindInteractionRequired
	}
	switch e.SubCode {
	case "basic_action", "additional_action", "message_only", "consent_required", "user_password_expired":
		return KindInteractionRequired
	}
	switch grant {
	case "password":
		return KindBadUserCredential
	case grantCode, grantDevice:
		return KindSignInExpired
	}
	return KindRefreshTokenDead
}

// tidy redacts foreign text and keeps it on one line and within limit bytes.
func tidy(s string, limit int, secrets []string) string {
	s = oneLine(redact.Text(s, secrets...))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}

// oneLine replaces control characters, line breaks among them, and trims.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return strings.TrimSpace(s)
}
