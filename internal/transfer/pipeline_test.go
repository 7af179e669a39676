package transfer

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// throughPipeline puts the blob pipeline that API packages use over the store.
func throughPipeline(t *testing.T, s *store) (src Source, stop func()) {
	t.Helper()
	src, client, stop := s.serveInMemory()
	tokens := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		t.Error("a token was asked for")
		return partnercenter.Token{}, nil
	})
	c, err := transport.New(tokens, &partnercenter.Options{Transport: client.Transport},
		transport.Defaults{Endpoint: "https://api.example", APIVersion: "v1", Resource: "https://api.example"})
	if err != nil {
		t.Fatal(err)
	}
	src.Doer = c.Blob()
	src.Link = s.link("http://127.0.0.1")
	return src, stop
}

func TestBlobPipelineAndTransferShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(1 << 20)
		s.offerMD5()
		s.script = func(n int, _ *http.Request) fault {
			return []fault{
				{status: 503, header: http.Header{"Retry-After": {"57"}}}, // waited for below, longer than a stall may last
				{cut: 300_000},
				{hang: true},
				{status: 500},
				{stall: 300_000},
				{status: 403},
				{},
			}[n]
		}
		src, stop := throughPipeline(t, s)
		defer stop()
		start := time.Now()
		res := fetchWhole(t, s, src, filepath.Join(t.TempDir(), "march.zip"), nil)
		if !res.MD5Verified {
			t.Errorf("result %+v", res)
		}
		want := []string{opening, opening, "bytes=300000-", "bytes=300000-", "bytes=300000-", "bytes=600000-", "bytes=600000-"}
		if diff := cmp.Diff(want, s.ranges()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if d, least := time.Since(start), 57*time.Second+2*defaultStallTimeout; d < least || d > least+10*time.Second {
			t.Errorf("took %v, want %v and short pauses", d, least)
		}
	})
}

func TestBlobPipelineIsNotRepeatedAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(10)
		s.script = func(int, *http.Request) fault { return fault{status: 503} }
		src, stop := throughPipeline(t, s)
		defer stop()
		_, err := Open(t.Context(), src, nil)
		keepsSecret(t, err)
		if !errors.Is(err, partnercenter.ErrServer) || len(s.seen()) != 4 {
			t.Errorf("%d requests, %v; want the pipeline's 4", len(s.seen()), err)
		}
	})
}

func TestBlobPipelineKeepsLinksOutOfErrors(t *testing.T) {
	s := newStore(10)
	src, stop := throughPipeline(t, s)
	defer stop()
	for name, link := range map[string]string{
		"plain http elsewhere": "http://blob.example/a?sig=" + canary,
		"unknown scheme":       "ftp://blob.example/a?sig=" + canary,
	} {
		src.Link = func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
			return partnercenter.NewSecret(link), nil
		}
		_, err := Open(t.Context(), src, nil)
		if keepsSecret(t, err); len(s.seen()) != 0 {
			t.Errorf("%s: a request was sent", name)
		}
	}
	src.Link = s.link("http://127.0.0.1")
	s.script = atFirst(fault{status: 302, header: http.Header{"Location": {"https://elsewhere.example/?sig=" + canary}}})
	_, err := Open(t.Context(), src, nil)
	if keepsSecret(t, err); len(s.seen()) != 1 {
		t.Errorf("%d requests: a redirect was followed", len(s.seen()))
	}
}
