package transfer

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the checksum that the store offers; not for security
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc64"
	"net/http"
	"sync"

	"github.com/partnercenter-go/partnercenter"
)

// storedMD5 decodes an MD5 header; nil if there is none that could be one.
func storedMD5(header string) []byte {
	sum, err := base64.StdEncoding.DecodeString(header)
	if err != nil || len(sum) != md5.Size {
		return nil
	}
	return sum
}

// azureCRC64 is the polynomial of x-ms-content-crc64, reversed (CRC-64/NVME).
const azureCRC64 = 0x9A6C9329AC4BC9B5

// answerSum compares the bytes of one answer with the checksum that the store has
// sent along with it (Learn, "Get Blob": x-ms-content-crc64).
type answerSum struct {
	sum  hash.Hash64
	want []byte
}

// newAnswerSum returns nil when the store offers no checksum.
func newAnswerSum(h http.Header) *answerSum {
	want, err := base64.StdEncoding.DecodeString(h.Get("x-ms-content-crc64"))
	if err != nil || len(want) != crc64.Size {
		return nil
	}
	return &answerSum{crc64.New(crc64.MakeTable(azureCRC64)), want}
}

// verify is for when all of the answer has been written to the sum.
func (a *answerSum) verify(from, to int64) error {
	if got := binary.LittleEndian.AppendUint64(nil, a.sum.Sum64()); !bytes.Equal(got, a.want) {
		return fmt.Errorf("%w: the CRC-64 of the bytes %d to %d is %x, the store's is %x", partnercenter.ErrCorrupt, from, to-1, got, a.want)
	}
	return nil
}

// frontSum compares a file that is read front to back with the store's checksum
// of it. As soon as a reader jumps ahead it gives up: archives have checksums of
// their own. It is safe for concurrent use.
type frontSum struct {
	mu   sync.Mutex
	sum  hash.Hash // nil when there is nothing to compare any more
	want []byte
	at   int64
	size int64
}

func (f *frontSum) start(v version) {
	if v.md5 != nil {
		f.sum, f.want, f.size = md5.New(), v.md5, v.size //nolint:gosec // see the import
	}
}

// read notes what has been read at off.
func (f *frontSum) read(p []byte, off int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	end := off + int64(len(p))
	switch {
	case f.sum == nil || end <= f.at:
		return nil
	case off > f.at:
		f.sum = nil
		return nil
	}
	_, _ = f.sum.Write(p[f.at-off:]) // hashes return no errors
	if f.at = end; f.at < f.size {
		return nil
	}
	if got := f.sum.Sum(nil); !bytes.Equal(got, f.want) {
		return fmt.Errorf("%w: the MD5 of the %d bytes received is %x, the store's is %x", partnercenter.ErrCorrupt, f.size, got, f.want)
	}
	f.sum = nil
	return nil
}
