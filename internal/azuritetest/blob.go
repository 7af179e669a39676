package azuritetest

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// Container makes an empty container.
func (s *Server) Container(tb testing.TB, name string) {
	tb.Helper()
	s.do(tb, http.MethodPut, name+"?restype=container", nil, http.StatusCreated)
}

// Put stores a blob, for example "files/app.zip".
func (s *Server) Put(tb testing.TB, blob string, content []byte) {
	tb.Helper()
	s.do(tb, http.MethodPut, blob+"?", content, http.StatusCreated)
}

// Get reads a blob. Its headers tell the properties.
func (s *Server) Get(tb testing.TB, blob string) ([]byte, http.Header) {
	tb.Helper()
	return s.do(tb, http.MethodGet, blob+"?", nil, http.StatusOK)
}

func (s *Server) do(tb testing.TB, method, target string, content []byte, want int) ([]byte, http.Header) {
	tb.Helper()
	if target[len(target)-1] != '?' {
		target += "&"
	}
	req, err := http.NewRequestWithContext(tb.Context(), method, s.URL+"/"+target+accountQuery(), bytes.NewReader(content))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("x-ms-version", "2018-11-09")
	req.Header.Set("x-ms-blob-type", "BlockBlob")
	// A connection of its own, so that none outlives the call.
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if resp.StatusCode != want {
		tb.Fatalf("azurite: %s /%s: %s: %s", method, req.URL.Path, resp.Status, body)
	}
	return body, resp.Header
}
