package keyringstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/zalando/go-keyring"
	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ring is go-keyring's mock with what it lacks: a lock, the limits of real keyrings, and
// failures.
type ring struct {
	mu      sync.Mutex
	names   map[string]int // entries by name, with their lengths
	failing func(op, user string) error
}

func mockRing(t *testing.T) *ring {
	t.Helper()
	keyring.MockInit()
	return &ring{names: map[string]int{}}
}

func (r *ring) do(op, service, user, password string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failing != nil {
		if err := r.failing(op, user); err != nil {
			return "", err
		}
	}
	switch op {
	case "set":
		// Windows counts the password; macOS a command line with the password in
		// base64 and quotes.
		if len(password) > 2560 || len(password)*4/3+len(service)+len(user)+200 > 4096 {
			return "", keyring.ErrSetDataTooBig
		}
		r.names[user] = len(password)
		return "", keyring.Set(service, user, password)
	case "get":
		return keyring.Get(service, user)
	default:
		delete(r.names, user)
		return "", keyring.Delete(service, user)
	}
}

// keyring returns a vault over the mock.
func (r *ring) keyring(t *testing.T, opts *Options) *Keyring {
	t.Helper()
	k, err := NewKeyring(opts)
	if err != nil {
		t.Fatal(err)
	}
	k.set = func(service, user, password string) error {
		_, err := r.do("set", service, user, password)
		return err
	}
	k.get = func(service, user string) (string, error) { return r.do("get", service, user, "") }
	k.remove = func(service, user string) error {
		_, err := r.do("remove", service, user, "")
		return err
	}
	return k
}

func (r *ring) entries() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.names)
}

func TestConforms(t *testing.T) {
	r := mockRing(t)
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		index, err := auth.NewFileStore(place, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := auth.NewVaultStore(r.keyring(t, &Options{Service: strings.Repeat("s", maxService)}), index)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, &storetest.Options{TokenSize: 32 << 10})
}

const canary = "canary-refresh-token"

func record(token string) auth.Record {
	return auth.Record{RefreshToken: partnercenter.NewSecret(canary + token), ClientID: "c", TenantID: "t", AuthorityHost: "h"}
}

