package pctest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
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

	state *state // nil: in memory

	caMu sync.Mutex
	ca   *kit.Authority

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
func New(opts ...Option) (_ *Server, err error) {
	cfg := config{seed: 1, behavior: defaultBehavior(), analytics: defaultAnalyticsBehavior(), ingestion: defaultIngestionBehavior()}
	for _, o := range opts {
		if o != nil {
			o.apply(&cfg)
		}
	}
	if math.IsNaN(cfg.speed) || cfg.speed < 0 || cfg.speed > maxSpeed {
		return nil, fmt.Errorf("pctest: a clock cannot run %v times as fast; at most %d", cfg.speed, maxSpeed)
	}
	var st *state
	if cfg.stateDir != "" {
		if cfg.snapshot != nil {
			return nil, errors.New("pctest: a server continues either from a snapshot or from a directory")
		}
		if st, err = openState(cfg.stateDir, &cfg); err != nil {
			return nil, fmt.Errorf("pctest: %w", err)
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, st.dir.Close())
			}
		}()
	}
	s := &Server{
		state: st,
		clock: new(kit.Clock), recorder: new(kit.Recorder), faults: new(kit.Faults),
		id: newIdentity(cfg.seed),
	}
	if st != nil {
		s.id.secret, s.id.password = cfg.secret, cfg.password
	}
	ids := kit.NewIDs(cfg.seed)
	directory := s.id.directory(s.clock.Wall, cfg.tokenLifetime)
	directory.Key = cfg.tokenKey
	s.entra = entra.New(directory)
	s.blobs = blob.New(blob.Config{Clock: s.clock, IDs: ids, Recorder: s.recorder, Key: cfg.linkKey, InMemory: cfg.kept})
	s.payouts, err = payouts.New(payouts.Config{
		Clock: s.clock, IDs: ids, Seed: cfg.seed, Check: s.check, Blobs: s.blobs, BlobBase: blobBase,
		Data: payouts.Data(cfg.data), Settings: cfg.behavior.settings(), TempDir: cfg.tempDir, InMemory: cfg.inMemory,
	})
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	s.analytics, err = analytics.New(analytics.Config{
		Clock: s.clock, IDs: ids, Seed: cfg.seed, Check: s.check, Blobs: s.blobs, BlobBase: blobBase, Callbacks: cfg.callbacks,
		User: s.id.username, Data: analytics.Data(cfg.reportData), Settings: cfg.analytics.settings(), Changed: s.changed,
	})
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	defer func() {
		if err != nil {
			s.analytics.Close() // what was restored may be calling already
		}
	}()
	s.ingestion, err = ingestion.New(ingestion.Config{
		Clock: s.clock, IDs: ids, Seed: cfg.seed, Check: s.check, Blobs: s.blobs, BlobBase: fileBase, Settings: cfg.ingestion.settings(),
	})
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	if cfg.snapshot != nil {
		if err := s.restore(cfg.snapshot); err != nil {
			return nil, fmt.Errorf("pctest: %w", err)
		}
	}
	if st != nil {
		if err := s.resume(); err != nil {
			return nil, fmt.Errorf("pctest: %w", err)
		}
	}
	if cfg.speed != 0 {
		s.clock.SetSpeed(cfg.speed)
	}
	gate := &kit.Gate{Clock: s.clock, Recorder: s.recorder, Faults: s.faults}
	s.login = gate.Guard("login", string(Login), s.noting(s.entra))
	s.api = gate.Guard("api", string(API), s.noting(http.HandlerFunc(s.partnerAPI)))
	s.insights = gate.Guard("insights", string(Insights), s.noting(s.analytics))
	s.blob = gate.Guard("blob", blobHost, s.noting(s.keeping(s.providing(s.blobs))))
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
	if s.state != nil {
		errs = append(errs, s.state.close())
	}
	return errors.Join(append(errs, s.blobs.Close())...)
}

