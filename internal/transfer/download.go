package transfer

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the checksum that the store offers; not for security
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

const (
	// copyBuffer is how much is collected before it is written.
	copyBuffer = 256 << 10
	// saveInterval is how much time a crash may cost: as often, what has arrived
	// is synced and the sidecar says so.
	saveInterval = 2 * time.Second
	// sidecarRoom is how much of a part is given up for its sidecar on a full disk.
	sidecarRoom = 64 << 10
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
// MD5 when the store offers one (Content-MD5 or x-ms-blob-content-md5), as must the
// CRC-64 of an answer that comes with one (x-ms-content-crc64) and has been read to
// its end; bytes that do not match are deleted and reported as [partnercenter.ErrCorrupt].
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
	// board shows what is there when that is more than the first off bytes, or
	// may be: while several connections are used.
	board    *board
	later    map[int64]*running // of what lies behind the first bytes, by its start
	alone    bool               // one connection: the store knows no ranges
	latency  time.Duration      // from the first request to its answer; 0: unknown
	best     int64              // the most that one connection has got to in this version
	resumed  int64
	restarts int
	vouched  int64     // what the sidecar on disk speaks for
	saved    time.Time // when it was written
	checked  bool      // an answer has confirmed the version

	summing sync.Mutex // guards sums and off while several connections are used
	sums    digest     // of the first off bytes
	off     int64
}

// running is the sum of a span that may become longer.
type running struct {
	crc hash.Hash32
	end int64
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
	d.meter.now(d.held(), d.total())
	verified := false
	if err = d.fill(ctx); err == nil {
		verified, err = d.verify(ctx)
	}
	switch {
	case errors.Is(err, partnercenter.ErrCorrupt):
		d.discard()
		return none, fmt.Errorf("%w; what has been received is deleted, run again", err)
	case err != nil:
		d.meter.now(d.held(), d.total())
		return none, d.keep(err)
	}
	if err := d.finish(); err != nil {
		return none, err
	}
	d.meter.now(d.off, d.total())
	return partnercenter.DownloadResult{
		Path: d.path, Bytes: d.off, Resumed: d.resumed, Restarts: d.restarts, ETag: d.version.etag,
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
	v := old.version()
	if !v.strong() {
		return d.clear()
	}
	kept, sums, err := intact(ctx, d.file, info.Size(), old)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("%s cannot be read: %w; delete it, or set NoResume", d.part, err)
	}
	if len(kept) == 0 {
		return d.clear()
	}
	if err := d.file.Truncate(kept[len(kept)-1].End); err != nil { // what follows was never vouched for
		return err
	}
	old.Ranges = kept
	d.state, d.version, d.sums = old, &v, sums
	there := old.spans()
	if there[0].off == 0 {
		d.off = there[0].end
	}
	if d.off < total(there) {
		d.board = newBoard(v.size, d.limits.least(), there)
	}
	d.best, d.resumed, d.vouched = d.off, total(there), total(there)
	d.saved = time.Now()
	return nil
}

// intact returns the ranges of a sidecar that the part file of the given size
// really holds, and the digest of the first one if that begins at the beginning.
func intact(ctx context.Context, f partFile, size int64, old sidecar) (kept []doneRange, sums digest, err error) {
	sums = newDigest(len(old.MD5) != 0)
	for _, r := range old.Ranges {
		if r.End > size {
			continue
		}
		var into io.Writer = sums
		crc := sums.crc
		if r.Start > 0 {
			crc = newCRC()
			into = crc
		}
		if err := readBack(causeOf(ctx), f, span{r.Start, r.End}, into); err != nil {
			return nil, sums, err
		}
		if crc.Sum32() == r.CRC {
			kept = append(kept, r)
		} else if r.Start == 0 {
			sums = newDigest(len(old.MD5) != 0)
		}
	}
	return kept, sums, nil
}

// never is for what is not to be interrupted.
func never() error { return nil }

// causeOf tells why a context has ended, if it has.
func causeOf(ctx context.Context) func() error { return func() error { return context.Cause(ctx) } }

// readBack reads a span of the file, unless something ends that.
func readBack(ended func() error, f io.ReaderAt, s span, into io.Writer) error {
	buf := make([]byte, min(copyBuffer, s.end-s.off))
	for s.off < s.end {
		if err := ended(); err != nil {
			return err
		}
		n, err := f.ReadAt(buf[:min(int64(len(buf)), s.end-s.off)], s.off)
		_, _ = into.Write(buf[:n]) // hashes return no errors
		if s.off += int64(n); s.off < s.end && err != nil {
			return err
		}
	}
	return nil
}

