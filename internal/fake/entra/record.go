package entra

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// redacted replaces what must not be kept.
const redacted = "[redacted]"

// Request is one recorded request. It holds no secret: form fields and headers
// outside a list of harmless ones keep only their names.
type Request struct {
	// At is when the request arrived, by the server's clock.
	At time.Time
	// Method and Path are those of the request; Path has no query.
	Method, Path string
	// Query holds the query's parameters.
	Query url.Values
	// Host is the host the client asked for.
	Host string
	// Header holds the headers, redacted.
	Header http.Header
	// Form holds the form fields, redacted.
	Form url.Values
	// Endpoint is what was asked for.
	Endpoint Endpoint
	// Tenant is the tenant in the path.
	Tenant string
	// GrantType is that of a token request.
	GrantType string
	// Status is the answer's status; 0 when the connection was cut.
	Status int
	// Error is the OAuth error of the answer.
	Error string
}

// harmlessField lists the form fields whose values are recorded.
func harmlessField(name string) bool {
	switch name {
	case "grant_type", "client_id", "client_info", "scope", "resource", "claims", "username",
		"redirect_uri", "client_assertion_type", "action", "requested_token_use":
		return true
	}
	return false
}

// harmlessHeader lists the headers whose values are recorded.
func harmlessHeader(name string) bool {
	switch name {
	case "Accept", "Accept-Encoding", "Client-Request-Id", "Content-Length", "Content-Type",
		"Return-Client-Request-Id", "User-Agent", "X-Client-Cpu", "X-Client-Os", "X-Client-Sku", "X-Client-Ver":
		return true
	}
	return false
}

// newRecord reads the form, which later stages find in r.PostForm.
func (s *Server) newRecord(r *http.Request, t target) *Request {
	const maxForm = 1 << 20
	if r.Body != nil {
		r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
	}
	// A body that is no form leaves the form empty, which the token endpoint
	// refuses for lack of a grant type.
	_ = r.ParseForm()
	rec := &Request{
		At: s.now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Host: r.Host,
		Header: make(http.Header, len(r.Header)), Form: make(url.Values, len(r.PostForm)),
		Endpoint: t.endpoint, Tenant: t.tenant, GrantType: r.PostForm.Get("grant_type"),
	}
	for k, v := range r.Header {
		if !harmlessHeader(k) {
			v = []string{redacted}
		}
		rec.Header[k] = slices.Clone(v)
	}
	for k, v := range r.PostForm {
		if !harmlessField(k) {
			v = []string{redacted}
		}
		rec.Form[k] = slices.Clone(v)
	}
	return rec
}

// keep stores a finished record.
func (s *Server) keep(rec *Request, status int) {
	rec.Status = status
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[rec.Endpoint]++
	if n := len(s.records) - s.cfg.MaxRecords + 1; n > 0 {
		s.records = slices.Delete(s.records, 0, n)
	}
	s.records = append(s.records, *rec)
}

// Requests returns the recorded requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.records)
	for i := range out {
		out[i].Query, out[i].Form = maps.Clone(out[i].Query), maps.Clone(out[i].Form)
		out[i].Header = out[i].Header.Clone()
	}
	return out
}

// Count returns how many requests an endpoint has answered, cut ones included.
func (s *Server) Count(e Endpoint) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[e]
}

// recordingWriter notes the status that is sent.
type recordingWriter struct {
	http.ResponseWriter
	status int
}

func (w *recordingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] reach the real writer.
func (w *recordingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