// New uses the keyring of the system, here the mock in its place.
func TestTheSystemsKeyringIsUsed(t *testing.T) {
	keyring.MockInit()
	index := auth.NewMemoryStore()
	s, err := New(index, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Save(t.Context(), "contoso.example", record("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	pointer, _, err := index.Load(t.Context(), "contoso.example")
	if err != nil {
		t.Fatal(err)
	}
	ref := strings.TrimPrefix(pointer.RefreshToken.Reveal(), "vault-reference:")
	if !strings.HasPrefix(ref, "contoso.example-") || !strings.HasSuffix(ref, "/1") {
		t.Errorf("the index holds %q", ref)
	}
	if _, err := keyring.Get("partnercenter", strings.TrimSuffix(ref, "/1")+"-0"); err != nil {
		t.Errorf("the entry %q: %v", ref, err)
	}
	if r, _, err := s.Load(t.Context(), "contoso.example"); err != nil || r.RefreshToken.Reveal() != canary+"1" {
		t.Errorf("Load: %v", err)
	}
	if err := s.Delete(t.Context(), "contoso.example", v); err != nil {
		t.Error(err)
	}
	if _, err := keyring.Get("partnercenter", strings.TrimSuffix(ref, "/1")+"-0"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("after Delete: %v", err)
	}
}

func TestALongRecordIsDividedAndTidiedUp(t *testing.T) {
	r := mockRing(t)
	s, err := auth.NewVaultStore(r.keyring(t, nil), auth.NewMemoryStore())
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Save(t.Context(), "k", record(strings.Repeat("x", 40<<10)), "")
	if err != nil || r.entries() < 20 {
		t.Fatalf("%d entries, error %v", r.entries(), err)
	}
	if _, err := s.Save(t.Context(), "k", record("short"), v); err != nil || r.entries() != 1 {
		t.Errorf("after a short record %d entries, error %v", r.entries(), err)
	}
}

func TestAFailedPutLeavesNothing(t *testing.T) {
	r := mockRing(t)
	k := r.keyring(t, nil)
	locked := errors.New("keyring is locked")
	for name, c := range map[string]struct{ fails, is error }{
		"locked":    {locked, locked},
		"too large": {keyring.ErrSetDataTooBig, auth.ErrTooLarge},
	} {
		r.failing = func(op, user string) error {
			if op == "set" && strings.HasSuffix(user, "-3") {
				return c.fails
			}
			return nil
		}
		ref, err := k.Put(t.Context(), "k", partnercenter.NewSecret(strings.Repeat(canary, 1000)))
		if ref != "" || !errors.Is(err, c.is) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: reference %q, error %v", name, ref, err)
		}
		if r.entries() != 0 {
			t.Errorf("%s: %d entries remain", name, r.entries())
		}
	}
	r.failing = nil
	if _, err := k.Put(t.Context(), "k", partnercenter.NewSecret(strings.Repeat("x", 1<<20))); !errors.Is(err, auth.ErrTooLarge) || r.entries() != 0 {
		t.Errorf("a megabyte: error %v, %d entries", err, r.entries())
	}
}

func TestWhatIsIncompleteIsNoRecord(t *testing.T) {
	r := mockRing(t)
	k := r.keyring(t, nil)
	ref, err := k.Put(t.Context(), "k", partnercenter.NewSecret(strings.Repeat("x", 5000)))
	if err != nil {
		t.Fatal(err)
	}
	id, count, ok := parse(ref)
	if !ok || count < 3 {
		t.Fatalf("reference %q", ref)
	}
	if err := k.set(k.service, entry(id, 1), "?"); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Get(t.Context(), ref); !errors.Is(err, auth.ErrNoRecord) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged entry: %v", err)
	}
	if err := k.remove(k.service, entry(id, 1)); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{ref, "", "x", "/1", "x/0", "x/-1", "x/9999999", "x/y", "x/1"} {
		if _, err := k.Get(t.Context(), gone); !errors.Is(err, auth.ErrNoRecord) {
			t.Errorf("Get of %q: %v, want ErrNoRecord", gone, err)
		}
		if err := k.Remove(t.Context(), gone); err != nil {
			t.Errorf("Remove of %q: %v", gone, err)
		}
	}
	if r.entries() != 0 {
		t.Errorf("%d entries remain", r.entries())
	}
}

func TestAKeyringThatFailsIsNotAnEmptyOne(t *testing.T) {
	r := mockRing(t)
	k := r.keyring(t, nil)
	ref, err := k.Put(t.Context(), "k", partnercenter.NewSecret("x"))
	if err != nil {
		t.Fatal(err)
	}
	locked := errors.New("keyring is locked")
	r.failing = func(string, string) error { return locked }
	if _, err := k.Get(t.Context(), ref); !errors.Is(err, locked) || errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("Get: %v", err)
	}
	if err := k.Remove(t.Context(), ref); !errors.Is(err, locked) {
		t.Errorf("Remove: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r.failing = func(op, _ string) error { t.Error("the keyring was asked to", op); return nil }
	_, putErr := k.Put(ended, "k", partnercenter.NewSecret("x"))
	_, getErr := k.Get(ended, ref)
	if err := k.Remove(ended, ref); !errors.Is(putErr, context.Canceled) || !errors.Is(getErr, context.Canceled) || !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v, %v, %v", putErr, getErr, err)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	if _, err := New(nil, nil); err == nil {
		t.Error("no index: no error")
	}
	for _, service := range []string{"a\nb", "\xff", strings.Repeat("x", 101)} {
		if _, err := New(auth.NewMemoryStore(), &Options{Service: service}); err == nil || !strings.Contains(err.Error(), "Service") {
			t.Errorf("service %q: %v", service, err)
		}
	}
	k, err := NewKeyring(&Options{Service: "mytool"})
	if err != nil {
		t.Fatal(err)
	}
	if got := k.String(); got != `keyring entries of service "mytool"` {
		t.Errorf("String() = %q", got)
	}
	if text := fmt.Sprintf("%v", k); text != k.String() {
		t.Error(text)
	}
}
