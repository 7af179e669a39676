package blob

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	maxBlockID = 64     // bytes, decoded
	maxBlocks  = 50_000 // of one blob
)

// block is a part of a blob.
type block struct {
	id      string // as sent
	content []byte
}

// putBlock keeps a block until it is committed or thrown away.
func (s *Server) putBlock(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("blockid")
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil || len(raw) == 0 || len(raw) > maxBlockID {
		s.fail(w, r, http.StatusBadRequest, "InvalidQueryParameterValue", "Value for one of the query parameters specified in the request URI is invalid. QueryParameterName: blockid")
		return
	}
	content, sum, ok := s.body(w, r, maxBlock)
	if !ok {
		return
	}
	if len(content) == 0 {
		s.fail(w, r, http.StatusBadRequest, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format. HeaderName: Content-Length")
		return
	}
	if !s.stage(r.URL.Path, block{id, content}) {
		s.fail(w, r, http.StatusBadRequest, "InvalidBlobOrBlock", "The specified blob or block content is invalid.")
		return
	}
	s.created(w, nil, sum)
}

// stage keeps a block. All ids of a blob must be of one length.
func (s *Server) stage(path string, put block) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.entry(path)
	for id := range b.staged {
		if len(id) != len(put.id) {
			return false
		}
	}
	if b.staged == nil {
		b.staged = make(map[string]block)
	}
	b.staged[put.id] = put
	return true
}

// putBlockList makes a blob of blocks. All others are thrown away.
func (s *Server) putBlockList(w http.ResponseWriter, r *http.Request) {
	body, sum, ok := s.body(w, r, maxList)
	if !ok {
		return
	}
	list, err := parseBlockList(body)
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, "InvalidXmlDocument", "XML specified is not syntactically valid: "+err.Error())
		return
	}
	if len(list) > maxBlocks {
		s.fail(w, r, http.StatusBadRequest, "BlockListTooLong", "The block list may not contain more than 50,000 blocks.")
		return
	}
	md5, err := base64.StdEncoding.DecodeString(r.Header.Get("x-ms-blob-content-md5"))
	if err != nil || len(md5) != 0 && len(md5) != 16 {
		s.fail(w, r, http.StatusBadRequest, "InvalidMd5", "The MD5 value specified in the request is invalid. MD5 value must be 128 bits and base64-encoded.")
		return
	}
	if !s.mayReplace(w, r) {
		return
	}
	d := &data{meta: metadata(r), modified: s.clock.Now()}
	if len(md5) != 0 {
		d.md5 = md5
	}
	ok, err = s.commit(r.URL.Path, list, d, Properties{ContentType: contentType(r)}, sum)
	switch {
	case err != nil:
		s.fail(w, r, http.StatusInternalServerError, "InternalError", err.Error())
	case !ok:
		s.fail(w, r, http.StatusBadRequest, "InvalidBlockList", "The specified block list is invalid.")
	default:
		s.created(w, d, sum)
	}
}

// commit reports false when the list names a block that is not there.
func (s *Server) commit(path string, list []choice, d *data, props Properties, listHash []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.entry(path)
	blocks := make([]block, 0, len(list))
	var parts parts
	for _, c := range list {
		found, ok := b.find(c)
		if !ok {
			return false, nil
		}
		blocks = append(blocks, found)
		parts.add(found.content)
	}
	d.content = &parts
	if err := s.store(b, d, props, listHash); err != nil {
		return false, err
	}
	b.committed = blocks
	return true, nil
}

// find looks for a block where the list says it is.
func (b *entry) find(c choice) (block, bool) {
	if staged, ok := b.staged[c.id]; ok && c.from != "Committed" {
		return staged, true
	}
	if c.from != "Uncommitted" {
		for _, old := range b.committed {
			if old.id == c.id {
				return old, true
			}
		}
	}
	return block{}, false
}

// choice is an entry of a block list: Latest, Committed or Uncommitted.
type choice struct{ from, id string }

func parseBlockList(body []byte) ([]choice, error) {
	var list struct {
		XMLName xml.Name `xml:"BlockList"`
		Items   []struct {
			XMLName xml.Name `xml:""`
			ID      string   `xml:",chardata"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	out := make([]choice, 0, len(list.Items))
	for _, item := range list.Items {
		from := item.XMLName.Local
		if from != "Latest" && from != "Committed" && from != "Uncommitted" {
			return nil, errors.New("element " + from)
		}
		out = append(out, choice{from, strings.TrimSpace(item.ID)})
	}
	return out, nil
}

// getBlockList tells which blocks there are.
func (s *Server) getBlockList(w http.ResponseWriter, r *http.Request) {
	kind := cmp.Or(r.URL.Query().Get("blocklisttype"), "committed")
	if kind != "committed" && kind != "uncommitted" && kind != "all" {
		s.fail(w, r, http.StatusBadRequest, "InvalidQueryParameterValue", "Value for one of the query parameters specified in the request URI is invalid. QueryParameterName: blocklisttype")
		return
	}
	s.mu.Lock()
	b := s.entry(r.URL.Path)
	committed, staged, d := b.committed, slices.SortedFunc(maps.Values(b.staged), byID), b.data
	s.mu.Unlock()
	if d == nil && len(staged) == 0 {
		s.fail(w, r, http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
		return
	}
	type listed struct {
		Name string `xml:"Name"`
		Size int    `xml:"Size"`
	}
	type group struct {
		Block []listed `xml:"Block"`
	}
	var out struct {
		XMLName     xml.Name `xml:"BlockList"`
		Committed   *group   `xml:"CommittedBlocks"`
		Uncommitted *group   `xml:"UncommittedBlocks"`
	}
	list := func(blocks []block) *group {
		g := &group{}
		for _, b := range blocks {
			g.Block = append(g.Block, listed{b.id, len(b.content)})
		}
		return g
	}
	if kind != "uncommitted" {
		out.Committed = list(committed)
	}
	if kind != "committed" {
		out.Uncommitted = list(staged)
	}
	text, err := xml.Marshal(out)
	if err != nil {
		s.fail(w, r, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	text = append([]byte("\ufeff"+`<?xml version="1.0" encoding="utf-8"?>`), text...)
	h := w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if d != nil {
		h.Set("ETag", d.etag)
		h.Set("Last-Modified", d.modified.Format(http.TimeFormat))
		h.Set("x-ms-blob-content-length", strconv.FormatInt(d.content.Size(), 10))
	}
	_, _ = w.Write(text)
}

func byID(a, b block) int { return strings.Compare(a.id, b.id) }

func hasRight(r *http.Request, right rune) bool {
	return strings.ContainsRune(r.URL.Query().Get("sp"), right)
}

// parts is a content that consists of blocks.
type parts struct {
	blocks [][]byte
	ends   []int64
}

func (p *parts) add(content []byte) {
	p.blocks = append(p.blocks, content)
	p.ends = append(p.ends, p.Size()+int64(len(content)))
}

// Size implements [Content].
func (p *parts) Size() int64 {
	if len(p.ends) == 0 {
		return 0
	}
	return p.ends[len(p.ends)-1]
}

// ReadAt implements [io.ReaderAt].
func (p *parts) ReadAt(b []byte, off int64) (int, error) {
	n := 0
	i, _ := slices.BinarySearch(p.ends, off+1) // the first that ends behind off
	for ; i < len(p.blocks) && n < len(b); i++ {
		start := p.ends[i] - int64(len(p.blocks[i]))
		n += copy(b[n:], p.blocks[i][off+int64(n)-start:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Close implements [Content].
func (*parts) Close() error { return nil }
