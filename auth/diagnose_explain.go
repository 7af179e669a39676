package auth

import (
	"errors"
	"strconv"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Explain says in a sentence or two what is behind an error and what to do about it; empty
// if nothing is known. It knows [*Error], [*partnercenter.Error], and the codes that
// [ExplainCode] does in the text of any other error.
func Explain(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Advice != "" {
			return e.Advice
		}
		return e.advice()
	}
	if e, ok := errors.AsType[*partnercenter.Error](err); ok {
		if text := ExplainCode(e.Code); text != "" {
			return text
		}
		return e.Advice
	}
	for _, n := range numbersIn(err.Error()) {
		if text := explain(n); text != "" {
			return text
		}
	}
	for _, code := range []string{"900420", "900421"} {
		if strings.Contains(err.Error(), code) {
			return ExplainCode(code)
		}
	}
	return ""
}

// ExplainCode says in a sentence or two what a code means here and what to do about it;
// empty if it is not known. Codes are those of Entra ID, "AADSTS7000222" or "7000222"
// (https://learn.microsoft.com/entra/identity-platform/reference-error-codes), and 900420
// and 900421 of Partner Center's gateway
// (https://learn.microsoft.com/partner-center/developer/partner-center-authentication).
func ExplainCode(code string) string {
	code = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(code)), "AADSTS")
	switch code {
	case "900420":
		return "The token's audience is not one that this API accepts. Request the token for the API's own resource: https://api.partner.microsoft.com for payouts and ingestion, https://api.partnercenter.microsoft.com for analytics."
	case "900421":
		return "The token comes from a sign-in without multifactor authentication, which Partner Center demands of users. Let the user sign in again with it, and go on with the refresh token of that sign-in; names and passwords cannot do it."
	}
	n, err := strconv.Atoi(code)
	if err != nil {
		return ""
	}
	return explain(n)
}
