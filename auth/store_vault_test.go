package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/storetest"
)

// shelf is a vault in memory. Hooks run before the operation and may fail it.
type shelf struct {
	mu                sync.Mutex
	secrets           map[string]pc.Secret
	made              int
	put, get, removal func() error
}

func hook(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (s *shelf) Put(ctx context.Context, key string, secret pc.Secret) (string, error) {
	if err := errors.Join(hook(s.put), ctx.Err()); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets == nil {
		s.secrets = map[string]pc.Secret{}
	}
	s.made++
	ref := fmt.Sprintf("%x-%d", key[:min(len(key), 8)], s.made)
	s.secrets[ref] = secret
	return ref, nil
}

func (s *shelf) Get(ctx context.Context, ref string) (pc.Secret, error) {
	if err := errors.Join(hook(s.get), ctx.Err()); err != nil {
		return pc.Secret{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, ok := s.secrets[ref]
	if !ok {
		return pc.Secret{}, auth.ErrNoRecord
	}
	return secret, nil
}

func (s *shelf) Remove(_ context.Context, ref string) error {
	if err := hook(s.removal); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.secrets, ref)
	return nil
}

// held is how many secrets there are.
func (s *shelf) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.secrets)
}

func vaultStore(t *testing.T, vault auth.Vault, index auth.TokenStore) *auth.VaultStore {
	t.Helper()
	s, err := auth.NewVaultStore(vault, index)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVaultStoreConforms(t *testing.T) {
	indexes := memoryPlaces()
	var mu sync.Mutex
	shelves := map[string]*shelf{}
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		mu.Lock()
		defer mu.Unlock()
		if shelves[place] == nil {
			shelves[place] = &shelf{}
		}
		return vaultStore(t, shelves[place], indexes(t, place))
	}, nil)
}

func TestVaultStoreOverAPlainIndexConforms(t *testing.T) {
	indexes := memoryPlaces()
	vault := &shelf{}
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		return vaultStore(t, vault, onlyStore{indexes(t, place)})
	}, nil)
}

const vaultKey = "contoso.example"

// filledVault is a store with one record.
func filledVault(t *testing.T) (*auth.VaultStore, *shelf, *auth.MemoryStore, auth.Version) {
	t.Helper()
	vault, index := &shelf{}, auth.NewMemoryStore()
	s := vaultStore(t, vault, index)
	v, err := s.Save(t.Context(), vaultKey, storeRecord("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	return s, vault, index, v
}

func TestVaultStoreIndexHoldsNoToken(t *testing.T) {
	_, _, index, _ := filledVault(t)
	r, _, err := index.Load(t.Context(), vaultKey)
	if err != nil {
		t.Fatal(err)
	}
	data, err := auth.MarshalRecord(r)
	if err != nil || strings.Contains(string(data), storeCanary) {
		t.Errorf("the index holds %s, error %v", data, err)
	}
	if r.TenantID != tenantID || !r.SignedInAt.Equal(storeRecord("1").SignedInAt) {
		t.Errorf("the index shows nothing: %v", r)
	}
}

func TestVaultStoreDoesNotBelieveItsIndex(t *testing.T) {
	s, _, index, _ := filledVault(t)
	r, v, err := index.Load(t.Context(), vaultKey)
	if err != nil {
		t.Fatal(err)
	}
	forged := r
	forged.AuthorityHost, forged.TenantID = "evil.example", "evil"
	if _, err := index.Save(t.Context(), vaultKey, forged, v); err != nil {
		t.Fatal(err)
	}
	got, _, err := s.Load(t.Context(), vaultKey)
	if err != nil || got.AuthorityHost != storeRecord("1").AuthorityHost || got.TenantID != tenantID {
		t.Errorf("%v, error %v", got, err)
	}
	// The reference of one tenant under the name of another.
	if _, err := index.Save(t.Context(), "fabrikam.example", r, ""); err != nil {
		t.Fatal(err)
	}
	_, stolen, err := s.Load(t.Context(), "fabrikam.example")
	if !errors.Is(err, auth.ErrUnreadable) || !strings.Contains(err.Error(), `belongs to key "contoso.example"`) || stolen == "" {
		t.Errorf("another tenant's record: version %q, error %v", stolen, err)
	}
}

func TestVaultStoreKeepsOneSecretPerKey(t *testing.T) {
	s, vault, _, v := filledVault(t)
	for n := range 5 {
		var err error
		if v, err = s.Save(t.Context(), vaultKey, storeRecord(fmt.Sprint(n)), v); err != nil {
			t.Fatal(err)
		}
	}
	if vault.held() != 1 {
		t.Errorf("%d secrets after 6 saves, want 1", vault.held())
	}
	if _, err := s.Save(t.Context(), vaultKey, storeRecord("x"), ""); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("conflict: %v", err)
	}
	if vault.made != 6 {
		t.Errorf("a lost race has cost a secret: %d were made", vault.made)
	}
	if err := s.Delete(t.Context(), vaultKey, v); err != nil || vault.held() != 0 {
		t.Errorf("after Delete %d secrets, error %v", vault.held(), err)
	}
}

// The index changes between the first look and the save.
func TestVaultStoreTidiesUpAfterALateConflict(t *testing.T) {
	s, vault, index, v := filledVault(t)
	pointer, _, err := index.Load(t.Context(), vaultKey)
	if err != nil {
		t.Fatal(err)
	}
	vault.put = func() error {
		_, err := index.Save(t.Context(), vaultKey, pointer, v)
		return err
	}
	if _, err := s.Save(t.Context(), vaultKey, storeRecord("2"), v); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("Save: %v, want ErrConflict", err)
	}
	if vault.made != 2 || vault.held() != 1 {
		t.Errorf("%d secrets made, %d held, want 2 and 1", vault.made, vault.held())
	}
	if r, _, err := s.Load(t.Context(), vaultKey); err != nil || r.RefreshToken.Reveal() != storeCanary+"-1" {
		t.Errorf("the stored record: %v, error %v", r, err)
	}
}

