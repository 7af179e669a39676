package azcoreauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/azcoreauth"
)

func newCredential(t *testing.T, src partnercenter.TokenSource) azcore.TokenCredential {
	t.Helper()
	cred, err := azcoreauth.NewCredential(src)
	if err != nil {
		t.Fatal(err)
	}
	return cred
}

func TestRoundTripChangesNothing(t *testing.T) {
	d := newDirectory(t)
	ours := d.ours(t)
	want, err := ours.Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
	if err != nil {
		t.Fatal(err)
	}
	got, err := newSource(t, newCredential(t, ours)).Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Value.Equal(want.Value) || !got.ExpiresOn.Equal(want.ExpiresOn) || !got.RefreshOn.Equal(want.RefreshOn) {
		t.Errorf("the token has become another on its way: %+v, want %+v", got, want)
	}
}

func TestErrorSurvivesTheRoundTrip(t *testing.T) {
	src := newSource(t, newCredential(t, partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{}, &auth.Error{Kind: auth.KindRefreshTokenDead, Resource: "https://first.example"}
	})))
	_, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
	e, ok := errors.AsType[*auth.Error](err)
	if !ok || e.Kind != auth.KindRefreshTokenDead || e.Resource != "https://first.example" {
		t.Errorf("error %v", err)
	}
}

func TestRequestReachesTheSource(t *testing.T) {
	var got partnercenter.TokenRequest
	cred := newCredential(t, partnercenter.TokenSourceFunc(func(_ context.Context, r partnercenter.TokenRequest) (partnercenter.Token, error) {
		got = r
		return partnercenter.Token{Value: partnercenter.NewSecret("t")}, nil
	}))
	_, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{
		Scopes: []string{"https://vault.azure.net/.default"}, TenantID: otherTenant, Claims: `{"access_token":{}}`, EnableCAE: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := partnercenter.TokenRequest{Resource: "https://vault.azure.net", TenantID: otherTenant, Claims: `{"access_token":{}}`}
	if diff := cmp.Diff(want, got, cmp.Comparer(partnercenter.Secret.Equal)); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestScopesThatNoSourceCanServeAreRefused(t *testing.T) {
	cred := newCredential(t, partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		t.Error("the source is asked")
		return partnercenter.Token{}, nil
	}))
	for name, c := range map[string]struct {
		scopes []string
		want   string
	}{
		"none":            {nil, "without a scope"},
		"two resources":   {[]string{"https://a.example/.default", "https://b.example/.default"}, "2 scopes (https://a.example/.default, https://b.example/.default)"},
		"a permission":    {[]string{"https://graph.microsoft.com/User.Read"}, "User.Read"},
		"no resource":     {[]string{"/.default"}, `"/.default"`},
		"only the suffix": {[]string{".default"}, `".default"`},
	} {
		_, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: c.scopes})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		var final interface{ NonRetriable() }
		if !errors.As(err, &final) {
			t.Errorf("%s: azcore would try again", name)
		}
	}
}

// A client of the Azure SDK does not take zero for "expired long ago": it sends the token,
// and asks again for the next request.
func TestUnknownExpiryServesAzureClients(t *testing.T) {
	var seen []string
	srv := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
	}))
	t.Cleanup(srv.Close)
	asked := 0
	static := auth.Static(partnercenter.Token{Value: partnercenter.NewSecret("forever")})
	cred := newCredential(t, partnercenter.TokenSourceFunc(func(ctx context.Context, r partnercenter.TokenRequest) (partnercenter.Token, error) {
		asked++
		return static.Token(ctx, r)
	}))
	p := runtime.NewPipeline("test", "v1", runtime.PipelineOptions{
		PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(cred, []string{resource + "/.default"}, nil)},
	}, &policy.ClientOptions{Transport: srv.Client()})
	for range 2 {
		req, err := runtime.NewRequest(t.Context(), http.MethodGet, srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if diff := cmp.Diff([]string{"Bearer forever", "Bearer forever"}, seen); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if asked != 2 {
		t.Errorf("the source was asked %d times, want 2", asked)
	}
}

func TestRefusedTokenIsNotAskedForAgain(t *testing.T) {
	asked := 0
	cred := newCredential(t, partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		asked++
		return partnercenter.Token{}, &auth.Error{Kind: auth.KindInteractionRequired}
	}))
	p := runtime.NewPipeline("test", "v1", runtime.PipelineOptions{
		PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(cred, []string{resource + "/.default"}, nil)},
	}, &policy.ClientOptions{Retry: policy.RetryOptions{RetryDelay: time.Nanosecond}})
	req, err := runtime.NewRequest(t.Context(), http.MethodGet, "https://nowhere.example")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, auth.ErrInteractionRequired) || asked != 1 {
		t.Errorf("error %v after asking %d times, want ErrInteractionRequired after 1", err, asked)
	}
}

func TestEmptyTokenIsAnError(t *testing.T) {
	if _, err := azcoreauth.NewCredential(nil); err == nil {
		t.Error("a nil source is accepted")
	}
	cred := newCredential(t, partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{}, nil
	}))
	if _, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}}); err == nil {
		t.Error("an empty token is handed out")
	}
}
