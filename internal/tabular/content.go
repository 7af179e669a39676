package tabular

import (
	"errors"
	"io"

	"github.com/partnercenter-go/partnercenter"
)

// Defaults of [partnercenter.ContentLimits]. Deflate reaches 1032:1, and only with
// content that says nothing; exports with dozens of blank or repeating columns stay
// well below 100:1. The first bytes are free so that small files, where one lucky
// run decides about the ratio, are never refused for it.
const (
	defaultRatio = 200
	defaultBytes = 256 << 30
	freeBytes    = 64 << 20
)

var (
	errRead   = errors.New("this content has been ranged over before: open the file again")
	errClosed = errors.New("this content is closed: open the file again")
	errStale  = errors.New("the reader of an entry is valid until the next entry only")
)

// An Option changes how content is opened.
type Option func(*settings)

// settings belong to one content.
type settings struct {
	closer  io.Closer // nil when there is none, or not any more
	shutErr error     // what closing it has come to
	limits  func() partnercenter.ContentLimits
	free    int64
}

// WithCloser has c closed together with the content. When opening fails, closing
// it remains the caller's task.
func WithCloser(c io.Closer) Option { return func(s *settings) { s.closer = c } }

func resolve(opts []Option) *settings {
	s := &settings{free: freeBytes}
	for _, o := range opts {
		o(s)
	}
	return s
}

// visit receives the entries one by one and says whether to go on.
type visit func(*partnercenter.Entry, error) bool

// content wraps walk in the promises that [partnercenter.Content] makes: it can
// be ranged over once and not after closing, and closing twice does nothing.
func (s *settings) content(walk func(visit)) *partnercenter.Content {
	used, closed := false, false
	c := partnercenter.NewContent(func(yield func(*partnercenter.Entry, error) bool) {
		switch {
		case closed:
			yield(nil, errClosed)
		case used:
			yield(nil, errRead)
		default:
			used = true
			walk(yield)
		}
	}, func() error {
		closed = true
		return s.shut()
	})
	s.limits = func() partnercenter.ContentLimits { return c.Limits }
	return c
}

// shut closes what the content reads from, once.
func (s *settings) shut() error {
	c := s.closer
	s.closer = nil
	if c != nil {
		s.shutErr = c.Close()
	}
	err := s.shutErr
	return err
}

// offer yields one entry and makes its reader useless afterwards, so that one
// that was kept fails loudly and does not read another entry's bytes. Done, which
// may be nil, is called when nobody reads any more.
func (s *settings) offer(e *partnercenter.Entry, done func(), yield visit) bool {
	l := &lease{r: e.Reader, done: done, shut: s.shut}
	e.Reader = l
	defer func() {
		if !l.kept {
			l.end()
		}
	}()
	return yield(e, nil)
}

// lease is the reader of an entry for as long as it is valid: until the next entry
// is asked for, or until whoever has kept it ends it.
type lease struct {
	r    io.Reader
	kept bool
	done func()
	shut func() error
}

func (l *lease) Read(p []byte) (int, error) {
	if l.r == nil {
		return 0, errStale
	}
	return l.r.Read(p)
}

// keep makes the entry valid until end is called.
func (l *lease) keep() { l.kept = true }

func (l *lease) end() {
	l.r = nil
	if l.done != nil {
		l.done()
	}
	l.done = nil
}

// abort ends a read in progress, and with it the whole content.
func (l *lease) abort() { _ = l.shut() } // the error is there for whoever closes the content
