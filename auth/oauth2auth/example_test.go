package oauth2auth_test

import (
	"context"
	"fmt"
	"log"

	"golang.org/x/oauth2"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/oauth2auth"
)

// Another library's tokens serve the clients of this module, for the API that they were
// issued for.
func ExampleNewSource() {
	theirs := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "eyJ0eXAi..."})
	source, err := oauth2auth.NewSource(theirs, oauth2auth.Binding{Resource: "https://api.partner.microsoft.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	token, err := source.Token(context.Background(), auth.TokenRequest{Resource: "https://api.partner.microsoft.com"})
	fmt.Println(token.Value, err)
	_, err = source.Token(context.Background(), auth.TokenRequest{Resource: "https://graph.microsoft.com"})
	fmt.Println(err != nil)
	// Output:
	// [redacted] <nil>
	// true
}

// A library that wants an HTTP client gets one that signs in with a source of this module.
func ExampleNewTokenSource() {
	ctx := context.Background()
	source, err := auth.FromEnvironment(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	tokens, err := oauth2auth.NewTokenSource(ctx, source, auth.TokenRequest{Resource: "https://graph.microsoft.com"})
	if err != nil {
		log.Print(err)
		return
	}
	client := oauth2.NewClient(ctx, tokens)
	fmt.Println(client.Timeout)
}
