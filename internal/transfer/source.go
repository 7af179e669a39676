package transfer

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// Doer sends a request that carries no credentials. The blob pipeline of package
// transport is the one that API packages use.
//
// It repeats what failed before an answer began, bounds the time to the answer's
// header, follows no redirects, refuses plain http to other hosts, and hands out
// answers other than 2xx with their bodies open. The bodies it hands out must
// fail when the context of the request ends. It must be safe for concurrent use.
type Doer interface {
	Do(req *http.Request) (*http.Response, error)
}

// Source says where a file is.
type Source struct {
	// Doer sends the requests.
	Doer Doer
	// Link returns the file's pre-signed URL. It is called first with an empty
	// secret. It is called again with the link that stopped working when the
	// store has refused that with 403, or when the time of its "se" parameter
	// has passed; it must then get a new one. It is never called concurrently
	// for the same transfer.
	Link func(ctx context.Context, stale partnercenter.Secret) (partnercenter.Secret, error)
	// Identity names what is downloaded, for example the id of an export. It
	// must stay the same across links and processes: a part file is taken up
	// only by a download of the same identity. It lies readable on disk.
	Identity string
	// Name is what messages call the file. Default: the last segment of the
	// link's path.
	Name string
	// Logger is told, at level Warn, when a download begins again because the
	// file has changed. Default: silent.
	Logger *slog.Logger
}

func (s Source) check() error {
	switch {
	case s.Doer == nil:
		return errors.New("transfer: Source.Doer is nil")
	case s.Link == nil:
		return errors.New("transfer: Source.Link is nil")
	}
	return nil
}

const (
	defaultStallTimeout = 30 * time.Second
	defaultMaxRetries   = 5
	defaultParallel     = 16
	defaultReadAhead    = 16 << 20
	// minPartSize is the least that a caller may choose.
	minPartSize = 16 << 10
	// Callers may mean "without limit" by the largest number that there is. These are
	// as good as that, and leave room for adding and multiplying.
	mostParallel = 1 << 10
	mostPartSize = 1 << 50
)

// firstPart is how much the first request asks for, before anything is known of
// the file. A smaller file is transferred by that one request.
const firstPart = 4 << 20

// first is the limit of the first request; negative: none.
func (s settings) first() int64 {
	switch {
	case s.parallel == 1:
		return -1
	case s.partSize > 0:
		return s.partSize
	}
	return firstPart
}

// least is the size below which a part is not divided.
func (s settings) least() int64 {
	if s.partSize > 0 {
		return min(s.partSize, smallPart)
	}
	return smallPart
}

// settings is [partnercenter.DownloadOptions] with its defaults filled in.
type settings struct {
	stall      time.Duration // 0: none
	maxRetries int
	maxBytes   int64 // 0: no limit
	parallel   int   // at least 1
	partSize   int64 // 0: as it turns out best
	readAhead  int64 // 0: none
	noResume   bool
	progress   func(done, total int64)
}

func newSettings(opts *partnercenter.DownloadOptions) settings {
	var o partnercenter.DownloadOptions
	if opts != nil {
		o = *opts
	}
	s := settings{
		stall: o.StallTimeout, maxRetries: o.MaxRetries, maxBytes: max(o.MaxBytes, 0),
		parallel: o.Parallel, readAhead: o.ReadAhead, noResume: o.NoResume, progress: o.Progress,
	}
	if o.PartSize > 0 {
		s.partSize = min(max(o.PartSize, minPartSize), mostPartSize)
	}
	if s.parallel == 0 {
		s.parallel = defaultParallel
	}
	if s.readAhead == 0 {
		s.readAhead = defaultReadAhead
	}
	s.parallel, s.readAhead = min(max(s.parallel, 1), mostParallel), max(s.readAhead, 0)
	if s.stall == 0 {
		s.stall = defaultStallTimeout
	}
	if s.maxRetries == 0 {
		s.maxRetries = defaultMaxRetries
	}
	s.stall, s.maxRetries = max(s.stall, 0), max(s.maxRetries, 0)
	if s.progress == nil {
		s.progress = func(int64, int64) {}
	}
	return s
}
