package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/keyringstore"
	"github.com/partnercenter-go/partnercenter/auth/redisstore"
)

// openedStore is the chosen store.
type openedStore struct {
	tokens auth.TokenStore
	name   string
	dir    string // of a file store
	close  func()
}

// openStore opens what the command line names.
func openStore(name string) (*openedStore, error) {
	nothing := func() {}
	kind, dir, _ := strings.Cut(name, ":")
	switch kind {
	case "file", "keyring":
		if kind == "keyring" && dir != "" {
			return nil, errors.New("-store keyring takes no directory")
		}
		files, dir, err := openFiles(kind, dir)
		if err != nil {
			return nil, err
		}
		if kind == "file" {
			return &openedStore{tokens: files, name: files.String(), dir: dir, close: nothing}, nil
		}
		// A keyring holds the token only; the files say which entry it is.
		keyring, err := keyringstore.New(files, nil)
		if err != nil {
			return nil, err
		}
		return &openedStore{tokens: keyring, name: "system's keyring", close: nothing}, nil
	case "redis", "rediss", "unix":
		opts, err := redis.ParseURL(name)
		if err != nil {
			return nil, errors.New("-store is no URL of a Redis server, such as redis://localhost:6379/0") // err may quote a password
		}
		opts.ContextTimeoutEnabled = true // who presses Ctrl-C does not wait for the server
		client := redis.NewClient(opts)
		store, err := redisstore.New(client, nil)
		if err != nil {
			return nil, errors.Join(err, client.Close())
		}
		return &openedStore{tokens: store, name: "Redis server " + opts.Addr, close: func() { _ = client.Close() }}, nil
	}
	return nil, fmt.Errorf("-store %q: choose file, file:DIRECTORY, keyring or the URL of a Redis server", kind)
}

// openFiles opens a directory for a file store, by default one in the user's configuration.
// The index of a keyring has one of its own.
func openFiles(kind, dir string) (*auth.FileStore, string, error) {
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, "", fmt.Errorf("%w: name a directory with -store file:DIRECTORY", err)
		}
		dir = filepath.Join(config, "partnercenter", "tokens-"+kind)
	}
	if err := writable(dir); err != nil {
		return nil, "", fmt.Errorf("nothing can be saved there, name another directory with -store file:DIRECTORY: %w", err)
	}
	store, err := auth.NewFileStore(dir, nil)
	return store, dir, err
}

// writable finds out before the user signs in, and not after, whether anything can be saved.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".signin-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
