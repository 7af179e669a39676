package partnercenter

import (
	"errors"
	"time"
)

// Ways in which a transfer ends that a caller may want to tell apart.
var (
	// ErrChanged: the file in the store is no longer the one whose reading began.
	// It is also an [ErrConflict].
	ErrChanged error = changedError{}
	// ErrCorrupt: the bytes received are not those that the store's checksum was
	// made of. A download has thrown away what it received; run it again.
	ErrCorrupt = errors.New("checksum mismatch")
	// ErrBusy: another download, perhaps in another process, is writing to the
	// same path.
	ErrBusy = errors.New("another download to the same file is running")
)

type changedError struct{}

func (changedError) Error() string        { return "the file in the store has changed" }
func (changedError) Is(target error) bool { return target == ErrConflict }

// DownloadOptions tunes a file transfer. Zero fields, and a nil pointer, mean
// the defaults; negative numbers turn the thing off.
type DownloadOptions struct {
	// StallTimeout ends an attempt that has received no byte for this long; the
	// transfer then goes on with a new request from the byte reached. There is
	// no limit on the whole transfer other than the context. Default 30 s.
	StallTimeout time.Duration
	// MaxRetries is how often in a row a broken transfer is taken up again
	// without having received a single byte in between. Each of several parallel
	// requests counts for itself; one that gives up leaves its work to the
	// others, and the last one ends the transfer. Default 5.
	MaxRetries int
	// MaxBytes refuses files larger than this. Default: no limit.
	MaxBytes int64
	// Parallel is the most requests that one transfer keeps going at a time. It
	// begins with few, adds more while that makes it faster, and uses fewer when
	// the store asks for patience (429 or 503). A store that knows no ranges gets
	// one. Default 16, at most 1024; negative: 1.
	Parallel int
	// PartSize is how many bytes one of several parallel requests asks for, at
	// least 16 KiB. Default: about what a connection delivers in a second, or in
	// less where the store answers quickly, between 4 MiB and 32 MiB, and down to
	// 1 MiB towards the end of the file. Opening a file uses it for the first
	// request only; see ReadAhead.
	PartSize int64
	// ReadAhead is how many bytes of a file that is opened, rather than
	// downloaded to disk, are held in memory so that they are there when the
	// reader comes to them. Default 16 MiB; negative: none, which also leaves
	// only one request at a time for each place that is read.
	ReadAhead int64
	// NoResume ignores and replaces what an earlier, interrupted run has left.
	NoResume bool
	// Progress is called with the bytes that are there and the total, -1 while
	// that is unknown, from the goroutine that downloads: at the start, at most
	// about ten times a second, and at the end. Default: none.
	Progress func(done, total int64)
}

// DownloadResult says what a finished download was.
type DownloadResult struct {
	// Path is the file's final name.
	Path string
	// Bytes is the size of the file.
	Bytes int64
	// Resumed is how many of these bytes an earlier run had already fetched.
	Resumed int64
	// Restarts is how often the download began again at the first byte because
	// the file in the store had changed. What is on disk is one version only.
	Restarts int
	// ETag is the blob's entity tag, with its quotes; empty if none was sent.
	ETag string
	// SHA256 is the checksum of the file as it lies on disk.
	SHA256 [32]byte
	// MD5Verified is true when the store offered a checksum and it matched.
	MD5Verified bool
}
