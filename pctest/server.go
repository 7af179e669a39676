package pctest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/analytics"
	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
	"github.com/partnercenter-go/partnercenter/internal/fake/ingestion"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
	"github.com/partnercenter-go/partnercenter/internal/fake/payouts"
)

// Server is a fake Partner Center with its token endpoint and its blob store. It
// is safe for concurrent use, and shares nothing with other servers.
type Server struct {
	clock    *kit.Clock
	recorder *kit.Recorder
	faults   *kit.Faults

	entra     *entra.Server
	payouts   *payouts.Server
	analytics *analytics.Server
	ingestion *ingestion.Server
	blobs     *blob.Server

	login, api, insights, blob http.Handler // each behind the gate
	transport                  *kit.Transport
	id                         identity

	mu      sync.Mutex
	closed  bool
	closers []func() error
}

// NewServer makes a Server for a test. It is closed when the test ends, which
// fails if a client has broken one of the rules that [Server.Violations] lists.
// Options that do not make sense fail the test at once.
func NewServer(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s, err := New(opts...)
	if err != nil {
		tb.Fatalf("pctest: %v", err)
	}
	tb.Cleanup(func() {
		tb.Helper()
		if err := s.Close(); err != nil {
			tb.Errorf("pctest: closing the server: %v", err)
		}
		for _, v := range s.Violations() {
			tb.Errorf("pctest: %s", v)
		}
	})
	return s
}

// New makes a Server for a program. Close it to remove its temporary files.
func New(opts ...Option) (*Server, error) {
	cfg := config{seed: 1, behavior: defaultBehavior(), analytics: defaultAnalyticsBehavior(), ingestion: defaultIngestionBehavior()}
	for _, o := range opts {
		if o != nil {
			o.apply(&cfg)
		}
	}
	s := &Server{
		clock: new(kit.Clock), recorder: new(kit.Recorder), faults: new(kit.Faults),
		id: newIdentity(cfg.seed),
	}
	ids := kit.NewIDs(cfg.seed)
	s.entra = entra.New(s.id.directory(s.clock.Now, cfg.tokenLifetime))
	s.blobs = blob.New(blob.Config{Clock: s.clock, IDs: ids, Recorder: s.recorder})
	var err error
	s.payouts, err = payouts.New(payouts.Config{
		Clock: s.clock, IDs: ids, Seed: cfg.seed, Check: s.check, Blobs: s.blobs, BlobBase: blobBase,
		Data: payouts.Data(cfg.data), Settings: cfg.behavior.settings(), TempDir: cfg.tempDir, InMemory: cfg.inMemory,
	})
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	s.analytics, err = analytics.New(analytics.Config{
		Clock: s.clock, IDs: ids, Seed: cfg.seed, Check: s.checkReader, Blobs: s.blobs, BlobBase: blobBase, Callbacks: cfg.callbacks,
		User: s.id.username, Data: analytics.Data(cfg.reportData), Settings: cfg.analytics.settings(),
	})
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	s.ingestion, err = ingestion.New(ingestion.Config{
		Clock: s.clock, IDs: ids, Seed: cfg.seed, Check: s.checkPublisher, Blobs: s.blobs, BlobBase: fileBase, Settings: cfg.ingestion.settings(),
	})
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	if cfg.snapshot != nil {
		if err := s.restore(cfg.snapshot); err != nil {
			return nil, fmt.Errorf("pctest: %w", err)
		}
	}
	gate := &kit.Gate{Clock: s.clock, Recorder: s.recorder, Faults: s.faults}
	s.login = gate.Guard("login", string(Login), s.entra)
	s.api = gate.Guard("api", string(API), http.HandlerFunc(s.partnerAPI))
	s.insights = gate.Guard("insights", string(Insights), s.analytics)
	s.blob = gate.Guard("blob", blobHost, s.blobs)
	s.transport = &kit.Transport{Route: s.route, Now: s.clock.Now}
	return s, nil
}

// Close ends the listeners and removes temporary files. Requests that come later
// fail. Closing again does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	closers := s.closers
	s.closers = nil
	s.mu.Unlock()
	s.analytics.Close()
	var errs []error
	for _, c := range closers {
		errs = append(errs, c())
	}
	return errors.Join(append(errs, s.blobs.Close())...)
}

// Now returns the server's time.
func (s *Server) Now() time.Time { return s.clock.Now() }

