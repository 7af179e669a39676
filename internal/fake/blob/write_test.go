package blob_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

const upload = "/file/3050487256057890282"

// write sends a PUT with a body.
func write(t *testing.T, s *blob.Server, link, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, link, bytes.NewReader([]byte(body)))
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// expect fails the test unless the answer is as wanted; code is empty for success.
func expect(t *testing.T, what string, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if w.Code != status || w.Header().Get("x-ms-error-code") != code {
		t.Errorf("%s: %d %q, want %d %q: %s", what, w.Code, w.Header().Get("x-ms-error-code"), status, code, w.Body)
	}
}

func id(name string) string { return base64.StdEncoding.EncodeToString([]byte(name)) }

func blockLink(link, name string) string {
	return link + "&comp=block&blockid=" + url.QueryEscape(id(name))
}

func blockList(names ...string) string {
	var b strings.Builder
	for _, n := range names {
		from, name, _ := strings.Cut(n, " ")
		fmt.Fprintf(&b, "<%s>%s</%s>", from, id(name), from)
	}
	return "<BlockList>" + b.String() + "</BlockList>"
}

func TestWholeBlobsAreWritten(t *testing.T) {
	t.Parallel()
	s, rec := newServer(t)
	link := s.UploadLink("https://x.example", upload, "rwl", time.Hour)
	if s.Has(upload) {
		t.Error("a link is no blob")
	}
	expect(t, "before", do(t, s, http.MethodGet, link), 404, "BlobNotFound")
	w := write(t, s, link, text, "x-ms-blob-type", "BlockBlob", "Content-MD5", sum(text), "Content-Type", "image/png", "If-None-Match", "*", "x-ms-meta-note", "mine")
	expect(t, "write", w, 201, "")
	for name, want := range map[string]string{
		"Content-MD5": sum(text), "x-ms-request-server-encrypted": "true", "Content-Length": "0",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	got := do(t, s, http.MethodGet, link)
	if got.Body.String() != text || got.Header().Get("Content-Type") != "image/png" || got.Header().Get("Content-MD5") != sum(text) || got.Header().Get("x-ms-meta-note") != "mine" ||
		got.Header().Get("ETag") != w.Header().Get("ETag") || w.Header().Get("ETag") == "" {
		t.Errorf("read %q, %v, written as %v", got.Body, got.Header(), w.Header())
	}
	if content, ok := s.Read(upload); !ok || string(content) != text {
		t.Errorf("Read: %q %t", content, ok)
	}
	if _, ok := s.Read("/nothing"); ok {
		t.Error("Read: nothing is there")
	}
	const put = http.MethodPut
	expect(t, "again, if there is none", write(t, s, link, "x", "x-ms-blob-type", "BlockBlob", "If-None-Match", "*"), 409, "BlobAlreadyExists")
	expect(t, "of another state", write(t, s, link, "x", "x-ms-blob-type", "BlockBlob", "If-Match", `"0x1"`), 412, "ConditionNotMet")
	expect(t, "no type", write(t, s, link, "x"), 400, "MissingRequiredHeader")
	expect(t, "wrong type", write(t, s, link, "x", "x-ms-blob-type", "Blob"), 400, "InvalidHeaderValue")
	expect(t, "wrong sum", write(t, s, link, "x", "x-ms-blob-type", "BlockBlob", "Content-MD5", sum("y")), 400, "Md5Mismatch")
	expect(t, "no sum", write(t, s, link, "x", "x-ms-blob-type", "BlockBlob", "Content-MD5", "x"), 400, "InvalidMd5")
	r := httptest.NewRequestWithContext(t.Context(), put, link, strings.NewReader("short"))
	r.Header.Set("x-ms-blob-type", "BlockBlob")
	r.ContentLength = 10
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	expect(t, "cut", w, 400, "InvalidInput")
	r.ContentLength = -1
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	expect(t, "no length", w, 411, "MissingContentLengthHeader")
	r.ContentLength = 1 << 40
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	expect(t, "too long", w, 413, "RequestBodyTooLarge")
	expect(t, "with a token", write(t, s, link, "x", "x-ms-blob-type", "BlockBlob", "Authorization", "Bearer x"), 403, "AuthenticationFailed")
	if len(rec.Violations()) != 1 {
		t.Errorf("violations %q", rec.Violations())
	}
	if content, _ := s.Read(upload); string(content) != text {
		t.Errorf("a refused request has changed the blob to %q", content)
	}
}

func TestBlocksBecomeABlob(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	link := s.UploadLink("https://x.example", upload, "rwl", time.Hour)
	lists := link + "&comp=blocklist"
	expect(t, "list of nothing", do(t, s, http.MethodGet, lists+"&blocklisttype=all"), 404, "BlobNotFound")
	for _, name := range []string{"b", "a", "x"} {
		w := write(t, s, blockLink(link, name), name+name, "Content-MD5", sum(name+name))
		expect(t, "block", w, 201, "")
		if w.Header().Get("ETag") != "" || w.Header().Get("Content-MD5") != sum(name+name) {
			t.Errorf("headers of a block: %v", w.Header())
		}
	}
	expect(t, "still no blob", do(t, s, http.MethodGet, link), 404, "BlobNotFound")
	if w := do(t, s, http.MethodGet, lists+"&blocklisttype=uncommitted"); !strings.HasSuffix(w.Body.String(),
		"<BlockList><UncommittedBlocks>"+listed("a")+listed("b")+listed("x")+"</UncommittedBlocks></BlockList>") {
		t.Errorf("list %s", w.Body)
	}
	commit := blockList("Latest a", "Uncommitted b", "Latest a")
	expect(t, "commit", write(t, s, lists, commit, "x-ms-blob-content-md5", sum("aabbaa"), "x-ms-blob-content-type", "application/zip", "Content-Type", "text/plain", "Content-MD5", sum(commit), "x-ms-meta-note", "yours"), 201, "")
	got := do(t, s, http.MethodGet, link)
	if got.Body.String() != "aabbaa" || got.Header().Get("Content-MD5") != sum("aabbaa") || got.Header().Get("Content-Type") != "application/zip" || got.Header().Get("x-ms-meta-note") != "yours" {
		t.Errorf("read %q, %v", got.Body, got.Header())
	}
	if part := do(t, s, http.MethodGet, link, "Range", "bytes=1-4"); part.Body.String() != "abba" {
		t.Errorf("a part: %q", part.Body)
	}
	w := do(t, s, http.MethodGet, lists+"&blocklisttype=all")
	want := "<BlockList><CommittedBlocks>" + listed("a") + listed("b") + listed("a") + "</CommittedBlocks><UncommittedBlocks></UncommittedBlocks></BlockList>"
	if !strings.HasSuffix(w.Body.String(), want) || w.Header().Get("x-ms-blob-content-length") != "6" {
		t.Errorf("list %s %v, want %s", w.Body, w.Header(), want)
	}
	if w := do(t, s, http.MethodGet, lists); strings.Contains(w.Body.String(), "Uncommitted") {
		t.Errorf("list of committed blocks: %s", w.Body)
	}

	// A blob is replaced by its own blocks and a new one.
	expect(t, "block", write(t, s, blockLink(link, "c"), "CC"), 201, "")
	expect(t, "thrown away before", write(t, s, lists, blockList("Latest x")), 400, "InvalidBlockList")
	expect(t, "not new", write(t, s, lists, blockList("Uncommitted a")), 400, "InvalidBlockList")
	expect(t, "not old", write(t, s, lists, blockList("Committed c")), 400, "InvalidBlockList")
	expect(t, "commit", write(t, s, lists, blockList("Latest c", "Committed a")), 201, "")
	got = do(t, s, http.MethodGet, link)
	if got.Body.String() != "CCaa" || got.Header().Get("Content-MD5") != "" {
		t.Errorf("read %q, %v", got.Body, got.Header())
	}

	// Writing it whole throws blocks away.
	expect(t, "block", write(t, s, blockLink(link, "d"), "DD"), 201, "")
	expect(t, "write", write(t, s, link, "", "x-ms-blob-type", "BlockBlob"), 201, "")
	expect(t, "thrown away", write(t, s, lists, blockList("Latest d")), 400, "InvalidBlockList")
	expect(t, "empty", write(t, s, lists, blockList()), 201, "")
}

// listed is a block of two bytes in a list.
func listed(name string) string {
	return fmt.Sprintf("<Block><Name>%s</Name><Size>2</Size></Block>", id(name))
}

func TestBlocksThatAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	link := s.UploadLink("https://x.example", upload, "rwl", time.Hour)
	put := func(query, body string, header ...string) *httptest.ResponseRecorder {
		return write(t, s, link+query, body, header...)
	}
	expect(t, "no id", put("&comp=block", "x"), 400, "InvalidQueryParameterValue")
	expect(t, "no base64", put("&comp=block&blockid=x", "x"), 400, "InvalidQueryParameterValue")
	expect(t, "long id", put("&comp=block&blockid="+url.QueryEscape(id(strings.Repeat("x", 65))), "x"), 400, "InvalidQueryParameterValue")
	expect(t, "empty", put("&comp=block&blockid="+id("a"), ""), 400, "InvalidHeaderValue")
	expect(t, "wrong sum", put("&comp=block&blockid="+id("a"), "x", "Content-MD5", sum("y")), 400, "Md5Mismatch")
	expect(t, "first", put("&comp=block&blockid="+id("a"), "x"), 201, "")
	expect(t, "ids of two lengths", put("&comp=block&blockid="+id("a longer one"), "x"), 400, "InvalidBlobOrBlock")
	expect(t, "no XML", put("&comp=blocklist", "x"), 400, "InvalidXmlDocument")
	expect(t, "unknown element", put("&comp=blocklist", "<BlockList><Newest>x</Newest></BlockList>"), 400, "InvalidXmlDocument")
	expect(t, "too many", put("&comp=blocklist", "<BlockList>"+strings.Repeat("<Latest>x</Latest>", 50_001)+"</BlockList>"), 400, "BlockListTooLong")
	expect(t, "wrong sum of the list", put("&comp=blocklist", blockList("Latest a"), "Content-MD5", sum("y")), 400, "Md5Mismatch")
	expect(t, "sum of the blob", put("&comp=blocklist", blockList("Latest a"), "x-ms-blob-content-md5", "x"), 400, "InvalidMd5")
	expect(t, "other state", put("&comp=blocklist", blockList("Latest a"), "If-Match", "*"), 412, "ConditionNotMet")
	expect(t, "unknown list", do(t, s, http.MethodGet, link+"&comp=blocklist&blocklisttype=some"), 400, "InvalidQueryParameterValue")
	expect(t, "unknown operation", put("&comp=page", "x"), 405, "UnsupportedHttpVerb")
}

func TestRightsOfLinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := newServer(t)
		const mismatch = "AuthorizationPermissionMismatch"
		link := func(rights string) string { return s.UploadLink("https://x.example", upload, rights, time.Hour) }
		put := func(link string) *httptest.ResponseRecorder {
			return write(t, s, link, text, "x-ms-blob-type", "BlockBlob")
		}
		expect(t, "reader", put(link("rl")), 403, mismatch)
		expect(t, "reader of blocks", do(t, s, http.MethodPut, blockLink(link("rl"), "a")), 403, mismatch)
		expect(t, "creator", put(link("c")), 201, "")
		expect(t, "creator again", put(link("c")), 403, "UnauthorizedBlobOverwrite")
		expect(t, "writer", put(link("w")), 201, "")
		expect(t, "writer who lists", do(t, s, http.MethodGet, link("w")+"&comp=blocklist"), 403, mismatch)
		expect(t, "writer who reads", do(t, s, http.MethodGet, link("w")), 403, mismatch)
		expect(t, "widened", put(strings.Replace(link("rl"), "sp=rl", "sp=rwl", 1)), 403, "AuthenticationFailed")

		const stamp = "https://x.example" + upload + "?01%2f01%2f2000+00%3a00%3a00&sv=2018-03-28&sr=b&sig="
		stamped := s.StampedLink("https://x.example", upload, "rwl", time.Hour)
		if front, rest, _ := strings.Cut(stamped, "&se="); !strings.HasPrefix(front, stamp) || rest != "2000-01-01T01%3A00%3A00Z&sp=rwl" {
			t.Errorf("link %s", stamped)
		}
		expect(t, "stamped", put(stamped), 201, "")
		time.Sleep(time.Hour)
		expect(t, "expired", put(stamped), 403, "AuthenticationFailed")
		fresh := s.UploadLink("https://x.example", "/file/2", "w", time.Hour)
		s.ExpireLinks("/file/2")
		expect(t, "expired before there is a blob", put(fresh), 403, "AuthenticationFailed")
	})
}

// A link for uploads lasts as long as it says on its user's clock, however fast the
// server's runs.
func TestUploadLinksKeepToTheRealTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := new(kit.Clock)
		clock.SetSpeed(3600)
		s := blob.New(blob.Config{Clock: clock, IDs: kit.NewIDs(1), Recorder: new(kit.Recorder)})
		time.Sleep(time.Hour)
		link := s.UploadLink("https://x.example", path, "rw", time.Hour)
		time.Sleep(59 * time.Minute)
		expect(t, "in time", write(t, s, link, text, "x-ms-blob-type", "BlockBlob"), http.StatusCreated, "")
		time.Sleep(2 * time.Minute)
		expect(t, "too late", write(t, s, link, text, "x-ms-blob-type", "BlockBlob"), http.StatusForbidden, "AuthenticationFailed")
	})
}
