package transport

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// The correlation headers of Partner Center, in net/http's canonical spelling.
const (
	headerClientRequestID = "Client-Request-Id"
	headerCorrelationID   = "Ms-Correlationid"
	headerRequestID       = "Ms-Requestid"
)

// prepare sets the headers that all attempts of a call share. Ids that the caller
// did not choose are fresh GUIDs. ms-requestid stays the same for all attempts,
// which is what makes it an idempotency key.
func (c *call) prepare(req *http.Request, r Request) error {
	h := make(http.Header, 8+len(r.Header)+len(c.settings.Header))
	for _, extra := range []http.Header{r.Header, c.settings.Header} {
		for key, values := range extra {
			if err := checkHeader(key, values); err != nil {
				return err
			}
			h[http.CanonicalHeaderKey(key)] = values
		}
	}
	values := make([]string, 3) // one allocation for the ids
	for i, id := range [...]struct {
		header, chosen string
		keep           *string
	}{
		{headerClientRequestID, c.settings.RequestID, &c.requestID},
		{headerCorrelationID, c.settings.CorrelationID, &c.correlationID},
		{headerRequestID, r.IdempotencyKey, new(string)},
	} {
		value := first(id.chosen, h.Get(id.header))
		if value == "" {
			value = uuid.NewString()
		} else if err := checkHeaderValue(value); err != nil {
			return fmt.Errorf("header %s: %w", id.header, err)
		}
		values[i], *id.keep = value, value
		h[id.header] = values[i : i+1 : i+1]
	}
	c.idempotent = r.Method != http.MethodPost && r.Method != http.MethodPatch || r.IdempotencyKey != ""
	c.doubt503 = r.Doubt503
	if h.Get("Accept") == "" {
		h["Accept"] = []string{"application/json"}
	}
	if r.Body != nil && h.Get("Content-Type") == "" {
		h["Content-Type"] = []string{"application/json"}
	}
	h["User-Agent"] = []string{c.client.userAgent}
	req.Header = h
	return nil
}

// checkHeader refuses headers that would change what the request is, and text
// that cannot be sent.
func checkHeader(key string, values []string) error {
	switch http.CanonicalHeaderKey(key) {
	case "Authorization":
		return fmt.Errorf("header %s belongs to the token source; pass credentials there", key)
	case "Host", "Content-Length", "Transfer-Encoding", "Connection", "User-Agent":
		return fmt.Errorf("header %s is set by the SDK and cannot be overridden per call", key)
	}
	if key == "" || strings.ContainsFunc(key, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	}) {
		return fmt.Errorf("%q is not a header name", key)
	}
	for _, v := range values {
		if err := checkHeaderValue(v); err != nil {
			return fmt.Errorf("header %s: %w", key, err)
		}
	}
	return nil
}

func checkHeaderValue(v string) error {
	if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return errors.New("the value holds a control character")
	}
	return nil
}
