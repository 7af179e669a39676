package transport

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// complaint is what a refusal is about, where its text tells.
type complaint int

const (
	complaintNone complaint = iota
	complaintAudience
	complaintMFA
	complaintRole
	complaintNoUser
)

// complaintOf recognises the known texts and codes of refusals, in the decoded
// error, in the status line and in the challenge. The gateway's codes 900420
// (audience) and 900421 (MFA) are the firm ground, the words the rest:
// https://learn.microsoft.com/partner-center/developer/partner-center-authentication
func complaintOf(e *partnercenter.Error, statusLine string) complaint {
	text := []string{statusLine, e.Code, e.Message}
	for _, d := range e.Details {
		text = append(text, d.Code, d.Message)
	}
	for _, challenge := range e.Header.Values("WWW-Authenticate") {
		if _, description, ok := strings.Cut(challenge, "error_description="); ok {
			text = append(text, description)
		}
	}
	if e.Message == "" && !bytes.HasPrefix(bytes.TrimSpace(e.Body), []byte("<")) { // markup is full of roles
		text = append(text, string(e.Body))
	}
	t := strings.ToLower(strings.Join(text, "\n"))
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(t, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("900421", "mfa required", "multi-factor", "multifactor"):
		return complaintMFA
	case has("900420", "audience"):
		return complaintAudience
	case has("missing user information"):
		return complaintNoUser
	case role.MatchString(t):
		return complaintRole
	}
	return complaintNone
}

var role = regexp.MustCompile(`\broles?\b`)

// advise says what to change, where that is known.
func advise(e *partnercenter.Error, kind complaint, resource string) string {
	switch e.StatusCode {
	case http.StatusUnauthorized:
		switch kind {
		case complaintAudience:
			return fmt.Sprintf("The token was issued for another audience than this API expects; request it for %s, or set Options.Resource", resource)
		case complaintMFA:
			return "The token comes from a sign-in without multi-factor authentication; sign in again with MFA and use the refresh token of that sign-in (the username/password flow cannot do MFA)"
		case complaintRole:
			return roleAdvice
		case complaintNoUser:
			return userAdvice
		case complaintNone:
			if e.Claims != "" {
				return "The service asks for claims that the token source could not supply; sign in again"
			}
		}
	case http.StatusForbidden:
		return roleAdvice
	case http.StatusBadRequest:
		if kind == complaintNoUser {
			return userAdvice
		}
	}
	return ""
}

const (
	roleAdvice = "The caller is known but lacks a Partner Center role or an API permission for this; check the user's roles under Account settings > User management, or the application's"
	userAdvice = "This API wants a token that stands for a user; an app-only token (client credentials) does not. Use the authorization code or device code flow and its refresh token"
)
