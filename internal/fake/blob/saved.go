package blob

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Written is a blob that a client has written, described so that a successor of the
// server can have it too.
type Written struct {
	Path        string      `json:"path"`
	ContentType string      `json:"contentType"`
	ETag        string      `json:"etag,omitempty"`
	MD5         []byte      `json:"md5,omitempty"`
	Meta        http.Header `json:"meta,omitempty"`
	Modified    time.Time   `json:"modified,omitzero"`
	Blocks      []BlockSize `json:"blocks,omitempty"` // of the content, in order
	Content     []byte      `json:"-"`
}

// BlockSize is a committed block.
type BlockSize struct {
	ID   string `json:"id"`
	Size int    `json:"size"`
}

// Written describes a blob; false if there is none.
func (s *Server) Written(path string) (Written, bool) {
	content, ok := s.Read(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blobs[path]
	if !ok || b == nil || b.data == nil || int(b.data.content.Size()) != len(content) {
		return Written{}, false // or it is just being replaced: then its next version is described
	}
	d := b.data
	w := Written{Path: path, ContentType: b.props.ContentType, ETag: d.etag, MD5: d.md5, Meta: d.meta, Modified: d.modified, Content: content}
	for _, c := range b.committed {
		w.Blocks = append(w.Blocks, BlockSize{c.id, len(c.content)})
	}
	return w, true
}

// Rewrite puts a blob back as it was.
func (s *Server) Rewrite(w Written) error {
	if err := s.Put(w.Path, Bytes(w.Content), w.Modified, Properties{ContentType: w.ContentType}); err != nil {
		return err
	}
	if w.ETag == "" {
		return nil // described by an older version
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.entry(w.Path)
	b.data.etag, b.data.md5, b.data.meta = w.ETag, w.MD5, w.Meta
	rest := w.Content
	for _, c := range w.Blocks {
		if c.Size < 0 || c.Size > len(rest) {
			return fmt.Errorf("blob %s: its blocks are not its content", w.Path)
		}
		b.committed = append(b.committed, block{c.ID, rest[:c.Size:c.Size]})
		rest = rest[c.Size:]
	}
	return nil
}

// Paths lists the paths at which there is something, if only a link.
func (s *Server) Paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.blobs))
}

// Staged returns the content of a block that waits to be committed; false if there is
// none.
func (s *Server) Staged(path, id string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.blobs[path]; b != nil {
		put, ok := b.staged[id]
		return put.content, ok
	}
	return nil, false
}

// Stage puts such a block back.
func (s *Server) Stage(path, id string, content []byte) error {
	if !s.stage(path, block{id, content}) {
		return fmt.Errorf("blob %s: the ids of its blocks differ in length", path)
	}
	return nil
}

// history is what the store remembers of a path beyond its content.
type history struct {
	Generation int `json:"generation,omitempty"` // of links
	Version    int `json:"version"`
}

// Snapshot writes down which links were made worthless, and how often blobs were
// written, so that those that are made again have the same ETag.
func (s *Server) Snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]history)
	for path, b := range s.blobs {
		if b.generation > 0 || b.version > 1 {
			out[path] = history{b.generation, b.version}
		}
	}
	return json.Marshal(out)
}

// Restore continues where another store was. This one must be empty: blobs are put into
// it afterwards.
func (s *Server) Restore(snapshot []byte) error {
	var in map[string]history
	if err := json.Unmarshal(snapshot, &in); err != nil {
		return fmt.Errorf("snapshot of files: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, h := range in {
		b := s.entry(path)
		// The next one that is put there is the one that there was.
		b.generation, b.version = h.Generation, max(h.Version-1, 0)
	}
	return nil
}
