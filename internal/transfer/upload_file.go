package transfer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"
)

// uploadFile is what is uploaded.
type uploadFile struct {
	stream io.Reader   // read once, from where it stands
	at     io.ReaderAt // or, when not nil, read from start as often as it takes
	start  int64
	size   int64 // -1: unknown until it has been read

	disk     *os.File // when it is one
	modified time.Time
}

// newUploadFile finds out what content can do.
func newUploadFile(content io.Reader) (*uploadFile, error) {
	stream := &uploadFile{stream: content, size: -1}
	f := &uploadFile{}
	if disk, ok := content.(*os.File); ok {
		info, err := disk.Stat()
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			return nil, fmt.Errorf("%s is a folder, not a file", disk.Name())
		case !info.Mode().IsRegular():
			return stream, nil // pipes and devices cannot be read twice
		}
		f.disk, f.modified = disk, info.ModTime()
	}
	c, ok := content.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return stream, nil
	}
	var err error
	if f.start, err = c.Seek(0, io.SeekCurrent); err != nil {
		return stream, nil //nolint:nilerr // it has the method, but no use of it
	}
	end, err := c.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("finding the end of the content: %w", err)
	}
	if _, err := c.Seek(f.start, io.SeekStart); err != nil {
		return nil, fmt.Errorf("going back in the content: %w", err)
	}
	f.at, f.size = c, max(end-f.start, 0)
	return f, nil
}

func (f *uploadFile) rereadable() bool { return f.at != nil }

// unchanged is an error when the file on disk is no longer the one whose reading
// began: its blocks would be of different states.
func (f *uploadFile) unchanged() error {
	if f.disk == nil {
		return nil
	}
	info, err := f.disk.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.start+f.size || !info.ModTime().Equal(f.modified) {
		return fmt.Errorf("%s has changed while it was uploaded; nothing of it was made a blob", f.disk.Name())
	}
	return nil
}

// read begins to read the content in blocks.
func (f *uploadFile) read(blockSize int64) *blockReader {
	r := &blockReader{file: f, from: f.stream, blockSize: blockSize, sha: sha256.New()}
	if f.at != nil {
		r.from = io.NewSectionReader(f.at, f.start, f.size)
		if least := (f.size + maxBlocks - 1) / maxBlocks; least > blockSize {
			r.blockSize = min(roundUp(least, 1<<20), maxBlockSize)
		}
	}
	return r
}

func roundUp(n, to int64) int64 { return (n + to - 1) / to * to }

// blockReader cuts content into blocks.
type blockReader struct {
	file      *uploadFile
	from      io.Reader
	blockSize int64
	count     int   // blocks so far
	done      int64 // bytes in them
	sha       hash.Hash
	ended     bool
}

// uploadBlock is a part of the content.
type uploadBlock struct {
	id   string
	data []byte
	last bool
}

// next reads the next block, into buf if that is large enough. Of content of
// unknown size the last block may be empty.
func (r *blockReader) next(buf []byte) (uploadBlock, error) {
	if r.count == maxBlocks {
		return uploadBlock{}, fmt.Errorf("the content is larger than %d bytes, which is the most that blocks of this size can hold", r.done)
	}
	want := r.size()
	known := r.file.size >= 0
	if known {
		want = min(want, r.file.size-r.done)
	}
	if int64(cap(buf)) < want {
		buf = make([]byte, want)
	}
	buf = buf[:want]
	n, err := io.ReadFull(r.from, buf)
	switch {
	case err == nil:
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return uploadBlock{}, fmt.Errorf("reading the content at byte %d: %w", r.done+int64(n), err)
	case known:
		return uploadBlock{}, fmt.Errorf("the content ended at byte %d, where it had %d: %w", r.done+int64(n), r.file.size, io.ErrUnexpectedEOF)
	default:
		r.ended = true
	}
	buf = buf[:n]
	_, _ = r.sha.Write(buf) // hashes never fail
	r.done += int64(n)
	b := uploadBlock{id: r.id(), data: buf, last: r.ended || r.done == r.file.size}
	r.count++
	return b, nil
}

// size is the size of the next block. While it is unknown how many there will be,
// they double now and then, so that there is no practical limit to their sum.
func (r *blockReader) size() int64 {
	if r.file.size >= 0 {
		return r.blockSize
	}
	const step = maxBlocks / 5
	return min(r.blockSize<<(r.count/step), maxBlockSize)
}

// id names a block by its number and the content up to its end. All ids are of the
// same length, which the store demands.
func (r *blockReader) id() string {
	raw := binary.BigEndian.AppendUint32(make([]byte, 0, 4+sha256.Size), uint32(r.count)) //nolint:gosec // at most 50,000
	raw = r.sha.Sum(raw)
	return base64.StdEncoding.EncodeToString(raw[:24]) // 20 bytes of the hash
}

// result is what has been read so far.
func (r *blockReader) result() UploadResult {
	res := UploadResult{Bytes: r.done}
	r.sha.Sum(res.SHA256[:0])
	return res
}
