package entra

import (
	"crypto/rsa"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Server is the fake. It is an [http.Handler] for the host name of the authority,
// safe for concurrent use, and has no goroutines of its own. A fault that cuts the
// connection panics with [http.ErrAbortHandler], as handlers do.
type Server struct {
	cfg Config
	key func() *rsa.PrivateKey

	mu            sync.Mutex
	tenants       map[string]Tenant // by lower-case id and domain
	apps          map[string]App    // by lower-case client id
	users         map[string]*account
	resources     map[string]Resource
	id            string                  // told in every token, for the key may be another server's too
	issued        map[string]*issuedToken // as far as they are remembered
	revoked       map[string]time.Time    // by hash, until they expire
	refreshTokens map[string]*refreshToken
	codes         map[string]*authCode
	signIns       map[string]*signIn
	devices       map[string]*device // by device code
	consents      map[string]bool    // by user and application
	faults        []*Fault
	records       []Request
	counts        map[Endpoint]int
}

// account is a user and what has happened to it.
type account struct {
	User
	failures    int
	lockedUntil time.Time
}

// New makes a server. It costs microseconds: the signing key is made when the first
// token is signed.
func New(cfg Config) *Server {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.TokenLifetime == 0 {
		cfg.TokenLifetime = 3599 * time.Second
	}
	if cfg.RefreshTokenLifetime == 0 {
		cfg.RefreshTokenLifetime = 90 * 24 * time.Hour
	}
	if cfg.CodeLifetime == 0 {
		cfg.CodeLifetime = 10 * time.Minute
	}
	if cfg.DeviceInterval == 0 {
		cfg.DeviceInterval = 5 * time.Second
	}
	if cfg.DeviceLifetime == 0 {
		cfg.DeviceLifetime = 15 * time.Minute
	}
	if cfg.LockoutAfter == 0 {
		cfg.LockoutAfter = 10
	}
	if cfg.LockoutFor == 0 {
		cfg.LockoutFor = time.Minute
	}
	if cfg.MaxRecords == 0 {
		cfg.MaxRecords = 4096
	}
	s := &Server{
		cfg:           cfg,
		key:           signer(cfg.Key),
		id:            uuid.NewString(),
		tenants:       make(map[string]Tenant),
		apps:          make(map[string]App),
		users:         make(map[string]*account),
		resources:     make(map[string]Resource),
		issued:        make(map[string]*issuedToken),
		revoked:       make(map[string]time.Time),
		refreshTokens: make(map[string]*refreshToken),
		codes:         make(map[string]*authCode),
		signIns:       make(map[string]*signIn),
		devices:       make(map[string]*device),
		consents:      make(map[string]bool),
		counts:        make(map[Endpoint]int),
	}
	for _, t := range cfg.Tenants {
		s.SetTenant(t)
	}
	for _, a := range cfg.Apps {
		s.SetApp(a)
	}
	for _, u := range cfg.Users {
		s.SetUser(u)
	}
	for _, r := range cfg.Resources {
		s.SetResource(r)
	}
	return s
}

// SetTenant adds a directory or replaces the one with its ID.
func (s *Server) SetTenant(t Tenant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, old := range s.tenants {
		if strings.EqualFold(old.ID, t.ID) {
			delete(s.tenants, name)
		}
	}
	s.tenants[strings.ToLower(t.ID)] = t
	for _, d := range t.Domains {
		s.tenants[strings.ToLower(d)] = t
	}
}

// SetApp adds an application or replaces the one with its ClientID, for example to
// rotate its secret.
func (s *Server) SetApp(a App) {
	if len(a.Scopes) == 0 {
		a.Scopes = []string{"user_impersonation"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[strings.ToLower(a.ClientID)] = a
}

// DefaultMFACode is the second factor of accounts that have no other.
const DefaultMFACode = "123456"

// SetUser adds an account or replaces the one with its UPN, and unlocks it.
func (s *Server) SetUser(u User) {
	if u.ObjectID == "" {
		u.ObjectID = uuid.NewString()
	}
	if u.MFACode == "" {
		u.MFACode = DefaultMFACode
	}
	if len(u.AMR) == 0 {
		u.AMR = []string{"pwd"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[strings.ToLower(u.UPN)] = &account{User: u}
}

// SetResource adds an API or replaces the one with its Audience.
func (s *Server) SetResource(r Resource) {
	if r.TokenVersion == 0 {
		r.TokenVersion = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources[strings.ToLower(r.Audience)] = r
}

// ServeHTTP answers one request of a client.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rt := route(r)
	rec := s.newRecord(r, rt)
	rw := &recordingWriter{ResponseWriter: w}
	// A fault that cuts the connection leaves by panic; the record is kept all
	// the same.
	defer func() { s.keep(rec, rw.status) }()

	fault := s.nextFault(rt.endpoint, rec.GrantType)
	if fault != nil && !fault.before(rw, r) {
		return
	}
	var answer response
	switch rt.endpoint {
	case OIDC:
		answer = s.openIDConfiguration(r, rt)
	case Instance:
		answer = s.instanceDiscovery(r)
	case UserRealm:
		answer = s.userRealm(rt)
	case Keys:
		answer = s.keys()
	case Token:
		answer = s.token(r, rt, rec)
	case Authorize:
		answer = s.authorize(r, rt)
	case Login:
		answer = s.login(r, rt)
	case DeviceAuth:
		answer = s.verifyDevice(r)
	case DeviceCode:
		answer = s.deviceCode(r, rt)
	default:
		answer = response{status: http.StatusNotFound}
	}
	if fault != nil {
		answer = fault.after(answer)
	}
	rec.Error = answer.errorCode()
	answer.write(rw, fault)
}

// now is the server's time, to the second as tokens carry it.
func (s *Server) now() time.Time { return s.cfg.Clock() }
