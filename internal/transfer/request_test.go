package transfer

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Downloads with more connections ask for bounded spans.
func TestSpansAreAnsweredExactly(t *testing.T) {
	s := newStore(1000)
	s.offerMD5()
	u, err := url.Parse("https://blob.example/a?sig=x")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want   span
		header string
		from   int
		to     int
	}{
		{span{0, -1}, "", 0, 1000},
		{span{0, 10}, "bytes=0-9", 0, 10},
		{span{10, 11}, "bytes=10-10", 10, 11},
		{span{990, 1000}, "bytes=990-999", 990, 1000},
		{span{990, -1}, "bytes=990-", 990, 1000},
	} {
		got, err := request(t.Context(), s, u, c.want, &version{etag: `"0x1"`, size: 1000}, newSettings(nil))
		if err != nil {
			t.Errorf("%v: %v", c.want, err)
			continue
		}
		body, err := io.ReadAll(got)
		if err != nil {
			t.Error(err)
		}
		sameBytes(t, body, s.data[c.from:c.to])
		if got.version.size != 1000 || len(got.version.md5) != 16 || got.noRanges {
			t.Errorf("%v: %+v", c.want, got.version)
		}
		if err := got.Close(); err != nil {
			t.Error(err)
		}
		last := s.seen()[len(s.seen())-1]
		if diff := cmp.Diff(c.header, last.rng); diff != "" || last.match != `"0x1"` {
			t.Errorf("%v: %+v", c.want, last)
		}
	}
	// A span that was chosen without knowing the size may reach beyond the end.
	got, err := request(t.Context(), s, u, span{0, 4000}, nil, newSettings(nil))
	if err != nil || got.end != 1000 || got.version.size != 1000 {
		t.Fatalf("%+v, %v", got, err)
	}
	_ = got.Close()
	// A server that cuts the span short on its own account is not trusted.
	s.script = func(int, *http.Request) fault {
		return fault{contentRange: "bytes 0-899/1000", header: http.Header{"Content-Length": {"900"}}}
	}
	for _, end := range []int64{950, 4000} {
		if _, err := request(t.Context(), s, u, span{0, end}, nil, newSettings(nil)); err == nil {
			t.Errorf("a part of the span up to %d was accepted", end)
		}
	}
}

// Readers may go on asking at the end, and ask for nothing.
func TestStreamEndsWhereItWasAnnounced(t *testing.T) {
	s := newStore(10)
	u, err := url.Parse("https://blob.example/a")
	if err != nil {
		t.Fatal(err)
	}
	got, err := request(t.Context(), s, u, span{4, 8}, nil, newSettings(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Close() }()
	p := make([]byte, 100)
	if n, err := io.ReadFull(got, p); n != 4 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := got.Read(p); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d, %v", n, err)
	}
}
