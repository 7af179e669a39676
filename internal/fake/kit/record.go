package kit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/redact"
)

const (
	// maxRecordedBody is how much of a request's body is kept.
	maxRecordedBody = 64 << 10
	// maxRecords is how many requests are kept; a fake that serves for days
	// forgets the oldest.
	maxRecords = 10_000
	// maxViolations bounds the list of broken rules likewise.
	maxViolations = 100
)

// Request is a recorded request. Secrets have been replaced before it was stored.
type Request struct {
	// Number counts the requests of the recorder, from 1.
	Number int
	// Time is the fake's time of arrival.
	Time time.Time
	// Service is the fake that was asked: "login", "api", "insights" or "blob".
	Service string
	// Method and Path are those of the request line; Path is unescaped.
	Method, Path string
	// Host is the public name of the service, also when the request came
	// through a loopback listener.
	Host string
	// Query holds the query's values; signatures are replaced.
	Query url.Values
	// Header holds the headers; credentials are replaced.
	Header http.Header
	// Body is the start of the body, at most 64 KiB. Of forms, only fields that
	// hold no secret are kept in clear.
	Body []byte
	// Bearer tells whether an Authorization header with a bearer token came.
	Bearer bool
	// Fingerprint identifies that token without being it: the first 16 hex
	// digits of its SHA-256.
	Fingerprint string
	// Status is the status answered; 0 when none was (yet).
	Status int
	// Sent is the number of body bytes answered so far.
	Sent int64
	// Fault tells whether an injected fault took part.
	Fault bool
}

// Recorder keeps requests and broken rules. The zero value is ready; it is safe
// for concurrent use.
type Recorder struct {
	mu         sync.Mutex
	number     int
	entries    []*Request
	violations []string
}

// Requests returns copies of what is recorded, oldest first.
func (r *Recorder) Requests() []Request { return r.After(0) }

// Count returns how many requests there have been, forgotten ones included.
func (r *Recorder) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.number
}

// After returns copies of the requests with numbers above the given one.
func (r *Recorder) After(number int) []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := len(r.entries)
	for first > 0 && r.entries[first-1].Number > number {
		first--
	}
	out := make([]Request, len(r.entries)-first)
	for i, e := range r.entries[first:] {
		out[i] = *e
		out[i].Header = e.Header.Clone()
		out[i].Body = slices.Clone(e.Body)
		out[i].Query = make(url.Values, len(e.Query))
		for k, v := range e.Query {
			out[i].Query[k] = slices.Clone(v)
		}
	}
	return out
}

// Reset forgets the requests recorded so far, not the violations.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = nil
}

// Forget forgets the requests and the violations.
func (r *Recorder) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries, r.violations = nil, nil
}

// Violate notes that a client has broken a rule that no test wants broken.
func (r *Recorder) Violate(format string, args ...any) {
	text := redact.Text(fmt.Sprintf(format, args...))
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.violations) < maxViolations {
		r.violations = append(r.violations, text)
	}
}

// Violations returns the broken rules, oldest first.
func (r *Recorder) Violations() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.violations)
}

// arrive stores a request and returns its entry, which update may change.
func (r *Recorder) arrive(now time.Time, service, host string, req *http.Request, body []byte) *Request {
	token, bearer := BearerToken(req.Header)
	e := &Request{
		Time:    now,
		Service: service,
		Method:  req.Method,
		Host:    host,
		Path:    redact.Text(req.URL.Path),
		Query:   redactValues(req.URL.Query(), func(name string) bool { return !secretNames[name] }),
		Header:  redactHeader(req.Header),
		Body:    redactBody(req.Header.Get("Content-Type"), body),
		Bearer:  bearer,
	}
	if bearer {
		e.Fingerprint = Fingerprint(token)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.entries) >= maxRecords {
		r.entries = slices.Delete(r.entries, 0, maxRecords/10)
	}
	r.number++
	e.Number = r.number
	r.entries = append(r.entries, e)
	return e
}

func (r *Recorder) update(e *Request, f func(*Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(e)
}

// BearerToken returns the token of an Authorization header of the Bearer scheme.
func BearerToken(h http.Header) (string, bool) {
	scheme, token, ok := strings.Cut(h.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// Fingerprint identifies a secret without revealing it.
func Fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:8])
}

// secretNames are query parameters that are never kept.
var secretNames = map[string]bool{
	"sig": true, "code": true, "access_token": true, "refresh_token": true, "id_token": true,
	"client_secret": true, "client_assertion": true, "assertion": true, "password": true,
	"code_verifier": true, "device_code": true,
}

// openFields are the form fields that are kept: what a token request says about
// itself. Whatever else a form holds may be a secret.
var openFields = map[string]bool{
	"grant_type": true, "client_id": true, "scope": true, "resource": true, "redirect_uri": true,
	"response_type": true, "client_info": true, "claims": true, "client_assertion_type": true,
	"requested_token_use": true, "username": true, "tenant": true,
}

func redactValues(v url.Values, open func(name string) bool) url.Values {
	out := make(url.Values, len(v))
	for name, values := range v {
		for _, value := range values {
			if open(strings.ToLower(name)) {
				value = redact.Text(value)
			} else {
				value = redact.Mark
			}
			out[name] = append(out[name], value)
		}
	}
	return out
}

func redactHeader(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		for _, value := range values {
			switch strings.ToLower(name) {
			case "authorization", "proxy-authorization":
				scheme, _, ok := strings.Cut(value, " ")
				if !ok {
					scheme = ""
				}
				value = strings.TrimSpace(scheme + " " + redact.Mark)
			case "cookie", "x-aaduserticket":
				value = redact.Mark
			default:
				value = redact.Text(value)
			}
			out[name] = append(out[name], value)
		}
	}
	return out
}

func redactBody(contentType string, body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	if media, _, err := mime.ParseMediaType(contentType); err == nil && media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return []byte(redact.Mark)
		}
		return []byte(redactValues(form, func(name string) bool {
			return openFields[name] || strings.HasPrefix(name, "x-client-")
		}).Encode())
	}
	return redact.Bytes(body)
}
