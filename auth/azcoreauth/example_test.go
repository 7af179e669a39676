package azcoreauth_test

import (
	"context"
	"fmt"
	"log"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/azcoreauth"
)

// A program on Azure signs in with its managed identity. The cloud keeps its
// tokens on the hosts of Partner Center.
func ExampleNewSource() {
	credential, err := azidentity.NewManagedIdentityCredential(nil)
	if err != nil {
		log.Fatal(err)
	}
	cloud := auth.GlobalCloud()
	source, err := azcoreauth.NewSource(credential, &auth.Options{Cloud: &cloud})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	// Usually payouts.New, analytics.New or ingestion.New takes it.
	token, err := source.Token(context.Background(), auth.TokenRequest{Resource: "https://api.partner.microsoft.com"})
	fmt.Println(token.ExpiresOn, err)
}

// Clients of the Azure SDK sign in with a source of this module.
func ExampleNewCredential() {
	source, err := auth.FromEnvironment(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	credential, err := azcoreauth.NewCredential(source)
	if err != nil {
		log.Print(err)
		return
	}
	// Usually azsecrets.NewClient or azblob.NewClient takes it.
	token, err := credential.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}})
	fmt.Println(token.ExpiresOn, err)
}
