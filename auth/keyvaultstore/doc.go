// Package keyvaultstore keeps refresh tokens in Azure Key Vault, where access to them is
// granted and logged.
//
//	client, err := azsecrets.NewClient("https://myvault.vault.azure.net/", credential, nil)
//	index, err := postgresstore.New(pool, nil) // or Redis, or a file
//	store, err := keyvaultstore.New(client, index, nil)
//
// Key Vault keeps every version of a secret, but can neither compare-and-set nor lock
// (https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret/set-secret). So another
// store, the index, says which version of which secret is the present one, and provides the
// locks and the list of keys; see [auth.VaultStore]. The index holds no token.
//
// Every save makes a version and disables the one before, which cannot be deleted alone.
// The program's identity needs the permissions get and set on secrets, for example the
// role Key Vault Secrets Officer
// (https://learn.microsoft.com/azure/key-vault/general/rbac-guide). A vault cannot back up a
// secret with more than 500 versions, and a token has some every day: do not count on
// backups of these secrets, a new sign-in replaces them.
package keyvaultstore
