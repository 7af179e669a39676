package tinkstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/storetest"
	"github.com/partnercenter-go/partnercenter/auth/tinkstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newKeyset makes a keyset with one key.
func newKeyset(t *testing.T) *keyset.Handle {
	t.Helper()
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// cipher is the AEAD of a keyset.
func cipher(t *testing.T, h *keyset.Handle) tink.AEAD {
	t.Helper()
	a, err := aead.New(h)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// rotated is a keyset with a new primary key and the old ones.
func rotated(t *testing.T, h *keyset.Handle) *keyset.Handle {
	t.Helper()
	m := keyset.NewManagerFromHandle(h)
	id, err := m.Add(aead.XChaCha20Poly1305KeyTemplate())
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err != nil {
		t.Fatal(err)
	}
	next, err := m.Handle()
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// retired is a keyset with only its primary key.
func retired(t *testing.T, h *keyset.Handle) *keyset.Handle {
	t.Helper()
	m := keyset.NewManagerFromHandle(h)
	info := h.KeysetInfo()
	for _, k := range info.GetKeyInfo() {
		if k.GetKeyId() != info.GetPrimaryKeyId() {
			if err := m.Delete(k.GetKeyId()); err != nil {
				t.Fatal(err)
			}
		}
	}
	next, err := m.Handle()
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func over(t *testing.T, inner auth.TokenStore, h *keyset.Handle, opts *tinkstore.Options) *tinkstore.Store {
	t.Helper()
	s, err := tinkstore.New(inner, cipher(t, h), opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformsOverFiles(t *testing.T) {
	h := newKeyset(t)
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		inner, err := auth.NewFileStore(place, nil)
		if err != nil {
			t.Fatal(err)
		}
		return over(t, inner, h, nil)
	}, &storetest.Options{TokenSize: 32 << 10})
}

// plain is a store that can only load and save.
type plain struct{ auth.TokenStore }

func TestConformsOverAPlainStore(t *testing.T) {
	h := newKeyset(t)
	var places sync.Map
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		inner, _ := places.LoadOrStore(place, auth.NewMemoryStore())
		return over(t, plain{inner.(auth.TokenStore)}, h, nil) //nolint:errcheck,forcetypeassert // just stored
	}, nil)
}

const canary = "canary-refresh-token"

func record(token string) auth.Record {
	return auth.Record{
		RefreshToken: partnercenter.NewSecret(canary + token), ClientID: "c", TenantID: "contoso", AuthorityHost: "login.microsoftonline.com",
		Extra: map[string]json.RawMessage{"spare": json.RawMessage(`"` + canary + `-spare"`)},
	}
}

// save saves a record that nothing stands in the way of.
func save(t *testing.T, s auth.TokenStore, key, token string, expect auth.Version) auth.Version {
	t.Helper()
	v, err := s.Save(t.Context(), key, record(token), expect)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// want checks which token is stored.
func want(t *testing.T, s auth.TokenStore, key, token string) {
	t.Helper()
	r, _, err := s.Load(t.Context(), key)
	if err != nil || r.RefreshToken.Reveal() != canary+token || len(r.Extra) != 1 {
		t.Errorf("%q: token %q, %d unknown fields, error %v", key, strings.TrimPrefix(r.RefreshToken.Reveal(), canary), len(r.Extra), err)
	}
}

// unreadable checks that a record does not open and can be replaced.
func unreadable(t *testing.T, s auth.TokenStore, key, says string) {
	t.Helper()
	r, v, err := s.Load(t.Context(), key)
	if !errors.Is(err, auth.ErrUnreadable) || v == "" || !r.RefreshToken.IsZero() || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), canary) {
		t.Errorf("%q: version %q, error %v, want ErrUnreadable that says %q", key, v, err, says)
	}
}

// dump is everything that the inner store holds of a key.
func dump(t *testing.T, inner auth.TokenStore, key string) string {
	t.Helper()
	r, _, err := inner.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := auth.MarshalRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAStolenStoreIsUseless(t *testing.T) {
	inner, h := auth.NewMemoryStore(), newKeyset(t)
	s := over(t, inner, h, nil)
	save(t, s, "k", "1", "")
	stolen := dump(t, inner, "k")
	if strings.Contains(stolen, canary) || strings.Contains(stolen, "spare") {
		t.Errorf("the inner store holds %s", stolen)
	}
	if !strings.Contains(stolen, `"tenant_id":"contoso"`) {
		t.Errorf("people cannot see whose record it is: %s", stolen)
	}
	unreadable(t, over(t, inner, newKeyset(t), nil), "k", "is the keyset the one")
	want(t, s, "k", "1")

	// The same record twice looks different.
	v := save(t, s, "twice", "1", "")
	first := dump(t, inner, "twice")
	save(t, s, "twice", "1", v)
	if first == dump(t, inner, "twice") {
		t.Error("equal records have equal ciphertexts")
	}
}

func TestARecordIsBoundToItsKeyAndStore(t *testing.T) {
	inner, h := auth.NewMemoryStore(), newKeyset(t)
	s := over(t, inner, h, nil)
	save(t, s, "contoso", "1", "")
	moved, _, err := inner.Load(t.Context(), "contoso")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inner.Save(t.Context(), "fabrikam", moved, ""); err != nil {
		t.Fatal(err)
	}
	unreadable(t, s, "fabrikam", "does not open")
	unreadable(t, over(t, inner, h, &tinkstore.Options{Label: "other"}), "contoso", "does not open")

	// Label and key are not simply put together.
	a, b := over(t, inner, h, &tinkstore.Options{Label: "1 2:x"}), over(t, inner, h, &tinkstore.Options{Label: "1"})
	save(t, a, "y", "1", "")
	if _, _, err := b.Load(t.Context(), "y"); !errors.Is(err, auth.ErrUnreadable) {
		t.Errorf("another label opens it: %v", err)
	}
}

func TestWhatTheInnerStoreShowsIsNotBelieved(t *testing.T) {
	inner := auth.NewMemoryStore()
	s := over(t, inner, newKeyset(t), nil)
	save(t, s, "k", "1", "")
	forged, v, err := inner.Load(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	forged.AuthorityHost, forged.TenantID, forged.ClientID = "evil.example", "evil", "evil"
	if _, err := inner.Save(t.Context(), "k", forged, v); err != nil {
		t.Fatal(err)
	}
	if r, _, err := s.Load(t.Context(), "k"); err != nil || r.AuthorityHost != "login.microsoftonline.com" || r.TenantID != "contoso" {
		t.Errorf("%v, error %v", r, err)
	}
}

func TestDamageIsSeenAndCanBeRepaired(t *testing.T) {
	inner := auth.NewMemoryStore()
	s := over(t, inner, newKeyset(t), nil)
	save(t, s, "k", "1", "")
	for name, damage := range map[string]func(string) string{
		"one letter": func(text string) string {
			last := text[len(text)-2]
			return text[:len(text)-2] + string(rune(last^1)) + text[len(text)-1:]
		},
		"cut off":    func(text string) string { return text[:len(text)/2] },
		"not base64": func(text string) string { return text + "?" },
		"nothing":    func(string) string { return "tink-sealed:" },
	} {
		r, v, err := inner.Load(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		r.RefreshToken = partnercenter.NewSecret(damage(r.RefreshToken.Reveal()))
		if v, err = inner.Save(t.Context(), "k", r, v); err != nil {
			t.Fatal(err)
		}
		unreadable(t, s, "k", "")
		if _, err := s.Save(t.Context(), "k", record(name), v); err != nil {
			t.Fatalf("%s: a new sign-in: %v", name, err)
		}
		want(t, s, "k", name)
	}
}

func TestKeysCanBeRotated(t *testing.T) {
	inner, old := auth.NewMemoryStore(), newKeyset(t)
	before := over(t, inner, old, nil)
	for _, key := range []string{"idle", "busy"} {
		save(t, before, key, "1", "")
	}
	both := rotated(t, old)
	during := over(t, inner, both, nil)
	want(t, during, "idle", "1")
	_, v, err := during.Load(t.Context(), "busy")
	if err != nil {
		t.Fatal(err)
	}
	save(t, during, "busy", "2", v)

	after := over(t, inner, retired(t, both), nil)
	want(t, after, "busy", "2") // by its own rotation
	unreadable(t, after, "idle", "does not open")
	if n, err := during.Reseal(t.Context()); n != 2 || err != nil {
		t.Errorf("Reseal: %d records, error %v", n, err)
	}
	want(t, after, "idle", "1")
	want(t, after, "busy", "2")
	unreadable(t, before, "idle", "does not open")
}

func TestResealLeavesWhatDoesNotOpen(t *testing.T) {
	inner := auth.NewMemoryStore()
	save(t, over(t, inner, newKeyset(t), nil), "foreign", "1", "")
	save(t, inner, "plain", "2", "")
	s := over(t, inner, newKeyset(t), nil)
	save(t, s, "mine", "3", "")
	foreign := dump(t, inner, "foreign")
	n, err := s.Reseal(t.Context())
	if n != 1 || !errors.Is(err, auth.ErrUnreadable) || !strings.Contains(err.Error(), `"foreign"`) || !strings.Contains(err.Error(), `"plain"`) {
		t.Errorf("%d records, error %v", n, err)
	}
	if dump(t, inner, "foreign") != foreign {
		t.Error("a record that does not open was changed")
	}
	want(t, s, "mine", "3")
	for _, key := range []string{"foreign", "plain", "mine"} { // no lock remains
		lease, err := s.Lock(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestPlainRecordsAreOnlyAcceptedOnDemand(t *testing.T) {
	inner, h := auth.NewMemoryStore(), newKeyset(t)
	save(t, inner, "k", "1", "")
	strict := over(t, inner, h, nil)
	unreadable(t, strict, "k", "set Options.AcceptPlain")
	lenient := over(t, inner, h, &tinkstore.Options{AcceptPlain: true})
	want(t, lenient, "k", "1")
	if n, err := lenient.Reseal(t.Context()); n != 1 || err != nil {
		t.Errorf("Reseal: %d records, error %v", n, err)
	}
	want(t, strict, "k", "1")
	if strings.Contains(dump(t, inner, "k"), canary) {
		t.Error("the record is still plain")
	}
}

// Reseal takes the lock: a redemption under way would lose its token otherwise.
func TestResealWaitsForARedemption(t *testing.T) {
	inner, h := auth.NewMemoryStore(), newKeyset(t)
	s := over(t, inner, h, nil)
	synctest.Test(t, func(t *testing.T) {
		v := save(t, s, "k", "1", "")
		lease, err := s.Lock(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		var n int
		var resealErr error
		var group sync.WaitGroup
		group.Go(func() { n, resealErr = s.Reseal(t.Context()) })
		synctest.Wait()         // it has come as far as it can
		save(t, s, "k", "2", v) // the redeemed token finds the version that it expects
		if err := lease.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		group.Wait()
		if n != 1 || resealErr != nil {
			t.Errorf("Reseal: %d records, error %v", n, resealErr)
		}
		want(t, s, "k", "2")
	})
}

func TestResealNeedsTimeListAndLock(t *testing.T) {
	inner, h := auth.NewMemoryStore(), newKeyset(t)
	s := over(t, inner, h, nil)
	save(t, s, "k", "1", "")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := s.Reseal(ended); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %d records, error %v", n, err)
	}
	if n, err := over(t, plain{inner}, h, nil).Reseal(t.Context()); n != 0 || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("over a store that cannot list: %d records, error %v", n, err)
	}
	save(t, s, "k2", "1", "")
	if n, err := over(t, listing{plain{inner}, inner}, h, nil).Reseal(t.Context()); n != 0 || !errors.Is(err, errors.ErrUnsupported) || strings.Count(err.Error(), "has no locks") != 1 {
		t.Errorf("over a store that cannot lock: %d records, error %v", n, err)
	}
	want(t, s, "k", "1")
}

// listing is a store that can list, but not lock.
type listing struct {
	plain
	auth.Lister
}

// between is a store in which something happens between Load and Save.
type between struct {
	*auth.MemoryStore
	meanwhile func(key string)
}

func (b *between) Load(ctx context.Context, key string) (auth.Record, auth.Version, error) {
	r, v, err := b.MemoryStore.Load(ctx, key)
	if err == nil && b.meanwhile != nil {
		b.meanwhile(key)
	}
	return r, v, err
}

func TestResealYieldsToOthers(t *testing.T) {
	inner, h := &between{MemoryStore: auth.NewMemoryStore()}, newKeyset(t)
	s := over(t, inner, h, nil)
	save(t, s, "k", "1", "")
	other := over(t, inner.MemoryStore, h, nil)
	inner.meanwhile = func(key string) {
		_, v, err := other.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		save(t, other, key, "2", v)
	}
	if n, err := s.Reseal(t.Context()); n != 0 || err != nil {
		t.Errorf("%d records, error %v, want none and no error", n, err)
	}
	want(t, other, "k", "2")
}

// remote is an AEAD behind a service that can be out of reach.
type remote struct {
	tink.AEAD
	err error
}

func (r *remote) EncryptWithContext(_ context.Context, p, a []byte) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	return r.Encrypt(p, a)
}

func (r *remote) DecryptWithContext(_ context.Context, c, a []byte) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	return r.Decrypt(c, a)
}

func TestAServiceOutOfReachIsNotDamage(t *testing.T) {
	kms := &remote{AEAD: cipher(t, newKeyset(t))}
	s, err := tinkstore.NewWithContext(auth.NewMemoryStore(), kms, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := save(t, s, "k", "1", "")
	want(t, s, "k", "1")
	kms.err = errors.New("key service is down")
	if _, _, err := s.Load(t.Context(), "k"); !errors.Is(err, kms.err) || errors.Is(err, auth.ErrUnreadable) {
		t.Errorf("Load: %v", err)
	}
	if _, err := s.Save(t.Context(), "k", record("2"), v); !errors.Is(err, kms.err) || strings.Contains(err.Error(), canary) {
		t.Errorf("Save: %v", err)
	}
	kms.err = nil
	want(t, s, "k", "1")
}

func TestNewNeedsItsParts(t *testing.T) {
	c := cipher(t, newKeyset(t))
	_, noStore := tinkstore.New(nil, c, nil)
	_, noCipher := tinkstore.New(auth.NewMemoryStore(), nil, nil)
	_, noRemote := tinkstore.NewWithContext(auth.NewMemoryStore(), nil, nil)
	if noStore == nil || noCipher == nil || noRemote == nil {
		t.Errorf("errors %v, %v, %v", noStore, noCipher, noRemote)
	}
	s, err := tinkstore.New(auth.NewMemoryStore(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %#v", s, s); got != "encrypted store over *auth.MemoryStore encrypted store over *auth.MemoryStore" {
		t.Error(got)
	}
}
