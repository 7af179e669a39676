package transfer

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the checksum that the store offers; not for security
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

const (
	// copyBuffer is how much is collected before it is written.
	copyBuffer = 256 << 10
	// saveInterval is how much time a crash may cost: as often, what has arrived
	// is synced and the sidecar says so.
	saveInterval = 2 * time.Second
	// maxRestarts is how often in one download the file may turn out to be
	// another one.
	maxRestarts = 3
)

// DownloadFile writes the file to path. It collects the bytes in path + ".part",
// with a sidecar path + ".part.json" that says what they are, and renames the
// part when it is whole, checked and synced; a file that was there before is
// replaced in that moment and not earlier. The file's mode is 0600. Where path is
// a symbolic link, the link is replaced.
//
// When the download fails, or the process dies, part and sidecar stay, and the
// next call with the same path and Source.Identity goes on from there, provided
// that the file in the store is still the same (strong ETag) and the part still
// has its checksum. It starts over by itself when that is not so, when the store
// answers a request for the rest with the whole file, and when the sidecar is
// missing or unreadable. A part of another identity is an error, since somebody
// may want to finish it; NoResume overrules that.
//
// Broken answers, stalls and server errors in the middle are mended as described
// at [partnercenter.DownloadOptions]. In the end the length must be right, and the
// MD5 when the store offers one (Content-MD5 or x-ms-blob-content-md5); bytes that
// do not match it are deleted and reported as [partnercenter.ErrCorrupt].
//
// Other errors are [*partnercenter.Error] values, [partnercenter.ErrBusy] when another download
// is writing the part, [partnercenter.ErrChanged] when the file changes again and again,
// file system errors such as [syscall.ENOSPC], the cause of the context's end, or
// what Source.Link has returned.
func DownloadFile(ctx context.Context, src Source, path string, opts *partnercenter.DownloadOptions) (partnercenter.DownloadResult, error) {
	return downloadWith(ctx, src, path, opts, openPart)
}

func downloadWith(ctx context.Context, src Source, path string, opts *partnercenter.DownloadOptions,
	open func(string) (partFile, error),
) (partnercenter.DownloadResult, error) {
	if err := src.check(); err != nil {
		return partnercenter.DownloadResult{}, err
	}
	if src.Identity == "" {
		return partnercenter.DownloadResult{}, errors.New("transfer: Source.Identity is empty")
	}
	limits := newSettings(opts)
	d := newDownload(src, path, limits)
	res, err := d.run(ctx, open)
	if err != nil {
		name := d.fetch.label()
		if name == "" {
			name = "file"
		}
		return partnercenter.DownloadResult{}, fmt.Errorf("downloading %s to %s: %w", name, path, err)
	}
	return res, nil
}

// download is one run of [DownloadFile].
type download struct {
	fetch            *fetcher
	limits           settings
	meter            meter
	path, part, side string
	saveEvery        time.Duration

	file    partFile
	state   sidecar  // what is on disk
	version *version // nil until an answer or the sidecar has told
	sums    digest   // of the first off bytes
	off     int64    // what the part file holds
	best    int64    // the most it has held of this version
	resumed int64
	vouched int64     // what the sidecar on disk speaks for
	saved   time.Time // when it was written
	checked bool      // an answer has confirmed the version
}

func newDownload(src Source, path string, limits settings) *download {
	return &download{
		fetch: newFetcher(src, limits), limits: limits, meter: meter{report: limits.progress},
		path: path, part: path + partSuffix, side: path + sidecarSuffix, saveEvery: saveInterval,
		state: sidecar{Version: sidecarVersion, Identity: src.Identity, Size: -1},
		sums:  newDigest(false),
	}
}

func (d *download) run(ctx context.Context, open func(string) (partFile, error)) (partnercenter.DownloadResult, error) {
	var none partnercenter.DownloadResult
	if err := checkTarget(d.path); err != nil {
		return none, err
	}
	var err error
	if d.file, err = open(d.part); err != nil {
		return none, err
	}
	defer func() { _ = d.file.Close() }() // after the rename: the lock must hold until then
	if err := d.resume(ctx); err != nil {
		return none, err
	}
	d.meter.now(d.off, d.total())
	if err := d.fill(ctx); err != nil {
		d.meter.now(d.off, d.total())
		return none, d.keep(err)
	}
	verified, err := d.verify(ctx)
	if errors.Is(err, partnercenter.ErrCorrupt) {
		d.discard()
		return none, err
	}
	if err != nil {
		return none, d.keep(err)
	}
	if err := d.finish(); err != nil {
		return none, err
	}
	d.meter.now(d.off, d.total())
	return partnercenter.DownloadResult{
		Path: d.path, Bytes: d.off, Resumed: d.resumed, ETag: d.version.etag,
		SHA256: d.sums.sum(), MD5Verified: verified,
	}, nil
}

