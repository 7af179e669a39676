package transfer

import (
	"crypto/md5" //nolint:gosec // the checksum that the store offers; not for security
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// checksum is a SHA-256 that is written as hexadecimal text.
type checksum [sha256.Size]byte

func (c checksum) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, c[:]), nil }

func (c *checksum) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(c)) {
		return fmt.Errorf("a SHA-256 has %d digits, not %d", hex.EncodedLen(len(c)), len(text))
	}
	_, err := hex.Decode(c[:], text)
	return err
}

// digest sums the bytes of a file in their order.
type digest struct {
	sha hash.Hash
	md5 hash.Hash // nil when the store offers none to compare with
}

func newDigest(withMD5 bool) digest {
	d := digest{sha: sha256.New()}
	if withMD5 {
		d.md5 = md5.New() //nolint:gosec // as above
	}
	return d
}

func (d digest) Write(p []byte) (int, error) {
	_, _ = d.sha.Write(p) // hashes return no errors
	if d.md5 != nil {
		_, _ = d.md5.Write(p)
	}
	return len(p), nil
}

// sum is the SHA-256 of what was written so far.
func (d digest) sum() (c checksum) {
	d.sha.Sum(c[:0])
	return c
}
