package keyvaultstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets/fake"
	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/keyvaultstore"
	"github.com/partnercenter-go/partnercenter/auth/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keyVault is a Key Vault behind the fake server of azsecrets. What that cannot express,
// it answers itself.
type keyVault struct {
	server *fake.ServerTransport

	mu       sync.Mutex
	values   map[string]string // by name/version
	disabled map[string]bool
	made     int
	refuse   func(method string) (status int, body string)
}

// validName is what Key Vault accepts as the name of a secret.
var validName = regexp.MustCompile(`^[0-9a-zA-Z-]{1,127}$`)

func newKeyVault(t *testing.T) *keyVault {
	v := &keyVault{values: map[string]string{}, disabled: map[string]bool{}}
	v.server = fake.NewServerTransport(&fake.Server{
		SetSecret: func(_ context.Context, name string, p azsecrets.SetSecretParameters, _ *azsecrets.SetSecretOptions) (resp azfake.Responder[azsecrets.SetSecretResponse], errResp azfake.ErrorResponder) {
			v.mu.Lock()
			defer v.mu.Unlock()
			if !validName.MatchString(name) || len(*p.Value) > 25600 {
				t.Errorf("Key Vault refuses name %q with %d bytes", name, len(*p.Value))
			}
			v.made++
			version := fmt.Sprintf("%032x", v.made)
			v.values[strings.ToLower(name)+"/"+version] = *p.Value
			resp.SetResponse(http.StatusOK, azsecrets.SetSecretResponse{Secret: azsecrets.Secret{ID: id(name, version)}}, nil)
			return resp, errResp
		},
		GetSecret: func(_ context.Context, name, version string, _ *azsecrets.GetSecretOptions) (resp azfake.Responder[azsecrets.GetSecretResponse], errResp azfake.ErrorResponder) {
			v.mu.Lock()
			defer v.mu.Unlock()
			value, ok := v.values[strings.ToLower(name)+"/"+version]
			if !ok {
				errResp.SetResponseError(http.StatusNotFound, "SecretNotFound")
				return resp, errResp
			}
			resp.SetResponse(http.StatusOK, azsecrets.GetSecretResponse{Secret: azsecrets.Secret{ID: id(name, version), Value: &value}}, nil)
			return resp, errResp
		},
		UpdateSecretProperties: func(_ context.Context, name, version string, p azsecrets.UpdateSecretPropertiesParameters, _ *azsecrets.UpdateSecretPropertiesOptions) (resp azfake.Responder[azsecrets.UpdateSecretPropertiesResponse], errResp azfake.ErrorResponder) {
			v.mu.Lock()
			defer v.mu.Unlock()
			if _, ok := v.values[strings.ToLower(name)+"/"+version]; !ok {
				errResp.SetResponseError(http.StatusNotFound, "SecretNotFound")
				return resp, errResp
			}
			v.disabled[strings.ToLower(name)+"/"+version] = !*p.SecretAttributes.Enabled
			resp.SetResponse(http.StatusOK, azsecrets.UpdateSecretPropertiesResponse{Secret: azsecrets.Secret{ID: id(name, version)}}, nil)
			return resp, errResp
		},
	})
	return v
}

func id(name, version string) *azsecrets.ID {
	return new(azsecrets.ID("https://myvault.vault.azure.net/secrets/" + name + "/" + version))
}

