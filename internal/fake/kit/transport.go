package kit

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Transport carries requests to handlers in the same process, as if a network and
// net/http's server and client lay in between: bodies stream, a cancelled context
// ends the exchange on both sides, an aborted handler is a lost connection, and
// what the wire would change (header spelling, Content-Length, HEAD, transparent
// gzip) is changed here, too.
//
// It runs one goroutine per request, which ends when the handler returns; closing
// the response body makes it and waits for it. All waiting is on channels made by
// the request itself, so it works inside a testing/synctest bubble.
type Transport struct {
	// Route picks the handler for a URL. An error is what the request ends with.
	Route func(u *url.URL, h http.Header) (http.Handler, error)
	// Now is the time for Date headers.
	Now func() time.Time
}

// UnknownHost is the error of a name that cannot be resolved.
func UnknownHost(host string) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
}

// ErrRefused is the error of a dial to a port that nobody listens on.
func ErrRefused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// ErrReset is the error of a connection that the other side has reset.
func ErrReset() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	handler, err := t.prepare(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	x, err := newExchange(req, t.Now)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	go x.serve(handler)
	select {
	case err := <-x.ready:
		if err != nil {
			x.stop()
			x.abort(err)
			<-x.done
			return nil, err
		}
		return x.response(), nil
	case <-req.Context().Done():
		cause := context.Cause(req.Context())
		x.abort(cause)
		return nil, cause
	}
}

func (t *Transport) prepare(req *http.Request) (http.Handler, error) {
	switch {
	case req.URL == nil:
		return nil, errors.New("http: nil Request.URL")
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return nil, fmt.Errorf("unsupported protocol scheme %q", req.URL.Scheme)
	case req.URL.Host == "":
		return nil, errors.New("http: no Host in request URL")
	}
	for name, values := range req.Header {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }) {
			return nil, fmt.Errorf("net/http: invalid header field name %q", name)
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return nil, fmt.Errorf("net/http: invalid header field value for %q", name)
			}
		}
	}
	if req.Context().Err() != nil {
		return nil, context.Cause(req.Context())
	}
	return t.Route(req.URL, req.Header)
}

// exchange is one request on its way.
type exchange struct {
	req    *http.Request // the client's
	in     *http.Request // the handler's
	now    func() time.Time
	cancel context.CancelFunc // of the handler's context
	stop   func() bool        // stops watching the client's context
	gunzip bool               // the client did not ask for gzip itself

	ready chan error    // one value: nil when the header is there
	done  chan struct{} // closed when the handler's goroutine ends

	pr   *io.PipeReader
	pw   *io.PipeWriter
	once sync.Once // abort

	// Used by the handler's goroutine only; header and status are read by the
	// client's after ready.
	header   http.Header // the handler's
	fixed    http.Header // a copy as it was when the status was set
	sent     http.Header // a copy as it went out
	status   int
	length   int64 // declared, -1 if not
	body     *bufio.Writer
	pending  []byte // before the header went out
	written  int64  // what the handler tried to write
	accepted int64  // what of it fitted the declared length
	released bool
	lost     error // what a dropped connection looks like
}

// sniffed is how much of a body the server holds back before it sends the
// header; a shorter body gets a Content-Length.
const sniffed = 2048

func newExchange(req *http.Request, now func() time.Time) (*exchange, error) {
	// The handler is another program as far as the client can tell: it sees the
	// end of the client's context, not its values.
	ctx, cancel := context.WithCancel(context.Background())
	x := &exchange{
		req: req, now: now, cancel: cancel,
		ready: make(chan error, 1), done: make(chan struct{}),
		header: make(http.Header), length: -1,
	}
	x.pr, x.pw = io.Pipe()
	target := req.URL.RequestURI()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		cancel()
		return nil, err
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	header := make(http.Header, len(req.Header)+3)
	for name, values := range req.Header {
		key := http.CanonicalHeaderKey(name)
		for _, v := range values {
			header.Add(key, strings.Trim(v, " \t"))
		}
	}
	if _, set := header["User-Agent"]; !set {
		header.Set("User-Agent", "Go-http-client/1.1")
	} else if header.Get("User-Agent") == "" {
		header.Del("User-Agent")
	}
	if header.Get("Accept-Encoding") == "" && header.Get("Range") == "" && method != http.MethodHead {
		header.Set("Accept-Encoding", "gzip")
		x.gunzip = true
	}
	in := &http.Request{
		Method: method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Host: host, RequestURI: target, RemoteAddr: "192.0.2.1:49152", Body: http.NoBody,
	}
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		if method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
			header.Set("Content-Length", "0")
		}
	case req.ContentLength > 0:
		in.ContentLength = req.ContentLength
		header.Set("Content-Length", strconv.FormatInt(req.ContentLength, 10))
		in.Body = &sized{r: req.Body, want: req.ContentLength}
	default: // unknown
		in.ContentLength = -1
		in.TransferEncoding = []string{"chunked"}
		header.Del("Content-Length")
		in.Body = io.NopCloser(req.Body)
	}
	if req.URL.Scheme == "https" {
		in.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: req.URL.Hostname()}
	}
	x.in = in.WithContext(ctx)                                                                  //nolint:contextcheck // the handler must not see the client's values
	x.stop = context.AfterFunc(req.Context(), func() { x.abort(context.Cause(req.Context())) }) //nolint:contextcheck // it is the context in question
	return x, nil
}