// Advance moves the server's clock ahead of the real (or, under synctest, the
// virtual) one: tokens and links expire, exports whose steps last for a time
// proceed, and reports whose time has come run.
func (s *Server) Advance(d time.Duration) {
	s.clock.Advance(d)
	s.analytics.Moved()
}

// Violations lists, oldest first, what clients have done that no correct client
// does: sending a bearer token or the API's ids to the blob host, to a host that
// is none of Partner Center's, or over plain http.
func (s *Server) Violations() []string { return s.recorder.Violations() }

func (s *Server) check(token string) (payouts.Claims, bool) {
	c, ok := s.entra.Check(token)
	return payouts.Claims{Audience: c.Audience, UserID: c.UserID, AMR: c.AMR}, ok
}

func (s *Server) checkReader(token string) (analytics.Claims, bool) {
	c, ok := s.entra.Check(token)
	return analytics.Claims{Audience: c.Audience, UserID: c.UserID}, ok
}

func (s *Server) checkPublisher(token string) (ingestion.Claims, bool) {
	c, ok := s.entra.Check(token)
	return ingestion.Claims{Audience: c.Audience}, ok
}

// partnerAPI serves the APIs that share a host: their paths tell them apart.
func (s *Server) partnerAPI(w http.ResponseWriter, r *http.Request) {
	if ingestion.Serves(r.URL.Path) {
		s.ingestion.ServeHTTP(w, r)
		return
	}
	s.payouts.ServeHTTP(w, r)
}

// identity is what the directory knows.
type identity struct {
	tenant, client, username string
	secret, password         partnercenter.Secret
}

func newIdentity(seed uint64) identity {
	return identity{
		tenant: kit.GUID(seed, "tenant", 0), client: kit.GUID(seed, "app", 0), username: "finance@contoso.example",
		// Unique, so that a search for them in logs proves something.
		secret:   partnercenter.NewSecret("s~" + rand.Text() + rand.Text()),
		password: partnercenter.NewSecret("P!" + rand.Text()),
	}
}

func (id *identity) directory(now func() time.Time, lifetime time.Duration) entra.Config {
	return entra.Config{
		Clock:         now,
		TokenLifetime: lifetime,
		Tenants:       []entra.Tenant{{ID: id.tenant, Domains: []string{"contoso.example"}}},
		Apps: []entra.App{{
			ClientID: id.client, TenantID: id.tenant, Secrets: []entra.AppSecret{{Value: id.secret}}, PublicClient: true,
		}},
		Users: []entra.User{{UPN: id.username, TenantID: id.tenant, Password: id.password}},
		Resources: []entra.Resource{
			{Audience: apiResource, AppID: "4990cffe-04e8-4e8b-808a-1175604b879f"},
			{Audience: "https://api.partnercenter.microsoft.com", AppID: "fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd"},
			{Audience: "https://graph.microsoft.com", AppID: "00000003-0000-0000-c000-000000000000"},
		},
	}
}

// TenantID returns the GUID of the only directory, which is also known as
// contoso.example.
func (s *Server) TenantID() string { return s.id.tenant }

// ClientID returns the id of the registered application. It may use public flows
// as well as its secret.
func (s *Server) ClientID() string { return s.id.client }

// ClientSecret returns the application's secret, a new one for every server.
func (s *Server) ClientSecret() partnercenter.Secret { return s.id.secret }

// Username returns the sign-in name of the registered user.
func (s *Server) Username() string { return s.id.username }

// Password returns the user's password, a new one for every server.
func (s *Server) Password() partnercenter.Secret { return s.id.password }

// Host is a service as faults and recorded requests name it: by its public host,
// in which an asterisk stands for any text, also when it is reached through a
// loopback listener.
type Host string

// The hosts of the fake.
const (
	// Login is Entra ID, the token endpoint.
	Login Host = "login.microsoftonline.com"
	// API is the Partner API, for payouts and for submissions.
	API Host = "api.partner.microsoft.com"
	// Insights is the analytics API.
	Insights Host = "api.partnercenter.microsoft.com"
	// Blob is the store that exports are downloaded from and files uploaded to.
	Blob Host = "*.blob.core.windows.net"
)

const (
	apiResource = "https://" + string(API)
	// blobHost is the host of links; the account's name is invented.
	blobHost = "pctestexports.blob.core.windows.net"
	// fileHost is that of files which are uploaded, as recorded.
	fileHost = "ingestionpackagesprod1.blob.core.windows.net"
)

// isBlobHost reports whether the name is that of some storage account.
func isBlobHost(name string) bool {
	return strings.HasSuffix(name, strings.TrimPrefix(string(Blob), "*"))
}
