package keyringstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/keyringstore"
)

// A tool on somebody's own machine keeps the token in the keyring and only its place in a
// file.
func Example() {
	config, err := os.UserConfigDir()
	if err != nil {
		log.Fatal(err)
	}
	index, err := auth.NewFileStore(filepath.Join(config, "mytool", "tokens"), nil)
	if err != nil {
		log.Fatal(err)
	}
	store, err := keyringstore.New(index, &keyringstore.Options{Service: "mytool"})
	if err != nil {
		log.Fatal(err)
	}
	who, err := auth.SignInWithBrowser(context.Background(), auth.SignIn{
		App:   auth.App{TenantID: "contoso.example", ClientID: "11111111-2222-3333-4444-555555555555"},
		Store: store, Key: "contoso", Resource: "https://api.partner.microsoft.com",
	}, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signed in as", who.Username)
}