func (d *download) total() int64 {
	if d.version == nil {
		return -1
	}
	return d.version.size
}

// resume takes up what an earlier run has left, as far as it can be trusted.
func (d *download) resume(ctx context.Context) error {
	if d.limits.noResume {
		return d.clear()
	}
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	old, err := loadSidecar(d.side)
	if err != nil || info.Size() == 0 {
		return d.clear() // one without the other says nothing
	}
	if old.Identity != d.state.Identity {
		return fmt.Errorf("%s belongs to another download, of %.100q: finish that one, delete the file, or set NoResume", d.part, old.Identity)
	}
	piece, ok := old.prefix()
	if v := old.version(); !ok || !v.strong() || info.Size() < piece.End {
		return d.clear()
	}
	d.sums = newDigest(len(old.MD5) != 0)
	if err := readBack(ctx, d.file, piece.End, d.sums); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("%s cannot be read: %w; delete it, or set NoResume", d.part, err)
	}
	if d.sums.sum() != piece.SHA256 {
		return d.clear()
	}
	if err := d.file.Truncate(piece.End); err != nil { // what follows was never vouched for
		return err
	}
	old.Ranges = []doneRange{piece}
	d.state, d.version = old, new(old.version())
	d.off, d.best, d.resumed, d.vouched = piece.End, piece.End, piece.End, piece.End
	d.saved = time.Now()
	return nil
}

// readBack reads the first n bytes of the file and leaves it positioned there.
func readBack(ctx context.Context, f partFile, n int64, into io.Writer) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	const piece = 4 << 20
	for n > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m, err := io.CopyN(into, f, min(n, piece))
		if err != nil {
			return err
		}
		n -= m
	}
	return nil
}

// clear empties the part file. The sidecar goes first: it must never speak for
// bytes of another version.
func (d *download) clear() error {
	if err := removeSidecar(d.side); err != nil {
		return err
	}
	d.version, d.checked, d.vouched = nil, false, 0
	d.state.ETag, d.state.Size, d.state.MD5, d.state.Ranges = "", -1, nil, nil
	return d.rewind()
}

// rewind begins at the first byte again.
func (d *download) rewind() error {
	d.off, d.resumed, d.sums = 0, 0, newDigest(d.version != nil && d.version.md5 != nil)
	if err := d.file.Truncate(0); err != nil {
		return err
	}
	_, err := d.file.Seek(0, io.SeekStart)
	return err
}

