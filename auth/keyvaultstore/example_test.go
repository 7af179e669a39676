package keyvaultstore_test

import (
	"log"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/keyvaultstore"
)

// The secret lies in Key Vault; locks and versions, which that has not, are those of the
// index. With several machines take a postgresstore or a redisstore as the index.
func Example() {
	var credential azcore.TokenCredential // of azidentity, for example a managed identity
	client, err := azsecrets.NewClient("https://myvault.vault.azure.net/", credential, nil)
	if err != nil {
		log.Fatal(err)
	}
	index, err := auth.NewFileStore("/var/lib/reports/tokens", nil)
	if err != nil {
		log.Fatal(err)
	}
	store, err := keyvaultstore.New(client, index, nil)
	if err != nil {
		log.Fatal(err)
	}
	source, err := auth.NewRefreshToken(auth.App{
		TenantID: "contoso.example", ClientID: "11111111-2222-3333-4444-555555555555",
	}, store, "contoso", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = source.Close() }()
}