// held is how many bytes of the file are on disk.
func (d *download) held() int64 {
	if d.board != nil {
		return d.board.done()
	}
	return d.off
}

// clear empties the part file. The sidecar goes first: it must never speak for
// bytes of another version.
func (d *download) clear() error {
	if err := removeSidecar(d.side); err != nil {
		return err
	}
	d.version, d.board, d.later, d.checked, d.vouched = nil, nil, nil, false, 0
	d.state.ETag, d.state.Size, d.state.MD5, d.state.Ranges = "", -1, nil, nil
	return d.rewind()
}

// rewind begins at the first byte again.
func (d *download) rewind() error {
	d.off, d.resumed, d.sums = 0, 0, newDigest(d.version != nil && d.version.md5 != nil)
	return d.file.Truncate(0)
}

// fill requests what is missing until nothing is.
func (d *download) fill(ctx context.Context) error {
	for !d.checked || d.off < d.version.size {
		err := d.advance(ctx)
		switch {
		case err == nil:
		case errors.Is(err, errNoRanges):
			err = d.goAlone()
		case errors.Is(err, partnercenter.ErrChanged):
			if d.restarts == maxRestarts {
				return err
			}
			d.fetch.log.LogAttrs(ctx, slog.LevelWarn, "download begins again",
				slog.String("file", d.fetch.label()), slog.String("path", d.path),
				slog.Int64("given_up", d.held()), slog.String("error", err.Error()))
			d.restarts, d.best = d.restarts+1, 0
			err = d.clear()
		default:
			err = d.fetch.recover(ctx, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// advance fetches over several connections where that is possible and worth it,
// over one otherwise.
func (d *download) advance(ctx context.Context) error {
	if d.board == nil && d.version != nil && d.version.strong() && !d.alone &&
		d.limits.parallel > 1 && d.version.size-d.off > d.limits.first() {
		d.board = newBoard(d.version.size, d.limits.least(), []span{{0, d.off}})
	}
	if d.board != nil {
		return d.share(ctx, nil)
	}
	return d.step(ctx)
}

// goAlone goes on with one connection from what is there without a gap.
func (d *download) goAlone() error {
	if err := d.sumRest(); err != nil {
		return err
	}
	d.alone, d.board, d.later = true, nil, nil
	if err := d.vouch(nil); err != nil { // the sidecar must not list what is cut off now
		return err
	}
	return d.file.Truncate(d.off)
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
	var s *stream
	var err error
	if d.version == nil {
		asked := time.Now()
		s, err = d.fetch.first(ctx, d.limits.first())
		d.latency = time.Since(asked)
	} else {
		s, err = d.fetch.get(ctx, want, d.version)
	}
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := d.begin(s, want); err != nil {
		return err
	}
	if s.end < s.version.size {
		d.board = newBoard(s.version.size, d.limits.least(), nil)
		return d.share(ctx, s)
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
	d.saved = time.Now() // nothing yet, and no sidecar speaks for anything else
	return nil
}

// copy writes the body to the part file.
func (d *download) copy(s *stream) error {
	buf := make([]byte, min(copyBuffer, max(s.end-s.off, 1)))
	for {
		n, err := gather(s, buf)
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
func gather(s *stream, buf []byte) (int, error) {
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
	n, err := d.file.WriteAt(p, d.off)
	_, _ = d.sums.Write(p[:n])
	d.off += int64(n)
	return err
}

// sumNext adds the next bytes of the file, of those before end, to the digest.
func (d *download) sumNext(buf []byte, end int64) error {
	d.summing.Lock()
	defer d.summing.Unlock()
	if d.off >= end { // somebody else has
		return nil
	}
	n, err := d.file.ReadAt(buf[:min(int64(len(buf)), end-d.off)], d.off)
	_, _ = d.sums.Write(buf[:n])
	if d.off += int64(n); n > 0 {
		return nil
	}
	return err
}

// sumAtHand adds bytes that have just been written at off to the digest if they are
// the next ones and nobody else is adding any: it saves reading them back.
func (d *download) sumAtHand(p []byte, off int64) {
	if !d.summing.TryLock() {
		return
	}
	defer d.summing.Unlock()
	if d.off == off {
		_, _ = d.sums.Write(p)
		d.off += int64(len(p))
	}
}

// summed is how many of the first bytes are in the digest.
func (d *download) summed() int64 {
	d.summing.Lock()
	defer d.summing.Unlock()
	return d.off
}

// sumRest adds everything that is there without a gap to the digest.
func (d *download) sumRest() error {
	if d.board == nil {
		return nil
	}
	buf := make([]byte, copyBuffer)
	for front := d.board.front(); d.off < front; {
		if err := d.sumNext(buf, front); err != nil {
			return err
		}
	}
	return nil
}

// save makes what has arrived safe: first the bytes, then the word for them.
func (d *download) save() error {
	ranges, err := d.settle()
	if err != nil {
		return err
	}
	return d.vouch(ranges)
}

// settle syncs what has arrived and lists it with its checksums.
func (d *download) settle() ([]doneRange, error) {
	d.summing.Lock()
	first := doneRange{Start: 0, End: d.off, CRC: d.sums.crc.Sum32()}
	d.summing.Unlock()
	var there []span
	if d.board != nil {
		there = d.board.there()
	}
	if err := d.file.Sync(); err != nil {
		return nil, err
	}
	var ranges []doneRange
	if first.End > 0 {
		ranges = append(ranges, first)
	}
	later := make(map[int64]*running)
	for _, s := range there {
		if s.off == 0 { // summed up as far as the digest has got; that is close behind
			continue
		}
		r := d.later[s.off]
		if r == nil {
			r = &running{newCRC(), s.off}
		}
		if err := readBack(never, d.file, span{r.end, s.end}, r.crc); err != nil {
			return nil, err
		}
		r.end, later[s.off] = s.end, r
		ranges = append(ranges, doneRange{Start: s.off, End: s.end, CRC: r.crc.Sum32()})
	}
	d.later = later
	return ranges, nil
}

// shorten gives up the end of the part.
func (d *download) shorten(ranges []doneRange) ([]doneRange, error) {
	if len(ranges) == 0 {
		return nil, nil
	}
	ranges, last := ranges[:len(ranges)-1], ranges[len(ranges)-1]
	last.End = max(last.End-sidecarRoom, last.Start)
	if err := d.file.Truncate(last.End); err != nil {
		return nil, err
	}
	if last.End == last.Start {
		return ranges, nil
	}
	crc := newCRC()
	if err := readBack(never, d.file, span{last.Start, last.End}, crc); err != nil {
		return nil, err
	}
	last.CRC = crc.Sum32()
	return append(ranges, last), nil
}

// vouch replaces the sidecar.
func (d *download) vouch(ranges []doneRange) error {
	next := d.state
	next.Ranges = append([]doneRange{}, ranges...)
	if err := next.save(d.side); err != nil {
		return err
	}
	d.state, d.vouched, d.saved = next, total(next.spans()), time.Now()
	if d.vouched > 0 {
		return nil // should a power failure undo the rename: the old sidecar claims less
	}
	return syncDir(filepath.Dir(d.side))
}

// keep ends a run that has failed: what has arrived stays for the next one. Where
// nobody could go on from, nothing stays.
func (d *download) keep(cause error) error {
	if d.held() == 0 || d.version == nil || !d.version.strong() {
		d.discard()
		return cause
	}
	if d.vouched != d.held() {
		d.saveAtLast() // or the last sidecar stands
	}
	if d.vouched == 0 {
		d.discard()
		return cause
	}
	return fmt.Errorf("%w (%d of %d bytes are kept; the next run goes on from there)", cause, d.vouched, d.version.size)
}

// saveAtLast is save for a run that has failed. On a full disk it gives up a bit of
// the part, so that there is room for the word for the rest. When it fails itself,
// the cause of all is still what the caller has to know.
func (d *download) saveAtLast() {
	if d.sumRest() != nil {
		return
	}
	ranges, err := d.settle()
	if err != nil || d.vouch(ranges) == nil {
		return
	}
	if ranges, err = d.shorten(ranges); err == nil {
		_ = d.vouch(ranges)
	}
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
		return false, fmt.Errorf("%w: %s has %d bytes instead of %d, so something else has written to it",
			partnercenter.ErrCorrupt, d.part, info.Size(), d.version.size)
	}
	want := d.version.md5
	if want == nil {
		return false, nil
	}
	if d.sums.md5 == nil { // the store offers it only since this run
		h := md5.New() //nolint:gosec // as above
		if err := readBack(causeOf(ctx), d.file, span{0, d.off}, h); err != nil {
			return false, err
		}
		d.sums.md5 = h
	}
	if got := d.sums.md5.Sum(nil); !bytes.Equal(got, want) {
		return false, fmt.Errorf("%w: the MD5 of the %d bytes received is %x, the store's is %x",
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
