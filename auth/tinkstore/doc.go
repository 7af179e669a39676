// Package tinkstore encrypts the records of any [auth.TokenStore], so that a stolen table,
// file or backup is of no use without the key.
//
//	handle, err := keyset.Read(...)          // wrapped by a key management service
//	aead, err := aead.New(handle)            // github.com/tink-crypto/tink-go/v2/aead
//	store, err := tinkstore.New(inner, aead, nil)
//
// The cipher is that of the Tink keyset (https://developers.google.com/tink/aead). The whole
// record is encrypted, unknown fields included, and bound to its key: a record that has
// been moved under another key, or changed in one bit, does not open. What the inner store
// shows besides is a copy for people, which Load does not believe. An attacker who can write
// to the inner store can still delete a record or put an older one in its place.
//
// # Changing the encryption key
//
// Add a key to the keyset and make it primary; the old one stays to open what it has
// sealed. Records change over by themselves with every new refresh token; [Store.Reseal]
// changes those that are idle. Then the old key can be removed.
package tinkstore
