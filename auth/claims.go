package auth

import (
	"encoding/json"
	"errors"
)

// validClaims accepts nothing and a JSON object. What else an API might send as a
// challenge would fail inside MSAL with a message about something else.
func validClaims(claims string) error {
	if claims == "" {
		return nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(claims), &object); err != nil || object == nil {
		return errors.New("auth: TokenRequest.Claims is not a JSON object; decode the base64 of the challenge first")
	}
	return nil
}