// Now returns the server's time.
func (s *Server) Now() time.Time { return s.clock.Now() }

// Advance moves the server's clock ahead of the real (or, under synctest, the
// virtual) one: tokens and links expire, exports whose steps last for a time
// proceed, and reports whose time has come run. It stops a hundred years ahead.
func (s *Server) Advance(d time.Duration) {
	s.clock.Advance(d)
	s.analytics.Moved()
	s.changed()
}

// Reset forgets what clients have made, exports, queries, reports, products and their files, the
// scripts that nobody has taken yet, faults, recorded requests and violations. Tokens,
// settings, data and the clock stay as they are, and ids are not used again.
func (s *Server) Reset() error {
	s.faults.Clear()
	s.analytics.Reset()
	s.ingestion.Reset()
	err := s.payouts.Reset()
	if s.state != nil {
		err = errors.Join(err, s.state.forgetUploads())
	}
	s.recorder.Forget()
	s.changed()
	if err != nil {
		return fmt.Errorf("pctest: %w", err)
	}
	return nil
}

// noting has the state written down after requests.
func (s *Server) noting(h http.Handler) http.Handler {
	if s.state == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.changed()
		h.ServeHTTP(w, r)
	})
}

// providing makes files again that are gone: the store keeps only so much, and links
// outlive the server that has made the file.
func (s *Server) providing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if reads && !s.blobs.Has(r.URL.Path) {
			// What cannot be made is not found.
			_ = s.payouts.Provide(r.URL.Path)
			_ = s.analytics.Provide(r.URL.Path)
		}
		h.ServeHTTP(w, r)
	})
}

// Violations lists, oldest first, what clients have done that no correct client
// does: sending a bearer token or the API's ids to the blob host, to a host that
// is none of Partner Center's, or over plain http.
func (s *Server) Violations() []string { return s.recorder.Violations() }

func (s *Server) check(token string) (kit.Claims, bool) {
	c, ok := s.entra.Check(token)
	return kit.Claims{Audience: c.Audience, UserID: c.UserID, AMR: c.AMR}, ok
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
	seed                     uint64
	tenant, client, username string
	secret, password         partnercenter.Secret
	careful                  string // a user with a second factor, and the same password
}

func newIdentity(seed uint64) identity {
	return identity{
		seed:   seed,
		tenant: kit.GUID(seed, "tenant", 0), client: kit.GUID(seed, "app", 0), username: "finance@contoso.example", careful: "admin@contoso.example",
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
			RedirectURIs: []string{"http://localhost"},
		}},
		Users: []entra.User{
			{UPN: id.username, TenantID: id.tenant, ObjectID: kit.GUID(id.seed, "user", 0), Password: id.password},
			{UPN: id.careful, TenantID: id.tenant, ObjectID: kit.GUID(id.seed, "user", 1), Password: id.password, RequireMFA: true},
		},
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

// User is an account of the directory.
type User struct {
	// Username is the sign-in name.
	Username string
	// Password is the password.
	Password partnercenter.Secret
	// MFACode is what the sign-in page wants for a second factor. Empty: the
	// account needs none, and can use the password grant.
	MFACode string
}

// Users lists the accounts of the directory: that of [Server.Username], and one with a
// second factor.
func (s *Server) Users() []User {
	return []User{{s.id.username, s.id.password, ""}, {s.id.careful, s.id.password, entra.DefaultMFACode}}
}

// RefreshToken makes a refresh token of the registered user and application, as a
// sign-in in the browser with a second factor does.
func (s *Server) RefreshToken() partnercenter.Secret {
	token, err := s.entra.IssueRefreshToken(s.id.client, s.id.username, []string{"pwd", "mfa"})
	if err != nil {
		panic(err) // both are registered
	}
	s.changed()
	return partnercenter.NewSecret(token)
}

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

// maxSpeed is the fastest clock: a year in half a minute.
const maxSpeed = 1_000_000

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
