package transfer

import (
	"bytes"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// plain are the properties of a blob without any.
var plain blob.Properties

// memory is a blob's content in memory.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func TestBlocksFitIntoABlob(t *testing.T) {
	for _, size := range []int64{0, 1, defaultBlockSize, maxBlocks * defaultBlockSize, maxBlocks*defaultBlockSize + 1, 1 << 42, maxBlocks * maxBlockSize} {
		f := &uploadFile{at: strings.NewReader(""), size: size}
		r := f.read(defaultBlockSize)
		if blocks := (size + r.size() - 1) / r.size(); blocks > maxBlocks || r.size() > maxBlockSize || r.size() < defaultBlockSize {
			t.Errorf("%d bytes: %d blocks of %d", size, blocks, r.size())
		}
	}
	// What comes without a size gets larger blocks as it goes on.
	r := (&uploadFile{stream: strings.NewReader(""), size: -1}).read(defaultBlockSize)
	sum, last := int64(0), int64(0)
	for ; r.count < maxBlocks; r.count++ {
		if r.size() < last || r.size() > maxBlockSize {
			t.Fatalf("block %d has %d bytes, the one before had %d", r.count, r.size(), last)
		}
		last = r.size()
		sum += last
	}
	if sum < 1<<40 {
		t.Errorf("at most %d bytes fit", sum)
	}
	if _, err := r.next(nil); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("one block too many: %v", err)
	}
}

func TestBlockIDsDependOnAllBefore(t *testing.T) {
	ids := func(content string) (ids []string) {
		r := (&uploadFile{stream: strings.NewReader(content), size: -1}).read(2)
		for {
			b, err := r.next(nil)
			if err != nil {
				t.Fatal(err)
			}
			if ids = append(ids, b.id); b.last {
				return ids
			}
		}
	}
	a, b := ids("aaxxccyyy"), ids("aabbccyyy")
	if a[0] != b[0] {
		t.Error("the same beginning has two ids")
	}
	seen := map[string]bool{}
	for _, id := range append(a, b[1:]...) {
		if seen[id] || len(id) != 32 {
			t.Errorf("id %s of %d characters, seen before: %t", id, len(id), seen[id])
		}
		seen[id] = true
	}
}

func TestLentBytesAreTakenBack(t *testing.T) {
	l := &lentBytes{b: []byte("0123456789")}
	a, err := l.reader()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(a, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	b, err := l.reader()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(b); string(got) != "0123456789" || err != nil {
		t.Errorf("a second reader: %q %v", got, err)
	}
	l.takeBack()
	if n, err := a.Read(make([]byte, 4)); n != 0 || err == nil {
		t.Errorf("after it was taken back: %d %v", n, err)
	}
}

// Whatever a link looks like, all its bytes are sent, and what is added can be told
// from them.
func FuzzUploadQuery(f *testing.F) {
	f.Add("https://x.blob.core.windows.net/file/1?sv=2018-03-28&sr=b&sig=a%2Bb%3D&se=2023-06-19T22%3A52%3A35Z&sp=rwl", "AAAA+/==")
	f.Add("https://store.example/file/1?06%2f18%2f2023+22%3a37%3a37&sv=2018-03-28&sig=%2b%2f&sp=rl", "AAAA")
	f.Add("https://store.example/a%20b/%2F?", "a&b")
	f.Add("https://store.example", "")
	f.Add("https://store.example/?a&&b;c=d&=&%zz&", "AAAA")
	f.Add("https://store.example/?a=b#fragment", "AAAA")
	f.Fuzz(func(t *testing.T, link, id string) {
		u, err := url.Parse(link)
		if err != nil || u.Opaque != "" {
			return
		}
		before, more := *u, "comp=block&blockid="+url.QueryEscape(id)
		got := withQuery(u, more)
		if *u != before {
			t.Fatal("the link itself was changed")
		}
		if got.Host != u.Host || got.EscapedPath() != u.EscapedPath() || got.Scheme != u.Scheme {
			t.Fatalf("%s leads elsewhere than %s", got, u)
		}
		rest, ok := strings.CutPrefix(got.RawQuery, u.RawQuery)
		joined := u.RawQuery == "" || strings.HasSuffix(u.RawQuery, "&") || strings.HasPrefix(rest, "&")
		if !ok || strings.TrimPrefix(rest, "&") != more || !joined {
			t.Fatalf("%q with %q became %q", u.RawQuery, more, got.RawQuery)
		}
		// What the store reads of it: the link's own values first, then the new ones.
		values := got.Query()
		if ids := values["blockid"]; len(ids) == 0 || ids[len(ids)-1] != id {
			t.Fatalf("%q: the block's id was read as %q", got.RawQuery, ids)
		}
		for name, own := range u.Query() {
			if !slices.Equal(values[name][:len(own)], own) {
				t.Fatalf("%q: %q was %q, and is %q", got.RawQuery, name, own, values[name])
			}
		}
		// The request line has the query to the byte.
		if _, sent, _ := strings.Cut(got.RequestURI(), "?"); sent != got.RawQuery {
			t.Fatalf("%q is sent as %q", got.RawQuery, sent)
		}
		if withQuery(u, "").RawQuery != u.RawQuery {
			t.Fatal("nothing was added, and yet it changed")
		}
	})
}
