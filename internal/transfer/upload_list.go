package transfer

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the checksum that the store checks
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"

	"github.com/partnercenter-go/partnercenter"
)

// list asks the store for the blocks that it has, committed or not, and returns
// their sizes by their ids. A link that may not read finds none.
//
// https://learn.microsoft.com/rest/api/storageservices/get-block-list
func (w *uploadWire) list(ctx context.Context) (map[string]int64, error) {
	answer, err := w.do(ctx, uploadRequest{method: http.MethodGet, query: "comp=blocklist&blocklisttype=all", want: http.StatusOK})
	switch {
	case errors.Is(err, partnercenter.ErrNotFound), partnercenter.HasCode(err, "AuthorizationPermissionMismatch"):
		return nil, nil
	case err != nil:
		return nil, err
	}
	var list struct {
		XMLName     xml.Name      `xml:"BlockList"`
		Committed   []listedBlock `xml:"CommittedBlocks>Block"`
		Uncommitted []listedBlock `xml:"UncommittedBlocks>Block"`
	}
	if err := xml.Unmarshal(bytes.TrimPrefix(answer.body, []byte("\ufeff")), &list); err != nil {
		return nil, fmt.Errorf("the store's list of blocks (%d bytes): %w", len(answer.body), err)
	}
	sizes := make(map[string]int64, len(list.Committed)+len(list.Uncommitted))
	for _, blocks := range [][]listedBlock{list.Committed, list.Uncommitted} { // the latter ones win in a commit, too
		for _, b := range blocks {
			sizes[b.Name] = b.Size
		}
	}
	return sizes, nil
}

type listedBlock struct {
	Name string `xml:"Name"`
	Size int64  `xml:"Size"`
}

// metaSHA256 is where the checksum of a blob of blocks is kept. The store knows no
// MD5 of such a blob unless it is told, for which all of it would have to be hashed
// by that, too.
const metaSHA256 = "x-ms-meta-sha256"

// commit makes the blob of the blocks.
func (u *upload) commit(ctx context.Context, ids []string, sum [sha256.Size]byte) (etag string, err error) {
	var body bytes.Buffer
	body.WriteString(xml.Header + "<BlockList>")
	for _, id := range ids { // base64: nothing to escape
		body.WriteString("<Latest>" + id + "</Latest>")
	}
	body.WriteString("</BlockList>")
	h := uploadHeader(md5.Sum(body.Bytes())) //nolint:gosec // see the import
	h.Set("Content-Type", "application/xml")
	h.Set("x-ms-blob-content-type", blobContentType)
	h.Set(metaSHA256, hex.EncodeToString(sum[:]))
	answer, err := u.wire.do(ctx, uploadRequest{
		method: http.MethodPut, query: "comp=blocklist", header: h, body: body.Bytes(), want: http.StatusCreated,
	})
	switch {
	case err == nil:
		return answer.header.Get("ETag"), nil
	case partnercenter.HasCode(err, "InvalidBlockList"):
		return "", &lostBlocksError{err: err} // somebody else has written the blob, or a week has passed
	}
	return "", err
}

// forget makes the blob one of no blocks, by which the store forgets those that were
// not committed.
func (u *upload) forget(ctx context.Context) error {
	_, err := u.commit(ctx, nil, sha256.Sum256(nil))
	return err
}
