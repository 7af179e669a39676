package transfer

import (
	"context"
	"crypto/md5" //nolint:gosec // what blob stores offer
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/memnet"
)

// canary is part of every signature that the tests hand out; no error may show it.
const canary = "CANARY+sig/value=="

// store is a small blob store. The same logic answers over TLS and in memory.
type store struct {
	mu       sync.Mutex
	data     []byte
	etag     string
	header   http.Header // sent with every file
	noRanges bool        // Range is ignored
	deaf     bool        // If-Match is ignored
	crc      bool        // a checksum of every answer is sent along
	script   func(n int, r *http.Request) fault
	requests []seen
	links    int             // given out
	revoked  map[string]bool // by signature
	lifetime time.Duration   // 0: links carry no "se"
}

// seen is what the tests want to know of a request.
type seen struct{ rng, match, remote string }

// fault is what goes wrong with one answer. The zero value is: nothing.
type fault struct {
	status       int         // answer with this status and XML
	header       http.Header // added to the answer
	cut          int64       // break off after so many bytes of the body, -1: before the first
	stall        int64       // say nothing more after so many bytes, -1: before the first
	short        int64       // end in memory, as if all were well, after so many bytes
	hang         bool        // never answer
	contentRange string      // in place of the right one
	flip         int64       // alter this bit of the body, counted from 1
	pause        time.Duration
}

func newStore(size int) *store {
	return &store{data: randomBytes(size), etag: `"0x1"`, header: http.Header{}, revoked: map[string]bool{}}
}

// randomBytes are other ones for every n.
func randomBytes(n int) []byte {
	var seed [32]byte
	copy(seed[:], strconv.Itoa(n))
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}

// seeded gives the same random numbers every time.
func seeded(seed int) *rand.Rand {
	return rand.New(rand.NewPCG(0, uint64(seed))) //nolint:gosec // tests want to be repeatable
}

func (s *store) offerMD5() {
	sum := md5.Sum(s.data) //nolint:gosec // as above
	s.header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
}

// play has requests answered by another script from now on, also while some are
// on their way.
func (s *store) play(script func(n int, r *http.Request) fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// replace puts another version in place.
func (s *store) replace(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = data
	n, _ := strconv.Atoi(strings.Trim(s.etag, `"0x`))
	s.etag = fmt.Sprintf(`"0x%d"`, n+1)
}

// expire revokes all links given out so far.
func (s *store) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.links {
		s.revoked[signature(i+1)] = true
	}
}

func signature(n int) string { return canary + strconv.Itoa(n) }

func (s *store) link(host string) func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
	return func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.links++
		q := "?sp=r"
		if s.lifetime != 0 {
			q += "&se=" + time.Now().Add(s.lifetime).UTC().Format(time.RFC3339)
		}
		q += "&sig=" + strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(signature(s.links))
		return partnercenter.NewSecret(host + "/exports/file%20one.zip" + q), nil
	}
}

// answer is the decision about one request.
type answer struct {
	status int
	header http.Header
	body   []byte
	fault  fault
}

func (s *store) answer(r *http.Request, remote string) answer {
	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(s.requests, seen{r.Header.Get("Range"), r.Header.Get("If-Match"), remote})
	script := s.script
	s.mu.Unlock()
	var f fault
	if script != nil {
		f = script(n, r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := func(status int, code string) answer {
		h := http.Header{"Content-Type": {"application/xml"}, "X-Ms-Request-Id": {"req-" + strconv.Itoa(n)}}
		body := "\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>" + code + "</Code><Message>It failed for " +
			strings.ReplaceAll(r.URL.String(), "&", "&amp;") + " sig=" + r.URL.Query().Get("sig") + ", which is " + r.URL.Query().Get("sig") + ".\nRequestId:x\nTime:y</Message></Error>"
		maps.Copy(h, f.header)
		return answer{status, h, []byte(body), fault{}}
	}
	switch {
	case r.Header.Get("Authorization") != "":
		panic("a credential reached the blob store")
	case r.Method != http.MethodGet || r.Header.Get("Accept-Encoding") != "identity":
		panic("unexpected request: " + r.Method + " " + r.Header.Get("Accept-Encoding"))
	case f.status != 0:
		return refuse(f.status, "Code"+strconv.Itoa(f.status))
	case s.revoked[r.URL.Query().Get("sig")]:
		return refuse(http.StatusForbidden, "AuthenticationFailed")
	case !s.deaf && r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != s.etag:
		return refuse(http.StatusPreconditionFailed, "ConditionNotMet")
	}
	h := s.header.Clone()
	if s.etag != "" {
		h.Set("ETag", s.etag)
	}
	body, status := s.data, http.StatusOK
	if rng := r.Header.Get("Range"); rng != "" && !s.noRanges {
		first, last := int64(0), int64(len(s.data)-1)
		from, to, _ := strings.Cut(strings.TrimPrefix(rng, "bytes="), "-")
		first, _ = strconv.ParseInt(from, 10, 64)
		if to != "" {
			last, _ = strconv.ParseInt(to, 10, 64)
		}
		if first >= int64(len(s.data)) {
			return refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
		}
		last = min(last, int64(len(s.data)-1))
		body, status = s.data[first:last+1], http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(s.data)))
		if sum := h.Get("Content-MD5"); sum != "" { // of the file, not of the range
			h.Del("Content-MD5")
			h.Set("x-ms-blob-content-md5", sum)
		}
	}
	if f.contentRange != "" {
		h.Set("Content-Range", f.contentRange)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if s.crc {
		sum := crc64.Checksum(body, crc64.MakeTable(azureCRC64))
		h.Set("x-ms-content-crc64", base64.StdEncoding.EncodeToString(binary.LittleEndian.AppendUint64(nil, sum)))
	}
	maps.Copy(h, f.header)
	if f.flip > 0 && len(body) > 0 {
		body = slices.Clone(body)
		bit := (f.flip - 1) % int64(8*len(body))
		body[bit/8] ^= 1 << (bit % 8)
	}
	return answer{status, h, body, f}
}

// ServeHTTP answers on a real connection.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := s.answer(r, r.RemoteAddr)
	if a.fault.hang {
		<-r.Context().Done()
		return
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	n := limit(a)
	_, _ = w.Write(a.body[:n])
	if n == len(a.body) && a.fault.cut == 0 && a.fault.stall == 0 {
		return
	}
	_ = http.NewResponseController(w).Flush()
	if a.fault.stall != 0 {
		<-r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

// limit is how much of the body arrives.
func limit(a answer) int {
	n := int64(len(a.body))
	for _, at := range []int64{a.fault.cut, a.fault.stall, a.fault.short} {
		if at != 0 {
			n = min(n, max(at, 0))
		}
	}
	return int(n)
}

// Do answers in memory, for tests with a clock of their own.
func (s *store) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, &partnercenter.Error{Method: r.Method, Path: r.URL.Path, Err: err}
	}
	a := s.answer(r, "memory")
	if a.fault.hang {
		<-r.Context().Done()
		return nil, &partnercenter.Error{Method: r.Method, Path: r.URL.Path, Err: context.Cause(r.Context())}
	}
	length, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64)
	if err != nil {
		length = -1
	}
	return &http.Response{
		StatusCode: a.status, Header: a.header, ContentLength: length, Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: &memoryBody{rest: a.body[:limit(a)], a: a, ctx: r.Context()},
	}, nil
}

