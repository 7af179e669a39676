// Package azcoreauth connects the token sources of this module with the credentials of
// the Azure SDK, in both directions.
//
// [NewSource] makes a source of any credential of azidentity: managed identities, the
// Azure CLI, workload identity, or the chain that tries them all. The API packages then
// sign in wherever the Azure SDK can:
//
//	cred, err := azidentity.NewManagedIdentityCredential(nil)
//	src, err := azcoreauth.NewSource(cred, nil)
//	client, err := ingestion.New(src, nil)
//
// [NewCredential] goes the other way: clients of the Azure SDK, such as those of Key
// Vault and Blob Storage, sign in with a source of package auth.
//
// It is a module of its own, so that whoever does not use the Azure SDK does not depend
// on it.
package azcoreauth
