package payouts

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Config is what a Server needs; all fields are required unless they say so.
type Config struct {
	// Clock tells the time.
	Clock *kit.Clock
	// IDs makes the ids of answers. Those of exports depend on Seed and their
	// number alone.
	IDs  *kit.IDs
	Seed uint64
	// Check tells whether a token is good now, and what it claims.
	Check func(token string) (kit.Claims, bool)
	// Blobs takes the files.
	Blobs *blob.Server
	// BlobBase returns the URL of the blob host as the request's client reaches
	// it.
	BlobBase func(*http.Request) string
	// Data describes the synthetic earnings; zero means its defaults.
	Data Data
	// Settings say how the service behaves.
	Settings Settings
	// TempDir is where large files are made; empty means the system's.
	TempDir string
	// InMemory is the size in bytes up to which a file is kept in memory; 0
	// means 8 MiB.
	InMemory int
	// MaxExports is how many exports are known, apart from deleted ones; 0 means
	// 50,000. The oldest are forgotten, for a server may run for months. How long the
	// service keeps them is not known.
	MaxExports int
}

// Server is the fake. It is safe for concurrent use.
type Server struct {
	cfg Config

	mu       sync.Mutex
	settings Settings
	set      *dataset
	exports  map[string]*export
	order    []*export
	made     uint64 // exports so far, forgotten ones included
	deleted  int    // of those in order
	scripts  []Script
}

// New makes a Server.
func New(cfg Config) (*Server, error) {
	set, err := newDataset(cfg.Data, cfg.Clock.Now())
	if err != nil {
		return nil, err
	}
	if err := checkSteps(cfg.Settings.Steps); err != nil {
		return nil, err
	}
	cfg.Settings.normalize()
	cfg.InMemory = cmp.Or(cfg.InMemory, spoolLimit)
	cfg.MaxExports = cmp.Or(cfg.MaxExports, maxKept)
	return &Server{cfg: cfg, settings: cfg.Settings, set: set, exports: make(map[string]*export)}, nil
}

// prefix is what all paths of the API begin with.
const prefix = "/v1.0/payouts/"

// Operations lists what the server answers, as "METHOD /path" with the path below
// the version.
func Operations() []string {
	var out []string
	for _, k := range []Kind{Earnings, Payments} {
		path := "/payouts/" + string(k)
		out = append(out, "POST "+path, "GET "+path+"/{requestId}", "DELETE "+path+"/{requestId}")
	}
	return out
}

// ServeHTTP answers the six operations.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	settings := s.Settings()
	h := w.Header()
	// It must not be taken for the export's id, whatever one reads about it.
	h.Set("Request-ID", s.cfg.IDs.Next())
	for _, name := range []string{"ms-requestid", "ms-correlationid", "client-request-id"} {
		if v := r.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	family, id, ok := route(r.URL)
	if !ok {
		kit.ShapeGateway.Write(w, http.StatusNotFound, "", "Resource not found")
		return
	}
	if !s.authorize(w, r, &settings) {
		return
	}
	switch {
	case id == "" && r.Method == http.MethodPost:
		s.create(w, r, &settings, family)
	case id != "" && r.Method == http.MethodGet:
		s.get(w, r, &settings, family, id)
	case id != "" && r.Method == http.MethodDelete:
		s.delete(w, &settings, family, id)
	default:
		h.Set("Allow", "POST")
		if id != "" {
			h.Set("Allow", "GET, DELETE")
		}
		settings.ErrorShape.Write(w, http.StatusMethodNotAllowed, "", "The method is not allowed for this path")
	}
}

func route(u *url.URL) (family Kind, id string, ok bool) {
	rest, ok := strings.CutPrefix(u.Path, prefix)
	if !ok {
		return "", "", false
	}
	name, id, deeper := strings.Cut(rest, "/")
	family = Kind(name)
	if family != Earnings && family != Payments || deeper && (id == "" || strings.Contains(id, "/")) {
		return "", "", false
	}
	return family, id, true
}

