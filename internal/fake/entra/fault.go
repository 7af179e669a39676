package entra

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault makes answers go wrong. Faults are used in the order in which they were
// injected; each request meets at most one, the first that matches.
type Fault struct {
	// Endpoint restricts the fault. Empty matches all.
	Endpoint Endpoint
	// GrantType restricts it to token requests of that grant. Empty matches all.
	GrantType string
	// Times is how many requests it hits. Default 1, negative: all from now on.
	Times int

	// Delay holds the answer back, before anything is done. It ends early when
	// the client goes away.
	Delay time.Duration

	// Status replaces the answer, and nothing is done. 0 leaves it alone.
	Status int
	// RetryAfter is sent with Status, verbatim: seconds or an HTTP date.
	RetryAfter string
	// Body is sent with Status, verbatim.
	Body string
	// ContentType is the type of Body. Default "application/json; charset=utf-8".
	ContentType string

	// Error replaces the answer by a refusal, and nothing is done.
	Error *OAuthError

	// Drop cuts the connection before anything is done.
	Drop bool
	// DropAfter does what was asked for and then cuts the connection.
	DropAfter bool
	// CutBody does what was asked for and sends only so many bytes of the body.
	CutBody int

	// Set replaces fields of the JSON answer, Omit removes fields. Both are
	// applied to successes and refusals alike.
	Set  map[string]any
	Omit []string

	clock func() time.Time
}

// Inject adds a fault.
func (s *Server) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	f.clock = s.cfg.Clock
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault finds the fault of a request and uses it up by one.
func (s *Server) nextFault(e Endpoint, grant string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Endpoint != "" && f.Endpoint != e || f.GrantType != "" && f.GrantType != grant {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return f
	}
	return nil
}

// before does what a fault does instead of the answer; false ends the request.
func (f *Fault) before(w http.ResponseWriter, r *http.Request) bool {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		select {
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			panic(http.ErrAbortHandler) // nobody is left to answer
		}
	}
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Error != nil:
		f.Error.response(f.clock(), r.Header.Get("client-request-id")).write(w, nil)
		return false
	case f.Status != 0:
		h := w.Header()
		contentType := f.ContentType
		if contentType == "" {
			contentType = "application/json; charset=utf-8"
		}
		h.Set("Content-Type", contentType)
		h.Set("Content-Length", strconv.Itoa(len(f.Body)))
		if f.RetryAfter != "" {
			h.Set("Retry-After", f.RetryAfter)
		}
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
		return false
	}
	return true
}

// after alters an answer whose work has been done.
func (f *Fault) after(a response) response {
	if f.DropAfter {
		panic(http.ErrAbortHandler)
	}
	for k, v := range f.Set {
		if a.fields != nil {
			a.fields[k] = v
		}
	}
	for _, k := range f.Omit {
		delete(a.fields, k)
	}
	return a
}
