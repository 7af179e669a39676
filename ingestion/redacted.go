package ingestion

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/partnercenter-go/partnercenter/internal/redact"
)

// redacted replaces the secrets of a JSON text: what members with telling names
// hold, and what looks like a token or signature anywhere else. It goes by names
// rather than by the structs' fields because members that no struct knows can hold
// secrets too. A test holds every secret field against it.
func redacted(raw json.RawMessage) json.RawMessage {
	var items []json.RawMessage
	if doc, err := parseDocument(raw); err == nil {
		for i, m := range doc {
			doc[i].name = redact.Text(m.name)
			if text, ok := textOf(m.value); ok && text != "" && secretName(m.name) {
				doc[i].value = quote(redact.Mark)
			} else {
				doc[i].value = redacted(m.value)
			}
		}
		return doc.encode()
	}
	if json.Unmarshal(raw, &items) == nil && items != nil {
		out := []byte("[")
		for i, item := range items {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, redacted(item)...)
		}
		return append(out, ']')
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if clean := redact.Text(text); clean != text {
			return quote(clean)
		}
	}
	return raw
}

// refusePlaceholders keeps what was printed from being stored: a text that was made
// by redacted has placeholders where the service expects secrets.
func refusePlaceholders(raw json.RawMessage) error {
	if !bytes.Contains(raw, []byte(redact.Mark)) {
		return nil
	}
	var items []json.RawMessage
	if doc, err := parseDocument(raw); err == nil {
		for _, m := range doc {
			text, _ := textOf(m.value)
			if secretName(m.name) && strings.Contains(text, redact.Mark) {
				return placeholderError(m.name)
			}
			if err := refusePlaceholders(m.value); err != nil {
				return err
			}
		}
	} else if json.Unmarshal(raw, &items) == nil {
		for _, item := range items {
			if err := refusePlaceholders(item); err != nil {
				return err
			}
		}
	} else if text, _ := textOf(raw); text == redact.Mark || strings.Contains(text, "="+redact.Mark) {
		return placeholderError("a text")
	}
	return nil
}

func placeholderError(where string) error {
	return fmt.Errorf("ingestion: %s holds the placeholder %q, which stands for a secret in print; set the real value, or read the resource anew", where, redact.Mark)
}

// secretName reports whether a member of this name holds a secret. The last three
// are addresses that are known to come with a signature.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range [...]string{
		"password", "secret", "connectionstring", "sasuri", "sasurl", "applicationkey", "accountkey", "accesskey", "token",
		"httpsendpointuri", "packagelocationuri", "fileuri",
	} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
