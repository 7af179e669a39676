package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/partnercenter-go/partnercenter/auth"
)

// watched passes calls on to the store under test and looks for tokens in its errors.
type watched struct {
	t     *testing.T
	store auth.TokenStore
}

func (w *watched) look(err error) {
	w.t.Helper()
	if err != nil {
		noToken(w.t, fmt.Sprintf("%v %+v %#v", err, err, err))
	}
}

// Load checks what holds for every answer: no record without a version and no version
// without a record, except for one that cannot be read.
func (w *watched) Load(ctx context.Context, key string) (auth.Record, auth.Version, error) {
	w.t.Helper()
	r, v, err := w.store.Load(ctx, key)
	w.look(err)
	if err == nil && (v == "" || r.RefreshToken.IsZero()) {
		w.t.Errorf("Load of %q: version %q and an error-free record of %v", key, v, r)
	}
	if err != nil && !r.RefreshToken.IsZero() {
		w.t.Errorf("Load of %q: a record together with the error %v", key, err)
	}
	return r, v, err
}

func (w *watched) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	w.t.Helper()
	v, err := w.store.Save(ctx, key, r, expect)
	w.look(err)
	if (v == "") == (err == nil) {
		w.t.Errorf("Save of %q: version %q with error %v", key, v, err)
	}
	return v, err
}

func (w *watched) lock(ctx context.Context, key string) (auth.Lease, error) {
	w.t.Helper()
	l, err := auth.LockKey(ctx, w.store, key)
	w.look(err)
	if (l == nil) == (err == nil) {
		w.t.Errorf("Lock of %q: lease %v with error %v", key, l, err)
	}
	return l, err
}

func (w *watched) delete(ctx context.Context, key string, expect auth.Version) error {
	w.t.Helper()
	err := auth.DeleteKey(ctx, w.store, key, expect)
	w.look(err)
	return err
}

// keys lists all keys; one that comes twice is a failure.
func (w *watched) keys(ctx context.Context) (map[string]bool, error) {
	w.t.Helper()
	found := map[string]bool{}
	var last error
	for key, err := range auth.Keys(ctx, w.store) {
		if last != nil {
			w.t.Error("Keys goes on after an error")
		}
		if last = err; err != nil {
			w.look(err)
			continue
		}
		if found[key] {
			w.t.Errorf("Keys yields %q twice", key)
		}
		found[key] = true
	}
	return found, last
}

// mustLoad loads a record that must be there.
func (w *watched) mustLoad(ctx context.Context, key string) (auth.Record, auth.Version) {
	w.t.Helper()
	r, v, err := w.Load(ctx, key)
	if err != nil {
		w.t.Fatalf("Load of %q: %v", key, err)
	}
	return r, v
}

// mustSave saves a record for which there must be no obstacle.
func (w *watched) mustSave(ctx context.Context, key string, r auth.Record, expect auth.Version) auth.Version {
	w.t.Helper()
	v, err := w.Save(ctx, key, r, expect)
	if err != nil {
		w.t.Fatalf("Save of %q: %v", key, err)
	}
	return v
}

// mustHold checks that the store holds a record in a version.
func (w *watched) mustHold(ctx context.Context, key string, want auth.Record, version auth.Version) {
	w.t.Helper()
	r, v := w.mustLoad(ctx, key)
	if v != version {
		w.t.Errorf("%q: version %q, want %q", key, v, version)
	}
	if d := difference(r, want); d != "" {
		w.t.Errorf("%q: %s", key, d)
	}
}
