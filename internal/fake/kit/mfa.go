package kit

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CheckMFA does what Partner Center does about multifactor authentication
// (https://learn.microsoft.com/partner-center/security/partner-security-requirements-mandating-mfa):
// it answers the header ValidateMfa with isMfaCompliant, and refuses users who have
// signed in without a second factor if that is enforced. Applications are exempt. It
// reports whether to go on.
func CheckMFA(w http.ResponseWriter, r *http.Request, user bool, amr []string, enforce bool) bool {
	compliant := !user || slices.Contains(amr, "mfa")
	if strings.EqualFold(r.Header.Get("ValidateMfa"), "true") {
		w.Header().Set("isMfaCompliant", strconv.FormatBool(compliant))
	}
	if compliant || !enforce {
		return true
	}
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	ShapePartner.Write(w, http.StatusUnauthorized, "900421", "Unauthorized - MFA required")
	return false
}
