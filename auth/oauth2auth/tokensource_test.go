package oauth2auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/oauth2auth"
)

func TestRoundTripChangesNothing(t *testing.T) {
	d := newDirectory(t)
	ours := d.ours(t)
	req := partnercenter.TokenRequest{Resource: resource}
	want, err := ours.Token(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	there, err := oauth2auth.NewTokenSource(t.Context(), ours, req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := newSource(t, there).Token(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Value.Equal(want.Value) || !got.ExpiresOn.Equal(want.ExpiresOn) {
		t.Errorf("the token has become another on its way: %+v, want %+v", got, want)
	}
}

func TestErrorSurvivesTheRoundTrip(t *testing.T) {
	there, err := oauth2auth.NewTokenSource(t.Context(), partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{}, &auth.Error{Kind: auth.KindRefreshTokenDead, Resource: "https://first.example"}
	}), partnercenter.TokenRequest{Resource: resource})
	if err != nil {
		t.Fatal(err)
	}
	_, err = newSource(t, there).Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
	e, ok := errors.AsType[*auth.Error](err)
	if !ok || e.Kind != auth.KindRefreshTokenDead || e.Resource != "https://first.example" {
		t.Errorf("error %v", err)
	}
}

func TestRequestAndContextReachTheSource(t *testing.T) {
	var got partnercenter.TokenRequest
	var calls error
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	want := partnercenter.TokenRequest{Resource: resource, TenantID: tenantID, Claims: `{"access_token":{}}`}
	ts, err := oauth2auth.NewTokenSource(ctx, partnercenter.TokenSourceFunc(func(ctx context.Context, r partnercenter.TokenRequest) (partnercenter.Token, error) {
		got, calls = r, ctx.Err()
		return partnercenter.Token{Value: partnercenter.NewSecret("t")}, ctx.Err()
	}), want)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := ts.Token()
	if err != nil {
		t.Fatal(err)
	}
	if !tok.Valid() || tok.AccessToken != "t" || !tok.Expiry.IsZero() {
		t.Errorf("a token of unknown expiry has become %q, valid %t, expiry %v", tok.AccessToken, tok.Valid(), tok.Expiry)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(partnercenter.Secret.Equal)); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	cancel()
	if _, err := ts.Token(); !errors.Is(err, context.Canceled) || !errors.Is(calls, context.Canceled) {
		t.Errorf("after the context's end: error %v, the source saw %v", err, calls)
	}
}

func TestClientOfOAuth2SendsTheToken(t *testing.T) {
	d := newDirectory(t)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := d.Check(r.Header.Get("Authorization")[len("Bearer "):]); !ok {
			http.Error(w, "refused", http.StatusUnauthorized)
		}
	}))
	t.Cleanup(api.Close)
	ts, err := oauth2auth.NewTokenSource(t.Context(), d.ours(t), partnercenter.TokenRequest{Resource: resource})
	if err != nil {
		t.Fatal(err)
	}
	client := oauth2.NewClient(context.WithValue(t.Context(), oauth2.HTTPClient, d.client()), ts)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the API answered %s", resp.Status)
	}
}

func TestNewTokenSourceChecksItsArguments(t *testing.T) {
	src := auth.Static(partnercenter.Token{})
	for name, c := range map[string]struct {
		ctx context.Context
		src partnercenter.TokenSource
		req partnercenter.TokenRequest
	}{
		"no context":       {nil, src, partnercenter.TokenRequest{Resource: resource}},
		"no source":        {t.Context(), nil, partnercenter.TokenRequest{Resource: resource}},
		"no resource":      {t.Context(), src, partnercenter.TokenRequest{}},
		"a rejected token": {t.Context(), src, partnercenter.TokenRequest{Resource: resource, Rejected: partnercenter.NewSecret("t")}},
	} {
		if _, err := oauth2auth.NewTokenSource(c.ctx, c.src, c.req); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ts, err := oauth2auth.NewTokenSource(t.Context(), partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{}, nil
	}), partnercenter.TokenRequest{Resource: resource})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ts.Token(); err == nil {
		t.Error("an empty token is handed out")
	}
}