// failing is an index with failures on demand.
type failing struct {
	*auth.MemoryStore
	load, save error
	after      bool // the failure comes after the work, like a lost answer
}

func (f *failing) Load(ctx context.Context, key string) (auth.Record, auth.Version, error) {
	if f.load != nil {
		return auth.Record{}, "", f.load
	}
	return f.MemoryStore.Load(ctx, key)
}

func (f *failing) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	if f.save != nil && !f.after {
		return "", f.save
	}
	v, err := f.MemoryStore.Save(ctx, key, r, expect)
	if f.save != nil {
		return "", f.save
	}
	return v, err
}

func TestVaultStoreKeepsASecretThatMayBePointedTo(t *testing.T) {
	vault, index := &shelf{}, &failing{MemoryStore: auth.NewMemoryStore()}
	s := vaultStore(t, vault, index)
	v, err := s.Save(t.Context(), vaultKey, storeRecord("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	index.save, index.after = errors.New("connection lost"), true
	if _, err := s.Save(t.Context(), vaultKey, storeRecord("2"), v); !errors.Is(err, index.save) {
		t.Fatalf("Save: %v", err)
	}
	if r, _, err := s.Load(t.Context(), vaultKey); err != nil || r.RefreshToken.Reveal() != storeCanary+"-2" {
		t.Errorf("the record that was saved after all: %v, error %v", r, err)
	}
	index.load = errors.New("index is down")
	_, _, loadErr := s.Load(t.Context(), vaultKey)
	_, saveErr := s.Save(t.Context(), vaultKey, storeRecord("3"), v)
	deleteErr := s.Delete(t.Context(), vaultKey, v)
	for what, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Delete": deleteErr} {
		if !errors.Is(err, index.load) {
			t.Errorf("%s without the index: %v", what, err)
		}
	}
}

func TestVaultStoreFollowsAnIndexThatMovesOn(t *testing.T) {
	s, vault, _, v := filledVault(t)
	reads := 0
	vault.get = func() error {
		if reads++; reads > 1 {
			return nil
		}
		// Between the index and the vault somebody saves, and removes what we look for.
		var err error
		v, err = s.Save(t.Context(), vaultKey, storeRecord("2"), v)
		return err
	}
	r, got, err := s.Load(t.Context(), vaultKey)
	if err != nil || got != v || r.RefreshToken.Reveal() != storeCanary+"-2" || reads != 2 {
		t.Errorf("after %d reads: %v version %q, error %v", reads, r, got, err)
	}
}

func TestVaultStoreDoesNotFollowForEver(t *testing.T) {
	s, vault, index, _ := filledVault(t)
	clear(vault.secrets)
	reads := 0
	vault.get = func() error {
		reads++
		r, v, err := index.Load(t.Context(), vaultKey)
		if err != nil {
			return err
		}
		r.RefreshToken = pc.NewSecret(fmt.Sprintf("vault-reference:moved-%d", reads))
		_, err = index.Save(t.Context(), vaultKey, r, v)
		return err
	}
	if _, _, err := s.Load(t.Context(), vaultKey); err == nil || !strings.Contains(err.Error(), "try again") || reads > 20 {
		t.Errorf("after %d reads: %v", reads, err)
	}
}

func TestVaultStoreSurvivesALostSecret(t *testing.T) {
	for name, lose := range map[string]func(*shelf){
		"gone":         func(v *shelf) { clear(v.secrets) },
		"not ours":     func(v *shelf) { fill(v, storeCanary) },
		"not a record": func(v *shelf) { fill(v, `{"key":"contoso.example","record":{"x":"`+storeCanary+`"}}`) },
	} {
		t.Run(name, func(t *testing.T) {
			s, vault, _, v := filledVault(t)
			lose(vault)
			_, damaged, err := s.Load(t.Context(), vaultKey)
			if !errors.Is(err, auth.ErrUnreadable) || errors.Is(err, auth.ErrNoRecord) || damaged != v {
				t.Errorf("Load: version %q, error %v, want %q and ErrUnreadable", damaged, err, v)
			}
			if strings.Contains(fmt.Sprintf("%v %#v", err, err), storeCanary) {
				t.Errorf("the error shows the secret: %v", err)
			}
			if _, err := s.Save(t.Context(), vaultKey, storeRecord("2"), damaged); err != nil {
				t.Errorf("a new sign-in: %v", err)
			}
			if r, _, err := s.Load(t.Context(), vaultKey); err != nil || r.RefreshToken.Reveal() != storeCanary+"-2" {
				t.Errorf("after a new sign-in: %v, error %v", r, err)
			}
		})
	}
}

func fill(v *shelf, text string) {
	for ref := range v.secrets {
		v.secrets[ref] = pc.NewSecret(text)
	}
}

func TestVaultStoreRefusesRecordsOfOthers(t *testing.T) {
	s, vault, index, _ := filledVault(t)
	v, err := index.Save(t.Context(), "plain", storeRecord("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, got, err := s.Load(t.Context(), "plain"); !errors.Is(err, auth.ErrUnreadable) || got != v || strings.Contains(err.Error(), storeCanary) {
		t.Errorf("a record that is not in the vault: version %q, error %v", got, err)
	}
	if err := s.Delete(t.Context(), "plain", v); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if vault.held() != 1 {
		t.Errorf("%d secrets, want the other key's", vault.held())
	}
}

func TestVaultStoreReportsTheVault(t *testing.T) {
	s, vault, _, v := filledVault(t)
	down := errors.New("vault is down")
	vault.put, vault.get, vault.removal = func() error { return down }, func() error { return down }, func() error { return down }
	if _, _, err := s.Load(t.Context(), vaultKey); !errors.Is(err, down) || errors.Is(err, auth.ErrUnreadable) {
		t.Errorf("Load: %v", err)
	}
	if _, err := s.Save(t.Context(), vaultKey, storeRecord("2"), v); !errors.Is(err, down) {
		t.Errorf("Save: %v", err)
	}
	vault.put = nil
	next, err := s.Save(t.Context(), vaultKey, storeRecord("2"), v)
	if err != nil {
		t.Errorf("a Save that cannot remove the old secret: %v", err)
	}
	if err := s.Delete(t.Context(), vaultKey, next); !errors.Is(err, down) || !strings.Contains(err.Error(), "the vault still has") {
		t.Errorf("Delete: %v", err)
	}
}

// badReferences is a vault that returns what cannot be kept.
type badReferences struct{ *shelf }

func (badReferences) Put(context.Context, string, pc.Secret) (string, error) { return "a\nb", nil }

func TestVaultStoreRefusesABadReference(t *testing.T) {
	s := vaultStore(t, badReferences{&shelf{}}, auth.NewMemoryStore())
	if _, err := s.Save(t.Context(), vaultKey, storeRecord("1"), ""); err == nil || !strings.Contains(err.Error(), "not a reference") {
		t.Errorf("Save: %v", err)
	}
}

func TestNewVaultStoreNeedsBothParts(t *testing.T) {
	_, err := auth.NewVaultStore(nil, auth.NewMemoryStore())
	_, err2 := auth.NewVaultStore(&shelf{}, nil)
	if err == nil || err2 == nil {
		t.Errorf("errors %v and %v", err, err2)
	}
	s := vaultStore(t, &shelf{}, auth.NewMemoryStore())
	if got := s.GoString(); got != "vault store (*auth_test.shelf, index *auth.MemoryStore)" {
		t.Errorf("GoString() = %q", got)
	}
}
