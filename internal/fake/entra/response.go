package entra

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
)

// response is an answer that has not been sent yet, so that faults can alter it.
type response struct {
	status int
	fields map[string]any // the JSON body; nil for none
	page   []byte         // the HTML body, in place of JSON
	header http.Header
}

func ok(fields map[string]any) response { return response{status: http.StatusOK, fields: fields} }

// errorCode is the OAuth error of the answer, empty for a success.
func (a response) errorCode() string {
	code, _ := a.fields["error"].(string)
	return code
}

// write sends the answer, or as much of it as the fault lets through.
func (a response) write(w http.ResponseWriter, f *Fault) {
	var body []byte
	if a.fields != nil {
		// Strings, numbers and lists of them: Marshal cannot fail.
		body, _ = json.Marshal(a.fields)
	}
	h := w.Header()
	maps.Copy(h, a.header)
	h.Set("Content-Type", "application/json; charset=utf-8")
	if a.page != nil {
		body = a.page
		h.Set("Content-Type", "text/html; charset=utf-8")
	}
	h.Set("Cache-Control", "no-store, no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if f != nil && f.CutBody > 0 {
		w.WriteHeader(a.status)
		_, _ = w.Write(body[:min(f.CutBody, len(body))])
		// The client must see the part that was sent.
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(body)
}
