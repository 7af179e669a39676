package transfer

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the checksum that the store keeps
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Holds reports whether the blob that a link leads to is, to the byte, what content
// holds from where it stands. It compares the size, and the checksum that the store
// or [Upload] has noted; without one it is false. That there is no blob is an error
// that matches partnercenter.ErrNotFound.
//
// https://learn.microsoft.com/rest/api/storageservices/get-blob-properties
func Holds(ctx context.Context, at Target, content io.Reader) (bool, error) {
	w := newUploadWire(at, (*UploadOptions)(nil).withDefaults())
	answer, err := w.do(ctx, uploadRequest{method: http.MethodHead, want: http.StatusOK})
	if err != nil {
		return false, err
	}
	if answer.length < 0 {
		return false, errors.New("the store does not say how long the file is")
	}
	want, hash := storedMD5(answer.header.Get("Content-MD5")), md5.New() //nolint:gosec // see the import
	if want == nil {
		hash = sha256.New()
		if want, err = hex.DecodeString(answer.header.Get(metaSHA256)); err != nil || len(want) != hash.Size() {
			return false, nil //nolint:nilerr // somebody else's note
		}
	}
	n, err := io.Copy(hash, content)
	if err != nil {
		return false, fmt.Errorf("reading the content: %w", err)
	}
	return n == answer.length && bytes.Equal(hash.Sum(nil), want), nil
}
