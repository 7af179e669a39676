package rotationtest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

// The directory that the proof takes place in.
const (
	tenantID = "aaaaaaaa-1111-4222-8333-444444444444"
	clientID = "cccccccc-1111-4222-8333-444444444444"
	secret   = "canary-secret"
	upn      = "reports@contoso.example"
	resource = "https://api.partner.microsoft.com"
)

// server is a fake Entra ID on loopback.
type server struct {
	directory *entra.Server
	url       string
	ca        string // the certificate to trust, PEM

	mu       sync.Mutex
	redeemed chan struct{} // while answers are held
}

func listen(t *testing.T, rotation entra.Rotation) *server {
	t.Helper()
	s := &server{directory: entra.New(entra.Config{
		Tenants:    []entra.Tenant{{ID: tenantID}},
		Apps:       []entra.App{{ClientID: clientID, Secrets: []entra.AppSecret{{Value: partnercenter.NewSecret(secret)}}}},
		Users:      []entra.User{{UPN: upn, TenantID: tenantID}},
		Resources:  []entra.Resource{{Audience: resource}},
		Rotation:   rotation,
		MaxRecords: 1 << 16,
	})}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // killed clients make it complain
	srv.StartTLS()
	t.Cleanup(srv.Close)
	s.url = srv.URL
	s.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	return s
}

// serve answers a request, or acts upon it and holds the answer back.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	redeemed := s.redeemed
	s.mu.Unlock()
	if redeemed == nil || r.Method != http.MethodPost {
		s.directory.ServeHTTP(w, r)
		return
	}
	s.directory.ServeHTTP(httptest.NewRecorder(), r)
	select {
	case redeemed <- struct{}{}:
	default: // a second attempt; the first is enough
	}
	<-r.Context().Done() // the client is gone
	panic(http.ErrAbortHandler)
}

// holdAnswers lets redemptions be carried out but not answered. The channel reports the
// first.
func (s *server) holdAnswers() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redeemed = make(chan struct{}, 1)
	return s.redeemed
}

// letGo ends holdAnswers.
func (s *server) letGo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redeemed = nil
}

// redemptions counts those that were served and lists the errors of those that were not.
func (s *server) redemptions() (served int, refused []string) {
	for _, r := range s.directory.Requests() {
		switch {
		case r.GrantType != "refresh_token":
		case r.Status == http.StatusOK:
			served++
		default:
			refused = append(refused, r.Error)
		}
	}
	return served, refused
}

// record is what a sign-in leaves.
func (s *server) record(t *testing.T) auth.Record {
	t.Helper()
	token, err := s.directory.IssueRefreshToken(clientID, upn, []string{"pwd", "mfa"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	return auth.Record{RefreshToken: partnercenter.NewSecret(token), ClientID: clientID, TenantID: tenantID, ObtainedAt: now, SignedInAt: now}
}

// job is work with this server.
func (s *server) job(task string) job { return job{Task: task, Authority: s.url, CA: s.ca} }

// source makes the source of a job.
func source(t *testing.T, store auth.TokenStore, j job) *auth.Source {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(j.CA)) {
		t.Fatal("the server's certificate cannot be read")
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(tr.CloseIdleConnections)
	src, err := auth.NewRefreshToken(
		auth.App{TenantID: tenantID, ClientID: clientID, Credential: auth.ClientSecret(partnercenter.NewSecret(secret))},
		store, storeKey,
		// Eight processes wait for each other, on a machine that may be busy.
		&auth.Options{Authority: j.Authority, Transport: tr, Timeout: time.Minute},
	)
	if err != nil {
		t.Fatal(err)
	}
	return src
}
