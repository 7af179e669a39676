package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// version tells one state of a file from another.
type version struct {
	etag     string // with its quotes; empty if the store sends none
	modified string // Last-Modified, as sent
	size     int64
	md5      []byte // of the whole file; nil if the store offers none
}

// strong reports whether the store promises that equal tags mean equal bytes.
// Only then can a range be joined to bytes of an earlier answer.
func (v version) strong() bool { return v.etag != "" && !strings.HasPrefix(v.etag, "W/") }

func (v version) same(other version) bool {
	if v.size != other.size || v.etag != other.etag {
		return false
	}
	return v.strong() || v.modified == other.modified
}

// span is what one request asks for: the bytes from off up to but not including
// end, or to the end of the file when end is negative.
type span struct{ off, end int64 }

func (s span) whole() bool { return s.off == 0 && s.end < 0 }

func (s span) header() string {
	if s.end < 0 {
		return fmt.Sprintf("bytes=%d-", s.off)
	}
	return fmt.Sprintf("bytes=%d-%d", s.off, s.end-1)
}

// request asks for a span of the file behind u and checks the answer's header.
// With a known version any other one is [partnercenter.ErrChanged]. The stream may begin before
// the span: a store that knows no ranges sends the whole file.
func request(ctx context.Context, do Doer, u *url.URL, want span, known *version, limits settings) (*stream, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	dog := newWatchdog(limits.stall, cancel)
	req, err := http.NewRequestWithContext(dog.trace(ctx), http.MethodGet, "", http.NoBody)
	if err != nil {
		cancel(nil)
		return nil, fmt.Errorf("building the request: %w", err)
	}
	req.URL, req.Host = u, u.Host // not through the parser, whose message would quote the link
	req.Header.Set("Accept-Encoding", "identity")
	if !want.whole() {
		req.Header.Set("Range", want.header())
	}
	if known != nil && known.strong() {
		req.Header.Set("If-Match", known.etag)
	}
	resp, err := do.Do(req)
	dog.retire()
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		err = noAnswer(ctx, req.Method, u, err)
		cancel(nil)
		return nil, err
	}
	s := &stream{body: resp.Body, ctx: ctx, cancel: cancel, dog: dog, url: u}
	resp.Body = guarded{s}
	if err := s.accept(resp, want, known); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// accept looks at the answer's header.
func (s *stream) accept(resp *http.Response, want span, known *version) error {
	switch resp.StatusCode {
	case http.StatusOK, http.StatusPartialContent:
	default:
		return s.refusal(resp, want, known)
	}
	if resp.Uncompressed {
		return s.bad(resp, false, "the transport has unpacked the file; switch its decompression off, since lengths and ranges count the bytes as stored")
	}
	s.version = version{etag: resp.Header.Get("ETag"), modified: resp.Header.Get("Last-Modified")}
	if resp.StatusCode == http.StatusOK {
		if resp.ContentLength < 0 {
			return s.bad(resp, false, "the store does not say how long the file is, so that a broken transfer would look like a whole one")
		}
		s.off, s.end, s.version.size = 0, resp.ContentLength, resp.ContentLength
		s.version.md5 = storedMD5(resp.Header.Get("Content-MD5"))
		s.noRanges = !want.whole() || strings.EqualFold(resp.Header.Get("Accept-Ranges"), "none")
	} else {
		if want.whole() {
			return s.bad(resp, true, "the store answers a request for the whole file with a part of it")
		}
		got, err := parseContentRange(resp.Header.Get("Content-Range"))
		if err != nil {
			return s.bad(resp, true, err.Error())
		}
		s.version.size = got.total
		if known != nil && !s.version.same(*known) {
			return fmt.Errorf("%w: %s", partnercenter.ErrChanged, describe(*known, s.version))
		}
		last := want.end - 1
		if want.end < 0 || known == nil && last >= got.total {
			last = got.total - 1 // asked for up to the end, or without knowing where that is
		}
		length := got.last - got.first + 1
		if got.first != want.off || got.last != last || resp.ContentLength >= 0 && resp.ContentLength != length {
			return s.bad(resp, true, fmt.Sprintf("the store answers %s with Content-Range %d-%d/%d and Content-Length %d",
				want.header(), got.first, got.last, got.total, resp.ContentLength))
		}
		s.off, s.end = got.first, got.last+1
	}
	s.from, s.sum = s.off, newAnswerSum(resp.Header)
	if sum := storedMD5(resp.Header.Get("x-ms-blob-content-md5")); sum != nil {
		s.version.md5 = sum
	}
	if known != nil && !s.version.same(*known) {
		return fmt.Errorf("%w: %s", partnercenter.ErrChanged, describe(*known, s.version))
	}
	return nil
}

