package tabular

import (
	"errors"
	"io"

	"github.com/partnercenter-go/partnercenter"
)

// Inflated data beyond freeBytes may be at most defaultRatio times as large as
// the data it came from. Deflate reaches 1032:1, and only with content that says
// nothing; exports with dozens of blank or repeating columns stay well below
// 100:1. The first bytes are free so that small files, where one lucky run
// decides about the ratio, are never refused.
const (
	defaultRatio = 200
	freeBytes    = 64 << 20
)

var (
	errRead   = errors.New("this content has been ranged over before: open the file again")
	errClosed = errors.New("this content is closed: open the file again")
	errStale  = errors.New("the reader of an entry is valid until the next entry only")
)

// An Option changes how content is opened.
type Option func(*settings)

type settings struct {
	closer io.Closer
	ratio  int64
	free   int64
}

// WithCloser has c closed together with the content. When opening fails, closing
// it remains the caller's task.
func WithCloser(c io.Closer) Option { return func(s *settings) { s.closer = c } }

// WithMaxRatio refuses compressed data that inflates to more than n times its
// size. Default 200; the first 64 MiB are never refused.
func WithMaxRatio(n int64) Option { return func(s *settings) { s.ratio = n } }

func resolve(opts []Option) settings {
	s := settings{ratio: defaultRatio, free: freeBytes}
	for _, o := range opts {
		o(&s)
	}
	return s
}

// visit receives the entries one by one and says whether to go on.
type visit func(*partnercenter.Entry, error) bool

// content wraps walk in the promises that [partnercenter.Content] makes: it can
// be ranged over once and not after closing, and closing twice does nothing.
func (s settings) content(walk func(visit)) *partnercenter.Content {
	used, closed := false, false
	return partnercenter.NewContent(func(yield func(*partnercenter.Entry, error) bool) {
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
		if s.closer == nil {
			return nil
		}
		return s.closer.Close()
	})
}

// offer yields one entry and makes its reader useless afterwards, so that one
// that was kept fails loudly and does not read another entry's bytes.
func offer(e *partnercenter.Entry, yield visit) bool {
	lease := &lease{r: e.Reader}
	e.Reader = lease
	defer func() { lease.r = nil }()
	return yield(e, nil)
}

type lease struct{ r io.Reader }

func (l *lease) Read(p []byte) (int, error) {
	if l.r == nil {
		return 0, errStale
	}
	return l.r.Read(p)
}
