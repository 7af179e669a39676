package transfer

import (
	"crypto/md5" //nolint:gosec // the checksum that the store offers; not for security
	"crypto/sha256"
	"hash"
	"hash/crc32"
)

// newCRC makes the sum that tells whether bytes on this machine's disk are still
// those that were written. It costs a tenth of what a SHA-256 costs.
func newCRC() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// digest sums the bytes of a file in their order.
type digest struct {
	sha hash.Hash
	crc hash.Hash32
	md5 hash.Hash // nil when the store offers none to compare with
}

func newDigest(withMD5 bool) digest {
	d := digest{sha: sha256.New(), crc: newCRC()}
	if withMD5 {
		d.md5 = md5.New() //nolint:gosec // as above
	}
	return d
}

func (d digest) Write(p []byte) (int, error) {
	_, _ = d.sha.Write(p) // hashes return no errors
	_, _ = d.crc.Write(p)
	if d.md5 != nil {
		_, _ = d.md5.Write(p)
	}
	return len(p), nil
}

// sum is the SHA-256 of what was written so far.
func (d digest) sum() (sum [sha256.Size]byte) {
	d.sha.Sum(sum[:0])
	return sum
}
