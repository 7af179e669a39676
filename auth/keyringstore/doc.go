// Package keyringstore keeps refresh tokens in the keyring of the operating system, for
// command-line tools on people's machines: the Keychain of macOS, the Credential Manager
// of Windows, the Secret Service (GNOME Keyring, KWallet) of Linux and BSD.
//
//	index, err := auth.NewFileStore(filepath.Join(configDir, "mytool"), nil)
//	store, err := keyringstore.New(index, nil)
//
// A keyring holds short secrets and nothing else: no versions, no locks, no list. So another
// store, usually a file, is the index that says which entry is the present one, and
// provides the rest; see [auth.VaultStore]. The index holds no token. Records that are
// longer than an entry may be are divided among several.
//
// A keyring may have to be unlocked by its owner, and then waits: contexts do not end that.
// Services without a desktop have no keyring; use another store there.
package keyringstore
