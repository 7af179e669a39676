package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

const (
	blobPath = "/file/3050487256057890282"
	blobHost = "https://ingestionpackagesprod1.example"
)

// uploads is the fake store behind the pipeline that API packages use. It notes
// what is asked of it.
type uploads struct {
	*blob.Server

	recorder kit.Recorder
	// script answers the n-th request (from 0) in the store's place, if it
	// returns true.
	script func(n int, w http.ResponseWriter, r *http.Request) bool
	// after is called when the store has answered the n-th request.
	after func(n int, r *http.Request)

	mu       sync.Mutex
	requests []string // method, comp and number of bytes
	queries  []string
	links    int // given
}

func newUploads() *uploads {
	s := &uploads{}
	s.Server = blob.New(blob.Config{Clock: new(kit.Clock), IDs: kit.NewIDs(1), Recorder: &s.recorder})
	return s
}

// ServeHTTP implements [http.Handler].
func (s *uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.URL.Query().Get("comp")))
	s.queries = append(s.queries, r.URL.RawQuery)
	s.mu.Unlock()
	if s.script == nil || !s.script(n, w, r) {
		s.Server.ServeHTTP(w, r)
	}
	if s.after != nil {
		s.after(n, r)
	}
}

// count returns how many requests there were of each kind, and forgets them.
func (s *uploads) count() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	kinds := make(map[string]int)
	for _, r := range s.requests {
		kinds[r]++
	}
	s.requests, s.queries = nil, nil
	return kinds
}

// link is a Target's Link with fresh links for an hour each, no two the same.
func (s *uploads) link(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
	s.mu.Lock()
	s.links++
	ttl := time.Hour + time.Duration(s.links)*time.Second
	s.mu.Unlock()
	return partnercenter.NewSecret(s.StampedLink(blobHost, blobPath, "rwl", ttl)), nil
}

// target leads to the store without a network.
func (s *uploads) target(t testing.TB) Target {
	wire := &kit.Transport{
		Route: func(*url.URL, http.Header) (http.Handler, error) { return s, nil },
		Now:   time.Now,
	}
	return Target{Doer: pipeline(t, wire), Link: s.link}
}

// pipeline is the credential-free pipeline over a transport.
func pipeline(t testing.TB, wire http.RoundTripper) Doer {
	t.Helper()
	tokens := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		t.Error("a token was asked for")
		return partnercenter.Token{}, nil
	})
	c, err := transport.New(tokens, &partnercenter.Options{Transport: wire},
		transport.Defaults{Endpoint: "https://api.example", APIVersion: "v1", Resource: "https://api.example"})
	if err != nil {
		t.Fatal(err)
	}
	return c.Blob()
}

// holds fails the test unless the store holds exactly that, and the result says so.
func (s *uploads) holds(t *testing.T, want []byte, res UploadResult) {
	t.Helper()
	got, ok := s.Read(blobPath)
	if !ok || !bytes.Equal(got, want) {
		t.Fatalf("the store holds %d bytes (%t), not the %d that were uploaded", len(got), ok, len(want))
	}
	if res.Bytes != int64(len(want)) || res.SHA256 != sha256.Sum256(want) || res.ETag == "" {
		t.Errorf("result %+v", res)
	}
	if v := s.recorder.Violations(); len(v) > 0 {
		t.Errorf("rules broken: %q", v)
	}
}

// small are options with blocks of a size that tests can be read by.
func small() *UploadOptions { return &UploadOptions{BlockSize: 1000} }
