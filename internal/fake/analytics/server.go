package analytics

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Config is what a Server needs; all fields are required unless they say so.
type Config struct {
	// Clock tells the time.
	Clock *kit.Clock
	// IDs makes ids of requests. Those of queries, reports and executions depend
	// on Seed and their number alone.
	IDs  *kit.IDs
	Seed uint64
	// Check tells whether a token is good now, and what it claims.
	Check func(token string) (kit.Claims, bool)
	// Blobs takes the files.
	Blobs *blob.Server
	// BlobBase returns the URL of the blob host as the request's client reaches
	// it.
	BlobBase func(*http.Request) string
	// Callbacks carries the calls to the callback URLs. Nil makes none.
	Callbacks http.RoundTripper
	// User is the name of the user, as the partner program shows it.
	User string
	// Data describes the synthetic rows; zero means its defaults.
	Data Data
	// Settings say how the service behaves.
	Settings Settings
	// Changed, if it is not nil, is called when something has happened without a
	// request. It must not call the server.
	Changed func()
}

// Server is the fake. It is safe for concurrent use.
type Server struct {
	cfg      Config
	datasets []*dataset

	mu       sync.Mutex
	settings Settings
	data     Data
	queries  []*query        // of clients
	system   func() []*query // those that there always are, read when somebody looks
	reports  []*report
	counters counters
	// immediate keeps when ExecuteNow reports were made, by program.
	immediate map[string][]time.Time
	scripts   []Script
	calls     []Call
	caller    caller
}

// counters number what the server hands out.
type counters struct {
	Queries uint64 `json:"queries"`
	Reports uint64 `json:"reports"`
	Runs    uint64 `json:"runs"`
}

// New makes a Server. Close it when it is no longer needed.
func New(cfg Config) (*Server, error) {
	data, err := cfg.Data.normalize(cfg.Clock.Now())
	if err != nil {
		return nil, err
	}
	if err := cfg.Settings.check(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, settings: cfg.Settings.clone(), data: data, datasets: published(), immediate: make(map[string][]time.Time)}
	for _, d := range s.datasets {
		d.link()
	}
	s.system = sync.OnceValue(s.predefined)
	s.caller.ctx, s.caller.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Prefix is what all paths of the API begin with, in any case.
const Prefix = "/insights/"

// Operations lists what the server answers, as "METHOD /path" with the path below
// version and program.
func Operations() []string {
	list := make([]string, 0, len(routes()))
	for _, r := range routes() {
		list = append(list, r.method+" /"+strings.Join(r.path, "/"))
	}
	return list
}

// route is an operation. Segments in braces stand for an id.
type route struct {
	method string
	path   []string
	serve  func(*Server, *exchange)
}

func routes() []route {
	return []route{
		{http.MethodGet, []string{"ScheduledDataset"}, (*Server).getDatasets},
		{http.MethodGet, []string{"ScheduledQueries"}, (*Server).getQueries},
		{http.MethodPost, []string{"ScheduledQueries"}, (*Server).postQuery},
		{http.MethodGet, []string{"ScheduledQueries", "testQueryResult"}, (*Server).testQuery},
		{http.MethodDelete, []string{"ScheduledQueries", "{queryId}"}, (*Server).deleteQuery},
		{http.MethodGet, []string{"ScheduledReport"}, (*Server).getReports},
		{http.MethodPost, []string{"ScheduledReport"}, (*Server).postReport},
		{http.MethodPut, []string{"ScheduledReport", "{reportId}"}, (*Server).putReport},
		{http.MethodDelete, []string{"ScheduledReport", "{reportId}"}, (*Server).deleteReport},
		{http.MethodPut, []string{"ScheduledReport", "pause", "{reportId}"}, (*Server).pauseReport},
		{http.MethodPut, []string{"ScheduledReport", "resume", "{reportId}"}, (*Server).resumeReport},
		{http.MethodGet, []string{"ScheduledReport", "execution", "{reportId}"}, (*Server).getExecutions},
	}
}

// match compares a path without regard to case and returns what stands for the id.
func (r route) match(path []string) (id string, ok bool) {
	if len(path) != len(r.path) {
		return "", false
	}
	for i, want := range r.path {
		switch {
		case want[0] == '{':
			if id = strings.TrimSpace(path[i]); id == "" {
				return "", false
			}
		case !strings.EqualFold(want, path[i]):
			return "", false
		}
	}
	return id, true
}

// exchange is one request that has been let in.
type exchange struct {
	w        http.ResponseWriter
	r        *http.Request
	program  string
	old      bool // version v1 of the marketplace
	id       string
	next     string // link to the next page
	now      time.Time
	settings Settings
}

// ServeHTTP answers the operations of both programs.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{w: w, r: r, now: s.cfg.Clock.Now(), settings: s.Settings()}
	w.Header().Set("Request-ID", s.cfg.IDs.Next())
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(path) < 4 || !strings.EqualFold(path[0], strings.Trim(Prefix, "/")) || !x.enter(path[1], path[2]) {
		kit.ShapeGateway.Write(w, http.StatusNotFound, "", "Resource not found")
		return
	}
	if !s.authorize(x) {
		return
	}
	var allowed []string
	for _, route := range routes() {
		id, ok := route.match(path[3:])
		if ok && route.method == r.Method {
			x.id = id
			route.serve(s, x)
			return
		}
		if ok {
			allowed = append(allowed, route.method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		kit.ShapeGateway.Write(w, http.StatusMethodNotAllowed, "", "The method is not allowed for this path")
		return
	}
	kit.ShapeGateway.Write(w, http.StatusNotFound, "", "Resource not found")
}

// enter finds the program that a version and a name lead to.
func (x *exchange) enter(version, program string) bool {
	x.program = strings.ToLower(program)
	switch strings.ToLower(version) + "/" + x.program {
	case "v1.1/" + Marketplace, "v1/" + Partner:
		return true
	case "v1/" + Marketplace:
		x.old = true
		return x.settings.OldVersion
	}
	return false
}

// authorize answers requests whose token is not good enough, and reports whether
// to go on. The token may come bare in the header X-AadUserTicket, too.
func (s *Server) authorize(x *exchange) bool {
	token, ok := kit.BearerToken(x.r.Header)
	if !ok {
		token = x.r.Header.Get("X-AadUserTicket")
	}
	refuse := func(shape kit.Shape, code, message string) bool {
		x.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		shape.Write(x.w, http.StatusUnauthorized, code, message)
		return false
	}
	if token == "" {
		return refuse(kit.ShapeEmpty, "", "")
	}
	claims, ok := s.cfg.Check(token)
	if !ok {
		return refuse(kit.ShapeGateway, "", "Unauthorized")
	}
	if !slices.Contains(x.settings.Audiences, strings.TrimSuffix(claims.Audience, "/")) {
		return refuse(kit.ShapePartner, "900420", "The audience in the token is invalid and no longer supported")
	}
	if !kit.CheckMFA(x.w, x.r, claims.UserID != "", claims.AMR, x.settings.RequireMFA) {
		return false
	}
	// What a token of the other kind is answered with is the fake's choice.
	switch {
	case x.settings.AnyToken:
	case x.program == Marketplace && claims.UserID != "":
		kit.ShapeGateway.Write(x.w, http.StatusForbidden, "", "Marketplace analytics wants the token of an application; this one stands for a user")
		return false
	case x.program == Partner && claims.UserID == "":
		kit.ShapeGateway.Write(x.w, http.StatusForbidden, "", "Partner insights wants a token that stands for a user; this one is an application's")
		return false
	}
	return true
}
