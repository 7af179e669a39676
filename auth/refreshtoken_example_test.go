package auth_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/partnercenter-go/partnercenter/auth"
)

// A source is made of the refresh token that a sign-in has left in a store. Here nobody has
// signed in yet, which the error says.
func ExampleNewRefreshToken() {
	dir, err := os.MkdirTemp("", "tokens")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := auth.NewFileStore(filepath.Join(dir, "partnercenter"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	src, err := auth.NewRefreshToken(auth.App{
		TenantID: "contoso.example",
		ClientID: "11111111-2222-3333-4444-555555555555",
	}, store, "contoso", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()

	_, err = src.Token(context.Background(), auth.TokenRequest{Resource: "https://api.partner.microsoft.com"})
	if e, ok := errors.AsType[*auth.Error](err); ok {
		fmt.Println(e.Kind)
		fmt.Println(e.Advice)
	}
	// Output:
	// user interaction required
	// Let the user sign in and save the refresh token under key "contoso".
}
