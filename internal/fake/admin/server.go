package admin

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/analytics"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
	"github.com/partnercenter-go/partnercenter/internal/fake/ingestion"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
	"github.com/partnercenter-go/partnercenter/internal/fake/payouts"
)

// Root is what all paths begin with.
const Root = "/_pctest"

// maxBody bounds what the API reads.
const maxBody = 1 << 20

// Config is what a Server needs; all fields are required.
type Config struct {
	// Clock, Recorder and Faults are those of the fakes.
	Clock    *kit.Clock
	Recorder *kit.Recorder
	Faults   *kit.Faults
	// Entra, Payouts, Analytics and Ingestion are the fakes.
	Entra     *entra.Server
	Payouts   *payouts.Server
	Analytics *analytics.Server
	Ingestion *ingestion.Server
	// Advance moves the clock, Reset forgets everything, Changed is called after
	// other changes.
	Advance func(time.Duration)
	Reset   func() error
	Changed func()
	// Problem returns why the state could not be saved.
	Problem func() error
}

// Server answers below [Root]. It is safe for concurrent use.
type Server struct {
	cfg Config
	mux http.Handler
}

//go:embed page.html page.css page.js
var assets embed.FS

// New makes a Server.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg}
	mux := http.NewServeMux()
	mux.Handle("GET "+Root+"/{$}", page("page.html", "text/html; charset=utf-8"))
	mux.Handle("GET "+Root+"/page.css", page("page.css", "text/css; charset=utf-8"))
	mux.Handle("GET "+Root+"/page.js", page("page.js", "text/javascript; charset=utf-8"))
	for pattern, serve := range map[string]func(*http.Request) (any, error){
		"GET /state":                         s.state,
		"GET /requests":                      s.requests,
		"DELETE /requests":                   s.forgetRequests,
		"POST /reset":                        s.reset,
		"POST /clock":                        s.clock,
		"GET /faults":                        s.faults,
		"POST /faults":                       s.addFaults,
		"DELETE /faults":                     s.clearFaults,
		"DELETE /faults/{id}":                s.removeFault,
		"POST /exports/{id}/finish":          s.finishExport,
		"POST /exports/{id}/expire-links":    s.expireExport,
		"POST /executions/{id}/finish":       s.finishExecution,
		"POST /executions/{id}/expire-links": s.expireExecution,
		"POST /submissions/{id}/finish":      s.finishSubmission,
		"POST /devices/{code}/approve":       s.approveDevice,
		"POST /tokens/revoke":                s.revoke,
	} {
		method, path, _ := cut(pattern)
		mux.Handle(method+" "+Root+path, answer(serve))
	}
	mux.HandleFunc(Root+"/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusNotFound, problem{"there is nothing at this path with this method"})
	})
	// A page of another site must not be able to press the buttons.
	s.mux = new(http.CrossOriginProtection).Handler(mux)
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if r.URL.Path == Root {
		http.Redirect(w, r, Root+"/", http.StatusPermanentRedirect)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func cut(pattern string) (method, path string, ok bool) {
	for i := range pattern {
		if pattern[i] == ' ' {
			return pattern[:i], pattern[i+1:], true
		}
	}
	return "", pattern, false
}

func page(name, contentType string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b, err := assets.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(b)
	})
}

// problem is the body of an error.
type problem struct {
	Error string `json:"error"`
}

// missing is an error about something that is not there.
type missing struct{ error }

func answer(serve func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, err := serve(r)
		status := http.StatusOK
		if err != nil {
			status = http.StatusBadRequest
			if _, ok := errors.AsType[missing](err); ok {
				status = http.StatusNotFound
			}
			v = problem{err.Error()}
		}
		write(w, status, v)
	})
}

func write(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ") // people read it
	if err := enc.Encode(v); err != nil {
		panic(err) // plain values: cannot happen
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// read decodes a request's body; an empty one leaves into as it is.
func read(r *http.Request, into any) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("the body cannot be read: %w", err)
	}
	return nil
}

// done is the answer to an action.
type done struct {
	Done bool `json:"done"`
}

// act carries out an action and notes that something has changed.
func (s *Server) act(err error) (any, error) {
	if err != nil {
		return nil, err
	}
	s.cfg.Changed()
	return done{true}, nil
}

func number(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return n, nil
}
