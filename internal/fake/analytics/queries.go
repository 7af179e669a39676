package analytics

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// query is a stored query. The exported fields are what a snapshot keeps.
type query struct {
	Program     string    `json:"program"`
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Text        string    `json:"text"`
	Created     time.Time `json:"created"`

	system bool
}

// predefined returns the system queries that name nothing the datasets lack: the
// service itself has answered one of the others with 400.
func (s *Server) predefined() []*query {
	var out []*query
	settings := DefaultSettings()
	created := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, q := range systemQueries() {
		if _, err := settings.compile(s.datasets, q.program, q.text); err == nil {
			out = append(out, &query{q.program, q.id, q.name, "Predefined: " + q.name, q.text, created, true})
		}
	}
	return out
}

func (q *query) item(x *exchange, user string) item {
	kind, created := "userDefined", q.Created.Format(wireTime)
	if q.system {
		kind, user = "system", "System"
	}
	if x.settings.LocalQueryTime {
		created = strings.TrimSuffix(created, "Z")
	}
	it := item{
		"queryId": q.ID, "name": q.Name, "description": q.Description, "query": q.Text, "type": kind, "user": user,
		"createdTime": created, "modifiedTime": nil,
	}
	if x.program == Partner {
		delete(it, "modifiedTime")
	}
	return it
}

// user is the author of whatever the caller makes.
func (s *Server) user(program string) string {
	if program == Partner {
		return s.cfg.User
	}
	return "142300001"
}

func (s *Server) getQueries(x *exchange) {
	id, name := strings.TrimSpace(x.query("queryId")), x.query("queryName")
	system, own := x.flag("includeSystemQueries", true), true
	if x.flag("includeOnlySystemQueries", false) {
		system, own = true, false
	}
	items := []item{}
	s.mu.Lock()
	for _, q := range s.allQueries() {
		if q.Program != x.program || q.system && !system || !q.system && !own ||
			id != "" && !strings.EqualFold(q.ID, id) || name != "" && !strings.EqualFold(q.Name, name) {
			continue
		}
		items = append(items, q.item(x, s.user(x.program)))
	}
	s.mu.Unlock()
	if len(items) == 0 {
		x.refuse(http.StatusNotFound, textNoItem)
		return
	}
	x.list(items, "Queries fetched successfully")
}

func (s *Server) postQuery(x *exchange) {
	b, err := readBody(x.r.Body)
	if err != nil {
		x.refuse(http.StatusBadRequest, err.Error())
		return
	}
	for _, name := range []string{"Name", "Query"} {
		if strings.TrimSpace(b.text(name)) == "" {
			x.refuse(http.StatusBadRequest, missing(name))
			return
		}
	}
	if _, err := x.settings.compile(s.datasets, x.program, b.text("Query")); err != nil {
		x.refuse(http.StatusBadRequest, err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := 0
	for _, q := range s.queries {
		if q.Program == x.program {
			own++
		}
	}
	if own >= x.settings.MaxQueries {
		x.refuse(http.StatusBadRequest, "Number of queries exceeded. Delete few queries before creating new queries")
		return
	}
	q := &query{
		Program: x.program, ID: kit.GUID(s.cfg.Seed, "query", s.counters.Queries), Name: b.text("Name"), Description: b.text("Description"),
		Text: b.text("Query"), Created: x.now.Truncate(time.Second),
	}
	s.counters.Queries++
	s.queries = append(s.queries, q)
	x.answer([]item{q.item(x, s.user(x.program))}, "Query created successfully")
}

// missing is the published category with the field's name: the fake's choice.
func missing(field string) string { return "Null or missing value: " + field }

func (s *Server) deleteQuery(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queryByID(x.program, x.id)
	switch {
	case q == nil:
		x.refuse(http.StatusNotFound, textNoItem)
		return
	case q.system:
		x.refuse(http.StatusBadRequest, "System queries cannot be deleted")
		return
	case x.settings.KeepUsedQueries && slices.ContainsFunc(s.reports, func(r *report) bool { return strings.EqualFold(r.QueryID, q.ID) }):
		x.refuse(http.StatusBadRequest, "The query is used by a report")
		return
	}
	s.queries = slices.DeleteFunc(s.queries, func(o *query) bool { return o == q })
	x.answer([]item{q.item(x, s.user(x.program))}, "Query deleted successfully")
}

// allQueries lists those of the system and those of clients. The lock is held.
func (s *Server) allQueries() []*query { return slices.Concat(s.system(), s.queries) }

// queryByID finds a query. The lock is held.
func (s *Server) queryByID(program, id string) *query {
	id = strings.TrimSpace(id)
	for _, q := range s.allQueries() {
		if q.Program == program && strings.EqualFold(q.ID, id) {
			return q
		}
	}
	return nil
}

// testQuery runs a query at once and answers with its first rows.
func (s *Server) testQuery(x *exchange) {
	text, id := x.query("exportQuery"), strings.TrimSpace(x.query("queryId"))
	if (strings.TrimSpace(text) == "") == (id == "") {
		x.refuse(http.StatusBadRequest, "Either exportQuery or queryId is required, and only one of them")
		return
	}
	if id != "" {
		s.mu.Lock()
		q := s.queryByID(x.program, id)
		s.mu.Unlock()
		if q == nil {
			x.refuse(http.StatusBadRequest, textNoQuery)
			return
		}
		text = q.Text
	}
	p, err := x.settings.compile(s.datasets, x.program, text)
	if err != nil {
		x.refuse(http.StatusBadRequest, err.Error())
		return
	}
	var ends [2]time.Time
	for i, name := range []string{"startTime", "endTime"} {
		if v := x.query(name); v != "" {
			if ends[i], err = time.Parse(wireTime, v); err != nil {
				x.refuse(http.StatusBadRequest, name+" should follow format: yyyy-MM-ddTHH:mm:ssZ")
				return
			}
		}
	}
	t := p.execute(s.Data(), x.now, p.window(x.now, ends[0], ends[1]), x.settings.Redacted)
	value := []any{}
	for _, cells := range t.Rows[:min(len(t.Rows), x.settings.TestRows)] {
		value = append(value, previewRow{p.columns, cells, x.settings.TypedPreview})
	}
	x.write(http.StatusOK, value, nil)
}

// window is the period that a query covers: its own time span, unless it is asked
// for another.
func (p *plan) window(now, from, to time.Time) window {
	if !from.IsZero() || !to.IsZero() {
		return asked(from, to)
	}
	w, _ := spanWindow(p.span, now)
	return w
}
