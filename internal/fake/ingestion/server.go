package ingestion

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Config is what a Server needs; all fields are required.
type Config struct {
	// Clock tells the time.
	Clock *kit.Clock
	// IDs makes ids of requests and etags. Those of resources depend on Seed and
	// their number alone.
	IDs  *kit.IDs
	Seed uint64
	// Check tells whether a token is good now, and what it claims.
	Check func(token string) (kit.Claims, bool)
	// Blobs keeps the files, and BlobBase is its address as the client that sent
	// the request knows it.
	Blobs    *blob.Server
	BlobBase func(*http.Request) string
	// Settings say how the service behaves.
	Settings Settings
}

// Server is the fake. It is safe for concurrent use.
type Server struct {
	cfg    Config
	kinds  map[string]*kind
	routes []route

	mu       sync.Mutex
	settings Settings
	products []*product // in storage order
	index    map[string]*product
	count    uint64 // of ids handed out
	scripts  []Script
	packages []PackageScript
}

// New makes a Server.
func New(cfg Config) (*Server, error) {
	if err := cfg.Settings.check(); err != nil {
		return nil, err
	}
	return &Server{cfg: cfg, kinds: kinds(), routes: routes(), settings: cfg.Settings.clone(), index: make(map[string]*product)}, nil
}

// Prefix is what all paths of the API begin with, in any case.
const Prefix = "/v1.0/ingestion"

// Serves reports whether a path is one of this API.
func Serves(path string) bool {
	if len(path) < len(Prefix) || !strings.EqualFold(path[:len(Prefix)], Prefix) {
		return false
	}
	return len(path) == len(Prefix) || path[len(Prefix)] == '/'
}

// exchange is one request that has been let in.
type exchange struct {
	r        *http.Request
	path     string // below the prefix
	args     map[string]string
	body     []byte
	now      time.Time
	blobs    string // the address of the blob store
	settings *Settings
}

// arg returns what stands for a name in braces in the path.
func (x *exchange) arg(name string) string { return x.args[name] }

// reply is an answer. A nil body means none.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) with(name, value string) reply {
	if value == "" {
		return r
	}
	if r.header == nil {
		r.header = make(http.Header)
	}
	r.header.Set(name, value)
	return r
}

// ok is an answer with an object.
func ok(status int, o object) reply { return reply{status: status, body: o.append(nil)} }

// noContent is the answer to a DELETE.
func noContent() reply { return reply{status: http.StatusNoContent} }

// maxBody is the largest body that is read.
const maxBody = 4 << 20

// ServeHTTP answers the operations of the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Request-Id", s.cfg.IDs.Next())
	if id := r.Header.Get("Client-Request-Id"); id != "" {
		w.Header().Set("Client-Request-Id", id) // as one client expects
	}
	settings := s.Settings()
	claims, refused := s.authorize(r, &settings)
	switch {
	case refused != nil:
		refused.write(w)
	case kit.CheckMFA(w, r, claims.UserID != "", claims.AMR, settings.RequireMFA):
		s.answer(r, &settings).write(w)
	}
}