// sized is a request body that must have the length its request declares.
type sized struct {
	r    io.Reader
	want int64
	got  int64
}

func (s *sized) Read(p []byte) (int, error) {
	if s.got >= s.want {
		return 0, io.EOF
	}
	n, err := s.r.Read(upTo(p, s.want-s.got))
	s.got += int64(n)
	if err == io.EOF && s.got < s.want {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (s *sized) Close() error { return nil }

// abort ends the exchange from the client's side, or because a side was lost:
// reading the response fails with err, and the handler's context ends.
func (x *exchange) abort(err error) {
	x.once.Do(func() {
		_ = x.pw.CloseWithError(err)
		x.cancel()
		if x.req.Body != nil {
			_ = x.req.Body.Close()
		}
	})
}

func (x *exchange) serve(handler http.Handler) {
	defer close(x.done)
	defer x.cancel()
	finished := false
	defer func() {
		if finished {
			return
		}
		// The handler gave up. http.ErrAbortHandler is its way to do so.
		switch p := recover(); {
		case x.lost != nil:
		case p == http.ErrAbortHandler && x.released: //nolint:errorlint // a panic value, compared as net/http does
			x.lost = io.ErrUnexpectedEOF
		case p == http.ErrAbortHandler: //nolint:errorlint // as above
			x.lost = io.EOF
		default:
			x.lost = fmt.Errorf("handler for %s panicked: %v", x.in.URL.Path, p)
		}
		x.fail(x.lost)
	}()
	handler.ServeHTTP(x, x.in)
	x.finish()
	finished = true
}

func (x *exchange) fail(err error) {
	_ = x.pw.CloseWithError(err)
	if x.req.Body != nil {
		_ = x.req.Body.Close()
	}
	if !x.released {
		x.released = true
		x.ready <- err
	}
}

// finish is what net/http's server does when a handler returns.
func (x *exchange) finish() {
	if !x.released {
		if x.status == 0 {
			x.WriteHeader(http.StatusOK)
		}
		if x.length < 0 && x.bodyAllowed() && x.fixed.Get("Content-Length") == "" &&
			(x.in.Method != http.MethodHead || len(x.pending) > 0) {
			x.length = int64(len(x.pending))
			x.fixed.Set("Content-Length", strconv.Itoa(len(x.pending)))
		}
		x.release()
	}
	if x.body != nil {
		_ = x.body.Flush()
	}
	if x.length >= 0 && x.accepted < x.length && x.bodyAllowed() && x.in.Method != http.MethodHead {
		x.fail(io.ErrUnexpectedEOF)
		return
	}
	_ = x.pw.Close()
	if x.req.Body != nil {
		_ = x.req.Body.Close()
	}
}

// Header implements [http.ResponseWriter].
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader implements [http.ResponseWriter].
func (x *exchange) WriteHeader(status int) {
	if x.status != 0 {
		return
	}
	x.status = status
	x.fixed = x.header.Clone()
	if n, err := strconv.ParseInt(x.fixed.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		x.length = n
	}
}

// Write implements [http.ResponseWriter].
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if !x.bodyAllowed() {
		return 0, http.ErrBodyNotAllowed
	}
	if x.written += int64(len(p)); x.length >= 0 && x.written > x.length {
		return 0, http.ErrContentLength
	}
	x.accepted += int64(len(p))
	if !x.released {
		if len(x.pending)+len(p) <= sniffed {
			x.pending = append(x.pending, p...)
			return len(p), nil
		}
		x.pending = append(x.pending, p[:min(len(p), 512)]...) // for the content type
		x.release()
		if _, err := x.send(p[min(len(p), 512):]); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return x.send(p)
}

// send writes to the client; the body of an answer to HEAD ends here.
func (x *exchange) send(p []byte) (int, error) {
	if x.in.Method == http.MethodHead {
		return len(p), nil
	}
	return x.body.Write(p)
}

// FlushError serves [http.ResponseController].
func (x *exchange) FlushError() error {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if !x.released {
		x.release()
	}
	return x.body.Flush()
}

// Flush implements [http.Flusher].
func (x *exchange) Flush() { _ = x.FlushError() }

// drop loses the connection.
func (x *exchange) drop(how Drop) {
	switch how {
	case DropRefuse:
		x.lost = ErrRefused()
	default:
		x.lost = ErrReset()
	}
}

// release sends the header and what of the body is pending.
func (x *exchange) release() {
	x.released = true
	h := make(http.Header, len(x.fixed)+2)
	for name, values := range x.fixed {
		key := http.CanonicalHeaderKey(name)
		for _, v := range values {
			h.Add(key, strings.Trim(strings.NewReplacer("\r", " ", "\n", " ").Replace(v), " \t"))
		}
	}
	if h.Get("Date") == "" {
		h.Set("Date", x.now().UTC().Format(http.TimeFormat))
	}
	if _, set := h["Content-Type"]; !set && x.bodyAllowed() && len(x.pending) > 0 && h.Get("Content-Encoding") == "" {
		h.Set("Content-Type", http.DetectContentType(x.pending))
	}
	switch {
	case !x.bodyAllowed():
		h.Del("Content-Length")
		x.length = 0
	case x.length < 0:
		h.Del("Content-Length") // it was no number
	}
	x.sent = h
	size := int64(32 << 10)
	if x.length >= 0 {
		size = min(size, max(x.length, 16))
	}
	x.body = bufio.NewWriterSize(x.pw, int(size))
	x.ready <- nil
	_, _ = x.send(x.pending) // a client that left shows in the next write
	x.pending = nil
}

func (x *exchange) bodyAllowed() bool {
	return x.status >= 200 && x.status != http.StatusNoContent && x.status != http.StatusNotModified
}

// response is what the client gets once the header is there.
func (x *exchange) response() *http.Response {
	resp := &http.Response{
		Status:     strconv.Itoa(x.status) + " " + http.StatusText(x.status),
		StatusCode: x.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        x.sent,
		ContentLength: x.length,
		Request:       x.req,
		TLS:           x.in.TLS,
		Body:          &responseBody{x: x},
	}
	if x.length < 0 && x.in.Method != http.MethodHead {
		resp.TransferEncoding = []string{"chunked"}
	}
	if x.gunzip && x.length != 0 && strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength = -1
		resp.Uncompressed = true
		resp.Body = &gunzipBody{body: resp.Body}
	}
	return resp
}

// responseBody is the client's end of the exchange.
type responseBody struct {
	x      *exchange
	got    int64 // used by Read only
	mu     sync.Mutex
	closed bool
}

func (b *responseBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	if closed {
		return 0, http.ErrBodyReadAfterClose
	}
	// As on the wire, a declared length is the end, whatever the handler does
	// after it.
	known := b.x.length >= 0 && b.x.in.Method != http.MethodHead
	if known && b.got == b.x.length {
		return 0, io.EOF
	}
	n, err := b.x.pr.Read(p)
	b.got += int64(n)
	if known && b.got == b.x.length && (err == nil || err == io.EOF) { //nolint:errorlint // the pipe's own end
		b.x.stop()
		return n, io.EOF
	}
	if err != nil {
		b.x.stop()
		if err == io.EOF { //nolint:errorlint // the pipe's own end
			<-b.x.done
		}
	}
	return n, err
}

func (b *responseBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	b.x.stop()
	b.x.abort(http.ErrBodyReadAfterClose)
	<-b.x.done
	return nil
}

// gunzipBody is net/http's transparent decompression.
type gunzipBody struct {
	body io.ReadCloser
	zr   *gzip.Reader
	err  error
}

func (g *gunzipBody) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	if g.zr == nil {
		if g.zr, g.err = gzip.NewReader(g.body); g.err != nil {
			return 0, g.err
		}
	}
	return g.zr.Read(p)
}

func (g *gunzipBody) Close() error { return g.body.Close() }
