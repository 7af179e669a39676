package auth_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// What a program that redeems refresh tokens does with a store: under the lock, load, use,
// save what has come back.
func ExampleTokenStore() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "tokens")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := auth.NewFileStore(filepath.Join(dir, "contoso-tool"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	// Somebody has signed in.
	signedIn := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	_, err = store.Save(ctx, "contoso.example", auth.Record{
		RefreshToken:  partnercenter.NewSecret("the first refresh token"),
		TenantID:      "contoso.example",
		ClientID:      "11111111-2222-3333-4444-555555555555",
		AuthorityHost: "login.microsoftonline.com",
		ObtainedAt:    signedIn,
		SignedInAt:    signedIn,
	}, "")
	if err != nil {
		fmt.Println(err)
		return
	}

	lease, err := auth.LockKey(ctx, store, "contoso.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	record, version, err := store.Load(ctx, "contoso.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	record.RefreshToken = partnercenter.NewSecret("the next refresh token")
	record.ObtainedAt = signedIn.Add(24 * time.Hour)
	if _, err := store.Save(ctx, "contoso.example", record, version); err != nil {
		fmt.Println(err)
		return
	}
	if err := lease.Release(ctx); err != nil {
		fmt.Println(err)
		return
	}

	// Whoever comes with what he loaded before finds that it has changed.
	_, err = store.Save(ctx, "contoso.example", record, version)
	fmt.Println(errors.Is(err, auth.ErrConflict))
	fmt.Println(record, record.RefreshToken)
	// Output:
	// true
	// refresh token of application 11111111-2222-3333-4444-555555555555 in tenant contoso.example at login.microsoftonline.com [redacted]
}

// The age of every tenant's refresh token.
func ExampleKeys() {
	ctx := context.Background()
	store := auth.NewMemoryStore()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	_, err := store.Save(ctx, "contoso.example", auth.Record{
		RefreshToken: partnercenter.NewSecret("a refresh token"),
		ObtainedAt:   now.Add(-80 * 24 * time.Hour),
	}, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for key, err := range auth.Keys(ctx, store) {
		if err != nil {
			fmt.Println(err)
			return
		}
		record, _, err := store.Load(ctx, key)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s: %.0f days old\n", key, now.Sub(record.ObtainedAt).Hours()/24)
	}
	// Output:
	// contoso.example: 80 days old
}
