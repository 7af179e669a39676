package azuritetest_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter/internal/azuritetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLinksAreGoodForWhatTheySay(t *testing.T) {
	s := azuritetest.Start(t)
	s.Container(t, "files")
	s.Put(t, "files/a b.zip", []byte("content"))
	if got, h := s.Get(t, "files/a b.zip"); string(got) != "content" || h.Get("Content-MD5") == "" {
		t.Errorf("got %q, %v", got, h)
	}
	inAnHour := time.Now().Add(time.Hour)
	link := s.Link("files/a b.zip", "rwl", inAnHour)
	for name, c := range map[string]struct {
		method, link string
		status       int
	}{
		"read":          {http.MethodGet, link, http.StatusOK},
		"write":         {http.MethodPut, link, http.StatusCreated},
		"read only":     {http.MethodPut, s.Link("files/a b.zip", "r", inAnHour), http.StatusForbidden},
		"write only":    {http.MethodGet, s.Link("files/a b.zip", "w", inAnHour), http.StatusForbidden},
		"another blob":  {http.MethodGet, strings.Replace(link, "a%20b.zip", "other", 1), http.StatusForbidden},
		"expired":       {http.MethodGet, s.Link("files/a b.zip", "rwl", time.Now().Add(-time.Millisecond)), http.StatusForbidden},
		"wrong":         {http.MethodGet, strings.Replace(link, "sig=", "sig=x", 1), http.StatusForbidden},
		"nameless part": {http.MethodGet, strings.Replace(link, "?", "?06%2f18%2f2023+22%3a37%3a37&", 1), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, c.link, bytes.NewReader([]byte("content")))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("x-ms-blob-type", "BlockBlob")
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != c.status {
				t.Errorf("%s, want %d: %s %v", resp.Status, c.status, body, err)
			}
		})
	}
}