// authorize answers requests whose token is not good enough, and reports whether
// to go on.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, settings *Settings) bool {
	refuse := func(message string) bool {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		settings.AuthShape.Write(w, http.StatusUnauthorized, "unauthenticated", message)
		return false
	}
	token, ok := kit.BearerToken(r.Header)
	if !ok {
		return refuse("Unauthorized: Invalid Authorization header")
	}
	claims, ok := s.cfg.Check(token)
	if !ok {
		return refuse("Unauthorized: Invalid Authorization header")
	}
	if !slices.Contains(settings.Audiences, strings.TrimSuffix(claims.Audience, "/")) {
		return refuse("Unauthorized: Invalid Authorization header, incorrect audience")
	}
	user := claims.UserID != ""
	if !kit.CheckMFA(w, r, user, claims.AMR, settings.RequireMFA) {
		return false
	}
	if settings.RefuseAppOnly && !user {
		settings.ErrorShape.Write(w, http.StatusBadRequest, "invalidRequest", "Authorization header token missing user information")
		return false
	}
	return true
}

func (s *Server) create(w http.ResponseWriter, r *http.Request, settings *Settings, family Kind) {
	if r.ContentLength < 0 || r.ContentLength == 0 && r.Header.Get("Content-Length") == "" {
		settings.ErrorShape.Write(w, http.StatusLengthRequired, "", "The request must have a Content-Length")
		return
	}
	filter, format, err := query(r.URL.RawQuery)
	if err != nil {
		settings.ErrorShape.Write(w, http.StatusBadRequest, "invalidRequest", err.Error())
		return
	}
	e, err := s.add(r, settings, family, filter, format)
	if err != nil {
		settings.ErrorShape.Write(w, http.StatusBadRequest, "invalidRequest", err.Error())
		return
	}
	if !settings.NoLocation {
		w.Header().Set("Location", "https://"+r.Host+prefix+string(family)+"/"+e.ID)
		if r.TLS == nil {
			w.Header().Set("Location", "http://"+r.Host+prefix+string(family)+"/"+e.ID)
		}
	}
	// The answer describes the export as it was queued, also to a repetition.
	queued := &export{ID: e.ID, Kind: e.Kind, Filter: e.Filter, Format: e.Format, Requested: e.Requested}
	s.answer(w, settings, settings.CreateStatus, settings.body(queued, Step{Status: "Queued"}, ""), true)
}

// query reads the parameters of a POST. Names of parameters other than $filter
// are matched without regard to case, and the format may have a dot in front, for
// the documentation writes both; unknown parameters are ignored. A repeated or
// empty $filter is refused: the fake's choice.
func query(raw string) (filter, format string, err error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", "", errors.New("the query string cannot be read")
	}
	format = "csv"
	for name, v := range values {
		switch strings.ToLower(name) {
		case "$filter":
			if len(v) > 1 {
				return "", "", errors.New("$filter was given more than once")
			}
			if filter = v[0]; strings.TrimSpace(filter) == "" {
				return "", "", errors.New("$filter is empty")
			}
		case "fileformat":
			format = strings.ToLower(strings.TrimPrefix(v[len(v)-1], "."))
		}
	}
	if format != "csv" && format != "tsv" {
		return "", "", fmt.Errorf("the file format %q is not supported; use csv or tsv", format)
	}
	return filter, format, nil
}

func (s *Server) add(r *http.Request, settings *Settings, family Kind, filter, format string) (*export, error) {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	requestID := r.Header.Get("ms-requestid")
	if settings.Deduplicate && requestID != "" {
		for _, e := range s.order {
			if e.Kind == family && e.RequestID == requestID && !e.Deleted {
				return e, nil
			}
		}
	}
	e := &export{
		Kind: family, Filter: filter, Format: format, Requested: now, Since: now, RequestID: requestID,
		Steps: settings.Steps, Layout: settings.Layout, Blob: settings.Blob, IgnoreUnk: settings.IgnoreUnknownFields, set: s.set,
	}
	if err := e.compile(); err != nil {
		return nil, err
	}
	for i, script := range s.scripts {
		if script.Kind == "" || script.Kind == family {
			s.scripts = slices.Delete(s.scripts, i, i+1)
			e.apply(script)
			break
		}
	}
	if len(e.Steps) == 0 {
		e.Steps = []Step{{Status: "Completed"}}
	}
	e.ID = kit.GUID(s.cfg.Seed, "export", s.made)
	s.made++
	s.exports[e.ID] = e
	s.order = append(s.order, e)
	s.forget()
	return e, nil
}

// maxDeleted bounds the deleted exports that are remembered for whoever looks, maxKept
// the others if nothing else is said.
const maxDeleted, maxKept = 10_000, 50_000

