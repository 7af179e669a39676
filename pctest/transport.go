package pctest

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// errClosed ends requests to a server that is no more.
var errClosed = errors.New("pctest: the server is closed")

// Transport returns the way to the server that needs no network. It routes by host
// name: login.microsoftonline.com, api.partner.microsoft.com,
// api.partnercenter.microsoft.com and any storage account; other names fail as if
// they could not be resolved.
//
// It behaves like a pooled [http.Transport]: it neither follows redirects nor
// changes the request, decompresses gzip only if the caller did not ask for an
// encoding, and streams. The goroutine that it uses for a request ends with the
// answer, and at the latest when the response body is closed or the request's
// context is cancelled.
func (s *Server) Transport() http.RoundTripper { return s.transport }

// Options returns options that lead a client of this module to the server. They
// are the caller's own to change.
func (s *Server) Options() *partnercenter.Options {
	return &partnercenter.Options{Transport: s.transport}
}

func (s *Server) route(u *url.URL, h http.Header) (http.Handler, error) {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	name := strings.ToLower(u.Hostname())
	var handler http.Handler
	switch {
	case name == string(Login):
		handler = s.login
	case name == string(API):
		handler = s.api
	case name == string(Insights):
		handler = s.insights
	case isBlobHost(name):
		handler = s.blob
	}
	_, bearer := kit.BearerToken(h)
	switch {
	case handler == nil:
		if bearer {
			s.recorder.Violate("a bearer token was to be sent to the foreign host %s", name)
		}
		return nil, kit.UnknownHost(name)
	case u.Scheme != "https":
		if bearer {
			s.recorder.Violate("a bearer token was to be sent to %s over plain http", name)
		}
		return nil, kit.ErrRefused()
	case u.Port() != "" && u.Port() != "443":
		return nil, kit.ErrRefused()
	}
	return handler, nil
}
