package pctest

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/partnercenter-go/partnercenter/internal/fake/admin"
	"github.com/partnercenter-go/partnercenter/internal/fake/analytics"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// AdminAccess says who may use the admin API and its page.
type AdminAccess int

// The kinds of access.
const (
	// AdminOff serves neither.
	AdminOff AdminAccess = iota
	// AdminLoopback serves clients on the same machine. Pages of other sites cannot
	// use it through their visitors' browsers.
	AdminLoopback
	// AdminAnywhere serves everybody who can reach the server.
	AdminAnywhere
)

// Handler returns all services as one handler, for a server of the caller's: the
// emulator in the examples is little more than that. It answers like the service in
// three ways:
//
//   - by host name, so that a client works unmodified when its name resolution leads
//     here: login.microsoftonline.com, api.partner.microsoft.com,
//     api.partnercenter.microsoft.com and all blob hosts;
//   - by the host name as the first part of the path:
//     https://127.0.0.1:8443/api.partner.microsoft.com/v1.0/payouts/...;
//   - under any other host by the path alone, which tells the services apart, so that
//     one origin serves as the base URL of all of them.
//
// Links in answers lead back the way that the client came. Below /_pctest/ there are
// the admin API and its page, for whom access allows it. The handler works until the
// server is closed.
func (s *Server) Handler(access AdminAccess) http.Handler {
	return &front{server: s, access: access, admin: s.admin()}
}

// front sends requests to the services.
type front struct {
	server *Server
	access AdminAccess
	admin  http.Handler
}

// ServeHTTP implements [http.Handler].
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := f.server
	w.Header().Set("Date", s.clock.Now().Format(http.TimeFormat))
	if r.URL.Path == admin.Root || strings.HasPrefix(r.URL.Path, admin.Root+"/") {
		f.serveAdmin(w, r)
		return
	}
	host, port, _ := splitHost(r.Host)
	if h := s.byHost(host); h != nil {
		base := &url.URL{Scheme: scheme(r), Host: blobHost}
		if port != "" {
			base.Host = net.JoinHostPort(blobHost, port)
		}
		h.ServeHTTP(w, withBlobBase(r, base))
		return
	}
	base := &url.URL{Scheme: scheme(r), Host: r.Host, Path: "/" + blobHost}
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if h := s.byHost(strings.ToLower(first)); h != nil {
		r = withBlobBase(r, base)
		r.URL = stripped(r.URL, first)
		h.ServeHTTP(w, r)
		return
	}
	if h := s.byPath(r); h != nil {
		h.ServeHTTP(w, withBlobBase(r, base))
		return
	}
	kit.ShapeGateway.Write(w, http.StatusNotFound, "", "No service of Partner Center has this host and path")
}

func (f *front) serveAdmin(w http.ResponseWriter, r *http.Request) {
	if f.access == AdminOff || f.access == AdminLoopback && !local(r) {
		kit.ShapeGateway.Write(w, http.StatusForbidden, "", "The admin API is for clients on the same machine; start the server with access from anywhere to change that")
		return
	}
	f.admin.ServeHTTP(w, r)
}

// local reports whether a request came from the same machine and was meant for it: a
// name that somebody else's DNS leads to 127.0.0.1 could be another site's.
func local(r *http.Request) bool {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(from)
	host, _, ok := splitHost(r.Host)
	to := net.ParseIP(host)
	return ok && ip != nil && ip.IsLoopback() && (host == "localhost" || to != nil || isPublic(host))
}

// splitHost splits a Host header into the lower-case name and the port.
func splitHost(hostport string) (host, port string, ok bool) {
	u := url.URL{Host: hostport}
	host = strings.ToLower(u.Hostname())
	return host, u.Port(), host != ""
}

func scheme(r *http.Request) string {
	if r.TLS == nil {
		return "http"
	}
	return "https"
}

func withBlobBase(r *http.Request, base *url.URL) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), blobBaseKey{}, base.String()))
}

// stripped removes the first part of a URL's path.
func stripped(u *url.URL, first string) *url.URL {
	out := *u
	out.Path = "/" + strings.TrimPrefix(strings.TrimPrefix(out.Path, "/"+first), "/")
	if out.RawPath != "" {
		_, raw, _ := strings.Cut(strings.TrimPrefix(out.RawPath, "/"), "/")
		out.RawPath = "/" + raw
	}
	return &out
}

// isPublic reports whether a name is one of Partner Center's.
func isPublic(host string) bool {
	return host == string(Login) || host == string(API) || host == string(Insights) || isBlobHost(host)
}

// byHost returns the service at a public name, nil if it is none.
func (s *Server) byHost(host string) http.Handler {
	switch {
	case host == string(Login):
		return s.login
	case host == string(API):
		return s.api
	case host == string(Insights):
		return s.insights
	case isBlobHost(host):
		return s.blob
	}
	return nil
}

// byPath returns the service that a path belongs to under a host that tells nothing,
// nil if it is none.
func (s *Server) byPath(r *http.Request) http.Handler {
	switch {
	case hasPrefixFold(r.URL.Path, analytics.Prefix):
		return s.insights
	case hasPrefixFold(r.URL.Path, "/v1.0/"):
		return s.api
	case entra.Serves(r.URL):
		return s.login
	}
	return nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// admin makes the admin API.
func (s *Server) admin() http.Handler {
	return admin.New(admin.Config{
		Clock: s.clock, Recorder: s.recorder, Faults: s.faults, Entra: s.entra, Payouts: s.payouts, Analytics: s.analytics, Ingestion: s.ingestion,
		Advance: s.Advance, Reset: s.Reset, Changed: s.changed,
		Problem: func() error {
			if s.state == nil {
				return nil
			}
			return s.state.problem()
		},
	})
}
