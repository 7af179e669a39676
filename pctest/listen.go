package pctest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/analytics"
)

// Loopback are the addresses under which a server can be reached through real
// sockets. They work until the server is closed. It is safe for concurrent use.
type Loopback struct {
	// LoginURL, APIURL and BlobURL are the services' base URLs, each on a port
	// of 127.0.0.1 of its own, without a slash at the end. The analytics API
	// shares the port of APIURL.
	LoginURL, APIURL, BlobURL string
	// CertPool verifies the listeners' certificate, which is also good for the
	// services' public names; nil for plain listeners.
	CertPool *x509.CertPool

	transport *http.Transport
}

// Client returns an HTTP client that trusts the listeners.
func (l *Loopback) Client() *http.Client { return &http.Client{Transport: l.transport} }

// Transport returns that client's transport.
func (l *Loopback) Transport() http.RoundTripper { return l.transport }

// Options returns options that lead a client of this module to the listeners.
func (l *Loopback) Options() *partnercenter.Options {
	return &partnercenter.Options{Endpoint: l.APIURL, Transport: l.transport}
}

// Listen serves on 127.0.0.1 with TLS and HTTP/1.1, for clients that need a
// network: those that are not Go, and tests of connections themselves. Real
// sockets do not work inside testing/synctest.
func (s *Server) Listen() (*Loopback, error) { return s.listen(true) }

// ListenPlain is [Server.Listen] without TLS.
func (s *Server) ListenPlain() (*Loopback, error) { return s.listen(false) }

type blobBaseKey struct{}

// blobBase returns the base of links for the client that sent the request.
func blobBase(r *http.Request) string { return baseOf(r, blobHost) }

// fileBase is blobBase for files that are uploaded.
func fileBase(r *http.Request) string { return baseOf(r, fileHost) }

func baseOf(r *http.Request, host string) string {
	if base, ok := r.Context().Value(blobBaseKey{}).(string); ok {
		return base
	}
	return "https://" + host
}

func (s *Server) listen(secure bool) (_ *Loopback, err error) {
	out := &Loopback{transport: &http.Transport{}}
	var listeners []net.Listener
	defer func() {
		if err != nil {
			for _, l := range listeners {
				err = errors.Join(err, l.Close())
			}
		}
	}()
	var urls [3]string
	for i := range urls {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("pctest: %w", err)
		}
		listeners = append(listeners, l)
		urls[i] = "http://" + l.Addr().String()
		if secure {
			urls[i] = "https://" + l.Addr().String()
		}
	}
	out.LoginURL, out.APIURL, out.BlobURL = urls[0], urls[1], urls[2]
	if secure {
		cert, err := s.Certificate()
		if err != nil {
			return nil, err
		}
		out.CertPool = s.ca.Pool()
		out.transport.TLSClientConfig = &tls.Config{RootCAs: out.CertPool, MinVersion: tls.VersionTLS12}
		for i, l := range listeners {
			listeners[i] = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
		}
	}

	var wg sync.WaitGroup
	servers := make([]*http.Server, len(listeners))
	for i, h := range []http.Handler{s.login, s.apis(), s.blob} {
		servers[i] = &http.Server{
			Handler:           h,
			ReadHeaderTimeout: time.Minute,
			ErrorLog:          log.New(io.Discard, "", 0), // faults are not news
			BaseContext: func(net.Listener) context.Context {
				return context.WithValue(context.Background(), blobBaseKey{}, out.BlobURL)
			},
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	for i := range servers {
		wg.Go(func() { _ = servers[i].Serve(listeners[i]) }) // ends when the server is closed
	}
	s.closers = append(s.closers, func() error {
		var errs []error
		for _, srv := range servers {
			errs = append(errs, srv.Close())
		}
		wg.Wait()
		out.transport.CloseIdleConnections()
		return errors.Join(errs...)
	})
	return out, nil
}

// apis serves all APIs on one port: their paths tell them apart.
func (s *Server) apis() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hasPrefixFold(r.URL.Path, analytics.Prefix) {
			s.insights.ServeHTTP(w, r)
			return
		}
		s.api.ServeHTTP(w, r)
	})
}
