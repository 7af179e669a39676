package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/partnercenter-go/partnercenter"
)

// uploadWire sends the requests of an upload, each until it is answered as wanted.
// It is safe for concurrent use.
type uploadWire struct {
	doer     Doer
	links    links
	retries  int
	answered atomic.Bool // some request has been

	mu   sync.Mutex
	blob string // where all links lead to
}

func newUploadWire(to Target, o UploadOptions) *uploadWire {
	return &uploadWire{doer: to.Doer, links: links{ask: to.Link}, retries: o.MaxRetries}
}

// uploadRequest is one request about the blob.
type uploadRequest struct {
	method string
	query  string // behind that of the link
	header http.Header
	body   []byte // nil for none
	want   int    // the status that is a success
}

type uploadAnswer struct {
	header http.Header
	length int64 // as announced; of a HEAD that of the blob
	body   []byte
}

// maxUploadAnswer bounds what is read of an answer. The largest is the list of
// 50,000 committed and 100,000 other blocks.
const maxUploadAnswer = 64 << 20

// do sends a request, and again when that may help: after failures that may pass,
// and with a fresh link when the old one is refused.
func (w *uploadWire) do(ctx context.Context, r uploadRequest) (uploadAnswer, error) {
	for failures := 0; ; {
		u, err := w.link(ctx, r)
		if err != nil {
			return uploadAnswer{}, err
		}
		answer, err := w.once(ctx, u, r)
		if err == nil {
			w.answered.Store(true)
			w.links.accepted(u)
			return answer, nil
		}
		if ctx.Err() != nil {
			return uploadAnswer{}, context.Cause(ctx)
		}
		e, ok := errors.AsType[*partnercenter.Error](err)
		if ok && e.StatusCode != 0 && !passing(e.StatusCode) {
			w.answered.Store(true) // the store is there
		}
		if ok && e.StatusCode == http.StatusForbidden && e.Code != "AuthorizationPermissionMismatch" {
			switch fresh, linkErr := w.links.refused(ctx, u); {
			case linkErr != nil:
				return uploadAnswer{}, fmt.Errorf("%w; a fresh link was not to be had: %w", err, linkErr)
			case fresh:
				continue
			}
		}
		failures++
		if err := w.wait(ctx, err, failures); err != nil {
			return uploadAnswer{}, err
		}
	}
}

// wait pauses before a request is sent again; an error is that it is not.
func (w *uploadWire) wait(ctx context.Context, err error, failures int) error {
	broken, ok := errors.AsType[*brokenError](err)
	if !ok || broken.retried && !w.answered.Load() {
		return unwrapBroken(err)
	}
	e, isError := errors.AsType[*partnercenter.Error](broken.err)
	delay := backoff(failures)
	if isError {
		delay = max(delay, e.RetryAfter)
	}
	if failures > w.retries || delay > maxDelay {
		return broken.err
	}
	return pause(ctx, delay)
}

// link returns the link to send a request to.
func (w *uploadWire) link(ctx context.Context, r uploadRequest) (*url.URL, error) {
	u, err := w.links.current(ctx)
	if err != nil {
		return nil, err
	}
	if rights, ok := rightsOf(u); ok && r.method == http.MethodPut && !strings.ContainsAny(rights, "wc") {
		return nil, fmt.Errorf("the link to the file grants %q and not the right to write (w); ask for an upload link before the service is told that the file is there", rights)
	}
	blob := u.Scheme + "://" + u.Host + u.EscapedPath()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.blob == "" {
		w.blob = blob
	}
	if w.blob != blob {
		return nil, fmt.Errorf("the fresh link leads to another file (%s, not %s), which has none of the blocks sent; begin the upload anew", blob, w.blob)
	}
	return u, nil
}

// rightsOf reads what a link grants; false if it does not say.
func rightsOf(u *url.URL) (string, bool) {
	q := u.Query()
	return q.Get("sp"), q.Has("sp")
}

// once sends a request once, as far as the Doer does.
func (w *uploadWire) once(ctx context.Context, u *url.URL, r uploadRequest) (uploadAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, "", http.NoBody)
	if err != nil {
		return uploadAnswer{}, fmt.Errorf("building the request: %w", err)
	}
	// Not through the parser, whose message would quote the link.
	req.URL, req.Host = withQuery(u, r.query), u.Host
	if r.header != nil {
		req.Header = r.header.Clone()
	}
	if len(r.body) > 0 {
		body := &lentBytes{b: r.body}
		defer body.takeBack()
		req.Body, _ = body.reader() // never fails
		req.GetBody, req.ContentLength = body.reader, int64(len(r.body))
	}
	resp, err := w.doer.Do(req)
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		return uploadAnswer{}, noAnswer(ctx, r.method, u, err)
	}
	if resp.StatusCode != r.want {
		return uploadAnswer{}, unwanted(resp, r, u)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxUploadAnswer))
	if err != nil {
		return uploadAnswer{}, &brokenError{err: &partnercenter.Error{
			Method: r.method, Path: u.EscapedPath(), StatusCode: resp.StatusCode, Attempts: 1,
			Err: fmt.Errorf("the answer broke off: %w", err),
		}}
	}
	return uploadAnswer{resp.Header, resp.ContentLength, body}, nil
}

// unwanted makes an error of an answer with another status than the one wanted.
func unwanted(resp *http.Response, r uploadRequest, u *url.URL) error {
	e := storeError(resp, r.method, u)
	switch {
	case resp.StatusCode/100 == 2:
		e.Message = fmt.Sprintf("the store answers with %d, not %d; it may not be the store that answers", resp.StatusCode, r.want)
		return e
	case passing(resp.StatusCode):
		return &brokenError{err: e, retried: true}
	case e.Code == "Md5Mismatch":
		return &brokenError{err: e} // bytes have changed on their way
	}
	return e
}

// withQuery returns the link with further parameters behind its own. The link's
// query stays as it is, to the byte: its signature covers values that no encoder
// would write in the same way again, and it may begin with one that has no name.
func withQuery(link *url.URL, more string) *url.URL {
	u := *link
	switch {
	case more == "":
	case u.RawQuery == "":
		u.RawQuery = more
	case strings.HasSuffix(u.RawQuery, "&"):
		u.RawQuery += more
	default:
		u.RawQuery += "&" + more
	}
	return &u
}

// lentBytes are bytes that transports may read until they are taken back. A
// transport can still be at it when it has already returned an answer.
type lentBytes struct {
	mu sync.Mutex
	b  []byte
}

func (l *lentBytes) takeBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = nil
}

func (l *lentBytes) reader() (io.ReadCloser, error) { return &lentReader{from: l}, nil }

type lentReader struct {
	from *lentBytes
	off  int
}

// errTakenBack is seen by transports only.
var errTakenBack = errors.New("the request is over")

// Read implements [io.Reader].
func (r *lentReader) Read(p []byte) (int, error) {
	r.from.mu.Lock()
	defer r.from.mu.Unlock()
	switch {
	case r.from.b == nil:
		return 0, errTakenBack
	case r.off == len(r.from.b):
		return 0, io.EOF
	}
	n := copy(p, r.from.b[r.off:])
	r.off += n
	return n, nil
}

// Close implements [io.Closer].
func (*lentReader) Close() error { return nil }
