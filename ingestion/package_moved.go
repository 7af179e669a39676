package ingestion

import (
	"bytes"
	"encoding/json"
)

// movedTo finds the new id in the body of a 301, which is prose with a JSON object
// in it, usually inside a JSON string; empty if there is none.
func movedTo(body []byte) string {
	var text string
	if json.Unmarshal(body, &text) == nil {
		body = []byte(text)
	}
	from, to := bytes.IndexByte(body, '{'), bytes.LastIndexByte(body, '}')
	if from < 0 || to < from {
		return ""
	}
	body = body[from : to+1]
	if doc, err := parseDocument(body); err == nil {
		return doc.text("ToId")
	}
	// The object was escaped, but the text around it is no JSON string.
	if doc, err := parseDocument(bytes.ReplaceAll(body, []byte(`\"`), []byte(`"`))); err == nil {
		return doc.text("ToId")
	}
	return ""
}