// refusal makes an error of a status other than 200 and 206.
func (s *stream) refusal(resp *http.Response, want span, known *version) error {
	e := storeError(resp, http.MethodGet, s.url)
	switch status := resp.StatusCode; {
	case status == http.StatusPreconditionFailed && known != nil,
		status == http.StatusRequestedRangeNotSatisfiable && want.off > 0:
		return fmt.Errorf("%w: %w", partnercenter.ErrChanged, e)
	case passing(status):
		return &brokenError{err: e, retried: true}
	}
	return e
}

// bad makes an error of an answer that looks like a success but is none.
func (s *stream) bad(resp *http.Response, again bool, message string) error {
	e := &partnercenter.Error{
		Method: http.MethodGet, Path: s.url.EscapedPath(), StatusCode: resp.StatusCode, Message: message,
		RequestID: resp.Header.Get("x-ms-request-id"), Attempts: 1,
	}
	if again {
		return &brokenError{err: e}
	}
	return e
}

func describe(known, now version) string {
	if known.size != now.size {
		return fmt.Sprintf("it had %d bytes and now has %d", known.size, now.size)
	}
	return fmt.Sprintf("its ETag was %.80q and now is %.80q", known.etag, now.etag)
}

// stream is the body of an answer: the bytes of the file from off to end.
type stream struct {
	version  version
	off, end int64 // of the next byte, and behind the last one
	noRanges bool  // the store has shown that it knows none
	from     int64 // where the answer begins
	sum      *answerSum

	body   io.ReadCloser
	ctx    context.Context // of the request whose body this is
	cancel context.CancelCauseFunc
	dog    *watchdog
	url    *url.URL
}

// Read delivers the next bytes of the file, never more than were announced. At
// their end it returns io.EOF; an answer that ends before is a [brokenError]. With
// the last bytes it returns [partnercenter.ErrCorrupt] when the answer is not what
// the store's checksum of it says.
func (s *stream) Read(p []byte) (int, error) {
	if s.off == s.end {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), s.end-s.off)]
	n, err := s.read(p)
	s.off += int64(n)
	if s.sum != nil {
		_, _ = s.sum.sum.Write(p[:n]) // hashes return no errors
	}
	switch {
	case s.off == s.end && s.sum != nil:
		return n, s.sum.verify(s.from, s.end)
	case s.off == s.end || err == nil:
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, &brokenError{err: &partnercenter.Error{
		Method: http.MethodGet, Path: s.url.EscapedPath(), Attempts: 1,
		Err: fmt.Errorf("the answer broke off at byte %d of %d: %w", s.off, s.version.size, err),
	}}
}

// read is one guarded Read of the body.
func (s *stream) read(p []byte) (int, error) {
	s.dog.arm()
	n, err := s.body.Read(p)
	s.dog.disarm()
	if err != nil && !errors.Is(err, io.EOF) {
		if cause := context.Cause(s.ctx); cause != nil {
			err = cause
		}
	}
	return n, err
}

// Close ends the request. A body that has been read to its end leaves its
// connection to the next request.
func (s *stream) Close() error {
	s.dog.disarm()
	err := s.body.Close()
	s.cancel(nil)
	return err
}

// guarded is the raw body for error answers, under the same watchdog.
type guarded struct{ s *stream }

func (g guarded) Read(p []byte) (int, error) { return g.s.read(p) }
func (g guarded) Close() error               { return g.s.body.Close() }
