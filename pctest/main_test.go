package pctest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/pctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// caller is a plain HTTP client of the API.
type caller struct {
	t     testing.TB
	http  *http.Client
	base  string
	token partnercenter.Secret
}

func newCaller(t testing.TB, srv *pctest.Server) *caller {
	t.Helper()
	tok, err := srv.TokenSource().Token(t.Context(), partnercenter.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return &caller{t: t, http: &http.Client{Transport: srv.Transport()}, base: "https://api.partner.microsoft.com", token: tok.Value}
}

// answer is a response without its body, which has been read.
type answer struct {
	Status        string
	StatusCode    int
	Header        http.Header
	ContentLength int64
}

// do sends a request to the API and reads the answer.
func (c *caller) do(ctx context.Context, method, path string, header ...string) (answer, []byte) {
	c.t.Helper()
	resp, body, err := c.try(ctx, method, c.base+path, append(header, "Authorization", "Bearer "+c.token.Reveal())...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, body
}

// download gets a link.
func (c *caller) download(link string, header ...string) (answer, []byte) {
	c.t.Helper()
	resp, body, err := c.try(c.t.Context(), http.MethodGet, link, header...)
	if err != nil {
		c.t.Fatalf("download: %v", err)
	}
	return resp, body
}

func (c *caller) try(ctx context.Context, method, url string, header ...string) (answer, []byte, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.Status, resp.StatusCode, resp.Header, resp.ContentLength}, body, err
}

// item is an export as the API shows it.
type item struct {
	RequestID               string  `json:"requestId"`
	RequestDateTime         string  `json:"requestDateTime"`
	ProcessingStartDateTime string  `json:"processingStartDateTime"`
	RequestPath             string  `json:"requestPath"`
	RequestQueryString      string  `json:"requestQueryString"`
	BlobLocation            *string `json:"blobLocation"`
	Status                  string  `json:"status"`
}

func decode(t testing.TB, body []byte) item {
	t.Helper()
	var list struct {
		Value []item `json:"value"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if len(list.Value) != 1 {
		t.Fatalf("%d exports in %s", len(list.Value), body)
	}
	return list.Value[0]
}

// start starts an export and returns its id.
func (c *caller) start(kind pctest.ExportKind, query string) string {
	c.t.Helper()
	resp, body := c.do(c.t.Context(), http.MethodPost, "/v1.0/payouts/"+string(kind)+query)
	if resp.StatusCode != http.StatusAccepted {
		c.t.Fatalf("POST: %s: %s", resp.Status, body)
	}
	return decode(c.t, body).RequestID
}

func (c *caller) get(kind pctest.ExportKind, id string) item {
	c.t.Helper()
	resp, body := c.do(c.t.Context(), http.MethodGet, "/v1.0/payouts/"+string(kind)+"/"+id)
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("GET: %s: %s", resp.Status, body)
	}
	return decode(c.t, body)
}

// link polls an export to its end and returns its link.
func (c *caller) link(kind pctest.ExportKind, id string) string {
	c.t.Helper()
	for range 20 {
		if e := c.get(kind, id); e.Status == "Completed" && e.BlobLocation != nil && *e.BlobLocation != "" {
			return *e.BlobLocation
		}
	}
	c.t.Fatal("the export does not complete")
	return ""
}

// export runs an export from start to file.
func (c *caller) export(kind pctest.ExportKind, query string) []byte {
	c.t.Helper()
	resp, body := c.download(c.link(kind, c.start(kind, query)))
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("download: %s: %s", resp.Status, body)
	}
	return body
}

func files(t testing.TB, dir string) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
