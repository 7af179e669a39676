package tabular

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/partnercenter-go/partnercenter"
)

// compressedBuffer is how much compressed data is asked for at once. Reads may
// be requests over a network, and inflating asks for 4 KiB at a time.
const compressedBuffer = 64 << 10

// Open finds out what the size bytes of r are and returns the delimited files in
// them. The name is that of the download; entries without a name of their own
// bear it, and errors begin with it.
func Open(name string, r io.ReaderAt, size int64, opts ...Option) (*partnercenter.Content, error) {
	if r == nil || size < 0 {
		return nil, fmt.Errorf("%s: nothing to read: size %d", name, size)
	}
	s := resolve(opts)
	head := make([]byte, min(size, 4))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, fmt.Errorf("%s: reading its first bytes: %w", name, noEOF(err))
	}
	if sniff(head) == kindZip {
		return openZip(name, r, size, s)
	}
	m := &meter{settings: s, packed: func() int64 { return size }}
	return s.content(func(yield visit) {
		only(name, &exactly{r: io.NewSectionReader(r, 0, size), left: size}, size, m, yield)
	}), nil
}

// OpenStream is [Open] for data that can be read only once from its beginning.
// A zip archive, whose directory is at its end, is an error.
func OpenStream(name string, r io.Reader, opts ...Option) (*partnercenter.Content, error) {
	if r == nil {
		return nil, fmt.Errorf("%s: nothing to read", name)
	}
	s := resolve(opts)
	packed := &counter{r: r}
	text := newPrefixed(packed)
	if err := text.failed(); err != nil {
		return nil, fmt.Errorf("%s: reading its first bytes: %w", name, err)
	}
	if sniff(text.head) == kindZip {
		return nil, fmt.Errorf("%s: a zip archive cannot be read from a stream because its directory is at its end: "+
			"store it in a file and open that", name)
	}
	m := &meter{settings: s, packed: func() int64 { return packed.n }}
	return s.content(func(yield visit) { only(name, text, -1, m, yield) }), nil
}

// only yields the one file that r is.
func only(name string, r io.Reader, size int64, m *meter, yield visit) {
	e, err := textEntry(name, r, size, m)
	if err != nil {
		yield(nil, fmt.Errorf("%s: %w", name, err))
		return
	}
	m.offer(e, nil, yield)
}

// maxLayers is how often a file may be wrapped in gzip: a stored .gz file that is
// served with gzip as its transfer encoding has two layers.
const maxLayers = 3

// textEntry takes the gzip layers and the byte order mark off r.
func textEntry(name string, r io.Reader, size int64, m *meter) (*partnercenter.Entry, error) {
	e := &partnercenter.Entry{Name: name, Size: size}
	for layer := 0; ; layer++ {
		p := newPrefixed(r)
		if err := p.failed(); err != nil {
			return nil, err
		}
		switch sniff(p.head) {
		case kindZip:
			return nil, errors.New("holds another zip archive: take that out and open it by itself")
		case kindUTF16:
			return nil, errors.New("is UTF-16 text: convert it to UTF-8 first")
		case kindGzip:
			if layer == maxLayers {
				return nil, fmt.Errorf("is wrapped in gzip more than %d times", maxLayers)
			}
			z, err := gzip.NewReader(bufio.NewReaderSize(p, compressedBuffer))
			if err != nil {
				return nil, fmt.Errorf("damaged gzip header: %w", noEOF(err))
			}
			e.Name = strings.TrimSuffix(e.Name, ".gz")
			if z.Name != "" {
				e.Name = z.Name
			}
			e.Modified = utc(z.ModTime)
			e.Size = -1
			r = m.measure(z)
		case kindMarked:
			p.head = p.head[len(utf8Mark):]
			if e.Size >= 0 {
				e.Size -= int64(len(utf8Mark))
			}
			e.Reader = p
			return e, nil
		case kindText:
			e.Reader = p
			return e, nil
		}
	}
}

type kind int

const (
	kindText kind = iota
	kindMarked
	kindUTF16
	kindGzip
	kindZip
)

const utf8Mark = "\xef\xbb\xbf"

// sniff tells by its first four bytes what a file is.
func sniff(head []byte) kind {
	begins := func(s string) bool { return strings.HasPrefix(string(head), s) }
	switch {
	case begins("PK\x03\x04"), begins("PK\x05\x06"), begins("PK\x07\x08"):
		return kindZip
	case begins("\x1f\x8b"):
		return kindGzip
	case begins(utf8Mark):
		return kindMarked
	case begins("\xff\xfe"), begins("\xfe\xff"):
		return kindUTF16
	}
	return kindText
}

// prefixed has read the first bytes of r and gives them out again.
type prefixed struct {
	head []byte
	r    io.Reader
	err  error // what followed the head; it stays
}

func newPrefixed(r io.Reader) *prefixed {
	p := &prefixed{r: r}
	var head [4]byte
	n := 0
	// io.ReadFull would turn an EOF here and a damaged file below into the same
	// error.
	for idle := 0; n < len(head) && p.err == nil; {
		var k int
		k, p.err = r.Read(head[n:])
		n += k
		if k > 0 {
			idle = 0
		} else if idle++; idle == 100 && p.err == nil {
			p.err = io.ErrNoProgress
		}
	}
	p.head = head[:n]
	return p
}

// failed returns the error that came instead of the first bytes.
func (p *prefixed) failed() error {
	if p.err == io.EOF { //nolint:errorlint // readers return io.EOF itself, and a wrapped one would be a failure
		return nil
	}
	return p.err
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.r.Read(b)
	p.err = err
	return n, err
}

// exactly makes an error of an end that comes before left bytes have been read: a
// file that is shorter than it was said to be has been cut.
type exactly struct {
	r    io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// noEOF keeps an end of data that came too early from looking like a regular end.
func noEOF(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// utc keeps a missing time zero. In a zip archive, whose times begin in 1980, it is
// one before that.
func utc(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 1980 {
		return time.Time{}
	}
	return t
}
