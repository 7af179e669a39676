package transfer

import (
	"context"
	"errors"
	"net/http"
)

// Stored asks the store for the size and the MD5 of the blob that a link leads to.
// The checksum is nil if the store has none. That there is no blob is an error that
// matches partnercenter.ErrNotFound.
//
// https://learn.microsoft.com/rest/api/storageservices/get-blob-properties
func Stored(ctx context.Context, at Target) (size int64, md5 []byte, err error) {
	w := newUploadWire(at, (*UploadOptions)(nil).withDefaults())
	answer, err := w.do(ctx, uploadRequest{method: http.MethodHead, want: http.StatusOK})
	if err != nil {
		return 0, nil, err
	}
	if answer.length < 0 {
		return 0, nil, errors.New("the store does not say how long the file is")
	}
	return answer.length, storedMD5(answer.header.Get("Content-MD5")), nil
}