type memoryBody struct {
	rest   []byte
	a      answer
	ctx    context.Context
	closed bool
}

func (b *memoryBody) Read(p []byte) (int, error) {
	if b.closed {
		return 0, errors.New("read after close")
	}
	if b.a.fault.pause > 0 {
		select {
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		case <-time.After(b.a.fault.pause):
		}
	}
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n := copy(p, b.rest[:min(len(b.rest), 8<<10)])
	b.rest = b.rest[n:]
	switch {
	case n > 0:
		return n, nil
	case b.a.fault.stall != 0:
		<-b.ctx.Done()
		return 0, b.ctx.Err()
	case b.a.fault.cut != 0:
		return 0, io.ErrUnexpectedEOF
	}
	return 0, io.EOF
}

func (b *memoryBody) Close() error { b.closed = true; return nil }

// memorySource is the store without a network.
func (s *store) memorySource() Source {
	return Source{Doer: s, Link: s.link("https://blob.example"), Identity: "export-1", Name: "march"}
}

// serve puts the store behind a TLS server.
func (s *store) serve(t testing.TB) Source {
	t.Helper()
	srv := httptest.NewTLSServer(s)
	srv.Config.ErrorLog = nil
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return Source{Doer: client, Link: s.link(srv.URL), Identity: "export-1", Name: "march"}
}

func (s *store) seen() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.requests...)
}

func (s *store) linksGiven() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links
}

// ranges lists the Range headers seen.
func (s *store) ranges() []string {
	var all []string
	for _, r := range s.seen() {
		all = append(all, r.rng)
	}
	return all
}

// atFirst makes a fault of the first request.
func atFirst(f fault) func(int, *http.Request) fault {
	return func(n int, _ *http.Request) fault {
		if n == 0 {
			return f
		}
		return fault{}
	}
}

// keepsSecret fails when an error shows a signature, however it is printed.
func keepsSecret(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	texts := []string{err.Error(), fmt.Sprintf("%+v|%#v|%q", err, err, err)}
	if e, ok := errors.AsType[*partnercenter.Error](err); ok {
		j, jsonErr := json.Marshal(e)
		if jsonErr != nil {
			t.Fatal(jsonErr)
		}
		texts = append(texts, string(j), string(e.Body), fmt.Sprint(e.Header), fmt.Sprint(e.LogValue()))
	}
	for _, text := range texts {
		if strings.Contains(text, "CANARY") {
			t.Errorf("an error shows the signature: %s", text)
		}
	}
}

// newNarrowServer is a server with TLS that cannot run far ahead of its reader.
func newNarrowServer(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if tcp, ok := underlying(c).(*net.TCPConn); ok {
			if err := tcp.SetWriteBuffer(narrow); err != nil {
				t.Error(err)
			}
		}
		return ctx
	}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // killed clients
	srv.StartTLS()
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv
}

func underlying(c net.Conn) net.Conn {
	if secure, ok := c.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return c
}

// narrow is a small socket buffer.
const narrow = 64 << 10

// serveInMemory runs the store behind net/http's own client and server, connected
// without a network, so that time is that of the bubble.
func (s *store) serveInMemory() (src Source, client *http.Client, stop func()) {
	l := memnet.Listen()
	srv := &http.Server{Handler: s, ReadHeaderTimeout: time.Hour}
	go func() { _ = srv.Serve(l) }()
	wire := &http.Transport{DialContext: l.Dial}
	client = &http.Client{Transport: wire}
	src = Source{Doer: client, Link: s.link("http://blob.example"), Identity: "export-1", Name: "march"}
	return src, client, func() {
		wire.CloseIdleConnections()
		_ = srv.Close()
	}
}
