package auth_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

func TestStatic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tok := auth.Token{Value: pc.NewSecret("token-1"), ExpiresOn: time.Now().Add(time.Hour)}
		s := auth.Static(tok)
		want(t, s, auth.TokenRequest{Rejected: pc.NewSecret("token-0")}, "token-1")
		if e := refused(t, s, auth.TokenRequest{Rejected: tok.Value}); !errors.Is(e, auth.ErrTokenRejected) || e.Resource != resource {
			t.Errorf("rejected: %v", e)
		}
		time.Sleep(time.Hour)
		if e := refused(t, s, auth.TokenRequest{}); !errors.Is(e, auth.ErrTokenRejected) || !strings.Contains(e.Error(), "expired on 2000-01-01T01:00:00Z") {
			t.Errorf("expired: %v", e)
		}
	})
	if e := refused(t, auth.Static(auth.Token{}), auth.TokenRequest{}); !errors.Is(e, auth.ErrBadConfiguration) {
		t.Errorf("empty: %v", e)
	}
}

func TestRejectionOfAStaticTokenIsFinal(t *testing.T) {
	s := closing(t, auth.Cached(auth.Static(auth.Token{Value: pc.NewSecret("token-1")}), nil))
	want(t, s, auth.TokenRequest{}, "token-1")
	_ = refused(t, s, auth.TokenRequest{Rejected: pc.NewSecret("token-1")})
	if e := refused(t, s, auth.TokenRequest{}); !errors.Is(e, auth.ErrTokenRejected) {
		t.Errorf("got %v: the rejected token must not be sent again", e)
	}
}
