package azcoreauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/azcoreauth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

func secretCredential(t *testing.T, d *directory, secret string) azcore.TokenCredential {
	t.Helper()
	cred, err := azidentity.NewClientSecretCredential(tenantID, clientID, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: d.client(), DisableInstanceDiscovery: true, AdditionallyAllowedTenants: []string{otherTenant},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cred
}

func TestAzidentityCredentialSignsIn(t *testing.T) {
	d := newDirectory(t)
	src := newSource(t, secretCredential(t, d, secret))
	var last partnercenter.Token
	for range 3 {
		tok, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
		if err != nil {
			t.Fatal(err)
		}
		last = tok
	}
	claims, ok := d.Check(last.Value.Reveal())
	if !ok || claims.Audience != resource || claims.TenantID != tenantID {
		t.Errorf("the token is %+v, accepted %t", claims, ok)
	}
	if diff := claims.ExpiresOn.Sub(last.ExpiresOn).Abs(); diff > 2*time.Second {
		t.Errorf("ExpiresOn is off by %v", diff)
	}
	if n := d.Count(entra.Token); n != 1 {
		t.Errorf("%d token requests for three calls, want 1", n)
	}

	other, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: resource, TenantID: otherTenant})
	if err != nil {
		t.Fatal(err)
	}
	if claims, ok := d.Check(other.Value.Reveal()); !ok || claims.TenantID != otherTenant {
		t.Errorf("the token of the other tenant is %+v, accepted %t", claims, ok)
	}
}

func TestRequestReachesTheCredential(t *testing.T) {
	var got []policy.TokenRequestOptions
	refresh := time.Now().Add(30 * time.Minute)
	src := newSource(t, credentialFunc(func(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
		got = append(got, o)
		return azcore.AccessToken{Token: "t" + strconv.Itoa(len(got)), ExpiresOn: refresh.Add(time.Hour), RefreshOn: refresh}, nil
	}))
	tok, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: "https://trailing.example/", TenantID: otherTenant, Claims: `{"access_token":{}}`})
	if err != nil {
		t.Fatal(err)
	}
	want := []policy.TokenRequestOptions{{Scopes: []string{"https://trailing.example//.default"}, TenantID: otherTenant, Claims: `{"access_token":{}}`}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if tok.Value.Reveal() != "t1" || !tok.RefreshOn.Equal(refresh) || !tok.ExpiresOn.Equal(refresh.Add(time.Hour)) {
		t.Errorf("token %q, refresh on %v, expires on %v", tok.Value.Reveal(), tok.RefreshOn, tok.ExpiresOn)
	}
}

func TestRefusalOfEntraIsExplainedWithoutSecrets(t *testing.T) {
	d := newDirectory(t)
	src := newSource(t, secretCredential(t, d, "canary-wrong-secret"))
	_, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
	if !errors.Is(err, auth.ErrBadClientCredential) {
		t.Fatalf("error %v, want ErrBadClientCredential", err)
	}
	e, _ := errors.AsType[*auth.Error](err)
	if !e.HasSTSCode(7000215) || e.Advice == "" || e.Resource != resource || e.Status != 401 || e.CorrelationID == "" {
		t.Errorf("error %#v", e)
	}
	if _, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); !ok {
		t.Error("errors.As does not find azidentity's error")
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		if strings.Contains(text, "\n") || strings.Contains(text, "canary") {
			t.Errorf("printed as %q", text)
		}
	}
}

func TestUnavailableCredentialSaysWhy(t *testing.T) {
	chain, err := azidentity.NewChainedTokenCredential([]azcore.TokenCredential{
		credentialFunc(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
			return azcore.AccessToken{}, azidentity.NewCredentialUnavailableError("first: not installed")
		}),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = newSource(t, chain).Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
	e, ok := errors.AsType[*auth.Error](err)
	if !ok || !strings.Contains(e.Description, "first: not installed") {
		t.Errorf("error %v", err)
	}
}

func TestMissingSignInIsInteractionRequired(t *testing.T) {
	d := newDirectory(t)
	cred, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: d.client(), TenantID: tenantID, ClientID: clientID,
		DisableInstanceDiscovery: true, DisableAutomaticAuthentication: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = newSource(t, cred).Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
	if !errors.Is(err, auth.ErrInteractionRequired) || !strings.Contains(err.Error(), "Authenticate") {
		t.Errorf("error %v, want ErrInteractionRequired with advice", err)
	}
}

func TestManagedIdentitySignsIn(t *testing.T) {
	expires := time.Now().Add(time.Hour).Truncate(time.Second)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Identity-Header") != "canary-header" || r.URL.Query().Get("resource") != resource {
			http.Error(w, `{"statusCode":400,"message":"wrong request"}`, http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{
			"access_token": "of-the-identity", "expires_on": strconv.FormatInt(expires.Unix(), 10), "resource": resource, "token_type": "Bearer",
		})
	}))
	t.Cleanup(srv.Close)
	t.Setenv("IDENTITY_ENDPOINT", srv.URL)
	t.Setenv("IDENTITY_HEADER", "canary-header")
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	cred, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: azcore.ClientOptions{Transport: client}})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := newSource(t, cred).Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
	if err != nil {
		t.Fatal(err)
	}
	if tok.Value.Reveal() != "of-the-identity" || tok.ExpiresOn.Sub(expires).Abs() > 2*time.Second {
		t.Errorf("token %q, expires on %v, want about %v", tok.Value.Reveal(), tok.ExpiresOn, expires)
	}
}

func TestLocalMistakesAskNobody(t *testing.T) {
	if _, err := azcoreauth.NewSource(nil, nil); err == nil {
		t.Error("a nil credential is accepted")
	}
	src := newSource(t, credentialFunc(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
		t.Error("the credential is asked")
		return azcore.AccessToken{}, errors.New("asked")
	}))
	for _, resource := range []string{"", resource + "/.default"} {
		if _, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: resource}); err == nil || !strings.Contains(err.Error(), "TokenRequest.Resource") {
			t.Errorf("resource %q: error %v", resource, err)
		}
	}
}
