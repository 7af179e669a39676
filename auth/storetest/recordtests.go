package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// tenant is the key of tests that need only one.
const tenant = "contoso.example"

func (s *suite) recordTests() map[string]func(*testing.T) {
	return map[string]func(*testing.T){
		"an unknown key has no record":             s.testNoRecord,
		"a record comes back as it was":            s.testRoundTrip,
		"zero times and absent fields stay absent": s.testSparse,
		"creating does not overwrite":              s.testCreateOnly,
		"a stale version does not overwrite":       s.testConflict,
		"every save has a new version":             s.testVersions,
		"a record outlives its store":              s.testReopen,
		"places are separate":                      s.testPlaces,
		"what cannot be stored is refused":         s.testRefusals,
		"size":                                     s.testSize,
		"an ended context stops everything":        s.testContext,
		"deleting needs the version":               s.testDelete,
		"a printed store shows no token":           s.testPrinting,
	}
}

func (s *suite) testNoRecord(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	_, v, err := store.Load(ctx, tenant)
	if !errors.Is(err, auth.ErrNoRecord) || v != "" {
		t.Errorf("Load: version %q, error %v, want ErrNoRecord", v, err)
	}
	if _, err := store.Save(ctx, tenant, sample(1), auth.NewVersion()); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("Save with a version where there is no record: %v, want ErrConflict", err)
	}
	if _, _, err := store.Load(ctx, tenant); !errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("Load after a refused Save: %v, want ErrNoRecord", err)
	}
}

func (s *suite) testRoundTrip(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	v := store.mustSave(ctx, tenant, sample(1), "")
	store.mustHold(ctx, tenant, sample(1), v)

	// What has been loaded belongs to the caller.
	r, _ := store.mustLoad(ctx, tenant)
	for name := range r.Extra {
		copy(r.Extra[name], "!!!!")
		delete(r.Extra, name)
	}
	store.mustHold(ctx, tenant, sample(1), v)

	// And so does what has been saved.
	mine := sample(2)
	v = store.mustSave(ctx, tenant, mine, v)
	clear(mine.Extra)
	store.mustHold(ctx, tenant, sample(2), v)
}

func (s *suite) testSparse(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	sparse := auth.Record{RefreshToken: partnercenter.NewSecret(tokenMark + "sparse")}
	v := store.mustSave(ctx, tenant, sample(1), "")
	v = store.mustSave(ctx, tenant, sparse, v)
	store.mustHold(ctx, tenant, sparse, v)
	r, _ := store.mustLoad(ctx, tenant)
	if !r.LastUsedAt.IsZero() || len(r.Extra) != 0 || r.ClientID != "" {
		t.Errorf("fields of the record before are still there: %v", r)
	}
}

func (s *suite) testCreateOnly(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	v := store.mustSave(ctx, tenant, sample(1), "")
	if _, err := store.Save(ctx, tenant, sample(2), ""); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("second creation: %v, want ErrConflict", err)
	}
	store.mustHold(ctx, tenant, sample(1), v)
}

func (s *suite) testConflict(t *testing.T) {
	place := s.place(t)
	ctx, here, there := bounded(t), s.at(t, place), s.at(t, place)
	old := here.mustSave(ctx, tenant, sample(1), "")
	present := there.mustSave(ctx, tenant, sample(2), old)
	for _, stale := range []auth.Version{old, auth.NewVersion(), present + "x", " ", "'; --"} {
		if _, err := here.Save(ctx, tenant, sample(3), stale); !errors.Is(err, auth.ErrConflict) {
			t.Errorf("Save with version %q where %q is stored: %v, want ErrConflict", stale, present, err)
		}
	}
	here.mustHold(ctx, tenant, sample(2), present)
	if v := here.mustSave(ctx, tenant, sample(3), present); v == present {
		t.Error("the version has not changed")
	}
}

func (s *suite) testVersions(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	seen := map[auth.Version]bool{}
	var v auth.Version
	for range 20 {
		v = store.mustSave(ctx, tenant, sample(1), v) // the same record every time
		if seen[v] {
			t.Fatalf("version %q has been there before: a writer that knows it would overwrite what came between", v)
		}
		seen[v] = true
	}
}

func (s *suite) testReopen(t *testing.T) {
	ctx, place := bounded(t), s.place(t)
	v := s.at(t, place).mustSave(ctx, tenant, sample(1), "")
	again := s.at(t, place)
	again.mustHold(ctx, tenant, sample(1), v)
	v = again.mustSave(ctx, tenant, sample(2), v)
	s.at(t, place).mustHold(ctx, tenant, sample(2), v)
}

func (s *suite) testPlaces(t *testing.T) {
	ctx, here, there := bounded(t), s.fresh(t), s.fresh(t)
	v := here.mustSave(ctx, tenant, sample(1), "")
	if _, _, err := there.Load(ctx, tenant); !errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("another place has the record too: %v", err)
	}
	there.mustSave(ctx, tenant, sample(2), "")
	here.mustHold(ctx, tenant, sample(1), v)
}

