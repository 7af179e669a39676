package keyvaultstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/partnercenter-go/partnercenter/auth"
)

// Error is a request that Key Vault has refused. It is what an *azcore.ResponseError says,
// without the request, which holds the secret, and the text of the answer, which can.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is Key Vault's code, for example "Forbidden".
	Code string
	// InnerCode says more, for example "ForbiddenByRbac" or "SecretDisabled".
	InnerCode string
}

// Error describes the refusal.
func (e *Error) Error() string {
	text := fmt.Sprintf("Key Vault answered %d", e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.InnerCode != "" {
		text += " (" + e.InnerCode + ")"
	}
	if e.Status == http.StatusForbidden && !e.disabled() {
		text += "; the program's identity needs the permissions get and set on secrets, and a way through the vault's firewall"
	}
	return text
}

// disabled reports whether the version was disabled, which is how it is removed.
func (e *Error) disabled() bool { return e.InnerCode == "SecretDisabled" }

// Is matches [auth.ErrNoRecord] when the secret is not there or disabled.
func (e *Error) Is(target error) bool {
	return target == auth.ErrNoRecord && (e.Status == http.StatusNotFound || e.disabled())
}

// failure makes an error of what the client has returned.
func failure(what, name string, err error) error {
	if resp, ok := errors.AsType[*azcore.ResponseError](err); ok {
		err = refusal(resp)
	}
	return fmt.Errorf("keyvaultstore: %s secret %s: %w", what, name, err)
}

// refusal takes the codes out of an answer.
func refusal(resp *azcore.ResponseError) *Error {
	e := &Error{Status: resp.StatusCode, Code: resp.ErrorCode}
	if resp.RawResponse == nil {
		return e
	}
	body, err := runtime.Payload(resp.RawResponse)
	if err != nil {
		return e
	}
	var doc struct {
		Error struct {
			InnerError struct {
				Code string `json:"code"`
			} `json:"innererror"` // also written innerError, which matches too
		} `json:"error"`
	}
	if json.Unmarshal(body, &doc) == nil {
		e.InnerCode = doc.Error.InnerError.Code
	}
	return e
}

// status is the HTTP status of an error of the client, 0 if it has none.
func status(err error) int {
	if resp, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return resp.StatusCode
	}
	return 0
}
