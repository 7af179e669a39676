package blob

import (
	"container/list"
	"time"
)

// What of the files that can be made again is kept by default: those in memory, and those
// on disk.
const (
	keepInMemory = 128 << 20
	keepOnDisk   = 8 << 30
)

// shelf holds the blobs that can be made again, so that there are not more and more of
// them: those that nobody has used for longest go first. [Server.mu] guards it.
type shelf struct {
	max, size int64
	used      list.List // of *entry, the latest last
}

// Make is [Server.Put] for a blob that can be made again at any time, the same to the
// byte: it may be gone before anybody has deleted it. Links to it stay good, and its ETag
// is the same when it is back.
func (s *Server) Make(path string, content Content, modified time.Time, props Properties) error {
	sum, err := md5Of(path, content)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.entry(path)
	if b.gone {
		b.version-- // it is the one that there was
	}
	if err := s.store(b, &data{content: content, md5: sum, modified: modified}, props, sum); err != nil {
		return err
	}
	s.shelve(b)
	return nil
}

// shelve puts a blob on its shelf and takes others away that are too much. The lock is
// held.
func (s *Server) shelve(b *entry) {
	b.shelf = &s.disk
	if _, ok := b.data.content.(*memory); ok {
		b.shelf = &s.memory
	}
	b.place = b.shelf.used.PushBack(b)
	b.shelf.size += b.data.content.Size()
	for b.shelf.size > b.shelf.max && b.shelf.used.Front() != b.place {
		old, _ := b.shelf.used.Front().Value.(*entry)
		d := old.data
		old.take()
		old.data, old.gone = nil, true
		_ = s.release(d) // a temporary file may be left: not the new blob's problem
	}
}

// use notes that a blob has been asked for. The lock is held.
func (b *entry) use() {
	if b.shelf != nil {
		b.shelf.used.MoveToBack(b.place)
	}
}

// take takes a blob off its shelf, if it stands on one. The lock is held.
func (b *entry) take() {
	if b.shelf != nil {
		b.shelf.used.Remove(b.place)
		b.shelf.size -= b.data.content.Size()
		b.shelf, b.place = nil, nil
	}
}
