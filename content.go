package partnercenter

import (
	"io"
	"iter"
	"time"
)

// Content is an opened export: one or more delimited text files, already taken
// out of whatever container they came in.
//
// It can be ranged over once, by one goroutine, and must be closed.
type Content struct {
	// Limits protect against archives that inflate without end. Change them before
	// ranging.
	Limits ContentLimits

	entries iter.Seq2[*Entry, error]
	close   func() error
}

// ContentLimits say what compressed content may become. All files and layers of
// compression in it count together; text that is not compressed has no limits. The
// zero value means the defaults; negative numbers turn a limit off. Content that
// goes beyond a limit ends with an error there.
type ContentLimits struct {
	// MaxBytes is how much all content may inflate to. It costs time only, as the
	// memory that reading needs does not depend on it. Default 256 GiB.
	MaxBytes int64
	// MaxRatio is how many times as large as the compressed data that may be. The
	// first 64 MiB are never refused for it. Default 200, which is several times
	// what exports with dozens of blank columns reach.
	MaxRatio int64
}

// NewContent makes a Content of a sequence of entries; nil is an empty one. The
// close function, which may be nil too, is called once by [Content.Close].
func NewContent(entries iter.Seq2[*Entry, error], closeFunc func() error) *Content {
	return &Content{entries: entries, close: closeFunc}
}

// Entries yields the files one after another. An entry's reader is valid until
// the next one is yielded. An error is the last thing yielded. A nil Content and the
// zero value have none.
func (c *Content) Entries() iter.Seq2[*Entry, error] {
	if c == nil || c.entries == nil {
		return nothing
	}
	return c.entries
}

func nothing(func(*Entry, error) bool) {}

// Close releases connections and files. Calling it again, or for a nil Content, does
// nothing.
func (c *Content) Close() error {
	if c == nil {
		return nil
	}
	f := c.close
	c.close = nil
	if f == nil {
		return nil
	}
	return f()
}

// Entry is one delimited text file.
type Entry struct {
	// Name is the file's name inside its container, or the name of the download
	// when there was none. It is unchecked text: do not use it as a path.
	Name string
	// Size is the number of bytes that Read will deliver, -1 if unknown.
	Size int64
	// Modified is the time recorded in the container; zero if there is none.
	Modified time.Time
	// Reader delivers the text without byte order mark.
	io.Reader
}