func (s *suite) testRefusals(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	v := store.mustSave(ctx, tenant, sample(1), "")
	for name, change := range map[string]func(*auth.Record){
		"no token":           func(r *auth.Record) { r.RefreshToken = partnercenter.Secret{} },
		"printed token":      func(r *auth.Record) { r.RefreshToken = partnercenter.NewSecret(r.RefreshToken.String()) },
		"token not UTF-8":    func(r *auth.Record) { r.RefreshToken = partnercenter.NewSecret(tokenMark + "\xff") },
		"tenant not UTF-8":   func(r *auth.Record) { r.TenantID = "\xff" },
		"year out of range":  func(r *auth.Record) { r.ObtainedAt = time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC) },
		"newer schema":       func(r *auth.Record) { r.Schema = 1 << 20 },
		"known field as new": func(r *auth.Record) { r.Extra["refresh_token"] = json.RawMessage(`"x"`) },
		"broken new field":   func(r *auth.Record) { r.Extra["new"] = json.RawMessage(`{`) },
	} {
		r := sample(2)
		change(&r)
		if _, err := store.Save(ctx, tenant, r, v); err == nil || errors.Is(err, auth.ErrConflict) {
			t.Errorf("%s: %v, want the error of MarshalRecord", name, err)
		}
		store.mustHold(ctx, tenant, sample(1), v)
	}
}

func (s *suite) testSize(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	large := sized(1, s.opts.TokenSize)
	v := store.mustSave(ctx, tenant, large, "")
	store.mustHold(ctx, tenant, large, v)
	v = store.mustSave(ctx, tenant, sample(2), v)
	store.mustHold(ctx, tenant, sample(2), v)

	for _, size := range []int{auth.MaxRecordSize, 1 << 20} {
		if _, err := store.Save(ctx, tenant, sized(3, size), v); !errors.Is(err, auth.ErrTooLarge) {
			t.Errorf("token of %d bytes: %v, want ErrTooLarge", size, err)
		}
		if _, err := store.Save(ctx, "another", sized(3, size), ""); !errors.Is(err, auth.ErrTooLarge) {
			t.Errorf("new token of %d bytes: %v, want ErrTooLarge", size, err)
		}
	}
	store.mustHold(ctx, tenant, sample(2), v)
	if _, _, err := store.Load(ctx, "another"); !errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("after a record that was too large: %v, want ErrNoRecord", err)
	}
}

func (s *suite) testContext(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	v := store.mustSave(ctx, tenant, sample(1), "")
	ended, cancel := context.WithCancel(ctx)
	cancel()
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, context.Canceled) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s with an ended context: %v, want context.Canceled", what, err)
		}
	}
	_, _, err := store.Load(ended, tenant)
	check("Load", err)
	_, err = store.Save(ended, tenant, sample(2), v)
	check("Save", err)
	_, err = store.lock(ended, tenant)
	check("Lock", err)
	check("Delete", store.delete(ended, tenant, v))
	_, err = store.keys(ended)
	check("Keys", err)
	store.mustHold(ctx, tenant, sample(1), v)
}

func (s *suite) testDelete(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	first := store.mustSave(ctx, tenant, sample(1), "")
	kept := store.mustSave(ctx, "fabrikam.example", sample(9), "")
	err := store.delete(ctx, tenant, auth.NewVersion())
	unsupported(t, err)
	if !errors.Is(err, auth.ErrConflict) {
		t.Errorf("Delete with another version: %v, want ErrConflict", err)
	}
	if err := store.delete(ctx, tenant, ""); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("Delete with no version: %v, want ErrConflict", err)
	}
	if err := store.delete(ctx, "nobody.example", first); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("Delete of nothing: %v, want ErrConflict", err)
	}
	store.mustHold(ctx, tenant, sample(1), first)

	err = store.delete(ctx, tenant, first)
	unsupported(t, err) // a wrapper may find the conflicts above by itself
	if err != nil {
		t.Fatalf("Delete: %v", err)
	}
	if _, _, err := store.Load(ctx, tenant); !errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("Load after Delete: %v, want ErrNoRecord", err)
	}
	if err := store.delete(ctx, tenant, first); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("second Delete: %v, want ErrConflict", err)
	}
	// Whoever still knows the deleted record must not reach the one made since.
	if _, err := store.Save(ctx, tenant, sample(2), first); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("Save with the version of a deleted record: %v, want ErrConflict", err)
	}
	second := store.mustSave(ctx, tenant, sample(3), "")
	if _, err := store.Save(ctx, tenant, sample(4), first); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("Save over a record made anew, with the version of the deleted one: %v, want ErrConflict", err)
	}
	store.mustHold(ctx, tenant, sample(3), second)
	store.mustHold(ctx, "fabrikam.example", sample(9), kept)
}

func (s *suite) testPrinting(t *testing.T) {
	ctx, store := bounded(t), s.fresh(t)
	v := store.mustSave(ctx, tenant, sample(1), "")
	store.mustHold(ctx, tenant, sample(1), v)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		noToken(t, fmt.Sprintf(verb, store.store))
	}
	if text, err := json.Marshal(store.store); err == nil {
		noToken(t, string(text))
	}
}
