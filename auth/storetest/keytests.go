package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/auth"
)

func (s *suite) keyTests() map[string]func(*testing.T) {
	return map[string]func(*testing.T){
		"hostile keys are keys like others": s.testHostileKeys,
		"invalid keys are refused":          s.testInvalidKeys,
		"all keys are listed":               s.testKeys,
		"many tenants":                      s.testManyTenants,
	}
}

// hostileKeys have a meaning somewhere: in file systems, patterns, queries, URLs, or only
// look like one another.
func hostileKeys() []string {
	return []string{
		"contoso", "Contoso", "CONTOSO", "contoso ", " contoso", "contoso.", "contoso.json", "contoso.lock", "contoso.tmp",
		"..", ".", "../contoso", "../../etc/passwd", "/etc/passwd", `..\contoso`, `C:\contoso`, "~", "contoso/fabrikam", "contoso//fabrikam",
		"con", "NUL", "aux.txt", "COM1", "-rf", "--help",
		"*", "?", "[a-z]*", "conto*", "contos?", "conto[s]o", "{contoso}", "%", "_", "contos_", "conto%", "%2e%2e%2f",
		"'", `"`, "';drop table tokens;--", "$1", "${HOME}", "$(id)", "`id`", `\`, "|", "&", "<x>", "#", "a:b", "a;b", "a,b", "a=b", "@", "\u00a0",
		"straße", "strasse", "STRASSE", "\u00e9", "e\u0301", "ｃontoso", "сontoso", "contoso\u200b", "\u202econtoso", "日本", "😀", "\ufffd", "ﬀ", "İ", "ı",
		strings.Repeat("k", 512), strings.Repeat("k", 511) + "j", strings.Repeat("😀", 128), strings.Repeat("/", 512),
		strings.Repeat("k", 127), strings.Repeat("k", 128), strings.Repeat("k", 255), strings.Repeat("k", 256),
	}
}

func (s *suite) testHostileKeys(t *testing.T) {
	place := s.place(t)
	ctx, store := bounded(t), s.at(t, place)
	versions := map[string]auth.Version{}
	for n, key := range hostileKeys() {
		if _, _, err := store.Load(ctx, key); !errors.Is(err, auth.ErrNoRecord) {
			t.Errorf("%q is there before it was saved: %v", key, err)
			continue
		}
		versions[key] = store.mustSave(ctx, key, sample(n), "")
	}
	again := s.at(t, place)
	for n, key := range hostileKeys() {
		again.mustHold(ctx, key, sample(n), versions[key])
	}
	found, err := again.keys(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	if err != nil {
		t.Fatalf("Keys: %v", err)
	}
	for _, key := range hostileKeys() {
		if !found[key] {
			t.Errorf("Keys lacks %q", key)
		}
		delete(found, key)
	}
	if len(found) > 0 {
		t.Errorf("Keys has keys that were never saved: %q", slices.Collect(maps.Keys(found)))
	}
}

func (s *suite) testInvalidKeys(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	for _, key := range []string{"", "\x00", "a\x00b", "a\nb", "\t", "\x7f", "\u0085", "\xff", "a\xc3", strings.Repeat("k", 513)} {
		_, _, err := store.Load(ctx, key)
		_, err2 := store.Save(ctx, key, sample(1), "")
		_, err3 := store.lock(ctx, key)
		err4 := store.delete(ctx, key, auth.NewVersion())
		for what, err := range map[string]error{"Load": err, "Save": err2, "Lock": err3, "Delete": err4} {
			if !errors.Is(err, auth.ErrInvalidKey) && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s of key %q: %v, want ErrInvalidKey", what, key, err)
			}
		}
	}
	found, err := store.keys(ctx)
	if len(found) > 0 || err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Keys: %v, error %v, want none", found, err)
	}
}

func (s *suite) testKeys(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	found, err := store.keys(ctx)
	unsupported(t, err)
	if err != nil || len(found) > 0 {
		t.Errorf("an empty store lists %v, error %v", found, err)
	}
	versions := map[string]auth.Version{}
	for n := range 5 {
		key := fmt.Sprintf("tenant-%d", n)
		versions[key] = store.mustSave(ctx, key, sample(n), "")
	}
	// A lock is not a record.
	if lease, err := store.lock(ctx, "locked"); err == nil {
		defer func() { _ = lease.Release(ctx) }()
	}
	_ = store.delete(ctx, "tenant-3", versions["tenant-3"])
	if _, _, err := store.Load(ctx, "tenant-3"); errors.Is(err, auth.ErrNoRecord) {
		delete(versions, "tenant-3")
	}
	found, err = store.keys(ctx)
	if err != nil {
		t.Fatalf("Keys: %v", err)
	}
	if len(found) != len(versions) {
		t.Errorf("Keys lists %v, want %d keys", found, len(versions))
	}
	for key := range versions {
		if !found[key] {
			t.Errorf("Keys lacks %q", key)
		}
	}
	for _, err := range auth.Keys(ctx, store.store) { // leaving early is allowed
		if err != nil {
			t.Errorf("Keys: %v", err)
		}
		break
	}
}

// tenants is how many the largest test has.
const tenants = 300

func (s *suite) testManyTenants(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	for n := range tenants {
		store.mustSave(ctx, fmt.Sprintf("%08d.example", n), sample(n), "")
	}
	found, err := store.keys(ctx)
	if err == nil && len(found) != tenants {
		t.Errorf("Keys lists %d of %d", len(found), tenants)
	}
	for n := range tenants {
		r, _ := store.mustLoad(ctx, fmt.Sprintf("%08d.example", n))
		if number(r) != n {
			t.Errorf("tenant %d has the record of tenant %d", n, number(r))
		}
	}
}