// fill requests what is missing until nothing is.
func (d *download) fill(ctx context.Context) error {
	restarts := 0
	for !d.checked || d.off < d.version.size {
		err := d.step(ctx)
		if errors.Is(err, partnercenter.ErrChanged) {
			if restarts++; restarts > maxRestarts {
				return err
			}
			if err := d.clear(); err != nil {
				return err
			}
			d.best = 0
			continue
		}
		if err != nil {
			if err := d.fetch.recover(ctx, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// step sends one request for the rest and takes what it brings.
func (d *download) step(ctx context.Context) error {
	if d.version != nil && !d.version.strong() {
		if err := d.clear(); err != nil { // the rest might be of another version
			return err
		}
	}
	want := span{d.off, -1}
	if d.version != nil && d.off == d.version.size && d.off > 0 {
		want.off-- // whole already: one byte tells whether the store still agrees
	}
	s, err := d.fetch.get(ctx, want, d.version)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := d.begin(s, want); err != nil {
		return err
	}
	if s.off < d.off { // the one byte, already there
		if _, err := io.CopyN(io.Discard, s, d.off-s.off); err != nil {
			return err
		}
	}
	return d.copy(s)
}

// begin prepares the part file for the answer that s is.
func (d *download) begin(s *stream, want span) error {
	if err := tooLarge(s.version.size, d.limits); err != nil {
		return err
	}
	d.checked = true
	if d.version != nil {
		if s.off < want.off { // the whole file in place of its rest
			if err := d.vouch(nil); err != nil {
				return err
			}
			if err := d.rewind(); err != nil {
				return err
			}
		}
		if s.version.md5 != nil {
			d.version.md5, d.state.MD5 = s.version.md5, s.version.md5
		}
		return nil
	}
	d.version = new(s.version)
	d.sums = newDigest(d.version.md5 != nil)
	d.state.ETag, d.state.Size, d.state.MD5 = s.version.etag, s.version.size, s.version.md5
	return d.vouch(nil)
}

// copy writes the body to the part file.
func (d *download) copy(s *stream) error {
	buf := make([]byte, min(copyBuffer, max(s.end-s.off, 1)))
	for {
		n, err := d.gather(s, buf)
		if n > 0 {
			if err := d.write(buf[:n]); err != nil {
				return err
			}
			if d.off > d.best {
				d.best = d.off
				d.fetch.progress()
			}
			d.meter.tick(d.off, d.version.size)
			if time.Since(d.saved) >= d.saveEvery {
				if err := d.save(); err != nil {
					return err
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// gather fills the buffer, but does not let bytes wait longer than progress is to
// be shown.
func (d *download) gather(s *stream, buf []byte) (int, error) {
	n, since := 0, time.Now()
	for n < len(buf) {
		m, err := s.Read(buf[n:])
		n += m
		if err != nil {
			return n, err
		}
		if time.Since(since) >= progressInterval {
			break
		}
	}
	return n, nil
}

func (d *download) write(p []byte) error {
	n, err := d.file.Write(p)
	_, _ = d.sums.Write(p[:n])
	d.off += int64(n)
	return err
}

// save makes what has arrived safe: first the bytes, then the word for them.
func (d *download) save() error {
	if err := d.file.Sync(); err != nil {
		return err
	}
	return d.vouch([]doneRange{{Start: 0, End: d.off, SHA256: d.sums.sum()}})
}

// vouch replaces the sidecar.
func (d *download) vouch(ranges []doneRange) error {
	next := d.state
	next.Ranges = append([]doneRange{}, ranges...)
	if err := next.save(d.side); err != nil {
		return err
	}
	d.state, d.vouched, d.saved = next, 0, time.Now()
	if piece, ok := next.prefix(); ok {
		d.vouched = piece.End
		return nil // should a power failure undo the rename: the old sidecar claims less
	}
	return syncDir(filepath.Dir(d.side))
}

// keep ends a run that has failed: what has arrived stays for the next one. Where
// nobody could go on from, nothing stays.
func (d *download) keep(cause error) error {
	if d.off == 0 || d.version == nil || !d.version.strong() {
		d.discard()
		return cause
	}
	if d.vouched != d.off {
		// When this fails, as it may on a full disk, the last sidecar stands. The
		// cause is what the caller has to know.
		_ = d.save()
	}
	if d.vouched == 0 {
		return cause
	}
	return fmt.Errorf("%w (%d of %d bytes are kept; the next run goes on from there)", cause, d.vouched, d.version.size)
}

// discard removes part and sidecar.
func (d *download) discard() {
	_ = removeSidecar(d.side)
	_ = os.Remove(d.part)
}

// verify compares the length on disk and the store's checksum.
func (d *download) verify(ctx context.Context) (bool, error) {
	info, err := d.file.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() != d.version.size {
		return false, fmt.Errorf("%w: %s has %d bytes instead of %d, so something else has written to it; it has been deleted",
			partnercenter.ErrCorrupt, d.part, info.Size(), d.version.size)
	}
	want := d.version.md5
	if want == nil {
		return false, nil
	}
	if d.sums.md5 == nil { // the store offers it only since this run
		h := md5.New() //nolint:gosec // as above
		if err := readBack(ctx, d.file, d.off, h); err != nil {
			return false, err
		}
		d.sums.md5 = h
	}
	if got := d.sums.md5.Sum(nil); !bytes.Equal(got, want) {
		return false, fmt.Errorf("%w: the MD5 of the %d bytes received is %x, the store's is %x; they have been deleted, run again",
			partnercenter.ErrCorrupt, d.off, got, want)
	}
	return true, nil
}

// finish gives the part its final name.
func (d *download) finish() error {
	if err := d.file.Sync(); err != nil {
		return d.keep(err)
	}
	if err := os.Rename(d.part, d.path); err != nil {
		return d.keep(err)
	}
	if err := removeSidecar(d.side); err != nil {
		return err
	}
	return syncDir(filepath.Dir(d.path))
}