// Do passes requests on, except for those that Key Vault refuses with a body.
func (v *keyVault) Do(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	v.mu.Lock()
	status, body := 0, ""
	if v.refuse != nil && req.Header.Get("Authorization") != "" {
		status, body = v.refuse(req.Method)
	}
	if req.Method == http.MethodGet && v.disabled[strings.ToLower(strings.TrimPrefix(req.URL.Path, "/secrets/"))] {
		status, body = http.StatusForbidden, `{"error":{"code":"Forbidden","message":"Operation get is not allowed on a disabled secret.","innererror":{"code":"SecretDisabled"}}}`
	}
	v.mu.Unlock()
	if status == 0 {
		return v.server.Do(req)
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// enabled is how many versions can be read.
func (v *keyVault) enabled() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := len(v.values)
	for ref := range v.disabled {
		if v.disabled[ref] {
			n--
		}
	}
	return n
}

func (v *keyVault) client(t *testing.T) *azsecrets.Client {
	t.Helper()
	c, err := azsecrets.NewClient("https://myvault.vault.azure.net", &azfake.TokenCredential{}, &azsecrets.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: v, Retry: policy.RetryOptions{MaxRetries: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConforms(t *testing.T) {
	vault := newKeyVault(t)
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		index, err := auth.NewFileStore(place, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := keyvaultstore.New(vault.client(t), index, nil) // versions, not names, keep places apart
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, &storetest.Options{TokenSize: 12 << 10})
}

const canary = "canary-refresh-token"

func record(token string) auth.Record {
	return auth.Record{RefreshToken: partnercenter.NewSecret(canary + token), ClientID: "c", TenantID: "t", AuthorityHost: "h"}
}

func open(t *testing.T, v *keyVault) (*auth.VaultStore, *auth.MemoryStore) {
	t.Helper()
	index := auth.NewMemoryStore()
	s, err := keyvaultstore.New(v.client(t), index, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, index
}

func TestOnlyTheNewestVersionCanBeRead(t *testing.T) {
	vault := newKeyVault(t)
	s, index := open(t, vault)
	var v auth.Version
	for n := range 4 {
		var err error
		if v, err = s.Save(t.Context(), "contoso.example", record(fmt.Sprint(n)), v); err != nil {
			t.Fatal(err)
		}
	}
	if vault.enabled() != 1 || vault.made != 4 {
		t.Errorf("%d of %d versions are enabled, want 1 of 4", vault.enabled(), vault.made)
	}
	for ref := range vault.values {
		if !strings.HasPrefix(ref, "partnercenter-contoso-example-") {
			t.Errorf("the secret of contoso.example is %s", ref)
		}
	}
	pointer, _, err := index.Load(t.Context(), "contoso.example")
	if err != nil || strings.Contains(pointer.RefreshToken.Reveal(), canary) {
		t.Errorf("the index holds %s, error %v", pointer.RefreshToken.Reveal(), err)
	}
	if err := s.Delete(t.Context(), "contoso.example", v); err != nil || vault.enabled() != 0 {
		t.Errorf("after Delete %d versions are enabled, error %v", vault.enabled(), err)
	}
}

func TestADisabledVersionIsNoRecord(t *testing.T) {
	vault := newKeyVault(t)
	v, err := keyvaultstore.NewVault(vault.client(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := v.Put(t.Context(), "k", partnercenter.NewSecret(canary))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.Get(t.Context(), ref); err != nil || got.Reveal() != canary {
		t.Errorf("Get: %v", err)
	}
	if err := v.Remove(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{ref, "partnercenter-k-0/1", "not a reference", "name/", ""} {
		if _, err := v.Get(t.Context(), gone); !errors.Is(err, auth.ErrNoRecord) {
			t.Errorf("Get of %q: %v, want ErrNoRecord", gone, err)
		}
		if err := v.Remove(t.Context(), gone); err != nil {
			t.Errorf("Remove of %q: %v", gone, err)
		}
	}
}

func TestRefusalsSayWhatToDoAndHoldNoSecret(t *testing.T) {
	vault := newKeyVault(t)
	s, _ := open(t, vault)
	ver, err := s.Save(t.Context(), "k", record("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	// An answer that quotes what was sent.
	vault.refuse = func(string) (int, string) {
		return http.StatusForbidden, `{"error":{"code":"Forbidden","message":"no: ` + canary + `","innerError":{"code":"ForbiddenByRbac"}}}`
	}
	_, _, loadErr := s.Load(t.Context(), "k")
	_, saveErr := s.Save(t.Context(), "k", record("2"), ver)
	deleteErr := s.Delete(t.Context(), "k", ver)
	for what, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Delete": deleteErr} {
		e, ok := errors.AsType[*keyvaultstore.Error](err)
		if !ok || e.Status != http.StatusForbidden || e.Code != "Forbidden" || e.InnerCode != "ForbiddenByRbac" || errors.Is(err, auth.ErrNoRecord) || errors.Is(err, auth.ErrUnreadable) {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) || !strings.Contains(text, "needs the permissions get and set") {
			t.Errorf("%s: %s", what, text)
		}
		if _, leak := errors.AsType[*azcore.ResponseError](err); leak {
			t.Errorf("%s: the error still has the request", what)
		}
	}
	vault.refuse = func(string) (int, string) { return http.StatusTooManyRequests, "slow down" }
	if _, _, err := s.Load(t.Context(), "fabrikam"); !errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("a key that the index does not have: %v", err)
	}
	_, err = s.Save(t.Context(), "fabrikam", record("1"), "")
	if e, ok := errors.AsType[*keyvaultstore.Error](err); !ok || e.Status != http.StatusTooManyRequests || strings.Contains(e.Error(), "permissions") {
		t.Errorf("throttled: %v", err)
	}
}

func TestASecretThatIsTooLargeIsNotSent(t *testing.T) {
	vault := newKeyVault(t)
	s, _ := open(t, vault)
	_, err := s.Save(t.Context(), "k", record(strings.Repeat("x", 26<<10)), "")
	if !errors.Is(err, auth.ErrTooLarge) || vault.made != 0 {
		t.Errorf("error %v, %d versions made", err, vault.made)
	}
}

// odd answers what Key Vault should not.
type odd struct{ keyvaultstore.Client }

func (odd) SetSecret(context.Context, string, azsecrets.SetSecretParameters, *azsecrets.SetSecretOptions) (azsecrets.SetSecretResponse, error) {
	return azsecrets.SetSecretResponse{}, nil
}

func (odd) GetSecret(context.Context, string, string, *azsecrets.GetSecretOptions) (azsecrets.GetSecretResponse, error) {
	return azsecrets.GetSecretResponse{}, nil
}

func (odd) UpdateSecretProperties(context.Context, string, string, azsecrets.UpdateSecretPropertiesParameters, *azsecrets.UpdateSecretPropertiesOptions) (azsecrets.UpdateSecretPropertiesResponse, error) {
	return azsecrets.UpdateSecretPropertiesResponse{}, &azcore.ResponseError{StatusCode: 500, ErrorCode: "Odd"}
}

func TestOddAnswersAreErrors(t *testing.T) {
	v, err := keyvaultstore.NewVault(odd{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Put(t.Context(), "k", partnercenter.NewSecret("x")); err == nil || !strings.Contains(err.Error(), "names no version") {
		t.Errorf("Put: %v", err)
	}
	if _, err := v.Get(t.Context(), "a/b"); !errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("Get: %v", err)
	}
	if err := v.Remove(t.Context(), "a/b"); err == nil || !strings.Contains(err.Error(), "500 Odd") {
		t.Errorf("Remove: %v", err)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	vault := newKeyVault(t)
	if _, err := keyvaultstore.New(nil, auth.NewMemoryStore(), nil); err == nil {
		t.Error("no client: no error")
	}
	if _, err := keyvaultstore.New(vault.client(t), nil, nil); err == nil {
		t.Error("no index: no error")
	}
	for _, prefix := range []string{"a_b", "a b", "ä", strings.Repeat("a", 41)} {
		if _, err := keyvaultstore.New(vault.client(t), auth.NewMemoryStore(), &keyvaultstore.Options{Prefix: prefix}); err == nil || !strings.Contains(err.Error(), "Prefix") {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
	v, err := keyvaultstore.NewVault(vault.client(t), &keyvaultstore.Options{Prefix: strings.Repeat("a", 40)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Put(t.Context(), strings.Repeat("k", 512), partnercenter.NewSecret("x")); err != nil {
		t.Errorf("the longest name: %v", err) // its length is checked by the fake
	}
	if text := fmt.Sprint(v); !strings.Contains(text, "Key Vault secrets named aaa") {
		t.Error(text)
	}
}
