package blob

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the checksum that Azure Storage checks
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Limits of one request at the version of upload links.
const (
	maxBlob  = 256 << 20
	maxBlock = 100 << 20
	maxList  = 16 << 20
)

// putBlob stores a whole blob.
func (s *Server) putBlob(w http.ResponseWriter, r *http.Request) {
	switch kind := r.Header.Get("x-ms-blob-type"); kind {
	case "BlockBlob":
	case "":
		s.fail(w, r, http.StatusBadRequest, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified. HeaderName: x-ms-blob-type")
		return
	default:
		s.fail(w, r, http.StatusBadRequest, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format. HeaderName: x-ms-blob-type")
		return
	}
	content, sum, ok := s.body(w, r, maxBlob)
	if !ok || !s.mayReplace(w, r) {
		return
	}
	d := &data{content: Bytes(content), md5: sum, meta: metadata(r), modified: s.clock.Now()}
	s.mu.Lock()
	err := s.store(s.entry(r.URL.Path), d, Properties{ContentType: contentType(r)}, sum)
	s.mu.Unlock()
	if err != nil {
		s.fail(w, r, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	s.created(w, d, sum)
}

// contentType is what the blob shall be served as.
func contentType(r *http.Request) string {
	if t := r.Header.Get("x-ms-blob-content-type"); t != "" {
		return t
	}
	if r.URL.Query().Get("comp") != "" {
		return "" // the type of a block or of a list is not that of the blob
	}
	return r.Header.Get("Content-Type")
}

// metadata are the names and values that the writer keeps with the blob.
func metadata(r *http.Request) http.Header {
	meta := make(http.Header)
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Ms-Meta-") {
			meta[name] = values
		}
	}
	return meta
}

// mayReplace checks the conditions and the rights of a link that allows no more
// than to create.
func (s *Server) mayReplace(w http.ResponseWriter, r *http.Request) bool {
	d, _ := s.open(r.URL.Path)
	defer s.done(d)
	creates := !hasRight(r, 'w')
	switch match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match"); {
	case match != "" && (d == nil || !tagListed(match, d.etag)):
		s.fail(w, r, http.StatusPreconditionFailed, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
	case d != nil && none != "" && tagListed(none, d.etag):
		s.fail(w, r, http.StatusConflict, "BlobAlreadyExists", "The specified blob already exists.")
	case d != nil && creates:
		s.fail(w, r, http.StatusForbidden, "UnauthorizedBlobOverwrite", "This request is not authorized to perform blob overwrites.")
	default:
		return true
	}
	return false
}

// body reads the request's body and checks its length and its checksum.
func (s *Server) body(w http.ResponseWriter, r *http.Request, limit int64) (content, sum []byte, ok bool) {
	switch {
	case r.ContentLength < 0:
		s.fail(w, r, http.StatusLengthRequired, "MissingContentLengthHeader", "Content-Length HTTP header is missing.")
		return nil, nil, false
	case r.ContentLength > limit:
		s.fail(w, r, http.StatusRequestEntityTooLarge, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit.")
		return nil, nil, false
	}
	var buf bytes.Buffer
	if _, err := io.Copy(&buf, io.LimitReader(r.Body, limit+1)); err != nil || int64(buf.Len()) != r.ContentLength {
		s.fail(w, r, http.StatusBadRequest, "InvalidInput", fmt.Sprintf("The body ended after %d of %d bytes.", buf.Len(), r.ContentLength))
		return nil, nil, false
	}
	is := md5.Sum(buf.Bytes()) //nolint:gosec // see the import
	if given := r.Header.Get("Content-MD5"); given != "" {
		want, err := base64.StdEncoding.DecodeString(given)
		switch {
		case err != nil || len(want) != md5.Size:
			s.fail(w, r, http.StatusBadRequest, "InvalidMd5", "The MD5 value specified in the request is invalid. MD5 value must be 128 bits and base64-encoded.")
			return nil, nil, false
		case !bytes.Equal(want, is[:]):
			s.fail(w, r, http.StatusBadRequest, "Md5Mismatch", "The MD5 value specified in the request did not match with the MD5 value calculated by the server.")
			return nil, nil, false
		}
	}
	return buf.Bytes(), is[:], true
}

// created answers a write; d is nil if there is no blob yet.
func (s *Server) created(w http.ResponseWriter, d *data, sum []byte) {
	h := w.Header()
	h.Set("Content-Length", strconv.Itoa(0))
	h.Set("x-ms-request-server-encrypted", "true")
	if sum != nil {
		h.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum))
	}
	if d != nil {
		h.Set("ETag", d.etag)
		h.Set("Last-Modified", d.modified.Format(http.TimeFormat))
	}
	w.WriteHeader(http.StatusCreated)
}