// forget drops exports, the oldest first, when there are too many. The lock is held.
func (s *Server) forget() {
	over := func(n, limit int) int {
		if n <= limit {
			return 0
		}
		return n - limit*9/10
	}
	dead, live := over(s.deleted, maxDeleted), over(len(s.order)-s.deleted, s.cfg.MaxExports)
	if dead == 0 && live == 0 {
		return
	}
	s.deleted -= dead
	s.order = slices.DeleteFunc(s.order, func(e *export) bool {
		left := &live
		if e.Deleted {
			left = &dead
		}
		if *left == 0 {
			return false
		}
		*left--
		delete(s.exports, e.ID)
		_ = s.cfg.Blobs.Delete(e.blobPath()) // a temporary file may be left
		return true
	})
}

func (e *export) apply(script Script) {
	if len(script.Steps) > 0 {
		e.Steps = script.Steps
	}
	e.Custom, e.FileName = script.File, script.FileName
	if script.Layout != nil {
		e.Layout = *script.Layout
	}
	if script.Blob != nil {
		e.Blob = *script.Blob
	}
}

// find returns an export that can be seen; ids are GUIDs in any case.
func (s *Server) find(family Kind, id string) *export {
	if parsed, err := uuid.Parse(id); err == nil {
		id = parsed.String()
	}
	e := s.exports[id]
	if e == nil || e.Kind != family || e.Deleted {
		return nil
	}
	return e
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, settings *Settings, family Kind, id string) {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	e := s.find(family, id)
	if e == nil {
		s.mu.Unlock()
		s.notFound(w, settings)
		return
	}
	step := e.observe(now, true)
	s.mu.Unlock()

	link := ""
	done := strings.EqualFold(step.Status, "Completed")
	if done && step.Link == LinkGiven {
		if err := s.makeFile(e); err != nil {
			settings.ErrorShape.Write(w, http.StatusInternalServerError, "generalException", err.Error())
			return
		}
		link = s.cfg.Blobs.Link(s.cfg.BlobBase(r), e.blobPath(), settings.LinkLifetime)
	}
	s.mu.Lock()
	body := settings.body(e, step, link)
	s.mu.Unlock()
	s.answer(w, settings, http.StatusOK, body, !done && !strings.EqualFold(step.Status, "Failed"))
}

// makeFile puts the export's file into the blob store if it is not there.
func (s *Server) makeFile(e *export) error {
	e.build.Lock()
	defer e.build.Unlock()
	if s.cfg.Blobs.Has(e.blobPath()) {
		return nil
	}
	content, err := e.file(s.cfg.TempDir, s.cfg.InMemory)
	if err != nil {
		return err
	}
	s.mu.Lock()
	props := e.Blob
	s.mu.Unlock()
	put := s.cfg.Blobs.Make
	if e.Custom != nil {
		put = s.cfg.Blobs.Put
	}
	if err := put(e.blobPath(), content, e.Requested, props); err != nil {
		return errors.Join(err, content.Close())
	}
	s.mu.Lock()
	gone := s.exports[e.ID] != e || e.Deleted
	s.mu.Unlock()
	if gone { // deleted meanwhile
		return s.cfg.Blobs.Delete(e.blobPath())
	}
	return nil
}

func (s *Server) delete(w http.ResponseWriter, settings *Settings, family Kind, id string) {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	e := s.find(family, id)
	if e == nil {
		s.mu.Unlock()
		s.notFound(w, settings)
		return
	}
	if strings.EqualFold(e.observe(now, false).Status, "Processing") {
		s.mu.Unlock()
		settings.ErrorShape.Write(w, settings.BusyStatus, "", "The export cannot be deleted while it is being processed")
		return
	}
	e.Deleted = true
	s.deleted++
	s.mu.Unlock()
	// An error is about removing a temporary file; the export is gone anyway.
	_ = s.cfg.Blobs.Delete(e.blobPath())
	if settings.DeleteStatus != http.StatusNoContent {
		w.Header().Set("Content-Length", "0")
	}
	w.WriteHeader(settings.DeleteStatus)
}

func (s *Server) notFound(w http.ResponseWriter, settings *Settings) {
	settings.ErrorShape.Write(w, http.StatusNotFound, "itemNotFound", "There is no such export")
}

func (s *Server) answer(w http.ResponseWriter, settings *Settings, status int, body any, pending bool) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // plain values only: cannot happen
	}
	if pending && settings.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((settings.RetryAfter+time.Second-1)/time.Second), 10))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
