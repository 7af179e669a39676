package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/auth"
)

func TestForeignErrorIsSortedByWhatItSays(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		kind auth.Kind
		code int
		says string
	}{
		"a tool's text":      {errors.New("az: AADSTS700082: the refresh token has expired due to inactivity"), auth.KindRefreshTokenDead, 700082, "90 days"},
		"a secret":           {errors.New("AADSTS7000222: expired"), auth.KindBadClientCredential, 7000222, "expired"},
		"an application":     {errors.New("AADSTS700016: no such application"), auth.KindBadConfiguration, 700016, "App.ClientID"},
		"a second factor":    {errors.New("x AADSTS50076 y"), auth.KindInteractionRequired, 50076, "Multifactor"},
		"a password":         {errors.New("AADSTS50126: wrong"), auth.KindBadUserCredential, 50126, "password"},
		"another cloud":      {errors.New("AADSTS900432"), auth.KindWrongCloud, 900432, "cloud"},
		"a busy service":     {errors.New("AADSTS90033: try later"), auth.KindTransient, 90033, "later"},
		"an unknown number":  {errors.New("AADSTS999999: who knows"), auth.KindUnknown, 999999, "who knows"},
		"no number":          {errors.New("please log in"), auth.KindUnknown, 0, "please log in"},
		"a lost connection":  {&net.OpError{Op: "dial", Err: io.ErrUnexpectedEOF}, auth.KindTransient, 0, "unexpected EOF"},
		"the caller's leave": {fmt.Errorf("asking: %w", context.Canceled), auth.KindTransient, 0, "canceled"},
	} {
		err := auth.ForeignError(c.err, nil, nil)
		e, ok := errors.AsType[*auth.Error](err)
		if !ok || e.Kind != c.kind || c.code != 0 && !e.HasSTSCode(c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want kind %v, code %d and %q", name, err, c.kind, c.code, c.says)
		}
		if root := errors.Unwrap(c.err); root != nil && !errors.Is(err, root) {
			t.Errorf("%s: errors.Is does not find the cause", name)
		}
	}
}

func TestForeignErrorReadsTheAnswer(t *testing.T) {
	answer := &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Retry-After": {"7"}}}
	body := `{"error":"invalid_grant","error_description":"AADSTS50076: needs more. Trace ID: 1","claims":"{\"access_token\":{}}"}`
	err := auth.ForeignError(errors.New("the text does not count"), answer, []byte(body))
	e, ok := errors.AsType[*auth.Error](err)
	if !ok || e.Kind != auth.KindInteractionRequired || e.Claims != `{"access_token":{}}` || e.Description != "needs more" || e.RetryAfter.Seconds() != 7 {
		t.Errorf("error %#v", err)
	}
}

func TestForeignErrorPrintsNoSecrets(t *testing.T) {
	const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJjYW5hcnkifQ.c2lnbmF0dXJl"
	err := auth.ForeignError(errors.New("post failed:\nclient_secret=canary-1&x=1 got "+jwt), nil, nil)
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		if strings.Contains(text, "canary") || strings.Contains(text, jwt) || strings.Contains(text, "\n") {
			t.Errorf("printed as %q", text)
		}
	}
}

func TestForeignErrorLeavesOursAlone(t *testing.T) {
	if err := auth.ForeignError(nil, nil, nil); err != nil {
		t.Errorf("nil has become %v", err)
	}
	ours := fmt.Errorf("wrapped: %w", &auth.Error{Kind: auth.KindWrongCloud})
	if err := auth.ForeignError(ours, &http.Response{StatusCode: 500}, nil); err != ours { //nolint:errorlint // the very same value
		t.Errorf("ours has become %v", err)
	}
}