// write sends the answer. As the service does, it declares no length.
func (r reply) write(w http.ResponseWriter) {
	h := w.Header()
	maps.Copy(h, r.header)
	if r.body == nil {
		h.Set("Content-Length", "0")
		w.WriteHeader(r.status)
		return
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(r.status)
	_ = http.NewResponseController(w).Flush()
	_, _ = w.Write(r.body)
}

func (s *Server) answer(r *http.Request, settings *Settings) reply {
	x := &exchange{r: r, now: s.cfg.Clock.Now(), settings: settings, blobs: s.cfg.BlobBase(r)}
	serve, refused := s.route(x)
	if refused != nil {
		return *refused
	}
	if refused := x.checkPublisher(); refused != nil {
		return *refused
	}
	if refused := x.readBody(); refused != nil {
		return *refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return serve(s, x)
}

// authorize refuses tokens that are not good enough.
func (s *Server) authorize(r *http.Request, settings *Settings) (kit.Claims, *reply) {
	x := &exchange{r: r, settings: settings}
	token, ok := kit.BearerToken(r.Header)
	claims, good := kit.Claims{}, false
	if ok {
		claims, good = s.cfg.Check(token)
	}
	if good && slices.Contains(settings.Audiences, strings.TrimSuffix(claims.Audience, "/")) {
		return claims, nil
	}
	// The words of the gateway at this host.
	message := "Unauthorized: Invalid Authorization header"
	if good {
		message += ", incorrect audience"
	}
	refused := x.refuse(failure{status: http.StatusUnauthorized, shape: kit.ShapeGateway, message: message}).
		with("Www-Authenticate", `Bearer error="invalid_token"`)
	return claims, &refused
}

// readBody reads the body of a request that may have one.
func (x *exchange) readBody() *reply {
	body, err := io.ReadAll(io.LimitReader(x.r.Body, maxBody+1))
	var refused reply
	switch {
	case err != nil:
		refused = x.refuse(failure{status: http.StatusBadRequest, shape: kit.ShapeText, message: "The request body could not be read."})
	case len(body) > maxBody:
		refused = x.refuse(failure{status: http.StatusRequestEntityTooLarge, shape: kit.ShapeEmpty})
	case len(body) > 0 && (x.r.Method == http.MethodPost || x.r.Method == http.MethodPut):
		x.body = body
		media, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
		if err == nil && media == "application/json" {
			return nil
		}
		refused = x.refuse(failure{status: http.StatusUnsupportedMediaType, shape: kit.ShapeEmpty})
	default:
		return nil
	}
	return &refused
}

// checkPublisher is the regression of June 2026, in the order in which it was
// reported: first the header was missing, then it had to be a positive number.
func (x *exchange) checkPublisher() *reply {
	if !x.settings.RequirePublisherID {
		return nil
	}
	id := x.r.Header.Get("X-Ms-Publisherid")
	n, err := strconv.ParseInt(id, 10, 64)
	if err == nil && n > 0 {
		return nil
	}
	f := failure{status: http.StatusBadRequest, shape: kit.ShapeException, field: "x-ms-publisherId", message: "The x-ms-publisherId field is required."}
	if id != "" {
		f.message = "'Seller ID' (seller_id) is required and must be a positive number"
	}
	refused := x.refuse(f)
	return &refused
}

// query returns a parameter whose name is matched without regard to case.
func (x *exchange) query(name string) string {
	all, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return "" // what can be read of it is not worth guessing
	}
	for k, v := range all {
		if strings.EqualFold(k, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// object reads the request's body into the form of a kind.
func (s *Server) object(x *exchange, name string) (in, out object, refused *reply) {
	in, err := parseObject(x.body)
	if err != nil {
		r := x.invalid(faults{"": {"A non-empty request body is required."}})
		return nil, nil, &r
	}
	out, bad := s.kinds[name].read(in)
	if len(bad) > 0 {
		r := x.invalid(bad)
		return in, out, &r
	}
	return in, out, nil
}

// nextID returns a GUID for a new resource. The lock is held.
func (s *Server) nextID() string {
	s.count++
	return kit.GUID(s.cfg.Seed, "ingestion", s.count)
}

// nextNumber returns an id of 19 digits, more than a float64 can hold. The lock is
// held.
func (s *Server) nextNumber(base uint64) string {
	s.count++
	return strconv.FormatUint(base+kit.Mix(s.cfg.Seed^s.count)%1_000_000_000_000+s.count<<40, 10)
}

// etag returns a new entity tag in the form of Cosmos DB: quoted, with the time of
// the write in seconds at the end.
func (s *Server) etag(now time.Time) string {
	return fmt.Sprintf(`"%s-0000-0800-0000-%08x0000"`, s.cfg.IDs.Next()[:8], uint32(now.Unix())) //nolint:gosec // Cosmos DB writes 32 bits
}

var errNoProduct = errors.New("there is no such product")

// The index knows products by their ids and by their offer ids, in lower case.
func idKey(id string) string       { return "id " + strings.ToLower(id) }
func offerKey(offer string) string { return "offer " + strings.ToLower(offer) }

// product finds a product by its id, nil if there is none. The lock is held.
func (s *Server) product(id string) *product { return s.index[idKey(id)] }

// taken reports whether another product has the offer id. The lock is held.
func (s *Server) taken(p *product) bool { return p.Offer != "" && s.index[offerKey(p.Offer)] != nil }

// keep adds a product to the end of the storage order. The lock is held.
func (s *Server) keep(p *product) {
	s.products = append(s.products, p)
	s.index[idKey(p.ID)] = p
	if p.Offer != "" {
		s.index[offerKey(p.Offer)] = p
	}
}

// forget removes a product and its files. The lock is held.
func (s *Server) forget(p *product) {
	s.dropFiles(p)
	s.products = slices.DeleteFunc(s.products, func(o *product) bool { return o == p })
	delete(s.index, idKey(p.ID))
	if p.Offer != "" {
		delete(s.index, offerKey(p.Offer))
	}
}
