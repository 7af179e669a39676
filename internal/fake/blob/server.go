package blob

import (
	"bytes"
	"cmp"
	"container/list"
	"crypto/md5" //nolint:gosec // the checksum that Azure Storage offers
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// Content is what a blob holds. Implementations must be safe for concurrent
// ReadAt calls; Close is called when the blob is replaced or deleted and no
// request reads it any more.
type Content interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Bytes is a Content in memory.
func Bytes(b []byte) Content { return &memory{bytes.NewReader(b)} }

type memory struct{ *bytes.Reader }

func (*memory) Close() error { return nil }

// Properties say how a blob is served. The zero value is a plain blob whose
// checksum is offered.
type Properties struct {
	// ContentType is the Content-Type; empty means application/octet-stream.
	ContentType string `json:"contentType"`
	// Gzip marks the blob, which then must hold gzip data, as encoded:
	// Content-Encoding: gzip.
	Gzip bool `json:"gzip"`
	// NoMD5 offers no checksum, as for blobs that were written in blocks.
	NoMD5 bool `json:"noMD5"`
	// WrongMD5 offers the checksum of other data.
	WrongMD5 bool `json:"wrongMD5"`
	// IgnoreRange answers ranged requests with 200 and the whole blob, as
	// caches in between do.
	IgnoreRange bool `json:"ignoreRange"`
	// NoETag leaves out ETag and Last-Modified.
	NoETag bool `json:"noETag"`
}

// Config is what a Server needs.
type Config struct {
	// Clock tells the time.
	Clock *kit.Clock
	// IDs makes request ids.
	IDs *kit.IDs
	// Recorder is told about broken rules.
	Recorder *kit.Recorder
	// Key signs links. Default: a new one; with the same key, links outlive the
	// server.
	Key []byte
	// InMemory and OnDisk are how many bytes are kept of the blobs that can be made
	// again. Default: 128 MiB and 8 GiB.
	InMemory, OnDisk int64
}

// Server is the fake store. It is safe for concurrent use.
type Server struct {
	clock    *kit.Clock
	ids      *kit.IDs
	recorder *kit.Recorder
	key      [32]byte

	mu           sync.Mutex
	blobs        map[string]*entry
	memory, disk shelf
}

// New makes an empty store.
func New(cfg Config) *Server {
	s := &Server{clock: cfg.Clock, ids: cfg.IDs, recorder: cfg.Recorder, blobs: make(map[string]*entry)}
	s.memory.max, s.disk.max = cmp.Or(cfg.InMemory, keepInMemory), cmp.Or(cfg.OnDisk, keepOnDisk)
	if cfg.Key != nil {
		s.key = sha256.Sum256(cfg.Key)
	} else {
		_, _ = rand.Read(s.key[:]) // never fails
	}
	return s
}

// entry is a blob under its path; data changes when the blob does. It is nil while
// there are links and perhaps blocks, but no blob.
type entry struct {
	generation int
	version    int
	props      Properties
	data       *data

	committed []block          // of data, if it was written in blocks
	staged    map[string]block // put, but not committed, by id

	shelf *shelf        // that it stands on if it can be made again
	place *list.Element // there
	gone  bool          // it was taken off, and has not been made again
}

// data is one version of a blob. It is closed when the last user lets go.
type data struct {
	content  Content
	etag     string
	md5      []byte // nil: the writer has not said
	meta     http.Header
	modified time.Time
	users    int // guarded by Server.mu; the entry is one
}

// Put stores a blob, or replaces it: the ETag depends on the content and on how
// often the path was written, so that the same blob has the same tag in another
// process.
func (s *Server) Put(path string, content Content, modified time.Time, props Properties) error {
	sum, err := md5Of(path, content)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store(s.entry(path), &data{content: content, md5: sum, modified: modified}, props, sum)
}

func md5Of(path string, content Content) ([]byte, error) {
	hash := md5.New() //nolint:gosec // see the import
	if _, err := io.Copy(hash, io.NewSectionReader(content, 0, content.Size())); err != nil {
		return nil, fmt.Errorf("reading the content of blob %s: %w", path, err)
	}
	return hash.Sum(nil), nil
}

// entry returns the entry of a path, made if there is none. The lock is held.
func (s *Server) entry(path string) *entry {
	b := s.blobs[path]
	if b == nil {
		b = &entry{}
		s.blobs[path] = b
	}
	return b
}

// store makes d the blob. Blocks that wait to be committed are gone. The lock is
// held.
func (s *Server) store(b *entry, d *data, props Properties, contentHash []byte) error {
	b.version++
	d.users = 1
	d.modified = d.modified.UTC().Truncate(time.Second)
	d.etag = fmt.Sprintf(`"0x8D%02X%s"`, b.version&0xff, strings.ToUpper(hex.EncodeToString(contentHash[:6])))
	old := b.data
	b.take()
	b.data, b.props, b.committed, b.staged, b.gone = d, props, nil, nil, false
	return s.release(old)
}

// Read returns the content of a blob; false if there is none.
func (s *Server) Read(path string) ([]byte, bool) {
	d, _ := s.open(path)
	if d == nil {
		return nil, false
	}
	defer s.done(d)
	content := make([]byte, d.content.Size())
	if _, err := d.content.ReadAt(content, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, false
	}
	return content, true
}

// SetProperties changes how the blob is served; it reports whether there is one.
func (s *Server) SetProperties(path string, change func(*Properties)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blobs[path]
	if b == nil || b.data == nil {
		return false
	}
	change(&b.props)
	return true
}

// Has reports whether there is a blob at path.
func (s *Server) Has(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blobs[path]
	return b != nil && b.data != nil
}

// Delete removes a blob, if there is one.
func (s *Server) Delete(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blobs[path]
	if b == nil {
		return nil
	}
	delete(s.blobs, path)
	b.take()
	return s.release(b.data)
}

// Close removes all blobs.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first error
	for path, b := range s.blobs {
		delete(s.blobs, path)
		b.take()
		if err := s.release(b.data); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// release lets go of a version. The lock is held.
func (s *Server) release(d *data) error {
	if d == nil {
		return nil
	}
	if d.users--; d.users > 0 {
		return nil
	}
	return d.content.Close()
}

// open returns the blob as it is now, with one more user; nil if there is none.
func (s *Server) open(path string) (*data, Properties) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blobs[path]
	if b == nil || b.data == nil {
		return nil, Properties{}
	}
	b.data.users++
	b.use()
	return b.data, b.props
}

// ServeHTTP answers requests for blobs: reading them, and writing them whole or in
// blocks.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0")
	h.Set("x-ms-version", sasVersion)
	h.Set("x-ms-request-id", s.ids.Next())
	if id := r.Header.Get("x-ms-client-request-id"); id != "" {
		h.Set("x-ms-client-request-id", id)
	}
	for _, name := range []string{"ms-correlationid", "ms-requestid"} {
		if r.Header.Get(name) != "" {
			s.recorder.Violate("%s %s: the header %s was sent to the blob host; it is for the API only", r.Method, r.URL.Path, name)
		}
	}
	if r.Header.Get("Authorization") != "" {
		s.recorder.Violate("%s %s: an Authorization header was sent to the blob host; the link carries its own permission, and the token leaks", r.Method, r.URL.Path)
		s.fail(w, r, http.StatusForbidden, "AuthenticationFailed", "The link is pre-signed: an Authorization header must not be sent with it.")
		return
	}
	op, ok := operations[operation{r.Method, r.URL.Query().Get("comp")}]
	if !ok {
		h.Set("Allow", "GET, HEAD, PUT")
		s.fail(w, r, http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
		return
	}
	if code, message := s.check(r, r.URL.Path, s.generation(r.URL.Path), op.rights); code != "" {
		s.fail(w, r, http.StatusForbidden, code, message)
		return
	}
	op.serve(s, w, r)
}

// operation is how a request says what it wants.
type operation struct{ method, comp string }

// operations are what the store can do, and of which rights a link needs one.
var operations = map[operation]struct {
	rights string
	serve  func(*Server, http.ResponseWriter, *http.Request)
}{
	{http.MethodGet, ""}:          {"r", (*Server).get},
	{http.MethodHead, ""}:         {"r", (*Server).get},
	{http.MethodPut, ""}:          {"wc", (*Server).putBlob},
	{http.MethodPut, "block"}:     {"wc", (*Server).putBlock},
	{http.MethodPut, "blocklist"}: {"wc", (*Server).putBlockList},
	{http.MethodGet, "blocklist"}: {"r", (*Server).getBlockList},
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	d, props := s.open(r.URL.Path)
	if d == nil {
		s.fail(w, r, http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
		return
	}
	defer s.done(d)
	s.serve(w, r, d, props)
}

func (s *Server) done(d *data) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.release(d) // the request has been answered: nobody could be told
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, d *data, props Properties) {
	h := w.Header()
	if !props.NoETag {
		h.Set("ETag", d.etag)
		h.Set("Last-Modified", d.modified.Format(http.TimeFormat))
	}
	if match := r.Header.Get("If-Match"); match != "" && !tagListed(match, d.etag) {
		s.fail(w, r, http.StatusPreconditionFailed, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
		return
	}
	if match := r.Header.Get("If-None-Match"); match != "" && tagListed(match, d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	size := d.content.Size()
	offset, length, status := int64(0), size, http.StatusOK
	asked := r.Header.Get("x-ms-range")
	if asked == "" {
		asked = r.Header.Get("Range")
	}
	if first, last, ok := parseRange(asked); ok && !props.IgnoreRange {
		if first >= size {
			h.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
			s.fail(w, r, http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The range specified is invalid for the current size of the resource.")
			return
		}
		if last < 0 || last >= size {
			last = size - 1
		}
		offset, length, status = first, last-first+1, http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, size))
	}
	contentType := props.ContentType
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	h.Set("Content-Type", contentType)
	h.Set("Accept-Ranges", "bytes")
	h.Set("x-ms-blob-type", "BlockBlob")
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	maps.Copy(h, d.meta)
	if props.Gzip {
		h.Set("Content-Encoding", "gzip")
	}
	if !props.NoMD5 && d.md5 != nil {
		sum := slices.Clone(d.md5)
		if props.WrongMD5 {
			sum[0] ^= 0xff
		}
		// Of a part, only the checksum of the whole is known.
		name := "Content-MD5"
		if status == http.StatusPartialContent {
			name = "x-ms-blob-content-md5"
		}
		h.Set(name, base64.StdEncoding.EncodeToString(sum))
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(w, io.NewSectionReader(d.content, offset, length)); err != nil {
		// Either the client is gone or the content is: both end the connection.
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	h := w.Header()
	h.Set("x-ms-error-code", code)
	message += fmt.Sprintf("\nRequestId:%s\nTime:%s", h.Get("x-ms-request-id"), s.clock.Now().Format("2006-01-02T15:04:05.0000000Z"))
	if r.Method == http.MethodHead {
		w.WriteHeader(status)
		return
	}
	kit.ShapeXML.Write(w, status, code, message)
}

// parseRange reads the two forms that the service documents, "bytes=a-" and
// "bytes=a-b" with last -1 for the first. Everything else, suffix and multiple
// ranges too, counts as no range, which HTTP allows; what the service itself does
// with them is not documented.
func parseRange(v string) (first, last int64, ok bool) {
	spec, ok := strings.CutPrefix(strings.TrimSpace(v), "bytes=")
	if !ok {
		return 0, 0, false
	}
	a, b, ok := strings.Cut(spec, "-")
	if !ok {
		return 0, 0, false
	}
	first, ok = parseOffset(a)
	if !ok {
		return 0, 0, false
	}
	if b == "" {
		return first, -1, true
	}
	last, ok = parseOffset(b)
	return first, last, ok && last >= first
}

func parseOffset(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// tagListed implements strong comparison with a list of entity tags.
func tagListed(list, tag string) bool {
	for t := range strings.SplitSeq(list, ",") {
		if t = strings.TrimSpace(t); t == "*" || t == tag {
			return true
		}
	}
	return false
}
