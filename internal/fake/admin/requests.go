package admin

import (
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Request is a recorded request, without its secrets.
type Request struct {
	Number      int         `json:"number"`
	Time        time.Time   `json:"time"`
	Method      string      `json:"method"`
	Host        string      `json:"host"`
	Path        string      `json:"path"`
	Query       url.Values  `json:"query,omitempty"`
	Header      http.Header `json:"header"`
	Body        string      `json:"body,omitempty"`
	Fingerprint string      `json:"fingerprint,omitempty"`
	Status      int         `json:"status"`
	Sent        int64       `json:"sent"`
	Fault       bool        `json:"fault"`
}

// defaultLimit and maxLimit bound a page of requests.
const defaultLimit, maxLimit = 100, 1000

// requests lists what came after a number, at most limit of them, the newest.
func (s *Server) requests(r *http.Request) (any, error) {
	after, err := number(r.URL.Query().Get("after"))
	if err != nil {
		return nil, err
	}
	limit, err := number(r.URL.Query().Get("limit"))
	if err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	list := s.cfg.Recorder.After(max(after, s.cfg.Recorder.Count()-limit))
	out := make([]Request, len(list))
	for i, q := range list {
		out[i] = Request{
			q.Number, q.Time, q.Method, q.Host, q.Path, q.Query, q.Header, text(q), q.Fingerprint, q.Status, q.Sent, q.Fault,
		}
	}
	return out, nil
}

// text is a body as far as it is one.
func text(q kit.Request) string {
	if !utf8.Valid(q.Body) {
		return "[binary]"
	}
	return string(q.Body)
}

func (s *Server) forgetRequests(*http.Request) (any, error) {
	s.cfg.Recorder.Reset()
	return done{true}, nil
}
